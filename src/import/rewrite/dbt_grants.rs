//! dbt's own `grants` as `meta.rolecall`.
//!
//! A grantee whose name is that of a product role here becomes that product role. Any other becomes a
//! product role of the product `dbt_grants` with the grantee as its member: whoever was in it has what it
//! had, by the role that holds it now.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::blocks::{self, Given};
use super::dbt_layers::{Grants, Spot, add, layers, sorted};
use super::platform::Implied;
use super::{Todo, Work};
use crate::config::{FileKind, Member};
use crate::dbt::Node;
use crate::declare::{self, ProjectSources, RoleRef};
use crate::edit::pairs::{self, Step};
use crate::edit::{Entry, EntryKind};
use crate::model::{DialectKind, Ident, MemberKind, Privilege, PrivilegeSet, Securable};
use crate::project::Project;

/// The product of grantees that are no product roles.
pub const PRODUCT: &str = "dbt_grants";
const FILE: &str = "rolecall/platform/dbt_grants.yml";
const MEMBERS: &str = "rolecall/members/dbt_grants.yml";

pub(super) fn rewrite(projects: &[Project], sources: &ProjectSources, work: &mut Work) {
    let Some(project) = projects.first() else { return };
    let (resolved, _) = project.resolve(None, &Default::default(), false, None);
    let Some(resolved) = resolved else { return };
    let without = blocks::without_product(project, &resolved);
    let ours: BTreeSet<&str> = resolved.nodes.iter().map(|node| node.unique_id.as_str()).collect();
    let texts: BTreeMap<&str, &str> = sources.texts().collect();
    // What each place comes to: dbt adds up what `meta` does not.
    let mut places: BTreeMap<Spot, (Grants, Vec<&str>)> = BTreeMap::new();
    for node in project.manifest.nodes.values().filter(|node| is_granted(node)) {
        let file = node.original_file_path.as_str();
        let id = node.unique_id.as_str();
        if !ours.contains(id) {
            work.todo.push(Todo::at(file, format!("{id} belongs to another package: add it to `packages`, or leave its grants to dbt")));
            continue;
        }
        if node.rolecall.is_some() {
            work.todo.push(Todo::at(
                file,
                format!("{id} has a `meta.rolecall` as well: say its grants there by hand"),
            ));
            continue;
        }
        let layers = layers(&texts, node);
        let mut sum = Grants::new();
        let last = layers.len().saturating_sub(1);
        for (at, (spot, value)) in layers.iter().enumerate() {
            add(&mut sum, value);
            let place = places.entry(spot.clone()).or_insert_with(|| (sum.clone(), Vec::new()));
            if at == last {
                place.1.push(id);
            }
        }
        if sorted(&sum) != sorted(&node.grants) {
            work.todo.push(Todo::at(file, format!("the grants of {id} are not found as the manifest has them (made while dbt runs, or edited since): run `dbt parse`, or say them by hand")));
            continue;
        }
        for (words, grantees) in &node.grants {
            if privileges(words).is_none() {
                work.todo.push(Todo::at(file, format!("`{words}` in the grants of {id} is no privilege by itself: write each by its name")));
            }
            for grantee in grantees {
                if let Err(why) = folded(project, grantee) {
                    work.todo
                        .push(Todo::at(file, format!("the grantee {grantee:?} of {id}: {why}")));
                }
            }
        }
    }
    if !work.todo.is_empty() {
        return;
    }
    let roles = Roles::of(projects, work);
    for (spot, (grants, nodes)) in &places {
        let given = roles.given(project, grants);
        let Ok(product) = blocks::product_of_place(nodes, &without, PRODUCT) else {
            work.todo.push(blocks::mixed(spot.file(), PRODUCT));
            continue;
        };
        put(work, &texts, spot, &blocks::block(product, &given));
    }
    roles.write(projects, work);
}

fn is_granted(node: &Node) -> bool {
    node.grants.values().any(|grantees| !grantees.is_empty())
}

/// What dbt grants in an environment, by relation and grantee.
pub(super) fn given(project: &Project) -> ByDbt {
    let mut given = ByDbt::new();
    let (Some(resolved), _) = project.resolve(None, &Default::default(), false, None) else {
        return given;
    };
    for managed in &resolved.nodes {
        let node = project.manifest.nodes.get(&managed.unique_id);
        let (Some(node), Some(on)) = (node, &managed.relation) else { continue };
        for (words, grantees) in &node.grants {
            for grantee in grantees {
                if let (Some(some), Ok(name)) = (privileges(words), folded(project, grantee)) {
                    let all = given.entry((on.clone(), name)).or_default();
                    *all = all.union(some);
                }
            }
        }
    }
    given
}

type ByDbt = BTreeMap<(Securable, Ident), PrivilegeSet>;

/// One privilege, or several with commas; never ALL, which means another thing on each server.
fn privileges(words: &str) -> Option<PrivilegeSet> {
    let each = words.split(',').map(|word| Privilege::parse(word.trim()));
    let all: Option<PrivilegeSet> = each.collect();
    all.filter(|all| !all.is_empty() && !all.contains(Privilege::OWNERSHIP))
}

/// A grantee's name in the warehouse: dbt writes it into SQL as it stands.
fn folded(project: &Project, grantee: &str) -> Result<Ident, String> {
    let bare = grantee.trim();
    let quoted = bare.starts_with('"') && bare.ends_with('"') && bare.len() > 1;
    let plain =
        !bare.is_empty() && bare.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    if bare.eq_ignore_ascii_case("public") {
        return Err("it is everybody, and nobody's product role is: say it by hand".to_owned());
    }
    if !quoted && !plain {
        return Err("it is more than a name: say it by hand".to_owned());
    }
    let name = project.dialect().fold(bare).map_err(|error| error.to_string())?;
    match project.dialect().reserved(&name) {
        Some(why) => Err(why.to_owned()),
        None => Ok(name),
    }
}

/// What each grantee becomes.
struct Roles {
    roles: BTreeMap<Ident, RoleRef>,
}

impl Roles {
    fn of(projects: &[Project], work: &mut Work) -> Self {
        let mut roles: BTreeMap<Ident, RoleRef> = BTreeMap::new();
        let mut taken: BTreeSet<String> = BTreeSet::new();
        // Which product role each grantee is in each environment; `None` where it is none.
        let mut is: BTreeMap<Ident, BTreeSet<Option<RoleRef>>> = BTreeMap::new();
        for project in projects {
            taken.extend(project.config.product_roles.keys().cloned());
            let (resolved, _) = project.resolve(None, &Default::default(), false, None);
            for (_, grantee) in given(project).into_keys() {
                let role = resolved.as_ref().and_then(|r| r.desired.roles.get(&grantee));
                let marker = role
                    .map(|role| &role.marker)
                    .filter(|marker| !marker.product.is_empty() && marker.policy.is_none());
                let role = marker.map(|marker| RoleRef {
                    product: Some(marker.product.clone()),
                    role: marker.role.clone(),
                });
                is.entry(grantee).or_default().insert(role);
            }
        }
        for (grantee, is) in is {
            let mut is = is.into_iter();
            match (is.next(), is.next()) {
                (Some(Some(role)), None) => {
                    roles.insert(grantee, role);
                    continue;
                }
                (Some(None) | None, None) => {}
                _ => {
                    work.todo.push(Todo::at("rolecall.yml", format!("the grantee {grantee} is a product role in one environment and not the same in another: say its grants by hand")));
                    continue;
                }
            }
            let plain: String = grantee
                .as_str()
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || c == '_' { c.to_ascii_lowercase() } else { '_' }
                })
                .collect();
            let mut role = plain.clone();
            let mut number = 2;
            while !taken.insert(role.clone()) {
                role = format!("{plain}_{number}");
                number += 1;
            }
            roles.insert(grantee, RoleRef { product: Some(PRODUCT.to_owned()), role });
        }
        Self { roles }
    }

    fn given(&self, project: &Project, grants: &Grants) -> Given {
        let mut given = Given::new();
        for (words, grantees) in grants {
            for grantee in grantees {
                let role = folded(project, grantee).ok().and_then(|name| self.roles.get(&name));
                let (Some(role), Some(some)) = (role, privileges(words)) else { continue };
                let list = given.entry(role.clone()).or_default();
                for word in self::words(some) {
                    if !list.contains(&word) {
                        list.push(word);
                    }
                }
            }
        }
        given
    }

    /// The product of those that were no product roles, and who is in each.
    fn write(&self, projects: &[Project], work: &mut Work) {
        let Some(project) = projects.first() else { return };
        let wanted: Vec<(Ident, PrivilegeSet)> = projects
            .iter()
            .flat_map(given)
            .map(|((_, grantee), privileges)| (grantee, privileges))
            .collect();
        let strangers: BTreeMap<&Ident, &RoleRef> = self
            .roles
            .iter()
            .filter(|(_, role)| role.product.as_deref() == Some(PRODUCT))
            .collect();
        if strangers.is_empty() {
            return;
        }
        let mut implied = Implied { product: PRODUCT.to_owned(), ..Implied::default() };
        let mut members: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for (grantee, role) in strangers {
            let all = wanted
                .iter()
                .filter(|(of, _)| of == grantee)
                .fold(PrivilegeSet::EMPTY, |all, (_, some)| all.union(*some));
            implied.roles.insert(role.role.clone(), words(all));
            let Some(entry) = entry(project, grantee) else {
                work.todo.push(Todo::at(MEMBERS, format!("no entry would become {grantee} by the environment's templates: write it by hand")));
                continue;
            };
            members.insert(role.role.clone(), vec![entry]);
        }
        work.add(FILE, FileKind::Platform, implied.text("dbt-grants"));
        let head = "Written by `rolecall import --from dbt-grants`: whom dbt granted to.";
        let text = crate::import::live::members_file(&members, head);
        work.add(MEMBERS, FileKind::Members { product: PRODUCT.to_owned() }, text);
    }
}

/// SELECT is what `read` is on every relation.
fn words(privileges: PrivilegeSet) -> Vec<String> {
    let word = |privilege: Privilege| match privilege {
        Privilege::SELECT => "read".to_owned(),
        other => other.as_str().to_owned(),
    };
    privileges.iter().map(word).collect()
}

/// The grantee as a member. On Snowflake dbt grants to roles alone, on PostgreSQL a role is both.
fn entry(project: &Project, grantee: &Ident) -> Option<Entry> {
    let is_user = project.dialect == DialectKind::Postgres
        && project.config.entries().any(|entry| {
            matches!(&entry.member, Member::Named { kind: MemberKind::User, name } if project.member_name(name, true).as_ref() == Some(grantee))
        });
    let who = crate::edit::written_member(project, grantee, is_user)?;
    let kind = if is_user { EntryKind::User } else { EntryKind::Group };
    let reason = Some("dbt's grants".to_owned());
    Some(Entry { kind, who, until: None, reason, environments: Vec::new(), approval: None })
}

/// The block into the `meta` beside the grants, and those out.
fn put(work: &mut Work, texts: &BTreeMap<&str, &str>, spot: &Spot, block: &Value) {
    match spot {
        Spot::Yaml(file, way) => {
            let folder = !matches!(way.last(), Some(Step::Key(key)) if key == "config");
            let (grants, meta) = if folder { ("+grants", "+meta") } else { ("grants", "meta") };
            let mut of_meta = way.clone();
            of_meta.push(Step::Key(meta.to_owned()));
            let text = texts.get(file.as_str()).copied().unwrap_or_default();
            let ours = [(crate::dbt::KEY, block.clone())];
            match declare::yaml_value(text, &of_meta) {
                Some(Value::Object(map)) if map.contains_key(crate::dbt::KEY) => {
                    work.todo.push(Todo::at(
                        file.as_str(),
                        "`meta` has a `rolecall` beside `grants`: merge them by hand",
                    ))
                }
                Some(Value::Object(map)) if !map.is_empty() => {
                    work.edit(file, |text| pairs::insert(text, &of_meta, None, &ours));
                    work.edit(file, |text| pairs::replace(text, way, grants, &[]));
                }
                None => {
                    let new = [(meta, json!({ crate::dbt::KEY: block }))];
                    work.edit(file, |text| pairs::replace(text, way, grants, &new));
                }
                Some(_) => work.todo.push(Todo::at(
                    file.as_str(),
                    "`meta` beside `grants` is no map: rewrite it by hand",
                )),
            }
        }
        Spot::Call(file) => work.edit(file, |text| in_call(text, block)),
    }
}

fn in_call(text: &str, block: &Value) -> Result<String, &'static str> {
    const ODD: &str = "its config() is not written out";
    let (range, _) = declare::value_in_config_call(text, "grants").ok_or(ODD)?;
    let ours = format!("'{}': {}", crate::dbt::KEY, blocks::literal(block));
    let mut edited = text.to_owned();
    match declare::value_in_config_call(text, "meta") {
        None => {
            let is_keyword = text.get(range.start..).is_some_and(|rest| rest.starts_with("grants"));
            let new =
                if is_keyword { format!("meta={{{ours}}}") } else { format!("'meta': {{{ours}}}") };
            edited.replace_range(range, &new);
            Ok(edited)
        }
        Some(_) => Err("its config() has a `meta` as well"),
    }
}
