//! Plan, apply, verify, and take away again what policies give.

use crate::rules::site::{CONFIG, Site, model};

/// The site's configuration with these policies.
pub(super) fn with(policies: &str) -> String {
    format!("{CONFIG}{policies}")
}

pub(super) async fn people(site: &Site) {
    site.sql("create role ~ann login; create role ~bob login; create role ~bi").await;
    site.members("analyst: [{user: ~ann}]");
}

const STEWARDS: &str = r#"
policies:
  - name: stewards
    privileges: [read, write]
    resources: {select: "fqn:*t"}
    actors: {users: [~bob], groups: [~bi], product_roles: [p.engineer]}
"#;

#[tokio::test]
async fn a_policy_is_planned_applied_verified_and_taken_back_like_everything_else() {
    for site in Site::each().await {
        people(&site).await;
        site.config(&with(STEWARDS));
        site.run(&["plan"])
            .ends(0)
            .says("policy_stewards")
            .says("read by the policy stewards, rolecall.yml:12")
            .says("the policy stewards, rolecall.yml:15");
        site.run(&["apply"]).ends(0);
        for command in ["plan", "verify"] {
            site.run(&[command]).ends(0).says("in sync");
        }
        site.must_have(
            "~policy_stewards",
            "CONNECT here, DELETE on s.t, INSERT on s.t, SELECT on s.t, TRUNCATE on s.t, UPDATE on s.t, USAGE on s, lets in bi, lets in bob, lets in p_engineer",
        )
        .await;
        // The server says so, too: who is in the product role has it by inheritance.
        site.members("engineer: [{user: ~ann}]");
        site.run(&["apply", "--allow-revokes", "1"]).ends(0);
        let asked = "select has_table_privilege('~ann', 's.t', 'INSERT')::text";
        assert_eq!(site.ground.ask(asked).await, ["true"]);

        // Not active: all of it goes, and only where that is allowed.
        site.config(&with(&STEWARDS.replace("privileges:", "active: false\n    privileges:")));
        site.run(&["apply"]).ends(8).says("policy_stewards would lose all");
        site.run(&["apply", "--allow-revokes", "20"]).ends(0);
        site.must_have("~policy_stewards", "nothing").await;
        assert_eq!(site.ground.ask(asked).await, ["false"]);
        site.run(&["verify"]).ends(0).says("in sync");
        // Gone from the files, and dropped where that is wanted.
        site.config(CONFIG);
        site.run(&["apply", "--drop-roles"]).ends(0);
        assert_eq!(site.oid("~policy_stewards").await, None);
    }
}

#[tokio::test]
async fn what_somebody_adds_by_hand_to_a_policy_s_role_is_drift() {
    for site in Site::each().await {
        people(&site).await;
        site.config(&with(STEWARDS));
        site.run(&["apply"]).ends(0);
        site.sql("grant select on s.u to ~policy_stewards; grant ~policy_stewards to ~ann").await;
        site.run(&["verify"]).ends(3);
        site.run(&["apply"]).ends(0);
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn where_a_policy_is_always_required_the_server_lets_in_those_who_are_in_both() {
    for site in Site::each().await {
        people(&site).await;
        site.models(&[
            model("s.t").gives("analyst", &["read"]),
            model("s.u").gives("analyst", &["read"]),
        ]);
        site.members("analyst: [{user: ~ann}, {user: ~bob}]");
        site.run(&["apply"]).ends(0);
        let may = |who: &str, on: &str| {
            let sql = format!("select has_table_privilege('~{who}', 's.{on}', 'SELECT')::text");
            let site = &site;
            async move { site.ground.ask(&sql).await.concat() }
        };
        assert_eq!(may("bob", "t").await, "true");
        let gate = r#"
policies:
  - {name: cleared, combine: all, resources: {select: "fqn:*t"}, actors: {users: [~ann]}}
"#;
        site.config(&with(gate));
        // One role gives what another held: nobody who keeps access goes without it.
        site.run(&["plan"]).ends(0).says("policy_p_analyst_where_cleared");
        site.run(&["apply"]).ends(0);
        site.run(&["plan"]).ends(0).says("in sync");
        for (who, on, wanted) in [
            ("ann", "t", "true"),
            ("bob", "t", "false"),
            ("ann", "u", "true"),
            ("bob", "u", "true"),
        ] {
            assert_eq!(may(who, on).await, wanted, "{who} {on}");
        }
        site.must_have(
            "~policy_p_analyst_where_cleared",
            "CONNECT here, SELECT on s.t, USAGE on s, lets in ann",
        )
        .await;
        site.config(CONFIG);
        site.run(&["apply", "--allow-revokes", "9"]).ends(0);
        assert_eq!(may("bob", "t").await, "true");
    }
}

#[tokio::test]
async fn a_platform_policy_gives_what_is_on_the_database() {
    for site in Site::each().await {
        people(&site).await;
        site.sql("create role ~runner").await;
        site.config(&with(
            r#"
platform_policies:
  - name: builders
    privileges: [CREATE, TEMPORARY]
    actors: {users: [~ann], roles: [~runner]}
"#,
        ));
        site.run(&["plan"]).ends(0).says("CREATE by the policy builders");
        site.run(&["apply"]).ends(0);
        site.must_have(
            "~policy_builders",
            "CREATE here, TEMPORARY here, lets in ann, lets in runner",
        )
        .await;
        let asked = "select has_database_privilege('~ann', current_database(), 'CREATE')::text";
        assert_eq!(site.ground.ask(asked).await, ["true"]);
        for command in ["plan", "verify"] {
            site.run(&[command]).ends(0).says("in sync");
        }
        site.config(CONFIG);
        site.run(&["apply", "--allow-revokes", "9"]).ends(0);
        assert_eq!(site.ground.ask(asked).await, ["false"]);
    }
}

#[tokio::test]
async fn no_plan_takes_from_an_immutable_policy_even_where_its_file_is_gone() {
    for site in Site::each().await {
        people(&site).await;
        let fixed = STEWARDS.replace("privileges:", "immutable: true\n    privileges:");
        site.config(&with(&fixed));
        site.run(&["apply"]).ends(0);
        let before = site.everything().await;
        let all = ["--allow-revokes", "99", "--drop-roles", "--prune"];
        for config in [
            with(&fixed.replace("immutable: true", "active: false")),
            with(&fixed.replace("immutable: true", "immutable: true\n    active: false")),
            with(&fixed.replace("users: [~bob], ", "")),
            with(&fixed.replace("[read, write]", "[read]")),
            CONFIG.to_owned(),
        ] {
            site.config(&config);
            site.run(&["plan"]).ends(8).says("immutable").says("the policy stewards");
            let mut apply = vec!["apply"];
            apply.extend(all);
            site.run(&apply).ends(8);
            assert_eq!(site.everything().await, before);
        }
        // More may be given to it.
        let more = fixed.replace("users: [~bob]", "users: [~bob, ~ann]");
        site.config(&with(&more));
        site.run(&["apply"]).ends(0);
        site.run(&["verify"]).ends(0);
        // The file alone does not end it, and says so.
        site.config(&with(&more.replace("immutable: true", "immutable: false")));
        site.run(&["plan"]).ends(0).says("still-immutable").says("COMMENT ON ROLE");
    }
}

#[tokio::test]
async fn a_policy_becomes_immutable_where_its_role_is_there_already() {
    for site in Site::each().await {
        people(&site).await;
        site.config(&with(STEWARDS));
        site.run(&["apply"]).ends(0);
        site.config(&with(&STEWARDS.replace("privileges:", "immutable: true\n    privileges:")));
        site.run(&["plan", "--check"]).ends(3).says("immutable");
        site.run(&["apply"]).ends(0);
        site.run(&["plan", "--check"]).ends(0);
        site.config(CONFIG);
        site.run(&["apply", "--allow-revokes", "99"]).ends(8).says("the policy stewards");
    }
}

#[tokio::test]
async fn the_break_glass_role_keeps_what_it_has() {
    for site in Site::each().await {
        people(&site).await;
        site.sql("create role ~glass login").await;
        let config =
            format!("{}\nbreak_glass: ~glass\n", with(STEWARDS).replace("[~bob]", "[~glass]"));
        site.config(&config);
        site.run(&["apply"]).ends(0);
        site.config(&config.replace("users: [~glass], ", ""));
        site.run(&["apply", "--allow-revokes", "9"]).ends(8).says("break-glass role");
        // A typing error is no protection, whatever flags say.
        let typo = config.replace("break_glass: ~glass", "break_glass: ~glasss");
        site.config(&typo.replace("users: [~glass], ", ""));
        for command in
            [&["plan", "--skip-missing"][..], &["apply", "--allow-revokes", "9"], &["verify"]]
        {
            site.run(command)
                .ends(1)
                .says("bad-break-glass")
                .says("did you mean `")
                .says("glass`?");
        }
        site.config(&config.replace("break_glass: ~glass\n", "").replace("users: [~glass], ", ""));
        site.run(&["apply", "--allow-revokes", "9"]).ends(0);
    }
}

const GATE: &str = "policies:
  - {name: cleared, combine: all, resources: {select: \"fqn:*t\"}, actors: {users: [~ann]}}
";

/// Analysts read `s.t`, of whom ann is admitted to it; applied.
async fn gated(site: &Site) {
    people(site).await;
    site.models(&[model("s.t").gives("analyst", &["read"])]);
    site.config(&with(GATE));
    site.run(&["apply"]).ends(0);
}

/// bob is in the playbook's role `loader`.
fn bob_loads(site: &Site) {
    let members = site.ground.own("~loader: [{user: ~bob}]\n");
    crate::rules::site::write(&site.path(""), "rolecall/members/playbook_roles.yml", &members);
}

#[tokio::test]
async fn no_plan_opens_a_way_round_what_is_always_required() {
    for site in Site::each().await {
        gated(&site).await;
        site.sql(
            "create role ~holder; grant select on s.t to ~holder; grant usage on schema s to ~holder;
             create role ~column; grant select (x) on s.t to ~column; grant usage on schema s to ~column;
             create table s.above (like s.t); alter table s.t inherit s.above",
        )
        .await;
        site.run(&["verify"]).ends(0);
        bob_loads(&site);
        let before = site.everything().await;
        for (grant, chain) in [
            ("{object-type: role, object-name: ~holder, privileges: [usage]}", "→ in holder"),
            ("{object-type: role, object-name: ~column, privileges: [usage]}", "→ in column"),
            (
                "{object-type: table, database-name: DB, schema-name: s, object-name: above, privileges: [select]}",
                "the table db.s.t inherits from db.s.above",
            ),
        ] {
            let grant = grant.replace("DB", &site.ground.database);
            let playbook = format!(
                "roles:\n  ~loader: {{name: ~loader, grants: [{grant}, {{object-type: schema, database-name: {}, object-name: s, privileges: [usage]}}]}}\n",
                site.ground.database
            );
            site.config(&with(&format!("{GATE}{playbook}")));
            for command in ["plan", "apply"] {
                site.run(&[command])
                    .ends(1)
                    .says("error[round-policy]")
                    .says("bob SELECT on db.s.t")
                    .says(chain);
            }
            assert_eq!(site.everything().await, before);
        }
    }
}

#[tokio::test]
async fn verify_names_who_gets_round_by_a_column_a_parent_s_column_or_as_an_owner() {
    for site in Site::each().await {
        gated(&site).await;
        site.sql("create table s.above (like s.t); alter table s.t inherit s.above; grant usage on schema s to ~bob").await;
        site.run(&["verify"]).ends(0);
        for (give, take, says) in [
            (
                "grant select (x) on s.t to ~bob",
                "revoke select (x) on s.t from ~bob",
                "bob has SELECT on db.s.t",
            ),
            (
                "grant select (x) on s.above to ~bob",
                "revoke select (x) on s.above from ~bob",
                "inherits from db.s.above",
            ),
            (
                "alter table s.t owner to ~bob; revoke all on s.t from ~bob",
                "alter table s.t owner to postgres",
                "bob has OWNERSHIP on db.s.t",
            ),
        ] {
            site.sql(give).await;
            site.run(&["verify"]).ends(4).says("error[way-round-policy]").says(says);
            site.sql(take).await;
            site.run(&["verify"]).ends(0);
        }
    }
}

#[tokio::test]
async fn a_way_that_a_plan_closes_excuses_none_that_it_opens() {
    let site = Site::each().await.pop().unwrap();
    gated(&site).await;
    site.sql(
        "grant ~policy_p_analyst_where_cleared to ~bob;
         create role ~holder; grant select on s.t to ~holder; grant usage on schema s to ~holder",
    )
    .await;
    let playbook = "roles:
  ~loader: {name: ~loader, grants: [{object-type: role, object-name: ~holder, privileges: [usage]}]}
";
    bob_loads(&site);
    site.config(&with(&format!("{GATE}{playbook}")));
    site.run(&["apply", "--allow-revokes", "9"]).ends(1).says("error[round-policy]");
}
