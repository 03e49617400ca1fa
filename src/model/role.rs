//! Managed roles: the marker that makes a warehouse role ours, and the scope of one environment.

use serde::{Deserialize, Serialize};

/// What the comment of every managed role says, so that the warehouse itself is the state.
///
/// Written as `rolecall:1 ` and this structure as JSON. A marker is no proof of who made a role:
/// on PostgreSQL 15 anyone with CREATEROLE can write any role's comment.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marker {
    /// The dbt project's name, or `deployment:` of the configuration.
    pub deployment: String,
    /// The environment's name.
    pub environment: String,
    /// What tells developers apart who share one target: the rendered `target.*` values that the
    /// role template uses. `None` where it uses none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The data product; empty where the role is a policy's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub product: String,
    /// The product role; which part of a policy, where the role is a policy's.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub role: String,
    /// The policy that it is of, or the always-required ones (with `&` between them) under which it
    /// holds what `product` and `role` name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<String>,
    /// The role's id in the playbook; product, role and policy are empty then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub playbook: Option<String>,
    /// The role was there before (`--adopt`): what nobody declares is kept, and named in every plan,
    /// until it is declared or `--prune` takes it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub adopted: bool,
    /// No plan removes what this role has.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub immutable: bool,
}

/// What the comment of an observed role turned out to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MarkerReading {
    /// No comment, or one that is not a marker.
    None,
    /// A marker of this version.
    Marker(Marker),
    /// Begins like a marker but cannot be read: another version, or edited by hand.
    Unreadable(String),
}

impl Marker {
    const PREFIX: &'static str = "rolecall:";
    const VERSION: &'static str = "1";

    /// The text of the role's comment.
    pub fn to_comment(&self) -> String {
        // Serialising a struct of strings cannot fail; an empty object would never be read back.
        let json = serde_json::to_string(self).unwrap_or_default();
        format!("{}{} {json}", Self::PREFIX, Self::VERSION)
    }

    /// Whether it says whose role it is.
    fn is_whole(&self) -> bool {
        match (&self.policy, &self.playbook) {
            (None, Some(id)) => !id.is_empty() && self.product.is_empty() && self.role.is_empty(),
            (Some(_), Some(_)) => false,
            (None, None) => !self.product.is_empty() && !self.role.is_empty(),
            (Some(policy), None) => !policy.is_empty(),
        }
    }

    /// Whose role it is, for people: `sales.analyst`, `the policy stewards`,
    /// `the playbook role loader`.
    pub fn whose(&self) -> String {
        let Self { product, role, policy, playbook, .. } = self;
        if let Some(id) = playbook {
            return format!("the playbook role {id}");
        }
        let of = |dot: &str| format!("{product}{dot}{role}");
        match policy {
            None => of("."),
            Some(policy) if product.is_empty() && role.is_empty() => format!("the policy {policy}"),
            Some(policy) if product.is_empty() => format!("the policy {policy} ({role})"),
            Some(policy) => format!("{} where {policy} is required", of(".")),
        }
    }

    /// Whether two markers are of one role, whatever has been noted about it since.
    pub fn is_same_role(&self, other: &Self) -> bool {
        let bare = |marker: &Self| Self { adopted: false, immutable: false, ..marker.clone() };
        bare(self) == bare(other)
    }

    /// Reads a role's comment.
    pub fn read(comment: Option<&str>) -> MarkerReading {
        let Some(rest) = comment.and_then(|text| text.strip_prefix(Self::PREFIX)) else {
            return MarkerReading::None;
        };
        let unreadable = || MarkerReading::Unreadable(comment.unwrap_or_default().to_owned());
        match rest.split_once(' ') {
            Some((Self::VERSION, json)) => {
                let read = serde_json::from_str(json).ok().filter(Self::is_whole);
                read.map_or_else(unreadable, MarkerReading::Marker)
            }
            _ => unreadable(),
        }
    }
}

/// The roles that are ours in one run, and how far their grants are: those whose marker names this
/// deployment, environment and instance. Nothing outside it may be changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scope {
    /// The dbt project's name, or `deployment:`.
    pub deployment: String,
    /// The environment's name.
    pub environment: String,
    /// As in [`Marker::instance`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// The roles of every instance are ours: only where a whole environment is retired.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub every_instance: bool,
    /// The database that is connected to, exact: object grants elsewhere are out of reach. `None`
    /// where a connection reaches all databases (Snowflake).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<super::Ident>,
    /// Schemas that the manifest names (of any managed node, declared or not). Undeclared grants
    /// in others are reported, and revoked only with `--prune`.
    pub schemas: std::collections::BTreeSet<super::SchemaKey>,
}

impl Scope {
    /// Whether a role with this marker is ours.
    pub fn holds(&self, marker: &Marker) -> bool {
        let Self { deployment, environment, instance, every_instance, database: _, schemas: _ } =
            self;
        marker.deployment == *deployment
            && marker.environment == *environment
            && (*every_instance || marker.instance == *instance)
    }
}

/// What the owner's file calls a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    /// A person or service account. A user on Snowflake; a role that can log in on PostgreSQL.
    User,
    /// A role that an identity provider makes.
    Group,
    /// Any other role: seen in a warehouse, or `deploy_role`.
    Role,
}

impl MemberKind {
    /// `user`, `group` or `role`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        Marker {
            deployment: "shop".into(),
            environment: "prod".into(),
            instance: None,
            product: "sales_analytics".into(),
            role: "analyst".into(),
            ..Marker::default()
        }
    }

    #[test]
    fn a_policy_s_marker_names_the_policy_and_is_read_back() {
        let of = |product: &str, role: &str| Marker {
            product: product.into(),
            role: role.into(),
            policy: Some("stewards".into()),
            immutable: true,
            ..marker()
        };
        for (marker, whose) in [
            (of("", ""), "the policy stewards"),
            (of("", "owners user \"jane\""), "the policy stewards (owners user \"jane\")"),
            (of("sales", "analyst"), "sales.analyst where stewards is required"),
        ] {
            assert_eq!(marker.whose(), whose);
            let comment = marker.to_comment();
            assert_eq!(Marker::read(Some(&comment)), MarkerReading::Marker(marker));
        }
        insta::assert_snapshot!(of("", "").to_comment(), @r#"rolecall:1 {"deployment":"shop","environment":"prod","policy":"stewards","immutable":true}"#);
    }

    #[test]
    fn a_marker_is_read_back_from_its_comment() {
        let comment = marker().to_comment();
        insta::assert_snapshot!(comment, @r#"rolecall:1 {"deployment":"shop","environment":"prod","product":"sales_analytics","role":"analyst"}"#);
        assert_eq!(Marker::read(Some(&comment)), MarkerReading::Marker(marker()));
    }

    #[test]
    fn a_newer_or_edited_marker_is_never_taken_for_ours() {
        for comment in [
            "rolecall:2 {}",
            "rolecall:1 {\"deployment\":\"shop\"}",
            "rolecall:1 {\"deployment\":\"shop\",\"environment\":\"prod\"}",
            "rolecall:1 {\"deployment\":\"shop\",\"environment\":\"prod\",\"product\":\"p\"}",
            "rolecall:1 {\"deployment\":\"shop\",\"environment\":\"prod\",\"policy\":\"\"}",
            "rolecall:1 {\"deployment\":\"shop\",\"environment\":\"prod\",\"policy\":\"a\",\"of\":1}",
            "rolecall:1",
            "rolecall:",
        ] {
            assert!(
                matches!(Marker::read(Some(comment)), MarkerReading::Unreadable(_)),
                "{comment}"
            );
        }
        assert_eq!(Marker::read(Some("made by hand")), MarkerReading::None);
        assert_eq!(Marker::read(None), MarkerReading::None);
    }
}
