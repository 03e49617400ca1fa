//! What comes into the target: roles, what is declared there, and members.

use super::stage::Stage;
use crate::engines::snapshot;

#[tokio::test]
async fn a_product_comes_with_its_members_and_a_second_promotion_is_empty() {
    for stage in Stage::each().await {
        snapshot!(stage.promote(&[]).ends(0).out, @r"
        Promotion from dev to prod

        Plan for prod on postgres database prod_db

        prod:p_analyst
          + new role
          + CONNECT on database prod_db  # read, model.dev:shop.s_t and 1 more
          + USAGE on schema prod_db.s  # read, model.dev:shop.s_t and 1 more
          + SELECT on table prod_db.s.t  # read, model.dev:shop.s_t
          + SELECT on table prod_db.s.u  # read, model.dev:shop.s_u
          + member prod:taylor (user)  # rolecall/members/p.yml:1

        prod:p_engineer
          + new role
          + CONNECT on database prod_db  # read, model.dev:shop.s_t and 1 more
          + USAGE on schema prod_db.s  # read, model.dev:shop.s_t and 1 more
          + SELECT on table prod_db.s.t  # read, model.dev:shop.s_t
          + SELECT on table prod_db.s.u  # read, model.dev:shop.s_u

        To add: 2 roles, 8 grants, 1 member. To take away: nothing.

        Access after it: 1 person and 2 product roles gain (2 nodes)

          + read on s_t, s_u
              p.analyst, p.engineer, prod:taylor
              # granted to p.analyst [model.dev:shop.s_t, model.dev:shop.s_u]
              # granted to p.engineer [model.dev:shop.s_t, model.dev:shop.s_u]
              # let into p.analyst [rolecall/members/p.yml:1]
        ");
        stage.apply().ends(0);
        stage.run(&["verify", "-t", "prod"]).ends(0);
        stage.promote(&["--check"]).ends(0).says("Nothing to add: prod has all of it.");
    }
}

/// A query by somebody's own login.
async fn may(stage: &Stage, who: &str, query: &str) -> bool {
    let session = stage.prod.connect(Some(who)).await;
    session.say(query).await.is_ok()
}

#[tokio::test]
async fn a_member_reads_in_the_target_by_an_own_login_and_does_nothing_more() {
    for stage in Stage::each().await {
        assert!(!may(&stage, "taylor", "select * from s.t").await);
        stage.promote(&[]).ends(0);
        assert!(!may(&stage, "taylor", "select * from s.t").await, "promote changes nothing");
        stage.apply().ends(0);
        assert!(may(&stage, "taylor", "select * from s.t").await);
        assert!(!may(&stage, "taylor", "insert into s.t values (1)").await);
        assert!(!may(&stage, "sam", "select * from s.t").await);
    }
}

#[tokio::test]
async fn entries_for_other_environments_and_expired_ones_stay_behind() {
    let stage = Stage::one().await;
    stage.prod.sql("create role ~kim").await;
    stage.dev.sql("create role ~kim").await;
    stage.members(
        "analyst:\n  - {user: taylor}\n  - {user: sam, environments: [dev]}\n  - {user: kim, until: 2020-01-31}\n",
    );
    stage.apply_in_dev();
    let said = stage.promote(&[]).ends(0);
    said.says("member prod:taylor").never_says("sam").never_says("kim");
}

#[tokio::test]
async fn a_member_whom_the_target_does_not_know_is_named_and_left_out() {
    let stage = Stage::one().await;
    stage.dev.sql("create role ~robin").await;
    stage.members("analyst: [{user: taylor}, {user: robin}]\n");
    stage.apply_in_dev();
    stage.promote(&["--strict"]).ends(1).says("error[missing-member]").says("prod:robin");
    stage.has_no_plan();
    stage.promote(&[]).ends(0).says("prod:p_analyst: user prod:robin, who is to be a member");
    stage.apply().ends(0);
    // Known there at last, only that member is missing.
    stage.prod.sql("create role ~robin").await;
    stage.promote(&["--strict"]).ends(0).says("To add: 1 member. To take away: nothing.");
}

#[tokio::test]
async fn nothing_is_taken_away_and_what_must_go_is_listed() {
    for stage in Stage::each().await {
        stage.promote(&[]).ends(0);
        stage.apply().ends(0);
        stage.prod.sql("grant insert on s.t to ~p_analyst; grant ~p_analyst to ~sam").await;
        stage.prod.sql("revoke select on s.u from ~p_analyst").await;
        let said = stage.promote(&[]).ends(0);
        snapshot!(said.out, @r"
        Promotion from dev to prod

        Plan for prod on postgres database prod_db

        prod:p_analyst
          + SELECT on table prod_db.s.u  # read, model.dev:shop.s_u

        To add: 1 grant. To take away: nothing.

        Access after it: 2 people and 1 product role gain (1 node)

          + read on s_u
              p.analyst, prod:sam, prod:taylor
              # granted to p.analyst [model.dev:shop.s_u]

        A promotion only adds; an ordinary plan and apply in prod also does:
          revoke INSERT on table prod_db.s.t from prod:p_analyst
          take prod:sam out of prod:p_analyst
        ");
        stage.apply().ends(0);
        assert!(may(&stage, "sam", "insert into s.t values (1)").await, "it stays");
        stage.promote(&["--check"]).ends(0).says("Nothing to add").says("take prod:sam out");
        stage.run(&["apply", "-t", "prod", "--allow-revokes", "9"]).ends(0);
        assert!(!may(&stage, "sam", "select * from s.t").await);
        stage.promote(&[]).ends(0).never_says("sam");
    }
}

#[tokio::test]
async fn a_model_that_is_not_there_yet_is_named_and_gets_its_access_later() {
    let stage = Stage::one().await;
    stage.prod.sql("drop table s.u").await;
    stage.promote(&[]).ends(0).says("s_u (not in the warehouse of prod)");
    stage.apply().ends(0);
    stage.prod.sql("create table s.u (x int)").await;
    stage.promote(&[]).ends(0).says("To add: 2 grants.");
    stage.apply().ends(0);
    let new = crate::rules::site::model("s.w").gives("analyst", &["read"]);
    stage.dev.sql("create table s.w (x int)").await;
    stage.models("dev", &Stage::plain().into_iter().chain([new]).collect::<Vec<_>>());
    stage.apply_in_dev();
    stage.promote(&[]).ends(0).says("s_w (not in the manifest of prod)").says("Nothing to add");
}

#[tokio::test]
async fn a_selection_brings_its_nodes_and_the_members_of_their_roles() {
    let stage = Stage::one().await;
    stage.promote(&["-s", "t"]).ends(0).says("To add: 2 roles, 6 grants, 1 member.");
    stage.apply().ends(0);
    assert!(may(&stage, "taylor", "select * from s.t").await);
    assert!(!may(&stage, "taylor", "select * from s.u").await);
    // The role is there by now; who is new comes with the next of its nodes all the same.
    stage.members("analyst: [{user: taylor}, {user: sam}]\n");
    stage.apply_in_dev();
    stage.promote(&["-s", "u"]).ends(0).says("To add: 2 grants, 1 member.");
    stage.apply().ends(0);
    assert!(may(&stage, "sam", "select * from s.t").await);
    stage.run(&["verify", "-t", "prod"]).ends(0);
}

#[tokio::test]
async fn a_role_that_waits_for_its_new_name_is_not_promoted() {
    let stage = Stage::one().await;
    stage.promote(&["-s", "t"]).ends(0);
    stage.apply().ends(0);
    std::fs::remove_file(stage.path("plan.json")).unwrap();
    stage.config(&super::stage::CONFIG.replace("\"<prod>{{ product", "\"<prod>new_{{ product"));
    stage
        .promote(&[])
        .ends(8)
        .says("refused[role-to-rename]")
        .says("which a promotion does not do");
    stage.has_no_plan();
}

#[tokio::test]
async fn two_promotions_at_once_end_as_one() {
    for stage in Stage::each().await {
        stage.promote(&[]).ends(0);
        let url = stage.prod.url(None);
        let plan = stage.path("plan.json");
        let apply = || {
            let mut command = stage.command(&["apply", plan.to_str().unwrap(), "-t", "prod"]);
            command.env("ROLECALL_CONNECTION", &url).spawn().unwrap()
        };
        let both = [apply(), apply()];
        for child in both {
            let ended = child.wait_with_output().unwrap();
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        }
        stage.run(&["verify", "-t", "prod"]).ends(0);
        assert_eq!(stage.receipts().await.len(), 1);
    }
}

#[tokio::test]
async fn who_is_in_by_hand_and_gains_is_named_and_what_a_role_keeps_is_listed() {
    let stage = Stage::one().await;
    stage.promote(&["-s", "t"]).ends(0).never_says("undeclared-member-gains");
    stage.apply().ends(0);
    std::fs::remove_file(stage.path("plan.json")).unwrap();
    stage
        .prod
        .sql(
            "grant ~p_analyst to ~sam; create schema z; create table z.t (x int);
             grant select on z.t to ~p_analyst; create table s.mine (x int);
             alter table s.mine owner to ~p_analyst",
        )
        .await;
    let said = stage.promote(&[]).ends(0);
    said.says("undeclared-member-gains")
        .says("prod:sam is in prod:p_analyst in prod by nobody's declaration, let in by postgres")
        .says("Left as it is:")
        .says("SELECT on table prod_db.z.t")
        .says("ownership of table prod_db.s.mine");
    std::fs::remove_file(stage.path("plan.json")).unwrap();
    let said = stage.promote(&["--format", "json"]).ends(0);
    let promoted: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let left = promoted["plan"]["left"].to_string();
    assert!(left.contains("ownership of table"), "{promoted:#}");
    assert!(left.contains("does not name that schema"), "{promoted:#}");
    stage.apply().ends(0);
    // Nothing more is granted, and what the role has is listed all the same.
    std::fs::remove_file(stage.path("plan.json")).unwrap();
    let said = stage.promote(&[]).ends(0).says("Nothing to add");
    said.says("ownership of table prod_db.s.mine").never_says("undeclared-member-gains");
}
