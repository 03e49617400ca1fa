//! One entry in, one entry out, and not another byte.

use std::path::PathBuf;

use proptest::prelude::*;

use super::*;

const PLATFORM: &str = r#"version: 1
environments:
  dev: {role_name: "{{ role.name }}_dev"}
  prod: {role_name: "{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read]}
products:
  p: {}
  q: {}
"#;

fn files(members: Option<&str>) -> Vec<SourceFile> {
    let mut files = vec![SourceFile {
        path: PathBuf::from("rolecall.yml"),
        text: PLATFORM.to_owned(),
        kind: FileKind::Root,
    }];
    files.extend(members.map(|text| SourceFile {
        path: PathBuf::from("rolecall/members/p.yml"),
        text: text.to_owned(),
        kind: FileKind::Members { product: "p".to_owned() },
    }));
    files
}

fn user(name: &str) -> Entry {
    Entry {
        kind: EntryKind::User,
        who: name.to_owned(),
        until: None,
        reason: None,
        environments: Vec::new(),
        approval: None,
    }
}

fn which(entry: &Entry) -> Which {
    let Entry { kind, who, environments, .. } = entry.clone();
    Which { kind, who, environments }
}

fn added(text: &str, role: &str, entry: &Entry) -> String {
    match add(&files(Some(text)), "p", role, entry) {
        Ok(edited) => edited.text,
        Err(found) => codes(&found),
    }
}

fn removed(text: &str, role: &str, name: &str) -> String {
    match remove(&files(Some(text)), "p", role, &which(&user(name))) {
        Ok(edited) => edited.text,
        Err(found) => codes(&found),
    }
}

fn codes(found: &Diagnostics) -> String {
    found.iter().map(|d| format!("{}: {}", d.code, d.message)).collect::<Vec<_>>().join("\n")
}

#[test]
fn an_entry_comes_to_the_end_of_its_role_and_nothing_else_moves() {
    let text = "# Who reads\nanalyst:   # all of sales\n  - user: 'taylor'   # since 2024\n  # the group\n  - group: AD\n\nengineer: # nobody yet\n";
    insta::assert_snapshot!(added(text, "analyst", &user("robin")), @r"
    # Who reads
    analyst:   # all of sales
      - user: 'taylor'   # since 2024
      # the group
      - group: AD
      - user: robin

    engineer: # nobody yet
    ");
    insta::assert_snapshot!(added(text, "engineer", &user("robin")), @r"
    # Who reads
    analyst:   # all of sales
      - user: 'taylor'   # since 2024
      # the group
      - group: AD

    engineer: # nobody yet
      - user: robin
    ");
    insta::assert_snapshot!(added("analyst:\n- user: a\n", "engineer", &user("robin")), @r"
    analyst:
    - user: a
    engineer:
      - user: robin
    ");
    insta::assert_snapshot!(added("analyst:\n- user: a\n  reason: >\n    long\n    story\nengineer: []\n", "analyst", &user("b")), @r"
    analyst:
    - user: a
      reason: >
        long
        story
    - user: b
    engineer: []
    ");
    insta::assert_snapshot!(added("analyst: [{user: a}, {group: g},] # x\n", "analyst", &user("b")), @"analyst: [{user: a}, {group: g}, {user: b},] # x");
    insta::assert_snapshot!(added("analyst: []\nengineer: ~\n", "analyst", &user("b")), @r"
    analyst: [{user: b}]
    engineer: ~
    ");
    insta::assert_snapshot!(added("analyst: []\nengineer: ~\n", "engineer", &user("b")), @r"
    analyst: []
    engineer: [{user: b}]
    ");
    insta::assert_snapshot!(added("", "engineer", &user("b")), @r"
    engineer:
      - user: b
    ");
    insta::assert_snapshot!(added("# nobody\n", "engineer", &user("b")), @r"
    # nobody
    engineer:
      - user: b
    ");
    assert_eq!(
        added("analyst:\r\n  - user: a\r\n", "analyst", &user("b")),
        "analyst:\r\n  - user: a\r\n  - user: b\r\n"
    );
    assert_eq!(
        added("analyst:\n  - user: a", "analyst", &user("b")),
        "analyst:\n  - user: a\n  - user: b"
    );
    assert_eq!(
        added("\u{feff}analyst:\n  - user: a\n", "analyst", &user("b")),
        "\u{feff}analyst:\n  - user: a\n  - user: b\n"
    );
}

#[test]
fn a_file_that_is_missing_is_made() {
    let edited = add(&files(None), "p", "analyst", &user("jane@acme.example")).unwrap();
    assert_eq!(edited.path, PathBuf::from("rolecall/members/p.yml"));
    assert_eq!(
        (edited.before, edited.text.as_str()),
        (None, "analyst:\n  - user: jane@acme.example\n")
    );
    assert_eq!(edited.place.line, Some(2));
}

#[test]
fn every_key_is_written_and_quoted_where_it_must_be() {
    let entry = |who: &str| Entry {
        until: Some("2027-01-31".to_owned()),
        reason: Some("a \"b\": [c] # d".to_owned()),
        environments: vec!["prod".to_owned(), "dev".to_owned()],
        ..user(who)
    };
    insta::assert_snapshot!(added("analyst:\n", "analyst", &entry("Zoë \\ 🦀")), @r#"
    analyst:
      - {user: "Zoë \\ 🦀", until: 2027-01-31, reason: "a \"b\": [c] # d", environments: [dev, prod]}
    "#);
    insta::assert_snapshot!(added("analyst:\n", "analyst", &Entry { until: Some("2027-01-31T18:00:00+01:00".to_owned()), ..user("no") }), @r#"
    analyst:
      - {user: "no", until: "2027-01-31T18:00:00+01:00"}
    "#);
    insta::assert_snapshot!(added("analyst:\n", "analyst", &user("\"Exact\"")), @r#"
    analyst:
      - user: "\"Exact\""
    "#);
    insta::assert_snapshot!(added("analyst:\n", "analyst", &user("2024")), @r#"
    analyst:
      - user: "2024"
    "#);
    let rule = Entry { kind: EntryKind::Rule, ..user("user.a == 'x' and user.b in ['y', \"z\"]") };
    insta::assert_snapshot!(added("analyst:\n", "analyst", &rule), @r#"
    analyst:
      - rule: "user.a == 'x' and user.b in ['y', \"z\"]"
    "#);
}

#[test]
fn an_entry_goes_with_its_line_and_comments_stay() {
    let text = "analyst:\n  # first\n  - user: a # of a\n  # second\n  - {user: b, reason: x}\n  - user: c\n    reason: |\n      long\n      story\n  # last\nengineer: [{user: a}, {user: b}, {user: c}]\n";
    insta::assert_snapshot!(removed(text, "analyst", "a"), @r"
    analyst:
      # first
      # second
      - {user: b, reason: x}
      - user: c
        reason: |
          long
          story
      # last
    engineer: [{user: a}, {user: b}, {user: c}]
    ");
    insta::assert_snapshot!(removed(text, "analyst", "b"), @r"
    analyst:
      # first
      - user: a # of a
      # second
      - user: c
        reason: |
          long
          story
      # last
    engineer: [{user: a}, {user: b}, {user: c}]
    ");
    insta::assert_snapshot!(removed(text, "analyst", "c"), @r"
    analyst:
      # first
      - user: a # of a
      # second
      - {user: b, reason: x}
      # last
    engineer: [{user: a}, {user: b}, {user: c}]
    ");
    insta::assert_snapshot!(removed(text, "engineer", "a"), @r"
    analyst:
      # first
      - user: a # of a
      # second
      - {user: b, reason: x}
      - user: c
        reason: |
          long
          story
      # last
    engineer: [{user: b}, {user: c}]
    ");
    insta::assert_snapshot!(removed(text, "engineer", "b"), @r"
    analyst:
      # first
      - user: a # of a
      # second
      - {user: b, reason: x}
      - user: c
        reason: |
          long
          story
      # last
    engineer: [{user: a}, {user: c}]
    ");
    insta::assert_snapshot!(removed(text, "engineer", "c"), @r"
    analyst:
      # first
      - user: a # of a
      # second
      - {user: b, reason: x}
      - user: c
        reason: |
          long
          story
      # last
    engineer: [{user: a}, {user: b}]
    ");
    insta::assert_snapshot!(removed("analyst:\n  - user: a\n", "analyst", "a"), @"analyst:");
    insta::assert_snapshot!(removed("analyst: [{user: a}]\n", "analyst", "a"), @"analyst: []");
}

#[test]
fn what_is_unknown_or_there_already_is_refused() {
    let text = "analyst:\n  - user: Taylor\n  - group: AD\n  - {user: sam, environments: [dev]}\n  - {user: sam, environments: [prod]}\n";
    let refused = |product: &str, role: &str, entry: &Entry| {
        codes(&add(&files(Some(text)), product, role, entry).unwrap_err())
    };
    insta::assert_snapshot!(refused("pp", "analyst", &user("x")), @"unknown-product: there is no product `pp`");
    insta::assert_snapshot!(refused("p", "analysts", &user("x")), @"unknown-product-role: the product `p` has no product role `analysts`");
    insta::assert_snapshot!(refused("p", "analyst", &user("taylor")), @"already-member: user taylor is in p.analyst already");
    insta::assert_snapshot!(refused("q", "engineer", &user("ad")), @"user-and-group: ad is a group already, in p.analyst");
    insta::assert_snapshot!(refused("p", "analyst", &user("sam")), @r"
    already-member: user sam is in p.analyst already
    already-member: user sam is in p.analyst already
    ");
    insta::assert_snapshot!(refused("p", "analyst", &Entry { environments: vec!["test".to_owned()], ..user("x") }), @"unknown-environment: there is no environment `test`");
    insta::assert_snapshot!(refused("p", "analyst", &Entry { until: Some("soon".to_owned()), ..user("x") }), @"invalid-until: `until` is `soon`: it is neither a day such as 2027-01-31 nor a moment such as 2027-01-31T18:00:00Z");
    insta::assert_snapshot!(refused("p", "analyst", &user(" x")), @"invalid-name: the member, ` x`, begins or ends with white space");
    insta::assert_snapshot!(removed(text, "analyst", "tailor"), @"unknown-member: user tailor is not in p.analyst");
    insta::assert_snapshot!(removed(text, "analyst", "sam"), @"more-than-one: user sam is in p.analyst more than once");
    insta::assert_snapshot!(removed(text, "engineer", "sam"), @"unknown-member: user sam is not in p.engineer");
}

#[test]
fn what_cannot_be_cut_safely_is_left_alone() {
    insta::assert_snapshot!(added("analyst: &a\n  - user: a\nengineer: *a\n", "analyst", &user("b")), @"cannot-edit: this file is not edited: it uses anchors or tags");
    insta::assert_snapshot!(added("{analyst: [{user: a}]}\n", "engineer", &user("b")), @"cannot-edit: this file is not edited: its roles stand in braces");
    insta::assert_snapshot!(added("analyst:\n  - user: a\n...\n", "engineer", &user("b")), @"invalid-yaml: this is not YAML that can be read: only single YAML document expected but multiple found");
    insta::assert_snapshot!(added("analyst:\n  - user: a\n    reason: |+\n      x\n\n\nengineer:\n", "analyst", &user("b")), @"cannot-edit: this file is not edited: more than the entry would change");
    insta::assert_snapshot!(added("analyst: [", "engineer", &user("b")), @"invalid-yaml: this is not YAML that can be read: unclosed bracket '['");
}

/// Members files as people write them.
fn written() -> impl Strategy<Value = String> {
    let item = prop::sample::select(vec![
        "user: a",
        "user: 'b'   # why",
        "group: \"g\"",
        "{user: c, reason: \"x # y\"}",
        "{user: d, until: 2027-01-31, environments: [dev]}",
        "user: e\n@  reason: >-\n@    folded\n@    text\n@  environments:\n@  - prod",
        "rule: \"user.x == 'y'\"",
        "{ group: h , }",
    ]);
    let flow = prop::sample::select(vec!["{user: a}", "{group: g}", "{user: c, reason: 'x]'}"]);
    let block = (
        prop::collection::vec((item, any::<bool>()), 0..5),
        prop::sample::select(vec!["", "  ", "    "]),
    )
        .prop_map(|(items, indent)| {
            let lines = items.into_iter().map(|(item, comment)| {
                let comment = if comment { format!("{indent}# about it\n") } else { String::new() };
                format!("{comment}{indent}- {}\n", item.replace('@', indent))
            });
            format!("\n{}", lines.collect::<String>())
        });
    let flows = (prop::collection::vec(flow, 0..4), any::<bool>()).prop_map(|(items, comma)| {
        let comma = if comma && !items.is_empty() { "," } else { "" };
        format!(" [{}{comma}]   # a list\n", items.join(", "))
    });
    let value = prop_oneof![block, flows, Just(" # nobody\n".to_owned()), Just("\n\n".to_owned())];
    (prop::collection::vec(value, 1..3), any::<(bool, bool, bool)>()).prop_map(
        |(values, (crlf, cut, head))| {
            let mut text = if head { "# members\n\n".to_owned() } else { String::new() };
            for (role, value) in ["analyst", "engineer"].iter().zip(values) {
                text.push_str(&format!("{role}:{value}"));
            }
            let text = if crlf { text.replace('\n', "\r\n") } else { text };
            if cut { text.trim_end().to_owned() } else { text }
        },
    )
}

proptest! {
    #[test]
    fn what_is_added_and_removed_leaves_no_trace(
        text in written(),
        role in prop::sample::select(vec!["analyst", "engineer"]),
        name in prop::sample::select(vec!["new", "n\"e'w", "2024", "Ünï cödé", "null", "- x", "#x", "{x}"]),
        more in any::<bool>(),
    ) {
        let before = files(Some(&text));
        let read = |files: &[SourceFile]| {
            let mut all = entries(&sound(files).unwrap());
            all.sort();
            all
        };
        let entry = Entry { reason: more.then(|| "it's: \"so\", [no]".to_owned()), ..user(name) };
        let there = text.contains(&format!("{role}:"));
        let edited = add(&before, "p", role, &entry).unwrap();
        let back = remove(&files(Some(&edited.text)), "p", role, &which(&entry)).unwrap();
        prop_assert_eq!(read(&files(Some(&back.text))), read(&before));
        if there {
            prop_assert_eq!(&back.text, &text);
        } else {
            prop_assert!(back.text.starts_with(&text));
        }
        // And each entry that is there can be taken out, and nothing else.
        for (_, role, entry) in read(&before) {
            let Ok(less) = remove(&before, "p", &role, &which(&entry)) else {
                // Said twice, it is not known which is meant.
                let twice = read(&before).iter().filter(|(_, r, e)| *r == role && e.who == entry.who).count();
                prop_assert!(twice > 1, "{:?} is not removed from {:?}", entry, text);
                continue;
            };
            prop_assert_eq!(read(&files(Some(&less.text))).len() + 1, read(&before).len());
            prop_assert_eq!(less.text.matches('#').count() + usize::from(entry.reason.is_some() && text.contains("x # y")) + 1 >= text.matches('#').count(), true);
        }
    }

    #[test]
    fn any_text_is_edited_or_refused(text in "(analyst|engineer|:| |\n|-|user|a|\\[|\\]|\\{|\\}|,|'|\"|#|&|\\*|\\||>|\r){0,30}") {
        if let Ok(edited) = add(&files(Some(&text)), "p", "analyst", &user("new")) {
            prop_assert!(edited.text.len() > text.len());
        }
    }
}
