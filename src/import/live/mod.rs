//! What a warehouse has, as product roles where their names and the manifest explain them, and as
//! playbook roles for the rest.

mod attempt;
mod choose;
mod declared;
mod everybody;
mod explained;
mod grants;
mod members;
mod naming;
mod outputs;
mod products;
#[cfg(test)]
mod tests;
mod wider;
mod write;

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect::Dialect;
use crate::edit::Entry;
use crate::model::{Ident, ObservedState, PrivilegeSet, RelationKey};

pub use choose::{Choice, choose, is_asked_for};
pub use declared::{block_json, declarations_file};
pub use everybody::{Had, all as everybody_has, held as everybody_holds, of_everybodys, sentence};
pub use explained::{Explained, NewProduct, NewRole, Unexplained, explain, with_products};
pub use naming::Reading;
pub use products::{Held, Proposal, Proposed, named_members, of_everybody, product_roles, propose};
pub use write::{members_file, playbook_file, product_roles_file, products_file, written_name};

/// What is known when roles are imported.
pub struct Asked<'a> {
    /// What was seen: of every chosen role each edge, and all objects of the databases looked at.
    pub state: &'a ObservedState,
    /// Its dialect.
    pub dialect: &'static dyn Dialect,
    /// The roles that are chosen.
    pub chosen: &'a BTreeSet<Ident>,
    /// Roles that the configuration names already: product roles and policies' roles.
    pub named: &'a BTreeSet<Ident>,
    /// Whose new objects a wildcard speaks of (PostgreSQL): the deploy role, else who acts.
    pub creator: Option<&'a Ident>,
    /// What dbt makes and could not make again under an owner: where there is no deploy role.
    pub dbts: &'a BTreeSet<RelationKey>,
    /// How a member is written in a members file, and whether as a user; `Err` where it cannot be.
    pub entry: &'a dyn Fn(&Ident, bool) -> Result<Entry, String>,
}

/// Roles as they are to be written.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// By id.
    pub roles: BTreeMap<String, ImportedRole>,
    /// What is theirs and cannot be said; it stays as it is, and is named.
    pub left: Vec<NotSaid>,
}

/// One playbook role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImportedRole {
    /// What the warehouse calls it.
    pub name: Ident,
    /// In the order of the file.
    pub grants: Vec<ImportedGrant>,
    /// Who is in it; `None` where that stays undeclared.
    pub members: Option<Vec<Entry>>,
}

/// One item of `grants`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ImportedGrant {
    /// `object-type`.
    pub kind: &'static str,
    /// `database-name`.
    pub database: Option<Ident>,
    /// `schema-name`.
    pub schema: Option<Name>,
    /// `object-name`.
    pub object: Option<Name>,
    /// What.
    pub what: What,
    /// `include-all`.
    pub all: bool,
    /// `include-future`.
    pub future: bool,
}

/// A name, or all there are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Name {
    /// `*`.
    All,
    /// This one.
    One(Ident),
    /// A routine with the types of its arguments.
    Routine(Ident, String),
}

/// What is granted: privileges, or ownership.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// Privileges.
    Privileges(PrivilegeSet),
    /// Ownership.
    Ownership,
}

/// Something that is there and cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct NotSaid {
    /// Whose.
    pub role: Ident,
    /// What.
    pub what: String,
    /// Why it cannot be written.
    pub why: String,
}

/// Writes the chosen roles down.
pub fn import(asked: &Asked<'_>) -> Imported {
    let mut imported = Imported::default();
    for role in asked.chosen {
        let mut left = Vec::new();
        let mut grants = grants::of(asked, role, &mut left);
        grants.extend(members::held(asked, role, &mut left));
        let members = members::of(asked, role, &mut left);
        for (_, what) in asked.state.unsupported.iter().filter(|(of, _)| of == role) {
            left.push((what.clone(), "rolecall does not know how to declare it".to_owned()));
        }
        let id = id_of(role, &imported.roles);
        imported.roles.insert(id, ImportedRole { name: role.clone(), grants, members });
        let each = left.into_iter().map(|(what, why)| NotSaid { role: role.clone(), what, why });
        imported.left.extend(each);
    }
    imported.left.sort();
    imported
}

/// Whether a playbook can write a name: what looks like a variable there is one, and what nobody sees
/// is refused.
fn sayable(name: &Ident) -> bool {
    !name.as_str().contains("${") && crate::config::unfit(name.as_str().trim()).is_none()
}

/// A key for the role: its name where that is plain, else what is plain of it.
fn id_of(role: &Ident, taken: &BTreeMap<String, ImportedRole>) -> String {
    let plain: String = role
        .as_str()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' || c == '-' { c } else { '_' })
        .collect();
    let plain = if plain.is_empty() { "role".to_owned() } else { plain };
    let mut id = plain.clone();
    let mut number = 2;
    while taken.contains_key(&id) {
        id = format!("{plain}_{number}");
        number += 1;
    }
    id
}
