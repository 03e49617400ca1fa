//! Why: chains of typed steps from a role to what gives it a privilege.

use std::collections::VecDeque;

use serde::Serialize;

use super::answer::AsRole;
use super::compiled::Effect;
use super::reach::Edge;
use crate::model::{Ident, Privilege, Securable};

/// One step of a chain. Roles come first, then what ends it, then
/// relations that have rows in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step<'a> {
    /// The role is a superuser: nothing is asked of it.
    Superuser {
        /// Which.
        role: &'a Ident,
    },
    /// It owns the object.
    Owner {
        /// Which.
        role: &'a Ident,
        /// The object.
        on: &'a Securable,
    },
    /// An entry of the object's access list.
    Grant {
        /// To whom; `None` for PUBLIC.
        role: Option<&'a Ident>,
        /// On what: the object, or the relation of a column.
        on: &'a Securable,
        /// What.
        privilege: Privilege,
        /// By whom; `None` where it is only declared.
        grantor: Option<&'a Ident>,
        /// The owner's own entry, which it has from the beginning.
        own: bool,
    },
    /// One of PostgreSQL's own roles, beyond all lists.
    Predefined {
        /// Such as `pg_read_all_data`.
        role: &'a Ident,
        /// What it gives.
        privilege: Privilege,
    },
    /// A member has the privileges of a role.
    Member {
        /// Who.
        member: &'a Ident,
        /// Of what.
        role: &'a Ident,
        /// Who let them in; `None` where the server implies it (`pg_database_owner`), or where it is
        /// only declared.
        grantor: Option<&'a Ident>,
    },
    /// A member can become a role by SET ROLE, and has its privileges only then.
    SetRole {
        /// Who.
        member: &'a Ident,
        /// What they become.
        role: &'a Ident,
        /// Who let them in.
        grantor: Option<&'a Ident>,
    },
    /// What is held on a relation reaches the rows of its children, too. Comes after what ends the
    /// chain, from the relation that it is held on down to the one that is asked about.
    Parent {
        /// The child.
        child: &'a Securable,
        /// The relation that it inherits from or is a partition of.
        parent: &'a Securable,
        /// It is a partition.
        partition: bool,
        /// On what the privilege is held: the parent, or what is above it.
        on: &'a Securable,
        /// What; OWNERSHIP where its owner could give it back to itself.
        privilege: Privilege,
    },
    /// The other way up: what reaches rows of a child reaches a part of its parent's. Comes after what ends
    /// the chain and after the steps down, on up to the one that is asked about.
    Child {
        /// The child.
        child: &'a Securable,
        /// The relation that it inherits from or is a partition of.
        parent: &'a Securable,
        /// It is a partition.
        partition: bool,
        /// On what the privilege is held: the child, what is below it, or what that inherits from, too.
        on: &'a Securable,
        /// As in [`Step::Parent`].
        privilege: Privilege,
    },
}

/// Steps from a role to what gives it a privilege.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(transparent)]
pub struct Chain<'a> {
    /// In order.
    pub steps: Vec<Step<'a>>,
}

/// Chains that are told at most, and ways that are tried for them: in a dense graph there are more
/// than anybody would read.
const TOLD: usize = 100;
const TRIED: usize = 20_000;

/// What ends chains: held by a role, or by everyone.
#[derive(Debug, Clone, Copy)]
pub(super) struct Basis<'a> {
    pub(super) role: Option<u32>,
    pub(super) step: Step<'a>,
}

impl<'a> Effect<'a> {
    /// All that gives a privilege on an object without a membership; superusers apart.
    pub(super) fn bases(&self, on: &Securable, privilege: Privilege) -> Vec<Basis<'a>> {
        let mut bases = Vec::new();
        for on in [Some(on), self.relation_of(on)].into_iter().flatten() {
            let Some((on, object)) = self.state.objects.get_key_value(on) else { continue };
            let owner = object.owner.as_ref();
            let number = owner.and_then(|owner| self.number(owner));
            if let (Privilege::OWNERSHIP, Some(role), Some(_)) = (privilege, owner, number) {
                bases.push(Basis { role: number, step: Step::Owner { role, on } });
            }
            for entry in object.acl.iter().filter(|entry| entry.privileges.contains(privilege)) {
                let role = entry.grantee.as_ref();
                let number = role.and_then(|role| self.number(role));
                if role.is_some() && number.is_none() {
                    continue;
                }
                let grantor = entry.grantor.as_ref();
                let own = role.is_some() && role == owner && grantor == owner;
                let step = Step::Grant { role, on, privilege, grantor, own };
                bases.push(Basis { role: number, step });
            }
            for (role, gives) in self.beyond_lists(on.class()) {
                if let (true, Some(name)) =
                    (gives.contains(privilege), self.names.get(role as usize))
                {
                    let step = Step::Predefined { role: name, privilege };
                    bases.push(Basis { role: Some(role), step });
                }
            }
        }
        // The order in which reasons of the same length are preferred; everyone's come last.
        bases.sort_by_key(|basis| (basis.role.is_none(), basis.step));
        bases
    }

    pub(super) fn member_step(&self, from: u32, edge: Edge, sets: bool) -> Option<Step<'a>> {
        let member = *self.names.get(from as usize)?;
        let role = *self.names.get(edge.to as usize)?;
        let grantor = edge.by.and_then(|by| self.state.memberships.get(by as usize));
        let grantor = grantor.filter(|_| !self.state.declared).map(|by| &by.grantor);
        Some(match sets {
            true => Step::SetRole { member, role, grantor },
            false => Step::Member { member, role, grantor },
        })
    }
}

impl<'a> AsRole<'_, 'a> {
    /// The shortest chain to a privilege; `None` where it is not held.
    pub fn reason(&self, on: &Securable, privilege: Privilege) -> Option<Chain<'a>> {
        if self.is_superuser() {
            return Some(Chain { steps: vec![Step::Superuser { role: self.name() }] });
        }
        let bases = self.effect.bases(on, privilege);
        let far = |basis: &Basis<'_>| match basis.role {
            None => Some(0),
            Some(role) => self.inherits.distance(role),
        };
        let (_, nearest) = bases
            .iter()
            .enumerate()
            .filter_map(|(at, basis)| Some(((far(basis)?, at), basis)))
            .min_by_key(|(key, _)| *key)?;
        let way = nearest.role.map(|role| self.inherits.way(role)).unwrap_or_default();
        let step = |(from, edge)| self.effect.member_step(from, edge, false);
        let mut steps: Vec<Step<'a>> = way.into_iter().filter_map(step).collect();
        steps.push(nearest.step);
        Some(Chain { steps })
    }

    /// The shortest chain to a role's privileges by SET ROLE, and from there to the privilege.
    pub fn reason_by_set_role(
        &self,
        role: &Ident,
        on: &Securable,
        privilege: Privilege,
    ) -> Option<Chain<'a>> {
        let as_role = self.effect.role(role)?;
        let way = self.effect.sets.upwards(&[self.role]).way(as_role.role);
        let step = |(from, edge)| self.effect.member_step(from, edge, true);
        let mut steps: Vec<Step<'a>> = way.into_iter().filter_map(step).collect();
        steps.extend(as_role.reason(on, privilege)?.steps);
        Some(Chain { steps })
    }

    /// Every chain without a circle, shortest first, and whether these are all of them: beyond a
    /// hundred nobody reads on.
    pub fn reasons(&self, on: &Securable, privilege: Privilege) -> (Vec<Chain<'a>>, bool) {
        let mut chains = Vec::new();
        if self.is_superuser() {
            chains.push(Chain { steps: vec![Step::Superuser { role: self.name() }] });
        }
        let bases = self.effect.bases(on, privilege);
        let ends: Vec<u32> = bases.iter().filter_map(|basis| basis.role).collect();
        let leads_on = self.effect.inherits.downwards(&ends);
        let mut ways: VecDeque<Vec<(u32, Edge)>> = VecDeque::from([Vec::new()]);
        let mut tried = 0;
        while let Some(way) = ways.pop_front() {
            tried += 1;
            if chains.len() >= TOLD || tried >= TRIED {
                return (chains, false);
            }
            let here = way.last().map_or(self.role, |(_, edge)| edge.to);
            for basis in &bases {
                if basis.role == Some(here) || basis.role.is_none() && way.is_empty() {
                    let step =
                        |(from, edge): &(u32, Edge)| self.effect.member_step(*from, *edge, false);
                    let mut steps: Vec<Step<'a>> = way.iter().filter_map(step).collect();
                    steps.push(basis.step);
                    chains.push(Chain { steps });
                }
            }
            for edge in self.effect.inherits.roles_of(here) {
                let back = edge.to == self.role || way.iter().any(|(_, seen)| seen.to == edge.to);
                if !back && leads_on.holds(edge.to) {
                    let mut longer = way.clone();
                    longer.push((here, *edge));
                    ways.push_back(longer);
                }
            }
        }
        (chains, true)
    }
}

impl<'a> Chain<'a> {
    /// The role that holds what the chain ends in; `None` where everyone does.
    pub fn holder(&self) -> Option<&'a Ident> {
        let kin = |step: &&Step<'_>| matches!(step, Step::Parent { .. } | Step::Child { .. });
        let ends = self.steps.iter().rev().find(|step| !kin(step))?;
        match ends {
            Step::Grant { role, .. } => *role,
            Step::Superuser { role } | Step::Owner { role, .. } | Step::Predefined { role, .. } => {
                Some(role)
            }
            Step::Member { role, .. } | Step::SetRole { role, .. } => Some(role),
            Step::Parent { .. } | Step::Child { .. } => None,
        }
    }
}
