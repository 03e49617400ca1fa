//! What the privileges of a grant mean on a class of objects.

use super::One;
use super::said::Said;
use super::texts::{Texts, reason};
use crate::config::Located;
use crate::model::diagnostic::nearest;
use crate::model::{
    Diagnostic, Diagnostics, DialectKind, ObjectClass, Privilege, PrivilegeSet, Reason,
};

/// From this version on PostgreSQL has MAINTAIN.
const MAINTAIN_SINCE: u32 = 170_000;

/// What a grant gives.
#[derive(Debug, Default)]
pub(super) struct Words {
    /// Each privilege, and the line that says it; those of `all` too.
    pub(super) given: Vec<(PrivilegeSet, Reason)>,
    /// `ownership`.
    pub(super) own: Option<Reason>,
    /// Privileges of shares, which are left alone.
    pub(super) imported: bool,
}

impl Words {
    /// All privileges together.
    pub(super) fn privileges(&self) -> PrivilegeSet {
        self.given.iter().fold(PrivilegeSet::EMPTY, |all, (some, _)| all.union(*some))
    }
}

/// What `all` means on a class: what one GRANT ALL there would give.
fn all_of(texts: &Texts, class: ObjectClass) -> PrivilegeSet {
    let inputs = texts.inputs;
    let all = inputs.dialect.all_on(class);
    match inputs.dialect.kind() {
        DialectKind::Postgres if inputs.inventory.version < MAINTAIN_SINCE => {
            all.minus(PrivilegeSet::of(&[Privilege::MAINTAIN]))
        }
        _ => all,
    }
}

/// Reads the privileges of a grant. `None` where something is wrong, which is said.
pub(super) fn words(
    texts: &Texts,
    one: &One,
    class: ObjectClass,
    said: &mut Said,
    found: &mut Diagnostics,
) -> Option<Words> {
    let dialect = texts.inputs.dialect;
    let known = dialect.privileges_of(class);
    if known.is_empty() {
        let place = one.grant.object_type.place.clone();
        found.push(
            Diagnostic::error(
                "unknown-object-type",
                format!("{} has no grants on the class {class}", dialect.kind()),
            )
            .with_help("take the grant out, or switch it off there: enable: false")
            .with_place(place),
        );
        return None;
    }
    let mut words = Words::default();
    let mut right = true;
    for written in &one.grant.privileges {
        let text = texts.expand(written, &mut Diagnostics::default()).unwrap_or_default();
        let because = reason(&written.place, text.trim());
        match word(texts, class, &text) {
            Word::Given(privileges) => words.given.push((privileges, because)),
            Word::Ownership => words.own = Some(because),
            Word::Imported => {
                words.imported = true;
                said.unsupported("imported privileges on a share", &written.place);
            }
            Word::Unmapped => {
                said.unsupported(&format!("the privilege {}", text.trim()), &written.place)
            }
            Word::NotHere => {
                right = false;
                found.push(no_such(texts, class, &text, written));
            }
        }
    }
    let all = words.privileges();
    let (read, write) = (Privilege::parse("READ"), Privilege::parse("WRITE"));
    if class == ObjectClass::Stage
        && let (Some(read), Some(write)) = (read, write)
        && all.contains(write)
        && !all.contains(read)
    {
        right = false;
        found.push(
            Diagnostic::error(
                "write-needs-read",
                "WRITE on a stage is granted only to who has READ on it",
            )
            .with_help("write privileges: [read, write]")
            .with_place(one.grant.place.clone()),
        );
    }
    right.then_some(words)
}

enum Word {
    Given(PrivilegeSet),
    Ownership,
    /// IMPORTED PRIVILEGES.
    Imported,
    /// A privilege of newer objects that nothing here knows.
    Unmapped,
    NotHere,
}

fn word(texts: &Texts, class: ObjectClass, text: &str) -> Word {
    let dialect = texts.inputs.dialect;
    let folded = text.split_ascii_whitespace().map(str::to_ascii_uppercase).collect::<Vec<_>>();
    let folded = folded.join(" ");
    let known = dialect.privileges_of(class);
    match folded.as_str() {
        "ALL" | "ALL PRIVILEGES" => {
            return Word::Given(all_of(texts, class));
        }
        "OWNERSHIP" if !matches!(class, ObjectClass::Account | ObjectClass::Parameter) => {
            return Word::Ownership;
        }
        "IMPORTED PRIVILEGES" if class == ObjectClass::Database => return Word::Imported,
        // The way into a database, which PostgreSQL calls otherwise.
        "USAGE" if class == ObjectClass::Database && dialect.kind() == DialectKind::Postgres => {
            return Word::Given(PrivilegeSet::of(&[Privilege::CONNECT]));
        }
        _ => {}
    }
    match Privilege::parse(&folded) {
        Some(privilege) if known.contains(privilege) => Word::Given(PrivilegeSet::of(&[privilege])),
        // What another class has was meant, or something that is newer than this program.
        None if is_unmapped(&folded, known, dialect.kind()) => Word::Unmapped,
        _ => Word::NotHere,
    }
}

/// `CREATE` of a kind that is not known here, where no known one is a slip of the pen away.
fn is_unmapped(folded: &str, known: PrivilegeSet, dialect: DialectKind) -> bool {
    let names: Vec<&str> = known.iter().map(Privilege::as_str).collect();
    let kind = folded.strip_prefix("CREATE ");
    let kinds = names.iter().filter_map(|name| name.strip_prefix("CREATE "));
    dialect == DialectKind::Snowflake
        && kind.is_some_and(|kind| nearest(kind, kinds).is_none())
        && names.iter().any(|name| name.starts_with("CREATE "))
}

fn no_such(texts: &Texts, class: ObjectClass, text: &str, written: &Located<String>) -> Diagnostic {
    let dialect = texts.inputs.dialect;
    let known = dialect.privileges_of(class);
    let names: Vec<&str> = known.iter().map(Privilege::as_str).collect();
    let near = nearest(&text.trim().to_ascii_uppercase(), names.iter().copied());
    let near = match near {
        _ if text.contains(',') => "write each privilege as an entry of its own: ".to_owned(),
        near => near.map(|near| format!("did you mean {near}? ")).unwrap_or_default(),
    };
    let shown = if crate::config::playbook::refers(&written.value) { &written.value } else { text };
    Diagnostic::error(
        "no-such-privilege",
        format!("{:?} is no privilege of the class {class} on {}", shown.trim(), dialect.kind()),
    )
    .with_help(format!("{near}it has {known}; `all` for all of them, `ownership` to own it"))
    .with_place(written.place.clone())
}
