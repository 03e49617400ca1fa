//! The platform's files together: merged, each thing said once, everything named there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::checks;
use super::compat;
use super::directory;
use super::environment::add_environment;
use super::guards;
use super::names::{check_fit, check_name, check_permission};
use super::playbook::{self, Book};
use super::policy;
use super::raw::{RawPlatform, RawProduct, RawProductRole};
use super::reader::{printable, said_twice, suggest};
use super::{Config, Environment, Located, Product, ProductRole, ProductRoleIn};
use crate::model::{Diagnostic, Diagnostics, DialectKind, Place};

/// What a `warn_before` says, for a message.
const WARN_WHAT: &str = "anybody can be warned ahead of an end";

/// The version of the files that this program reads.
pub(super) const VERSION: u32 = 1;

/// Merges the platform's files, in the order of their names, and checks the whole.
/// `books` are the playbooks of other files.
pub(super) fn merge(
    files: Vec<RawPlatform>,
    books: Vec<Book>,
    diagnostics: &mut Diagnostics,
) -> Config {
    let mut config = Config::default();
    let mut dialect: Option<Located<String>> = None;
    let mut warn_before: Option<Located<String>> = None;
    let mut playbook_vars: Option<Located<String>> = None;
    let mut own = Book::default();
    for file in files {
        let RawPlatform {
            version,
            deployment,
            dialect: file_dialect,
            approved_plans,
            directory: file_directory,
            warn_before: file_warn_before,
            packages,
            environments,
            product_roles,
            products,
            policies,
            platform_policies,
            break_glass,
            compat,
            roles,
            role_owner,
            playbooks,
            playbook_vars: file_playbook_vars,
            playbook_environments,
            admin_role,
            tests,
            checks,
            suppress,
            pii,
        } = file;
        check_version(version, diagnostics);
        once("`deployment`", &mut config.deployment, deployment, diagnostics);
        once("`dialect`", &mut dialect, file_dialect, diagnostics);
        once("`approved_plans`", &mut config.approved_plans, approved_plans, diagnostics);
        directory::once(&mut config.directory, file_directory, diagnostics);
        once("`warn_before`", &mut warn_before, file_warn_before, diagnostics);
        for package in packages.unwrap_or_default() {
            diagnostics.extend(check_fit("the package", &package));
            config.packages.insert(package.value);
        }
        for (name, raw) in environments.0 {
            add_environment(&mut config.environments, &name, raw, diagnostics);
        }
        add_roles(&mut config.product_roles, product_roles.0, diagnostics);
        for (name, raw) in products.0 {
            add_product(&mut config.products, &name, raw, diagnostics);
        }
        once("`break_glass`", &mut config.break_glass, break_glass, diagnostics);
        for tool in compat.unwrap_or_default() {
            compat::add(&mut config, tool, diagnostics);
        }
        own.0.push(playbook::RawPlaybook { role_owner, roles });
        config.playbooks.paths.extend(playbooks.unwrap_or_default());
        once("`playbook_vars`", &mut playbook_vars, file_playbook_vars, diagnostics);
        if let Some(named) = playbook_environments {
            config.playbooks.environments.get_or_insert_default().extend(named);
        }
        once("`admin_role`", &mut config.admin_role, admin_role, diagnostics);
        let (policies, platform) =
            (policies.unwrap_or_default(), platform_policies.unwrap_or_default());
        policy::add_all(&mut config, policies, platform, diagnostics);
        let (tests, suppressions) = (tests.unwrap_or_default(), suppress.unwrap_or_default());
        let said = checks::Said { tests, checks, suppressions, pii };
        checks::add_all(&mut config.checks, said, diagnostics);
    }
    if let Some(deployment) = &config.deployment {
        diagnostics.extend(check_fit("the deployment", deployment));
    }
    if let Some(list) = &config.approved_plans {
        diagnostics.extend(guards::check_list(list));
    }
    config.warn_before = warn_before.map(|said| guards::duration(said, WARN_WHAT, diagnostics));
    for environment in config.environments.values() {
        let list = config.approved_plans_of(environment);
        diagnostics.extend(list.and_then(|list| guards::hook_beside(list, environment)));
    }
    config.dialect = dialect.and_then(|written| read_dialect(written, diagnostics));
    check_environments(&config.environments, diagnostics);
    check_role_environments(&config, diagnostics);
    check_own_roles(&config, diagnostics);
    super::owners::check_offers(&config, diagnostics);
    policy::check_all(&config, diagnostics);
    let mut seen = HashMap::new();
    for book in std::iter::once(own).chain(books) {
        playbook::add_book(&mut config.playbooks, &mut seen, book, diagnostics);
    }
    playbook::check_all(&config, diagnostics);
    if let Some(role) = &config.admin_role {
        diagnostics.extend(check_fit("the admin role", role));
    }
    checks::check_all(&config, diagnostics);
    if let Some(role) = &config.break_glass {
        diagnostics.extend(check_fit("the break-glass role", role));
    }
    config
}

fn once<T>(
    what: &str,
    slot: &mut Option<Located<T>>,
    new: Option<Located<T>>,
    diagnostics: &mut Diagnostics,
) {
    match (slot.as_ref(), new) {
        (_, None) => {}
        (None, new) => *slot = new,
        (Some(first), Some(new)) => diagnostics.push(said_twice(what, new.place, &first.place)),
    }
}

fn check_version(version: Option<Located<u32>>, diagnostics: &mut Diagnostics) {
    let Some(Located { value, place }) = version else { return };
    if value != VERSION {
        diagnostics.push(
            Diagnostic::error(
                "unknown-version",
                format!("this file is of version {value}; this rolecall reads version {VERSION}"),
            )
            .with_help(format!("use a newer rolecall, or write version: {VERSION}"))
            .with_place(place),
        );
    }
}

fn read_dialect(
    written: Located<String>,
    diagnostics: &mut Diagnostics,
) -> Option<Located<DialectKind>> {
    let known = [DialectKind::Postgres, DialectKind::Snowflake];
    let found = known.into_iter().find(|kind| kind.as_str() == written.value);
    if found.is_none() {
        diagnostics.push(
            Diagnostic::error(
                "unknown-dialect",
                format!("`{}` is no dialect", printable(&written.value)),
            )
            .with_help(suggest(&written.value, known.map(DialectKind::as_str), ""))
            .with_place(written.place.clone()),
        );
    }
    found.map(|value| Located { value, place: written.place })
}

fn add_roles(
    roles: &mut BTreeMap<String, ProductRole>,
    raw: Vec<(Located<String>, RawProductRole)>,
    diagnostics: &mut Diagnostics,
) {
    for (name, raw) in raw {
        diagnostics.extend(check_name("a product role", &name));
        if let Some(first) = roles.get(&name.value) {
            let what = format!("the product role `{}`", printable(&name.value));
            diagnostics.push(said_twice(&what, name.place, &first.place));
            continue;
        }
        let RawProductRole { may, warehouses, environments } = raw;
        let may = may.unwrap_or_default();
        let warehouses = warehouses.unwrap_or_default();
        check_words(&may, &warehouses, diagnostics);
        let mut within = BTreeMap::new();
        for (environment, raw) in environments.0 {
            let Located { value, place } = environment;
            if raw.may.is_none() && raw.warehouses.is_none() {
                let found = format!("`{}` says neither `may` nor `warehouses`", printable(&value));
                diagnostics.push(
                    Diagnostic::error("missing-key", found)
                        .with_help("write may: [] where it may nothing there, or leave it out")
                        .with_place(place.clone()),
                );
            }
            check_words(
                raw.may.as_deref().unwrap_or_default(),
                raw.warehouses.as_deref().unwrap_or_default(),
                diagnostics,
            );
            within.insert(value, ProductRoleIn { may: raw.may, warehouses: raw.warehouses, place });
        }
        let Located { value, place } = name;
        let role =
            ProductRole { name: value.clone(), place, may, warehouses, environments: within };
        roles.insert(value, role);
    }
}

fn check_words(
    may: &[Located<String>],
    warehouses: &[Located<String>],
    diagnostics: &mut Diagnostics,
) {
    for word in may {
        diagnostics.extend(check_permission(word));
    }
    for warehouse in warehouses {
        diagnostics.extend(check_fit("the warehouse", warehouse));
    }
}

fn add_product(
    products: &mut BTreeMap<String, Product>,
    name: &Located<String>,
    raw: RawProduct,
    diagnostics: &mut Diagnostics,
) {
    diagnostics.extend(check_name("a product", name));
    if let Some(first) = products.get(&name.value) {
        let what = format!("the product `{}`", printable(&name.value));
        diagnostics.push(said_twice(&what, name.place.clone(), &first.place));
        return;
    }
    let RawProduct { title, owners, outputs, offers, domain, product_roles } = raw;
    if let Some(domain) = &domain {
        diagnostics.extend(check_fit("the domain", domain));
    }
    let owners = owners.unwrap_or_default();
    for owner in &owners {
        diagnostics.extend(check_fit("the owner", owner));
    }
    let mut own = BTreeMap::new();
    add_roles(&mut own, product_roles.0, diagnostics);
    let product = Product {
        name: name.value.clone(),
        place: name.place.clone(),
        title: title.map(|title| title.value),
        owners,
        outputs,
        offers,
        domain,
        product_roles: own,
    };
    products.insert(name.value.clone(), product);
}

/// `promote_from` names an environment and never comes back to where it began; no dbt target
/// belongs to two environments.
fn check_environments(environments: &BTreeMap<String, Environment>, diagnostics: &mut Diagnostics) {
    let mut by_target: BTreeMap<&str, &Environment> = BTreeMap::new();
    let mut in_known_circle: BTreeSet<&str> = BTreeSet::new();
    for environment in environments.values() {
        let target = environment.target_name();
        if let Some(first) = by_target.insert(target, environment) {
            diagnostics.push(
                said_twice(
                    &format!(
                        "the dbt target `{}`, of the environments `{}` and `{}`,",
                        printable(target),
                        printable(&first.name),
                        printable(&environment.name)
                    ),
                    environment.place.clone(),
                    &first.place,
                )
                .with_help("an environment's target is its name unless `target` says otherwise"),
            );
        }
        if let Some(from) = &environment.promote_from
            && !environments.contains_key(&from.value)
        {
            diagnostics.push(unknown_environment(from, environments));
        }
        if let Some(circle) = circle_from(environment, environments) {
            if circle.iter().any(|name| in_known_circle.contains(name)) {
                continue;
            }
            in_known_circle.extend(&circle);
            let way = circle.iter().map(|name| format!("`{name}` from ")).collect::<String>();
            let place = environment.promote_from.as_ref().map_or(&environment.place, |p| &p.place);
            diagnostics.push(
                Diagnostic::error(
                    "promotion-circle",
                    format!("promotion goes in a circle: {way}`{}`", environment.name),
                )
                .with_help("remove one `promote_from`: the first environment has none")
                .with_place(place.clone()),
            );
        }
    }
}

/// The names on the way from an environment back to itself.
fn circle_from<'c>(
    start: &'c Environment,
    environments: &'c BTreeMap<String, Environment>,
) -> Option<Vec<&'c str>> {
    let mut way = vec![start.name.as_str()];
    let mut at = start;
    loop {
        let from = at.promote_from.as_ref()?;
        at = environments.get(&from.value)?;
        if at.name == start.name {
            return Some(way);
        }
        if way.contains(&at.name.as_str()) {
            // A circle further on: found from there.
            return None;
        }
        way.push(&at.name);
    }
}

/// What to say of an environment that is not declared.
pub(super) fn unknown_environment(
    named: &Located<String>,
    environments: &BTreeMap<String, Environment>,
) -> Diagnostic {
    Diagnostic::error(
        "unknown-environment",
        format!("there is no environment `{}`", printable(&named.value)),
    )
    .with_help(suggest(
        &named.value,
        environments.keys().map(String::as_str),
        "declare it under `environments` in rolecall.yml",
    ))
    .with_place(named.place.clone())
}

fn every_role(config: &Config) -> impl Iterator<Item = (Option<&str>, &ProductRole)> {
    let own = config.products.values().flat_map(|product| {
        product.product_roles.values().map(|role| (Some(product.name.as_str()), role))
    });
    config.product_roles.values().map(|role| (None, role)).chain(own)
}

fn check_role_environments(config: &Config, diagnostics: &mut Diagnostics) {
    for (_, role) in every_role(config) {
        for (name, within) in &role.environments {
            if !config.environments.contains_key(name) {
                let named = Located { value: name.clone(), place: within.place.clone() };
                diagnostics.push(unknown_environment(&named, &config.environments));
            }
        }
    }
}

/// A product's own roles stand beside those of every product: the same name is said twice.
fn check_own_roles(config: &Config, diagnostics: &mut Diagnostics) {
    for product in config.products.values() {
        for role in product.product_roles.values() {
            if let Some(first) = config.product_roles.get(&role.name) {
                let what = format!("the product role `{}`", printable(&role.name));
                diagnostics.push(said_twice(&what, role.place.clone(), &first.place).with_help(
                    "every product has it already; give the product's own another name",
                ));
            }
        }
    }
}

/// One product role's `may` in one environment, and the `may` that it may not go beyond.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Narrowing<'c> {
    /// The product, where the product role is its own.
    pub product: Option<&'c str>,
    /// The product role.
    pub role: &'c ProductRole,
    /// The environment.
    pub environment: &'c str,
    /// What it may elsewhere.
    pub base: &'c [Located<String>],
    /// What it may there.
    pub narrowed: &'c [Located<String>],
}

/// Every `may` that one environment narrows. Whether it is not wider can be said only after the
/// words are expanded to a dialect's privileges: whoever does that checks each of these.
pub fn narrowings(config: &Config) -> impl Iterator<Item = Narrowing<'_>> {
    every_role(config).flat_map(|(product, role)| {
        role.environments.iter().filter_map(move |(environment, within)| {
            let narrowed = within.may.as_deref()?;
            Some(Narrowing { product, role, environment, base: &role.may, narrowed })
        })
    })
}

/// The file that must say which version it is.
pub(super) fn require_version(root: &RawPlatform, place: Place, diagnostics: &mut Diagnostics) {
    if root.version.is_none() {
        diagnostics.push(
            Diagnostic::error("missing-key", "`version` is missing")
                .with_help(format!("begin the file with version: {VERSION}"))
                .with_place(place),
        );
    }
}
