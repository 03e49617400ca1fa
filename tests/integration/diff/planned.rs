//! What a plan does to people: under its changes, and by its file.

use crate::engines::snapshot;
use crate::rules::site::{Site, model};

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
