//! What views read. An account tells it in ACCOUNT_USAGE alone, up to three hours late.

use std::collections::{BTreeMap, BTreeSet};

use super::QueryError;
use super::reader::{Reader, failed};
use super::shown::{self, Row, Table};
use crate::effect::{AccessState, Reading};
use crate::model::{ObjectClass, RelationKey, Securable};
use crate::warehouse::{AccessLook, WarehouseError};

/// "OBJECT_DEPENDENCIES view": one row for each view and object that it refers to.
const DEPENDENCIES: &str = "SELECT REFERENCING_DATABASE, REFERENCING_SCHEMA, REFERENCING_OBJECT_NAME, REFERENCED_DATABASE, REFERENCED_SCHEMA, REFERENCED_OBJECT_NAME, REFERENCED_OBJECT_DOMAIN FROM SNOWFLAKE.ACCOUNT_USAGE.OBJECT_DEPENDENCIES WHERE REFERENCING_OBJECT_DOMAIN = 'VIEW'";

/// Which view reads which relations.
#[derive(Default)]
pub(super) struct Views {
    reads: BTreeMap<RelationKey, BTreeMap<RelationKey, ObjectClass>>,
    unseen: Option<String>,
}

impl Reader<'_> {
    /// One query, where a view is asked about, or everybody.
    pub(super) async fn what_views_read(
        &self,
        look: &AccessLook,
        classes: &BTreeMap<RelationKey, ObjectClass>,
    ) -> Result<Views, WarehouseError> {
        let mut views = Views::default();
        if !look.everybody && !classes.values().any(|class| *class == ObjectClass::View) {
            return Ok(views);
        }
        let unseen = |why: &str| {
            format!(
                "what views read that dbt does not make, since {why} (GRANT DATABASE ROLE \
                 SNOWFLAKE.OBJECT_VIEWER, and a warehouse, let it be seen)"
            )
        };
        if !self.has_warehouse {
            views.unseen = Some(unseen("the session has no warehouse"));
            return Ok(views);
        }
        let rows = match self.sessions.query(DEPENDENCIES).await {
            Ok(rows) => rows,
            Err(QueryError::Server(_)) => {
                views.unseen = Some(unseen("ACCOUNT_USAGE.OBJECT_DEPENDENCIES may not be read"));
                return Ok(views);
            }
            Err(error) => return Err(failed(DEPENDENCIES, &error)),
        };
        for row in Table::of(&rows).rows() {
            let class = shown::class(row.text("referenced_object_domain"));
            let Some(class) = class.filter(|class| class.is_relation()) else { continue };
            if let (Some(view), Some(on)) = (key(&row, "referencing"), key(&row, "referenced")) {
                views.reads.entry(view).or_default().insert(on, class);
            }
        }
        Ok(views)
    }
}

fn key(row: &Row<'_>, side: &str) -> Option<RelationKey> {
    let part = |what: &str| row.name(&format!("{side}_{what}"));
    Some((part("database")?, part("schema")?, part("object_name")?))
}

impl Views {
    /// What the views among the relations read, to the end; and, of everybody, the views that read one
    /// of the relations, whoever made them.
    pub(super) fn widen(&self, classes: &mut BTreeMap<RelationKey, ObjectClass>, everybody: bool) {
        if everybody {
            let mut readers: BTreeMap<&RelationKey, Vec<&RelationKey>> = BTreeMap::new();
            for (view, reads) in &self.reads {
                reads.keys().for_each(|on| readers.entry(on).or_default().push(view));
            }
            let mut next: Vec<RelationKey> = classes.keys().cloned().collect();
            while let Some(on) = next.pop() {
                for view in readers.get(&on).into_iter().flatten() {
                    if !classes.contains_key(*view) {
                        classes.insert((*view).clone(), ObjectClass::View);
                        next.push((*view).clone());
                    }
                }
            }
        }
        let mut next: Vec<RelationKey> = classes.keys().cloned().collect();
        while let Some(view) = next.pop() {
            for (on, class) in self.reads.get(&view).into_iter().flatten() {
                if !classes.contains_key(on) {
                    classes.insert(on.clone(), *class);
                    next.push(on.clone());
                }
            }
        }
    }

    /// Views as they are read: each as its owner.
    pub(super) fn add_to(self, state: &mut AccessState) {
        state.unseen.extend(self.unseen);
        let by_key = |state: &AccessState, key: &RelationKey| {
            let (database, schema, name) = key.clone();
            let on = Securable::in_schema(ObjectClass::View, database, schema, name);
            state.find(&on).map(|(on, _)| on.clone())
        };
        for (view, reads) in self.reads {
            let Some(view) = by_key(state, &view).filter(|on| on.class() == ObjectClass::View)
            else {
                continue;
            };
            // What is gone, or of a share, is not there to be read.
            let reads: BTreeSet<Securable> =
                reads.keys().filter_map(|on| by_key(state, on)).collect();
            let Some(object) = state.objects.get_mut(&view) else { continue };
            let relations = reads.into_iter().filter(|on| *on != view);
            let relations = relations.map(|on| (on, Vec::new())).collect();
            object.reading = Some(Reading { relations, ..Reading::default() });
        }
    }
}
