use super::{GOOD, good, said};
use crate::config::{Member, expires, has_expired};
use crate::model::MemberKind;

fn file(text: &str) -> String {
    said(&[("rolecall.yml", GOOD), ("rolecall/members/sales_analytics.yml", text)])
}

#[test]
fn members_are_read_with_what_limits_them() {
    let config = good(&[
        ("rolecall.yml", GOOD),
        (
            "rolecall/members/sales_analytics.yml",
            "analyst:\n  - user: taylor\n  - group: AD_SALES\n\
             engineer:\n  - {user: sam, until: 2027-01-31, reason: \"DATA-112\", environments: [dev]}\n\
             owner:\n",
        ),
    ]);
    let roles = &config.members["sales_analytics"];
    assert_eq!(roles.len(), 3);
    assert!(roles["owner"].is_empty());
    assert_eq!(
        roles["analyst"][1].member,
        Member::Named { kind: MemberKind::Group, name: "AD_SALES".to_owned() }
    );
    let sam = &roles["engineer"][0];
    assert_eq!((sam.place.line, sam.place.column), (Some(5), Some(5)));
    assert_eq!(sam.reason.as_deref(), Some("DATA-112"));
    assert_eq!(sam.environments[0].value, "dev");
    assert_eq!(expires(&roles["analyst"][0]), None);
    let last_second = 1_801_439_999;
    assert!(!has_expired(sam, last_second) && has_expired(sam, last_second + 1));
}

#[test]
fn an_until_that_cannot_be_read_has_ended() {
    let config = good(&[
        ("rolecall.yml", GOOD),
        ("rolecall/members/sales_analytics.yml", "analyst: [{user: a, until: 2027-01-31}]"),
    ]);
    let mut entry = config.members["sales_analytics"]["analyst"][0].clone();
    entry.until.as_mut().unwrap().value = "some day".to_owned();
    assert!(has_expired(&entry, 0));
}

#[test]
fn a_product_or_a_product_role_that_nobody_declared_is_refused() {
    insta::assert_snapshot!(said(&[("rolecall.yml", GOOD), ("rolecall/members/sales_analytic.yml", "analyst: [{user: a}]")]), @r#"
    error[unknown-product]: this file is for the product `sales_analytic`, which is not declared
      --> rolecall/members/sales_analytic.yml
      help: did you mean `sales_analytics`? known are `sales_analytics`
    "#);
    insta::assert_snapshot!(file("analist: [{user: a}]\nboss: []"), @r#"
    error[unknown-product-role]: the product `sales_analytics` has no product role `analist`
      --> rolecall/members/sales_analytics.yml:1:1
       | analist: [{user: a}]
       | ^
      help: did you mean `analyst`? known are `analyst`, `engineer`, `owner`
    error[unknown-product-role]: the product `sales_analytics` has no product role `boss`
      --> rolecall/members/sales_analytics.yml:2:1
       | boss: []
       | ^
      help: known are `analyst`, `engineer`, `owner`
    "#);
    insta::assert_snapshot!(said(&[("rolecall.yml", "version: 1\nenvironments: {dev: {role_name: x}}"), ("rolecall/members/x.yml", "")]), @r#"
    error[unknown-product]: this file is for the product `x`, which is not declared
      --> rolecall/members/x.yml
      help: declare it under `products` in rolecall.yml, or rename the file
    warning[empty-file]: this file says nothing
      --> rolecall/members/x.yml
      help: remove it, or write what it is for
    "#);
}

#[test]
fn power_does_not_stand_in_an_owners_file() {
    insta::assert_snapshot!(file("environments: {dev: {}}\nproduct_roles: {}\nproducts: []\nowners: [me]\nversion: 1\nmay: [admin]\nanalyst:\n  - {user: a, may: [admin], owners: [me]}\nmembers: {analyst: []}"), @r#"
    error[misplaced-key]: `environments` may not stand in a members file
      --> rolecall/members/sales_analytics.yml:1:1
       | environments: {dev: {}}
       | ^
      help: it stands at the top of rolecall.yml or of a file in rolecall/platform/
    error[misplaced-key]: `product_roles` may not stand in a members file
      --> rolecall/members/sales_analytics.yml:2:1
       | product_roles: {}
       | ^
      help: it stands at the top of rolecall.yml or of a file in rolecall/platform/
    error[misplaced-key]: `products` may not stand in a members file
      --> rolecall/members/sales_analytics.yml:3:1
       | products: []
       | ^
      help: it stands at the top of rolecall.yml or of a file in rolecall/platform/
    error[misplaced-key]: `owners` may not stand in a members file
      --> rolecall/members/sales_analytics.yml:4:1
       | owners: [me]
       | ^
      help: it belongs to a product, in rolecall.yml or rolecall/platform/
    error[misplaced-key]: `version` may not stand in a members file
      --> rolecall/members/sales_analytics.yml:5:1
       | version: 1
       | ^
      help: `version` stands at the top of rolecall.yml
    error[misplaced-key]: `may` may not stand in a members file
      --> rolecall/members/sales_analytics.yml:6:1
       | may: [admin]
       | ^
      help: it belongs to a product role, in rolecall.yml or rolecall/platform/
    error[misplaced-key]: `may` may not stand in a member
      --> rolecall/members/sales_analytics.yml:8:15
       |   - {user: a, may: [admin], owners: [me]}
       |               ^
      help: it belongs to a product role, in rolecall.yml or rolecall/platform/
    error[misplaced-key]: `owners` may not stand in a member
      --> rolecall/members/sales_analytics.yml:8:29
       |   - {user: a, may: [admin], owners: [me]}
       |                             ^
      help: it belongs to a product, in rolecall.yml or rolecall/platform/
    error[unknown-product-role]: the product `sales_analytics` has no product role `members`
      --> rolecall/members/sales_analytics.yml:9:1
       | members: {analyst: []}
       | ^
      help: known are `analyst`, `engineer`, `owner`
    "#);
}

#[test]
fn an_entry_names_exactly_one() {
    insta::assert_snapshot!(file("analyst:\n  - {user: a, group: b}\n  - {until: 2027-01-31}\n  - taylor\n  - {}\n  -\n  - [x]\n  - {user: 007x, groop: g}\n  - {user: 7}\n  - {user: ' a'}\n"), @r#"
    error[invalid-member]: the entry names more than one of `user`, `group` and `rule`
      --> rolecall/members/sales_analytics.yml:2:5
       |   - {user: a, group: b}
       |     ^
      help: write one entry for each
    error[invalid-member]: the entry names nobody
      --> rolecall/members/sales_analytics.yml:3:5
       |   - {until: 2027-01-31}
       |     ^
      help: write one of `user`, `group` and `rule`
    error[wrong-type]: a member must be a map, not the text "taylor"
      --> rolecall/members/sales_analytics.yml:4:5
       |   - taylor
       |     ^
      help: write {user: taylor} or {group: taylor}
    error[invalid-member]: the entry names nobody
      --> rolecall/members/sales_analytics.yml:5:5
       |   - {}
       |     ^
      help: write one of `user`, `group` and `rule`
    error[wrong-type]: a member must be a map, not nothing
      --> rolecall/members/sales_analytics.yml:6:4
       |   -
       |    ^
      help: write {user: …} or {group: …}
    error[wrong-type]: a member must be a map, not a list
      --> rolecall/members/sales_analytics.yml:7:5
       |   - [x]
       |     ^
      help: write {user: …} or {group: …}
    error[unknown-key]: a member has no key `groop`
      --> rolecall/members/sales_analytics.yml:8:18
       |   - {user: 007x, groop: g}
       |                  ^
      help: did you mean `group`? known are `user`, `group`, `rule`, `until`, `reason`, `environments`, `approved_by`, `approved_at`, `request`
    error[wrong-type]: `user` must be text, not the number 7
      --> rolecall/members/sales_analytics.yml:9:12
       |   - {user: 7}
       |            ^
      help: put it in quotes: "7"
    error[invalid-name]: the member, ` a`, begins or ends with white space
      --> rolecall/members/sales_analytics.yml:10:12
       |   - {user: ' a'}
       |            ^
      help: write the name as the warehouse has it
    "#);
    insta::assert_snapshot!(file("analyst: {user: taylor}\nengineer: taylor\n"), @r#"
    error[wrong-type]: `analyst` must be a list, not a map of keys and values
      --> rolecall/members/sales_analytics.yml:1:10
       | analyst: {user: taylor}
       |          ^
      help: write analyst: [{user: …}]
    error[wrong-type]: `engineer` must be a list, not the text "taylor"
      --> rolecall/members/sales_analytics.yml:2:11
       | engineer: taylor
       |           ^
      help: write engineer: [{user: taylor}]
    "#);
}

#[test]
fn rules_are_not_ignored_but_refused() {
    insta::assert_snapshot!(file("analyst:\n  - rule: \"user.department == 'Sales'\"\n"), @"");
    insta::assert_snapshot!(file("analyst:\n  - rule: \"user.department is defined\"\n"), @r#"
    error[invalid-rule]: `is defined` is not known here: whoever misses an attribute does not match
      --> rolecall/members/sales_analytics.yml:2:31
       |   - rule: "user.department is defined"
       |                               ^
      help: a rule is made of user.<attribute>, ==, !=, in, not in, <, <=, >, >=, and, or, not, parentheses, texts, numbers, true, false and lists
    "#);
}

#[test]
fn until_is_a_day_or_a_moment_with_a_zone() {
    insta::assert_snapshot!(file("analyst:\n  - {user: a, until: 2027-02-30}\n  - {user: b, until: 31.12.2027}\n  - {user: c, until: 2027-01-31T10:00:00}\n  - {user: d, until: 2027}\n  - {user: e, until: }\n  - {user: f, until: 2027-01-31T10:00:00Z}\n"), @r#"
    error[invalid-until]: `until` is `2027-02-30`: there is no such day
      --> rolecall/members/sales_analytics.yml:2:22
       |   - {user: a, until: 2027-02-30}
       |                      ^
      help: write the last day, 2027-01-31 (in UTC), or a moment, 2027-01-31T18:00:00Z
    error[invalid-until]: `until` is `31.12.2027`: it is neither a day such as 2027-01-31 nor a moment such as 2027-01-31T18:00:00Z
      --> rolecall/members/sales_analytics.yml:3:22
       |   - {user: b, until: 31.12.2027}
       |                      ^
      help: write the last day, 2027-01-31 (in UTC), or a moment, 2027-01-31T18:00:00Z
    error[invalid-until]: `until` is `2027-01-31T10:00:00`: it has no zone: end it with Z for UTC, or with an offset such as +01:00
      --> rolecall/members/sales_analytics.yml:4:22
       |   - {user: c, until: 2027-01-31T10:00:00}
       |                      ^
      help: write the last day, 2027-01-31 (in UTC), or a moment, 2027-01-31T18:00:00Z
    error[wrong-type]: `until` must be text, not the number 2027
      --> rolecall/members/sales_analytics.yml:5:22
       |   - {user: d, until: 2027}
       |                      ^
      help: put it in quotes: "2027"
    error[wrong-type]: `until` has no value
      --> rolecall/members/sales_analytics.yml:6:20
       |   - {user: e, until: }
       |                    ^
      help: write one, or leave the key out
    "#);
}

#[test]
fn environments_of_a_member_are_declared_ones() {
    insta::assert_snapshot!(file("analyst:\n  - {user: a, environments: [pord]}\n  - {user: b, environments: []}\n  - {user: c, environments: dev}\n"), @r#"
    error[unknown-environment]: there is no environment `pord`
      --> rolecall/members/sales_analytics.yml:2:30
       |   - {user: a, environments: [pord]}
       |                              ^
      help: did you mean `prod`? known are `dev`, `prod`
    error[invalid-member]: `environments` names no environment
      --> rolecall/members/sales_analytics.yml:3:5
       |   - {user: b, environments: []}
       |     ^
      help: leave `environments` out where the entry holds in all
    error[wrong-type]: `environments` must be a list, not the text "dev"
      --> rolecall/members/sales_analytics.yml:4:29
       |   - {user: c, environments: dev}
       |                             ^
      help: write environments: [dev]
    "#);
}

#[test]
fn a_member_said_twice_for_one_environment_is_a_warning() {
    insta::assert_snapshot!(file("analyst:\n  - {user: a}\n  - {group: a}\n  - {user: a, environments: [dev]}\n  - {user: b, environments: [dev]}\n  - {user: b, environments: [prod]}\nowner: [{user: a}]\nanalyst: []\n"), @r#"
    warning[said-twice]: `a` is in `analyst` twice
      --> rolecall/members/sales_analytics.yml:4:5
       |   - {user: a, environments: [dev]}
       |     ^
      ::: rolecall/members/sales_analytics.yml:2:5 first said here
       |   - {user: a}
       |     ^
      help: any entry admits, the one that ends last included: keep one
    error[said-twice]: the key `analyst` is said twice
      --> rolecall/members/sales_analytics.yml:8:1
       | analyst: []
       | ^
      ::: rolecall/members/sales_analytics.yml:1:1 first said here
       | analyst:
       | ^
      help: keep one of the two
    "#);
}

#[test]
fn two_files_for_one_product_are_refused() {
    insta::assert_snapshot!(said(&[
        ("rolecall.yml", GOOD),
        ("rolecall/members/sales_analytics.yml", "analyst: []"),
        ("rolecall/members/sales_analytics.yaml", "analyst: []"),
    ]), @r#"
    error[said-twice]: who the members of `sales_analytics` are is said twice
      --> rolecall/members/sales_analytics.yml
      ::: rolecall/members/sales_analytics.yaml first said here
      help: keep one of the two
    "#);
}
