//! Which relations there are, and of which class.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::listed::Listed;
use super::reader::{PAGE, Reader, is_missing, literal, quoted};
use super::shown::{Row, Table};
use super::{QueryError, Rows};
use crate::model::{
    Ident, Incarnation, Inventory, ObjectClass, ObservedRelation, RelationKey, SchemaKey, Securable,
};
use crate::warehouse::{Look, WarehouseError};

impl Reader<'_> {
    /// One query of INFORMATION_SCHEMA a database, where there is a warehouse to run it. It shows
    /// only what the role holds something on, and does not heed MANAGE GRANTS: a schema in which a
    /// relation is not found is listed by SHOW, which does.
    pub(super) async fn inventory(&self, look: &Look) -> Result<Inventory, WarehouseError> {
        let mut inventory = Inventory::default();
        let mut by_database: BTreeMap<&Ident, Vec<&Ident>> = BTreeMap::new();
        let (listed, whole) = futures::join!(
            self.listed_objects(look),
            join_all(look.databases.iter().map(|database| self.all_objects(database))),
        );
        let Listed { objects, stages, suspended, schemas } = listed?;
        inventory.objects = objects;
        inventory.stages = stages;
        inventory.suspended = suspended;
        let mut cut: Vec<&Ident> = Vec::new();
        let mut lists: Vec<(&Ident, Rows)> = Vec::new();
        for (database, rows) in look.databases.iter().zip(whole) {
            match rows? {
                Some(rows) => lists.push((database, rows)),
                None => cut.push(database),
            }
        }
        // Too many for one list: schema by schema.
        let of_cut: BTreeSet<&SchemaKey> =
            schemas.iter().filter(|(database, _)| cut.contains(&database)).collect();
        let answers = join_all(of_cut.iter().map(|schema| self.listed(schema))).await;
        for (schema, rows) in of_cut.into_iter().zip(answers) {
            lists.extend(rows?.map(|rows| (&schema.0, rows)));
        }
        inventory.schemas.extend(schemas.iter().cloned());
        let elsewhere = |key: &&SchemaKey| !look.databases.contains(&key.0);
        for (database, schema) in look.schemas.iter().filter(elsewhere) {
            by_database.entry(database).or_default().push(schema);
        }
        if self.has_warehouse {
            let answers = join_all(
                by_database.iter().map(|(database, schemas)| self.catalogued(database, schemas)),
            )
            .await;
            for (database, rows) in by_database.keys().zip(answers) {
                for row in Table::of(&rows?).rows() {
                    add(&mut inventory, database, &row, &CATALOGUE, &Views::new());
                }
            }
        }
        let unseen: BTreeSet<&SchemaKey> = look
            .schemas
            .iter()
            .filter(|schema| !look.databases.contains(&schema.0))
            .filter(|schema| {
                if look.whole.contains(schema) {
                    return true;
                }
                let of =
                    |(database, name, _): &&RelationKey| *database == schema.0 && *name == schema.1;
                let mut relations = look.relations.iter().filter(of).peekable();
                relations.peek().is_none() && !inventory.schemas.contains(*schema)
                    || relations.any(|relation| !inventory.relations.contains_key(relation))
            })
            .collect();
        let answers = join_all(unseen.iter().map(|schema| self.listed(schema))).await;
        for (schema, rows) in unseen.into_iter().zip(answers) {
            let Some(rows) = rows? else { continue };
            inventory.schemas.insert(schema.clone());
            lists.push((&schema.0, rows));
        }
        let views = self.views(look, &inventory, &lists).await?;
        for (database, rows) in &lists {
            for row in Table::of(rows).rows() {
                add(&mut inventory, database, &row, &LIST, &views);
            }
        }
        // What has a list of its own may stand among the tables as well, and is none of them.
        let theirs: Vec<RelationKey> = inventory
            .objects
            .keys()
            .filter(|on| on.class().shares_names_with_relations())
            .filter_map(Securable::relation_key)
            .collect();
        for key in theirs {
            inventory.relations.remove(&key);
        }
        Ok(inventory)
    }

    /// SHOW OBJECTS calls materialized and semantic views VIEW: their own lists tell them apart, where
    /// there is a view that nothing else has told.
    async fn views(
        &self,
        look: &Look,
        inventory: &Inventory,
        lists: &[(&Ident, Rows)],
    ) -> Result<Views, WarehouseError> {
        let in_question = |database: &Ident, row: &Row| {
            let key = key(database, row, &LIST).filter(|_| row.text(LIST.kind) == "VIEW");
            key.is_some_and(|key| !inventory.relations.contains_key(&key))
        };
        let asked: BTreeSet<&Ident> = lists
            .iter()
            .filter(|(database, rows)| {
                Table::of(rows).rows().any(|row| in_question(database, &row))
            })
            .map(|(database, _)| *database)
            .collect();
        let mut views = Views::new();
        let mut kinds = vec![ObjectClass::MaterializedView];
        // These are listed already where they are granted on.
        if look.classes.contains(&ObjectClass::SemanticView) {
            let listed = inventory.objects.keys();
            let semantic = listed.filter(|on| on.class() == ObjectClass::SemanticView);
            views.extend(semantic.filter_map(|on| Some((on.relation_key()?, on.class()))));
        } else {
            kinds.push(ObjectClass::SemanticView);
        }
        let asked =
            asked.iter().flat_map(|database| kinds.iter().map(move |class| (*database, *class)));
        let answers = join_all(asked.map(|(database, class)| async move {
            let rows = self.in_database(database, class, look).await;
            rows.map(|rows| (database, class, rows))
        }))
        .await;
        for answer in answers {
            let (database, class, rows) = answer?;
            let rows = Table::of(&rows);
            let keys: Vec<RelationKey> =
                rows.rows().filter_map(|row| key(database, &row, &LIST)).collect();
            views.extend(keys.into_iter().map(|key| (key, class)));
        }
        Ok(views)
    }

    async fn catalogued(
        &self,
        database: &Ident,
        schemas: &[&Ident],
    ) -> Result<Rows, WarehouseError> {
        let schemas: Vec<String> = schemas.iter().map(|schema| literal(schema.as_str())).collect();
        let statement = format!(
            "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, TABLE_OWNER, CREATED, IS_DYNAMIC, IS_ICEBERG, IS_HYBRID FROM {}.INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA IN ({})",
            quoted(database),
            schemas.join(", ")
        );
        match self.sessions.query(&statement).await {
            Ok(rows) => Ok(rows),
            // No database that may be seen, or no warehouse that runs: SHOW knows better.
            Err(QueryError::Server(_)) => Ok(Rows::default()),
            Err(error) => Err(super::reader::failed(&statement, &error)),
        }
    }

    /// `None` where there is no such schema.
    async fn listed(&self, (database, schema): &SchemaKey) -> Result<Option<Rows>, WarehouseError> {
        let place = format!("SHOW OBJECTS IN SCHEMA {}.{}", quoted(database), quoted(schema));
        match self.sessions.query(&format!("{place} LIMIT {PAGE}")).await {
            Ok(rows) if rows.rows.len() < PAGE => Ok(Some(rows)),
            Ok(_) => self.list(&place).await.map(Some),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(super::reader::failed(&place, &error)),
        }
    }
}

/// Where a list has what is to be known.
struct Columns {
    schema: &'static str,
    name: &'static str,
    kind: &'static str,
    owner: &'static str,
    created: &'static str,
}

const CATALOGUE: Columns = Columns {
    schema: "table_schema",
    name: "table_name",
    kind: "table_type",
    owner: "table_owner",
    created: "created",
};

const LIST: Columns = Columns {
    schema: "schema_name",
    name: "name",
    kind: "kind",
    owner: "owner",
    created: "created_on",
};

/// What views are that are no plain ones.
type Views = BTreeMap<RelationKey, ObjectClass>;

fn key(database: &Ident, row: &Row, columns: &Columns) -> Option<RelationKey> {
    Some((database.clone(), row.name(columns.schema)?, row.name(columns.name)?))
}

fn add(inventory: &mut Inventory, database: &Ident, row: &Row, columns: &Columns, views: &Views) {
    let Some(key) = key(database, row, columns) else { return };
    inventory.schemas.insert((key.0.clone(), key.1.clone()));
    let told = views.get(&key).copied().or_else(|| class(row, columns.kind));
    // Semantic views are listed by themselves.
    let Some(class) = told.filter(|class| class.is_relation()) else { return };
    if class == ObjectClass::Table && row.truth("is_hybrid") {
        inventory.hybrid.insert(key.clone());
    }
    // A relation that nobody owns any more is shown with no owner.
    let Some(owner) = row.name(columns.owner).or_else(|| Ident::new("-").ok()) else { return };
    inventory.relations.entry(key).or_insert(ObservedRelation {
        class,
        owner,
        incarnation: Incarnation(moment(row.text(columns.created))),
    });
}

fn class(row: &Row, kind: &str) -> Option<ObjectClass> {
    let plain = match row.text(kind).to_ascii_uppercase().replace('_', " ").as_str() {
        "TABLE" | "BASE TABLE" | "TRANSIENT" | "TEMPORARY" | "LOCAL TEMPORARY" => {
            ObjectClass::Table
        }
        "VIEW" => ObjectClass::View,
        "MATERIALIZED VIEW" => ObjectClass::MaterializedView,
        "EXTERNAL TABLE" => ObjectClass::ExternalTable,
        "DYNAMIC TABLE" => ObjectClass::DynamicTable,
        "ICEBERG TABLE" => ObjectClass::IcebergTable,
        _ => return None,
    };
    Some(if row.truth("is_dynamic") {
        ObjectClass::DynamicTable
    } else if row.truth("is_iceberg") {
        ObjectClass::IcebergTable
    } else if row.truth("is_external") {
        ObjectClass::ExternalTable
    } else {
        plain
    })
}

/// A time to the millisecond: one list says it more exactly than the other.
fn moment(text: &str) -> String {
    match text.split_once('.') {
        Some((seconds, fraction)) => format!("{seconds}.{:0<3.3}", fraction),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_the_same_however_exactly_it_is_said() {
        assert_eq!(moment("1700000000.123456789"), "1700000000.123");
        assert_eq!(moment("1700000000.123000000"), "1700000000.123");
        assert_eq!(moment("1700000000.1"), "1700000000.100");
        assert_eq!(moment("1700000000"), "1700000000");
    }
}
