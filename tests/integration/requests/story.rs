//! From the question to the query, and back, on a real server.

use super::{ask, by, site};

#[tokio::test]
async fn whoever_is_approved_can_query_until_the_day_has_passed() {
    let site = site(&["robin", "taylor"]).await;
    let query = || async {
        let session = crate::engines::session(&site.ground.url(Some("taylor"))).await;
        session.batch_execute("select * from s.t").await.is_ok()
    };
    site.run(&["apply", "--as-of", "2027-01-01"]).ends(0);
    let id = ask(&site, "taylor", &["--until", "2027-06-30"]);
    site.run(&["plan", "--check", "--as-of", "2027-01-01"]).ends(0);
    assert!(!query().await, "a request gives nothing");
    by(&site, "jane", &["approve", &id]).ends(0);
    site.run(&["plan", "--as-of", "2027-01-01"])
        .ends(0)
        .says("+ member taylor (user)  # rolecall/members/p.yml:4");
    assert!(!query().await, "nothing is given before it is applied");
    site.run(&["apply", "--as-of", "2027-01-01"]).ends(0);
    assert!(query().await);
    site.run(&["verify", "--as-of", "2027-06-30"]).ends(0);
    site.run(&["plan", "--as-of", "2027-07-01"]).ends(0).says(
        "- member taylor, let in by postgres  # rolecall/members/p.yml:4, ended: until 2027-06-30",
    );
    site.run(&["apply", "--as-of", "2027-07-01"]).ends(0);
    assert!(!query().await, "the day has passed");
    // Asked again, the new entry takes the place of the one that ended.
    let words = ["--until", "2028-06-30", "--as-of", "2027-07-01"];
    let again = ask(&site, "taylor", &words);
    by(&site, "jane", &["approve", &again, "--as-of", "2027-07-01"]).ends(0);
    site.run(&["apply", "--as-of", "2027-07-01"]).ends(0);
    assert!(query().await);
    assert_eq!(super::members_text(&site).matches("taylor,").count(), 1);
}

#[tokio::test]
async fn a_denied_request_gives_nothing() {
    let site = site(&["robin", "taylor"]).await;
    site.run(&["apply"]).ends(0);
    let id = ask(&site, "taylor", &[]);
    by(&site, "kim", &["deny", &id, "--reason", "not now"]).ends(0);
    site.run(&["plan", "--check"]).ends(0);
    site.run(&["verify"]).ends(0);
}
