//! Access tests over what people can really do.

use rolecall::warehouse::engine::{Engine, native::Options};

use crate::binary::{rolecall, run};
use crate::engines::{Ground, apart, bins, servers, snapshot};
use crate::rules::site::{CONFIG, Site, model};

/// taylor and kim are analysts, sam is an engineer; analysts read s.t, engineers write it; nobody is
/// given anything on s.u.
async fn site() -> Site {
    site_on(servers().last().unwrap()).await
}

async fn site_on(engine: &'static Engine) -> Site {
    let site = Site::on(Ground::on(engine).await).await;
    site.sql(
        "create role ~taylor login; create role ~kim login; create role ~sam login;
         create role ~hr; create role ~mallory login",
    )
    .await;
    site.members("analyst:\n  - user: ~taylor\n  - user: ~kim\nengineer:\n  - user: ~sam\n");
    site.models(&[
        model("s.t").gives("analyst", &["read"]).gives("engineer", &["read", "write"]),
        model("s.u"),
    ]);
    site.run(&["apply"]).ends(0);
    site
}

/// The configuration with tests.
fn tests(site: &Site, tests: &str) {
    site.config(&format!(
        "{CONFIG}checks:\n  unfinished-product: {{severity: off}}\ntests:\n{tests}"
    ));
}

const NO_ANALYST: &str = "  - name: no analyst outside HR reads u
    never: {actors: {product_roles: [\"*.analyst\"]}, except: {groups: [~hr]}, may: read, resources: {select: u}}
";

#[tokio::test(flavor = "multi_thread")]
async fn never_fails_on_what_is_held_by_any_way_and_names_a_witness() {
    let site = site().await;
    tests(&site, NO_ANALYST);
    let held = site.run(&["check"]).ends(0);
    snapshot!(held.out, @r"
    access tests in prod
      holds       no analyst outside HR reads u (1 node, 2 actors)

    nothing found in prod
    ");
    // A column is enough, USAGE or not.
    for (give, take) in [
        ("grant select on s.u to ~taylor", "revoke select on s.u from ~taylor"),
        ("grant select (x) on s.u to ~taylor", "revoke select (x) on s.u from ~taylor"),
        ("alter table s.u owner to ~taylor", "alter table s.u owner to postgres"),
        ("grant pg_read_all_data to ~taylor", "revoke pg_read_all_data from ~taylor"),
        ("alter role ~taylor superuser", "alter role ~taylor nosuperuser"),
        ("grant select on s.u to public", "revoke select on s.u from public"),
        (
            "create role ~way; grant select on s.u to ~way; alter role ~taylor noinherit;
             grant ~way to ~taylor",
            "revoke ~way from ~taylor",
        ),
    ] {
        site.sql(give).await;
        site.run(&["check"]).ends(4).says("no analyst outside HR reads u\" fails").says("taylor: ");
        // Only who is excepted may.
        site.sql("grant ~hr to ~taylor").await;
        let ended = site.run(&["check"]);
        assert!(!ended.out.contains("taylor: "), "{give}: {}", ended.out);
        site.sql("revoke ~hr from ~taylor").await;
        site.sql(take).await;
    }
    site.sql("grant select on s.u to ~mallory").await;
    site.run(&["check"]).ends(0);
    site.sql("grant select on s.u to ~taylor").await;
    let failed = site.run(&["check"]).ends(4);
    snapshot!(failed.out, @r#"
    access tests in prod
      FAILS       no analyst outside HR reads u (1 node, 2 actors)

    error[access-test]: the test "no analyst outside HR reads u" fails: 1 person may read on one node
      --> rolecall.yml:13:11
       |
    13 |   - name: no analyst outside HR reads u
       |           ^
       |
       = note: taylor: SELECT on db.s.u: granted by postgres, declared nowhere
       = help: take the access away where it is given, or say in the test that it is meant

    1 error in prod
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn always_needs_what_a_query_can_use_and_at_most_counts_people() {
    // Elsewhere other tests make superusers, who count.
    let bin = bins().pop().flatten();
    let site = site_on(apart(&Options { bin, ..Options::default() })).await;
    tests(
        &site,
        "  - name: analysts always read t
    always: {actors: {product_roles: [p.analyst]}, may: read, resources: {select: t}}
  - name: at most two people write t
    at_most: {people: 2, may: write, resources: {select: t}, environments: [prod]}
",
    );
    // sam, and the superuser.
    let held = site.run(&["check", "--format", "json"]).ends(0);
    let json: serde_json::Value = serde_json::from_str(&held.out).unwrap();
    assert_eq!(json["tests"][1]["people"], 2, "{json}");
    site.sql("grant insert (x) on s.t to ~mallory").await;
    site.run(&["check"]).ends(4).says("3 people can write, and 2 may").says("mallory: INSERT on ");
    site.sql("revoke insert (x) on s.t from ~mallory").await;
    site.run(&["check"]).ends(0);
    // Held, and of no use.
    site.sql("revoke usage on schema s from ~p_analyst").await;
    let ended = site.run(&["check"]).ends(4).says("2 people cannot read all of it");
    assert!(ended.out.contains("USAGE on the schema"), "{}", ended.out);
    site.sql("grant usage on schema s to ~p_analyst; revoke ~p_analyst from ~kim").await;
    // Whoever is not in the role is not asked about: that is what `verify` is for.
    site.run(&["check"]).ends(0);
    // Reached by SET ROLE alone is not always.
    site.sql(
        "alter role ~taylor noinherit; revoke ~p_analyst from ~taylor; grant ~p_analyst to ~taylor",
    )
    .await;
    site.run(&["check"]).ends(4).says("SELECT is missing");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_judged_is_an_error_and_no_pass() {
    let site = site().await;
    let never = |body: &str| format!("  - name: one\n    never: {{{body}}}\n");
    for (body, says) in [
        ("actors: {users: [~taylro]}, may: read", "did you mean taylor?"),
        (
            "actors: {product_roles: [p.analyst]}, may: read, resources: {tags: [none]}",
            "is about no node",
        ),
        ("actors: {product_roles: [p.nobody]}, may: read", "unknown-product-role"),
        ("actors: {product_roles: [\"*.nobody\"]}, may: read", "matches no product role"),
        ("actors: {users: [~taylor]}, may: raed", "did you mean `read`?"),
        ("actors: {users: [~taylor]}, may: USAGE", "is no privilege of any relation"),
        ("actors: {users: [~taylor]}, may: read, resources: {select: \"tag:\"}", "bad-selector"),
    ] {
        tests(&site, &never(body));
        site.run(&["check"]).ends(1).says(says).says("rolecall.yml:");
    }
    tests(&site, &never("actors: {users: [~taylro]}, may: read, may_match_nothing: true"));
    site.run(&["check"]).ends(0);
    // Without a connection nothing is said but that there is none.
    tests(&site, NO_ANALYST);
    let mut alone = rolecall();
    alone.env("HOME", "/nowhere").args(["check", "--project-dir"]).arg(site.path(""));
    assert!(run(&mut alone).with(2).stdout.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_nobody_knows_does_not_pass_in_silence() {
    let site = site().await;
    site.members("analyst:\n  - group: ~hr\n");
    tests(
        &site,
        "  - name: few read t
    at_most: {people: 5, may: read, resources: {select: t}}
  - name: no analyst reads t
    never: {actors: {product_roles: [p.analyst]}, may: read, resources: {select: t}}
",
    );
    let ended = site.run(&["check", "--declared"]).ends(4);
    let ended = ended.says("whoever is in hr, of which nothing is known");
    ended.says("hr: SELECT on db.s.t").says("a group; who is in it is not known");
    // Once the directory lists them, they are people.
    std::fs::write(site.path("people.csv"), site.ground.own("name,groups\n~taylor,~hr\n")).unwrap();
    let people = site.path("people.csv");
    let ended = site.run(&["check", "--declared", "--directory", people.to_str().unwrap()]).ends(4);
    ended.says("taylor: SELECT on db.s.t").says("holds       few read t (1 node, 1 can)");
}

/// Relations that `s.u` becomes a part of, two steps up; what is said of it; and how that is undone.
const PARENTS: [(&str, &str, &str); 2] = [
    (
        "create table s.top (x int); create table s.mid () inherits (s.top); alter table s.u inherit s.mid",
        "the table db.s.u inherits from db.s.mid",
        "alter table s.u no inherit s.mid; drop table s.mid, s.top",
    ),
    (
        "create table s.top (x int) partition by range (x);
         create table s.mid partition of s.top for values from (0) to (9) partition by range (x);
         alter table s.mid attach partition s.u for values from (0) to (5)",
        "the table db.s.u is a partition of db.s.mid",
        "alter table s.mid detach partition s.u; drop table s.top",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_read_through_a_parent_are_read() {
    let site = site().await;
    let always = "  - name: taylor reads u
    always: {actors: {users: [~taylor]}, may: read, resources: {select: u}}
";
    for (make, chain, undo) in PARENTS {
        site.sql(make).await;
        tests(&site, NO_ANALYST);
        site.run(&["check"]).ends(0);
        site.sql("grant select on s.top to ~taylor").await;
        site.run(&["check"]).ends(4).says("taylor: SELECT on db.s.top").says(chain);
        site.run(&["who-can", "read", "u"])
            .ends(0)
            .says("taylor")
            .says("through db.s.top")
            .says(chain);
        site.run(&["explain", &site.ground.own("~taylor"), "u"])
            .ends(0)
            .says("through db.s.top")
            .says(chain);
        // A column of it is enough.
        site.sql("revoke select on s.top from ~taylor; grant select (x) on s.top to ~taylor").await;
        site.run(&["check"]).ends(4).says(chain);
        // It is no SELECT on u: whoever names u may not read it.
        tests(&site, always);
        site.run(&["check"]).ends(4).says("SELECT is missing");
        site.sql(undo).await;
    }
}

/// How `s.u` gets a descendant in another schema, and another one above that where there can be one; the
/// two, what is said of the first, and how `s.u` is made again.
const DESCENDANTS: [(&str, &str, &str, &str); 2] = [
    (
        "drop table s.u; create table s.u (x int) partition by range (x); create schema away;
         create table away.mid partition of s.u for values from (0) to (9) partition by range (x);
         create table away.part partition of away.mid for values from (0) to (5)",
        "away.part",
        "a part of its rows, through its partition db.away.part",
        "the table db.away.part is a partition of db.away.mid: SELECT on db.away.part reads a part of the rows \
         of db.away.mid → the table db.away.mid is a partition of db.s.u: SELECT on db.away.part reads a part \
         of the rows of db.s.u",
    ),
    (
        "create schema away; create table away.other (x int);
         create table away.part () inherits (s.u, away.other)",
        "away.other",
        "a part of its rows, through db.away.other, which has rows in common with it",
        "the table db.away.part inherits from db.away.other: SELECT on db.away.other reads it → the table \
         db.away.part inherits from db.s.u: SELECT on db.away.other reads a part of the rows of db.s.u",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_read_through_a_partition_or_what_inherits_from_a_table_are_read() {
    let site = site().await;
    let taylor = site.ground.own("~taylor");
    for (make, on, words, chain) in DESCENDANTS {
        site.sql(make).await;
        site.sql("grant usage on schema away to ~taylor").await;
        tests(&site, NO_ANALYST);
        site.run(&["check"]).ends(0);
        site.sql(&format!("grant select on {on} to ~taylor")).await;
        site.run(&["check"]).ends(4).says(&format!("taylor: SELECT on db.{on}")).says(chain);
        site.run(&["who-can", "read", "u"])
            .ends(0)
            .says(words)
            .says(chain)
            .says(" can use it; 1 more a part of it");
        let told = site.run(&["explain", &taylor, "u"]).ends(0);
        told.says(words).says(chain).says("taylor cannot read it, but for what is said above");
        let told = site.run(&["who-can", "read", "u", "--format", "json"]).ends(0);
        let told: serde_json::Value = serde_json::from_str(&told.out).unwrap();
        let holders = told["holders"].as_array().unwrap();
        let may = &holders.iter().find(|it| it["who"] == "taylor").unwrap()["may"][0];
        assert_eq!((&may["held"], &may["usable"]), (&false.into(), &false.into()), "{may}");
        let through = &may["through"];
        assert_eq!(through["part_of_rows"], true, "{may}");
        assert_eq!(through["usable"], true, "{may}");
        assert_eq!(through["chain"].as_array().unwrap().last().unwrap()["step"], "child");
        let told = site.run(&["report", "--format", "json"]).ends(0);
        let rows = format!("SELECT on a part of its rows, through db.{on}, ");
        told.says(&rows).says("read, a part of the rows");
        tests(
            &site,
            "  - {name: few read u, at_most: {people: 1, may: read, resources: {select: u}}}\n",
        );
        site.run(&["check"]).ends(4).says("people can read, and 1 may");
        // A part is not all: of those who always read it nobody is one.
        tests(
            &site,
            "  - {name: taylor reads u, always: {actors: {users: [~taylor]}, may: read, resources: {select: u}}}\n",
        );
        site.run(&["check"]).ends(4).says("SELECT is missing");
        tests(&site, NO_ANALYST);
        // A column of it is enough.
        site.sql(&format!(
            "revoke select on {on} from ~taylor; grant select (x) on {on} to ~taylor"
        ))
        .await;
        site.run(&["check"]).ends(4).says(chain);
        site.run(&["who-can", "read", "u"]).ends(0).says(&format!("the column db.{on}.x"));
        // And so is to own it, whatever one has taken from oneself.
        site.sql(&format!(
            "revoke select (x) on {on} from ~taylor; alter table {on} owner to ~taylor;
             revoke all on {on} from ~taylor"
        ))
        .await;
        site.run(&["check"]).ends(4).says(&format!("taylor: OWNERSHIP on db.{on}"));
        let told = site.run(&["who-can", "read", "u"]).ends(0);
        told.says("not held, but its owner can grant it to itself")
            .says("could give it to themselves");
        site.sql(&format!("alter table {on} owner to postgres; grant select on {on} to public"))
            .await;
        site.run(&["check"])
            .ends(4)
            .says(&format!("everybody (PUBLIC) has SELECT on the table db.{on}, "));
        site.sql("drop table s.u cascade; drop schema away cascade; create table s.u (x int)")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_holds_only_a_column_or_took_a_privilege_from_itself_as_the_owner_is_told_so() {
    let site = site().await;
    site.sql(
        "grant select (x) on s.u to ~mallory; grant usage on schema s to ~mallory, ~kim;
         alter table s.u owner to ~kim; revoke all on s.u from ~kim",
    )
    .await;
    let told = site.run(&["who-can", "read", "u"]).ends(0);
    told.says("a part of its columns, by db.s.u.x")
        .says("not held, but its owner can grant it to itself")
        .says("; 1 more a part of it; 1 more could give it to themselves, as owners");
    let kim = site.ground.own("~kim");
    let told = site.run(&["explain", &kim, "u"]).ends(0);
    told.says("SELECT, TRUNCATE, UPDATE: not held, but its owner can grant it to itself")
        .says("owns it");
    // What they take is of use.
    site.sql("set role ~kim; grant select on s.u to ~kim; reset role").await;
    site.run(&["explain", &kim, "u"]).ends(0).says("SELECT, OWNERSHIP: usable");
    let mallory = site.ground.own("~mallory");
    let told = site.run(&["explain", &mallory, "u"]).ends(0);
    told.says("SELECT: a part of its columns, by db.s.u.x");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_another_database_is_never_taken_for_asked() {
    let site = site().await;
    let [here, there] =
        [model("s.t").gives("analyst", &["read"]), model("s.u").in_database("other")];
    site.models(&[here, there]);
    let both =
        NO_ANALYST.replace("select: u", "select: \"u t\"").replace("*.analyst", "p.engineer");
    tests(&site, &both.replace("except: {groups: [~hr]}, may: read", "may: TRUNCATE"));
    let some = site.run(&["check"]).ends(4);
    some.says(
        "1 node is in another database, and was not asked: model.shop.s_u; connect there, too",
    );
    tests(&site, NO_ANALYST);
    site.run(&["check"]).ends(1).says("test-matches-nothing").says("is in this database");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_may_become_somebody_who_is_excepted_is_not_excepted() {
    let site = site().await;
    tests(
        &site,
        "  - name: only kim reads u\n    never: {actors: {product_roles: [\"*.analyst\"]}, except: {users: [~kim]}, may: read, resources: {select: u}}\n",
    );
    site.sql("grant select on s.u to ~kim").await;
    site.run(&["check"]).ends(0);
    // On PostgreSQL a user is a role that others may be in.
    site.sql("grant ~kim to ~taylor").await;
    let ended = site.run(&["check"]).ends(4).says("taylor: ");
    assert!(!ended.out.contains("kim: SELECT"), "{}", ended.out);
}
