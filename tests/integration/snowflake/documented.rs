//! Playbooks against what Snowflake's documentation says of single kinds of objects.

use std::path::Path;

use rolecall::plan::Options;
use rolecall::project::Project;
use rolecall::warehouse::snowflake::{Snowflake, SnowflakeSettings};

use super::account::site::{account, settings};
use super::one_model;
use super::standin::Standin;

/// A project of one playbook, on an account that has D.S.
fn project(folder: &Path, grants: &[(&str, &[&str])]) -> Project {
    let roles: String = grants
        .iter()
        .map(|(role, grants)| {
            let grants = grants.iter().map(|grant| format!("      - {{{grant}}}\n"));
            format!("  {role}:\n    name: {role}\n    grants:\n{}", grants.collect::<String>())
        })
        .collect();
    one_model::project(folder, &format!("roles:\n{roles}"), ("d", "s"))
}

fn furnished(more: &[&str]) -> Option<Standin> {
    let standin = account()?;
    standin.sql(&["CREATE DATABASE D", "CREATE SCHEMA D.S", "CREATE TABLE D.S.T (A NUMBER)"]);
    standin.sql(more);
    Some(standin)
}

async fn comes_to_rest(standin: &Standin, project: &Project, warehouse: bool) -> Vec<String> {
    let of = settings(standin);
    let of = SnowflakeSettings { warehouse: warehouse.then(|| "WH".to_owned()), ..of };
    let mut warehouse = Snowflake::connect(&of, 4).await.unwrap();
    one_model::comes_to_rest(&mut warehouse, project, &Options::default()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wildcard_sees_what_whoever_applies_cannot_read() {
    let Some(standin) = furnished(&[
        "CREATE TABLE D.S.T2 (A NUMBER)",
        "CREATE HYBRID TABLE D.S.HT (A NUMBER PRIMARY KEY)",
        "GRANT USAGE ON DATABASE D TO ROLE DEPLOYER",
        "GRANT USAGE ON SCHEMA D.S TO ROLE DEPLOYER",
        "GRANT SELECT ON TABLE D.S.T TO ROLE DEPLOYER",
    ]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let of = "object-type: table, database-name: d, schema-name: s, object-name: '*'";
    let (some, all) = (format!("{of}, privileges: [select]"), format!("{of}, privileges: [all]"));
    let project = project(folder.path(), &[("reader", &[&some]), ("owner", &[&all])]);
    let planned = comes_to_rest(&standin, &project, true).await;
    for name in ["D.S.T", "D.S.T2", "D.S.HT"] {
        assert!(planned.iter().any(|step| step.contains(name)), "{name}: {planned:#?}");
    }
    let hybrid: Vec<_> = planned.iter().filter(|step| step.contains("D.S.HT")).collect();
    assert!(!hybrid.iter().any(|step| step.contains("EVOLVE SCHEMA")), "{hybrid:#?}");
    standin.sql(&["CREATE TABLE D.S.T3 (A NUMBER)"]);
    assert_eq!(comes_to_rest(&standin, &project, true).await, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn materialized_and_semantic_views_are_told_from_views() {
    let Some(standin) = furnished(&[
        "CREATE VIEW D.S.V AS SELECT 1 AS A",
        "CREATE MATERIALIZED VIEW D.S.MV AS SELECT 1 AS A",
        "CREATE SEMANTIC VIEW D.S.SV AS SELECT 1 AS A",
    ]) else {
        return;
    };
    for schema in ["s", "*"] {
        let folder = tempfile::tempdir().unwrap();
        let of = format!("database-name: d, schema-name: '{schema}', object-name: '*'");
        let [plain, materialized, semantic] = ["view", "materialized view", "semantic view"]
            .map(|kind| format!("object-type: {kind}, {of}, privileges: [select]"));
        let project = project(
            folder.path(),
            &[("plain", &[&plain]), ("materialized", &[&materialized]), ("semantic", &[&semantic])],
        );
        let planned = comes_to_rest(&standin, &project, false).await;
        if schema == "s" {
            let on = |role: &str, name: &str| {
                let name = format!("D.S.{name}");
                planned.iter().any(|step| step.contains(role) && step.contains(&name))
            };
            assert!(on("PLAIN", "V") && on("MATERIALIZED", "MV"), "{planned:#?}");
            assert!(on("SEMANTIC", "SV"), "{planned:#?}");
            assert!(!on("PLAIN", "MV") && !on("PLAIN", "SV"), "{planned:#?}");
        }
        standin.sql(&["CREATE OR REPLACE MATERIALIZED VIEW D.S.MV2 AS SELECT 1 AS A"]);
        assert_eq!(comes_to_rest(&standin, &project, false).await, Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_to_come_changes_its_owner_and_some_kinds_take_none() {
    let Some(standin) = furnished(&[]) else { return };
    let place = "database-name: d, schema-name: s, object-name: '*', include-all: false";
    let own = format!("object-type: table, {place}, privileges: [ownership]");
    let use_it = format!("object-type: notebook, {place}, privileges: [usage, ownership]");
    let select = format!("object-type: table, {place}, privileges: [select]");
    for (one, other) in [(&own, &select), (&select, &own)] {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path(), &[("one", &[one, &use_it]), ("other", &[other])]);
        let planned = comes_to_rest(&standin, &project, false).await;
        assert!(planned.iter().any(|step| step.contains("OWNERSHIP")), "{planned:#?}");
        assert!(
            !planned.iter().any(|step| step.contains("OWNERSHIP") && step.contains("notebook")),
            "{planned:#?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_by_another_word_and_privileges_of_few_kinds_come_to_rest() {
    let Some(standin) = furnished(&[
        "CREATE EXTERNAL VOLUME EV",
        "CREATE NETWORK POLICY NP",
        "CREATE SECRET D.S.X",
        "CREATE FUNCTION D.S.F(A NUMBER) RETURNS NUMBER AS 'A'",
    ]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let project = project(
        folder.path(),
        &[(
            "one",
            &[
                "object-type: external volume, object-name: ev, privileges: [usage]",
                "object-type: network policy, object-name: np, privileges: [usage]",
                "object-type: secret, database-name: d, schema-name: s, object-name: x, privileges: [modify]",
                "object-type: external function, database-name: d, schema-name: s, object-name: f(number), privileges: [usage]",
                "object-type: schema, database-name: d, schema-name: s, privileges: [all]",
                "object-type: account, privileges: [use ai function ai_complete, monitor user]",
            ],
        )],
    );
    standin.sql(&["GRANT ROLE ACCOUNTADMIN TO ROLE DEPLOYER"]);
    let planned = comes_to_rest(&standin, &project, false).await;
    for name in ["EV", "NP", "D.S.X", "D.S.F", "USE AI FUNCTION AI_COMPLETE"] {
        assert!(planned.iter().any(|step| step.contains(name)), "{name}: {planned:#?}");
    }
    assert!(!planned.iter().any(|step| step.contains("SNOWFLAKE.")), "{planned:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn newer_kinds_are_listed_granted_and_come_to_rest() {
    const KINDS: &[(&str, &str, &str)] = &[
        ("interactive table", "IT (A NUMBER)", "MONITOR, REFERENCES, SELECT"),
        ("online feature table", "OFT (A NUMBER)", "MONITOR, SELECT"),
        ("contact", "C", "APPLY, MODIFY"),
        ("mcp server", "M", "MODIFY, USAGE"),
        ("gateway", "G", "MODIFY, USAGE"),
        ("experiment", "X", "MODIFY, USAGE"),
        ("restricted session scope", "R", "MODIFY, USAGE"),
        ("artifact repository", "AR", "READ"),
        ("application service", "APP", "MONITOR, OPERATE, USAGE"),
        ("snapshot policy", "SP", "USAGE"),
        ("snapshot set", "SS", "USAGE"),
    ];
    let made: Vec<String> =
        KINDS.iter().map(|(kind, name, _)| format!("CREATE {kind} D.S.{name}")).collect();
    let mut made: Vec<&str> = made.iter().map(String::as_str).collect();
    made.push("CREATE APPLICATION PACKAGE PACK");
    let Some(standin) = furnished(&made) else { return };
    let place = "database-name: d, schema-name: s, object-name: '*'";
    let grants: Vec<String> = KINDS
        .iter()
        .map(|(kind, ..)| format!("object-type: {kind}, {place}, privileges: [all]"))
        .chain(
            ["object-type: application package, object-name: pack, privileges: [install]".into()],
        )
        .collect();
    let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
    let tables = format!("object-type: table, {place}, privileges: [all]");
    let folder = tempfile::tempdir().unwrap();
    let project = project(folder.path(), &[("one", &grants), ("tables", &[&tables])]);
    let planned = comes_to_rest(&standin, &project, false).await;
    for (kind, name, privileges) in KINDS {
        let name = name.split(' ').next().unwrap();
        let step = format!("grant {privileges} on {} D.S.{name} to ONE", kind.replace(' ', "_"));
        assert!(planned.contains(&step), "{step}: {planned:#?}");
    }
    assert!(planned.iter().any(|step| step.contains("INSTALL on application_package PACK")));
    // An interactive table is none of the tables.
    let of_tables = planned.iter().filter(|step| step.ends_with(" to TABLES"));
    assert!(!of_tables.into_iter().any(|step| step.contains("D.S.IT")), "{planned:#?}");
}
