//! Chains and answers in words.

use std::collections::BTreeMap;

use super::{May, Told, ToldThrough, places, set_role};
use crate::effect::{Kinship, Lack, Step};
use crate::model::{DialectKind, Ident, ObjectClass, Privilege, Securable};
use crate::report::findings::one_line;

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
        Step::Child { child, parent, partition, on, privilege } => {
            let is = if *partition { "is a partition of" } else { "inherits from" };
            let class = child.class();
            format!("the {class} {child} {is} {parent}: {}", reaches_part(*privilege, on, parent))
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

/// What a privilege on a relation does to the rows of what its descendants inherit from.
fn reaches_part(privilege: Privilege, on: &Securable, parent: &Securable) -> String {
    let part = format!("a part of the rows of {parent}");
    let does = match privilege {
        Privilege::SELECT => "reads",
        Privilege::INSERT => return format!("{privilege} on {on} adds rows to {parent}"),
        Privilege::UPDATE => "changes",
        Privilege::DELETE | Privilege::TRUNCATE => "deletes",
        Privilege::OWNERSHIP => return format!("whoever owns {on} can do that with {part}"),
        _ => "reaches",
    };
    format!("{privilege} on {on} {does} {part}")
}

/// What is said of row security where rows are reached through another relation.
pub const OTHERS_POLICIES: &str = "; through another relation, those of that one do";

/// What the rows of a relation are to another, whose name comes after it.
pub fn rows_in_common(kinship: Kinship) -> &'static str {
    match kinship {
        Kinship::Parent => "which has all rows of",
        Kinship::Partition => "a partition of",
        Kinship::Child => "which inherits from",
        Kinship::Beside => "which has rows in common with",
    }
}

/// By which relation or column, and which rows, in words.
fn by_what(kinship: Option<Kinship>, on: &Securable, alike: usize) -> String {
    let more = match alike {
        0 => String::new(),
        n => format!(" and {n} more like it"),
    };
    let Some(kinship) = kinship else { return format!("a part of its columns, by {on}") };
    let what = match on.class() {
        ObjectClass::Column => format!("the column {on}{more}"),
        _ => format!("{on}{more}"),
    };
    match kinship {
        Kinship::Parent => format!("through {what}"),
        Kinship::Partition if on.class() == ObjectClass::Column => {
            format!("a part of its rows, through {what} of a partition")
        }
        Kinship::Partition => format!("a part of its rows, through its partition {what}"),
        Kinship::Child => format!("a part of its rows, through {what}, which inherits from it"),
        Kinship::Beside => {
            format!("a part of its rows, through {what}, which has rows in common with it")
        }
    }
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
    let ToldThrough { on, kinship, alike, as_owner, by_set_role, lacks, chain, .. } = through;
    let dialect = chain.first().map_or(DialectKind::Postgres, |step| step.dialect);
    let mut words = match (as_owner, kinship) {
        (false, _) => by_what(*kinship, on, *alike),
        (true, None) => "not held, but its owner can grant it to itself".to_owned(),
        (true, Some(_)) => {
            format!(
                "{}: not held, but its owner can grant it to itself",
                by_what(*kinship, on, *alike)
            )
        }
    };
    if *by_set_role {
        words.push_str(&format!(", after {}", set_role(dialect)));
    } else if !lacks.is_empty() {
        let lacks: Vec<String> = lacks.iter().map(lack).collect();
        words = format!("no use {words}: {}", lacks.join("; "));
    }
    words
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
