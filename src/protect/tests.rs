use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::model::{DialectKind, Ident, MemberKind, Scope};
use crate::plan::{Allowed, PLAN_VERSION, PlannedChange, Signature, TargetIdentity, Why};

const NOW: i64 = 1_800_000_000;

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

/// Made an hour ago by jane; lets ann in.
fn plan() -> Plan {
    let change =
        Change::AddMember { role: id("p_analyst"), member: id("ANN"), kind: MemberKind::User };
    let plan = Plan {
        version: PLAN_VERSION,
        made_by: "rolecall".to_owned(),
        made_at: 0,
        id: String::new(),
        author: None,
        promoted_from: None,
        gates_changed: Vec::new(),
        target: TargetIdentity {
            dialect: DialectKind::Postgres,
            system: "1".to_owned(),
            database: None,
        },
        scope: Scope {
            deployment: "shop".to_owned(),
            environment: "prod".to_owned(),
            instance: None,
            every_instance: false,
            database: None,
            schemas: BTreeSet::new(),
        },
        resolved_for: NOW - 3600,
        manifest_sha256: String::new(),
        config_sha256: String::new(),
        observed_sha256: String::new(),
        allowed: Allowed::default(),
        changes: vec![PlannedChange {
            change,
            why: Why::Configured,
            sql: Vec::new(),
            reverse_sql: Vec::new(),
        }],
        left: Vec::new(),
        relations: Vec::new(),
        adopted_members: BTreeSet::from([(id("p_analyst"), id("bob"))]),
        seal: String::new(),
    };
    signed(plan, NOW - 3600)
}

fn signed(plan: Plan, made_at: i64) -> Plan {
    let author = Some("jane@acme.example".to_owned());
    plan.signed(Signature { made_at, author, ..Signature::default() })
}

const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn rules(approved_plans: Option<&str>) -> Rules {
    Rules { valid_for: 86_400, approved_plans: approved_plans.map(str::to_owned) }
}

/// The codes of what is against it.
fn against(plan: &Plan, now: i64, as_of: i64) -> Vec<&'static str> {
    let submitted = Submitted { plan, sha256: SHA256, called: &[] };
    let judged = judge(&rules(None), "prod", Some(submitted), None, now, as_of);
    judged.err().unwrap_or_default().into_iter().map(|refusal| refusal.code).collect()
}

fn approved(lines: &str) -> Result<Vec<String>, Vec<Refusal>> {
    let (approvals, found) =
        Approvals::parse(&lines.replace("HASH", SHA256), Path::new("approved"));
    assert!(found.is_empty(), "{found:?}");
    let plan = plan();
    let submitted = Submitted { plan: &plan, sha256: SHA256, called: &[] };
    let judged =
        judge(&rules(Some("approved")), "prod", Some(submitted), Some(&approvals), NOW, NOW);
    judged.map(|judged| judged.approved_by)
}

#[test]
fn without_a_plan_nothing_is_applied() {
    let refused = judge(&rules(None), "prod", None, None, NOW, NOW).unwrap_err();
    assert_eq!(refused[0].code, "protected");
}

#[test]
fn a_plan_that_is_fresh_and_whole_may_be_applied_until_it_is_too_old() {
    assert!(against(&plan(), NOW, NOW).is_empty());
    let last = NOW - 3600 + 86_400;
    assert!(against(&plan(), last, last).is_empty());
    assert_eq!(against(&plan(), last + 1, last + 1), ["plan-expired"]);
}

#[test]
fn as_of_moves_neither_the_age_nor_who_has_ended() {
    // Judging by yesterday does not make the plan young, and is refused itself.
    let late = NOW + 86_400;
    assert_eq!(against(&plan(), late, NOW), ["plan-expired", "plan-of-another-day"]);
    assert_eq!(against(&plan(), NOW, NOW - 86_400), ["plan-of-another-day"]);
    assert_eq!(against(&plan(), NOW, NOW + 86_400), ["plan-of-another-day"]);
    let other_day = signed(Plan { resolved_for: NOW - 90_000, ..plan() }, NOW - 3600);
    assert_eq!(against(&other_day, NOW, NOW), ["plan-of-another-day"]);
}

#[test]
fn clocks_may_differ_a_little_and_a_plan_from_the_future_is_refused() {
    let ahead = |seconds| signed(Plan { resolved_for: NOW + seconds, ..plan() }, NOW + seconds);
    assert!(against(&ahead(300), NOW, NOW).is_empty());
    assert_eq!(against(&ahead(301), NOW, NOW), ["plan-ahead-of-time"]);
}

#[test]
fn a_plan_whose_words_were_changed_or_that_has_no_seal_is_refused() {
    let edited = Plan { author: Some("kim".to_owned()), ..plan() };
    assert_eq!(against(&edited, NOW, NOW), ["plan-edited"]);
    let bare = Plan { seal: String::new(), ..plan() };
    assert_eq!(against(&bare, NOW, NOW), ["plan-edited"]);
}

#[test]
fn times_that_cannot_be_are_refused_and_do_not_overflow() {
    for time in [i64::MIN, i64::MAX] {
        for now in [i64::MIN, 0, NOW, i64::MAX] {
            let _ = against(&signed(plan(), time), now, now);
            let _ = against(&plan(), now, time);
        }
    }
    assert_eq!(
        against(&signed(plan(), i64::MIN), NOW, NOW),
        ["plan-expired", "plan-of-another-day"]
    );
}

#[test]
fn an_approval_counts_of_whoever_neither_made_it_nor_gains() {
    let lines: BTreeMap<&str, &str> = BTreeMap::from([
        ("", "plan-not-approved"),
        ("HASH jane 2026-11-22 mine", "approval-not-counted"),
        ("HASH @Jane 2026-11-22 mine", "approval-not-counted"),
        ("HASH jane@other.example 2026-11-22 mine", "approval-not-counted"),
        ("HASH ann 2026-11-22 me", "approval-not-counted"),
        ("HASH \"ANN\" 2026-11-22 me", "approval-not-counted"),
        ("HASH bob@acme.example 2026-11-22 me, by adoption", "approval-not-counted"),
        ("HASH \"Ann\"@acme 2026-11-22 me", "approval-not-counted"),
        ("HASH <ann@acme.example> 2026-11-22 me", "approval-not-counted"),
        ("HASH ann; 2026-11-22 me", "approval-not-counted"),
        ("HASH a\u{200b}nn 2026-11-22 me", "approval-not-counted"),
    ]);
    for (lines, code) in lines {
        let refused = approved(lines).unwrap_err();
        assert_eq!(refused[0].code, code, "{lines}");
    }
    let both = "HASH jane 2026-11-22 mine\nHASH kim 2026-11-22T10:00:00Z DATA-112";
    assert_eq!(approved(both).unwrap(), ["kim"]);
    assert_eq!(
        approved(&"HASH kim 2026-11-22 ok".replace("HASH", &SHA256.to_uppercase())).unwrap(),
        ["kim"]
    );
}

#[test]
fn a_list_that_was_not_read_approves_nothing() {
    let plan = plan();
    let submitted = Submitted { plan: &plan, sha256: SHA256, called: &[] };
    let judged = judge(&rules(Some("approved")), "prod", Some(submitted), None, NOW, NOW);
    assert_eq!(judged.unwrap_err()[0].code, "plan-not-approved");
}
