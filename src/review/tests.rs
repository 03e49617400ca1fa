//! What a change touches, and whom it lets in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;
use crate::directory::read_text;

const ROOT: &str = r#"version: 1
environments:
  dev: {role_name: "{{ role.name }}_dev"}
product_roles:
  analyst: {may: [read]}
products:
  sales: {owners: [jane@acme.example]}
  finance: {}
"#;
const MODELS: &str = "models:\n  - name: a\n    config: {meta: {rolecall: {product: sales, grants: {analyst: [read]}}}}\n  - name: b\n    config: {meta: {rolecall: {grants: {finance.analyst: [read]}}}}\n";

fn side(files: &[(&str, &str)]) -> Side {
    let mut side = Side::default();
    for (path, text) in files {
        match kind_of(path) {
            Some(kind) => side.config.push(SourceFile {
                path: PathBuf::from(path),
                text: (*text).to_owned(),
                kind,
            }),
            None => {
                side.dbt.insert((*path).to_owned(), (*text).to_owned());
            }
        }
    }
    side
}

fn author(name: &str, email: &str) -> Author {
    Author {
        name: name.to_owned(),
        email: email.to_owned(),
        signature: Signature::Claimed,
        commit: "c".to_owned(),
    }
}

/// What is touched, and what is wrong with it.
fn told(before: &[(&str, &str)], after: &[(&str, &str)], authors: &[Author]) -> String {
    let directory = read_text(b"name,team\njane,x\nkim,y\n", Path::new("p.csv"), "name").unwrap();
    let products_of =
        BTreeMap::from([("models/f.sql".to_owned(), BTreeSet::from(["finance".to_owned()]))]);
    let reviewed = review(&Reviewed {
        base: &side(before),
        head: &side(after),
        authors,
        products_of: &products_of,
        directory: Some(&directory),
        evidence: &Evidence::default(),
    });
    let names =
        |set: Vec<&String>| set.into_iter().map(String::as_str).collect::<Vec<_>>().join(" ");
    let found: Vec<String> =
        reviewed.found.iter().map(|d| format!("{}: {}", d.code, d.message)).collect();
    format!(
        "members [{}] permissions [{}]\n{}",
        names(reviewed.members.iter().collect()),
        names(reviewed.permissions.keys().collect()),
        found.join("\n")
    )
}

const SALES: &str = "rolecall/members/sales.yml";

#[test]
fn permissions_and_members_of_one_product_do_not_change_together() {
    let before =
        [("rolecall.yml", ROOT), (SALES, "analyst:\n  - user: taylor\n"), ("models/m.yml", MODELS)];
    let with = |path: &'static str, text: &'static str| {
        let mut files = before.to_vec();
        files.retain(|(old, _)| *old != path);
        files.push((path, text));
        files
    };
    let more = "# a comment\nanalyst:\n  - user: taylor\n  - user: robin\n";
    let me = [author("Max", "max@acme.example")];
    insta::assert_snapshot!(told(&before, &with(SALES, "analyst: # why\n  - {user: taylor}\n"), &me), @"members [] permissions []");
    insta::assert_snapshot!(told(&before, &with(SALES, more), &me), @"members [sales] permissions []");
    // The other product's declarations are another matter.
    let finance: &str = "models:\n  - name: b\n    config: {meta: {rolecall: {grants: {finance.analyst: [read, write]}}}}\n  - name: a\n    config: {meta: {rolecall: {product: sales, grants: {analyst: [read]}}}}\n";
    let mut files = with(SALES, more);
    files.retain(|(path, _)| *path != "models/m.yml");
    files.push(("models/m.yml", finance));
    insta::assert_snapshot!(told(&before, &files, &me), @"members [sales] permissions [finance]");
    let mut sales = with(SALES, more);
    sales.retain(|(path, _)| *path != "models/m.yml");
    insta::assert_snapshot!(told(&before, &sales, &me), @r"
    members [sales] permissions [finance sales]
    permissions-and-members: the change touches both the permissions and the members of sales
    ");
}

#[test]
fn what_is_the_platforms_touches_one_product_or_all() {
    let before = [("rolecall.yml", ROOT), (SALES, "analyst:\n  - user: taylor\n")];
    let root = |text: String| -> String {
        let text: &'static str = Box::leak(text.into_boxed_str());
        told(
            &before,
            &[("rolecall.yml", text), (SALES, "analyst: []\n")],
            &[author("Max", "max@acme.example")],
        )
    };
    insta::assert_snapshot!(root(format!("# moved\n\n{ROOT}")), @"members [sales] permissions []");
    insta::assert_snapshot!(root(ROOT.replace("finance: {}", "finance: {title: Money}")), @"members [sales] permissions [finance]");
    insta::assert_snapshot!(root(ROOT.replace("owners: [jane@acme.example]", "owners: []")), @r"
    members [sales] permissions [sales]
    permissions-and-members: the change touches both the permissions and the members of sales
    ");
    insta::assert_snapshot!(root(ROOT.replace("may: [read]", "may: [write]")), @r"
    members [sales] permissions [finance sales]
    permissions-and-members: the change touches both the permissions and the members of sales
    ");
}

#[test]
fn declarations_in_sql_and_folders_count_for_their_products() {
    let members = |user: &'static str| (SALES, user);
    let base = [("rolecall.yml", ROOT), members("analyst: []\n")];
    let change = |path: &'static str, old: &'static str, new: &'static str| {
        let mut before = base.to_vec();
        before.push((path, old));
        let after = [base[0], members("analyst: [{user: x}]\n"), (path, new)];
        told(&before, &after, &[author("Max", "max@acme.example")])
    };
    let sql = "{{ config(meta={'rolecall': {'grants': {'analyst': ['read']}}}) }} select 1";
    insta::assert_snapshot!(change("models/s.sql", "select 1", sql), @r"
    members [sales] permissions [finance sales]
    permissions-and-members: the change touches both the permissions and the members of sales
    ");
    insta::assert_snapshot!(change("models/f.sql", "select 1", sql), @"members [sales] permissions [finance]");
    insta::assert_snapshot!(change("models/s.sql", sql, "{{ config(meta={'rolecall': {'grants': {'analyst': ['read']}}}) }} select 2"), @"members [sales] permissions []");
    insta::assert_snapshot!(change("dbt_project.yml", "models: {}", "models: {shop: {+meta: {rolecall: {product: sales}}}}"), @r"
    members [sales] permissions [sales]
    permissions-and-members: the change touches both the permissions and the members of sales
    ");
    insta::assert_snapshot!(change("dbt_project.yml", "models: {}", "models: {shop: {+grants: {select: [x]}}}"), @r"
    members [sales] permissions [finance sales]
    permissions-and-members: the change touches both the permissions and the members of sales
    ");
    insta::assert_snapshot!(change("models/m.yml", "rolecall: [", "rolecall: ["), @"members [sales] permissions []");
}

#[test]
fn nobody_lets_themselves_in() {
    let before =
        [("rolecall.yml", ROOT), (SALES, "analyst:\n  - {user: jane, until: 2027-01-31}\n")];
    let after = |text: &'static str, name: &str, email: &str| {
        told(&before, &[("rolecall.yml", ROOT), (SALES, text)], &[author(name, email)])
    };
    let longer = "analyst:\n  - {user: jane, until: 2028-01-31}\n";
    insta::assert_snapshot!(after(longer, "Jane Doe", "Jane@acme.example"), @r"
    members [sales] permissions []
    author-admitted: the entry in sales.analyst lets in Jane Doe <Jane@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(after(longer, "Jane Doe", "123+jane@users.noreply.github.com"), @r"
    members [sales] permissions []
    author-admitted: the entry in sales.analyst lets in Jane Doe <123+jane@users.noreply.github.com> (claimed), who made the change
    ");
    insta::assert_snapshot!(after(longer, "Kim", "kim@acme.example"), @"members [sales] permissions []");
    insta::assert_snapshot!(after("analyst: []\n", "Jane", "jane@acme.example"), @"members [sales] permissions []");
    insta::assert_snapshot!(after("analyst:\n  - {user: jane, until: 2027-01-31}\n  - rule: \"user.team == 'y'\"\n", "Kim", "kim@acme.example"), @r"
    members [sales] permissions []
    author-admitted: the rule in sales.analyst lets in Kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(after("analyst:\n  - {user: jane, until: 2027-01-31}\n  - user: '\"Kim\"'\n", "KIM", "x@y"), @r"
    members [sales] permissions []
    author-admitted: the entry in sales.analyst lets in KIM <x@y> (claimed), who made the change
    ");
}

#[test]
fn nobody_lets_themselves_in_by_a_policy() {
    let before = [("rolecall.yml", ROOT), ("rolecall/platform/p.yml", "policies: []\n")];
    let policy = |actors: &str| -> String {
        let text = format!(
            "policies:\n  - name: all\n    privileges: [read]\n    resources: {{tags: [pii]}}\n    actors: {{{actors}}}\n"
        );
        let text: &'static str = Box::leak(text.into_boxed_str());
        let after = [before[0], ("rolecall/platform/p.yml", text)];
        told(&before, &after, &[author("Kim", "kim@acme.example")])
    };
    insta::assert_snapshot!(policy("users: [jane]"), @"members [] permissions [finance sales]");
    insta::assert_snapshot!(policy("users: [jane, kim]"), @r"
    members [] permissions [finance sales]
    author-admitted: the policy all lets in Kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(policy("rules: [\"user.team == 'y'\"]"), @r"
    members [] permissions [finance sales]
    author-admitted: the policy all lets in Kim <kim@acme.example> (claimed), who made the change
    ");
}

#[test]
fn what_is_said_of_all_products_is_said_of_its_file() {
    let members = |user: &'static str| (SALES, user);
    let file = "rolecall/platform/p.yml";
    let before = side(&[("rolecall.yml", ROOT), members("analyst: []\n"), (file, "{}\n")]);
    let role = "product_roles:\n  boss: {may: [admin]}\n";
    let after = side(&[("rolecall.yml", ROOT), members("analyst: [{user: x}]\n"), (file, role)]);
    let reviewed = review(&Reviewed {
        base: &before,
        head: &after,
        authors: &[],
        products_of: &BTreeMap::new(),
        directory: None,
        evidence: &Evidence::default(),
    });
    assert_eq!(reviewed.permissions["sales"].file, Path::new(file));
}

#[test]
fn code_owners_are_those_who_can_stand_there() {
    let text = r#"version: 1
environments: {dev: {role_name: "{{ product.name }}_{{ role.name }}"}}
directory: {path: ./hr/people list.csv, key: name}
products:
  a: {owners: [jane@acme.example, "@acme/sales-team", "Jane Doe", jane]}
  b: {owners: ["Jane Doe"]}
  c: {}
"#;
    let config = parse(&side(&[("rolecall.yml", text)]).config).0.unwrap();
    let (lines, found) = codeowners::lines(&config, "analytics/", &["@acme/platform".to_owned()]);
    let found: Vec<&str> = found.iter().map(|d| d.message.as_str()).collect();
    insta::assert_snapshot!(format!("{lines}{}", found.join("\n")), @r#"
    # By `rolecall codeowners`. The last line that matches a file decides.
    /analytics/rolecall.yml @acme/platform
    /analytics/rolecall.yaml @acme/platform
    /analytics/rolecall/ @acme/platform
    /analytics/hr/people\ list.csv @acme/platform
    /analytics/rolecall/requests/
    /analytics/rolecall/members/a.* jane@acme.example @acme/sales-team
    # /analytics/rolecall/members/b.*  (no owner that can stand here)
    # /analytics/rolecall/members/c.*  (no owner that can stand here)
    "Jane Doe" cannot stand in CODEOWNERS
    "jane" cannot stand in CODEOWNERS
    "Jane Doe" cannot stand in CODEOWNERS
    b has no owner for its members file
    c has no owner for its members file
    "#);
    insta::assert_snapshot!(codeowners::lines(&config, "", &[]).0, @r"
    # By `rolecall codeowners`. The last line that matches a file decides.
    # /rolecall.yml  (--platform says whose it is)
    # /rolecall.yaml  (--platform says whose it is)
    # /rolecall/  (--platform says whose it is)
    # /hr/people\ list.csv  (--platform says whose it is)
    /rolecall/requests/
    /rolecall/members/a.* jane@acme.example @acme/sales-team
    # /rolecall/members/b.*  (no owner that can stand here)
    # /rolecall/members/c.*  (no owner that can stand here)
    ");
    for wrong in ["", "jane", "@", "@a/", "a@", "@a b", "a b@c", "a@b@c", "@a#b", "a@b\n* @evil"] {
        assert!(!codeowners::is_owner(wrong), "{wrong:?}");
    }
}
