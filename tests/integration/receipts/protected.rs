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
pub async fn refused(site: &Site, arguments: &[&str], code: &str, words: &str) {
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

#[tokio::test]
async fn a_plan_whose_file_is_laid_out_otherwise_is_the_same_plan() {
    for site in Site::each().await {
        site.config(&config(""));
        let file = plan(&site, &[]);
        let other = site.path("other.json");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&other, format!("{text}\n")).unwrap();
        site.run(&["apply", &file]).ends(0);
        site.sql("revoke select on s.t from ~p_analyst").await;
        let other = other.to_str().unwrap();
        refused(&site, &["apply", other], "plan-replayed", "this plan was applied at").await;
    }
}

/// An environment beside it, which is there to retire `prod` from.
fn without_prod(site: &Site, keys: &str) {
    site.config(&CONFIG.replace("  prod: {role_name: \"~{{", "  dev: {role_name: \"~dev_{{"));
    let text = std::fs::read_to_string(site.path("rolecall.yml")).unwrap();
    std::fs::write(site.path("rolecall.yml"), format!("{text}{keys}")).unwrap();
}

#[tokio::test]
async fn retiring_needs_receipts_that_can_be_read() {
    for site in Site::each().await {
        site.config(&config(""));
        site.run(&["apply", &plan(&site, &[])]).ends(0);
        without_prod(&site, "");
        site.sql("create role ~eve login superuser password 'pw'; create role ~mal; alter table rolecall.receipts owner to ~mal; alter schema rolecall owner to ~mal").await;
        // Whoever may read anything sees that it was protected.
        let retire = ["apply", "--retire", "prod", "--allow-revokes", "99"];
        refused(&site, &retire, "protected", "prod is protected").await;
        let eve = "alter role ~eve nosuperuser createrole; do $$ begin if current_setting('server_version_num')::int >= 160000 then grant ~p_analyst, ~p_engineer to ~eve with admin option; end if; end $$";
        site.sql(eve).await;
        let before = site.everything().await;
        site.run_as("eve", &retire).ends(8).says("refused[receipts-closed]").says("cannot be read");
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn retiring_asks_the_list_that_the_last_receipt_names() {
    for site in Site::each().await {
        site.config(&config(", approved_plans: approved.txt"));
        let file = plan(&site, &["--by", "jane"]);
        let approve = |list: &str| {
            let line = format!("{} kim 2026-11-22 DATA-112\n", hash(&file));
            std::fs::write(site.path(list), line).unwrap();
        };
        approve("approved.txt");
        site.run(&["apply", &file]).ends(0);
        // The list of somebody who may write the configuration, and not the list.
        without_prod(&site, "approved_plans: mine.txt\n");
        plan(&site, &["--by", "jane", "--retire", "prod", "--allow-revokes", "99"]);
        approve("mine.txt");
        refused(&site, &["apply", &file], "plan-not-approved", "is not in approved.txt").await;
        let list = std::fs::read(site.path("approved.txt")).unwrap();
        std::fs::remove_file(site.path("approved.txt")).unwrap();
        site.run(&["apply", &file])
            .ends(1)
            .says("unreadable-file")
            .says("approved.txt")
            .says("the last receipt of prod names it");
        std::fs::write(site.path("approved.txt"), list).unwrap();
        refused(&site, &["apply", &file], "plan-not-approved", "is not in approved.txt").await;
        approve("approved.txt");
        site.run(&["apply", &file]).ends(0);
        let last = receipts(&site).await.pop().unwrap();
        assert_eq!(last["gates"]["approved_plans"], "approved.txt");
        assert_eq!(last["plan"]["approved_by"], serde_json::json!(["kim"]));
    }
}

#[tokio::test]
async fn whoever_gains_is_known_by_the_name_in_the_owners_file_too() {
    for site in Site::each().await {
        site.sql("create role ~d_ann; create role ~d_bob").await;
        site.config(&config(
            ", approved_plans: approved.txt, user_name: \"~d_{{ user.name | lower }}\"",
        ));
        site.members("analyst: [{user: Ann}]");
        // Bob is in a role that is adopted, and in no file.
        site.sql("create role ~p_analyst; grant ~p_analyst to ~d_bob").await;
        let file = plan(&site, &["--by", "jane", "--adopt", "--allow-revokes", "9"]);
        let write = |who: &str| {
            let line = format!("{} {who} 2026-11-22 me\n", hash(&file));
            std::fs::write(site.path("approved.txt"), line).unwrap();
        };
        for who in ["ann", "Ann", "ann@acme.example", "bob", "Bob@acme.example"] {
            write(who);
            refused(&site, &["apply", &file], "approval-not-counted", "gains by it").await;
        }
        write("kim");
        site.run(&["apply", &file]).ends(0);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_list_is_a_file_of_the_project_and_a_plan_a_file() {
    let Some(site) = Site::each().await.pop() else { return };
    site.config(&config(", approved_plans: sub/ok.txt"));
    let file = plan(&site, &["--by", "jane"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let line = format!("{} kim 2026-11-22 DATA-112\n", hash(&file));
    std::fs::write(elsewhere.path().join("ok.txt"), &line).unwrap();
    let sub = site.path("sub");
    std::os::unix::fs::symlink(elsewhere.path(), &sub).unwrap();
    site.run(&["apply", &file]).ends(1).says("symbolic-link").says("sub/ok.txt");
    std::fs::remove_file(&sub).unwrap();
    std::fs::create_dir(&sub).unwrap();
    let pipe = |path: &std::path::Path| {
        assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        // Whoever opens it gets nothing, and is not kept waiting.
        let path = path.to_owned();
        std::thread::spawn(move || drop(std::fs::OpenOptions::new().write(true).open(path)));
    };
    pipe(&sub.join("ok.txt"));
    site.run(&["apply", &file]).ends(1).says("unreadable-file").says("no ordinary file");
    let piped = site.path("pipe.json");
    pipe(&piped);
    site.run(&["apply", piped.to_str().unwrap()]).says("no ordinary file");
    std::fs::remove_file(sub.join("ok.txt")).unwrap();
    std::fs::write(sub.join("ok.txt"), line).unwrap();
    site.run(&["apply", &file]).ends(0);
}

#[tokio::test]
async fn who_made_it_must_be_said_and_nobody_approves_in_the_future() {
    let Some(site) = Site::each().await.pop() else { return };
    site.config(&config(", approved_plans: approved.txt"));
    let file = site.path("plan.json").to_str().unwrap().to_owned();
    let mut nobody = site.command(&["plan", "--by", "", "--out", &file]);
    for name in ["GITHUB_ACTOR", "GITLAB_USER_LOGIN", "USER", "LOGNAME", "USERNAME"] {
        nobody.env_remove(name);
    }
    site.ran(nobody.output().unwrap()).ends(0).says("does not say who made it");
    // Where nobody's approval is asked for, nobody asks who made it.
    site.config(&config(""));
    site.ran(nobody.output().unwrap()).ends(0).never_says("who made it");
    site.config(&config(", approved_plans: approved.txt"));
    site.ran(nobody.output().unwrap()).ends(0);
    let write = |when: &str| {
        let line = format!("{} kim {when} DATA-112\n", hash(&file));
        std::fs::write(site.path("approved.txt"), line).unwrap();
    };
    write("2026-11-22");
    refused(&site, &["apply", &file], "plan-without-author", "--by").await;
    edit(&file, true, |plan| plan["author"] = " ".into());
    write("2026-11-22");
    refused(&site, &["apply", &file], "plan-without-author", "--by").await;
    plan(&site, &["--by", "jane"]);
    write("9000-01-01");
    refused(&site, &["apply", &file], "approval-not-counted", "approved.txt:1: 9000-01-01").await;
    write("2026-11-22");
    site.run(&["apply", &file]).ends(0);
}

#[tokio::test]
async fn a_receipt_is_not_written_over_its_plan() {
    let Some(site) = Site::each().await.pop() else { return };
    let file = plan(&site, &[]);
    let text = std::fs::read(&file).unwrap();
    let before = site.everything().await;
    for other in [file.clone(), file.replace("plan.json", "./plan.json")] {
        site.run(&["apply", &file, "--receipt", &other]).ends(2).says("is the plan itself");
    }
    assert_eq!(site.everything().await, before);
    assert_eq!(std::fs::read(&file).unwrap(), text);
    site.run(&["apply", &file]).ends(0);
}

#[tokio::test]
async fn what_an_approval_needs_is_said_before_somebody_waits_for_it() {
    let Some(site) = Site::each().await.pop() else { return };
    let validate = || {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rolecall"));
        command.args(["validate", "--project-dir"]).arg(site.path(""));
        site.ran(command.output().unwrap())
    };
    site.config(&config(", approved_plans: approved.txt, hook: true"));
    validate()
        .ends(1)
        .says("error[unreadable-file]: the list of approved plans cannot be read")
        .says("warning[hook-unapproved]: in prod");
    site.config(&config(", approved_plans: approved.txt"));
    std::fs::write(site.path("approved.txt"), "# none yet\nkim approves\n").unwrap();
    validate().ends(1).says("broken-approval").says("approved.txt:2");
    std::fs::write(site.path("approved.txt"), "# none yet\n").unwrap();
    validate().ends(0).never_says("hook-unapproved");
    let nowhere = site.path("no/such/plan.json");
    site.run(&["plan", "--out", nowhere.to_str().unwrap()]).ends(1).says("there is no folder");
    let file = site.path("plan.json").to_str().unwrap().to_owned();
    let made = site.run(&["plan", "--out", &file, "--by", "jane"]).ends(0);
    let line = format!("approved.txt: {} <who> <YYYY-MM-DD> <why>", hash(&file));
    made.says(&line);
    std::fs::write(site.path("approved.txt"), format!("{} kim 2026-11-22 x\n", hash(&file)))
        .unwrap();
    site.run(&["apply", &file]).ends(0);
    // A job that is run again has nothing to do, and waits for nobody.
    site.run(&["plan", "--out", &file, "--by", "jane"]).ends(0).never_says("<who>");
    site.run(&["apply", &file]).ends(0);
    // What it does not cover is no part of it.
    site.sql("revoke select on s.t from ~p_analyst").await;
    site.run(&["apply", &file]).ends(6).says("not in the plan");
}
