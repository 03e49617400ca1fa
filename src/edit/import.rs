//! Members whom a warehouse has and no file declares, as entries.

use super::{Entry, EntryKind};
use crate::apply::Compared;
use crate::model::{Change, Ident, MarkerReading, MemberKind};
use crate::plan::Why;
use crate::project::Project;

/// Somebody who is in a declared role by nobody's file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undeclared {
    /// The product.
    pub product: String,
    /// The product role.
    pub role: String,
    /// The role's name in the warehouse.
    pub warehouse_role: Ident,
    /// The member's name there.
    pub member: Ident,
    /// As an entry; or why there is none.
    pub entry: Result<Entry, String>,
}

/// Who is in a declared role by nobody's file, by product and role. An entry is for this environment
/// alone: that somebody was let in here says nothing of others.
pub fn undeclared(project: &Project, compared: &Compared) -> Vec<Undeclared> {
    let desired = &compared.resolved.desired;
    let mut found: Vec<Undeclared> = Vec::new();
    for step in &compared.difference.steps {
        let Change::RemoveMember { role, member, kind, grantor } = &step.change else { continue };
        let Some(declared) = desired.roles.get(role) else { continue };
        let again = desired.memberships.contains_key(&(role.clone(), member.clone()));
        if again || found.iter().any(|one| (&one.warehouse_role, &one.member) == (role, member)) {
            continue;
        }
        let marker = &declared.marker;
        let entry = match &step.why {
            _ if marker.policy.is_some() => Err(format!(
                "it is in the role of {}, which the platform's files fill: name them among its actors",
                marker.whose()
            )),
            Why::Ended(ended) => Err(format!(
                "the entry at {} has ended (until {}): write a later day there",
                ended.place(),
                ended.until
            )),
            _ => entry(project, compared, member, *kind, grantor.as_ref()),
        };
        found.push(Undeclared {
            product: marker.product.clone(),
            role: marker.role.clone(),
            warehouse_role: role.clone(),
            member: member.clone(),
            entry,
        });
    }
    found.sort_by(|a, b| (&a.product, &a.role, &a.member).cmp(&(&b.product, &b.role, &b.member)));
    found
}

fn entry(
    project: &Project,
    compared: &Compared,
    member: &Ident,
    kind: MemberKind,
    grantor: Option<&Ident>,
) -> Result<Entry, String> {
    let observed = &compared.observed;
    let as_role = observed.roles.get(member).filter(|_| kind != MemberKind::User);
    if as_role.is_some_and(|role| !matches!(role.marker, MarkerReading::None)) {
        return Err("it is a managed role, and members are people and groups".to_owned());
    }
    // On PostgreSQL users and groups are one; whoever may log in is taken for a person.
    let is_user = kind == MemberKind::User || as_role.is_some_and(|role| role.attributes.login);
    let kind = if is_user { EntryKind::User } else { EntryKind::Group };
    let who = written(project, member, is_user)
        .ok_or("no name in a members file would become it by the environment's template")?;
    let by = grantor.map_or_else(|| "somebody".to_owned(), ToString::to_string);
    let environment = project.environment.clone();
    let reason = format!("imported from {environment}, granted by {by}");
    let plain: String = reason.chars().filter(|c| !c.is_control()).collect();
    let environments = vec![environment];
    Ok(Entry { kind, who, until: None, reason: Some(plain), environments, approval: None })
}

/// The name that the environment's template and the dialect make into this one.
pub(crate) fn written(project: &Project, member: &Ident, is_user: bool) -> Option<String> {
    const MARK: &str = "rolecallmark";
    let becomes = |name: &str| project.member_name(name, is_user);
    // Where the mark ends up shows what the template puts around a name.
    let sample = becomes(MARK)?;
    let sample = sample.as_str();
    let at = sample.to_lowercase().find(MARK)?;
    let (before, after) = (sample.get(..at)?, sample.get(at + MARK.len()..)?);
    let inner = member.as_str().strip_prefix(before)?.strip_suffix(after)?;
    let exact = format!("\"{}\"", inner.replace('"', "\"\""));
    [inner.to_owned(), exact].into_iter().find(|name| {
        crate::config::unfit(name).is_none() && becomes(name).is_some_and(|made| made == *member)
    })
}
