//! Memberships that would close a circle, which servers refuse (PostgreSQL with SQLSTATE 0LP01): found
//! with all that is there already, whoever made it.

use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, NewNames, Refusal, Sides, Why, new_name, reason_place};
use crate::dialect;
use crate::model::{
    Change, Diagnostic, DialectKind, Ident, MemberKind, ObservedMembership, Reason,
};

/// One step of the way: the member is in the role.
#[derive(Clone, Copy)]
struct Edge<'a> {
    role: &'a Ident,
    from: From<'a>,
}

#[derive(Clone, Copy)]
enum From<'a> {
    /// This plan lets it in.
    Plan(Option<&'a Reason>),
    /// It is there, and stays.
    There(&'a ObservedMembership),
    /// It is there, between roles that are none of ours.
    Around,
    /// It is there, and this plan ends it.
    Ends,
}

/// Member → what it is in.
type Ways<'a> = BTreeMap<&'a Ident, Vec<Edge<'a>>>;

/// Circles are errors. One that holds only until this plan has ended a step of it is none: what closes it
/// is answered, and made after what takes away.
pub(super) fn circles(sides: &Sides, names: &NewNames, out: &mut Difference) -> BTreeSet<Change> {
    let ways = ways(sides, names, out);
    let (mut late, mut found, mut refused) = (BTreeSet::new(), Vec::new(), Vec::new());
    let mut told: BTreeSet<(Ident, Ident)> = BTreeSet::new();
    for step in &out.steps {
        let Change::AddMember { role, member, kind } = &step.change else { continue };
        if !is_role(sides, *kind) || told.contains(&(role.clone(), member.clone())) {
            continue;
        }
        let lasting = |edge: &Edge| !matches!(edge.from, From::Ends);
        if let Some(way) = way(&ways, role, member, lasting) {
            let because = match &step.why {
                Why::Declared(because) => because.first(),
                _ => None,
            };
            let first = (member, Edge { role, from: From::Plan(because) });
            let chain: Vec<(&Ident, Edge)> = std::iter::once(first).chain(way).collect();
            told.extend(chain.iter().map(|(member, edge)| (edge.role.clone(), (*member).clone())));
            found.push(circle(sides, &chain, because));
        } else if let Some(way) = way(&ways, role, member, |_| true) {
            late.insert(step.change.clone());
            refused.push(gap(role, member, &way));
        }
    }
    out.found.extend(found);
    // A transaction hides the time in between.
    if sides.observed.server.dialect == DialectKind::Snowflake && !sides.options.allow_gap {
        out.refused.extend(refused);
    }
    late
}

/// Users of Snowflake are no roles.
fn is_role(sides: &Sides, kind: MemberKind) -> bool {
    kind != MemberKind::User || sides.observed.server.dialect == DialectKind::Postgres
}

fn ways<'a>(sides: &'a Sides, names: &'a NewNames, out: &'a Difference) -> Ways<'a> {
    let mut ways = Ways::new();
    let mut ends: BTreeSet<(&Ident, &Ident, Option<&Ident>)> = BTreeSet::new();
    for step in &out.steps {
        match &step.change {
            Change::AddMember { role, member, kind } if is_role(sides, *kind) => {
                let because = match &step.why {
                    Why::Declared(because) => because.first(),
                    _ => None,
                };
                let edge = Edge { role, from: From::Plan(because) };
                ways.entry(member).or_default().push(edge);
            }
            Change::RemoveMember { role, member, grantor, .. } => {
                ends.insert((role, member, grantor.as_ref()));
            }
            _ => {}
        }
    }
    for seen in sides.observed.memberships.iter().filter(|seen| seen.kind != MemberKind::User) {
        let role = new_name(names, &seen.role);
        let member = new_name(names, &seen.member);
        let grantor = new_name(names, &seen.grantor);
        let from = match ends.contains(&(role, member, Some(grantor))) {
            true => From::Ends,
            false => From::There(seen),
        };
        ways.entry(member).or_default().push(Edge { role, from });
    }
    for (role, member) in &sides.observed.around {
        ways.entry(member).or_default().push(Edge { role, from: From::Around });
    }
    ways
}

/// The shortest way from one role into another: each step with who is in what.
fn way<'a>(
    ways: &Ways<'a>,
    from: &'a Ident,
    to: &Ident,
    takes: impl Fn(&Edge) -> bool,
) -> Option<Vec<(&'a Ident, Edge<'a>)>> {
    let mut came: BTreeMap<&Ident, (&'a Ident, Edge<'a>)> = BTreeMap::new();
    let mut todo = std::collections::VecDeque::from([from]);
    while let Some(at) = todo.pop_front() {
        if at == to {
            break;
        }
        for edge in ways.get(at).into_iter().flatten().filter(|edge| takes(edge)) {
            if edge.role != from && !came.contains_key(edge.role) {
                came.insert(edge.role, (at, *edge));
                todo.push_back(edge.role);
            }
        }
    }
    let mut way = Vec::new();
    let mut at = to;
    while at != from {
        let (before, edge) = came.get(at)?;
        way.push((*before, *edge));
        at = before;
    }
    way.reverse();
    Some(way)
}

fn circle(sides: &Sides, chain: &[(&Ident, Edge)], because: Option<&Reason>) -> Diagnostic {
    let steps: Vec<String> = chain
        .iter()
        .map(|(member, Edge { role, from })| {
            let how = match from {
                From::Plan(Some(because)) => super::at(because),
                From::Plan(None) | From::Ends => "by this plan".to_owned(),
                From::There(seen) => {
                    format!("in the warehouse already, granted by {}", seen.grantor)
                }
                From::Around => "in the warehouse already".to_owned(),
            };
            format!("{member} is in {role} ({how})")
        })
        .collect();
    let by_hand = chain.iter().find_map(|(member, edge)| match edge.from {
        From::There(_) | From::Around => revoke(sides, edge.role, member),
        _ => None,
    });
    let help = match by_hand {
        Some(sql) => {
            format!("take out the line that declares a step of it, or end what is there: {sql}")
        }
        None => "take one of these out: each would have all that the others have".to_owned(),
    };
    let mut error = Diagnostic::error(
        "membership-circle",
        format!("these roles would be in each other: {}", steps.join(", ")),
    )
    .with_help(help);
    error.place = because.and_then(reason_place);
    error
}

/// The statement that ends a membership, as somebody would write it who looks at it.
fn revoke(sides: &Sides, role: &Ident, member: &Ident) -> Option<String> {
    let kind = sides.observed.server.dialect;
    let ends = Change::RemoveMember {
        role: role.clone(),
        member: member.clone(),
        kind: MemberKind::Role,
        grantor: None,
    };
    let target = (&sides.observed.server).into();
    let sql = dialect::of(kind).statements(&[ends], &target).ok()?;
    Some(format!("{};", sql.first()?.sql))
}

fn gap(role: &Ident, member: &Ident, way: &[(&Ident, Edge)]) -> Refusal {
    let message = match way {
        [_] => format!(
            "{role} is a member of {member}, and it is to be the other way round: the one can only begin after the other has ended"
        ),
        _ => format!(
            "{role} is in {member} by other roles until this plan ends that, and {member} is to be in {role}: the one can only begin after the other has ended"
        ),
    };
    Refusal {
        code: "access-gap",
        message,
        help: "--allow-gap lets access be missing for that moment".to_owned(),
    }
}
