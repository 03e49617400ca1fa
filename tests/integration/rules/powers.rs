//! Into whom no playbook lets anybody, and what is kept by a role that nothing is taken from.

use super::site::{Site, model, write};
use crate::engines::{Ground, servers, session};

const CONFIG: &str = r#"
version: 1
deployment: "~books"
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
roles:
"#;

async fn site(roles: &str) -> Site {
    let site = Site::on(Ground::on(servers().last().unwrap()).await).await;
    site.config(&format!("{CONFIG}{roles}"));
    site.models(&[model("s.w")]);
    site.sql("create table s.w (x int); create role ~taylor login").await;
    site
}

fn in_role(role: &str) -> String {
    format!(
        "  reader:\n    name: \"~reader\"\n    grants:\n      - {{object-type: role, object-name: \"{role}\", privileges: [usage]}}\n"
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn no_playbook_lets_anybody_into_a_superuser_and_who_is_in_already_stays() {
    let site = site(&in_role("~boss")).await;
    site.sql("create role ~boss superuser").await;
    site.run(&["plan"]).ends(1).says("powerful-role").says("by which everything can be done");
    site.sql("create role ~reader; grant ~boss to ~reader").await;
    site.run(&["plan", "--adopt"]).ends(0).never_says("powerful-role");
    // By somebody who may let others in, too: nobody takes that from a role that is not ours.
    site.sql(
        "revoke ~boss from ~reader; create role ~deputy; grant ~boss to ~deputy with admin option;
         grant ~boss to ~reader granted by ~deputy",
    )
    .await;
    site.run(&["plan", "--adopt"]).ends(0).never_says("powerful-role");
    site.config(&format!("{CONFIG}{}", in_role("postgres")));
    site.run(&["plan", "--adopt"]).ends(1).says("powerful-role");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_playbook_lets_anybody_into_another_environment_s_product_role() {
    let site = site(&in_role("~dev_analyst")).await;
    site.sql(
        r#"create role ~dev_analyst;
        comment on role ~dev_analyst is 'rolecall:1 {"deployment":"~books","environment":"dev","product":"p","role":"analyst"}'"#,
    )
    .await;
    site.run(&["plan"])
        .ends(1)
        .says("managed-role-as-member")
        .says("reader is to be in dev_analyst, which is p.analyst of the deployment books in dev");
    // By hand it was done already: that is no plan's doing.
    site.sql("create role ~reader; grant ~dev_analyst to ~reader").await;
    site.run(&["plan", "--adopt"]).ends(0).never_says("managed-role-as-member");
}

const KEEPER: &str = r#"  keeper:
    name: "~keeper"
    revoke-other-grants: false
    grants:
      - {object-type: schema, database-name: "DB", schema-name: s, privileges: [usage]}
  other:
    name: "~other"
    grants:
      - {object-type: schema, database-name: "DB", schema-name: s, privileges: [usage]}
"#;

#[tokio::test(flavor = "multi_thread")]
async fn what_nothing_is_taken_from_keeps_the_roles_that_it_is_in_and_what_it_owns() {
    let site = site("").await;
    let book = KEEPER.replace("DB", &site.ground.database);
    site.config(&format!("{CONFIG}{book}"));
    let members = site.ground.own("other: [{user: ~taylor}]\n");
    write(&site.path(""), "rolecall/members/playbook_roles.yml", &members);
    site.run(&["apply"]).ends(0);
    site.sql("grant ~other to ~keeper; alter table s.u owner to ~keeper").await;
    site.run(&["plan", "--check"]).ends(0).says("being in the role other");
    let owned = "      - {object-type: table, database-name: \"DB\", schema-name: s, object-name: u, privileges: [ownership]}\n";
    let owned = owned.replace("DB", &site.ground.database);
    site.config(&format!("{CONFIG}{book}{owned}"));
    site.run(&["apply"]).ends(0).says("ownership of table db.s.u, which is keeper's");
    site.run(&["plan", "--check"]).ends(0);
    site.must_have("~keeper", "USAGE on s, in other, owns u").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_temporary_is_nobody_s_drift() {
    let site = Site::on(Ground::on(servers().last().unwrap()).await).await;
    site.run(&["apply"]).ends(0);
    let other = session(&site.ground.engine.url(&site.ground.database)).await;
    let sql = "create temporary table passing (x int); grant select on passing to ~p_analyst";
    other.batch_execute(&site.ground.own(sql)).await.unwrap();
    site.run(&["plan", "--check"]).ends(0).never_says("passing");
    site.run(&["verify"]).ends(0);
    // What lasts is.
    other.batch_execute(&site.ground.own("grant select on s.u to ~p_analyst")).await.unwrap();
    site.run(&["plan", "--check"]).ends(3).never_says("passing");
}
