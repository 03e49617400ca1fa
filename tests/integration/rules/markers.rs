//! Markers and renames.

use super::site::{CONFIG, Site};

fn mark(product: &str, role: &str) -> String {
    format!(
        r#"rolecall:1 {{"deployment":"~shop","environment":"prod","product":"{product}","role":"{role}"}}"#
    )
}

#[tokio::test]
async fn a_copied_marker_is_an_error_that_names_both_roles() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        let copy =
            format!("create role ~copy; comment on role ~copy is '{}'", mark("p", "analyst"));
        site.sql(&copy).await;
        let before = site.everything().await;
        for command in ["plan", "apply", "verify"] {
            site.run(&[command]).ends(1).says("marker-twice").says("copy").says("p_analyst");
        }
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn a_new_template_renames_the_role_and_keeps_everything() {
    for site in Site::each().await {
        site.sql("create role ~ann").await;
        site.members("analyst: [{user: ~ann}]");
        site.run(&["apply"]).ends(0);
        let oid = site.oid("~p_analyst").await;
        let has = site.has("~p_analyst").await;
        site.config(&CONFIG.replace("~{{", "~new_{{"));
        site.run(&["plan"])
            .ends(0)
            .says("renamed from p_analyst")
            .never_says("- ")
            .never_says("+ ");
        site.run(&["apply"]).ends(0);
        assert_eq!(site.oid("~new_p_analyst").await, oid);
        assert_eq!(site.oid("~p_analyst").await, None);
        assert_eq!(site.has("~new_p_analyst").await, has);
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_rename_by_hand_is_undone() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        let oid = site.oid("~p_analyst").await;
        site.sql("alter role ~p_analyst rename to ~hidden").await;
        site.run(&["verify"]).ends(3).says("renamed from hidden");
        site.run(&["apply"]).ends(0);
        assert_eq!(site.oid("~p_analyst").await, oid);
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn a_rename_to_a_name_that_a_stranger_has_is_refused() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        site.sql("create role ~new_p_analyst").await;
        site.config(&CONFIG.replace("~{{", "~new_{{"));
        let before = site.everything().await;
        for arguments in [&["apply"][..], &["apply", "--adopt"]] {
            site.run(arguments).ends(8).says("new_p_analyst");
            assert_eq!(site.everything().await, before);
        }
    }
}

#[tokio::test]
async fn roles_that_change_names_with_each_other_are_refused() {
    for site in Site::each().await {
        site.run(&["apply"]).ends(0);
        let swapped = format!(
            "comment on role ~p_analyst is '{}'; comment on role ~p_engineer is '{}'",
            mark("p", "engineer"),
            mark("p", "analyst")
        );
        site.sql(&swapped).await;
        let before = site.everything().await;
        site.run(&["apply"]).ends(8).says("wait for each other");
        assert_eq!(site.everything().await, before);
    }
}

#[tokio::test]
async fn a_chain_of_renames_finds_its_order() {
    for site in Site::each().await {
        site.config(
            &CONFIG.replace(
                "{{ role.name }}",
                "{% if role.name == 'analyst' %}a{% else %}b{% endif %}",
            ),
        );
        site.run(&["apply"]).ends(0);
        let oids = [site.oid("~p_a").await, site.oid("~p_b").await];
        // What was b's name becomes a's, and b gets another.
        site.config(
            &CONFIG.replace(
                "{{ role.name }}",
                "{% if role.name == 'analyst' %}b{% else %}c{% endif %}",
            ),
        );
        site.run(&["apply"]).ends(0);
        assert_eq!([site.oid("~p_b").await, site.oid("~p_c").await], oids);
        site.must_have("~p_b", "CONNECT here, SELECT on s.t, USAGE on s").await;
        site.must_have("~p_c", "nothing").await;
        site.run(&["verify"]).ends(0);
    }
}

#[tokio::test]
async fn the_marker_survives_names_that_need_quotes() {
    for site in Site::each().await {
        site.sql("create role \"~Ann O'Hara; drop\"; create schema \"S x\"; create table \"S x\".\"a\"\"b\" (x int)").await;
        let template = r#"'"~Rôle 1 {{ product.name }}_{{ role.name }}"'"#;
        site.config(&CONFIG.replace(r#""~{{ product.name }}_{{ role.name }}""#, template));
        site.members("analyst: [{user: '\"~Ann O''Hara; drop\"'}]");
        site.run(&["apply"]).ends(0);
        site.run(&["verify"]).ends(0);
        let name = "~Rôle 1 p_analyst";
        site.must_have(name, "CONNECT here, SELECT on s.t, USAGE on s, lets in Ann O'Hara; drop")
            .await;
    }
}
