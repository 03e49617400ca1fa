//! The owners' files: who is in which product role of one product.

use std::collections::BTreeMap;

use super::names::check_fit;
use super::owners::Claim;
use super::playbook;
use super::raw::{RawEntry, RawMembers};
use super::reader::{Reader, belongs, printable, suggest};
use super::template::within;
use super::tree::Node;
use super::valid::unknown_environment;
use super::{Config, Located, Member, MemberEntry, until};
use crate::directory::{Rule, RuleError};
use crate::model::{Diagnostic, Diagnostics, MemberKind, Place};

/// Reads one product's file, checks it against the platform's files and adds it to `config`.
pub(super) fn add(config: &mut Config, product: &str, reader: &mut Reader<'_>, root: &Node) {
    let of_playbooks = product == playbook::MEMBERS;
    let known_product = of_playbooks || config.products.contains_key(product);
    if !known_product {
        reader.diagnostics.push(
            Diagnostic::error(
                "unknown-product",
                format!(
                    "this file is for the product `{}`, which is not declared",
                    printable(product)
                ),
            )
            .with_help(suggest(
                product,
                config.products.keys().map(String::as_str),
                "declare it under `products` in rolecall.yml, or rename the file",
            ))
            .with_place(reader.source.whole()),
        );
    }
    let raw = RawMembers::read(reader, root, |role, diagnostics| match of_playbooks {
        true => is_playbook_role(config, role, diagnostics),
        false => !known_product || is_role(config, product, role, diagnostics),
    });
    let diagnostics = &mut *reader.diagnostics;
    let mut roles: BTreeMap<String, Vec<MemberEntry>> = BTreeMap::new();
    for (role, entries) in raw.0 {
        let mut members: Vec<MemberEntry> = Vec::with_capacity(entries.len());
        let mut seen: BTreeMap<(u8, String), Vec<usize>> = BTreeMap::new();
        for (place, entry) in entries {
            let Some(entry) = read(config, place, entry, diagnostics) else { continue };
            if let Member::Named { kind, name } = &entry.member {
                let key = (u8::from(*kind == MemberKind::Group), name.clone());
                let before = seen.entry(key).or_default();
                let double = before.iter().map(|at| &members[*at]).find(|old| overlap(old, &entry));
                if let Some(first) = double {
                    diagnostics.push(
                        Diagnostic::warning(
                            "said-twice",
                            format!(
                                "`{}` is in `{}` twice",
                                printable(name),
                                printable(&role.value)
                            ),
                        )
                        .with_help("any entry admits, the one that ends last included: keep one")
                        .with_place(entry.place.clone())
                        .with_also(first.place.clone(), "first said here"),
                    );
                }
                before.push(members.len());
            }
            members.push(entry);
        }
        roles.insert(role.value, members);
    }
    config.members.insert(product.to_owned(), roles);
}

fn is_playbook_role(
    config: &Config,
    role: &Located<String>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let name = role.value.as_str();
    // Where other files were not read, as for a revision of git, what is in them is not known.
    let unread = !config.playbooks.paths.is_empty() && config.playbooks.files.is_empty();
    if unread || config.playbooks.role(name).is_some() {
        return true;
    }
    let message = format!("there is no playbook role `{}`", printable(name));
    let known: Vec<&str> = config.playbooks.roles.iter().map(|role| role.id.as_str()).collect();
    let help = suggest(name, known, "define it under `roles` in rolecall.yml");
    diagnostics.push(
        Diagnostic::error("unknown-playbook-role", message)
            .with_help(format!("{help}; members are named by a role's key, not by its `name`"))
            .with_place(role.place.clone()),
    );
    false
}

fn is_role(
    config: &Config,
    product: &str,
    role: &Located<String>,
    diagnostics: &mut Diagnostics,
) -> bool {
    let own = config.products.get(product).map(|product| &product.product_roles);
    let name = role.value.as_str();
    if config.product_roles.contains_key(name) || own.is_some_and(|own| own.contains_key(name)) {
        return true;
    }
    let known: Vec<&str> = config
        .product_roles
        .keys()
        .chain(own.into_iter().flat_map(BTreeMap::keys))
        .map(String::as_str)
        .collect();
    let diagnostic = match belongs(name) {
        Some(belongs) if !name.starts_with("member") => {
            Diagnostic::error("misplaced-key", format!("`{name}` may not stand in a members file"))
                .with_help(belongs)
        }
        _ => Diagnostic::error(
            "unknown-product-role",
            format!(
                "the product `{}` has no product role `{}`",
                printable(product),
                printable(name)
            ),
        )
        .with_help(suggest(
            name,
            known,
            "declare it under `product_roles` in rolecall.yml",
        )),
    };
    diagnostics.push(diagnostic.with_place(role.place.clone()));
    false
}

/// Whether two entries hold in one environment.
fn overlap(a: &MemberEntry, b: &MemberEntry) -> bool {
    a.environments.is_empty()
        || b.environments.is_empty()
        || a.environments
            .iter()
            .any(|one| b.environments.iter().any(|other| one.value == other.value))
}

/// A rule, or what is wrong with it.
pub(super) fn parse_rule(written: &Located<String>, diagnostics: &mut Diagnostics) -> Option<Rule> {
    match Rule::parse(&written.value) {
        Ok(rule) => Some(rule),
        Err(RuleError { message, help, at }) => {
            let near = written.value.get(at).unwrap_or_default();
            diagnostics.push(
                Diagnostic::error("invalid-rule", message)
                    .with_help(help)
                    .with_place(within(written, near)),
            );
            None
        }
    }
}

fn read(
    config: &Config,
    place: Place,
    raw: RawEntry,
    diagnostics: &mut Diagnostics,
) -> Option<MemberEntry> {
    let RawEntry {
        user,
        group,
        rule,
        until,
        reason,
        environments,
        approved_by,
        approved_at,
        request,
    } = raw;
    let claim = Claim { user: user.as_ref(), by: approved_by, at: approved_at, request };
    let approval = claim.check(config, diagnostics);
    for environment in environments.iter().flatten() {
        if !config.environments.contains_key(&environment.value) {
            diagnostics.push(unknown_environment(environment, &config.environments));
        }
    }
    if environments.as_ref().is_some_and(Vec::is_empty) {
        diagnostics.push(
            Diagnostic::error("invalid-member", "`environments` names no environment")
                .with_help("leave `environments` out where the entry holds in all")
                .with_place(place.clone()),
        );
    }
    if let Some(until) = &until
        && let Err(why) = until::read(&until.value)
    {
        diagnostics.push(
            Diagnostic::error(
                "invalid-until",
                format!("`until` is `{}`: {why}", printable(&until.value)),
            )
            .with_help("write the last day, 2027-01-31 (in UTC), or a moment, 2027-01-31T18:00:00Z")
            .with_place(until.place.clone()),
        );
    }
    let named = |kind, name: Located<String>| (kind, name);
    let member = match (user, group, rule) {
        (Some(user), None, None) => Some(named(MemberKind::User, user)),
        (None, Some(group), None) => Some(named(MemberKind::Group, group)),
        (None, None, Some(written)) => {
            let member = Member::Rule(parse_rule(&written, diagnostics)?);
            let environments = environments.unwrap_or_default();
            let reason = reason.map(|reason| reason.value);
            return Some(MemberEntry { place, member, environments, until, reason, approval });
        }
        (None, None, None) => {
            diagnostics.push(
                Diagnostic::error("invalid-member", "the entry names nobody")
                    .with_help("write one of `user`, `group` and `rule`")
                    .with_place(place.clone()),
            );
            None
        }
        _ => {
            diagnostics.push(
                Diagnostic::error(
                    "invalid-member",
                    "the entry names more than one of `user`, `group` and `rule`",
                )
                .with_help("write one entry for each")
                .with_place(place.clone()),
            );
            None
        }
    };
    let (kind, name) = member?;
    if let Some(diagnostic) = check_fit("the member", &name) {
        diagnostics.push(diagnostic);
        return None;
    }
    Some(MemberEntry {
        place,
        member: Member::Named { kind, name: name.value },
        environments: environments.unwrap_or_default(),
        until,
        reason: reason.map(|reason| reason.value),
        approval,
    })
}
