//! A protected environment on Snowflake takes a saved plan: fresh, approved, once.

use super::stage::Stage;

#[test]
fn a_plan_is_fresh_approved_unedited_and_applied_once() {
    let Some(stage) = Stage::one() else { return };
    stage.config("protected: true, approved_plans: approved.txt");
    stage.run(&["apply", "-t", "dev"]).ends(0);
    std::fs::write(stage.path("approved.txt"), "").unwrap();
    stage.promote(&["--by", "jane"]).ends(0);
    stage.apply().ends(8).says("plan-not-approved");
    let approve = |who: &str| {
        use sha2::Digest;
        let bytes = std::fs::read(stage.path("plan.json")).unwrap();
        let sha256: String =
            sha2::Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        let line = format!("{sha256} {who} 2026-11-22 read it\n");
        std::fs::write(stage.path("approved.txt"), line).unwrap();
    };
    approve("jane");
    stage.apply().ends(8).says("approval-not-counted");
    approve("taylor");
    stage.apply().ends(8).says("taylor gains by it");
    approve("kim");
    let plan = std::fs::read_to_string(stage.path("plan.json")).unwrap();
    stage.apply().ends(0);
    stage.apply().ends(0).says("In sync");
    // What it did is undone by hand: the plan would fit again, and is not taken again.
    let log = stage.run(&["log", "-t", "prod"]).ends(0);
    assert!(log.out.contains("approved by kim"), "{log:?}");
    stage.prod.sql(&[
        "REVOKE ROLE P_ANALYST FROM USER TAYLOR",
        "REVOKE SELECT ON TABLE PROD.S.T FROM ROLE P_ANALYST",
    ]);
    stage.apply().ends(8).says("plan-replayed");
    assert_eq!(stage.receipts().len(), 1);
    // An edit by hand is seen.
    std::fs::write(stage.path("plan.json"), plan.replace("TAYLOR", "SAM")).unwrap();
    approve("kim");
    stage.apply().ends(8).says("plan-edited");
    // A change of the gates is a line of the next plan.
    stage.config("protected: true, valid_for: 2h");
    let ran = stage.promote(&[]).ends(0);
    assert!(
        ran.out.contains("approved_plans: approved.txt until now, none from now on"),
        "{ran:?}"
    );
    stage.apply().ends(0);
    stage.run(&["verify", "-t", "prod"]).ends(0);
    assert_eq!(stage.receipts().len(), 2);
}

#[test]
fn an_environment_that_was_protected_is_retired_by_a_saved_plan_only() {
    let Some(stage) = Stage::one() else { return };
    stage.config("protected: true");
    stage.promote_all();
    // Its receipts are in its own database, and nothing but dev's is left to connect with.
    stage.whole_config(
        "version: 1\nenvironments:\n  dev: {role_name: \"{{ env.name }}_{{ product.name }}_{{ role.name }}\"}\nproduct_roles:\n  analyst: {may: [read]}\n  engineer: {may: [read, write]}\nproducts:\n  p: {}\n",
    );
    let retire = ["-t", "dev", "--retire", "prod", "--allow-revokes", "99"];
    stage
        .run(&[&["apply"], &retire[..]].concat())
        .ends(8)
        .says("only a saved plan is applied there");
}

#[test]
fn receipts_that_are_taken_away_are_missed() {
    let Some(stage) = Stage::one() else { return };
    stage.config("protected: true");
    stage.promote_all();
    for take_away in ["TRUNCATE TABLE PROD.ROLECALL.RECEIPTS", "DROP SCHEMA PROD.ROLECALL"] {
        stage.sql(&[take_away]);
        stage.prod.sql(&["REVOKE SELECT ON TABLE PROD.S.T FROM ROLE P_ANALYST"]);
        stage.promote(&[]).ends(0);
        stage.apply().ends(8).says("receipts-missing");
    }
}
