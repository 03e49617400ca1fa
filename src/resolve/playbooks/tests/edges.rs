//! Where playbooks meet the rest: ownership, roles in roles, members, variables, policies.

use super::{Given, HEAD, id, of};
use crate::model::{DialectKind, MemberKind};

#[test]
fn ownership_is_declared_for_what_is_there_and_what_is_to_come() {
    let config = "roles:\n  r:\n    name: r\n    grants:\n      - {object-type: stage, database-name: lake, schema-name: a, object-name: \"*\", privileges: [ownership]}\n";
    let given = Given::snowflake(config).there(&["stage LAKE.A.S"]);
    assert_eq!(
        of(&given.desired(), "R"),
        ["OWNERSHIP on future stage in LAKE.A", "owns stage LAKE.A.S"]
    );
    assert_eq!(given.desired().admin_role, Some(id("SECURITYADMIN")));
    let said = Given::snowflake(&format!("admin_role: owners\n{config}"));
    assert_eq!(said.desired().admin_role, Some(id("OWNERS")));
    let postgres = Given::postgres(config.replace("stage", "sequence").as_str());
    assert_eq!(postgres.desired().admin_role, None);
}

#[test]
fn an_object_has_one_owner_and_what_dbt_makes_stays_within_its_reach() {
    let config = r#"roles:
  a: {name: a, grants: [{object-type: table, database-name: db, schema-name: raw, object-name: "*", privileges: [ownership]}]}
  b: {name: b, grants: [{object-type: table, database-name: db, schema-name: raw, object-name: other, privileges: [ownership]}]}
"#;
    let there = ["table db.raw.landing", "table db.raw.other", "table db.sales.orders"];
    let given = Given::postgres(config).there(&there).connected_to("db");
    let codes = given.codes();
    assert!(codes.contains(&"two-owners 10".to_owned()), "{codes:?}");
    assert!(codes.contains(&"own-without-deploy-role 3".to_owned()), "{codes:?}");
}

#[test]
fn a_role_in_another_is_a_membership_and_never_in_a_product_s() {
    let config = r#"roles:
  a: {name: a, grants: [{object-type: role, object-name: b, privileges: [usage]}, {object-type: role, object-name: sso, privileges: [USAGE]}]}
  b: {name: b}
"#;
    let given = Given::postgres(config);
    let desired = given.desired();
    assert_eq!(of(&desired, "a"), ["in b", "in sso"]);
    assert_eq!(desired.memberships[&(id("b"), id("a"))].kind, MemberKind::Role);
    let database = Given::snowflake(
        "roles:\n  a: {name: a, grants: [{object-type: database_role, database-name: db, object-name: reader, privileges: [usage]}]}\n",
    );
    assert_eq!(of(&database.desired(), "A"), ["in DB.READER"]);
    for (held, code) in [
        ("sales_analyst", "managed-role-as-member 9"),
        ("a", "membership-circle 9"),
        ("pg_read_all_data", "reserved-name 9"),
    ] {
        let given = Given::postgres(&format!(
            "roles:\n  a: {{name: a, grants: [{{object-type: role, object-name: {held}, privileges: [usage]}}]}}\n"
        ));
        assert_eq!(given.codes(), [code]);
    }
    let circle = r#"roles:
  a: {name: a, grants: [{object-type: role, object-name: b, privileges: [usage]}]}
  b: {name: b, grants: [{object-type: role, object-name: c, privileges: [usage]}]}
  c: {name: c, grants: [{object-type: role, object-name: a, privileges: [usage]}]}
"#;
    assert_eq!(Given::postgres(circle).codes(), ["membership-circle 9"]);
}

const MADE: &str = r#"roles:
  a: {name: a}
  b: {name: b}
  sso: {name: sso, create: false}
"#;

#[test]
fn a_role_that_a_playbook_makes_is_nobody_s_user_or_group() {
    let error = |role: &str, held: &str| {
        format!(
            "managed-role-as-member 1: {role} is the playbook role `{role}`, no group: it {held}"
        )
    };
    let in_playbook = |dialect, members: &str| {
        Given::of(dialect, &format!("{HEAD}{MADE}"))
            .file("rolecall/members/playbook_roles.yml", members)
            .says()
    };
    let postgres = |members: &str| in_playbook(DialectKind::Postgres, members);
    assert_eq!(postgres("a: [{group: a}]\n"), [error("a", "cannot be in itself")]);
    let other = error("b", "may not be a member of a (the playbook role a)");
    assert_eq!(postgres("a: [{group: b}]\n"), [other]);
    assert_eq!(postgres("a: [{user: b}]\n").len(), 1);
    // One thing is said once: whatever else it is, it is no member.
    for both in ["a: [{user: b}, {group: b}]\n", "a:\n  - {user: b}\nsso:\n  - {group: b}\n"] {
        let said = postgres(both);
        assert!(said.iter().all(|one| one.starts_with("managed-role-as-member")), "{said:?}");
        assert_eq!(said.len(), both.matches("\n").count() / 2 + both.matches(", ").count());
    }
    let others = postgres("a: [{user: sso}]\nb: [{group: sso}]\n");
    assert!(others.iter().any(|one| one.starts_with("user-and-group")), "{others:?}");
    // One that others make is the group that it is called.
    assert_eq!(postgres("a: [{group: sso}]\n"), Vec::<String>::new());
    // Users of Snowflake are no roles.
    assert_eq!(in_playbook(DialectKind::Snowflake, "a: [{user: b}]\n"), Vec::<String>::new());
    assert_eq!(in_playbook(DialectKind::Snowflake, "a: [{group: b}]\n").len(), 1);
    let product = Given::postgres(MADE)
        .file("rolecall/members/sales.yml", "analyst: [{group: a}, {group: sso}]\n");
    assert_eq!(product.codes(), ["managed-role-as-member 1"]);
    let off = Given::postgres("roles: {a: {name: a, enable: false}}\n")
        .file("rolecall/members/sales.yml", "analyst: [{group: a}]\n");
    assert_eq!(off.codes(), ["managed-role-as-member 1"]);
}

#[test]
fn a_circle_by_grants_and_members_is_named_step_by_step() {
    let config = r#"roles:
  a: {name: a, grants: [{object-type: role, object-name: b, privileges: [usage]}]}
  b: {name: b, grants: [{object-type: role, object-name: sso, privileges: [usage]}]}
  sso: {name: sso, create: false}
"#;
    let given = Given::postgres(config)
        .file("rolecall/members/playbook_roles.yml", "sso:\n  - {group: sso}\n");
    assert_eq!(
        given.says(),
        [
            "membership-circle 2: sso would be in itself: sso is in sso (rolecall/members/playbook_roles.yml:2)"
        ]
    );
    let round = config.replace(
        "create: false}",
        "create: false, grants: [{object-type: role, object-name: a, privileges: [usage]}]}",
    );
    assert_eq!(
        Given::postgres(&round).says(),
        [
            "membership-circle 9: these roles would be in each other: a is in b (rolecall.yml:9), b is in sso (rolecall.yml:10), sso is in a (rolecall.yml:11)"
        ]
    );
    let members = "a:\n  - {group: sso}\n";
    let by_members = Given::postgres(config).file("rolecall/members/playbook_roles.yml", members);
    assert_eq!(
        by_members.says(),
        [
            "membership-circle 9: these roles would be in each other: a is in b (rolecall.yml:9), b is in sso (rolecall.yml:10), sso is in a (rolecall/members/playbook_roles.yml:2)"
        ]
    );
}

#[test]
fn errors_about_members_and_circles_show_the_line() {
    let lines = |given: &Given| -> Vec<String> {
        let (_, found) = given.resolve();
        let all = found.sorted();
        all.iter().filter_map(|one| one.place.as_ref()?.source.clone()).collect()
    };
    let member =
        Given::postgres(MADE).file("rolecall/members/playbook_roles.yml", "a:\n  - {group: b}\n");
    assert_eq!(lines(&member), ["  - {group: b}"]);
    let held = "{object-type: role, object-name: b, privileges: [usage]}";
    let circle = Given::postgres(&format!(
        "roles:\n  a:\n    name: a\n    grants:\n      - {held}\n  b: {{name: b, grants: [{}]}}\n",
        held.replace("name: b", "name: a")
    ));
    assert_eq!(lines(&circle), [format!("      - {held}")]);
}

#[test]
fn who_is_in_a_playbook_role_stands_with_the_other_members() {
    let config = "roles: {r: {name: analysts}, q: {name: left_alone}}\n";
    let given = Given::postgres(config)
        .file("rolecall/members/playbook_roles.yml", "r: [{user: taylor}, {group: ad_sales}]\n");
    let desired = given.desired();
    assert_eq!(of(&desired, "analysts"), ["lets in ad_sales", "lets in taylor"]);
    assert!(desired.roles[&id("analysts")].manner.declares_members);
    assert!(!desired.roles[&id("left_alone")].manner.declares_members);
    let wrong = Given::postgres(config)
        .file("rolecall/members/playbook_roles.yml", "analysts: [{user: taylor}]\n");
    assert_eq!(wrong.codes(), ["unknown-playbook-role 1"]);
    let product = format!("{}  playbook_roles: {{}}\n{config}", HEAD);
    assert!(
        Given::of(DialectKind::Postgres, &product).codes().contains(&"reserved-name 8".to_owned())
    );
}

const VARIABLES: &str = r#"roles:
  r:
    name: reader${var.env-suffix}
    enable: ${var.enabled}
    grants:
      - {object-type: database, object-name: "${var.db}", privileges: [usage]}
"#;

#[test]
fn a_variable_is_the_environment_s_and_its_value_is_in_no_message() {
    let vars = "db: raw\nenabled: true\nenv-suffix: _all\n";
    let given = Given::snowflake(VARIABLES)
        .file("vars.yml", vars)
        .file("vars.dev.yml", "env-suffix: _dev\n");
    assert_eq!(of(&given.desired(), "READER_DEV"), ["USAGE on database RAW"]);
    let shell = given.shell("DFENCE_ENV_SUFFIX", "_shell");
    assert_eq!(of(&shell.desired(), "READER_SHELL"), ["USAGE on database RAW"]);
    let lacking = Given::snowflake(VARIABLES).file("vars.yml", "db: geheim\nenabled: geheim\n");
    let says = lacking.says();
    assert_eq!(says, ["undefined-variable 10: the variable `env-suffix` is not defined in dev"]);
    let broken = Given::snowflake(VARIABLES)
        .file("vars.yml", "db: geheim\nenv-suffix: [geheim]\nenabled: geheim\n");
    let (_, found) = broken.resolve();
    assert!(found.has_errors() && !format!("{found:?}").contains("geheim"), "{found:?}");
}

#[test]
fn a_file_of_data_fence_has_variables_wherever_yaml_has_texts() {
    let book = "roles:\n  r:\n    name: reader${var.s}\n    grants:\n      - {object-type: database, object-name: ${var.db}, privileges: [${var.what}]}\n";
    let given = Given::snowflake("")
        .file("books/r.yml", book)
        .file("vars.yml", "s: _x\ndb: raw\nwhat: monitor\n");
    assert_eq!(of(&given.desired(), "READER_X"), ["MONITOR on database RAW"]);
}

#[test]
fn playbooks_hold_where_they_are_said_to() {
    let text = |only: &str| {
        format!(
            "{}playbook_environments: [{only}]\nroles: {{r: {{name: r}}}}\n",
            HEAD.replace(
                "  dev:",
                "  dev: {role_name: \"d_{{ product.name }}_{{ role.name }}\"}\n  prod:"
            )
        )
    };
    let there = |only| {
        let given = Given::of(DialectKind::Postgres, &text(only));
        given.desired().roles.contains_key(&id("r"))
    };
    assert!(there("dev") && !there("prod") && there("prod, dev"));
    let unknown = Given::of(DialectKind::Postgres, &text("nowhere"));
    assert_eq!(unknown.codes(), ["unknown-environment 9"]);
}

#[test]
fn a_name_is_a_product_s_or_a_playbook_s() {
    let given = Given::postgres(
        "roles:\n  r: {name: sales_analyst}\n  s: {name: Other}\n  t: {name: other}\n",
    );
    assert_eq!(given.codes(), ["role-name-twice 9", "role-name-twice 11"]);
    let (_, found) = given.resolve();
    let also: Vec<u32> =
        found.sorted().iter().filter_map(|one| one.also.as_ref()?.0.line).collect();
    assert_eq!(also, [5, 10]);
}

const REQUIRED: &str = r#"policies:
  - name: pii
    combine: all
    resources: {select: "path:models/sales"}
    actors: {users: [jane]}
"#;

fn beside_the_policy(grant: &str) -> Vec<String> {
    let config = format!("{REQUIRED}roles:\n  r:\n    name: r\n    grants:\n      - {{{grant}}}\n");
    let there = ["table db.sales.orders", "table db.raw.landing", "view db.raw.v"];
    Given::postgres(&config).there(&there).connected_to("db").codes()
}

#[test]
fn no_playbook_goes_round_a_policy_that_is_always_required() {
    let names = "object-type: table, database-name: db";
    let round = ["round-policy 17".to_owned()];
    for grant in [
        "schema-name: sales, object-name: orders, privileges: [select]",
        "schema-name: sales, object-name: \"*\", include-future: false, privileges: [select]",
        "schema-name: sales, object-name: \"*\", include-all: false, privileges: [select]",
        "schema-name: \"*\", object-name: orders, include-future: false, privileges: [select]",
        "schema-name: sales, object-name: orders, privileges: [ownership]",
    ] {
        assert_eq!(beside_the_policy(&format!("{names}, {grant}")), round, "{grant}");
    }
    // By whatever word: such a thing would stand in the relation's place.
    let config = format!(
        "{REQUIRED}roles:\n  r:\n    name: r\n    grants:\n      - {{object-type: interactive table, database-name: DB, schema-name: SALES, object-name: ORDERS, privileges: [select]}}\n"
    );
    let given = Given::snowflake(&config);
    assert!(given.codes().contains(&"round-policy 17".to_owned()), "{:?}", given.says());
    let beside = "schema-name: raw, object-name: \"*\", privileges: [select]";
    assert_eq!(beside_the_policy(&format!("{names}, {beside}")), Vec::<String>::new());
    let off = "schema-name: sales, object-name: orders, enable: false, privileges: [select]";
    assert_eq!(beside_the_policy(&format!("{names}, {off}")), Vec::<String>::new());
}

#[test]
fn parentheses_of_a_routine_are_closed_or_an_error() {
    for (name, code) in [
        ("f(int", "bad-routine 15"),
        ("f(int) x", "bad-routine 15"),
        ("f(int)", "missing-object 12"),
    ] {
        let config = format!(
            "roles:\n  r:\n    name: r\n    grants:\n      - object-type: function\n        database-name: db\n        schema-name: raw\n        object-name: '{name}'\n        privileges: [execute]\n"
        );
        let given = Given::postgres(&config).there(&["table db.raw.landing"]).connected_to("db");
        assert_eq!(given.codes(), [code], "{name}: {:?}", given.says());
    }
}

#[test]
fn a_playbook_and_a_product_give_on_one_object_each_with_its_own_line() {
    let config = "roles:\n  r:\n    name: r\n    grants:\n      - object-type: table\n        database-name: db\n        schema-name: sales\n        object-name: orders\n        privileges:\n          - select\n";
    let desired = Given::postgres(config).there(&["table db.sales.orders"]).desired();
    let (_, grant) = desired
        .grants
        .iter()
        .find(|((on, role), _)| role.as_str() == "r" && on.class().is_relation())
        .unwrap();
    let because: Vec<_> = grant.because.values().flatten().collect();
    assert_eq!(because[0].file.as_deref(), Some("rolecall.yml"));
    assert_eq!(because[0].line, Some(17));
    assert_eq!(because[0].permission.as_deref(), Some("select"));
}
