//! What the new files give, against what the old ones gave.

use std::collections::{BTreeMap, BTreeSet};

use super::{Todo, Work};
use crate::config;
use crate::dbt::KEY;
use crate::declare::{self, ProjectSources, Raito};
use crate::model::{DesiredState, Ident, Marker, PrivilegeSet, Securable};
use crate::project::Project;

/// What the new files must come to.
pub(super) enum Wanted {
    /// What the project gave before, by its own configuration.
    AsBefore,
    /// That, and these grants of dbt's: to the grantee itself, or to a role that it is a member of.
    AndGrants(BTreeMap<(Securable, Ident), PrivilegeSet>),
}

/// Resolves both and compares; a difference is something to do by hand.
pub(super) fn check(project: &Project, sources: &ProjectSources, work: &mut Work, wanted: &Wanted) {
    let texts = sources.texts().map(|(path, text)| {
        (path.to_owned(), work.after.get(path).cloned().unwrap_or_else(|| text.to_owned()))
    });
    let new_sources = ProjectSources::from_texts(texts.collect::<Vec<_>>());
    let mut manifest = project.manifest.clone();
    for node in manifest.nodes.values_mut() {
        let given = declare::given_by_files(&project.manifest, &new_sources, node, KEY);
        let speaks = node.raito.is_some() || !node.grants.is_empty();
        if speaks && given.is_some() {
            node.rolecall = given;
        }
        node.raito = None;
        if matches!(wanted, Wanted::AndGrants(_)) {
            node.grants.clear();
        }
    }
    let (new_config, found) = config::parse(&work.config_files());
    let Some(new_config) = new_config.filter(|_| !found.has_errors()) else {
        let why = found.iter().find(|d| d.severity == crate::model::Severity::Error);
        let why = why.map(|d| d.message.clone()).unwrap_or_default();
        work.todo
            .push(Todo::at("rolecall.yml", format!("the new configuration would be wrong: {why}")));
        return;
    };
    let (declarations, found) = declare::read_declarations(&manifest, &new_sources);
    let errors: Vec<Todo> = found
        .iter()
        .filter(|d| d.severity == crate::model::Severity::Error)
        .map(|d| Todo::at("dbt_project.yml", format!("a new block would be wrong: {}", d.message)))
        .collect();
    work.todo.extend(errors);
    let after = Project {
        manifest,
        declarations,
        raito: Raito::default(),
        config: new_config,
        ..project.clone()
    };
    let resolved = |project: &Project| project.resolve(None, &Default::default(), false, None);
    let (Some(before), (after, found)) = (resolved(project).0, resolved(&after)) else { return };
    let Some(after) = after else {
        let why = found.iter().find(|d| d.severity == crate::model::Severity::Error);
        let why = why.map(|d| d.message.clone()).unwrap_or_default();
        work.todo.push(Todo::at("rolecall.yml", format!("the new files would be wrong: {why}")));
        return;
    };
    let (before, after) = (Access::of(&before.desired), Access::of(&after.desired));
    let differences = match wanted {
        Wanted::AsBefore => before.differs(&after),
        Wanted::AndGrants(grants) => before.and(grants, &after),
    };
    work.todo.extend(differences.into_iter().map(|what| {
        Todo::at(
            "dbt_project.yml",
            format!("the new files would not give the same: {what}; rewrite it by hand"),
        )
    }));
}

/// What a desired state gives, without its reasons.
struct Access {
    roles: BTreeMap<Ident, Marker>,
    grants: BTreeMap<(Securable, Ident), PrivilegeSet>,
    members: BTreeSet<(Ident, Ident)>,
    owners: BTreeMap<Securable, Ident>,
}

impl Access {
    fn of(desired: &DesiredState) -> Self {
        Self {
            roles: desired
                .roles
                .iter()
                .map(|(name, role)| (name.clone(), role.marker.clone()))
                .collect(),
            grants: desired
                .grants
                .iter()
                .map(|(key, grant)| (key.clone(), grant.privileges))
                .collect(),
            members: desired.memberships.keys().cloned().collect(),
            owners: desired
                .owners
                .iter()
                .map(|(on, owner)| (on.clone(), owner.role.clone()))
                .collect(),
        }
    }

    fn differs(&self, after: &Self) -> Vec<String> {
        let mut found = Vec::new();
        if self.roles != after.roles {
            let name = self
                .roles
                .keys()
                .chain(after.roles.keys())
                .find(|name| self.roles.get(*name) != after.roles.get(*name));
            found.extend(name.map(|name| format!("the role {name}")));
        }
        let keys = self.grants.keys().chain(after.grants.keys());
        let other = keys.into_iter().find(|key| self.grants.get(*key) != after.grants.get(*key));
        found.extend(other.map(|(on, role)| format!("what {role} has on {on}")));
        let member = self.members.symmetric_difference(&after.members).next();
        found.extend(member.map(|(role, member)| format!("{member} in {role}")));
        if self.owners != after.owners {
            found.push("who owns what".to_owned());
        }
        found
    }

    /// Before and dbt's grants are what is after: no more and no less.
    fn and(
        &self,
        grants: &BTreeMap<(Securable, Ident), PrivilegeSet>,
        after: &Self,
    ) -> Vec<String> {
        let mut found = Vec::new();
        let holds = |role: &Ident, grantee: &Ident| {
            role == grantee || after.members.contains(&(role.clone(), grantee.clone()))
        };
        for ((on, grantee), privileges) in grants {
            let has = after
                .grants
                .iter()
                .filter(|((of, role), _)| of == on && holds(role, grantee))
                .fold(PrivilegeSet::EMPTY, |all, (_, has)| all.union(*has));
            if !has.contains_all(*privileges) {
                found.push(format!("{} on {on} for {grantee}", privileges.minus(has)));
            }
        }
        for ((on, role), privileges) in &after.grants {
            if on.class().is_container() {
                continue;
            }
            let had = self.grants.get(&(on.clone(), role.clone())).copied().unwrap_or_default();
            let dbts = grants
                .iter()
                .filter(|((of, grantee), _)| of == on && holds(role, grantee))
                .fold(PrivilegeSet::EMPTY, |all, (_, has)| all.union(*has));
            let more = privileges.minus(had).minus(dbts);
            if !more.is_empty() {
                found.push(format!("{more} on {on} for {role}, which nobody gave"));
            }
        }
        for (key, privileges) in &self.grants {
            let lost = privileges.minus(after.grants.get(key).copied().unwrap_or_default());
            if !lost.is_empty() {
                found.push(format!("{lost} on {} for {}", key.0, key.1));
            }
        }
        found
    }
}
