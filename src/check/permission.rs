//! What the permission of a test comes down to.

use crate::config::checks::AccessTest;
use crate::dialect::Dialect;
use crate::model::{ObjectClass, Privilege, PrivilegeSet};

/// What the permission of a test is on a class.
pub(super) fn asked_for(
    dialect: &dyn Dialect,
    test: &AccessTest,
    class: ObjectClass,
) -> PrivilegeSet {
    match test.may.value.as_str() {
        "read" => dialect.read_on(class),
        "write" => dialect.write_on(class),
        "admin" => dialect.data_privileges_of(class),
        "own" => PrivilegeSet::of(&[Privilege::OWNERSHIP]),
        raw => {
            let privilege = Privilege::parse(raw).into_iter();
            privilege.collect::<PrivilegeSet>().intersection(dialect.privileges_of(class))
        }
    }
}

/// Whoever has any of these can do it, or give it to themselves: rows are written through views, too,
/// on a column as on the whole, and an owner who has taken a privilege from itself gives it back.
pub(super) fn risks(dialect: &dyn Dialect, test: &AccessTest, class: ObjectClass) -> PrivilegeSet {
    let rows = [Privilege::INSERT, Privilege::UPDATE, Privilege::DELETE, Privilege::TRUNCATE];
    let wanted = match test.may.value.as_str() {
        "read" => PrivilegeSet::of(&[Privilege::SELECT]),
        "write" => PrivilegeSet::of(&rows).union(dialect.write_on(class)),
        _ => asked_for(dialect, test, class),
    };
    let all = dialect.privileges_of(class);
    let mut risks = wanted.intersection(all);
    if class != ObjectClass::Column {
        risks.insert(Privilege::OWNERSHIP);
    }
    risks
}
