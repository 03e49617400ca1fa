//! What `object-type` says.

use crate::model::ObjectClass;
use crate::model::diagnostic::nearest;

/// The kind of object that a grant is on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObjectType {
    /// One that has privileges.
    Class(ObjectClass),
    /// One that is granted on as another, by its name only.
    SomeOf(ObjectClass, &'static str),
    /// A role, whose privileges the grantee gets: a membership.
    Role,
    /// A role of a database (Snowflake).
    DatabaseRole,
    /// One that nobody here knows how to grant on: read, named and left alone.
    Unsupported(String),
}

/// Kinds that Snowflake has and nothing here grants on.
const UNSUPPORTED: &[&str] = &[
    "application",
    "application_role",
    "backup_policy",
    "backup_set",
    "class",
    "cortex_extension",
    "data_exchange_listing",
    "directory_table",
    "instance",
    "listing",
    "model_monitor",
    "organization_profile",
    "provisioned_throughput",
    "share",
    "volume",
];

/// Other words for kinds that are known.
const ALIASES: &[(&str, ObjectClass)] = &[
    ("api_integration", ObjectClass::Integration),
    ("catalog_integration", ObjectClass::Integration),
    ("external_access_integration", ObjectClass::Integration),
    ("notification_integration", ObjectClass::Integration),
    ("security_integration", ObjectClass::Integration),
    ("storage_integration", ObjectClass::Integration),
    ("domain", ObjectClass::Type),
    ("external_stage", ObjectClass::Stage),
    ("internal_stage", ObjectClass::Stage),
    ("cortex_agent", ObjectClass::Agent),
    ("server", ObjectClass::ForeignServer),
];

/// Kinds that are granted on as another, of which they are some: no `*` stands for them alone.
const SOME_OF: &[(&str, ObjectClass)] = &[
    ("data_metric_function", ObjectClass::Function),
    ("external_function", ObjectClass::Function),
    ("hybrid_table", ObjectClass::Table),
];

impl ObjectType {
    /// Reads the word, in any case, with spaces, `_` or `-` between its parts.
    ///
    /// # Errors
    /// The known word that it was most likely meant to be.
    pub fn parse(written: &str) -> Result<Self, &'static str> {
        let parts = written.split(|c: char| c.is_whitespace() || c == '_' || c == '-');
        let parts: Vec<String> =
            parts.filter(|part| !part.is_empty()).map(str::to_ascii_lowercase).collect();
        let word = parts.join("_");
        // Grants on columns need a place for the column's name, which the fields do not have.
        if word == "column" {
            return Ok(Self::Unsupported(word));
        }
        match word.as_str() {
            "role" | "account_role" => return Ok(Self::Role),
            "database_role" => return Ok(Self::DatabaseRole),
            _ => {}
        }
        if let Some(class) = ObjectClass::ALL.into_iter().find(|class| class.as_str() == word) {
            return Ok(Self::Class(class));
        }
        if let Some((_, class)) = ALIASES.iter().find(|(alias, _)| *alias == word) {
            return Ok(Self::Class(*class));
        }
        if let Some((word, class)) = SOME_OF.iter().find(|(some, _)| *some == word) {
            return Ok(Self::SomeOf(*class, word));
        }
        if UNSUPPORTED.contains(&word.as_str()) {
            return Ok(Self::Unsupported(word));
        }
        match nearest(&word, Self::words()) {
            Some(near) => Err(near),
            None => Ok(Self::Unsupported(word)),
        }
    }

    /// Every word that something can be granted on by.
    pub fn words() -> impl Iterator<Item = &'static str> {
        let classes = ObjectClass::ALL.into_iter().filter(|class| *class != ObjectClass::Column);
        classes.map(ObjectClass::as_str).chain(["role", "database_role"])
    }

    /// The word.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Class(class) => class.as_str(),
            Self::SomeOf(_, word) => word,
            Self::Role => "role",
            Self::DatabaseRole => "database_role",
            Self::Unsupported(word) => word,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_read_in_any_case_and_with_any_joint() {
        let view = Ok(ObjectType::Class(ObjectClass::MaterializedView));
        for word in ["materialized_view", "MATERIALIZED VIEW", "Materialized-View"] {
            assert_eq!(ObjectType::parse(word), view, "{word}");
        }
        assert_eq!(ObjectType::parse("ROLE"), Ok(ObjectType::Role));
        assert_eq!(ObjectType::parse("database role"), Ok(ObjectType::DatabaseRole));
    }

    #[test]
    fn a_slip_is_told_from_a_kind_that_nobody_here_knows() {
        assert_eq!(ObjectType::parse("tabel"), Err("table"));
        assert_eq!(ObjectType::parse("warehose"), Err("warehouse"));
        for word in [
            "application_role",
            "DATA EXCHANGE LISTING",
            "backup set",
            "quantum_flux_table_of_tomorrow",
        ] {
            assert!(matches!(ObjectType::parse(word), Ok(ObjectType::Unsupported(_))), "{word}");
        }
    }
}
