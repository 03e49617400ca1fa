//! Who there is: every role of the warehouse, in the order of the page.

use super::environment::Seen;
use super::models::Listed;
use crate::model::{DialectKind, Ident, MarkerReading, MemberKind};

/// A role of the warehouse, as the page tells of it.
pub struct Actor<'a> {
    /// Its name there.
    pub name: &'a Ident,
    /// As in [`Actors::kind`](super::data::Actors::kind).
    pub kind: &'static str,
    /// A place in the products, or -1.
    pub product: i32,
    /// The product role, or whose it is.
    pub role: String,
}

/// Managed roles by product, then other roles and groups, then people, then the server's own.
pub fn actors<'a>(seen: &Seen<'a>, listed: &Listed) -> Vec<Actor<'a>> {
    let desired = &seen.resolved.desired;
    let own = |name: &Ident| {
        seen.state.dialect == DialectKind::Postgres && name.as_str().starts_with("pg_")
    };
    let mut groups: Vec<&Ident> = desired
        .memberships
        .iter()
        .filter(|(_, membership)| membership.kind == MemberKind::Group)
        .map(|((_, member), _)| member)
        .collect();
    groups.sort_unstable();
    let lead_on =
        |name: &Ident| seen.state.memberships.iter().any(|it| it.role == *name && !own(&it.member));
    let mut order: Vec<((usize, i32), Actor<'a>)> = Vec::new();
    for (name, role) in &seen.state.roles {
        let marker = match &role.marker {
            MarkerReading::Marker(marker) => Some(marker),
            MarkerReading::None | MarkerReading::Unreadable(_) => None,
        };
        let ours = desired.roles.get(name).map(|role| &role.marker);
        let (place, kind, product, text) = match (ours, marker) {
            // Neither a product's nor a policy's.
            (Some(marker), _) if marker.product.is_empty() && marker.policy.is_none() => {
                (2, "playbook", -1, marker.whose())
            }
            (Some(marker), _) if marker.policy.is_some() => {
                let product = listed.product.get(&marker.product).copied().unwrap_or(-1);
                (1, "policy", product, marker.whose())
            }
            (Some(marker), _) => {
                let product = listed.product.get(&marker.product).copied().unwrap_or(-1);
                (0, "product", product, marker.role.clone())
            }
            (None, Some(marker)) => {
                let text =
                    format!("{} ({}, {})", marker.whose(), marker.deployment, marker.environment);
                (3, "role", -1, text)
            }
            (None, None) if own(name) && !lead_on(name) => continue,
            (None, None) if own(name) => (6, "server", -1, String::new()),
            (None, None) if groups.binary_search(&name).is_ok() => (4, "group", -1, String::new()),
            (None, None) if role.attributes.login => (5, "person", -1, String::new()),
            (None, None) => (3, "role", -1, String::new()),
        };
        // A policy's role for a product stands with that product.
        let group = if product >= 0 { (0, product) } else { (place, -1) };
        order.push((group, Actor { name, kind, product, role: text }));
    }
    order.sort_by(|(a, one), (b, other)| {
        (a, &one.role, one.name).cmp(&(b, &other.role, other.name))
    });
    order.into_iter().map(|(_, actor)| actor).collect()
}
