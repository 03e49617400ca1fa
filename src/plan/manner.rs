//! How each managed role is treated: what is taken from it, and who says who is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Deref;

use super::Sides;
use crate::model::{Ident, Marker, MarkerReading, RoleAttributes};

/// Observed names of managed roles → the names they will have, since renames are made first and all
/// later changes use the new name; and how each is treated.
#[derive(Debug, Default)]
pub(super) struct NewNames {
    names: BTreeMap<Ident, Ident>,
    treated: BTreeMap<Ident, Treatment>,
    /// Declared, never made, and not there: nothing of theirs is planned.
    pub(super) absent: BTreeSet<Ident>,
    /// Switched off: nothing of theirs is touched.
    pub(super) untouched: BTreeSet<Ident>,
}

impl Deref for NewNames {
    type Target = BTreeMap<Ident, Ident>;

    fn deref(&self) -> &Self::Target {
        &self.names
    }
}

/// Why something that nobody declares stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keeps {
    /// It was there before the role was taken over.
    Adopted,
    /// As `Adopted`, of a role that nobody declares any more and that logs in or has power of its own:
    /// a marker is only a comment, so not even `--prune` takes anything from somebody's login.
    Login,
    /// The playbook says that nothing is taken (`revoke-other-grants: false`).
    Everything,
}

impl Keeps {
    /// For people.
    pub(super) fn why(self) -> &'static str {
        match self {
            Self::Adopted => {
                "nobody declares it, and it stays since the role was adopted: declare it, or --prune takes it"
            }
            Self::Login => {
                "nobody declares the role any more, and it can log in or has power of its own: --prune takes it once the role is declared again without it"
            }
            Self::Everything => "`revoke-other-grants: false`: nothing is taken from this role",
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Treatment {
    playbook: bool,
    keeps: Option<Keeps>,
    declares_members: bool,
}

impl NewNames {
    /// The treatment of the roles that `names` holds.
    pub(super) fn of(
        sides: &Sides,
        names: BTreeMap<Ident, Ident>,
        absent: BTreeSet<Ident>,
        untouched: BTreeSet<Ident>,
    ) -> Self {
        let treated = names
            .iter()
            .map(|(observed, name)| (name.clone(), Treatment::of(sides, observed, name)))
            .collect();
        Self { names, treated, absent, untouched }
    }

    /// Why nothing that nobody declares is taken from a role; `None` where it is.
    pub(super) fn keeps(&self, role: &Ident) -> Option<Keeps> {
        self.treated.get(role)?.keeps
    }

    /// Whether it is a playbook's: all of its grants are declared there, in whatever schema.
    pub(super) fn is_playbook(&self, role: &Ident) -> bool {
        self.treated.get(role).is_some_and(|role| role.playbook)
    }

    /// Whether it is said who is in a role, so that everybody else is taken out.
    pub(super) fn declares_members(&self, role: &Ident) -> bool {
        self.treated.get(role).is_none_or(|role| role.declares_members)
    }
}

/// The marker that a role bears, where it is one of this scope.
pub(super) fn marker_of<'a>(sides: &Sides<'a>, observed: &Ident) -> Option<&'a Marker> {
    match &sides.observed.roles.get(observed)?.marker {
        MarkerReading::Marker(marker) if sides.scope.holds(marker) => Some(marker),
        _ => None,
    }
}

impl Treatment {
    fn of(sides: &Sides, observed: &Ident, name: &Ident) -> Self {
        let desired = sides.desired.roles.get(name);
        let bears = marker_of(sides, observed);
        let marker = desired.map(|role| &role.marker).or(bears);
        let playbook = marker.is_some_and(|marker| marker.playbook.is_some());
        // Without a marker of ours it is adopted by this very plan.
        let adopted = bears.is_none_or(|marker| marker.adopted);
        let attributes = sides.observed.roles.get(observed).map(|role| &role.attributes);
        let login = adopted && playbook && desired.is_none() && attributes.is_some_and(has_power);
        let adopted = adopted && (login || !sides.options.prune);
        let keeps = match desired {
            Some(role) if !role.manner.revoke_other_grants => Some(Keeps::Everything),
            _ if login => Some(Keeps::Login),
            _ if adopted => Some(Keeps::Adopted),
            _ => None,
        };
        let declares_members = match desired {
            Some(role) => role.manner.declares_members,
            None => !(playbook && adopted),
        };
        Self { playbook, keeps, declares_members }
    }
}

/// Whether a role can do something by itself, which none of ours can.
pub(super) fn has_power(attributes: &RoleAttributes) -> bool {
    let RoleAttributes {
        superuser,
        create_role,
        create_db,
        login,
        replication,
        bypass_rls,
        inherit: _,
    } = *attributes;
    superuser || create_role || create_db || login || replication || bypass_rls
}
