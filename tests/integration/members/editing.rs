//! Commands that edit the owners' files, and what a change of them may not do.

use std::process::Command;

use super::{findings, local, site, write};
use crate::engines::snapshot;
use crate::rules::site::Site;

const MEMBERS: &str = "# Who reads\nanalyst:\n  - user: taylor   # since 2024\n";

fn text(site: &Site) -> String {
    std::fs::read_to_string(site.path("rolecall/members/p.yml")).unwrap()
}

#[tokio::test]
async fn members_are_added_listed_and_removed_in_place() {
    let site = site("directory: {path: people.csv, key: name}\n", &[]).await;
    write(&site, "people.csv", "name,team\ntaylor,x\nkim,y\n");
    site.members(MEMBERS);
    let add = |more: &[&str]| local(&site, &[&["member", "add", "p"], more].concat());
    let said = add(&["analyst", "--user", "robin", "--until", "2027-01-31", "--reason", "DATA-7"]);
    snapshot!(said.ends(0).out, @"added user robin: p.analyst, rolecall/members/p.yml:4");
    add(&["engineer", "--group", "AD data", "--environment", "prod"]).ends(0);
    add(&["engineer", "--rule", "user.team == 'y'"]).ends(0);
    snapshot!(text(&site), @r#"
    # Who reads
    analyst:
      - user: taylor   # since 2024
      - {user: robin, until: 2027-01-31, reason: "DATA-7"}
    engineer:
      - {group: "AD data", environments: [prod]}
      - rule: "user.team == 'y'"
    "#);
    snapshot!(local(&site, &["member", "list", "--as-of", "2027-01-20"]).ends(0).out, @r"
    product role  member                            until              environments  reason  stands in
    p.analyst     user taylor                                                                rolecall/members/p.yml:3
    p.analyst     user robin                        2027-01-31 (soon)                DATA-7  rolecall/members/p.yml:4
    p.engineer    group AD data                                        prod                  rolecall/members/p.yml:6
    p.engineer    rule user.team == 'y' (1 person)                                           rolecall/members/p.yml:7
    ");
    let json = local(&site, &["member", "list", "p", "engineer", "--format", "json"]).ends(0).out;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["members"][1]["matches"], 1);
    add(&["analyst", "--user", "taylor"]).ends(1).says("error[already-member]");
    add(&["analyst", "--group", "Taylor"]).ends(1).says("error[user-and-group]");
    add(&["analysts", "--user", "x"]).ends(1).says("did you mean `analyst`?");
    add(&["analyst", "--rule", "user.team | lower == 'y'"]).ends(1).says("error[invalid-rule]");
    add(&["analyst", "--user", "x", "--until", "tomorrow"]).ends(1).says("error[invalid-until]");
    add(&["analyst", "--user", "a\nb"]).ends(2);
    add(&["analyst"]).ends(2);
    for (role, flag, name) in [
        ("analyst", "--user", "robin"),
        ("engineer", "--group", "AD data"),
        ("engineer", "--rule", "user.team == 'y'"),
    ] {
        local(&site, &["member", "remove", "p", role, flag, name]).ends(0);
    }
    assert_eq!(text(&site), format!("{MEMBERS}engineer:\n"));
    local(&site, &["member", "remove", "p", "analyst", "--user", "tailor"])
        .ends(1)
        .says("error[unknown-member]")
        .says("did you mean `taylor`?");
}

#[tokio::test]
async fn who_was_let_in_by_hand_is_written_into_the_owners_file() {
    let site = site("", &["taylor", "robin", "kim"]).await;
    site.members(MEMBERS);
    site.run(&["apply"]).ends(0);
    site.sql("create role ~AD nologin; create role \"strange\" login; grant ~p_analyst to ~robin, strange; grant ~p_engineer to ~AD, ~robin").await;
    let dry = site.run(&["import", "--members", "--dry-run"]).ends(1);
    assert_eq!(text(&site), MEMBERS);
    dry.says("left out: strange in p.analyst");
    let said = site.run(&["import", "--members"]).ends(1);
    snapshot!(said.out, @r"
    user robin into p.analyst, rolecall/members/p.yml:4  # imported from prod, granted by postgres
    group ad into p.engineer, rolecall/members/p.yml:6  # imported from prod, granted by postgres
    user robin into p.engineer, rolecall/members/p.yml:7  # imported from prod, granted by postgres
    ");
    snapshot!(text(&site), @r#"
    # Who reads
    analyst:
      - user: taylor   # since 2024
      - {user: robin, reason: "imported from prod, granted by postgres", environments: [prod]}
    engineer:
      - {group: ad, reason: "imported from prod, granted by postgres", environments: [prod]}
      - {user: robin, reason: "imported from prod, granted by postgres", environments: [prod]}
    "#);
    site.sql("revoke ~p_analyst from strange; drop role strange").await;
    site.run(&["verify"]).ends(0);
    site.run(&["import", "--members"]).ends(0).says("nothing to import");
}

fn git(site: &Site, arguments: &[&str]) {
    let done = Command::new("git")
        .arg("-C")
        .arg(site.path(""))
        .args([
            "-c",
            "user.name=Max",
            "-c",
            "user.email=max@acme.example",
            "-c",
            "init.defaultBranch=main",
        ])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test]
async fn an_entry_that_would_let_nobody_in_is_not_added() {
    let site = site("", &[]).await;
    site.members(MEMBERS);
    site.config(&format!("{}\ndirectory: {{path: people.csv, key: name}}\n", super::CONFIG));
    write(&site, "people.csv", "name,team\nzoe,x\n");
    let add = |more: &[&str]| local(&site, &[&["member", "add", "p", "engineer"], more].concat());
    add(&["--user", "zoe", "--until", "2020-01-31"]).ends(1).says("error[until-passed]");
    add(&["--rule", "user.taem == 'x'"]).ends(1).says("error[unknown-attribute]");
    add(&["--rule", "user.team == 'x'"]).ends(0);
    add(&["--user", "zoe"]).ends(0);
    local(&site, &["member", "remove", "p", "engineer", "--user", "ZOE"]).ends(0);
}

#[tokio::test]
async fn a_change_that_mixes_the_sides_ends_with_4() {
    let site = site("", &[]).await;
    site.members(MEMBERS);
    local(&site, &["check", "--base", "main"]).ends(1).says("error[not-a-git-repository]");
    git(&site, &["init", "-q"]);
    git(&site, &["add", "-A"]);
    git(&site, &["commit", "-qm", "first"]);
    git(&site, &["checkout", "-qb", "change"]);
    local(&site, &["member", "add", "p", "analyst", "--user", "robin"]).ends(0);
    local(&site, &["check", "--base", "main"]).ends(0).says("not committed");
    git(&site, &["commit", "-qam", "robin"]);
    let said = local(&site, &["check", "--base", "main"]).ends(0);
    snapshot!(said.out, @r"
    by Max <max@acme.example> (claimed)
    touches the members of p
    ");
    site.config(&super::CONFIG.replace("may: [read]", "may: [read, write]"));
    git(&site, &["commit", "-qam", "more"]);
    let said = local(&site, &["check", "--base", "main"]).ends(4);
    snapshot!(findings(&said), @r"
    a claimed author proves nothing: sign commits, or set code owners
    error[permissions-and-members]: the change touches both the permissions and the members of p
     |
     = note: in rolecall.yml
     = note: rolecall/members/p.yml: its members
     = help: make two changes of it, each reviewed by its own side

    1 error
    ");
    let said = local(&site, &["check", "--base", "main", "--format", "json"]).ends(4);
    let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said["holds"], false);
    assert_eq!(said["authors"][0]["signature"], "claimed");
    git(&site, &["checkout", "-q", "main"]);
    git(&site, &["checkout", "-qb", "self"]);
    local(&site, &["member", "add", "p", "engineer", "--user", "max"]).ends(0);
    git(&site, &["commit", "-qam", "me"]);
    local(&site, &["check", "--base", "main"]).ends(4).says("error[author-admitted]");
    // From the same base, the other branch is no part of it.
    local(&site, &["check", "--base", "change"]).ends(4).never_says("permissions-and-members");
    local(&site, &["check", "--base", "nowhere"]).ends(1).says("error[unknown-revision]");
    local(&site, &["check", "--base=--upload-pack=x"]).ends(1).says("error[unknown-revision]");
    local(&site, &["check"]).ends(2);
}

#[tokio::test]
async fn a_signed_commit_is_more_than_a_claim() {
    let site = site("", &[]).await;
    site.members(MEMBERS);
    let key = site.path("key");
    let made = Command::new("ssh-keygen")
        .args(["-q", "-t", "ed25519", "-N", "", "-C", "max", "-f"])
        .arg(&key)
        .output();
    if !made.is_ok_and(|made| made.status.success()) {
        eprintln!("skipped: there is no ssh-keygen");
        return;
    }
    let public = std::fs::read_to_string(site.path("key.pub")).unwrap();
    write(&site, "allowed", &format!("max@acme.example {public}"));
    git(&site, &["init", "-q"]);
    let (key, allowed) = (key.to_str().unwrap().to_owned(), site.path("allowed"));
    for (name, value) in [
        ("gpg.format", "ssh"),
        ("user.signingkey", &key),
        ("gpg.ssh.allowedSignersFile", allowed.to_str().unwrap()),
    ] {
        git(&site, &["config", name, value]);
    }
    git(&site, &["add", "rolecall.yml", "rolecall"]);
    git(&site, &["commit", "-qm", "first"]);
    git(&site, &["checkout", "-qb", "change"]);
    local(&site, &["member", "add", "p", "analyst", "--user", "robin"]).ends(0);
    git(&site, &["commit", "-q", "-a", "-S", "-m", "robin"]);
    local(&site, &["check", "--base", "main"])
        .ends(0)
        .says("by Max <max@acme.example> (signature verified)");
}

#[tokio::test]
async fn a_shallow_clone_is_refused() {
    let site = site("", &[]).await;
    site.members(MEMBERS);
    git(&site, &["init", "-q"]);
    for message in ["first", "second"] {
        git(&site, &["add", "-A"]);
        git(&site, &["commit", "-q", "--allow-empty", "-m", message]);
    }
    let clone = tempfile::tempdir().unwrap();
    let from = format!("file://{}", site.path("").display());
    git(&site, &["clone", "-q", "--depth", "1", &from, clone.path().to_str().unwrap()]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
    command.args(["check", "--base", "HEAD", "--project-dir"]).arg(clone.path());
    site.ran(command.output().unwrap()).ends(1).says("error[shallow-clone]");
}

#[tokio::test]
async fn code_owners_begin_at_the_repositorys_root() {
    let site = site("", &[]).await;
    snapshot!(local(&site, &["codeowners", "--platform", "@acme/platform"]).ends(0).out, @r"
    # By `rolecall codeowners`. The last line that matches a file decides.
    /rolecall.yml @acme/platform
    /rolecall.yaml @acme/platform
    /rolecall/ @acme/platform
    /rolecall/requests/
    /rolecall/members/p.* jane@acme.example
    ");
    local(&site, &["codeowners", "--platform", "the platform"]).ends(2);
}

#[tokio::test]
async fn several_edits_at_once_are_made_one_after_the_other() {
    let site = site("", &[]).await;
    site.members(MEMBERS);
    let adding: Vec<_> = (0..8)
        .map(|n| {
            Command::new(env!("CARGO_BIN_EXE_rolecall"))
                .args(["member", "add", "p", "analyst", "--user", &format!("u{n}")])
                .arg("--project-dir")
                .arg(site.path(""))
                .stdout(std::process::Stdio::null())
                .stderr(std::process::Stdio::null())
                .spawn()
                .unwrap()
        })
        .collect();
    for mut adding in adding {
        assert!(adding.wait().unwrap().success());
    }
    for n in 0..8 {
        assert!(text(&site).contains(&format!("user: u{n}\n")), "{}", text(&site));
    }
}

#[tokio::test]
async fn what_cannot_be_read_from_a_change_may_be_anybodys_permissions() {
    let site = site("", &[]).await;
    site.members(MEMBERS);
    write(&site, "dbt_project.yml", "name: shop\nmodel-paths: [models, ../beside]\n");
    for folder in ["models", "macros"] {
        std::fs::create_dir_all(site.path(folder)).unwrap();
    }
    write(&site, "models/t.sql", "select 1 as x");
    write(&site, "macros/other.sql", "");
    write(&site, "z.txt", "models: []\n");
    git(&site, &["init", "-q"]);
    git(&site, &["add", "-A"]);
    git(&site, &["commit", "-qm", "first"]);
    let changes: [(&str, &str); 7] = [
        ("models/t.sql", "{% set m = {'role' ~ 'call': {}} %}{{ config(meta=m) }} select 1 as x"),
        ("models/t.sql", "{{ config(meta=ours()) }} select 1 as x"),
        ("models/t.sql", "{{ config(post_hook='grant select on x to y') }} select 1 as x"),
        ("macros/ours.sql", "{% macro ours() %}{{ return({}) }}{% endmacro %}"),
        (
            "models/z.YML",
            "models: [{name: t, config: {meta: {rolecall: {grants: {analyst: [read]}}}}}]",
        ),
        (
            "dbt_project.yml",
            "name: shop\nmodels: {shop: {+meta: \"{{ fromjson(env_var('acc')) }}\"}}\n",
        ),
        ("models/link.yml", ""),
    ];
    for (file, text) in changes {
        git(&site, &["checkout", "-q", "main"]);
        git(&site, &["checkout", "-qB", "change"]);
        local(&site, &["member", "add", "p", "analyst", "--user", "robin"]).ends(0);
        match text {
            "" => std::os::unix::fs::symlink("../z.txt", site.path(file)).unwrap(),
            text => write(&site, file, text),
        }
        git(&site, &["add", "-A"]);
        git(&site, &["commit", "-qm", "both"]);
        let said = local(&site, &["check", "--base", "main"]).ends(4);
        said.says("error[permissions-and-members]").says(file);
    }
    // What says nothing of access goes with members.
    git(&site, &["checkout", "-q", "main"]);
    git(&site, &["checkout", "-qB", "change"]);
    local(&site, &["member", "add", "p", "analyst", "--user", "robin"]).ends(0);
    write(&site, "models/t.sql", "{{ config(materialized='table') }} select 2 as x");
    git(&site, &["commit", "-qam", "both"]);
    local(&site, &["check", "--base", "main"]).ends(0);
    // Where policies choose nodes, that decides who reads it.
    let policies = "policies:\n  - {name: all, privileges: [read], actors: {users: [kim]}}\n";
    git(&site, &["checkout", "-q", "main"]);
    site.config(&format!("{}{policies}", super::CONFIG));
    git(&site, &["commit", "-qam", "policies"]);
    git(&site, &["checkout", "-qB", "change"]);
    local(&site, &["member", "add", "p", "analyst", "--user", "robin"]).ends(0);
    write(&site, "models/t.sql", "{{ config(materialized='table', tags=['pii']) }} select 1 as x");
    git(&site, &["commit", "-qam", "both"]);
    local(&site, &["check", "--base", "main"]).ends(4).says("error[permissions-and-members]");
}
