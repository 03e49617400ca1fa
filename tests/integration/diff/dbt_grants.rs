//! What dbt itself grants: by `grants`, to whomever, and by hooks, which nobody can judge.

use serde_json::{Value, json};

use super::Repository;
use crate::cli::rolecall;

const MANIFEST: &str = "target/prod/manifest.json";

fn change(repository: &Repository, with: impl Fn(&mut Value)) {
    let file = repository.file(MANIFEST);
    let mut manifest: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    with(&mut manifest["nodes"]);
    std::fs::write(file, manifest.to_string()).unwrap();
}

#[test]
fn whoever_gets_something_by_dbt_s_own_grants_gains_it() {
    let repository = Repository::of("sales_analytics");
    change(&repository, |nodes| {
        // Nobody any more; one; everybody; and what could be any SQL.
        nodes["model.shop.fct_invoices"]["config"]["grants"] = json!({});
        nodes["model.shop.stg_customers"]["config"]["grants"] =
            json!({ "select": ["ROLE Auditors"] });
        nodes["model.shop.daily_sales"]["config"]["grants"] = json!({ "select": ["public"] });
        nodes["model.shop.stg_orders"]["config"]["grants"] =
            json!({ "select": ["x; grant all on y to z"] });
    });
    let diff = ["--base", "main", "-t", "prod", "--as-of", "2026-11-23"];
    let said = repository.diff(&diff);
    assert_eq!(said.exit, 0, "{said:?}");
    insta::assert_snapshot!(repository.without_hashes(&said.stdout), @r"
    Access in prod, from main (COMMIT) to the working tree: 3 people, 2 groups, 6 product roles and 2 other roles gain; 1 other role loses (3 nodes)

    tagged pii: 1 other role gains
      + read on stg_customers
          role auditors
          # granted to auditors [dbt's own grants]

    the rest
      + read on daily_sales
          everyone, and 13 more
          # granted to everyone [dbt's own grants]
      - read on fct_invoices
          role reporting
          # no longer granted to reporting [dbt's own grants]
    ");
    let unread = "dbt's own `grants` that are no plain privileges and names are not judged: \
                  model.shop.stg_orders (\"select\" to \"x; grant all on y to z\")";
    assert!(said.stderr.contains(unread), "{said:?}");
    let markdown = repository.diff(&[&diff[..], &["--format", "markdown"]].concat());
    assert!(markdown.stdout.contains("&#34;x&#59; grant all on y to z&#34;"), "{markdown:?}");
    // Without a warehouse, checks know it too.
    let arguments = ["check", "--declared", "-t", "prod", "--as-of", "2026-11-23"];
    let checked = rolecall(repository.path(), &arguments);
    assert_eq!(checked.exit, 4, "{checked:?}");
    let all = format!("{}{}", checked.stdout, checked.stderr);
    for says in ["error[granted-to-public]", "model.shop.daily_sales", "warning[dbt-not-judged]"] {
        assert!(all.contains(says), "{says}: {all}");
    }
}

#[test]
fn what_hooks_grant_is_named_and_not_judged() {
    let repository = Repository::of("sales_analytics");
    let hook = |text: &str| json!([{ "sql": text, "transaction": true, "index": null }]);
    let operation = |text: &str| json!({ "resource_type": "operation", "raw_code": text });
    change(&repository, |nodes| {
        nodes["model.shop.stg_orders"]["config"]["post-hook"] =
            hook("grant select on {{ this }} to x");
        nodes["operation.shop.shop-on-run-end-0"] = operation("{{ grant_usage('x') }}");
    });
    repository.commit("hooks");
    change(&repository, |nodes| {
        nodes["model.shop.stg_orders"]["config"]["post-hook"] =
            hook("grant select on {{ this }} to y");
        nodes["model.shop.stg_customers"]["config"]["post-hook"] =
            hook("{{ rolecall.grant_this() }}");
    });
    let said = repository.diff(&["--base", "main", "-t", "prod"]);
    assert_eq!(said.exit, 0, "{said:?}");
    for note in [
        "what hooks grant is not judged, and these have changed: model.shop.stg_orders\n",
        "what hooks grant is not judged: operation.shop.shop-on-run-end-0\n",
    ] {
        assert!(said.stderr.contains(note), "{said:?}");
    }
    let checked = rolecall(repository.path(), &["check", "--declared", "-t", "prod"]);
    let says = "warning[dbt-not-judged]: not judged by the declarations alone: what the hooks of \
                model.shop.stg_orders, operation.shop.shop-on-run-end-0 grant";
    assert!(checked.stderr.contains(says), "{checked:?}");
}
