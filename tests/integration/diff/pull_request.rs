//! The comment that a reviewer reads.

use super::Repository;
use crate::cli::rolecall_with;
use crate::dbt_build::{Line, dbt};

/// A change that gives and takes, moves a model, lets somebody in, ends somebody, and adds a policy.
fn change(repository: &Repository) {
    repository.git(&["checkout", "-q", "-b", "change"]);
    let models = "models/marts/sales/_models.yml";
    repository.change(models, "            finance.analyst: [read]\n", "");
    let before = "            engineer: [read]\n            owner: [admin]\n";
    let after = format!("{before}            finance.analyst: [read]\n");
    repository.change(models, before, &after);
    let moved = "dim_payment_methods.sql";
    repository.git(&[
        "mv",
        &format!("models/marts/finance/{moved}"),
        &format!("models/marts/sales/{moved}"),
    ]);
    let members = "rolecall/members/sales_analytics.yml";
    repository.change(members, "  - user: taylor\n", "  - user: taylor\n  - user: noor\n");
    repository.change(members, "  - user: jane\n", "  - {user: jane, until: 2026-10-31}\n");
    std::fs::write(
        repository.file("rolecall/platform/policies.yml"),
        "version: 1\npolicies:\n  - name: stewards\n    privileges: [read]\n    resources: {tags: [pii]}\n    actors: {users: [kim]}\n",
    )
    .unwrap();
    repository.commit("change");
}

#[test]
fn a_pull_request_s_comment_says_who_gains_and_loses_pii_first() {
    let Some(dbt) = dbt(Line::Current) else { return };
    let repository = Repository::of("sales_analytics");
    repository.git(&["rm", "-rq", "target"]);
    std::fs::write(repository.file(".gitignore"), "target/\n").unwrap();
    repository.commit("what dbt makes is not kept");
    change(&repository);
    let arguments = [
        "diff",
        "--base",
        "main",
        "--head",
        "change",
        "--parse",
        "-t",
        "prod",
        "--as-of",
        "2026-11-23",
        "--format",
        "markdown",
    ];
    let dbt = dbt.to_string_lossy().into_owned();
    let said = rolecall_with(
        repository.path(),
        &arguments,
        &[("ROLECALL_DBT", &dbt), ("DBT_SEND_ANONYMOUS_USAGE_STATS", "false")],
    );
    assert_eq!(said.exit, 0, "{said:?}");
    insta::assert_snapshot!(repository.without_hashes(&said.stdout), @r"
    ### Access in `prod`: 3 people, 1 group and 2 product roles gain; 3 people, 1 group and 3 product roles lose

    **Tagged `pii`**: 2 people, 1 group and 2 product roles gain; 1 person loses (3 nodes)

    | | may | on | who | because |
    |:-:|---|---|---|---|
    | ➕ | read | `dim_customers.v1` | `finance.analyst`, `the policy stewards`, group `ad_finance`, `kim`, `robin` | granted to `finance.analyst` (`models/marts/sales/_models.yml:52`); granted to `the policy stewards` (`rolecall/platform/policies.yml:3`); and 1 more reason |
    | ➕ | read | `stg_customers`, `raw_customers` | `the policy stewards`, `kim` | granted to `the policy stewards` (`rolecall/platform/policies.yml:3`); let into `the policy stewards` (`rolecall/platform/policies.yml:6`) |
    | ➖ | admin | `dim_customers.v1` | `jane` | membership of `sales_analytics.owner` ended, until `2026-10-31` (`rolecall/members/sales_analytics.yml:9`) |

    <details><summary>7 changes on 7 objects without these tags</summary>

    | | may | on | who | because |
    |:-:|---|---|---|---|
    | ➖ | read | `dim_payment_methods` | `finance.analyst`, `finance.auditor`, group `ad_finance`, `kim`, `robin` | no longer granted to `finance.analyst` (`dbt_project.yml:33`); no longer granted to `finance.auditor` (`dbt_project.yml:34`) |
    | ➕ | read | `daily_sales`, `fct_order_items`, `fct_orders`, `rpt_customer_orders` | `noor` | let into `sales_analytics.analyst` (`rolecall/members/sales_analytics.yml:3`) |
    | ➕ | read | `dim_customers.v2` | `finance.analyst`, group `ad_finance`, `noor`, `robin` | granted to `finance.analyst` (`models/marts/sales/_models.yml:52`); let into `sales_analytics.analyst` (`rolecall/members/sales_analytics.yml:3`) |
    | ➖ | admin | `dim_customers.v2`, `fct_order_items`, `rpt_customer_orders` | `jane` | membership of `sales_analytics.owner` ended, until `2026-10-31` (`rolecall/members/sales_analytics.yml:9`) |
    | ➖ | read | `fct_orders` | `finance.analyst`, group `ad_finance`, `robin` | no longer granted to `finance.analyst` (`models/marts/sales/_models.yml:14`) |
    | ➖ | admin | `dim_payment_methods` | `finance.owner` | no longer granted to `finance.owner` (`dbt_project.yml:35`) |
    | ➖ | read | `fct_revenue` | `jane` | membership of `sales_analytics.owner` ended, until `2026-10-31` (`rolecall/members/sales_analytics.yml:9`) |

    </details>

    <sub>10 nodes, from `main (COMMIT)` to `change (COMMIT)`</sub>
    ");
}

#[test]
fn members_and_policies_alone_need_no_dbt() {
    let repository = Repository::of("sales_analytics");
    repository.git(&["checkout", "-q", "-b", "change"]);
    let members = "rolecall/members/sales_analytics.yml";
    repository.change(members, "  - user: taylor\n", "  - user: noor\n");
    // Not committed: the working tree is what is new.
    let said = repository.diff(&["--base", "main", "-t", "prod"]);
    assert_eq!(said.exit, 0, "{said:?}");
    insta::assert_snapshot!(repository.without_hashes(&said.stdout), @r"
    Access in prod, from main (COMMIT) to the working tree: 1 person gains; 1 person loses (5 nodes)

      + read on 5 objects: daily_sales, dim_customers.v2, fct_order_items, fct_orders, …
          noor
          # let into sales_analytics.analyst [rolecall/members/sales_analytics.yml:2]
      - read on 5 objects: daily_sales, dim_customers.v2, fct_order_items, fct_orders, …
          taylor
          # no longer in sales_analytics.analyst [rolecall/members/sales_analytics.yml:2]
    ");
    repository.commit("change");
    let json = |from: &str, to: &str| {
        let said =
            repository.diff(&["--base", from, "--head", to, "-t", "prod", "--format", "json"]);
        assert_eq!(said.exit, 0, "{said:?}");
        said.json()
    };
    let (there, back) = (json("main", "change"), json("change", "main"));
    assert_eq!(there["version"], 1);
    assert_eq!(there["same"], false);
    assert_eq!(there["gaining"], back["losing"]);
    let of = |json: &serde_json::Value, what: &str| {
        let changes = json["changes"].as_array().unwrap().iter();
        let these = changes.filter(|change| change["what"] == what);
        these.map(|change| change["who"][0]["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(of(&there, "gains"), of(&back, "loses"));
    assert_eq!(of(&there, "loses"), of(&back, "gains"));
    let steps = &there["changes"][0]["who"][0]["because"]["steps"];
    assert_eq!(steps[0]["step"], "member");
    assert_eq!(steps[0]["changed"], true);
    assert_eq!(steps[0]["declared"][0]["file"], members);
    assert_eq!(steps[1]["changed"], false);
}

#[test]
fn what_happened_on_the_base_meanwhile_is_no_loss_of_the_change() {
    let repository = Repository::of("sales_analytics");
    repository.git(&["checkout", "-q", "-b", "change"]);
    std::fs::write(repository.file("README.md"), "# Shop\n").unwrap();
    repository.commit("ours");
    repository.git(&["checkout", "-q", "main"]);
    let members = "rolecall/members/sales_analytics.yml";
    repository.change(members, "  - user: taylor\n", "  - user: taylor\n  - user: noor\n");
    repository.commit("somebody else's");
    let said = repository.diff(&["--base", "main", "--head", "change", "-t", "prod"]);
    assert_eq!(said.exit, 0, "{said:?}");
    insta::assert_snapshot!(repository.without_hashes(&said.stdout), @r"
    Access in prod, from main (COMMIT) to change (COMMIT): nobody gains or loses
    ");
}

#[test]
fn an_entry_that_has_ended_by_a_day_is_the_same_on_both_sides() {
    let repository = Repository::of("sales_analytics");
    let members = "rolecall/members/sales_analytics.yml";
    repository.change(members, "  - user: taylor\n", "  - {user: taylor, until: 2027-01-31}\n");
    let diff = |day: &str| {
        let said = repository.diff(&["--base", "HEAD", "-t", "prod", "--as-of", day]);
        assert_eq!(said.exit, 0, "{said:?}");
        said.stdout
    };
    assert!(diff("2027-01-31").contains("nobody gains or loses"), "{}", diff("2027-01-31"));
    assert!(diff("2027-02-01").contains("ended, until 2027-01-31"), "{}", diff("2027-02-01"));
}

#[test]
fn environments_are_compared_by_product_roles_and_nodes() {
    let repository = Repository::of("sales_analytics");
    let said = repository.diff(&["--from", "dev", "--to", "prod"]);
    assert_eq!(said.exit, 0, "{said:?}");
    insta::assert_snapshot!(said.stdout, @r"
    Access in prod, from dev to prod: 1 person and 1 other role gain; 1 person, 1 group and 2 product roles lose (10 nodes)

    tagged pii: 1 person loses
      - read on dim_customers.v1
          sam
          # no longer in sales_analytics.engineer [rolecall/members/sales_analytics.yml:5]

    the rest
      - write on fct_order_items, fct_orders
          sales_analytics.engineer, group ad_data_engineers
          # no longer granted to sales_analytics.engineer [models/marts/sales/_models.yml:13, models/marts/sales/_models.yml:37]
      - write on fct_revenue, exchange_rates
          finance.engineer, group ad_data_engineers
          # no longer granted to finance.engineer [dbt_project.yml:46, models/marts/finance/_models.yml:14]
      - read, write on fct_returns
          sales_analytics.engineer, group ad_data_engineers, sam
          # no longer granted to sales_analytics.engineer [models/marts/sales/_models.yml:101]
          # no longer in sales_analytics.engineer [rolecall/members/sales_analytics.yml:5]
      + read on dim_payment_methods, order_status_history
          kim
          # let into finance.auditor [rolecall/members/finance.yml:7]
      + read on fct_invoices
          role reporting, kim
          # granted to reporting [dbt's own grants]
          # let into finance.auditor [rolecall/members/finance.yml:7]
      - read, write on fct_order_items, fct_orders
          sam
          # no longer granted to sales_analytics.engineer [models/marts/sales/_models.yml:13, models/marts/sales/_models.yml:37]
          # no longer in sales_analytics.engineer [rolecall/members/sales_analytics.yml:5]
      - read on dim_customers.v2
          sam
          # no longer in sales_analytics.engineer [rolecall/members/sales_analytics.yml:5]
    ");
}

#[test]
fn two_manifests_are_compared_by_the_configuration_at_hand() {
    let repository = Repository::of("sales_analytics");
    let prod = repository.file("target/prod/manifest.json");
    let text = std::fs::read_to_string(&prod).unwrap();
    let mut manifest: serde_json::Value = serde_json::from_str(&text).unwrap();
    let node = &mut manifest["nodes"]["model.shop.daily_sales"];
    for place in ["/config/meta/rolecall/grants", "/meta/rolecall/grants"] {
        if let Some(grants) = node.pointer_mut(place) {
            *grants = serde_json::json!({"finance.analyst": ["read"]});
        }
    }
    let other = repository.file("other.json");
    std::fs::write(&other, manifest.to_string()).unwrap();
    let said = repository.diff(&[
        "--base-manifest",
        "target/prod/manifest.json",
        "--manifest",
        "other.json",
        "-t",
        "prod",
    ]);
    assert_eq!(said.exit, 0, "{said:?}");
    insta::assert_snapshot!(said.stdout, @r"
    Access in prod, from target/prod/manifest.json to other.json: 1 person, 1 group and 1 product role gain; 1 person, 1 group and 1 product role lose (1 node)

      + read on daily_sales
          finance.analyst, group ad_finance, robin
          # granted to finance.analyst [models/marts/sales/_models.yml]
      - read on daily_sales
          sales_analytics.analyst, group ad_sales, taylor
          # no longer granted to sales_analytics.analyst [models/marts/sales/_models.yml:83]
    ");
}
