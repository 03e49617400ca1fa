//! Who matches, and what is refused.

use std::path::Path;

use crate::directory::{Directory, Problem, Rule, read_text};

pub(super) fn json(text: &str) -> Directory {
    read_text(text.as_bytes(), Path::new("people.json"), "name").unwrap()
}

pub(super) fn csv(text: &str) -> Directory {
    read_text(text.as_bytes(), Path::new("people.csv"), "name").unwrap()
}

/// The names of those who match.
fn who(directory: &Directory, rule: &str) -> String {
    let rule = Rule::parse(rule).unwrap_or_else(|error| panic!("{rule}: {error:?}"));
    assert_eq!(directory.check(&rule), Ok(()), "{rule:?}");
    let people = directory.matching(&rule);
    people.into_iter().map(|person| directory.name(person)).collect::<Vec<_>>().join(" ")
}

const PEOPLE: &str = "\
name,department,region
ann,Sales,EU
bob,Sales,US
cem,HR,EU
dan,,EU
eve,Sales,
fay,  ,
";

#[test]
fn a_rule_picks_by_values_and_lists_of_them() {
    let people = csv(PEOPLE);
    assert_eq!(who(&people, "user.department == 'Sales'"), "ann bob eve");
    assert_eq!(who(&people, "user.department == 'Sales' and user.region in ['EU', 'UK']"), "ann");
    assert_eq!(who(&people, "user.department == 'Sales' or user.region == 'EU'"), "ann bob cem");
    assert_eq!(who(&people, "'HR' == user['department']"), "cem");
    assert_eq!(who(&people, "user.region in ('EU', 'US')"), "ann bob cem dan");
    assert_eq!(who(&people, "user.name == 'fay'"), "fay");
}

#[test]
fn whoever_misses_an_attribute_that_is_named_anywhere_does_not_match() {
    let people = csv(PEOPLE);
    assert_eq!(who(&people, "user.department != 'Sales'"), "cem");
    assert_eq!(who(&people, "not user.department == 'Sales'"), "cem");
    assert_eq!(who(&people, "not not user.department != 'HR'"), "ann bob eve");
    assert_eq!(who(&people, "user.department not in ['Sales']"), "cem");
    assert_eq!(who(&people, "not (user.department == 'Sales' and user.region == 'EU')"), "bob cem");
    // Dan is in the EU, and nobody knows in which department.
    assert_eq!(who(&people, "user.region == 'EU' or user.department == 'Sales'"), "ann bob cem");
    assert_eq!(who(&people, "user.region == 'EU' or not user.department == 'Sales'"), "ann cem");
    assert_eq!(who(&people, "user.name == 'eve' or user.region == 'XX'"), "");
}

#[test]
fn values_of_another_type_are_never_true_by_accident() {
    let people = json(
        r#"[
          {"name": "ann", "level": 3, "admin": true, "groups": ["a", "b"]},
          {"name": "bob", "level": "3", "admin": "false", "groups": "a"},
          {"name": "cem", "level": 4.5, "admin": false, "groups": []},
          {"name": "dan", "level": null, "admin": null},
          {"name": "eve", "level": 3.0, "admin": 1, "groups": ["a", 1]}
        ]"#,
    );
    assert_eq!(who(&people, "user.level == 3"), "ann eve");
    assert_eq!(who(&people, "user.level != 3"), "cem");
    assert_eq!(who(&people, "user.level == '3'"), "bob");
    assert_eq!(who(&people, "not user.level == '4'"), "bob");
    assert_eq!(who(&people, "user.level >= 3.5"), "cem");
    assert_eq!(who(&people, "4 > user.level"), "ann eve");
    assert_eq!(who(&people, "user.level not in [3, 5]"), "cem");
    assert_eq!(who(&people, "user.admin"), "ann");
    assert_eq!(who(&people, "not user.admin"), "cem");
    assert_eq!(who(&people, "user.admin == false"), "cem");
    // A part of a text is no item of a list.
    assert_eq!(who(&people, "'a' in user.groups"), "ann");
    assert_eq!(who(&people, "'a' not in user.groups"), "cem");
    assert_eq!(who(&people, "user.level == 3 or 'a' in user.groups"), "ann");
}

#[test]
fn an_attribute_that_nobody_has_is_named_with_the_nearest() {
    let people = csv("name,department,empty\nann,Sales,\n");
    let problems = |rule: &str| people.check(&Rule::parse(rule).unwrap()).unwrap_err();
    assert_eq!(
        problems("user.departmnt == 'Sales' or user.empty == 'x'"),
        [
            Problem::UnknownAttribute {
                attribute: "departmnt".to_owned(),
                near: Some("department".to_owned())
            },
            Problem::UnknownAttribute { attribute: "empty".to_owned(), near: None },
        ]
    );
    assert_eq!(
        problems("user.department == 3"),
        [Problem::OtherType {
            attribute: "department".to_owned(),
            wanted: "a number",
            found: "text"
        }]
    );
    let asks = |rule: &str| matches!(problems(rule)[..], [Problem::OtherType { .. }]);
    assert!(asks("'Sales' in user.department"), "a text is no list");
    assert!(asks("user.department"), "a text is not true");
}

/// What is said of a rule, and of which part.
fn refused(rule: &str) -> String {
    let error = Rule::parse(rule).unwrap_err();
    format!("{}: {}", rule.get(error.at).unwrap(), error.message)
}

#[test]
fn what_could_hide_a_missing_value_is_refused_with_its_place() {
    insta::assert_snapshot!(refused("user.a == 'x' or user.b is undefined"), @"undefined: `is undefined` is not known here: whoever misses an attribute does not match");
    insta::assert_snapshot!(refused("user.b is defined and user.a == 'x'"), @"defined: `is defined` is not known here: whoever misses an attribute does not match");
    insta::assert_snapshot!(refused("user.a | default('x') == 'x'"), @"default('x'): the filter `default` is not known here: filters can hide that an attribute is missing");
    insta::assert_snapshot!(refused("user.a|lower == 'x'"), @"lower: the filter `lower` is not known here: filters can hide that an attribute is missing");
    insta::assert_snapshot!(refused("lookup(user.a) == 'x'"), @"lookup(user.a): calls are not known here");
    insta::assert_snapshot!(refused("user.a.startswith('x')"), @".startswith('x'): calls are not known here");
    insta::assert_snapshot!(refused("user.a == 'x' if user.b == 'y' else true"), @"user.a == 'x' if user.b == 'y' else true: `if` is not known here");
    insta::assert_snapshot!(refused("user.a[0] == 'x'"), @".a[0]: only `user` has attributes here, and they have none of their own");
    insta::assert_snapshot!(refused("user[user.a] == 'x'"), @"user.a: the name of an attribute must be written out");
    insta::assert_snapshot!(refused("user.a[1:] == 'x'"), @".a[1:]: parts of values are not known here");
    insta::assert_snapshot!(refused("user.a == none"), @"none: `none` is no value: an attribute that is missing matches nothing");
    insta::assert_snapshot!(refused("user.a == ''"), @"'': an empty text is no value: an empty attribute is a missing one");
    insta::assert_snapshot!(refused("user.a == ' x'"), @"' x': this text begins or ends with white space, which no attribute does");
    insta::assert_snapshot!(refused("user.a == user.b"), @"user.a == user.b: two attributes are compared with each other");
    insta::assert_snapshot!(refused("'a' == 'a'"), @"'a' == 'a': a comparison of values, without an attribute");
    insta::assert_snapshot!(refused("true"), @"true: a value alone would let in everybody or nobody");
    insta::assert_snapshot!(refused("user.a == 'x' or true"), @"true: a value alone would let in everybody or nobody");
    insta::assert_snapshot!(refused("user"), @"user: `user` alone says nothing");
    insta::assert_snapshot!(refused("department == 'x'"), @"department: there is no variable `department`");
    insta::assert_snapshot!(refused("env.name == 'x'"), @"env.name: only `user` has attributes here, and they have none of their own");
    insta::assert_snapshot!(refused("user.a == 'x' == true"), @"user.a == 'x' == true: a comparison of more than two things");
    insta::assert_snapshot!(refused("1 < user.a < 3"), @"1 < user.a < 3: a comparison of more than two things");
    insta::assert_snapshot!(refused("user.a < 'x'"), @"'x': only numbers are less or greater");
    insta::assert_snapshot!(refused("user.a ~ 'x' == 'y'"), @"user.a ~ 'x': a rule does not compute");
    insta::assert_snapshot!(refused("user.a in 'Sales'"), @"'Sales': `in` needs a list of values");
    insta::assert_snapshot!(refused("user.a in []"), @"[]: the list is empty");
    insta::assert_snapshot!(refused("user.a in ['x', 1]"), @"['x', 1]: the list holds values of different types");
    insta::assert_snapshot!(refused("user.a == ['x']"), @"['x']: an attribute is compared with a list");
    insta::assert_snapshot!(refused("user.a == {'x': 1}"), @"{'x': 1}: maps are not known here");
    insta::assert_snapshot!(refused("user.a = 'x'"), @"=: the rule does not parse: unexpected input after expression");
    insta::assert_snapshot!(refused("user.a == 'x' and"), @"and: the rule does not parse: unexpected end of input, expected expression");
    insta::assert_snapshot!(refused("user.a == 'x"), @": the rule does not parse: unexpected end of string");
    insta::assert_snapshot!(refused("{{ user.a == 'x' }}"), @"}: the rule does not parse: unexpected `}`, expected `:`");
    insta::assert_snapshot!(refused(""), @": the rule does not parse: unexpected end of input, expected expression");
    insta::assert_snapshot!(refused("user.a == 'x' }} {{ user.b"), @"}}: the rule does not parse: unexpected input after expression");
}

#[test]
fn long_and_deep_rules_are_refused_and_break_nothing() {
    let long = format!("user.a in [{}]", "'x', ".repeat(20_000));
    for deep in [
        long,
        "(".repeat(8000),
        "[".repeat(8000),
        "not ".repeat(4000),
        "-".repeat(8000) + "1",
        "1+".repeat(8000) + "1",
        "1~".repeat(8000) + "1",
        "1*".repeat(8000) + "1",
        "1 ".repeat(8000),
        "a.".repeat(8000) + "b",
        "a|".repeat(8000) + "b",
        "a[".repeat(4000) + "1",
        "a(".repeat(4000),
        "{1:".repeat(4000),
        "not(".repeat(4000),
        "not not\n".repeat(2000),
        "a if b else ".repeat(1300) + "c",
        "a is b is ".repeat(1600) + "c",
        "a<".repeat(8000) + "b",
        "a in ".repeat(3000) + "b",
        "(user.a == 'x' and ".repeat(800) + "user.a == 'x'" + &")".repeat(800),
    ] {
        assert!(Rule::parse(&deep).is_err(), "{}", &deep[..40]);
    }
    let chain = ["user.a == 'x'"; 900].join(" or ");
    let people = csv("name,a\nann,x\nbob,y\n");
    assert_eq!(who(&people, &chain), "ann");
    let mixed = ["user.a == 'x' and user.a != 'y'"; 400].join(" or ");
    assert_eq!(who(&people, &mixed), "ann");
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_rule_or_is_refused(text in r#"(user|\.| |a|b|==|!=|'x'|1|not|and|or|in|\[|\]|\(|\)|,|\||is|"|\{|-|\+|~|if|else|.){0,20}"#) {
        if let Err(error) = Rule::parse(&text) {
            proptest::prop_assert!(text.get(error.at.clone()).is_some(), "{:?}", error);
        }
    }
}
