//! Guards against taking more than anybody meant to.

use super::site::{Model, Site, model};

#[tokio::test]
async fn a_manifest_that_declares_nothing_any_more_is_refused() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.models(&[model("s.t"), model("s.u")]);
        let before = site.everything().await;
        site.run(&["plan"]).ends(8).says("declares nothing");
        site.run(&["apply"]).ends(8).says("declares nothing").says("--allow-revokes 3");
        site.run(&["verify"]).ends(3);
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--allow-revokes", "2"]).ends(8).says("3 revokes are planned");
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--allow-revokes", "3"]).ends(0);
        site.must_have("~p_analyst", "nothing").await;
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_product_role_that_would_lose_all_it_has_is_refused() {
    for site in Site::each().await {
        let analyst = || model("s.t").gives("analyst", &["read"]);
        site.models(&[analyst(), model("s.u").gives("engineer", &["read"])]);
        site.run(&["apply"]).ends(0);
        site.models(&[analyst(), model("s.u")]);
        let before = site.everything().await;
        site.run(&["apply"])
            .ends(8)
            .says("p_engineer would lose all")
            .never_says("p_analyst would");
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--allow-revokes", "3"]).ends(0);
        site.must_have("~p_engineer", "nothing").await;
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s").await;
    }
}

#[tokio::test]
async fn a_role_that_moves_to_another_model_loses_nothing_like_all() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.models(&[model("s.u").gives("analyst", &["read"])]);
        site.run(&["apply"]);
        // Whichever way the guard takes it, the other way round is what --allow-revokes is for.
        site.run(&["apply", "--allow-revokes", "1"]).ends(0);
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.u, USAGE on s").await;
    }
}

/// `n` relations `s.m1`, …, that the analyst reads, the first `kept` of them only where said.
fn many(names: &[&'static str], kept: usize) -> Vec<Model> {
    let mut models = Vec::new();
    for (at, name) in names.iter().enumerate() {
        models.push(if at < kept {
            model(*name).gives("analyst", &["read"])
        } else {
            model(*name)
        });
    }
    models
}

const NAMES: [&str; 20] = [
    "s.m1", "s.m2", "s.m3", "s.m4", "s.m5", "s.m6", "s.m7", "s.m8", "s.m9", "s.m10", "s.m11",
    "s.m12", "s.m13", "s.m14", "s.m15", "s.m16", "s.m17", "s.m18", "s.m19", "s.m20",
];

async fn made(site: &Site, n: usize) -> Vec<&'static str> {
    let mut sql = String::new();
    for name in &NAMES[..n] {
        sql.push_str(&format!("create table {name} (x int);"));
    }
    site.sql(&sql).await;
    NAMES[..n].to_vec()
}

#[tokio::test]
async fn over_half_and_at_least_ten_is_refused_and_one_less_is_not() {
    for site in Site::each().await {
        // 18 grants on tables and two on what leads there: 20. Half is 10.
        let names = made(&site, 18).await;
        site.models(&many(&names, 18));
        site.run(&["apply"]).ends(0);
        site.models(&many(&names, 7));
        let before = site.everything().await;
        site.run(&["apply"]).ends(8).says("mass-revocation").says("11 of 20");
        site.run(&["apply", "--allow-revokes", "10"]).ends(8);
        assert_eq!(site.everything().await, before);
        // Ten of twenty is half, not more.
        site.models(&many(&names, 8));
        site.run(&["apply"]).ends(0);
        // Seven of ten is over half, and less than ten.
        site.models(&many(&names, 1));
        site.run(&["apply"]).ends(0);
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.m1, USAGE on s").await;
    }
}

#[tokio::test]
async fn memberships_count_as_much_as_grants() {
    for site in Site::each().await {
        let mut roles = String::new();
        let mut members = String::from("analyst:\n");
        for n in 0..12 {
            roles.push_str(&format!("create role ~m{n};"));
            members.push_str(&format!("  - user: ~m{n}\n"));
        }
        site.sql(&roles).await;
        site.members(&members);
        site.run(&["apply"]).ends(0);
        site.members("analyst: [{user: ~m0}]");
        let before = site.everything().await;
        site.run(&["apply"]).ends(8).says("11 of 15");
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--allow-revokes", "11"]).ends(0);
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn an_immutable_role_loses_nothing_whatever_the_flags() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql(r#"comment on role ~p_analyst is 'rolecall:1 {"deployment":"~shop","environment":"prod","product":"p","role":"analyst","immutable":true}'"#).await;
        site.models(&[model("s.t"), model("s.u")]);
        let before = site.everything().await;
        site.run(&["apply", "--allow-revokes", "99"]).ends(8).says("immutable");
        assert_eq!(site.everything().await, before);
    }
}
