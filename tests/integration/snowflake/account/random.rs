//! The laws on random accounts: what people did before, what is wanted, and where an apply breaks.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rolecall::model::*;
use rolecall::plan::{Difference, Options, Sides, Within, diff};
use rolecall::warehouse::snowflake::{Sessions, Snowflake};
use rolecall::warehouse::{Execute, Look, Observe, WarehouseError};
use serde_json::{Value, json};

use super::super::standin::Standin;
use super::site::{account, quoted, settings};

const DATABASES: [&str; 2] = ["SHOP", "odd \"db"];
const SCHEMAS: [&str; 2] = ["SALES", "mixed Case"];
/// Of each class that dbt makes.
const RELATIONS: [(&str, ObjectClass, &str); 5] = [
    ("ORDERS", ObjectClass::Table, "CREATE TABLE {} (ID NUMBER)"),
    ("we\"ird", ObjectClass::Table, "CREATE TABLE {} (ID NUMBER)"),
    ("V", ObjectClass::View, "CREATE VIEW {} AS SELECT 1 AS ID"),
    (
        "D.y",
        ObjectClass::DynamicTable,
        "CREATE DYNAMIC TABLE {} TARGET_LAG = '1 hour' WAREHOUSE = WH AS SELECT 1 AS ID",
    ),
    ("ICE", ObjectClass::IcebergTable, "CREATE ICEBERG TABLE {} (ID NUMBER)"),
];
/// Managed roles: as they are named, and as the marker calls them.
const MANAGED: [(&str, &str); 4] = [("M0", "a"), ("m \"role\"", "b"), ("M2", "c"), ("m3", "d")];
const STRANGERS: [&str; 3] = ["STRANGER", "str anger", "S2"];
const GROUPS: [&str; 2] = ["AD_SALES", "ad_é"];
const USERS: [&str; 3] = ["TAYLOR", "sam@acme.example", "STRANGER"];

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

fn marker(role: &str) -> Marker {
    Marker {
        deployment: "shop".into(),
        environment: "prod".into(),
        instance: None,
        product: "sales".into(),
        role: role.into(),
        policy: None,
        immutable: false,
    }
}

fn relation(at: (usize, usize, usize)) -> Securable {
    let (name, class, _) = RELATIONS[at.2];
    Securable::in_schema(class, id(DATABASES[at.0]), id(SCHEMAS[at.1]), id(name))
}

fn keyword(class: ObjectClass) -> &'static str {
    match class {
        ObjectClass::View => "VIEW",
        ObjectClass::DynamicTable => "DYNAMIC TABLE",
        ObjectClass::IcebergTable => "ICEBERG TABLE",
        ObjectClass::Database => "DATABASE",
        ObjectClass::Schema => "SCHEMA",
        _ => "TABLE",
    }
}

fn in_sql(on: &Securable) -> String {
    let parts = [on.database_name(), on.schema_name(), on.name()];
    let parts: Vec<String> = match on.class() {
        ObjectClass::Database => vec![quoted(on.name().unwrap())],
        ObjectClass::Schema => parts[..2].iter().map(|p| quoted(p.unwrap())).collect(),
        _ => parts.iter().map(|p| quoted(p.unwrap())).collect(),
    };
    format!("{} {}", keyword(on.class()), parts.join("."))
}

/// A role by its number: managed ones first, then strangers.
fn role_in_sql(at: usize) -> String {
    let name = match MANAGED.get(at) {
        Some((name, _)) => name,
        None => STRANGERS[(at - MANAGED.len()) % STRANGERS.len()],
    };
    quoted(&id(name))
}

/// What somebody did before.
#[derive(Debug, Clone)]
enum Did {
    /// (relation, privilege, role, option)
    Granted((usize, usize, usize), usize, usize, bool),
    /// What a role passed on to a managed one.
    PassedOn((usize, usize, usize), usize, usize),
    OnContainer(usize, bool, usize, usize),
    Future(usize, Option<usize>, usize, usize),
    InRole(usize, usize),
    User(usize, usize),
    Owner((usize, usize, usize), usize),
    Odd(usize, usize),
}

fn did() -> impl Strategy<Value = Did> {
    let at = || (0..2_usize, 0..2_usize, 0..5_usize);
    prop_oneof![
        6 => (at(), 0..4_usize, 0..7_usize, any::<bool>()).prop_map(|(o, p, r, g)| Did::Granted(o, p, r, g)),
        2 => (at(), 0..7_usize, 0..4_usize).prop_map(|(o, f, t)| Did::PassedOn(o, f, t)),
        3 => (0..2_usize, any::<bool>(), 0..3_usize, 0..7_usize).prop_map(|(d, s, p, r)| Did::OnContainer(d, s, p, r)),
        2 => (0..2_usize, prop::option::of(0..2_usize), 0..3_usize, 0..7_usize).prop_map(|(d, s, p, r)| Did::Future(d, s, p, r)),
        2 => (0..7_usize, 0..7_usize).prop_map(|(r, m)| Did::InRole(r, m)),
        2 => (0..4_usize, 0..3_usize).prop_map(|(r, u)| Did::User(r, u)),
        1 => (at(), 0..7_usize).prop_map(|(o, r)| Did::Owner(o, r)),
        2 => (0..6_usize, 0..4_usize).prop_map(|(w, r)| Did::Odd(w, r)),
    ]
}

const PRIVILEGES: [&str; 4] = ["SELECT", "INSERT", "REFERENCES", "MONITOR"];

impl Did {
    /// The statement, and the role that says it.
    fn sql(&self) -> (String, Option<String>) {
        let plain = |sql| (sql, None);
        match self {
            Self::Granted(on, privilege, role, option) => plain(format!(
                "GRANT {} ON {} TO ROLE {}{}",
                PRIVILEGES[*privilege],
                in_sql(&relation(*on)),
                role_in_sql(*role),
                if *option { " WITH GRANT OPTION" } else { "" }
            )),
            Self::PassedOn(on, from, to) => (
                format!("GRANT SELECT ON {} TO ROLE {}", in_sql(&relation(*on)), role_in_sql(*to)),
                Some(role_in_sql(*from)),
            ),
            Self::OnContainer(database, schema, privilege, role) => {
                let database = id(DATABASES[*database]);
                let on = if *schema {
                    Securable::schema(database, id(SCHEMAS[0]))
                } else {
                    Securable::database(database)
                };
                let what = ["USAGE", "MONITOR", "MODIFY"][*privilege];
                plain(format!("GRANT {what} ON {} TO ROLE {}", in_sql(&on), role_in_sql(*role)))
            }
            Self::Future(database, schema, privilege, role) => {
                let database = id(DATABASES[*database]);
                let place = match schema {
                    Some(schema) => in_sql(&Securable::schema(database, id(SCHEMAS[*schema]))),
                    None => in_sql(&Securable::database(database)),
                };
                let what = ["SELECT", "INSERT", "OWNERSHIP"][*privilege];
                plain(format!(
                    "GRANT {what} ON FUTURE TABLES IN {place} TO ROLE {}",
                    role_in_sql(*role)
                ))
            }
            Self::InRole(role, member) => {
                plain(format!("GRANT ROLE {} TO ROLE {}", role_in_sql(*role), role_in_sql(*member)))
            }
            Self::User(role, user) => plain(format!(
                "GRANT ROLE {} TO USER {}",
                role_in_sql(*role),
                quoted(&id(USERS[*user]))
            )),
            Self::Owner(on, role) => plain(format!(
                "GRANT OWNERSHIP ON {} TO ROLE {} COPY CURRENT GRANTS",
                in_sql(&relation(*on)),
                role_in_sql(*role)
            )),
            Self::Odd(what, role) => {
                let role = role_in_sql(*role);
                plain(match what {
                    0 => format!("GRANT USAGE ON WAREHOUSE WH TO ROLE {role}"),
                    1 => format!("GRANT EXECUTE TASK ON ACCOUNT TO ROLE {role}"),
                    2 => format!("GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE {role}"),
                    3 => format!("GRANT MONITOR ON USER TAYLOR TO ROLE {role}"),
                    4 => format!("GRANT SELECT ON EVENT TABLE SHOP.SALES.EVENTS TO ROLE {role}"),
                    _ => format!("GRANT CREATE TABLE, USAGE ON SCHEMA SHOP.SALES TO ROLE {role}"),
                })
            }
        }
    }
}

#[derive(Debug, Clone)]
struct World {
    /// Which managed roles are there already.
    there: [bool; 4],
    did: Vec<Did>,
    /// Which are wanted.
    wanted: [bool; 4],
    grants: Vec<((usize, usize, usize), usize, usize)>,
    members: Vec<(usize, usize)>,
    owners: Vec<((usize, usize, usize), usize)>,
    database_roles: bool,
    warehouse: bool,
    drop_roles: bool,
    prune: bool,
    /// The statement of the first apply that fails.
    breaks: Option<(usize, u8)>,
}

fn worlds() -> impl Strategy<Value = World> {
    let at = || (0..2_usize, 0..2_usize, 0..5_usize);
    (
        (any::<[bool; 4]>(), prop::collection::vec(did(), 0..25), any::<[bool; 4]>()),
        prop::collection::vec((at(), 0..3_usize, 0..4_usize), 0..12),
        prop::collection::vec((0..4_usize, 0..5_usize), 0..6),
        prop::collection::vec((at(), 0..4_usize), 0..2),
        (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
        prop::option::of((1..20_usize, 0..4_u8)),
    )
        .prop_map(|((there, did, wanted), grants, members, owners, flags, breaks)| World {
            there,
            did,
            wanted,
            grants,
            members,
            owners,
            database_roles: flags.0,
            warehouse: flags.1,
            drop_roles: flags.2,
            prune: flags.3,
            breaks,
        })
}

impl World {
    fn furnish(&self, standin: &Standin) {
        let mut statements = vec![
            "CREATE ROLE DEPLOYER".to_owned(),
            "GRANT CREATE ROLE ON ACCOUNT TO ROLE DEPLOYER".to_owned(),
            "GRANT MANAGE GRANTS ON ACCOUNT TO ROLE DEPLOYER".to_owned(),
            "GRANT ROLE DEPLOYER TO USER ADMIN".to_owned(),
            "CREATE WAREHOUSE WH".to_owned(),
            "GRANT USAGE ON WAREHOUSE WH TO ROLE DEPLOYER".to_owned(),
            "CREATE ROLE DBT".to_owned(),
        ];
        for database in DATABASES {
            let name = quoted(&id(database));
            statements.push(format!("CREATE DATABASE {name}"));
            statements
                .push(format!("GRANT CREATE DATABASE ROLE ON DATABASE {name} TO ROLE DEPLOYER"));
            for schema in SCHEMAS {
                statements.push(format!("CREATE SCHEMA {name}.{}", quoted(&id(schema))));
                for (table, _, create) in RELATIONS {
                    let table = format!("{name}.{}.{}", quoted(&id(schema)), quoted(&id(table)));
                    statements.push(create.replace("{}", &table));
                }
            }
        }
        statements.push("CREATE EVENT TABLE SHOP.SALES.EVENTS".to_owned());
        let roles = STRANGERS.iter().chain(&GROUPS);
        statements.extend(roles.map(|role| format!("CREATE ROLE {}", quoted(&id(role)))));
        statements.extend(USERS.iter().map(|user| format!("CREATE USER {}", quoted(&id(user)))));
        for ((name, role), there) in MANAGED.iter().zip(self.there) {
            if there {
                let comment = marker(role).to_comment().replace('\'', "''");
                statements.push(format!("CREATE ROLE {} COMMENT = '{comment}'", quoted(&id(name))));
                // By whoever made it before.
                statements.push(format!(
                    "GRANT OWNERSHIP ON ROLE {} TO ROLE DEPLOYER",
                    quoted(&id(name))
                ));
            }
        }
        let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
        standin.sql(&statements);
        for did in &self.did {
            let (sql, role) = did.sql();
            let role = role.map_or_else(
                || "ACCOUNTADMIN".to_owned(),
                |role| role.trim_matches('"').replace("\"\"", "\""),
            );
            // What cannot be done was not done.
            let _ = standin.tell("sql", &json!({ "statements": [sql], "role": role }));
        }
    }

    fn desired(&self) -> DesiredState {
        let reason = Reason { node: None, file: None, line: None, permission: None };
        let mut desired = DesiredState::empty("prod", DialectKind::Snowflake);
        for ((name, role), wanted) in MANAGED.iter().zip(self.wanted) {
            if wanted {
                desired.roles.insert(id(name), DesiredRole { marker: marker(role) });
                let member = DesiredMembership { kind: MemberKind::Role, because: Vec::new() };
                desired.memberships.insert((id(name), id("SYSADMIN")), member);
            }
        }
        let usage = PrivilegeSet::of(&[Privilege::USAGE]);
        let dialect = rolecall::dialect::of(DialectKind::Snowflake);
        for (at, what, role) in self.grants.iter().filter(|(_, _, role)| self.wanted[*role]) {
            let on = relation(*at);
            let account_role = id(MANAGED[*role].0);
            let privileges = match what {
                0 => dialect.read_on(on.class()),
                1 => dialect.write_on(on.class()),
                _ => dialect.data_privileges_of(on.class()),
            };
            let database = on.database_name().unwrap().clone();
            let holder = if self.database_roles {
                let holder = Ident::in_database(&database, &account_role);
                let role = desired.roles[&account_role].clone();
                desired.roles.insert(holder.clone(), role);
                let member = DesiredMembership { kind: MemberKind::Role, because: Vec::new() };
                desired.memberships.insert((holder.clone(), account_role), member);
                holder
            } else {
                account_role
            };
            let schema = Securable::schema(database.clone(), on.schema_name().unwrap().clone());
            desired.grant(Securable::database(database), holder.clone(), usage, &reason);
            desired.grant(schema, holder.clone(), usage, &reason);
            desired.grant(on, holder, privileges, &reason);
        }
        for (role, member) in self.members.iter().filter(|(role, _)| self.wanted[*role]) {
            let (member, kind) = match USERS.get(*member) {
                Some(user) => (*user, MemberKind::User),
                None => (GROUPS[*member - USERS.len()], MemberKind::Group),
            };
            let wanted = DesiredMembership { kind, because: Vec::new() };
            desired.memberships.insert((id(MANAGED[*role].0), id(member)), wanted);
        }
        desired
    }
}

fn scope() -> Scope {
    let schemas = [
        (id(DATABASES[0]), id(SCHEMAS[0])),
        (id(DATABASES[0]), id(SCHEMAS[1])),
        (id(DATABASES[1]), id(SCHEMAS[0])),
    ];
    Scope {
        deployment: "shop".into(),
        environment: "prod".into(),
        instance: None,
        every_instance: false,
        database: None,
        schemas: BTreeSet::from(schemas),
    }
}

struct Case<'c> {
    world: &'c World,
    desired: DesiredState,
    warehouse: Snowflake,
}

impl Case<'_> {
    async fn compare(&mut self) -> Result<Difference, WarehouseError> {
        let look = Look {
            deployment: "shop".into(),
            environments: BTreeSet::from(["prod".to_owned()]),
            roles: self.desired.roles.keys().cloned().collect(),
            schemas: DATABASES
                .iter()
                .flat_map(|d| SCHEMAS.iter().map(|s| (id(d), id(s))))
                .collect(),
            relations: (0..20)
                .filter_map(|at| relation((at / 10, at / 5 % 2, at % 5)).relation_key())
                .collect(),
            users: USERS.iter().map(|user| id(user)).collect(),
        };
        let observed = self.warehouse.observe(&look).await?;
        let options = Options {
            allow_gap: true,
            allow_revokes: Some(u64::MAX),
            drop_roles: self.world.drop_roles,
            prune: self.world.prune,
            ..Options::default()
        };
        Ok(diff(&Sides {
            desired: &self.desired,
            observed: &observed,
            scope: &scope(),
            deploy_role: Some(&id("DBT")),
            environments: &BTreeSet::from(["prod".to_owned()]),
            declared: 1,
            within: Within::everything(),
            options: &options,
        }))
    }

    async fn make(&mut self, difference: &Difference) -> Result<(), WarehouseError> {
        let changes: Vec<Change> = difference.steps.iter().map(|s| s.change.clone()).collect();
        self.warehouse.prepare(&scope())?;
        self.warehouse.begin().await?;
        let made = self.warehouse.execute(&changes).await;
        self.warehouse.commit().await?;
        made
    }
}

/// Everything in the account that is none of ours: what must stay as it is.
fn of_others(state: &Value, moved: &BTreeSet<String>) -> Vec<String> {
    let mut ours: BTreeSet<String> = MANAGED.iter().map(|(name, _)| (*name).to_owned()).collect();
    ours.extend(MANAGED.iter().map(|(name, _)| quoted(&id(name))));
    let is_ours = |name: &str| {
        ours.contains(name) || ours.iter().any(|role| name.ends_with(&format!(".{role}")))
    };
    let mut lines = Vec::new();
    for (what, rows) in state.as_object().unwrap() {
        for row in rows.as_array().unwrap() {
            let text = |key: &str| row[key].as_str().unwrap_or_default();
            let mine = match what.as_str() {
                // An owner's grants follow the owner.
                "objects" if moved.contains(text("name")) => false,
                "objects" => {
                    is_ours(text("name")) || is_ours(text("owner")) || text("owner") == "DBT"
                }
                "members" => is_ours(text("role")) || is_ours(text("grantee")),
                _ => is_ours(text("grantee")),
            };
            if !mine {
                let mut row = row.clone();
                let moves = moved.contains(text("name"));
                if let Some(row) = row.as_object_mut() {
                    row.remove("grantor");
                    if moves {
                        row.remove("owner");
                    }
                }
                lines.push(format!("{what} {row}"));
            }
        }
    }
    lines
}

async fn holds(standin: &Standin, world: &World) -> Result<(), String> {
    standin.tell("reset", &json!({}));
    standin.tell("faults", &json!({ "faults": [] }));
    world.furnish(standin);
    let before = standin.tell("state", &json!({}));
    let settings = rolecall::warehouse::snowflake::SnowflakeSettings {
        warehouse: world.warehouse.then(|| "WH".to_owned()),
        ..settings(standin)
    };
    let sessions = Sessions::connect(&settings, 3).await.map_err(|e| e.to_string())?;
    let warehouse = Snowflake::over(sessions.clone());
    let mut desired = world.desired();
    // Somebody who is declared to own must be held by the role that runs dbt.
    for (at, role) in &world.owners {
        let role = &MANAGED[*role].0;
        if desired.roles.contains_key(&id(role)) {
            let member = DesiredMembership { kind: MemberKind::Group, because: Vec::new() };
            desired.memberships.insert((id(role), id("DBT")), member);
            let owner = DesiredOwner { role: id(role), because: Vec::new() };
            desired.owners.insert(relation(*at), owner);
        }
    }
    let mut case = Case { world, desired, warehouse };
    let first = case.compare().await.map_err(|e| e.to_string())?;
    if first.found.has_errors() || !first.refused.is_empty() {
        return Err(format!("refused: {:?} {:?}", first.refused, first.found));
    }
    let mut wanted: BTreeMap<(&Securable, &Ident), PrivilegeSet> = BTreeMap::new();
    for ((on, role), grant) in &case.desired.grants {
        wanted.insert((on, role), grant.privileges);
    }
    let granted_again = |on: &Securable, role: &Ident| {
        first.steps.iter().any(
            |s| matches!(&s.change, Change::Grant { on: o, role: r, .. } if o == on && r == role),
        )
    };
    for step in &first.steps {
        if let Change::Revoke { on, role, privileges, .. } = &step.change
            && let Some(wanted) = wanted.get(&(on, role))
            && !wanted.intersection(*privileges).is_empty()
            && !granted_again(on, role)
        {
            return Err(format!("takes what is declared: {}", step.change.brief()));
        }
    }
    if let Some((nth, kind)) = world.breaks {
        let fault = match kind {
            0 => {
                json!({ "kind": "error", "code": "000603", "message": "incident", "match": "^(GRANT|REVOKE|CREATE ROLE \"[Mm])", "nth": nth })
            }
            1 => json!({ "kind": "drop", "match": "^(GRANT|REVOKE)", "nth": nth }),
            2 => {
                json!({ "kind": "drop", "executed": true, "match": "^(GRANT|REVOKE|CREATE ROLE \"M)", "nth": nth })
            }
            _ => json!({ "kind": "lie", "match": "^(GRANT|REVOKE)", "nth": nth }),
        };
        standin.tell("faults", &json!({ "faults": [fault] }));
    }
    let made = case.make(&first).await;
    standin.tell("faults", &json!({ "faults": [] }));
    let mut then = case.compare().await.map_err(|e| e.to_string())?;
    if world.breaks.is_none() {
        made.map_err(|e| e.to_string())?;
    } else if !then.steps.is_empty() {
        // Cut somewhere: again, and it comes to the same.
        case.make(&then).await.map_err(|e| format!("second run: {e}"))?;
        then = case.compare().await.map_err(|e| e.to_string())?;
    }
    sessions.close().await;
    if !then.steps.is_empty() {
        let left: Vec<String> = then.steps.iter().map(|step| step.change.brief()).collect();
        return Err(format!("not empty: {left:#?}"));
    }
    let after = standin.tell("state", &json!({}));
    let moved: BTreeSet<String> = case
        .desired
        .owners
        .keys()
        .map(|on| {
            let parts = [on.database_name(), on.schema_name(), on.name()];
            let shown = |part: &Ident| {
                let plain = |c: char| c.is_ascii_uppercase() || c == '_';
                if part.as_str().chars().all(plain) { part.to_string() } else { quoted(part) }
            };
            parts.map(|part| shown(part.unwrap())).join(".")
        })
        .collect();
    let (before, after) = (of_others(&before, &moved), of_others(&after, &moved));
    let changed: Vec<&String> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<&String> = after.iter().filter(|line| !before.contains(line)).collect();
    if !changed.is_empty() || new.iter().any(|line| !line.contains("DBT")) {
        return Err(format!("others are touched: {changed:#?} {new:#?}"));
    }
    Ok(())
}

#[test]
fn the_laws_hold_on_random_accounts() {
    let Some(standin) = account() else { return };
    let cases =
        std::env::var("ROLECALL_LAWS_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config =
        Config { cases, max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new(config);
    let result = runner.run(&worlds(), |world| {
        runtime.block_on(holds(&standin, &world)).map_err(TestCaseError::fail)
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    super::statements::are_read_by_others(&standin);
}
