//! What dbt itself grants by `config.grants`: known, never revoked as a stranger's, and held to
//! `may` where it names a managed role.

use super::Inputs;
use super::grants::bounds;
use super::nodes::ManagedNode;
use super::roles::RolesHere;
use crate::model::{DesiredState, Diagnostic, Diagnostics, Place, Privilege, PrivilegeSet};

pub(super) fn know_dbt_grants(
    inputs: &Inputs,
    nodes: &[ManagedNode],
    roles: &RolesHere,
    desired: &mut DesiredState,
    found: &mut Diagnostics,
) {
    for managed in nodes {
        let Some(node) = inputs.manifest.nodes.get(&managed.unique_id) else { continue };
        if node.grants.is_empty() {
            continue;
        }
        let file = node.patch_path.as_deref().unwrap_or(&node.original_file_path);
        if inputs.declarations.get(&node.unique_id).is_some_and(|d| !d.grants.is_empty()) {
            found.push(
                Diagnostic::warning(
                    "dbt-grants",
                    format!(
                        "{} has dbt's own `grants` as well: each dbt run revokes ours there where it does not rebuild the relation",
                        node.unique_id
                    ),
                )
                .with_node(&node.unique_id)
                .with_path(node.json_path("config.grants"))
                .with_place(Place::file(file))
                .with_help("say it once: move those grants into `meta.rolecall`"),
            );
        }
        let Some(on) = &managed.relation else { continue };
        for (word, grantees) in &node.grants {
            let Some(privilege) = Privilege::parse(word) else { continue };
            for grantee in grantees {
                let Ok(name) = inputs.dialect.fold(grantee) else { continue };
                let Some(role) = roles.values().find(|role| role.name == name) else { continue };
                let (_, here) = bounds(inputs, role.declared, on.class());
                if !here.privileges.contains(privilege) {
                    found.push(
                        Diagnostic::error(
                            "beyond-may",
                            format!(
                                "dbt's own `grants` give {name} {privilege} on {}, which is beyond its `may` in {}",
                                node.unique_id, inputs.environment.name
                            ),
                        )
                        .with_node(&node.unique_id)
                        .with_path(node.json_path("config.grants"))
                        .with_place(Place::file(file))
                        .with_also(role.declared.place.clone(), "the role's `may` stands here")
                        .with_help("take it out of `grants`: what a managed role may do is bounded wherever it is said"),
                    );
                    continue;
                }
                let known = desired.known.entry((on.clone(), name)).or_default();
                *known = known.union(PrivilegeSet::of(&[privilege]));
            }
        }
    }
}
