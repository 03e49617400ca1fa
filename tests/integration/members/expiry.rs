//! An entry that ends: warned of, taken out with the reason, and no plan outlives it.

use super::{findings, local, site};
use crate::engines::snapshot;
use crate::rules::site::Site;

const MEMBERS: &str = "\
analyst:
  - {user: taylor, until: 2027-01-31, reason: \"DATA-112\"}
  - user: robin
engineer:
  - {user: taylor, until: 2027-02-10T08:00:00+01:00}
";

#[tokio::test]
async fn past_its_day_an_entry_is_taken_out_and_the_plan_says_why() {
    let site = site("", &["taylor", "robin"]).await;
    site.members(MEMBERS);
    site.run(&["apply", "--as-of", "2027-01-01"]).ends(0).never_says("ends-soon");
    // The last day is within.
    site.run(&["verify", "--as-of", "2027-01-31"]).ends(0).says("warning[ends-soon]");
    let said = site.run(&["plan", "--as-of", "2027-02-01"]).ends(0);
    snapshot!(said.out.clone(), @r"
    Plan for prod on postgres database db

    p_analyst
      - member taylor, let in by postgres  # rolecall/members/p.yml:2, ended: until 2027-01-31

    To add: nothing. To take away: 1 member.

    Access after it: 1 person loses (1 node)

      - read on s_t
          taylor
          # membership of p.analyst ended, until 2027-01-31 [rolecall/members/p.yml:2]
    ");
    snapshot!(findings(&said), @r"
    warning[ends-soon]: taylor is a member until 2027-02-10T08:00:00+01:00
     --> rolecall/members/p.yml:5:5
      |
    5 |   - {user: taylor, until: 2027-02-10T08:00:00+01:00}
      |     ^
      |
      = help: write a later day if that is too early; then it is taken out by the next apply

    1 warning
    ");
    // Of two entries the one that ends last decides, and nothing is warned of twice.
    site.members("analyst:\n  - user: robin\n  - {user: taylor, until: 2027-01-31}\n  - {user: taylor, until: 2028-01-31}\nengineer: [{user: taylor}]\n");
    site.run(&["verify", "--as-of", "2027-02-01"]).ends(0).never_says("ends-soon");
}

#[tokio::test]
async fn how_early_it_warns_is_configured() {
    let site = site("warn_before: 60d\n", &["taylor", "robin"]).await;
    site.members(MEMBERS);
    local(&site, &["validate", "--as-of", "2026-12-31"])
        .ends(0)
        .says("taylor is a member until 2027-01-31");
    local(&site, &["validate", "--as-of", "2026-11-30"]).ends(0).never_says("ends-soon");
}

#[tokio::test]
async fn a_plan_is_stale_once_an_entry_in_it_has_ended() {
    let site = site("", &["taylor", "robin"]).await;
    site.members(MEMBERS);
    let file = site.path("p.json");
    let file = file.to_str().unwrap();
    site.run(&["plan", "--out", file, "--as-of", "2027-01-31"]).ends(0);
    let said = site.run(&["apply", file, "--as-of", "2027-02-01"]).ends(6);
    snapshot!(findings(&said), @r"
    the plan is stale, and nothing was changed: make the plan again
      it lets taylor into p_analyst by an entry that has ended since (until 2027-01-31): rolecall/members/p.yml:2
    ");
    site.run(&["apply", file, "--as-of", "2027-01-31"]).ends(0);
    // Members who are in, and whose entries end afterwards, are not taken out by it.
    site.run(&["apply", file, "--as-of", "2027-02-20"]).ends(6);
}

#[tokio::test]
async fn nobody_is_let_in_again_by_looking_back() {
    let Some(site) = Site::each().await.pop() else { return };
    site.sql("create role ~ann").await;
    site.members("analyst:\n  - {user: ~ann, until: 2026-11-20}");
    let before = site.everything().await;
    site.run(&["apply", "--as-of", "2026-11-19"])
        .ends(8)
        .says("refused[ended-since]")
        .says("rolecall/members/p.yml:2");
    assert_eq!(site.everything().await, before);
    site.run(&["plan", "--as-of", "2026-11-19"]).ends(0).says("member ann");
    site.run(&["apply"]).ends(0).never_says("let ann");
}
