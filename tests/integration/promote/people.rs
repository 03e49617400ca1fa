//! Members by rule, groups and policies: what they come to is asked in the target.

use super::stage::{CONFIG, Stage};
use crate::rules::site::{model, write};

/// With templates for groups, a directory, and more keys.
fn config(more: &str) -> String {
    let named = |env: &str| {
        (
            format!("user_name: \"<{env}>{{{{ user.name }}}}\""),
            format!("group_name: \"<{env}>{{{{ group.name }}}}\""),
        )
    };
    let mut text = CONFIG.to_owned();
    let (user, group) = named("dev");
    text = text.replace(&user, &format!("{user}, {group}"));
    let (user, group) = named("prod");
    text = text.replace(&user, &format!("{user}\n    {group}"));
    format!("{text}directory: {{path: people.csv, key: name}}\n{more}")
}

async fn people(stage: &Stage) {
    let text = "name,department\ntaylor,Sales\nsam,Sales\nnew,Sales\nkim,HR\n";
    std::fs::write(stage.path("people.csv"), text).unwrap();
    for ground in [&stage.dev, &stage.prod] {
        ground.sql("create role ~ads; create role ~kim login").await;
    }
    // Who is in the group, and who has a login, is each server's own.
    stage.dev.sql("grant ~ads to ~kim; create role ~new login").await;
}

#[tokio::test]
async fn groups_stay_groups_and_rules_are_asked_in_the_target() {
    for stage in Stage::each().await {
        people(&stage).await;
        stage.config(&config(""));
        stage.members(
            "analyst:\n  - group: ads\n  - {rule: \"user.department == 'Sales'\", environments: [dev, prod]}\nengineer:\n  - {rule: \"user.department == 'HR'\", environments: [dev]}\n",
        );
        stage.apply_in_dev();
        let in_role = "select string_agg(m.member::regrole::text, ' ' order by m.member::regrole::text collate \"C\")
            from pg_auth_members m where m.roleid = '~p_analyst'::regrole and m.member <> 'postgres'::regrole";
        let dev: Vec<String> = stage.dev.ask(in_role).await;
        assert_eq!(dev[0].replace(&stage.dev.prefix, ""), "ads new sam taylor");
        stage
            .promote(&[])
            .ends(0)
            .says("member prod:ads (group)")
            .says("member prod:sam (user)")
            .says("user prod:new, whom a rule matches")
            .never_says("prod:kim");
        stage.apply().ends(0);
        let prod: Vec<String> = stage.prod.ask(in_role).await;
        assert_eq!(prod[0].replace(&stage.prod.prefix, ""), "ads sam taylor");
        // With --strict it is an error that somebody is not there.
        std::fs::remove_file(stage.path("plan.json")).unwrap();
        stage.promote(&["--strict"]).ends(1).says("error[missing-member]").says("prod:new");
    }
}

#[tokio::test]
async fn a_closed_gate_says_how_to_declare_who_is_in_by_hand() {
    let stage = Stage::one().await;
    stage.dev.sql("grant ~p_analyst to ~sam").await;
    let said = stage.promote(&[]).ends(4);
    said.says("refused[undeclared-member]")
        .says("`rolecall member add p analyst --user sam`, or `rolecall import --members --target dev` for everybody at once, or take dev:sam out by `rolecall apply --target dev`");
    stage.run(&["member", "add", "p", "analyst", "--user", "sam"]).ends(0);
    stage.promote(&[]).ends(0).says("member prod:sam (user)");
}

const POLICY: &str = "policies:
  - name: stewards
    privileges: [read]
    actors: {users: [sam], product_roles: [p.engineer]}
";

/// On the database itself, which no file names.
const PLATFORM: &str = "platform_policies:
  - {name: scratch, privileges: [TEMPORARY], actors: {users: [sam]}}
";

#[tokio::test]
async fn a_policy_is_promoted_like_a_declaration() {
    for stage in Stage::each().await {
        people(&stage).await;
        stage.config(&config(&format!("{POLICY}{PLATFORM}")));
        stage.apply_in_dev();
        stage.run(&["validate", "-t", "dev"]).ends(0).says("warning[database-not-known]");
        // Its roles take part in all gates: who is in by hand, what PUBLIC has, what is drift.
        stage.dev.sql("grant ~policy_stewards to ~taylor").await;
        let said = stage.promote(&[]).ends(4);
        said.says("refused[undeclared-member]")
            .says("the role of the policy stewards, which the platform's files fill");
        stage
            .run(&["import", "--members", "-t", "dev"])
            .ends(1)
            .says("left out: dev:taylor: it is");
        stage.apply_in_dev();
        stage
            .promote(&["--strict"])
            .ends(0)
            .says("member prod:p_engineer (role)")
            .says("TEMPORARY on database prod_db");
        stage.apply().ends(0);
        stage.run(&["verify", "-t", "prod"]).ends(0);
        std::fs::remove_file(stage.path("plan.json")).unwrap();
        stage.promote(&["--check"]).ends(0).says("Nothing to add");
    }
}

#[tokio::test]
async fn nodes_that_only_a_policy_is_about_pass_the_same_gates() {
    let stage = Stage::one().await;
    people(&stage).await;
    stage.config(&config(POLICY));
    let bare = [model("s.t"), model("s.u")];
    stage.models("dev", &bare);
    stage.models("prod", &bare);
    stage.run(&["apply", "-t", "dev", "--allow-revokes", "99"]).ends(0);
    // PUBLIC has it.
    stage.prod.sql("grant select on s.t to public").await;
    stage.promote(&[]).ends(4).says("refused[grant-to-public]: PUBLIC has SELECT on table");
    stage.prod.sql("revoke select on s.t from public; create table s.untried (x int)").await;
    // Nobody has tried it.
    let [t, u] = bare;
    stage.models("prod", &[t, u, model("s.untried")]);
    stage.promote(&[]).ends(0).says("s_untried (not in the manifest of dev, so nobody has tried");
    stage.apply().ends(0);
    let may = "select has_table_privilege('~policy_stewards', 's.t', 'select')::text || ' ' ||
        has_table_privilege('~policy_stewards', 's.untried', 'select')::text";
    assert_eq!(stage.prod.ask(may).await, ["true false"]);
    // It is not built in the source.
    stage.dev.sql("drop table s.u").await;
    stage.promote(&[]).ends(4).says("s_u is given by a policy, and not built in dev");
}

#[tokio::test]
async fn a_policy_that_holds_in_the_target_alone_is_warned_of() {
    let stage = Stage::one().await;
    people(&stage).await;
    stage.config(&config(&format!("{POLICY}    environments: [prod]\n")));
    stage.apply_in_dev();
    stage
        .promote(&[])
        .ends(0)
        .says("warning[not-tried]: the policy stewards gives read on model.")
        .says("s_t, and on 1 more in prod, and not in dev");
    let at = stage.path("rolecall/platform");
    std::fs::create_dir_all(&at).unwrap();
    write(
        &at,
        "more.yml",
        "policies: [{name: gate, combine: all, resources: {select: t}, actors: {users: [sam]}}]\n",
    );
    stage.apply_in_dev();
    std::fs::remove_file(stage.path("plan.json")).unwrap();
    // The people who are in both, of each side.
    let said = stage.promote(&[]).ends(0);
    said.says("member prod:sam (user)").never_says("p_analyst_where_gate (role)");
}
