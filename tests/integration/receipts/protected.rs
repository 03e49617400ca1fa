//! A protected environment takes a saved plan only: fresh, whole, approved, and once.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::table::receipts;
use crate::rules::site::{CONFIG, Site, model};

pub fn config(keys: &str) -> String {
    CONFIG.replace("{{ role.name }}\"}", &format!("{{{{ role.name }}}}\", protected: true{keys}}}"))
}

pub fn plan(site: &Site, flags: &[&str]) -> String {
    let file = site.path("plan.json").to_str().unwrap().to_owned();
    site.run(&[&["plan", "--out", &file], flags].concat()).ends(0);
    file
}

pub fn hash(file: &str) -> String {
    rolecall::plan::hex(&Sha256::digest(std::fs::read(file).unwrap()))
}

/// Refused with this code and these words, and nothing changed.
async fn refused(site: &Site, arguments: &[&str], code: &str, words: &str) {
    let before = site.everything().await;
    site.run(arguments).ends(8).says(&format!("refused[{code}]")).says(words);
    assert_eq!(site.everything().await, before);
}

/// Edits a plan's JSON; sealed again where `seal`.
pub fn edit(file: &str, seal: bool, change: impl FnOnce(&mut Value)) {
    let mut plan: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    change(&mut plan);
    let mut text = plan.to_string();
    if seal {
        let plan = rolecall::plan::Plan::read(text.as_bytes()).unwrap();
        let by = rolecall::plan::Signature {
            made_at: plan.made_at,
            id: plan.id.clone(),
            author: plan.author.clone(),
            gates_changed: plan.gates_changed.clone(),
            promoted_from: plan.promoted_from.clone(),
        };
        text = serde_json::to_string(&plan.signed(by)).unwrap();
    }
    std::fs::write(file, text).unwrap();
}

#[tokio::test]
async fn only_a_saved_plan_is_applied_and_only_once() {
    for site in Site::each().await {
        site.config(&config(""));
        refused(&site, &["apply"], "protected", "prod is protected").await;
        let file = plan(&site, &["--by", "jane"]);
        site.run(&["apply", &file]).ends(0);
        let kept = receipts(&site).await;
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0]["plan"]["sha256"], hash(&file));
        assert_eq!(kept[0]["plan"]["author"], "jane");
        // A job that is run again, because nobody knows how it ended, ends well.
        site.run(&["apply", &file]).ends(0).says("In sync");
        refused(&site, &["apply"], "protected", "only a saved plan").await;
        site.sql("revoke select on s.t from ~p_analyst").await;
        refused(&site, &["apply", &file], "plan-replayed", "this plan was applied at").await;
        let again = plan(&site, &[]);
        site.run(&["apply", &again]).ends(0);
        assert_eq!(receipts(&site).await.len(), 2);
    }
}

#[tokio::test]
async fn what_was_undone_is_granted_again_by_a_plan_of_the_same_second() {
    for site in Site::each().await {
        site.config(&config(""));
        let mut made = std::collections::BTreeSet::new();
        for _ in 0..3 {
            let file = plan(&site, &[]);
            made.insert(hash(&file));
            // As quick as it can be, and always the same seconds in it.
            edit(&file, true, |plan| {
                plan["made_at"] = (plan["made_at"].as_i64().unwrap() / 60 * 60).into();
                plan["resolved_for"] = plan["made_at"].clone();
            });
            site.run(&["apply", &file]).ends(0);
            site.sql("revoke select on s.t from ~p_analyst").await;
        }
        assert_eq!((made.len(), receipts(&site).await.len()), (3, 3));
    }
}

#[tokio::test]
async fn a_plan_that_was_edited_or_is_old_or_for_another_day_is_refused() {
    for site in Site::each().await {
        site.config(&config(", valid_for: 2h"));
        let file = plan(&site, &[]);
        edit(&file, false, |plan| plan["author"] = "somebody".into());
        refused(&site, &["apply", &file], "plan-edited", "seal").await;
        plan(&site, &[]);
        edit(&file, true, |plan| {
            let three_hours_ago = plan["made_at"].as_i64().unwrap() - 3 * 3600;
            plan["made_at"] = three_hours_ago.into();
            plan["resolved_for"] = three_hours_ago.into();
        });
        refused(&site, &["apply", &file], "plan-expired", "2 hours old").await;
        refused(&site, &["apply", &file, "--as-of", "2020-01-01"], "plan-expired", "2 hours old")
            .await;
        edit(&file, true, |plan| plan["made_at"] = i64::MAX.into());
        refused(&site, &["apply", &file], "plan-ahead-of-time", "clocks").await;
        plan(&site, &["--as-of", "2020-01-01"]);
        refused(&site, &["apply", &file], "plan-of-another-day", "--as-of").await;
        plan(&site, &[]);
        refused(
            &site,
            &["apply", &file, "--as-of", "2020-01-01"],
            "plan-of-another-day",
            "--as-of",
        )
        .await;
        site.run(&["apply", &file]).ends(0);
    }
}

#[tokio::test]
async fn a_plan_of_another_server_is_refused() {
    let [one, .., other] = &Site::each().await[..] else { return };
    one.config(&config(""));
    other.config(&config(""));
    let file = plan(one, &[]);
    let before = other.everything().await;
    other.run(&["apply", &file]).ends(6).says("another");
    assert_eq!(other.everything().await, before);
}

#[tokio::test]
async fn a_plan_needs_somebodys_approval_who_neither_made_it_nor_gains() {
    for site in Site::each().await {
        site.sql("create role ~ann").await;
        site.config(&config(", approved_plans: approved.txt"));
        site.members("analyst: [{user: ~ann}]");
        let file = plan(&site, &["--by", "jane@acme.example"]);
        site.run(&["apply", &file]).ends(1).says("unreadable-file").says("approved.txt");
        let list = site.path("approved.txt");
        let write = |lines: &str| std::fs::write(&list, lines).unwrap();
        write("# nothing yet\n");
        let sha256 = hash(&file);
        refused(&site, &["apply", &file], "plan-not-approved", &sha256).await;
        write(&format!("{sha256} kim\n"));
        site.run(&["apply", &file]).ends(1).says("broken-approval").says("approved.txt:1");
        write(&format!("{sha256} Jane 2026-11-22 mine\n"));
        refused(&site, &["apply", &file], "approval-not-counted", "Jane made the plan").await;
        write(&format!("{sha256} {} 2026-11-22 let me in\n", site.ground.role("ann")));
        refused(&site, &["apply", &file], "approval-not-counted", "gains by it").await;
        write(&format!("{} kim 2026-11-22 another\n", "0".repeat(64)));
        refused(&site, &["apply", &file], "plan-not-approved", &sha256).await;
        write(&format!("{sha256} jane 2026-11-22 mine\n{sha256} kim 2026-11-22 DATA-112\n"));
        site.run(&["apply", &file]).ends(0);
        assert_eq!(receipts(&site).await[0]["plan"]["approved_by"], serde_json::json!(["kim"]));
    }
}

#[tokio::test]
async fn receipts_that_were_taken_away_or_cannot_be_kept_stop_it() {
    for site in Site::each().await {
        // Applied before it was protected, and the receipts are gone.
        site.run(&["apply"]).ends(0);
        site.sql("drop table rolecall.receipts").await;
        site.config(&config(""));
        site.models(&[model("s.t").gives("analyst", &["read"]).gives("engineer", &["read"])]);
        let file = plan(&site, &[]);
        refused(&site, &["apply", &file], "receipts-missing", "--begin-receipts").await;
        site.run(&["apply", &file, "--begin-receipts"]).ends(0);
        assert_eq!(receipts(&site).await.len(), 1);
        site.sql("create role ~eve; alter table rolecall.receipts owner to ~eve").await;
        site.models(&[model("s.t").gives("analyst", &["read"])]);
        let file = plan(&site, &["--allow-revokes", "9"]);
        refused(&site, &["apply", &file], "receipts-closed", "belongs to eve").await;
    }
}

#[tokio::test]
async fn what_decides_about_gates_stands_at_the_top_of_the_plan_when_it_changed() {
    for site in Site::each().await {
        site.config(&config(""));
        let file = plan(&site, &[]);
        site.run(&["apply", &file]).ends(0);
        site.config(&CONFIG.replace("analyst: {may: [read]}", "analyst: {may: [read, write]}"));
        let ran = site.run(&["plan"]).ends(0);
        let top: Vec<&str> = ran.out.lines().take(4).collect();
        assert!(top[0].starts_with("Gates changed since 20"), "{ran:?}");
        assert!(top[0].ends_with("hook: false until now, true from now on"), "{ran:?}");
        assert!(top[1].ends_with("may of analyst: read until now, read, write from now on"));
        assert!(top[2].ends_with("protected: true until now, false from now on"));
        assert_eq!(top[3], "");
        plan(&site, &[]);
        let plan: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        assert_eq!(plan["gates_changed"].as_array().unwrap().len(), 3);
    }
}
