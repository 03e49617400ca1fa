//! What is refused before a warehouse is compared with anything.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use rolecall::apply::{Failure, compare};
use rolecall::model::{
    DialectKind, Incarnation, Inventory, MarkerReading, ObservedRelation, ObservedRole,
    ObservedState, RoleAttributes, ServerIdentity,
};
use rolecall::plan::Options;
use rolecall::project::{Places, Project};
use rolecall::warehouse::memory::Memory;

use crate::engines::id;

fn shop(dialect: DialectKind) -> Project {
    let places = Places {
        project_dir: Path::new(env!("CARGO_MANIFEST_DIR")).join("dbt_fixtures/sales_analytics"),
        target: Some("prod".to_owned()),
        dialect: Some(dialect),
        ..Places::default()
    };
    Project::load(&places, 0).0.unwrap()
}

fn postgres() -> Memory {
    Memory::new(ObservedState {
        server: ServerIdentity {
            dialect: DialectKind::Postgres,
            system: "1".to_owned(),
            database: Some(id("shop")),
            version: 180_000,
            acting_as: id("postgres"),
            superuser: true,
            may_create_roles: true,
        },
        roles: BTreeMap::new(),
        acl: Vec::new(),
        memberships: Vec::new(),
        defaults: Vec::new(),
        owned: BTreeMap::new(),
        inventory: Inventory { looked: true, ..Inventory::default() },
        unsupported: BTreeSet::new(),
        around: BTreeSet::new(),
        users: BTreeSet::new(),
        found: Vec::new(),
    })
}

/// A server that has all that a project declares on, and everybody in it.
pub fn whole(project: &Project) -> Memory {
    let mut state = postgres().state().clone();
    let (resolved, _) = project.resolve(None, &Inventory::default(), false, None);
    let resolved = resolved.unwrap();
    let role = || ObservedRole {
        marker: MarkerReading::None,
        attributes: RoleAttributes::MANAGED,
        used_elsewhere: 0,
        owner: None,
    };
    state.roles.insert(id("postgres"), role());
    for (_, member) in resolved.desired.memberships.keys() {
        state.roles.insert(member.clone(), role());
    }
    for on in resolved.nodes.iter().filter_map(|node| node.relation.as_ref()) {
        let incarnation = Incarnation("1".to_owned());
        let relation = ObservedRelation { class: on.class(), owner: id("postgres"), incarnation };
        state.inventory.relations.insert(on.relation_key().unwrap(), relation);
        state.inventory.schemas.insert(on.schema_key().unwrap());
    }
    Memory::new(state)
}

#[tokio::test]
async fn a_project_for_snowflake_is_not_compared_with_a_postgresql() {
    let project = shop(DialectKind::Snowflake);
    let Err(Failure::Found(found)) =
        compare(&mut postgres(), &project, &Options::default(), None).await
    else {
        panic!("it was compared");
    };
    let found: Vec<_> = found.sorted().into_iter().map(|found| found.message).collect();
    insta::assert_snapshot!(found.join("\n"), @"the connection is to postgres, and the project is for snowflake");
}
