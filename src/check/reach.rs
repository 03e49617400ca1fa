//! By what the rows of a node's relation are reached: the relation, its columns, and the relations that
//! it inherits from or is a partition of, with theirs.

use std::collections::BTreeSet;

use super::finding::Witness;
use super::look::World;
use crate::effect::Above;
use crate::model::{Ident, Privilege, PrivilegeSet, Securable};

/// Something on which a privilege reaches the rows of a relation.
#[derive(Debug, Clone)]
pub(super) struct Reach<'a> {
    /// On what.
    pub(super) on: &'a Securable,
    /// The relation whose rows they are.
    pub(super) of: &'a Securable,
    /// The relation above it, where it is not its own.
    above: Option<Above<'a>>,
}

impl Reach<'_> {
    /// Of what would be a risk on the relation itself, what is one here. Whoever owns a relation can
    /// give themselves the rest.
    pub(super) fn risks(&self, risks: PrivilegeSet) -> PrivilegeSet {
        let Some(above) = &self.above else { return risks };
        let rows = risks.intersection(above.privileges);
        let own = PrivilegeSet::of(&[Privilege::OWNERSHIP]).intersection(risks);
        if rows.is_empty() { rows } else { rows.union(own) }
    }
}

impl<'a> World<'a> {
    /// All of it, the relation itself first.
    pub(super) fn reaches(&self, on: &Securable) -> Vec<Reach<'a>> {
        let effect = &self.effect;
        let own = effect.with_columns(on);
        let Some(of) = own.first().copied() else { return Vec::new() };
        let own = own.into_iter().map(|on| Reach { on, of, above: None });
        let above = effect.above(of).into_iter().flat_map(|above| {
            let all = effect.with_columns(above.on).into_iter();
            all.map(move |on| Reach { on, of, above: Some(above.clone()) })
        });
        own.chain(above).collect()
    }

    /// Everybody who could do something with the rows of a relation, as [`crate::effect::Effect::could`].
    pub(super) fn could(&self, on: &Securable, privilege: Privilege) -> BTreeSet<&'a Ident> {
        let one = PrivilegeSet::of(&[privilege]);
        let reaches = self.reaches(on).into_iter().filter(|it| !it.risks(one).is_empty());
        reaches.flat_map(|it| self.effect.could(it.on, privilege)).collect()
    }

    /// How somebody can do it.
    pub(super) fn seen(
        &self,
        who: &'a Ident,
        reach: &Reach<'a>,
        privilege: Privilege,
    ) -> Witness<'a> {
        let mut witness = self.witness(who, reach.on, privilege);
        if let Some(above) = &reach.above {
            witness.chain = witness.chain.map(|chain| above.through(chain, privilege));
            witness.node = self.node_of(reach.of).map(str::to_owned);
        }
        witness
    }
}
