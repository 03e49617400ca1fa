//! The laws in memory: thousands of worlds in seconds, and every place where an apply can be cut.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rolecall::model::*;
use rolecall::plan::{Difference, Sides, Within, diff};
use rolecall::warehouse::memory::Memory;

use super::world::*;

fn server(version: u32) -> ServerIdentity {
    ServerIdentity {
        dialect: DialectKind::Postgres,
        system: "1".into(),
        database: Some(id(DATABASE)),
        version,
        acting_as: id("postgres"),
        superuser: true,
        may_create_roles: true,
    }
}

/// The state after all that people did; what a server would refuse is left out.
pub fn observed(world: &World, version: u32) -> ObservedState {
    let mut state = ObservedState {
        server: server(version),
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
    };
    let role = |marker| ObservedRole {
        marker,
        attributes: RoleAttributes::MANAGED,
        used_elsewhere: 0,
        owner: None,
    };
    for name in STRANGERS.iter().chain(&PEOPLE).chain(&["postgres", DBT]) {
        let marker = strangers_marker(name).map_or(MarkerReading::None, MarkerReading::Marker);
        state.roles.insert(id(name), role(marker));
    }
    for (name, marker) in observed_roles(&world.was, world.gone) {
        state.roles.insert(id(&name), role(MarkerReading::Marker(marker)));
    }
    for schema in SCHEMAS {
        state.inventory.schemas.insert((id(DATABASE), id(schema)));
        for (at, (name, class)) in RELATIONS.iter().enumerate() {
            state.inventory.relations.insert(
                (id(DATABASE), id(schema), id(name)),
                ObservedRelation {
                    class: *class,
                    owner: id(DBT),
                    incarnation: Incarnation(at.to_string()),
                },
            );
        }
    }
    let mut memory = Memory::new(state);
    for op in &world.ops {
        did(&mut memory, op, version);
    }
    memory.state().clone()
}

fn owner(state: &ObservedState, on: &Securable) -> Ident {
    let relation = state.inventory.relation(on);
    relation.map_or_else(|| id("postgres"), |relation| relation.owner.clone())
}

fn did(memory: &mut Memory, op: &Op, version: u32) {
    let mut state = memory.state().clone();
    match op {
        Op::Grant { on, to, privileges, option, by } => {
            let owner = owner(&state, on);
            let grantor = by.as_ref().map_or_else(|| owner.clone(), |by| id(by));
            let held = state
                .acl
                .iter()
                .filter(|e| e.on == *on && e.grantee == grantor)
                .fold(PrivilegeSet::EMPTY, |all, e| all.union(e.grantable));
            let may = if grantor == owner { *privileges } else { held.intersection(*privileges) };
            // PostgreSQL keeps no circles of grant options; nobody grants to the owner here.
            let circle =
                grantor != owner && state.acl.iter().any(|e| e.on == *on && e.grantor == id(to));
            if may.is_empty() || id(to) == owner || circle || id(to) == grantor {
                return;
            }
            state.acl.push(AclEntry {
                on: on.clone(),
                grantee: id(to),
                grantor,
                privileges: may,
                grantable: if *option { may } else { PrivilegeSet::EMPTY },
            });
            merge(&mut state.acl);
        }
        Op::Column { schema, relation, to } => {
            let on = Securable::column(id(DATABASE), id(schema), id(relation), id("id"));
            state.acl.push(AclEntry {
                on,
                grantee: id(to),
                grantor: id(DBT),
                privileges: PrivilegeSet::of(&[Privilege::SELECT]),
                grantable: PrivilegeSet::EMPTY,
            });
            merge(&mut state.acl);
        }
        Op::Revoke { on, from } => {
            let owner = owner(&state, on);
            let hang = state.acl.iter().any(|e| e.on == *on && e.grantor == id(from));
            let here = |e: &AclEntry| e.on == *on && e.grantee == id(from) && e.grantor == owner;
            state.acl.retain(|e| hang || !here(e));
        }
        Op::Default { creator, schema, to } => {
            if creator == to {
                return;
            }
            let default = DefaultGrant {
                creator: Some(id(creator)),
                database: id(DATABASE),
                schema: schema.as_ref().map(|schema| id(schema)),
                class: ObjectClass::Table,
                grantee: id(to),
                privileges: PrivilegeSet::of(&[Privilege::SELECT]),
                grantable: PrivilegeSet::EMPTY,
            };
            if !state.defaults.contains(&default) {
                state.defaults.push(default);
                state.defaults.sort();
            }
        }
        Op::Member { role, member, admin, by } => {
            if role == member || reaches(&state, &id(role), &id(member)) {
                return;
            }
            let may = |by: &String| {
                state
                    .memberships
                    .iter()
                    .any(|m| m.role == id(role) && m.member == id(by) && m.admin)
                    && !lets_in(&state, &id(role), &id(member), &id(by))
            };
            let grantor = match by {
                Some(by) if may(by) => id(by),
                _ => id("postgres"),
            };
            let same = |m: &&mut ObservedMembership| {
                m.role == id(role)
                    && m.member == id(member)
                    && (version < 160_000 || m.grantor == grantor)
            };
            let inherit = state.roles.get(&id(member)).is_none_or(|m| m.attributes.inherit);
            match state.memberships.iter_mut().find(same) {
                Some(m) => m.admin |= admin,
                None => state.memberships.push(ObservedMembership {
                    role: id(role),
                    kind: MemberKind::Role,
                    member: id(member),
                    grantor,
                    admin: *admin,
                    inherit,
                    set: true,
                    automatic: false,
                }),
            }
            state.memberships.sort();
        }
        Op::Owner { on, to } => {
            let from = owner(&state, on);
            let _ = memory.change(&Change::SetOwner { on: on.clone(), from, to: id(to) });
            return;
        }
        Op::Login { role } => {
            if let Some(role) = state.roles.get_mut(&id(role)) {
                role.attributes.login = true;
            }
        }
        Op::NoInherit { role } => {
            if let Some(role) = state.roles.get_mut(&id(role)) {
                role.attributes.inherit = false;
            }
            if version < 160_000 {
                let theirs = state.memberships.iter_mut().filter(|m| m.member == id(role));
                theirs.for_each(|m| m.inherit = false);
            }
        }
        Op::Public { .. } => return,
    }
    *memory = Memory::new(state);
}

/// Whether `member` is reached from `role` as a member of it, which would make a circle.
fn reaches(state: &ObservedState, role: &Ident, member: &Ident) -> bool {
    let mut todo = vec![member.clone()];
    let mut seen = BTreeSet::new();
    while let Some(at) = todo.pop() {
        if at == *role {
            return at != *member;
        }
        if seen.insert(at.clone()) {
            todo.extend(
                state.memberships.iter().filter(|m| m.role == at).map(|m| m.member.clone()),
            );
        }
    }
    false
}

/// Whether `by` has its admin option from `member`, which would make a circle of grantors.
fn lets_in(state: &ObservedState, role: &Ident, member: &Ident, by: &Ident) -> bool {
    let mut at = by.clone();
    for _ in 0..=state.memberships.len() {
        if at == *member {
            return true;
        }
        match state.memberships.iter().find(|m| m.role == *role && m.member == at) {
            Some(m) => at = m.grantor.clone(),
            None => return false,
        }
    }
    true
}

fn merge(acl: &mut Vec<AclEntry>) {
    let mut merged: BTreeMap<(Securable, Ident, Ident), (PrivilegeSet, PrivilegeSet)> =
        BTreeMap::new();
    for e in acl.drain(..) {
        let slot = merged.entry((e.on, e.grantee, e.grantor)).or_default();
        *slot = (slot.0.union(e.privileges), slot.1.union(e.grantable));
    }
    acl.extend(merged.into_iter().map(|((on, grantee, grantor), (privileges, grantable))| {
        AclEntry { on, grantee, grantor, privileges, grantable }
    }));
}

pub fn compare(world: &World, state: &ObservedState) -> Difference {
    compare_within(world, state, Within::everything())
}

/// The same, limited.
pub fn compare_within(world: &World, state: &ObservedState, within: Within) -> Difference {
    let (scope, environments, dbt) = (scope(), environments(), id(DBT));
    diff(&Sides {
        desired: &world.desired,
        observed: state,
        scope: &scope,
        deploy_role: Some(&dbt),
        environments: &environments,
        declared: 1,
        options: &world.options,
        within,
    })
}

/// What counts as access: (who, on what or of what, what).
fn access(state: &ObservedState) -> BTreeSet<(String, String, String)> {
    let mut access = BTreeSet::new();
    for e in &state.acl {
        for privilege in e.privileges.iter() {
            access.insert((e.grantee.to_string(), format!("{:?}", e.on), privilege.to_string()));
        }
    }
    for m in &state.memberships {
        access.insert((m.member.to_string(), format!("role {}", m.role), "member".to_owned()));
    }
    access
}

/// Everything that is none of our business: edges that touch no managed role.
fn outside(state: &ObservedState) -> String {
    let ours = |name: &Ident| {
        let marker = state.roles.get(name).map(|role| &role.marker);
        matches!(marker, Some(MarkerReading::Marker(marker)) if scope().holds(marker))
    };
    // Whoever granted it: what an owner granted, or holds, becomes the next owner's.
    let acl: BTreeSet<_> = state
        .acl
        .iter()
        .filter(|e| !ours(&e.grantee) && owner(state, &e.on) != e.grantee)
        .flat_map(|e| e.privileges.iter().map(move |privilege| (&e.on, &e.grantee, privilege)))
        .collect();
    let memberships: Vec<_> = state
        .memberships
        .iter()
        .filter(|m| !ours(&m.role) && !ours(&m.member))
        .map(|m| (&m.role, &m.member, m.admin, m.inherit, m.set))
        .collect();
    let mut defaults: Vec<_> =
        state.defaults.iter().filter(|d| !ours(&d.grantee)).cloned().collect();
    // One of ours may be renamed.
    for default in &mut defaults {
        let creator = default.creator.take();
        default.creator = creator.map(|name| if ours(&name) { id("ours") } else { name });
    }
    defaults.sort();
    let roles: Vec<_> = state.roles.iter().filter(|(name, _)| !ours(name)).collect();
    format!("{acl:?}\n{memberships:?}\n{defaults:?}\n{roles:?}")
}

/// Whether an owner, or who is to be one, holds something from another than the owner. See
/// `met::owner_granted_to`.
pub fn owner_granted_to(state: &ObservedState, plan: &Difference) -> bool {
    let place = |on: &Securable| (on.schema_name().cloned(), on.name().cloned());
    let next = |e: &AclEntry| {
        plan.steps.iter().any(|step| match &step.change {
            Change::SetOwner { on, to, .. } => place(on) == place(&e.on) && *to == e.grantee,
            _ => false,
        })
    };
    state.acl.iter().any(|e| {
        let owner = owner(state, &e.on);
        e.grantor != owner && (e.grantee == owner || next(e))
    })
}

#[test]
fn a_new_owner_does_not_hold_up_the_revoke_from_whom_it_once_got_something() {
    let world = super::met::owner_granted_to();
    for version in [150_000, 170_000] {
        let mut memory = Memory::new(observed(&world, version));
        for step in compare(&world, memory.state()).steps {
            memory.change(&step.change).unwrap();
        }
    }
}

fn check(world: &World, version: u32) -> Result<(), TestCaseError> {
    let before = observed(world, version);
    let first = compare(world, &before);
    prop_assert!(!first.found.has_errors(), "{:?}", first.found);
    // What a stranger holds from one of ours is not taken: that is refused, and named.
    prop_assert!(
        first.refused.iter().all(|r| ["dependents", "marker-on-a-stranger"].contains(&r.code)),
        "{:?}",
        first.refused
    );
    if !first.refused.is_empty() {
        return Ok(());
    }

    if owner_granted_to(&before, &first) {
        return Ok(());
    }

    // 1: applying it reaches the desired state; a second plan is empty.
    let mut memory = Memory::new(before.clone());
    let mut states = vec![before.clone()];
    for step in &first.steps {
        if let Err(error) = memory.change(&step.change) {
            return Err(TestCaseError::fail(format!("{error}\nplan: {:?}", first.steps)));
        }
        states.push(memory.state().clone());
    }
    let after = memory.state().clone();
    let second = compare(world, &after);
    prop_assert!(
        second.steps.is_empty(),
        "second plan: {:?}\nfirst: {:?}",
        second.steps,
        first.steps
    );

    // 2: the order of rows changes nothing.
    let mut turned = before.clone();
    turned.acl.reverse();
    turned.memberships.reverse();
    turned.defaults.reverse();
    prop_assert_eq!(&compare(world, &turned).steps, &first.steps);

    // 3: nothing outside the scope is changed. Who owns what may change hands by declaration.
    prop_assert_eq!(outside(&before), outside(&after));

    // 4: whoever has access before and after has it all along; renames first.
    let renamed = states
        .iter()
        .zip(&first.steps)
        .take_while(|(_, step)| matches!(step.change, Change::RenameRole { .. }))
        .count();
    let throughout: BTreeSet<_> =
        access(&states[renamed]).intersection(&access(&after)).cloned().collect();
    let owners_change = first.steps.iter().any(|s| matches!(s.change, Change::SetOwner { .. }));
    for state in states[renamed..].iter().filter(|_| !owners_change) {
        let lost: Vec<_> = throughout.difference(&access(state)).cloned().collect();
        prop_assert!(lost.is_empty(), "lost on the way: {lost:?}\nplan: {:?}", first.steps);
    }

    // 5: cut anywhere and run again, it reaches the same end.
    for state in &states {
        let mut memory = Memory::new(state.clone());
        for step in compare(world, state).steps {
            if let Err(error) = memory.change(&step.change) {
                return Err(TestCaseError::fail(format!("after a cut: {error}")));
            }
        }
        prop_assert_eq!(access(memory.state()), access(&after));
        prop_assert!(compare(world, memory.state()).steps.is_empty());
    }
    Ok(())
}

#[test]
fn the_laws_hold_where_they_did_not_once() {
    for (what, world) in super::met::all() {
        for version in [150_000, 170_000] {
            let refused = compare(&world, &observed(&world, version)).refused;
            assert_eq!(refused, [], "{what}");
            check(&world, version).unwrap_or_else(|error| panic!("{what}: {error}"));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_before_memberships_had_grantors(world in world(25)) {
        check(&world, 150_000)?;
    }

    #[test]
    fn the_laws_hold_where_memberships_have_grantors(world in world(25)) {
        check(&world, 170_000)?;
    }
}
