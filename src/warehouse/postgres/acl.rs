//! Rows of the catalog queries as securables, access lists and owners.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tokio_postgres::Row;

use crate::model::{
    AclEntry, Ident, Incarnation, ObjectClass, ObservedRelation, Privilege, PrivilegeSet, Securable,
};
use crate::warehouse::WarehouseError;

use super::observe::unreadable;

/// Names by OID, and which OIDs we look for.
pub(super) struct Roles {
    pub(super) names: HashMap<u32, Ident>,
    pub(super) of_interest: HashSet<u32>,
}

impl Roles {
    /// A role's name. One that was dropped meanwhile is called by its number, as the server does.
    pub(super) fn name(&self, oid: u32) -> Result<Ident, WarehouseError> {
        match self.names.get(&oid) {
            Some(name) => Ok(name.clone()),
            None => name(&oid.to_string()),
        }
    }
}

/// What the rows about objects add up to.
#[derive(Default)]
pub(super) struct Objects {
    pub(super) acl: Vec<AclEntry>,
    pub(super) owned: BTreeMap<Securable, Ident>,
    pub(super) relations: BTreeMap<(Ident, Ident), ObservedRelation>,
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

/// One object of the `objects` query, with its access list still as the server exploded it.
struct Object<'a> {
    on: Securable,
    owner: u32,
    owned: bool,
    relation: Option<((Ident, Ident), ObservedRelation)>,
    grantees: Vec<u32>,
    grantors: Vec<u32>,
    privileges: Vec<&'a str>,
    grantable: Vec<bool>,
}

/// Reads the rows of the `objects` query.
pub(super) fn objects(
    rows: &[Row],
    database: &Ident,
    roles: &Roles,
) -> Result<Objects, WarehouseError> {
    let mut objects =
        rows.iter().map(|row| object(row, database, roles)).collect::<Result<Vec<_>, _>>()?;
    // Entries of one object are sorted among themselves below, so the whole list comes out sorted.
    objects.sort_unstable_by(|a, b| a.on.cmp(&b.on));
    let mut out = Objects::default();
    let mut words = Words::default();
    for object in objects {
        let Object { on, owner, owned, relation, grantees, grantors, privileges, grantable } =
            object;
        if owned {
            out.owned.insert(on.clone(), roles.name(owner)?);
        }
        out.relations.extend(relation);
        let start = out.acl.len();
        let rights = grantees.iter().zip(&grantors).zip(privileges.iter().zip(&grantable));
        let mut last = None;
        for ((&grantee, &grantor), (&word, &may_pass_on)) in rights {
            if !roles.of_interest.contains(&grantee) {
                let to =
                    if grantee == 0 { "PUBLIC".into() } else { roles.name(grantee)?.to_string() };
                let what = format!("{word} on {} {on}, passed on to {to}", on.class());
                out.unsupported.insert((roles.name(grantor)?, what));
                continue;
            }
            let Some(privilege) = words.privilege(word) else {
                let what = format!("{word} on {} {on}", on.class());
                out.unsupported.insert((roles.name(grantee)?, what));
                continue;
            };
            // The server lists one (grantee, grantor) pair's privileges in one run.
            if last != Some((grantee, grantor)) {
                last = Some((grantee, grantor));
                out.acl.push(AclEntry {
                    on: on.clone(),
                    grantee: roles.name(grantee)?,
                    grantor: roles.name(grantor)?,
                    privileges: PrivilegeSet::EMPTY,
                    grantable: PrivilegeSet::EMPTY,
                });
            }
            if let Some(entry) = out.acl.last_mut() {
                entry.privileges.insert(privilege);
                if may_pass_on {
                    entry.grantable.insert(privilege);
                }
            }
        }
        if let Some(entries) = out.acl.get_mut(start..) {
            entries.sort_unstable();
        }
    }
    Ok(out)
}

fn object<'a>(row: &'a Row, database: &Ident, roles: &Roles) -> Result<Object<'a>, WarehouseError> {
    let tag: &str = get(row, 0)?;
    let oid: u32 = get(row, 1)?;
    let kind: &str = get(row, 2)?;
    let schema = get::<Option<&str>>(row, 3)?.map(name).transpose()?;
    let own = name(get(row, 4)?)?;
    let part: Option<&str> = get(row, 5)?;
    let owner: u32 = get(row, 6)?;
    let on = securable(tag, kind, database, schema.clone(), own.clone(), part)?;
    let relation = match (tag, relation_class(kind), schema) {
        ("relation" | "column", Some(class), Some(schema)) if class.is_relation() => Some((
            (schema, own),
            ObservedRelation { class, owner: roles.name(owner)?, incarnation: incarnation(oid) },
        )),
        _ => None,
    };
    Ok(Object {
        on,
        owner,
        owned: get(row, 7)?,
        relation,
        grantees: get::<Option<Vec<u32>>>(row, 8)?.unwrap_or_default(),
        grantors: get::<Option<Vec<u32>>>(row, 9)?.unwrap_or_default(),
        privileges: get::<Option<Vec<&str>>>(row, 10)?.unwrap_or_default(),
        grantable: get::<Option<Vec<bool>>>(row, 11)?.unwrap_or_default(),
    })
}

/// A relation's OID: another one means that it was dropped and created again.
pub(super) fn incarnation(oid: u32) -> Incarnation {
    Incarnation(oid.to_string())
}

fn securable(
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
