//! The engine inside the process does what the laws need of a server.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use rolecall::model::{
    Change, Marker, MemberKind, ObjectClass, Privilege, PrivilegeSet, Securable,
};
use rolecall::warehouse::engine::{Prefer, start_engine};
use rolecall::warehouse::postgres::Postgres;
use rolecall::warehouse::{Execute, Look, Observe};

use crate::engines::{id, session};

#[tokio::test(flavor = "multi_thread")]
async fn the_embedded_engine_creates_databases_and_runs_a_whole_apply_in_one_of_them() {
    let engine = start_engine(Prefer::Embedded).await.unwrap();
    assert!(engine.single_connection());
    assert_eq!(engine.describe(), "embedded PostgreSQL 17.5");
    let admin = session(&engine.url("postgres")).await;
    admin.batch_execute("create database \"Shop 1\"").await.unwrap();
    drop(admin);
    let admin = session(&engine.url("Shop 1")).await;
    let said: String = admin.query_one("select version()", &[]).await.unwrap().get(0);
    assert!(said.starts_with("PostgreSQL 17.5"), "{said}");
    admin
        .batch_execute(
            "create schema s; create table s.t (x int); create role taylor login; create role passer;
             grant usage on schema s to passer; grant select on s.t to passer with grant option;
             set role passer; grant select on s.t to taylor; reset role",
        )
        .await
        .unwrap();
    drop(admin);

    let mut session = Postgres::connect(&engine.url("Shop 1")).await.unwrap();
    let marker = Marker {
        deployment: "shop".into(),
        environment: "prod".into(),
        instance: None,
        product: "p".into(),
        role: "r".into(),
        policy: None,
        immutable: false,
        playbook: None,
        adopted: false,
    };
    let on = Securable::in_schema(ObjectClass::Table, id("Shop 1"), id("s"), id("t"));
    let privileges = PrivilegeSet::of(&[Privilege::SELECT]);
    let changes = [
        Change::CreateRole { role: id("analyst"), marker },
        Change::Grant { on: on.clone(), role: id("analyst"), privileges },
        Change::AddMember { role: id("analyst"), member: id("taylor"), kind: MemberKind::User },
        Change::Revoke {
            on: on.clone(),
            role: id("taylor"),
            privileges,
            grantor: Some(id("passer")),
        },
    ];
    let look = Look {
        deployment: "shop".into(),
        roles: [id("taylor")].into(),
        schemas: BTreeSet::from([(id("Shop 1"), id("s"))]),
        ..Look::default()
    };
    session.begin().await.unwrap();
    session.execute(&changes).await.unwrap();
    let inside = session.observe(&look).await.unwrap();
    session.roll_back().await.unwrap();
    let undone = session.observe(&look).await.unwrap();
    assert_eq!((undone.acl.len(), undone.memberships.len()), (1, 0));
    session.begin().await.unwrap();
    session.execute(&changes).await.unwrap();
    session.commit().await.unwrap();
    let after = session.observe(&look).await.unwrap();
    assert_eq!(after.acl, inside.acl);
    assert_eq!(after.memberships, inside.memberships);
    assert_eq!(after.acl.len(), 1);
    assert_eq!(after.acl[0].grantee, id("analyst"));
    assert!(after.unsupported.is_empty(), "{:?}", after.unsupported);
    drop(session);

    // Another database of the same engine sees the roles, and that they are used elsewhere.
    let mut session = Postgres::connect(&engine.url("postgres")).await.unwrap();
    let elsewhere = session.observe(&look).await.unwrap();
    assert_eq!(elsewhere.roles[&id("analyst")].used_elsewhere, 1);
    assert_eq!(elsewhere.acl, []);
    drop(session);
    let stopping = Instant::now();
    drop(engine);
    assert!(stopping.elapsed() < Duration::from_secs(4));
}

#[test]
fn a_rehearsal_proves_the_fixture_on_the_engine_inside_the_binary() {
    let fixture =
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("dbt_fixtures/sales_analytics");
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_rolecall"))
        .args(["rehearse", "--engine", "embedded", "--target", "prod", "--project-dir"])
        .arg(fixture)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert!(said.contains("Proven on embedded PostgreSQL 17.5"), "{said}");
}
