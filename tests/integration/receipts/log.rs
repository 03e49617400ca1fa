//! `rolecall log`: since when can she read this?

use serde_json::Value;

use crate::rules::site::{CONFIG, Site, model};

/// Ann is let in, bob is let in and taken out again, and s.u comes later.
async fn told(site: &Site) {
    site.sql("create role ~ann; create role ~bob").await;
    site.members("analyst: [{user: ~ann}, {user: ~bob}]");
    site.run(&["apply", "--by", "jane"]).ends(0);
    site.models(&[
        model("s.t").gives("analyst", &["read"]),
        model("s.u").gives("analyst", &["read"]).gives("engineer", &["write"]),
    ]);
    site.members("analyst: [{user: ~ann}]");
    site.run(&["apply", "--by", "kim"]).ends(0);
}

fn person(site: &Site, name: &str) -> String {
    site.ground.role(name).to_string()
}

/// The lines without their times.
fn without_times(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(" by postgres") {
        Some((at, rest)) if at.len() == "2026-11-22T20:34:09.123456Z".len() => {
            format!("TIME by postgres{rest}")
        }
        _ => match line.split_once(" since ") {
            Some((before, after)) => {
                format!("{before} since TIME{}", &after["2026-11-22T20:34:09.123456Z".len()..])
            }
            None => line.to_owned(),
        },
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn it_says_since_when_somebody_can_read_something() {
    for site in Site::each().await {
        site.run(&["log"]).ends(0).says("there are no receipts of prod");
        told(&site).await;
        let ann = person(&site, "ann");
        let ran = site.run(&["log", "--person", &ann, "--model", "s.u"]).ends(0);
        crate::engines::snapshot!(without_times(&ran.out), @r"
        TIME by postgres, said to be jane
          let ann into p_analyst
        TIME by postgres, said to be kim
          grant SELECT on table db.s.u to p_analyst

        By the receipts, ann has SELECT on db.s.u since TIME, through p_analyst.
        ");
        let bob = person(&site, "bob");
        let ran = site.run(&["log", "--person", &bob, "--model", "s_t"]).ends(0);
        crate::engines::snapshot!(without_times(&ran.out), @r"
        TIME by postgres, said to be jane
          grant SELECT on table db.s.t to p_analyst
          let bob into p_analyst
        TIME by postgres, said to be kim
          take bob out of p_analyst

        By the receipts, bob has nothing on s_t now. They do not know what was applied over other databases, who was in a role that was adopted, what dbt's hooks and `grants` gave, nor who is in a group.
        ");
        let ran = site.run(&["log", "--role", "engineer", "--product", "p"]).ends(0);
        assert!(ran.out.contains("create the role p_engineer"), "{ran:?}");
        assert!(!ran.out.contains("analyst"), "{ran:?}");
        site.run(&["log", "--person", "bobb"])
            .ends(0)
            .says("in no receipt of prod and in no owner");
        site.run(&["log", "--product", "q"]).ends(0).says("nothing of that in them");
        let ran = site.run(&["log", "--format", "json", "--model", "s.u"]).ends(0);
        let log: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(log["receipts"].as_array().unwrap().len(), 2, "{ran:?}");
        assert_eq!(log["receipts"][1]["applied_by"], "kim");
        assert_eq!(log["receipts"][1]["changes"][0]["product"], "p");
    }
}

#[tokio::test]
async fn whoever_may_read_the_receipts_may_ask_and_nobody_else() {
    for site in Site::each().await {
        told(&site).await;
        site.sql("create role ~eve login password 'pw'").await;
        site.run_as("eve", &["log"]).ends(1).says("permission denied");
        site.sql(
            "grant usage on schema rolecall to ~eve; grant select on rolecall.receipts to ~eve",
        )
        .await;
        site.run_as("eve", &["log"]).ends(0).says("take bob out of p_analyst");
        site.models(&[model("s.t").gives("analyst", &["read"])]);
        site.run(&["apply", "--allow-revokes", "9"]).ends(0).never_says("receipts");
        // What is no table of receipts any more is not read: reading could run anything.
        site.sql("alter table rolecall.receipts rename to old; create view rolecall.receipts as select * from rolecall.old").await;
        site.run(&["log"]).ends(1).says("no ordinary table");
    }
}

/// The table and its schema in another role's hands.
async fn kept_by_another(site: &Site) {
    site.sql(
        "create role ~keeper; alter schema rolecall owner to ~keeper;
         alter table rolecall.receipts owner to ~keeper",
    )
    .await;
}

#[tokio::test]
async fn the_receipts_of_another_role_are_told_the_same_and_whose_they_are() {
    for site in Site::each().await {
        told(&site).await;
        let asked = ["log", "--format", "json"];
        let ours = site.run(&asked).ends(0).never_says("another role");
        kept_by_another(&site).await;
        let theirs = site.run(&asked).ends(0).says("another role keeps these receipts");
        assert_eq!(ours.out, theirs.out);
        site.run(&["plan"]).ends(0);
    }
}

// Another thread exchanges it while a command runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_another_role_runs_where_its_table_is_exchanged_while_it_is_read() {
    for site in Site::each().await {
        told(&site).await;
        kept_by_another(&site).await;
        site.sql(
            "create schema other authorization ~keeper;
             create function other.caught() returns text language plpgsql as
               $$ begin raise exception 'caught'; end $$;
             create view other.receipts as
               select at, deployment, environment, outcome, plan_sha256, session_user_name,
                      acting_role, other.caught() as body
               from rolecall.receipts",
        )
        .await;
        let url = site.ground.url(None);
        let exchanging = tokio::spawn(async move {
            let client = crate::dbt_build::connect(&url).await;
            let swap =
                "alter schema rolecall rename to away; alter schema other rename to rolecall";
            let back =
                "alter schema rolecall rename to other; alter schema away rename to rolecall";
            loop {
                for sql in [swap, back] {
                    // Two at once may meet: then the next round does it.
                    let _ = client.batch_execute(sql).await;
                }
            }
        });
        for _ in 0..15 {
            site.run(&["log"]).never_says("caught");
        }
        exchanging.abort();
    }
}

#[tokio::test]
async fn a_lock_on_the_table_of_another_role_is_not_waited_for_longer_than_asked() {
    for site in Site::each().await {
        told(&site).await;
        kept_by_another(&site).await;
        let blocked = site.blocked("lock table rolecall.receipts").await;
        site.run(&["log", "--lock-timeout", "1"]).ends(8).says("lock timeout");
        drop(blocked);
    }
}

#[tokio::test]
async fn what_others_granted_goes_and_what_rolecall_gave_is_still_told() {
    for site in Site::each().await {
        let config = CONFIG.replace("role_name:", "deploy_role: ~dbt, role_name:");
        site.config(&config.replace("[read, write]", "[read, write, own]"));
        site.models(&[
            model("s.t").gives("analyst", &["read"]).gives("engineer", &["write"]),
            model("s.u").gives("engineer", &["own"]),
        ]);
        site.sql("create role ~ann; create role ~bob; create role ~dbt").await;
        site.sql("grant usage, create on schema s to ~dbt").await;
        site.members(
            "analyst: [{user: ~ann}, {user: ~bob}]\nengineer: [{user: ~ann}, {user: ~dbt}]",
        );
        site.run(&["apply"]).ends(0);
        let ann = person(&site, "ann");
        let log = |model: &str| site.run(&["log", "--person", &ann, "--model", model]).ends(0).out;
        assert!(log("s.u").contains("ann owns db.s.u since"), "{}", log("s.u"));
        // An engineer passes on what she may; that goes by the next apply, and no more.
        site.sql(
            "grant select on s.t to ~p_engineer with grant option; set role ~p_engineer;
             grant select on s.t to ~p_analyst; reset role",
        )
        .await;
        site.run(&["apply", "--allow-revokes", "9"]).ends(0);
        let said = log("s.t");
        assert!(said.contains("revoke SELECT on table db.s.t from p_analyst"), "{said}");
        assert!(said.contains("ann has SELECT on db.s.t since"), "{said}");
        assert!(said.contains("through p_analyst"), "{said}");
        // Bob lets her in once more, and is stopped.
        site.sql("grant ~p_analyst to ~bob with admin option").await;
        site.sql("set role ~bob; grant ~p_analyst to ~ann; reset role").await;
        site.run(&["apply", "--allow-revokes", "9"]).ends(0);
        let said = log("s.t");
        assert!(!said.contains("has nothing"), "{said}");
        // Taken out by hand, and let in again by an apply: since that one.
        site.sql("revoke ~p_analyst from ~ann cascade").await;
        site.run(&["apply", "--by", "again"]).ends(0);
        let said = log("s.t");
        let last = said.lines().find(|line| line.ends_with("said to be again")).unwrap();
        let (at, _) = last.split_once(' ').unwrap();
        let since = format!("ann has SELECT on db.s.t since {at}, through p_analyst.");
        assert!(said.contains(&since), "{said}");
    }
}

#[tokio::test]
async fn a_name_that_would_look_like_lines_of_the_log_is_a_wrong_argument() {
    let Some(site) = Site::each().await.pop() else { return };
    let by =
        "x, approved by kim\n2019-01-01T00:00:00.000000Z by postgres\n  let eve into p_analyst";
    site.run(&["apply", "--by", by]).ends(2).says("no line breaks");
    site.run(&["apply", "--by", "\u{1b}[2J"]).ends(2);
    site.run(&["apply", "--by", "x, approved by kim"]).ends(0);
    site.run(&["log"]).ends(0).says("said to be \"x, approved by kim\"");
    // One that is in a receipt already stays in its line.
    site.sql(
        "update rolecall.receipts set body = jsonb_set(body::jsonb,
         '{applied_by}', to_jsonb(E'x\\n  let eve into p_analyst'::text))::text",
    )
    .await;
    let ran = site.run(&["log"]).ends(0);
    assert!(ran.out.contains(r#"said to be "x\n  let eve into p_analyst""#), "{ran:?}");
    assert!(!ran.out.contains("\n  let eve"), "{ran:?}");
}
