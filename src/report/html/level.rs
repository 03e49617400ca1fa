//! What privileges amount to: a word and a level, for the cells of the matrix.

use crate::dialect::Dialect;
use crate::model::{ObjectClass, Privilege, PrivilegeSet};

const CHANGES_ROWS: PrivilegeSet = PrivilegeSet::of(&[
    Privilege::INSERT,
    Privilege::UPDATE,
    Privilege::DELETE,
    Privilege::TRUNCATE,
]);

/// The level of a set of privileges, as in [`super::data::Cell`]. Whoever can change rows in any way
/// writes, and whoever owns it can do everything.
pub fn level(dialect: &dyn Dialect, class: ObjectClass, may: PrivilegeSet) -> u8 {
    if may.is_empty() {
        return 0;
    }
    if may.contains(Privilege::OWNERSHIP) {
        return 6;
    }
    if may.contains_all(dialect.data_privileges_of(class)) {
        return 5;
    }
    let reads = may.contains_all(dialect.read_on(class));
    match (reads, may.intersection(CHANGES_ROWS).is_empty()) {
        (true, true) => 2,
        (false, false) => 3,
        (true, false) => 4,
        (false, true) => 1,
    }
}

/// The permission words that a set is, and the privileges beyond them.
pub fn word(dialect: &dyn Dialect, class: ObjectClass, may: PrivilegeSet) -> String {
    if may.contains(Privilege::OWNERSHIP) {
        return "own".to_owned();
    }
    if !may.is_empty() && may.contains_all(dialect.data_privileges_of(class)) {
        return "admin".to_owned();
    }
    let mut words = Vec::new();
    let mut rest = may;
    for (set, word) in [(dialect.read_on(class), "read"), (dialect.write_on(class), "write")] {
        if !set.is_empty() && rest.contains_all(set) {
            words.push(word);
            rest = rest.minus(set);
        }
    }
    words.extend(rest.iter().map(Privilege::as_str));
    words.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect;
    use crate::model::DialectKind;

    #[test]
    fn a_cell_says_what_can_be_done_in_the_words_of_declarations() {
        use Privilege as P;
        let dialect = dialect::of(DialectKind::Postgres);
        let said = |class, privileges: &[Privilege]| {
            let may = PrivilegeSet::of(privileges);
            format!("{} {}", level(dialect, class, may), word(dialect, class, may))
        };
        let table = ObjectClass::Table;
        assert_eq!(said(table, &[]), "0 ");
        assert_eq!(said(table, &[P::SELECT]), "2 read");
        assert_eq!(said(table, &[P::SELECT, P::TRIGGER]), "2 read, TRIGGER");
        assert_eq!(said(table, &[P::SELECT, P::DELETE]), "4 read, DELETE");
        assert_eq!(said(table, &[P::INSERT, P::UPDATE, P::DELETE, P::TRUNCATE]), "3 write");
        assert_eq!(said(table, &[P::REFERENCES]), "1 REFERENCES");
        assert_eq!(said(table, &[P::OWNERSHIP]), "6 own");
        assert_eq!(said(ObjectClass::View, &[P::INSERT]), "3 INSERT");
        let all: Vec<Privilege> = dialect.data_privileges_of(table).iter().collect();
        assert_eq!(said(table, &all), "5 admin");
    }
}
