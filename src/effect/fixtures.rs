//! What states written by hand are made of, for tests.

use super::AccessEntry;
use crate::model::{Ident, MemberKind, ObservedMembership, Privilege, PrivilegeSet};

pub(in crate::effect) fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

/// A plain membership, granted by `boss`.
pub(in crate::effect) fn member(role: &str, member: &str) -> ObservedMembership {
    ObservedMembership {
        role: id(role),
        member: id(member),
        kind: MemberKind::Role,
        grantor: id("boss"),
        admin: false,
        inherit: true,
        set: true,
        automatic: false,
    }
}

/// What `boss` has granted; to PUBLIC where no grantee is named.
pub(in crate::effect) fn entry(grantee: Option<&str>, privileges: &[Privilege]) -> AccessEntry {
    AccessEntry {
        grantee: grantee.map(id),
        grantor: Some(id("boss")),
        privileges: PrivilegeSet::of(privileges),
        grantable: PrivilegeSet::EMPTY,
    }
}
