//! Where a promotion's plan comes from, as its file and its receipt keep it.

use serde::{Deserialize, Serialize};

use super::TargetIdentity;
use crate::model::ServerIdentity;

/// The environment that was promoted, as it was when its gates were asked. No connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromotedFrom {
    /// Its name.
    pub environment: String,
    /// Its server and database.
    pub target: TargetIdentity,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// SHA-256 of the configuration files that its gates were asked by.
    pub config_sha256: String,
}

impl From<&ServerIdentity> for TargetIdentity {
    fn from(server: &ServerIdentity) -> Self {
        Self {
            dialect: server.dialect,
            system: server.system.clone(),
            database: server.database.clone(),
        }
    }
}
