//! Why not, and the smallest change that would allow it: the one by which the fewest (person,
//! object) pairs are gained.

use std::collections::BTreeSet;

use serde::Serialize;

use super::answer::Lack;
use super::compiled::Effect;
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
        let missing: Vec<_> = privileges
            .iter()
            .filter(|p| !here.as_ref().is_some_and(|role| role.answer(on, *p).usable()))
            .collect();
        let Some(first) = missing.first() else { return found };
        let is_declared = |role: &super::AsRole<'_, '_>| {
            missing.iter().all(|p| role.held(on).privileges.contains(*p))
        };
        if as_declared.as_ref().is_some_and(is_declared) && !here.as_ref().is_some_and(is_declared)
        {
            found.push(Remedy::Apply);
        }
        if let Some(role) = &here {
            if let Some(other) = role.usable_by_set_role(on, *first) {
                found.push(Remedy::SetRole { role: other.clone() });
            }
            let answer = role.answer(on, *first);
            if answer.privilege {
                let by = role.reason(on, *first).and_then(|chain| chain.holder().cloned());
                let role = by.unwrap_or_else(|| who.clone());
                found.push(Remedy::Mend { lacks: answer.lacks, role });
            }
        }
        let mut ways: Vec<(usize, Remedy)> = Vec::new();
        for (role, wanted) in &desired.roles {
            let (product, product_role) =
                (wanted.marker.product.clone(), wanted.marker.role.clone());
            let is_in = [&here, &as_declared]
                .into_iter()
                .flatten()
                .any(|it| it.effect.has_privileges_of(it.name(), role));
            let gives = desired.grants.get(&(on.clone(), role.clone()));
            let gives =
                gives.is_some_and(|grant| missing.iter().all(|p| grant.privileges.contains(*p)));
            if gives && !is_in {
                let relations = desired
                    .grants
                    .iter()
                    .filter(|((on, of), _)| of == role && on.class().is_relation())
                    .filter(|((on, _), grant)| {
                        let has = here.as_ref().map(|it| it.held(on).privileges);
                        !has.unwrap_or_default().contains_all(grant.privileges)
                    })
                    .count();
                let let_in = Remedy::LetIn { product, product_role, role: role.clone(), relations };
                ways.push((relations, let_in));
            } else if is_in && !gives {
                let others = self.people_in(role, who);
                let declare = Remedy::Declare { product, product_role, role: role.clone(), others };
                ways.push((others + 1, declare));
            }
        }
        ways.sort_by_key(|(cost, way)| (*cost, matches!(way, Remedy::Declare { .. })));
        found.extend(ways.into_iter().map(|(_, way)| way));
        found
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
