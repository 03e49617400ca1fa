//! A data product goes from dev to prod, with its members.

use super::stage::Stage;

#[test]
fn a_product_is_promoted_with_its_members_and_a_second_promotion_is_empty() {
    for stage in Stage::each() {
        stage.run(&["apply", "-t", "dev"]).ends(0);
        let ran = stage.promote(&[]).ends(0);
        assert!(ran.out.contains("+ member TAYLOR (user)"), "{ran:?}");
        stage.apply().ends(0);
        stage.run(&["verify", "-t", "prod"]).ends(0);
        let ran = stage.promote(&["--check"]).ends(0);
        assert!(!ran.out.contains("TAYLOR"), "{ran:?}");
    }
}

#[test]
fn who_was_let_in_by_hand_is_named_with_who_did_it_and_not_carried_over() {
    let Some(stage) = Stage::one() else { return };
    stage.run(&["apply", "-t", "dev"]).ends(0);
    stage.dev.sql(&["GRANT ROLE DEV_P_ANALYST TO USER SAM"]);
    let ran = stage.promote(&[]).ends(4);
    assert!(
        ran.err.contains(
            "SAM is in DEV_P_ANALYST in dev, let in by ACCOUNTADMIN, and no owner's file says so"
        ) || ran.err.contains(
            "SAM is in DEV_P_ANALYST in dev, let in by DEPLOYER, and no owner's file says so"
        ),
        "{ran:?}"
    );
    assert!(!stage.path("plan.json").exists());
}
