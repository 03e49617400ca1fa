//! Changes into Snowflake's statements: one object and one role each.

use super::super::refusal::{Refusal, privileges as words, signature};
use super::super::templates::Templates;
use super::super::{Dialect, Statement, StatementError};
use super::{Snowflake, class, literal};
use crate::model::{
    Change, DialectKind, Ident, MemberKind, ObjectClass, Privilege, PrivilegeSet, Securable,
};

/// See [`Dialect::statements`].
pub(super) fn render(changes: &[Change]) -> Result<Vec<Statement>, StatementError> {
    let mut templates = Templates::open(DialectKind::Snowflake)?;
    let mut statements = Vec::with_capacity(changes.len());
    for (at, change) in changes.iter().enumerate() {
        // OWNERSHIP of what is to come is said in a statement of its own.
        for part in apart(change) {
            let sql = sql(&mut templates, at, part.as_ref().unwrap_or(change))?;
            // With the right to manage grants, a revoke takes any grantor's grant away.
            statements.push(Statement { sql, changes: vec![at], as_role: None });
        }
    }
    Ok(statements)
}

/// A change as the changes that one statement each can say: `None` for the change itself.
fn apart(change: &Change) -> Vec<Option<Change>> {
    let (Change::GrantDefault { privileges, .. } | Change::RevokeDefault { privileges, .. }) =
        change
    else {
        return vec![None];
    };
    let ownership = PrivilegeSet::of(&[Privilege::OWNERSHIP]);
    let rest = privileges.minus(ownership);
    if !privileges.contains_all(ownership) || rest.is_empty() {
        return vec![None];
    }
    let with = |only: PrivilegeSet| {
        let mut part = change.clone();
        if let Change::GrantDefault { privileges, .. } | Change::RevokeDefault { privileges, .. } =
            &mut part
        {
            *privileges = only;
        }
        Some(part)
    };
    vec![with(rest), with(ownership)]
}

fn sql(templates: &mut Templates, at: usize, change: &Change) -> Result<String, StatementError> {
    let blame = |refusal: Refusal| refusal.at(at);
    match change {
        Change::CreateRole { role, marker } => {
            let (kind, role) = new_role(role).map_err(blame)?;
            let comment = literal(&marker.to_comment());
            templates.call(at, "create_role", [role.into(), comment.into(), kind.into()])
        }
        Change::AdoptRole { role, marker } => {
            let (kind, role) = any_role(role).map_err(blame)?;
            let comment = literal(&marker.to_comment());
            templates.call(at, "comment_on_role", [role.into(), comment.into(), kind.into()])
        }
        Change::RenameRole { from, to } => {
            let (from, to) = (any_role(from).map_err(blame)?, new_role(to).map_err(blame)?);
            if from.0 != to.0 {
                let message = "a role of the account and one of a database are not one role";
                return Err(blame(Refusal::new("unsupported-change", message)));
            }
            templates.call(at, "rename_role", [from.1.into(), to.1.into(), to.0.into()])
        }
        Change::DropRole { role } => {
            let (kind, role) = any_role(role).map_err(blame)?;
            templates.call(at, "drop_role", [role.into(), kind.into()])
        }
        Change::Grant { on, role, privileges } => {
            let (to, role) = not_everyone(role).map_err(blame)?;
            let (privileges, kind, object) = on_object(on, *privileges).map_err(blame)?;
            let arguments = [privileges.into(), kind.into(), object.into(), role.into(), to.into()];
            templates.call(at, "grant", arguments)
        }
        Change::Revoke { on, role, privileges, grantor: _ } => {
            revoke(templates, at, on, role, *privileges, false)
        }
        Change::RevokeGrantOption { on, role, privileges, grantor: _ } => {
            revoke(templates, at, on, role, *privileges, true)
        }
        Change::AddMember { role, member, kind } => {
            let (what, role) = not_everyone(role).map_err(blame)?;
            let (to, member) = match kind {
                MemberKind::User => name(member).map(|member| ("USER", member)),
                MemberKind::Group | MemberKind::Role => not_everyone(member),
            }
            .map_err(blame)?;
            let arguments = [role.into(), to.into(), member.into(), what.into()];
            templates.call(at, "grant_role", arguments)
        }
        Change::RemoveMember { role, member, kind, grantor: _ } => {
            let (what, role) = any_role(role).map_err(blame)?;
            let (from, member) = match kind {
                MemberKind::User => name(member).map(|member| ("USER", member)),
                MemberKind::Group | MemberKind::Role => any_role(member),
            }
            .map_err(blame)?;
            let arguments = [role.into(), from.into(), member.into(), what.into()];
            templates.call(at, "revoke_role", arguments)
        }
        Change::SetOwner { on, from: _, to } => {
            let owned_as = class(on.class()).and_then(|class| class.row.owned_as);
            let Some(owned_as) = owned_as else {
                return Err(unsupported(on, "owner").at(at));
            };
            let (kind, to) = not_everyone(to).map_err(blame)?;
            let object = object(on).map_err(blame)?;
            let arguments = [owned_as.into(), object.into(), to.into(), kind.into()];
            templates.call(at, "set_owner", arguments)
        }
        Change::SetRoleOwner { role, from: _, to } => {
            let (what, role) = any_role(role).map_err(blame)?;
            let (kind, to) = not_everyone(to).map_err(blame)?;
            let arguments = [what.into(), role.into(), to.into(), kind.into()];
            templates.call(at, "set_owner", arguments)
        }
        Change::GrantDefault { creator, database, schema, class, role, privileges } => {
            let place = (creator.as_ref(), database, schema.as_ref());
            let (to, role) = not_everyone(role).map_err(blame)?;
            future(templates, at, "grant_future", place, *class, (to, role), *privileges)
        }
        Change::RevokeDefault { creator, database, schema, class, role, privileges } => {
            let place = (creator.as_ref(), database, schema.as_ref());
            let from = any_role(role).map_err(blame)?;
            future(templates, at, "revoke_future", place, *class, from, *privileges)
        }
        Change::ResetAttributes { role, attributes: _ } => {
            let message = format!("roles have no attributes in Snowflake, so {role:?} has none");
            Err(Refusal::new("unsupported-change", message).at(at))
        }
        Change::RevokeAdminOption { role, member, grantor: _ } => {
            let message = format!(
                "memberships have no admin option in Snowflake, so {member:?} has none in {role:?}"
            );
            Err(Refusal::new("unsupported-change", message).at(at))
        }
    }
}

/// A statement about what is not there yet.
fn future(
    templates: &mut Templates,
    at: usize,
    template: &'static str,
    (creator, database, schema): (Option<&Ident>, &Ident, Option<&Ident>),
    of: ObjectClass,
    (kind, role): (&'static str, String),
    privileges: PrivilegeSet,
) -> Result<String, StatementError> {
    let blame = |refusal: Refusal| refusal.at(at);
    let (container, place) = future_place(creator, database, schema, of).map_err(blame)?;
    let Some(plural) = class(of).and_then(|class| class.row.plural) else {
        let message = format!("Snowflake has no future grants on class {of}");
        return Err(Refusal::new("unsupported-change", message).at(at));
    };
    let arguments = [
        words(privileges).map_err(blame)?.into(),
        plural.into(),
        container.into(),
        place.into(),
        role.into(),
        kind.into(),
    ];
    templates.call(at, template, arguments)
}

fn revoke(
    templates: &mut Templates,
    at: usize,
    on: &Securable,
    role: &Ident,
    privileges: PrivilegeSet,
    only_grant_option: bool,
) -> Result<String, StatementError> {
    let blame = |refusal: Refusal| refusal.at(at);
    let (from, role) = any_role(role).map_err(blame)?;
    let (privileges, kind, object) = on_object(on, privileges).map_err(blame)?;
    let arguments = [
        privileges.into(),
        kind.into(),
        object.into(),
        role.into(),
        only_grant_option.into(),
        from.into(),
    ];
    templates.call(at, "revoke", arguments)
}

/// A quoted name.
fn name(name: &Ident) -> Result<String, Refusal> {
    if name.in_parts().is_some() {
        let message = format!("{name} is a role of a database, which cannot stand here");
        return Err(Refusal::new("unsupported-change", message));
    }
    match Snowflake.longest_name(name) {
        Ok(()) => Ok(Snowflake.quote(name)),
        Err(why) => Err(Refusal::new("name-too-long", why)),
    }
}

/// The word for a role, and its quoted name.
fn any_role(role: &Ident) -> Result<(&'static str, String), Refusal> {
    match role.in_parts() {
        None => Ok(("ROLE", name(role)?)),
        Some((database, role)) => {
            Ok(("DATABASE ROLE", format!("{}.{}", name(&database)?, name(&role)?)))
        }
    }
}

/// A role that is given something: never the one that everyone holds.
fn not_everyone(role: &Ident) -> Result<(&'static str, String), Refusal> {
    if role.as_str() == "PUBLIC" {
        return Err(Refusal::new("reserved-name", "\"PUBLIC\" cannot be a role: it is everyone"));
    }
    any_role(role)
}

/// A role that is about to come into being.
fn new_role(role: &Ident) -> Result<(&'static str, String), Refusal> {
    match Snowflake.reserved(role) {
        Some(why) => {
            Err(Refusal::new("reserved-name", format!("{role:?} cannot be a role: {why}")))
        }
        None => any_role(role),
    }
}

fn unsupported(on: &Securable, what: &str) -> Refusal {
    let class = on.class();
    let message = format!("Snowflake knows no {what} on {on} of class {class}");
    Refusal::new("unsupported-object", message)
}

/// Privileges, the word for the class, and the object (empty for the account).
fn on_object(
    on: &Securable,
    privileges: PrivilegeSet,
) -> Result<(Vec<String>, &'static str, String), Refusal> {
    let class = class(on.class()).ok_or_else(|| unsupported(on, "privileges"))?;
    Ok((words(privileges)?, class.row.keyword, object(on)?))
}

/// The word for an object's class, and its quoted name, where it has both.
pub(crate) fn snowflake_object(on: &Securable) -> Option<String> {
    let (kind, object) = (class(on.class())?.row.keyword, object(on).ok()?);
    Some(format!("{kind} {object}").trim_end().to_owned())
}

/// A name with every part that it has in an account; empty for the account itself.
fn object(on: &Securable) -> Result<String, Refusal> {
    let part = |part: Option<&Ident>| match part {
        Some(part) => name(part),
        None => {
            let message = format!("{on} of class {} lacks a name", on.class());
            Err(Refusal::new("incomplete-object", message))
        }
    };
    if class(on.class()).is_none() {
        return Err(unsupported(on, "statements"));
    }
    let schema = || Ok(format!("{}.{}", part(on.database_name())?, part(on.schema_name())?));
    match on.class() {
        ObjectClass::Account => Ok(String::new()),
        ObjectClass::Database => part(on.name()),
        ObjectClass::Schema => schema(),
        class if class.is_global() => part(on.name()),
        ObjectClass::Function | ObjectClass::Procedure => {
            let Some(types) = on.signature() else {
                let message = format!("{on} lacks the types of its arguments");
                return Err(Refusal::new("incomplete-object", message));
            };
            Ok(format!("{}.{}({})", schema()?, part(on.name())?, signature(types, true)?))
        }
        _ => Ok(format!("{}.{}", schema()?, part(on.name())?)),
    }
}

/// Where a future grant holds: the word for the container, and its name.
fn future_place(
    creator: Option<&Ident>,
    database: &Ident,
    schema: Option<&Ident>,
    class: ObjectClass,
) -> Result<(&'static str, String), Refusal> {
    if let Some(creator) = creator {
        let message = format!(
            "a future grant holds for anyone's objects in Snowflake, not for those of {creator:?}"
        );
        return Err(Refusal::new("unsupported-change", message));
    }
    let database = name(database)?;
    match schema {
        Some(_) if class == ObjectClass::Schema => {
            Err(Refusal::new("unsupported-change", "a future grant on schemas inside a schema"))
        }
        Some(schema) => Ok(("SCHEMA", format!("{database}.{}", name(schema)?))),
        None => Ok(("DATABASE", database)),
    }
}
