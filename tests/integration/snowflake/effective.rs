//! `check`, `report`, `verify` and the gates of a promotion on a state that is the account's.

use serde_json::{Value, json};

use super::job::Job;

const CONFIG: &str = r#"version: 1
environments:
  prod: {role_name: "{{ product.name }}_{{ role.name }}", protected: true}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write]}
products: {shop: {owners: [jane@acme.example]}}
pii: {reasons: [{role: shop.analyst, reason: they answer requests}, {role: shop.engineer, reason: they build it}]}
checks: {unfinished-product: {severity: off}, empty-role: {severity: off}, write-in-protected: {severity: off}}
"#;

/// Applied, and the role that reads sees what views read. KIM is in AUDIT, which may enter the schema.
fn job(config: &str) -> Option<Job> {
    let job = Job::begin()?;
    job.standin.sql(&[
        "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE DEPLOYER",
        "CREATE ROLE AUDIT",
        "CREATE USER KIM",
        "GRANT ROLE AUDIT TO USER KIM",
        "GRANT USAGE ON DATABASE SHOP TO ROLE AUDIT",
        "GRANT USAGE ON SCHEMA SHOP.SALES TO ROLE AUDIT",
    ]);
    change(&job, |nodes| nodes["model.shop.orders"]["tags"] = json!(["pii"]));
    job.write("rolecall.yml", &CONFIG.replace(", protected: true", ""));
    let applied = job.says(&["apply"]);
    assert!(applied.starts_with("exit 0"), "{applied}");
    job.write("rolecall.yml", config);
    Some(job)
}

fn change(job: &Job, with: impl Fn(&mut Value)) {
    let file = job.folder.path().join("manifest.json");
    let mut manifest: Value =
        serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    with(&mut manifest["nodes"]);
    job.write("manifest.json", &manifest.to_string());
}

#[test]
fn each_check_finds_what_was_done_by_hand_and_nothing_without() {
    let config = CONFIG.replace(", write-in-protected: {severity: off}", "");
    let config = config.replace("engineer: {may: [read, write]}", "engineer: {may: [read]}");
    let Some(job) = job(&config) else { return };
    let engineers = "{ \"analyst\": [\"read\"], \"engineer\": [\"read\"] }";
    let engineers: Value = serde_json::from_str(engineers).unwrap();
    change(&job, |nodes| {
        for meta in ["/config/meta", "/meta"] {
            let at = nodes["model.shop.orders"].pointer_mut(meta).unwrap();
            at["rolecall"]["grants"] = engineers.clone();
        }
    });
    job.standin.sql(&["REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON TABLE SHOP.SALES.ORDERS FROM ROLE SHOP_ENGINEER"]);
    let good = job.says(&["check"]);
    assert!(good.starts_with("exit 0") && good.contains("nothing found in prod"), "{good}");
    for (code, says, bad, undo) in [
        (
            "granted-to-public",
            "everybody (PUBLIC) has SELECT on the table SHOP.SALES.ORDERS",
            &["GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE PUBLIC"][..],
            &["REVOKE SELECT ON TABLE SHOP.SALES.ORDERS FROM ROLE PUBLIC"][..],
        ),
        (
            "granted-to-public",
            "everybody (PUBLIC) gets SELECT on every relation that anybody makes in the schema SALES",
            &["GRANT SELECT ON FUTURE VIEWS IN SCHEMA SHOP.SALES TO ROLE PUBLIC"],
            &["REVOKE SELECT ON FUTURE VIEWS IN SCHEMA SHOP.SALES FROM ROLE PUBLIC"],
        ),
        (
            "future-grant-shadowed",
            "AUDIT gets SELECT on every future table of the database SHOP, but not in SALES",
            &[
                "GRANT SELECT ON FUTURE TABLES IN DATABASE SHOP TO ROLE AUDIT",
                "GRANT SELECT ON FUTURE TABLES IN SCHEMA SHOP.SALES TO ROLE TRANSFORMER",
            ],
            &[
                "REVOKE SELECT ON FUTURE TABLES IN DATABASE SHOP FROM ROLE AUDIT",
                "REVOKE SELECT ON FUTURE TABLES IN SCHEMA SHOP.SALES FROM ROLE TRANSFORMER",
            ],
        ),
        (
            "view-opens-more",
            "the view SHOP.SALES.LEAK shows 1 of its readers SHOP.SALES.ORDERS",
            &[
                "CREATE VIEW SHOP.SALES.LEAK AS SELECT ID FROM SHOP.SALES.ORDERS",
                "GRANT SELECT ON VIEW SHOP.SALES.LEAK TO ROLE AUDIT",
            ],
            &["DROP VIEW SHOP.SALES.LEAK"],
        ),
        (
            "write-in-protected",
            "AUDIT may write to 1 relation in prod, which is protected",
            &["GRANT INSERT ON TABLE SHOP.SALES.ORDERS TO ROLE AUDIT"],
            &["REVOKE INSERT ON TABLE SHOP.SALES.ORDERS FROM ROLE AUDIT"],
        ),
        (
            "pii-without-reason",
            "AUDIT reads model.shop.orders, which holds personal data",
            &["GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE AUDIT"],
            &["REVOKE SELECT ON TABLE SHOP.SALES.ORDERS FROM ROLE AUDIT"],
        ),
    ] {
        job.standin.sql(bad);
        let said = job.says(&["check"]);
        assert!(said.contains(&format!("[{code}]")) && said.contains(says), "{bad:?}: {said}");
        job.standin.sql(undo);
        let good = job.says(&["check"]);
        assert!(good.contains("nothing found in prod"), "{undo:?}: {good}");
    }
    // A view that dbt makes reads what the manifest says, and as its owner.
    change(&job, |nodes| {
        nodes["model.shop.people"]["depends_on"] = json!({ "nodes": ["model.shop.orders"] });
    });
    job.standin.sql(&["GRANT SELECT ON VIEW SHOP.SALES.PEOPLE TO ROLE AUDIT"]);
    let said = job.says(&["check"]);
    for code in ["view-opens-more", "pii-leak"] {
        assert!(said.contains(&format!("[{code}]")), "{said}");
    }
    assert!(said.contains("KIM: SELECT on SHOP.SALES.PEOPLE"), "{said}");
}

const NEVER: &str = r#"tests:
  - name: no auditor reads orders
    never: {actors: {groups: [audit]}, may: read, resources: {select: orders}}
  - name: analysts read orders
    always: {actors: {product_roles: [shop.analyst]}, may: read, resources: {select: orders}}
"#;

#[test]
fn an_access_test_is_asked_of_the_account_and_proves_nothing_by_a_part_of_it() {
    let Some(job) = job(&format!("{CONFIG}{NEVER}")) else { return };
    insta::assert_snapshot!(job.says(&["check"]), @r"
    exit 0
    access tests in prod
      holds       analysts read orders (1 node, 1 actor)
      holds       no auditor reads orders (1 node, 1 actor)

    nothing found in prod
    manifest: FOLDER/manifest.json
    ");
    // By another role of theirs.
    job.standin.sql(&[
        "CREATE ROLE SIDE",
        "GRANT ROLE SIDE TO USER KIM",
        "GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE SIDE",
    ]);
    insta::assert_snapshot!(job.says(&["check"]), @r#"
    exit 4
    access tests in prod
      holds       analysts read orders (1 node, 1 actor)
      FAILS       no auditor reads orders (1 node, 1 actor)

    error[access-test]: the test "no auditor reads orders" fails: 1 person may read on one node
      --> rolecall.yml:11:11
       |
    11 |   - name: no auditor reads orders
       |           ^
       |
       = note: KIM: SELECT on SHOP.SALES.ORDERS: in SIDE, let in by ACCOUNTADMIN, declared nowhere → granted by ACCOUNTADMIN, declared nowhere
       = help: take the access away where it is given, or say in the test that it is meant

    warning[pii-without-reason]: SIDE reads model.shop.orders, which holds personal data, and no reason is listed
     |
     = note: in models/orders.sql
     = note: node model.shop.orders
     = note: KIM: SELECT on SHOP.SALES.ORDERS: in SIDE, let in by ACCOUNTADMIN, declared nowhere → granted by ACCOUNTADMIN, declared nowhere
     = help: list it: pii: {reasons: [{role: product.role, reason: WHY}]}, or take it away

    1 error, 1 warning in prod
    manifest: FOLDER/manifest.json
    "#);
    job.standin.sql(&["DROP ROLE SIDE"]);
    // What views read is not seen.
    job.standin.sql(&["REVOKE IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE FROM ROLE DEPLOYER"]);
    insta::assert_snapshot!(job.says(&["check"]), @r#"
    exit 1
    access tests in prod
      holds       analysts read orders (1 node, 1 actor)
      not judged  no auditor reads orders (1 node, 1 actor)

    nothing found in prod
    manifest: FOLDER/manifest.json
    warning[access-unseen]: not all that decides about access was seen: what views read that dbt does not make, since ACCOUNT_USAGE.OBJECT_DEPENDENCIES may not be read (GRANT DATABASE ROLE SNOWFLAKE.OBJECT_VIEWER, and a warehouse, let it be seen)
     |
     = help: let the connection's role see it: "What is looked at" in docs/snowflake.md

    error[access-unseen]: the test "no auditor reads orders" holds as far as was seen, which proves nothing: not all that decides about access was seen
      --> rolecall.yml:11:11
       |
    11 |   - name: no auditor reads orders
       |           ^
       |
       = help: let the connection's role see it: "What is looked at" in docs/snowflake.md

    1 error, 1 warning
    "#);
    job.standin.sql(&["REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE DEPLOYER"]);
    insta::assert_snapshot!(job.says(&["check"]), @r#"
    exit 1
    manifest: FOLDER/manifest.json
    error: DEPLOYER does not see every grant, and who can do what is not told from a part of them: it needs MANAGE GRANTS, as SECURITYADMIN has it: GRANT MANAGE GRANTS ON ACCOUNT TO ROLE "DEPLOYER"
    "#);
}

#[test]
fn account_usage_answers_the_same_in_statements_that_do_not_grow() {
    let Some(job) = job(&format!("{CONFIG}{NEVER}")) else { return };
    job.standin.sql(&[
        "GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE AUDIT",
        "GRANT USAGE ON WAREHOUSE BI_WH TO ROLE AUDIT",
    ]);
    let statements = |words: &[&str]| {
        job.standin.tell("clear", &json!({}));
        let said = job.says(words);
        assert!(said.contains("no auditor reads orders\" fails"), "{said}");
        assert!(said.contains("KIM: SELECT on SHOP.SALES.ORDERS"), "{said}");
        let log = job.standin.log();
        let asks = |sql: &str| sql.starts_with("SHOW") || sql.starts_with("SELECT");
        log.iter().filter(|it| it["sql"].as_str().is_some_and(asks)).count()
    };
    let now = statements(&["check"]);
    let late = statements(&["check", "--from-account-usage"]);
    let roles: Vec<String> = (0..20).map(|n| format!("CREATE ROLE MORE_{n}")).collect();
    job.standin.sql(&roles.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(statements(&["check"]), now + 20);
    assert_eq!(statements(&["check", "--from-account-usage"]), late);
    assert!(late + 8 < now, "{late} {now}");
}

#[test]
fn a_report_and_verify_tell_what_the_account_has() {
    let closed = "policies:\n  - name: closed\n    combine: all\n    resources: {select: orders}\n    actors: {users: [taylor]}\n";
    let Some(job) = job(&format!("{CONFIG}{closed}")) else { return };
    let clean = job.says(&["verify"]);
    assert!(!clean.contains("way-round-policy") && !clean.contains("exit 4"), "{clean}");
    job.standin.sql(&["GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE AUDIT"]);
    let round = job.says(&["verify"]);
    let says = "KIM has SELECT on SHOP.SALES.ORDERS, and is not admitted by closed: in AUDIT, let in by \
                ACCOUNTADMIN, declared nowhere";
    assert!(round.starts_with("exit 4") && round.contains(says), "{round}");
    assert_eq!(round.matches("is not admitted by").count(), 1, "{round}");
    let page = job.folder.path().join("access.html");
    let said = job.says(&["report", "--out", page.to_str().unwrap()]);
    assert!(said.starts_with("exit 0"), "{said}");
    let text = std::fs::read_to_string(&page).unwrap();
    assert!(text.contains("KIM") && text.contains("AUDIT"), "KIM is not on the page");
}

/// ACCOUNT_USAGE tells what views read hours later, or to others: the manifest tells it of dbt's own.
#[test]
fn who_can_knows_what_a_view_of_dbt_s_reads_before_the_account_tells() {
    let Some(job) = job(CONFIG) else { return };
    change(&job, |nodes| {
        nodes["model.shop.people"]["depends_on"] = json!({ "nodes": ["model.shop.orders"] });
    });
    let owner = "TRANSFORMER, who owns the view SHOP.SALES.PEOPLE, may not do that on \
                 SHOP.SALES.ORDERS, which it shows";
    job.standin.sql(&[
        "GRANT SELECT ON VIEW SHOP.SALES.PEOPLE TO ROLE AUDIT",
        "GRANT USAGE ON DATABASE SHOP TO ROLE TRANSFORMER",
        "GRANT USAGE ON SCHEMA SHOP.SALES TO ROLE TRANSFORMER",
        "GRANT OWNERSHIP ON VIEW SHOP.SALES.PEOPLE TO ROLE TRANSFORMER COPY CURRENT GRANTS",
    ]);
    let said = job.says(&["who-can", "read", "people"]);
    assert!(said.starts_with("exit 0") && said.contains("KIM") && said.contains(owner), "{said}");
    job.standin.sql(&["GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE TRANSFORMER"]);
    let said = job.says(&["who-can", "read", "people"]);
    assert!(said.contains("KIM") && !said.contains(owner), "{said}");
}
