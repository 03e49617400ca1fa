//! A data product goes from dev to prod, with its members.

use super::stage::Stage;

#[test]
fn a_product_is_promoted_with_its_members_and_a_second_promotion_is_empty() {
    for stage in Stage::each() {
        stage.config("protected: true");
        stage.run(&["apply", "-t", "dev"]).ends(0);
        let ran = stage.promote(&["--by", "jane"]).ends(0);
        assert!(ran.out.contains("+ member TAYLOR (user)"), "{ran:?}");
        stage.run(&["apply", "-t", "prod"]).ends(8).says("only a saved plan is applied there");
        stage.apply().ends(0).says("Applied 13 changes");
        stage.run(&["verify", "-t", "prod"]).ends(0);
        stage.apply().ends(0).says("In sync");
        // The person has what the product role has in prod, and nothing more: engineers only read.
        let state = stage.prod.tell("state", &serde_json::json!({}));
        let members = state["members"].as_array().unwrap();
        let taylor =
            members.iter().filter(|it| it["grantee"] == "TAYLOR" && it["role"] == "P_ANALYST");
        assert_eq!(taylor.count(), 1, "{members:#?}");
        let grants = state["grants"].as_array().unwrap().iter();
        let mut on_tables: Vec<String> = grants
            .filter(|it| it["grantee"].as_str().is_some_and(|to| to.starts_with("P_")))
            .filter(|it| it["kind"] == "TABLE")
            .map(|it| {
                format!("{} {} {}", it["privilege"], it["on"], it["grantee"]).replace('"', "")
            })
            .collect();
        on_tables.sort();
        assert_eq!(
            on_tables,
            ["T P_ANALYST", "T P_ENGINEER", "U P_ANALYST", "U P_ENGINEER"]
                .map(|it| format!("SELECT PROD.S.{it}"))
        );
        stage.promote(&["--check"]).ends(0).never_says("TAYLOR");
        // One receipt, which knows who and since when.
        let receipts = stage.receipts();
        assert_eq!(receipts.len(), 1, "{receipts:#?}");
        assert_eq!(receipts[0].0, "applied");
        assert_eq!(receipts[0].1["changes"].as_array().unwrap().len(), 13);
        let log = stage.run(&["log", "-t", "prod", "--person", "taylor", "--model", "t"]).ends(0);
        let (head, rest) = log.out.split_once('\n').unwrap();
        assert!(head.contains(" by ADMIN as DEPLOYER"), "{head}");
        assert!(head.contains(" of jane"), "{head}");
        assert!(rest.contains("  let TAYLOR into P_ANALYST\n"), "{rest}");
        assert!(rest.contains("By the receipts, TAYLOR has SELECT on PROD.S.T since 20"), "{rest}");
    }
}

#[test]
fn who_was_let_in_by_hand_is_named_with_who_did_it_and_not_carried_over() {
    let Some(stage) = Stage::one() else { return };
    stage.run(&["apply", "-t", "dev"]).ends(0);
    stage.dev.sql(&["GRANT ROLE DEV_P_ANALYST TO USER SAM"]);
    let says = "SAM is in DEV_P_ANALYST in dev, let in by ";
    stage
        .promote(&[])
        .ends(4)
        .says(says)
        .says("undeclared-member")
        .never_says("let in by SNOWFLAKE");
    assert!(!stage.path("plan.json").exists());
    // The owner writes it down, and it goes along.
    stage.members("analyst: [{user: taylor}, {user: sam}]\n");
    stage.promote(&[]).ends(0).says("+ member SAM (user)");
    stage.apply().ends(0);
}

#[test]
fn a_member_whom_prod_does_not_know_is_named_and_left_out() {
    let stages = Stage::each();
    let Some(stage) = stages.get(1) else { return };
    stage.prod.sql(&["DROP USER TAYLOR"]);
    stage.run(&["apply", "-t", "dev"]).ends(0);
    stage.promote(&[]).ends(0).says("TAYLOR").never_says("+ member TAYLOR");
    stage.apply().ends(0);
    stage.promote(&["--strict"]).ends(1).says("prod does not know that name");
}
