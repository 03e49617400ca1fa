//! `rolecall.yml`, `rolecall/platform/` and `rolecall/members/`: files in, a valid configuration
//! out, or everything that is wrong with them.

pub mod checks;
mod compat;
mod directory;
mod environment;
mod guards;
pub mod init;
mod load;
mod load_playbooks;
mod load_requests;
mod members;
mod names;
mod owners;
mod parse;
pub mod playbook;
pub mod policy;
mod raw;
mod raw_environment;
mod reader;
mod request;
mod role_kind;
pub mod schema;
pub mod template;
#[cfg(test)]
mod tests;
pub(crate) mod tree;
mod until;
mod valid;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::directory::Rule;
use crate::model::{Diagnostic, DialectKind, MemberKind, Place};

/// How long before an entry ends it is said, where nobody says: two weeks, in seconds.
pub const WARN_BEFORE: i64 = 14 * 86_400;

pub use directory::{DirectorySource, PeopleFrom};
pub use load::{load, load_files, load_to_edit};
pub use load_requests::load_requests;
pub(crate) use names::unfit;
pub use names::{PERMISSION_WORDS, is_name, is_permission};
pub use owners::is_team;
pub use parse::{FileKind, SourceFile, parse};
pub(crate) use reader::suggest;
pub use request::{Decision, Request, RequestFile, RequestState, parse_request, unfit_reason};
pub use role_kind::RoleKind;
pub use until::{end_of_day, expires, has_expired, moment};
pub use valid::{Narrowing, narrowings};

/// A value and where it was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Located<T> {
    /// What was written.
    pub value: T,
    /// Where.
    pub place: Place,
}

/// The whole configuration, merged and checked in itself (not yet against a manifest).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Config {
    /// `deployment:`; otherwise the dbt project's name is used.
    pub deployment: Option<Located<String>>,
    /// `dialect:`; otherwise the manifest's adapter decides.
    pub dialect: Option<Located<DialectKind>>,
    /// `approved_plans:` for every environment that does not name its own.
    pub approved_plans: Option<Located<String>>,
    /// `directory:`: where people's attributes come from.
    pub directory: Option<DirectorySource>,
    /// `warn_before:` in seconds; without it, [`WARN_BEFORE`].
    pub warn_before: Option<i64>,
    /// `packages:`: other packages whose nodes are managed too.
    pub packages: BTreeSet<String>,
    /// By name.
    pub environments: BTreeMap<String, Environment>,
    /// What every product gets, by name.
    pub product_roles: BTreeMap<String, ProductRole>,
    /// By name.
    pub products: BTreeMap<String, Product>,
    /// Metadata policies, by name.
    pub policies: BTreeMap<String, policy::Policy>,
    /// Platform policies, by name.
    pub platform_policies: BTreeMap<String, policy::PlatformPolicy>,
    /// A role of the warehouse that no plan takes anything from.
    pub break_glass: Option<Located<String>>,
    /// Where `compat: [raito]` is said, so that `meta.raito` is read.
    pub raito: Option<Place>,
    /// Roles beyond dbt's products.
    pub playbooks: playbook::Playbooks,
    /// To whom ownership goes that is no longer declared.
    pub admin_role: Option<Located<String>>,
    /// Access tests, and how built-in checks are told.
    pub checks: checks::Checks,
    /// Product → product role → entries: the owners' files; and playbook roles, as
    /// [`playbook::MEMBERS`].
    pub members: BTreeMap<String, BTreeMap<String, Vec<MemberEntry>>>,
}

impl Config {
    /// The list of approved plans that an environment asks for: its own, else that of all.
    pub fn approved_plans_of<'c>(
        &'c self,
        environment: &'c Environment,
    ) -> Option<&'c Located<String>> {
        environment.approved_plans.as_ref().or(self.approved_plans.as_ref())
    }

    /// The place of a member's entry or of a part of a playbook's role, with the text of its line.
    pub fn place_at(&self, file: &Path, line: u32) -> Option<Place> {
        let roles = self.playbooks.roles.iter();
        let parts = roles.flat_map(|role| {
            let grants = role.grants.iter().flat_map(|grant| {
                let written = grant.privileges.iter().map(|privilege| &privilege.place);
                std::iter::once(&grant.place).chain(written)
            });
            [&role.place, &role.name.place].into_iter().chain(grants)
        });
        let mut all = self.entries().map(|entry| &entry.place).chain(parts);
        let found = all.find(|place| place.line == Some(line) && place.file == file)?;
        // Several may stand on one line.
        Some(Place { column: None, ..found.clone() })
    }

    /// A finding with the text of its line, where that is known and may be shown.
    pub fn with_source(&self, mut diagnostic: Diagnostic) -> Diagnostic {
        let also = diagnostic.also.as_mut().map(|(place, _)| place);
        for place in diagnostic.place.as_mut().into_iter().chain(also) {
            if let (None, Some(line)) = (&place.source, place.line)
                && let Some(found) = self.place_at(&place.file, line)
            {
                place.source = found.source;
            }
        }
        diagnostic
    }

    /// Every entry of every owner's file.
    pub fn entries(&self) -> impl Iterator<Item = &MemberEntry> {
        self.members.values().flat_map(|roles| roles.values()).flatten()
    }
}

/// Where models are deployed.
#[derive(Debug, Clone, PartialEq)]
pub struct Environment {
    /// Its name; the dbt target of the same name, unless `target` says otherwise.
    pub name: String,
    /// Where it is declared.
    pub place: Place,
    /// The template of warehouse role names.
    pub role_name: Located<String>,
    /// The template of user names; without it, the name as written.
    pub user_name: Option<Located<String>>,
    /// The template of group names; without it, the name as written.
    pub group_name: Option<Located<String>>,
    /// The template of policies' role names; without it, `role_name` with the product `policy`.
    pub policy_role_name: Option<Located<String>>,
    /// The environment whose access is promoted into this one.
    pub promote_from: Option<Located<String>>,
    /// Only saved plans are applied here.
    pub protected: bool,
    /// How old a plan may be when it is applied here, in seconds, where it is protected.
    pub valid_for: i64,
    /// The list of approved plans, from the project's folder, where it is protected.
    pub approved_plans: Option<Located<String>>,
    /// The role that runs dbt here, where ownership is declared.
    pub deploy_role: Option<Located<String>>,
    /// The role that every managed role is granted to (Snowflake); without it, SYSADMIN.
    pub parent_role: Option<Located<String>>,
    /// To whom ownership goes that is no longer declared, in place of the configuration's.
    pub admin_role: Option<Located<String>>,
    /// Which roles hold the grants (Snowflake).
    pub role_kind: RoleKind,
    /// The dbt target, where it is not named like the environment.
    pub target: Option<String>,
    /// Whether the dbt package's hooks grant here: where nobody says, unless it is protected.
    pub hook: bool,
    /// Whom to connect as, where it is not the dbt target that deploys.
    pub connection: Connection,
}

impl Environment {
    /// The dbt target that deploys it.
    pub fn target_name(&self) -> &str {
        self.target.as_deref().unwrap_or(&self.name)
    }
}

/// An output of `profiles.yml` to connect with: the role that deploys models is often not the one
/// that may grant.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Connection {
    /// The profile; without it, the project's.
    pub profile: Option<Located<String>>,
    /// The profile's target; without it, the one that deploys.
    pub target: Option<Located<String>>,
}

/// A kind of role that every product has (or, in a product, one of its own).
#[derive(Debug, Clone, PartialEq)]
pub struct ProductRole {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub place: Place,
    /// The most that declarations can give it: permission words or raw privileges.
    pub may: Vec<Located<String>>,
    /// USAGE on these warehouses (Snowflake).
    pub warehouses: Vec<Located<String>>,
    /// Narrower `may` in some environments.
    pub environments: BTreeMap<String, ProductRoleIn>,
}

/// What a product role may in one environment only.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductRoleIn {
    /// Replaces `may` there. Never wider.
    pub may: Option<Vec<Located<String>>>,
    /// Replaces `warehouses` there.
    pub warehouses: Option<Vec<Located<String>>>,
    /// Where it is declared.
    pub place: Place,
}

/// A data product.
#[derive(Debug, Clone, PartialEq)]
pub struct Product {
    /// Its name.
    pub name: String,
    /// Where it is declared.
    pub place: Place,
    /// For people.
    pub title: Option<String>,
    /// Who decides about its members.
    pub owners: Vec<Located<String>>,
    /// dbt node selection of its nodes; no `meta` adds a node beyond it.
    pub outputs: Option<Located<String>>,
    /// The product roles that can be asked for; `None` for all.
    pub offers: Option<Vec<Located<String>>>,
    /// What policies call the part of the company it belongs to.
    pub domain: Option<Located<String>>,
    /// Product roles of its own, beside those of every product.
    pub product_roles: BTreeMap<String, ProductRole>,
}

/// One entry of an owner's file.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberEntry {
    /// Where it stands.
    pub place: Place,
    /// Who.
    pub member: Member,
    /// Only in these environments; empty for all.
    pub environments: Vec<Located<String>>,
    /// Until when, as written: checked to be a date or a time with zone.
    pub until: Option<Located<String>>,
    /// Why.
    pub reason: Option<String>,
    /// Who approved it, where it was asked for.
    pub approval: Option<Approval>,
}

/// What a member's entry says of how it was approved. Only claimed: `check --base` verifies it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Approval {
    /// One of the product's owners, checked to be one, and not the member.
    pub by: String,
    /// When, as written: a moment or a day.
    pub at: Option<String>,
    /// The request, by its name.
    pub request: Option<String>,
}

/// Who an entry lets in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Member {
    /// By name, before the environment's template and the dialect's folding.
    Named {
        /// User or group.
        kind: MemberKind,
        /// As written.
        name: String,
    },
    /// Everybody whose attributes match.
    Rule(Rule),
}
