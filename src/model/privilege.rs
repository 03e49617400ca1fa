//! Privileges of every dialect, and sets of them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::privilege_names::NAMES;

/// One privilege by its SQL name, such as `SELECT` or `CREATE TABLE`. Which object classes have it
/// is the dialect's knowledge (`dialect::Dialect::privileges_of`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Privilege(u8);

macro_rules! named {
    ($($constant:ident = $name:literal),* $(,)?) => {
        /// The privileges that the code itself speaks of.
        #[allow(missing_docs)]
        impl Privilege {
            $(pub const $constant: Privilege = Privilege(place_of($name));)*
        }
    };
}

named! {
    CONNECT = "CONNECT", CREATE = "CREATE", DELETE = "DELETE", EXECUTE = "EXECUTE",
    INSERT = "INSERT", MAINTAIN = "MAINTAIN", MANAGE_GRANTS = "MANAGE GRANTS", REFERENCES = "REFERENCES", SELECT = "SELECT", OWNERSHIP = "OWNERSHIP", IMPORTED = "IMPORTED PRIVILEGES",
    TEMPORARY = "TEMPORARY", TRIGGER = "TRIGGER", TRUNCATE = "TRUNCATE", UPDATE = "UPDATE",
    USAGE = "USAGE",
}

const fn place_of(name: &str) -> u8 {
    let mut at = 0;
    while at < NAMES.len() {
        let (a, b) = (NAMES[at].as_bytes(), name.as_bytes());
        if a.len() == b.len() {
            let mut byte = 0;
            while byte < a.len() && a[byte] == b[byte] {
                byte += 1;
            }
            if byte == a.len() {
                return at as u8;
            }
        }
        at += 1;
    }
    // Evaluated by the compiler only: a misspelt constant does not build.
    #[allow(clippy::panic)]
    {
        panic!("a privilege that NAMES lacks")
    }
}

impl Privilege {
    /// Finds a privilege by its SQL name, in any ASCII case, runs of white space as one; `TEMP` is
    /// `TEMPORARY`. `None` for a name that no dialect here knows.
    pub fn parse(name: &str) -> Option<Self> {
        let folded = name
            .split_ascii_whitespace()
            .map(str::to_ascii_uppercase)
            .collect::<Vec<_>>()
            .join(" ");
        let folded = if folded == "TEMP" { "TEMPORARY" } else { &folded };
        NAMES.binary_search(&folded).ok().map(|at| Self(at as u8))
    }

    /// The SQL name.
    pub fn as_str(self) -> &'static str {
        NAMES[usize::from(self.0)]
    }
}

impl fmt::Display for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Privilege {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Privilege {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Privilege {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name)
            .ok_or_else(|| serde::de::Error::custom(format!("unknown privilege {name:?}")))
    }
}

/// How many words of 64 bits a set has.
const WORDS: usize = 4;

/// A set of privileges, as bits: 32 bytes, so that millions of grants stay small. The last word is
/// of the first privileges, so that sets are ordered as one number.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PrivilegeSet([u64; WORDS]);

impl PrivilegeSet {
    /// No privilege at all.
    pub const EMPTY: Self = Self([0; WORDS]);

    /// The word that a privilege is in, and its bit there.
    const fn place(privilege: Privilege) -> (usize, u64) {
        (WORDS - 1 - privilege.0 as usize / 64, 1 << (privilege.0 % 64))
    }

    /// A set of the given privileges.
    pub const fn of(privileges: &[Privilege]) -> Self {
        let mut words = [0; WORDS];
        let mut at = 0;
        while at < privileges.len() {
            let (word, bit) = Self::place(privileges[at]);
            words[word] |= bit;
            at += 1;
        }
        Self(words)
    }

    /// Both sets, word by word.
    fn with(self, other: Self, join: impl Fn(u64, u64) -> u64) -> Self {
        Self(std::array::from_fn(|at| join(self.0[at], other.0[at])))
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self == Self::EMPTY
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// Whether `privilege` is in it.
    pub fn contains(self, privilege: Privilege) -> bool {
        let (word, bit) = Self::place(privilege);
        self.0[word] & bit != 0
    }

    /// Whether all of `other` is in it.
    pub fn contains_all(self, other: Self) -> bool {
        other.minus(self).is_empty()
    }

    /// Adds one.
    pub fn insert(&mut self, privilege: Privilege) {
        let (word, bit) = Self::place(privilege);
        self.0[word] |= bit;
    }

    /// Both sets together.
    pub fn union(self, other: Self) -> Self {
        self.with(other, |a, b| a | b)
    }

    /// What is in both.
    pub fn intersection(self, other: Self) -> Self {
        self.with(other, |a, b| a & b)
    }

    /// What is in this one and not in `other`.
    pub fn minus(self, other: Self) -> Self {
        self.with(other, |a, b| a & !b)
    }

    /// The privileges, by name.
    pub fn iter(self) -> impl Iterator<Item = Privilege> {
        (0..NAMES.len() as u8).map(Privilege).filter(move |p| self.contains(*p))
    }
}

impl FromIterator<Privilege> for PrivilegeSet {
    fn from_iter<I: IntoIterator<Item = Privilege>>(iter: I) -> Self {
        let mut set = Self::EMPTY;
        for privilege in iter {
            set.insert(privilege);
        }
        set
    }
}

impl fmt::Display for PrivilegeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, privilege) in self.iter().enumerate() {
            if at > 0 {
                f.write_str(", ")?;
            }
            f.write_str(privilege.as_str())?;
        }
        Ok(())
    }
}

impl fmt::Debug for PrivilegeSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

impl Serialize for PrivilegeSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for PrivilegeSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Privilege>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_fit_the_bits() {
        assert!(NAMES.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(NAMES.len() <= WORDS * 64 && NAMES.len() <= usize::from(u8::MAX));
    }

    #[test]
    fn names_are_read_in_any_case_and_spacing() {
        assert_eq!(Privilege::parse("select"), Some(Privilege::SELECT));
        assert_eq!(Privilege::parse("temp"), Some(Privilege::TEMPORARY));
        assert_eq!(
            Privilege::parse(" create   table").map(Privilege::as_str),
            Some("CREATE TABLE")
        );
        assert_eq!(Privilege::parse("selct"), None);
    }

    #[test]
    fn a_set_lists_its_privileges_by_name() {
        let set = PrivilegeSet::of(&[Privilege::UPDATE, Privilege::INSERT]);
        assert_eq!(set.to_string(), "INSERT, UPDATE");
        assert_eq!(set.len(), 2);
        assert!(set.contains_all(PrivilegeSet::of(&[Privilege::INSERT])));
        assert!(!PrivilegeSet::of(&[Privilege::INSERT]).contains_all(set));
    }
}
