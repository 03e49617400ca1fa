//! Where nothing may be granted, nothing is, and dbt says why; whatever else a run does, what was
//! granted before stays.

use super::{access, hook, install, of, start};
use crate::binary::Ended;
use crate::dbt_build::{Line, Site};

/// Names that no SQL and no Jinja may take for their own.
const TITLE: &str = r#"a"b 'c' {% endraw %}{{ 1/0 }}{# \ é💥"#;

fn config(prod: &str) -> String {
    let title = serde_json::to_string(TITLE).unwrap();
    format!(
        r#"
version: 1
environments:
  prod: {{role_name: "{{{{ product.title }}}} {{{{ role.name }}}}"{prod}}}
  dev: {{role_name: "{{{{ target.schema }}}}_{{{{ product.name }}}}_{{{{ role.name }}}}"}}
  locked: {{role_name: "locked_{{{{ product.name }}}}_{{{{ role.name }}}}", protected: true}}
product_roles:
  reader: {{may: [read]}}
  writer: {{may: [read, write]}}
  owner: {{may: [admin]}}
products:
  p: {{title: {title}}}
  q: {{title: plain}}
"#
    )
}

fn model(site: &Site, name: &str, config: &str, sql: &str) {
    // dbt's own REVOKE quotes no name.
    let product = if config.contains("grants=") { "q" } else { "p" };
    let grants = "{'reader': ['read'], 'writer': ['read'], 'owner': ['admin']}";
    let meta = format!("meta={{'rolecall': {{'product': '{product}', 'grants': {grants}}}}}");
    site.write(
        &format!("models/{name}.sql"),
        &format!("{{{{ config({config}, {meta}) }}}}\n{sql}\n"),
    );
}

#[track_caller]
fn says(ended: &Ended, text: &str) -> usize {
    let times = ended.stdout.matches(text).count();
    assert!(times > 0, "{text:?} is not in\n{}", ended.stdout);
    times
}

async fn site() -> Option<Site> {
    let site = Site::empty(Line::Current, "SMALL", "small").await?;
    start(&site, "small", 2);
    site.write("rolecall.yml", &config(""));
    model(&site, "good", "materialized='table'", "select 1 as x");
    model(&site, "seen", "materialized='view'", "select x from {{ ref('good') }}");
    model(&site, "passing", "materialized='ephemeral'", "select x from {{ ref('good') }}");
    model(&site, "off", "materialized='table', enabled=false", "select 1 as x");
    model(&site, "broken", "materialized='table'", "select 1 / {{ var('divisor', 1) }} as x");
    model(&site, "after", "materialized='table'", "select x from {{ ref('broken') }}");
    model(&site, "gone", "materialized='table'", "select 1 as x");
    // dbt revokes whatever it does not know, after the post-hook.
    let own = "materialized='incremental', grants={'select': ['bystander']}";
    model(&site, "fought", own, "select x from {{ ref('passing') }}");
    install(&site);
    hook(&site);
    site.sql("create role bystander").await;
    Some(site)
}

/// All that a role of the product `p` has on relations.
async fn has(site: &Site, role: &str) -> Vec<String> {
    on_relations(site, &format!("{TITLE} {role}")).await
}

async fn on_relations(site: &Site, role: &str) -> Vec<String> {
    let quoted = role.replace('"', "\"\"");
    let all = access(site).await;
    let lines = of(&all, &format!("\"{quoted}\""));
    lines.iter().filter_map(|line| Some(line.split_once(" (")?.0.to_owned())).collect()
}

async fn comment(site: &Site, role: &str) -> String {
    let ask = "select shobj_description(oid, 'pg_authid') from pg_roles where starts_with(rolname, 'a') and rolname like ";
    site.ask(&format!("{ask} '% {role}'")).await.remove(0)
}

const ALL: [&str; 5] = ["main.after", "main.broken", "main.gone", "main.good", "main.seen"];

#[tokio::test]
async fn roles_without_their_marker_get_nothing_and_failed_models_keep_what_they_have() {
    let Some(site) = site().await else { return };
    site.dbt(&["parse"]).with(0);
    site.rolecall(&["compile", "--format", "dbt", "--target-schema", "main"]).with(0);
    let apply = site.rolecall(&["apply", "--skip-missing"]).with(0);
    // Names of any kind go through, and the ephemeral model has no relation.
    site.build(&[]);
    assert_eq!(has(&site, "reader").await, ALL, "{}", apply.stderr);
    // dbt took from `fought` what it did not know; the end of the run gave it back.
    site.build(&["-s", "fought"]);
    assert_eq!(on_relations(&site, "plain reader").await, ["main.fought"]);
    site.rolecall(&["verify"]).with(0);

    // A model that fails, and one that is skipped for it: nothing of theirs changes.
    let before = access(&site).await;
    let failed = site.dbt(&["run", "--vars", "{divisor: 0}"]).with(1);
    says(&failed, "division by zero");
    assert_eq!(access(&site).await, before);

    // A role that is not there, one of another environment, and one that is nobody's.
    let name = |role: &str| format!("\"{}\"", format!("{TITLE} {role}").replace('"', "\"\""));
    let (writer, owner) = (comment(&site, "writer").await, comment(&site, "owner").await);
    let other = writer.replace(r#""environment":"prod""#, r#""environment":"dev""#);
    assert_ne!(other, writer);
    site.sql(&format!("alter role {} rename to elsewhere", name("reader"))).await;
    site.sql(&format!("comment on role {} is '{other}'", name("writer"))).await;
    site.sql(&format!("comment on role {} is null", name("owner"))).await;
    let run = site.dbt(&["run"]).with(0);
    assert_eq!(says(&run, &format!("rolecall: there is no role {TITLE} reader")), 1);
    assert_eq!(
        says(&run, &format!("the role {TITLE} writer does not bear the marker of p.writer")),
        1
    );
    assert_eq!(
        says(&run, &format!("the role {TITLE} owner does not bear the marker of p.owner")),
        1
    );
    // What dbt did not rebuild is as it was, but for what dbt itself took.
    assert!(has(&site, "writer").await.is_empty());
    assert!(has(&site, "owner").await.is_empty());
    site.sql(&format!("alter role elsewhere rename to {}", name("reader"))).await;
    site.sql(&format!("comment on role {} is '{writer}'", name("writer"))).await;
    site.sql(&format!("comment on role {} is '{owner}'", name("owner"))).await;

    // By hand, for everything that is in the warehouse.
    site.dbt(&["run-operation", "rolecall.apply_access"]).with(0);
    site.rolecall(&["verify"]).with(0);
    assert_eq!(has(&site, "reader").await, ALL);

    // A model that is no longer in the project loses its access with the next apply, not before.
    std::fs::remove_file(site.path().join("models/gone.sql")).unwrap();
    site.rolecall(&["validate"]).with(0);
    site.dbt(&["run", "-s", "good+"]).with(0);
    let validated = site.rolecall(&["validate", "--target-schema", "main"]).with(1);
    assert!(validated.stderr.contains("error[compiled-access-old]"), "{}", validated.stderr);
    assert_eq!(has(&site, "reader").await, ALL);
    site.rolecall(&["apply"]).with(0);
    assert!(!has(&site, "reader").await.contains(&"main.gone".to_owned()));
    assert_eq!(has(&site, "reader").await.len(), ALL.len() - 1);
}

#[tokio::test]
async fn runs_of_no_known_environment_grant_nothing_and_pull_requests_where_they_build() {
    let Some(mut site) = site().await else { return };
    site.dbt(&["parse"]).with(0);
    let compile = ["compile", "--format", "dbt", "--target-schema", "dev_jo"];
    // Without a compiled file.
    let run = site.dbt(&["run", "-s", "good"]).with(0);
    says(&run, "rolecall: there is no macro rolecall_access in the project small");
    site.rolecall(&compile).with(0);
    for (target, schema) in [("prod", "main"), ("dev", "dev_jo"), ("locked", "main")] {
        site.target = target;
        site.apply_planned(&["--skip-missing"], &["--target-schema", schema]);
    }

    site.target = "ci";
    let run = site.dbt(&["run", "-s", "good"]).with(0);
    assert_eq!(says(&run, "rolecall: no environment is compiled for the dbt target ci"), 1);
    // Who wants every warning to be an error gets that.
    let strict = site.dbt(&["run", "--warn-error", "-s", "good"]);
    assert_ne!(strict.exit, 0);
    site.target = "locked";
    let run = site.dbt(&["run", "-s", "good"]).with(0);
    says(&run, "rolecall: the hooks grant nothing in locked: it is protected");
    site.target = "dev";
    let run = site.dbt(&["run", "-s", "good"]).with(0);
    says(&run, "the roles of dev are compiled for target.schema dev_jo, and this run has main");
    let nothing = access(&site).await;
    let ours = |line: &&String| !line.contains(" to postgres ") && line.starts_with("main.");
    assert_eq!(nothing.iter().filter(ours).count(), 0, "{nothing:#?}");

    // The developer's own schema, and one of a pull request under the target prod.
    site.schema = Some("dev_jo");
    site.build(&["-s", "good"]);
    let granted = "dev_jo.good (r): SELECT to dev_jo_p_reader by postgres";
    assert!(access(&site).await.contains(&granted.to_owned()));
    (site.target, site.schema) = ("prod", Some("pr_7"));
    site.build(&["-s", "good"]);
    assert_eq!(has(&site, "reader").await, ["pr_7.good"]);
}
