//! One role's answers: what it holds, and what of that it could use.

use super::compiled::Effect;
use super::reach::Reached;
use super::state::AccessObject;
use crate::dialect;
use crate::model::{Ident, ObjectClass, Privilege, PrivilegeSet, Securable};

/// What somebody holds on an object, as the server's `has_…_privilege` says. `OWNERSHIP` stands for
/// what only an owner may do, and is no privilege of PostgreSQL's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Held {
    /// All of it.
    pub privileges: PrivilegeSet,
    /// Those that may be passed on.
    pub grantable: PrivilegeSet,
}

/// What is missing for a privilege to be of use.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(tag = "lack", rename_all = "snake_case")]
pub enum Lack {
    /// USAGE on the schema; on Snowflake, on the database too.
    Usage {
        /// The container.
        on: Securable,
    },
    /// CONNECT on the database.
    Connect {
        /// The database.
        on: Securable,
    },
    /// A view's owner may not read what the view reads, or write to what it shows.
    ViewOwner {
        /// The view: the one that was asked for, or one that it reads.
        view: Securable,
        /// Its owner.
        owner: Ident,
        /// What the owner may not read.
        reads: Securable,
    },
    /// A `security_invoker` view reads or writes what one may not read or write oneself.
    Invoker {
        /// What it reads.
        reads: Securable,
    },
    /// No statement could use it on such an object: INSERT on a materialized view.
    NoSuchStatement,
}

/// The answer for one role, object and privilege.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The server's `has_…_privilege`.
    pub privilege: bool,
    /// What is missing to use it. Of no meaning without the privilege.
    pub lacks: Vec<Lack>,
}

impl Answer {
    /// Whether a query could use it.
    pub fn usable(&self) -> bool {
        self.privilege && self.lacks.is_empty()
    }
}

/// A role of a state, looked at alone.
#[derive(Debug)]
pub struct AsRole<'e, 'a> {
    pub(super) effect: &'e Effect<'a>,
    pub(super) role: u32,
    /// The roles whose privileges it has.
    pub(super) inherits: Reached,
    /// Those whose rights to create it has, where these are others.
    pub(super) creates: Option<Reached>,
}

impl<'a> Effect<'a> {
    /// A role, to be asked about; `None` if there is none of that name.
    pub fn role(&self, name: &Ident) -> Option<AsRole<'_, 'a>> {
        self.number(name).map(|role| self.numbered(role))
    }

    pub(super) fn numbered(&self, role: u32) -> AsRole<'_, 'a> {
        let creates = self.creates.as_ref().map(|graph| graph.upwards(&[role]));
        AsRole { effect: self, role, inherits: self.inherits.upwards(&[role]), creates }
    }

    /// `pg_has_role(member, role, 'MEMBER')`.
    pub fn is_member(&self, member: &Ident, role: &Ident) -> bool {
        self.related(member, role, |effect, member| effect.belongs.upwards(&[member]))
    }

    /// `pg_has_role(member, role, 'USAGE')`: it has the role's privileges.
    pub fn has_privileges_of(&self, member: &Ident, role: &Ident) -> bool {
        self.related(member, role, |effect, member| effect.inherits.upwards(&[member]))
    }

    /// `pg_has_role(member, role, 'SET')`: a session of the member may SET ROLE to it. Before
    /// PostgreSQL 16 the same as being a member.
    pub fn can_set_role(&self, member: &Ident, role: &Ident) -> bool {
        self.related(member, role, |effect, member| effect.sets.upwards(&[member]))
    }

    fn related(&self, member: &Ident, role: &Ident, walk: fn(&Self, u32) -> Reached) -> bool {
        match (self.number(member), self.number(role)) {
            (Some(member), Some(role)) => {
                self.is_superuser(member) || walk(self, member).holds(role)
            }
            _ => false,
        }
    }

    /// What PostgreSQL's own roles give beyond all access lists, on a class of objects.
    pub(super) fn beyond_lists(&self, class: ObjectClass) -> Vec<(u32, PrivilegeSet)> {
        let relation = class.is_relation() || class == ObjectClass::Sequence;
        let usage = PrivilegeSet::of(&[Privilege::USAGE]);
        let (read, write) = match class {
            ObjectClass::Schema => (usage, usage),
            _ if relation => (
                PrivilegeSet::of(&[Privilege::SELECT]),
                PrivilegeSet::of(&[Privilege::INSERT, Privilege::UPDATE, Privilege::DELETE]),
            ),
            _ => return Vec::new(),
        };
        let maintain = match relation {
            true => PrivilegeSet::of(&[Privilege::MAINTAIN]),
            false => PrivilegeSet::EMPTY,
        };
        let all = self.state.privileges_of(class);
        let of = &self.predefined;
        [(of.read_all, read), (of.write_all, write), (of.maintain, maintain)]
            .into_iter()
            .filter_map(|(role, gives)| Some((role?, gives.intersection(all))))
            .filter(|(_, gives)| !gives.is_empty())
            .collect()
    }
}

impl<'a> AsRole<'_, 'a> {
    /// Its name.
    pub fn name(&self) -> &'a Ident {
        self.effect.names[self.role as usize]
    }

    /// Whether it is a superuser itself, whom nothing stops.
    pub fn is_superuser(&self) -> bool {
        self.effect.is_superuser(self.role)
    }

    pub(super) fn acts_as(&self, name: &Ident) -> bool {
        self.effect.number(name).is_some_and(|role| self.inherits.holds(role))
    }

    /// Of privileges that somebody was granted, those that count for this role at once.
    fn creates_as(&self, grantee: Option<&Ident>, privileges: PrivilegeSet) -> PrivilegeSet {
        let Some(creates) = &self.creates else { return privileges };
        let is_user = self.effect.roles.get(self.role as usize).is_some_and(|r| r.attributes.login);
        let number = grantee.and_then(|grantee| self.effect.number(grantee));
        let own = is_user && number == Some(self.role);
        if !own && number.is_none_or(|role| creates.holds(role)) {
            return privileges;
        }
        privileges.iter().filter(|p| !p.as_str().starts_with("CREATE ")).collect()
    }

    /// What it holds on an object. On a column: what it holds there and on the whole relation.
    pub fn held(&self, on: &Securable) -> Held {
        let relation = self.effect.relation_of(on);
        let of_relation = relation.map(|relation| self.held(relation)).unwrap_or_default();
        let of_column = self.effect.state.privileges_of(ObjectClass::Column);
        let object = self.effect.state.objects.get(on);
        let own = object.map(|object| self.held_on(on.class(), object)).unwrap_or_default();
        if relation.is_none() {
            return self.passing_on(on, own);
        }
        Held {
            privileges: own.privileges.union(of_relation.privileges.intersection(of_column)),
            grantable: own.grantable.union(of_relation.grantable.intersection(of_column)),
        }
    }

    /// The same on an object that need not be in the state: one that is yet to come.
    pub fn held_on(&self, class: ObjectClass, object: &AccessObject) -> Held {
        let all = self.effect.state.privileges_of(class);
        let ownership = PrivilegeSet::of(&[Privilege::OWNERSHIP]);
        if self.is_superuser() {
            return Held { privileges: all.union(ownership), grantable: all };
        }
        let mut held = Held::default();
        for entry in &object.acl {
            if entry.grantee.as_ref().is_none_or(|grantee| self.acts_as(grantee)) {
                let created = self.creates_as(entry.grantee.as_ref(), entry.privileges);
                held.privileges = held.privileges.union(created);
                held.grantable = held.grantable.union(entry.grantable);
            }
        }
        // An owner may pass on what it does not even have.
        if object.owner.as_ref().is_some_and(|owner| self.acts_as(owner)) {
            held.privileges = held.privileges.union(ownership);
            held.grantable = held.grantable.union(all);
        }
        for (role, gives) in self.effect.beyond_lists(class) {
            if self.inherits.holds(role) {
                held.privileges = held.privileges.union(gives);
            }
        }
        held
    }

    /// Whether it holds a privilege, and what is missing to use it.
    pub fn answer(&self, on: &Securable, privilege: Privilege) -> Answer {
        let privilege_held = self.held(on).privileges.contains(privilege);
        Answer { privilege: privilege_held, lacks: self.lacks(self, on, privilege) }
    }

    /// The roles that it is in, nearest first, by whatever membership.
    pub fn is_in(&self) -> Vec<&'a Ident> {
        let reached = self.effect.belongs.upwards(&[self.role]);
        let others = reached.order.iter().skip(1);
        others.filter_map(|role| self.effect.names.get(*role as usize).copied()).collect()
    }

    /// The roles that it can SET ROLE to, nearest first, without itself.
    pub fn can_become(&self) -> Vec<&'a Ident> {
        let reached = self.effect.sets.upwards(&[self.role]);
        let others = reached.order.iter().skip(1);
        others.filter_map(|role| self.effect.names.get(*role as usize).copied()).collect()
    }

    /// The nearest role by which it can use the privilege after SET ROLE.
    pub fn usable_by_set_role(&self, on: &Securable, privilege: Privilege) -> Option<&'a Ident> {
        let one = self.can_become().into_iter().find(|name| {
            self.effect.role(name).is_some_and(|role| {
                role.held(on).privileges.contains(privilege)
                    && role.lacks(self, on, privilege).is_empty()
            })
        });
        one.or_else(|| self.usable_together(on, privilege))
    }

    /// What it lacks on the way, in a session of another or its own: CONNECT is asked of the
    /// session's user, all else of the role in force.
    pub(super) fn lacks(
        &self,
        session: &AsRole<'_, 'a>,
        on: &Securable,
        privilege: Privilege,
    ) -> Vec<Lack> {
        let mut lacks = Vec::new();
        for needed in self.effect.way_to(on, privilege) {
            let who = if needed.privilege == Privilege::CONNECT { session } else { self };
            if !who.held(&needed.on).privileges.contains(needed.privilege) {
                lacks.push(needed.lack());
            }
        }
        let inside = self.effect.inside(on, privilege);
        if !self.is_superuser() {
            for reads in inside.needs {
                if !self.may_read(reads) {
                    lacks.push(Lack::Invoker { reads: reads.0.clone() });
                }
            }
            for base in inside.writes {
                if !self.may_write(base, privilege) {
                    lacks.push(Lack::Invoker { reads: base.clone() });
                }
            }
        }
        lacks.extend(inside.lacks);
        lacks
    }

    /// A privilege on a relation, or on any column of it that has grants of its own.
    pub(super) fn may_write(&self, on: &Securable, privilege: Privilege) -> bool {
        if self.held(on).privileges.contains(privilege) {
            return true;
        }
        let Some((database, schema, name)) = on.relation_key() else { return false };
        let first = |name| Securable::in_schema(ObjectClass::Column, database, schema, name);
        let columns = self.effect.state.objects.range(first(name.clone())..);
        let columns = columns.map(|(on, _)| on).take_while(|column| {
            column.class() == ObjectClass::Column && column.relation_key() == on.relation_key()
        });
        columns.into_iter().any(|column| self.held(column).privileges.contains(privilege))
    }

    /// SELECT on the whole relation, or on all columns that are named.
    pub(super) fn may_read(&self, (on, columns): &(Securable, Vec<Ident>)) -> bool {
        if self.held(on).privileges.contains(Privilege::SELECT) {
            return true;
        }
        // `select count(*)` asks for any column.
        if columns.is_empty() {
            let mut all = self.effect.with_columns(on).into_iter();
            return all.any(|on| self.held(on).privileges.contains(Privilege::SELECT));
        }
        let Some((database, schema, name)) = on.relation_key() else { return false };
        let may = |column: &Ident| {
            let on =
                Securable::column(database.clone(), schema.clone(), name.clone(), column.clone());
            self.held(&on).privileges.contains(Privilege::SELECT)
        };
        columns.iter().all(may)
    }
}

/// A privilege that is needed on the way to an object.
#[derive(Debug, Clone)]
pub(super) struct Needed {
    pub(super) on: Securable,
    pub(super) privilege: Privilege,
}

impl Needed {
    pub(super) fn lack(self) -> Lack {
        match self.privilege {
            Privilege::CONNECT => Lack::Connect { on: self.on },
            _ => Lack::Usage { on: self.on },
        }
    }
}

impl Effect<'_> {
    /// What must be held on the containers of an object to use any privilege on it.
    pub fn needed(&self, on: &Securable) -> Vec<(Securable, Privilege)> {
        let way = self.way_to(on, Privilege::SELECT).into_iter();
        way.map(|needed| (needed.on, needed.privilege)).collect()
    }

    /// What must be held on the containers of an object.
    pub(super) fn way_to(&self, on: &Securable, privilege: Privilege) -> Vec<Needed> {
        let database = on.database_name().unwrap_or(&self.state.database);
        let database = Securable::database(database.clone());
        let schema = match on.class() {
            ObjectClass::Schema => None,
            _ => on.schema_key().map(|(database, schema)| Securable::schema(database, schema)),
        };
        let (on_database, on_schema) = dialect::of(self.state.dialect).needs();
        let first = |needs: PrivilegeSet, on: Securable| {
            needs.iter().next().map(|privilege| Needed { on, privilege })
        };
        let usage = schema.and_then(|on| first(on_schema, on));
        let itself = on.class() == ObjectClass::Database && on_database.contains(privilege);
        let connect = first(on_database, database).filter(|_| !itself);
        usage.into_iter().chain(connect).collect()
    }
}
