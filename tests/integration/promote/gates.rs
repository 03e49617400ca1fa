//! Each gate closes by itself, and all that are closed are told at once.

use super::stage::Stage;
use crate::rules::site::model;

impl Stage {
    /// The gates that are closed, while no plan is written.
    #[track_caller]
    fn closed(&self) -> Vec<String> {
        let said = self.promote(&["--format", "json"]).ends(4);
        self.has_no_plan();
        let promoted: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert!(promoted["plan"].is_null(), "{promoted:#}");
        let gates = promoted["gates"].as_array().unwrap();
        assert_eq!(gates.len(), 8);
        let closed = gates.iter().filter(|gate| gate["open"] == false);
        closed.map(|gate| gate["gate"].as_str().unwrap().to_owned()).collect()
    }

    /// Only one is closed, and says so.
    #[track_caller]
    fn only(&self, gate: &str, says: &str) {
        assert_eq!(self.closed(), [gate]);
        self.promote(&[]).ends(4).says(&format!("refused[{gate}]: ")).says(says);
    }
}

#[tokio::test]
async fn a_source_that_lost_a_grant_is_not_promoted() {
    let stage = Stage::one().await;
    stage.dev.sql("revoke select on s.t from ~p_analyst").await;
    stage.only(
        "source-drift",
        "to be done there: grant SELECT on table dev_db.s.t to dev:p_analyst",
    );
    stage.apply_in_dev();
    stage.promote(&[]).ends(0);
}

#[tokio::test]
async fn a_source_role_that_is_in_somebody_elses_role_is_drift_and_no_member() {
    let stage = Stage::one().await;
    stage.dev.sql("create role ~other; grant ~other to ~p_analyst").await;
    stage.only("source-drift", "take dev:p_analyst out of dev:other");
}

#[tokio::test]
async fn what_is_not_built_in_the_source_is_not_promoted() {
    let stage = Stage::one().await;
    stage.dev.sql("drop table s.u").await;
    stage.only("source-drift", "s_u is declared on, and not built in dev");
    // Nor does it matter to what is promoted without it.
    stage.promote(&["-s", "t"]).ends(0);
}

#[tokio::test]
async fn declarations_that_are_wrong_in_either_environment_close_a_gate() {
    for environment in ["dev", "prod"] {
        let stage = Stage::one().await;
        stage.models(environment, &[model("s.t").gives("analyst", &["raed"]), model("s.u")]);
        stage.only("validation-failed", &format!("{environment} is not valid: unknown-permission"));
        // What was not looked at is not called open.
        let said = stage.promote(&["--format", "json"]).ends(4);
        let promoted: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let open = ["source-drift", "grant-to-public"].map(|gate| {
            let gates = promoted["gates"].as_array().unwrap();
            gates.iter().find(|it| it["gate"] == gate).unwrap()["open"].as_bool()
        });
        let looked = if environment == "dev" { [None, Some(true)] } else { [Some(true), None] };
        assert_eq!(open, looked);
    }
}

#[tokio::test]
async fn nobody_is_promoted_beyond_may() {
    let stage = Stage::one().await;
    stage.models("prod", &[model("s.t").gives("analyst", &["read", "write"]), model("s.u")]);
    stage.only("beyond-may", "in prod: ");
}

#[tokio::test]
async fn dbts_own_grants_are_held_to_may_as_well() {
    let stage = Stage::one().await;
    let analysts = format!("{}p_analyst", stage.prod.prefix);
    stage.models("prod", &[model("s.t").dbt_gives("insert", &[&analysts]), model("s.u")]);
    stage.only("beyond-may", "dbt's own `grants` give prod:p_analyst `insert`");
}

#[tokio::test]
async fn who_was_let_in_by_hand_is_named_with_who_did_it_and_not_promoted() {
    for stage in Stage::each().await {
        stage.dev.sql("grant ~p_analyst to ~sam").await;
        stage.only("undeclared-member", "dev:sam is in dev:p_analyst in dev, let in by postgres");
        // Taken out there, or written into the owner's file.
        stage.apply_in_dev();
        stage.promote(&[]).ends(0).never_says("sam");
        std::fs::remove_file(stage.path("plan.json")).unwrap();
        stage.dev.sql("grant ~p_analyst to ~sam").await;
        stage.members("analyst: [{user: taylor}, {user: sam}]\n");
        stage.promote(&[]).ends(0).says("member prod:sam (user)");
    }
}

#[tokio::test]
async fn what_keeps_members_from_being_looked_at_closes_a_gate_with_any_selection() {
    let stage = Stage::one().await;
    if stage.dev.version().await >= 17 {
        return;
    }
    // The source's server does not know MAINTAIN yet, of a model that is not selected.
    stage.config(
        &super::stage::CONFIG.replace("analyst: {may: [read]}", "analyst: {may: [read, maintain]}"),
    );
    stage.dev.sql("grant ~p_analyst to ~sam").await;
    let models = || {
        let [t, u] = Stage::plain();
        [t, u.gives("analyst", &["maintain"])]
    };
    stage.models("dev", &models());
    stage.models("prod", &models());
    let said = stage.promote(&["-s", "t"]).ends(4);
    said.says("refused[source-drift]: dev cannot be compared with what is declared");
    stage.has_no_plan();
}

#[tokio::test]
async fn an_entry_for_another_environment_does_not_excuse_a_hand_made_member() {
    let stage = Stage::one().await;
    stage.dev.sql("grant ~p_analyst to ~sam").await;
    stage.members("analyst: [{user: taylor}, {user: sam, environments: [prod]}]\n");
    stage.only("undeclared-member", "dev:sam is in dev:p_analyst");
}

#[tokio::test]
async fn what_public_has_in_the_target_is_not_promoted() {
    let held = ["grant select on s.t to public", "grant update (x) on s.t to public"];
    let said =
        ["PUBLIC has SELECT on table prod_db.s.t", "PUBLIC has UPDATE on column prod_db.s.t"];
    for (sql, says) in held.into_iter().zip(said) {
        let stage = Stage::one().await;
        stage.prod.sql(sql).await;
        stage.only("grant-to-public", says);
        // Of what is not promoted, it is nobody's business here.
        stage.promote(&["-s", "u"]).ends(0);
    }
}

#[tokio::test]
async fn what_dbt_would_grant_to_public_is_not_promoted() {
    for grantee in ["public", "PUBLIC", "\"public\"", "someone, public", "group public"] {
        let stage = Stage::one().await;
        let open = model("s.t").gives("analyst", &["read"]).dbt_gives("select", &[grantee]);
        stage.models("prod", &[open, model("s.u")]);
        stage.only("grant-to-public", "dbt's own `grants` give PUBLIC select on ");
    }
}

#[tokio::test]
async fn nobody_comes_into_a_role_that_has_power_by_hand_in_the_target() {
    let by_hand = [
        ("create role ~boss; grant ~boss to ~p_analyst", "which is in prod:boss by nobody's"),
        ("grant pg_read_all_data to ~p_analyst", "which is in pg_read_all_data by nobody's"),
        ("alter role ~p_analyst createrole", "which has attributes of its own by nobody's"),
        ("alter role ~p_analyst bypassrls", "which has attributes of its own by nobody's"),
    ];
    for (sql, says) in by_hand {
        let stage = Stage::one().await;
        stage.members("analyst: []\n");
        stage.apply_in_dev();
        stage.promote(&[]).ends(0);
        stage.apply().ends(0);
        stage.prod.sql(sql).await;
        // As long as nobody comes in, it is only listed.
        stage.promote(&[]).ends(0).says("an ordinary plan and apply in prod also does");
        std::fs::remove_file(stage.path("plan.json")).unwrap();
        stage.members("analyst: [{user: taylor}]\n");
        stage.apply_in_dev();
        stage.only("undeclared-power", says);
        stage.run(&["apply", "-t", "prod"]).ends(0);
        stage.promote(&[]).ends(0).says("Nothing to add");
    }
}

#[tokio::test]
async fn all_closed_gates_are_told_at_once() {
    let stage = Stage::one().await;
    stage.dev.sql("grant ~p_analyst to ~sam; revoke select on s.t from ~p_analyst").await;
    stage.prod.sql("grant select on s.t to public").await;
    let closed = stage.closed();
    assert_eq!(closed, ["source-drift", "undeclared-member", "grant-to-public"]);
    stage.models("prod", &[model("s.t").gives("analyst", &["write", "raed"]), model("s.u")]);
    let closed = stage.closed();
    assert_eq!(closed[..2], ["source-drift", "validation-failed"]);
}

#[tokio::test]
async fn what_dbt_writes_into_sql_as_it_stands_is_not_looked_into() {
    for (privilege, grantee, says) in [
        ("select", "public;", "to \"public;\", which is no plain name"),
        ("select", "/**/public", "to \"/**/public\", which is no plain name"),
        ("select", "x; grant select on s.t to public", "which is no plain name"),
        ("select on s.t to public; grant select", "x", "which is no plain privilege"),
    ] {
        let stage = Stage::one().await;
        let open = model("s.t").gives("analyst", &["read"]).dbt_gives(privilege, &[grantee]);
        stage.models("prod", &[open, model("s.u")]);
        stage.only("grant-to-public", says);
    }
}
