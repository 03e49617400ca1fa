//! Gates: what must hold before access is promoted. All of them are asked, and any that does not
//! hold stops the promotion.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::giving::Giving;
use super::grantees;
use crate::apply::Compared;
use crate::edit::{Undeclared, undeclared};
use crate::model::{Change, Diagnostics, Ident, MemberKind, RoleAttributes, Severity};
use crate::plan::{Difference, Limit, Refusal, Step, Why};
use crate::project::Project;
use crate::warehouse::{Everybodys, Inside};

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gate {
    /// The source is as it is declared: what is promoted was tried there.
    SourceDrift,
    /// What `validate` calls an error, of either environment.
    Validation,
    /// No product role gets more than its `may`.
    BeyondMay,
    /// Everybody who is in a role of the source stands in an owner's file.
    UndeclaredMember,
    /// What is promoted is open to nobody at large.
    GrantToPublic,
    /// The roles that members are let into have no power in the target that was given by hand.
    UndeclaredPower,
    /// Every access test holds in the target as it would be after it.
    AccessTest,
    /// No built-in check of severity error finds anything there.
    Check,
}

impl Gate {
    /// All of them, in the order in which they are told.
    pub const ALL: [Self; 8] = [
        Self::SourceDrift,
        Self::Validation,
        Self::BeyondMay,
        Self::UndeclaredMember,
        Self::GrantToPublic,
        Self::UndeclaredPower,
        Self::AccessTest,
        Self::Check,
    ];

    /// Stable, in kebab case.
    pub fn code(self) -> &'static str {
        match self {
            Self::SourceDrift => "source-drift",
            Self::Validation => "validation-failed",
            Self::BeyondMay => "beyond-may",
            Self::UndeclaredMember => "undeclared-member",
            Self::GrantToPublic => "grant-to-public",
            Self::UndeclaredPower => "undeclared-power",
            Self::AccessTest => "access-test",
            Self::Check => "check-failed",
        }
    }
}

impl Serialize for Gate {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// One reason why a gate is closed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Closed {
    /// Which.
    pub gate: Gate,
    /// What was found.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Closed {
    /// As other refusals are shown.
    pub fn refusal(&self) -> Refusal {
        let Self { gate, message, help } = self;
        Refusal { code: gate.code(), message: message.clone(), help: help.clone() }
    }
}

/// What `validate` would call wrong in an environment, apart from who gets too much.
pub(super) fn validation(environment: &str, found: &Diagnostics) -> Option<Closed> {
    let errors = found.iter().filter(|d| d.severity == Severity::Error && !is_beyond(d.code));
    let codes: BTreeSet<&str> = errors.map(|finding| finding.code).collect();
    (!codes.is_empty()).then(|| Closed {
        gate: Gate::Validation,
        message: format!(
            "{environment} is not valid: {}",
            codes.into_iter().collect::<Vec<_>>().join(", ")
        ),
        help: format!("see the errors above; `rolecall validate --target {environment}` says them"),
    })
}

/// What is given beyond a product role's `may` in an environment.
pub(super) fn beyond_may(environment: &str, found: &Diagnostics) -> Vec<Closed> {
    let beyond = found.iter().filter(|d| d.severity == Severity::Error && is_beyond(d.code));
    beyond
        .map(|finding| Closed {
            gate: Gate::BeyondMay,
            message: format!("in {environment}: {}", finding.message),
            help: "declare less, or let the platform widen the role's `may`".to_owned(),
        })
        .collect()
}

fn is_beyond(code: &str) -> bool {
    code == Gate::BeyondMay.code()
}

/// Whatever an apply in the source would do, but for people who are in by hand.
pub(super) fn source_drift(
    (from, giving): (&Project, &Giving),
    source: &Compared,
    limit: Option<&Limit>,
    limited: &Difference,
) -> Vec<Closed> {
    let name = &from.environment;
    let help = format!("`rolecall apply --target {name}` makes it so, and shows what it does");
    let by_hand: BTreeSet<&Change> = by_hand(source).map(|step| &step.change).collect();
    let mut closed: Vec<Closed> = Vec::new();
    let steps = limited.steps.iter().filter(|step| !by_hand.contains(&step.change));
    closed.extend(steps.map(|step| Closed {
        gate: Gate::SourceDrift,
        message: format!("{name} is not as declared; to be done there: {}", step.change.brief()),
        help: help.clone(),
    }));
    let told = |what: String| Closed {
        gate: Gate::SourceDrift,
        message: format!("{name} cannot be compared with what is declared: {what}"),
        help: format!("`rolecall verify --target {name}` says it in full; mend it there"),
    };
    // Of the whole, too: with an error anywhere, nobody has looked at members.
    let found = limited.found.iter().chain(source.difference.found.iter());
    let errors = found.filter(|d| d.severity == Severity::Error);
    closed.extend(errors.map(|finding| told(finding.message.clone())));
    closed.extend(limited.refused.iter().map(|refusal| told(refusal.message.clone())));
    for node in source.resolved.nodes.iter().filter(|node| giving.misses(node, source)) {
        let id = &node.unique_id;
        let declares = from.declarations.get(id).is_some_and(|node| !node.grants.is_empty());
        let meant = limit.is_none_or(|limit| limit.nodes.contains(id));
        if meant {
            let why = if declares { "is declared on" } else { "is given by a policy" };
            closed.push(Closed {
                gate: Gate::SourceDrift,
                message: format!("{id} {why}, and not built in {name}"),
                help: format!("`dbt build --target {name}`, and `rolecall apply` there"),
            });
        }
    }
    closed
}

/// Those who are in a role of the source by nobody's file.
pub(super) fn undeclared_members(from: &Project, source: &Compared) -> Vec<Closed> {
    let entries = undeclared(from, source);
    let tell = |step: &Step| {
        let Change::RemoveMember { role, member, grantor, .. } = &step.change else { return None };
        let by = grantor.as_ref().map(|by| format!(", let in by {by}")).unwrap_or_default();
        let found = entries.iter().find(|one| (&one.warehouse_role, &one.member) == (role, member));
        Some(Closed {
            gate: Gate::UndeclaredMember,
            message: format!(
                "{member} is in {role} in {}{by}, and no owner's file says so",
                from.environment
            ),
            help: format!(
                "{}, or take {member} out by `rolecall apply --target {}`",
                declaring(&from.environment, found),
                from.environment
            ),
        })
    };
    by_hand(source).filter_map(tell).collect()
}

/// The steps that take out who is in a declared role and stands in no file.
fn by_hand(source: &Compared) -> impl Iterator<Item = &Step> {
    let desired = &source.resolved.desired;
    source.difference.steps.iter().filter(|step| match &step.change {
        Change::RemoveMember { role, member, .. } => {
            step.why == Why::Undeclared
                && desired.roles.contains_key(role)
                && !desired.memberships.contains_key(&(role.clone(), member.clone()))
        }
        _ => false,
    })
}

/// How somebody who is in is declared.
fn declaring(environment: &str, found: Option<&Undeclared>) -> String {
    match found {
        Some(Undeclared { product, role, entry: Ok(entry), .. }) => format!(
            "let the owner declare them: `rolecall member add {product} {role} --{} {}`, or \
             `rolecall import --members --target {environment}` for everybody at once",
            entry.kind.as_str(),
            quoted(&entry.who)
        ),
        Some(Undeclared { entry: Err(why), .. }) => why.clone(),
        None => "let the owner declare them by `rolecall member add`".to_owned(),
    }
}

/// As one word of a shell's.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '@');
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

/// What PUBLIC has on relations that are promoted, or gets there by dbt's own `grants`.
pub(super) fn grants_to_public(
    to: &Project,
    target: &Compared,
    promoted: &BTreeSet<String>,
    everybodys: &Everybodys,
) -> Vec<Closed> {
    let mut closed = BTreeSet::new();
    for node in target.resolved.nodes.iter().filter(|node| promoted.contains(&node.unique_id)) {
        let Some(relation) = node.relation.as_ref().and_then(|on| on.relation_key()) else {
            continue;
        };
        closed.extend(everybodys.inside.iter().filter_map(|inside| {
            let class = node.relation.as_ref().map(crate::model::Securable::class)?;
            let within = inside.class == class
                && inside.database.as_ref().is_none_or(|database| *database == relation.0)
                && inside.schema.as_ref().is_none_or(|schema| *schema == relation.1);
            within.then(|| open_inside(inside, &to.environment))
        }));
        for (on, privileges) in &everybodys.held {
            if on.relation_key().as_ref() == Some(&relation) {
                closed.insert(Closed {
                    gate: Gate::GrantToPublic,
                    message: format!(
                        "PUBLIC has {privileges} on {} {on} in {}, so everybody has",
                        on.class(),
                        to.environment
                    ),
                    help: "revoke it there by hand: what PUBLIC has is not rolecall's".to_owned(),
                });
            }
        }
    }
    let nodes = promoted.iter().filter_map(|id| to.manifest.nodes.get(id));
    for (node, words, grantee) in nodes.flat_map(|node| {
        let each = node.grants.iter();
        each.flat_map(move |(words, grantees)| grantees.iter().map(move |g| (node, words, g)))
    }) {
        let place = format!("{} in {}", node.unique_id, to.environment);
        closed.extend(grantees::wrong(to.dialect(), words, grantee).map(|wrong| Closed {
            gate: Gate::GrantToPublic,
            message: wrong.message(words, grantee, &place),
            help: wrong.help().to_owned(),
        }));
    }
    closed.into_iter().collect()
}

/// PUBLIC has something on all of a class in a container: on what is there, or on what dbt makes next.
fn open_inside(inside: &Inside, environment: &str) -> Closed {
    let Inside { database, schema, class, to_come, privileges } = inside;
    let place = match (database, schema) {
        (Some(database), Some(schema)) => format!("{database}.{schema}"),
        (Some(database), None) => database.to_string(),
        (None, _) => "the account".to_owned(),
    };
    let (message, help) = match to_come {
        true => (
            format!(
                "PUBLIC gets {privileges} on every {class} that is made in {place} in \
                 {environment}, so everybody gets it with the next build"
            ),
            "revoke the future grant there by hand: what PUBLIC has is not rolecall's",
        ),
        false => (
            format!(
                "PUBLIC has {privileges} on every {class} in {place} in {environment}, so \
                 everybody has"
            ),
            "revoke the inherited grant there by hand: what PUBLIC has is not rolecall's",
        ),
    };
    Closed { gate: Gate::GrantToPublic, message, help: help.to_owned() }
}

/// What roles of the target that somebody is let into have by hand: they are in other roles, or have
/// attributes such as SUPERUSER. Whoever comes in would have it too. Grants that nothing declares
/// any more are what any change of a declaration leaves behind, and are listed under the plan.
pub(super) fn undeclared_power(to: &Project, target: &Compared) -> Vec<Closed> {
    let Compared { resolved, observed, difference, .. } = target;
    let letting_in: BTreeMap<&Ident, &Ident> = difference
        .steps
        .iter()
        .filter_map(|step| match &step.change {
            Change::AddMember { role, member, .. } => Some((role, member)),
            _ => None,
        })
        .collect();
    let mut closed = Vec::new();
    for (role, member) in letting_in {
        let mut tell = |has: String| {
            closed.push(Closed {
                gate: Gate::UndeclaredPower,
                message: format!(
                    "{member} would come into {role} in {}, which {has} by nobody's declaration",
                    to.environment
                ),
                help: format!(
                    "`rolecall apply --target {}`, an ordinary one, takes it from the role; promote then",
                    to.environment
                ),
            });
        };
        let there = observed.roles.get(role);
        if there.is_some_and(|role| role.attributes != RoleAttributes::MANAGED) {
            tell("has attributes of its own".to_owned());
        }
        for up in &observed.memberships {
            let declared = (up.role.clone(), up.member.clone());
            let is_up = up.member == *role && up.kind != MemberKind::User && !up.automatic;
            if is_up && !resolved.desired.memberships.contains_key(&declared) {
                tell(format!("is in {}", up.role));
            }
        }
    }
    closed
}
