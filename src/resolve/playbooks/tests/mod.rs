//! Playbooks resolved from texts, with an inventory and without one.

mod edges;
mod grants;
mod wrong;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::config::{FileKind, SourceFile, parse};
use crate::dbt::{Wanted, read_manifest_for};
use crate::declare::{ProjectSources, read_declarations};
use crate::dialect;
use crate::directory::Known;
use crate::model::{
    DesiredState, Diagnostics, DialectKind, Ident, Incarnation, Inventory, ObjectClass,
    ObservedObject, ObservedRelation, Securable, Severity,
};
use crate::resolve::{Inputs, Resolved, Target, resolve};

pub(super) const HEAD: &str = r#"version: 1
environments:
  dev: {role_name: "{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
products:
  sales: {outputs: "path:models/sales", owners: [jane]}
"#;

pub(super) fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

/// All that a resolution is made of.
pub(super) struct Given {
    files: Vec<(String, String)>,
    dialect: DialectKind,
    pub inventory: Inventory,
    database: Option<Ident>,
    skip_missing: bool,
    shell: Vec<(String, String)>,
}

impl Given {
    /// [`HEAD`], and what follows it.
    pub fn postgres(more: &str) -> Self {
        Self::of(DialectKind::Postgres, &format!("{HEAD}{more}"))
    }

    pub fn snowflake(more: &str) -> Self {
        Self::of(DialectKind::Snowflake, &format!("{HEAD}{more}"))
    }

    pub fn of(dialect: DialectKind, root: &str) -> Self {
        Self {
            files: vec![("rolecall.yml".to_owned(), root.to_owned())],
            dialect,
            inventory: Inventory::default(),
            database: None,
            skip_missing: false,
            shell: Vec::new(),
        }
    }

    pub fn file(mut self, path: &str, text: &str) -> Self {
        self.files.push((path.to_owned(), text.to_owned()));
        self
    }

    pub fn shell(mut self, name: &str, value: &str) -> Self {
        self.shell.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn connected_to(mut self, database: &str) -> Self {
        self.database = Some(id(database));
        self
    }

    pub fn skipping(mut self) -> Self {
        self.skip_missing = true;
        self
    }

    /// The warehouse was looked at, and this is there: `class database.schema.name`, a schema as
    /// `schema database.name`.
    pub fn there(mut self, objects: &[&str]) -> Self {
        self.inventory.looked = true;
        self.inventory.listed = ObjectClass::ALL.into_iter().collect();
        self.inventory.acting_as = Some(id("admin"));
        for object in objects {
            let (class, names) = object.split_once(' ').unwrap();
            let class = ObjectClass::ALL.into_iter().find(|known| known.as_str() == class).unwrap();
            let (names, signature) = match names.split_once('(') {
                Some((names, rest)) => (names, Some(rest.trim_end_matches(')').to_owned())),
                None => (names, None),
            };
            let parts: Vec<Ident> = names.split('.').map(id).collect();
            let owner = id("somebody");
            match parts.as_slice() {
                [database, schema, name] => {
                    self.inventory.schemas.insert((database.clone(), schema.clone()));
                    let key = (database.clone(), schema.clone(), name.clone());
                    if class.is_relation() {
                        let incarnation = Incarnation("1".to_owned());
                        let relation = ObservedRelation { class, owner, incarnation };
                        self.inventory.relations.insert(key, relation);
                        continue;
                    }
                    let on = match signature {
                        Some(types) => Securable::routine(class, key.0, key.1, key.2, types),
                        None => Securable::in_schema(class, key.0, key.1, key.2),
                    };
                    self.inventory.objects.insert(on, ObservedObject { owner: Some(owner) });
                }
                [database, schema] => {
                    self.inventory.schemas.insert((database.clone(), schema.clone()));
                }
                [name] => {
                    let on = match class {
                        ObjectClass::Database => Securable::database(name.clone()),
                        _ => Securable::global(class, name.clone()),
                    };
                    self.inventory.objects.insert(on, ObservedObject { owner: Some(owner) });
                }
                _ => panic!("{object}"),
            }
        }
        self
    }

    pub fn resolve(&self) -> (Option<Resolved>, Diagnostics) {
        let files: Vec<SourceFile> = self
            .files
            .iter()
            .map(|(path, text)| {
                let path = PathBuf::from(path);
                let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
                let kind = if path.starts_with("rolecall/members") {
                    FileKind::Members { product: stem }
                } else if path.starts_with("books") {
                    FileKind::Playbook { path: "books".to_owned() }
                } else if let Some(rest) = stem.strip_prefix("vars") {
                    let environment = rest.strip_prefix('.').map(str::to_owned);
                    FileKind::Variables { environment }
                } else {
                    FileKind::Root
                };
                SourceFile { path, text: text.clone(), kind }
            })
            .collect();
        let (config, mut found) = parse(&files);
        let Some(mut config) = config.filter(|_| !found.has_errors()) else { return (None, found) };
        config.playbooks.variables.of_shell(self.shell.clone());
        let nodes: serde_json::Map<String, Value> =
            [node("sales", "orders"), node("raw", "landing")].into_iter().collect();
        let manifest = json!({
            "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
                         "project_name": "shop", "adapter_type": self.dialect.as_str()},
            "nodes": nodes, "sources": {},
        });
        let (manifest, problems) = read_manifest_for(
            manifest.to_string().as_bytes(),
            Path::new("manifest.json"),
            Wanted::default(),
        );
        found.extend(problems);
        let manifest = manifest.unwrap();
        let (declarations, problems) = read_declarations(&manifest, &ProjectSources::default());
        found.extend(problems);
        let environment = config.environments.values().next().unwrap();
        let (resolved, problems) = resolve(&Inputs {
            manifest: &manifest,
            declarations: &declarations,
            config: &config,
            environment,
            dialect: dialect::of(self.dialect),
            project: Some("shop"),
            target: &Target { name: "dev".into(), schema: None, database: Some("db".into()) },
            database: self.database.as_ref(),
            inventory: &self.inventory,
            skip_missing: self.skip_missing,
            only: None,
            as_of: 0,
            known: &Known::Nothing,
        });
        found.extend(problems);
        (resolved, found)
    }

    /// What is desired, without an error.
    #[track_caller]
    pub fn desired(&self) -> DesiredState {
        let (resolved, found) = self.resolve();
        assert!(!found.has_errors(), "{:#?}", found.sorted());
        resolved.unwrap().desired
    }

    /// `code line: message` of everything that is found.
    pub fn says(&self) -> Vec<String> {
        let (_, found) = self.resolve();
        found
            .sorted()
            .iter()
            .map(|one| {
                let place = one.place.as_ref();
                let line = place.and_then(|p| p.line).map(|l| l.to_string()).unwrap_or_default();
                let mark = if one.severity == Severity::Warning { "~" } else { "" };
                format!("{mark}{} {line}: {}", one.code, one.message)
            })
            .collect()
    }

    /// The codes alone, with their lines.
    pub fn codes(&self) -> Vec<String> {
        let said = self.says();
        said.iter().map(|line| line.split_once(": ").unwrap().0.to_owned()).collect()
    }
}

fn node(folder: &str, name: &str) -> (String, Value) {
    let node = json!({
        "resource_type": "model", "package_name": "shop", "name": name, "alias": name,
        "database": "db", "schema": folder, "relation_name": format!("db.{folder}.{name}"),
        "original_file_path": format!("models/{folder}/{name}.sql"),
        "fqn": ["shop", folder, name], "tags": [],
        "config": {"enabled": true, "materialized": "table", "meta": {}},
    });
    (format!("model.shop.{name}"), node)
}

/// Grants to one role: `PRIVILEGES on class object`, futures as `FUTURE … in place`, ownership, and
/// what is left alone.
pub(super) fn of(desired: &DesiredState, role: &str) -> Vec<String> {
    let role = id(role);
    let mut all = Vec::new();
    for ((on, to), grant) in desired.grants.iter().filter(|((_, to), _)| *to == role) {
        let _ = to;
        all.push(format!("{} on {} {on}", grant.privileges, on.class()));
    }
    let place = |database: &Ident, schema: &Option<Ident>| match schema {
        Some(schema) => format!("{database}.{schema}"),
        None => database.to_string(),
    };
    for (future, grant) in desired.futures.iter().filter(|(future, _)| future.role == role) {
        let at = place(&future.database, &future.schema);
        all.push(format!("{} on future {} in {at}", grant.privileges, future.class));
    }
    for (on, owner) in desired.owners.iter().filter(|(_, owner)| owner.role == role) {
        let _ = owner;
        all.push(format!("owns {} {on}", on.class()));
    }
    for ((on, to), left) in desired.known.iter().filter(|((_, to), _)| *to == role) {
        let _ = to;
        all.push(format!("leaves {left} on {} {on}", on.class()));
    }
    for (future, left) in desired.known_futures.iter().filter(|(future, _)| future.role == role) {
        let at = place(&future.database, &future.schema);
        all.push(format!("leaves {left} on future {} in {at}", future.class));
    }
    for (held, _) in desired.memberships.keys().filter(|(_, member)| *member == role) {
        all.push(format!("in {held}"));
    }
    for (_, member) in desired.memberships.keys().filter(|(held, _)| *held == role) {
        all.push(format!("lets in {member}"));
    }
    all
}
