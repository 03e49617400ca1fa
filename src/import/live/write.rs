//! The files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Imported, ImportedGrant, ImportedRole, Name, NotSaid, What};
use crate::dialect::Dialect;
use crate::edit::{Entry, scalar};
use crate::model::Ident;

/// A name as a person writes it: bare where folding gives it back, else in double quotes.
pub fn written_name(dialect: &dyn Dialect, name: &Ident) -> String {
    let text = name.as_str();
    let is_plain = !text.contains(['*', '$', '{', '"']) && text.trim() == text;
    match dialect.fold(text) {
        Ok(folded) if is_plain && folded == *name => text.to_owned(),
        _ => format!("\"{}\"", text.replace('"', "\"\"")),
    }
}

/// `rolecall/platform/imported.yml`.
pub fn playbook_file(imported: &Imported, dialect: &dyn Dialect, head: &str) -> String {
    let mut text = String::new();
    for line in head.lines() {
        let _ = writeln!(text, "# {}", one_line(line));
    }
    let Imported { roles, left } = imported;
    if roles.is_empty() {
        text.push_str("roles: {}\n");
        return text;
    }
    text.push_str("roles:\n");
    for (id, role) in roles {
        let ImportedRole { name, grants, members: _ } = role;
        let _ = writeln!(text, "  {}:", scalar(id));
        let _ = writeln!(text, "    name: {}", scalar(&written_name(dialect, name)));
        for NotSaid { what, why, role: _ } in left.iter().filter(|left| left.role == *name) {
            let _ = writeln!(text, "    # not said here: {} ({})", one_line(what), one_line(why));
        }
        if grants.is_empty() {
            continue;
        }
        text.push_str("    grants:\n");
        for grant in grants {
            write_grant(&mut text, grant, dialect);
        }
    }
    text
}

fn write_grant(text: &mut String, grant: &ImportedGrant, dialect: &dyn Dialect) {
    let ImportedGrant { kind, database, schema, object, what, all, future } = grant;
    let mut keys = vec![("object-type", (*kind).to_owned())];
    let name = |name: &Name| match name {
        Name::All => "\"*\"".to_owned(),
        Name::One(name) => scalar(&written_name(dialect, name)),
        Name::Routine(name, types) => scalar(&format!("{}({types})", written_name(dialect, name))),
    };
    keys.extend(database.as_ref().map(|d| ("database-name", scalar(&written_name(dialect, d)))));
    keys.extend(schema.as_ref().map(|schema| ("schema-name", name(schema))));
    keys.extend(object.as_ref().map(|object| ("object-name", name(object))));
    let words: Vec<String> = match what {
        What::Ownership => vec!["ownership".to_owned()],
        What::Privileges(privileges) => {
            privileges.iter().map(|p| scalar(&p.as_str().to_ascii_lowercase())).collect()
        }
    };
    keys.push(("privileges", format!("[{}]", words.join(", "))));
    if !all {
        keys.push(("include-all", "false".to_owned()));
    }
    if !future {
        keys.push(("include-future", "false".to_owned()));
    }
    for (at, (key, value)) in keys.into_iter().enumerate() {
        let lead = if at == 0 { "      - " } else { "        " };
        let _ = writeln!(text, "{lead}{key}: {value}");
    }
}

/// A members file: role → entries.
pub fn members_file(roles: &BTreeMap<String, Vec<Entry>>, head: &str) -> String {
    let mut text = String::new();
    for line in head.lines() {
        let _ = writeln!(text, "# {}", one_line(line));
    }
    for (role, entries) in roles {
        let _ = writeln!(text, "{}:", scalar(role));
        for entry in entries {
            let _ = writeln!(text, "  - {}", entry.in_a_line());
        }
    }
    text
}

/// What a name could break a comment with is escaped.
pub(super) fn one_line(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{85}') {
                c.escape_default().collect::<Vec<_>>()
            } else {
                vec![c]
            }
        })
        .collect()
}
