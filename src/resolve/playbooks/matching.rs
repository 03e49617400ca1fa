//! Which objects a shape stands for, as far as anybody has looked.

use super::super::Inputs;
use super::super::nodes::is_the_servers;
use super::Giving;
use crate::model::{DialectKind, Ident, ObjectClass, Securable};

/// The classes that one word of a wildcard stands for. PostgreSQL's TABLES are all relations and its
/// FUNCTIONS all routines, in default privileges and so in what is there.
pub(super) fn family(inputs: &Inputs, class: ObjectClass) -> Vec<ObjectClass> {
    use ObjectClass::{ForeignTable, Function, MaterializedView, Procedure, Table, View};
    match (inputs.dialect.kind(), class) {
        (DialectKind::Postgres, Table) => vec![Table, View, MaterializedView, ForeignTable],
        (DialectKind::Postgres, Function) => vec![Function, Procedure],
        _ => vec![class],
    }
}

/// A schema that no `*` stands for: the server's own, and that of the receipts.
pub(super) fn is_of_the_server(inputs: &Inputs, schema: &Ident) -> bool {
    is_system(inputs, schema) || is_of_receipts(inputs, schema)
}

/// The server's own.
pub(super) fn is_system(inputs: &Inputs, schema: &Ident) -> bool {
    is_the_servers(inputs, schema)
        || match inputs.dialect.kind() {
            DialectKind::Postgres => schema.as_str() == "information_schema",
            DialectKind::Snowflake => schema.as_str() == "INFORMATION_SCHEMA",
        }
}

/// Where receipts are kept: whoever could write there could rewrite what was done.
pub(super) fn is_of_receipts(inputs: &Inputs, schema: &Ident) -> bool {
    match inputs.dialect.kind() {
        DialectKind::Postgres => schema.as_str() == "rolecall",
        DialectKind::Snowflake => schema.as_str() == "ROLECALL",
    }
}

impl Giving<'_, '_> {
    /// The schemas of a database.
    pub(super) fn schemas(&self, database: &Ident) -> Vec<Securable> {
        let inputs = self.inputs;
        let named = |key: &(Ident, Ident)| key.0 == *database && !is_of_the_server(inputs, &key.1);
        let schema = |(database, name): (Ident, Ident)| Securable::schema(database, name);
        if inputs.inventory.looked {
            let all = inputs.inventory.schemas.iter().filter(|key| named(key)).cloned();
            return all.map(schema).collect();
        }
        let mut all: Vec<(Ident, Ident)> =
            self.nodes.iter().filter_map(Securable::schema_key).filter(named).collect();
        all.sort();
        all.dedup();
        all.into_iter().map(schema).collect()
    }

    /// What is of a class in a database, in one schema of it or in all, of one name or of all.
    pub(super) fn inside(
        &self,
        class: ObjectClass,
        database: &Ident,
        schema: Option<&Ident>,
        name: Option<&Ident>,
    ) -> Vec<Securable> {
        let inputs = self.inputs;
        let classes = family(inputs, class);
        let fits = |on: &Securable| {
            classes.contains(&on.class())
                && on.database_name() == Some(database)
                && on.schema_name().is_some_and(|its| match schema {
                    Some(schema) => its == schema,
                    None => !is_of_the_server(inputs, its),
                })
                && name.is_none_or(|name| on.name() == Some(name))
        };
        if !inputs.inventory.looked {
            let mut all: Vec<Securable> =
                self.nodes.iter().filter(|on| fits(on)).cloned().collect();
            all.sort();
            all.dedup();
            return all;
        }
        if class.is_relation() {
            return self.relations(database, schema).filter(fits).collect();
        }
        inputs.inventory.objects.keys().filter(|on| fits(on)).cloned().collect()
    }

    /// The relations of a database, or of one schema of it: they stand beside each other.
    fn relations(
        &self,
        database: &Ident,
        schema: Option<&Ident>,
    ) -> impl Iterator<Item = Securable> {
        let all = &self.inputs.inventory.relations;
        // No name is smaller.
        let least = Ident::new("\u{1}").ok();
        let from = schema.or(least.as_ref()).zip(least.as_ref());
        let from = from.map(|(schema, name)| (database.clone(), schema.clone(), name.clone()));
        let from = match from {
            Some(from) => std::ops::Bound::Included(from),
            None => std::ops::Bound::Unbounded,
        };
        let (database, schema) = (database.clone(), schema.cloned());
        all.range((from, std::ops::Bound::Unbounded))
            .take_while(move |((its, of, _), _)| {
                *its == database && schema.as_ref().is_none_or(|schema| of == schema)
            })
            .map(|((database, schema, name), relation)| {
                let (database, schema) = (database.clone(), schema.clone());
                Securable::in_schema(relation.class, database, schema, name.clone())
            })
    }
}

/// A routine's name, and what stands in its parentheses.
///
/// # Errors
/// The parenthesis after the name is not closed, or something stands behind it.
pub(super) fn routine(written: &str) -> Result<(&str, Option<&str>), &'static str> {
    let (mut quoted, mut depth, mut opened, mut closed) = (false, 0_usize, None, None);
    for (at, character) in written.char_indices() {
        if closed.is_some() && !character.is_whitespace() {
            return Err("nothing can stand behind the parenthesis that ends its arguments");
        }
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => {
                depth += 1;
                opened.get_or_insert(at);
            }
            ')' if !quoted && depth == 0 => return Err("a parenthesis ends what none began"),
            ')' if !quoted => {
                depth -= 1;
                closed = (depth == 0).then_some(at);
            }
            _ => {}
        }
    }
    match (opened, closed) {
        (None, _) => Ok((written, None)),
        (Some(from), Some(to)) => Ok((written[..from].trim_end(), Some(&written[from + 1..to]))),
        (Some(_), None) => Err("the parenthesis of its arguments is not closed"),
    }
}

/// The types of a signature so that two ways to write it are one: synonyms, case, spaces, and what
/// Snowflake does not tell functions apart by, a type's length.
pub(super) fn signature(dialect: DialectKind, written: &str) -> String {
    let (mut types, mut current) = (Vec::new(), String::new());
    let (mut deep, mut quoted) = (0_usize, false);
    for character in written.chars() {
        match character {
            '"' => quoted = !quoted,
            '(' if !quoted => deep += 1,
            ')' if !quoted => deep = deep.saturating_sub(1),
            ',' if !quoted && deep == 0 => {
                types.push(std::mem::take(&mut current));
                continue;
            }
            _ => {}
        }
        current.push(character);
    }
    if !current.trim().is_empty() {
        types.push(current);
    }
    let types: Vec<String> = types.iter().map(|one| one_type(dialect, one.trim())).collect();
    types.join(", ")
}

fn one_type(dialect: DialectKind, written: &str) -> String {
    if written.contains('"') {
        return written.to_owned();
    }
    // What stands in their parentheses is a part of the type.
    if let (DialectKind::Snowflake, Some((name, rest))) = (dialect, written.split_once('('))
        && matches!(name.trim().to_ascii_uppercase().as_str(), "TABLE" | "VECTOR")
    {
        let inner = rest.trim_end().strip_suffix(')').unwrap_or(rest);
        let name = name.trim().to_ascii_uppercase();
        return format!("{name}({})", signature(dialect, inner));
    }
    let is_array = written.ends_with("[]");
    let bare = written.trim_end_matches("[]");
    let bare = bare.split_once('(').map_or(bare, |(name, rest)| match dialect {
        // `timestamp(3) with time zone`: what follows is a part of the type.
        DialectKind::Postgres
            if rest.split_once(')').is_some_and(|(_, more)| !more.trim().is_empty()) =>
        {
            bare
        }
        _ => name,
    });
    let words: Vec<String> = bare.split_whitespace().map(str::to_ascii_lowercase).collect();
    let word = words.join(" ");
    let known = match dialect {
        DialectKind::Postgres => match word.as_str() {
            "int" | "int4" => "integer",
            "int8" => "bigint",
            "int2" => "smallint",
            "bool" => "boolean",
            "float8" | "float" => "double precision",
            "float4" => "real",
            "decimal" => "numeric",
            "varchar" => "character varying",
            "char" | "bpchar" => "character",
            "timestamptz" => "timestamp with time zone",
            "timestamp" => "timestamp without time zone",
            "timetz" => "time with time zone",
            "time" => "time without time zone",
            other => other,
        }
        .to_owned(),
        DialectKind::Snowflake => match word.as_str() {
            "int" | "integer" | "bigint" | "smallint" | "tinyint" | "byteint" | "decimal"
            | "numeric" | "dec" => "NUMBER".to_owned(),
            "string" | "text" | "char" | "character" | "nchar" | "nvarchar" => "VARCHAR".to_owned(),
            "double" | "double precision" | "real" | "float4" | "float8" => "FLOAT".to_owned(),
            "varbinary" => "BINARY".to_owned(),
            "datetime" => "TIMESTAMP_NTZ".to_owned(),
            other => other.to_ascii_uppercase(),
        },
    };
    if is_array { format!("{known}[]") } else { known }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_same_however_it_is_written() {
        let same = |dialect, one: &str, other: &str| {
            assert_eq!(signature(dialect, one), signature(dialect, other), "{one} and {other}");
        };
        same(DialectKind::Postgres, "int,TEXT", "integer, text");
        same(DialectKind::Postgres, "varchar(20)[]", "character varying[]");
        same(DialectKind::Postgres, "timestamptz", "timestamp with time zone");
        same(DialectKind::Snowflake, "number(38,0), string", "NUMBER, VARCHAR");
        same(DialectKind::Snowflake, "", " ");
        let snowflake = |text| signature(DialectKind::Snowflake, text);
        assert_eq!(snowflake("table(number(38,0), string)"), "TABLE(NUMBER, VARCHAR)");
        assert_eq!(snowflake("vector(float, 256), int"), "VECTOR(FLOAT, 256), NUMBER");
        assert_ne!(snowflake("table(number)"), snowflake("table(varchar)"));
        let postgres = |text| signature(DialectKind::Postgres, text);
        assert_ne!(postgres("\"T\""), postgres("\"t\""));
        assert_ne!(postgres("integer"), postgres("integer, integer"));
    }

    #[test]
    fn a_routine_s_name_ends_where_its_parentheses_begin() {
        for (written, name, types) in [
            ("f(number, varchar)", "f", Some("number, varchar")),
            ("f(number(38, 0)) ", "f", Some("number(38, 0)")),
            ("f()", "f", Some("")),
            ("\"odd(1)\" (a)", "\"odd(1)\"", Some("a")),
            ("f", "f", None),
        ] {
            assert_eq!(routine(written), Ok((name, types)), "{written}");
        }
        for wrong in
            ["f(int", "f(number(38, 0)", "f(int))", "f)", "f(int) x", "f(int)(int)", "f(\""]
        {
            assert!(routine(wrong).is_err(), "{wrong}");
        }
    }
}
