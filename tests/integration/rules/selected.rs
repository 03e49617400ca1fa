//! A selection limits a plan to the access of its nodes: `--select` and its like.

use std::io::Write;
use std::process::Stdio;

use super::site::{CONFIG, Site, model};

/// Two models of which each gives one role something; what each role then has.
async fn two(site: &Site) {
    site.sql("create role ~taylor").await;
    site.members("analyst: [{user: ~taylor}]\nengineer: [{user: ~taylor}]");
    site.models(&[
        model("s.t").gives("analyst", &["read"]),
        model("s.u").gives("analyst", &["read"]).gives("engineer", &["write"]),
    ]);
}

const ON_T: &str = "CONNECT here, SELECT on s.t, USAGE on s, lets in taylor";

#[tokio::test]
async fn only_the_selected_nodes_get_their_access_and_what_leads_to_it() {
    for site in Site::each().await {
        two(&site).await;
        site.run(&["apply", "-s", "t"])
            .ends(0)
            .says("Limited to the access of 1 node; 6 changes lie outside of them.");
        site.must_have("~p_analyst", ON_T).await;
        // No node of the selection names that role.
        assert_eq!(site.oid("~p_engineer").await, None);
        site.run(&["apply", "--select", "t"]).ends(0).says("In sync").says("6 changes lie outside");
        site.run(&["verify", "-m", "t"]).ends(0);
        site.run(&["verify"]).ends(3);
        site.run(&["apply"]).ends(0).never_says("Limited");
        site.run(&["verify"]).ends(0);
        site.run(&["plan", "-s", "t", "u"]).ends(0).says("2 nodes; nothing is left to change");
    }
}

#[tokio::test]
async fn nothing_outside_of_a_selection_is_taken_away() {
    for site in Site::each().await {
        two(&site).await;
        site.run(&["apply"]).ends(0);
        site.sql(
            "create role ~stranger; create role ~group; grant ~p_analyst to ~stranger;
             grant ~group to ~p_analyst; alter role ~p_analyst createdb;
             grant insert on s.t to ~p_analyst; grant insert on s.u to ~p_analyst;
             grant create on schema s to ~p_analyst;
             alter default privileges in schema s grant select on tables to ~p_analyst;
             revoke select on s.u from ~p_analyst;
             revoke connect on database ~db from ~p_analyst"
                .replace("~db", &site.ground.database)
                .as_str(),
        )
        .await;
        site.config(&CONFIG.replace("  engineer: {may: [read, write]}\n", ""));
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("analyst", &["read"]),
        ]);
        site.members("analyst: []");
        site.run(&["apply", "-s", "t"]).ends(0).says("revoke INSERT on table db.s.t");
        let has = site.has("~p_analyst").await;
        // What leads to the selected node is mended.
        assert!(
            has.starts_with("CONNECT here, CREATE on s, INSERT on s.u, SELECT in future, "),
            "{has}"
        );
        for kept in
            ["SELECT on s.t", "USAGE on s", "in group", "lets in stranger", "lets in taylor"]
        {
            assert!(has.contains(kept), "{kept}: {has}");
        }
        assert!(!has.contains("INSERT on s.t") && !has.contains("SELECT on s.u"), "{has}");
        // A role that nobody declares any more keeps what it has elsewhere, its members too.
        let has = site.has("~p_engineer").await;
        assert!(has.contains("INSERT") && has.contains("lets in"), "{has}");
        site.run(&["apply", "-s", "t"]).ends(0).says("In sync");
        site.run(&["apply", "-s", "u"]).ends(8).says("engineer would lose all 4");
        site.run(&["apply", "-s", "u", "--allow-revokes", "5"]).ends(0);
        assert!(!site.has("~p_engineer").await.contains("s.u"));
        assert!(site.has("~p_engineer").await.contains("USAGE on s"));
        site.run(&["apply", "--allow-revokes", "99"]).ends(0);
        site.must_have("~p_engineer", "nothing").await;
    }
}

#[tokio::test]
async fn a_relation_that_is_not_built_yet_only_matters_where_it_is_selected() {
    for site in Site::each().await {
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.unbuilt").gives("analyst", &["read"]),
        ]);
        site.run(&["apply"]).ends(1).says("missing-relation");
        site.run(&["apply", "-s", "unbuilt"]).ends(1).says("missing-relation");
        site.run(&["apply", "-s", "*", "--exclude", "unbuilt"]).ends(0).never_says("unbuilt");
        site.must_have("~p_analyst", "CONNECT here, SELECT on s.t, USAGE on s").await;
    }
}

#[tokio::test]
async fn a_reviewed_plan_carries_its_limit() {
    for site in Site::each().await {
        two(&site).await;
        let plan = site.path("plan.json");
        let plan = plan.to_str().unwrap();
        site.run(&["plan", "-s", "t", "--out", plan]).ends(0);
        let text = std::fs::read_to_string(plan).unwrap();
        assert!(text.contains("\"limit\"") && text.contains("s_t"), "{text}");
        site.run(&["apply", plan, "-s", "u"]).ends(2).says("a plan has its own limit");
        site.run(&["apply", plan]).ends(0).says("Limited to the access of 1 node");
        site.must_have("~p_analyst", ON_T).await;
        // A plan that lost its limit covers less than it would now do.
        let mut whole: serde_json::Value = serde_json::from_str(&text).unwrap();
        whole["allowed"].as_object_mut().unwrap().remove("limit").unwrap();
        std::fs::write(plan, whole.to_string()).unwrap();
        site.run(&["apply", plan]).ends(6).says("not in the plan");
    }
}

#[tokio::test]
async fn a_role_that_is_to_be_renamed_waits_for_a_whole_plan() {
    for site in Site::each().await {
        two(&site).await;
        site.run(&["apply"]).ends(0);
        site.config(&CONFIG.replace("~{{ product.name }}", "~new_{{ product.name }}"));
        site.run(&["apply", "-s", "t"]).ends(0).says("In sync").says("2 changes lie outside");
        site.sql("revoke select on s.t from ~p_analyst").await;
        let before = site.everything().await;
        site.run(&["apply", "-s", "t"]).ends(8).says("role-to-rename");
        assert_eq!(site.everything().await, before);
        site.run(&["apply"]).ends(0);
        site.run(&["apply", "-s", "t"]).ends(0).says("In sync");
    }
}

#[tokio::test]
async fn what_is_owned_is_handed_over_with_what_dbt_needs_to_rebuild_it() {
    for site in Site::each().await {
        site.sql("create role ~dbt; grant usage, create on schema s to ~dbt").await;
        let config = CONFIG
            .replace("role_name:", "deploy_role: ~dbt, role_name:")
            .replace("[read, write]}", "[read, write, own]}");
        site.config(&config);
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("engineer", &["own"]),
        ]);
        site.run(&["apply", "-s", "u"]).ends(1).says("own-would-break-dbt");
        site.members("engineer: [{user: ~dbt}]");
        site.run(&["apply", "-s", "u"]).ends(0);
        let has = site.has("~p_engineer").await;
        // With the way there, without which an owner can do nothing with it.
        for part in ["owns u", "CREATE on s", "USAGE on s", "CONNECT here"] {
            assert!(has.contains(part), "{part}: {has}");
        }
        // The role is there by now, and is to own one more: its member is let in again.
        site.sql("revoke ~p_engineer from ~dbt; alter table s.u owner to postgres").await;
        site.run(&["apply", "-s", "u"]).ends(0).says("into p_engineer");
        assert_eq!(site.oid("~p_analyst").await, None);
        site.run(&["apply"]).ends(0);
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_guard_counts_what_a_limited_plan_does() {
    for site in Site::each().await {
        two(&site).await;
        site.run(&["apply"]).ends(0);
        site.models(&[model("s.t"), model("s.u")]);
        site.run(&["apply"]).ends(8);
        // One of two grants of the role: not all that it has, so no guard speaks.
        site.models(&[model("s.t"), model("s.u").gives("analyst", &["read"])]);
        site.run(&["apply", "-s", "t"]).ends(0);
        site.models(&[model("s.t"), model("s.u")]);
        site.run(&["apply", "-s", "u"]).ends(8).says("would lose all");
    }
}

#[tokio::test]
async fn nodes_come_from_selectors_and_from_what_dbt_listed() {
    let site = Site::each().await.remove(0);
    two(&site).await;
    let write = |name: &str, text: &str| std::fs::write(site.path(name), text).unwrap();
    write(
        "selectors.yml",
        "selectors:\n  - name: one\n    definition: t\n  - name: typo\n    definition: u\n",
    );
    site.run(&["plan", "--selector", "one"]).ends(0).says("1 node").says("db.s.t");
    site.run(&["plan", "--selector", "tow"]).ends(2).says("the file has one, typo");
    site.run(&["plan", "--selector", "one", "-s", "u"]).ends(2);
    write("selectors.yml", "selectors:\n  - name: one\n    definition: {tags: x}\n");
    site.run(&["plan", "--selector", "one"])
        .ends(1)
        .says("selectors.yml:3")
        .says("did you mean `tag:`?");
    let listed = site.ground.own("~shop.s.t\n");
    write("nodes.txt", &listed);
    let nodes = site.path("nodes.txt");
    site.run(&["plan", "--nodes", nodes.to_str().unwrap()]).ends(0).says("1 node").says("db.s.t");
    let mut command = site.command(&["apply", "--nodes", "-"]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(listed.as_bytes()).unwrap();
    site.ran(child.wait_with_output().unwrap()).ends(0);
    site.must_have("~p_analyst", ON_T).await;
    write("nodes.txt", "shop.s.nobody\n");
    site.run(&["plan", "--nodes", nodes.to_str().unwrap()])
        .ends(1)
        .says("nodes.txt:1")
        .says("bad-node-list");
}

#[tokio::test]
async fn a_selection_that_cannot_be_meant_is_refused_and_one_of_nothing_does_nothing() {
    let site = Site::each().await.remove(0);
    two(&site).await;
    let before = site.everything().await;
    site.run(&["apply", "-s", "tags:x"]).ends(2).says("did you mean `tag:`?").says("known methods");
    site.run(&["apply", "-s", "state:modified"]).ends(2).says("--nodes");
    site.run(&["apply", "-s", ""]).ends(2).says("the selection is empty");
    site.run(&["apply", "-s", "t", "--drop-roles"])
        .ends(2)
        .says("--drop-roles is about whole roles");
    site.run(&["apply", "--exclude", "*", "--prune"]).ends(2);
    site.run(&["apply", "-s", "tag:nothing"])
        .ends(0)
        .says("`tag:nothing` selects no node")
        .says("no node is meant")
        .says("0 nodes");
    let ended = site.run(&["plan", "--format", "json", "-s", "tag:nothing"]).ends(0);
    let json: serde_json::Value = serde_json::from_str(&ended.out).unwrap();
    assert_eq!(json["findings"][0]["code"], "nothing-selected");
    assert_eq!(json["outside"], 11);
    assert_eq!(site.everything().await, before);
}
