//! A rule in an owner's file and a table of people become memberships.

use super::{findings, local, site, write};
use crate::engines::snapshot;

const DIRECTORY: &str = "directory: {path: people.csv, key: name}\n";
const PEOPLE: &str = "\
name,department,region
taylor,Sales,EU
robin,Sales,US
kim,HR,EU
sam,,EU
zoe,Sales,UK
";
const MEMBERS: &str = "\
analyst:
  - user: taylor
  - rule: \"user.department == 'Sales' and user.region in ['EU', 'UK']\"
engineer:
  - rule: \"user.department != 'Sales'\"
";

#[tokio::test]
async fn whoever_matches_is_a_member_and_whoever_stops_matching_is_taken_out() {
    let site = site(DIRECTORY, &["taylor", "robin", "kim", "sam", "zoe"]).await;
    write(&site, "people.csv", PEOPLE);
    site.members(MEMBERS);
    let out = site.path("plan.json");
    let plan = site.run(&["plan", "--out", out.to_str().unwrap()]).ends(0);
    snapshot!(plan.out.clone(), @r"
    Plan for prod on postgres database db

    p_analyst
      + new role
      + CONNECT on database db  # read, model.shop.s_t
      + USAGE on schema db.s  # read, model.shop.s_t
      + SELECT on table db.s.t  # read, model.shop.s_t
      + member taylor (user)  # rolecall/members/p.yml:2 and 1 more
      + member zoe (user)  # rolecall/members/p.yml:3

    p_engineer
      + new role
      + member kim (user)  # rolecall/members/p.yml:5

    To add: 2 roles, 3 grants, 3 members. To take away: nothing.

    Access after it: 2 people and 1 product role gain (1 node)

      + read on s_t
          p.analyst, taylor, zoe
          # granted to p.analyst [model.shop.s_t]
          # let into p.analyst [rolecall/members/p.yml:2, rolecall/members/p.yml:3]
    ");
    let file = std::fs::read_to_string(&out).unwrap();
    for secret in ["Sales", "EU", "HR"] {
        assert!(!file.contains(secret) && !plan.out.contains(secret), "{secret} is shown");
    }
    site.run(&["apply"]).ends(0);
    site.run(&["verify"]).ends(0);
    write(&site, "people.csv", &PEOPLE.replace("zoe,Sales,UK", "zoe,Sales,US"));
    let plan = site.run(&["plan"]).ends(0);
    snapshot!(plan.out, @r"
    Plan for prod on postgres database db

    p_analyst
      - member zoe, let in by postgres  # nobody declares it

    To add: nothing. To take away: 1 member.

    Access after it: 1 person loses (1 node)

      - read on s_t
          zoe
          # no longer in p.analyst
    ");
    site.run(&["apply"]).ends(0);
    site.run(&["verify"]).ends(0);
}

#[tokio::test]
async fn validate_says_how_many_each_rule_matches() {
    let site = site(DIRECTORY, &[]).await;
    write(&site, "people.csv", PEOPLE);
    site.members(MEMBERS);
    let said = local(&site, &["validate"]).ends(0);
    snapshot!(said.out, @r"
    rolecall/members/p.yml:3: 2 of 5 people match, for p.analyst
    rolecall/members/p.yml:5: 1 of 5 people matches, for p.engineer
    ");
    let said = local(&site, &["validate", "--format", "json"]).ends(0);
    let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(said["rules"][0]["matches"], 2);
    assert_eq!(said["rules"][0]["of"], 5);
}

#[tokio::test]
async fn without_people_a_rule_is_an_error_and_never_nobody() {
    let site = site("", &[]).await;
    site.members(MEMBERS);
    let said = site.run(&["plan"]).ends(1).says("error[no-directory]");
    snapshot!(findings(&said), @r#"
    error[no-directory]: there is a rule, and no directory of people to ask
     --> rolecall/members/p.yml:3:5
      |
    3 |   - rule: "user.department == 'Sales' and user.region in ['EU', 'UK']"
      |     ^
      |
      = help: write directory: {path: people.csv, key: name} in rolecall.yml, or give --directory

    error[no-directory]: there is a rule, and no directory of people to ask
     --> rolecall/members/p.yml:5:5
      |
    5 |   - rule: "user.department != 'Sales'"
      |     ^
      |
      = help: write directory: {path: people.csv, key: name} in rolecall.yml, or give --directory

    2 errors
    "#);
    let other = site.path("other.csv");
    write(&site, "other.csv", PEOPLE);
    site.run(&["plan", "--directory", other.to_str().unwrap(), "--skip-missing"])
        .ends(0)
        .says("Left as it is:");
    write(&site, "other.csv", "name,department,region\n");
    site.run(&["plan", "--directory", other.to_str().unwrap()])
        .ends(1)
        .says("error[directory-empty]")
        .says("other.csv");
    write(&site, "other.csv", "name,division,region\ntaylor,Sales,EU\n");
    site.run(&["plan", "--directory", other.to_str().unwrap()])
        .ends(1)
        .says("error[unknown-attribute]")
        .says("rolecall/members/p.yml:3");
    local(&site, &["validate", "--directory", "nowhere.csv"])
        .ends(1)
        .says("error[unreadable-directory]")
        .never_says("no-directory");
}

#[tokio::test]
async fn a_rule_that_matches_nobody_any_more_is_stopped_by_the_guards() {
    let site = site(DIRECTORY, &["taylor", "robin", "kim", "zoe"]).await;
    write(&site, "people.csv", PEOPLE);
    site.members("analyst:\n  - rule: \"user.department == 'Sales'\"\n");
    site.run(&["apply"]).ends(0);
    write(&site, "people.csv", &PEOPLE.replace("Sales", "sales"));
    site.run(&["apply"])
        .ends(8)
        .says("refused[role-loses-all]")
        .says("p_analyst would lose all 3 members that it has");
    site.run(&["plan", "--allow-revokes", "3"]).ends(0);
    // The same where the names that the template makes are nobody's.
    write(
        &site,
        "people.csv",
        &PEOPLE.replace("taylor", "t").replace("robin", "r").replace("zoe", "z"),
    );
    site.run(&["apply"]).ends(8).says("refused[role-loses-all]");
}

#[tokio::test]
async fn people_without_a_login_are_named_and_left_out() {
    let site = site(DIRECTORY, &["taylor"]).await;
    write(&site, "people.csv", PEOPLE);
    site.members("analyst:\n  - rule: \"user.department == 'Sales'\"\n");
    site.run(&["apply"]).ends(0).says("users robin, zoe, whom a rule matches");
    site.run(&["verify"]).ends(0);
    site.sql("create role ~robin").await;
    site.run(&["plan"]).ends(0).says("+ member robin (user)");
    // By name, it is an error as ever.
    site.members("analyst:\n  - rule: \"user.department == 'Sales'\"\n  - user: zoe\n");
    site.run(&["plan"]).ends(1).says("error[missing-member]");
}

#[tokio::test]
async fn a_matched_person_may_not_be_a_group_too() {
    let site = site(DIRECTORY, &["taylor", "robin", "zoe"]).await;
    write(&site, "people.csv", PEOPLE);
    site.members(
        "analyst:\n  - group: robin\nengineer:\n  - rule: \"user.department == 'Sales'\"\n",
    );
    let said = site.run(&["plan"]).ends(1);
    snapshot!(findings(&said), @r#"
    error[user-and-group]: robin is named both as a group and as a user
     --> rolecall/members/p.yml:4:5
      |
    4 |   - rule: "user.department == 'Sales'"
      |     ^
      |
      = note: rolecall/members/p.yml:2: first named here
      = help: a name is one or the other

    1 error
    "#);
}

#[tokio::test]
async fn two_people_are_never_one_user() {
    let site = site(DIRECTORY, &["taylor"]).await;
    let config = format!(
        "{}{DIRECTORY}",
        super::CONFIG.replace("~{{ user.name }}", "~{{ user.name | replace('.', '') }}")
    );
    site.config(&config);
    write(&site, "people.csv", "name,department\nt.aylor,Sales\ntay.lor,Sales\n");
    site.members("analyst:\n  - rule: \"user.department == 'Sales'\"\n");
    site.run(&["plan"]).ends(1).says("error[two-people-one-user]");
    // One of them would have what the other one matches.
    write(&site, "people.csv", "name,department\nt.aylor,Care\ntay.lor,Sales\n");
    site.run(&["plan"]).ends(1).says("error[two-people-one-user]");
    site.config(&format!("{}{DIRECTORY}", super::CONFIG));
    site.run(&["plan"]).ends(0).never_says("two-people-one-user");
}
