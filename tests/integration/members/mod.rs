//! Who gets in, through the real binary: by rule, until a day, by commands that edit the owners'
//! files.

mod by_rule;
mod editing;
mod expiry;
mod query;

use crate::rules::site::Site;

/// Names are made by the environment's template, so that files can be written without prefixes.
const CONFIG: &str = r#"
version: 1
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}", user_name: "~{{ user.name }}", group_name: "~{{ group.name }}"}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write]}
products:
  p: {owners: [jane@acme.example]}
"#;

/// The site with that configuration and more of it, and users.
async fn site(more: &str, users: &[&str]) -> Site {
    let site = Site::on(crate::engines::Ground::each().await.remove(0)).await;
    site.config(&format!("{CONFIG}{more}"));
    for user in users {
        site.sql(&format!("create role ~{user} login")).await;
    }
    site
}

fn write(site: &Site, name: &str, text: &str) {
    std::fs::write(site.path(name), text).unwrap();
}

/// Runs a command that needs no warehouse.
fn local(site: &Site, arguments: &[&str]) -> crate::rules::site::Ran {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_rolecall"));
    command
        .args(arguments)
        .arg("--project-dir")
        .arg(site.path(""))
        .env_remove("ROLECALL_CONNECTION");
    site.ran(command.output().unwrap())
}

/// What it said against something, without where the manifest is.
fn findings(ran: &crate::rules::site::Ran) -> String {
    let lines = ran.err.lines().filter(|line| !line.starts_with("manifest: "));
    lines.collect::<Vec<_>>().join("\n")
}
