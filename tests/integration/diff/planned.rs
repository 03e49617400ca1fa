//! What a plan does to people: under its changes, and by its file.

use crate::engines::snapshot;
use crate::rules::site::{CONFIG, Site, model, write};

/// The site with a reader and a writer, applied; then a change is planned.
async fn changed() -> Vec<Site> {
    let mut sites = Vec::new();
    for site in Site::each().await {
        site.sql("create role ~kim login; create role ~sam login").await;
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("engineer", &["read", "write"]),
        ]);
        site.members("analyst: [{user: ~kim}]\nengineer: [{user: ~kim}, {user: ~sam}]\n");
        site.run(&["apply"]).ends(0);
        site.models(&[
            model("s.t").gives("analyst", &["read"]).gives("engineer", &["read"]),
            model("s.u").gives("engineer", &["read"]),
        ]);
        site.members("analyst: [{user: ~kim}]\nengineer: [{user: ~sam}]\n");
        sites.push(site);
    }
    sites
}

#[tokio::test]
async fn under_a_plan_stands_who_gains_and_loses_by_it() {
    for site in changed().await {
        let out = site.path("plan.json");
        let out = out.to_str().unwrap();
        let said = site.run(&["plan", "--out", out]).ends(0);
        let (_, gains) = said.out.split_once("\nAccess after it").unwrap();
        snapshot!(gains, @r"
        : 1 person and 1 product role gain; 2 people and 1 product role lose (2 nodes)

          + read on s_t
              p.engineer, sam
              # granted to p.engineer [model.shop.s_t]
          - write on s_u
              p.engineer, sam
              # no longer granted to p.engineer
          - read, write on s_u
              kim
              # no longer granted to p.engineer
              # no longer in p.engineer
        ");
        // By the file alone, and by the file and the server.
        let mut by_file = site.command(&["diff", out, "--format", "json"]);
        by_file.env_remove("ROLECALL_CONNECTION");
        let by_file = site.ran(by_file.output().unwrap()).ends(0);
        let by_server = site.run(&["diff", out, "--format", "json"]).ends(0);
        let plan = site.run(&["plan", "--format", "json"]).ends(0);
        let parts = |text: &str, inside: Option<&str>| {
            let json: serde_json::Value = serde_json::from_str(text).unwrap();
            let json = inside.map_or(json.clone(), |key| json[key].clone());
            (json["gaining"].clone(), json["losing"].clone(), json["nodes"].clone())
        };
        assert_eq!(parts(&by_file.out, None), parts(&by_server.out, None));
        assert_eq!(parts(&by_server.out, None), parts(&plan.out, Some("gains")));
        // And it is so: the server says the same once it is applied.
        site.run(&["apply", out]).ends(0);
        let said = site.run(&["who-can", "read", "u"]).ends(0);
        assert!(!said.out.contains("kim") && said.out.contains("sam"), "{}", said.out);
        let said = site.run(&["plan"]).ends(0).never_says("Access after it");
        said.says("is in sync");
    }
}

#[tokio::test]
async fn what_a_playbook_leaves_alone_is_no_grant_of_dbt_s() {
    let site = Site::each().await.pop().unwrap();
    site.sql("create role ~kim login").await;
    let playbook = format!(
        "{CONFIG}roles:\n  ~loader: {{name: ~loader, grants: [{{object-type: table, database-name: {}, \
         schema-name: s, object-name: t, privileges: [select], enable: false}}]}}\n",
        site.ground.database
    );
    site.config(&playbook);
    let members = |text: &str| {
        let text = site.ground.own(text);
        write(&site.path(""), "rolecall/members/playbook_roles.yml", &text);
    };
    members("~loader: [{user: ~kim}]\n");
    site.run(&["apply"]).ends(0);
    site.sql("grant select on s.t to ~loader; grant usage on schema s to ~loader").await;
    members("~loader: []\n");
    let plan = site.run(&["plan", "--format", "json"]).ends(0);
    let json: serde_json::Value = serde_json::from_str(&plan.out).unwrap();
    let lost = json["gains"]["changes"].to_string();
    assert!(lost.contains("kim") && lost.contains("\"loses\""), "{lost}");
    assert!(!lost.contains("by_dbt"), "{lost}");
}
