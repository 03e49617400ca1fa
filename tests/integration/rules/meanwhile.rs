//! What others do to the same server while a command runs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::site::{Site, model};

/// Runs statements over and over beside a test, until it is stopped.
struct Busy {
    stop: Arc<AtomicBool>,
    task: tokio::task::JoinHandle<usize>,
}

impl Busy {
    async fn with(site: &Site, statements: &str) -> Self {
        let url = site.ground.url(None);
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, sql) = (Arc::clone(&stop), site.ground.own(statements));
        let task = tokio::spawn(async move {
            let mut rounds = 0;
            while !stopped.load(Ordering::Relaxed) {
                // dbt would fail there and run again; so does this.
                if client.batch_execute(&sql).await.is_err() {
                    client.batch_execute("rollback").await.unwrap();
                }
                rounds += 1;
            }
            rounds
        });
        Self { stop, task }
    }

    async fn rounds(self) -> usize {
        self.stop.store(true, Ordering::Relaxed);
        self.task.await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn relations_that_dbt_rebuilds_meanwhile_spoil_no_apply() {
    for site in Site::each().await {
        site.sql("create view s.v as select 1 x; create materialized view s.m as select 1 x").await;
        let all = |role: &str| {
            ["s.t", "s.u", "s.v", "s.m"].map(|name| model(name).gives(role, &["read"]))
        };
        site.models(&all("analyst"));
        site.run(&["apply"]).ends(0);
        // As dbt's table, view and materialized view do it.
        let busy = Busy::with(
            &site,
            "begin; create table s.t_new (x int); alter table s.t rename to t_old;
             alter table s.t_new rename to t; drop table s.t_old cascade; commit;
             begin; create view s.v_new as select 2 x; alter view s.v rename to v_old;
             alter view s.v_new rename to v; drop view s.v_old cascade; commit;
             begin; create materialized view s.m_new as select 2 x;
             alter materialized view s.m rename to m_old;
             alter materialized view s.m_new rename to m; drop materialized view s.m_old; commit;
             select pg_sleep(0.001)",
        )
        .await;
        let mut failed = Vec::new();
        for round in 0..12 {
            site.models(&all(if round % 2 == 0 { "engineer" } else { "analyst" }));
            let ran = site.run(&["apply", "--allow-revokes", "9"]);
            if ran.code != 0 {
                failed.push(ran);
            }
        }
        assert!(busy.rounds().await > 3);
        assert!(failed.is_empty(), "{failed:#?}");
        site.run(&["apply", "--allow-revokes", "9"]).ends(0);
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_that_are_renamed_meanwhile_spoil_no_look() {
    for site in Site::each().await {
        site.sql("create role ~x; grant select on s.t, s.u to ~x; grant usage on schema s to ~x")
            .await;
        site.run(&["apply"]).ends(0);
        let busy =
            Busy::with(&site, "alter role ~x rename to ~y; alter role ~y rename to ~x").await;
        for _ in 0..12 {
            site.run(&["verify"]).ends(0);
            site.run(&["apply"]).ends(0);
        }
        assert!(busy.rounds().await > 3);
    }
}
