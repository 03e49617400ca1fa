//! Which nodes are managed, what product each belongs to, and where its relation is.

use std::cell::LazyCell;
use std::collections::BTreeMap;

use super::{Inputs, snowflake};
use crate::dbt::{NamePart, Node, ResourceType, World, parse_selector};
use crate::declare::NodeDeclarations;
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Diagnostics, DialectKind, Ident, ObjectClass, Place, Securable};

/// A node whose access is ours to decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ManagedNode {
    /// dbt's id.
    pub unique_id: String,
    /// The product whose output it is.
    pub product: Option<String>,
    /// Its relation under the class the warehouse gives it; `None` where it has none, is out of
    /// reach or was skipped as missing.
    pub relation: Option<Securable>,
    /// The relation is declared on but not there (`--skip-missing`).
    pub missing: bool,
    /// The relation is not there, whether anything is declared on it or not.
    pub absent: bool,
}

pub(super) fn managed_nodes(inputs: &Inputs, found: &mut Diagnostics) -> Vec<ManagedNode> {
    let outputs = outputs(inputs, found);
    let mut nodes = Vec::new();
    let mut nameless = Vec::new();
    let mut elsewhere: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let mut anything_here = false;
    for node in inputs.manifest.nodes.values() {
        let declared = inputs.declarations.get(&node.unique_id);
        if !is_ours(inputs, node) {
            if let Some(declared) = declared.filter(|d| !d.grants.is_empty()) {
                found.push(foreign_package(node, declared));
            }
            continue;
        }
        let product = product_of(inputs, node, declared, &outputs, found);
        let mut managed = ManagedNode {
            unique_id: node.unique_id.clone(),
            product,
            relation: None,
            missing: false,
            absent: false,
        };
        let wanted = declared.is_some_and(|d| !d.grants.is_empty());
        if let Some(on) = relation(inputs, node, declared, &mut nameless, found) {
            let here = inputs.database.is_none_or(|database| on.database_name() == Some(database));
            if !here {
                if wanted {
                    let database = on.database_name().map(Ident::to_string).unwrap_or_default();
                    elsewhere.entry(database).or_default().push(&node.unique_id);
                }
            } else {
                anything_here = true;
                let there = !inputs.inventory.looked || is_there(inputs, &on);
                managed.missing = !there && wanted;
                managed.absent = !there;
                let concerns = inputs.only.is_none_or(|only| only.contains(&node.unique_id));
                if there || !inputs.skip_missing && concerns {
                    managed.relation = Some(on.clone());
                }
                if wanted && concerns {
                    let wrong = snowflake::of_a_share(inputs, node, &on)
                        .or_else(|| (!there).then(|| missing(inputs, node, &on)));
                    let place = declared.and_then(|d| d.place.as_ref());
                    found.extend(wrong.map(|wrong| placed(wrong, place)));
                }
            }
        }
        nodes.push(managed);
    }
    report_elsewhere(inputs, elsewhere, anything_here, found);
    report_nameless(&nameless, found);
    take_class_of_maker(inputs, &mut nodes);
    nodes
}

/// A source that reads what a node here makes is of that node's class, not the table that sources
/// are taken for: one relation is one thing.
fn take_class_of_maker(inputs: &Inputs, nodes: &mut [ManagedNode]) {
    let is_source = |node: &ManagedNode| {
        let node = inputs.manifest.nodes.get(&node.unique_id);
        node.is_some_and(|node| node.resource_type == ResourceType::Source)
    };
    let made: BTreeMap<Securable, ObjectClass> = nodes
        .iter()
        .filter(|node| !is_source(node))
        .filter_map(|node| node.relation.clone())
        .map(|on| (on.clone().with_class(ObjectClass::Table), on.class()))
        .collect();
    for node in nodes.iter_mut().filter(|node| is_source(node)) {
        if let Some(on) = node.relation.take() {
            let class = made.get(&on).copied().unwrap_or(on.class());
            node.relation = Some(on.with_class(class));
        }
    }
}

fn is_ours(inputs: &Inputs, node: &Node) -> bool {
    let package = node.package_name.as_str();
    // Before dbt 1.6 a manifest does not name its project; then the deployment's name may.
    let project = inputs.project.or(inputs.config.deployment.as_ref().map(|d| d.value.as_str()));
    project == Some(package) || inputs.config.packages.contains(package)
}

fn foreign_package(node: &Node, declared: &NodeDeclarations) -> Diagnostic {
    let warning = Diagnostic::warning(
        "foreign-package",
        format!(
            "{} declares access, but belongs to the package {}: nothing is granted",
            node.unique_id, node.package_name
        ),
    )
    .with_node(&node.unique_id)
    .with_help(format!(
        "to manage it here, add `packages: [{}]` to rolecall.yml",
        node.package_name
    ));
    placed(warning, declared.place.as_ref())
}

pub(super) fn placed(diagnostic: Diagnostic, place: Option<&Place>) -> Diagnostic {
    match place {
        Some(place) => diagnostic.with_place(place.clone()),
        None => diagnostic,
    }
}

/// unique_id → the products whose `outputs` select it.
fn outputs<'a>(inputs: &Inputs<'a>, found: &mut Diagnostics) -> BTreeMap<String, Vec<&'a str>> {
    let mut outputs: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    let world = LazyCell::new(|| World::of(inputs.manifest, inputs.project));
    for (name, product) in &inputs.config.products {
        let Some(selector) = &product.outputs else { continue };
        let selected =
            match parse_selector(&selector.value).and_then(|parsed| world.select(&parsed)) {
                Ok(selected) => selected.nodes,
                Err(error) => {
                    found.push(
                        Diagnostic::error("bad-selector", format!("outputs of {name}: {error}"))
                            .with_help(error.help)
                            .with_place(selector.place.clone()),
                    );
                    continue;
                }
            };
        if selected.is_empty() {
            found.push(
                Diagnostic::warning(
                    "no-outputs",
                    format!("outputs of {name} select no node: {:?}", selector.value),
                )
                .with_place(selector.place.clone())
                .with_help("`dbt ls --select` with the same words shows what dbt would select"),
            );
        }
        for id in selected {
            outputs.entry(id).or_default().push(name);
        }
    }
    for (id, products) in &outputs {
        if let [first, second, ..] = products.as_slice() {
            let place = |product: &str| {
                inputs.config.products[product].outputs.as_ref().map(|o| o.place.clone())
            };
            let error = Diagnostic::error(
                "two-products",
                format!("{id} is an output of both {first} and {second}"),
            )
            .with_node(id)
            .with_help("a node belongs to one product; give others access with `product.role`");
            let error = placed(error, place(first).as_ref());
            found.push(match place(second) {
                Some(also) => error.with_also(also, format!("{second} claims it here")),
                None => error,
            });
        }
    }
    outputs
}

fn product_of(
    inputs: &Inputs,
    node: &Node,
    declared: Option<&NodeDeclarations>,
    outputs: &BTreeMap<String, Vec<&str>>,
    found: &mut Diagnostics,
) -> Option<String> {
    let selected = outputs.get(&node.unique_id).and_then(|products| products.first()).copied();
    let Some(named) = declared.and_then(|d| d.product.as_deref()) else {
        let fallback = || declared.and_then(|declared| declared.fallback.clone());
        return selected.map(str::to_owned).or_else(fallback);
    };
    let place = declared.and_then(|d| d.product_place.as_ref().or(d.place.as_ref()));
    let problem = |code, message: String, help: String| {
        let error = Diagnostic::error(code, message).with_node(&node.unique_id).with_help(help);
        placed(error.with_path("meta.rolecall.product"), place)
    };
    let Some(product) = inputs.config.products.get(named) else {
        let known = inputs.config.products.keys().map(String::as_str);
        let help = match nearest(named, known) {
            Some(near) => format!("did you mean {near}?"),
            None => format!(
                "define it under `products:` in rolecall.yml, or take `product: {named}` out"
            ),
        };
        found.push(problem(
            "unknown-product",
            format!("{} says `product: {named}`, which nobody defines", node.unique_id),
            help,
        ));
        return None;
    };
    match selected {
        Some(selected) if selected != named => found.push(problem(
            "two-products",
            format!("{} says `product: {named}`, but is an output of {selected}", node.unique_id),
            "a node belongs to one product; give others access with `product.role`".to_owned(),
        )),
        None if product.outputs.is_some() => found.push(problem(
            "not-an-output",
            format!("{} says `product: {named}`, but is not among that product's outputs", node.unique_id),
            format!("widen `outputs` of {named}, or move the node: where a product has outputs, no meta adds to them"),
        )),
        _ => {}
    }
    Some(named.to_owned())
}

/// Where a node's relation is, of any package; nothing is reported.
pub(super) fn relation_of(inputs: &Inputs, node: &Node) -> Option<Securable> {
    relation(inputs, node, None, &mut Vec::new(), &mut Diagnostics::default())
}

/// `pg_catalog` and its like hold passwords and everybody's statistics: no model of anyone's.
pub(super) fn is_the_servers(inputs: &Inputs, schema: &Ident) -> bool {
    inputs.dialect.kind() == DialectKind::Postgres && schema.as_str().starts_with("pg_")
}

fn relation(
    inputs: &Inputs,
    node: &Node,
    declared: Option<&NodeDeclarations>,
    nameless: &mut Vec<String>,
    found: &mut Diagnostics,
) -> Option<Securable> {
    let place = declared.and_then(|d| d.place.as_ref());
    let wanted = declared.is_some_and(|d| !d.grants.is_empty());
    let Some(relation) = &node.relation else {
        if wanted {
            found.push(placed(
                Diagnostic::warning(
                    "no-relation",
                    format!(
                        "{} has no relation in the warehouse (it is ephemeral): nothing is granted",
                        node.unique_id
                    ),
                )
                .with_help("declare it on the models that use this one, or materialize it")
                .with_node(&node.unique_id),
                place,
            ));
        }
        return None;
    };
    let mut fold = |part: &NamePart, what: &str| {
        let folded =
            if part.exact { Ident::new(&part.text) } else { inputs.dialect.fold(&part.text) };
        match folded
            .map_err(|e| e.to_string())
            .and_then(|name| inputs.dialect.longest_name(&name).map(|()| name))
        {
            Ok(name) => Some(name),
            Err(why) if wanted => {
                found.push(placed(
                    Diagnostic::error(
                        "bad-relation-name",
                        format!("{} of {}: {why}", what, node.unique_id),
                    )
                    .with_node(&node.unique_id)
                    .with_path(node.json_path(what))
                    .with_help("mend the name in dbt, then run `dbt parse`"),
                    place,
                ));
                None
            }
            Err(_) => None,
        }
    };
    let schema = fold(&relation.schema, "schema");
    let name = fold(&relation.identifier, node.identifier_key());
    let database = match &relation.database {
        Some(part) => fold(part, "database"),
        // Adapters without databases write none, which means the target's; where that is not said,
        // the connected one.
        None => target_database(inputs).or_else(|| inputs.database.cloned()),
    };
    if database.is_none() && relation.database.is_none() && wanted {
        nameless.push(node.unique_id.clone());
    }
    let (database, schema, name) = (database?, schema?, name?);
    if wanted && is_the_servers(inputs, &schema) {
        found.push(placed(
            Diagnostic::error(
                "server-schema",
                format!(
                    "{} is in {schema}, which belongs to the server: no access is granted there",
                    node.unique_id
                ),
            )
            .with_node(&node.unique_id)
            .with_help("take the declaration out; what the server itself holds is granted by hand"),
            place,
        ));
        return None;
    }
    let key = (database, schema, name);
    let class = inputs.inventory.class_of(&key).unwrap_or_else(|| expected(inputs, node));
    let (database, schema, name) = key;
    Some(Securable::in_schema(class, database, schema, name))
}

pub(super) fn target_database(inputs: &Inputs) -> Option<Ident> {
    let name = inputs.dialect.fold(inputs.target.database.as_deref()?).ok()?;
    inputs.dialect.longest_name(&name).ok().map(|()| name)
}

/// All at once: it is one cause, and seldom one node.
fn report_nameless(nodes: &[String], found: &mut Diagnostics) {
    let Some(first) = nodes.first() else { return };
    let (names, verb) = match nodes.len() {
        1 => (first.clone(), "names"),
        2 | 3 => (nodes.join(", "), "name"),
        more => (format!("{} and {} others", nodes[..2].join(", "), more - 2), "name"),
    };
    found.push(
        Diagnostic::error("no-database", format!("{names} {verb} no database"))
            .with_node(first)
            .with_help("give it with --target-database; a connection would say it, too"),
    );
}

fn expected(inputs: &Inputs, node: &Node) -> ObjectClass {
    match node.resource_type {
        ResourceType::Seed | ResourceType::Snapshot | ResourceType::Source => ObjectClass::Table,
        // dbt's own default is a view.
        ResourceType::Model => {
            inputs.dialect.class_of(node.materialized.as_deref().unwrap_or("view"))
        }
    }
}

fn is_there(inputs: &Inputs, on: &Securable) -> bool {
    inputs.inventory.relation(on).is_some()
}

fn missing(inputs: &Inputs, node: &Node, on: &Securable) -> Diagnostic {
    let message = format!("{on} ({}) is not in the warehouse", node.unique_id);
    let diagnostic = if inputs.skip_missing {
        Diagnostic::warning("missing-relation", format!("{message}: skipped"))
    } else {
        Diagnostic::error("missing-relation", message).with_help(
            "run `dbt build` first, or go on without it by --skip-missing: it gets its access when it is there",
        )
    };
    diagnostic.with_node(&node.unique_id)
}

fn report_elsewhere(
    inputs: &Inputs,
    elsewhere: BTreeMap<String, Vec<&str>>,
    anything_here: bool,
    found: &mut Diagnostics,
) {
    let Some(connected) = inputs.database else { return };
    for (database, nodes) in &elsewhere {
        let some: Vec<&str> = nodes.iter().copied().take(3).collect();
        let message = format!(
            "{} declared node{} in the database {database:?}, but the connection is to {connected}: {}{}",
            nodes.len(),
            if nodes.len() == 1 { " is" } else { "s are" },
            some.join(", "),
            if nodes.len() > some.len() { ", …" } else { "" },
        );
        // A manifest of which nothing is here is not the one of this database.
        let diagnostic = if !anything_here {
            Diagnostic::error("wrong-database", message).with_help(format!(
                "connect to {database:?}, or check that the manifest is the one of this environment"
            ))
        } else {
            Diagnostic::warning("other-database", message)
                .with_help("a connection reaches one database: run again for each of the others")
        };
        found.push(diagnostic);
    }
}
