//! The files.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Imported, ImportedGrant, ImportedRole, Name, NewProduct, NewRole, NotSaid, What};
use crate::dialect::Dialect;
use crate::edit::{Entry, quoted, scalar};
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
    let mut text = commented(head);
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

/// `rolecall/platform/imported_products.yml`: products that the configuration has not.
pub fn products_file<'a>(
    products: impl Iterator<Item = (&'a String, &'a NewProduct)>,
    head: &str,
) -> String {
    let mut text = commented(head);
    text.push_str("products:\n");
    for (name, NewProduct { outputs, roles, place: _ }) in products {
        let _ = writeln!(text, "  {}:", scalar(name));
        text.push_str("    owners: []  # who decides about its members\n");
        if let Some(outputs) = outputs {
            let _ = writeln!(text, "    outputs: {}", quoted(outputs));
        }
        write_roles(&mut text, roles);
    }
    text
}

/// Product roles that products of the configuration have not, under the place of each product.
pub fn product_roles_file<'a>(
    products: impl Iterator<Item = (&'a String, &'a NewProduct)>,
    head: &str,
) -> String {
    let mut text = commented(head);
    text.push_str("products:\n");
    for (name, NewProduct { place, roles, outputs: _ }) in products {
        if let Some(place) = place {
            let file = place.file.to_string_lossy().replace('\\', "/");
            let line = place.line.map(|line| format!(":{line}")).unwrap_or_default();
            let _ = writeln!(text, "  # {}{line}", one_line(&file));
        }
        let _ = writeln!(text, "  {}:", scalar(name));
        write_roles(&mut text, roles);
    }
    text
}

fn write_roles(text: &mut String, roles: &BTreeMap<String, NewRole>) {
    let own = roles.iter().filter_map(|(name, role)| Some((name, role, role.may.as_ref()?)));
    for (at, (name, NewRole { warehouses, elsewhere, .. }, may)) in own.enumerate() {
        if at == 0 {
            text.push_str("    product_roles:\n");
        }
        let list =
            |words: &[String]| words.iter().map(|w| scalar(w)).collect::<Vec<_>>().join(", ");
        let mut keys = format!("may: [{}]", list(may));
        if !warehouses.is_empty() {
            let _ = write!(keys, ", warehouses: [{}]", list(warehouses));
        }
        let nothing = if warehouses.is_empty() { "" } else { ", warehouses: []" };
        let nowhere =
            elsewhere.iter().map(|name| format!("{}: {{may: []{nothing}}}", scalar(name)));
        let nowhere: Vec<String> = nowhere.collect();
        if !nowhere.is_empty() {
            let _ = write!(keys, ", environments: {{{}}}", nowhere.join(", "));
        }
        let _ = writeln!(text, "      {}: {{{keys}}}", scalar(name));
    }
}

pub(super) fn commented(head: &str) -> String {
    head.lines().map(|line| format!("# {}\n", one_line(line))).collect()
}

/// A members file: role → entries.
pub fn members_file(roles: &BTreeMap<String, Vec<Entry>>, head: &str) -> String {
    let mut text = commented(head);
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
