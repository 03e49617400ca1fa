//! A promotion's plan, receipt and history say from where it came.

use serde_json::Value;

use super::stage::{CONFIG, Stage};
use crate::receipts::protected::hash;

fn json(stage: &Stage, file: &str) -> Value {
    serde_json::from_slice(&std::fs::read(stage.path(file)).unwrap()).unwrap()
}

#[tokio::test]
async fn plan_receipt_and_log_say_what_was_promoted() {
    for stage in Stage::each().await {
        stage.promote(&["--by", "jane"]).ends(0);
        let plan = json(&stage, "plan.json");
        let from = &plan["promoted_from"];
        let manifest = hash(stage.path("target/dev/manifest.json").to_str().unwrap());
        assert_eq!(from["environment"], "dev");
        assert_eq!(from["manifest_sha256"], manifest);
        assert_eq!(from["config_sha256"], plan["config_sha256"]);
        assert_eq!(from["target"]["database"], stage.dev.database);
        assert_ne!(from["manifest_sha256"], plan["manifest_sha256"]);
        let receipt = stage.path("receipt.json");
        let plan_file = stage.path("plan.json");
        let plan_file = plan_file.to_str().unwrap();
        stage
            .run(&["apply", plan_file, "-t", "prod", "--receipt", receipt.to_str().unwrap()])
            .ends(0);
        let receipt = json(&stage, "receipt.json");
        assert_eq!(receipt["plan"]["promoted_from"], *from);
        assert_eq!(receipt["plan"]["sha256"], hash(plan_file));
        assert_eq!(receipt["plan"]["author"], "jane");
        assert_eq!(receipt["manifest_sha256"], plan["manifest_sha256"]);
        let kept = stage.receipts().await;
        assert_eq!(kept.len(), 1);
        assert_eq!(kept[0]["plan"]["promoted_from"], *from);
        let log = stage.run(&["log", "-t", "prod"]).ends(0);
        log.says(&format!(" of jane, promoted from dev at manifest {}", &manifest[..12]));
        let log = stage.run(&["log", "-t", "prod", "--format", "json"]).ends(0);
        let log: Value = serde_json::from_str(&log.out).unwrap();
        assert_eq!(log["receipts"][0]["plan"]["promoted_from"]["environment"], "dev");
        // An ordinary plan comes from nowhere.
        stage.run(&["plan", "-t", "prod", "--out", plan_file]).ends(0);
        assert!(json(&stage, "plan.json").get("promoted_from").is_none());
    }
}

#[tokio::test]
async fn a_plan_file_of_before_is_read_and_one_of_another_version_is_refused() {
    let stage = Stage::one().await;
    stage.config(CONFIG);
    stage.promote(&[]).ends(0);
    let mut plan = json(&stage, "plan.json");
    plan["version"] = 2.into();
    std::fs::write(stage.path("plan.json"), plan.to_string()).unwrap();
    stage.apply().ends(1).says("the plan has version 2, and this rolecall reads version 1");
    plan["version"] = 1.into();
    plan["promoted_from"]["password"] = "x".into();
    std::fs::write(stage.path("plan.json"), plan.to_string()).unwrap();
    stage.apply().ends(1).says("this is not a plan that rolecall can read");
    plan.as_object_mut().unwrap().remove("promoted_from");
    std::fs::write(stage.path("plan.json"), plan.to_string()).unwrap();
    stage.apply().ends(0);
}
