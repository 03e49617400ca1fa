//! Access tests and built-in checks as gates: asked of the target as it would be after the promotion.

use super::stage::{CONFIG, Stage};

#[tokio::test(flavor = "multi_thread")]
async fn a_promotion_is_refused_where_a_test_or_an_error_level_check_fails_after_it() {
    for stage in Stage::each().await {
        let never = "tests:
  - name: no analyst reads t in prod
    never: {actors: {product_roles: [p.analyst]}, may: read, resources: {select: t}, environments: [prod]}
";
        stage.config(&format!("{CONFIG}{never}"));
        // In prod nobody can yet: it is the promotion that would let them.
        let refused = stage.promote(&[]).ends(4);
        refused
            .says("access-test")
            .says("after it, in prod: the test \"no analyst reads t in prod\" fails")
            .says("taylor");
        stage.has_no_plan();
        let checks = "checks: {unfinished-product: {severity: error}}\n";
        stage.config(&format!("{CONFIG}{checks}"));
        stage.promote(&[]).ends(4).says("check-failed").says("the product p has no owners");
        stage.has_no_plan();
        // What cannot be judged proves nothing.
        let nobody = never.replace("select: t", "tags: [nothing]");
        stage.config(&format!("{CONFIG}{nobody}"));
        stage.promote(&[]).ends(4).says("is about no node");
        let always = never.replace("never", "always");
        stage.config(&format!("{CONFIG}{always}"));
        stage.promote(&[]).ends(0);
        stage.apply().ends(0);
    }
}
