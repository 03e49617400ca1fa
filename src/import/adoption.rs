//! What product roles that the configuration names already, and nobody manages yet, would gain and
//! lose by their adoption: a declaration holds in every environment.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Change, Ident, MarkerReading, MemberKind, ObservedState, PrivilegeSet, Securable,
};
use crate::plan::{Options, Sides, diff};
use crate::resolve::{Inputs, resolve};

/// One thing that adoption would change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct ByAdoption {
    /// Whose.
    pub role: Ident,
    /// In words.
    pub what: String,
}

/// What adopting these roles would change but for markers and what everybody has.
pub(super) fn by_adoption(
    inputs: &Inputs<'_>,
    state: &ObservedState,
    roles: &BTreeSet<Ident>,
    everybody: &BTreeMap<Securable, PrivilegeSet>,
) -> Vec<ByAdoption> {
    let (Some(resolved), _) = resolve(inputs) else { return Vec::new() };
    let is_new = |role: &Ident| {
        let there = state.roles.get(role).map(|role| &role.marker);
        roles.contains(role) && matches!(there, Some(MarkerReading::None))
    };
    let mut nodes: BTreeMap<&Securable, Vec<&str>> = BTreeMap::new();
    for node in &resolved.nodes {
        let Some(on) = &node.relation else { continue };
        nodes.entry(on).or_default().push(&node.unique_id);
    }
    let on = |on: &Securable| match nodes.get(on) {
        Some(nodes) => format!("{} {on} ({})", on.class(), nodes.join(", ")),
        None => format!("{} {on}", on.class()),
    };
    let scope = resolved.scope(inputs.database);
    let environments: BTreeSet<String> = inputs.config.environments.keys().cloned().collect();
    let options = Options { adopt: true, skip_missing: true, ..Options::default() };
    // Who is in a role is there.
    let mut state = state.clone();
    let users = state.memberships.iter().filter(|one| one.kind == MemberKind::User);
    let users: Vec<Ident> = users.map(|one| one.member.clone()).collect();
    state.users.extend(users);
    let planned = diff(&Sides::of(&resolved, &state, &scope, &environments, &options));
    let mut all: BTreeSet<ByAdoption> = BTreeSet::new();
    for step in &planned.steps {
        let (role, what) = match &step.change {
            Change::Grant { on: at, role, privileges } => {
                let more = privileges.minus(everybody.get(at).copied().unwrap_or_default());
                if more.is_empty() {
                    continue;
                }
                (role, format!("would gain {more} on {}", on(at)))
            }
            Change::Revoke { on: at, role, privileges, .. } => {
                (role, format!("would lose {privileges} on {}", on(at)))
            }
            Change::SetOwner { on: at, from, to } => {
                let both = [(to, "gain"), (from, "lose")].into_iter();
                all.extend(both.filter(|(role, _)| is_new(role)).map(|(role, word)| ByAdoption {
                    role: role.clone(),
                    what: format!("would {word} the ownership of {}", on(at)),
                }));
                continue;
            }
            Change::AddMember { role, member, .. } => (role, format!("{member} would be let in")),
            Change::RemoveMember { role, member, .. } => (
                role,
                format!(
                    "{member} would be taken out, unless `rolecall import --members` is run first"
                ),
            ),
            Change::ResetAttributes { role, .. } => (
                role,
                "would lose its attributes such as LOGIN: a product role has none, and inherits"
                    .to_owned(),
            ),
            _ => continue,
        };
        if is_new(role) {
            all.insert(ByAdoption { role: role.clone(), what });
        }
    }
    all.into_iter().collect()
}
