use super::super::{ChangeReceipt, Extent, Receipt, Stamp};
use super::*;
use crate::model::{DialectKind, MemberKind, ObjectClass, PrivilegeSet};
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
