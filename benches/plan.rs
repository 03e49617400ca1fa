//! Planning many grants: from nothing, in sync, and with a hundredth of them gone.
//!
//! `cargo bench --bench plan [ROLES] [RELATIONS]` prints ratios to one walk over the same grants,
//! all within one run. Times are not comparable between machines, ratios are.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use rolecall::dialect;
use rolecall::model::*;
use rolecall::plan::{Difference, Options, Sides, Within, diff};

fn main() {
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<usize>().ok());
    let (roles, relations) = (numbers.next().unwrap_or(500), numbers.next().unwrap_or(1_000));
    let world = World::new(roles, relations);
    println!("{roles} roles x {relations} relations: {} grants", roles * relations);

    let (walked, walk) = timed(|| world.desired.grants.values().map(|g| g.privileges.len()).sum());
    let walked: usize = walked;
    let (all, from_nothing) = timed(|| world.difference(&world.observed(0)));
    let (none, in_sync) = timed(|| world.difference(&world.observed_all));
    let (some, partly) = timed(|| world.difference(&world.observed(99)));
    let changes: Vec<Change> = all.steps.iter().map(|step| step.change.clone()).collect();
    let (statements, rendering) = timed(|| {
        dialect::of(DialectKind::Postgres).statements(&changes, &Default::default()).unwrap().len()
    });

    assert!(none.steps.is_empty() && !some.steps.is_empty() && walked > 0);
    let line = |what: &str, took: Duration, said: String| {
        let ratio = took.as_secs_f64() / walk.as_secs_f64().max(1e-9);
        println!("{what:<28} {took:>10.1?} {ratio:>8.1}x  {said}");
    };
    line("one walk over the grants", walk, format!("{walked} privileges"));
    line("plan in sync", in_sync, "0 changes".to_owned());
    line("plan, a hundredth is gone", partly, format!("{} changes", some.steps.len()));
    line("plan from nothing", from_nothing, format!("{} changes", all.steps.len()));
    line("statements of that plan", rendering, format!("{statements} statements"));
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let done = work();
    (done, start.elapsed())
}

struct World {
    desired: DesiredState,
    observed_all: ObservedState,
    scope: Scope,
}

fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

impl World {
    fn new(roles: usize, relations: usize) -> Self {
        let read = PrivilegeSet::of(&[Privilege::SELECT]);
        let mut desired = DesiredState::empty("prod", DialectKind::Postgres);
        let mut observed = nothing();
        let role_names: Vec<Ident> = (0..roles).map(|at| id(&format!("role_{at:05}"))).collect();
        for (at, name) in role_names.iter().enumerate() {
            let marker = Marker {
                deployment: "shop".to_owned(),
                environment: "prod".to_owned(),
                instance: None,
                product: format!("product_{at}"),
                role: "analyst".to_owned(),
                policy: None,
                immutable: false,
                playbook: None,
                adopted: false,
            };
            observed.roles.insert(name.clone(), role(MarkerReading::Marker(marker.clone())));
            desired.roles.insert(name.clone(), marker.into());
        }
        for at in 0..relations {
            let name = id(&format!("fct_{at:06}"));
            let on =
                Securable::in_schema(ObjectClass::Table, id("shop"), id("sales"), name.clone());
            let reason = Reason {
                node: Some(format!("model.shop.fct_{at:06}")),
                file: None,
                line: None,
                permission: Some("read".to_owned()),
            };
            observed.inventory.relations.insert(
                (id("shop"), id("sales"), name),
                ObservedRelation {
                    class: ObjectClass::Table,
                    owner: id("dbt"),
                    incarnation: Incarnation(at.to_string()),
                },
            );
            for role in &role_names {
                desired.grant(on.clone(), role.clone(), read, &reason);
                observed.acl.push(AclEntry {
                    on: on.clone(),
                    grantee: role.clone(),
                    grantor: id("dbt"),
                    privileges: read,
                    grantable: PrivilegeSet::EMPTY,
                });
            }
        }
        let scope = Scope {
            deployment: "shop".to_owned(),
            environment: "prod".to_owned(),
            instance: None,
            every_instance: false,
            database: Some(id("shop")),
            schemas: BTreeSet::from([(id("shop"), id("sales"))]),
        };
        Self { desired, observed_all: observed, scope }
    }

    /// What is there when this share of a hundred has been granted.
    fn observed(&self, percent: usize) -> ObservedState {
        let mut observed = self.observed_all.clone();
        let mut at = 0;
        observed.acl.retain(|_| {
            at += 1;
            at % 100 < percent
        });
        observed
    }

    fn difference(&self, observed: &ObservedState) -> Difference {
        diff(&Sides {
            desired: &self.desired,
            observed,
            scope: &self.scope,
            deploy_role: None,
            environments: &BTreeSet::from(["prod".to_owned()]),
            declared: 1,
            options: &Options::default(),
            within: Within::everything(),
        })
    }
}

fn role(marker: MarkerReading) -> ObservedRole {
    ObservedRole { marker, attributes: RoleAttributes::MANAGED, used_elsewhere: 0, owner: None }
}

fn nothing() -> ObservedState {
    ObservedState {
        server: ServerIdentity {
            dialect: DialectKind::Postgres,
            system: "1".to_owned(),
            database: Some(id("shop")),
            version: 170_000,
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
    }
}
