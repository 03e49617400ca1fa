//! Reading: a fixed number of queries, in one snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use crate::model::{
    DefaultGrant, DialectKind, Ident, Inventory, Marker, MarkerReading, MemberKind, ObjectClass,
    ObservedMembership, ObservedObject, ObservedRelation, ObservedRole, ObservedState,
    PrivilegeSet, RelationKey, RoleAttributes, SchemaKey, Securable, ServerIdentity,
};
use crate::warehouse::{Look, WarehouseError};

use super::acl::{self, Roles, Words, get, incarnation, name, relation_class};
use super::{catalog, errors};

/// OID of the role that initdb made.
const BOOTSTRAP: u32 = 10;

/// A row that does not hold what the query asked for.
pub(super) fn unreadable(what: &str) -> WarehouseError {
    WarehouseError::Statement {
        statement: "reading the system catalogs".to_owned(),
        message: what.to_owned(),
        code: "none".to_owned(),
    }
}

/// A session to read on.
pub(super) struct Reader<'a> {
    pub(super) client: &'a Client,
    /// The server, for messages.
    pub(super) target: &'a str,
}

impl Reader<'_> {
    pub(super) async fn rows(
        &self,
        sql: &str,
        parameters: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, WarehouseError> {
        self.client
            .query_typed(sql, parameters)
            .await
            .map_err(|error| errors::of_statement(self.target, sql.trim(), &error))
    }

    /// Everything within the look.
    pub(super) async fn read(&self, look: &Look) -> Result<ObservedState, WarehouseError> {
        let (server, database_oid) = self.server().await?;
        let database = connected(&server)?;
        let version = server.version;
        let (mut roles, names) = self.roles().await?;
        let (of_interest, names_of_interest): (Vec<u32>, HashSet<Ident>) = names
            .iter()
            .filter(|(_, name)| {
                look.roles.contains(*name)
                    || roles.get(*name).is_some_and(|role| is_of(&role.marker, &look.deployment))
            })
            .map(|(oid, name)| (*oid, name.clone()))
            .unzip();
        let ours: (&(dyn ToSql + Sync), Type) = (&of_interest, Type::OID_ARRAY);
        let here: (&(dyn ToSql + Sync), Type) = (&database_oid, Type::OID);
        let all = names.values().cloned().collect();
        let known = Roles { names, all, of_interest: names_of_interest };

        let rows = self.rows(&catalog::objects(version), std::slice::from_ref(&ours)).await?;
        let acl::Objects { acl, owned, mut relations, mut unsupported } =
            acl::objects(&rows, &database, &known)?;

        let rows = self.rows(&catalog::memberships(version), std::slice::from_ref(&ours)).await?;
        let memberships = memberships(&rows, version, &known)?;
        let rows = self.rows(catalog::OTHER_MEMBERSHIPS, std::slice::from_ref(&ours)).await?;
        let other = |row: &Row| Ok((known.name(get(row, 0)?)?, known.name(get(row, 1)?)?));
        let around = rows.iter().map(other).collect::<Result<_, WarehouseError>>()?;

        let rows = self.rows(catalog::DEFAULTS, std::slice::from_ref(&ours)).await?;
        let defaults = defaults(&rows, &database, &known, &mut unsupported)?;

        let rows = self.rows(&catalog::other_uses(version), &[ours.clone(), here.clone()]).await?;
        for row in &rows {
            let what = other_use(get(row, 1)?, get(row, 2)?);
            unsupported.insert((known.name(get(row, 0)?)?, what));
        }

        let rows = self.rows(catalog::ELSEWHERE, &[ours, here]).await?;
        for row in &rows {
            let uses: i64 = get(row, 1)?;
            if let Some(role) = roles.get_mut(&known.name(get(row, 0)?)?) {
                role.used_elsewhere = u64::try_from(uses).unwrap_or(0);
            }
        }

        let schema_rows = self.rows(catalog::SCHEMAS, &[]).await?;
        let schema = |row: &Row| Ok((database.clone(), name(get(row, 0)?)?));
        let all: BTreeSet<SchemaKey> =
            schema_rows.iter().map(schema).collect::<Result<_, WarehouseError>>()?;
        let here = |key: &&SchemaKey| key.0 == database;
        let mut schemas: Vec<&str> =
            look.schemas.iter().filter(here).map(|(_, schema)| schema.as_str()).collect();
        if look.databases.contains(&database) {
            let of_users = all.iter().map(|(_, schema)| schema.as_str());
            schemas.extend(of_users.filter(|name| !is_the_system_s(name)));
        }
        let rows = self.rows(catalog::RELATIONS, &[(&schemas, Type::TEXT_ARRAY)]).await?;
        for row in &rows {
            if let Some(class) = relation_class(get(row, 1)?) {
                let key = (database.clone(), name(get(row, 2)?)?, name(get(row, 3)?)?);
                let owner = known.name(get(row, 4)?)?;
                let incarnation = incarnation(get(row, 0)?);
                relations.insert(key, ObservedRelation { class, owner, incarnation });
            }
        }
        let objects = self.listed(look, &schemas, &database, version, &known).await?;
        let follows = self.follows(&database).await?;
        let inventory = Inventory {
            relations,
            objects,
            follows,
            schemas: all,
            looked: true,
            ..Inventory::default()
        };

        Ok(ObservedState {
            server,
            roles,
            acl,
            memberships,
            around,
            defaults,
            owned,
            inventory,
            unsupported,
            users: BTreeSet::new(),
            found: Vec::new(),
        })
    }

    /// The sequences that belong to a column of a table.
    async fn follows(
        &self,
        database: &Ident,
    ) -> Result<BTreeMap<Securable, RelationKey>, WarehouseError> {
        let mut follows = BTreeMap::new();
        for row in &self.rows(catalog::FOLLOWS, &[]).await? {
            let [schema, own, of, table] = [0, 1, 2, 3].map(|at| get(row, at).and_then(name));
            let on = Securable::in_schema(ObjectClass::Sequence, database.clone(), schema?, own?);
            follows.insert(on, (database.clone(), of?, table?));
        }
        Ok(follows)
    }

    /// What is no relation, of the classes that are asked for.
    async fn listed(
        &self,
        look: &Look,
        schemas: &[&str],
        database: &Ident,
        version: u32,
        known: &Roles,
    ) -> Result<BTreeMap<Securable, ObservedObject>, WarehouseError> {
        let Some(sql) = catalog::listed(version, &look.classes) else {
            return Ok(BTreeMap::new());
        };
        let mut objects = BTreeMap::new();
        for row in &self.rows(&sql, &[(&schemas, Type::TEXT_ARRAY)]).await? {
            let schema = get::<Option<&str>>(row, 3)?.map(name).transpose()?;
            let own = name(get(row, 4)?)?;
            let (tag, kind) = (get(row, 0)?, get(row, 2)?);
            let on = acl::securable(tag, kind, database, schema, own, get(row, 5)?)?;
            if look.classes.contains(&on.class()) {
                let owner = Some(known.name(get(row, 6)?)?);
                objects.insert(on, ObservedObject { owner });
            }
        }
        Ok(objects)
    }

    /// The server and as whom we are on it, and the connected database's OID.
    pub(super) async fn server(&self) -> Result<(ServerIdentity, u32), WarehouseError> {
        let rows = self.rows(catalog::SESSION, &[]).await?;
        let row = rows.first().ok_or_else(|| unreadable("the server does not say what it is"))?;
        let version: i32 = get(row, 0)?;
        let database = name(get(row, 1)?)?;
        let oid: u32 = get(row, 5)?;
        let system = if get(row, 6)? {
            let rows = self.rows(catalog::SYSTEM, &[]).await?;
            rows.first().map(|row| get(row, 0)).transpose()?
        } else {
            None
        };
        let server = ServerIdentity {
            dialect: DialectKind::Postgres,
            // Where that function was closed to us: what changes at least with the database.
            system: system.unwrap_or_else(|| format!("database {oid}")),
            database: Some(database),
            version: u32::try_from(version).unwrap_or(0),
            acting_as: name(get(row, 2)?)?,
            superuser: get(row, 3)?,
            may_create_roles: get::<bool>(row, 4)? || get(row, 3)?,
        };
        Ok((server, oid))
    }

    pub(super) async fn roles(
        &self,
    ) -> Result<(BTreeMap<Ident, ObservedRole>, HashMap<u32, Ident>), WarehouseError> {
        let mut roles = BTreeMap::new();
        let mut names = HashMap::new();
        for row in &self.rows(catalog::ROLES, &[]).await? {
            let role = name(get(row, 1)?)?;
            names.insert(get(row, 0)?, role.clone());
            let attributes = RoleAttributes {
                superuser: get(row, 2)?,
                create_role: get(row, 3)?,
                create_db: get(row, 4)?,
                login: get(row, 5)?,
                replication: get(row, 6)?,
                bypass_rls: get(row, 7)?,
                inherit: get(row, 8)?,
            };
            let marker = Marker::read(get(row, 9)?);
            roles.insert(role, ObservedRole { marker, attributes, used_elsewhere: 0, owner: None });
        }
        Ok((roles, names))
    }
}

/// The database that a session is in: there always is one.
pub(super) fn connected(server: &ServerIdentity) -> Result<Ident, WarehouseError> {
    server.database.clone().ok_or_else(|| unreadable("the server does not name its database"))
}

/// Schemas that every database has for itself: no wildcard means them.
fn is_the_system_s(schema: &str) -> bool {
    schema.starts_with("pg_") || schema == "information_schema"
}

fn is_of(marker: &MarkerReading, deployment: &str) -> bool {
    matches!(marker, MarkerReading::Marker(marker) if marker.deployment == deployment)
}

pub(super) fn memberships(
    rows: &[Row],
    version: u32,
    known: &Roles,
) -> Result<Vec<ObservedMembership>, WarehouseError> {
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let (role, member, grantor): (u32, u32, u32) = (get(row, 0)?, get(row, 1)?, get(row, 2)?);
        let (admin, inherit, set): (bool, bool, bool) = (get(row, 3)?, get(row, 4)?, get(row, 5)?);
        // Before 16 the grantor may be gone; an upgrade puts the bootstrap superuser there.
        let grantor = if known.names.contains_key(&grantor) { grantor } else { BOOTSTRAP };
        found.push(ObservedMembership {
            role: known.name(role)?,
            kind: MemberKind::Role,
            member: known.name(member)?,
            grantor: known.name(grantor)?,
            admin,
            inherit,
            set,
            automatic: version >= 160_000 && grantor == BOOTSTRAP && admin && !inherit && !set,
        });
    }
    found.sort_unstable();
    Ok(found)
}

fn defaults(
    rows: &[Row],
    database: &Ident,
    known: &Roles,
    unsupported: &mut BTreeSet<(Ident, String)>,
) -> Result<Vec<DefaultGrant>, WarehouseError> {
    let mut words = Words::default();
    let mut found: BTreeMap<_, (PrivilegeSet, PrivilegeSet)> = BTreeMap::new();
    for row in rows {
        let creator = known.name(get(row, 0)?)?;
        let schema = get::<Option<&str>>(row, 1)?.map(name).transpose()?;
        let kind: &str = get(row, 2)?;
        let grantee = known.name(get(row, 3)?)?;
        let word: &str = get(row, 4)?;
        let class = match kind {
            "r" => Some(ObjectClass::Table),
            "S" => Some(ObjectClass::Sequence),
            "f" => Some(ObjectClass::Function),
            "T" => Some(ObjectClass::Type),
            "n" => Some(ObjectClass::Schema),
            "L" => Some(ObjectClass::LargeObject),
            _ => None,
        };
        let (Some(class), Some(privilege)) = (class, words.privilege(word)) else {
            let what = format!("default {word} on new objects of {creator} (kind {kind})");
            unsupported.insert((grantee, what));
            continue;
        };
        let (all, grantable) = found.entry((creator, schema, class, grantee)).or_default();
        all.insert(privilege);
        if get(row, 5)? {
            grantable.insert(privilege);
        }
    }
    let mut found: Vec<_> = found
        .into_iter()
        .map(|((creator, schema, class, grantee), (privileges, grantable))| DefaultGrant {
            creator: Some(creator),
            database: database.clone(),
            schema,
            class,
            grantee,
            privileges,
            grantable,
        })
        .collect();
    found.sort_unstable();
    Ok(found)
}

/// What a dependency of a role is, in a person's words. Letters: PostgreSQL, `pg_shdepend`.
fn other_use(kind: &str, object: &str) -> String {
    match kind {
        "o" => format!("owns {object}"),
        "r" => format!("is named in {object}"),
        "i" => format!("initial privileges of {object}"),
        _ => object.to_owned(),
    }
}
