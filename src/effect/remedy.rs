//! Why not, and the smallest change that would allow it: the one by which the fewest (person,
//! object) pairs are gained.

use std::collections::BTreeSet;

use serde::Serialize;

use super::answer::{AsRole, Lack};
use super::compiled::Effect;
use super::reasons::{Chain, Step};
use crate::model::{DesiredState, Ident, PrivilegeSet, Securable};

/// What would allow it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "remedy", rename_all = "snake_case")]
pub enum Remedy {
    /// It is declared and not in effect.
    Apply,
    /// It is held and of use after SET ROLE.
    SetRole {
        /// To which role.
        role: Ident,
    },
    /// They are in a role that has it, by a membership that passes nothing on.
    Inherit {
        /// The role of that membership.
        role: Ident,
        /// Its member.
        member: Ident,
    },
    /// It is held, and what is missing stands on the way.
    Mend {
        /// What.
        lacks: Vec<Lack>,
        /// The role that holds it.
        role: Ident,
    },
    /// An entry of the owner's file.
    LetIn {
        /// The product.
        product: String,
        /// The product role.
        product_role: String,
        /// The warehouse role.
        role: Ident,
        /// How many relations more they would have.
        relations: usize,
    },
    /// A declaration for a product role that they are in.
    Declare {
        /// The product.
        product: String,
        /// The product role.
        product_role: String,
        /// The warehouse role.
        role: Ident,
        /// How many others would gain it.
        others: usize,
    },
}

impl Effect<'_> {
    /// What would give somebody the privileges on an object, smallest first. `who` may be nobody that
    /// the server knows; `declared` is the effect of the desired state alone.
    pub fn remedies(
        &self,
        declared: &Effect<'_>,
        desired: &DesiredState,
        who: &Ident,
        on: &Securable,
        privileges: PrivilegeSet,
    ) -> Vec<Remedy> {
        let here = self.role(who);
        let as_declared = declared.role(who);
        let mut found = Vec::new();
        let usable = |role: &AsRole<'_, '_>, on: &Securable, privileges: PrivilegeSet| {
            privileges.iter().all(|p| role.answer(on, p).usable())
        };
        let missing: PrivilegeSet = privileges
            .iter()
            .filter(|p| !here.as_ref().is_some_and(|role| role.answer(on, *p).usable()))
            .collect();
        let Some(first) = missing.iter().next() else { return found };
        if let Some(role) = &here {
            if let Some(other) = role.usable_by_set_role(on, first) {
                found.push(Remedy::SetRole { role: other.clone() });
            }
            found.extend(self.does_not_inherit(role, |other| usable(other, on, missing)));
            let answer = role.answer(on, first);
            if answer.privilege {
                let by = role.reason(on, first).and_then(|chain| chain.holder().cloned());
                let role = by.unwrap_or_else(|| who.clone());
                found.push(Remedy::Mend { lacks: answer.lacks, role });
            }
        }
        if as_declared.as_ref().is_some_and(|role| {
            missing
                .iter()
                .any(|p| role.reason(on, p).is_some_and(|chain| !self.is_in_effect(&chain)))
        }) {
            found.push(Remedy::Apply);
        }
        let mut ways: Vec<(usize, Remedy)> = Vec::new();
        // Nobody is let into a policy's roles by an owner's file.
        let of_products = desired.roles.iter().filter(|(_, role)| role.marker.policy.is_none());
        for (role, wanted) in of_products {
            let (product, product_role) =
                (wanted.marker.product.clone(), wanted.marker.role.clone());
            let is_in = [&here, &as_declared]
                .into_iter()
                .flatten()
                .any(|it| it.effect.has_privileges_of(it.name(), role));
            let gives = desired.grants.get(&(on.clone(), role.clone()));
            let gives = gives.is_some_and(|grant| grant.privileges.contains_all(missing));
            if gives && !is_in {
                let more: Vec<usize> = desired
                    .grants
                    .iter()
                    .filter(|((on, of), _)| of == role && on.class().is_relation())
                    .map(|((on, _), grant)| {
                        let has = |p| here.as_ref().is_some_and(|it| it.answer(on, p).usable());
                        grant.privileges.iter().filter(|p| !has(*p)).count()
                    })
                    .filter(|more| *more > 0)
                    .collect();
                let (role, relations) = (role.clone(), more.len());
                let let_in = Remedy::LetIn { product, product_role, role, relations };
                ways.push((more.iter().sum(), let_in));
            } else if is_in && !gives {
                let others = self.people_in(role, who);
                let declare = Remedy::Declare { product, product_role, role: role.clone(), others };
                ways.push(((others + 1) * missing.len(), declare));
            }
        }
        ways.sort_by_key(|(cost, way)| (*cost, matches!(way, Remedy::Declare { .. })));
        found.extend(ways.into_iter().map(|(_, way)| way));
        found
    }

    /// The first membership on the way to a role that would do, which passes nothing on.
    fn does_not_inherit(
        &self,
        role: &AsRole<'_, '_>,
        would_do: impl Fn(&AsRole<'_, '_>) -> bool,
    ) -> Option<Remedy> {
        let reached = self.belongs.upwards(&[role.role]);
        let mut others = reached.order.iter().skip(1);
        let other = others.find(|other| would_do(&self.numbered(**other)))?;
        let mut way = reached.way(*other).into_iter();
        let (_, edge) = way.find(|(_, edge)| {
            let by = edge.by.and_then(|by| self.state.memberships.get(by as usize));
            by.is_some_and(|membership| !membership.inherit)
        })?;
        let by = self.state.memberships.get(edge.by? as usize)?;
        Some(Remedy::Inherit { role: by.role.clone(), member: by.member.clone() })
    }

    /// Whether each step of a declared chain is so on the server.
    fn is_in_effect(&self, chain: &Chain<'_>) -> bool {
        chain.steps.iter().all(|step| match step {
            Step::Member { member, role, .. } | Step::SetRole { member, role, .. } => {
                let mut all = self.state.memberships.iter();
                all.any(|it| it.member == **member && it.role == **role)
            }
            Step::Grant { role, on, privilege, .. } => {
                let object = self.state.objects.get(*on);
                object.is_some_and(|object| {
                    object.acl.iter().any(|entry| {
                        entry.grantee.as_ref() == *role && entry.privileges.contains(*privilege)
                    })
                })
            }
            Step::Owner { role, on } => {
                let object = self.state.objects.get(*on);
                object.is_some_and(|object| object.owner.as_ref() == Some(*role))
            }
            Step::Superuser { .. }
            | Step::Predefined { .. }
            | Step::Parent { .. }
            | Step::Child { .. } => true,
        })
    }

    /// How many others than `who` can log in and have a role's privileges.
    fn people_in(&self, role: &Ident, who: &Ident) -> usize {
        let Some(number) = self.number(role) else { return 0 };
        let members = self.inherits.downwards(&[number]).order;
        let people: BTreeSet<u32> = members
            .into_iter()
            .filter(|at| self.roles.get(*at as usize).is_some_and(|it| it.attributes.login))
            .filter(|at| self.names.get(*at as usize).is_some_and(|name| *name != who))
            .collect();
        people.len()
    }
}
