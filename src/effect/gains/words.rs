//! Privileges in the words of declarations, where a set of them is one.

use std::fmt;

use serde::Serialize;

use crate::dialect::Dialect;
use crate::model::{ObjectClass, Privilege, PrivilegeSet};

/// What somebody gains or loses on one object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Words {
    /// What only an owner may.
    pub own: bool,
    /// Every data privilege that is of any use there; says `write` and `read` too.
    pub admin: bool,
    /// All of `write`.
    pub write: bool,
    /// All of `read`.
    pub read: bool,
    /// What is no part of these.
    pub rest: PrivilegeSet,
}

/// What the words mean on an object, as far as anything there is of use.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Meaning {
    admin: PrivilegeSet,
    write: PrivilegeSet,
    read: PrivilegeSet,
}

impl Meaning {
    /// `useless` are the privileges that no statement could use on such an object.
    pub(super) fn of(dialect: &dyn Dialect, class: ObjectClass, useless: PrivilegeSet) -> Self {
        let of_use = |set: PrivilegeSet| set.minus(useless);
        let read = of_use(dialect.read_on(class));
        let admin = of_use(dialect.data_privileges_of(class));
        // Where nothing but reading is of use, that is what it is called.
        let admin = if read == admin { PrivilegeSet::EMPTY } else { admin };
        Self { admin, write: of_use(dialect.write_on(class)), read }
    }
}

impl Words {
    /// What is there now and was not: a word is gained where all of it is held now and was not
    /// before. `new` and `old` are what can be used, with the words' meaning on each side.
    pub(super) fn gained(
        (new, now): (PrivilegeSet, Meaning),
        (old, then): (PrivilegeSet, Meaning),
    ) -> Self {
        let mut rest = new.minus(old);
        let mut word = |now: PrivilegeSet, then: PrivilegeSet| {
            let has =
                |set: PrivilegeSet, all: PrivilegeSet| !all.is_empty() && set.contains_all(all);
            let gained = has(new, now) && !has(old, then) && !now.minus(old).is_empty();
            if gained {
                rest = rest.minus(now);
            }
            gained
        };
        let admin = word(now.admin, then.admin);
        let write = word(now.write, then.write) && !admin;
        let read = word(now.read, then.read) && !admin;
        let own = rest.contains(Privilege::OWNERSHIP);
        let rest = rest.minus(PrivilegeSet::of(&[Privilege::OWNERSHIP]));
        Self { own, admin, write, read, rest }
    }

    /// Privileges by their names alone.
    pub(super) fn raw(rest: PrivilegeSet) -> Self {
        Self { rest, ..Self::default() }
    }

    /// There is nothing to say.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The words, then privileges by name.
    pub fn list(&self) -> Vec<&'static str> {
        let Self { own, admin, write, read, rest } = *self;
        let words = [(own, "own"), (admin, "admin"), (read, "read"), (write, "write")];
        let words = words.into_iter().filter(|(said, _)| *said).map(|(_, word)| word);
        words.chain(rest.iter().map(Privilege::as_str)).collect()
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.list().join(", "))
    }
}

impl Serialize for Words {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.list())
    }
}
