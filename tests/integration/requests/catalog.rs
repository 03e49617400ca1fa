//! What people see.

use std::path::Path;
use std::process::Command;

use crate::engines::snapshot;

fn catalog(arguments: &[&str]) -> (String, String) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("dbt_fixtures/sales_analytics");
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
    command.arg("catalog").args(arguments).arg("--project-dir").arg(folder);
    let said = command.env("HOME", "/nowhere").output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    (String::from_utf8(said.stdout).unwrap(), String::from_utf8(said.stderr).unwrap())
}

#[test]
fn people_see_products_and_their_roles_and_no_warehouse_role() {
    let (text, _) = catalog(&["sales_analytics", "-t", "prod"]);
    snapshot!(text.clone(), @r#"
    sales_analytics: Sales Analytics Data Product
      owners: jane@acme.example
      outputs:
        daily_sales          Orders and sales per day, refreshed with each run.
        dim_customers.v1     One row per customer.
        dim_customers.v2     One row per customer.
        fct_order_items      One row per order line. Loaded incrementally.
        fct_orders           One row per order.
        rpt_customer_orders  What the dashboard shows per customer.
      roles:
        analyst   may read
        engineer  may read, write; in prod read
        owner     may admin
      to ask:
        rolecall request sales_analytics analyst --reason "why"
        rolecall request sales_analytics engineer --reason "why"
        rolecall request sales_analytics owner --reason "why"
    "#);
    let (json, _) = catalog(&["--format", "json"]);
    // By the templates of the fixture, what roles are called in the warehouse.
    for role in ["sales_analytics_analyst", "dev_sales_analytics", "finance_analyst"] {
        assert!(!text.contains(role) && !json.contains(role), "{role} is shown");
    }
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["products"].as_array().unwrap().len(), 2);
    assert_eq!(json["products"][1]["roles"][1]["environments"]["prod"][0], "read");
}

#[test]
fn without_a_manifest_the_rest_is_shown() {
    let (text, said) = catalog(&["finance", "--manifest", "nowhere.json"]);
    assert!(text.contains("rolecall request finance auditor") && !text.contains("outputs"));
    assert!(said.contains("not listed"), "{said}");
}
