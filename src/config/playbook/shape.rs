//! Which names a kind of object has, and where `*` may stand among them.

use super::{ObjectType, PlaybookGrant};
use crate::config::Located;
use crate::model::{Diagnostic, ObjectClass, Place};

/// One name, or all there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// `*`.
    All,
    /// As written, before folding.
    Named(String),
}

/// What a grant is on, by the names that it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shape {
    /// The account that the connection is to.
    Account,
    /// What stands in no database: a warehouse, an integration, a language.
    Global(String),
    /// A database.
    Database(String),
    /// A schema, or every schema of a database.
    Schema(String, Part),
    /// What lives in a schema.
    Object(String, Part, Part),
    /// A role of the account.
    Role(String),
    /// A role of a database.
    DatabaseRole(String, String),
    /// Nobody here knows what.
    Unsupported,
}

impl Shape {
    /// Whether it stands for objects that it does not name.
    pub fn is_wild(&self) -> bool {
        match self {
            Self::Schema(_, schema) => *schema == Part::All,
            Self::Object(_, schema, object) => *schema == Part::All || *object == Part::All,
            _ => false,
        }
    }
}

/// The names of a grant, with variables in their places.
#[derive(Debug, Clone, Copy, Default)]
struct Names<'n> {
    object: Option<&'n str>,
    schema: Option<&'n str>,
    database: Option<&'n str>,
}

/// Reads the names of a grant. `expanded` gives a name with its variables in their places.
///
/// # Errors
/// Everything that is wrong with them.
pub fn shape(
    grant: &PlaybookGrant,
    expanded: impl Fn(&Located<String>) -> String,
) -> Result<Shape, Vec<Diagnostic>> {
    let [object, schema, database] = [&grant.object, &grant.schema, &grant.database]
        .map(|name| name.as_ref().map(&expanded).filter(|name| !name.is_empty()));
    let names = Names {
        object: object.as_deref(),
        schema: schema.as_deref(),
        database: database.as_deref(),
    };
    let kind = &grant.object_type.value;
    let partial = partial(grant, names);
    if !partial.is_empty() {
        return Err(partial);
    }
    let is_account = *kind == ObjectType::Class(ObjectClass::Account);
    if !is_account && names.object.or(names.schema).or(names.database).is_none() {
        return Err(vec![
            Diagnostic::error("names-nothing", format!("a grant on {} names nothing", a(kind)))
                .with_help("write at least one of object-name, schema-name and database-name; only account-level grants need none")
                .with_place(grant.place.clone()),
        ]);
    }
    let of = Of { grant, kind };
    match kind {
        ObjectType::Class(ObjectClass::Account) => of.account(names),
        ObjectType::Class(ObjectClass::Database) => of.database(names),
        ObjectType::Class(ObjectClass::Schema) => of.schema(names),
        ObjectType::Class(class) if class.is_global() => of.global(names).map(Shape::Global),
        ObjectType::Class(_) | ObjectType::SomeOf(..) => of.object(names),
        ObjectType::Role => of.global(names).map(Shape::Role),
        ObjectType::DatabaseRole => of.database_role(names),
        ObjectType::Unsupported(_) => Ok(Shape::Unsupported),
    }
    .map_err(|problem| vec![*problem])
}

fn a(kind: &ObjectType) -> String {
    let word = kind.as_str().replace('_', " ");
    let article = if word.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" };
    format!("{article} {word}")
}

/// Names with a `*` that is not the whole of them: `fct_*` is no wildcard, and hardly a name.
fn partial(grant: &PlaybookGrant, names: Names<'_>) -> Vec<Diagnostic> {
    let written = [
        ("object-name", &grant.object, names.object),
        ("schema-name", &grant.schema, names.schema),
        ("database-name", &grant.database, names.database),
    ];
    let looks_wild = |name: &str| name != "*" && name.contains('*') && !name.starts_with('"');
    let wrong = written.into_iter().filter(|(_, _, name)| name.is_some_and(looks_wild));
    wrong
        .map(|(key, written, name)| {
            let place = written.as_ref().map_or(&grant.place, |written| &written.place);
            let text = written.as_ref().map_or("", |written| written.value.as_str());
            let exact = name.filter(|_| !super::refers(text)).unwrap_or(text);
            Diagnostic::error(
                "partial-wildcard",
                format!("`{text}` as {key}: a `*` stands for all only by itself"),
            )
            .with_help(format!(
                "write \"*\" for all; a name that has a star in it goes in double quotes: '\"{exact}\"'"
            ))
            .with_place(place.clone())
        })
        .collect()
}

struct Of<'g> {
    grant: &'g PlaybookGrant,
    kind: &'g ObjectType,
}

type Found<T> = Result<T, Box<Diagnostic>>;

impl Of<'_> {
    fn problem(
        &self,
        code: &'static str,
        key: &str,
        what: String,
        help: String,
    ) -> Box<Diagnostic> {
        let written = match key {
            "object-name" => &self.grant.object,
            "schema-name" => &self.grant.schema,
            _ => &self.grant.database,
        };
        let place: &Place = written.as_ref().map_or(&self.grant.place, |written| &written.place);
        Box::new(Diagnostic::error(code, what).with_help(help).with_place(place.clone()))
    }

    fn no_wildcard(&self, key: &str, why: &str) -> Box<Diagnostic> {
        let what = format!("`*` may not be the {key} of {}: {why}", a(self.kind));
        self.problem("no-wildcard", key, what, "name each of them in a grant of its own".to_owned())
    }

    fn lacks(&self, key: &str, help: &str) -> Box<Diagnostic> {
        let what = format!("a grant on {} has no `{key}`", a(self.kind));
        Box::new(
            Diagnostic::error("missing-key", what)
                .with_help(help)
                .with_place(self.grant.place.clone()),
        )
    }

    fn says_nothing(&self, key: &str, help: &str) -> Box<Diagnostic> {
        let what = format!("`{key}` says nothing on {}", a(self.kind));
        self.problem("useless-name", key, what, help.to_owned())
    }

    /// Databases stand in nothing that a grant could name: there is no "all", and no future one.
    fn database_name(&self, name: Option<&str>) -> Found<String> {
        match name {
            Some("*") => Err(self.no_wildcard(
                "database-name",
                "databases stand in nothing that a grant could name, and none can be given ahead",
            )),
            Some(name) => Ok(name.to_owned()),
            None => Err(self.lacks("database-name", "name the database that it is in")),
        }
    }

    /// Data Fence's own import writes the account's name: whichever the connection is to is meant.
    fn account(&self, names: Names<'_>) -> Found<Shape> {
        let wild = [
            ("object-name", names.object),
            ("schema-name", names.schema),
            ("database-name", names.database),
        ];
        match wild.into_iter().find(|(_, name)| *name == Some("*")) {
            Some((key, _)) => Err(self.no_wildcard(key, "there is one, that of the connection")),
            None => Ok(Shape::Account),
        }
    }

    fn database(&self, names: Names<'_>) -> Found<Shape> {
        if names.schema.is_some() {
            return Err(
                self.says_nothing("schema-name", "leave it out, or write object-type: schema")
            );
        }
        match (names.object, names.database) {
            (Some(object), Some(database)) if object != database => {
                let what = "object-name and database-name name two databases".to_owned();
                Err(self.problem(
                    "useless-name",
                    "object-name",
                    what,
                    "keep one of the two".to_owned(),
                ))
            }
            (Some("*"), _) => Err(self.no_wildcard(
                "object-name",
                "databases stand in nothing that a grant could name, and none can be given ahead",
            )),
            (object, database) => self.database_name(database.or(object)).map(Shape::Database),
        }
    }

    fn schema(&self, names: Names<'_>) -> Found<Shape> {
        let database = self.database_name(names.database)?;
        let named = match (names.schema, names.object) {
            (Some(_), Some(_)) => {
                return Err(self.says_nothing("object-name", "the schema is named by schema-name"));
            }
            (schema, object) => schema.or(object),
        };
        match named {
            Some(name) => Ok(Shape::Schema(database, part(name))),
            None => Err(self.lacks(
                "schema-name",
                "name it, or write schema-name: \"*\" for all of the database",
            )),
        }
    }

    fn object(&self, names: Names<'_>) -> Found<Shape> {
        let database = self.database_name(names.database)?;
        let all = "name it, or write object-name: \"*\" for all";
        match (names.schema, names.object) {
            (None, None) => Err(self.lacks("object-name", all)),
            (None, Some("*")) => Ok(Shape::Object(database, Part::All, Part::All)),
            (None, Some(_)) => {
                Err(self.lacks("schema-name", "name it, or write schema-name: \"*\" for all"))
            }
            (Some("*"), None) => Ok(Shape::Object(database, Part::All, Part::All)),
            (Some(_), None) => Err(self.lacks("object-name", all)),
            (Some(schema), Some(object)) => Ok(Shape::Object(database, part(schema), part(object))),
        }
    }

    fn global(&self, names: Names<'_>) -> Found<String> {
        if names.schema.is_some() {
            return Err(self.says_nothing("schema-name", "leave it out: it stands in no schema"));
        }
        if names.database.is_some() {
            return Err(
                self.says_nothing("database-name", "leave it out: it stands in no database")
            );
        }
        match names.object {
            Some("*") => Err(self.no_wildcard(
                "object-name",
                "it stands in no schema and no database, so nobody can be given all of them, nor those to come",
            )),
            Some(name) => Ok(name.to_owned()),
            None => Err(self.lacks("object-name", "name it")),
        }
    }

    fn database_role(&self, names: Names<'_>) -> Found<Shape> {
        if names.schema.is_some() {
            return Err(self.says_nothing("schema-name", "leave it out: it stands in no schema"));
        }
        let database = self.database_name(names.database)?;
        match names.object {
            Some("*") => Err(self.no_wildcard("object-name", "a membership is in one role")),
            Some(name) => Ok(Shape::DatabaseRole(database, name.to_owned())),
            None => Err(self.lacks("object-name", "name the role")),
        }
    }
}

fn part(name: &str) -> Part {
    if name == "*" { Part::All } else { Part::Named(name.to_owned()) }
}
