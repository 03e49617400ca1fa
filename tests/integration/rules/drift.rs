//! What was done by hand to a managed role is found, shown and undone.

use super::site::{Site, model};

const PLAIN: &str = "CONNECT here, SELECT on s.t, USAGE on s";

/// Drift is seen by `verify` and `plan`, which change nothing, and undone by `apply`.
async fn undone(site: &Site, shown: &[&str], after: &str) {
    let before = site.everything().await;
    let mut verified = site.run(&["verify"]).ends(3);
    let mut planned = site.run(&["plan", "--check"]).ends(3);
    for text in shown {
        verified = verified.says(text);
        planned = planned.says(text);
    }
    site.run(&["plan"]).ends(0);
    assert_eq!(site.everything().await, before);
    site.run(&["apply"]).ends(0);
    site.must_have("~p_analyst", after).await;
    site.run(&["verify"]).ends(0);
    site.run(&["plan", "--check"]).ends(0).says("in sync");
}

#[tokio::test]
async fn a_grant_by_hand_is_revoked() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql(
            "grant insert, select on s.u to ~p_analyst; grant create on schema s to ~p_analyst",
        )
        .await;
        undone(&site, &["INSERT, SELECT on table db.s.u", "CREATE on schema db.s"], PLAIN).await;
    }
}

#[tokio::test]
async fn a_grant_by_another_grantor_is_revoked_as_that_grantor() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql(
            "create role ~steward; grant usage on schema s to ~steward;
             grant select, insert on s.t, s.u to ~steward with grant option;
             set role ~steward; grant insert on s.t to ~p_analyst; grant select on s.u to ~p_analyst;
             reset role",
        )
        .await;
        undone(&site, &["INSERT on table db.s.t, granted by steward"], PLAIN).await;
        assert!(site.has("~steward").await.contains("INSERT* on s.t"));
    }
}

#[tokio::test]
async fn what_cannot_be_revoked_is_named_and_nothing_is_half_done() {
    for site in Site::each().await {
        site.sql(
            "create role ~deploy login createrole password 'pw'; alter schema s owner to ~deploy;
             alter table s.t owner to ~deploy; alter table s.u owner to ~deploy",
        )
        .await;
        let owner = format!("alter database {} owner to ~deploy", site.ground.database);
        site.sql(&owner).await;
        may_lock(&site).await;
        site.run_as("deploy", &["apply"]).ends(0);
        site.sql(
            "create role ~steward; grant usage on schema s to ~steward;
             set role ~deploy; grant select on s.u to ~steward with grant option;
             set role ~steward; grant select on s.u to ~p_analyst; reset role",
        )
        .await;
        site.models(&[model("s.t")
            .gives("analyst", &["read"])
            .gives("engineer", &["read", "write"])]);
        let before = site.everything().await;
        site.run_as("deploy", &["apply"]).ends(1).says("steward").says("table db.s.u");
        assert_eq!(site.everything().await, before);
        // The superuser may act as anyone.
        site.run(&["apply"]).ends(0);
        site.must_have("~p_analyst", PLAIN).await;
        site.run_as("deploy", &["verify"]).ends(0);
    }
}

/// Lets `~deploy` take the cluster's lock, which from 16 on not every CREATEROLE may.
pub async fn may_lock(site: &Site) {
    let make =
        "do $$ begin create role rolecall_lock nologin; exception when others then null; end $$";
    site.sql(make).await;
    if site.ground.version().await >= 16 {
        site.sql("grant rolecall_lock to ~deploy with admin option").await;
    }
}

#[tokio::test]
async fn the_right_to_pass_on_is_lowered() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql("grant select on s.t to ~p_analyst with grant option; grant usage on schema s to ~p_analyst with grant option").await;
        undone(&site, &["grant option for SELECT on table db.s.t"], PLAIN).await;
    }
}

#[tokio::test]
async fn what_a_stranger_holds_from_a_managed_role_is_named_and_never_cut_off_unseen() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql(
            "create role ~stranger; grant select on s.t to ~p_analyst with grant option;
             set role ~p_analyst; grant select on s.t to ~stranger; reset role",
        )
        .await;
        let before = site.everything().await;
        let ran = site.run(&["apply"]);
        assert!([1, 8].contains(&ran.code), "{ran:?}");
        ran.says("stranger");
        assert_eq!(site.everything().await, before);
        site.run(&["verify"]).ends(3).says("stranger");
    }
}

#[tokio::test]
async fn column_grants_by_hand_are_revoked() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql("grant update (x, y), select (x) on s.t to ~p_analyst; grant select (x) on s.u to ~p_analyst").await;
        undone(&site, &["db.s.u.x", "db.s.t.y"], PLAIN).await;
    }
}

#[tokio::test]
async fn default_privileges_by_hand_are_revoked() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql(
            "create role ~maker; grant create, usage on schema s to ~maker;
             alter default privileges in schema s grant select on tables to ~p_analyst;
             alter default privileges for role ~maker grant insert on tables to ~p_analyst;
             alter default privileges for role ~maker grant execute on functions to ~p_analyst",
        )
        .await;
        undone(&site, &["SELECT on future objects", "INSERT on future objects", "of maker"], PLAIN)
            .await;
    }
}

#[tokio::test]
async fn attributes_that_were_set_by_hand_are_reset() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql("alter role ~p_analyst login createdb createrole replication bypassrls noinherit")
            .await;
        undone(&site, &["attributes reset"], PLAIN).await;
        let sql = "select rolcanlogin::text || rolcreatedb || rolcreaterole || rolreplication
                   || rolbypassrls || rolinherit from pg_roles where rolname = '~p_analyst'";
        assert_eq!(site.ground.ask(sql).await, ["falsefalsefalsefalsefalsetrue"]);
    }
}

#[tokio::test]
async fn a_managed_role_that_was_made_superuser_is_refused() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql("alter role ~p_analyst superuser").await;
        let before = site.everything().await;
        site.run(&["apply"]).ends(8).says("superuser");
        site.run(&["verify"]).ends(3);
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn undeclared_memberships_are_removed_both_ways() {
    for site in Site::each().await {
        site.sql("create role ~ann; create role ~eve; create role ~power").await;
        site.members("analyst: [{user: ~ann}]");
        site.run(&["apply"]).ends(0);
        site.sql("grant ~p_analyst to ~eve; grant ~power, pg_read_all_data to ~p_analyst").await;
        let after = format!("{PLAIN}, lets in ann");
        undone(&site, &["member eve", "pg_read_all_data", "power"], &after).await;
    }
}

#[tokio::test]
async fn a_member_that_may_let_others_in_keeps_only_the_membership() {
    for site in Site::each().await {
        site.sql("create role ~ann; create role ~eve").await;
        site.members("analyst: [{user: ~ann}]");
        site.run(&["apply"]).ends(0);
        site.sql("grant ~p_analyst to ~ann with admin option; set role ~ann; grant ~p_analyst to ~eve; reset role").await;
        let after = format!("{PLAIN}, lets in ann");
        undone(&site, &["ann may no longer let others in", "member eve"], &after).await;
    }
}

#[tokio::test]
async fn a_member_without_the_use_of_the_role_is_let_in_again() {
    for site in Site::each().await {
        if site.ground.version().await < 16 {
            continue;
        }
        site.sql("create role ~ann").await;
        site.members("analyst: [{user: ~ann}]");
        site.run(&["apply"]).ends(0);
        site.sql("grant ~p_analyst to ~ann with inherit false, set false").await;
        undone(&site, &["member ann"], &format!("{PLAIN}, lets in ann")).await;
        let sql =
            "select inherit_option::text from pg_auth_members where roleid = '~p_analyst'::regrole";
        assert_eq!(site.ground.ask(sql).await, ["true"]);
    }
}

#[tokio::test]
async fn somebody_taken_out_by_hand_is_let_in_again_and_a_grant_revoked_by_hand_is_made_again() {
    for site in Site::each().await {
        site.sql("create role ~ann").await;
        site.members("analyst: [{user: ~ann}]");
        site.run(&["apply"]).ends(0);
        site.sql("revoke ~p_analyst from ~ann; revoke usage on schema s from ~p_analyst").await;
        undone(&site, &["member ann", "USAGE on schema db.s"], &format!("{PLAIN}, lets in ann"))
            .await;
    }
}

#[tokio::test]
async fn what_hangs_on_other_kinds_of_object_is_revoked_too() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql(
            "create function s.f(int, text) returns int language sql as 'select 1';
             create sequence s.seq; create type s.kind as enum ('a'); create view s.v as select 1 x;
             create materialized view s.m as select 1 x; create table s.part (x int) partition by list (x);
             grant execute on function s.f to ~p_analyst; grant usage on sequence s.seq to ~p_analyst;
             grant usage on type s.kind to ~p_analyst; grant select on s.v, s.m, s.part to ~p_analyst;
             grant temporary on database DB to ~p_analyst; grant usage on language sql to ~p_analyst;
             select lo_create(7); grant select on large object 7 to ~p_analyst"
                .replace("DB", &site.ground.database)
                .as_str(),
        )
        .await;
        undone(&site, &["EXECUTE", "s.seq", "s.kind", "s.v", "s.m", "s.part", "language"], PLAIN)
            .await;
        let left = "select count(*) from pg_shdepend where refobjid = '~p_analyst'::regrole";
        // s.t, s and the database.
        assert_eq!(site.ground.ask(left).await, ["3"]);
    }
}
