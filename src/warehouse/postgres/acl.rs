//! Rows of the catalog queries as securables, access lists and owners.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tokio_postgres::Row;

use crate::model::{
    AclEntry, Ident, Incarnation, ObjectClass, ObservedRelation, Privilege, RelationKey, Securable,
};
use crate::warehouse::WarehouseError;

use super::aclitem::AclItem;
use super::observe::unreadable;

/// Names by OID, and which OIDs we look for.
pub(super) struct Roles {
    pub(super) names: HashMap<u32, Ident>,
    pub(super) all: HashSet<Ident>,
    pub(super) of_interest: HashSet<Ident>,
}

impl Roles {
    /// A role's name. One that was dropped meanwhile is called by its number, as the server does.
    pub(super) fn name(&self, oid: u32) -> Result<Ident, WarehouseError> {
        match self.names.get(&oid) {
            Some(name) => Ok(name.clone()),
            None => name(&oid.to_string()),
        }
    }

    /// Lists name roles as they are called now, not as of our snapshot: a name that was not there
    /// then means that somebody renames roles while we read. A number is a role long gone.
    pub(super) fn must_know(&self, name: &str) -> Result<(), WarehouseError> {
        let gone = || name.bytes().all(|byte| byte.is_ascii_digit());
        if gone() || self.all.contains(name) {
            return Ok(());
        }
        Err(WarehouseError::Retry(format!(
            "a role was renamed to {name:?} while the access lists were read"
        )))
    }
}

/// What the rows about objects add up to.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) acl: Vec<AclEntry>,
    pub(super) owned: BTreeMap<Securable, Ident>,
    pub(super) relations: BTreeMap<RelationKey, ObservedRelation>,
    pub(super) unsupported: BTreeSet<(Ident, String)>,
}

/// A name that the server gave.
pub(super) fn name(text: &str) -> Result<Ident, WarehouseError> {
    Ident::new(text).map_err(|error| unreadable(&error.to_string()))
}

/// The class of a `relkind`; `None` for kinds that hold nothing to grant on.
pub(super) fn relation_class(kind: &str) -> Option<ObjectClass> {
    match kind {
        "r" | "p" => Some(ObjectClass::Table),
        "v" => Some(ObjectClass::View),
        "m" => Some(ObjectClass::MaterializedView),
        "f" => Some(ObjectClass::ForeignTable),
        "S" => Some(ObjectClass::Sequence),
        _ => None,
    }
}

/// Reads the rows of the `objects` query.
pub(super) fn objects(
    rows: &[Row],
    database: &Ident,
    roles: &Roles,
) -> Result<Objects, WarehouseError> {
    let mut objects = Vec::new();
    for row in rows {
        let object = object(row, database, roles)?;
        if object.owned || !object.items.is_empty() {
            objects.push(object);
        }
    }
    // Entries of one object are sorted among themselves below, so the whole list comes out sorted.
    objects.sort_unstable_by(|a, b| a.on.cmp(&b.on));
    let mut out = Objects::default();
    for object in objects {
        out.add(object, roles)?;
    }
    Ok(out)
}

/// One object of the `objects` query, with those entries of its list that concern us.
struct Object<'a> {
    on: Securable,
    owner: Ident,
    owned: bool,
    relation: Option<(RelationKey, ObservedRelation)>,
    items: Vec<AclItem<'a>>,
}

fn object<'a>(row: &'a Row, database: &Ident, roles: &Roles) -> Result<Object<'a>, WarehouseError> {
    let owner = roles.name(get(row, 6)?)?;
    let mut items = Vec::new();
    for text in get::<Vec<&str>>(row, 8)? {
        let item = AclItem::parse(text)
            .ok_or_else(|| unreadable(&format!("the access list entry {text:?}")))?;
        roles.must_know(&item.grantee)?;
        roles.must_know(&item.grantor)?;
        let passed_on =
            || item.grantor != owner.as_str() && roles.of_interest.contains(&*item.grantor);
        // The owner's own entry is its implicit right, and never ours to take. What another gave
        // it is a grant like others, which the giver's own right hangs on.
        let own = item.grantee == owner.as_str() && item.grantor == owner.as_str();
        if !own && (roles.of_interest.contains(&*item.grantee) || passed_on()) {
            items.push(item);
        }
    }
    let tag: &str = get(row, 0)?;
    let kind: &str = get(row, 2)?;
    let schema = get::<Option<&str>>(row, 3)?.map(name).transpose()?;
    let own = name(get(row, 4)?)?;
    let on = securable(tag, kind, database, schema.clone(), own.clone(), get(row, 5)?)?;
    let relation = match (tag, relation_class(kind), schema) {
        ("relation" | "column", Some(class), Some(schema)) if class.is_relation() => {
            let incarnation = incarnation(get(row, 1)?);
            let key = (database.clone(), schema, own);
            Some((key, ObservedRelation { class, owner: owner.clone(), incarnation }))
        }
        _ => None,
    };
    Ok(Object { on, owner, owned: get(row, 7)?, relation, items })
}

impl Objects {
    fn add(&mut self, object: Object<'_>, roles: &Roles) -> Result<(), WarehouseError> {
        let Object { on, owner, owned, relation, items } = object;
        if owned {
            self.owned.insert(on.clone(), owner);
        }
        self.relations.extend(relation);
        let start = self.acl.len();
        for AclItem { grantee, grantor, privileges, grantable, unknown } in items {
            let grantor = match roles.all.get(&*grantor) {
                Some(grantor) => grantor.clone(),
                None => name(&grantor)?,
            };
            match roles.of_interest.get(&*grantee) {
                Some(grantee) => {
                    for letter in unknown {
                        let what = format!("right {letter} on {} {on}", on.class());
                        self.unsupported.insert((grantee.clone(), what));
                    }
                    if !privileges.is_empty() {
                        let (on, grantee) = (on.clone(), grantee.clone());
                        self.acl.push(AclEntry { on, grantee, grantor, privileges, grantable });
                    }
                }
                None if grantee.is_empty() => {
                    let what = format!("{privileges} on {} {on}, passed on to PUBLIC", on.class());
                    self.unsupported.insert((grantor, what));
                }
                // A stranger's, which hangs on what one of ours holds.
                None if !privileges.is_empty() => {
                    let (on, grantee) = (on.clone(), name(&grantee)?);
                    self.acl.push(AclEntry { on, grantee, grantor, privileges, grantable });
                }
                None => {}
            }
        }
        if let Some(entries) = self.acl.get_mut(start..) {
            entries.sort_unstable();
        }
        Ok(())
    }
}

/// A relation's OID: another one means that it was dropped and created again.
pub(super) fn incarnation(oid: u32) -> Incarnation {
    Incarnation(oid.to_string())
}

pub(super) fn securable(
    tag: &str,
    kind: &str,
    database: &Ident,
    schema: Option<Ident>,
    own: Ident,
    part: Option<&str>,
) -> Result<Securable, WarehouseError> {
    let database = database.clone();
    let class = match tag {
        "database" => return Ok(Securable::database(own)),
        "language" => ObjectClass::Language,
        "fdw" => ObjectClass::ForeignDataWrapper,
        "server" => ObjectClass::ForeignServer,
        "large_object" => ObjectClass::LargeObject,
        "tablespace" => ObjectClass::Tablespace,
        "parameter" => ObjectClass::Parameter,
        _ => {
            let schema = schema.ok_or_else(|| unreadable("an object without its schema"))?;
            return match (tag, relation_class(kind), part) {
                ("schema", ..) => Ok(Securable::schema(database, own)),
                ("relation", Some(class), _) => {
                    Ok(Securable::in_schema(class, database, schema, own))
                }
                ("column", _, Some(column)) => {
                    Ok(Securable::column(database, schema, own, name(column)?))
                }
                ("type", ..) => Ok(Securable::in_schema(ObjectClass::Type, database, schema, own)),
                ("routine", _, Some(signature)) => {
                    let class =
                        if kind == "p" { ObjectClass::Procedure } else { ObjectClass::Function };
                    Ok(Securable::routine(class, database, schema, own, signature.to_owned()))
                }
                _ => Err(unreadable(&format!("an object of kind {tag} {kind}"))),
            };
        }
    };
    Ok(Securable::global(class, own))
}

/// A value of a row.
pub(super) fn get<'a, T: tokio_postgres::types::FromSql<'a>>(
    row: &'a Row,
    at: usize,
) -> Result<T, WarehouseError> {
    row.try_get(at).map_err(|error| unreadable(&super::errors::chain(&error)))
}

/// Privileges by the server's word: a dozen words, millions of times.
#[derive(Default)]
pub(super) struct Words(Vec<(String, Option<Privilege>)>);

impl Words {
    pub(super) fn privilege(&mut self, word: &str) -> Option<Privilege> {
        if let Some((_, known)) = self.0.iter().find(|(seen, _)| seen == word) {
            return *known;
        }
        let known = Privilege::parse(word);
        self.0.push((word.to_owned(), known));
        known
    }
}
