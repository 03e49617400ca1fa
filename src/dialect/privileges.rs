//! The tables of privileges: one row per object class, from which the dialects answer and the
//! documentation is written.

use std::fmt::Write as _;

use crate::model::{DialectKind, ObjectClass, Privilege, PrivilegeSet};

/// What one dialect knows about one class of objects.
pub(super) struct Row {
    pub(super) class: ObjectClass,
    /// After ON in GRANT and REVOKE.
    pub(super) keyword: &'static str,
    /// After ALTER (PostgreSQL) or GRANT OWNERSHIP ON (Snowflake); `None` where nobody owns it.
    pub(super) owned_as: Option<&'static str>,
    /// In default and future grants; `None` where there are none.
    pub(super) plural: Option<&'static str>,
    /// Everything that can be granted.
    pub(super) all: &'static [&'static str],
    /// `admin`.
    pub(super) data: &'static [&'static str],
    /// `write`.
    pub(super) write: &'static [&'static str],
}

/// A row with its privileges as sets.
pub(super) struct Class {
    pub(super) row: &'static Row,
    pub(super) all: PrivilegeSet,
    pub(super) data: PrivilegeSet,
    pub(super) read: PrivilegeSet,
    pub(super) write: PrivilegeSet,
}

/// A dialect's rows, found by class.
pub(super) struct Table(Vec<Option<Class>>);

impl Table {
    pub(super) fn new(rows: &'static [Row]) -> Self {
        let set = |names: &[&str]| names.iter().filter_map(|name| Privilege::parse(name)).collect();
        let read = PrivilegeSet::of(&[Privilege::SELECT]);
        let class_of = |row: &'static Row| Class {
            row,
            all: set(row.all),
            data: set(row.data),
            read: if row.class.is_relation() { read } else { PrivilegeSet::EMPTY },
            write: set(row.write),
        };
        let find = |class: &ObjectClass| rows.iter().find(|row| row.class == *class);
        Self(ObjectClass::ALL.iter().map(|class| find(class).map(class_of)).collect())
    }

    /// What the dialect knows of a class; `None` where it has no such objects.
    pub(super) fn get(&self, class: ObjectClass) -> Option<&Class> {
        self.0.get(class as usize)?.as_ref()
    }
}

/// The dialect's table for people, in Markdown: which privileges each class of objects has, and
/// what the permission words mean on it. The documentation is generated from this.
pub fn privileges_markdown(kind: DialectKind) -> String {
    let dialect = super::of(kind);
    let (on_database, on_schema) = dialect.needs();
    let mut text = String::new();
    let or_dash =
        |set: PrivilegeSet| if set.is_empty() { "–".to_owned() } else { set.to_string() };
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "Every grant comes with {on_database} on the database and {on_schema} on the schema.\n\n\
         | class | privileges | `read` | `write` | `admin` |\n|---|---|---|---|---|"
    );
    for class in ObjectClass::ALL {
        let all = dialect.privileges_of(class);
        if all.is_empty() {
            continue;
        }
        let _ = writeln!(
            text,
            "| `{class}` | {all} | {} | {} | {} |",
            or_dash(dialect.read_on(class)),
            or_dash(dialect.write_on(class)),
            or_dash(dialect.data_privileges_of(class)),
        );
    }
    text
}
