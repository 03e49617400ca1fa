//! Who can, and why: the steps of a chain with the lines that declare them, as text and as JSON.

use std::collections::BTreeMap;

use serde::Serialize;

use super::findings::{one_line, where_is};
use crate::config::Config;
use crate::effect::{Answer, Chain, Effect, Lack, Remedy, Step, Through};
use crate::model::{
    DesiredState, DialectKind, Ended, Ident, Marker, MarkerReading, Privilege, Reason, Securable,
};

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
    /// How the rows are reached through a relation that it inherits from or is a partition of, where
    /// they cannot be reached at once. The server's `has_…_privilege` knows nothing of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub through: Option<ToldThrough<'a>>,
}

/// Rows that are reached through another relation.
#[derive(Debug, Clone, Serialize)]
pub struct ToldThrough<'a> {
    /// The relation that a statement names.
    pub on: &'a Securable,
    /// A query could use it: at once, or after SET ROLE.
    pub usable: bool,
    /// It takes a SET ROLE first.
    pub by_set_role: bool,
    /// What is missing for it.
    pub lacks: Vec<Lack>,
    /// How.
    pub chain: Vec<Told<'a>>,
}

impl May<'_> {
    /// Whether the rows can be reached by any way.
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
            Step::Superuser { .. } | Step::Predefined { .. } | Step::Parent { .. } => None,
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

/// A step in a few words, without who it starts from.
pub fn step(told: &Told<'_>) -> String {
    let Told { step, product_role, declared, by_dbt, defined: _, dialect } = told;
    let by = |grantor: &Option<&Ident>, done: &str| match grantor {
        _ if !declared.is_empty() => format!(" [{}]", places(declared)),
        _ if *by_dbt => " [dbt's own grants]".to_owned(),
        Some(grantor) => format!(", {done} by {grantor}, declared nowhere"),
        None => String::new(),
    };
    let called = |role: &Ident| match product_role {
        Some(product_role) => format!("{role} ({product_role})"),
        None => role.to_string(),
    };
    match step {
        Step::Member { role, grantor: None, .. } if role.as_str() == "pg_database_owner" => {
            format!("in {role}, as the database's owner")
        }
        Step::Member { role, grantor: None, .. }
            if *dialect == DialectKind::Snowflake && role.as_str() == "PUBLIC" =>
        {
            "in PUBLIC, as everyone".to_owned()
        }
        Step::Member { role, grantor, .. } => {
            format!("in {}{}", called(role), by(grantor, "let in"))
        }
        Step::SetRole { role, grantor, .. } => {
            let (role, by) = (called(role), by(grantor, "let in"));
            format!("may {} {role}{by}", set_role(*dialect))
        }
        Step::Superuser { .. } => "a superuser".to_owned(),
        Step::Owner { .. } => format!("owns it{}", by(&None, "")),
        Step::Grant { own: true, .. } => "owns it".to_owned(),
        Step::Grant { role: None, grantor, .. } => {
            format!("everyone has it (PUBLIC){}", by(grantor, "granted"))
        }
        Step::Grant { role: Some(_), grantor, .. } => match by(grantor, "granted") {
            said if said.starts_with(',') => said.trim_start_matches(", ").to_owned(),
            place => format!("granted{place}"),
        },
        Step::Predefined { .. } => "which has it on everything".to_owned(),
        Step::Parent { child, parent, partition, on, privilege } => {
            let is = if *partition { "is a partition of" } else { "inherits from" };
            let class = child.class();
            format!("the {class} {child} {is} {parent}: {}", reaches(*privilege, on))
        }
    }
}

/// What a privilege on a relation does to the rows of its children.
fn reaches(privilege: Privilege, on: &Securable) -> String {
    let does = match privilege {
        Privilege::SELECT => "reads it",
        Privilege::INSERT => "adds rows to it",
        Privilege::UPDATE => "changes its rows",
        Privilege::DELETE => "deletes its rows",
        Privilege::TRUNCATE => "empties it",
        Privilege::OWNERSHIP => return format!("whoever owns {on} can do that with its rows"),
        _ => "reaches it",
    };
    format!("{privilege} on {on} {does}")
}

/// A chain on one line.
pub fn chain(steps: &[Told<'_>]) -> String {
    steps.iter().map(step).collect::<Vec<_>>().join(" → ")
}

/// What is missing, in words.
pub fn lack(lack: &Lack) -> String {
    match lack {
        Lack::Usage { on } => format!("USAGE on the {} {on} is missing", on.class()),
        Lack::Connect { on } => format!("CONNECT on the database {on} is missing"),
        Lack::ViewOwner { view, owner, reads } => {
            format!("{owner}, who owns the view {view}, may not do that on {reads}, which it shows")
        }
        Lack::Invoker { reads } => {
            format!("the view goes to {reads} as whoever asks, who may not do that there")
        }
        Lack::NoSuchStatement => "no statement could use it on such an object".to_owned(),
    }
}

fn through_another(through: &ToldThrough<'_>) -> String {
    let ToldThrough { on, usable, by_set_role, lacks, chain } = through;
    let dialect = chain.first().map_or(DialectKind::Postgres, |step| step.dialect);
    match (usable, by_set_role) {
        (true, false) => format!("through {on}"),
        (true, true) => format!("through {on}, after {}", set_role(dialect)),
        (false, _) => {
            let lacks: Vec<String> = lacks.iter().map(lack).collect();
            format!("no use through {on}: {}", lacks.join("; "))
        }
    }
}

/// Privileges with the same answer, on one line each: (privileges, use, why).
pub fn lines(may: &[May<'_>]) -> Vec<(String, String, Vec<String>)> {
    let mut grouped: BTreeMap<(bool, String, Vec<String>), Vec<&str>> = BTreeMap::new();
    for may in may {
        if let Some(through) = &may.through {
            let use_ = through_another(through);
            let key = (true, use_, vec![chain(&through.chain)]);
            grouped.entry(key).or_default().push(may.privilege.as_str());
            if !may.held && may.by_set_role.is_none() {
                continue;
            }
        }
        let use_ = match (may.held, may.usable, &may.by_set_role) {
            (true, true, _) => "usable".to_owned(),
            (_, _, Some(by)) => {
                let dialect = by.first().map_or(DialectKind::Postgres, |step| step.dialect);
                format!("after {}", set_role(dialect))
            }
            _ => {
                let lacks: Vec<String> = may.lacks.iter().map(lack).collect();
                format!("no use: {}", lacks.join("; "))
            }
        };
        let mut why: Vec<String> = match &may.by_set_role {
            Some(by) if !may.held => vec![chain(by)],
            _ => Vec::new(),
        };
        why.extend(may.reasons.iter().map(|reason| chain(reason)));
        if may.more_reasons {
            why.push("… and more".to_owned());
        }
        grouped.entry((!may.usable, use_, why)).or_default().push(may.privilege.as_str());
    }
    let line = |((_, use_, why), privileges): ((bool, String, Vec<String>), Vec<&str>)| {
        (privileges.join(", "), one_line(&use_), why.iter().map(|it| one_line(it)).collect())
    };
    grouped.into_iter().map(line).collect()
}
