//! Slim CI: a change of access must not look like a change of every model.

use super::{hook, install};
use crate::binary::{copy_folder, repository};
use crate::dbt_build::{Line, Site};

/// What `dbt ls -s state:modified` names after the access of one model has changed.
fn modified_by_a_change_of_access(site: &Site, state: &str) -> Vec<String> {
    let compile = ["compile", "--format", "dbt", "--target-schema", "Jo"];
    site.rolecall(&compile).with(0);
    site.dbt(&["parse", "--target-path", state]).with(0);
    let before = site.read("macros/rolecall_access.sql");
    let config = site.read("rolecall.yml");
    let narrowed = "handler: {may: [admin], environments: {prod: {may: [read]}}}";
    let narrowed = config.replace("handler: {may: [admin]}", narrowed);
    site.write("rolecall.yml", &narrowed);
    site.rolecall(&compile).with(0);
    assert_ne!(site.read("macros/rolecall_access.sql"), before);
    let listed = site.dbt(&["ls", "--quiet", "-s", "state:modified", "--state", state]).with(0);
    site.write("rolecall.yml", &config);
    let lines = listed.stdout.lines().filter(|line| line.starts_with("group_insurance."));
    lines.map(str::to_owned).collect()
}

#[tokio::test]
async fn a_change_of_access_marks_no_model_as_modified_and_a_direct_call_would() {
    let Some(site) = Site::empty(Line::Current, "INSURANCE", "Insurance").await else { return };
    copy_folder(&repository("dbt_fixtures/group_insurance"), site.path());
    install(&site);
    hook(&site);
    site.dbt(&["parse"]).with(0);
    assert!(modified_by_a_change_of_access(&site, "one").is_empty());

    // The same hook, which names the compiled macro.
    site.write("macros/direct.sql", "{% macro direct() %}{% do rolecall_access() %}{% endmacro %}");
    let project = site.read("dbt_project.yml");
    site.write("dbt_project.yml", &project.replace("rolecall.grant_this()", "direct()"));
    let modified = modified_by_a_change_of_access(&site, "two");
    assert!(modified.len() > 5, "{modified:?}");
}
