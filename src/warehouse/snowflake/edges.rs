//! Rows of SHOW GRANTS into edges of a role.

use std::collections::{BTreeMap, BTreeSet};

use super::Rows;
use super::shown::{self, Holder, Row, Table};
use crate::dialect::{self, Dialect};
use crate::model::{
    AclEntry, DefaultGrant, DialectKind, Ident, MemberKind, ObjectClass, ObservedMembership,
    Privilege, PrivilegeSet, Securable,
};

/// What has been read of the roles so far.
#[derive(Default)]
pub(super) struct Edges {
    /// (object, grantee, grantor) → (privileges, those that may be passed on).
    grants: BTreeMap<(Securable, Ident, Ident), (PrivilegeSet, PrivilegeSet)>,
    pub(super) memberships: BTreeSet<ObservedMembership>,
    defaults: BTreeMap<Future, (PrivilegeSet, PrivilegeSet)>,
    pub(super) owned: BTreeMap<Securable, Ident>,
    pub(super) unsupported: BTreeSet<(Ident, String)>,
}

/// Database, schema, class of what is to come, grantee.
type Future = (Ident, Option<Ident>, ObjectClass, Ident);

/// Names that are known to be roles or databases made of a share.
pub(super) struct Known<'k> {
    pub(super) roles: &'k BTreeSet<String>,
    pub(super) imported: &'k BTreeSet<Ident>,
}

/// Who grants where Snowflake names nobody.
fn nobody() -> Option<Ident> {
    Ident::new("SNOWFLAKE").ok()
}

impl Known<'_> {
    pub(super) fn role(&self, shown: &str) -> Option<Ident> {
        shown::one(shown, |name| self.roles.contains(name))
    }

    /// A grantee: a role of the account, or one of `database`.
    pub(super) fn grantee(
        &self,
        kind: &str,
        shown: &str,
        database: Option<&Ident>,
    ) -> Option<Ident> {
        match shown::holder(kind)? {
            Holder::Role => return self.role(shown),
            Holder::User => return None,
            Holder::DatabaseRole => {}
        }
        let mut parts = shown::parts(shown)?.into_iter().map(|part| Ident::new(part).ok());
        match (parts.next()??, parts.next()) {
            (name, None) => Some(Ident::in_database(database?, &name)),
            (database, Some(name)) => Some(Ident::in_database(&database, &name?)),
        }
    }
}

impl Edges {
    /// SHOW GRANTS TO: what the role holds, owns, and is a member of.
    pub(super) fn held(&mut self, role: &Ident, rows: &Rows, known: &Known) {
        for row in Table::of(rows).rows() {
            if self.one_held(role, &row, known).is_none() {
                self.not_understood(role, &row);
            }
        }
    }

    fn not_understood(&mut self, role: &Ident, row: &Row) {
        let (privilege, on) = (row.text("privilege"), row.text("granted_on"));
        let mut what = format!("{privilege} on {on} {}", row.text("name"));
        if row.truth("is_inherited") {
            what.push_str(&format!(", inherited from {}", row.text("inherited_from")));
        }
        self.unsupported.insert((role.clone(), what));
    }

    fn one_held(&mut self, role: &Ident, row: &Row, known: &Known) -> Option<()> {
        // Granted on a container for all that is in it: no grant on the object itself.
        if row.truth("is_inherited") {
            return None;
        }
        let (privilege, on) = (row.text("privilege"), row.text("granted_on").replace(' ', "_"));
        let grantor = match row.text("granted_by") {
            "" => nobody()?,
            shown => known.role(shown)?,
        };
        if privilege == "USAGE"
            && matches!(shown::holder(&on), Some(Holder::Role | Holder::DatabaseRole))
        {
            let held = known.grantee(&on, row.text("name"), None)?;
            self.member(held, role.clone(), MemberKind::Role, grantor);
            return Some(());
        }
        let class = shown::class(&on)?;
        let object = shown::object(class, row.text("name"))?;
        if privilege == "OWNERSHIP" {
            self.owned.insert(object, role.clone());
            return Some(());
        }
        let mut privilege = Privilege::parse(privilege)?;
        // On a database made of a share, USAGE is what IMPORTED PRIVILEGES is shown as.
        if class == ObjectClass::Database
            && privilege == Privilege::USAGE
            && object.name().is_some_and(|name| known.imported.contains(name))
        {
            privilege = Privilege::IMPORTED;
        }
        if !snowflake().privileges_of(class).contains(privilege) && !class.is_relation() {
            return None;
        }
        let key = (object, role.clone(), grantor);
        let (all, grantable) = self.grants.entry(key).or_default();
        all.insert(privilege);
        if row.truth("grant_option") {
            grantable.insert(privilege);
        }
        Some(())
    }

    fn member(&mut self, role: Ident, member: Ident, kind: MemberKind, grantor: Ident) {
        self.memberships.insert(ObservedMembership {
            role,
            member,
            kind,
            grantor,
            admin: false,
            inherit: true,
            set: true,
            automatic: false,
        });
    }

    /// What a role of ours may pass on.
    pub(super) fn may_be_passed_on(&self) -> BTreeSet<Securable> {
        let grantable = self.grants.iter().filter(|(_, (_, grantable))| !grantable.is_empty());
        grantable.map(|((on, _, _), _)| on.clone()).collect()
    }

    /// SHOW GRANTS ON: what others hold from roles of ours.
    pub(super) fn others(&mut self, on: &Securable, rows: &Rows, ours: &[Ident], known: &Known) {
        for row in Table::of(rows).rows() {
            let who =
                |kind, name| known.grantee(row.text(kind), row.text(name), on.database_name());
            // Older accounts do not say what kind of role granted it.
            let by = match row.text("granted_by_role_type") {
                "" => known.role(row.text("granted_by")),
                _ => who("granted_by_role_type", "granted_by"),
            };
            let (Some(by), Some(to)) = (by, who("granted_to", "grantee_name")) else { continue };
            if let Some(privilege) = Privilege::parse(row.text("privilege"))
                && ours.contains(&by)
                && !ours.contains(&to)
            {
                self.grants.entry((on.clone(), to, by)).or_default().0.insert(privilege);
            }
        }
    }

    /// SHOW GRANTS OF: who is a member of the role.
    pub(super) fn members(&mut self, role: &Ident, rows: &Rows, known: &Known) {
        let database = role.in_parts().map(|(database, _)| database);
        for row in Table::of(rows).rows() {
            let (kind, shown) = (row.text("granted_to"), row.text("grantee_name"));
            let grantor = known.role(row.text("granted_by")).or_else(nobody);
            let (kind, member) = match shown::holder(kind) {
                Some(Holder::User) => (MemberKind::User, shown::one(shown, |_| false)),
                _ => (MemberKind::Role, known.grantee(kind, shown, database.as_ref())),
            };
            match member.zip(grantor) {
                Some((member, grantor)) => self.member(role.clone(), member, kind, grantor),
                None => {
                    let what = format!("its member {} {shown}", row.text("granted_to"));
                    self.unsupported.insert((role.clone(), what));
                }
            }
        }
    }

    /// SHOW FUTURE GRANTS: to the role, or where `role` is `None`, to anyone in a container.
    pub(super) fn future(&mut self, role: Option<&Ident>, rows: &Rows, known: &Known) {
        for row in Table::of(rows).rows() {
            if self.one_future(role, &row, known).is_none()
                && let Some(role) = role
            {
                let what = format!(
                    "{} on future {} {}",
                    row.text("privilege"),
                    row.text("grant_on"),
                    row.text("name")
                );
                self.unsupported.insert((role.clone(), what));
            }
        }
    }

    fn one_future(&mut self, role: Option<&Ident>, row: &Row, known: &Known) -> Option<()> {
        let class = shown::class(row.text("grant_on"))?;
        let privilege = Privilege::parse(row.text("privilege"))?;
        if !snowflake().privileges_of(class).contains(privilege)
            && privilege != Privilege::OWNERSHIP
        {
            return None;
        }
        let mut parts = shown::parts(row.text("name"))?;
        // The last part is the type between angle brackets.
        parts.pop()?;
        let mut parts = parts.into_iter().map(|part| Ident::new(part).ok());
        let database = parts.next()??;
        let schema = match parts.next() {
            Some(schema) => Some(schema?),
            None => None,
        };
        let grantee = match role {
            Some(role) => role.clone(),
            None => {
                let kind = row.text("grant_to");
                known.grantee(kind, row.text("grantee_name"), Some(&database))?
            }
        };
        let key = (database, schema, class, grantee);
        let (all, grantable) = self.defaults.entry(key).or_default();
        all.insert(privilege);
        if row.truth("grant_option") {
            grantable.insert(privilege);
        }
        Some(())
    }

    /// SHOW INHERITED GRANTS: what the roles get on all that is in a container.
    pub(super) fn inherited(
        &mut self,
        rows: &Rows,
        roles: &[Ident],
        database: &Ident,
        known: &Known,
    ) {
        for row in Table::of(rows).rows() {
            // Its page shows the columns of SHOW GRANTS; those of future grants are read too.
            let either = |one: &str, other: &str| match row.text(one) {
                "" => row.text(other).to_owned(),
                text => text.to_owned(),
            };
            let (kind, shown) = (either("granted_to", "grant_to"), row.text("grantee_name"));
            let grantee = known.grantee(&kind, shown, Some(database));
            let Some(role) = grantee.filter(|grantee| roles.contains(grantee)) else { continue };
            let on = either("granted_on", "grant_on").replace('_', " ");
            let what = format!("inherited {} on every {on} in {database}", row.text("privilege"));
            self.unsupported.insert((role, what));
        }
    }

    /// Rows of ACCOUNT_USAGE, which has names in parts and unquoted.
    pub(super) fn read_usage(
        &mut self,
        roles: &[Ident],
        to_roles: &Rows,
        to_users: &Rows,
        known: &Known,
    ) {
        let columns = ["privilege", "granted_on", "name", "grant_option", "granted_by"];
        let of = ["granted_to", "grantee_name", "granted_by"];
        let names = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let find = |kind: &str, database: &str, name: &str| {
            let wanted = |role: &&Ident| match role.in_parts() {
                Some((d, n)) => {
                    shown::holder(kind) == Some(Holder::DatabaseRole)
                        && d.as_str() == database
                        && n.as_str() == name
                }
                None => shown::holder(kind) == Some(Holder::Role) && role.as_str() == name,
            };
            roles.iter().find(wanted).cloned()
        };
        for row in Table::of(to_roles).rows() {
            let (kind, on) = (row.text("granted_to"), row.text("granted_on"));
            let (catalog, schema) = (row.text("table_catalog"), row.text("table_schema"));
            let own = row.text("name");
            let path: Vec<&str> = match on {
                "DATABASE" | "ROLE" | "ACCOUNT ROLE" => vec![own],
                on if shown::class(on).is_some_and(ObjectClass::is_global) => vec![own],
                "SCHEMA" | "DATABASE ROLE" | "DATABASE_ROLE" => vec![catalog, own],
                _ => vec![catalog, schema, own],
            };
            let path: Vec<String> = path
                .into_iter()
                .filter(|part| !part.is_empty())
                .map(|part| format!("\"{}\"", part.replace('"', "\"\"")))
                .collect();
            let by = row.text("granted_by");
            if let Some(role) = find(kind, catalog, row.text("grantee_name")) {
                let values =
                    [row.text("privilege"), on, &path.join("."), row.text("grant_option"), by];
                let values = values.map(|value| Some(value.to_owned())).to_vec();
                self.held(&role, &Rows { columns: names(&columns), rows: vec![values] }, known);
            }
            if row.text("privilege") == "USAGE"
                && let Some(role) = find(on, catalog, own)
            {
                let values = [kind, row.text("grantee_name"), by];
                let values = values.map(|value| Some(value.to_owned())).to_vec();
                self.members(&role, &Rows { columns: names(&of), rows: vec![values] }, known);
            }
        }
        for row in Table::of(to_users).rows() {
            let Some(role) = find("ROLE", "", row.text("role")) else { continue };
            let values = ["USER", row.text("grantee_name"), row.text("granted_by")];
            let values = values.map(|value| Some(value.to_owned())).to_vec();
            self.members(&role, &Rows { columns: names(&of), rows: vec![values] }, known);
        }
    }

    /// Grants by object, under the class that the object really has.
    pub(super) fn acl(
        &self,
        class_of: impl Fn(&Securable) -> Option<ObjectClass>,
    ) -> Vec<AclEntry> {
        let mut acl: Vec<AclEntry> = self
            .grants
            .iter()
            .map(|((on, grantee, grantor), (privileges, grantable))| AclEntry {
                on: really(on, &class_of),
                grantee: grantee.clone(),
                grantor: grantor.clone(),
                privileges: *privileges,
                grantable: *grantable,
            })
            .collect();
        acl.sort_unstable();
        acl
    }

    pub(super) fn defaults(&self) -> Vec<DefaultGrant> {
        self.defaults
            .iter()
            .map(|((database, schema, class, grantee), (privileges, grantable))| DefaultGrant {
                creator: None,
                database: database.clone(),
                schema: schema.clone(),
                class: *class,
                grantee: grantee.clone(),
                privileges: *privileges,
                grantable: *grantable,
            })
            .collect()
    }
}

/// The object under the class that the warehouse says it has: SHOW GRANTS calls Iceberg and hybrid
/// tables TABLE.
pub(super) fn really(
    on: &Securable,
    class_of: impl Fn(&Securable) -> Option<ObjectClass>,
) -> Securable {
    match class_of(on) {
        Some(class) if on.class().is_relation() => on.clone().with_class(class),
        _ => on.clone(),
    }
}

fn snowflake() -> &'static dyn Dialect {
    dialect::of(DialectKind::Snowflake)
}
