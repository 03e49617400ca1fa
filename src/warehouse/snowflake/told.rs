//! What is asked of each role: three statements, all roles side by side.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::edges::{Edges, Known};
use super::reader::{Reader, failed, is_missing, quoted, role_in_sql};
use super::shown::Table;
use super::{QueryError, Rows};
use crate::model::Ident;
use crate::warehouse::{Look, WarehouseError};

/// What is asked about a role. In this order: what takes longest to answer begins first.
#[derive(Clone, Copy, PartialEq, Eq)]
enum About {
    Held,
    Members,
    Future,
}

/// An answer about a role.
pub(super) struct Told {
    role: Ident,
    about: About,
    rows: Rows,
}

impl Told {
    pub(super) fn add_to(&self, edges: &mut Edges, known: &Known<'_>) {
        match self.about {
            About::Held => edges.held(&self.role, &self.rows, known),
            About::Members => edges.members(&self.role, &self.rows, known),
            About::Future => edges.future(Some(&self.role), &self.rows, known),
        }
    }
}

impl Reader<'_> {
    /// All that is asked about the roles, at once: no session waits for another's answer.
    pub(super) async fn told(&self, roles: &[Ident]) -> Result<Vec<Told>, WarehouseError> {
        let questions = [
            ("SHOW GRANTS TO", About::Held),
            ("SHOW GRANTS OF", About::Members),
            ("SHOW FUTURE GRANTS TO", About::Future),
        ];
        // ACCOUNT_USAGE has no future grants.
        let late = self.from_account_usage;
        let questions = questions.into_iter().filter(|(_, about)| !late || *about == About::Future);
        let asked = questions.flat_map(|(what, about)| {
            roles.iter().map(move |role| async move {
                let rows = self.ask(&format!("{what} {}", role_in_sql(role))).await?;
                Ok(Told { role: role.clone(), about, rows })
            })
        });
        join_all(asked).await.into_iter().collect()
    }

    /// Future grants of anyone in a container, where those of the roles hide others or are hidden.
    pub(super) async fn shadowing(
        &self,
        look: &Look,
        edges: &Edges,
    ) -> Result<Vec<Rows>, WarehouseError> {
        let mut places: BTreeSet<String> = BTreeSet::new();
        for default in edges.defaults() {
            if default.schema.is_some() {
                places.insert(format!("DATABASE {}", quoted(&default.database)));
            } else {
                let inside = look.schemas.iter().filter(|(d, _)| *d == default.database);
                places.extend(inside.map(|(database, schema)| {
                    format!("SCHEMA {}.{}", quoted(database), quoted(schema))
                }));
            }
        }
        let answers = join_all(places.iter().map(|place| async move {
            let statement = format!("SHOW FUTURE GRANTS IN {place}");
            match self.sessions.query(&statement).await {
                Ok(rows) => Ok(rows),
                Err(error) if is_missing(&error) => Ok(Rows::default()),
                Err(error) => Err(self.explain(&statement, &error)),
            }
        }))
        .await;
        answers.into_iter().collect()
    }

    /// Grants on containers that all within inherit, where the account has them switched on: they
    /// are no grants on the objects, so they are named and left alone.
    pub(super) async fn inherited<'d>(
        &self,
        databases: &'d BTreeSet<Ident>,
    ) -> Result<BTreeMap<&'d Ident, Rows>, WarehouseError> {
        let ask = "SHOW PARAMETERS LIKE 'FEATURE_RBAC_INHERITED_GRANTS' IN ACCOUNT";
        let on = match self.sessions.query(ask).await {
            Ok(rows) => Table::of(&rows)
                .rows()
                .any(|row| row.truth("value") || row.text("value").eq_ignore_ascii_case("enabled")),
            // Not to be seen by this role: rows of SHOW GRANTS still say what is inherited.
            Err(QueryError::Server(_)) => false,
            Err(error) => return Err(failed(ask, &error)),
        };
        let wanted = databases.iter().filter(|_| on);
        let answers = join_all(wanted.map(|database| async move {
            let statement = format!("SHOW INHERITED GRANTS IN DATABASE {}", quoted(database));
            match self.sessions.query(&statement).await {
                Ok(rows) => Ok((database, rows)),
                Err(QueryError::Server(_)) => Ok((database, Rows::default())),
                Err(error) => Err(failed(&statement, &error)),
            }
        }))
        .await;
        answers.into_iter().collect()
    }
}
