//! Memberships that would close a circle with those that somebody made by hand.

use super::site::{Site, model, write};

fn config(site: &Site, keeps: &str) {
    site.config(&format!(
        r#"
version: 1
deployment: "~books"
environments:
  prod: {{role_name: "~{{{{ product.name }}}}_{{{{ role.name }}}}"}}
roles:
  a: {{name: "~a"{keeps}}}
"#
    ));
    site.models(&[model("s.t")]);
}

async fn site(site: &Site) {
    config(site, "");
    site.sql("create role ~sso; create role ~x").await;
    site.run(&["apply"]).ends(0);
    let members = site.ground.own("a:\n  - {group: ~sso}\n");
    write(&site.path(""), "rolecall/members/playbook_roles.yml", &members);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circle_that_would_last_is_an_error_with_every_step_of_it() {
    for ground in Site::each().await {
        site(&ground).await;
        let site = ground;
        config(&site, ", revoke-other-grants: false");
        // Two steps by hand, one of them between roles that are nobody's here.
        site.sql("grant ~x to ~a; grant ~sso to ~x").await;
        let before = site.everything().await;
        site.run(&["plan"])
            .ends(1)
            .says("membership-circle")
            .says("sso is in a (rolecall/members/playbook_roles.yml:2), a is in x (in the warehouse already, granted by postgres), x is in sso (in the warehouse already)")
            .says("- {group: sso}")
            .says("REVOKE \"x\" FROM \"a\"");
        site.run(&["apply"]).ends(1).never_says("0LP01");
        assert_eq!(site.everything().await, before);
        // Somebody ends a step of it.
        site.sql("revoke ~sso from ~x").await;
        site.run(&["apply"]).ends(0);
        site.must_have("~a", "in x, lets in sso").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circle_that_the_plan_itself_opens_is_none() {
    for ground in Site::each().await {
        site(&ground).await;
        let site = ground;
        site.sql("grant ~x to ~a; grant ~sso to ~x").await;
        site.run(&["apply", "--allow-revokes", "1"]).ends(0);
        site.must_have("~a", "lets in sso").await;
        // And the other way round at once.
        site.sql("revoke ~a from ~sso; grant ~sso to ~a").await;
        site.run(&["apply", "--allow-revokes", "1"]).ends(0);
        site.must_have("~a", "lets in sso").await;
        site.run(&["plan", "--check"]).ends(0);
    }
}
