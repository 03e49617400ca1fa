//! Environments and their connections as they are written.

use schemars::JsonSchema;

use super::Located;
use super::reader::{Keys, Reader};
use super::tree::Node;

/// Where models are deployed.
#[derive(Debug, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "environment")]
pub(super) struct RawEnvironment {
    /// The template of warehouse role names: `{{ env.name }}_{{ product.name }}_{{ role.name }}`.
    #[schemars(required, with = "String")]
    pub role_name: Option<Located<String>>,
    /// The template of user names. Without it, names are taken as members files write them.
    pub user_name: Option<Located<String>>,
    /// The template of group names. Without it, names are taken as members files write them.
    pub group_name: Option<Located<String>>,
    /// The template of policies' role names. Without it, `role_name` with the product `policy`.
    pub policy_role_name: Option<Located<String>>,
    /// The environment whose access is promoted into this one.
    pub promote_from: Option<Located<String>>,
    /// Only saved plans are applied here: fresh, made for it, and only once.
    pub protected: Option<bool>,
    /// How old a plan may be when it is applied here: `24h`, `90m`, `2d`. Without it, 24h.
    pub valid_for: Option<Located<String>>,
    /// The list of approved plans, from the project's folder: only what stands in it is applied.
    pub approved_plans: Option<Located<String>>,
    /// The role that runs dbt here, needed where ownership is declared.
    pub deploy_role: Option<Located<String>>,
    /// The role that every managed role is granted to (Snowflake). Without it, SYSADMIN.
    pub parent_role: Option<Located<String>>,
    /// To whom ownership goes that is no longer declared, in place of the top level's.
    pub admin_role: Option<Located<String>>,
    /// The file of variables of playbooks here: they go before those of the top level.
    pub playbook_vars: Option<Located<String>>,
    /// Which roles hold the grants (Snowflake): `account`, or `database` for one in each database.
    #[schemars(default, schema_with = "super::schema::role_kind")]
    pub role_kind: Option<Located<String>>,
    /// The dbt target, where it is not named like the environment.
    pub target: Option<Located<String>>,
    /// Whether the dbt package's hooks grant here: by default only where it is not protected.
    pub hook: Option<bool>,
    /// Whom rolecall connects as, where it is not the dbt target that deploys.
    pub connection: Option<RawConnection>,
}

/// An output of profiles.yml to connect with.
#[derive(Debug, Default, JsonSchema)]
#[schemars(deny_unknown_fields, rename = "connection")]
pub(super) struct RawConnection {
    /// The profile, where it is not the dbt project's.
    pub profile: Option<Located<String>>,
    /// The profile's target, where it is not the one that deploys.
    pub target: Option<Located<String>>,
}

/// The keys of an environment.
pub(super) const ENVIRONMENT: Keys = Keys {
    of: "an environment",
    known: &[
        "role_name",
        "user_name",
        "group_name",
        "policy_role_name",
        "promote_from",
        "protected",
        "valid_for",
        "approved_plans",
        "deploy_role",
        "parent_role",
        "admin_role",
        "playbook_vars",
        "role_kind",
        "target",
        "hook",
        "connection",
    ],
};
/// The keys of an environment's connection.
const CONNECTION: Keys = Keys { of: "an environment's connection", known: &["profile", "target"] };

impl RawEnvironment {
    pub(super) fn read(reader: &mut Reader<'_>, node: &Node) -> Self {
        let fields = reader.fields(node, &ENVIRONMENT);
        Self {
            // Written, only wrongly: not also missing.
            role_name: reader.text(&fields, "role_name").or_else(|| {
                let place = reader.source.place(fields.get("role_name")?);
                Some(Located { value: String::new(), place })
            }),
            user_name: reader.text(&fields, "user_name"),
            group_name: reader.text(&fields, "group_name"),
            policy_role_name: reader.text(&fields, "policy_role_name"),
            promote_from: reader.text(&fields, "promote_from"),
            protected: reader.truth(&fields, "protected"),
            valid_for: reader.text(&fields, "valid_for"),
            approved_plans: reader.text(&fields, "approved_plans"),
            deploy_role: reader.text(&fields, "deploy_role"),
            parent_role: reader.text(&fields, "parent_role"),
            admin_role: reader.text(&fields, "admin_role"),
            playbook_vars: reader.text(&fields, "playbook_vars"),
            role_kind: reader.text(&fields, "role_kind"),
            target: reader.text(&fields, "target"),
            hook: reader.truth(&fields, "hook"),
            connection: fields.get("connection").map(|node| {
                let fields = reader.fields(node, &CONNECTION);
                RawConnection {
                    profile: reader.text(&fields, "profile"),
                    target: reader.text(&fields, "target"),
                }
            }),
        }
    }
}
