//! Changes into PostgreSQL's statements.

use std::collections::HashSet;
use std::mem::discriminant;

use super::super::group::{Edge, group};
use super::super::refusal::{Refusal, privileges as words};
use super::super::templates::Templates;
use super::super::{Statement, StatementError, Target};
use super::objects;
use super::{class, literal};
use crate::model::{
    Change, DialectKind, Ident, ObjectClass, PrivilegeSet, RoleAttributes, Securable,
};

/// Memberships have options and grantors of their own from this version on.
const MEMBERSHIP_OPTIONS: u32 = 160_000;

/// What edges on objects must agree on to share a statement.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct OnObject<'a> {
    keyword: &'static str,
    column: Option<&'a Ident>,
    privileges: PrivilegeSet,
    grantor: Option<&'a Ident>,
}

struct Writer<'a> {
    templates: Templates,
    target: &'a Target,
    changes: &'a [Change],
    out: Vec<Statement>,
}

/// See [`Dialect::statements`].
pub(super) fn render(
    changes: &[Change],
    target: &Target,
) -> Result<Vec<Statement>, StatementError> {
    let templates = Templates::open(DialectKind::Postgres)?;
    let mut writer = Writer { templates, target, changes, out: Vec::new() };
    let mut from = 0;
    for run in changes.chunk_by(|a, b| discriminant(a) == discriminant(b)) {
        writer.run(from, run).map_err(|error| blame_one(error, run, from, target))?;
        from += run.len();
    }
    Ok(writer.out)
}

/// A group's error names the group's first change: finds the one that it is about.
fn blame_one(
    error: StatementError,
    run: &[Change],
    from: usize,
    target: &Target,
) -> StatementError {
    let refused = |change: &Change| match change {
        Change::Grant { on, role, privileges }
        | Change::Revoke { on, role, privileges, grantor: _ }
        | Change::RevokeGrantOption { on, role, privileges, grantor: _ } => {
            objects::object(on, target).and(objects::role(role)).and(words(*privileges)).err()
        }
        Change::AddMember { role, member, kind: _ }
        | Change::RemoveMember { role, member, kind: _, grantor: _ }
        | Change::RevokeAdminOption { role, member, grantor: _ } => {
            objects::role(role).and(objects::role(member)).err()
        }
        _ => None,
    };
    let mut of_run = (from..).zip(run);
    of_run.find_map(|(at, change)| Some(refused(change)?.at(at))).unwrap_or(error)
}

impl<'a> Writer<'a> {
    /// One run of changes of one kind; `from` is the place of its first.
    fn run(&mut self, from: usize, run: &'a [Change]) -> Result<(), StatementError> {
        // What is collected here is written as groups at the end of the run, or earlier where a
        // chain of grant options demands an order.
        let mut on_objects: Vec<Edge<'a, OnObject<'a>, &'a Securable>> = Vec::new();
        let mut memberships: Vec<Edge<'a, Option<&'a Ident>, &'a Ident>> = Vec::new();
        let mut chain = Chain::default();
        for (change, what) in (from..).zip(run) {
            match what {
                Change::Grant { on, role, privileges } => {
                    on_objects.push(self.edge(change, on, role, *privileges, None)?);
                }
                Change::Revoke { on, role, privileges, grantor } => {
                    let grantor = grantor.as_ref();
                    if chain.breaks(&(on.schema_name(), on.name()), role, grantor) {
                        self.object_groups(from, &std::mem::take(&mut on_objects))?;
                    }
                    on_objects.push(self.edge(change, on, role, *privileges, grantor)?);
                }
                Change::RevokeGrantOption { on, role, privileges, grantor } => {
                    if chain.breaks(&(on.schema_name(), on.name()), role, Some(grantor)) {
                        self.object_groups(from, &std::mem::take(&mut on_objects))?;
                    }
                    on_objects.push(self.edge(change, on, role, *privileges, Some(grantor))?);
                }
                Change::AddMember { role, member, kind: _ } => {
                    memberships.push(Edge { change, kind: None, object: role, role: member });
                }
                Change::RemoveMember { role, member, kind: _, grantor } => {
                    let grantor = grantor.as_ref();
                    if chain.breaks(&(None, Some(role)), member, grantor) {
                        self.member_groups(from, &std::mem::take(&mut memberships))?;
                    }
                    memberships.push(Edge { change, kind: grantor, object: role, role: member });
                }
                Change::RevokeAdminOption { role, member, grantor } => {
                    if chain.breaks(&(None, Some(role)), member, Some(grantor)) {
                        self.member_groups(from, &std::mem::take(&mut memberships))?;
                    }
                    memberships.push(Edge {
                        change,
                        kind: Some(grantor),
                        object: role,
                        role: member,
                    });
                }
                Change::CreateRole { .. }
                | Change::RenameRole { .. }
                | Change::AdoptRole { .. }
                | Change::ResetAttributes { .. }
                | Change::SetOwner { .. }
                | Change::GrantDefault { .. }
                | Change::SetRoleOwner { .. }
                | Change::RevokeDefault { .. }
                | Change::DropRole { .. } => self.single(change, what)?,
            }
        }
        self.object_groups(from, &on_objects)?;
        self.member_groups(from, &memberships)
    }

    /// A change that has statements of its own.
    fn single(&mut self, at: usize, change: &'a Change) -> Result<(), StatementError> {
        let blame = |refusal: Refusal| refusal.at(at);
        match change {
            Change::CreateRole { role, marker } => {
                let role = objects::new_role(role).map_err(blame)?;
                let sql = self.templates.call(at, "create_role", [role.clone().into()])?;
                self.push(sql, vec![at]);
                self.comment(at, role, &marker.to_comment())?;
            }
            Change::AdoptRole { role, marker } => {
                let role = objects::role(role).map_err(blame)?;
                self.comment(at, role, &marker.to_comment())?;
            }
            Change::RenameRole { from, to } => {
                let from = objects::role(from).map_err(blame)?;
                let to = objects::new_role(to).map_err(blame)?;
                let sql = self.templates.call(at, "rename_role", [from.into(), to.into()])?;
                self.push(sql, vec![at]);
            }
            Change::ResetAttributes { role, attributes } => {
                let role = objects::role(role).map_err(blame)?;
                let attributes = reset(attributes);
                let sql =
                    self.templates.call(at, "alter_role", [role.into(), attributes.into()])?;
                self.push(sql, vec![at]);
            }
            Change::SetOwner { on, from: _, to } => {
                let owned_as = class(on.class()).and_then(|class| class.row.owned_as);
                let Some(owned_as) = owned_as else {
                    return Err(objects::unsupported(on, "owner").at(at));
                };
                let object = objects::object(on, self.target).map_err(blame)?;
                let to = objects::role(to).map_err(blame)?;
                let arguments = [owned_as.into(), object.into(), to.into()];
                let sql = self.templates.call(at, "set_owner", arguments)?;
                self.push(sql, vec![at]);
            }
            Change::GrantDefault { creator, database, schema, class, role, privileges } => {
                let place = (creator.as_ref(), database, schema.as_ref());
                self.default(at, "grant_default", place, *class, role, *privileges)?;
            }
            Change::RevokeDefault { creator, database, schema, class, role, privileges } => {
                let place = (creator.as_ref(), database, schema.as_ref());
                self.default(at, "revoke_default", place, *class, role, *privileges)?;
            }
            Change::SetRoleOwner { role, .. } => {
                let message = format!("roles have no owners in PostgreSQL, so {role:?} has none");
                return Err(Refusal::new("unsupported-change", message).at(at));
            }
            Change::DropRole { role } => {
                let role = objects::role(role).map_err(blame)?;
                let sql = self.templates.call(at, "drop_role", [role.into()])?;
                self.push(sql, vec![at]);
            }
            // Never reached: `run` collects these. Refused all the same, not dropped.
            Change::Grant { .. }
            | Change::Revoke { .. }
            | Change::RevokeGrantOption { .. }
            | Change::AddMember { .. }
            | Change::RemoveMember { .. }
            | Change::RevokeAdminOption { .. } => {
                let message = "this change is written in a group".to_owned();
                return Err(Refusal::new("unsupported-change", message).at(at));
            }
        }
        Ok(())
    }

    /// Default privileges: those of one creator, in one schema or in the whole database.
    fn default(
        &mut self,
        at: usize,
        template: &'static str,
        (creator, database, schema): (Option<&Ident>, &Ident, Option<&Ident>),
        of: ObjectClass,
        role: &Ident,
        privileges: PrivilegeSet,
    ) -> Result<(), StatementError> {
        let blame = |refusal: Refusal| refusal.at(at);
        let Some(creator) = creator else {
            return Err(Refusal::new(
                "unsupported-change",
                format!(
                    "default privileges for {role:?} without a creator: in PostgreSQL they belong \
                     to the role that creates"
                ),
            )
            .at(at));
        };
        if let Some(here) = self.target.database.as_ref().filter(|here| *here != database) {
            let message = format!(
                "default privileges in the database {database:?}, but the connection is to {here:?}"
            );
            return Err(Refusal::new("other-database", message).at(at));
        }
        let Some(plural) = class(of).and_then(|class| class.row.plural) else {
            let message = format!("PostgreSQL has no default privileges on class {of}");
            return Err(Refusal::new("unsupported-change", message).at(at));
        };
        if schema.is_some() && matches!(of, ObjectClass::Schema | ObjectClass::LargeObject) {
            let message = format!("default privileges on class {of} are not for one schema");
            return Err(Refusal::new("unsupported-change", message).at(at));
        }
        let creator = objects::name(creator).map_err(blame)?;
        let schema = schema.map(objects::name).transpose().map_err(blame)?;
        let role = objects::role(role).map_err(blame)?;
        let arguments = [
            creator.into(),
            schema.unwrap_or_default().into(),
            words(privileges).map_err(blame)?.into(),
            plural.into(),
            role.into(),
        ];
        let sql = self.templates.call(at, template, arguments)?;
        self.push(sql, vec![at]);
        Ok(())
    }

    fn comment(&mut self, at: usize, role: String, text: &str) -> Result<(), StatementError> {
        let arguments = [role.into(), literal(text).into()];
        let sql = self.templates.call(at, "comment_on_role", arguments)?;
        self.push(sql, vec![at]);
        Ok(())
    }

    fn edge(
        &self,
        change: usize,
        on: &'a Securable,
        role: &'a Ident,
        privileges: PrivilegeSet,
        grantor: Option<&'a Ident>,
    ) -> Result<Edge<'a, OnObject<'a>, &'a Securable>, StatementError> {
        let Some(class) = class(on.class()) else {
            return Err(objects::unsupported(on, "privileges").at(change));
        };
        let column = on.column_name();
        let kind = OnObject { keyword: class.row.keyword, column, privileges, grantor };
        Ok(Edge { change, kind, object: on, role })
    }

    /// Writes grants or revokes on objects. `at` is any change of the run.
    fn object_groups(
        &mut self,
        at: usize,
        edges: &[Edge<'a, OnObject<'a>, &'a Securable>],
    ) -> Result<(), StatementError> {
        for group in group(edges) {
            let at = group.changes.first().copied().unwrap_or(at);
            let blame = |refusal: Refusal| refusal.at(at);
            let OnObject { keyword, column, privileges, grantor } = group.kind;
            let columns = column.map(objects::name).transpose().map_err(blame)?;
            let named = |on: &&Securable| objects::object(on, self.target);
            let objects: Vec<_> =
                group.objects.iter().map(named).collect::<Result<_, _>>().map_err(blame)?;
            let roles = objects::roles(&group.roles).map_err(blame)?;
            let privileges = words(privileges).map_err(blame)?;
            let columns: Vec<_> = columns.into_iter().collect();
            let (name, only_option) = match &self.changes.get(at) {
                Some(Change::Revoke { .. }) => ("revoke", Some(false)),
                Some(Change::RevokeGrantOption { .. }) => ("revoke", Some(true)),
                _ => ("grant", None),
            };
            let sql = match only_option {
                None => {
                    let arguments = [
                        privileges.into(),
                        columns.into(),
                        keyword.into(),
                        objects.into(),
                        roles.into(),
                    ];
                    self.templates.call(at, name, arguments)?
                }
                Some(only_option) => {
                    let arguments = [
                        privileges.into(),
                        columns.into(),
                        keyword.into(),
                        objects.into(),
                        roles.into(),
                        only_option.into(),
                    ];
                    self.templates.call(at, name, arguments)?
                }
            };
            self.out.push(Statement { sql, changes: group.changes, as_role: grantor.cloned() });
        }
        Ok(())
    }

    /// Writes memberships. `at` is any change of the run.
    fn member_groups(
        &mut self,
        at: usize,
        edges: &[Edge<'a, Option<&'a Ident>, &'a Ident>],
    ) -> Result<(), StatementError> {
        let options = self.target.version >= MEMBERSHIP_OPTIONS;
        for group in group(edges) {
            let at = group.changes.first().copied().unwrap_or(at);
            let blame = |refusal: Refusal| refusal.at(at);
            let roles = objects::roles(&group.objects).map_err(blame)?;
            let members = objects::roles(&group.roles).map_err(blame)?;
            let only_admin = match self.changes.get(at) {
                Some(Change::RemoveMember { .. }) => Some(false),
                Some(Change::RevokeAdminOption { .. }) => Some(true),
                _ => None,
            };
            let sql = match only_admin {
                None => {
                    let arguments = [roles.into(), members.into(), options.into()];
                    self.templates.call(at, "grant_role", arguments)?
                }
                Some(only_admin) => {
                    let grantor = group.kind.filter(|_| options);
                    let grantor = grantor.map(objects::name).transpose().map_err(blame)?;
                    let arguments = [
                        roles.into(),
                        members.into(),
                        only_admin.into(),
                        grantor.unwrap_or_default().into(),
                    ];
                    self.templates.call(at, "revoke_role", arguments)?
                }
            };
            self.push(sql, group.changes);
        }
        Ok(())
    }

    fn push(&mut self, sql: String, changes: Vec<usize>) {
        self.out.push(Statement { sql, changes, as_role: None });
    }
}

/// Only what differs from a managed role: SUPERUSER, REPLICATION and BYPASSRLS may be named by
/// superusers alone, even to say NO.
fn reset(attributes: &RoleAttributes) -> Vec<String> {
    let RoleAttributes {
        superuser,
        create_role,
        create_db,
        login,
        replication,
        bypass_rls,
        inherit,
    } = attributes;
    let mut words: Vec<_> = [
        (superuser, "NOSUPERUSER"),
        (create_db, "NOCREATEDB"),
        (create_role, "NOCREATEROLE"),
        (replication, "NOREPLICATION"),
        (bypass_rls, "NOBYPASSRLS"),
        (login, "NOLOGIN"),
    ]
    .into_iter()
    .filter(|(set, _)| **set)
    .map(|(_, word)| word.to_owned())
    .collect();
    // Where nothing differs, INHERIT again changes nothing and needs no power.
    if !*inherit || words.is_empty() {
        words.push("INHERIT".to_owned());
    }
    words
}

/// Revokes along a chain of grant (or admin) options: whoever got it from the other must lose it
/// first, in the order that the plan has. Such changes must not meet in one group.
#[derive(Default)]
struct Chain<'a> {
    edges: HashSet<(Place<'a>, &'a Ident, Side)>,
}

/// A schema and a name, whatever class or column: enough to tell that two may be of one object.
type Place<'a> = (Option<&'a Ident>, Option<&'a Ident>);

#[derive(PartialEq, Eq, Hash)]
enum Side {
    Grantee,
    Grantor,
}

impl<'a> Chain<'a> {
    /// Whether this edge hangs on one seen since the last break. It is remembered either way.
    fn breaks(&mut self, place: &Place<'a>, role: &'a Ident, grantor: Option<&'a Ident>) -> bool {
        let hangs = self.edges.contains(&(*place, role, Side::Grantor))
            || grantor.is_some_and(|by| self.edges.contains(&(*place, by, Side::Grantee)));
        if hangs {
            self.edges.clear();
        }
        self.edges.insert((*place, role, Side::Grantee));
        if let Some(grantor) = grantor {
            self.edges.insert((*place, grantor, Side::Grantor));
        }
        hangs
    }
}
