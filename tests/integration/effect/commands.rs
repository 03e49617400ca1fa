//! `who-can` and `explain` as a person sees them, on servers that no other test changes.

use std::sync::OnceLock;

use rolecall::warehouse::engine::{Engine, native::Options};
use serde_json::Value;

use crate::engines::{Ground, bins, snapshot};
use crate::rules::site::{Site, model};

/// The oldest server and the newest: everybody who holds anything is listed.
fn servers() -> &'static [Engine] {
    static SERVERS: OnceLock<Vec<Engine>> = OnceLock::new();
    SERVERS.get_or_init(|| {
        let mut bins = bins();
        if bins.len() > 2 {
            bins.drain(1..bins.len() - 1);
        }
        let start = |bin| Engine::native(&Options { bin, ..Options::default() }).unwrap();
        bins.into_iter().map(start).collect()
    })
}

async fn sites() -> Vec<Site> {
    let mut sites = Vec::new();
    for engine in servers() {
        let site = Site::on(Ground::on(engine).await).await;
        site.sql(
            "create role ~taylor login; create role ~sam login; create role ~kim login;
             create role ~ad_sales; create role ~mallory login; create role ~noor login;
             grant ~ad_sales to ~kim",
        )
        .await;
        site.members(
            "analyst:\n  - user: ~taylor\n  - group: ~ad_sales\nengineer:\n  - user: ~sam\n",
        );
        site.models(&[
            model("s.t").gives("analyst", &["read"]).gives("engineer", &["read", "write"]),
            model("s.u"),
        ]);
        site.run(&["apply"]).ends(0);
        site.sql("grant select on s.t to ~mallory; grant pg_read_all_data to ~noor").await;
        sites.push(site);
    }
    sites
}

/// Columns are as wide as the names of the test's roles, whose prefix is taken away.
fn own(text: &str) -> String {
    let mut text = text.to_owned();
    while text.contains("   ") {
        text = text.replace("   ", "  ");
    }
    text
}

#[tokio::test(flavor = "multi_thread")]
async fn who_can_and_explain_tell_the_chain_back_to_the_line() {
    for site in sites().await {
        let told = site.run(&["who-can", "read", "s.t"]).ends(0);
        snapshot!(own(&told.out), @r#"
        read on the table db.s.t (model.shop.s_t) in prod

        people (roles that can log in)
          postgres  SELECT  usable  a superuser
          kim  SELECT  usable  in ad_sales, let in by postgres, declared nowhere → in p_analyst (p.analyst) [rolecall/members/p.yml:3] → granted [model.shop.s_t]
          mallory  SELECT  no use: USAGE on the schema db.s is missing  granted by postgres, declared nowhere
          noor  SELECT  usable  in pg_read_all_data, let in by postgres, declared nowhere → which has it on everything
          sam  SELECT  usable  in p_engineer (p.engineer) [rolecall/members/p.yml:5] → granted [model.shop.s_t]
          taylor  SELECT  usable  in p_analyst (p.analyst) [rolecall/members/p.yml:2] → granted [model.shop.s_t]

        roles
          pg_read_all_data  SELECT  usable  which has it on everything
          ad_sales  SELECT  usable  in p_analyst (p.analyst) [rolecall/members/p.yml:3] → granted [model.shop.s_t]
          p_analyst (p.analyst)  SELECT  usable  granted [model.shop.s_t]
          p_engineer (p.engineer)  SELECT  usable  granted [model.shop.s_t]

        5 people can use it
        "#);
        let told = site.run(&["who-can", "write", "s.t"]).ends(0);
        snapshot!(own(&told.out), @r#"
        write on the table db.s.t (model.shop.s_t) in prod

        people (roles that can log in)
          postgres  DELETE, INSERT, TRUNCATE, UPDATE  usable  a superuser
          sam  DELETE, INSERT, TRUNCATE, UPDATE  usable  in p_engineer (p.engineer) [rolecall/members/p.yml:5] → granted [model.shop.s_t]

        roles
          pg_write_all_data  DELETE, INSERT, UPDATE  usable  which has it on everything
          p_engineer (p.engineer)  DELETE, INSERT, TRUNCATE, UPDATE  usable  granted [model.shop.s_t]

        2 people can use it
        "#);
        let kim = site.ground.own("~kim");
        let told = site.run(&["explain", &kim, "s_t", "--may", "write"]).ends(0);
        snapshot!(own(&told.out), @r#"
        kim on the table db.s.t (model.shop.s_t) in prod

        SELECT: usable
          kim → in ad_sales, let in by postgres, declared nowhere → in p_analyst (p.analyst) [rolecall/members/p.yml:3] → granted [model.shop.s_t]

        products and product roles are defined in
          p.analyst: rolecall.yml:9, rolecall.yml:6

        on the way there
          USAGE on the schema db.s: kim → in ad_sales, let in by postgres, declared nowhere → in p_analyst (p.analyst) [rolecall/members/p.yml:3] → granted [model.shop.s_t]
          CONNECT on the database db: kim → everyone has it (PUBLIC), granted by postgres, declared nowhere

        kim cannot write it
          the smallest change: let kim into p_engineer: an entry under `engineer:` in rolecall/members/p.yml; they gain 1 relation
          or: declare `p.analyst: [write]` on the node, if its `may` allows it: kim is in p_analyst, by which 1 other would gain it too
        "#);
        let told = site.run(&["explain", &site.ground.own("~mallory"), "s.t"]).ends(0);
        snapshot!(own(&told.out), @r#"
        mallory on the table db.s.t (model.shop.s_t) in prod

        SELECT: no use: USAGE on the schema db.s is missing
          mallory → granted by postgres, declared nowhere

        on the way there
          USAGE on the schema db.s: missing
          CONNECT on the database db: mallory → everyone has it (PUBLIC), granted by postgres, declared nowhere

        mallory cannot read it
          the smallest change: mallory has the privilege; mend what is in the way: USAGE on the schema db.s is missing
          or: let mallory into p_analyst: an entry under `analyst:` in rolecall/members/p.yml; they gain 1 relation
          or: let mallory into p_engineer: an entry under `engineer:` in rolecall/members/p.yml; they gain 1 relation
        "#);
        let told = site.run(&["explain", &site.ground.own("~taylor"), "s.u"]).ends(0);
        snapshot!(own(&told.out), @r#"
        taylor on the table db.s.u (model.shop.s_u) in prod

        taylor cannot read it
          they are in p_analyst, and none of these has it
          the smallest change: declare `p.analyst: [read]` on the node, if its `may` allows it: taylor is in p_analyst, by which 1 other would gain it too
        "#);
        let told = site.run(&["explain", "p.analyst", "s_t", "--declared"]).ends(0);
        snapshot!(own(&told.out), @r#"
        p_analyst on the table db.s.t (model.shop.s_t) in prod, by the declarations alone

        SELECT: usable
          p_analyst → granted [model.shop.s_t]

        on the way there
          USAGE on the schema db.s: p_analyst → granted [model.shop.s_t]
          CONNECT on the database db: p_analyst → granted [model.shop.s_t]
        "#);

        let told = site.run(&["who-can", "read", "s.t", "--format", "json"]).ends(0);
        let told: Value = serde_json::from_str(&told.out).unwrap();
        let holder = |name: &str| {
            let all = told["holders"].as_array().unwrap();
            all.iter().find(|holder| holder["who"] == name).unwrap()["may"][0].clone()
        };
        assert_eq!(holder("taylor")["usable"], true);
        assert_eq!(holder("taylor")["reasons"][0][0]["declared"][0]["line"], 2);
        assert_eq!(holder("mallory")["held"], true);
        assert_eq!(holder("mallory")["usable"], false);
        assert_eq!(holder("mallory")["lacks"][0]["lack"], "usage");
        assert_eq!(holder("mallory")["reasons"][0][0]["grantor"], "postgres");
        // Which statement makes a member inherit differs between versions; what is said does not.
        let change = match site.ground.version().await {
            15 => "alter role ~sam noinherit",
            _ => "grant ~p_engineer to ~sam with inherit false",
        };
        site.sql(change).await;
        let told = site.run(&["explain", &site.ground.own("~sam"), "s_t"]).ends(0);
        snapshot!(own(&told.out), @r#"
        sam on the table db.s.t (model.shop.s_t) in prod

        DELETE, INSERT, SELECT, TRUNCATE, UPDATE: after SET ROLE
          sam → may SET ROLE p_engineer (p.engineer) [rolecall/members/p.yml:5] → granted [model.shop.s_t]

        products and product roles are defined in
          p.engineer: rolecall.yml:9, rolecall.yml:7

        on the way there
          USAGE on the schema db.s: sam → may SET ROLE p_engineer (p.engineer) [rolecall/members/p.yml:5] → granted [model.shop.s_t]
          CONNECT on the database db: sam → everyone has it (PUBLIC), granted by postgres, declared nowhere

        sam cannot read it
          the smallest change: nothing: after SET ROLE p_engineer they can
          or: sam is in p_engineer without inheriting from it: GRANT it WITH INHERIT TRUE, or ALTER ROLE … INHERIT before PostgreSQL 16
          or: let sam into p_analyst: an entry under `analyst:` in rolecall/members/p.yml; they gain 1 relation
        "#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_is_called_is_exit_status_1_with_the_nearest_names() {
    let site = Site::on(Ground::on(&servers()[0]).await).await;
    site.sql("create role ~quentin login").await;
    let near = site.ground.own("~quentn");
    site.run(&["explain", &near, "s_t"]).ends(1).says("unknown-person").says("mean quentin?");
    site.run(&["who-can", "read", "s_tt"]).ends(1).says("unknown-node").says("did you mean s_t");
    site.run(&["who-can", "raed", "s_t"]).ends(2).says("did you mean read?");
    site.run(&["who-can", "execute", "s_t"]).ends(2).says("is no permission on a table");
}

#[tokio::test(flavor = "multi_thread")]
async fn everyone_is_told_as_everyone() {
    let site = Site::on(Ground::on(&servers()[0]).await).await;
    site.run(&["apply"]).ends(0);
    site.sql("grant select on s.t to public; grant usage on schema s to public").await;
    let told = site.run(&["who-can", "read", "s.t"]).ends(0);
    assert!(told.out.contains("\neveryone\n  SELECT: everyone has it (PUBLIC), granted by postgres, declared nowhere\n"), "{}", told.out);
    let all = site.run(&["explain", "p.analyst", "s_t", "--all-reasons"]).ends(0);
    assert!(all.out.contains("also p_analyst → everyone has it"), "{}", all.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_model_that_is_not_built_yet_the_default_privileges_are_told() {
    let site = Site::on(Ground::on(&servers()[0]).await).await;
    site.config(&crate::rules::site::CONFIG.replace("{role_name", "{deploy_role: ~dbt, role_name"));
    site.models(&[model("s.t").gives("analyst", &["read"]), model("s.later")]);
    site.run(&["who-can", "read", "s_later"]).ends(0).says("not built yet");
    site.sql(
        "create role ~dbt; create role ~early login; grant usage on schema s to ~early;
         alter default privileges for role ~dbt in schema s grant select on tables to ~early",
    )
    .await;
    let told = site.run(&["who-can", "read", "s_later"]).ends(0);
    assert!(told.out.contains("early"), "{}", told.out);
    site.run(&["explain", &site.ground.own("~early"), "s_later"]).ends(0).says("SELECT: usable");
}

#[tokio::test(flavor = "multi_thread")]
async fn why_not_is_told_where_an_entry_has_ended() {
    let site = Site::on(Ground::on(&servers()[0]).await).await;
    site.sql("create role ~old login").await;
    site.members("analyst:\n  - {user: ~old, until: 2020-01-31}\n");
    site.run(&["apply"]).ends(0);
    let told = site.run(&["explain", &site.ground.own("~old"), "s_t"]).ends(0);
    let ended = "the entry for p_analyst ended on 2020-01-31 [rolecall/members/p.yml:2]";
    assert!(told.out.contains(ended), "{}", told.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_view_that_names_no_column_reads_by_any_one_of_them() {
    for site in Site::each().await {
        site.sql(
            "create role ~owner; create role ~mallory login; create table s.base (id int, ssn int);
             grant select (id) on s.base to ~owner; grant usage, create on schema s to ~owner;
             create view s.v as select count(*) from s.base; alter view s.v owner to ~owner;
             grant select on s.v to ~mallory; grant usage on schema s to ~mallory",
        )
        .await;
        site.sql("set role ~mallory; table s.v; reset role").await;
        site.models(&[model("s.v")]);
        let told = site.run(&["explain", &site.ground.own("~mallory"), "s.v"]).ends(0);
        assert!(!told.out.contains("no use"), "{}", told.out);
        // A whole row asks for every column.
        site.sql("create or replace view s.v as select count(b) from s.base b").await;
        let told = site.run(&["explain", &site.ground.own("~mallory"), "s.v"]).ends(0);
        assert!(told.out.contains("no use"), "{}", told.out);
        site.sql("grant select (ssn) on s.base to ~owner").await;
        site.sql("set role ~mallory; table s.v; reset role").await;
        let told = site.run(&["explain", &site.ground.own("~mallory"), "s.v"]).ends(0);
        assert!(!told.out.contains("no use"), "{}", told.out);
    }
}
