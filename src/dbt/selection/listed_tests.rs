//! What `dbt ls` prints, in each of its forms.

use std::path::Path;

use super::read_listed;
use crate::dbt::{Manifest, Wanted, read_manifest_for};

const MANIFEST: &[u8] = include_bytes!("../../../dbt_fixtures/selection/manifest.json");

fn manifest() -> Manifest {
    let wanted = Wanted { graph: true, ..Wanted::default() };
    read_manifest_for(MANIFEST, Path::new("manifest.json"), wanted).0.unwrap()
}

fn listed(text: &str) -> String {
    let (listed, found) = read_listed(text, Path::new("nodes.txt"), &manifest());
    let found = found.sorted().into_iter().map(|one| {
        let line = one.place.and_then(|place| place.line).unwrap_or_default();
        format!("line {line}: {} ({})", one.message, one.help.unwrap_or_default())
    });
    let nodes = listed.nodes.into_iter().collect::<Vec<_>>().join(" ");
    let mut lines = vec![format!("{nodes} and {} others", listed.others)];
    lines.extend(found);
    lines.join("\n")
}

#[test]
fn each_form_of_dbt_ls_is_read() {
    insta::assert_snapshot!(listed("\
\u{1b}[0m19:30:46  Running with dbt=1.11.16
19:30:46.123  Found 12 models
shop.marts.sales.fct_orders
shop.product.dim_products.v2
source:shop.raw.orders
shop.product.not_null_dim_products_v2_id
exposure:shop.weekly_revenue
unit_test:shop.prices_are_kept
"), @"model.shop.dim_products.v2 model.shop.fct_orders source.shop.raw.orders and 3 others");
    insta::assert_snapshot!(listed("fct_orders\ndim_products.v2\nraw.orders\norders.daily\n"), @"model.shop.dim_products.v2 model.shop.fct_orders model.shop.orders.daily source.shop.raw.orders and 0 others");
    insta::assert_snapshot!(listed("models/marts/sales/fct_orders.sql\ntests/prices_match_orders.sql\n"), @"model.shop.fct_orders and 1 others");
    insta::assert_snapshot!(listed("{\"unique_id\": \"model.shop.revenue\", \"name\": \"x\"}\n{\"unique_id\": \"test.shop.prices_match_orders\"}\n"), @"model.shop.revenue and 1 others");
    insta::assert_snapshot!(listed("model.shop.revenue\n"), @"model.shop.revenue and 0 others");
}

#[test]
fn what_is_no_node_or_could_be_several_is_refused() {
    insta::assert_snapshot!(listed("\
shop.marts.sales.fct_order
models/staging/_staging.yml
models/product/_product.yml
{\"name\": \"revenue\"}
{\"unique_id\": \"model.other.revenue\"}
{\"unique_id\": 3
Usage: dbt ls
"), @r#"
 and 1 others
line 1: no node of the manifest is "shop.marts.sales.fct_order" (list and plan with the same manifest; `dbt --quiet ls` prints nothing but nodes)
line 2: "models/staging/_staging.yml" can be several things: source.shop.crm.orders, source.shop.raw.customers, source.shop.raw.orders (list with `dbt --quiet ls --output json --output-keys unique_id`)
line 4: this line has no `unique_id` (list with `dbt --quiet ls --output json --output-keys unique_id`)
line 5: no node of the manifest is "model.other.revenue" (list and plan with the same manifest; `dbt --quiet ls` prints nothing but nodes)
line 6: this is not JSON: invalid type: integer `3`, expected a string at line 1 column 15 (list with `dbt --quiet ls --output json --output-keys unique_id`)
line 7: no node of the manifest is "Usage: dbt ls" (list and plan with the same manifest; `dbt --quiet ls` prints nothing but nodes)
"#);
}

#[test]
fn nothing_listed_is_nothing() {
    insta::assert_snapshot!(listed("19:30:46  No nodes selected!\n\n"), @" and 0 others");
}
