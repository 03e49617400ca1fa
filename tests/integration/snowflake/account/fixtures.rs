//! Plan, apply, and a plan that is empty, for the fixtures.

use std::path::Path;

use rolecall::apply::{Failure, Outcome};
use rolecall::model::Severity;
use rolecall::plan::Options;
use rolecall::project::Project;
use serde_json::Value;

use super::site::{account, apply_it, changed, connect, fixture, furnish, load_with, plan, steps};
use crate::binary::repository;
use crate::real;

async fn comes_to_rest(project: &Project, at_least: usize) {
    let Some(standin) = account() else { return };
    furnish(&standin, project);
    let mut warehouse = connect(&standin).await;
    let options = Options::default();
    let first = plan(&mut warehouse, project, &options).await.unwrap();
    assert!(first.is_clean(), "{:?} {:?}", first.difference.refused, first.findings().sorted());
    assert!(first.difference.steps.len() >= at_least, "{:#?}", steps(&first));
    let applied = apply_it(&mut warehouse, project, &options).await.unwrap();
    let Outcome::Applied { done, after, receipts: _ } = applied else { panic!("{applied:#?}") };
    assert_eq!(done.len(), first.difference.steps.len());
    assert_eq!(steps(&after), Vec::<String>::new());
    let before = standin.tell("state", &serde_json::json!({}));
    let again = apply_it(&mut warehouse, project, &options).await.unwrap();
    assert!(matches!(again, Outcome::InSync(_)), "{again:#?}");
    assert_eq!(standin.tell("state", &serde_json::json!({})), before);
}

fn with_database_roles(config: &str) -> String {
    config.replace("role_name:", "role_kind: database, role_name:")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_granted_and_then_in_sync() {
    comes_to_rest(&fixture("sales_analytics", "prod"), 20).await;
    comes_to_rest(&fixture("sales_analytics", "dev"), 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_with_database_roles_is_granted_and_then_in_sync() {
    let (_kept, project) = changed("sales_analytics", "prod", |config| {
        config
            .replace("    promote_from: dev\n", "    promote_from: dev\n    role_kind: database\n")
    });
    comes_to_rest(&project, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_with_spaces_and_umlauts_are_granted_and_then_in_sync() {
    comes_to_rest(&fixture("group_insurance", "prod"), 20).await;
    comes_to_rest(&fixture("group_insurance", "dev"), 20).await;
    let (_kept, project) = changed("group_insurance", "prod", |config| {
        config.replace("    hook: true\n", "    role_kind: database\n")
    });
    comes_to_rest(&project, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn relations_get_the_owners_that_are_declared_and_stay_with_them() {
    comes_to_rest(&fixture("owned", "prod"), 5).await;
    comes_to_rest(&fixture("owned", "dev"), 5).await;
    let (_kept, project) = changed("owned", "prod", with_database_roles);
    comes_to_rest(&project, 5).await;
}

/// Takes declarations on what Snowflake itself shares out of a manifest. `false` where there was none.
fn declares_nothing_in_snowflake(manifest: &Path) -> bool {
    let mut read: Value = serde_json::from_slice(&std::fs::read(manifest).unwrap()).unwrap();
    let mut taken = false;
    for source in read["sources"].as_object_mut().unwrap().values_mut() {
        if source["database"].as_str().is_some_and(|name| name.eq_ignore_ascii_case("snowflake")) {
            for meta in ["/meta", "/config/meta"] {
                let meta = source.pointer_mut(meta).and_then(Value::as_object_mut);
                taken |= meta.is_some_and(|meta| meta.remove("rolecall").is_some());
            }
        }
    }
    std::fs::write(manifest, read.to_string()).unwrap();
    taken
}

/// Manifests of real projects, with access declared on every node.
#[tokio::test(flavor = "multi_thread")]
async fn real_projects_are_granted_and_then_in_sync() {
    let Some(python) = real::python() else { return };
    let folder = tempfile::tempdir().unwrap();
    let rules = std::fs::read_to_string(repository("dbt_fixtures/real/any/rolecall.yml")).unwrap();
    for file in real::manifests().iter().filter(|file| real::name(file).ends_with("_snowflake")) {
        for (kind, rules) in [("plain", rules.clone()), ("database", with_database_roles(&rules))] {
            let dir = folder.path().join(format!("{}_{kind}", real::name(file)));
            std::fs::create_dir_all(dir.join("rolecall/members")).unwrap();
            std::fs::write(dir.join("rolecall.yml"), rules).unwrap();
            let members = "analyst: [{user: taylor}, {group: AD_SALES}]\nowner: [{user: jane}]\n";
            std::fs::write(dir.join("rolecall/members/anything.yml"), members).unwrap();
            let manifest = dir.join("manifest.json");
            assert!(real::annotate(&python, file, &dir, &manifest) > 0, "{}", real::name(file));
            let project = load_with(dir.clone(), Some(manifest.clone()), "prod");
            if declares_nothing_in_snowflake(&manifest) {
                let Some(standin) = account() else { return };
                furnish(&standin, &project);
                let mut warehouse = connect(&standin).await;
                let refused = plan(&mut warehouse, &project, &Options::default()).await;
                let Err(Failure::Found(found)) = refused else { panic!("{refused:#?}") };
                let mut found = found.sorted();
                found.retain(|found| found.severity == Severity::Error);
                assert!(found.iter().all(|found| found.code == "shared-database"), "{found:#?}");
            }
            comes_to_rest(&load_with(dir, Some(manifest), "prod"), 20).await;
        }
    }
}
