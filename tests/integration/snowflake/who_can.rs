//! Who can do what in an account: held to what the stand-in lets sessions of users do.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rolecall::effect::Effect;
use rolecall::model::*;
use rolecall::warehouse::AccessLook;
use rolecall::warehouse::snowflake::{Snowflake, SnowflakeSettings};
use serde_json::json;

use super::account::site::{equip, settings};
use super::job::Job;
use super::standin::Standin;

const ROLES: [&str; 6] = ["A", "B", "C", "\"odd role\"", "DATABASE ROLE D.R", "PUBLIC"];
const USERS: [&str; 3] = ["U", "V", "A"];
/// Whose roles do not count at once.
const ALONE: &str = "N";
const WORLDS: u32 = 60;

/// A statement as somebody wrote it long ago.
pub(super) fn statement() -> impl Strategy<Value = String> {
    let role = || (0..ROLES.len()).prop_map(|at| to(ROLES[at]));
    let user = || (0..USERS.len()).prop_map(|at| USERS[at]);
    let member = || prop_oneof![3 => user(), 1 => Just(ALONE)];
    let privilege = || prop_oneof![3 => Just("SELECT"), 1 => Just("INSERT")];
    prop_oneof![
        6 => (privilege(), role()).prop_map(|(p, to)| format!("GRANT {p} ON TABLE D.S.T TO {to}")),
        4 => role().prop_map(|to| format!("GRANT USAGE ON SCHEMA D.S TO {to}")),
        4 => role().prop_map(|to| format!("GRANT USAGE ON DATABASE D TO {to}")),
        6 => (role(), role()).prop_map(|(a, b)| format!("GRANT {a} TO {b}")),
        4 => (role(), member()).prop_map(|(r, u)| format!("GRANT {r} TO USER {u}")),
        1 => user().prop_map(|u| format!("GRANT SELECT ON TABLE D.S.T TO USER {u}")),
        1 => role().prop_map(|to| format!("GRANT OWNERSHIP ON TABLE D.S.T TO {to} COPY CURRENT GRANTS")),
        1 => role().prop_map(|to| format!("GRANT OWNERSHIP ON SCHEMA D.S TO {to} COPY CURRENT GRANTS")),
        1 => role().prop_map(|to| format!("GRANT OWNERSHIP ON VIEW D.S.W TO {to} COPY CURRENT GRANTS")),
        4 => role().prop_map(|to| format!("GRANT SELECT ON VIEW D.S.W TO {to}")),
        1 => role().prop_map(|to| format!("GRANT SELECT ON TABLE D.S.T TO {to} WITH GRANT OPTION")),
        1 => role().prop_map(|to| format!("GRANT MANAGE GRANTS ON ACCOUNT TO {to}")),
        1 => Just("ALTER SCHEMA D.S ENABLE MANAGED ACCESS".to_owned()),
        1 => role().prop_map(|to| format!("GRANT INHERITED SELECT ON ALL TABLES IN DATABASE D TO {to}")),
        1 => role().prop_map(|to| format!("GRANT INHERITED INSERT ON ALL TABLES IN SCHEMA D.S TO {to}")),
        1 => role().prop_map(|to| format!("GRANT CREATE TABLE ON SCHEMA D.S TO {to}")),
        2 => (privilege(), role()).prop_map(|(p, to)| format!("GRANT {p} ON FUTURE TABLES IN SCHEMA D.S TO {to}")),
        2 => (privilege(), role()).prop_map(|(p, to)| format!("GRANT {p} ON FUTURE TABLES IN DATABASE D TO {to}")),
    ]
}

fn to(role: &str) -> String {
    if role.starts_with("DATABASE") { role.to_owned() } else { format!("ROLE {role}") }
}

pub(super) fn furnish(standin: &Standin, world: &[String]) {
    standin.tell("reset", &json!({}));
    standin.tell("account", &json!({"parameters": {"FEATURE_RBAC_INHERITED_GRANTS": "ENABLED"}}));
    equip(standin);
    let mut statements = vec![
        "GRANT USAGE ON WAREHOUSE WH TO ROLE PUBLIC".to_owned(),
        "CREATE DATABASE D".to_owned(),
        "CREATE SCHEMA D.S".to_owned(),
        "CREATE TABLE D.S.T (X NUMBER)".to_owned(),
        "CREATE VIEW D.S.W AS SELECT X FROM D.S.T".to_owned(),
        "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE DEPLOYER".to_owned(),
        "GRANT USAGE ON WAREHOUSE WH TO ROLE DEPLOYER".to_owned(),
        "CREATE ROLE Z".to_owned(),
        format!("CREATE USER {ALONE} DEFAULT_SECONDARY_ROLES = ()"),
        "CREATE DATABASE ROLE D.R".to_owned(),
    ];
    let plain = ROLES.iter().filter(|role| !role.contains("DATABASE") && **role != "PUBLIC");
    statements.extend(plain.map(|role| format!("CREATE ROLE {role}")));
    statements.extend(USERS.map(|user| format!("CREATE USER {user}")));
    let all: Vec<&str> = statements.iter().map(String::as_str).collect();
    standin.sql(&all);
    // What cannot be done was not done.
    standin.tell("sql", &json!({ "statements": world, "go_on": true }));
}

/// Whether a session of a user may run a statement.
fn can(standin: &Standin, user: &str, role: &str, secondary: &str, sql: &str) -> bool {
    let statements = ["USE WAREHOUSE WH", sql];
    let body = json!({
        "statements": statements, "user": user, "role": role, "secondary": secondary, "go_on": true
    });
    let said = standin.tell("sql", &body);
    let refused = said["refused"].as_array().unwrap_or_else(|| panic!("{said}"));
    !refused.iter().any(|one| one["sql"] == sql)
}

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

async fn compare(standin: &Standin, world: &[String]) -> Result<u32, String> {
    furnish(standin, world);
    let on = Securable::in_schema(ObjectClass::Table, id("D"), id("S"), id("T"));
    let settings = SnowflakeSettings { warehouse: Some("WH".to_owned()), ..settings(standin) };
    let mut snowflake = Snowflake::connect(&settings, 4).await.map_err(|e| e.to_string())?;
    let mut compared = 0;
    for user in USERS {
        let look = AccessLook {
            relations: on.relation_key().into_iter().collect(),
            users: [id(user)].into(),
            everybody: false,
        };
        let state = snowflake.access(&look).await.map_err(|e| e.to_string())?;
        let effect = Effect::of(&state);
        // A role of that name is somebody else.
        let name = if user == "A" { id("A (user)") } else { id(user) };
        let who = effect.role(&name).ok_or("no such user")?;
        let all = [
            (Privilege::SELECT, "SELECT * FROM D.S.T"),
            (Privilege::INSERT, "INSERT INTO D.S.T VALUES (1)"),
        ];
        for (privilege, sql) in all {
            let ours = who.answer(&on, privilege).usable();
            let theirs = can(standin, user, "PUBLIC", "ALL", sql);
            if ours != theirs {
                return Err(format!("{user} {privilege} at once: {ours}, the account {theirs}"));
            }
            // By one role alone.
            let roles: BTreeSet<String> = ROLES
                .iter()
                .filter(|role| !role.contains("DATABASE"))
                .map(|role| role.trim_matches('"').to_owned())
                .collect();
            let mut by_one = false;
            for role in roles {
                let becomes = can(standin, user, "PUBLIC", "NONE", &format!("USE ROLE \"{role}\""));
                let ours = effect.role(&id(&role)).unwrap().answer(&on, privilege).usable();
                let theirs = can(standin, user, &role, "NONE", sql);
                if ours != theirs {
                    return Err(format!("{role} {privilege}: {ours}, the account {theirs}"));
                }
                by_one |= becomes && theirs;
                compared += 1;
            }
            let ours = who.usable_by_set_role(&on, privilege).is_some();
            if ours != by_one {
                return Err(format!("{user} {privilege} by a role: {ours}, the account {by_one}"));
            }
            compared += 2;
        }
        let schema = Securable::schema(id("D"), id("S"));
        let create = Privilege::parse("CREATE TABLE").unwrap();
        let ours = who.held(&schema).privileges.contains(create)
            && who.answer(&on, Privilege::SELECT).lacks.is_empty();
        let theirs = can(standin, user, "PUBLIC", "ALL", "CREATE TABLE D.S.NEW (X NUMBER)");
        standin.tell("sql", &json!({ "statements": ["DROP TABLE D.S.NEW"], "go_on": true }));
        if ours != theirs {
            return Err(format!("{user} creates: {ours}, the account {theirs}"));
        }
        compared += 2;
    }
    compared += whole(standin, &mut snowflake).await?;
    compared += to_come(standin, world, &mut snowflake, &on).await?;
    Ok(compared)
}

/// The state of everybody, by which checks, tests and reports are answered.
async fn whole(standin: &Standin, snowflake: &mut Snowflake) -> Result<u32, String> {
    let of = |class, name| Securable::in_schema(class, id("D"), id("S"), id(name));
    let (table, view) = (of(ObjectClass::Table, "T"), of(ObjectClass::View, "W"));
    // The view is found by what it reads.
    let relations = table.relation_key().into_iter().collect();
    let look = AccessLook { relations, everybody: true, ..AccessLook::default() };
    let state = snowflake.access(&look).await.map_err(|e| e.to_string())?;
    if !state.unseen.is_empty() {
        return Err(format!("not seen: {:?}", state.unseen));
    }
    let effect = Effect::of(&state);
    let all = [
        (&table, Privilege::SELECT, "SELECT * FROM D.S.T"),
        (&table, Privilege::INSERT, "INSERT INTO D.S.T VALUES (1)"),
        (&view, Privilege::SELECT, "SELECT * FROM D.S.W"),
    ];
    let roles = ["A", "B", "C", "odd role", "PUBLIC"];
    let mut compared = 0;
    for (on, privilege, sql) in all {
        let holders = effect.who(on, privilege);
        let told: BTreeSet<&str> =
            holders.iter().filter(|it| it.usable()).map(|it| it.role.as_str()).collect();
        for user in USERS.into_iter().chain([ALONE]) {
            let name = if user == "A" { "A (user)" } else { user };
            let who = effect.role(&id(name)).ok_or("no such user")?;
            let secondary = if user == ALONE { "NONE" } else { "ALL" };
            let ours = who.answer(on, privilege).usable();
            let theirs = can(standin, user, "PUBLIC", secondary, sql);
            if ours != theirs {
                return Err(format!("{user} {sql} at once: {ours}, the account {theirs}"));
            }
            // With all their roles, or any one of them.
            let theirs = can(standin, user, "PUBLIC", "ALL", sql);
            let ours = ours || who.usable_by_set_role(on, privilege).is_some();
            if ours != theirs || told.contains(name) != theirs {
                return Err(format!("{user} {sql} by all roles: {ours}, the account {theirs}"));
            }
            if theirs && !effect.could(on, privilege).contains(&id(name)) {
                return Err(format!("{user} could not {sql}, and can"));
            }
            compared += 3;
        }
        for role in roles {
            let ours = effect.role(&id(role)).ok_or("no such role")?.answer(on, privilege).usable();
            let theirs = can(standin, "U", role, "NONE", sql);
            if ours != theirs {
                return Err(format!("{role} {sql}: {ours}, the account {theirs}"));
            }
            compared += 1;
        }
    }
    for role in ["A", "B", "C"] {
        let asked = effect.role(&id(role)).ok_or("no such role")?;
        let ours = asked.held(&table).grantable.contains(Privilege::SELECT);
        // Whoever may grant must get there, but for those who manage all grants.
        let there = asked.answer(&table, Privilege::SELECT).lacks.is_empty();
        let theirs = can(standin, "U", role, "NONE", "GRANT SELECT ON TABLE D.S.T TO ROLE Z");
        let back = ["REVOKE SELECT ON TABLE D.S.T FROM ROLE Z"];
        standin.tell("sql", &json!({ "statements": back, "go_on": true }));
        if theirs && !ours || !theirs && ours && there {
            return Err(format!("{role} may pass on: {ours} ({there}), the account {theirs}"));
        }
        compared += 1;
    }
    Ok(compared)
}

/// What future grants will give. Whoever creates it owns it, where none of them says otherwise.
async fn to_come(
    standin: &Standin,
    world: &[String],
    snowflake: &mut Snowflake,
    on: &Securable,
) -> Result<u32, String> {
    let look =
        AccessLook { relations: on.relation_key().into_iter().collect(), ..AccessLook::default() };
    let mut state = snowflake.access(&look).await.map_err(|e| e.to_string())?;
    let new = Securable::in_schema(ObjectClass::Table, id("D"), id("S"), id("N"));
    let object = state.to_come(&id("ACCOUNTADMIN"), &(id("D"), id("S")), ObjectClass::Table);
    state.objects.insert(new.clone(), object);
    let effect = Effect::of(&state);
    let created = json!({ "statements": ["CREATE TABLE D.S.N (X NUMBER)"], "go_on": true });
    let said = standin.tell("sql", &created);
    // Inherited grants are not of the future.
    let inherited = world.iter().any(|sql| sql.contains("INHERITED"));
    if inherited || said["refused"].as_array().is_some_and(|refused| !refused.is_empty()) {
        return Ok(0);
    }
    for role in ["A", "B", "C"] {
        let ours = effect.role(&id(role)).unwrap().answer(&new, Privilege::SELECT).usable();
        let theirs = can(standin, "U", role, "NONE", "SELECT * FROM D.S.N");
        if ours != theirs {
            return Err(format!("{role} on a new table: {ours}, the account {theirs}"));
        }
    }
    Ok(3)
}

#[test]
fn what_is_called_access_is_what_sessions_of_users_can_do() {
    let Some(standin) = Standin::start() else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let config = Config {
        cases: WORLDS,
        max_shrink_iters: 200,
        failure_persistence: None,
        ..Config::default()
    };
    let mut runner = TestRunner::new(config);
    let compared = std::cell::Cell::new(0);
    let result = runner.run(&prop::collection::vec(statement(), 0..30), |world| {
        let of_this = runtime.block_on(compare(&standin, &world)).map_err(TestCaseError::fail)?;
        compared.set(compared.get() + of_this);
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    assert!(compared.get() > 40 * WORLDS, "{}", compared.get());
}

#[test]
fn who_can_and_explain_name_users_roles_and_how() {
    let Some(job) = Job::begin() else { return };
    assert!(job.says(&["apply"]).starts_with("exit 0"));
    job.standin.sql(&[
        "CREATE ROLE AUDIT",
        "CREATE USER KIM",
        "CREATE USER LONE DEFAULT_SECONDARY_ROLES = ()",
        "GRANT ROLE AUDIT TO USER KIM",
        "GRANT ROLE SHOP_ENGINEER TO USER LONE",
        "GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE AUDIT",
    ]);
    insta::assert_snapshot!(job.says(&["who-can", "read", "orders"]), @r#"
    exit 0
    read on the table SHOP.SALES.ORDERS (model.shop.orders) in prod

    people (users)
      ADMIN   SELECT  usable  in ACCOUNTADMIN, let in by ACCOUNTADMIN, declared nowhere → owns it
      KIM     SELECT  no use: USAGE on the schema SHOP.SALES is missing; USAGE on the database SHOP is missing  in AUDIT, let in by ACCOUNTADMIN, declared nowhere → granted by ACCOUNTADMIN, declared nowhere
      LONE    SELECT  after USE ROLE  may USE ROLE SHOP_ENGINEER (shop.engineer), let in by DEPLOYER, declared nowhere → granted [model.shop.orders]
      TAYLOR  SELECT  usable  in SHOP_ANALYST (shop.analyst) [rolecall/members/shop.yml:1] → granted [model.shop.orders]

    roles
      ACCOUNTADMIN                   SELECT  usable  owns it
      AUDIT                          SELECT  no use: USAGE on the schema SHOP.SALES is missing; USAGE on the database SHOP is missing  granted by ACCOUNTADMIN, declared nowhere
      SHOP_ANALYST (shop.analyst)    SELECT  usable  granted [model.shop.orders]
      SHOP_ENGINEER (shop.engineer)  SELECT  usable  granted [model.shop.orders]
      SYSADMIN                       SELECT  usable  in SHOP_ANALYST (shop.analyst), let in by DEPLOYER, declared nowhere → granted [model.shop.orders]

    3 people can use it
    manifest: FOLDER/manifest.json
    "#);
    insta::assert_snapshot!(job.says(&["explain", "kim", "orders"]), @r#"
    exit 0
    KIM on the table SHOP.SALES.ORDERS (model.shop.orders) in prod

    SELECT: no use: USAGE on the schema SHOP.SALES is missing; USAGE on the database SHOP is missing
      KIM → in AUDIT, let in by ACCOUNTADMIN, declared nowhere → granted by ACCOUNTADMIN, declared nowhere

    on the way there
      USAGE on the schema SHOP.SALES: missing
      USAGE on the database SHOP: missing

    KIM cannot read it
      the smallest change: AUDIT has the privilege; mend what is in the way: USAGE on the schema SHOP.SALES is missing; USAGE on the database SHOP is missing
      or: let KIM into SHOP_ANALYST: an entry under `analyst:` in rolecall/members/shop.yml; they gain 1 relation
      or: let KIM into SHOP_ENGINEER: an entry under `engineer:` in rolecall/members/shop.yml; they gain 1 relation
    manifest: FOLDER/manifest.json
    "#);
    insta::assert_snapshot!(job.says(&["explain", "taylor", "orders", "--may", "write"]), @r#"
    exit 0
    TAYLOR on the table SHOP.SALES.ORDERS (model.shop.orders) in prod

    SELECT: usable
      TAYLOR → in SHOP_ANALYST (shop.analyst) [rolecall/members/shop.yml:1] → granted [model.shop.orders]

    products and product roles are defined in
      shop.analyst: rolecall.yml:7, rolecall.yml:5

    on the way there
      USAGE on the schema SHOP.SALES: TAYLOR → in SHOP_ANALYST (shop.analyst) [rolecall/members/shop.yml:1] → granted [model.shop.orders]
      USAGE on the database SHOP: TAYLOR → in SHOP_ANALYST (shop.analyst) [rolecall/members/shop.yml:1] → granted [model.shop.orders]

    TAYLOR cannot write it
      the smallest change: let TAYLOR into SHOP_ENGINEER: an entry under `engineer:` in rolecall/members/shop.yml; they gain 1 relation
      or: declare `shop.analyst: [write]` on the node, if its `may` allows it: TAYLOR is in SHOP_ANALYST, by which 1 other would gain it too
    manifest: FOLDER/manifest.json
    "#);
    insta::assert_snapshot!(job.says(&["explain", "taylor", "shop.sales.nothing"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error[unknown-node]: no node and no relation is called "shop.sales.nothing"
     |
     = help: `dbt ls` lists the models by name; schema.relation works, too

    1 error
    "#);
}
