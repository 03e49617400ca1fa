//! Privileges of every dialect, and sets of them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One privilege by its SQL name, such as `SELECT` or `CREATE TABLE`. Which object classes have it
/// is the dialect's knowledge (`dialect::Dialect::privileges_of`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Privilege(u8);

/// Sorted by bytes: a privilege's place is its identity, inside one process only.
/// Sources: PostgreSQL 18 "Privileges"; Snowflake "Access control privileges".
const NAMES: &[&str] = &[
    "ADD SEARCH OPTIMIZATION",
    "ALTER SYSTEM",
    "APPLY",
    "APPLY AGGREGATION POLICY",
    "APPLY AUTHENTICATION POLICY",
    "APPLY BACKUP POLICY",
    "APPLY BACKUP RETENTION LOCK",
    "APPLY CONTACT",
    "APPLY DATA MOVEMENT POLICY",
    "APPLY FEATURE POLICY",
    "APPLY JOIN POLICY",
    "APPLY LEGAL HOLD",
    "APPLY MASKING POLICY",
    "APPLY PACKAGES POLICY",
    "APPLY PASSWORD POLICY",
    "APPLY PRIVACY POLICY",
    "APPLY PROJECTION POLICY",
    "APPLY ROW ACCESS POLICY",
    "APPLY SESSION POLICY",
    "APPLY SNAPSHOT RETENTION LOCK",
    "APPLY STORAGE LIFECYCLE POLICY",
    "APPLY TAG",
    "APPLYBUDGET",
    "ATTACH POLICY",
    "AUDIT",
    "BIND SERVICE ENDPOINT",
    "CANCEL QUERY",
    "CONNECT",
    "CREATE",
    "CREATE ACCOUNT",
    "CREATE AGENT",
    "CREATE AGGREGATION POLICY",
    "CREATE ALERT",
    "CREATE API INTEGRATION",
    "CREATE APPLICATION",
    "CREATE APPLICATION PACKAGE",
    "CREATE APPLICATION SERVICE",
    "CREATE ARTIFACT REPOSITORY",
    "CREATE AUTHENTICATION POLICY",
    "CREATE BACKUP POLICY",
    "CREATE BACKUP SET",
    "CREATE COMPUTE POOL",
    "CREATE CONTACT",
    "CREATE CORTEX SEARCH SERVICE",
    "CREATE CREDENTIAL",
    "CREATE DATA CONNECTIVITY PROXY",
    "CREATE DATA EXCHANGE LISTING",
    "CREATE DATA METRIC FUNCTION",
    "CREATE DATA MOVEMENT POLICY",
    "CREATE DATA MOVEMENT RULE",
    "CREATE DATABASE",
    "CREATE DATABASE ROLE",
    "CREATE DATASET",
    "CREATE DBT PROJECT",
    "CREATE DYNAMIC TABLE",
    "CREATE EVENT TABLE",
    "CREATE EXPERIMENT",
    "CREATE EXTERNAL ACCESS INTEGRATION",
    "CREATE EXTERNAL TABLE",
    "CREATE EXTERNAL VOLUME",
    "CREATE FAILOVER GROUP",
    "CREATE FEATURE POLICY",
    "CREATE FILE FORMAT",
    "CREATE FUNCTION",
    "CREATE GATEWAY",
    "CREATE GIT REPOSITORY",
    "CREATE HYBRID TABLE",
    "CREATE ICEBERG TABLE",
    "CREATE IMAGE REPOSITORY",
    "CREATE INTEGRATION",
    "CREATE INTERACTIVE TABLE",
    "CREATE JOIN POLICY",
    "CREATE LISTING",
    "CREATE MASKING POLICY",
    "CREATE MATERIALIZED VIEW",
    "CREATE MCP SERVER",
    "CREATE MODEL",
    "CREATE MODEL MONITOR",
    "CREATE NETWORK POLICY",
    "CREATE NETWORK RULE",
    "CREATE NOTEBOOK",
    "CREATE NOTIFICATION INTEGRATION",
    "CREATE ONLINE FEATURE TABLE",
    "CREATE ORGANIZATION LISTING",
    "CREATE ORGANIZATION PROFILE",
    "CREATE ORGANIZATION USER",
    "CREATE ORGANIZATION USER GROUP",
    "CREATE PACKAGES POLICY",
    "CREATE PASSWORD POLICY",
    "CREATE PIPE",
    "CREATE PREVIEW APPLICATION",
    "CREATE PRIVACY POLICY",
    "CREATE PROCEDURE",
    "CREATE PROJECTION POLICY",
    "CREATE PROVISIONED THROUGHPUT",
    "CREATE REPLICATION GROUP",
    "CREATE RESTRICTED SESSION SCOPE",
    "CREATE ROLE",
    "CREATE ROW ACCESS POLICY",
    "CREATE SCHEMA",
    "CREATE SECRET",
    "CREATE SECURITY INTEGRATION",
    "CREATE SEMANTIC VIEW",
    "CREATE SEQUENCE",
    "CREATE SERVICE",
    "CREATE SESSION POLICY",
    "CREATE SHARE",
    "CREATE SNAPSHOT",
    "CREATE SNAPSHOT POLICY",
    "CREATE SNAPSHOT SET",
    "CREATE SNOWFLAKE.CORE.BUDGET",
    "CREATE SNOWFLAKE.DATA_PRIVACY.CLASSIFICATION_PROFILE",
    "CREATE SNOWFLAKE.DATA_PRIVACY.CUSTOM_CLASSIFIER",
    "CREATE SNOWFLAKE.ML.ANOMALY_DETECTION",
    "CREATE SNOWFLAKE.ML.CLASSIFICATION",
    "CREATE SNOWFLAKE.ML.DOCUMENT_INTELLIGENCE",
    "CREATE SNOWFLAKE.ML.FORECAST",
    "CREATE SNOWFLAKE.ML.TOP_INSIGHTS",
    "CREATE STAGE",
    "CREATE STORAGE INTEGRATION",
    "CREATE STORAGE LIFECYCLE POLICY",
    "CREATE STREAM",
    "CREATE STREAMLIT",
    "CREATE TABLE",
    "CREATE TAG",
    "CREATE TASK",
    "CREATE TEMPORARY TABLE",
    "CREATE TYPE",
    "CREATE USER",
    "CREATE VIEW",
    "CREATE WAREHOUSE",
    "CREATE WORKSPACE",
    "DELETE",
    "DROP",
    "EMBED",
    "EVOLVE SCHEMA",
    "EXECUTE",
    "EXECUTE ALERT",
    "EXECUTE AUTO CLASSIFICATION",
    "EXECUTE DATA METRIC FUNCTION",
    "EXECUTE MANAGED ALERT",
    "EXECUTE MANAGED TASK",
    "EXECUTE TASK",
    "FAILOVER",
    "IMPERSONATE",
    "IMPORT ORGANIZATION LISTING",
    "IMPORT ORGANIZATION USER GROUPS",
    "IMPORT SHARE",
    "IMPORTED PRIVILEGES",
    "INGEST TELEMETRY",
    "INSERT",
    "MAINTAIN",
    "MANAGE ACCOUNT SUPPORT CASES",
    "MANAGE ACCOUNTS",
    "MANAGE APPLICATION SPECIFICATIONS",
    "MANAGE ATTACHED TABLES",
    "MANAGE CALLER GRANTS",
    "MANAGE CORTEX EXTENSION SECURITY SCAN",
    "MANAGE EVENT SHARING",
    "MANAGE GRANTS",
    "MANAGE LISTING AUTO FULFILLMENT",
    "MANAGE ORGANIZATION ACCESS",
    "MANAGE ORGANIZATION CONTACTS",
    "MANAGE ORGANIZATION SUPPORT CASES",
    "MANAGE ORGANIZATION TERMS",
    "MANAGE ORGANIZATION USER GROUPS",
    "MANAGE ORGANIZATION USERS",
    "MANAGE SERVICE CALLER ACCESS",
    "MANAGE SHARE TARGET",
    "MANAGE USER SUPPORT CASES",
    "MANAGE VISIBILITY",
    "MANAGE WAREHOUSES",
    "MODIFY",
    "MODIFY EVENT TABLE",
    "MODIFY LOG EVENT LEVEL",
    "MODIFY LOG LEVEL",
    "MODIFY METRIC LEVEL",
    "MODIFY PROGRAMMATIC AUTHENTICATION METHODS",
    "MODIFY SESSION LOG EVENT LEVEL",
    "MODIFY SESSION LOG LEVEL",
    "MODIFY SESSION METRIC LEVEL",
    "MODIFY SESSION TRACE LEVEL",
    "MODIFY TRACE LEVEL",
    "MONITOR",
    "MONITOR CORTEX EXTENSIONS",
    "MONITOR EXECUTION",
    "MONITOR ROLE",
    "MONITOR SECURITY",
    "MONITOR USAGE",
    "MONITOR USER",
    "OPERATE",
    "OVERRIDE SHARE RESTRICTIONS",
    "OWNERSHIP",
    "PURCHASE DATA EXCHANGE LISTING",
    "READ",
    "READ SESSION",
    "READ UNREDACTED AI OBSERVABILITY EVENTS TABLE",
    "READ UNREDACTED ERROR TABLE",
    "REFERENCES",
    "REFERENCE_USAGE",
    "REPLICATE",
    "RESOLVE ALL",
    "SELECT",
    "SELECT ERROR TABLE",
    "SET",
    "TEMPORARY",
    "TRIGGER",
    "TRUNCATE",
    "UPDATE",
    "USAGE",
    "USE AI FUNCTION AI_AGG",
    "USE AI FUNCTION AI_CLASSIFY",
    "USE AI FUNCTION AI_COMPLETE",
    "USE AI FUNCTION AI_COUNT_TOKENS",
    "USE AI FUNCTION AI_EMBED",
    "USE AI FUNCTION AI_EXTRACT",
    "USE AI FUNCTION AI_FILTER",
    "USE AI FUNCTION AI_PARSE_DOCUMENT",
    "USE AI FUNCTION AI_REDACT",
    "USE AI FUNCTION AI_SENTIMENT",
    "USE AI FUNCTION AI_SIMILARITY",
    "USE AI FUNCTION AI_SUMMARIZE",
    "USE AI FUNCTION AI_SUMMARIZE_AGG",
    "USE AI FUNCTION AI_TRANSCRIBE",
    "USE AI FUNCTION AI_TRANSLATE",
    "USE AI FUNCTION CLASSIFY_TEXT",
    "USE AI FUNCTION COMPLETE",
    "USE AI FUNCTION COUNT_TOKENS",
    "USE AI FUNCTION EMBED_TEXT",
    "USE AI FUNCTION ENTITY_SENTIMENT",
    "USE AI FUNCTION EXTRACT_ANSWER",
    "USE AI FUNCTION PARSE_DOCUMENT",
    "USE AI FUNCTION SENTIMENT",
    "USE AI FUNCTION SUMMARIZE",
    "USE AI FUNCTION SUMMARIZE_AGG",
    "USE AI FUNCTION TRANSLATE",
    "USE AI FUNCTION TRY_COMPLETE",
    "USE AI FUNCTIONS",
    "USE_ANY_ROLE",
    "VIEW LINEAGE",
    "WRITE",
];

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
