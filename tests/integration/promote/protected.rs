//! A protected target takes a promotion's plan as any other: saved, whole, fresh, approved, once.
//! Each of its gates closes by itself here.

use super::stage::{CONFIG, Stage};
use crate::receipts::protected::{edit, hash};
use crate::rules::site::{Ran, model};

impl Stage {
    fn protect(&self, keys: &str) {
        self.config(&CONFIG.replace(
            "    promote_from: dev",
            &format!("    promote_from: dev\n    protected: true\n{keys}"),
        ));
    }

    fn plan(&self) -> String {
        self.path("plan.json").to_str().unwrap().to_owned()
    }

    /// Refused by this and by nothing else, and nothing is changed.
    async fn only_refused(&self, ran: impl FnOnce() -> Ran, code: &str, says: &str) {
        let ask = "select roleid || ' ' || member from pg_auth_members
            where starts_with(roleid::regrole::text, '~') order by 1";
        let before = (self.receipts().await.len(), self.prod.ask(ask).await);
        let ran = ran().ends(8).says(&format!("refused[{code}]: ")).says(says);
        assert_eq!(ran.err.matches("refused[").count(), 1, "{ran:?}");
        assert_eq!((self.receipts().await.len(), self.prod.ask(ask).await), before);
    }
}

#[tokio::test]
async fn without_a_plan_or_with_one_that_was_edited_or_is_old_nothing_goes() {
    let stage = Stage::one().await;
    stage.protect("    valid_for: 2h\n");
    stage.promote(&[]).ends(0);
    stage
        .only_refused(|| stage.run(&["apply", "-t", "prod"]), "protected", "`promote --out FILE`")
        .await;
    edit(&stage.plan(), false, |plan| plan["promoted_from"]["environment"] = "test".into());
    stage.only_refused(|| stage.apply(), "plan-edited", "make it again").await;
    stage.promote(&[]).ends(0);
    edit(&stage.plan(), true, |plan| {
        let long_ago = plan["made_at"].as_i64().unwrap() - 3 * 3600;
        plan["made_at"] = long_ago.into();
        plan["resolved_for"] = long_ago.into();
    });
    stage.only_refused(|| stage.apply(), "plan-expired", "may be 2 hours old here").await;
    stage.promote(&[]).ends(0);
    stage.apply().ends(0);
}

#[tokio::test]
async fn a_plan_for_another_database_or_environment_is_stale() {
    for stage in Stage::each().await {
        stage.protect("");
        stage.promote(&[]).ends(0);
        let mut command = stage.command(&["apply", &stage.plan(), "-t", "prod"]);
        command.env("ROLECALL_CONNECTION", stage.dev.url(None));
        stage.ran(command).ends(6).says("it was made for the database prod_db of another server");
        let mut command = stage.command(&["apply", &stage.plan(), "-t", "dev"]);
        command.env("ROLECALL_CONNECTION", stage.prod.url(None));
        stage.ran(command).ends(6).says("it was made for prod of the deployment");
        assert!(stage.receipts().await.is_empty());
    }
}

#[tokio::test]
async fn an_approval_is_needed_of_somebody_who_neither_made_the_plan_nor_comes_in_by_it() {
    let stage = Stage::one().await;
    stage.protect("    approved_plans: approved.txt\n");
    let approve = |lines: &str| std::fs::write(stage.path("approved.txt"), lines).unwrap();
    approve("");
    stage.promote(&["--by", "jane"]).ends(0);
    let sha256 = hash(&stage.plan());
    stage.only_refused(|| stage.apply(), "plan-not-approved", &sha256).await;
    approve(&format!("{sha256} jane@acme.example 2026-11-22 mine\n"));
    stage
        .only_refused(|| stage.apply(), "approval-not-counted", "jane@acme.example made the plan")
        .await;
    approve(&format!("{sha256} {}taylor 2026-11-22 me too\n", stage.prod.prefix));
    stage.only_refused(|| stage.apply(), "approval-not-counted", "prod:taylor gains by it").await;
    approve(&format!("{sha256} kim 2026-11-22 DATA-112\n"));
    stage.apply().ends(0);
    let kept = stage.receipts().await;
    assert_eq!(kept[0]["plan"]["approved_by"], serde_json::json!(["kim"]));
    assert_eq!(kept[0]["plan"]["promoted_from"]["environment"], "dev");
}

#[tokio::test]
async fn a_plan_is_applied_once_also_where_dbt_has_rebuilt_a_table() {
    for stage in Stage::each().await {
        stage.protect("");
        stage.promote(&[]).ends(0);
        stage.apply().ends(0);
        stage.apply().ends(0).says("In sync");
        stage.prod.sql("revoke select on s.u from ~p_analyst").await;
        let again = "make another for what differs now";
        stage.only_refused(|| stage.apply(), "plan-replayed", again).await;
        stage.prod.sql("grant select on s.u to ~p_analyst").await;
        stage.prod.sql("drop table s.t; create table s.t (x int)").await;
        stage.only_refused(|| stage.apply(), "plan-replayed", "`hook: true`").await;
        // Another plan has that and nothing else.
        stage.promote(&[]).ends(0).says("To add: 2 grants. To take away: nothing.");
        stage.apply().ends(0);
        assert_eq!(stage.receipts().await.len(), 2);
    }
}

#[tokio::test]
async fn receipts_that_are_gone_or_not_ours_stop_it() {
    let stage = Stage::one().await;
    stage.protect("");
    stage.promote(&["-s", "t"]).ends(0);
    stage.apply().ends(0);
    stage.promote(&[]).ends(0);
    stage.prod.sql("alter table rolecall.receipts add column x int").await;
    stage.only_refused(|| stage.apply(), "receipts-not-ours", "rolecall.receipts").await;
    stage.prod.sql("drop table rolecall.receipts").await;
    stage.only_refused(|| stage.apply(), "receipts-missing", "--begin-receipts").await;
    stage.run(&["apply", &stage.plan(), "-t", "prod", "--begin-receipts"]).ends(0);
    assert_eq!(stage.receipts().await.len(), 1);
}

#[tokio::test]
async fn a_gate_that_was_widened_since_stands_at_the_top_of_the_promotion() {
    let stage = Stage::one().await;
    stage.protect("");
    stage.promote(&[]).ends(0);
    stage.apply().ends(0);
    stage.config(CONFIG);
    stage.models("prod", &[model("s.t").gives("analyst", &["read"]), model("s.u")]);
    let said = stage.promote(&[]).ends(0);
    let top: Vec<&str> = said.out.lines().take(2).collect();
    assert!(top.iter().all(|line| line.starts_with("Gates changed since 20")), "{said:?}");
    assert!(top[1].ends_with("protected: true until now, false from now on"), "{said:?}");
}
