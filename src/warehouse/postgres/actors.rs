//! Who must say a REVOKE so that it takes anything away.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use tokio_postgres::types::Type;

use crate::dialect::Statement;
use crate::model::{Change, Ident, ObjectClass, Securable, ServerIdentity};
use crate::warehouse::WarehouseError;

use super::acl::{Roles, get, name};
use super::observe::connected;
use super::{Postgres, acl, catalog, errors};

/// What the session may do about one grantor.
struct Grantor {
    /// May SET ROLE to it.
    set: bool,
    /// Has its rights without that.
    rights: bool,
    superuser: bool,
}

impl Postgres {
    /// For each statement, the role to act as; `None` for the acting one. A revoke takes away only
    /// what its executor granted, where superusers and whoever has the owner's rights count as the
    /// owner (PostgreSQL, REVOKE, "Notes").
    pub(super) async fn actors(
        &self,
        server: &ServerIdentity,
        changes: &[Change],
        statements: &[Statement],
    ) -> Result<Vec<Option<Ident>>, WarehouseError> {
        let me = &server.acting_as;
        let wanted: BTreeSet<&Ident> =
            statements.iter().filter_map(|statement| statement.as_role.as_ref()).collect();
        if wanted.is_empty() || (!server.superuser && wanted.iter().all(|it| *it == me)) {
            return Ok(vec![None; statements.len()]);
        }
        let (grantors, owned) = self.grantors(server, &wanted).await?;
        let mut actors = Vec::with_capacity(statements.len());
        for Statement { sql: _, changes: of, as_role } in statements {
            let Some(grantor) = as_role else {
                actors.push(None);
                continue;
            };
            let objects: Vec<&Securable> =
                of.iter().filter_map(|at| changes.get(*at)).filter_map(object).collect();
            let owns = |on: &&Securable| owned.get(&relation_of(on)) == Some(grantor);
            let Grantor { set, rights, superuser } = grantors
                .get(grantor)
                .ok_or_else(|| unremovable(me, grantor, &objects, "is gone"))?;
            let as_owner = *rights && objects.iter().all(owns);
            // With grant options of its own a session that is no superuser would revoke by those, so
            // it acts as the grantor itself wherever it may.
            actors.push(if grantor == me && !server.superuser {
                None
            } else if !server.superuser && *set && !*superuser {
                Some(grantor.clone())
            } else if as_owner {
                None
            } else if *superuser {
                // Whatever a superuser revokes, it revokes as the owner.
                let stranger = objects.into_iter().filter(|on| !owns(on)).collect::<Vec<_>>();
                let why = "is a superuser now, and would act as the owner";
                return Err(unremovable(me, grantor, &stranger, why));
            } else if *set {
                Some(grantor.clone())
            } else {
                let why = "is no role that it may SET ROLE to";
                return Err(unremovable(me, grantor, &objects, why));
            });
        }
        Ok(actors)
    }

    /// What we may do about each grantor, and what the grantors own.
    async fn grantors(
        &self,
        server: &ServerIdentity,
        wanted: &BTreeSet<&Ident>,
    ) -> Result<(BTreeMap<Ident, Grantor>, BTreeMap<Securable, Ident>), WarehouseError> {
        let failed =
            |sql: &str, error| errors::of_statement(&self.target.label, sql.trim(), &error);
        let names: Vec<&str> = wanted.iter().map(|grantor| grantor.as_str()).collect();
        let sql = catalog::grantors(server.version);
        let rows = self.client.query_typed(&sql, &[(&names, Type::TEXT_ARRAY)]).await;
        let mut grantors = BTreeMap::new();
        let mut by_oid = HashMap::new();
        for row in &rows.map_err(|error| failed(&sql, error))? {
            let grantor = name(get(row, 0)?)?;
            by_oid.insert(get::<u32>(row, 1)?, grantor.clone());
            let it = Grantor { set: get(row, 2)?, rights: get(row, 3)?, superuser: get(row, 4)? };
            grantors.insert(grantor, it);
        }
        let oids: Vec<u32> = by_oid.keys().copied().collect();
        let sql = catalog::owned(server.version);
        let rows = self.client.query_typed(&sql, &[(&oids, Type::OID_ARRAY)]).await;
        let rows = rows.map_err(|error| failed(&sql, error))?;
        let all = by_oid.values().cloned().collect();
        let roles = Roles { names: by_oid, all, of_interest: HashSet::new() };
        let owned = acl::objects(&rows, &connected(server)?, &roles)?.owned;
        Ok((grantors, owned.into_iter().map(|(on, owner)| (relation_of(&on), owner)).collect()))
    }
}

fn unremovable(me: &Ident, grantor: &Ident, on: &[&Securable], why: &str) -> WarehouseError {
    let objects: Vec<String> = on.iter().take(5).map(|on| format!("{} {on}", on.class())).collect();
    let more = on.len().saturating_sub(objects.len());
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    WarehouseError::Forbidden(format!(
        "{me} cannot take away what {grantor} granted on {}{more}: only the grantor's own REVOKE \
         does, and {grantor} {why}; let {grantor} revoke it",
        objects.join(", ")
    ))
}

/// The object of a grant or revoke.
fn object(change: &Change) -> Option<&Securable> {
    match change {
        Change::Revoke { on, .. } | Change::RevokeGrantOption { on, .. } => Some(on),
        _ => None,
    }
}

/// The relation of a column; other objects as they are. Who owns the one owns the other. The class
/// of a relation is left out, since a column's securable does not know it.
pub(super) fn relation_of(on: &Securable) -> Securable {
    match (on.class(), on.database_name(), on.schema_name(), on.name()) {
        (class, Some(database), Some(schema), Some(name))
            if class == ObjectClass::Column || class.is_relation() =>
        {
            let parts = (database.clone(), schema.clone(), name.clone());
            Securable::in_schema(ObjectClass::Table, parts.0, parts.1, parts.2)
        }
        _ => on.clone(),
    }
}
