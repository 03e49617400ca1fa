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
    let people = "name,team\njane,x\nkim,y\n";
    told_with((before, people), (after, people), authors)
}

/// The same, with the directories of both revisions.
fn told_with(
    (before, was): (&[(&str, &str)], &str),
    (after, is): (&[(&str, &str)], &str),
    authors: &[Author],
) -> String {
    let read = |text: &str| read_text(text.as_bytes(), Path::new("p.csv"), "name").unwrap();
    let (was, is) = (read(was), read(is));
    let products_of =
        BTreeMap::from([("models/f.sql".to_owned(), BTreeSet::from(["finance".to_owned()]))]);
    let reviewed = review(&Reviewed {
        base: &side(before),
        head: &side(after),
        authors,
        products_of: &products_of,
        directories: (Some(&was), Some(&is)),
        group_owners: &BTreeMap::from([("fin".to_owned(), BTreeSet::from(["kim".to_owned()]))]),
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
fn a_group_or_a_role_of_the_author_s_name_lets_the_author_in() {
    // On PostgreSQL users and groups are roles, and one name is one role.
    let before = [("rolecall.yml", ROOT), (SALES, "analyst: []\n")];
    let me = [author("Jane Doe", "jane@acme.example")];
    let group = [("rolecall.yml", ROOT), (SALES, "analyst:\n  - group: jane\n")];
    insta::assert_snapshot!(told(&before, &group, &me), @r"
    members [sales] permissions []
    author-admitted: the entry in sales.analyst lets in Jane Doe <jane@acme.example> (claimed), who made the change
    ");
    let others = [("rolecall.yml", ROOT), (SALES, "analyst:\n  - group: kim\n")];
    insta::assert_snapshot!(told(&before, &others, &me), @"members [sales] permissions []");
    // What a template makes of a group's name is who it is.
    let templates = ROOT.replace(
        r#"{role_name: "{{ role.name }}_dev"}"#,
        r#"{role_name: "{{ role.name }}_dev", group_name: "{{ group.name }}e"}"#,
    );
    let made = [("rolecall.yml", templates.as_str()), (SALES, "analyst:\n  - group: jan\n")];
    let was = [("rolecall.yml", templates.as_str()), (SALES, "analyst: []\n")];
    insta::assert_snapshot!(told(&was, &made, &me), @r"
    members [sales] permissions []
    author-admitted: the entry in sales.analyst lets in Jane Doe <jane@acme.example> (claimed), who made the change
    ");
    let policy = |role: &str| {
        format!(
            "{ROOT}platform_policies:\n  - name: w\n    privileges: [create]\n    on: {{database: d}}\n    actors: {{roles: [{role}]}}\n"
        )
    };
    let (kims, mine) = (policy("kim"), policy("jane"));
    let told = |from: &str, to: &str| {
        told(&[("rolecall.yml", from)], &[("rolecall.yml", to)], &me).contains("author-admitted")
    };
    assert!(told(&kims, &mine) && !told(&mine, &kims) && !told(&mine, &mine));
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
fn nobody_lets_themselves_in_by_a_row_of_the_directory() {
    let root = format!("{ROOT}directory: {{path: p.csv, key: name}}\n");
    let policies = "policies:\n  - {name: eu, privileges: [read], resources: {tags: [pii]}, actors: {rules: [\"user.region == 'eu'\"]}}\n  - {name: own, privileges: [read], match: {user_attribute: area, node_tag: area}}\n";
    let files = [
        ("rolecall.yml", root.as_str()),
        ("rolecall/platform/p.yml", policies),
        (SALES, "analyst:\n  - rule: \"user.team == 'y'\"\n  - group: bi\n"),
    ];
    let was = "name,team,region,area,groups,email\nk1,x,us,a,,kim@acme.example\njo,y,eu,b,bi,jo@acme.example\n";
    let by = |row: &str, who: &str| {
        let is = format!("{}{row}\n", &was[..was.find("k1").unwrap()]);
        told_with((&files, was), (&files, &is), &[author(who, &format!("{who}@acme.example"))])
    };
    // Kim is k1 by an address in another column.
    insta::assert_snapshot!(by("k1,y,us,a,,kim@acme.example", "kim"), @r"
    members [] permissions []
    author-admitted: the rule in sales.analyst, by the changed directory, lets in kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(by("k1,x,eu,a,,kim@acme.example", "kim"), @r"
    members [] permissions []
    author-admitted: the policy eu, by the changed directory, lets in kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(by("k1,x,us,c,,kim@acme.example", "kim"), @r"
    members [] permissions []
    author-admitted: the policy own, by the changed directory, lets in kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(by("k1,x,us,a,bi,kim@acme.example", "kim"), @r"
    members [] permissions []
    author-admitted: the entry in sales.analyst, by the changed directory, lets in kim <kim@acme.example> (claimed), who made the change
    ");
    // Somebody else's row, and what was so before.
    insta::assert_snapshot!(by("k1,y,eu,a,bi,kim@acme.example", "jo"), @"members [] permissions []");
    insta::assert_snapshot!(by("jo,y,eu,b,bi,jo@acme.example", "jo"), @"members [] permissions []");
}

#[test]
fn nobody_lets_themselves_in_by_what_names_become() {
    let with =
        |template: &str| ROOT.replace("_dev\"}", &format!("_dev\", user_name: \"{template}\"}}"));
    let (plain, other) = (with("{{ user.name }}"), with("k{{ user.name }}"));
    let files = |root: &'static str| [("rolecall.yml", root), (SALES, "analyst: [{user: im}]\n")];
    let kim = [author("Kim", "kim@acme.example")];
    let (plain, other) = (&*plain.leak(), &*other.leak());
    insta::assert_snapshot!(told(&files(plain), &files(other), &kim), @r"
    members [] permissions [finance sales]
    author-admitted: the entry in sales.analyst, by the changed `user_name`, lets in Kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(told(&files(other), &files(other), &kim), @"members [] permissions []");
}

#[test]
fn nobody_lets_themselves_in_as_an_owner() {
    let policy =
        "policies:\n  - {name: owners, privileges: [read], actors: {resource_owners: true}}\n";
    let platform = "rolecall/platform/p.yml";
    let by = |root: &str, path: &'static str, old: &str, new: &str| {
        let before = [("rolecall.yml", ROOT), (platform, policy), (path, old)];
        let after = [("rolecall.yml", root), (platform, policy), (path, new)];
        told(&before, &after, &[author("Kim", "kim@acme.example")])
    };
    let root = ROOT.replace("jane@acme", "kim@acme");
    insta::assert_snapshot!(by(&root, "models/x.yml", "{}", "{}"), @r"
    members [] permissions [sales]
    author-admitted: the policy owners, by the owners of sales, lets in Kim <kim@acme.example> (claimed), who made the change
    ");
    let group = "groups:\n  - {name: fin, owner: {email: X}}\n";
    insta::assert_snapshot!(by(ROOT, "models/x.yml", group, &group.replace('X', "kim@acme.example")), @r"
    members [] permissions [finance sales]
    author-admitted: the policy owners, by an owner by its group, lets in Kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(by(ROOT, "models/x.yml", group, &group.replace('X', "jane@acme.example")), @"members [] permissions [finance sales]");
    let meta = "models:\n  - {name: a, config: {meta: {owner: X}}}\n";
    insta::assert_snapshot!(by(ROOT, "models/x.yml", meta, &meta.replace('X', "[jane, {user: kim}]")), @r"
    members [] permissions [finance sales]
    author-admitted: the policy owners, by an owner by its meta, lets in Kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(by(ROOT, "models/x.yml", meta, &meta.replace('X', "\"{{ var('o') }}\"")), @r"
    members [] permissions [finance sales]
    author-admitted: the policy owners, by an owner by its meta, lets in Kim <kim@acme.example> (claimed), who made the change
    ");
    // Into the group that Kim owns.
    let moved = "models:\n  - {name: a, config: {group: X}}\n";
    insta::assert_snapshot!(by(ROOT, "models/x.yml", moved, &moved.replace('X', "fin")), @r"
    members [] permissions [finance sales]
    author-admitted: the policy owners, by an owner by its group, lets in Kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(by(ROOT, "models/x.yml", "models: []", &moved.replace('X', "fin")), @"members [] permissions [finance sales]");
    let sql = "{{ config(meta={'owner': 'X'}) }} select 1";
    insta::assert_snapshot!(by(ROOT, "models/x.sql", sql, &sql.replace('X', "kim")), @r"
    members [] permissions [finance sales]
    author-admitted: the policy owners, by an owner by its meta, lets in Kim <kim@acme.example> (claimed), who made the change
    ");
    insta::assert_snapshot!(by(ROOT, "models/x.sql", sql, &sql.replace('X', "jane")), @"members [] permissions [finance sales]");
}

#[test]
fn a_policy_that_begins_to_ask_for_owners_lets_in_those_there_are() {
    let platform = "rolecall/platform/p.yml";
    let policy = |more: &str| -> String {
        format!(
            "policies:\n  - {{name: owners, privileges: [read], {more} actors: {{users: [jo], resource_owners: [product]}}}}\n"
        )
    };
    let by = |old: &str, new: &str, who: &str| {
        let before = [("rolecall.yml", ROOT), (platform, old)];
        let after = [("rolecall.yml", ROOT), (platform, new)];
        told(&before, &after, &[author(who, &format!("{who}@acme.example"))])
    };
    let without = policy("").replace(", resource_owners: [product]", "");
    for old in [&without, &policy("active: false,")] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(by(old, &policy(""), "jane"), @r"
            members [] permissions [finance sales]
            author-admitted: the policy owners, by `resource_owners`, lets in jane <jane@acme.example> (claimed), who made the change
            ");
            insta::assert_snapshot!(by(old, &policy(""), "kim"), @"members [] permissions [finance sales]");
        }
    }
    insta::assert_snapshot!(by(&policy("active: false,"), &policy(""), "jo"), @r"
    members [] permissions [finance sales]
    author-admitted: the policy owners lets in jo <jo@acme.example> (claimed), who made the change
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
        directories: (None, None),
        group_owners: &BTreeMap::new(),
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
