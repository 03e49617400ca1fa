//! What dbt itself grants by `config.grants`: known, never revoked as a stranger's, and held to
//! `may` where it names a managed role.

use std::collections::BTreeMap;

use super::Inputs;
use super::grants::bounds;
use super::nodes::relation_of;
use super::policies::Gates;
use super::roles::{RoleHere, RolesHere};
use crate::dbt::{Node, is_public, plain_grantee};
use crate::model::{
    DesiredState, Diagnostic, Diagnostics, DialectKind, Ident, Place, Privilege, PrivilegeSet,
    Securable,
};

/// Of every node, of other packages too: dbt grants there as well.
pub(super) fn know_dbt_grants(
    inputs: &Inputs,
    roles: &RolesHere,
    gates: &Gates,
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) {
    let by_name: BTreeMap<&Ident, &RoleHere> =
        roles.values().flat_map(|roles| roles.values()).map(|role| (&role.name, role)).collect();
    for node in inputs.manifest.nodes.values().filter(|node| !node.grants.is_empty()) {
        if inputs.declarations.get(&node.unique_id).is_some_and(|d| !d.grants.is_empty()) {
            found.push(fight(inputs, node, desired));
        }
        let Some(on) = relation_of(inputs, node) else { continue };
        let required = on.relation_key().map(|key| gates.on(&key)).unwrap_or_default();
        if !required.is_empty() {
            found.push(round(node, &required.into_iter().collect::<Vec<_>>().join(", ")));
            continue;
        }
        for (words, grantees) in &node.grants {
            for grantee in grantees.iter().flat_map(|grantees| grantees.split(',')) {
                match named(inputs, &by_name, grantee) {
                    Some(role) => know(inputs, node, &on, words, role, desired, found),
                    None => others(inputs, (node, &on), (words, grantee), desired),
                }
            }
        }
    }
}

/// Whatever dbt grants is granted to whole roles: nobody asks who of them is admitted.
fn round(node: &Node, policies: &str) -> Diagnostic {
    let message = format!(
        "dbt's own `grants` on {} go round the policy {policies}, which is always required there",
        node.unique_id
    );
    placed(node, Diagnostic::error("round-policy", message))
        .with_help("take it out of `grants`, and say it in `meta.rolecall` or in a policy")
}

/// dbt revokes what it does not know, after the model's hooks; it writes names as they are.
fn fight(inputs: &Inputs, node: &Node, desired: &DesiredState) -> Diagnostic {
    let mut message = format!(
        "{} has dbt's own `grants` as well: each dbt run revokes ours there where it does not rebuild the relation",
        node.unique_id
    );
    let on = relation_of(inputs, node);
    let ours = desired.grants.keys().filter(|(of, _)| Some(of) == on.as_ref());
    let mut quoted = ours.map(|(_, role)| role).filter(|role| !stands_bare(inputs, role));
    if let Some(role) = quoted.next() {
        message += &format!(", and fails there: its REVOKE does not quote the name {role}");
    }
    placed(node, Diagnostic::warning("dbt-grants", message)).with_help(
        "say it once: move those grants into `meta.rolecall`; until then, the hook `apply_access` grants ours again at the end of the run",
    )
}

/// Without quotes, SQL takes it for the same name.
fn stands_bare(inputs: &Inputs, role: &Ident) -> bool {
    let text = role.as_str();
    !text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && inputs.dialect.fold(text).as_ref() == Ok(role)
}

/// The managed role that a grantee names. dbt writes it into SQL as it stands, so whatever follows
/// the name, such as WITH GRANT OPTION, is SQL too.
fn named<'r, 'a>(
    inputs: &Inputs,
    by_name: &BTreeMap<&Ident, &'r RoleHere<'a>>,
    grantee: &str,
) -> Option<&'r RoleHere<'a>> {
    let whole = grantee.trim();
    let first = whole.split_ascii_whitespace().next().unwrap_or_default();
    let find =
        |written: &str| inputs.dialect.fold(written).ok().and_then(|n| by_name.get(&n).copied());
    let bare = crate::dbt::bare_grantee(whole);
    let word = bare.split_ascii_whitespace().next().unwrap_or_default();
    find(whole).or_else(|| find(bare)).or_else(|| find(word)).or_else(|| find(first))
}

fn know(
    inputs: &Inputs,
    node: &Node,
    on: &Securable,
    words: &str,
    role: &RoleHere,
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) {
    let (_, here) = bounds(inputs, role.declared, on.class());
    let given = privileges(inputs, words, on);
    // What cannot be read cannot be held to `may`.
    let within = given.filter(|given| here.privileges.contains_all(*given));
    let Some(given) = within else {
        found.push(
            placed(
                node,
                Diagnostic::error(
                    "beyond-may",
                    format!(
                        "dbt's own `grants` give {} `{words}` on {}, which is beyond its `may` in {}",
                        role.name, node.unique_id, inputs.environment.name
                    ),
                ),
            )
            .with_also(role.declared.place.clone(), "the role's `may` stands here")
            .with_help("take it out of `grants`: what a managed role may do is bounded wherever it is said"),
        );
        return;
    };
    let known = desired.known.entry((on.clone(), role.name.clone())).or_default();
    *known = known.union(given);
}

/// What somebody gets whom nobody manages here.
fn others(
    inputs: &Inputs,
    (node, on): (&Node, &Securable),
    (words, grantee): (&str, &str),
    desired: &mut DesiredState,
) {
    if grantee.trim().is_empty() {
        return;
    }
    let named = plain_grantee(grantee);
    let everybody = named.is_some_and(|name| is_public(inputs.dialect, name));
    let to = match inputs.dialect.kind() {
        DialectKind::Postgres if everybody => Some(None),
        _ => named.and_then(|name| dotted(inputs, name)).map(Some),
    };
    let all = inputs.dialect.privileges_of(on.class());
    let given = privileges(inputs, words, on).map(|given| given.intersection(all));
    match (to, given) {
        (Some(to), Some(given)) => {
            let known = desired.by_dbt.entry((on.clone(), to)).or_default();
            *known = known.union(given);
        }
        _ => {
            let what = format!("{} ({words:?} to {grantee:?})", node.unique_id);
            desired.unread_of_dbt.insert(what);
        }
    }
}

/// A name as the warehouse folds it; of a database role, both parts.
fn dotted(inputs: &Inputs, name: &str) -> Option<Ident> {
    if name.starts_with('"') {
        return inputs.dialect.fold(name).ok();
    }
    let parts: Result<Vec<Ident>, _> = name.split('.').map(|it| inputs.dialect.fold(it)).collect();
    let parts = parts.ok()?;
    let parts: Vec<&str> = parts.iter().map(Ident::as_str).collect();
    Ident::new(parts.join(".")).ok()
}

/// The privileges that a key of `grants` names: one, several with commas, or ALL.
fn privileges(inputs: &Inputs, words: &str, on: &Securable) -> Option<PrivilegeSet> {
    let all = inputs.dialect.privileges_of(on.class());
    let mut given = PrivilegeSet::EMPTY;
    for word in words.split(',').map(str::trim) {
        let first = word.split_ascii_whitespace().next().unwrap_or_default();
        if first.eq_ignore_ascii_case("all") {
            return Some(all);
        }
        given.insert(Privilege::parse(word)?);
    }
    Some(given)
}

fn placed(node: &Node, diagnostic: Diagnostic) -> Diagnostic {
    let file = node.patch_path.as_deref().unwrap_or(&node.original_file_path);
    diagnostic
        .with_node(&node.unique_id)
        .with_path(node.json_path("config.grants"))
        .with_place(Place::file(file))
}
