//! For which target a manifest was written. It does not say so itself: `target/manifest.json` is of
//! whatever target dbt last ran for, and access planned from it would go to that target's relations.

use super::{Project, profile::deploying};
use crate::config::Environment;
use crate::model::{Diagnostic, Place};

impl Project {
    /// An error where none of the project's nodes is in a schema of the environment's own target,
    /// and some are in those of another environment's. Schemas are those of `profiles.yml`, with
    /// what dbt's `generate_schema_name` adds; where that is overridden, or no profile is at hand,
    /// nothing can be told.
    pub fn written_for_another(&self) -> Option<Diagnostic> {
        let here = self.environment()?;
        let own = self.schema_of(here)?;
        let others: Vec<(&Environment, String)> = self
            .config
            .environments
            .values()
            .filter(|other| other.target_name() != here.target_name())
            .filter_map(|other| Some((other, self.schema_of(other)?)))
            .collect();
        let mut stray = None;
        for node in self.manifest.nodes.values().filter(|node| self.is_built_here(node)) {
            let Some(relation) = &node.relation else { continue };
            let schema = &relation.schema.text;
            let mine = fit(&own, schema);
            let theirs =
                others.iter().filter_map(|(other, theirs)| Some((fit(theirs, schema)?, *other)));
            match (mine, theirs.max_by_key(|(length, _)| *length)) {
                (Some(mine), Some((theirs, _))) if mine >= theirs => return None,
                (Some(_), None) => return None,
                (_, Some((_, other))) => {
                    stray.get_or_insert((other, node.unique_id.clone(), schema.clone()));
                }
                (None, None) => {}
            }
        }
        let (other, node, schema) = stray?;
        let message = format!(
            "it was written for the target {}, and not for {}: {node} is in the schema {schema}",
            other.target_name(),
            here.target_name()
        );
        let target = here.target_name();
        Some(
            Diagnostic::error("manifest-of-another-target", message)
                .with_place(Place::file(&self.manifest_path))
                .with_help(format!(
                    "run `dbt parse --target {target}`, or keep the targets apart: `dbt … --target {target} --target-path target/{target}` writes where rolecall looks first"
                )),
        )
    }

    fn schema_of(&self, environment: &Environment) -> Option<String> {
        let output = self.profiles.output(None, &deploying(environment)).ok()?;
        Some(output.schema?.expose().to_owned())
    }

    fn is_built_here(&self, node: &crate::dbt::Node) -> bool {
        node.resource_type != crate::dbt::ResourceType::Source
            && self.name.as_deref().is_none_or(|name| name == node.package_name)
    }
}

/// How much of a schema's name is the target's: the whole, or up to the `_` before a custom schema.
fn fit(of_target: &str, schema: &str) -> Option<usize> {
    let (of_target, schema) = (of_target.to_ascii_lowercase(), schema.to_ascii_lowercase());
    let rest = schema.strip_prefix(&of_target)?;
    (!of_target.is_empty() && (rest.is_empty() || rest.starts_with('_'))).then_some(of_target.len())
}

#[cfg(test)]
mod tests {
    use super::fit;

    #[test]
    fn a_schema_is_of_the_target_that_explains_most_of_its_name() {
        assert_eq!(fit("prod", "prod"), Some(4));
        assert_eq!(fit("PROD", "prod_sales"), Some(4));
        assert_eq!(fit("prod", "production"), None);
        assert_eq!(fit("prod", "sales"), None);
        assert!(fit("dbt_dev", "dbt_dev_sales") > fit("dbt", "dbt_dev_sales"));
        assert_eq!(fit("", "sales"), None);
    }
}
