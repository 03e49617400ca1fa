//! Access tests as gates: asked of the account as it would be after the promotion.

use super::stage::{CONFIG, Stage};

const NEVER: &str = "tests:
  - name: no auditor reads t in prod
    never: {actors: {groups: [audit]}, may: read, resources: {select: t}, environments: [prod]}
";

#[test]
fn a_test_of_the_target_is_asked_of_everybody_in_the_account() {
    for stage in Stage::each() {
        stage.run(&["apply", "-t", "dev"]).ends(0);
        stage.prod.sql(&[
            "GRANT IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE TO ROLE DEPLOYER",
            "CREATE ROLE AUDIT",
            "GRANT ROLE AUDIT TO USER SAM",
        ]);
        stage.whole_config(&format!("{}{NEVER}", CONFIG.replace(", <prod>", "")));
        stage.promote(&[]).ends(0);
        std::fs::remove_file(stage.path("plan.json")).unwrap();
        // No file says it.
        stage.prod.sql(&["GRANT SELECT ON TABLE PROD.S.T TO ROLE AUDIT"]);
        stage
            .promote(&[])
            .ends(4)
            .says("access-test")
            .says("no auditor reads t in prod")
            .says("SAM");
        stage.prod.sql(&["REVOKE SELECT ON TABLE PROD.S.T FROM ROLE AUDIT"]);
        // Nor that the promotion itself lets them.
        stage.prod.sql(&["GRANT ROLE AUDIT TO USER TAYLOR"]);
        stage.promote(&[]).ends(4).says("no auditor reads t in prod").says("TAYLOR");
        stage.prod.sql(&["REVOKE ROLE AUDIT FROM USER TAYLOR"]);
        stage.promote(&[]).ends(0);
        std::fs::remove_file(stage.path("plan.json")).unwrap();
        // By a part of it nothing is proven.
        stage.prod.sql(&["REVOKE IMPORTED PRIVILEGES ON DATABASE SNOWFLAKE FROM ROLE DEPLOYER"]);
        stage.promote(&[]).ends(4).says("access-unseen").says("what views read");
    }
}

#[test]
fn without_manage_grants_in_the_target_what_is_declared_alone_is_asked_and_proves_nothing() {
    let stages = Stage::each();
    let Some(stage) = stages.get(1) else { return };
    stage.promote_all();
    std::fs::remove_file(stage.path("plan.json")).unwrap();
    stage.prod.sql(&[
        "GRANT USAGE ON SCHEMA PROD.S TO ROLE DEPLOYER",
        "GRANT SELECT ON TABLE PROD.S.T TO ROLE DEPLOYER",
        "GRANT SELECT ON TABLE PROD.S.U TO ROLE DEPLOYER",
        "REVOKE MANAGE GRANTS ON ACCOUNT FROM ROLE DEPLOYER",
    ]);
    let test = |test: &str| {
        let config = CONFIG.replace(", <prod>", "");
        stage.whole_config(&format!(
            "{config}tests:\n  - {{name: asked, {test}, environments: [prod]}}}}\n"
        ));
    };
    let says = "what is declared alone was asked, since DEPLOYER does not see every grant";
    // What the declarations break is broken.
    test("never: {actors: {users: [taylor]}, may: read, resources: {select: t}");
    stage.promote(&[]).ends(4).says("access-test").says("TAYLOR").says(says);
    // What they keep may be broken by what is not seen.
    test("never: {actors: {users: [taylor]}, may: write, resources: {select: t}");
    stage.promote(&[]).ends(4).says("access-unseen").says(says);
    assert!(!stage.path("plan.json").exists());
    // Without a test, a promotion goes on and says it.
    test("always: {actors: {users: [taylor]}, may: read, resources: {select: t}");
    stage.promote(&[]).ends(0).says("warning[access-unseen]").says(says);
}
