//! Many models and many threads: nothing is granted twice at once, and nothing is left out.

use super::{access, hook, install, start};
use crate::dbt_build::{Line, Site};

const ROLECALL: &str = r#"
version: 1
environments:
  prod: {role_name: "many_{{ product.name }}_{{ role.name }}"}
product_roles:
  reader: {may: [read]}
  writer: {may: [admin]}
products:
  even: {}
  odd: {}
"#;

#[tokio::test]
async fn eight_threads_and_120_models_end_in_sync() {
    let Some(site) = Site::empty(Line::Current, "MANY", "many").await else { return };
    start(&site, "many", 8);
    site.write("rolecall.yml", ROLECALL);
    for number in 0..120 {
        let product = if number % 2 == 0 { "even" } else { "odd" };
        let kind = ["table", "table", "incremental", "view"][number % 4];
        let schema = format!("part_{}", number % 3);
        // Chains of four, so that threads meet in the middle of the run too.
        let from = match number % 4 {
            0 => "select 1 as x".to_owned(),
            _ => format!("select x from {{{{ ref('m{}') }}}}", number - 1),
        };
        let other = if number % 2 == 0 { "odd" } else { "even" };
        let grants =
            format!("{{'reader': ['read'], 'writer': ['admin'], '{other}.reader': ['read']}}");
        let meta = format!("{{'rolecall': {{'product': '{product}', 'grants': {grants}}}}}");
        let config = format!("materialized='{kind}', schema='{schema}', meta={meta}");
        let model = format!("{{{{ config({config}) }}}}\n{from}\n");
        site.write(&format!("models/m{number}.sql"), &model);
    }
    install(&site);
    hook(&site);
    site.dbt(&["parse"]).with(0);
    site.rolecall(&["compile", "--format", "dbt"]).with(0);
    site.rolecall(&["apply", "--skip-missing"]).with(0);

    site.build(&[]);
    site.rolecall(&["verify"]).with(0);
    let first = access(&site).await;
    assert!(first.len() > 120 * 2, "{}", first.len());
    // Every table and view another one, in schemas that are there.
    site.build(&[]);
    site.rolecall(&["verify"]).with(0);
    assert_eq!(access(&site).await, first);
}
