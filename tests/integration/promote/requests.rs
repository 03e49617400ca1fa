//! Who was let in by an approved request is a member like any other, in the target too.

use super::stage::{CONFIG, Stage};

#[tokio::test]
async fn whoever_was_approved_is_promoted_unless_it_is_limited_or_has_ended() {
    let stage = Stage::one().await;
    stage.config(&CONFIG.replace("p: {}", "p: {owners: [jane@acme.example]}"));
    for ground in [&stage.dev, &stage.prod] {
        ground.sql("create role ~kim login; create role ~lee login; create role ~max login").await;
    }
    let requests: [(&str, &[&str]); 4] = [
        ("sam", &[]),
        ("kim", &["--environments", "dev"]),
        ("lee", &["--until", "2026-12-31", "--as-of", "2026-11-23"]),
        ("max", &[]),
    ];
    for (who, more) in requests {
        let ask =
            ["request", "p", "analyst", "--reason", "DATA-7", "--by", who, "--format", "json"];
        let said = stage.run(&[&ask, more].concat()).ends(0).out;
        let said: serde_json::Value = serde_json::from_str(&said).unwrap();
        let id = said["request"].as_str().unwrap();
        if who != "max" {
            let approve = ["approve", id, "--by", "jane", "--as-of", "2026-11-23"];
            stage.run(&approve).ends(0);
        }
    }
    stage.run(&["apply", "-t", "dev", "--as-of", "2027-01-01"]).ends(0).says("kim").says("sam");
    let said = stage.promote(&["--as-of", "2027-01-01"]).ends(0);
    said.says("+ member prod:sam (user)  # rolecall/members/p.yml:1")
        .never_says("kim")
        .never_says("lee")
        .never_says("max");
}
