//! Requests, approvals and the catalog, through the real binary: files, git, and a real server.

mod asking;
mod catalog;
mod review;
mod story;

use std::process::Command;

use crate::rules::site::{Ran, Site};

const CONFIG: &str = r#"
version: 1
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}", user_name: "~{{ user.name }}"}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write]}
products:
  p: {title: Products, owners: [jane@acme.example, kim@acme.example], offers: [analyst]}
"#;

const MEMBERS: &str = "# Who reads\nanalyst:\n  - user: robin   # since 2024\n";

/// A site with that configuration, and users.
async fn site(users: &[&str]) -> Site {
    let site = Site::on(crate::engines::Ground::each().await.remove(0)).await;
    site.config(CONFIG);
    site.members(MEMBERS);
    for user in users {
        site.sql(&format!("create role ~{user} login password 'pw'")).await;
    }
    site
}

/// Runs a command that needs no warehouse, as somebody.
fn by(site: &Site, who: &str, arguments: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
    command
        .args(arguments)
        .arg("--project-dir")
        .arg(site.path(""))
        .env("ROLECALL_BY", who)
        .env("HOME", "/nowhere")
        .env_remove("ROLECALL_CONNECTION");
    site.ran(command.output().unwrap())
}

/// Asks, and says the request's name.
fn ask(site: &Site, who: &str, more: &[&str]) -> String {
    let words = ["request", "p", "analyst", "--reason", "DATA-7", "--format", "json"];
    let said = by(site, who, &[&words, more].concat()).ends(0);
    let said: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    said["request"].as_str().unwrap().to_owned()
}

fn request_text(site: &Site, id: &str) -> String {
    std::fs::read_to_string(site.path(&format!("rolecall/requests/{id}.yml"))).unwrap()
}

fn members_text(site: &Site) -> String {
    std::fs::read_to_string(site.path("rolecall/members/p.yml")).unwrap()
}

/// Without what only this moment has.
fn timeless(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find("20").filter(|at| rest[*at..].len() >= 10) {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let is_day = from.get(..10).is_some_and(|day| {
            rolecall::config::end_of_day(day).is_some() && !["2027", "2028"].contains(&&day[..4])
        });
        if !is_day {
            out.push_str("20");
            rest = &from[2..];
            continue;
        }
        let is_moment = from.as_bytes().get(10) == Some(&b'T');
        out.push_str(if is_moment { "<now>" } else { "<day>" });
        rest = &from[if is_moment { 20 } else { 10 }..];
    }
    out + rest
}
