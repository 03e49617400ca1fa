//! Ways round policies that are always required, as a plan and a promotion would open them.

use super::job::Job;
use super::promotion::stage::{CONFIG as STAGE, Stage};

const CONFIG: &str = r#"version: 1
environments:
  prod: {role_name: "{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write]}
products: {shop: {}}
policies:
  - {name: closed, combine: all, resources: {select: orders}, actors: {users: [taylor]}}
"#;

/// Applied. KIM is in AUDIT, which may enter the schema; HOLDER may read orders, and nobody is in it.
fn job() -> Option<Job> {
    let job = Job::begin()?;
    job.standin.sql(&[
        "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE DEPLOYER",
        "CREATE USER KIM",
        "CREATE ROLE AUDIT",
        "GRANT ROLE AUDIT TO USER KIM",
        "CREATE ROLE HOLDER",
        "GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE HOLDER",
        "GRANT USAGE ON DATABASE SHOP TO ROLE HOLDER",
        "GRANT USAGE ON SCHEMA SHOP.SALES TO ROLE HOLDER",
        "CREATE ROLE SHUT",
        "GRANT ROLE SHUT TO ROLE AUDIT",
        "GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE SHUT",
    ]);
    job.write("rolecall.yml", CONFIG);
    let applied = job.says(&["apply"]);
    assert!(applied.starts_with("exit 0"), "{applied}");
    assert!(job.says(&["verify"]).starts_with("exit 0"));
    Some(job)
}

/// A playbook's role that KIM is in.
fn loader(job: &Job, grants: &str) {
    job.write("rolecall/members/playbook_roles.yml", "loader: [{user: kim}]\n");
    let playbook = format!("roles:\n  loader: {{name: loader, grants: [{grants}]}}\n");
    job.write("rolecall.yml", &format!("{CONFIG}{playbook}"));
}

const IN_HOLDER: &str = "{object-type: role, object-name: holder, privileges: [usage]}";

#[test]
fn no_plan_opens_a_way_round_what_is_always_required() {
    let Some(job) = job() else { return };
    let before = job.standin.tell("state", &serde_json::json!({}));
    for (grants, chain) in [
        (IN_HOLDER, "→ in HOLDER [rolecall.yml:11] → granted by ACCOUNTADMIN, declared nowhere"),
        (
            "{object-type: database, object-name: shop, privileges: [usage]}, \
             {object-type: schema, database-name: shop, object-name: sales, privileges: [usage]}",
            "in AUDIT, let in by ACCOUNTADMIN, declared nowhere → in SHUT",
        ),
    ] {
        loader(&job, grants);
        for command in ["plan", "apply"] {
            let said = job.says(&[command]);
            assert!(said.starts_with("exit 1\n"), "{said}");
            let says = "error[round-policy]: the plan would give KIM SELECT on SHOP.SALES.ORDERS, round \
                        the policy closed, which is always required there: ";
            assert!(said.contains(says) && said.contains(chain), "{said}");
        }
        assert_eq!(job.standin.tell("state", &serde_json::json!({})), before);
    }
}

#[test]
fn a_way_that_is_there_already_is_no_plan_s_doing() {
    let Some(job) = job() else { return };
    job.standin.sql(&["GRANT ROLE HOLDER TO USER KIM"]);
    loader(&job, "{object-type: database, object-name: shop, privileges: [usage]}");
    let applied = job.says(&["apply"]);
    assert!(applied.starts_with("exit 0"), "{applied}");
    let verified = job.says(&["verify"]);
    assert!(verified.starts_with("exit 4"), "{verified}");
    assert_eq!(verified.matches("error[way-round-policy]: KIM has SELECT").count(), 1);
}

#[test]
fn what_a_plan_cannot_see_it_says() {
    let Some(job) = job() else { return };
    // Whoever is a member already is not looked for among the users.
    let usage = "{object-type: database, object-name: shop, privileges: [usage]}";
    loader(&job, usage);
    assert!(job.says(&["apply"]).starts_with("exit 0"));
    loader(&job, &format!("{usage}, {IN_HOLDER}"));
    assert!(job.says(&["plan"]).contains("error[round-policy]"));
    job.standin.sql(&[
        "GRANT USAGE ON DATABASE SHOP TO ROLE DEPLOYER",
        "GRANT USAGE ON SCHEMA SHOP.SALES TO ROLE DEPLOYER",
        "GRANT SELECT ON TABLE SHOP.SALES.ORDERS TO ROLE DEPLOYER",
        "GRANT SELECT ON VIEW SHOP.SALES.PEOPLE TO ROLE DEPLOYER",
        "REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE DEPLOYER",
    ]);
    for command in ["plan", "verify"] {
        let said = job.says(&[command]);
        let says = "warning[access-unseen]: who gets round a policy that is always required is not known: \
                    DEPLOYER does not see every grant";
        assert!(said.matches(says).count() == 1, "{said}");
        assert!(!said.contains("round-policy]"), "{said}");
    }
}

#[test]
fn no_promotion_opens_a_way_round_what_is_always_required() {
    let gate = "policies:\n  - {name: closed, combine: all, resources: {select: t}, actors: {users: [taylor]}, environments: [prod]}\n";
    // A playbook's role has one name: an account for each environment.
    if let Some(stage) = Stage::each().get(1) {
        let config = STAGE.replace(", <prod>", "");
        let open = |playbook: &str| stage.whole_config(&format!("{config}{gate}{playbook}"));
        stage.prod.sql(&[
            "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE DEPLOYER",
            "CREATE ROLE HOLDER",
            "GRANT SELECT ON TABLE PROD.S.T TO ROLE HOLDER",
            "GRANT USAGE ON DATABASE PROD TO ROLE HOLDER",
            "GRANT USAGE ON SCHEMA PROD.S TO ROLE HOLDER",
        ]);
        stage.dev.sql(&["CREATE ROLE IF NOT EXISTS HOLDER"]);
        crate::rules::site::write(
            &stage.path(""),
            "rolecall/members/playbook_roles.yml",
            "loader: [{user: sam}]\n",
        );
        open(&format!("roles:\n  loader: {{name: loader, grants: [{IN_HOLDER}]}}\n"));
        stage.run(&["apply", "-t", "dev"]).ends(0);
        stage
            .promote(&[])
            .ends(1)
            .says("error[round-policy]: the plan would give SAM SELECT on PROD.S.T, round the policy closed");
        assert!(!stage.path("plan.json").exists());
        // Once it is there, what is promoted beside it opens nothing.
        stage.prod.sql(&["GRANT ROLE HOLDER TO USER SAM"]);
        stage.promote(&[]).ends(0).never_says("round-policy");
    }
}
