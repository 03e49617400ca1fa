//! Policies that protect or give nothing, and how that is said.

use super::tests::{people, says, says_of};

/// Without the roles: what is found.
fn found(said: &str) -> String {
    let lines = said.lines().filter(|line| line.contains('['));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn an_always_required_policy_that_protects_nothing_is_an_error() {
    insta::assert_snapshot!(says(r#"
policies:
  - {name: typo, combine: all, resources: {tags: [ppi]}, actors: {users: [joe]}}
  - {name: untagged, combine: all, actors: {users: [joe]}, match: {user_attribute: rolecall_product, node_tag: rolecall_product.sale}}
"#), @r#"
    Error[policy-selects-nothing] (line 12) the policy typo selects no node: it is always required, and protects nothing
    Error[policy-selects-nothing] (line 13) no node that the policy untagged is about carries a tag below "rolecall_product.sale", which its `match` asks for: it is always required, and protects nothing
    "#);
    insta::assert_snapshot!(found(&says_of(people(), r#"
policies:
  - {name: shared, privileges: [read], match: {user_attribute: region, node_tag: regoin}}
"#)), @r#"Warning[policy-selects-nothing] (line 12) no node that the policy shared is about carries a tag below "regoin", which its `match` asks for"#);
}

#[test]
fn always_required_policies_that_exclude_each_other_are_said_with_their_nodes() {
    insta::assert_snapshot!(says(r#"
policies:
  - {name: one, combine: all, resources: {products: [sales]}, actors: {users: [joe]}}
  - {name: two, combine: all, resources: {tags: [pii]}, actors: {users: [sam]}}
"#), @r#"
    fin_analyst:  <- user kay
    policy_sales_analyst_where_one: SELECT on db.sales.visits <- user joe
    policy_sales_analyst_where_one_two: SELECT on db.sales.orders <- 
    sales_analyst:  <- user joe, user sam
    sales_engineer:  <- user joe
    Warning[policy-admits-nobody] (line 12) the policies one, two are all always required on 1 node, and nobody is admitted by all of them: nobody gets access there: model.shop.orders
    "#);
}

#[test]
fn an_always_required_policy_that_is_switched_off_says_what_is_open_without_it() {
    let policy = r#"
policies:
  - {name: cleared, active: false, combine: all, resources: {tags: [pii]}, actors: {users: [joe]}}
"#;
    insta::assert_snapshot!(found(&says(policy)), @"Warning[policy-off] (line 12) the policy cleared is switched off: 2 nodes are open without it: model.shop.ledger, model.shop.orders");
    assert_eq!(found(&says(&policy.replace("[pii]", "[ppi]"))), "");
}

#[test]
fn a_match_that_is_always_required_is_so_only_on_nodes_that_carry_the_tag() {
    insta::assert_snapshot!(says_of(people(), r#"
policies:
  - {name: level, combine: all, match: {user_attribute: department, node_tag: pii}}
"#), @r#"
    fin_analyst:  <- user kay
    policy_sales_analyst_where_level: SELECT on db.sales.orders <- 
    sales_analyst: SELECT on db.sales.visits <- user joe, user sam
    sales_engineer:  <- user joe
    Warning[policy-admits-nobody] (line 12) the policy level is always required on 1 node, and admits nobody: nobody gets access there
    Warning[policy-admits-nobody] (line 12) the policy level is always required on 1 node, and admits nobody: nobody gets access there
    "#);
}

#[test]
fn slips_of_the_pen_are_answered_with_what_was_meant() {
    let policies = r#"
policies:
  - {name: a, privileges: [read], actors: {user: [p1]}}
platform_policies:
  - {name: b, privileges: [CREAT], actors: {users: [x]}}
"#;
    let (_, found) =
        super::tests::resolved(&format!("{}{policies}", super::tests::HEAD), &[], vec![]);
    let said: Vec<_> = found.iter().map(|d| format!("{} {:?}", d.code, d.help)).collect();
    insta::assert_snapshot!(said.join("\n"), @r#"
    unknown-key Some("did you mean `users`? known are `users`, `groups`, `rules`, `product_roles`, `resource_owners`")
    unknown-permission Some("did you mean `CREATE`?")
    "#);
}

#[test]
fn whoever_is_let_in_through_a_group_is_so_by_the_line_of_the_group() {
    let config = format!(
        "{}{}",
        super::tests::HEAD,
        r#"
policies:
  - {name: cleared, combine: all, resources: {tags: [pii]}, actors: {users: [sam]}}
"#
    );
    let members = [("sales", "# who\nanalyst:\n  - group: crowd")];
    let (resolved, _) = super::tests::knowing(people(), &config, &members, super::tests::shop());
    let resolved = resolved.unwrap();
    let mut because = resolved.desired.memberships.iter().filter(|((role, member), _)| {
        role.as_str() == "policy_sales_analyst_where_cleared" && member.as_str() == "sam"
    });
    let (_, wanted) = because.next().unwrap();
    let lines: Vec<_> = wanted.because.iter().map(|why| (why.file.clone(), why.line)).collect();
    assert_eq!(lines, [(Some("rolecall/members/sales.yml".to_owned()), Some(3))]);
}
