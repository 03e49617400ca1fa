//! Declarations and configuration into the desired state of one environment.
//!
//! Pure: what the warehouse has is passed in as an [`Inventory`]; one that nobody has looked at
//! leaves classes as the manifest expects them and takes every relation for present.

mod grants;
pub mod hooks;
mod known;
mod members;
mod nodes;
mod owners;
mod playbooks;
mod policies;
mod roles;
mod rules;
mod snowflake;
mod views;

pub(crate) use rules::unfit_rule;

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Config, Environment};
use crate::dbt::Manifest;
use crate::declare::Declarations;
use crate::dialect::Dialect;
use crate::directory::Known;
use crate::model::{
    DesiredState, Diagnostic, Diagnostics, Ident, Inventory, RelationKey, SchemaKey, Scope,
};

pub use members::member_names;

/// What a user or a group of that name is called in the environment that is resolved.
pub fn member_name(inputs: &Inputs, name: &str, kind: crate::model::MemberKind) -> Option<Ident> {
    members::member_name(inputs, name, kind).ok()
}
pub use grants::{declarable, may_own};
pub use nodes::ManagedNode;
pub use policies::{
    Asked, AskedActor, AskedPart, Gates, NodeGrants, asked, people_of_groups, selected,
};
pub use roles::product_role_name;
pub use snowflake::parent_role;

/// Everything that a desired state follows from.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// The manifest of the environment.
    pub manifest: &'a Manifest,
    /// Its declarations.
    pub declarations: &'a Declarations,
    /// The configuration.
    pub config: &'a Config,
    /// Which environment.
    pub environment: &'a Environment,
    /// The dialect that names are folded for.
    pub dialect: &'static dyn Dialect,
    /// The root project: the manifest's, or `dbt_project.yml`'s where the manifest has none.
    pub project: Option<&'a str>,
    /// What `target.*` means in templates.
    pub target: &'a Target,
    /// The connected database. Nodes elsewhere are out of reach and named; `None` takes all.
    pub database: Option<&'a Ident>,
    /// What the warehouse has.
    pub inventory: &'a Inventory,
    /// Relations that are missing are named and left out, not an error.
    pub skip_missing: bool,
    /// The nodes that a limited plan is about; of others, missing relations are no news.
    pub only: Option<&'a BTreeSet<String>>,
    /// The time that expiry is judged by: seconds since 1970, UTC.
    pub as_of: i64,
    /// What rules are asked of.
    pub known: &'a Known,
}

/// The dbt target, as far as templates may use it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Target {
    /// Its name.
    pub name: String,
    /// Its schema, where it is known.
    pub schema: Option<String>,
    /// Its database, where it is known.
    pub database: Option<String>,
}

impl Target {
    /// What templates of an environment see of it.
    fn context<'v>(&'v self, environment: &'v str) -> crate::config::template::TemplateContext<'v> {
        crate::config::template::TemplateContext {
            env_name: Some(environment),
            target_name: Some(&self.name),
            target_schema: self.schema.as_deref(),
            target_database: self.database.as_deref(),
            ..Default::default()
        }
    }
}

/// The desired state, and what was seen on the way.
#[derive(Debug, Clone)]
pub struct Resolved {
    /// What must be.
    pub desired: DesiredState,
    /// The nodes that are managed, sorted by `unique_id`.
    pub nodes: Vec<ManagedNode>,
    /// The deployment's name.
    pub deployment: String,
    /// As in [`crate::model::Marker::instance`].
    pub instance: Option<String>,
    /// Schemas that managed nodes name, by database.
    pub schemas: BTreeMap<Ident, BTreeSet<Ident>>,
    /// The role that runs dbt.
    pub deploy_role: Option<Ident>,
    /// How many permissions the manifest declares, whatever became of them.
    pub declared: usize,
    /// What policies give on nodes.
    pub by_policy: NodeGrants,
    /// Where policies are always required, and who holds what is given there.
    pub gates: Gates,
    /// The relations of all nodes of the manifest, managed or not.
    pub taken: BTreeSet<RelationKey>,
    /// What playbooks must see beyond the manifest's schemas.
    pub beyond: Beyond,
}

/// What playbooks name outside of the manifest: what has to be looked at for them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beyond {
    /// Databases of which every schema and relation is to be seen: for wildcards in schemas.
    pub databases: BTreeSet<Ident>,
    /// Schemas that are named in full.
    pub schemas: BTreeSet<SchemaKey>,
    /// Schemas of which every relation is granted on.
    pub whole: BTreeSet<crate::model::SchemaKey>,
    /// Classes of objects, schemas and databases among them.
    pub classes: BTreeSet<crate::model::ObjectClass>,
}

impl Resolved {
    /// The schemas that managed nodes name: in one database, or in all.
    pub fn schemas_in(&self, database: Option<&Ident>) -> BTreeSet<SchemaKey> {
        self.schemas
            .iter()
            .filter(|(name, _)| database.is_none_or(|database| *name == database))
            .flat_map(|(name, schemas)| schemas.iter().map(|s| (name.clone(), s.clone())))
            .collect()
    }

    /// The scope of this environment: in one database, or in all that a connection reaches.
    pub fn scope(&self, database: Option<&Ident>) -> Scope {
        Scope {
            deployment: self.deployment.clone(),
            environment: self.desired.environment.clone(),
            instance: self.instance.clone(),
            every_instance: false,
            database: database.cloned(),
            schemas: self.schemas_in(database),
        }
    }
}

/// Resolves one environment. The state is there only if nothing is wrong; warnings may be.
pub fn resolve(inputs: &Inputs) -> (Option<Resolved>, Diagnostics) {
    let mut found = Diagnostics::default();
    let Some(deployment) = deployment(inputs, &mut found) else {
        return (None, found);
    };
    let mut desired = DesiredState::empty(inputs.environment.name.clone(), inputs.dialect.kind());
    let instance = roles::instance(inputs);
    let roles =
        roles::name_roles(inputs, &deployment, instance.as_deref(), &mut desired, &mut found);
    let nodes = nodes::managed_nodes(inputs, &mut found);
    let namer = policies::Namer { inputs, deployment: &deployment, instance: instance.as_deref() };
    let chosen = policies::choose(inputs, &nodes, &mut found);
    let mut gates = chosen.gates(&nodes);
    let mut declared = grants::grant_declared(
        inputs,
        &nodes,
        &roles,
        (&namer, &mut gates),
        &mut desired,
        &mut found,
    );
    let (by_policy, part_roles) =
        chosen.grant(&namer, &nodes, &mut gates, &mut desired, &mut found);
    declared += by_policy.values().flatten().map(|(_, words)| words.len()).sum::<usize>();
    owners::check_owners(inputs, &mut desired, &mut found);
    known::know_dbt_grants(inputs, &roles, &gates, &mut desired, &mut found);
    views::check_views(inputs, &desired.owners, &desired, &mut found);
    rules::one_login_each(inputs, &mut found);
    let playbook_roles = playbooks::name_roles(inputs, &mut found);
    members::admit_members(inputs, (&roles, &playbook_roles), &mut desired, &mut found);
    let mut people = policies::People::new(inputs, &mut found);
    declared += policies::grant_platform(&namer, &roles, &mut people, &mut desired, &mut found);
    chosen.admit(
        inputs,
        (&nodes, &roles),
        &part_roles,
        (&mut people, &mut gates),
        &mut desired,
        &mut found,
    );
    gates.let_in(&mut people, inputs, &mut desired, &mut found);
    policies::exclude_each_other(inputs, &nodes, &gates, &mut found);
    people.say(inputs, &playbook_roles, &desired, &mut found);
    snowflake::shape(inputs, &mut desired, &mut found);
    let ours = playbooks::Ours {
        deployment: &deployment,
        instance: instance.as_deref(),
        products: &roles,
    };
    let (beyond, given) =
        playbooks::grant(inputs, &playbook_roles, &gates, &ours, &mut desired, &mut found);
    declared += given;
    desired.admin_role = owners::admin_role(inputs, &desired, &mut found);
    desired.break_glass = policies::break_glass(inputs, &desired, &mut found);
    let mut schemas: BTreeMap<Ident, BTreeSet<Ident>> = BTreeMap::new();
    for node in &nodes {
        if let Some(on) = &node.relation
            && let (Some(database), Some(schema)) = (on.database_name(), on.schema_name())
        {
            schemas.entry(database.clone()).or_default().insert(schema.clone());
        }
    }
    let deploy_role = owners::deploy_role(inputs);
    if found.has_errors() {
        return (None, found);
    }
    let relations = inputs.manifest.nodes.values().filter_map(|n| nodes::relation_of(inputs, n));
    let taken = relations.filter_map(|on| on.relation_key()).collect();
    let resolved = Resolved {
        desired,
        nodes,
        deployment,
        instance,
        schemas,
        deploy_role,
        declared,
        by_policy,
        gates,
        taken,
        beyond,
    };
    (Some(resolved), found)
}

fn deployment(inputs: &Inputs, found: &mut Diagnostics) -> Option<String> {
    let named = inputs.config.deployment.as_ref().map(|d| d.value.as_str()).or(inputs.project);
    if named.is_none() {
        found.push(
            Diagnostic::error(
                "no-deployment",
                "the manifest does not name its project, as before dbt 1.6, and neither does anything else",
            )
            .with_help("write `deployment: <the project's name>` in rolecall.yml, or give --project-dir"),
        );
    }
    named.map(str::to_owned)
}
