//! Policies resolved from texts, without a warehouse.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::super::{Inputs, Resolved, Target, resolve};
use crate::config::{FileKind, SourceFile, parse};
use crate::dbt::read_manifest_for;
use crate::declare::{ProjectSources, read_declarations};
use crate::dialect;
use crate::directory::{Known, read_text};
use crate::model::{Diagnostics, DialectKind, Inventory, ObjectClass};

pub(super) const HEAD: &str = r#"version: 1
environments:
  dev: {role_name: "{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write]}
products:
  sales: {outputs: "path:models/sales", owners: [jane], domain: emea.sales}
  fin: {outputs: "path:models/fin", owners: [kim], domain: us}
"#;

/// A node of the manifest.
pub(super) fn node(folder: &str, name: &str, materialized: &str, more: Value) -> (String, Value) {
    let mut node = json!({
        "resource_type": "model", "package_name": "shop", "name": name, "alias": name,
        "database": "db", "schema": folder, "relation_name": format!("\"db\".\"{folder}\".\"{name}\""),
        "original_file_path": format!("models/{folder}/{name}.sql"),
        "fqn": ["shop", folder, name], "tags": [],
        "config": {"enabled": true, "materialized": materialized, "meta": {}},
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        match key.as_str() {
            "grants" => node["config"]["meta"]["rolecall"] = json!({"grants": value}),
            "owner" => node["config"]["meta"]["owner"] = value.clone(),
            "dbt_grants" => node["config"]["grants"] = value.clone(),
            _ => node[key] = value.clone(),
        }
    }
    (format!("model.shop.{name}"), node)
}

pub(super) fn shop() -> Vec<(String, Value)> {
    vec![
        node("sales", "orders", "table", json!({"tags": ["pii"], "grants": {"analyst": ["read"]}})),
        node("sales", "visits", "view", json!({"grants": {"analyst": ["read"]}})),
        node("fin", "ledger", "table", json!({"tags": ["pii.high"], "group": "money"})),
        node("fin", "rates", "table", json!({"owner": "ann"})),
    ]
}

pub(super) fn resolved(
    config: &str,
    members: &[(&str, &str)],
    nodes: Vec<(String, Value)>,
) -> (Option<Resolved>, Diagnostics) {
    knowing(Known::Nothing, config, members, nodes)
}

/// The same, with a directory of people.
pub(super) fn knowing(
    known: Known,
    config: &str,
    members: &[(&str, &str)],
    nodes: Vec<(String, Value)>,
) -> (Option<Resolved>, Diagnostics) {
    let (resolved, mut found) =
        asked(known, config, members, nodes, |inputs| Some(resolve(inputs)));
    let resolved = resolved.and_then(|(resolved, problems)| {
        found.extend(problems);
        resolved
    });
    (resolved, found)
}

/// What is made of texts, where they can be read.
fn asked<T>(
    known: Known,
    config: &str,
    members: &[(&str, &str)],
    nodes: Vec<(String, Value)>,
    ask: impl FnOnce(&Inputs) -> Option<T>,
) -> (Option<T>, Diagnostics) {
    let mut files = vec![SourceFile {
        path: PathBuf::from("rolecall.yml"),
        text: config.to_owned(),
        kind: FileKind::Root,
    }];
    files.extend(members.iter().map(|(product, text)| SourceFile {
        path: PathBuf::from(format!("rolecall/members/{product}.yml")),
        text: (*text).to_owned(),
        kind: FileKind::Members { product: (*product).to_owned() },
    }));
    let (config, mut found) = parse(&files);
    let Some(config) = config.filter(|_| !found.has_errors()) else { return (None, found) };
    let nodes: serde_json::Map<String, Value> = nodes.into_iter().collect();
    let manifest = json!({
        "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                     "project_name": "shop", "adapter_type": "postgres"},
        "nodes": nodes,
        "sources": {},
        "groups": {"group.shop.money": {"name": "money", "package_name": "shop",
                                        "owner": {"email": "mo"}}},
    });
    let wanted = crate::dbt::Wanted { owners: true, ..Default::default() };
    let (manifest, problems) =
        read_manifest_for(manifest.to_string().as_bytes(), Path::new("manifest.json"), wanted);
    found.extend(problems);
    let Some(manifest) = manifest else { return (None, found) };
    let sources = ProjectSources::default();
    let (declarations, problems) = read_declarations(&manifest, &sources);
    found.extend(problems);
    let environment = config.environments.values().next().unwrap();
    let dialect = config.dialect.as_ref().map_or(DialectKind::Postgres, |said| said.value);
    let answer = ask(&Inputs {
        manifest: &manifest,
        declarations: &declarations,
        config: &config,
        environment,
        dialect: dialect::of(dialect),
        project: Some("shop"),
        target: &Target { name: "dev".into(), schema: None, database: Some("db".into()) },
        database: None,
        inventory: &Inventory::default(),
        skip_missing: false,
        only: None,
        as_of: 0,
        known: &known,
    });
    (answer, found)
}

/// One line for each grant on a relation and each membership of a role.
pub(super) fn shown(resolved: &Resolved) -> String {
    let desired = &resolved.desired;
    let mut lines = Vec::new();
    for (name, role) in &desired.roles {
        let grants = desired.grants.iter().filter(|((on, role), _)| {
            role == name && (on.class().is_relation() || on.schema_name().is_none())
        });
        let grants: Vec<String> = grants
            .map(|((on, _), grant)| match on.class().is_relation() {
                true => format!("{} on {}", grant.privileges, on),
                false => format!("{} on {} {on}", grant.privileges, on.class()),
            })
            .filter(|line| line != "CONNECT on database db")
            .collect();
        let members: Vec<String> = desired
            .memberships
            .iter()
            .filter(|((of, _), _)| of == name)
            .map(|((_, member), wanted)| format!("{} {member}", wanted.kind.as_str()))
            .collect();
        if role.marker.policy.is_some() || !grants.is_empty() || !members.is_empty() {
            lines.push(format!("{name}: {} <- {}", grants.join("; "), members.join(", ")));
        }
    }
    lines.join("\n")
}

pub(super) fn people() -> Known {
    let csv = "name,department,region,groups\nsam,Sales,sales,crowd;bi\njoe,Sales,EU,crowd\nzoe,Fin,fin,bi\n";
    let read = read_text(csv.as_bytes(), Path::new("people.csv"), "name");
    Known::People(std::sync::Arc::new(read.unwrap()))
}

pub(super) fn says(policies: &str) -> String {
    says_of(Known::Nothing, policies)
}

pub(super) fn says_of(known: Known, policies: &str) -> String {
    let members = [
        ("sales", "analyst: [{user: sam}, {user: joe}]\nengineer: [{user: joe}]"),
        ("fin", "analyst: [{user: kay}]"),
    ];
    let (resolved, found) = knowing(known, &format!("{HEAD}{policies}"), &members, shop());
    let mut text = resolved.map(|resolved| shown(&resolved)).unwrap_or_default();
    for d in found.iter() {
        let line = d.place.as_ref().and_then(|place| place.line);
        let line = line.map(|line| format!(" (line {line})")).unwrap_or_default();
        text += &format!("\n{:?}[{}]{line} {}", d.severity, d.code, d.message);
    }
    text.trim_start().to_owned()
}

#[test]
fn a_policy_gets_a_role_of_its_own_with_what_it_gives_and_whom_it_admits() {
    insta::assert_snapshot!(says(r#"
policies:
  - name: stewards
    privileges: [read, write]
    resources: {select: "tag:pii", classes: [table]}
    actors: {users: [jo], groups: [bi], product_roles: [sales.engineer]}
"#), @r#"
    fin_analyst:  <- user kay
    policy_stewards: DELETE, INSERT, SELECT, TRUNCATE, UPDATE on db.sales.orders <- group bi, user jo, role sales_engineer
    sales_analyst: SELECT on db.sales.orders; SELECT on db.sales.visits <- user joe, user sam
    sales_engineer:  <- user joe
    "#);
}

#[test]
fn left_out_resources_mean_all_and_each_narrows() {
    insta::assert_snapshot!(says(r#"
policies:
  - {name: all, privileges: [read], actors: {users: [a]}}
  - {name: emea, privileges: [read], resources: {domains: [emea]}, actors: {users: [a]}}
  - {name: fin, privileges: [read], resources: {products: [fin]}, actors: {users: [a]}}
  - {name: pii, privileges: [read], resources: {tags: [pii]}, actors: {users: [a]}}
  - {name: views, privileges: [write], resources: {classes: [view]}, actors: {users: [a]}}
  - {name: outputs, privileges: [read], resources: {tags: [rolecall_product]}, actors: {users: [a]}}
"#), @r#"
    fin_analyst:  <- user kay
    policy_all: SELECT on db.fin.ledger; SELECT on db.fin.rates; SELECT on db.sales.orders; SELECT on db.sales.visits <- user a
    policy_emea: SELECT on db.sales.orders; SELECT on db.sales.visits <- user a
    policy_fin: SELECT on db.fin.ledger; SELECT on db.fin.rates <- user a
    policy_outputs: SELECT on db.fin.ledger; SELECT on db.fin.rates; SELECT on db.sales.orders; SELECT on db.sales.visits <- user a
    policy_pii: SELECT on db.fin.ledger; SELECT on db.sales.orders <- user a
    policy_views:  <- user a
    sales_analyst: SELECT on db.sales.orders; SELECT on db.sales.visits <- user joe, user sam
    sales_engineer:  <- user joe
    Warning[policy-gives-nothing] (line 16) what the policy views gives is nothing on any node it is about
    "#);
}

#[test]
fn owners_differ_from_node_to_node_and_so_do_the_roles() {
    insta::assert_snapshot!(says(r#"
policies:
  - {name: owned, privileges: [read], actors: {resource_owners: true, users: [root]}}
  - {name: told, privileges: [write], actors: {resource_owners: [product]}}
"#), @r#"
    fin_analyst:  <- user kay
    policy_owned: SELECT on db.fin.ledger; SELECT on db.fin.rates; SELECT on db.sales.orders; SELECT on db.sales.visits <- user root
    policy_owned_owners_ann_61f38ea1: SELECT on db.fin.rates <- user ann
    policy_owned_owners_jane_91bf13fc: SELECT on db.sales.orders; SELECT on db.sales.visits <- user jane
    policy_owned_owners_mo_c594d18d: SELECT on db.fin.ledger <- user mo
    policy_told_owners_jane_91bf13fc: DELETE, INSERT, TRUNCATE, UPDATE on db.sales.orders <- user jane
    policy_told_owners_kim_74d8f3b5: DELETE, INSERT, TRUNCATE, UPDATE on db.fin.ledger; DELETE, INSERT, TRUNCATE, UPDATE on db.fin.rates <- user kim
    sales_analyst: SELECT on db.sales.orders; SELECT on db.sales.visits <- user joe, user sam
    sales_engineer:  <- user joe
    "#);
}

#[test]
fn a_policy_that_is_not_active_or_not_for_this_environment_does_nothing() {
    insta::assert_snapshot!(says(r#"
policies:
  - {name: off, active: false, privileges: [read], actors: {users: [a]}}
"#), @r#"
    fin_analyst:  <- user kay
    sales_analyst: SELECT on db.sales.orders; SELECT on db.sales.visits <- user joe, user sam
    sales_engineer:  <- user joe
    "#);
}

#[test]
fn the_standing_policy_serves_all_products() {
    insta::assert_snapshot!(says(r#"
policies:
  - name: standing
    privileges: [read]
    match: {user_attribute: rolecall_product, node_tag: rolecall_product}
"#), @r#"
    fin_analyst:  <- user kay
    policy_standing_fin: SELECT on db.fin.ledger; SELECT on db.fin.rates <- user kay
    policy_standing_sales: SELECT on db.sales.orders; SELECT on db.sales.visits <- user joe, user sam
    sales_analyst: SELECT on db.sales.orders; SELECT on db.sales.visits <- user joe, user sam
    sales_engineer:  <- user joe
    "#);
}

#[test]
fn where_a_policy_is_always_required_only_those_who_are_in_both_have_access() {
    insta::assert_snapshot!(says(r#"
policies:
  - {name: cleared, combine: all, resources: {tags: [pii]}, actors: {users: [joe, kay], product_roles: [fin.analyst]}}
  - {name: readers, privileges: [read], resources: {products: [fin]}, actors: {users: [zoe], product_roles: [fin.analyst]}}
"#), @r#"
    fin_analyst:  <- user kay
    policy_readers: SELECT on db.fin.rates <- role fin_analyst, user zoe
    policy_readers_where_cleared: SELECT on db.fin.ledger <- user kay
    policy_sales_analyst_where_cleared: SELECT on db.sales.orders <- user joe
    sales_analyst: SELECT on db.sales.visits <- user joe, user sam
    sales_engineer:  <- user joe
    "#);
}

#[test]
fn what_goes_round_an_always_required_policy_is_an_error() {
    let gate = r#"
policies:
  - {name: cleared, combine: all, actors: {users: [joe], groups: [bi]}}
"#;
    let mut nodes = shop();
    nodes.push(node("sales", "mine", "table", json!({"grants": {"engineer": ["own"]}})));
    nodes.push(node("sales", "theirs", "table", json!({"dbt_grants": {"select": ["bob"]}})));
    let head = HEAD.replace("[read, write]", "[read, write, own]");
    let members = [("sales", "analyst: [{group: crowd}]")];
    let (resolved, found) = resolved(&format!("{head}{gate}"), &members, nodes);
    assert!(resolved.is_none());
    let mut codes: Vec<_> = found.iter().map(|d| format!("{} {}", d.code, d.message)).collect();
    codes.sort();
    insta::assert_snapshot!(codes.join("\n"), @r#"
    own-under-policy sales_engineer is declared to own db.sales.mine, where the policy cleared is always required: an owner goes round it
    round-policy dbt's own `grants` on model.shop.theirs go round the policy cleared, which is always required there
    unlisted-group the policy cleared is always required, and nobody says who is in the group bi
    unlisted-group the policy cleared is always required, and nobody says who is in the group crowd
    "#);
}

#[test]
fn what_is_wrong_with_policies_is_said_at_once() {
    insta::assert_snapshot!(says(r#"
policies:
  - {name: a, privileges: [read], actors: {users: [x]}}
  - {name: a, privileges: [read], actors: {users: [x]}}
  - {privileges: [raed, own], actors: {product_roles: [sales, sales.boss, x.analyst]}}
  - {name: b, combine: all, privileges: [read], actors: {}}
  - {name: c, combine: some, actors: {resource_owners: [team]}, resources: {tags: []}}
  - {name: d, privileges: [read], resources: {classes: [tabel], domains: [apac], products: [salse]}}
  - {name: e, privileges: [read], match: {node_tag: x}, environments: [prod]}
"#), @r#"
    Error[invalid-policy] (line 16) `tags` of a policy's resources names nothing
    Error[said-twice] (line 13) the policy `a` is said twice
    Error[missing-key] (line 14) the policy has no `name`
    Error[unknown-permission] (line 14) `raed` is no permission
    Error[invalid-policy] (line 14) a policy gives no ownership
    Error[unknown-product-role] (line 14) `sales` does not say of which product
    Error[invalid-policy] (line 15) the policy `b` is always required, and names privileges
    Error[invalid-policy] (line 16) `combine` is `some`
    Error[missing-key] (line 16) the policy `c` gives no `privileges`
    Error[invalid-policy] (line 16) `team` says nothing of who owns a node
    Error[missing-key] (line 17) the policy `d` has neither `actors` nor `match`
    Error[invalid-policy] (line 17) `tabel` is no class of a node's relation
    Error[missing-key] (line 18) `match` needs a `user_attribute` and a `node_tag`
    Error[unknown-product] (line 17) there is no product `salse`
    Error[unknown-domain] (line 17) no product is in the domain `apac`
    Error[unknown-environment] (line 18) there is no environment `prod`
    "#);
    insta::assert_snapshot!(says(r#"
policies:
  - {name: a, privileges: [write, USAGE], actors: {product_roles: [sales.analyst]}}
  - {name: b, privileges: [read], resources: {select: "tag:none"}, actors: {users: []}}
  - {name: d, privileges: [read], resources: {select: "tga:none"}, actors: {users: [x]}}
platform_policies:
  - {name: c, privileges: [SELECT], on: {warehouses: [W], account: true}, actors: {product_roles: [sales.analyst]}}
"#), @r#"
    Warning[policy-selects-nothing] (line 13) the policy b selects no node
    Error[bad-selector] (line 14) `select` of the policy d: `tga` is no selection method
    Error[no-such-privilege] (line 12) "USAGE" is no privilege of any relation on postgres
    Error[no-such-privilege] (line 16) "SELECT" is no privilege of the class account on postgres
    Error[no-such-privilege] (line 16) "SELECT" is no privilege of the class warehouse on postgres
    Error[beyond-may] (line 12) the policy a gives sales.analyst more than its `may` in dev on model.shop.ledger and 2 more nodes: DELETE, INSERT, TRUNCATE, UPDATE
    Warning[policy-admits-nobody] (line 13) the policy b admits nobody
    "#);
    insta::assert_snapshot!(says(r#"
policies:
  - {name: gate, combine: all, actors: {users: []}}
  - {name: b, privileges: [write], resources: {classes: [view]}, actors: {users: [x]}}
platform_policies:
  - {name: c, privileges: [read], on: {}, actors: {users: [x]}}
  - {name: gate, privileges: [CREATE], actors: {}}
"#), @r#"
    Error[invalid-policy] (line 15) `read` is a permission on nodes
    Error[missing-key] (line 15) the platform policy `c` is on nothing
    Error[said-twice] (line 16) the policy `gate` is said twice
    "#);
    insta::assert_snapshot!(says(r#"
policies:
  - {name: gate, combine: all, actors: {users: []}}
  - {name: b, privileges: [write], resources: {classes: [view]}, actors: {users: [x]}}
"#), @r#"
    fin_analyst:  <- user kay
    policy_b:  <- user x
    policy_sales_analyst_where_gate: SELECT on db.sales.orders; SELECT on db.sales.visits <- 
    sales_analyst:  <- user joe, user sam
    sales_engineer:  <- user joe
    Warning[policy-gives-nothing] (line 13) what the policy b gives is nothing on any node it is about
    Warning[policy-admits-nobody] (line 12) the policy gate is always required on 4 nodes, and admits nobody: nobody gets access there
    "#);
}

#[test]
fn tags_that_rolecall_gives_are_not_written_by_hand() {
    let nodes = vec![node("sales", "a", "table", json!({"tags": ["rolecall_product.fin"]}))];
    let (resolved, found) = resolved(HEAD, &[], nodes);
    assert!(resolved.is_none());
    let codes: Vec<_> = found.iter().map(|d| d.code).collect();
    assert!(codes.contains(&"reserved-tag"), "{codes:?}");
}

#[test]
fn a_platform_policy_gives_privileges_on_the_database() {
    insta::assert_snapshot!(says(r#"
platform_policies:
  - {name: builders, privileges: [CREATE, TEMPORARY], actors: {users: [jo], roles: [dbt_runner]}}
"#), @r#"
    fin_analyst:  <- user kay
    policy_builders: CREATE, TEMPORARY on database db <- group dbt_runner, user jo
    sales_analyst: SELECT on db.sales.orders; SELECT on db.sales.visits <- user joe, user sam
    sales_engineer:  <- user joe
    "#);
}

#[test]
fn the_directory_says_who_matches_a_rule_and_who_is_in_a_group() {
    insta::assert_snapshot!(says_of(people(), r#"
policies:
  - {name: cleared, combine: all, resources: {tags: [pii]}, actors: {groups: [crowd], rules: ["user.department == 'Fin'"]}}
  - {name: readers, privileges: [read], actors: {groups: [bi], users: [kay]}}
  - {name: same, privileges: [read], match: {user_attribute: region, node_tag: rolecall_product}}
"#), @r#"
    fin_analyst:  <- user kay
    policy_readers: SELECT on db.fin.rates; SELECT on db.sales.visits <- group bi, user kay
    policy_readers_where_cleared: SELECT on db.fin.ledger; SELECT on db.sales.orders <- user sam, user zoe
    policy_sales_analyst_where_cleared: SELECT on db.sales.orders <- user joe, user sam
    policy_same_fin: SELECT on db.fin.rates <- user zoe
    policy_same_fin_where_cleared: SELECT on db.fin.ledger <- user zoe
    policy_same_sales: SELECT on db.sales.visits <- user sam
    policy_same_sales_where_cleared: SELECT on db.sales.orders <- user sam
    sales_analyst: SELECT on db.sales.visits <- user joe, user sam
    sales_engineer:  <- user joe
    "#);
    insta::assert_snapshot!(says_of(people(), r#"
policies:
  - {name: cleared, combine: all, resources: {tags: [pii]}, actors: {groups: [nobody], rules: ["user.dept == 'x'", "nonsense("]}}
"#), @"Error[invalid-rule] (line 12) the rule does not parse: unexpected end of input, expected expression");
    insta::assert_snapshot!(says(r#"
policies:
  - {name: cleared, combine: all, resources: {tags: [pii]}, actors: {rules: ["user.department == 'x'"]}}
  - {name: same, privileges: [read], match: {user_attribute: region, node_tag: rolecall_product}}
  - {name: jo, privileges: [read], actors: {users: [bi], groups: [bi]}}
"#), @r#"
    Error[user-and-group] (line 14) bi is named both as a user and as a group
    Error[no-directory] (line 13) a policy matches an attribute, and no directory of people says who has it
    Warning[policy-admits-nobody] (line 13) the policy same admits nobody
    Error[no-directory] (line 12) there is a rule, and no directory of people to ask
    Warning[policy-admits-nobody] (line 12) the policy cleared is always required on 2 nodes, and admits nobody: nobody gets access there
    "#);
}

#[test]
fn what_rolecall_gives_people_is_in_no_directory() {
    let read = read_text(b"name,rolecall_product\njoe,sales\n", Path::new("p.csv"), "name");
    let known = Known::People(std::sync::Arc::new(read.unwrap()));
    let said = says_of(known, "");
    assert!(said.contains("reserved-attribute"), "{said}");
}

#[test]
fn hooks_grant_what_policies_give_to_whoever_holds_it_under_those_that_are_required() {
    let config = format!(
        "{HEAD}{}",
        r#"
policies:
  - {name: cleared, combine: all, resources: {tags: [pii]}, actors: {users: [joe]}}
  - {name: readers, privileges: [write], resources: {products: [sales]}, actors: {users: [zoe, joe]}}
"#
    );
    let members = [("sales", "analyst: [{user: joe}]")];
    let (rows, _) = asked(Known::Nothing, &config, &members, shop(), |inputs| {
        let resolved = resolve(inputs).0?;
        Some(super::super::hooks::relation_grants(inputs, &resolved))
    });
    let mut lines = Vec::new();
    for (node, rows) in rows.unwrap() {
        for row in rows.iter().filter(|row| row.classes.contains(&ObjectClass::Table)) {
            lines.push(format!("{node}: {:?} {:?}", row.privileges, row.roles));
        }
    }
    insta::assert_snapshot!(lines.join("\n"), @r#"
    model.shop.orders: [TRUNCATE] ["policy_readers_where_cleared"]
    model.shop.orders: [SELECT] ["policy_sales_analyst_where_cleared"]
    model.shop.orders: [DELETE, INSERT, UPDATE] ["policy_readers_where_cleared"]
    model.shop.visits: [TRUNCATE] ["policy_readers"]
    model.shop.visits: [SELECT] ["sales_analyst"]
    model.shop.visits: [DELETE, INSERT, UPDATE] ["policy_readers"]
    "#);
}

#[test]
fn on_snowflake_a_policy_has_its_parent_and_its_database_role_like_any_other() {
    let head = HEAD
        .replace("version: 1", "version: 1\ndialect: snowflake")
        .replace("{{ role.name }}\"}", "{{ role.name }}\", role_kind: database}");
    let config = format!(
        "{head}{}",
        r#"
policies:
  - {name: stewards, privileges: [read], resources: {products: [fin]}, actors: {users: [jo], product_roles: [fin.analyst]}}
platform_policies:
  - {name: watch, privileges: [MONITOR], on: {warehouses: [BI_WH]}, actors: {groups: [finops]}}
"#
    );
    let (resolved, found) = resolved(&config, &[], shop());
    let codes: Vec<_> = found.iter().map(|d| &d.message).collect();
    let resolved = resolved.unwrap_or_else(|| panic!("{codes:?}"));
    let lines = shown(&resolved);
    let lines: Vec<&str> = lines.lines().filter(|line| line.contains("POLICY")).collect();
    insta::assert_snapshot!(lines.join("\n"), @r#"
    POLICY_STEWARDS:  <- role FIN_ANALYST, user JO, role SYSADMIN
    POLICY_WATCH: MONITOR on warehouse BI_WH <- group FINOPS, role SYSADMIN
    db.POLICY_STEWARDS: USAGE on database db; SELECT on db.fin.ledger; SELECT on db.fin.rates <- role POLICY_STEWARDS
    "#);
}

#[test]
fn an_immutable_policy_is_immutable_where_another_is_required_too_and_no_required_one_is() {
    let config = format!(
        "{HEAD}{}",
        r#"
policies:
  - {name: gate, combine: all, actors: {users: [jo]}}
  - {name: keep, immutable: true, privileges: [read], actors: {users: [jo]}}
"#
    );
    let (resolved, found) = resolved(&config, &[], shop());
    let said: Vec<_> = found.iter().map(|d| &d.message).collect();
    let roles = resolved.unwrap_or_else(|| panic!("{said:?}")).desired.roles;
    let where_gated = roles.iter().find(|(name, _)| name.as_str() == "policy_keep_where_gate");
    assert!(where_gated.unwrap().1.marker.immutable);
    insta::assert_snapshot!(says(r#"
policies:
  - {name: gate, combine: all, immutable: true, actors: {users: [jo]}}
"#), @"Error[invalid-policy] (line 12) the policy `gate` is always required and immutable: it gives nothing that could be kept");
}
