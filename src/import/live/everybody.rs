//! What PUBLIC holds: nobody's role, and so in no file, but named.

use std::collections::BTreeMap;

use crate::effect::AccessState;
use crate::model::{ObjectClass, PrivilegeSet, Securable};
use crate::report::count;
use crate::warehouse::{Everybodys, Inside};

/// What is named one by one.
const NAMED: usize = 8;

/// What PUBLIC holds in a database, by object.
pub fn held(access: &AccessState) -> BTreeMap<Securable, PrivilegeSet> {
    let mut held: BTreeMap<Securable, PrivilegeSet> = BTreeMap::new();
    for (on, object) in &access.objects {
        for entry in object.acl.iter().filter(|entry| entry.grantee.is_none()) {
            let sum = held.entry(on.clone()).or_default();
            *sum = sum.union(entry.privileges);
        }
    }
    held.retain(|_, privileges| !privileges.is_empty());
    held
}

/// One thing that everybody has.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Had {
    /// What.
    pub privileges: PrivilegeSet,
    /// On which kind of object.
    pub class: ObjectClass,
    /// On which, in words.
    pub on: String,
}

/// All of it: data first, then what else holds something, then the way there, then what the server
/// gives to everybody by itself.
pub fn all(held: impl IntoIterator<Item = (Securable, PrivilegeSet)>) -> Vec<Had> {
    let mut all: Vec<(u8, Securable, PrivilegeSet)> =
        held.into_iter().map(|(on, privileges)| (rank(on.class()), on, privileges)).collect();
    all.sort();
    let had = |(_, on, privileges): (u8, Securable, PrivilegeSet)| Had {
        privileges,
        class: on.class(),
        on: format!("{} {on}", on.class()),
    };
    all.into_iter().map(had).collect()
}

/// The same where grants are on all objects of a container.
pub fn of_everybodys(everybodys: Everybodys) -> Vec<Had> {
    let Everybodys { held, inside } = everybodys;
    let wide = inside.into_iter().map(|one| {
        let Inside { database, schema, class, to_come, privileges } = one;
        let which = if to_come { "new" } else { "all" };
        let place = match (database, schema) {
            (Some(database), Some(schema)) => format!("schema {database}.{schema}"),
            (Some(database), None) => format!("database {database}"),
            (None, _) => "all databases".to_owned(),
        };
        Had { privileges, class, on: format!("{which} objects ({class}) in {place}") }
    });
    wide.chain(all(held)).collect()
}

fn rank(class: ObjectClass) -> u8 {
    match class {
        class if class.is_relation() => 0,
        ObjectClass::Column => 1,
        ObjectClass::Database => 3,
        ObjectClass::Schema => 4,
        // PostgreSQL lets everybody use them from the start.
        ObjectClass::Function
        | ObjectClass::Procedure
        | ObjectClass::Type
        | ObjectClass::Language => 5,
        _ => 2,
    }
}

/// In one sentence: the first by name, the rest counted by kind.
pub fn sentence(all: &[Had]) -> String {
    const SAID: &str = "what everybody has (PUBLIC) is no role's, and is not written";
    if all.is_empty() {
        return SAID.to_owned();
    }
    let (named, rest) = all.split_at(all.len().min(NAMED));
    let mut parts: Vec<String> =
        named.iter().map(|one| format!("{} on {}", one.privileges, one.on)).collect();
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for one in rest {
        *kinds.entry(one.class.as_str()).or_default() += 1;
    }
    let kinds: Vec<String> =
        kinds.into_iter().map(|(kind, number)| count(number, &kind.to_lowercase())).collect();
    if !kinds.is_empty() {
        parts.push(format!("and something on {} more", kinds.join(", ")));
    }
    format!("{SAID}: {}", parts.join("; "))
}
