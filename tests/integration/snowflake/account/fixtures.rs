//! Plan, apply, and a plan that is empty, for the fixtures.

use rolecall::apply::Outcome;
use rolecall::plan::Options;

use super::site::{account, apply_it, connect, fixture, furnish, plan, steps};

#[tokio::test(flavor = "multi_thread")]
async fn a_product_is_granted_and_then_in_sync() {
    let Some(standin) = account() else { return };
    let project = fixture("sales_analytics", "prod");
    furnish(&standin, &project);
    let mut warehouse = connect(&standin).await;
    let options = Options::default();
    let first = plan(&mut warehouse, &project, &options).await.unwrap();
    assert!(first.is_clean(), "{:?} {:?}", first.difference.refused, first.findings().sorted());
    assert!(first.difference.steps.len() > 20, "{:#?}", steps(&first));
    let applied = apply_it(&mut warehouse, &project, &options).await.unwrap();
    let Outcome::Applied { done, after } = applied else { panic!("{applied:#?}") };
    assert_eq!(done.len(), first.difference.steps.len());
    assert_eq!(steps(&after), Vec::<String>::new());
    let before = standin.tell("state", &serde_json::json!({}));
    let again = apply_it(&mut warehouse, &project, &options).await.unwrap();
    assert!(matches!(again, Outcome::InSync(_)), "{again:#?}");
    assert_eq!(standin.tell("state", &serde_json::json!({})), before);
}
