//! A plan as text: role by role, what it gains and what it loses, and why.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::count;
use super::findings::one_line;
use crate::model::{
    Change, Ended, Ident, ObjectClass, PrivilegeSet, Reason, Scope, ServerIdentity, change,
};
use crate::plan::{Difference, Left, Limit, Step, Why};

/// The plan for people.
pub fn text(
    difference: &Difference,
    scope: &Scope,
    server: &ServerIdentity,
    limit: Option<&Limit>,
    style: &Style,
) -> String {
    let mut out = String::new();
    let database = server.database.as_ref().map(|name| format!(" database {name}"));
    let place =
        format!("{} on {}{}", scope.environment, server.dialect, database.unwrap_or_default());
    if difference.steps.is_empty() {
        let place = one_line(&place);
        let _ = match limit {
            None => writeln!(out, "{place} is in sync: nothing to change."),
            Some(limit) if means_nothing(limit) => writeln!(out, "{place}: {NOTHING_MEANT}."),
            Some(_) => writeln!(out, "{place}: nothing to change in what is meant."),
        };
    } else {
        let _ = writeln!(out, "Plan for {}", one_line(&place));
        for (role, steps) in by_role(&difference.steps) {
            let _ = writeln!(out, "\n{}", style.bold(&one_line(role.as_str())));
            for step in steps {
                let _ = writeln!(out, "{}", line(step, style));
            }
        }
        let _ = writeln!(out, "\n{}", summary(&difference.steps));
    }
    out.push_str(&adopted(difference));
    out.push_str(&left(&difference.left));
    out.push_str(&limit.map(|limit| limited(limit, difference.outside)).unwrap_or_default());
    out
}

/// What is said where a selection has selected nothing.
const NOTHING_MEANT: &str = "no node is meant, so nothing was compared";

fn means_nothing(limit: &Limit) -> bool {
    limit.nodes.is_empty() && !limit.gone
}

/// What an apply says that had nothing to do.
pub fn in_sync(limit: Option<&Limit>) -> String {
    match limit {
        Some(limit) if means_nothing(limit) => format!("Nothing to do: {NOTHING_MEANT}.\n"),
        Some(_) => "In sync in what is meant: nothing to change.\n".to_owned(),
        None => "In sync: nothing to change.\n".to_owned(),
    }
}

/// What decides about gates and has changed since the last receipt: the first that is seen.
pub fn gates(changed: &[String]) -> String {
    let lines = changed.iter().map(|line| format!("Gates changed {}\n", one_line(line)));
    let mut out: String = lines.collect();
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

/// How far a limited plan reaches, and how much it leaves.
pub fn limited(limit: &Limit, outside: usize) -> String {
    let gone = if limit.gone { " and those that are gone" } else { "" };
    let outside = match outside {
        0 => "nothing is left to change outside of them".to_owned(),
        1 => "1 change lies outside of them".to_owned(),
        n => format!("{n} changes lie outside of them"),
    };
    format!("\nLimited to the access of {}{gone}; {outside}.\n", count(limit.nodes.len(), "node"))
}

/// Who gains by the adoption of existing roles.
pub fn adopted(difference: &Difference) -> String {
    let mut out = String::new();
    if !difference.adopted_members.is_empty() {
        let _ = writeln!(out, "\nAdopted roles bring these members with them:");
        for (role, member) in &difference.adopted_members {
            let line = one_line(&format!("{member} in {role}"));
            let _ = writeln!(out, "  {line}");
        }
    }
    out
}

/// What is not as declared, and is left so.
pub fn left(left: &[Left]) -> String {
    let mut out = String::new();
    if !left.is_empty() {
        let _ = writeln!(out, "\nLeft as it is:");
        for Left { role, what, why } in left {
            let _ = writeln!(
                out,
                "  {}: {} ({})",
                one_line(role.as_str()),
                one_line(what),
                one_line(why)
            );
        }
    }
    out
}

/// Colours, or none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Style {
    /// With escape codes.
    pub colour: bool,
}

impl Style {
    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
    fn bold(self, text: &str) -> String {
        self.paint("1", text)
    }
}

fn by_role(steps: &[Step]) -> BTreeMap<&Ident, Vec<&Step>> {
    let mut by_role: BTreeMap<&Ident, Vec<&Step>> = BTreeMap::new();
    for step in steps {
        by_role.entry(step.change.role()).or_default().push(step);
    }
    by_role
}

fn line(step: &Step, style: &Style) -> String {
    let (sign, colour, what, why) = words(step);
    let text = format!("  {sign} {}", one_line(&what));
    let text = style.paint(colour, &text);
    if why.is_empty() { text } else { format!("{text}  {}", style.paint("2", &one_line(&why))) }
}

/// A step as its sign, its colour, what it does and why.
pub(super) fn words(step: &Step) -> (&'static str, &'static str, String, String) {
    let (sign, colour, what) = match &step.change {
        Change::CreateRole { .. } => ("+", "32", "new role".to_owned()),
        Change::AdoptRole { marker, .. } if marker.immutable => {
            ("+", "32", "existing role, marked immutable".to_owned())
        }
        Change::AdoptRole { marker, .. } if marker.adopted => (
            "+",
            "32",
            "existing role, adopted: what nobody declares stays until it is declared or --prune"
                .to_owned(),
        ),
        Change::AdoptRole { .. } => {
            ("+", "32", "existing role, adopted: all of it is managed from now on".to_owned())
        }
        Change::RenameRole { from, .. } => ("~", "33", format!("renamed from {from}")),
        Change::ResetAttributes { .. } => {
            ("-", "31", "attributes reset: no LOGIN, no power of its own".to_owned())
        }
        Change::Grant { on, privileges, .. } => {
            ("+", "32", format!("{privileges} on {} {on}", on.class()))
        }
        Change::AddMember { member, kind, .. } => {
            ("+", "32", format!("member {member} ({})", kind.as_str()))
        }
        Change::SetOwner { on, from, .. } => {
            ("~", "33", format!("owns {} {on}, until now {from}'s", on.class()))
        }
        Change::RevokeGrantOption { on, privileges, grantor, .. } => (
            "-",
            "31",
            format!("grant option for {privileges} on {} {on}, from {grantor}", on.class()),
        ),
        Change::Revoke { on, privileges, grantor, .. } => {
            let by = grantor.as_ref().map(|g| format!(", granted by {g}")).unwrap_or_default();
            ("-", "31", format!("{privileges} on {} {on}{by}", on.class()))
        }
        Change::GrantDefault { creator, database, schema, class, privileges, .. } => {
            ("+", "32", future(creator.as_ref(), database, schema.as_ref(), *class, privileges))
        }
        Change::SetRoleOwner { from, to, .. } => {
            let from =
                from.as_ref().map(|from| format!(", until now {from}'s")).unwrap_or_default();
            ("~", "33", format!("the role itself is owned by {to}{from}"))
        }
        Change::RevokeDefault { creator, database, schema, class, privileges, .. } => {
            ("-", "31", future(creator.as_ref(), database, schema.as_ref(), *class, privileges))
        }
        Change::RevokeAdminOption { member, grantor, .. } => {
            ("-", "31", format!("{member} may no longer let others in (from {grantor})"))
        }
        Change::RemoveMember { member, grantor, .. } => {
            let by = grantor.as_ref().map(|g| format!(", let in by {g}")).unwrap_or_default();
            ("-", "31", format!("member {member}{by}"))
        }
        Change::DropRole { .. } => ("-", "31", "role dropped".to_owned()),
    };
    (sign, colour, what, why(&step.why))
}

/// What a grant on objects that are not there yet is, in words.
fn future(
    creator: Option<&Ident>,
    database: &Ident,
    schema: Option<&Ident>,
    class: ObjectClass,
    privileges: &PrivilegeSet,
) -> String {
    format!("{privileges} on {}", change::future(creator, database, schema, class))
}

fn why(why: &Why) -> String {
    match why {
        Why::Configured => String::new(),
        Why::Undeclared => "# nobody declares it".to_owned(),
        Why::Ended(Ended { entry, until }) => {
            let entry = reason(entry);
            format!("# {entry}, ended: until {until}")
        }
        Why::RoleGone => "# the role is no longer declared".to_owned(),
        Why::Declared(reasons) => {
            let more = reasons.len().saturating_sub(1);
            let first = reasons.first().map(reason).unwrap_or_default();
            match more {
                0 if first.is_empty() => String::new(),
                0 => format!("# {first}"),
                more => format!("# {first} and {more} more"),
            }
        }
    }
}

/// A reason's permission and place.
pub(super) fn reason(reason: &Reason) -> String {
    let Reason { node, file, line, permission } = reason;
    let place = match (file, line) {
        (Some(file), Some(line)) => Some(format!("{file}:{line}")),
        (Some(file), None) => Some(file.clone()),
        _ => node.clone(),
    };
    [permission.clone(), place].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// `12 to add, 3 to take away: …`.
pub fn summary(steps: &[Step]) -> String {
    let mut counts: BTreeMap<(bool, u8, &str), usize> = BTreeMap::new();
    for step in steps {
        let (order, what, n) = match &step.change {
            Change::CreateRole { .. } => (0, "role", 1),
            Change::AdoptRole { .. } => (1, "adopted role", 1),
            Change::RenameRole { .. } => (2, "rename", 1),
            Change::Grant { privileges, .. } | Change::GrantDefault { privileges, .. } => {
                (3, "grant", privileges.len())
            }
            Change::AddMember { .. } => (4, "member", 1),
            Change::SetOwner { .. } | Change::SetRoleOwner { .. } => (5, "ownership", 1),
            Change::Revoke { privileges, .. } | Change::RevokeDefault { privileges, .. } => {
                (6, "grant", privileges.len())
            }
            Change::RevokeGrantOption { .. } | Change::RevokeAdminOption { .. } => (7, "option", 1),
            Change::RemoveMember { .. } => (8, "member", 1),
            Change::ResetAttributes { .. } => (9, "set of attributes", 1),
            Change::DropRole { .. } => (10, "role", 1),
        };
        *counts.entry((step.change.takes_away(), order, what)).or_default() += n;
    }
    let side = |takes: bool| {
        let parts: Vec<String> = counts
            .iter()
            .filter(|((t, _, _), _)| *t == takes)
            .map(|((_, _, what), n)| count(*n, what))
            .collect();
        if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
    };
    format!("To add: {}. To take away: {}.", side(false), side(true))
}
