//! dev, test and prod: what each stage narrows, and who stays behind.

use std::path::PathBuf;

use super::stage::Stage;
use crate::engines::{Ground, servers};
use crate::rules::site::{Ran, manifest, write};

const CHAIN: &str = r#"
version: 1
environments:
  dev:
    role_name: "<dev>{{ product.name }}_{{ role.name }}"
    user_name: "<dev>{{ user.name }}"
    group_name: "<dev>{{ group.name }}"
  test:
    role_name: "<test>{{ product.name }}_{{ role.name }}"
    user_name: "<test>{{ user.name }}"
    group_name: "<test>{{ group.name }}"
    promote_from: dev
  prod:
    role_name: "<prod>{{ product.name }}_{{ role.name }}"
    user_name: "<prod>{{ user.name }}"
    group_name: "<prod>{{ group.name }}"
    promote_from: test
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write], environments: {prod: {may: [read]}}}
products:
  p: {}
"#;

const MEMBERS: &str = "
analyst:
  - {user: taylor}
  - {user: sam, environments: [dev, test]}
  - {user: kim, until: 2020-01-31}
  - {group: crew}
engineer:
  - {user: robin}
";

struct Chain {
    stage: Stage,
    test: Ground,
}

impl Chain {
    async fn new() -> Self {
        let stage = Stage::one().await;
        let test = Ground::on(&servers()[0]).await;
        test.sql("create schema s; create table s.t (x int); create table s.u (x int)").await;
        test.sql("create role ~taylor login password 'pw'; create role ~sam login password 'pw'")
            .await;
        for ground in [&stage.dev, &test, &stage.prod] {
            ground
                .sql(
                    "create role ~kim login password 'pw'; create role ~robin login password 'pw';
                     create role ~crew; create role ~nora login password 'pw'",
                )
                .await;
        }
        stage.config(&CHAIN.replace("<test>", &test.prefix));
        stage.members(MEMBERS);
        let project = format!("{}shop", stage.dev.prefix);
        let text = manifest(&test, &project, &Stage::plain());
        write(&stage.path(""), "target/test/manifest.json", &text);
        Self { stage, test }
    }

    fn url(&self, environment: &str) -> String {
        match environment {
            "dev" => self.stage.dev.url(None),
            "test" => self.test.url(None),
            _ => self.stage.prod.url(None),
        }
    }

    fn plan(&self) -> PathBuf {
        self.stage.path("plan.json")
    }

    fn promote(&self, from: &str, to: &str, more: &[&str]) -> Ran {
        let plan = self.plan();
        let words = ["promote", "--from", from, "--to", to, "--out", plan.to_str().unwrap()];
        let mut command = self.stage.command(&[&words, more].concat());
        command.env("ROLECALL_FROM_CONNECTION", self.url(from));
        command.env("ROLECALL_TO_CONNECTION", self.url(to));
        self.stage.ran(command)
    }

    fn apply(&self, to: &str) -> Ran {
        let plan = self.plan();
        let mut command = self.stage.command(&["apply", plan.to_str().unwrap(), "-t", to]);
        command.env("ROLECALL_CONNECTION", self.url(to));
        self.stage.ran(command)
    }
}

async fn may(ground: &Ground, who: &str, query: &str) -> bool {
    ground.connect(Some(who)).await.say(query).await.is_ok()
}

#[tokio::test]
async fn access_goes_from_stage_to_stage_and_gets_narrower() {
    let chain = Chain::new().await;
    let Chain { stage, test } = &chain;
    stage.apply_in_dev();
    // prod is promoted from test, and test has nothing yet.
    chain.promote("test", "prod", &[]).ends(4).says("refused[source-drift]");
    chain.promote("dev", "prod", &[]).ends(8).says("refused[skipped-stage]");
    chain.promote("dev", "test", &[]).ends(0);
    chain.apply("test").ends(0);
    chain.promote("test", "prod", &[]).ends(0);
    chain.apply("prod").ends(0);
    chain.promote("dev", "prod", &["--skip-stage"]).ends(0).says("Nothing to add");
    let (read, write) = ("select * from s.t", "insert into s.t values (1)");
    let prod = &stage.prod;
    for (ground, who, reads, writes) in [
        (test, "taylor", true, false),
        (test, "sam", true, false),
        (test, "kim", false, false),
        (test, "robin", true, true),
        (prod, "taylor", true, false),
        (prod, "sam", false, false),
        (prod, "kim", false, false),
        (prod, "robin", true, false),
        (prod, "nora", false, false),
    ] {
        let environment = if ground.database == prod.database { "prod" } else { "test" };
        assert_eq!(may(ground, who, read).await, reads, "{who} reads in {environment}");
        assert_eq!(may(ground, who, write).await, writes, "{who} writes in {environment}");
    }
    // A group stays one: whoever is in it there comes with it, and nobody else.
    prod.sql("grant ~crew to ~nora").await;
    assert!(may(prod, "nora", read).await);
    let members = "select m.member::regrole::text from pg_auth_members m
        where m.roleid = '~p_analyst'::regrole order by 1";
    assert_eq!(prod.ask(members).await, ["crew", "taylor"]);
    chain.promote("test", "prod", &["--check"]).ends(0).says("Nothing to add");
}
