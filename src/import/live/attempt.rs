//! One try to have roles as product roles: proposed, resolved and compared.

use std::collections::{BTreeMap, BTreeSet};

use super::explained::{Explained, NewProduct, NewRole, Out, Unexplained, narrow, with_products};
use super::naming::Reading;
use super::outputs::outputs;
use super::products::{Held, NO_WAY, Proposed, propose};
use super::{NotSaid, members, written_name};
use crate::config::Config;
use crate::declare::{Declarations, NodeDeclarations};
use crate::edit::Entry;
use crate::model::{
    Change, Diagnostics, Ident, MarkerReading, MemberKind, ObjectClass, ObservedMembership,
    Privilege, Severity,
};
use crate::plan::{Difference, Options, Sides, diff};
use crate::resolve::{Inputs, Resolved, parent_role, resolve};

/// One try with all that are left. Each that fails takes at least one role out.
pub(super) struct Attempt<'a> {
    pub(super) asked: &'a Unexplained<'a>,
    pub(super) now: &'a Resolved,
    pub(super) candidates: &'a BTreeMap<Ident, Reading>,
}

impl Attempt<'_> {
    /// All of it; else those that are none, and why.
    pub(super) fn made(&self) -> Result<Explained, Out> {
        let Unexplained { inputs, state, configured, everybody, .. } = *self.asked;
        self.in_no_role()?;
        let (groups, members) = self.members()?;
        let outputs = outputs(inputs, self.now, state, self.candidates);
        let mut products: BTreeMap<String, NewProduct> = BTreeMap::new();
        for ((role, reading), members) in self.candidates.iter().zip(members) {
            let product = products.entry(reading.product.clone()).or_default();
            let there = inputs.config.products.get(&reading.product);
            product.place = there.map(|product| product.place.clone());
            product.outputs = outputs.selected.get(&reading.product).cloned();
            let is_every_product_s = inputs.config.product_roles.contains_key(&reading.role);
            // As much as there is, until it is known what of it is used.
            let may = (!is_every_product_s).then(|| vec!["own".to_owned()]);
            let warehouses = if is_every_product_s { Vec::new() } else { self.warehouses(role) };
            let elsewhere = inputs.config.environments.keys();
            let elsewhere = elsewhere.filter(|name| **name != inputs.environment.name).cloned();
            let role = NewRole { may, warehouses, elsewhere: elsewhere.collect(), members };
            product.roles.insert(reading.role.clone(), role);
        }
        let mut declarations = inputs.declarations.clone();
        for (node, product) in outputs.named {
            let block = declarations.entry(node).or_insert_with(NodeDeclarations::empty);
            block.product = Some(product);
        }
        let roles: BTreeSet<Ident> =
            configured.iter().chain(self.candidates.keys()).cloned().collect();
        let wide = with_products(inputs.config, &products);
        let wide = Inputs { config: &wide, declarations: &declarations, ..*inputs };
        let (resolved, found) = resolve(&wide);
        let Some(resolved) = resolved else { return Err(self.unsound(&found)) };
        let mut proposed = propose(&Held { inputs: &wide, state, roles: &roles, everybody });
        let mut out = Out::new();
        // What leads nowhere is there for the sake of the rest, which says more.
        let leads_nowhere = |one: &&NotSaid| one.why == NO_WAY;
        let (last, first): (Vec<_>, Vec<_>) = proposed.left.iter().partition(leads_nowhere);
        for NotSaid { role, what, why } in first.into_iter().chain(last) {
            if self.candidates.contains_key(role) {
                out.entry(role.clone()).or_insert_with(|| format!("{what}: {why}"));
            }
        }
        for role in self.with_hardly_anything(&products, &proposed) {
            let why = || "it holds nothing on a node of the manifest".to_owned();
            out.entry(role.clone()).or_insert_with(why);
        }
        if !out.is_empty() {
            return Err(out);
        }
        let blocks = proposed.blocks.iter().map(|one| (one.unique_id.clone(), one.block.clone()));
        declarations.extend(blocks);
        narrow(&mut products, &declarations, &resolved);
        let made = self.hold(&with_products(inputs.config, &products), &declarations)?;
        proposed.blocks.sort_by(|one, other| one.unique_id.cmp(&other.unique_id));
        Ok(Explained {
            roles: self.candidates.clone(),
            products,
            groups,
            made,
            proposed,
            ..Explained::default()
        })
    }

    /// A name alone makes no product role: it holds something on a node, or its product is known.
    fn with_hardly_anything(
        &self,
        products: &BTreeMap<String, NewProduct>,
        proposed: &Proposed,
    ) -> Vec<&Ident> {
        let inputs = self.asked.inputs;
        let on_nodes: BTreeSet<(&str, &str)> = proposed
            .blocks
            .iter()
            .flat_map(|one| one.new.iter().map(move |new| (one.product.as_deref(), new)))
            .filter_map(|(own, new)| Some((new.product.as_deref().or(own)?, new.role.as_str())))
            .collect();
        let groups: BTreeSet<&String> =
            inputs.manifest.nodes.values().filter_map(|node| node.group.as_ref()).collect();
        let is_explained = |reading: &Reading| {
            let new = products.get(&reading.product).and_then(|new| new.roles.get(&reading.role));
            let is_held =
                new.is_some_and(|new| !new.members.is_empty() || !new.warehouses.is_empty());
            let is_known = inputs.config.products.contains_key(&reading.product)
                || groups.contains(&reading.product);
            on_nodes.contains(&(reading.product.as_str(), reading.role.as_str()))
                || is_known && is_held
        };
        let bare = self.candidates.iter().filter(|(_, reading)| !is_explained(reading));
        bare.map(|(role, _)| role).collect()
    }

    /// A product role is declared to be in no role.
    fn in_no_role(&self) -> Result<(), Out> {
        let held = self.asked.state.memberships.iter().filter(|one| {
            self.candidates.contains_key(&one.member)
                && one.kind != MemberKind::User
                && !one.automatic
        });
        let out: Out = held
            .map(|one| {
                let why = format!("it is in the role {}, and a product role is in none", one.role);
                (one.member.clone(), why)
            })
            .collect();
        if out.is_empty() { Ok(()) } else { Err(out) }
    }

    /// Who is in each, in the candidates' order, and which of them are mere groups.
    fn members(&self) -> Result<(BTreeSet<Ident>, Vec<Vec<Entry>>), Out> {
        let Unexplained { inputs, state, chosen, entry, .. } = *self.asked;
        let parent = parent_role(inputs);
        let mut groups = BTreeSet::new();
        let mut out = Out::new();
        let mut all = Vec::new();
        for role in self.candidates.keys() {
            let mut entries: BTreeSet<Entry> = BTreeSet::new();
            for one in state.memberships.iter().filter(|one| one.role == *role && !one.automatic) {
                let ObservedMembership { member, kind, .. } = one;
                let is_user = *kind == MemberKind::User;
                if !is_user && parent.as_ref() == Some(member) {
                    continue;
                }
                let marker = state.roles.get(member).map(|role| &role.marker);
                let is_managed = !matches!(marker, None | Some(MarkerReading::None));
                let written = match members::odd(inputs.dialect, state, one) {
                    Some(why) => Err(why),
                    None if is_user => entry(member, true),
                    None if is_managed || self.now.desired.roles.contains_key(member) => {
                        Err("it is a managed role, and members are people and groups".to_owned())
                    }
                    None if self.candidates.contains_key(member) => {
                        Err("its own name is a product role's".to_owned())
                    }
                    None if chosen.contains(member) && !self.is_mere_group(member) => {
                        Err("it is a role with more than this, and members are people and groups"
                            .to_owned())
                    }
                    None => match inputs.dialect.reserved(member) {
                        Some(why) => Err(why.to_owned()),
                        None => {
                            if chosen.contains(member) {
                                groups.insert(member.clone());
                            }
                            entry(member, false)
                        }
                    },
                };
                match written {
                    Ok(mut written) => {
                        // That somebody was let in here says nothing of other environments.
                        if inputs.config.environments.len() > 1 {
                            written.environments = vec![inputs.environment.name.clone()];
                        }
                        entries.insert(written);
                    }
                    Err(why) => {
                        out.entry(role.clone())
                            .or_insert_with(|| format!("{member} is a member of it: {why}"));
                    }
                }
            }
            all.push(entries.into_iter().collect());
        }
        if out.is_empty() { Ok((groups, all)) } else { Err(out) }
    }

    /// Whether a role has nothing but by being in other roles, so that it may be written as a group.
    fn is_mere_group(&self, role: &Ident) -> bool {
        let Unexplained { inputs, state, chosen, .. } = *self.asked;
        let in_roles = || {
            state
                .memberships
                .iter()
                .filter(|one| one.member == *role && one.kind != MemberKind::User && !one.automatic)
        };
        let is_said = |one: &ObservedMembership| {
            chosen.contains(&one.role) && members::odd(inputs.dialect, state, one).is_none()
        };
        !self.candidates.contains_key(role)
            && !state.acl.iter().any(|entry| entry.grantee == *role)
            && !state.owned.values().any(|owner| owner == role)
            && !state.defaults.iter().any(|default| default.grantee == *role)
            && !state.unsupported.iter().any(|(of, _)| of == role)
            && in_roles().all(is_said)
    }

    fn warehouses(&self, role: &Ident) -> Vec<String> {
        let Unexplained { inputs, state, .. } = *self.asked;
        let used = state.acl.iter().filter(|entry| {
            entry.grantee == *role
                && entry.on.class() == ObjectClass::Warehouse
                && entry.privileges.contains(Privilege::USAGE)
        });
        let names: BTreeSet<&Ident> = used.filter_map(|entry| entry.on.name()).collect();
        names.into_iter().map(|name| written_name(inputs.dialect, name)).collect()
    }

    /// Nothing but markers would be planned for them, and nothing of theirs is left undeclared. The
    /// roles that will be made beside them.
    fn hold(&self, config: &Config, declarations: &Declarations) -> Result<BTreeSet<Ident>, Out> {
        let inputs = Inputs { config, declarations, ..*self.asked.inputs };
        let (after, found) = resolve(&inputs);
        let Some(after) = after else { return Err(self.unsound(&found)) };
        let mut made = BTreeSet::new();
        let mut out = Out::new();
        for (name, role) in &after.desired.roles {
            let is_new = !self.now.desired.roles.contains_key(name);
            if !is_new || self.candidates.contains_key(name) {
                continue;
            }
            if self.asked.state.roles.contains_key(name) {
                let whose = role.marker.whose();
                let why = format!("{name}, which would be {whose}, cannot be it");
                self.product_s(&role.marker.product, &why, &mut out);
            }
            made.insert(name.clone());
        }
        if !out.is_empty() {
            return Err(out);
        }
        let before = self.compared(self.now, self.asked.inputs.config);
        let planned = self.compared(&after, config);
        if planned.found.has_errors() {
            return Err(self.unsound(&planned.found));
        }
        let known: BTreeSet<&Change> = before.steps.iter().map(|step| &step.change).collect();
        for step in planned.steps.iter().filter(|step| !known.contains(&step.change)) {
            self.judge(&step.change, &after, &made, &mut out);
        }
        for left in planned.left.iter().filter(|left| !before.left.contains(left)) {
            if self.candidates.contains_key(&left.role) {
                out.entry(left.role.clone()).or_insert_with(|| left.what.clone());
            }
        }
        if let Some(refused) = planned.refused.iter().find(|one| !before.refused.contains(one)) {
            self.all(&refused.message, &mut out);
        }
        if out.is_empty() { Ok(made) } else { Err(out) }
    }

    fn judge(&self, change: &Change, after: &Resolved, made: &BTreeSet<Ident>, out: &mut Out) {
        let (role, what) = match change {
            Change::AdoptRole { role, .. } if self.candidates.contains_key(role) => return,
            Change::CreateRole { role, .. } if made.contains(role) => return,
            // Of what has nothing, nobody gets anything.
            Change::AddMember { role, .. } if made.contains(role) => return,
            Change::Grant { on, role, privileges } => {
                let everybody_s = self.asked.everybody.get(on).copied().unwrap_or_default();
                // What everybody has nobody gains, a product role that is there already neither.
                let is_there = self.asked.state.roles.contains_key(role);
                if is_there && everybody_s.contains_all(*privileges) {
                    return;
                }
                (role, format!("it would be given {privileges} on {} {on}", on.class()))
            }
            Change::ResetAttributes { role, .. } => {
                (role, "a product role has no attribute such as LOGIN, and inherits".to_owned())
            }
            Change::AddMember { role, member, .. } => (role, format!("{member} would be let in")),
            Change::RemoveMember { role, member, .. } => {
                (role, format!("{member} would be taken out"))
            }
            other => {
                let of = [self.role_of(other)].into_iter().flatten().next();
                match of {
                    Some(role) => (role, "more than its marker would change".to_owned()),
                    None => return self.all("more than markers would change", out),
                }
            }
        };
        if self.candidates.contains_key(role) {
            out.entry(role.clone()).or_insert(what);
        } else if let Some(made) = after.desired.roles.get(role).filter(|_| made.contains(role)) {
            let why = format!("{} comes with its product: {what}", made.marker.whose());
            self.product_s(&made.marker.product, &why, out);
        } else {
            self.all("more than markers would change", out);
        }
    }

    fn role_of<'c>(&self, change: &'c Change) -> Option<&'c Ident> {
        let role = match change {
            Change::Revoke { role, .. }
            | Change::RevokeGrantOption { role, .. }
            | Change::RevokeDefault { role, .. }
            | Change::RevokeAdminOption { role, .. }
            | Change::GrantDefault { role, .. }
            | Change::AdoptRole { role, .. } => role,
            Change::SetOwner { from, to, .. } => match self.candidates.contains_key(from) {
                true => from,
                false => to,
            },
            _ => return None,
        };
        self.candidates.contains_key(role).then_some(role)
    }

    fn compared(&self, resolved: &Resolved, config: &Config) -> Difference {
        let Unexplained { inputs, state, .. } = *self.asked;
        let scope = resolved.scope(inputs.database);
        let environments: BTreeSet<String> = config.environments.keys().cloned().collect();
        let options = Options { adopt: true, skip_missing: true, ..Options::default() };
        // Who is in a role is there.
        let mut state = state.clone();
        let users = state.memberships.iter().filter(|one| one.kind == MemberKind::User);
        let users: Vec<Ident> = users.map(|one| one.member.clone()).collect();
        state.users.extend(users);
        diff(&Sides::of(resolved, &state, &scope, &environments, &options))
    }

    /// Those whom an error names, all where it names none.
    fn unsound(&self, found: &Diagnostics) -> Out {
        let error = found.iter().find(|one| one.severity == Severity::Error);
        let message = error.map(|error| error.message.clone()).unwrap_or_default();
        let mut out = Out::new();
        let why = format!("it would be an error: {message}");
        for (role, reading) in self.candidates {
            if message.contains(&reading.to_string()) || message.contains(role.as_str()) {
                out.insert(role.clone(), why.clone());
            }
        }
        if out.is_empty() {
            self.all(&why, &mut out);
        }
        out
    }

    /// Those of a product; all of them where it is none of theirs.
    fn product_s(&self, product: &str, why: &str, out: &mut Out) {
        let is_its = |reading: &Reading| reading.product == product;
        if !self.candidates.values().any(is_its) {
            return self.all(why, out);
        }
        for (role, _) in self.candidates.iter().filter(|(_, reading)| is_its(reading)) {
            out.entry(role.clone()).or_insert_with(|| why.to_owned());
        }
    }

    fn all(&self, why: &str, out: &mut Out) {
        for role in self.candidates.keys() {
            out.entry(role.clone()).or_insert_with(|| why.to_owned());
        }
    }
}
