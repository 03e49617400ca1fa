//! A server whose lock table is small, and changes in several transactions.

use rolecall::warehouse::engine::native::Options;

use super::drift::may_lock;
use super::site::{Model, Site, model};
use crate::engines::{Ground, apart, bins};

fn all(readers: &str) -> Vec<Model> {
    (0..80).map(|n| model(format!("s.w{n}")).gives(readers, &["read"])).collect()
}

#[tokio::test]
async fn more_relations_than_the_server_can_lock_need_batches() {
    for bin in bins() {
        let settings = [("max_locks_per_transaction", "10"), ("max_connections", "10")];
        let settings = settings.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
        let engine = apart(&Options { bin, settings, ..Options::default() });
        let site = Site::on(Ground::on(engine).await).await;
        for n in 0..80 {
            site.sql(&format!("create table s.w{n} (x int)")).await;
        }
        site.models(&all("analyst"));
        let locks_all = site.ground.version().await >= 18;
        if locks_all {
            let before = site.everything().await;
            let ran = site.run(&["apply"]).ends(8);
            ran.says("max_locks_per_transaction").says("--batches");
            assert_eq!(site.everything().await, before);
            site.run(&["apply", "--batches", "30"]).ends(0);
        } else {
            site.run(&["apply"]).ends(0);
        }
        site.run(&["verify"]).ends(0);
        assert_eq!(site.has("~p_analyst").await.matches("SELECT").count(), 80);
        // From one role to another, in batches everywhere.
        site.models(&all("engineer"));
        let before = site.everything().await;
        site.run(&["apply", "--batches", "30"]).ends(8).says("--allow-revokes");
        assert_eq!(site.everything().await, before);
        site.run(&["apply", "--batches", "30", "--allow-revokes", "82"]).ends(0);
        site.run(&["verify"]).ends(0);
        site.must_have("~p_analyst", "nothing").await;
        assert_eq!(site.has("~p_engineer").await.matches("SELECT").count(), 80);
    }
}

#[tokio::test]
async fn batches_that_stop_say_what_is_done_and_go_on_later() {
    for site in Site::each().await {
        let owner = format!("alter database {} owner to ~deploy", site.ground.database);
        site.sql(
            "create role ~deploy login createrole password 'pw'; alter schema s owner to ~deploy;
             alter table s.t owner to ~deploy; alter table s.u owner to ~deploy",
        )
        .await;
        site.sql(&owner).await;
        may_lock(&site).await;
        site.run_as("deploy", &["apply"]).ends(0);
        site.sql(
            "create role ~steward; grant usage on schema s to ~steward;
             set role ~deploy; grant insert on s.t to ~steward with grant option;
             set role ~steward; grant insert on s.t to ~p_analyst; reset role",
        )
        .await;
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("analyst", &["read"]).gives("engineer", &["read"]),
        ]);
        let ran = site.run_as("deploy", &["apply", "--batches", "1"]).ends(5);
        ran.says("grant SELECT on table db.s.u to p_analyst")
            .says("applied in part")
            .says("steward");
        assert!(site.has("~p_analyst").await.contains("SELECT on s.u"));
        site.run(&["apply", "--batches", "1"]).ends(0);
        site.run(&["verify"]).ends(0);
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, SELECT on s.u, USAGE on s")
            .await;
    }
}
