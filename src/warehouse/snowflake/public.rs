//! What everybody has: the role PUBLIC, which every user and every role holds, and the roles that it
//! was let into.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::reader::{Reader, failed, quoted, role_in_sql};
use super::shown::{self, Row, Table};
use super::{QueryError, Rows};
use crate::model::{Ident, ObjectClass, Privilege, PrivilegeSet, SchemaKey, Securable};
use crate::warehouse::{Everybodys, Inside, WarehouseError};

/// What has been read so far.
#[derive(Default)]
struct Found {
    held: BTreeMap<Securable, PrivilegeSet>,
    inside: BTreeMap<Within, PrivilegeSet>,
    /// Roles that PUBLIC is in, and has what they have.
    roles: BTreeSet<Ident>,
}

/// Database (`None` for the account), schema, class, whether it is for what is yet to come.
type Within = (Option<Ident>, Option<Ident>, ObjectClass, bool);

impl Reader<'_> {
    /// Two statements for PUBLIC, two for each role that it is in; one for each schema where it has
    /// future grants in the schema's database.
    pub(super) async fn public(
        &self,
        schemas: &BTreeSet<SchemaKey>,
    ) -> Result<Everybodys, WarehouseError> {
        let databases: BTreeSet<&Ident> = schemas.iter().map(|(database, _)| database).collect();
        let mut found = Found::default();
        found.roles.extend(Ident::new("PUBLIC").ok());
        let mut asked = BTreeSet::new();
        loop {
            let next: Vec<Ident> = found.roles.difference(&asked).cloned().collect();
            if next.is_empty() {
                break;
            }
            let answers = join_all(next.iter().map(|role| {
                let role = role_in_sql(role);
                let held = format!("SHOW GRANTS TO {role}");
                let to_come = format!("SHOW FUTURE GRANTS TO {role}");
                async move { futures::join!(self.ask(&held), self.ask(&to_come)) }
            }))
            .await;
            for (held, to_come) in answers {
                found.held(&held?, &databases)?;
                found.future(&to_come?)?;
            }
            asked.extend(next);
        }
        self.inherited_by_public(&databases, &mut found).await?;
        self.hidden_by_schemas(schemas, &mut found).await?;
        let mut held: Vec<_> = found.held.into_iter().collect();
        held.retain(|(on, _)| on.schema_key().is_some_and(|schema| schemas.contains(&schema)));
        let inside = found.inside.into_iter();
        let inside = inside.map(|((database, schema, class, to_come), privileges)| Inside {
            database,
            schema,
            class,
            to_come,
            privileges,
        });
        Ok(Everybodys { held, inside: inside.collect() })
    }

    /// Accounts may list what is inherited where it is granted, and nowhere else.
    async fn inherited_by_public(
        &self,
        databases: &BTreeSet<&Ident>,
        found: &mut Found,
    ) -> Result<(), WarehouseError> {
        let ask = "SHOW PARAMETERS LIKE 'FEATURE_RBAC_INHERITED_GRANTS' IN ACCOUNT";
        match self.sessions.query(ask).await {
            Ok(rows) if Table::of(&rows).rows().any(|row| row.truth("value")) => {}
            Ok(_) | Err(QueryError::Server(_)) => return Ok(()),
            Err(error) => return Err(failed(ask, &error)),
        }
        for database in databases {
            let rows = self
                .ask(&format!("SHOW INHERITED GRANTS IN DATABASE {}", quoted(database)))
                .await?;
            for row in Table::of(&rows).rows() {
                let is_role = row.text("granted_to").eq_ignore_ascii_case("ROLE");
                let grantee = shown::one(row.text("grantee_name"), |_| false);
                if is_role && grantee.is_some_and(|grantee| found.roles.contains(&grantee)) {
                    found.inherited(&row)?;
                }
            }
        }
        Ok(())
    }

    /// A future grant in a schema, to whomever, takes the place of those in its database, class by
    /// class: what is left of the latter is said schema by schema.
    async fn hidden_by_schemas(
        &self,
        schemas: &BTreeSet<SchemaKey>,
        found: &mut Found,
    ) -> Result<(), WarehouseError> {
        let everywhere = |(within, _): &(&Within, &PrivilegeSet)| within.1.is_none() && within.3;
        let wide: Vec<(Within, PrivilegeSet)> =
            found.inside.iter().filter(everywhere).map(|(w, p)| (w.clone(), *p)).collect();
        let of = |database: &Ident| wide.iter().any(|(w, _)| w.0.as_ref() == Some(database));
        let places: Vec<&SchemaKey> = schemas.iter().filter(|(d, _)| of(d)).collect();
        let answers = join_all(places.iter().map(|(database, schema)| async move {
            let place = format!("{}.{}", quoted(database), quoted(schema));
            self.ask(&format!("SHOW FUTURE GRANTS IN SCHEMA {place}")).await
        }))
        .await;
        for ((database, schema), rows) in places.into_iter().zip(answers) {
            let rows = rows?;
            let own: BTreeSet<ObjectClass> =
                Table::of(&rows).rows().filter_map(|r| shown::class(r.text("grant_on"))).collect();
            for ((of, _, class, _), privileges) in &wide {
                if of.as_ref() == Some(database) && !own.contains(class) {
                    let here = (of.clone(), Some(schema.clone()), *class, true);
                    found.add_inside(here, *privileges);
                }
            }
        }
        for (within, _) in wide {
            found.inside.remove(&within);
        }
        Ok(())
    }
}

impl Found {
    fn held(&mut self, rows: &Rows, databases: &BTreeSet<&Ident>) -> Result<(), WarehouseError> {
        for row in Table::of(rows).rows() {
            let on = row.text("granted_on").replace(' ', "_");
            match on.as_str() {
                _ if row.truth("is_inherited") => self.inherited(&row)?,
                "ROLE" if row.text("privilege") == "USAGE" => {
                    let role = shown::one(row.text("name"), |_| false);
                    self.roles.insert(role.ok_or_else(|| unreadable(&row))?);
                }
                "DATABASE_ROLE" if row.text("privilege") == "USAGE" => {
                    let parts = shown::parts(row.text("name")).ok_or_else(|| unreadable(&row))?;
                    // It has privileges in its own database only; Snowflake's own are no business
                    // of anybody's models.
                    if let [database, name] = &parts[..]
                        && let (Ok(database), Ok(name)) = (Ident::new(database), Ident::new(name))
                        && databases.contains(&database)
                    {
                        self.roles.insert(Ident::in_database(&database, &name));
                    }
                }
                on => {
                    let Some(class) = shown::class(on).filter(|class| class.is_relation()) else {
                        continue;
                    };
                    let object = shown::object(class, row.text("name"));
                    let held = self.held.entry(object.ok_or_else(|| unreadable(&row))?);
                    held.or_default().insert(privilege(&row)?);
                }
            }
        }
        Ok(())
    }

    fn future(&mut self, rows: &Rows) -> Result<(), WarehouseError> {
        for row in Table::of(rows).rows() {
            let class = shown::class(row.text("grant_on")).filter(|class| class.is_relation());
            let Some(class) = class else { continue };
            let mut parts = shown::parts(row.text("name")).ok_or_else(|| unreadable(&row))?;
            // The last part is the class between angle brackets.
            parts.pop();
            let mut parts = parts.into_iter().map(|part| Ident::new(part).ok());
            let (database, schema) = (parts.next().flatten(), parts.next().flatten());
            if database.is_none() {
                return Err(unreadable(&row));
            }
            self.add_inside((database, schema, class, true), PrivilegeSet::of(&[privilege(&row)?]));
        }
        Ok(())
    }

    /// A grant on a container for all that is in it.
    fn inherited(&mut self, row: &Row) -> Result<(), WarehouseError> {
        let class = ["granted_on", "grant_on"].map(|column| shown::class(row.text(column)));
        let class = class.into_iter().flatten().find(|class| class.is_relation());
        let Some(class) = class else { return Ok(()) };
        let name = |column| row.name(column);
        let within = (name("inherited_from_database"), name("inherited_from_schema"), class, false);
        self.add_inside(within, PrivilegeSet::of(&[privilege(row)?]));
        Ok(())
    }

    fn add_inside(&mut self, within: Within, privileges: PrivilegeSet) {
        let held = self.inside.entry(within).or_default();
        *held = held.union(privileges);
    }
}

fn privilege(row: &Row) -> Result<Privilege, WarehouseError> {
    Privilege::parse(row.text("privilege")).ok_or_else(|| unreadable(row))
}

/// What is not understood is not taken for nothing.
fn unreadable(row: &Row) -> WarehouseError {
    WarehouseError::Forbidden(format!(
        "PUBLIC has {} on {}{} {}, which cannot be understood; so nothing is promoted",
        row.text("privilege"),
        row.text("granted_on"),
        row.text("grant_on"),
        row.text("name")
    ))
}
