//! Reading an account: what is asked, in how many round trips, and what is made of the answers.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::edges::{Edges, Known, really};
use super::shown::Table;
use super::told::Told;
use super::usage::Late;
use super::{QueryError, Rows, Sessions};
use crate::dialect;
use crate::model::{
    DialectKind, Ident, Marker, MarkerReading, ObservedRole, ObservedState, RoleAttributes,
    ServerIdentity,
};
use crate::warehouse::{Look, WarehouseError};

/// SHOW of objects stops at this many rows.
pub(super) const PAGE: usize = 10_000;

/// How many users are asked for one by one, before all are listed.
const FEW: usize = 8;

/// Reads by statements that run side by side, as many as there are sessions.
pub(super) struct Reader<'s> {
    pub(super) sessions: &'s Sessions,
    pub(super) server: &'s ServerIdentity,
    /// The session has a warehouse, which INFORMATION_SCHEMA needs.
    pub(super) has_warehouse: bool,
    /// ACCOUNT_USAGE instead of SHOW GRANTS.
    pub(super) from_account_usage: bool,
}

/// Roles, and what was answered of them.
struct Asked {
    roles: BTreeMap<Ident, ObservedRole>,
    /// The names of those that are the account's.
    plain: BTreeSet<String>,
    /// Those whose edges are read.
    ours: Vec<Ident>,
    told: Vec<Told>,
    late: Option<Late>,
}

/// A name as it goes into a statement.
pub(super) fn quoted(name: &Ident) -> String {
    let dialect = dialect::of(DialectKind::Snowflake);
    match name.in_parts() {
        Some((database, role)) => format!("{}.{}", dialect.quote(&database), dialect.quote(&role)),
        None => dialect.quote(name),
    }
}

/// `ROLE "R"` or `DATABASE ROLE "D"."R"`.
pub(super) fn role_in_sql(role: &Ident) -> String {
    let kind = if role.in_parts().is_some() { "DATABASE ROLE" } else { "ROLE" };
    format!("{kind} {}", quoted(role))
}

/// A text as a string constant.
pub(super) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

/// The server said that there is no such thing, or none that may be seen.
pub(super) fn is_missing(error: &QueryError) -> bool {
    matches!(error, QueryError::Server(error)
        if matches!(error.code.as_str(), "002003" | "002043" | "002001"))
}

/// The server said that the role may not.
pub(super) fn is_forbidden(error: &QueryError) -> bool {
    matches!(error, QueryError::Server(error)
        if error.code == "003001" || error.sqlstate.as_deref() == Some("42501"))
}

/// A failure of a statement, for people.
pub(super) fn failed(statement: &str, error: &QueryError) -> WarehouseError {
    match error {
        QueryError::Server(server) => WarehouseError::Statement {
            statement: statement.to_owned(),
            message: server.to_string(),
            code: server.sqlstate.clone().unwrap_or_else(|| server.code.clone()),
        },
        transport => WarehouseError::Connect {
            target: "Snowflake".to_owned(),
            cause: format!("{transport} ({statement})"),
        },
    }
}

impl Reader<'_> {
    pub(super) async fn ask(&self, statement: &str) -> Result<Rows, WarehouseError> {
        self.sessions.query(statement).await.map_err(|error| self.explain(statement, &error))
    }

    pub(super) fn explain(&self, statement: &str, error: &QueryError) -> WarehouseError {
        if is_forbidden(error) {
            return WarehouseError::Forbidden(format!(
                "{}\n  {} may not read this: it needs MANAGE GRANTS, as SECURITYADMIN has it: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE {}",
                failed(statement, error),
                self.server.acting_as,
                quoted(&self.server.acting_as)
            ));
        }
        failed(statement, error)
    }

    /// A list that may be longer than SHOW gives at once.
    pub(super) async fn list(&self, what: &str) -> Result<Rows, WarehouseError> {
        let mut all = self.ask(&format!("{what} LIMIT {PAGE}")).await?;
        let mut seen = all.rows.len();
        while seen == PAGE {
            let Some(last) = Table::of(&all).rows().last().and_then(|row| row.name("name")) else {
                break;
            };
            let after = literal(last.as_str());
            let more = self.ask(&format!("{what} LIMIT {PAGE} FROM {after}")).await?;
            seen = more.rows.len();
            if Table::of(&more).rows().last().and_then(|row| row.name("name")) == Some(last) {
                return Err(WarehouseError::Connect {
                    target: "Snowflake".to_owned(),
                    cause: format!("{what} does not go on after {after}"),
                });
            }
            all.rows.extend(more.rows);
        }
        Ok(all)
    }

    pub(super) async fn read(&self, look: &Look) -> Result<ObservedState, WarehouseError> {
        let mut databases: BTreeSet<Ident> =
            look.schemas.iter().map(|(database, _)| database.clone()).collect();
        databases.extend(look.roles.iter().filter_map(|role| Some(role.in_parts()?.0)));
        let (asked, authority, imported, inventory, inherited) = futures::join!(
            self.roles(look, &databases),
            self.authority(look, &databases),
            self.imported(),
            self.inventory(look),
            self.inherited(&databases),
        );
        let Asked { roles, plain, ours, told, late } = asked?;
        let (imported, mut inventory) = (imported?, inventory?);
        let known = Known { roles: &plain, imported: &imported };
        let mut edges = Edges::default();
        told.iter().for_each(|told| told.add_to(&mut edges, &known));
        let mut found = authority?;
        found.extend(late.into_iter().map(|late| late.add_to(&ours, &mut edges, &known)));
        for (database, rows) in inherited? {
            edges.inherited(&rows, &ours, database, &known);
        }
        found.extend(self.passed_on(&ours, &mut edges, &known).await?);
        let (shadowing, users) =
            futures::join!(self.shadowing(look, &edges), self.users(look, &edges));
        let users = users?;
        for rows in shadowing? {
            edges.future(None, &rows, &known);
        }

        let class_of = |on: &_| inventory.relation(on).map(|relation| relation.class);
        let acl = edges.acl(class_of);
        let owned: BTreeMap<_, _> =
            edges.owned.iter().map(|(on, owner)| (really(on, class_of), owner.clone())).collect();
        let defaults = edges.defaults();
        inventory.looked = true;
        inventory.of_shares = imported;
        Ok(ObservedState {
            server: self.server.clone(),
            roles,
            acl,
            memberships: edges.memberships.into_iter().collect(),
            defaults,
            owned,
            inventory,
            unsupported: edges.unsupported,
            around: BTreeSet::new(),
            users,
            found,
        })
    }

    /// The roles there are; and of those that are meant, what they have, as soon as they are known.
    async fn roles(
        &self,
        look: &Look,
        databases: &BTreeSet<Ident>,
    ) -> Result<Asked, WarehouseError> {
        let (roles, in_databases) = futures::join!(
            self.list("SHOW ROLES"),
            join_all(databases.iter().map(|database| self.database_roles(database))),
        );
        let mut roles = read_roles(&roles?);
        let plain = roles.keys().map(|name| name.as_str().to_owned()).collect();
        for found in in_databases {
            roles.extend(found?);
        }
        let ours = roles.iter().filter(|(name, role)| wanted(look, name, role));
        let ours: Vec<Ident> = ours.map(|(name, _)| name.clone()).collect();
        let (told, late) = futures::join!(self.told(&ours), self.late(&ours));
        Ok(Asked { told: told?, late: late?, roles, plain, ours })
    }

    /// Databases that were made of a share: privileges on them go by another name. SNOWFLAKE is an
    /// application by now, and granted like them.
    pub(super) async fn imported(&self) -> Result<BTreeSet<Ident>, WarehouseError> {
        let rows = self.list("SHOW DATABASES").await?;
        let table = Table::of(&rows);
        let of_a_share = table.rows().filter(|row| {
            let kind = row.text("kind");
            kind.contains("IMPORTED") || kind.contains("APPLICATION")
        });
        Ok(of_a_share.filter_map(|row| row.name("name")).collect())
    }

    pub(super) async fn database_roles(
        &self,
        database: &Ident,
    ) -> Result<BTreeMap<Ident, ObservedRole>, WarehouseError> {
        let statement = format!("SHOW DATABASE ROLES IN DATABASE {}", quoted(database));
        // Without LIMIT … FROM, which this one lacks in older accounts: databases have few.
        match self.sessions.query(&statement).await {
            Ok(rows) => Ok(read_roles(&rows)
                .into_iter()
                .map(|(name, role)| (Ident::in_database(database, &name), role))
                .collect()),
            Err(error) if is_missing(&error) => Ok(BTreeMap::new()),
            Err(error) => Err(self.explain(&statement, &error)),
        }
    }

    /// Which of the users who are to be members exist. Those who are members already do.
    async fn users(&self, look: &Look, edges: &Edges) -> Result<BTreeSet<Ident>, WarehouseError> {
        let is_user = |m: &&_| {
            let m: &crate::model::ObservedMembership = m;
            m.kind == crate::model::MemberKind::User
        };
        let mut users: BTreeSet<Ident> =
            edges.memberships.iter().filter(is_user).map(|m| m.member.clone()).collect();
        let unknown: Vec<&Ident> = look.users.difference(&users).collect();
        let mut found = BTreeSet::new();
        if unknown.len() > FEW {
            let rows = self.list("SHOW TERSE USERS").await?;
            found.extend(Table::of(&rows).rows().filter_map(|row| row.name("name")));
        } else {
            let answers = join_all(unknown.iter().map(|user| async move {
                let pattern = user.as_str().replace('\\', "\\\\");
                let pattern = pattern.replace('_', "\\_").replace('%', "\\%");
                self.ask(&format!("SHOW TERSE USERS LIKE {}", literal(&pattern))).await
            }))
            .await;
            for rows in answers {
                found.extend(Table::of(&rows?).rows().filter_map(|row| row.name("name")));
            }
        }
        found.retain(|user| look.users.contains(user));
        users.append(&mut found);
        Ok(users)
    }
}

/// Roles whose edges are read.
fn wanted(look: &Look, name: &Ident, role: &ObservedRole) -> bool {
    if dialect::of(DialectKind::Snowflake).reserved(name).is_some() {
        return false;
    }
    let ours = |marker: &Marker| {
        marker.deployment == look.deployment
            && (look.environments.is_empty() || look.environments.contains(&marker.environment))
    };
    look.roles.contains(name)
        || matches!(&role.marker, MarkerReading::Marker(marker) if ours(marker))
}

pub(super) fn read_roles(rows: &Rows) -> BTreeMap<Ident, ObservedRole> {
    let table = Table::of(rows);
    let role = |row: super::shown::Row<'_>| {
        let comment = row.text("comment");
        let marker = Marker::read(Some(comment).filter(|comment| !comment.is_empty()));
        let attributes = RoleAttributes::MANAGED;
        let owner = row.name("owner");
        Some((row.name("name")?, ObservedRole { marker, attributes, used_elsewhere: 0, owner }))
    };
    table.rows().filter_map(role).collect()
}
