//! What checks look at: a project, what it declares, and a state of access.

use std::collections::{BTreeMap, BTreeSet};

use super::by_dbt::not_judged;
use super::declared::{one_kind_each, people_of_groups};
use super::finding::{Subject, Witness};
use super::lineage::read_by_dbt_s_views;
use super::reach::Reach;
use crate::config::checks::Pii;
use crate::config::policy::is_under;
use crate::dbt::Node;
use crate::directory::Known;
use crate::effect::{AccessState, Effect, Step};
use crate::model::{
    Diagnostic, Diagnostics, Ident, Inventory, Marker, MarkerReading, Place, Privilege,
    PrivilegeSet, Securable,
};
use crate::project::Project;
use crate::resolve::{ManagedNode, Resolved};

/// What is looked at, before it is compiled.
#[derive(Debug, Clone)]
pub struct Look {
    /// What is declared.
    pub resolved: Resolved,
    /// The nodes of the project, built or not, each under the class that the state gives it.
    pub nodes: Vec<ManagedNode>,
    /// Nodes whose relation is not there, and of which nobody says who will build them.
    pub missing: BTreeSet<String>,
    /// The state of access.
    pub state: AccessState,
    /// Who is known.
    pub known: Known,
    /// Groups of whose people nothing is known.
    pub unknown_groups: BTreeSet<Ident>,
    /// What reading and resolving warned of.
    pub found: Vec<Diagnostic>,
}

impl Look {
    /// At what the declarations alone would give.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn declared(
        project: &Project,
        known: Known,
        read: &Diagnostics,
    ) -> Result<Self, Diagnostics> {
        let unseen = Inventory::default();
        let (resolved, found) = project.resolve_with(&known, None, &unseen, true, None);
        let Some(resolved) = resolved else { return Err(found) };
        one_kind_each(&resolved)?;
        let database = resolved.schemas.keys().next().cloned();
        let Some(database) = database.or_else(|| Ident::new("declared").ok()) else {
            return Err(found);
        };
        let desired = &resolved.desired;
        let mut state = AccessState::of_desired(desired, &database).with_grants_of_dbt(desired);
        let unknown_groups = people_of_groups(project, &known, &resolved, &mut state);
        let nodes = resolved.nodes.clone();
        let found = read.iter().cloned().chain(found).chain(not_judged(project, desired));
        let found = found.collect::<Diagnostics>().sorted();
        let missing = BTreeSet::new();
        Ok(Self { resolved, nodes, missing, state, known, unknown_groups, found })
    }

    /// At a server's state, or at one after a plan.
    ///
    /// # Errors
    /// What is wrong with the declarations there.
    pub fn of(
        project: &Project,
        known: Known,
        mut state: AccessState,
        read: &Diagnostics,
    ) -> Result<Self, Diagnostics> {
        let database = state.only_database().cloned();
        let inventory = state.inventory();
        let resolve = |database: Option<&Ident>, inventory| {
            project.resolve_with(&known, database, inventory, true, None)
        };
        let (resolved, found) = resolve(database.as_ref(), &inventory);
        let Some(resolved) = resolved else { return Err(found) };
        // Of what is not built, too: where it will be, and what will be given on it.
        let (whole, wrong) = resolve(None, &Inventory::default());
        let Some(whole) = whole else { return Err(wrong) };
        let mut nodes = whole.nodes;
        let mut missing = BTreeSet::new();
        for node in &mut nodes {
            let Some(on) = node.relation.take() else { continue };
            if database.is_some() && on.database_name() != database.as_ref() {
                missing.insert(node.unique_id.clone());
                node.relation = Some(on);
                continue;
            }
            let there = state.find(&on).map(|(on, _)| on.clone());
            let schema = on.schema_key();
            node.relation = Some(match (there, &resolved.deploy_role, schema) {
                (Some(there), ..) => there,
                (None, Some(creator), Some(schema)) => {
                    let object = state.to_come(creator, &schema, on.class());
                    state.objects.insert(on.clone(), object);
                    on
                }
                (None, ..) => {
                    missing.insert(node.unique_id.clone());
                    on
                }
            });
        }
        read_by_dbt_s_views(project, &nodes, &mut state);
        let found = read.iter().cloned().chain(found).chain(unseen(&state));
        let found = found.collect::<Diagnostics>().sorted();
        let unknown_groups = BTreeSet::new();
        Ok(Self { resolved, nodes, missing, state, known, unknown_groups, found })
    }
}

/// What to do about what is not seen.
pub(super) const UNSEEN: &str =
    "let the connection's role see it: \"What is looked at\" in docs/snowflake.md";

/// What could not be looked at proves nothing.
pub fn unseen(state: &AccessState) -> Option<Diagnostic> {
    if state.unseen.is_empty() {
        return None;
    }
    let all: Vec<&str> = state.unseen.iter().map(String::as_str).collect();
    let message = format!("not all that decides about access was seen: {}", all.join("; "));
    Some(Diagnostic::warning("access-unseen", message).with_help(UNSEEN))
}

/// What checks look at.
pub struct World<'a> {
    /// The project.
    pub project: &'a Project,
    /// What is looked at.
    pub look: &'a Look,
    /// Its state, compiled.
    pub effect: Effect<'a>,
    /// What is personal data.
    pub pii: Pii,
    /// Whose relation it is.
    by_relation: BTreeMap<Securable, &'a str>,
}

impl<'a> World<'a> {
    /// Compiles it.
    pub fn of(project: &'a Project, look: &'a Look) -> Self {
        let effect = Effect::of(&look.state);
        let by_relation = look.nodes.iter().filter_map(|node| {
            let on = node.relation.as_ref()?;
            Some((on.clone(), node.unique_id.as_str()))
        });
        let by_relation = by_relation.collect();
        Self { project, look, effect, pii: project.config.checks.pii(), by_relation }
    }

    /// The nodes whose relation is there, or will be.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&'a Node, &'a ManagedNode, &'a Securable)> {
        let nodes = &self.project.manifest.nodes;
        let missing = &self.look.missing;
        self.look.nodes.iter().filter_map(move |managed| {
            let on = managed.relation.as_ref().filter(|_| !missing.contains(&managed.unique_id))?;
            Some((nodes.get(&managed.unique_id)?, managed, on))
        })
    }

    /// Whether a node's relation is not there, and nobody says who will build it.
    pub(super) fn is_missing(&self, at: usize) -> bool {
        let node = self.look.nodes.get(at);
        node.is_none_or(|node| self.look.missing.contains(&node.unique_id))
    }

    /// The nodes among some that are in a database which was not looked at.
    pub(super) fn elsewhere(&self, nodes: &BTreeSet<usize>) -> Vec<&'a str> {
        let Some(here) = self.look.state.only_database() else { return Vec::new() };
        let missing = nodes.iter().filter(|at| self.is_missing(**at));
        let missing = missing.filter_map(|at| self.look.nodes.get(*at));
        let there = missing.filter(|node| {
            node.relation.as_ref().is_some_and(|on| on.database_name() != Some(here))
        });
        there.map(|node| node.unique_id.as_str()).collect()
    }

    /// Where a node's relation is.
    pub(super) fn relation(&self, unique_id: &str) -> Option<&'a Securable> {
        let found = self.look.nodes.binary_search_by(|node| node.unique_id.as_str().cmp(unique_id));
        self.look.nodes.get(found.ok()?)?.relation.as_ref()
    }

    /// Whose relation it is.
    pub(super) fn node_of(&self, on: &Securable) -> Option<&'a str> {
        self.by_relation.get(on).copied()
    }

    pub(super) fn is_pii(&self, node: &Node) -> bool {
        node.tags.iter().any(|tag| self.pii.tags.iter().any(|root| is_under(tag, root)))
    }

    pub(super) fn is_cleaned(&self, node: &Node) -> bool {
        let mut roots = self.pii.cleaned.iter();
        roots.any(|root| node.tags.iter().any(|tag| is_under(tag, &root.value)))
    }

    /// Where access to a node is declared, else its file.
    pub(super) fn place_of(&self, unique_id: &str) -> Option<Place> {
        let declared = self.project.declarations.get(unique_id);
        let place = declared.and_then(|declared| declared.place.clone());
        place.or_else(|| {
            let node = self.project.manifest.nodes.get(unique_id)?;
            Some(Place::file(node.patch_path.as_deref().unwrap_or(&node.original_file_path)))
        })
    }

    /// What the role is called, and whose it is.
    pub(super) fn about(&self, role: &Ident) -> Subject {
        let whose = self.marker(role).map(Marker::whose);
        let product = self.marker(role).map(|marker| marker.product.clone());
        let mut names: Vec<String> = whose.into_iter().collect();
        names.push(role.to_string());
        let product = product.filter(|product| !product.is_empty());
        Subject { role: names, product, ..Subject::default() }
    }

    /// A role by all that it is called, for people.
    pub(super) fn called(&self, role: &Ident) -> String {
        match self.marker(role) {
            Some(marker) => format!("{} ({role})", marker.whose()),
            None => role.to_string(),
        }
    }

    pub(super) fn marker(&self, role: &Ident) -> Option<&'a Marker> {
        let declared = self.look.resolved.desired.roles.get(role).map(|role| &role.marker);
        declared.or_else(|| match &self.look.state.roles.get(role)?.marker {
            MarkerReading::Marker(marker) => Some(marker),
            MarkerReading::None | MarkerReading::Unreadable(_) => None,
        })
    }

    /// Whoever runs dbt, or owns the relation, and superusers: what they can is no grant of anybody's.
    pub(super) fn is_spared(&self, role: &Ident, on: &Securable) -> bool {
        let owner = self.look.state.objects.get(on).and_then(|object| object.owner.as_ref());
        self.look.resolved.deploy_role.as_ref() == Some(role)
            || owner == Some(role)
            || self.effect.is_above_all(role)
    }

    /// The roles that were given a privilege on a relation, on a column of it or on what has rows in common
    /// with it: nobody by membership, not its owner, not PUBLIC.
    pub(super) fn holders(
        &self,
        on: &Securable,
        privileges: &[Privilege],
    ) -> BTreeMap<&'a Ident, (Privilege, Reach<'a>)> {
        let mut holders = BTreeMap::new();
        for reach in self.reaches(on) {
            for privilege in reach.risks(PrivilegeSet::of(privileges)).iter() {
                for step in self.effect.given(reach.on, privilege) {
                    let role = match step {
                        Step::Grant { role: Some(role), own: false, .. } => role,
                        // PostgreSQL's own roles are always there.
                        Step::Predefined { role, .. } if !self.effect.is_empty(role) => role,
                        _ => continue,
                    };
                    if !self.is_spared(role, reach.on) {
                        holders.entry(role).or_insert_with(|| (privilege, reach.clone()));
                    }
                }
            }
        }
        holders
    }

    /// People, and roles that nobody is in yet: those who could read, to whom it matters.
    pub(super) fn matters(&self, who: &Ident) -> bool {
        let server_s_own = who.as_str().starts_with("pg_");
        self.effect.is_person(who) || self.effect.is_empty(who) && !server_s_own
    }

    /// Everybody who could read a relation, or a column of it, to whom it matters; with `all`, every row.
    pub(super) fn readers(&self, on: &Securable, all: bool) -> BTreeSet<&'a Ident> {
        let mut readers = self.could(on, Privilege::SELECT, all);
        readers.retain(|who| self.matters(who));
        readers
    }

    /// How somebody can do it.
    pub(super) fn witness(
        &self,
        who: &'a Ident,
        on: &Securable,
        privilege: Privilege,
    ) -> Witness<'a> {
        let role = self.effect.role(who);
        let usable = role.as_ref().is_some_and(|role| {
            role.answer(on, privilege).usable() || role.usable_by_set_role(on, privilege).is_some()
        });
        let person = self.effect.is_person(who);
        let note = match (person, self.effect.is_empty(who)) {
            (false, true) if self.look.unknown_groups.contains(who) => {
                Some("a group; who is in it is not known".to_owned())
            }
            (false, true) => Some("nobody is in it yet; whoever comes in could".to_owned()),
            _ => None,
        };
        Witness {
            who,
            person,
            on: on.clone(),
            node: self.node_of(on).map(str::to_owned),
            privilege,
            usable,
            chain: self.effect.way(who, on, privilege),
            lacks: Vec::new(),
            note,
        }
    }
}
