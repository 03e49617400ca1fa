//! What the hooks grant is what `rolecall apply` grants: no more, no less, and by the same grantor.

use super::{access, hook, install, of};
use crate::binary::{copy_folder, repository};
use crate::dbt_build::{Line, Site};

/// The fixture of exact names, as its own files are; the manifest is the one that dbt wrote for it.
async fn insurance(line: Line) -> Option<Site> {
    let site = Site::empty(line, "INSURANCE", "Insurance").await?;
    copy_folder(&repository("dbt_fixtures/group_insurance"), site.path());
    site.sql(r#"create role nora; create role omar; create role pia; create role "AD Actuaries""#)
        .await;
    Some(site)
}

async fn hooks_grant_what_apply_grants(line: Line) {
    let Some(mut site) = insurance(line).await else { return };
    let plain = site.read("dbt_project.yml");
    install(&site);
    hook(&site);
    // Before anything is built: the roles, and their members.
    let written = repository("dbt_fixtures/group_insurance/target/prod/manifest.json");
    let written = written.to_str().unwrap();
    let compiled = ["compile", "--format", "dbt", "--target-schema", "Warehouse"];
    site.rolecall(&[&compiled[..], &["--manifest", written]].concat()).with(0);
    site.apply_planned(&["--skip-missing"], &["--manifest", written]);

    let built = site.build(&[]);
    assert!(!built.stdout.contains("rolecall: there is no role"), "{}", built.stdout);
    let by_hooks = access(&site).await;
    let actuary = of(&by_hooks, "\"Schäden actuary\"");
    assert!(
        actuary.contains(&"Claims.Claims by month (m): SELECT to \"Schäden actuary\" by postgres"),
        "{by_hooks:#?}"
    );
    site.rolecall(&["verify"]).with(0);

    // Again, with what stays and what dbt builds afresh.
    site.build(&[]);
    assert_eq!(access(&site).await, by_hooks);
    site.rolecall(&["verify"]).with(0);

    // Without the hooks in a new database, and `rolecall apply` after it.
    site.go_to("Second").await;
    site.write("dbt_project.yml", &plain);
    site.build(&[]);
    let nothing = access(&site).await;
    assert!(of(&nothing, "\"Schäden actuary\"").is_empty(), "{nothing:#?}");
    site.apply_planned(&[], &[]);
    assert_eq!(access(&site).await, by_hooks);
}

#[tokio::test]
async fn hooks_grant_what_apply_grants_in_the_current_dbt() {
    hooks_grant_what_apply_grants(Line::Current).await;
}

#[tokio::test]
async fn hooks_grant_what_apply_grants_in_an_older_dbt() {
    hooks_grant_what_apply_grants(Line::Old).await;
}
