//! Plan, apply, and a plan that is empty, for the fixtures.

use rolecall::apply::Outcome;
use rolecall::plan::Options;
use rolecall::project::Project;

use super::site::{account, apply_it, changed, connect, fixture, furnish, plan, steps};
use super::statements;

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
    statements::are_read_by_others(&standin);
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
