//! Playbooks: roles beyond dbt's products, with grants on objects of every kind.
//!
//! Texts are kept as they were written, `${var.name}` included: what a variable is can differ between
//! environments, so names are made when one environment is resolved.

mod kind;
mod raw;
mod shape;
mod valid;
mod vars;

use std::path::PathBuf;

use super::Located;
use crate::model::Place;

pub use kind::ObjectType;
#[cfg(test)]
pub(super) use raw::{GRANT, ROLE};
pub(super) use raw::{RawPlaybook, RawPlaybookRoles, optional};
pub use shape::{Part, Shape, shape};
pub(super) use valid::{Book, add_book, check_all};
pub use vars::{Undefined, Variables, refers};
pub(super) use vars::{masked, read_file as read_variables};

/// The file in rolecall/members/ that says who is in which playbook role: no product has its name.
pub const MEMBERS: &str = "playbook_roles";

/// All playbook roles of a configuration, and what they are read with.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Playbooks {
    /// In the order of the files.
    pub roles: Vec<PlaybookRole>,
    /// `playbooks:`, as written: files or folders from the project's folder.
    pub paths: Vec<Located<String>>,
    /// `playbook_environments:`; without it, they hold in all.
    pub environments: Option<Vec<Located<String>>>,
    /// What `${var.name}` stands for.
    pub variables: Variables,
    /// Every file outside of `rolecall.yml` and `rolecall/` that was read for them.
    pub files: Vec<PathBuf>,
}

impl Playbooks {
    /// Whether they hold in an environment.
    pub fn hold_in(&self, environment: &str) -> bool {
        let named = |list: &Vec<Located<String>>| list.iter().any(|one| one.value == environment);
        self.environments.as_ref().is_none_or(named)
    }

    /// The role of an id.
    pub fn role(&self, id: &str) -> Option<&PlaybookRole> {
        self.roles.iter().find(|role| role.id == id)
    }
}

/// One role of a playbook.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaybookRole {
    /// Its key under `roles:`.
    pub id: String,
    /// Where that stands.
    pub place: Place,
    /// What the warehouse calls it.
    pub name: Located<String>,
    /// What it is given.
    pub grants: Vec<PlaybookGrant>,
    /// It is made where it is missing.
    pub create: Switch,
    /// What it has beyond `grants` is taken from it.
    pub revoke_other_grants: Switch,
    /// Without it, the role is left alone.
    pub enable: Switch,
    /// Its own, else that of its playbook.
    pub role_owner: Option<Located<String>>,
}

/// One item of a role's `grants`.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaybookGrant {
    /// Where it begins.
    pub place: Place,
    /// On what kind of object.
    pub object_type: Located<ObjectType>,
    /// `object-name`.
    pub object: Option<Located<String>>,
    /// `schema-name`.
    pub schema: Option<Located<String>>,
    /// `database-name`.
    pub database: Option<Located<String>>,
    /// As written.
    pub privileges: Vec<Located<String>>,
    /// Objects that are yet to be made, where a wildcard stands.
    pub include_future: Switch,
    /// Objects that are there, where a wildcard stands.
    pub include_all: Switch,
    /// Without it, the grant is left alone.
    pub enable: Switch,
}

/// A truth value, which a variable may give.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Switch {
    /// As written, or by default.
    Is(bool),
    /// What the variable says.
    Said(Located<String>),
}

impl Switch {
    /// What a text means, as YAML and its writers say it.
    pub fn of(text: &str) -> Option<bool> {
        match text.trim().to_ascii_lowercase().as_str() {
            "true" => Some(true),
            "false" => Some(false),
            _ => None,
        }
    }
}
