//! Who can, and why: the steps of a chain with the lines that declare them, as text and as JSON.

mod words;

use serde::Serialize;

use super::findings::where_is;
use crate::config::Config;
use crate::effect::{Answer, Chain, Effect, Kinship, Lack, Remedy, Step, Through};
use crate::model::{
    DesiredState, DialectKind, Ended, Ident, Marker, MarkerReading, Privilege, Reason, Securable,
};

pub use words::{OTHERS_POLICIES, chain, lack, lines, rows_in_common, step};

/// One step and what declares it.
#[derive(Debug, Clone, Serialize)]
pub struct Told<'a> {
    /// The step.
    #[serde(flatten)]
    pub step: Step<'a>,
    /// Whose role is stepped into, of a managed one: `product.role`, or a policy's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_role: Option<String>,
    /// Where its product and its product role are defined.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub defined: Vec<String>,
    /// The lines that say so; none where nobody declared it.
    pub declared: Vec<Reason>,
    /// dbt's own `grants` say so.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub by_dbt: bool,
    /// Whose words are used.
    #[serde(skip)]
    pub dialect: DialectKind,
}

/// How one becomes a role for a while.
pub fn set_role(dialect: DialectKind) -> &'static str {
    match dialect {
        DialectKind::Postgres => "SET ROLE",
        DialectKind::Snowflake => "USE ROLE",
    }
}

/// One privilege of somebody's.
#[derive(Debug, Clone, Serialize)]
pub struct May<'a> {
    /// Which; `OWNERSHIP` for what only owners may.
    pub privilege: Privilege,
    /// The server's `has_…_privilege` says yes.
    pub held: bool,
    /// A query could use it without SET ROLE.
    pub usable: bool,
    /// What is missing for that, where it is held.
    pub lacks: Vec<Lack>,
    /// The shortest reason first; without `--all-reasons` it is the only one.
    pub reasons: Vec<Vec<Told<'a>>>,
    /// There are more than are told.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub more_reasons: bool,
    /// How it is used after SET ROLE, where it cannot be at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by_set_role: Option<Vec<Told<'a>>>,
    /// How rows are reached otherwise than by the whole relation, where they cannot be reached by that at
    /// once: through another relation that has some of them, by a column, or as an owner. The server's
    /// `has_…_privilege` knows nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<ToldThrough<'a>>,
}

/// Rows that are reached otherwise than by the whole relation.
#[derive(Debug, Clone, Serialize)]
pub struct ToldThrough<'a> {
    /// The relation that a statement names, or a column of it.
    pub on: &'a Securable,
    /// What the other relation is to the asked one; absent for that one itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kinship: Option<Kinship>,
    /// How many relations more there are of which the same is true.
    #[serde(skip_serializing_if = "is_none")]
    pub alike: usize,
    /// It leads to a part of the rows alone.
    pub part_of_rows: bool,
    /// It leads to a part of the columns alone.
    pub part_of_columns: bool,
    /// The privilege is not held: as an owner they can give it back to themselves.
    pub as_owner: bool,
    /// A query could use it as things are: at once, or after SET ROLE.
    pub usable: bool,
    /// It takes a SET ROLE first.
    pub by_set_role: bool,
    /// What is missing for it.
    pub lacks: Vec<Lack>,
    /// How.
    pub chain: Vec<Told<'a>>,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

impl May<'_> {
    /// Whether all rows and columns can be reached.
    pub fn reaches_all(&self) -> bool {
        let all = |it: &ToldThrough<'_>| it.usable && !it.part_of_rows && !it.part_of_columns;
        self.usable || self.by_set_role.is_some() || self.through.as_ref().is_some_and(all)
    }

    /// Whether rows are reached through another relation.
    pub fn by_another(&self) -> bool {
        self.through.as_ref().is_some_and(|through| through.kinship.is_some())
    }

    /// Whether it can be given to oneself, as an owner.
    pub fn can_be_taken(&self) -> bool {
        self.through.as_ref().is_some_and(|through| through.as_owner)
    }

    /// Whether any of the rows can be reached.
    pub fn reaches(&self) -> bool {
        let through = self.through.as_ref().is_some_and(|through| through.usable);
        self.usable || self.by_set_role.is_some() || through
    }
}

/// Somebody who holds something.
#[derive(Debug, Clone, Serialize)]
pub struct Who<'a> {
    /// The role's name in the warehouse.
    pub who: &'a Ident,
    /// They can log in: a person, or a service account.
    pub person: bool,
    /// `product.role`, or a policy's, of a managed role.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product_role: Option<String>,
    /// What they hold of what was asked for.
    pub may: Vec<May<'a>>,
}

/// `who-can --format json`.
#[derive(Debug, Serialize)]
pub struct WhoCan<'a> {
    /// [`super::json::VERSION`].
    pub version: u32,
    /// The environment.
    pub environment: &'a str,
    /// Of what is declared alone: no warehouse was asked.
    pub declared_only: bool,
    /// Whose words are used.
    #[serde(skip)]
    pub dialect: DialectKind,
    /// The dbt node; absent where a relation was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<&'a str>,
    /// The relation.
    pub on: &'a Securable,
    /// Row security is on: policies decide which rows are seen.
    pub row_security: bool,
    /// The permission as it was asked for.
    pub permission: &'a str,
    /// Who holds any of it, by name.
    pub holders: Vec<Who<'a>>,
}

/// `explain --format json`.
#[derive(Debug, Serialize)]
pub struct Explained<'a> {
    /// [`super::json::VERSION`].
    pub version: u32,
    /// The environment.
    pub environment: &'a str,
    /// As in [`WhoCan`].
    pub declared_only: bool,
    /// As in [`WhoCan`].
    #[serde(skip)]
    pub dialect: DialectKind,
    /// The role's name in the warehouse.
    pub who: &'a Ident,
    /// The server has such a role.
    pub exists: bool,
    /// As in [`WhoCan`].
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<&'a str>,
    /// The relation.
    pub on: &'a Securable,
    /// As in [`WhoCan`].
    pub row_security: bool,
    /// What they hold.
    pub may: Vec<May<'a>>,
    /// What opens the way: CONNECT on the database, USAGE on the schema.
    pub way: Vec<Way<'a>>,
    /// The permission that was asked for.
    pub permission: &'a str,
    /// They have all of it, and can use it.
    pub allowed: bool,
    /// Policies that are always required there, where not all of them admit somebody.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_admitted_by: Vec<&'a str>,
    /// What would allow it, the smallest change first.
    pub remedies: Vec<Remedy>,
    /// The roles that they are in, to any depth.
    pub is_in: Vec<&'a Ident>,
    /// Product roles that an owner's file let them into until some time.
    pub ended: Vec<WasIn<'a>>,
}

/// A membership that has ended by its entry.
#[derive(Debug, Serialize)]
pub struct WasIn<'a> {
    /// The warehouse role.
    pub role: &'a Ident,
    /// Until when, as written, and where.
    #[serde(flatten)]
    pub ended: &'a Ended,
}

/// A privilege on a container.
#[derive(Debug, Serialize)]
pub struct Way<'a> {
    /// The container.
    pub on: Securable,
    /// What is needed there, and whether it is held.
    #[serde(flatten)]
    pub may: May<'a>,
}

/// Chains with what declares each of their steps.
pub struct Teller<'a> {
    /// What is declared.
    pub desired: &'a DesiredState,
    /// Where products and product roles are defined.
    pub config: &'a Config,
}

impl Teller<'_> {
    /// A chain.
    pub fn tell<'s>(&self, chain: &Chain<'s>) -> Vec<Told<'s>> {
        chain.steps.iter().map(|step| self.told(*step)).collect()
    }

    fn told<'s>(&self, step: Step<'s>) -> Told<'s> {
        let desired = self.desired;
        let mut by_dbt = false;
        let declared = match step {
            Step::Member { member, role, .. } | Step::SetRole { member, role, .. } => {
                let membership = desired.memberships.get(&(role.clone(), member.clone()));
                membership.map(|membership| membership.because.clone())
            }
            Step::Grant { role: Some(role), on, privilege, .. } => {
                let key = (on.clone(), role.clone());
                by_dbt = desired.is_given_by_dbt(on, Some(role), privilege);
                let grant = desired.grants.get(&key);
                grant.and_then(|grant| grant.because.get(&privilege).cloned())
            }
            Step::Owner { role, on } => {
                let owner = desired.owners.get(on).filter(|owner| owner.role == *role);
                owner.map(|owner| owner.because.clone())
            }
            Step::Grant { role: None, on, privilege, .. } => {
                by_dbt = desired.is_given_by_dbt(on, None, privilege);
                None
            }
            Step::Superuser { .. }
            | Step::Predefined { .. }
            | Step::Parent { .. }
            | Step::Child { .. } => None,
        };
        let marker = match step {
            Step::Member { role, .. } | Step::SetRole { role, .. } => {
                desired.roles.get(role).map(|role| &role.marker)
            }
            _ => None,
        };
        Told {
            step,
            product_role: marker.map(Marker::whose),
            defined: marker.map(|marker| self.defined(marker)).unwrap_or_default(),
            declared: declared.unwrap_or_default(),
            by_dbt,
            dialect: desired.dialect,
        }
    }

    /// Where its product and its product role are defined.
    pub fn defined(&self, marker: &Marker) -> Vec<String> {
        if let Some(id) = &marker.playbook {
            let role = self.config.playbooks.role(id);
            return role.map(|role| where_is(&role.place)).into_iter().collect();
        }
        let product = self.config.products.get(&marker.product);
        let own = product.and_then(|product| product.product_roles.get(&marker.role));
        let role = own.or_else(|| self.config.product_roles.get(&marker.role));
        let places = [product.map(|product| &product.place), role.map(|role| &role.place)];
        places.into_iter().flatten().map(where_is).collect()
    }

    /// One privilege, with its answer.
    pub fn may<'s>(
        &self,
        privilege: Privilege,
        answer: &Answer,
        reasons: &[Chain<'s>],
        by_set_role: Option<&Chain<'s>>,
        through: Option<&Through<'s>>,
    ) -> May<'s> {
        May {
            privilege,
            held: answer.privilege,
            usable: answer.usable(),
            lacks: if answer.privilege { answer.lacks.clone() } else { Vec::new() },
            reasons: reasons.iter().map(|chain| self.tell(chain)).collect(),
            more_reasons: false,
            by_set_role: by_set_role.map(|chain| self.tell(chain)),
            through: through.map(|through| ToldThrough {
                on: through.on,
                kinship: through.kinship,
                alike: through.alike,
                part_of_rows: through.to_part_of_rows(),
                part_of_columns: through.to_part_of_columns(),
                as_owner: through.as_owner,
                usable: through.usable(),
                by_set_role: through.by_set_role,
                lacks: through.lacks.clone(),
                chain: self.tell(&through.chain),
            }),
        }
    }
}

/// Whose role it is, of a managed one: `product.role`, or a policy's.
pub fn product_role(effect: &Effect<'_>, role: &Ident) -> Option<String> {
    match &effect.state().roles.get(role)?.marker {
        MarkerReading::Marker(marker) => Some(marker.whose()),
        MarkerReading::None | MarkerReading::Unreadable(_) => None,
    }
}

/// Where it is declared: files with lines, or the node.
pub fn places(declared: &[Reason]) -> String {
    let place = |reason: &Reason| match (&reason.file, reason.line, &reason.node) {
        (Some(file), Some(line), _) => format!("{file}:{line}"),
        (Some(file), None, _) => file.clone(),
        (None, _, Some(node)) => node.clone(),
        (None, _, None) => "declared".to_owned(),
    };
    let mut places: Vec<String> = declared.iter().map(place).collect();
    places.sort();
    places.dedup();
    // Many declarations need the same USAGE: two show where to look.
    let more = places.len().saturating_sub(2);
    places.truncate(2);
    match more {
        0 => places.join(", "),
        more => format!("{} and {more} more", places.join(", ")),
    }
}
