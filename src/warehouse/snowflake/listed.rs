//! What is no relation, of the classes that playbooks name: one SHOW for each class and database.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::{join_all, try_join};

use super::reader::{PAGE, Reader, is_missing, quoted};
use super::shown::{Row, Table, routine};
use super::{QueryError, Rows};
use crate::dialect;
use crate::model::{
    DialectKind, Ident, ObjectClass, ObservedObject, SchemaKey, Securable, StageKind,
};
use crate::warehouse::{Look, WarehouseError};

/// What is there.
#[derive(Default)]
pub(super) struct Listed {
    pub(super) objects: BTreeMap<Securable, ObservedObject>,
    pub(super) stages: BTreeMap<Securable, StageKind>,
    pub(super) suspended: BTreeSet<Securable>,
    pub(super) schemas: BTreeSet<SchemaKey>,
}

impl Reader<'_> {
    /// The objects of the look's classes, and every schema of its databases.
    pub(super) async fn listed_objects(&self, look: &Look) -> Result<Listed, WarehouseError> {
        let databases: BTreeSet<&Ident> =
            look.schemas.iter().map(|(database, _)| database).chain(&look.databases).collect();
        let listed = look.classes.iter().filter(|class| {
            !class.is_relation() && !matches!(class, ObjectClass::Account | ObjectClass::Column)
        });
        // Whoever may be granted something is looked for by name: an account has very many.
        let (global, inside): (Vec<ObjectClass>, Vec<ObjectClass>) = listed
            .copied()
            .filter(|class| *class != ObjectClass::User)
            .partition(|class| class.is_global() || *class == ObjectClass::Database);
        let in_account = join_all(global.iter().map(|class| async move {
            let what = format!("SHOW {}", plural(*class));
            let rows = match class {
                ObjectClass::Database => self.list(&what).await,
                _ => self.ask(&what).await,
            };
            rows.map(|rows| (*class, rows))
        }));
        let mut asked: BTreeSet<(&Ident, ObjectClass)> =
            look.databases.iter().map(|database| (database, ObjectClass::Schema)).collect();
        asked.extend(databases.iter().flat_map(|d| inside.iter().map(move |class| (*d, *class))));
        let in_databases = join_all(asked.iter().map(|(database, class)| async move {
            let rows = self.in_database(database, *class, look).await;
            rows.map(|rows| (*database, *class, rows))
        }));
        let (in_account, in_databases) = try_join(
            async { in_account.await.into_iter().collect::<Result<Vec<_>, _>>() },
            async { in_databases.await.into_iter().collect::<Result<Vec<_>, _>>() },
        )
        .await?;
        let Listed { mut objects, mut stages, mut suspended, mut schemas } = Listed::default();
        for (class, rows) in in_account {
            for row in Table::of(&rows).rows() {
                let Some(name) = row.name("name") else { continue };
                let on = match class {
                    ObjectClass::Database => Securable::database(name),
                    class => Securable::global(class, name),
                };
                objects.insert(on, ObservedObject { owner: row.name("owner") });
            }
        }
        for (database, class, rows) in in_databases {
            for row in Table::of(&rows).rows() {
                let Some(on) = object(database, class, &row) else { continue };
                let Some(key) = on.schema_key() else { continue };
                let named = look.databases.contains(database) || look.schemas.contains(&key);
                if class == ObjectClass::Schema {
                    schemas.insert(key);
                }
                if named && look.classes.contains(&class) {
                    let is_stage = class == ObjectClass::Stage;
                    if let Some(kind) = StageKind::parse(row.text("type")).filter(|_| is_stage) {
                        stages.insert(on.clone(), kind);
                    }
                    // `started` or `suspended`.
                    if class == ObjectClass::Task
                        && row.text("state").eq_ignore_ascii_case("suspended")
                    {
                        suspended.insert(on.clone());
                    }
                    objects.insert(on, ObservedObject { owner: row.name("owner") });
                }
            }
        }
        Ok(Listed { objects, stages, suspended, schemas })
    }

    /// All of a class in a database. A list that SHOW cuts is asked for schema by schema, since its
    /// pages are told apart by names alone.
    pub(super) async fn in_database(
        &self,
        database: &Ident,
        class: ObjectClass,
        look: &Look,
    ) -> Result<Rows, WarehouseError> {
        let what = format!("SHOW {} IN DATABASE {}", plural(class), quoted(database));
        let rows = match class {
            ObjectClass::Schema => self.sessions.query(&format!("{what} LIMIT {PAGE}")).await,
            // Few of the others know LIMIT.
            _ => self.sessions.query(&what).await,
        };
        match rows {
            Ok(rows) if class == ObjectClass::Schema && rows.rows.len() >= PAGE => {
                return self.list(&what).await;
            }
            Ok(rows) => return Ok(rows),
            // Whether it is there at all is told where it is granted on.
            Err(error) if is_missing(&error) => return Ok(Rows::default()),
            Err(error) if is_too_much(&error) => {}
            Err(error) => return Err(self.explain(&what, &error)),
        }
        let schemas = self.list(&format!("SHOW SCHEMAS IN DATABASE {}", quoted(database))).await?;
        let mut all = Rows::default();
        for schema in Table::of(&schemas).rows().filter_map(|row| row.name("name")) {
            let key = (database.clone(), schema);
            if !look.databases.contains(database) && !look.schemas.contains(&key) {
                continue;
            }
            let (database, schema) = (quoted(&key.0), quoted(&key.1));
            let place = format!("SHOW {} IN SCHEMA {database}.{schema}", plural(class));
            let rows = self.ask(&place).await?;
            all.columns = rows.columns;
            all.rows.extend(rows.rows);
        }
        Ok(all)
    }

    /// Every relation of a whole database; `None` where SHOW would cut the list.
    pub(super) async fn all_objects(
        &self,
        database: &Ident,
    ) -> Result<Option<Rows>, WarehouseError> {
        let statement = format!("SHOW OBJECTS IN DATABASE {} LIMIT {PAGE}", quoted(database));
        match self.sessions.query(&statement).await {
            Ok(rows) if rows.rows.len() < PAGE => Ok(Some(rows)),
            Ok(_) => Ok(None),
            Err(error) if is_missing(&error) => Ok(Some(Rows::default())),
            Err(error @ QueryError::Server(_)) => Err(self.explain(&statement, &error)),
            Err(error) => Err(super::reader::failed(&statement, &error)),
        }
    }
}

/// SHOW gives no more than a number of rows, and nothing at all where there would be more.
fn is_too_much(error: &QueryError) -> bool {
    matches!(error, QueryError::Server(error) if error.code == "090153")
}

/// What SHOW calls the objects of a class.
fn plural(class: ObjectClass) -> String {
    match class {
        ObjectClass::Function => "USER FUNCTIONS".to_owned(),
        ObjectClass::Procedure => "PROCEDURES".to_owned(),
        class => {
            let word = dialect::of(DialectKind::Snowflake).word_of(class).unwrap_or_default();
            match word.strip_suffix('Y') {
                // GATEWAYS, and POLICIES.
                Some(stem) if !stem.ends_with(['A', 'E', 'O', 'U']) => format!("{stem}IES"),
                _ => format!("{word}S"),
            }
        }
    }
}

fn object(database: &Ident, class: ObjectClass, row: &Row) -> Option<Securable> {
    let name = row.name("name")?;
    match class {
        ObjectClass::Schema => Some(Securable::schema(database.clone(), name)),
        ObjectClass::Function | ObjectClass::Procedure => {
            // `ADD5(NUMBER) RETURN NUMBER`; what the server brings along has no schema.
            let schema = row.name("schema_name")?;
            let (name, types) = routine(row.text("arguments"))?;
            Some(Securable::routine(class, database.clone(), schema, name, types))
        }
        class => {
            let schema = row.name("schema_name")?;
            Some(Securable::in_schema(class, database.clone(), schema, name))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_show_lists_is_the_plural_that_grants_name() {
        for (class, shown) in [
            (ObjectClass::Gateway, "GATEWAYS"),
            (ObjectClass::ArtifactRepository, "ARTIFACT REPOSITORIES"),
            (ObjectClass::SnapshotPolicy, "SNAPSHOT POLICIES"),
            (ObjectClass::InteractiveTable, "INTERACTIVE TABLES"),
        ] {
            assert_eq!(plural(class), shown);
        }
    }
}
