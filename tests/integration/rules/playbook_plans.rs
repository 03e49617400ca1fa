//! Plan files, receipts and the log, where playbooks change things.

use super::site::{Site, model, write};

/// A role with tables that are there and to come, and one that owns a table.
const BOOK: &str = r#"
version: 1
deployment: "~books"
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
playbook_vars: vars.yml
admin_role: ~admin
roles:
  readers:
    name: "~readers"
    grants:
      - {object-type: schema, database-name: "${var.db}", schema-name: s, privileges: [usage]}
      - {object-type: table, database-name: "${var.db}", schema-name: s, object-name: "*", privileges: [select]}
  keepers:
    name: "~keepers"
    grants:
      - {object-type: table, database-name: "${var.db}", schema-name: s, object-name: u, privileges: [ownership]}
"#;

/// Planned and not applied. The plan's file.
async fn planned(site: &Site) -> String {
    site.sql("create role ~admin; create role ~other; create role ~ann").await;
    write(&site.path(""), "vars.yml", &format!("db: {}\n", site.ground.database));
    write(
        &site.path(""),
        "rolecall/members/playbook_roles.yml",
        &site.ground.own("readers: [{user: ~ann}]\n"),
    );
    site.models(&[model("s.t")]);
    site.config(BOOK);
    let file = site.path("plan.json").to_str().unwrap().to_owned();
    site.run(&["plan", "--out", &file]).ends(0);
    file
}

/// Refused for these words, and nothing changed.
async fn stale(site: &Site, file: &str, words: &str) {
    let before = site.everything().await;
    site.run(&["apply", file]).ends(6).says(words);
    assert_eq!(site.everything().await, before);
}

const READERS: &str = "SELECT in future, SELECT on s.t, SELECT on s.u, USAGE on s, lets in ann";

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_of_a_playbook_is_applied_once_and_says_so_afterwards() {
    for site in Site::each().await {
        let file = planned(&site).await;
        site.run(&["apply", &file, "--by", "jane"]).ends(0);
        site.must_have("~readers", READERS).await;
        site.must_have("~keepers", "owns u").await;
        site.run(&["apply", &file]).ends(0).says("In sync");
        site.run(&["plan", "--check"]).ends(0);
        // Since when, by whom and through what.
        let ann = site.ground.role("ann").to_string();
        site.run(&["log", "--person", &ann, "--model", "s.t"])
            .ends(0)
            .says("let ann into readers")
            .says("grant SELECT on table db.s.t to readers")
            .says("ann has SELECT on db.s.t since")
            .says("through readers");
        site.run(&["log"])
            .ends(0)
            .says("said to be jane")
            .says("make keepers the owner of table db.s.u")
            .says("grant SELECT on future objects (table) of postgres in schema s to readers");
        let keepers = site.ground.role("keepers").to_string();
        site.run(&["log", "--role", &keepers]).ends(0).says("keepers").never_says("readers");
        // Ownership that goes, and default privileges that go, are told too.
        site.config(
            &BOOK
                .replace(
                    "object-name: u, privileges: [ownership]",
                    "object-name: u, privileges: [select]",
                )
                .replace(
                    "object-name: \"*\", privileges: [select]",
                    "object-name: t, privileges: [select]",
                ),
        );
        site.run(&["apply"]).ends(0);
        site.run(&["log"]).ends(0).says("make admin the owner of table db.s.u");
        site.must_have("~readers", "SELECT on s.t, USAGE on s, lets in ann").await;
        site.run(&["plan", "--check"]).ends(0);
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_done_by_hand_meanwhile_is_only_left_out_of_a_plan() {
    for site in Site::each().await {
        let file = planned(&site).await;
        site.run(&["apply", &file]).ends(0);
        site.sql("alter default privileges in schema s revoke select on tables from ~readers; alter table s.u owner to ~admin").await;
        site.run(&["plan", "--out", &file]).ends(0);
        site.sql("alter default privileges in schema s grant select on tables to ~readers; alter table s.u owner to ~keepers").await;
        site.run(&["apply", &file]).ends(0).says("In sync");
        site.must_have("~readers", READERS).await;
        site.must_have("~keepers", "owns u").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_s_plan_that_does_not_fit_any_more_is_refused() {
    for site in Site::each().await {
        let file = planned(&site).await;
        // Another owner than the one that the plan takes it from.
        site.sql("alter table s.u owner to ~other").await;
        stale(&site, &file, "not in the plan: make keepers the owner of table db.s.u").await;
        site.sql("alter table s.u owner to postgres").await;
        // A table more is a grant more.
        site.sql("create table s.more (x int)").await;
        stale(&site, &file, "not in the plan: grant SELECT on table db.s.more to readers").await;
        site.sql("drop table s.more").await;
        site.run(&["apply", &file]).ends(0);
        // Default privileges that somebody gave since would go by no reviewed plan.
        site.sql("alter default privileges in schema s revoke select on tables from ~readers")
            .await;
        site.run(&["plan", "--out", &file]).ends(0);
        site.sql("alter default privileges in schema s grant insert on tables to ~readers").await;
        stale(&site, &file, "not in the plan").await;
        site.sql("alter default privileges in schema s revoke insert on tables from ~readers")
            .await;
        site.run(&["apply", &file]).ends(0);
        site.must_have("~readers", READERS).await;
        // A role that somebody made meanwhile is adopted by no plan of before.
        site.sql("create role ~third").await;
        site.config(&format!("{BOOK}  third: {{name: \"~third\"}}\n"));
        site.run(&["plan", "--adopt", "--out", &file]).ends(0);
        site.sql("grant ~third to ~other").await;
        stale(&site, &file, "not in the plan: other is in third, which it adopts").await;
    }
}
