use std::path::PathBuf;

use super::*;
use crate::config::{FileKind, RequestFile, SourceFile, parse, parse_request};
use crate::directory::Known;

const ROOT: &str = r#"version: 1
environments:
  dev: {role_name: "{{ role.name }}_dev"}
  prod: {role_name: "{{ role.name }}", user_name: "{{ user.name | replace('.', '') }}"}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write]}
products:
  sales: {owners: [jane@acme.example, kim, "@acme/team"], offers: [analyst]}
  hr: {owners: [jane@acme.example]}
  shared: {owners: ["@acme/team"]}
"#;
const NOW: i64 = 1_795_400_000; // 2026-11-22.

fn files(members: &str) -> Vec<SourceFile> {
    let file = |path: &str, text: &str, kind| SourceFile {
        path: PathBuf::from(path),
        text: text.to_owned(),
        kind,
    };
    let members_kind = FileKind::Members { product: "sales".to_owned() };
    vec![
        file("rolecall.yml", ROOT, FileKind::Root),
        file("rolecall/members/sales.yml", members, members_kind),
    ]
}

fn wish(user: &str) -> Wish {
    Wish {
        product: "sales".to_owned(),
        role: "analyst".to_owned(),
        user: user.to_owned(),
        reason: "DATA-7".to_owned(),
        until: None,
        environments: Vec::new(),
        by: user.to_owned(),
    }
}

fn asked(members: &str, wish: &Wish) -> String {
    let config = parse(&files(members)).0.unwrap();
    match ask(&config, &Known::Nothing, wish, NOW, NOW) {
        Ok(Answer::Ask { id, text }) => format!("{id}\n{text}"),
        Ok(Answer::Already(place)) => format!("already, line {}", place.line.unwrap()),
        Err(found) => said(&found),
    }
}

fn said(found: &Diagnostics) -> String {
    found.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>().join("\n")
}

fn request(text: &str) -> RequestFile {
    RequestFile { path: PathBuf::from("rolecall/requests/r.yml"), text: text.to_owned() }
}

fn open(wish: &Wish) -> RequestFile {
    let config = parse(&files("analyst: []\n")).0.unwrap();
    let Ok(Answer::Ask { text, .. }) = ask(&config, &Known::Nothing, wish, NOW, NOW) else {
        panic!("it cannot be asked");
    };
    request(&text)
}

fn decider(by: &str) -> Decider {
    Decider { by: by.to_owned(), because: None, clock: NOW }
}

fn approved(members: &str, file: &RequestFile, by: &str, now: i64) -> String {
    match approve(&files(members), file, &decider(by), now) {
        Ok(done) => {
            format!(
                "{}---\n{}",
                done.members.map(|it| it.text).unwrap_or_default(),
                done.request.text
            )
        }
        Err(found) => said(&found),
    }
}

#[test]
fn a_request_says_who_what_why_and_when() {
    insta::assert_snapshot!(asked("analyst: []\n", &wish("taylor")), @r#"
    2026-11-23-taylor-sales-analyst
    product: sales
    role: analyst
    user: taylor
    reason: "DATA-7"
    requested_by: taylor
    requested_at: "2026-11-23T02:13:20Z"
    state: open
    "#);
    let limited = Wish {
        until: Some("2027-01-31".to_owned()),
        environments: vec!["dev".to_owned()],
        by: "robin".to_owned(),
        reason: "it's: \"so\"".to_owned(),
        ..wish("李 雷@acme.example")
    };
    insta::assert_snapshot!(asked("analyst: []\n", &limited), @r#"
    2026-11-23-李-雷-sales-analyst
    product: sales
    role: analyst
    user: "李 雷@acme.example"
    reason: "it's: \"so\""
    until: 2027-01-31
    environments: [dev]
    requested_by: robin
    requested_at: "2026-11-23T02:13:20Z"
    state: open
    "#);
}

#[test]
fn what_nobody_could_approve_is_not_asked() {
    let no = |change: &dyn Fn(&mut Wish)| {
        let mut wish = wish("taylor");
        change(&mut wish);
        asked("analyst: []\n", &wish)
    };
    let set = |to: &mut String, value: &str| to.replace_range(.., value);
    insta::assert_snapshot!(no(&|w| set(&mut w.product, "sale")), @"unknown-product: there is no product `sale`");
    insta::assert_snapshot!(no(&|w| set(&mut w.role, "boss")), @"unknown-product-role: the product `sales` has no product role `boss`");
    insta::assert_snapshot!(no(&|w| set(&mut w.role, "engineer")), @"not-offered: `sales.engineer` is not offered");
    insta::assert_snapshot!(no(&|w| set(&mut w.product, "shared")), @"no-approver: nobody can approve it: `shared` has no other owner");
    insta::assert_snapshot!(no(&|w| { set(&mut w.product, "hr"); set(&mut w.user, "Jane"); }), @"no-approver: nobody can approve it: `hr` has no other owner");
    insta::assert_snapshot!(no(&|w| w.until = Some("2026-11-21".to_owned())), @"until-passed: it would end before it begins: until 2026-11-21");
    insta::assert_snapshot!(no(&|w| w.until = Some("soon".to_owned())), @"invalid-until: `until` is `soon`: it is neither a day such as 2027-01-31 nor a moment such as 2027-01-31T18:00:00Z");
    insta::assert_snapshot!(no(&|w| w.environments = vec!["test".to_owned()]), @"unknown-environment: there is no environment `test`");
    insta::assert_snapshot!(no(&|w| set(&mut w.reason, "a\nstate: approved")), @r"invalid-reason: the reason, `a\nstate: approved`, holds a line break or another control character");
    insta::assert_snapshot!(no(&|w| set(&mut w.reason, " ")), @"invalid-reason: the reason, ` `, is empty");
    insta::assert_snapshot!(no(&|w| set(&mut w.user, "a\u{202e}b")), @r"invalid-name: the user, `a\u{202e}b`, holds an invisible character, so that it can look like another name");
    insta::assert_snapshot!(no(&|w| set(&mut w.user, "public")), @"bad-member: `public` cannot be a member: `public` means everyone in PostgreSQL, even in quotes");
    insta::assert_snapshot!(no(&|w| set(&mut w.by, "a\tb")), @r"invalid-name: who asks, `a\tb`, holds a line break or another control character");
}

#[test]
fn who_is_in_for_as_long_has_nothing_to_ask_for() {
    let until = |until: &str| Wish { until: Some(until.to_owned()), ..wish("taylor") };
    let members = "analyst:\n  - {user: Taylor, until: 2027-01-31}\n";
    insta::assert_snapshot!(asked(members, &until("2027-01-31")), @"already, line 2");
    assert!(asked(members, &until("2027-02-01")).starts_with("2026-11-23-taylor"));
    assert!(asked(members, &wish("taylor")).starts_with("2026-11-23-taylor"));
    let partly = "analyst:\n  - {user: taylor, environments: [prod], until: 2027-01-31}\n";
    let dev = Wish { environments: vec!["dev".to_owned()], ..wish("taylor") };
    assert!(asked(partly, &dev).starts_with("2026-11-23-taylor"));
    insta::assert_snapshot!(asked("analyst:\n  - {user: taylor, until: 2027-01-31}\n", &dev), @"already-member: taylor is in sales.analyst already");
    assert!(
        asked("analyst:\n  - {user: taylor, until: 2026-01-31}\n", &wish("taylor"))
            .contains("open")
    );
}

#[test]
fn an_owner_makes_an_entry_of_it() {
    let file = open(&Wish { until: Some("2027-01-31".to_owned()), ..wish("taylor") });
    insta::assert_snapshot!(approved("# Who reads\nanalyst:   # all\n  - user: robin  # first\n", &file, "JANE", NOW), @r#"
    # Who reads
    analyst:   # all
      - user: robin  # first
      - {user: taylor, until: 2027-01-31, reason: "DATA-7", approved_by: jane@acme.example, approved_at: "2026-11-23T02:13:20Z", request: r}
    ---
    product: sales
    role: analyst
    user: taylor
    reason: "DATA-7"
    until: 2027-01-31
    requested_by: taylor
    requested_at: "2026-11-23T02:13:20Z"
    state: approved
    decided_by: jane@acme.example
    decided_at: "2026-11-23T02:13:20Z"
    "#);
    // A longer one takes the place of what ends earlier.
    let longer = approved(
        "analyst:\n  - {user: taylor, until: 2026-12-31}  # short\n  - user: robin\n",
        &file,
        "kim",
        NOW,
    );
    insta::assert_snapshot!(longer.split("---").next().unwrap(), @r#"
    analyst:
      - user: robin
      - {user: taylor, until: 2027-01-31, reason: "DATA-7", approved_by: kim, approved_at: "2026-11-23T02:13:20Z", request: r}
    "#);
}

#[test]
fn an_approval_that_was_cut_between_its_two_files_goes_on() {
    let file = open(&wish("taylor"));
    let Ok(done) = approve(&files("analyst: []\n"), &file, &decider("jane"), NOW) else {
        panic!("it is not approved");
    };
    let members = done.members.unwrap().text;
    let again = approve(&files(&members), &file, &decider("jane"), NOW).unwrap();
    assert_eq!(again.members, None);
    assert!(again.request.text.contains("state: approved"));
    let other = "analyst: [{user: taylor}]\n";
    insta::assert_snapshot!(approved(other, &file, "jane", NOW), @"already-member: taylor is in sales.analyst already");
}

#[test]
fn nobody_approves_for_themself_and_only_owners_approve() {
    let members = "analyst: []\n";
    let to = |by: &str, user: &str, who: &str| {
        let file = open(&Wish { by: by.to_owned(), ..wish(user) });
        approved(members, &file, who, NOW)
    };
    insta::assert_snapshot!(to("taylor", "taylor", "taylor"), @"not-an-owner: taylor is no owner of sales");
    insta::assert_snapshot!(to("taylor", "taylor", "jane@evil.example"), @"not-an-owner: jane@evil.example is no owner of sales");
    insta::assert_snapshot!(to("taylor", "taylor", "@acme/team"), @"not-an-owner: @acme/team is no owner of sales");
    insta::assert_snapshot!(to("kim", "kim", "Kim"), @"self-approval: Kim would approve it for themself: it names them as kim");
    insta::assert_snapshot!(to("taylor", "KIM@other.example", "kim"), @"self-approval: kim would approve it for themself: it names them as KIM@other.example");
    insta::assert_snapshot!(to("kim", "taylor", "kim"), @"self-approval: kim would approve it for themself: it names who asked as kim");
    // prod's template makes one user of both.
    insta::assert_snapshot!(to("taylor", "ja.ne", "jane"), @"self-approval: jane would approve it for themself: it names them as ja.ne");
    assert!(to("kim", "kim", "jane").contains("approved_by: jane@acme.example"));
}

#[test]
fn what_has_changed_since_it_was_asked_is_looked_at_again() {
    let members = "analyst: []\n";
    let file = open(&Wish { until: Some("2027-01-31".to_owned()), ..wish("taylor") });
    let edited = |old: &str, new: &str| {
        let text = file.text.replace(old, new);
        assert_ne!(text, file.text);
        approved(members, &request(&text), "jane", NOW)
    };
    insta::assert_snapshot!(approved(members, &file, "jane", NOW + 90 * 86_400), @"until-passed: it would end before it begins: until 2027-01-31");
    insta::assert_snapshot!(edited("role: analyst", "role: boss"), @"unknown-product-role: the product `sales` has no product role `boss`");
    insta::assert_snapshot!(edited("role: analyst", "role: engineer"), @"not-offered: `sales.engineer` is not offered");
    insta::assert_snapshot!(edited("product: sales", "product: gone"), @"unknown-product: there is no product `gone`");
    insta::assert_snapshot!(edited("user: taylor", "user: \"a\\nb\""), @r"invalid-name: the user, `a\nb`, holds a line break or another control character");
    insta::assert_snapshot!(edited("user: taylor", "user: taylor\ngroup: all"), @"misplaced-key: `group` may not stand in a request");
    insta::assert_snapshot!(edited("state: open", "state: approved"), @"invalid-request: it is approved, and does not say who decided");
    insta::assert_snapshot!(edited("state: open", "state: perhaps"), @"invalid-request: `perhaps` is no state of a request");
    insta::assert_snapshot!(edited("state: open\n", ""), @"missing-key: `state` is missing");
}

#[test]
fn what_is_decided_stays_decided() {
    let members = "analyst: []\n";
    let file = open(&wish("taylor"));
    let because = Decider { because: Some("not now".to_owned()), ..decider("jane") };
    let denied = deny(&files(members), &file, &because).unwrap();
    insta::assert_snapshot!(denied.text.split_once("state").unwrap().1, @r#"
    : denied
    decided_by: jane@acme.example
    decided_at: "2026-11-23T02:13:20Z"
    because: "not now"
    "#);
    let denied = request(&denied.text);
    insta::assert_snapshot!(approved(members, &denied, "kim", NOW), @"request-decided: it is denied already, by jane@acme.example at 2026-11-23T02:13:20Z");
    insta::assert_snapshot!(said(&deny(&files(members), &denied, &because).unwrap_err()), @"request-decided: it is denied already, by jane@acme.example at 2026-11-23T02:13:20Z");
    insta::assert_snapshot!(said(&deny(&files(members), &file, &decider("taylor")).unwrap_err()), @"not-an-owner: taylor is no owner of sales");
    assert!(parse_request(&denied).0.is_some());
}

#[test]
fn comments_in_a_request_are_kept() {
    let text = "# please\r\nstate: open # so far\r\nproduct: sales\r\nrole: analyst\r\nuser: taylor\r\nreason: x\r\nrequested_by: taylor # me";
    let done = deny(&files("analyst: []\n"), &request(text), &decider("kim")).unwrap();
    assert_eq!(
        done.text,
        "# please\r\nstate: denied # so far\r\nproduct: sales\r\nrole: analyst\r\nuser: taylor\r\nreason: x\r\nrequested_by: taylor # me\r\ndecided_by: kim\r\ndecided_at: \"2026-11-23T02:13:20Z\"\r\n"
    );
    let braces =
        "{state: open, product: sales, role: analyst, user: taylor, reason: x, requested_by: t}";
    insta::assert_snapshot!(said(&deny(&files("analyst: []\n"), &request(braces), &decider("kim")).unwrap_err()), @"cannot-edit: this file is not edited: its keys stand in braces");
}

#[test]
fn a_request_is_found_by_its_name_or_its_file() {
    let all = [request("x")];
    for name in ["r", "r.yml", "rolecall/requests/r.yml", "./rolecall/requests/r.yml"] {
        assert!(find(&all, name).is_ok(), "{name}");
    }
    for name in ["", "../r", "R", "rolecall/members/r.yml", "r/"] {
        assert_eq!(find(&all, name).unwrap_err().iter().next().unwrap().code, "unknown-request");
    }
}

proptest::proptest! {
    #[test]
    fn any_name_and_reason_is_asked_as_it_is_or_refused(user in "(?s).{0,30}", reason in "(?s).{0,60}") {
        let wish = Wish { reason, by: "robin".to_owned(), ..wish(&user) };
        let config = parse(&files("analyst: []\n")).0.unwrap();
        if let Ok(Answer::Ask { id, text }) = ask(&config, &Known::Nothing, &wish, NOW, NOW) {
            proptest::prop_assert!(!id.contains(['/', '\\', '\0', '\n', '.']), "{id}");
            let (read, found) = parse_request(&request(&text));
            let read = read.unwrap_or_else(|| panic!("{}\n{text}", said(&found)));
            let expected = Wish { reason: wish.reason.trim().to_owned(), ..wish };
            proptest::prop_assert_eq!(Wish::from(&read), expected);
            // Whoever is approved is in, or the owners' file stays as it was.
            if let Ok(done) = approve(&files("analyst: []\n"), &request(&text), &decider("kim"), NOW) {
                proptest::prop_assert_eq!(done.entry.who, user);
            }
        }
    }

    #[test]
    fn any_text_is_a_request_or_refused(text in "(?s).{0,200}") {
        let _ = parse_request(&request(&text));
    }
}
