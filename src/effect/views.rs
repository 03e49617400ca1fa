//! What a view reads on behalf of whoever asks it.
//!
//! PostgreSQL, "Rules and Privileges": a view reads as its owner; one with `security_invoker` as the
//! session's current role, even where it is read by a view without. USAGE on the schemas of what is
//! read was asked for when the view was made, and is not asked again.

use std::collections::BTreeSet;

use super::answer::{AsRole, Lack, Needed};
use super::compiled::Effect;
use crate::model::{DialectKind, Ident, ObjectClass, Privilege, PrivilegeSet, Securable};

/// What stands between a privilege on an object and its use, apart from the way there.
#[derive(Debug, Default)]
pub(super) struct Inside<'a> {
    /// What nobody gets past.
    pub(super) lacks: Vec<Lack>,
    /// What the asking role must be able to read itself.
    pub(super) needs: Vec<&'a (Securable, Vec<Ident>)>,
    /// What it must be able to write to itself.
    pub(super) writes: Vec<&'a Securable>,
}

/// What a query could do with a view or a materialized view, if rows can be written through it.
const ON_VIEW: PrivilegeSet = PrivilegeSet::of(&[
    Privilege::SELECT,
    Privilege::INSERT,
    Privilege::UPDATE,
    Privilege::DELETE,
    Privilege::TRIGGER,
    Privilege::OWNERSHIP,
]);
const ON_MATERIALIZED: PrivilegeSet =
    PrivilegeSet::of(&[Privilege::SELECT, Privilege::MAINTAIN, Privilege::OWNERSHIP]);
const ROWS: PrivilegeSet =
    PrivilegeSet::of(&[Privilege::INSERT, Privilege::UPDATE, Privilege::DELETE]);

impl<'a> Effect<'a> {
    pub(super) fn inside(&self, on: &Securable, privilege: Privilege) -> Inside<'a> {
        let mut inside = Inside::default();
        let useless = match on.class() {
            ObjectClass::MaterializedView => !ON_MATERIALIZED.contains(privilege),
            ObjectClass::View => {
                let object = self.state.objects.get(on);
                let reading = object.and_then(|object| object.reading.as_ref());
                let closed = reading.is_some_and(|reading| !reading.updatable);
                !ON_VIEW.contains(privilege) || closed && ROWS.contains(privilege)
            }
            _ => false,
        };
        if useless {
            inside.lacks.push(Lack::NoSuchStatement);
        } else if privilege == Privilege::SELECT {
            let on = self.relation_of(on).unwrap_or(on);
            self.read_through(on, &mut inside, &mut BTreeSet::new());
        } else if ROWS.contains(privilege) {
            let on = self.relation_of(on).unwrap_or(on);
            self.write_through(on, privilege, &mut inside, &mut BTreeSet::new());
        }
        inside
    }

    /// Rows that are written to a view are written to the one relation that it shows. What its owner
    /// may write to no column of is out of reach; the rest depends on the columns that are written.
    fn write_through(
        &self,
        view: &Securable,
        privilege: Privilege,
        into: &mut Inside<'a>,
        seen: &mut BTreeSet<Securable>,
    ) {
        let Some(object) = self.state.objects.get(view) else { return };
        let Some(reading) = object.reading.as_ref().filter(|_| seen.insert(view.clone())) else {
            return;
        };
        let [(base, _)] = reading.relations.as_slice() else { return };
        // By a trigger it is written elsewhere, as the trigger sees fit.
        if !reading.writes_through {
            return;
        }
        let owner = object.owner.as_ref();
        let as_owner = owner.and_then(|owner| self.role(owner));
        if reading.as_invoker {
            into.writes.push(base);
        } else if let (Some(role), Some(owner)) = (as_owner, owner)
            && !role.may_write(base, privilege)
        {
            let (view, owner) = (view.clone(), owner.clone());
            into.lacks.push(Lack::ViewOwner { view, owner, reads: base.clone() });
        }
        self.write_through(base, privilege, into, seen);
    }

    /// On Snowflake the way there is asked of the owner each time the view is read.
    fn owner_reads(&self, owner: &AsRole<'_, '_>, read: &(Securable, Vec<Ident>)) -> bool {
        let opens = |needed: &Needed| owner.held(&needed.on).privileges.contains(needed.privilege);
        let way = || self.way_to(&read.0, Privilege::SELECT);
        let asked = self.state.dialect == DialectKind::Snowflake;
        owner.may_read(read) && (!asked || way().iter().all(opens))
    }

    fn read_through(
        &self,
        view: &Securable,
        into: &mut Inside<'a>,
        seen: &mut BTreeSet<Securable>,
    ) {
        let Some(object) = self.state.objects.get(view) else { return };
        let Some(reading) = object.reading.as_ref().filter(|_| seen.insert(view.clone())) else {
            return;
        };
        let owner = object.owner.as_ref();
        let as_owner = owner.and_then(|owner| self.role(owner));
        for read in &reading.relations {
            match (reading.as_invoker, &as_owner, owner) {
                (true, ..) => into.needs.push(read),
                (false, Some(role), Some(owner)) if !self.owner_reads(role, read) => {
                    let (view, owner) = (view.clone(), owner.clone());
                    into.lacks.push(Lack::ViewOwner { view, owner, reads: read.0.clone() });
                }
                _ => {}
            }
            if read.0.class() == ObjectClass::View {
                self.read_through(&read.0, into, seen);
            }
        }
    }
}
