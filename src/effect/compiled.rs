//! A state with its roles as numbers and its memberships as edges, so that a question about everyone
//! is one walk over the graph.

use std::collections::{BTreeMap, HashMap};

use super::keepers::ADMINISTRATORS;
use super::reach::{Edge, Graph};
use super::state::{AccessRole, AccessState};
use crate::model::{DialectKind, Ident, ObjectClass, Securable};

/// Whoever owns the database is in it, and no catalog says so (14+).
const DATABASE_OWNER: &str = "pg_database_owner";

/// Every user and every role of an account is in it, and no catalog says so.
const EVERYBODY: &str = "PUBLIC";

/// PostgreSQL's own roles that mean something beyond what is granted to them.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Predefined {
    pub(super) read_all: Option<u32>,
    pub(super) write_all: Option<u32>,
    pub(super) maintain: Option<u32>,
}

/// An [`AccessState`] ready to be asked.
#[derive(Debug)]
pub struct Effect<'a> {
    pub(super) state: &'a AccessState,
    /// Sorted; a role's number is its place.
    pub(super) names: Vec<&'a Ident>,
    pub(super) roles: Vec<&'a AccessRole>,
    numbers: HashMap<&'a str, u32>,
    /// Whose privileges a member has without doing anything.
    pub(super) inherits: Graph,
    /// Which role a session of a member can SET ROLE to.
    pub(super) sets: Graph,
    /// Whose member one is at all.
    pub(super) belongs: Graph,
    pub(super) predefined: Predefined,
    /// On Snowflake, whose right to create a member has at once: a session creates as its primary role
    /// alone, so nobody's roles give a user any.
    pub(super) creates: Option<Graph>,
    /// On Snowflake, whose member one is but by its administrators.
    members: Option<Graph>,
    /// What inherits from a relation or is a partition of it (`true`), by name.
    pub(super) children: BTreeMap<&'a Securable, Vec<(&'a Securable, bool)>>,
}

impl<'a> Effect<'a> {
    /// Compiles a state. Memberships of roles that are not in it count for nothing.
    pub fn of(state: &'a AccessState) -> Self {
        let names: Vec<&Ident> = state.roles.keys().collect();
        let roles: Vec<&AccessRole> = state.roles.values().collect();
        let numbers: HashMap<&str, u32> =
            names.iter().enumerate().map(|(at, name)| (name.as_str(), at as u32)).collect();
        let mut inherits = Vec::new();
        let mut sets = Vec::new();
        let mut belongs = Vec::new();
        for (at, membership) in state.memberships.iter().enumerate() {
            let (Some(member), Some(role)) =
                (numbers.get(membership.member.as_str()), numbers.get(membership.role.as_str()))
            else {
                continue;
            };
            let edge = (*member, Edge { to: *role, by: Some(at as u32) });
            belongs.push(edge);
            if membership.inherit {
                inherits.push(edge);
            }
            if membership.set {
                sets.push(edge);
            }
        }
        let of_database = state.objects.get(&Securable::database(state.database.clone()));
        let owner = of_database.and_then(|object| object.owner.as_ref());
        let owner = owner.and_then(|owner| numbers.get(owner.as_str()));
        let implicit = numbers.get(DATABASE_OWNER);
        if let (DialectKind::Postgres, Some(owner), Some(role)) = (state.dialect, owner, implicit) {
            let edge = (*owner, Edge { to: *role, by: None });
            belongs.push(edge);
            sets.push(edge);
            let passes_on = |role: &AccessRole| role.attributes.inherit;
            if state.version >= 160_000 || roles.get(*owner as usize).is_some_and(|r| passes_on(r))
            {
                inherits.push(edge);
            }
        }
        let (mut creates, mut members) = (None, None);
        if state.dialect == DialectKind::Snowflake {
            let everybody = numbers.get(EVERYBODY).copied();
            for member in (0..names.len() as u32).filter(|member| Some(*member) != everybody) {
                let Some(to) = everybody else { break };
                let edge = (member, Edge { to, by: None });
                inherits.push(edge);
                sets.push(edge);
                belongs.push(edge);
            }
            // Everybody can make PUBLIC their primary role; what else a user begins with is no state's.
            let counts = |(from, edge): &&(u32, Edge)| {
                let is_role = roles.get(*from as usize).is_some_and(|role| !role.attributes.login);
                is_role || edge.by.is_none()
            };
            let edges = inherits.iter().filter(counts).copied().collect();
            creates = Some(Graph::of(names.len(), edges));
            let administers = |role: u32| {
                let name = names.get(role as usize).map(|name| name.as_str());
                name.is_some_and(|name| ADMINISTRATORS.contains(&name))
            };
            let is_in =
                |(member, edge): &&(u32, Edge)| !administers(*member) || administers(edge.to);
            members = Some(Graph::of(names.len(), belongs.iter().filter(is_in).copied().collect()));
        }
        let find = |name: &'static str| numbers.get(name).copied();
        let predefined = match state.dialect {
            DialectKind::Snowflake => Predefined::default(),
            DialectKind::Postgres => Predefined {
                read_all: find("pg_read_all_data"),
                write_all: find("pg_write_all_data"),
                maintain: find("pg_maintain"),
            },
        };
        let graph = |edges| Graph::of(names.len(), edges);
        let (inherits, sets, belongs) = (graph(inherits), graph(sets), graph(belongs));
        let mut children: BTreeMap<&Securable, Vec<(&Securable, bool)>> = BTreeMap::new();
        for (child, object) in &state.objects {
            for parent in &object.parents {
                children.entry(&parent.on).or_default().push((child, parent.partition));
            }
        }
        Self {
            state,
            names,
            roles,
            numbers,
            inherits,
            sets,
            belongs,
            predefined,
            creates,
            members,
            children,
        }
    }

    /// Whose member one is, as far as that makes one of those who are meant by a role.
    pub(super) fn members(&self) -> &Graph {
        self.members.as_ref().unwrap_or(&self.belongs)
    }

    /// The state that it was made of.
    pub fn state(&self) -> &'a AccessState {
        self.state
    }

    /// A role's number; `None` for one that is not there.
    pub(super) fn number(&self, role: &Ident) -> Option<u32> {
        self.numbers.get(role.as_str()).copied()
    }

    pub(super) fn is_superuser(&self, role: u32) -> bool {
        self.roles.get(role as usize).is_some_and(|role| role.attributes.superuser)
    }

    /// The relation that a column is of.
    pub(super) fn relation_of(&self, on: &Securable) -> Option<&'a Securable> {
        if on.class() != ObjectClass::Column {
            return None;
        }
        let (database, schema, name) = on.relation_key()?;
        let relation = Securable::in_schema(ObjectClass::Table, database, schema, name);
        self.state.find(&relation).map(|(on, _)| on)
    }
}
