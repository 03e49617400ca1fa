//! What others hold from our roles, where one of ours may pass something on: no managed role may, so
//! it is to lose that right, and what hangs on it would have to go with it.

use futures::future::join_all;

use super::edges::{Edges, Known};
use super::reader::{Reader, failed};
use super::{QueryError, Rows};
use crate::dialect::snowflake_object;
use crate::model::{Diagnostic, Ident};
use crate::warehouse::WarehouseError;

/// How many objects are asked for. What others hold on more of them is met by the revoke, which
/// fails (RESTRICT) where something hangs on it.
const MOST: usize = 50;

impl Reader<'_> {
    /// One statement for each object that a role of ours may pass something on of: there should be
    /// none, since nobody but a person's own GRANT … WITH GRANT OPTION makes one.
    pub(super) async fn passed_on(
        &self,
        ours: &[Ident],
        edges: &mut Edges,
        known: &Known<'_>,
    ) -> Result<Vec<Diagnostic>, WarehouseError> {
        let objects = edges.may_be_passed_on();
        let answers = join_all(objects.iter().take(MOST).map(|on| async move {
            let Some(object) = snowflake_object(on) else { return Ok(Rows::default()) };
            let statement = format!("SHOW GRANTS ON {object}");
            match self.sessions.query(&statement).await {
                Ok(rows) => Ok(rows),
                Err(QueryError::Server(_)) => Ok(Rows::default()),
                Err(error) => Err(failed(&statement, &error)),
            }
        }))
        .await;
        for (on, rows) in objects.iter().zip(answers) {
            edges.others(on, &rows?, ours, known);
        }
        if objects.len() <= MOST {
            return Ok(Vec::new());
        }
        let message = format!(
            "managed roles may pass on what they hold on {} objects: whether others hold it from them was asked for {MOST}",
            objects.len()
        );
        Ok(vec![Diagnostic::warning("dependents-unseen", message).with_help(
            "where somebody holds more from them, that revoke fails and names it; the rest is done",
        )])
    }
}
