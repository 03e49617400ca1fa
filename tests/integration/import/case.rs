//! A project for random states: few relations, and whatever was imported.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use proptest::test_runner::TestCaseError;
use rolecall::config::{self, FileKind, SourceFile};
use rolecall::dbt::{Manifest, read_manifest};
use rolecall::declare::Declarations;
use rolecall::dialect;
use rolecall::directory::Known;
use rolecall::edit::{Entry, EntryKind};
use rolecall::import::live::{
    Explained, Held, Imported, NewProduct, NewRole, Proposed, Unexplained, explain, members_file,
    playbook_file, product_roles_file, products_file, propose, written_name,
};
use rolecall::model::{DialectKind, Ident, Inventory, ObservedState, RelationKey};
use rolecall::plan::{self, Difference, Options, Sides, Within, diff};
use rolecall::resolve::{Inputs, Resolved, Target, resolve};
use rolecall::warehouse::Observe;
use rolecall::warehouse::postgres::Postgres;

use super::law::{DATABASE, fail, failed};
use crate::engines::id;

/// A project of relations that every state has.
pub fn manifest() -> Manifest {
    let node = |schema: &str, name: &str, materialized: &str| {
        let node = serde_json::json!({
            "resource_type": "model", "package_name": "shop", "name": name, "alias": name,
            "database": DATABASE, "schema": schema, "original_file_path": "models/x.sql",
            "relation_name": format!("\"{DATABASE}\".\"{schema}\".\"{name}\""),
            "fqn": ["shop", name], "tags": [],
            "config": {"enabled": true, "materialized": materialized, "meta": {}},
        });
        (format!("model.shop.{name}"), node)
    };
    let nodes: serde_json::Map<String, serde_json::Value> =
        [node("s0", "t0", "table"), node("s1", "T 1", "table"), node("s0", "v0", "view")]
            .into_iter()
            .collect();
    let text = serde_json::json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "project_name": "shop", "adapter_type": "postgres"
        },
        "nodes": nodes, "sources": {}
    });
    read_manifest(text.to_string().as_bytes(), Path::new("manifest.json")).0.unwrap()
}

/// What the project makes: it has no deploy role.
pub fn dbts() -> BTreeSet<RelationKey> {
    let relations = [("s0", "t0"), ("s1", "T 1"), ("s0", "v0")];
    relations.map(|(schema, name)| (id(DATABASE), id(schema), id(name))).into()
}

/// A member as anybody would write it.
pub fn entry(state: &ObservedState, member: &Ident) -> Entry {
    let logs_in = state.roles.get(member).is_some_and(|role| role.attributes.login);
    Entry {
        kind: if logs_in { EntryKind::User } else { EntryKind::Group },
        who: written_name(dialect::of(DialectKind::Postgres), member),
        until: None,
        reason: None,
        environments: Vec::new(),
        approval: None,
    }
}

/// The root file of a project, now and then with a product whose roles are there.
pub fn root(has_product: bool) -> String {
    let root =
        "version: 1\nenvironments:\n  prod: {role_name: \"{{ product.name }}{{ role.name }}\"}\n";
    let product = "products:\n  r:\n    owners: [sam]\n    outputs: \"package:shop\"\n    product_roles:\n      \"0\": {may: [admin]}\n      \"1\": {may: [read, insert]}\n";
    format!("{root}{}", if has_product { product } else { "" })
}

pub fn file(path: &str, text: String, kind: FileKind) -> SourceFile {
    SourceFile { path: path.into(), text, kind }
}

/// The files of a project that has nothing but what was imported, and now and then a product.
pub fn files(imported: &Imported, explained: &Explained, has_product: bool) -> Vec<SourceFile> {
    let mut root = root(has_product);
    let dialect = dialect::of(DialectKind::Postgres);
    let is_new = |one: &(&String, &NewProduct)| one.1.place.is_none();
    let there = explained.products.iter().filter(|one| !is_new(one));
    // Its lines go to the end of the product's own.
    let lines = product_roles_file(there, "");
    root.extend(
        lines.lines().filter(|line| line.starts_with("      ")).map(|line| format!("{line}\n")),
    );
    let new = || explained.products.iter().filter(is_new);
    let mut more = Vec::new();
    if new().next().is_some() {
        let text = products_file(new(), "imported");
        more.push(file("rolecall/platform/imported_products.yml", text, FileKind::Platform));
    }
    for (product, new) in &explained.products {
        let of = |(name, role): (&String, &NewRole)| (name.clone(), role.members.clone());
        let members: BTreeMap<String, Vec<Entry>> =
            new.roles.iter().filter(|(_, role)| !role.members.is_empty()).map(of).collect();
        if !members.is_empty() {
            let kind = FileKind::Members { product: product.clone() };
            let path = format!("rolecall/members/{product}.yml");
            more.push(file(&path, members_file(&members, "imported"), kind));
        }
    }
    let members: BTreeMap<String, Vec<Entry>> = imported
        .roles
        .iter()
        .filter_map(|(id, role)| Some((id.clone(), role.members.clone()?)))
        .collect();
    let mut files = vec![
        file("rolecall.yml", root, FileKind::Root),
        file(
            "rolecall/platform/imported.yml",
            playbook_file(imported, dialect, "imported"),
            FileKind::Platform,
        ),
    ];
    if !members.is_empty() {
        let product = config::playbook::MEMBERS.to_owned();
        let text = members_file(&members, "imported");
        files.push(file(
            &format!("rolecall/members/{product}.yml"),
            text,
            FileKind::Members { product },
        ));
    }
    files.extend(more);
    files
}

pub fn seen(state: &ObservedState) -> Inventory {
    let mut inventory = state.inventory.clone();
    inventory.version = state.server.version;
    inventory.acting_as = Some(state.server.acting_as.clone());
    inventory
}

pub struct Case {
    pub manifest: Manifest,
    pub declarations: Declarations,
    pub config: config::Config,
    pub database: Ident,
}

impl Case {
    fn about<T>(&self, inventory: &Inventory, ask: impl FnOnce(&Inputs<'_>) -> T) -> T {
        let (target, known) =
            (Target { name: "prod".into(), ..Target::default() }, Known::default());
        ask(&Inputs {
            manifest: &self.manifest,
            declarations: &self.declarations,
            config: &self.config,
            environment: &self.config.environments["prod"],
            dialect: dialect::of(DialectKind::Postgres),
            project: Some("shop"),
            target: &target,
            database: Some(&self.database),
            inventory,
            skip_missing: false,
            only: None,
            as_of: 0,
            known: &known,
        })
    }

    /// What is proposed for product roles, none of which everybody's rights help.
    pub fn proposed(&self, state: &ObservedState, roles: &BTreeSet<Ident>) -> Proposed {
        let everybody = &BTreeMap::new();
        let inventory = seen(state);
        self.about(&inventory, |inputs| propose(&Held { inputs, state, roles, everybody }))
    }

    /// What names explain, and what is proposed for product roles.
    pub fn explained(
        &self,
        state: &ObservedState,
        chosen: &BTreeSet<Ident>,
        configured: &BTreeSet<Ident>,
    ) -> Explained {
        let everybody = &BTreeMap::new();
        let inventory = seen(state);
        let entry = &|member: &Ident, _| Ok(entry(state, member));
        self.about(&inventory, |inputs| {
            explain(&Unexplained { inputs, state, chosen, configured, everybody, entry })
        })
    }

    fn resolve(&self, inventory: &Inventory) -> Result<Resolved, TestCaseError> {
        let (resolved, found) = self.about(inventory, resolve);
        match resolved {
            Some(resolved) => Ok(resolved),
            None => fail(format!("{:#?}", found.sorted())),
        }
    }

    pub async fn compare(
        &self,
        session: &mut Postgres,
        options: &Options,
    ) -> Result<Difference, TestCaseError> {
        let resolved = self.resolve(&Inventory::default())?;
        let look = plan::interested_in(&resolved, Some(&self.database));
        let mut observed = session.observe(&look).await.map_err(failed)?;
        observed.inventory.version = observed.server.version;
        observed.inventory.acting_as = Some(observed.server.acting_as.clone());
        let resolved = self.resolve(&observed.inventory)?;
        let scope = resolved.scope(Some(&self.database));
        let environments = BTreeSet::from(["prod".to_owned()]);
        Ok(diff(&Sides {
            desired: &resolved.desired,
            observed: &observed,
            scope: &scope,
            deploy_role: resolved.deploy_role.as_ref(),
            environments: &environments,
            declared: resolved.declared,
            options,
            within: Within::everything(),
        }))
    }
}
