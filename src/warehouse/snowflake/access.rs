//! Who can do what with one object of an account, whoever manages it.
//!
//! An account has no catalogue of grants that is both whole and of this moment, and reading all roles
//! takes minutes. So the object, its schema and its database are asked who holds something on them, and
//! each role that is found who is in it, until there are no more: one statement for each.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::join_all;

use super::Rows;
use super::edges::Known;
use super::reader::{Reader, is_missing, literal, quoted, role_in_sql};
use super::shown::{self, Holder, Row, Table};
use super::warehouse::Snowflake;
use crate::dialect::snowflake_object;
use crate::effect::{AccessEntry, AccessObject, AccessRole, AccessState, DefaultList};
use crate::model::{
    DialectKind, Ident, MarkerReading, MemberKind, ObjectClass, ObservedMembership, Privilege,
    PrivilegeSet, RoleAttributes, Securable,
};
use crate::warehouse::{Look, WarehouseError};

/// What every user and every role has.
const PUBLIC: &str = "PUBLIC";

/// A user, as far as it matters how their sessions begin.
struct Person {
    /// Their name in the state: a role may have the same.
    name: Ident,
    default_role: String,
    /// All their roles count at once.
    all_roles: bool,
}

/// What is read of an account, and what is known of names.
struct Found<'k> {
    state: AccessState,
    people: &'k BTreeMap<Ident, Person>,
    known: &'k Known<'k>,
    database: Ident,
    /// Roles that hold something, whose members are asked for.
    ask: BTreeSet<Ident>,
}

impl Snowflake {
    /// Reads who can do what with a relation. Statements: six, three for the object, one for each role
    /// that leads to it. `user` is somebody whose roles are to be known even if none of them does.
    ///
    /// # Errors
    /// The session may not see grants (it needs MANAGE GRANTS), or an answer cannot be understood.
    pub async fn access_on(
        &mut self,
        on: &Securable,
        user: Option<&Ident>,
    ) -> Result<AccessState, WarehouseError> {
        let (server, has_warehouse) = self.server().await?;
        let sessions = &self.sessions;
        let reader = Reader { sessions, server: &server, has_warehouse, from_account_usage: false };
        reader.access_on(on, user).await
    }
}

impl Reader<'_> {
    async fn access_on(
        &self,
        on: &Securable,
        user: Option<&Ident>,
    ) -> Result<AccessState, WarehouseError> {
        let (Some(database), Some((_, schema)), Some(key)) =
            (on.database_name().cloned(), on.schema_key(), on.relation_key())
        else {
            return Err(WarehouseError::Forbidden(format!("{on} is in no schema")));
        };
        let look = Look {
            schemas: BTreeSet::from([(database.clone(), schema.clone())]),
            relations: BTreeSet::from([key.clone()]),
            ..Look::default()
        };
        let databases = BTreeSet::from([database.clone()]);
        let (of_database, of_schema) = (
            Securable::database(database.clone()),
            Securable::schema(database.clone(), schema.clone()),
        );
        let future = [
            format!("SHOW FUTURE GRANTS IN DATABASE {}", quoted(&database)),
            format!("SHOW FUTURE GRANTS IN SCHEMA {}.{}", quoted(&database), quoted(&schema)),
        ];
        let (
            roles,
            users,
            in_database,
            inventory,
            inherited,
            on_database,
            on_schema,
            everywhere,
            here,
        ) = futures::join!(
            self.list("SHOW ROLES"),
            self.list("SHOW USERS"),
            self.database_roles(&database),
            self.inventory(&look),
            self.inherited(&databases),
            self.grants_on(&of_database),
            self.grants_on(&of_schema),
            self.or_none(&future[0]),
            self.or_none(&future[1]),
        );
        let mut roles = super::reader::read_roles(&roles?);
        let plain: BTreeSet<String> = roles.keys().map(|name| name.as_str().to_owned()).collect();
        roles.extend(in_database?);
        let people = people(&users?, &roles.keys().cloned().collect());
        let known = Known { roles: &plain, imported: &BTreeSet::new() };

        let mut state = AccessState::empty(DialectKind::Snowflake, 0, database.clone());
        let role = |marker| AccessRole { attributes: RoleAttributes::MANAGED, marker };
        state.roles = roles.into_iter().map(|(name, it)| (name, role(it.marker))).collect();
        for person in people.values() {
            let login = RoleAttributes { login: true, ..RoleAttributes::MANAGED };
            let one = AccessRole { attributes: login, marker: MarkerReading::None };
            state.roles.insert(person.name.clone(), one);
        }
        let mut found =
            Found { state, people: &people, known: &known, database, ask: BTreeSet::new() };
        found.grants(&of_database, &on_database?)?;
        found.grants(&of_schema, &on_schema?)?;
        let class = inventory?.relations.get(&key).map(|relation| relation.class);
        if let Some(class) = class {
            let on = on.clone().with_class(class);
            let rows = self.grants_on(&on).await?;
            found.grants(&on, &rows)?;
            for rows in inherited?.into_values() {
                found.inherited(&on, &rows)?;
            }
        }
        found.futures(None, &everywhere?)?;
        found.futures(Some(&schema), &here?)?;
        self.members(&mut found).await?;
        if let Some(person) = user.and_then(|user| people.get(user)) {
            self.roles_of(user.unwrap_or(&person.name), person, &mut found).await?;
        }
        let mut state = found.state;
        state.memberships.sort_unstable();
        state.memberships.dedup();
        Ok(state)
    }

    async fn grants_on(&self, on: &Securable) -> Result<Rows, WarehouseError> {
        let Some(object) = snowflake_object(on) else { return Ok(Rows::default()) };
        self.or_none(&format!("SHOW GRANTS ON {object}")).await
    }

    /// Nothing where there is no such thing.
    async fn or_none(&self, statement: &str) -> Result<Rows, WarehouseError> {
        match self.sessions.query(statement).await {
            Ok(rows) => Ok(rows),
            Err(error) if is_missing(&error) => Ok(Rows::default()),
            Err(error) => Err(self.explain(statement, &error)),
        }
    }

    /// Who is in the roles that were found, and who in those, to the end.
    async fn members(&self, found: &mut Found<'_>) -> Result<(), WarehouseError> {
        let mut asked: BTreeSet<Ident> = Ident::new(PUBLIC).into_iter().collect();
        loop {
            let next: Vec<Ident> = found.ask.difference(&asked).cloned().collect();
            if next.is_empty() {
                return Ok(());
            }
            let answers = join_all(next.iter().map(|role| async move {
                self.or_none(&format!("SHOW GRANTS OF {}", role_in_sql(role))).await
            }))
            .await;
            for (role, rows) in next.iter().zip(answers) {
                found.members(role, &rows?)?;
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
        let rows = self.or_none(&format!("SHOW GRANTS TO USER {}", quoted(user))).await?;
        for row in Table::of(&rows).rows() {
            if let Some(role) = found.known.role(row.text("role"))
                && found.state.roles.contains_key(&role)
            {
                found.let_in(&role, person, &row);
            }
        }
        Ok(())
    }
}

/// The account's users. What a role may not see of them is as new users have it.
fn people(rows: &Rows, roles: &BTreeSet<Ident>) -> BTreeMap<Ident, Person> {
    let person = |row: Row<'_>| {
        let user = row.name("name")?;
        let name = match roles.contains(&user) {
            true => Ident::new(format!("{user} (user)")).ok()?,
            false => user.clone(),
        };
        let secondary = row.text("default_secondary_roles").trim();
        let all_roles = secondary.is_empty() || secondary.to_ascii_uppercase().contains("ALL");
        let default_role = row.text("default_role").to_owned();
        Some((user, Person { name, default_role, all_roles }))
    };
    Table::of(rows).rows().filter_map(person).collect()
}

impl Found<'_> {
    /// Whoever a row names; `None` for everybody. Shares and applications are nobody here.
    fn grantee(&self, row: &Row<'_>, kind: &str, name: &str) -> Option<Option<Ident>> {
        match shown::holder(row.text(kind))? {
            Holder::User => {
                let user = shown::one(row.text(name), |_| false)?;
                self.people.get(&user).map(|person| Some(person.name.clone()))
            }
            Holder::Role if row.text(name) == PUBLIC => Some(None),
            Holder::Role | Holder::DatabaseRole => {
                self.known.grantee(row.text(kind), row.text(name), Some(&self.database)).map(Some)
            }
        }
    }

    /// SHOW GRANTS ON.
    fn grants(&mut self, on: &Securable, rows: &Rows) -> Result<(), WarehouseError> {
        let mut object = AccessObject::default();
        for row in Table::of(rows).rows() {
            // What a container passes on is none of its own.
            let class = shown::class(row.text("granted_on"));
            if row.truth("is_inherited") && class != Some(on.class()) {
                continue;
            }
            let Some(grantee) = self.grantee(&row, "granted_to", "grantee_name") else { continue };
            if row.text("privilege") == "OWNERSHIP" {
                let all = self.state.privileges_of(on.class());
                object.owner = grantee.clone().or_else(|| Ident::new(PUBLIC).ok());
                let Some(owner) = &object.owner else { continue };
                object.acl.push(AccessEntry { grantee, ..AccessEntry::of_owner(owner, all) });
                self.ask.insert(owner.clone());
                continue;
            }
            let mut entry = self.entry(grantee, &row)?;
            // "At least one privilege on the parent" opens it: GRANT <privileges>, usage notes.
            if on.class().is_container() {
                entry.privileges.insert(Privilege::USAGE);
            }
            object.acl.push(entry);
        }
        self.state.objects.insert(on.clone(), object);
        Ok(())
    }

    fn entry(
        &mut self,
        grantee: Option<Ident>,
        row: &Row<'_>,
    ) -> Result<AccessEntry, WarehouseError> {
        let privilege = match row.text("privilege") {
            // What is granted on a database that was made of a share.
            "IMPORTED PRIVILEGES" => Privilege::USAGE,
            text => Privilege::parse(text).ok_or_else(|| unreadable(row))?,
        };
        if let Some(grantee) = &grantee
            && self.state.roles.get(grantee).is_none_or(|role| !role.attributes.login)
        {
            self.ask.insert(grantee.clone());
        }
        let privileges = PrivilegeSet::of(&[privilege]);
        let grantable = if row.truth("grant_option") { privileges } else { PrivilegeSet::EMPTY };
        Ok(AccessEntry { grantee, grantor: self.grantor(row), privileges, grantable })
    }

    fn grantor(&self, row: &Row<'_>) -> Option<Ident> {
        self.known.role(row.text("granted_by")).filter(|by| !by.as_str().is_empty())
    }

    /// What is granted on the database or the schema for all that is in it.
    fn inherited(&mut self, on: &Securable, rows: &Rows) -> Result<(), WarehouseError> {
        for row in Table::of(rows).rows() {
            let either = |one: &'static str, other: &'static str| match row.text(one) {
                "" => other,
                _ => one,
            };
            let class = shown::class(row.text(either("granted_on", "grant_on")));
            let schema = row.name("inherited_from_schema");
            if class != Some(on.class()) || schema.is_some() && schema.as_ref() != on.schema_name()
            {
                continue;
            }
            let kind = either("granted_to", "grant_to");
            let Some(grantee) = self.grantee(&row, kind, "grantee_name") else { continue };
            let entry = self.entry(grantee, &row)?;
            let object = self.state.objects.entry(on.clone()).or_default();
            object.acl.push(entry);
        }
        Ok(())
    }

    /// SHOW FUTURE GRANTS.
    fn futures(&mut self, schema: Option<&Ident>, rows: &Rows) -> Result<(), WarehouseError> {
        let mut lists: BTreeMap<ObjectClass, Vec<AccessEntry>> = BTreeMap::new();
        for row in Table::of(rows).rows() {
            let Some(class) = shown::class(row.text("grant_on")) else { continue };
            let Some(grantee) = self.grantee(&row, "grant_to", "grantee_name") else { continue };
            let entry = self.entry(grantee, &row)?;
            lists.entry(class).or_default().push(entry);
        }
        let list =
            |(class, acl)| DefaultList { creator: None, schema: schema.cloned(), class, acl };
        self.state.defaults.extend(lists.into_iter().map(list));
        Ok(())
    }

    /// SHOW GRANTS OF.
    fn members(&mut self, role: &Ident, rows: &Rows) -> Result<(), WarehouseError> {
        let database = role.in_parts().map(|(database, _)| database);
        for row in Table::of(rows).rows() {
            let (kind, name) = (row.text("granted_to"), row.text("grantee_name"));
            let member = match shown::holder(kind) {
                Some(Holder::User) => {
                    let user = shown::one(name, |_| false);
                    if let Some(person) = user.and_then(|user| self.people.get(&user)) {
                        self.let_in(role, person, &row);
                    }
                    continue;
                }
                Some(_) => self.known.grantee(kind, name, database.as_ref()),
                None => continue,
            };
            let member = member.ok_or_else(|| unreadable(&row))?;
            self.ask.insert(member.clone());
            self.state.memberships.push(ObservedMembership {
                role: role.clone(),
                member,
                kind: MemberKind::Role,
                grantor: self.grantor(&row).unwrap_or_else(|| role.clone()),
                admin: false,
                inherit: true,
                // Nobody can activate a role of a database.
                set: role.in_parts().is_none(),
                automatic: false,
            });
        }
        Ok(())
    }

    fn let_in(&mut self, role: &Ident, person: &Person, row: &Row<'_>) {
        self.state.memberships.push(ObservedMembership {
            role: role.clone(),
            member: person.name.clone(),
            kind: MemberKind::User,
            grantor: self.grantor(row).unwrap_or_else(|| role.clone()),
            admin: false,
            inherit: person.all_roles || person.default_role == role.as_str(),
            set: true,
            automatic: false,
        });
    }
}

/// What is not understood is not taken for nothing.
fn unreadable(row: &Row<'_>) -> WarehouseError {
    let name = ["name", "role"].map(|column| row.text(column)).join("");
    WarehouseError::Forbidden(format!(
        "the account says {} {} on {} to {} {}, which cannot be understood",
        row.text("privilege"),
        literal(&name),
        row.text("granted_on"),
        row.text("granted_to"),
        row.text("grantee_name")
    ))
}
