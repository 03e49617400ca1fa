//! Playbook roles in promotions.

use super::stage::{CONFIG, Stage};
use crate::rules::site::write;

/// What the playbook says, with a name and a database for each environment.
fn config(more: &str) -> String {
    let head = CONFIG
        .replace("{role_name: \"<dev>", "{playbook_vars: dev.yml, role_name: \"<dev>")
        .replace("    promote_from: dev\n", "    promote_from: dev\n    playbook_vars: prod.yml\n");
    format!(
        r#"{head}roles:
  readers:
    name: "${{var.prefix}}readers"
    grants:
      - {{object-type: schema, database-name: "${{var.db}}", schema-name: s, privileges: [usage]}}
      - {{object-type: table, database-name: "${{var.db}}", schema-name: s, object-name: "*", privileges: [select]}}
{more}"#
    )
}

const OWNS: &str = "      - {object-type: table, database-name: \"${var.db}\", schema-name: s, object-name: w, privileges: [ownership]}\n";

#[tokio::test(flavor = "multi_thread")]
async fn playbook_roles_are_promoted_with_what_they_have_and_nothing_is_taken() {
    for stage in Stage::each().await {
        for (name, ground) in [("dev.yml", &stage.dev), ("prod.yml", &stage.prod)] {
            let text = format!("prefix: \"{}\"\ndb: {}\n", ground.prefix, ground.database);
            write(&stage.path(""), name, &text);
            ground.sql("create table s.w (x int)").await;
        }
        write(&stage.path(""), "rolecall/members/playbook_roles.yml", "readers: [{user: sam}]\n");
        stage.config(&config(OWNS));
        stage.apply_in_dev();
        let promoted = stage.promote(&[]).ends(0);
        promoted
            .says("prod:readers")
            .says("SELECT on table prod_db.s.t")
            .says("member prod:sam (user)  # rolecall/members/playbook_roles.yml:1");
        stage.apply().ends(0);
        stage.run(&["verify", "-t", "prod"]).ends(0);
        stage.run(&["plan", "-t", "prod", "--check"]).ends(0);
        let sam = stage.prod.role("sam").to_string();
        let log = stage.run(&["log", "-t", "prod", "--person", &sam]).ends(0);
        log.says("let prod:sam into prod:readers").says("promoted from dev");
        // Ownership that is no longer declared is nothing that a promotion would move.
        stage.config(&config(""));
        stage.apply_in_dev();
        std::fs::remove_file(stage.path("plan.json")).unwrap();
        stage.promote(&["--check"]).ends(0).says("Nothing to add");
        stage
            .run(&["plan", "-t", "prod", "--check"])
            .ends(0)
            .says("ownership of table prod_db.s.w (ownership cannot be revoked");
    }
}
