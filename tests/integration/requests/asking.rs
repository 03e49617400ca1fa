//! Requests as files, and what owners make of them.

use super::{MEMBERS, ask, by, members_text, request_text, site, timeless};
use crate::engines::snapshot;

#[tokio::test]
async fn a_request_is_a_file_and_an_approval_an_entry() {
    let site = site(&[]).await;
    let words = ["request", "p", "analyst", "--reason", "DATA-7", "--until", "2027-06-30"];
    let said = by(&site, "taylor", &words).ends(0);
    snapshot!(timeless(&format!("{}{}", said.out, said.err)), @r"
    asked taylor: p.analyst, rolecall/requests/<day>-taylor-p-analyst.yml
    it gives nothing until jane@acme.example or kim@acme.example approves it: rolecall approve <day>-taylor-p-analyst
    ");
    assert_eq!(members_text(&site), MEMBERS);
    // A second one on the same day has a name of its own.
    let id = ask(&site, "taylor", &[]);
    assert!(id.ends_with("-taylor-p-analyst-2"), "{id}");
    let first = id.strip_suffix("-2").unwrap();
    let text = request_text(&site, first);
    snapshot!(timeless(&text), @r#"
    product: p
    role: analyst
    user: taylor
    reason: "DATA-7"
    until: 2027-06-30
    requested_by: taylor
    requested_at: "<now>"
    state: open
    "#);
    by(&site, "taylor", &["approve", first]).ends(1).says("error[not-an-owner]");
    by(&site, "jane@evil.example", &["approve", first]).ends(1).says("error[not-an-owner]");
    assert_eq!(request_text(&site, first), text);
    let said = by(&site, "jane", &["approve", first, "--reason", "read it"]).ends(0);
    snapshot!(timeless(&said.out), @"approved by jane@acme.example: user taylor, rolecall/members/p.yml:4");
    snapshot!(timeless(&members_text(&site)), @r#"
    # Who reads
    analyst:
      - user: robin   # since 2024
      - {user: taylor, until: 2027-06-30, reason: "DATA-7", approved_by: jane@acme.example, approved_at: "<now>", request: "<day>-taylor-p-analyst"}
    "#);
    by(&site, "kim", &["approve", first]).ends(1).says("error[request-decided]");
    by(&site, "kim", &["deny", first, "--reason", "no"]).ends(1).says("error[request-decided]");
    by(&site, "kim", &["deny", &id, "--reason", "once is enough"]).ends(0);
    by(&site, "kim", &["approve", &id]).ends(1).says("error[request-decided]");
    snapshot!(timeless(&by(&site, "x", &["requests"]).ends(0).out), @r"
    request                        state     product role  user    until       reason  decided
    <day>-taylor-p-analyst    approved  p.analyst     taylor  2027-06-30  DATA-7  jane@acme.example: read it
    <day>-taylor-p-analyst-2  denied    p.analyst     taylor              DATA-7  kim@acme.example: once is enough
    ");
    let json = by(&site, "x", &["requests", "p", "--state", "denied", "--format", "json"]).ends(0);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["requests"].as_array().unwrap().len(), 1);
    assert_eq!(json["requests"][0]["because"], "once is enough");
    // In for as long: there is nothing to ask for.
    by(
        &site,
        "x",
        &["request", "p", "analyst", "--for", "taylor", "--reason", "y", "--until", "2027-06-30"],
    )
    .ends(0)
    .says("nothing to ask for: taylor is in p.analyst already, rolecall/members/p.yml:4");
    let json = by(&site, "x", &["member", "list", "--format", "json"]).ends(0);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json["members"][1]["approved_by"], "jane@acme.example");
    by(&site, "x", &["validate"]).ends(0);
}

#[tokio::test]
async fn nobody_approves_for_themself_whatever_the_names_look_like() {
    let site = site(&[]).await;
    for (asks, whom) in
        [("kim", "kim"), ("kim", "taylor"), ("taylor", "Kim"), ("x", "KIM@other.example")]
    {
        let id = ask(&site, asks, &["--for", whom]);
        by(&site, "kim", &["approve", &id]).ends(1).says("error[self-approval]");
        by(&site, "Kim@ACME.example", &["approve", &id]).ends(1).says("error[self-approval]");
    }
    assert_eq!(members_text(&site), MEMBERS);
}

#[tokio::test]
async fn what_is_not_offered_or_not_a_name_is_refused_with_a_code() {
    let site = site(&[]).await;
    let no = |words: &[&str], code: &str| {
        by(&site, "taylor", &[&["request"], words].concat())
            .ends(1)
            .says(&format!("error[{code}]"));
    };
    no(&["q", "analyst", "--reason", "x"], "unknown-product");
    no(&["p", "boss", "--reason", "x"], "unknown-product-role");
    no(&["p", "engineer", "--reason", "x"], "not-offered");
    no(&["p", "analyst", "--reason", "x\ny"], "invalid-reason");
    no(&["p", "analyst", "--reason", "x", "--for", "a\nb"], "invalid-name");
    no(&["p", "analyst", "--reason", "x", "--for", "public"], "bad-member");
    no(&["p", "analyst", "--reason", "x", "--until", "2026-01-31"], "until-passed");
    no(&["p", "analyst", "--reason", "x", "--environments", "prod,test"], "unknown-environment");
    assert!(!site.path("rolecall/requests").exists());
    let id = ask(&site, "李雷", &["--environments", "prod"]);
    assert!(id.ends_with("-李雷-p-analyst"), "{id}");
    by(&site, "jane", &["approve", &format!("rolecall/requests/{id}.yml")]).ends(0);
    by(&site, "jane", &["validate"]).ends(0);
    by(&site, "jane", &["approve", "../members/p"]).ends(1).says("error[unknown-request]");
    // Edited after it was asked.
    let id = ask(&site, "taylor", &[]);
    let path = site.path(&format!("rolecall/requests/{id}.yml"));
    let text = request_text(&site, &id).replace("role: analyst", "role: engineer");
    std::fs::write(&path, text).unwrap();
    by(&site, "jane", &["approve", &id]).ends(1).says("error[not-offered]");
    std::fs::write(&path, "product: p\n").unwrap();
    by(&site, "jane", &["approve", &id]).ends(1).says("error[missing-key]");
    by(&site, "jane", &["requests"]).ends(1).says("李雷").says("error[missing-key]");
}

#[tokio::test]
async fn what_an_entry_claims_by_hand_is_validated() {
    let site = site(&[]).await;
    for (entry, code) in [
        ("user: taylor, approved_by: sam", "not-an-owner"),
        ("user: taylor, approved_by: jane@evil.example", "not-an-owner"),
        ("user: kim, approved_by: Kim", "self-approval"),
        ("user: kim@other.example, approved_by: kim@acme.example", "self-approval"),
        ("group: all, approved_by: kim", "invalid-approval"),
        ("user: taylor, approved_at: 2026-11-23", "invalid-approval"),
        ("user: taylor, approved_by: kim, approved_at: today", "invalid-approval"),
    ] {
        site.members(&format!("analyst:\n  - {{{entry}}}\n"));
        by(&site, "x", &["validate"]).ends(1).says(&format!("error[{code}]"));
        site.run(&["plan"]).ends(1).says(&format!("error[{code}]"));
    }
    site.members("analyst:\n  - {user: taylor, approved_by: kim}\n");
    by(&site, "x", &["validate"]).ends(0);
}

#[tokio::test]
async fn when_an_owner_leaves_nobody_is_shut_out_and_another_approves_again() {
    let site = site(&[]).await;
    let id = ask(&site, "taylor", &["--until", "2027-06-30"]);
    by(&site, "jane", &["approve", &id, "--reason", "read it"]).ends(0);
    site.config(&super::CONFIG.replace("jane@acme.example, ", ""));
    by(&site, "x", &["validate"]).ends(0).says("warning[approver-gone]").says(&id);
    by(&site, "x", &["member", "list"]).ends(0).says("taylor");
    by(&site, "x", &["catalog"]).ends(0);
    let other = ask(&site, "robert", &[]);
    by(&site, "kim", &["approve", &other]).ends(0);
    by(&site, "jane", &["approve", &id]).ends(1).says("error[not-an-owner]");
    by(&site, "kim", &["deny", &id, "--reason", "no"]).ends(1).says("error[request-decided]");
    let before = (members_text(&site), request_text(&site, &id));
    by(&site, "kim", &["approve", &id]).ends(0).says("approved by kim@acme.example");
    snapshot!(timeless(&request_text(&site, &id)), @r#"
    product: p
    role: analyst
    user: taylor
    reason: "DATA-7"
    until: 2027-06-30
    requested_by: taylor
    requested_at: "<now>"
    state: approved
    decided_by: kim@acme.example
    decided_at: "<now>"
    "#);
    by(&site, "x", &["validate"]).ends(0).never_says("approver-gone");
    by(&site, "kim", &["approve", &id]).ends(1).says("error[request-decided]");
    // Cut between the two files, the same command goes on.
    let renewed = members_text(&site);
    let path = site.path(&format!("rolecall/requests/{id}.yml"));
    std::fs::write(&path, &before.1).unwrap();
    by(&site, "kim", &["approve", &id]).ends(0);
    assert!(request_text(&site, &id).contains("decided_by: kim@acme.example"));
    assert_eq!(members_text(&site), renewed);
    // What the entry says is what was asked for, or it is not approved again.
    std::fs::write(site.path("rolecall/members/p.yml"), before.0.replace("2027-06", "2028-06"))
        .unwrap();
    std::fs::write(&path, &before.1).unwrap();
    by(&site, "kim", &["approve", &id]).ends(1).says("error[request-decided]");
    // A claim that no request bears out is an error, and can be taken out.
    std::fs::remove_file(&path).unwrap();
    by(&site, "x", &["validate"]).ends(1).says("error[not-an-owner]");
    by(&site, "x", &["member", "list"]).ends(0);
    by(&site, "x", &["member", "remove", "p", "analyst", "--user", "taylor"]).ends(0);
    by(&site, "x", &["validate"]).ends(0);
}

#[tokio::test]
async fn what_is_asked_already_is_named_and_a_group_is_not_asked_for() {
    let site = site(&[]).await;
    site.members("analyst:\n  - group: AD_SALES\n");
    let id = ask(&site, "robert", &[]);
    by(&site, "kim", &["request", "p", "analyst", "--reason", "y", "--for", "robert"])
        .ends(0)
        .says(&format!("it is asked already, and open: {id}"));
    let words = ["request", "p", "analyst", "--reason", "y", "--for", "robert", "--format", "json"];
    let json = by(&site, "x", &words).ends(0);
    let json: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&json["done"], &json["request"]), (&"already_asked".into(), &id.as_str().into()));
    by(&site, "x", &["request", "p", "analyst", "--reason", "y", "--for", "ad_sales"])
        .ends(1)
        .says("error[user-and-group]");
    // Who asks for another approves neither.
    by(&site, "kim", &["request", "p", "analyst", "--reason", "y", "--for", "zoe"])
        .ends(0)
        .says("until jane@acme.example approves it");
}
