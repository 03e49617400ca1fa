//! Alongside real dbt: a run that fails in part changes the access of what it built, and no other.

use crate::dbt_build::Site;

/// What managed roles of the finance product have on one of its relations.
fn held(relation: &str) -> String {
    format!(
        "select grantee::regrole || ' ' || privilege_type from pg_class, aclexplode(relacl)
         where oid = 'finance.{relation}'::regclass and grantee::regrole::text like '%finance%'
         order by 1"
    )
}

#[tokio::test]
async fn a_run_that_fails_in_part_gives_access_to_what_it_built() {
    let Some(site) = Site::with_people().await else { return };
    let file = site.path().join("target/run_results.json");
    let results = ["--run-results", file.to_str().unwrap()];
    let with = |words: &[&'static str]| [words, &results[..]].concat();

    // The first time, of everything that dbt builds: only the source is left.
    let first = site.rolecall(&with(&["apply"])).with(0);
    assert!(first.stdout.contains("and those that are gone"), "{}", first.stdout);
    let left = site.rolecall(&["verify"]).with(3).stdout;
    assert!(left.contains("raw.payments") && left.contains("To add: 2 grants"), "{left}");
    site.rolecall(&["apply"]).with(0);

    let (invoices, revenue) = (held("fct_invoices"), held("fct_revenue"));
    site.sql(
        "grant insert on finance.fct_invoices, finance.fct_revenue, finance.dim_payment_methods
         to finance_analyst",
    )
    .await;
    std::fs::create_dir(site.path().join("before")).unwrap();
    site.write("before/manifest.json", &site.read("target/manifest.json"));
    let before = (site.ask(&invoices).await, site.ask(&revenue).await);
    assert!(!before.1.is_empty() && !site.ask(&held("dim_payment_methods")).await.is_empty());
    site.write("models/marts/finance/fct_invoices.sql", "select 1 / 0 as invoice_id");
    std::fs::remove_file(site.path().join("models/marts/finance/dim_payment_methods.sql")).unwrap();
    // What only dbt can select, handed over: `dbt ls --select state:modified | rolecall plan --nodes -`.
    let state = ["--quiet", "ls", "--select", "state:modified", "--state", "before"];
    let listed = site.dbt(&state).with(0);
    site.write("nodes.txt", &listed.stdout);
    let nodes = site.path().join("nodes.txt");
    let planned = site.rolecall(&["plan", "--nodes", nodes.to_str().unwrap()]).with(0);
    let only = "- INSERT on table shop.finance.fct_invoices";
    assert!(planned.stdout.contains(only), "{} {}", listed.stdout, planned.stdout);
    assert!(!planned.stdout.contains("fct_revenue"), "{}", planned.stdout);
    assert!(planned.stdout.contains("Limited to the access of 1 node;"), "{}", planned.stdout);

    let failed = site.dbt(&["build"]).with(1);
    assert!(failed.stdout.contains("division by zero"), "{}", failed.stdout);
    let query = "select * from sales.fct_orders";
    assert!(!site.may("taylor", query).await, "dbt has rebuilt it");

    let applied = site.rolecall(&with(&["apply"])).with(0);
    for named in ["error by dbt: model.shop.fct_invoices", "skipped by dbt: model.shop.fct_revenue"]
    {
        assert!(applied.stderr.contains(named), "{}", applied.stderr);
    }
    assert!(site.may("taylor", query).await);
    assert_eq!((site.ask(&invoices).await, site.ask(&revenue).await), before);
    assert!(site.ask(&held("dim_payment_methods")).await.is_empty(), "it is gone from the project");
    site.rolecall(&with(&["verify"])).with(0);
    site.rolecall(&["verify"]).with(3);

    // Again, with what dbt keeps between its runs.
    site.dbt(&["build"]).with(1);
    site.rolecall(&with(&["apply"])).with(0);
    assert!(site.may("taylor", query).await);

    // Every other command of dbt's writes the manifest again, or results of nothing built.
    site.dbt(&["ls"]).with(0);
    let stale = site.rolecall(&with(&["apply"])).with(1);
    assert!(stale.stderr.contains("error[stale-run-results]"), "{}", stale.stderr);
    site.dbt(&["compile"]).with(0);
    let compiled = site.rolecall(&with(&["apply"])).with(1);
    assert!(compiled.stderr.contains("`dbt compile` wrote it"), "{}", compiled.stderr);
}
