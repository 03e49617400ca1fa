//! What an environment must have.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{
    DialectKind, Ident, Marker, MemberKind, ObjectClass, Privilege, PrivilegeSet, Securable,
};

/// Why something is desired: the chain back to a line in a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reason {
    /// The dbt node's `unique_id`, where a node's declaration is the reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<String>,
    /// The file, relative to the project, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// The line in it, from 1, where it is known; never guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
    /// The permission as it was written, such as `read`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permission: Option<String>,
}

/// A role that must exist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DesiredRole {
    /// The marker its comment must be.
    pub marker: Marker,
    /// How it is managed.
    #[serde(default)]
    pub manner: Manner,
}

/// A product role, or a policy's: managed as a whole.
impl From<Marker> for DesiredRole {
    fn from(marker: Marker) -> Self {
        Self { marker, manner: Manner::default() }
    }
}

/// How a role is managed. The default is a product role's: made where it is missing, and nothing
/// stays that nobody declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    /// Whether it is made where it is missing. If not, that is said, and nothing of it is planned.
    pub create: bool,
    /// Whether what nobody declares is taken from it.
    pub revoke_other_grants: bool,
    /// Whether who is in it is declared at all; if not, its members are left alone.
    pub declares_members: bool,
    /// Who is to own the role itself (Snowflake); `None` where nobody says.
    pub owner: Option<Ident>,
    /// Where the role is written.
    pub because: Vec<Reason>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            create: true,
            revoke_other_grants: true,
            declares_members: true,
            owner: None,
            because: Vec::new(),
        }
    }
}

/// What a grant on objects that are not there yet is for: default privileges, or a future grant.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Future {
    /// Whose new objects (PostgreSQL); `None` for anyone's (Snowflake).
    pub creator: Option<Ident>,
    /// In which database.
    pub database: Ident,
    /// In which schema; `None` for the whole database.
    pub schema: Option<Ident>,
    /// Of which class: `Table` stands for all relations on PostgreSQL, `Function` for all routines.
    pub class: ObjectClass,
    /// Who gets it.
    pub role: Ident,
}

/// The privileges of one role on one object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DesiredGrant {
    /// What must be granted, without grant option.
    pub privileges: PrivilegeSet,
    /// Each privilege's reasons, sorted.
    pub because: BTreeMap<Privilege, Vec<Reason>>,
}

impl DesiredGrant {
    /// Adds privileges, with the reason for each.
    pub fn add(&mut self, privileges: PrivilegeSet, reason: &Reason) {
        self.privileges = self.privileges.union(privileges);
        for privilege in privileges.iter() {
            let reasons = self.because.entry(privilege).or_default();
            if let Err(at) = reasons.binary_search(reason) {
                reasons.insert(at, reason.clone());
            }
        }
    }
}

/// Every role, grant, membership, ownership and future grant that an environment must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredState {
    /// The environment's name.
    pub environment: String,
    /// The dialect that names were folded for.
    pub dialect: DialectKind,
    /// Roles by their name in the warehouse.
    pub roles: BTreeMap<Ident, DesiredRole>,
    /// Grants by object and role.
    pub grants: BTreeMap<(Securable, Ident), DesiredGrant>,
    /// What dbt's own `grants` config gives, and what a playbook says to leave alone: known, never
    /// revoked as a stranger's, never granted.
    pub known: BTreeMap<(Securable, Ident), PrivilegeSet>,
    /// What dbt's own `grants` config gives to roles that are not managed; `None` for everybody.
    pub by_dbt: BTreeMap<(Securable, Option<Ident>), PrivilegeSet>,
    /// What of that config is no plain privilege and name, and could be any SQL: in words.
    pub unread_of_dbt: BTreeSet<String>,
    /// Grants on what is not there yet.
    pub futures: BTreeMap<Future, DesiredGrant>,
    /// As `known`, of grants on what is not there yet.
    pub known_futures: BTreeMap<Future, PrivilegeSet>,
    /// Memberships that a playbook says to leave alone: (role, member).
    pub known_memberships: BTreeSet<(Ident, Ident)>,
    /// Roles that are switched off, by name: nothing of theirs is touched, and plans name them.
    pub disabled: BTreeMap<Ident, Marker>,
    /// Members by (role, member).
    pub memberships: BTreeMap<(Ident, Ident), DesiredMembership>,
    /// Those of `memberships` that no entry names and only rules give.
    pub matched: BTreeSet<(Ident, Ident)>,
    /// Who was a member until an entry ended, by (role, member): why nobody declares it any more.
    pub ended: BTreeMap<(Ident, Ident), Ended>,
    /// Owners that were declared, by object.
    pub owners: BTreeMap<Securable, DesiredOwner>,
    /// The role that no plan takes anything from: the way back in.
    pub break_glass: Option<Ident>,
    /// To whom ownership goes that a playbook no longer declares; `None` leaves it and names it.
    pub admin_role: Option<Ident>,
}

/// An entry that has ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Ended {
    /// The entry.
    pub entry: Reason,
    /// Its `until`, as written.
    pub until: String,
}

impl Ended {
    /// `file:line`, as far as it is known.
    pub fn place(&self) -> String {
        let Reason { file, line, .. } = &self.entry;
        let file = file.clone().unwrap_or_default();
        line.map_or(file.clone(), |line| format!("{file}:{line}"))
    }
}

/// Somebody who must be in a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredMembership {
    /// What the owner's file calls the member.
    pub kind: MemberKind,
    /// The entries that say so.
    pub because: Vec<Reason>,
}

/// A role that must own an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DesiredOwner {
    /// The managed role.
    pub role: Ident,
    /// The declarations that say so.
    pub because: Vec<Reason>,
}

impl DesiredState {
    /// Whether dbt's own `grants` give it; `None` is everybody. What else is known of a playbook's role is
    /// what the playbook leaves alone.
    pub fn is_given_by_dbt(
        &self,
        on: &Securable,
        role: Option<&Ident>,
        privilege: Privilege,
    ) -> bool {
        let has = |given: Option<&PrivilegeSet>| given.is_some_and(|it| it.contains(privilege));
        let by_itself = has(self.by_dbt.get(&(on.clone(), role.cloned())));
        let managed = role.filter(|role| {
            self.roles.get(*role).is_some_and(|role| !role.marker.product.is_empty())
        });
        by_itself || managed.is_some_and(|role| has(self.known.get(&(on.clone(), role.clone()))))
    }

    /// A state that wants nothing.
    pub fn empty(environment: impl Into<String>, dialect: DialectKind) -> Self {
        Self {
            environment: environment.into(),
            dialect,
            roles: BTreeMap::new(),
            grants: BTreeMap::new(),
            known: BTreeMap::new(),
            by_dbt: BTreeMap::new(),
            unread_of_dbt: BTreeSet::new(),
            memberships: BTreeMap::new(),
            matched: BTreeSet::new(),
            ended: BTreeMap::new(),
            owners: BTreeMap::new(),
            break_glass: None,
            admin_role: None,
            futures: BTreeMap::new(),
            known_futures: BTreeMap::new(),
            known_memberships: BTreeSet::new(),
            disabled: BTreeMap::new(),
        }
    }

    /// Adds privileges on an object, with the reason for each.
    pub fn grant(&mut self, on: Securable, role: Ident, privileges: PrivilegeSet, reason: &Reason) {
        if privileges.is_empty() {
            return;
        }
        self.grants.entry((on, role)).or_default().add(privileges, reason);
    }

    /// Adds privileges on what is not there yet, with the reason for each.
    ///
    /// PostgreSQL has one kind of default privileges for all relations, and one for all routines.
    pub fn grant_future(&mut self, future: Future, privileges: PrivilegeSet, reason: &Reason) {
        let class = match (self.dialect, future.class) {
            (DialectKind::Postgres, class) if class.is_relation() => ObjectClass::Table,
            (DialectKind::Postgres, ObjectClass::Procedure) => ObjectClass::Function,
            (_, class) => class,
        };
        let future = Future { class, ..future };
        if !privileges.is_empty() {
            self.futures.entry(future).or_default().add(privileges, reason);
        }
    }
}
