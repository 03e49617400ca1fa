//! Every statement that this crate writes for Snowflake, class by class: for people, and for whoever
//! holds them to Snowflake's documentation.

use std::fmt::Write as _;

use super::{class, statements, table};
use crate::model::{Change, Ident, MemberKind, ObjectClass, Privilege, PrivilegeSet, Securable};

/// One form of giving something, and of taking it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SnowflakeStatements {
    /// On which class; `None` for roles themselves.
    pub class: Option<ObjectClass>,
    /// Which form, such as `future, in a schema`.
    pub form: &'static str,
    /// What gives it; nothing where it is never given.
    pub grant: Vec<String>,
    /// What takes it.
    pub revoke: Vec<String>,
}

/// The names that stand in the statements: as SQL folds them, and such as need quotes.
const PLAIN: [&str; 4] = ["D", "S", "O", "R"];
const QUOTED: [&str; 4] = ["my db", "a.b", "say \"x\"", "läser"];

/// Every form of every class.
pub fn snowflake_statements() -> Vec<SnowflakeStatements> {
    let mut rows = Vec::new();
    for of in ObjectClass::ALL {
        of_class(of, &mut rows);
    }
    of_roles(&mut rows);
    rows
}

fn id(name: &str) -> Option<Ident> {
    Ident::new(name).ok()
}

/// An object of a class; `more` tells it from another of the same names.
fn object(of: ObjectClass, names: &[&str; 4], more: &str) -> Option<Securable> {
    let [database, schema, own, _] = names;
    let (database, schema, own) = (id(database)?, id(schema)?, id(&format!("{own}{more}"))?);
    Some(match of {
        ObjectClass::Account => Securable::account(),
        ObjectClass::Database => Securable::database(database),
        ObjectClass::Schema => Securable::schema(database, schema),
        ObjectClass::Function | ObjectClass::Procedure => {
            let types = "VARCHAR, NUMBER".to_owned();
            Securable::routine(of, database, schema, own, types)
        }
        of if of.is_global() => Securable::global(of, own),
        of => Securable::in_schema(of, database, schema, own),
    })
}

fn sql(changes: &[Change]) -> Vec<String> {
    let rendered = statements::render(changes).unwrap_or_default();
    rendered.into_iter().map(|statement| statement.sql).collect()
}

fn of_class(of: ObjectClass, rows: &mut Vec<SnowflakeStatements>) {
    let Some(known) = class(of) else { return };
    let only = |privilege: Privilege| PrivilegeSet::of(&[privilege]);
    let imported = only(Privilege::IMPORTED);
    let all = known.all.minus(imported);
    let plainest = [Privilege::SELECT, Privilege::USAGE].into_iter().find(|p| all.contains(*p));
    let Some(one) = plainest.or_else(|| all.iter().next()).map(only) else { return };
    let mut push = |form, grant: &[Change], revoke: &[Change]| {
        let (grant, revoke) = (sql(grant), sql(revoke));
        if !revoke.is_empty() {
            rows.push(SnowflakeStatements { class: Some(of), form, grant, revoke });
        }
    };
    let role = |names: &[&str; 4]| id(names[3]);
    let given = |on: &Securable, role: &Ident, privileges| Change::Grant {
        on: on.clone(),
        role: role.clone(),
        privileges,
    };
    let taken = |on: &Securable, role: &Ident, privileges| Change::Revoke {
        on: on.clone(),
        role: role.clone(),
        privileges,
        grantor: None,
    };
    let (Some(plain), Some(reader), Some(other)) =
        (object(of, &PLAIN, ""), role(&PLAIN), object(of, &PLAIN, "2"))
    else {
        return;
    };
    let internal = || ["READ", "WRITE"].into_iter().filter_map(Privilege::parse).collect();
    let one = if of == ObjectClass::Stage { internal() } else { one };
    push("plain", &[given(&plain, &reader, one)], &[taken(&plain, &reader, one)]);
    if of == ObjectClass::Stage {
        let usage = only(Privilege::USAGE);
        let Some(on) = object(of, &PLAIN, "_EXTERNAL") else { return };
        push("external", &[given(&on, &reader, usage)], &[taken(&on, &reader, usage)]);
    } else {
        push(
            "ALL PRIVILEGES, each by its name",
            &[given(&plain, &reader, all)],
            &[taken(&plain, &reader, all)],
        );
    }
    if known.all.contains_all(imported) {
        let on = id("SHARED").map(Securable::database);
        if let Some(on) = on {
            push("of a share", &[given(&on, &reader, imported)], &[taken(&on, &reader, imported)]);
        }
    }
    if let (Some(on), Some(reader)) = (object(of, &QUOTED, ""), role(&QUOTED))
        && of != ObjectClass::Account
    {
        push("quoted", &[given(&on, &reader, one)], &[taken(&on, &reader, one)]);
    }
    if plain.schema_name().is_some() {
        if of != ObjectClass::Schema {
            push(
                "all in a schema, one by one",
                &[given(&plain, &reader, one), given(&other, &reader, one)],
                &[taken(&plain, &reader, one), taken(&other, &reader, one)],
            );
        }
        let database_role = id(PLAIN[0]).zip(id("DR")).map(|(d, r)| Ident::in_database(&d, &r));
        if let Some(to) = database_role {
            push("to a database role", &[given(&plain, &to, one)], &[taken(&plain, &to, one)]);
        }
    }
    let future = |schema: bool, privileges, gives: bool| {
        let (database, schema, role) =
            (id(PLAIN[0])?, if schema { Some(id(PLAIN[1])?) } else { None }, reader.clone());
        let (creator, class) = (None, of);
        Some(match gives {
            true => Change::GrantDefault { creator, database, schema, class, role, privileges },
            false => Change::RevokeDefault { creator, database, schema, class, role, privileges },
        })
    };
    let ownership = only(Privilege::OWNERSHIP);
    let forms = [
        ("future, in a schema", true, one),
        ("future, in a database", false, one),
        ("future ownership, in a schema", true, ownership),
        ("future ownership, in a database", false, ownership),
    ];
    for (form, schema, privileges) in forms {
        if known.row.plural.is_none()
            || schema && of == ObjectClass::Schema
            || privileges == ownership && table::NO_FUTURE_OWNER.contains(&of)
        {
            continue;
        }
        let (gives, takes) = (future(schema, privileges, true), future(schema, privileges, false));
        push(form, gives.as_slice(), takes.as_slice());
    }
    if let (Some(_), Some(owner), Some(admin)) =
        (known.row.owned_as, id("OWNER"), id("SECURITYADMIN"))
    {
        let moved = |from: &Ident, to: &Ident| Change::SetOwner {
            on: plain.clone(),
            from: from.clone(),
            to: to.clone(),
        };
        push("ownership", &[moved(&admin, &owner)], &[moved(&owner, &admin)]);
    }
    let option = Change::RevokeGrantOption {
        on: plain.clone(),
        role: reader.clone(),
        privileges: one,
        grantor: reader.clone(),
    };
    push("grant option, never given", &[], &[option]);
}

fn of_roles(rows: &mut Vec<SnowflakeStatements>) {
    let (Some(role), Some(held), Some(user), Some(admin)) =
        (id("R"), id("HELD"), id("U"), id("SECURITYADMIN"))
    else {
        return;
    };
    let mut push = |form, grant: Change, revoke: Change| {
        let (grant, revoke) = (sql(&[grant]), sql(&[revoke]));
        rows.push(SnowflakeStatements { class: None, form, grant, revoke });
    };
    let held = [
        ("role", held.clone()),
        ("database role", {
            let Some(database) = id("D") else { return };
            let Some(name) = id("DR") else { return };
            Ident::in_database(&database, &name)
        }),
    ];
    for (form, held) in held {
        push(
            form,
            Change::AddMember { role: held.clone(), member: role.clone(), kind: MemberKind::Role },
            Change::RemoveMember {
                role: held,
                member: role.clone(),
                kind: MemberKind::Role,
                grantor: None,
            },
        );
    }
    push(
        "role, to a user",
        Change::AddMember { role: role.clone(), member: user.clone(), kind: MemberKind::User },
        Change::RemoveMember {
            role: role.clone(),
            member: user,
            kind: MemberKind::User,
            grantor: None,
        },
    );
    let Some(owner) = id("OWNER") else { return };
    let owned =
        |to: &Ident| Change::SetRoleOwner { role: role.clone(), from: None, to: to.clone() };
    push("role, ownership", owned(&owner), owned(&admin));
}

/// The statements as a document.
pub fn snowflake_statements_markdown() -> String {
    let mut text = String::new();
    let mut section = None;
    for row in snowflake_statements() {
        let title = row.class.map_or("roles".to_owned(), |class| class.as_str().replace('_', " "));
        // Writing to a String cannot fail.
        if section.as_ref() != Some(&title) {
            let _ =
                writeln!(text, "\n## {title}\n| form | to give it | to take it |\n|---|---|---|");
            section = Some(title);
        }
        let code = |sql: &[String]| match sql {
            [] => "–".to_owned(),
            all => all.iter().map(|sql| format!("`{sql}`")).collect::<Vec<_>>().join("<br>"),
        };
        let _ = writeln!(text, "| {} | {} | {} |", row.form, code(&row.grant), code(&row.revoke));
    }
    text
}
