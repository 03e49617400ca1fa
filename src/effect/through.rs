//! Ways to the rows of a relation beside the privilege on the whole of it: by another relation that has
//! some of them ([`Kin`]), by a column, or by owning it, which lets one take what one does not hold.

use std::collections::BTreeMap;

use super::answer::{AsRole, Lack};
use super::compiled::Effect;
use super::kin::{Kin, Kinship, ROWS};
use super::reasons::Chain;
use super::who::Holder;
use crate::model::{DialectKind, Ident, ObjectClass, Privilege, Securable};

/// How somebody reaches rows of a relation without holding the privilege on the whole of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Through<'a> {
    /// On what something is held: another relation, a column of that one or of the asked one, or the asked
    /// one itself, which is owned.
    pub on: &'a Securable,
    /// What the other relation is to the asked one; `None` for the asked one itself.
    pub kinship: Option<Kinship>,
    /// How many relations more there are by which it is the same.
    pub alike: usize,
    /// The privilege is not held: an owner can give it back to itself.
    pub as_owner: bool,
    /// Why they hold it there, and how it leads on.
    pub chain: Chain<'a>,
    /// It takes a SET ROLE first.
    pub by_set_role: bool,
    /// What is missing to use it there; of no meaning after SET ROLE.
    pub lacks: Vec<Lack>,
}

impl Through<'_> {
    /// Whether a query could use it as things are: at once, or after SET ROLE.
    pub fn usable(&self) -> bool {
        !self.as_owner && (self.by_set_role || self.lacks.is_empty())
    }

    /// Whether it leads to a part of the rows alone.
    pub fn to_part_of_rows(&self) -> bool {
        self.kinship.is_some_and(|kinship| kinship != Kinship::Parent)
    }

    /// Whether it leads to a part of the columns alone.
    pub fn to_part_of_columns(&self) -> bool {
        self.on.class() == ObjectClass::Column
    }

    /// The best first: what is of use, what an owner can make so, what is of none; and of these to all rows
    /// and columns, then at once.
    fn rank(&self) -> impl Ord + use<> {
        let of_use = match (self.usable(), self.as_owner) {
            (true, _) => 0,
            (false, true) if self.by_set_role || self.lacks.is_empty() => 1,
            (false, _) => 2,
        };
        (of_use, self.to_part_of_columns(), self.to_part_of_rows(), self.by_set_role, self.as_owner)
    }
}

/// Something by which rows of a relation may be reached.
pub(super) struct Door<'a> {
    /// On what a privilege is needed.
    pub(super) on: &'a Securable,
    /// Which: the one that is asked for, or OWNERSHIP.
    pub(super) asks: Privilege,
    /// The other relation; `None` for the asked one.
    pub(super) kin: Option<Kin<'a>>,
}

impl<'a> Door<'a> {
    /// A chain to what is held there, and on to the relation that it is about.
    pub(super) fn lead_on(&self, chain: Chain<'a>) -> Chain<'a> {
        match &self.kin {
            Some(kin) => kin.lead_on(chain, self.asks),
            None => chain,
        }
    }

    /// Whether it leads to all rows and columns.
    pub(super) fn to_all(&self) -> bool {
        let of_columns = self.on.class() == ObjectClass::Column;
        !of_columns && self.kin.as_ref().is_none_or(Kin::has_all)
    }

    fn opened(&self, holder: &Holder<'a>) -> Option<Through<'a>> {
        let Holder { answer, chain, by_set_role, .. } = holder;
        let later = by_set_role.as_ref().filter(|_| !answer.usable());
        let chain = later.or(chain.as_ref())?.clone();
        Some(Through {
            on: self.on,
            kinship: self.kin.as_ref().map(|kin| kin.kinship),
            alike: self.kin.as_ref().map_or(0, |kin| kin.alike.len()),
            as_owner: self.asks == Privilege::OWNERSHIP,
            chain: self.lead_on(chain),
            by_set_role: later.is_some(),
            lacks: if later.is_some() { Vec::new() } else { answer.lacks.clone() },
        })
    }
}

impl<'a> Effect<'a> {
    /// All by which a privilege reaches rows of a relation, but for the relation itself as a whole. On
    /// Snowflake there is nothing of the kind: columns have no grants, and an owner holds everything.
    pub(super) fn doors(&self, on: &Securable, privilege: Privilege) -> Vec<Door<'a>> {
        let rows = ROWS.contains(&privilege) && on.class().is_relation();
        if !rows || self.state.dialect == DialectKind::Snowflake {
            return Vec::new();
        }
        let Some((on, _)) = self.state.find(on) else { return Vec::new() };
        let mut doors: Vec<Door<'a>> = Vec::new();
        let of_columns = self.state.privileges_of(ObjectClass::Column);
        let mut kin = self.unlike_kin(on);
        kin.retain(|kin| kin.privileges.contains(privilege));
        for kin in [None].into_iter().chain(kin.into_iter().map(Some)) {
            let at = kin.as_ref().map_or(on, |kin| kin.on);
            let all = self.with_columns(at).into_iter().filter(|on| match on.class() {
                ObjectClass::Column => of_columns.contains(privilege),
                _ => kin.is_some(),
            });
            doors.extend(all.map(|on| Door { on, asks: privilege, kin: kin.clone() }));
            // Mostly an owner holds it anyway.
            let owner = self.state.objects.get(at).and_then(|object| object.owner.as_ref());
            let holds = |basis: &super::reasons::Basis<'_>| {
                basis.role.is_none() || basis.role == owner.and_then(|owner| self.number(owner))
            };
            if owner.is_some() && !self.bases(at, privilege).iter().any(holds) {
                doors.push(Door { on: at, asks: Privilege::OWNERSHIP, kin });
            }
        }
        doors
    }

    /// Everybody who reaches rows of a relation otherwise than by the whole of it, by role: the best way of
    /// each. To those who have the whole of it, its columns are nothing more.
    pub(super) fn through(
        &self,
        on: &Securable,
        privilege: Privilege,
        has_whole: impl Fn(&Ident) -> bool,
    ) -> BTreeMap<&'a Ident, Through<'a>> {
        let mut best: BTreeMap<&'a Ident, Through<'a>> = BTreeMap::new();
        for door in self.doors(on, privilege) {
            for holder in self.holders(door.on, door.asks) {
                if door.kin.is_none() && has_whole(holder.role) {
                    continue;
                }
                let Some(through) = door.opened(&holder) else { continue };
                let known = best.get(holder.role);
                if known.is_none_or(|known| through.rank() < known.rank()) {
                    best.insert(holder.role, through);
                }
            }
        }
        best
    }
}

impl<'a> AsRole<'_, 'a> {
    /// The best way by which it reaches rows of a relation otherwise than by the whole of it; `None` where
    /// there is none.
    pub fn through(&self, on: &Securable, privilege: Privilege) -> Option<Through<'a>> {
        let mut doors = self.effect.doors(on, privilege);
        let has_whole = || {
            self.answer(on, privilege).privilege || self.usable_by_set_role(on, privilege).is_some()
        };
        if doors.iter().any(|door| door.kin.is_none()) && has_whole() {
            doors.retain(|door| door.kin.is_some());
        }
        let ways = doors.into_iter().filter_map(|door| {
            let Door { on, asks, .. } = door;
            let answer = self.answer(on, asks);
            let other = (!answer.usable()).then(|| self.usable_by_set_role(on, asks)).flatten();
            let by_set_role = other.and_then(|other| self.reason_by_set_role(other, on, asks));
            let chain = self.reason(on, asks);
            let holder = Holder { role: self.name(), answer, chain, by_set_role, through: None };
            door.opened(&holder)
        });
        ways.min_by_key(Through::rank)
    }
}
