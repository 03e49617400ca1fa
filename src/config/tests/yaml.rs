use super::{GOOD, files, good, said};
use crate::config::parse;

#[test]
fn what_is_not_yaml_stops_the_reading_with_a_place() {
    insta::assert_snapshot!(said(&[("rolecall.yml", "version: 1\nenvironments:\n\tdev: {}\n")]), @r#"
    error[invalid-yaml]: this is not YAML that can be read: tabs disallowed within this context (block indentation)
      --> rolecall.yml:3:2
       | 	dev: {}
       |  ^
      help: indent with spaces; YAML takes no tabs
    "#);
    insta::assert_snapshot!(said(&[("rolecall.yml", GOOD), ("rolecall/members/sales_analytics.yml", "analyst: [")]), @r#"
    error[invalid-yaml]: this is not YAML that can be read: unclosed bracket '['
      --> rolecall/members/sales_analytics.yml:1:10
       | analyst: [
       |          ^
      help: look at the indentation, the quotes and the colons in and above this line
    "#);
    assert!(
        parse(&files(&[("rolecall.yml", GOOD), ("rolecall/platform/a.yml", "a: [")])).0.is_none()
    );
}

#[test]
fn byte_order_marks_and_other_line_ends_change_nothing() {
    let plain = good(&[("rolecall.yml", GOOD)]);
    assert_eq!(plain, good(&[("rolecall.yml", &format!("\u{feff}{GOOD}"))]));
    assert_eq!(plain, good(&[("rolecall.yml", &GOOD.replace('\n', "\r\n"))]));
    assert_eq!(plain, good(&[("rolecall.yml", &GOOD.replace('\n', "\r"))]));
    assert_eq!(
        plain,
        good(&[("rolecall.yml", &format!("---\n{GOOD}...\n").replacen("---\n", "", 1))])
    );
}

#[test]
fn anchors_and_merges_say_the_same_as_writing_it_out() {
    let config = good(&[(
        "rolecall.yml",
        "version: 1\nenvironments:\n  dev: &base {role_name: \"{{ role.name }}\", protected: true}\n  prod: {<<: *base, promote_from: dev, protected: false}\n",
    )]);
    assert_eq!(config.environments["prod"].role_name, config.environments["dev"].role_name);
    assert!(!config.environments["prod"].protected);
}

#[test]
fn a_key_twice_beside_a_merge_is_still_said() {
    insta::assert_snapshot!(said(&[("rolecall.yml", "version: 1\nenvironments:\n  dev: &base {role_name: x}\n  prod: {<<: *base, target: p, target: q}\n")]), @r#"
    error[said-twice]: the key `target` is said twice
      --> rolecall.yml:4:32
       |   prod: {<<: *base, target: p, target: q}
       |                                ^
      ::: rolecall.yml:4:21 first said here
       |   prod: {<<: *base, target: p, target: q}
       |                     ^
      help: keep one of the two
    "#);
}

#[test]
fn a_large_file_is_read_and_a_long_line_is_not_repeated() {
    use std::fmt::Write;
    let mut members = String::from("analyst:\n");
    let reason = "as agreed upon ".repeat(35);
    for n in 0..20_000 {
        writeln!(members, "  - {{user: person_{n}, reason: {reason}}}").unwrap();
    }
    assert!(members.len() > 10_000_000);
    let config =
        good(&[("rolecall.yml", GOOD), ("rolecall/members/sales_analytics.yml", &members)]);
    assert_eq!(config.members["sales_analytics"]["analyst"].len(), 20_000);

    let long = format!("analyst: [{}]", vec!["{usr: a}"; 20_000].join(", "));
    let (_, diagnostics) =
        parse(&files(&[("rolecall.yml", GOOD), ("rolecall/members/sales_analytics.yml", &long)]));
    assert!(diagnostics.iter().count() >= 20_000);
    assert!(diagnostics.iter().all(|d| d.place.as_ref().unwrap().source.is_none()));
}
