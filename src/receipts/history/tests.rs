use super::super::{ChangeReceipt, Extent, Receipt, Stamp};
use super::*;
use std::collections::BTreeMap;

use crate::model::{DialectKind, MemberKind, ObjectClass, Privilege, PrivilegeSet};
use crate::plan::TargetIdentity;

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

fn table(name: &str) -> Securable {
    Securable::in_schema(ObjectClass::Table, id("db"), id("s"), id(name))
}

fn of(changes: Vec<Change>, at: usize) -> Entry {
    let roles = ["a", "b", "new"].map(|name| {
        let product = if name == "b" { "finance" } else { "sales" }.to_owned();
        (id(name), RoleReceipt { product, role: "analyst".to_owned() })
    });
    let done =
        |change| ChangeReceipt { change, sql: Vec::new(), outcome: "done".to_owned(), at: None };
    Entry {
        id: None,
        stamp: Stamp {
            at: format!("day {at}"),
            session_user: "ci".to_owned(),
            current_role: "ci".to_owned(),
        },
        receipt: Receipt {
            version: 1,
            made_by: String::new(),
            outcome: Extent::Applied,
            begun_at: None,
            deployment: "shop".to_owned(),
            environment: "prod".to_owned(),
            instance: None,
            target: TargetIdentity {
                dialect: DialectKind::Postgres,
                system: "1".to_owned(),
                database: None,
            },
            manifest_sha256: String::new(),
            config_sha256: String::new(),
            plan: None,
            applied_by: None,
            gates: BTreeMap::new(),
            roles: BTreeMap::from(roles),
            changes: changes.into_iter().map(done).collect(),
        },
    }
}

fn days(days: Vec<Vec<Change>>) -> Vec<Entry> {
    days.into_iter().enumerate().map(|(at, changes)| of(changes, at + 1)).collect()
}

fn grant(role: &str, on: &str) -> Change {
    let privileges = PrivilegeSet::of(&[Privilege::SELECT]);
    Change::Grant { on: table(on), role: id(role), privileges }
}

fn revoke(role: &str, on: &str) -> Change {
    let privileges = PrivilegeSet::of(&[Privilege::SELECT]);
    Change::Revoke { on: table(on), role: id(role), privileges, grantor: None }
}

fn add(role: &str, member: &str) -> Change {
    Change::AddMember { role: id(role), member: id(member), kind: MemberKind::User }
}

fn remove(role: &str, member: &str) -> Change {
    let kind = MemberKind::User;
    Change::RemoveMember { role: id(role), member: id(member), kind, grantor: None }
}

fn ask(person: Option<&str>, model: Option<&str>) -> Question {
    Question {
        person: person.map(|name| BTreeSet::from([id(name)])),
        model: model.map(|name| BTreeSet::from([(id("db"), id("s"), id(name))])),
        ..Question::default()
    }
}

fn told(history: &History) -> String {
    let events = history.events.iter();
    let events = events.map(|event| format!("{}: {}", event.receipt + 1, event.change.brief()));
    let since = history.since.iter().map(|since| {
        let through: Vec<&str> = since.through.iter().map(Ident::as_str).collect();
        format!("{} has it since {} through {}", since.person, since.since, through.join(", "))
    });
    events.chain(since).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_person_can_read_since_both_membership_and_grant_are_there() {
    let days = days(vec![
        vec![grant("a", "t"), grant("a", "u"), add("a", "bob")],
        vec![add("a", "ann"), grant("b", "t")],
        vec![remove("a", "bob")],
    ]);
    insta::assert_snapshot!(told(&history(&days, &ask(Some("ann"), Some("t")))), @r"
    1: grant SELECT on table db.s.t to a
    2: let ann into a
    ann has it since day 2 through a
    ");
    insta::assert_snapshot!(told(&history(&days, &ask(Some("bob"), Some("t")))), @r"
    1: grant SELECT on table db.s.t to a
    1: let bob into a
    3: take bob out of a
    ");
    insta::assert_snapshot!(told(&history(&days, &ask(Some("bob"), None))), @r"
    1: grant SELECT on table db.s.t to a
    1: grant SELECT on table db.s.u to a
    1: let bob into a
    3: take bob out of a
    ");
}

#[test]
fn a_break_begins_anew_and_another_role_in_time_makes_none() {
    let broken = days(vec![
        vec![grant("a", "t"), add("a", "ann")],
        vec![revoke("a", "t")],
        vec![grant("a", "t")],
    ]);
    let since = &history(&broken, &ask(Some("ann"), Some("t"))).since;
    assert_eq!(since[0].since, "day 3");
    let other = days(vec![
        vec![grant("a", "t"), add("a", "ann"), grant("b", "t")],
        vec![add("b", "ann"), remove("a", "ann")],
    ]);
    let since = &history(&other, &ask(Some("ann"), Some("t"))).since;
    assert_eq!((since[0].since.as_str(), since[0].through.len()), ("day 1", 1));
}

#[test]
fn a_role_is_followed_through_its_names() {
    let days = days(vec![
        vec![grant("a", "t"), add("a", "ann")],
        vec![Change::RenameRole { from: id("a"), to: id("new") }, grant("new", "u")],
    ]);
    insta::assert_snapshot!(told(&history(&days, &ask(Some("ann"), Some("t")))), @r"
    1: grant SELECT on table db.s.t to a
    1: let ann into a
    2: rename the role a to new
    ann has it since day 1 through new
    ");
}

#[test]
fn a_product_and_a_role_are_told_apart() {
    let days = days(vec![vec![grant("a", "t"), grant("b", "t"), add("b", "ann")]]);
    let finance = Question { product: Some("finance".to_owned()), ..Question::default() };
    assert_eq!(history(&days, &finance).events.len(), 2);
    let named = Question { role: Some("a".to_owned()), ..Question::default() };
    assert_eq!(history(&days, &named).events.len(), 1);
    let kind = Question { role: Some("analyst".to_owned()), ..Question::default() };
    assert_eq!(history(&days, &kind).events.len(), 3);
    assert!(history(&days, &ask(None, Some("nothing"))).events.is_empty());
}

#[test]
fn what_was_only_planned_is_told_as_such_and_held_by_nobody() {
    let mut entries = days(vec![vec![grant("a", "t"), add("a", "ann")]]);
    entries[0].receipt.outcome = Extent::Begun;
    entries[0].receipt.changes[1].outcome = crate::receipts::PLANNED.to_owned();
    let found = history(&entries, &ask(Some("ann"), Some("t")));
    assert_eq!(found.events.iter().map(|it| it.planned).collect::<Vec<_>>(), [false, true]);
    assert!(found.since.is_empty());
}

#[test]
fn what_a_cut_apply_had_made_is_held_since_then_and_not_since_the_next_one_went_on() {
    let mut entries = days(vec![vec![], vec![grant("a", "t"), add("a", "ann"), add("a", "bob")]]);
    for change in &mut entries[1].receipt.changes[..2] {
        change.at = Some("day 1".to_owned());
    }
    let since = |who| {
        let found = history(&entries, &ask(Some(who), Some("t")));
        found.since.into_iter().map(|it| it.since).collect::<Vec<_>>()
    };
    assert_eq!((since("ann"), since("bob")), (vec!["day 1".to_owned()], vec!["day 2".to_owned()]));
}

fn sinces(entries: &[Entry]) -> Vec<(String, bool)> {
    let found = history(entries, &ask(Some("ann"), Some("t")));
    found.since.into_iter().map(|it| (it.since, it.unsure)).collect()
}

fn sure(day: &str) -> Vec<(String, bool)> {
    vec![(day.to_owned(), false)]
}

fn revoked_from(role: &str, grantor: &str) -> Change {
    let privileges = PrivilegeSet::of(&[Privilege::SELECT]);
    Change::Revoke { on: table("t"), role: id(role), privileges, grantor: Some(id(grantor)) }
}

fn taken_out(member: &str, grantor: &str) -> Change {
    let kind = MemberKind::User;
    Change::RemoveMember { role: id("a"), member: id(member), kind, grantor: Some(id(grantor)) }
}

#[test]
fn what_another_role_passed_on_is_taken_and_what_was_granted_stays() {
    let option = Change::RevokeGrantOption {
        on: table("t"),
        role: id("b"),
        privileges: PrivilegeSet::of(&[Privilege::SELECT]),
        grantor: id("postgres"),
    };
    let held = vec![grant("a", "t"), add("a", "ann")];
    let passed_on = vec![held.clone(), vec![revoked_from("a", "b"), option.clone()]];
    assert_eq!(sinces(&days(passed_on.clone())), sure("day 1"));
    // A server whose revoke takes anybody's grant keeps none of it.
    let mut elsewhere = days(passed_on);
    for entry in &mut elsewhere {
        entry.receipt.target.dialect = DialectKind::Snowflake;
    }
    assert_eq!(sinces(&elsewhere), []);
    // Granted afresh before: it is held, since then.
    let afresh = vec![held.clone(), vec![grant("a", "t"), revoked_from("a", "b"), option]];
    assert_eq!(sinces(&days(afresh)), sure("day 2"));
    // What nobody declares any more is taken from whoever granted it.
    assert_eq!(sinces(&days(vec![held, vec![revoked_from("a", "postgres")]])), []);
}

#[test]
fn whether_she_is_still_in_is_not_known_where_one_who_let_her_in_lost_the_right_to() {
    let option =
        Change::RevokeAdminOption { role: id("a"), member: id("bob"), grantor: id("postgres") };
    let held = vec![grant("a", "t"), add("a", "ann")];
    for sign in [option, taken_out("bob", "postgres")] {
        let doubted = vec![held.clone(), vec![taken_out("ann", "bob"), sign.clone()]];
        assert_eq!(sinces(&days(doubted)), [("day 1".to_owned(), true)]);
        let afresh =
            vec![held.clone(), vec![add("a", "ann"), taken_out("ann", "bob"), sign.clone()]];
        assert_eq!(sinces(&days(afresh)), sure("day 2"));
        let all = vec![taken_out("ann", "bob"), taken_out("ann", "postgres"), sign];
        assert_eq!(sinces(&days(vec![held.clone(), all])), []);
    }
    assert_eq!(sinces(&days(vec![held, vec![taken_out("ann", "bob")]])), []);
}

#[test]
fn an_owner_has_it_until_another_one_owns_it() {
    let own =
        |from: &str, to: &str| Change::SetOwner { on: table("t"), from: id(from), to: id(to) };
    let owned = days(vec![vec![add("a", "ann")], vec![own("dbt", "a")]]);
    let found = history(&owned, &ask(Some("ann"), Some("t")));
    assert_eq!(found.since.len(), 1);
    assert_eq!((found.since[0].has, found.since[0].since.as_str()), (Has::Ownership, "day 2"));
    assert_eq!(serde_json::to_value(&found.since[0]).unwrap()["privilege"], "OWNERSHIP");
    let gone = days(vec![vec![add("a", "ann")], vec![own("dbt", "a")], vec![own("a", "dbt")]]);
    assert_eq!(sinces(&gone), []);
}

#[test]
fn what_is_given_a_second_time_was_lost_before() {
    let held = vec![grant("a", "t"), add("a", "ann")];
    for again in [grant("a", "t"), add("a", "ann")] {
        assert_eq!(sinces(&days(vec![held.clone(), vec![], vec![again]])), sure("day 3"));
    }
    // Meanwhile she had it through another role, as far back as that goes.
    let other = vec![grant("b", "t"), add("b", "ann")];
    assert_eq!(sinces(&days(vec![held.clone(), other, held])), sure("day 2"));
}
