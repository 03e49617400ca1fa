use super::*;
use crate::model::{DialectKind, Inventory, Marker, Privilege, ServerIdentity};
use std::collections::{BTreeMap, BTreeSet};

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

fn table() -> Securable {
    Securable::in_schema(ObjectClass::Table, id("db"), id("s"), id("t"))
}

fn marker() -> Marker {
    Marker {
        deployment: "shop".into(),
        environment: "prod".into(),
        instance: None,
        product: "p".into(),
        role: "r".into(),
        policy: None,
        immutable: false,
        playbook: None,
        adopted: false,
    }
}

fn empty() -> Memory {
    let server = ServerIdentity {
        dialect: DialectKind::Postgres,
        system: "1".into(),
        database: Some(id("db")),
        version: 170_000,
        acting_as: id("deploy"),
        superuser: true,
        may_create_roles: true,
    };
    let roles = BTreeMap::new();
    Memory::new(ObservedState {
        server,
        roles,
        acl: Vec::new(),
        memberships: Vec::new(),
        defaults: Vec::new(),
        owned: BTreeMap::new(),
        inventory: Inventory::default(),
        unsupported: BTreeSet::new(),
        around: BTreeSet::new(),
        users: BTreeSet::new(),
        found: Vec::new(),
    })
}

const SELECT: PrivilegeSet = PrivilegeSet::of(&[Privilege::SELECT]);

fn look() -> Look {
    Look { deployment: "shop".into(), ..Look::default() }
}

fn create(role: &str) -> Change {
    Change::CreateRole { role: id(role), marker: marker() }
}

fn grant(role: &str) -> Change {
    Change::Grant { on: table(), role: id(role), privileges: SELECT }
}

fn revoke(role: &str, grantor: &str) -> Change {
    Change::Revoke { on: table(), role: id(role), privileges: SELECT, grantor: Some(id(grantor)) }
}

#[tokio::test]
async fn a_revoke_takes_only_its_own_grantors_entry() {
    let mut memory = empty();
    memory.begin().await.unwrap();
    memory.execute(&[create("a"), grant("a"), revoke("a", "stranger")]).await.unwrap();
    assert_eq!(memory.state().acl.len(), 1);
    memory.execute(&[revoke("a", "deploy")]).await.unwrap();
    assert_eq!(memory.state().acl, []);
}

#[tokio::test]
async fn a_session_that_dies_leaves_the_state_before_and_the_next_one_goes_through() {
    let changes = [create("a"), create("b"), grant("a")];
    for lives in 0..changes.len() {
        let mut memory = empty().dying_after(lives);
        let before = memory.observe(&look()).await.unwrap();
        memory.begin().await.unwrap();
        let died = memory.execute(&changes).await;
        assert!(matches!(died, Err(WarehouseError::Connect { .. })));
        assert_eq!(memory.observe(&look()).await.unwrap(), before);
        memory.begin().await.unwrap();
        memory.execute(&changes).await.unwrap();
        memory.commit().await.unwrap();
        assert_eq!(memory.state().acl.len(), 1);
    }
}

#[tokio::test]
async fn a_role_that_still_has_something_is_not_dropped() {
    let mut memory = empty();
    memory.begin().await.unwrap();
    memory.execute(&[create("a"), grant("a")]).await.unwrap();
    let drop = Change::DropRole { role: id("a") };
    assert!(memory.execute(std::slice::from_ref(&drop)).await.is_err());
    memory.execute(&[revoke("a", "deploy"), drop]).await.unwrap();
    assert!(memory.state().roles.is_empty());
}
