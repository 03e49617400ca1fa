//! Rows of a node under a policy that is always required, by its own partitions.

use super::server::{people, with};
use crate::rules::site::{Site, model};

#[tokio::test]
async fn no_plan_opens_a_way_round_by_a_partition_and_verify_names_one() {
    for site in Site::each().await {
        people(&site).await;
        site.models(&[model("s.t").gives("analyst", &["read"])]);
        let gate = "policies:
  - {name: cleared, combine: all, resources: {select: \"fqn:*t\"}, actors: {users: [~ann]}}
";
        site.config(&with(gate));
        site.sql(
            "drop table s.t; create table s.t (x int) partition by list (x); create schema away;
             create table away.one partition of s.t for values in (1);
             create table away.two partition of s.t for values in (2);
             grant usage on schema away to ~bob",
        )
        .await;
        site.run(&["apply"]).ends(0);
        site.run(&["verify"]).ends(0);
        let members = site.ground.own("~loader: [{user: ~bob}]\n");
        let playbook = |privilege: &str| {
            format!(
                "roles:\n  ~loader: {{name: ~loader, grants: [{{object-type: table, database-name: {}, \
                 schema-name: away, object-name: one, privileges: [{privilege}]}}]}}\n",
                site.ground.database
            )
        };
        crate::rules::site::write(&site.path(""), "rolecall/members/playbook_roles.yml", &members);
        let before = site.everything().await;
        let refused = |privilege: &str| {
            site.config(&with(&format!("{gate}{}", playbook(privilege))));
            for command in ["plan", "apply"] {
                site.run(&[command])
                    .ends(1)
                    .says("error[round-policy]")
                    .says("would give bob ")
                    .says("on a part of the rows of db.s.t, round the policy cleared")
                    .says("the table db.away.one is a partition of db.s.t");
            }
        };
        refused("select");
        refused("ownership");
        // A trigger is handed what others insert, and a foreign key tells what is there.
        refused("trigger");
        refused("references");
        assert_eq!(site.everything().await, before);
        // What is open already by one partition excuses none by another.
        site.sql("grant select on away.two to ~bob").await;
        refused("select");
        site.config(&with(gate));
        std::fs::remove_file(site.path("rolecall/members/playbook_roles.yml")).unwrap();
        site.run(&["verify"])
            .ends(4)
            .says("error[way-round-policy]")
            .says("bob has SELECT on a part of the rows of db.s.t, and is not admitted by cleared")
            .says("SELECT on db.away.two reads a part of the rows of db.s.t");
        for (give, says) in [
            ("grant select (x) on away.two to ~bob", "bob has SELECT on a part of the rows of"),
            (
                "alter table away.two owner to ~bob; revoke all on away.two from ~bob",
                "bob has OWNERSHIP on a part of the rows of db.s.t",
            ),
        ] {
            site.sql("revoke select on away.two from ~bob").await;
            site.sql(give).await;
            site.run(&["verify"]).ends(4).says("error[way-round-policy]").says(says);
        }
        // What is no partition any more has rows of its own.
        site.sql("alter table s.t detach partition away.two").await;
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn what_shows_less_excuses_no_way_to_more() {
    for site in Site::each().await {
        people(&site).await;
        site.models(&[model("s.t").gives("analyst", &["read"])]);
        let gate = "policies:
  - {name: cleared, combine: all, resources: {select: \"fqn:*t\"}, actors: {users: [~ann]}}
";
        site.config(&with(gate));
        site.sql(
            "create schema away; create table away.base (id int);
             drop table s.t; create table s.t (ssn int) inherits (away.base);
             create table away.child () inherits (s.t);
             grant usage on schema away, s to ~bob; grant select on away.base to ~bob",
        )
        .await;
        site.run(&["apply"]).ends(0);
        let members = site.ground.own("~loader: [{user: ~bob}]\n");
        crate::rules::site::write(&site.path(""), "rolecall/members/playbook_roles.yml", &members);
        site.config(&with(&format!(
            "{gate}roles:\n  ~loader: {{name: ~loader, grants: [{{object-type: table, database-name: {}, \
             schema-name: away, object-name: child, privileges: [select]}}]}}\n",
            site.ground.database
        )));
        let refused = || {
            site.run(&["plan"])
                .ends(1)
                .says("error[round-policy]: the plan would give bob SELECT on a part of the rows of db.s.t");
        };
        // The parent does not have the column.
        refused();
        // Row security hides every row of the node, and none of the child's.
        site.sql(
            "revoke select on away.base from ~bob; grant select on s.t to ~bob;
             alter table s.t enable row level security",
        )
        .await;
        refused();
        // Who sees everything gains nothing more.
        site.sql("alter table s.t disable row level security").await;
        site.run(&["plan"]).ends(0);
    }
}
