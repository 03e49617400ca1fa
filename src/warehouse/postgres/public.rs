//! What PUBLIC holds: grantee 0 of an access list.

use std::collections::{BTreeMap, BTreeSet};

use tokio_postgres::types::Type;

use super::Postgres;
use super::acl::{Words, get, name, relation_class};
use super::observe::{Reader, connected};
use crate::model::{PrivilegeSet, SchemaKey, Securable};
use crate::warehouse::{Everybodys, ObservePublic, WarehouseError};

/// Relations have no privileges for PUBLIC by default, so a list that is NULL has none.
const PUBLIC: &str = r#"
    select c.relkind::text, n.nspname::text, c.relname::text, null::text, a.privilege_type
    from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
    where a.grantee = 0 and n.nspname = any($1)
    union all
    select c.relkind::text, n.nspname::text, c.relname::text, t.attname::text, a.privilege_type
    from pg_attribute t join pg_class c on c.oid = t.attrelid
    join pg_namespace n on n.oid = c.relnamespace, aclexplode(t.attacl) a
    where a.grantee = 0 and n.nspname = any($1) and not t.attisdropped"#;

impl ObservePublic for Postgres {
    async fn public(
        &mut self,
        schemas: &BTreeSet<SchemaKey>,
    ) -> Result<Everybodys, WarehouseError> {
        let reader = Reader { client: &self.client, target: &self.target.label };
        let (server, _) = reader.server().await?;
        let database = connected(&server)?;
        let here = schemas.iter().filter(|(of, _)| *of == database);
        let here: Vec<&str> = here.map(|(_, schema)| schema.as_str()).collect();
        let mut found: BTreeMap<Securable, PrivilegeSet> = BTreeMap::new();
        let mut words = Words::default();
        for row in &reader.rows(PUBLIC, &[(&here, Type::TEXT_ARRAY)]).await? {
            let (schema, relation) = (name(get(row, 1)?)?, name(get(row, 2)?)?);
            let on = match (relation_class(get(row, 0)?), get::<Option<&str>>(row, 3)?) {
                (None, _) => continue,
                (Some(_), Some(column)) => {
                    Securable::column(database.clone(), schema, relation, name(column)?)
                }
                (Some(class), None) => {
                    Securable::in_schema(class, database.clone(), schema, relation)
                }
            };
            let held = found.entry(on).or_default();
            if let Some(privilege) = words.privilege(get(row, 4)?) {
                held.insert(privilege);
            }
        }
        Ok(Everybodys { held: found.into_iter().collect(), inside: Vec::new() })
    }
}
