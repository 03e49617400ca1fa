//! All that decides about access in one database, whoever manages it.

use std::collections::{BTreeMap, BTreeSet};

use crate::dialect;
use crate::model::{
    DialectKind, Ident, Incarnation, Inventory, MarkerReading, ObjectClass, ObservedMembership,
    ObservedRelation, Privilege, PrivilegeSet, RoleAttributes, SchemaKey, Scope, Securable,
};

/// Every role and membership, and every object with its owner and its whole access list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessState {
    /// Whose rules hold.
    pub dialect: DialectKind,
    /// PostgreSQL's `server_version_num`: rules differ.
    pub version: u32,
    /// The database that a session is in.
    pub database: Ident,
    /// All roles.
    pub roles: BTreeMap<Ident, AccessRole>,
    /// All memberships.
    pub memberships: Vec<ObservedMembership>,
    /// The database, its schemas, and what is in them; columns only where they have grants of
    /// their own. The server's own schemas are left out.
    pub objects: BTreeMap<Securable, AccessObject>,
    /// What new objects get.
    pub defaults: Vec<DefaultList>,
    /// It is of declarations, not of a server: nobody has granted anything yet.
    pub declared: bool,
    /// Snowflake: what users are called here whose name a role has, too.
    pub users: BTreeMap<Ident, Ident>,
    /// Snowflake: schemas in which only their owner and holders of MANAGE GRANTS grant.
    pub managed: BTreeSet<SchemaKey>,
    /// What could not be looked at, in words.
    pub unseen: BTreeSet<String>,
}

/// A role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessRole {
    /// Its attributes.
    pub attributes: RoleAttributes,
    /// What its comment says.
    pub marker: MarkerReading,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct AccessObject {
    /// Who owns it; `None` where that is not known (a declared state).
    pub owner: Option<Ident>,
    /// Who was granted what; the built-in defaults are written out.
    pub acl: Vec<AccessEntry>,
    /// A view's: what it reads.
    pub reading: Option<Reading>,
    /// Row security is switched on: which rows are seen is decided by policies.
    pub row_security: bool,
    /// The relations that it inherits from or is a partition of; sorted.
    pub parents: Vec<Parent>,
}

/// A relation whose rows are, among others, those of another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Parent {
    /// Which.
    pub on: Securable,
    /// The child is a partition of it; else it inherits from it.
    pub partition: bool,
}

/// One entry of an access list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AccessEntry {
    /// To whom; `None` for PUBLIC.
    pub grantee: Option<Ident>,
    /// By whom; `None` where nobody has granted it yet (a declared state).
    pub grantor: Option<Ident>,
    /// What.
    pub privileges: PrivilegeSet,
    /// Those that may be passed on.
    pub grantable: PrivilegeSet,
}

impl AccessEntry {
    /// All that an owner has on Snowflake, where OWNERSHIP is every privilege.
    pub fn of_owner(owner: &Ident, all: PrivilegeSet) -> Self {
        let (grantee, grantor) = (Some(owner.clone()), Some(owner.clone()));
        Self { grantee, grantor, privileges: all, grantable: all }
    }
}

/// What a view reads, and as whom.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Reading {
    /// `security_invoker`: as whoever asks; else as the view's owner.
    pub as_invoker: bool,
    /// Relations, each with the columns that are named; none where all or no particular ones are.
    pub relations: Vec<(Securable, Vec<Ident>)>,
    /// Rows can be written to it.
    pub updatable: bool,
    /// They are written to the relation that it shows; not where a trigger or a rule takes them.
    pub writes_through: bool,
    /// What its rules for writing name, and reach as the view's owner; sorted.
    pub by_rules: Vec<Securable>,
}

/// What new objects of one creator get beside (in one schema) or instead of (everywhere) the
/// built-in defaults.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DefaultList {
    /// Whose new objects; `None` for anyone's (Snowflake).
    pub creator: Option<Ident>,
    /// In which database; `None` for the one that a session is in.
    pub database: Option<Ident>,
    /// In which schema; `None` for all of them (Snowflake: all of the database).
    pub schema: Option<Ident>,
    /// Of which class; on PostgreSQL `Table` stands for all relations, `Function` for all routines.
    pub class: ObjectClass,
    /// The whole list.
    pub acl: Vec<AccessEntry>,
}

impl AccessState {
    /// A state with nothing in it.
    pub fn empty(dialect: DialectKind, version: u32, database: Ident) -> Self {
        Self {
            dialect,
            version,
            database,
            roles: BTreeMap::new(),
            memberships: Vec::new(),
            objects: BTreeMap::new(),
            defaults: Vec::new(),
            declared: false,
            users: BTreeMap::new(),
            managed: BTreeSet::new(),
            unseen: BTreeSet::new(),
        }
    }

    /// The one database that a connection reaches; `None` for an account, which has many.
    pub fn only_database(&self) -> Option<&Ident> {
        (self.dialect == DialectKind::Postgres).then_some(&self.database)
    }

    /// What a user is called here: on Snowflake a role may have the same name.
    pub fn user(&self, name: &Ident) -> Ident {
        let is_role = || self.roles.get(name).is_some_and(|role| !role.attributes.login);
        match self.users.get(name) {
            Some(here) => here.clone(),
            None if self.dialect == DialectKind::Snowflake && is_role() => self.apart(name),
            None => name.clone(),
        }
    }

    /// What a user is called in the account.
    pub fn user_s_name<'n>(&'n self, here: &'n Ident) -> &'n Ident {
        self.users.iter().find(|(_, name)| *name == here).map_or(here, |(user, _)| user)
    }

    /// A name that no role has for a user whose own one has.
    pub fn apart(&self, user: &Ident) -> Ident {
        let mut name = format!("{user} (user)");
        loop {
            match Ident::new(&name) {
                Ok(free) if !self.roles.contains_key(&free) => return free,
                Ok(_) => name.push('\''),
                // Longer than a name may be: the role's is all there is.
                Err(_) => return user.clone(),
            }
        }
    }

    /// Every privilege that objects of a class have on this server.
    pub fn privileges_of(&self, class: ObjectClass) -> PrivilegeSet {
        let all = dialect::of(self.dialect).privileges_of(class);
        match self.dialect {
            DialectKind::Postgres if self.version < 170_000 => {
                all.minus(PrivilegeSet::of(&[Privilege::MAINTAIN]))
            }
            // On a container no owner has it by owning: only who was granted it.
            DialectKind::Snowflake if class.is_container() => {
                all.minus(PrivilegeSet::of(&[Privilege::MANAGE_GRANTS]))
            }
            _ => all,
        }
    }

    /// The list that an object has where its own is NULL (`acldefault`).
    pub fn built_in(&self, class: ObjectClass, owner: &Ident) -> Vec<AccessEntry> {
        let entry = |grantee: Option<&Ident>, privileges| AccessEntry {
            grantee: grantee.cloned(),
            grantor: Some(owner.clone()),
            privileges,
            grantable: PrivilegeSet::EMPTY,
        };
        let public = entry(None, publics_share(class));
        let own = entry(Some(owner), owners_share(class, self.privileges_of(class)));
        [public, own].into_iter().filter(|entry| !entry.privileges.is_empty()).collect()
    }

    /// Its relations and schemas, for a resolution that asks what each relation is.
    pub fn inventory(&self) -> Inventory {
        let mut inventory = Inventory { looked: true, ..Inventory::default() };
        for (on, object) in &self.objects {
            if on.class() == ObjectClass::Schema {
                inventory.schemas.extend(on.schema_key());
            }
            // Of Snowflake's some are nobody's, or no role's: they are there all the same.
            let nobody = || {
                let any = self.dialect == DialectKind::Snowflake;
                any.then(|| Ident::new("-").ok()).flatten()
            };
            let (true, Some(key), Some(owner)) =
                (on.class().is_relation(), on.relation_key(), object.owner.clone().or_else(nobody))
            else {
                continue;
            };
            let incarnation = Incarnation(String::new());
            let class = on.class();
            inventory.relations.insert(key, ObservedRelation { class, owner, incarnation });
        }
        inventory
    }

    /// The same with roles known as what they become on the same server: one that is adopted is the role
    /// that it was, and nobody gains or loses by its marker.
    #[must_use]
    pub fn with_markers_to_come(mut self, later: &Self, scope: &Scope) -> Self {
        let ours = |role: &AccessRole| match &role.marker {
            MarkerReading::Marker(marker) if scope.holds(marker) => Some(marker.clone()),
            _ => None,
        };
        let known: BTreeSet<_> = self.roles.values().filter_map(ours).collect();
        for (name, role) in &mut self.roles {
            let Some(later) = later.roles.get(name) else { continue };
            if ours(role).is_none() && ours(later).is_some_and(|marker| !known.contains(&marker)) {
                role.marker = later.marker.clone();
            }
        }
        self
    }

    /// An object under the class that the server gives it: a node's class is only expected.
    pub fn find(&self, on: &Securable) -> Option<(&Securable, &AccessObject)> {
        if let Some(found) = self.objects.get_key_value(on) {
            return Some(found);
        }
        let key = on.relation_key()?;
        ObjectClass::ALL.into_iter().filter(|class| class.is_relation()).find_map(|class| {
            let (database, schema, name) = key.clone();
            self.objects.get_key_value(&Securable::in_schema(class, database, schema, name))
        })
    }
}

/// What PUBLIC has by default. Source: PostgreSQL, "Privileges", table 5.2.
pub fn publics_share(class: ObjectClass) -> PrivilegeSet {
    match class {
        ObjectClass::Database => PrivilegeSet::of(&[Privilege::CONNECT, Privilege::TEMPORARY]),
        ObjectClass::Function | ObjectClass::Procedure => PrivilegeSet::of(&[Privilege::EXECUTE]),
        ObjectClass::Language | ObjectClass::Type => PrivilegeSet::of(&[Privilege::USAGE]),
        _ => PrivilegeSet::EMPTY,
    }
}

/// What an owner has by default: everything, but nothing of its own on a column, whose list is its
/// relation's to begin with.
pub fn owners_share(class: ObjectClass, all: PrivilegeSet) -> PrivilegeSet {
    if class == ObjectClass::Column { PrivilegeSet::EMPTY } else { all }
}
