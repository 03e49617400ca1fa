//! By what rows of a node's relation are reached: the relation, its columns, and the relations that have
//! rows in common with it (what it inherits from or is a partition of, its own partitions, what inherits
//! from it), with theirs.

use std::collections::BTreeSet;

use super::finding::Witness;
use super::look::World;
use crate::effect::Kin;
use crate::model::{Ident, ObjectClass, Privilege, PrivilegeSet, Securable};

/// Something on which a privilege reaches rows of a relation.
#[derive(Debug, Clone)]
pub(super) struct Reach<'a> {
    /// On what.
    pub(super) on: &'a Securable,
    /// The relation whose rows they are.
    pub(super) of: &'a Securable,
    /// The other relation, where it is not its own.
    pub(super) kin: Option<Kin<'a>>,
}

impl Reach<'_> {
    /// Of what would be a risk on the relation itself, what is one here. Whoever owns a relation can
    /// give themselves the rest.
    pub(super) fn risks(&self, risks: PrivilegeSet) -> PrivilegeSet {
        let Some(kin) = &self.kin else { return risks };
        let rows = risks.intersection(kin.privileges);
        let own = PrivilegeSet::of(&[Privilege::OWNERSHIP]).intersection(risks);
        if rows.is_empty() { rows } else { rows.union(own) }
    }

    /// Whether it leads to all rows and columns.
    fn to_all(&self) -> bool {
        self.on.class() != ObjectClass::Column && self.kin.as_ref().is_none_or(Kin::has_all)
    }

    /// Whether they are a part of its rows.
    pub(super) fn in_part(&self) -> bool {
        self.kin.as_ref().is_some_and(Kin::in_part)
    }
}

impl<'a> World<'a> {
    /// All of it, the relation itself first. Of other relations that are alike one stands for all.
    pub(super) fn reaches(&self, on: &Securable) -> Vec<Reach<'a>> {
        let effect = &self.effect;
        let own = effect.with_columns(on);
        let Some(of) = own.first().copied() else { return Vec::new() };
        let own = own.into_iter().map(|on| Reach { on, of, kin: None });
        let others = effect.unlike_kin(of).into_iter().flat_map(|kin| {
            let all = effect.with_columns(kin.on).into_iter();
            all.map(move |on| Reach { on, of, kin: Some(kin.clone()) })
        });
        own.chain(others).collect()
    }

    /// Everybody who could do something with rows of a relation, as [`crate::effect::Effect::could`]; with
    /// `all`, with every row.
    pub(super) fn could(
        &self,
        on: &Securable,
        privilege: Privilege,
        all: bool,
    ) -> BTreeSet<&'a Ident> {
        let one = PrivilegeSet::of(&[privilege]);
        let reaches = self.reaches(on).into_iter();
        let reaches = reaches.filter(|it| !(it.risks(one).is_empty() || all && !it.to_all()));
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
        if let Some(kin) = &reach.kin {
            witness.chain = witness.chain.map(|chain| kin.lead_on(chain, privilege));
            witness.node = self.node_of(reach.of).map(str::to_owned);
        }
        witness
    }
}
