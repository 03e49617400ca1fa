//! Roles of policies: their names and markers.

use sha2::{Digest, Sha256};

use super::super::Inputs;
use crate::config::Located;
use crate::config::policy::Policy;
use crate::config::template::{self, TemplateContext, TemplateKind};
use crate::model::{DesiredState, Diagnostic, Diagnostics, Ident, Marker, Place};
use crate::plan::hex;

/// A longer name of one part of a policy is cut, and told apart by a hash.
const LONGEST_PART: usize = 24;
/// The same for who is in both. A warehouse keeps 63 letters, and a template adds some.
pub(super) const LONGEST: usize = 40;

/// What makes roles of policies in one environment.
pub(in crate::resolve) struct Namer<'x, 'a> {
    pub(in crate::resolve) inputs: &'x Inputs<'a>,
    pub(in crate::resolve) deployment: &'x str,
    pub(in crate::resolve) instance: Option<&'x str>,
}

/// A role of a policy that is to be made.
pub(super) struct Wanted<'w> {
    /// What the name says.
    pub label: String,
    /// The marker's policy: several for a role that always-required ones gate.
    pub policy: String,
    /// The marker's product and role: whose privileges a gated role holds, or which part it is.
    pub product: &'w str,
    pub role: String,
    pub immutable: bool,
    pub place: &'w Place,
}

impl Namer<'_, '_> {
    /// The role of one part of a policy.
    pub(super) fn part(
        &self,
        policy: &Policy,
        part: Option<&str>,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) -> Option<Ident> {
        let label = match part {
            None => policy.name.clone(),
            Some(part) => format!("{}_{}", policy.name, short(part, LONGEST_PART)),
        };
        let wanted = Wanted {
            label,
            policy: policy.name.clone(),
            product: "",
            role: part.unwrap_or_default().to_owned(),
            immutable: policy.immutable,
            place: &policy.place,
        };
        self.make(wanted, desired, found)
    }

    /// A role of a policy, desired from now on.
    pub(super) fn make(
        &self,
        wanted: Wanted,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) -> Option<Ident> {
        let Wanted { label, policy, product, role, immutable, place } = wanted;
        let name = match self.name(&label, place) {
            Ok(name) => name,
            Err(problem) => {
                found.push(*problem);
                return None;
            }
        };
        let marker = Marker {
            deployment: self.deployment.to_owned(),
            environment: self.inputs.environment.name.clone(),
            instance: self.instance.map(str::to_owned),
            product: product.to_owned(),
            role,
            policy: Some(policy),
            immutable,
            playbook: None,
            adopted: false,
        };
        if let Some(other) = desired.roles.get(&name) {
            let message = format!(
                "{} and {} both get the name {name} in {}",
                other.marker.whose(),
                marker.whose(),
                marker.environment
            );
            let help = match other.marker.policy == marker.policy {
                true => {
                    "the warehouse does not tell these values of its tags or owners apart: write them alike, or apart by more than upper and lower case"
                }
                false => {
                    "rename the policy, or write a `policy_role_name` of the environment that no product role's name is like"
                }
            };
            found.push(
                Diagnostic::error("role-name-twice", message)
                    .with_place(place.clone())
                    .with_help(help),
            );
            return None;
        }
        desired.roles.insert(name.clone(), marker.into());
        Some(name)
    }

    fn name(&self, label: &str, place: &Place) -> Result<Ident, Box<Diagnostic>> {
        let inputs = self.inputs;
        let environment = inputs.environment;
        let here = inputs.target.context(&environment.name);
        let (template, kind, context) = match &environment.policy_role_name {
            Some(own) => {
                same_target(&environment.role_name, own)?;
                let context = TemplateContext { policy_name: Some(label), ..here };
                (own, TemplateKind::Policy, context)
            }
            None => {
                let context = TemplateContext {
                    product_name: Some("policy"),
                    product_title: Some("policy"),
                    role_name: Some(label),
                    ..here
                };
                (&environment.role_name, TemplateKind::Role, context)
            }
        };
        let rendered = template::render(template, kind, &context).map_err(Box::new)?;
        let problem =
            |code, why: String| {
                let message = format!("the policy's role would be {rendered:?}: {why}");
                Box::new(Diagnostic::error(code, message).with_place(place.clone()).with_help(
                    "change `policy_role_name` of the environment, or the policy's name",
                ))
            };
        let dialect = inputs.dialect;
        let name =
            dialect.fold(&rendered).map_err(|error| problem("bad-role-name", error.to_string()))?;
        dialect.longest_name(&name).map_err(|why| problem("role-name-too-long", why))?;
        match dialect.reserved(&name) {
            Some(why) => Err(problem("reserved-name", why.to_owned())),
            None => Ok(name),
        }
    }
}

/// Two developers who share a target would share a policy's role otherwise.
fn same_target(roles: &Located<String>, policies: &Located<String>) -> Result<(), Box<Diagnostic>> {
    let (of_roles, of_policies) =
        (template::uses_target(&roles.value), template::uses_target(&policies.value));
    if of_roles == of_policies {
        return Ok(());
    }
    Err(Box::new(
        Diagnostic::error(
            "invalid-template",
            "`policy_role_name` and `role_name` do not use the same values of `target`",
        )
        .with_place(policies.place.clone())
        .with_also(roles.place.clone(), "`role_name` stands here")
        .with_help("use the same `target.…` in both: it tells developers apart who share a target"),
    ))
}

/// A part of a name: as it is where it is short and plain, else its beginning and a hash.
pub(super) fn short(text: &str, longest: usize) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if text.len() <= longest && text.chars().all(plain) {
        return text.to_owned();
    }
    let words: Vec<&str> = text.split(|c| !plain(c)).filter(|word| !word.is_empty()).collect();
    let head: String = words.join("_").chars().take(longest.saturating_sub(9)).collect();
    format!("{}_{}", head.trim_end_matches('_'), &hex(&Sha256::digest(text))[..8])
}
