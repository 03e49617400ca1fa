//! A random account: what is in it, what is wanted, and what comes in between.

use proptest::prelude::*;
use rolecall::model::*;
use serde_json::{Value, json};

use super::super::super::standin::Standin;
use super::super::site::quoted;
use super::did::{Did, at, did};
use super::place::*;

#[derive(Debug, Clone)]
pub(super) struct World {
    /// Which managed roles are there already: in the account, and in either database.
    pub(super) there: [[bool; 4]; 3],
    pub(super) did: Vec<Did>,
    /// Which are wanted.
    wanted: [bool; 4],
    grants: Vec<(At, usize, usize)>,
    members: Vec<(usize, usize)>,
    owners: Vec<(At, usize)>,
    /// (warehouse, role)
    warehouses: Vec<(usize, usize)>,
    parent: usize,
    database_roles: bool,
    /// The session has a warehouse.
    pub(super) warehouse: bool,
    pub(super) drop_roles: bool,
    pub(super) prune: bool,
    /// Schemas with managed access.
    managed_access: [[bool; 2]; 2],
    /// BCR-2433.
    replace_copies: bool,
    /// What others do between the plan and the apply.
    pub(super) meanwhile: Vec<Did>,
    /// The statement of the first apply that fails, and how.
    pub(super) breaks: Option<(usize, u8)>,
}

pub(super) fn worlds() -> impl Strategy<Value = World> {
    let managed = MANAGED.len();
    let meanwhile =
        prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(did(), 1..6)].boxed();
    (
        (any::<[[bool; 4]; 3]>(), prop::collection::vec(did(), 0..25), any::<[bool; 4]>()),
        (
            prop::collection::vec((at(), 0..3_usize, 0..managed), 0..12),
            prop::collection::vec((0..managed, 0..USERS.len() + GROUPS.len()), 0..6),
            prop::collection::vec((at(), 0..managed), 0..2),
            prop::collection::vec((0..WAREHOUSES.len(), 0..managed), 0..3),
        ),
        (any::<[bool; 5]>(), 0..PARENTS.len(), any::<[[bool; 2]; 2]>()),
        (meanwhile, prop::option::of((1..20_usize, 0..4_u8))),
    )
        .prop_map(|(was, wanted, flags, then)| World {
            there: was.0,
            did: was.1,
            wanted: was.2,
            grants: wanted.0,
            members: wanted.1,
            owners: wanted.2,
            warehouses: wanted.3,
            parent: flags.1,
            database_roles: flags.0[0],
            warehouse: flags.0[1],
            drop_roles: flags.0[2],
            prune: flags.0[3],
            replace_copies: flags.0[4],
            managed_access: flags.2,
            meanwhile: then.0,
            breaks: then.1,
        })
}

/// As people did them; what could not be done was not done.
pub(super) fn happens(standin: &Standin, did: &[Did]) {
    let statements: Vec<Value> = did
        .iter()
        .flat_map(Did::sql)
        .map(|said| match said {
            (sql, Some(role)) => json!({ "sql": sql, "role": role }),
            (sql, None) => json!({ "sql": sql }),
        })
        .collect();
    if !statements.is_empty() {
        standin.tell("sql", &json!({ "statements": statements, "go_on": true }));
    }
}

impl World {
    pub(super) fn furnish(&self, standin: &Standin) {
        let mut statements = vec![
            "CREATE ROLE DEPLOYER".to_owned(),
            "GRANT CREATE ROLE ON ACCOUNT TO ROLE DEPLOYER".to_owned(),
            "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE DEPLOYER".to_owned(),
            "GRANT ROLE DEPLOYER TO USER ADMIN".to_owned(),
            "CREATE ROLE DBT".to_owned(),
        ];
        for warehouse in WAREHOUSES.map(|name| quoted(&id(name))) {
            statements.push(format!("CREATE WAREHOUSE {warehouse}"));
            statements.push(format!("GRANT USAGE ON WAREHOUSE {warehouse} TO ROLE DEPLOYER"));
        }
        let people = STRANGERS.iter().chain(&GROUPS).chain(&PARENTS[1..2]);
        statements.extend(people.map(|role| format!("CREATE ROLE {}", quoted(&id(role)))));
        statements.extend(USERS.iter().map(|user| format!("CREATE USER {}", quoted(&id(user)))));
        for (at, database) in DATABASES.iter().enumerate() {
            let name = quoted(&id(database));
            statements.push(format!("CREATE DATABASE {name}"));
            statements
                .push(format!("GRANT CREATE DATABASE ROLE ON DATABASE {name} TO ROLE DEPLOYER"));
            let stranger = quoted(&id(IN_DATABASES[at]));
            statements.push(format!("CREATE DATABASE ROLE {name}.{stranger}"));
            for (schema, managed) in SCHEMAS.iter().zip(self.managed_access[at]) {
                let managed = if managed { " WITH MANAGED ACCESS" } else { "" };
                statements.push(format!("CREATE SCHEMA {name}.{}{managed}", quoted(&id(schema))));
            }
        }
        for at in relations() {
            let create = RELATIONS[at.2].2.replace("{}", &name_in_sql(&relation(at)));
            statements.push(format!("CREATE {create}"));
        }
        statements.push("CREATE EVENT TABLE SHOP.SALES.EVENTS".to_owned());
        statements
            .push("CREATE FUNCTION SHOP.SALES.F(A NUMBER) RETURNS NUMBER AS 'A + 1'".to_owned());
        let places = [None, Some(DATABASES[0]), Some(DATABASES[1])];
        for (place, there) in places.into_iter().zip(self.there) {
            for ((name, role), there) in MANAGED.iter().zip(there) {
                // One of somebody else has this name.
                if !there || place == Some("SHOP") && *name == IN_DATABASES[0] {
                    continue;
                }
                let who = match place {
                    None => Who::InAccount(name),
                    Some(database) => Who::InDatabase(database, name),
                };
                let comment = marker(role).to_comment().replace('\'', "''");
                statements.push(format!("CREATE {} COMMENT = '{comment}'", who.sql()));
                // By whoever made it before.
                statements.push(format!("GRANT OWNERSHIP ON {} TO ROLE DEPLOYER", who.sql()));
            }
        }
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        let bundle = if self.replace_copies { "ENABLED" } else { "DISABLED" };
        standin.tell("account", &json!({ "bundles": { "2026_08": bundle } }));
        standin.sql(&statements);
        happens(standin, &self.did);
    }

    pub(super) fn desired(&self) -> DesiredState {
        let reason = Reason { node: None, file: None, line: None, permission: None };
        let mut desired = DesiredState::empty("prod", DialectKind::Snowflake);
        let member = |kind| DesiredMembership { kind, because: Vec::new() };
        for ((name, role), wanted) in MANAGED.iter().zip(self.wanted) {
            if wanted {
                desired.roles.insert(id(name), marker(role).into());
                let parent = (id(name), id(PARENTS[self.parent]));
                desired.memberships.insert(parent, member(MemberKind::Role));
            }
        }
        let usage = PrivilegeSet::of(&[Privilege::USAGE]);
        let dialect = rolecall::dialect::of(DialectKind::Snowflake);
        for (warehouse, role) in self.warehouses.iter().filter(|(_, role)| self.wanted[*role]) {
            let on = Securable::global(ObjectClass::Warehouse, id(WAREHOUSES[*warehouse]));
            desired.grant(on, id(MANAGED[*role].0), usage, &reason);
        }
        for (at, what, role) in self.grants.iter().filter(|(_, _, role)| self.wanted[*role]) {
            let on = relation(*at);
            let account_role = id(MANAGED[*role].0);
            let privileges = match what {
                0 => dialect.read_on(on.class()),
                1 => dialect.write_on(on.class()),
                _ => dialect.data_privileges_of(on.class()),
            };
            let database = on.database_name().unwrap().clone();
            // The name is taken by somebody else's role there, which is refused: a test of its own.
            let taken = at.0 == 0 && MANAGED[*role].0 == IN_DATABASES[0];
            let holder = if self.database_roles && !taken {
                let holder = Ident::in_database(&database, &account_role);
                let role = desired.roles[&account_role].clone();
                desired.roles.insert(holder.clone(), role);
                let edge = (holder.clone(), account_role);
                desired.memberships.insert(edge, member(MemberKind::Role));
                holder
            } else {
                account_role
            };
            let schema = Securable::schema(database.clone(), on.schema_name().unwrap().clone());
            desired.grant(Securable::database(database), holder.clone(), usage, &reason);
            desired.grant(schema, holder.clone(), usage, &reason);
            desired.grant(on, holder, privileges, &reason);
        }
        for (role, who) in self.members.iter().filter(|(role, _)| self.wanted[*role]) {
            let (who, kind) = match USERS.get(*who) {
                Some(user) => (*user, MemberKind::User),
                None => (GROUPS[*who - USERS.len()], MemberKind::Group),
            };
            desired.memberships.insert((id(MANAGED[*role].0), id(who)), member(kind));
        }
        // Somebody who is declared to own must be held by the role that runs dbt.
        for (at, role) in self.owners.iter().filter(|(_, role)| self.wanted[*role]) {
            let role = id(MANAGED[*role].0);
            desired.memberships.insert((role.clone(), id("DBT")), member(MemberKind::Group));
            desired.owners.insert(relation(*at), DesiredOwner { role, because: Vec::new() });
        }
        desired
    }
}
