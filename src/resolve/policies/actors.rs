//! Whom a policy admits, by name.

use std::collections::BTreeMap;

use super::super::Inputs;
use super::super::members::named;
use super::super::roles::{RoleHere, RolesHere};
use super::people::People;
use crate::config::policy::RoleRef;
use crate::model::{
    DesiredMembership, DesiredState, Diagnostic, Diagnostics, Ident, MemberKind, Place, Reason,
};

/// One actor, and where it is written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Actor {
    pub(super) who: Who,
    pub(super) place: Place,
    /// What the reason says.
    pub(super) what: String,
}

/// Who it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Who {
    /// By name, before template and folding.
    Named(MemberKind, String),
    /// A role of the warehouse, as it is named there.
    Role(String),
    /// Everyone of the directory who matches.
    Rule(String),
    /// Everyone of the directory who carries one of these values.
    Carrying {
        /// The attribute.
        attribute: String,
        /// The tag below its root, and the whole tag.
        values: [String; 2],
    },
    /// Whoever is in a product role.
    ProductRole(RoleRef),
    /// Whoever is in any product role of a product: has been let into it.
    Approved(String),
}

/// Members by name.
pub(super) type Members = BTreeMap<Ident, Member>;

/// Who is to be a member, and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Member {
    pub(super) kind: MemberKind,
    pub(super) because: Vec<Reason>,
    /// Nothing names the person: the directory knows who it is, and the warehouse may not yet.
    pub(super) matched: bool,
}

/// A member who is named.
pub(super) fn wanted(kind: MemberKind, because: Vec<Reason>) -> Member {
    Member { kind, because, matched: false }
}

impl Actor {
    /// The product role that it is.
    pub(super) fn product_role<'r, 'a>(&self, here: &'r RolesHere<'a>) -> Option<&'r RoleHere<'a>> {
        let Who::ProductRole(RoleRef { product, role }) = &self.who else { return None };
        here.get(product.as_str())?.get(role.as_str())
    }
}

/// The members that an actor comes down to here.
pub(super) fn members(
    inputs: &Inputs,
    actor: &Actor,
    here: &RolesHere,
    people: &mut People,
    desired: &DesiredState,
    found: &mut Diagnostics,
) -> Members {
    let because = || vec![super::reason(&actor.place, None, actor.what.clone())];
    let one = |name: Ident, kind| Members::from([(name, wanted(kind, because()))]);
    let matched = |names: Vec<Ident>| -> Members {
        let member = Member { matched: true, ..wanted(MemberKind::User, because()) };
        names.into_iter().map(|name| (name, member.clone())).collect()
    };
    match &actor.who {
        Who::Named(kind, name) => {
            let Some(name) = named(inputs, *kind, name, &actor.place, found) else {
                return Members::new();
            };
            if desired.roles.contains_key(&name) {
                found.push(managed(&name, actor));
                return Members::new();
            }
            one(name, *kind)
        }
        Who::Role(written) => match fold(inputs, written) {
            Ok(name) if desired.roles.contains_key(&name) => {
                found.push(managed(&name, actor));
                Members::new()
            }
            // What it is in the warehouse, whoever made it.
            Ok(name) => one(name, MemberKind::Group),
            Err(why) => {
                found.push(
                    Diagnostic::error(
                        "bad-member",
                        format!("{written:?} cannot be a member: {why}"),
                    )
                    .with_place(actor.place.clone())
                    .with_help("name a role that the warehouse can have"),
                );
                Members::new()
            }
        },
        Who::Rule(text) => matched(people.matching(inputs, text, &actor.place, found)),
        Who::Carrying { attribute, values } => {
            matched(people.carrying(inputs, attribute, values, &actor.place, found))
        }
        Who::ProductRole(_) => actor
            .product_role(here)
            .map(|role| one(role.name.clone(), MemberKind::Role))
            .unwrap_or_default(),
        Who::Approved(product) => {
            let mut approved = Members::new();
            let roles = here.get(product.as_str()).into_iter().flat_map(BTreeMap::values);
            for role in roles {
                for (key, entry) in members_of(desired, &role.name) {
                    let member = &key.1;
                    let matched = desired.matched.contains(key);
                    if entry.kind == MemberKind::Role {
                        continue;
                    }
                    let all = approved
                        .entry(member.clone())
                        .or_insert_with(|| Member { matched, ..wanted(entry.kind, Vec::new()) });
                    all.matched &= matched;
                    all.because.extend(entry.because.iter().cloned());
                    all.because.sort();
                    all.because.dedup();
                }
            }
            approved
        }
    }
}

/// The memberships in one role.
fn members_of<'d>(
    desired: &'d DesiredState,
    role: &Ident,
) -> impl Iterator<Item = (&'d (Ident, Ident), &'d DesiredMembership)> {
    // The least name there is.
    let least = Ident::new("\u{1}").ok();
    let from = least.map(|least| (role.clone(), least));
    let role = role.clone();
    from.into_iter()
        .flat_map(|from| desired.memberships.range(from..))
        .take_while(move |((of, _), _)| *of == role)
}

fn fold(inputs: &Inputs, written: &str) -> Result<Ident, String> {
    let name = inputs.dialect.fold(written).map_err(|error| error.to_string())?;
    inputs.dialect.longest_name(&name)?;
    inputs.dialect.reserved(&name).map_or(Ok(name), |why| Err(why.to_owned()))
}

fn managed(name: &Ident, actor: &Actor) -> Diagnostic {
    Diagnostic::error(
        "managed-role-as-member",
        format!("{name} is a managed role, and may not be named as an actor"),
    )
    .with_place(actor.place.clone())
    .with_help("name the product role instead: product_roles: [product.role]")
}

/// Makes them members of a role.
pub(super) fn let_in(
    role: &Ident,
    members: Members,
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) {
    for (member, Member { kind, because, matched }) in members {
        let key = (role.clone(), member.clone());
        if !matched {
            desired.matched.remove(&key);
        } else if !desired.memberships.contains_key(&key) {
            desired.matched.insert(key.clone());
        }
        let membership = desired
            .memberships
            .entry(key)
            .or_insert_with(|| DesiredMembership { kind, because: Vec::new() });
        if membership.kind != kind {
            let what = format!(
                "{member} is named both as a {} and as a {}",
                membership.kind.as_str(),
                kind.as_str()
            );
            let mut error =
                Diagnostic::error("user-and-group", what).with_help("a name is one or the other");
            if let Some(Reason { file: Some(file), line, .. }) = because.first() {
                error = error.with_place(Place { line: *line, ..Place::file(file) });
            }
            found.push(error);
            continue;
        }
        membership.because.extend(because);
        membership.because.sort();
        membership.because.dedup();
    }
}
