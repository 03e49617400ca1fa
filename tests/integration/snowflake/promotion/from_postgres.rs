//! dev on PostgreSQL, prod on Snowflake: two manifests of one project, written by two adapters.

use serde_json::json;

use super::stage::{Stage, manifest};
use crate::engines::{Ground, servers};

#[tokio::test(flavor = "multi_thread")]
async fn a_product_tried_on_postgresql_is_promoted_to_snowflake() {
    let Some(stage) = Stage::one() else { return };
    if servers().is_empty() {
        return;
    }
    let ground = Ground::on(&servers()[0]).await;
    ground
        .sql("create schema s; create table s.t (x int); create table s.u (x int); create role ~taylor login")
        .await;
    let prefix = &ground.prefix;
    stage.whole_config(&format!(
        r#"
version: 1
deployment: {prefix}shop
environments:
  dev: {{role_name: "{prefix}{{{{ product.name }}}}_{{{{ role.name }}}}", user_name: "{prefix}{{{{ user.name }}}}"}}
  prod: {{role_name: "{{{{ product.name }}}}_{{{{ role.name }}}}", user_name: "{{{{ user.name }}}}", promote_from: dev, protected: true}}
product_roles:
  analyst: {{may: [read]}}
  engineer: {{may: [read, write], environments: {{prod: {{may: [read]}}}}}}
products:
  p: {{}}
"#
    ));
    let mut dev = manifest("postgres", &ground.database, "s", &["t", "u"]);
    for node in dev["nodes"].as_object_mut().unwrap().values_mut() {
        let name = node["alias"].as_str().unwrap().to_owned();
        node["relation_name"] = json!(format!("\"{}\".\"s\".\"{name}\"", ground.database));
    }
    stage.manifest("dev", &dev);
    let run = |arguments: &[&str]| {
        let mut command = stage.command(arguments);
        command.env("ROLECALL_FROM_CONNECTION", ground.url(None));
        if arguments.contains(&"dev") && arguments[0] == "apply" {
            command.env("ROLECALL_CONNECTION", ground.url(None));
        }
        let output = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code(), text(output.stdout) + &text(output.stderr))
    };
    let (code, said) = run(&["apply", "-t", "dev"]);
    assert_eq!(code, Some(0), "{said}");
    let file = stage.path("plan.json");
    let promote = ["promote", "--from", "dev", "--to", "prod", "--out", file.to_str().unwrap()];
    let (code, said) = run(&promote);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("+ member TAYLOR (user)"), "{said}");
    stage.apply().ends(0);
    let (code, said) = run(&[&promote[..], &["--check"]].concat());
    assert_eq!(code, Some(0), "{said}");
    // Somebody let in by hand on PostgreSQL is named, and stays there.
    ground.sql("create role ~eve; grant ~p_analyst to ~eve").await;
    let (code, said) = run(&promote);
    assert!(code == Some(4) && said.contains("undeclared-member"), "{said}");
}
