//! Playbook roles into the desired state: exactly what is written, and nothing that goes with it.
//!
//! A wildcard becomes one grant for each object that the warehouse has, so that a new one is one grant
//! and a missing one is seen; what is yet to come becomes future grants.

mod future;
mod matching;
mod memberships;
mod objects;
mod owners;
mod said;
#[cfg(test)]
mod tests;
mod texts;
mod words;

use std::collections::{BTreeMap, BTreeSet};

use super::policies::Gates;
use super::roles::RolesHere;
use super::{Beyond, Inputs};
use crate::config::playbook::{MEMBERS, ObjectType, PlaybookGrant, PlaybookRole, Shape, shape};
use crate::model::{
    DesiredOwner, DesiredRole, DesiredState, Diagnostics, Ident, Manner, Marker, ObjectClass,
    Reason, RelationKey, Securable,
};
pub(super) use memberships::is_made;
use said::Said;
use texts::Texts;

/// One playbook role here.
pub(super) struct RoleHere<'a> {
    pub(super) name: Ident,
    pub(super) role: &'a PlaybookRole,
}

/// Playbook roles that hold in the environment, by id.
pub(super) type PlaybookRoles<'a> = BTreeMap<&'a str, RoleHere<'a>>;

/// What everything that a playbook gives is put into.
struct Giving<'x, 'a> {
    inputs: &'x Inputs<'a>,
    texts: Texts<'x, 'a>,
    gates: &'x Gates,
    /// The relations of the manifest, which dbt makes.
    nodes: Vec<Securable>,
    made_by_dbt: BTreeMap<RelationKey, ObjectClass>,
    owners: BTreeMap<Securable, DesiredOwner>,
    future_owners: BTreeMap<future::Container, (Ident, Reason)>,
    disabled: BTreeSet<Ident>,
    beyond: Beyond,
    said: Said,
    given: usize,
}

/// The names of the roles that hold in this environment.
pub(super) fn name_roles<'a>(inputs: &Inputs<'a>, found: &mut Diagnostics) -> PlaybookRoles<'a> {
    let playbooks = &inputs.config.playbooks;
    if !playbooks.hold_in(&inputs.environment.name) {
        return PlaybookRoles::new();
    }
    let texts = Texts { inputs };
    let mut named: BTreeMap<Ident, &PlaybookRole> = BTreeMap::new();
    let mut here = PlaybookRoles::new();
    for role in &playbooks.roles {
        let Some(name) = texts.role_name(&role.name, found) else { continue };
        if let Some(first) = named.insert(name.clone(), role) {
            found.push(said::name_twice(&name, first, role));
            continue;
        }
        here.insert(&role.id, RoleHere { name, role });
    }
    here
}

/// Who is the product's, or the policy's, that has a name already.
pub(super) struct Ours<'x, 'a> {
    pub(super) deployment: &'x str,
    pub(super) instance: Option<&'x str>,
    pub(super) products: &'x RolesHere<'a>,
}

/// Puts the roles, and all that they have, into the desired state.
pub(super) fn grant<'a>(
    inputs: &Inputs<'a>,
    here: &PlaybookRoles<'a>,
    gates: &Gates,
    ours: &Ours<'_, 'a>,
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) -> (Beyond, usize) {
    if here.is_empty() {
        return (Beyond::default(), 0);
    }
    let nodes: Vec<Securable> = {
        let nodes = inputs.manifest.nodes.values();
        nodes.filter_map(|node| super::nodes::relation_of(inputs, node)).collect()
    };
    let mut giving = Giving {
        inputs,
        texts: Texts { inputs },
        gates,
        made_by_dbt: nodes.iter().filter_map(|on| Some((on.relation_key()?, on.class()))).collect(),
        nodes,
        owners: BTreeMap::new(),
        future_owners: BTreeMap::new(),
        disabled: BTreeSet::new(),
        beyond: Beyond::default(),
        said: Said::default(),
        given: 0,
    };
    for (id, RoleHere { name, role }) in here {
        if let Some(other) = desired.roles.get(name) {
            found.push(said::defined_twice(inputs, ours.products, name, role, &other.marker));
            continue;
        }
        let marker = Marker {
            deployment: ours.deployment.to_owned(),
            environment: inputs.environment.name.clone(),
            instance: ours.instance.map(str::to_owned),
            playbook: Some((*id).to_owned()),
            ..Marker::default()
        };
        let Some(enable) = giving.texts.truth(&role.enable, found) else { continue };
        if !enable {
            giving.disabled.insert(name.clone());
            desired.disabled.insert(name.clone(), marker);
            continue;
        }
        if let Some(manner) = giving.manner(role, found) {
            desired.roles.insert(name.clone(), DesiredRole { marker, manner });
        }
    }
    for RoleHere { name, role } in here.values() {
        if desired.roles.get(name).is_none_or(|role| role.marker.playbook.is_none()) {
            continue;
        }
        for one in &role.grants {
            giving.grant(name, one, desired, found);
        }
    }
    memberships::as_members(inputs, here, desired, found);
    memberships::circles(inputs, here, desired, found);
    future::beside_each_other(inputs, desired);
    giving.finish(desired, found)
}

impl Giving<'_, '_> {
    fn manner(&mut self, role: &PlaybookRole, found: &mut Diagnostics) -> Option<Manner> {
        let members = self.inputs.config.members.get(MEMBERS);
        let create = self.texts.truth(&role.create, found)?;
        let revoke_other_grants = self.texts.truth(&role.revoke_other_grants, found)?;
        let owner = match &role.role_owner {
            None => None,
            Some(written) if self.texts.has_role_owners() => {
                Some(self.texts.name(written, "the role's owner", found)?)
            }
            Some(written) => {
                self.said.no_owners(&written.place);
                None
            }
        };
        Some(Manner {
            create,
            revoke_other_grants,
            declares_members: members.is_some_and(|members| members.contains_key(&role.id)),
            owner,
            because: vec![texts::reason(&role.place, "")],
        })
    }

    fn grant(
        &mut self,
        role: &Ident,
        grant: &PlaybookGrant,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        let texts = self.texts;
        let names = [&grant.object, &grant.schema, &grant.database];
        let mut whole = true;
        for name in names.into_iter().flatten().chain(&grant.privileges) {
            whole &= texts.expand(name, found).is_some();
        }
        let switches = [&grant.enable, &grant.include_all, &grant.include_future];
        let [Some(enable), Some(all), Some(future)] =
            switches.map(|switch| texts.truth(switch, found))
        else {
            return;
        };
        if !whole {
            return;
        }
        let silent = |name: &crate::config::Located<String>| {
            texts.expand(name, &mut Diagnostics::default()).unwrap_or_default()
        };
        let shape = match shape(grant, silent) {
            Ok(shape) => shape,
            Err(wrong) => {
                found.extend(wrong);
                return;
            }
        };
        let one = One { role, grant, enable, all, future };
        match (&grant.object_type.value, shape) {
            (ObjectType::Unsupported(word), _) => {
                self.said.unsupported(word, &grant.object_type.place);
            }
            (ObjectType::SomeOf(_, word), shape) if shape.is_wild() => {
                let what = format!("a `*` for each {}", word.replace('_', " "));
                self.said.unsupported(&what, &grant.object_type.place);
            }
            (_, Shape::Role(name)) => self.membership(&one, &name, desired, found),
            (_, Shape::DatabaseRole(database, name)) => {
                self.database_role(&one, (&database, &name), desired, found);
            }
            (ObjectType::Class(class) | ObjectType::SomeOf(class, _), shape) => {
                self.on_objects(&one, *class, &shape, desired, found);
            }
            (ObjectType::Role | ObjectType::DatabaseRole, _) => {}
        }
    }

    fn finish(self, desired: &mut DesiredState, found: &mut Diagnostics) -> (Beyond, usize) {
        let Self { inputs, owners, made_by_dbt, beyond, said, given, .. } = self;
        owners::check(inputs, &owners, &made_by_dbt, found);
        super::views::check_views(inputs, &owners, desired, found);
        desired.owners.extend(owners);
        said.say(inputs, found);
        (beyond, given)
    }
}

/// One grant of one role, switches decided.
struct One<'g> {
    role: &'g Ident,
    grant: &'g PlaybookGrant,
    enable: bool,
    all: bool,
    future: bool,
}
