//! Rows of an account about who can do what, into a state of access.

use std::collections::{BTreeMap, BTreeSet};

use super::Rows;
use super::edges::Known;
use super::reader::literal;
use super::shown::{self, Holder, Row, Table};
use crate::effect::{AccessEntry, AccessObject, AccessRole, AccessState, DefaultList};
use crate::model::{
    Ident, MarkerReading, MemberKind, ObjectClass, ObservedMembership, Privilege, PrivilegeSet,
    RoleAttributes, SchemaKey, Securable,
};
use crate::warehouse::WarehouseError;

/// What every user and every role has.
pub(super) const PUBLIC: &str = "PUBLIC";

/// A user, as far as it matters how their sessions begin.
pub(super) struct Person {
    /// Their name in the state: a role may have the same.
    pub(super) name: Ident,
    default_role: String,
    /// All their roles count at once.
    all_roles: bool,
}

/// What is read of an account, and what is known of names.
pub(super) struct Found<'k> {
    pub(super) state: AccessState,
    pub(super) people: &'k BTreeMap<Ident, Person>,
    pub(super) known: &'k Known<'k>,
    /// Roles that hold something, whose members are asked for.
    pub(super) ask: BTreeSet<Ident>,
}

/// The account's users. What a role may not see of them is as new users have it.
pub(super) fn people(rows: &Rows, state: &AccessState) -> BTreeMap<Ident, Person> {
    let users: BTreeSet<Ident> =
        Table::of(rows).rows().filter_map(|row| row.name("name")).collect();
    let person = |row: Row<'_>| {
        let user = row.name("name")?;
        let mut name = user.clone();
        if state.roles.contains_key(&user) {
            name = state.apart(&user);
            // Somebody may bear the very name that keeps others apart.
            while users.contains(&name) {
                name = Ident::new(format!("{name}'")).ok()?;
            }
        }
        let secondary = row.text("default_secondary_roles").trim();
        let all_roles = secondary.is_empty() || secondary.to_ascii_uppercase().contains("ALL");
        let default_role = row.text("default_role").to_owned();
        Some((user, Person { name, default_role, all_roles }))
    };
    Table::of(rows).rows().filter_map(person).collect()
}

impl Found<'_> {
    /// Whoever a row names; `None` for everybody. Shares and applications are nobody here.
    fn grantee(
        &mut self,
        row: &Row<'_>,
        (kind, name): (&str, &str),
        database: Option<&Ident>,
    ) -> Option<Option<Ident>> {
        match shown::holder(row.text(kind))? {
            Holder::User => {
                let user = shown::one(row.text(name), |_| false)?;
                let person = self.people.get(&user);
                if person.is_none() {
                    self.stranger(row.text(name));
                }
                person.map(|person| Some(person.name.clone()))
            }
            Holder::Role if row.text(name) == PUBLIC => Some(None),
            Holder::Role | Holder::DatabaseRole => {
                self.known.grantee(row.text(kind), row.text(name), database).map(Some)
            }
        }
    }

    /// A user who is not among those that were listed.
    fn stranger(&mut self, name: &str) {
        let name = literal(name);
        self.state.unseen.insert(format!("the user {name}, whom SHOW USERS does not tell"));
    }

    /// The account's users, into its roles.
    pub(super) fn add_people(&mut self) {
        for (user, person) in self.people {
            let login = RoleAttributes { login: true, ..RoleAttributes::MANAGED };
            let one = AccessRole { attributes: login, marker: MarkerReading::None };
            self.state.roles.insert(person.name.clone(), one);
            if person.name != *user {
                self.state.users.insert(user.clone(), person.name.clone());
            }
        }
    }

    /// SHOW GRANTS ON.
    pub(super) fn grants(&mut self, on: &Securable, rows: &Rows) {
        let mut object = AccessObject::default();
        for row in Table::of(rows).rows() {
            // What a container passes on is none of its own.
            let class = shown::class(row.text("granted_on"));
            if row.truth("is_inherited") && class != Some(on.class()) {
                continue;
            }
            // Of the account only who grants everything matters.
            let manages = row.text("privilege") == "MANAGE GRANTS";
            if on.class() == ObjectClass::Account && !manages {
                continue;
            }
            let names = ("granted_to", "grantee_name");
            let Some(grantee) = self.grantee(&row, names, on.database_name()) else { continue };
            if row.text("privilege") == "OWNERSHIP" {
                let all = self.state.privileges_of(on.class());
                object.owner = grantee.clone().or_else(|| Ident::new(PUBLIC).ok());
                let Some(owner) = &object.owner else { continue };
                object.acl.push(AccessEntry { grantee, ..AccessEntry::of_owner(owner, all) });
                self.ask.insert(owner.clone());
                continue;
            }
            let mut entry = self.entry(grantee, &row);
            // "At least one privilege on the parent" opens it: GRANT <privileges>, usage notes.
            if on.class().is_container() {
                entry.privileges.insert(Privilege::USAGE);
            }
            object.acl.push(entry);
        }
        self.state.objects.insert(on.clone(), object);
    }

    /// In a database that was made of a share nothing is granted one by one: who may use it reads all.
    pub(super) fn of_a_share(&mut self, on: &Securable, database: &Securable) {
        let Some(all) = self.state.objects.get(database) else { return };
        let gives = match on.class().is_relation() {
            true => PrivilegeSet::of(&[Privilege::SELECT]),
            false => PrivilegeSet::of(&[Privilege::USAGE]),
        };
        let using = all.acl.iter().filter(|entry| entry.privileges.contains(Privilege::USAGE));
        let acl = using.map(|entry| AccessEntry {
            privileges: gives,
            grantable: PrivilegeSet::EMPTY,
            ..entry.clone()
        });
        let object = AccessObject { acl: acl.collect(), ..AccessObject::default() };
        self.state.objects.insert(on.clone(), object);
    }

    fn entry(&mut self, grantee: Option<Ident>, row: &Row<'_>) -> AccessEntry {
        let privilege = match row.text("privilege") {
            // What is granted on a database that was made of a share.
            "IMPORTED PRIVILEGES" => Some(Privilege::USAGE),
            text => Privilege::parse(text),
        };
        if privilege.is_none() {
            let (what, on) = (row.text("privilege"), row.text("granted_on"));
            self.state.unseen.insert(format!(
                "{} on {on} {} is a privilege that is not known here",
                literal(what),
                row.text("name")
            ));
        }
        if let Some(grantee) = &grantee
            && self.state.roles.get(grantee).is_none_or(|role| !role.attributes.login)
        {
            self.ask.insert(grantee.clone());
            self.there_is(grantee);
        }
        let privileges: PrivilegeSet = privilege.into_iter().collect();
        let grantable = if row.truth("grant_option") { privileges } else { PrivilegeSet::EMPTY };
        AccessEntry { grantee, grantor: self.grantor(row), privileges, grantable }
    }

    /// A role that came after all of them were listed, or of a database that was not looked at.
    fn there_is(&mut self, role: &Ident) {
        let attributes = RoleAttributes::MANAGED;
        let one = || AccessRole { attributes, marker: MarkerReading::None };
        self.state.roles.entry(role.clone()).or_insert_with(one);
    }

    fn grantor(&self, row: &Row<'_>) -> Option<Ident> {
        self.known.role(row.text("granted_by")).filter(|by| !by.as_str().is_empty())
    }

    /// What is granted on the database or the schema for all that is in it.
    pub(super) fn inherited(&mut self, on: &Securable, rows: &Rows) {
        for row in Table::of(rows).rows() {
            let either = |one: &'static str, other: &'static str| match row.text(one) {
                "" => other,
                _ => one,
            };
            let class = shown::class(row.text(either("granted_on", "grant_on")));
            let (database, schema) =
                (row.name("inherited_from_database"), row.name("inherited_from_schema"));
            let elsewhere = |from: &Option<Ident>, name| from.is_some() && from.as_ref() != name;
            // Iceberg and hybrid tables are tables to all but their owners.
            let is_it = class == Some(on.class())
                || class == Some(ObjectClass::Table) && on.class() == ObjectClass::IcebergTable;
            if !is_it
                || elsewhere(&database, on.database_name())
                || elsewhere(&schema, on.schema_name())
            {
                continue;
            }
            let names = (either("granted_to", "grant_to"), "grantee_name");
            let Some(grantee) = self.grantee(&row, names, on.database_name()) else { continue };
            let mut entry = self.entry(grantee, &row);
            if on.class().is_container() {
                entry.privileges.insert(Privilege::USAGE);
            }
            let object = self.state.objects.entry(on.clone()).or_default();
            if !object.acl.contains(&entry) {
                object.acl.push(entry);
            }
        }
    }

    /// SHOW FUTURE GRANTS.
    pub(super) fn futures(&mut self, database: &Ident, schema: Option<&Ident>, rows: &Rows) {
        let mut lists: BTreeMap<ObjectClass, Vec<AccessEntry>> = BTreeMap::new();
        for row in Table::of(rows).rows() {
            let Some(class) = shown::class(row.text("grant_on")) else { continue };
            let names = ("grant_to", "grantee_name");
            let Some(grantee) = self.grantee(&row, names, Some(database)) else { continue };
            let entry = self.entry(grantee, &row);
            lists.entry(class).or_default().push(entry);
        }
        let list = |(class, acl)| DefaultList {
            creator: None,
            database: Some(database.clone()),
            schema: schema.cloned(),
            class,
            acl,
        };
        self.state.defaults.extend(lists.into_iter().map(list));
    }

    /// SHOW SCHEMAS: those with managed access.
    pub(super) fn schemas(&mut self, database: &Ident, rows: &Rows, of: &BTreeSet<SchemaKey>) {
        let table = Table::of(rows);
        let managed = table.rows().filter(|row| row.text("options").contains("MANAGED ACCESS"));
        let keys = managed.filter_map(|row| Some((database.clone(), row.name("name")?)));
        self.state.managed.extend(keys.filter(|key| of.contains(key)));
    }

    /// SHOW GRANTS OF.
    pub(super) fn members(&mut self, role: &Ident, rows: &Rows) -> Result<(), WarehouseError> {
        let database = role.in_parts().map(|(database, _)| database);
        for row in Table::of(rows).rows() {
            let (kind, name) = (row.text("granted_to"), row.text("grantee_name"));
            let member = match shown::holder(kind) {
                Some(Holder::User) => {
                    let user = shown::one(name, |_| false);
                    match user.and_then(|user| self.people.get(&user)) {
                        Some(person) => self.let_in(role, person, &row),
                        None => self.stranger(name),
                    }
                    continue;
                }
                Some(_) => self.known.grantee(kind, name, database.as_ref()),
                None => continue,
            };
            let member = member.ok_or_else(|| unreadable(&row))?;
            self.ask.insert(member.clone());
            self.there_is(&member);
            self.state.memberships.push(ObservedMembership {
                role: role.clone(),
                member,
                kind: MemberKind::Role,
                grantor: self.grantor(&row).unwrap_or_else(|| role.clone()),
                admin: false,
                inherit: true,
                // Nobody can activate a role of a database.
                set: role.in_parts().is_none(),
                automatic: false,
            });
        }
        Ok(())
    }

    pub(super) fn let_in(&mut self, role: &Ident, person: &Person, row: &Row<'_>) {
        self.state.memberships.push(ObservedMembership {
            role: role.clone(),
            member: person.name.clone(),
            kind: MemberKind::User,
            grantor: self.grantor(row).unwrap_or_else(|| role.clone()),
            admin: false,
            inherit: person.all_roles || person.default_role == role.as_str(),
            set: true,
            automatic: false,
        });
    }
}

/// What is not understood is not taken for nothing.
fn unreadable(row: &Row<'_>) -> WarehouseError {
    let name = ["name", "role"].map(|column| row.text(column)).join("");
    WarehouseError::Forbidden(format!(
        "the account says {} {} on {} to {} {}, which cannot be understood",
        row.text("privilege"),
        literal(&name),
        row.text("granted_on"),
        row.text("granted_to"),
        row.text("grantee_name")
    ))
}
