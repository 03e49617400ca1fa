//! Examples of checks: small projects that the documents show and the tests run.

/// Files of a small project, in place of those of [`BASE`], and what is done by hand.
#[derive(Debug, Clone, Copy)]
pub struct Example {
    /// Path and text.
    pub files: &'static [(&'static str, &'static str)],
    /// SQL that somebody runs after the apply; none where nothing is done by hand.
    pub by_hand: &'static str,
    /// What the check says of it; nothing of a good one.
    pub says: &'static str,
}

/// What every example begins with: one product, one role in it, and one model that it reads. The people
/// and roles ada, bob, jane, dbt and loader are there.
pub const BASE: &[(&str, &str)] = &[
    (
        "rolecall.yml",
        "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}
product_roles:
  analyst: {may: [read]}
products:
  sales: {owners: [jane], outputs: \"path:models/sales\"}
",
    ),
    (
        "rolecall/members/sales.yml",
        "\
analyst:
  - user: ada
",
    ),
    ("models/sales/orders.sql", "select 1 as id\n"),
    (
        "models/sales/_models.yml",
        "\
models:
  - name: orders
    config: {materialized: table, meta: {rolecall: {grants: {analyst: [read]}}}}
",
    ),
];
