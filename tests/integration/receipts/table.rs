//! The table of receipts: made by the first apply, written with the changes, and never written to
//! where anybody else may have a hand in it.

use serde_json::Value;

use crate::rules::site::{CONFIG, Site, model};

pub async fn receipts(site: &Site) -> Vec<Value> {
    let there = "select (to_regclass('rolecall.receipts') is not null)::text";
    if site.ground.ask(there).await != ["true"] {
        return Vec::new();
    }
    let rows = site.ground.ask("select body from rolecall.receipts order by at").await;
    rows.iter().map(|row| serde_json::from_str(row).unwrap()).collect()
}

#[tokio::test]
async fn an_apply_writes_one_receipt_and_one_in_sync_writes_none() {
    for site in Site::each().await {
        let file = site.path("receipt.json");
        site.run(&["plan"]).ends(0);
        assert!(receipts(&site).await.is_empty(), "a plan writes nothing");
        site.run(&["apply", "--by", "jane", "--receipt", file.to_str().unwrap()]).ends(0);
        let kept = receipts(&site).await;
        assert_eq!(kept.len(), 1);
        let one = &kept[0];
        assert_eq!(one["applied_by"], "jane");
        assert_eq!(one["outcome"], "applied");
        assert_eq!(one["environment"], "prod");
        assert_eq!(one["gates"]["may of engineer"], "read, write");
        let done = one["changes"].as_array().unwrap();
        assert!(done.len() > 3);
        assert!(done.iter().all(|change| change["outcome"] == "done"));
        assert!(done.iter().any(|change| change["sql"][0].as_str().unwrap().contains("select")
            || change["sql"][0].as_str().unwrap().contains("SELECT")));
        let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(written["session_user"], "postgres");
        assert_eq!(site.ground.strip(&written["changes"].to_string()), one["changes"].to_string());
        let at = site.ground.ask("select (at > now() - interval '5 minutes' and at <= clock_timestamp())::text || ' ' || session_user_name || ' ' || acting_role from rolecall.receipts").await;
        assert_eq!(at, ["true postgres postgres"]);
        site.run(&["apply"]).ends(0).says("In sync");
        site.run(&["verify"]).ends(0);
        assert_eq!(receipts(&site).await.len(), 1);
    }
}

#[tokio::test]
async fn nobody_else_may_read_or_write_it_whatever_default_privileges_say() {
    for site in Site::each().await {
        site.sql("create role ~eve; alter default privileges grant all on tables to ~eve, public; alter default privileges grant all on schemas to ~eve")
            .await;
        site.run(&["apply"]).ends(0);
        assert_eq!(receipts(&site).await.len(), 1);
        let acl = site
            .ground
            .ask("select coalesce(relacl::text, 'none') from pg_class where oid = 'rolecall.receipts'::regclass")
            .await;
        assert!(
            !acl[0].contains("eve") && !acl[0].contains("{=") && !acl[0].contains(",="),
            "{acl:?}"
        );
        site.models(&[model("s.u").gives("analyst", &["read"])]);
        site.run(&["apply", "--allow-revokes", "9"]).ends(0);
        assert_eq!(receipts(&site).await.len(), 2);
    }
}

#[tokio::test]
async fn a_table_that_somebody_has_a_hand_in_is_never_written_to() {
    let hands = [
        ("grant insert on rolecall.receipts to ~eve", "eve may INSERT"),
        ("grant update (body) on rolecall.receipts to ~eve", "eve may UPDATE"),
        ("grant create on schema rolecall to ~eve", "eve may CREATE in its schema"),
        ("grant delete on rolecall.receipts to public", "PUBLIC may DELETE"),
        ("create rule r as on insert to rolecall.receipts do also nothing", "it has rules"),
        (
            "create function s.f() returns trigger language plpgsql as 'begin return null; end';
             create trigger t before insert on rolecall.receipts for each row execute function s.f()",
            "it has triggers",
        ),
        ("alter table rolecall.receipts enable row level security", "it has row security"),
        ("alter table rolecall.receipts add column x int", "it has other columns"),
        ("alter table rolecall.receipts alter column body drop not null", "it has other columns"),
        ("alter table rolecall.receipts alter column body set default 'x'", "it has defaults"),
        ("alter table rolecall.receipts add check (body <> 'x')", "it has constraints"),
        ("create index i on rolecall.receipts (body)", "it has indexes"),
        ("create table s.child () inherits (rolecall.receipts)", "it inherits"),
        ("alter table rolecall.receipts set unlogged", "it does not survive a crash"),
        (
            "drop table rolecall.receipts; create view rolecall.receipts as select 1 as at",
            "it is no ordinary table",
        ),
    ];
    for site in Site::each().await {
        site.sql("create role ~eve").await;
        site.run(&["apply"]).ends(0);
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("analyst", &["read"]),
        ]);
        let clean = "drop schema rolecall cascade; drop function if exists s.f; drop table if exists s.child";
        for (hand, words) in hands {
            site.sql(hand).await;
            let before = site.everything().await;
            site.run(&["apply"]).ends(8).says("receipts-not-ours").says(words);
            assert_eq!(site.everything().await, before, "{hand}");
            site.sql(clean).await;
            site.models(&[model("s.t").gives("analyst", &["read"])]);
            site.run(&["apply", "--allow-revokes", "9"]).ends(0);
            // Without a change there is no receipt, and the table is made anew by the next.
            site.models(&[model("s.t")]);
            site.run(&["apply", "--allow-revokes", "9"]).ends(0);
            site.models(&[
                model("s.t").gives("analyst", &["read"]),
                model("s.u").gives("analyst", &["read"]),
            ]);
        }
    }
}

#[tokio::test]
async fn a_role_that_may_not_keep_receipts_applies_with_a_warning() {
    for site in Site::each().await {
        site.sql("create role ~ci login createrole password 'pw'; grant all on schema s to ~ci with grant option; alter table s.t owner to ~ci; grant connect on database db to ~ci with grant option".replace("database db", &format!("database {}", site.ground.database)).as_str()).await;
        site.sql("do $$ begin if exists (select from pg_roles where rolname = 'rolecall_lock') and current_setting('server_version_num')::int >= 160000 then execute 'grant rolecall_lock to ~ci with admin option'; end if; end $$").await;
        site.run_as("ci", &["apply"]).ends(0).says("no-receipt").says("GRANT CREATE ON DATABASE");
        assert!(receipts(&site).await.is_empty());
        site.sql(&format!("grant create on database {} to ~ci", site.ground.database)).await;
        site.models(&[model("s.t").gives("analyst", &["read"]).gives("engineer", &["read"])]);
        site.run_as("ci", &["apply"]).ends(0).never_says("no-receipt");
        assert_eq!(receipts(&site).await.len(), 1);
        // Another role than its owner, even a superuser, does not write into it.
        site.models(&[model("s.t").gives("analyst", &["read"])]);
        site.run(&["apply", "--allow-revokes", "9"])
            .ends(0)
            .says("no-receipt")
            .says("belongs to ci");
        assert_eq!(receipts(&site).await.len(), 1);
    }
}

#[tokio::test]
async fn batches_leave_a_receipt_each() {
    for site in Site::each().await {
        site.config(CONFIG);
        let file = site.path("receipt.json");
        site.run(&["apply", "--batches", "2", "--receipt", file.to_str().unwrap()]).ends(0);
        let kept = receipts(&site).await;
        assert!(kept.len() > 1);
        let (last, parts) = kept.split_last().unwrap();
        assert_eq!(last["outcome"], "applied");
        assert!(parts.iter().all(|part| part["outcome"] == "part"));
        let written: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(written.as_array().unwrap().len(), kept.len());
    }
}
