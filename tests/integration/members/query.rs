//! People by a query over the connection that plans: it only reads, and is asked again by `apply`.

use super::{local, site};

const MEMBERS: &str = "analyst:\n  - rule: \"user.department == 'Sales' and user.active\"\n";
const QUERY: &str = "directory: {query: \"select name, department, active, level, teams from s.people\", key: name}\n";

async fn people(query: &str) -> crate::rules::site::Site {
    let site = site(query, &["taylor", "robin", "kim"]).await;
    site.sql(
        "create table s.people (name text, department varchar(20), active boolean, level int8, teams text[]);
         insert into s.people values ('taylor', 'Sales', true, 3, '{a,b}'), ('robin', 'Sales', false, 4, '{}'),
           ('kim', null, true, null, null), ('nobody', 'HR', true, 1, '{a}')",
    )
    .await;
    site.members(MEMBERS);
    site
}

#[tokio::test]
async fn who_matches_is_asked_of_the_server_each_time() {
    let site = people(QUERY).await;
    let file = site.path("p.json");
    let file = file.to_str().unwrap();
    site.run(&["plan", "--out", file]).ends(0).says("+ member taylor (user)").never_says("robin");
    site.sql("update s.people set active = true where name = 'robin'").await;
    site.run(&["apply", file]).ends(6).says("not in the plan: let robin into p_analyst");
    site.run(&["apply"]).ends(0);
    site.run(&["verify"]).ends(0);
    site.sql("update s.people set department = 'HR' where name = 'robin'").await;
    site.run(&["verify"]).ends(3).says("- member robin");
    site.members("analyst:\n  - rule: \"user.level >= 3 and 'a' in user.teams\"\n");
    site.run(&["plan"]).ends(0).says("- member robin").never_says("taylor");
}

#[tokio::test]
async fn without_a_server_rules_are_only_parsed_and_nothing_is_compiled() {
    let site = people(QUERY).await;
    local(&site, &["validate"]).ends(0).says("1 rule is not counted");
    local(&site, &["compile"]).ends(1).says("error[directory-not-asked]");
    site.members("analyst:\n  - rule: \"user.department = 'Sales'\"\n");
    local(&site, &["validate"]).ends(1).says("error[invalid-rule]");
}

#[tokio::test]
async fn a_query_that_writes_or_says_more_is_refused() {
    let writes = "directory: {query: \"with gone as (delete from s.people returning *) select name, department, active from gone\", key: name}\n";
    let site = people(writes).await;
    site.run(&["apply"]).ends(1).says("read-only transaction");
    assert_eq!(site.ground.ask("select count(*)::text from s.people").await, ["4"]);
    let config = |query: &str| {
        site.config(&format!("{}directory: {{query: \"{query}\", key: name}}\n", super::CONFIG));
        site.run(&["plan"]).ends(1)
    };
    config("select 1; drop table s.people").says("cannot insert multiple commands");
    config("drop table s.people").says("error[invalid-query]");
    config("select name, department from nowhere").says("does not exist");
    config("select department, active from s.people").says("error[directory-key]");
    config("select name, now() as hired, department, active from s.people").says("cast it to text");
    config("select name, department, active from s.people union all select name, 'HR', true from s.people")
        .says("error[directory-person-twice]");
    config("select name, department, active from s.people where false")
        .says("error[directory-empty]");
    config("select name, department::int, active from s.people").never_says("Sales");
}

#[tokio::test]
async fn inside_an_apply_the_query_still_only_reads() {
    let site = people(QUERY).await;
    site.sql(
        "create sequence s.asked; create function s.meddle() returns text language plpgsql as \
         $$ begin insert into s.u values (1); return 'x'; end $$",
    )
    .await;
    let query = QUERY.replace("teams from", "teams, s.meddle() as m from");
    site.config(&format!("{}{query}", super::CONFIG));
    site.run(&["apply"]).ends(1).says("read-only transaction");
    assert_eq!(site.ground.ask("select count(*)::text from s.u").await, ["0"]);
}
