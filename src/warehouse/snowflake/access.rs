//! Who can do what with some relations of an account, whoever manages it.
//!
//! An account has no catalogue of grants that is both whole and of this moment. So each relation, its
//! schema and its database are asked who holds something on them: whoever holds it, users and roles of
//! databases too. Then roles are asked who is in them: all of them, or, where one relation is asked about,
//! those that are found, until there are no more.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::Rows;
use super::access_found::{Found, PUBLIC, Person, people};
use super::access_usage::Usage;
use super::edges::Known;
use super::reader::{Reader, is_missing, quoted, role_in_sql};
use super::shown::Table;
use super::warehouse::Snowflake;
use crate::dialect::snowflake_object;
use crate::effect::{AccessRole, AccessState};
use crate::model::{
    DialectKind, Ident, ObjectClass, ObservedRole, RelationKey, RoleAttributes, SchemaKey,
    Securable,
};
use crate::warehouse::{AccessLook, Look, WarehouseError};

/// What is asked about, by where it is.
struct Places {
    databases: BTreeSet<Ident>,
    schemas: BTreeSet<SchemaKey>,
    relations: BTreeSet<Securable>,
    /// Made of shares: nothing in them is granted one by one.
    of_shares: BTreeSet<Ident>,
}

/// What was answered about an object; `None` where it is not there.
type OnObject = (Securable, Option<Rows>);

impl Snowflake {
    /// Reads who can do what with some relations. Statements: a dozen; one for each relation; two for
    /// each schema, five for each database; one for each role. From ACCOUNT_USAGE none for each relation
    /// and role.
    ///
    /// # Errors
    /// The session may not see all grants (it needs MANAGE GRANTS), or an answer cannot be understood.
    pub async fn access(&mut self, look: &AccessLook) -> Result<AccessState, WarehouseError> {
        let (server, has_warehouse) = self.server().await?;
        let sessions = &self.sessions;
        let from_account_usage = self.from_account_usage && !self.locked;
        let reader = Reader { sessions, server: &server, has_warehouse, from_account_usage };
        reader.access(look).await
    }
}

impl Reader<'_> {
    async fn access(&self, look: &AccessLook) -> Result<AccessState, WarehouseError> {
        let on_account = self.all_is_seen().await?;
        let wanted = Look {
            schemas: look.relations.iter().map(|(d, s, _)| (d.clone(), s.clone())).collect(),
            relations: look.relations.clone(),
            ..Look::default()
        };
        let (roles, users, inventory, of_shares) = futures::join!(
            self.list("SHOW ROLES"),
            self.list("SHOW USERS"),
            self.inventory(&wanted),
            self.imported(),
        );
        let inventory = inventory?;
        let there = |key: &RelationKey| Some((key.clone(), inventory.relations.get(key)?.class));
        let mut classes: BTreeMap<RelationKey, ObjectClass> =
            look.relations.iter().filter_map(there).collect();
        let views = self.what_views_read(look, &classes).await?;
        views.widen(&mut classes, look.everybody);
        let places = Places::of(look, &classes, of_shares?);

        let mut roles = super::reader::read_roles(&roles?);
        let plain: BTreeSet<String> = roles.keys().map(|name| name.as_str().to_owned()).collect();
        let known = Known { roles: &plain, imported: &BTreeSet::new() };
        let in_databases = join_all(places.databases.iter().map(|it| self.database_roles(it)));
        for found in in_databases.await {
            roles.extend(found?);
        }
        let first = places.databases.first().cloned().or_else(|| Ident::new("none").ok());
        let first = first.ok_or_else(|| WarehouseError::Forbidden("no database".to_owned()))?;
        let mut state = AccessState::empty(DialectKind::Snowflake, 0, first);
        state.roles = roles.into_iter().map(|(name, it)| (name, role(it))).collect();
        let people = people(&users?, &state);
        let all: Vec<Ident> = state.roles.keys().cloned().collect();
        let mut found = Found { state, people: &people, known: &known, ask: BTreeSet::new() };
        found.add_people();
        found.grants(&Securable::account(), &on_account);
        let usage = self.usage(&places.databases).await?;
        if usage.is_some() {
            found.state.unseen.insert(
                "grants and members are those of ACCOUNT_USAGE, which is up to two hours late and does \
                 not have what is granted to users themselves"
                    .to_owned(),
            );
        }
        self.lists(&places, usage.as_ref(), &mut found).await?;
        self.to_come(&places, look, &mut found).await?;
        views.add_to(&mut found.state);
        if look.everybody {
            found.ask.extend(all);
        }
        self.members(usage.as_ref(), &mut found).await?;
        for user in &look.users {
            if let Some(person) = people.get(user) {
                self.roles_of(user, person, &mut found).await?;
            }
        }
        let mut state = found.state;
        state.memberships.sort_unstable();
        state.memberships.dedup();
        Ok(state)
    }

    /// The lists of all places, and what containers pass on.
    async fn lists(
        &self,
        places: &Places,
        usage: Option<&Usage>,
        found: &mut Found<'_>,
    ) -> Result<(), WarehouseError> {
        let containers: Vec<Securable> = places
            .databases
            .iter()
            .map(|database| Securable::database(database.clone()))
            .chain(places.schemas.iter().map(|(d, s)| Securable::schema(d.clone(), s.clone())))
            .collect();
        let shared = |on: &Securable| {
            let inside = on.class() != ObjectClass::Database;
            inside && on.database_name().is_some_and(|it| places.of_shares.contains(it))
        };
        let all = containers.iter().chain(&places.relations);
        let asked = all.clone().filter(|on| !shared(on));
        let (answers, inherited) = futures::join!(
            join_all(asked.map(|on| self.on_object(on, usage))),
            self.inherited_in(places),
        );
        for answer in answers {
            let (on, rows) = answer?;
            if let Some(rows) = rows {
                found.grants(&on, &rows);
            }
        }
        for on in all.clone().filter(|on| shared(on)) {
            if let Some(database) = on.database_name() {
                found.of_a_share(on, &Securable::database(database.clone()));
            }
        }
        match inherited? {
            Some(lists) => {
                for on in all.filter(|on| on.class() != ObjectClass::Database) {
                    if found.state.objects.contains_key(on) {
                        lists.iter().for_each(|rows| found.inherited(on, rows));
                    }
                }
            }
            None => {
                let what = "whether inherited grants are switched on cannot be seen by this role";
                found.state.unseen.insert(what.to_owned());
            }
        }
        Ok(())
    }

    async fn on_object(
        &self,
        on: &Securable,
        usage: Option<&Usage>,
    ) -> Result<OnObject, WarehouseError> {
        if let Some(usage) = usage {
            // What was made since is there all the same.
            return Ok((on.clone(), Some(usage.on(on).unwrap_or_default())));
        }
        let Some(object) = snowflake_object(on) else { return Ok((on.clone(), None)) };
        let rows = self.unless_missing(&format!("SHOW GRANTS ON {object}")).await?;
        Ok((on.clone(), rows))
    }

    /// What is granted on containers for all that is in them; `None` where that cannot be seen.
    async fn inherited_in(&self, places: &Places) -> Result<Option<Vec<Rows>>, WarehouseError> {
        let ask = "SHOW PARAMETERS LIKE 'FEATURE_RBAC_INHERITED_GRANTS' IN ACCOUNT";
        let on = match self.sessions.query(ask).await {
            Ok(rows) => Table::of(&rows)
                .rows()
                .any(|row| row.truth("value") || row.text("value").eq_ignore_ascii_case("enabled")),
            Err(super::QueryError::Server(_)) => return Ok(None),
            Err(error) => return Err(super::reader::failed(ask, &error)),
        };
        if !on {
            return Ok(Some(Vec::new()));
        }
        let databases = places.databases.iter().filter(|it| !places.of_shares.contains(*it));
        let schemas = places.schemas.iter().filter(|it| !places.of_shares.contains(&it.0));
        let databases = databases.map(|it| format!("DATABASE {}", quoted(it)));
        let schemas = schemas.map(|(d, s)| format!("SCHEMA {}.{}", quoted(d), quoted(s)));
        let answers = join_all(databases.chain(schemas).map(|place| async move {
            self.unless_missing(&format!("SHOW INHERITED GRANTS IN {place}")).await
        }))
        .await;
        let rows = answers.into_iter().filter_map(Result::transpose);
        rows.collect::<Result<_, _>>().map(Some)
    }

    /// Future grants, and in which schemas access is managed.
    async fn to_come(
        &self,
        places: &Places,
        look: &AccessLook,
        found: &mut Found<'_>,
    ) -> Result<(), WarehouseError> {
        let wanted: BTreeSet<SchemaKey> =
            look.relations.iter().map(|(d, s, _)| (d.clone(), s.clone())).collect();
        let in_databases = wanted.iter().map(|(database, _)| (database, None));
        let in_databases: BTreeSet<(&Ident, Option<&Ident>)> = in_databases.collect();
        let in_schemas = wanted.iter().map(|(database, schema)| (database, Some(schema)));
        let here = |it: &(&Ident, Option<&Ident>)| !places.of_shares.contains(it.0);
        let all: Vec<_> = in_databases.into_iter().chain(in_schemas).filter(here).collect();
        let (futures, schemas) = futures::join!(
            join_all(all.iter().map(|(database, schema)| async move {
                let place = match schema {
                    Some(schema) => format!("SCHEMA {}.{}", quoted(database), quoted(schema)),
                    None => format!("DATABASE {}", quoted(database)),
                };
                self.unless_missing(&format!("SHOW FUTURE GRANTS IN {place}")).await
            })),
            join_all(places.databases.iter().map(|database| async move {
                let list = format!("SHOW SCHEMAS IN DATABASE {}", quoted(database));
                match self.list(&list).await {
                    Err(WarehouseError::Statement { .. }) => Ok(Rows::default()),
                    other => other,
                }
            })),
        );
        for ((database, schema), rows) in all.into_iter().zip(futures) {
            if let Some(rows) = rows? {
                found.futures(database, schema, &rows);
            }
        }
        for (database, rows) in places.databases.iter().zip(schemas) {
            found.schemas(database, &rows?, &places.schemas);
        }
        Ok(())
    }

    /// `None` where there is no such thing.
    pub(super) async fn unless_missing(
        &self,
        statement: &str,
    ) -> Result<Option<Rows>, WarehouseError> {
        match self.sessions.query(statement).await {
            Ok(rows) => Ok(Some(rows)),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(self.explain(statement, &error)),
        }
    }

    /// Who is in the roles that were found, and who in those, to the end.
    async fn members(
        &self,
        usage: Option<&Usage>,
        found: &mut Found<'_>,
    ) -> Result<(), WarehouseError> {
        let mut asked: BTreeSet<Ident> = Ident::new(PUBLIC).into_iter().collect();
        loop {
            let next: Vec<Ident> = found.ask.difference(&asked).cloned().collect();
            if next.is_empty() {
                return Ok(());
            }
            let answers = join_all(next.iter().map(|role| async move {
                match usage {
                    Some(usage) => Ok(Some(usage.of(role))),
                    None => {
                        let of = format!("SHOW GRANTS OF {}", role_in_sql(role));
                        self.unless_missing(&of).await
                    }
                }
            }))
            .await;
            for (role, rows) in next.iter().zip(answers) {
                if let Some(rows) = rows? {
                    found.members(role, &rows)?;
                }
            }
            asked.extend(next);
        }
    }

    async fn roles_of(
        &self,
        user: &Ident,
        person: &Person,
        found: &mut Found<'_>,
    ) -> Result<(), WarehouseError> {
        let rows = self.unless_missing(&format!("SHOW GRANTS TO USER {}", quoted(user))).await?;
        for row in Table::of(&rows.unwrap_or_default()).rows() {
            if let Some(role) = found.known.role(row.text("role"))
                && found.state.roles.contains_key(&role)
            {
                found.let_in(&role, person, &row);
            }
        }
        Ok(())
    }
}

fn role(it: ObservedRole) -> AccessRole {
    AccessRole { attributes: RoleAttributes::MANAGED, marker: it.marker }
}

impl Places {
    fn of(
        look: &AccessLook,
        classes: &BTreeMap<RelationKey, ObjectClass>,
        of_shares: BTreeSet<Ident>,
    ) -> Self {
        let all = || look.relations.iter().chain(classes.keys());
        let relation = |((database, schema, name), class): (&RelationKey, &ObjectClass)| {
            Securable::in_schema(*class, database.clone(), schema.clone(), name.clone())
        };
        Self {
            databases: all().map(|(database, ..)| database.clone()).collect(),
            schemas: all().map(|(d, s, _)| (d.clone(), s.clone())).collect(),
            relations: classes.iter().map(relation).collect(),
            of_shares,
        }
    }
}
