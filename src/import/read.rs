//! Reading the roles of a warehouse for a project, and the files that come of it.

use std::collections::{BTreeMap, BTreeSet};

use super::adoption::{ByAdoption, by_adoption};
use super::live::{
    Asked, Explained, Had, Imported, NewProduct, Unexplained, choose, declarations_file,
    everybody_has, everybody_holds, explain, import, is_asked_for, members_file, named_members,
    of_everybody, of_everybodys, playbook_file, product_roles, product_roles_file, products_file,
};
use super::sound::{
    hold_everywhere, made_by_dbt, make_sound, members_of as members_of_playbooks, members_path,
    with_free_ids,
};
use crate::apply::Failure;
use crate::config::{Member, playbook::Playbooks};
use crate::edit::{Entry, EntryKind};
use crate::model::{
    DialectKind, Ident, Inventory, MarkerReading, MemberKind, ObjectClass, ObservedState,
    PrivilegeSet, Securable,
};
use crate::project::Project;
use crate::resolve::{Inputs, Resolved};
use crate::warehouse::{AccessLook, Look, Observe, ObservePublic, WarehouseError};

/// Where playbook roles are written, from the project's folder.
pub const FILE: &str = "rolecall/platform/imported.yml";

/// Where declarations of product roles are written: beside the configuration, which reads no such file.
pub const DECLARATIONS: &str = "rolecall_declarations.yml";

/// Where products are written that the configuration has not.
pub const PRODUCTS: &str = "rolecall/platform/imported_products.yml";

/// Where product roles are written that products of the configuration have not; nothing reads it.
pub const PRODUCT_ROLES: &str = "rolecall_product_roles.yml";

/// What was read of a warehouse, and what becomes of it.
#[derive(Debug, Clone)]
pub struct Read {
    /// The roles, and what of theirs cannot be said.
    pub imported: Imported,
    /// Roles that are not imported, and why.
    pub passed_over: Vec<(Ident, String)>,
    /// Product roles that their names explain, and what product roles hold beyond what is declared.
    pub explained: Explained,
    /// What product roles of the configuration that nobody manages yet would gain and lose.
    pub by_adoption: Vec<ByAdoption>,
    /// Products whose members file is there already, so that nobody new stands in it.
    pub members_later: BTreeSet<String>,
    /// What everybody has; `None` where that could not be asked.
    pub everybody: Option<Vec<Had>>,
    /// Patterns that fit no role.
    pub unfit: Vec<String>,
    /// New files of the project, by path from its folder.
    pub files: BTreeMap<String, String>,
}

/// Reads the roles whose names fit a pattern; without patterns, those that nobody logs in with and
/// nobody manages. Two looks: at all roles, and at what those that are chosen have.
///
/// # Errors
/// The project does not resolve, or the warehouse cannot be read.
pub async fn read<W: ObservePublic>(
    warehouse: &mut W,
    project: &Project,
    patterns: &[String],
) -> Result<Read, Failure> {
    let database = warehouse.identity().await?.database;
    let (resolved, found) = project.resolve(database.as_ref(), &Inventory::default(), true, None);
    let Some(resolved) = resolved else { return Err(Failure::Found(found)) };
    let deployment = resolved.deployment.clone();
    let first = warehouse.observe(&Look { deployment, ..Look::default() }).await?;
    let members = members_of(project);
    let dialect = project.dialect();
    let choice = choose(&first, dialect, patterns, resolved.deploy_role.as_ref(), &members);
    let mut passed_over = choice.passed_over;
    let desired = &resolved.desired;
    let is_named =
        |role: &Ident| desired.roles.contains_key(role) || desired.disabled.contains_key(role);
    let (named, chosen): (BTreeSet<Ident>, BTreeSet<Ident>) =
        choice.chosen.into_iter().partition(is_named);
    // Those that were adopted keep what nobody declares until it is.
    let of_products: BTreeSet<Ident> = product_roles(&resolved)
        .into_iter()
        .filter(|(name, _)| is_asked_for(name, dialect, patterns))
        .filter(|(name, marker)| match first.roles.get(*name).map(|role| &role.marker) {
            Some(MarkerReading::None) => named.contains(*name),
            Some(MarkerReading::Marker(there)) => there.adopted && there.is_same_role(marker),
            Some(MarkerReading::Unreadable(_)) | None => false,
        })
        .map(|(name, _)| name.clone())
        .collect();
    for role in named {
        let whose = desired.roles.get(&role).map(|role| role.marker.whose());
        let whose = whose.unwrap_or_else(|| "a playbook role that is switched off".to_owned());
        passed_over.push((role, format!("the configuration names it already, as {whose}: `plan --adopt` brings it under management, `import --members` its members")));
    }
    let seen: BTreeSet<Ident> = chosen.union(&of_products).cloned().collect();
    let mut state = observe(warehouse, &resolved, &seen, database.as_ref()).await?;
    let (groups, chosen) = groups_of_products(&resolved, &state, chosen);
    passed_over.extend(groups);
    let (everybody, on_the_way) = everybody(warehouse, &resolved, &state, database.as_ref()).await;
    state.inventory.version = state.server.version;
    state.inventory.acting_as = Some(state.server.acting_as.clone());
    let inputs = project.inputs(database.as_ref(), &state.inventory, true, None);
    let by_adoption = inputs
        .map(|inputs| by_adoption(&inputs, &state, &of_products, &on_the_way))
        .unwrap_or_default();
    let (mut explained, members_later, mut files) = match inputs {
        Some(inputs) => {
            let explained = explain(&Unexplained {
                inputs: &inputs,
                state: &state,
                chosen: &chosen,
                configured: &of_products,
                everybody: &on_the_way,
                entry: &|member, is_user| entry(project, &state, member, is_user),
            });
            let (later, files) = of_products_files(project, &explained);
            (explained, later, files)
        }
        None => Default::default(),
    };
    for group in &explained.groups {
        let why = "it has nothing but by product roles: the members files have it as a group";
        passed_over.push((group.clone(), why.to_owned()));
    }
    let mut left_over: BTreeSet<Ident> = chosen
        .into_iter()
        .filter(|role| !explained.roles.contains_key(role) && !explained.groups.contains(role))
        .collect();
    for (role, (environment, reading)) in std::mem::take(&mut explained.elsewhere) {
        let what = format!("by its name it is {reading} of the environment {environment}");
        // Whoever asks for it by name means it.
        if !patterns.is_empty() {
            explained.not.insert(role, what);
        } else if left_over.remove(&role) {
            passed_over.push((role, format!("{what}: import it there, or name it by --role")));
        }
    }
    let more = Named { resolved: &resolved, explained: &explained };
    let (imported, more) =
        written(project, inputs.as_ref(), &more, &state, &left_over, &mut passed_over);
    files.extend(more);
    explained.not.retain(|role, _| imported.roles.values().any(|one| one.name == *role));
    let unfit = choice.unfit;
    Ok(Read {
        imported,
        passed_over,
        explained,
        by_adoption,
        members_later,
        everybody,
        unfit,
        files,
    })
}

/// Roles that are in a product role are its members, and members are no managed roles: they stay what
/// they are, as those do whom a members file names. With why; and the rest.
fn groups_of_products(
    resolved: &Resolved,
    state: &ObservedState,
    mut chosen: BTreeSet<Ident>,
) -> (Vec<(Ident, String)>, BTreeSet<Ident>) {
    let of_products = product_roles(resolved);
    let mut groups = BTreeMap::new();
    for one in state.memberships.iter().filter(|one| !one.automatic) {
        // On Snowflake a user is no role, whatever it is called.
        let is_role = state.server.dialect == DialectKind::Postgres || one.kind != MemberKind::User;
        let Some(marker) = of_products.get(&one.role).filter(|_| is_role) else { continue };
        if chosen.remove(&one.member) {
            let why = format!(
                "it is a member of {}, {}, and stays one: members are people and groups. What it holds itself stays as it is",
                one.role,
                marker.whose()
            );
            groups.insert(one.member.clone(), why);
        }
    }
    (groups.into_iter().collect(), chosen)
}

/// The files of product roles: what products there are, their members, and the nodes' declarations.
fn of_products_files(
    project: &Project,
    explained: &Explained,
) -> (BTreeSet<String>, BTreeMap<String, String>) {
    let environment = &project.environment;
    let Explained { products, proposed, .. } = explained;
    let mut files = BTreeMap::new();
    let is_new = |one: &(&String, &NewProduct)| one.1.place.is_none();
    if products.iter().any(|one| is_new(&one)) {
        let head = format!(
            "Written by `rolecall import` from {environment}: products whose roles are there, by their names. Name their\nowners. A product is in every environment: its roles will be made in the others, too. Where `environments`\nsays `may: []`, they get nothing there: take it out when that environment is imported."
        );
        let text = products_file(products.iter().filter(is_new), &head);
        files.insert(PRODUCTS.to_owned(), text);
    }
    let has_more = |one: &(&String, &NewProduct)| {
        !is_new(one) && one.1.roles.values().any(|role| role.may.is_some())
    };
    if products.iter().any(|one| has_more(&one)) {
        let head = format!(
            "Written by `rolecall import` from {environment}: product roles that are there, by their names, and that their\nproducts do not have. Put the lines into the product, in the file named above it; nothing reads this one."
        );
        let text = product_roles_file(products.iter().filter(has_more), &head);
        files.insert(PRODUCT_ROLES.to_owned(), text);
    }
    let mut later = BTreeSet::new();
    for (product, new) in products {
        let members: BTreeMap<String, Vec<Entry>> = new
            .roles
            .iter()
            .filter(|(_, role)| !role.members.is_empty())
            .map(|(name, role)| (name.clone(), role.members.clone()))
            .collect();
        if members.is_empty() {
            continue;
        }
        if project.config.members.contains_key(product) {
            later.insert(product.clone());
            continue;
        }
        let head = "Written by `rolecall import`: who is in the product's roles.";
        files.insert(format!("rolecall/members/{product}.yml"), members_file(&members, head));
    }
    if !proposed.blocks.is_empty() {
        let head = format!(
            "Written by `rolecall import` from {environment}: what product roles hold there, and no node declares\nyet. Each block is the whole `meta.rolecall` of its node, and takes the place of the one in the file\nnamed above it. dbt gives it to every environment: it is their access, too."
        );
        let text = declarations_file(&proposed.blocks, &project.manifest, &head);
        files.insert(DECLARATIONS.to_owned(), text);
    }
    (later, files)
}

/// Users and groups whom the configuration names as such.
fn members_of(project: &Project) -> BTreeSet<Ident> {
    let entries = project.config.entries().map(|entry| &entry.member);
    let config = &project.config;
    let actors = config.policies.values().map(|one| (&one.actors.users, &one.actors.groups));
    let platform = config.platform_policies.values().map(|one| (&one.users, &one.groups));
    named_members(entries, actors.chain(platform), &|name, is_user| {
        // On Snowflake a user is no role, whatever it is called.
        let is_no_role = is_user && project.dialect == DialectKind::Snowflake;
        project.member_name(name, is_user).filter(|_| !is_no_role)
    })
}

/// What PUBLIC has, and of it what is on databases and schemas. Where it cannot be read it is not
/// known, and the rest is imported all the same.
async fn everybody<W: ObservePublic>(
    warehouse: &mut W,
    resolved: &Resolved,
    state: &ObservedState,
    database: Option<&Ident>,
) -> (Option<Vec<Had>>, BTreeMap<Securable, PrivilegeSet>) {
    if database.is_some()
        && let Ok(Some(access)) = warehouse.everybody_s_access(&AccessLook::default()).await
    {
        return (Some(everybody_has(everybody_holds(&access))), of_everybody(&access));
    }
    let mut schemas = resolved.schemas_in(database);
    schemas.extend(state.inventory.schemas.iter().cloned());
    let public = warehouse.public(&schemas).await;
    (public.ok().map(of_everybodys), BTreeMap::new())
}

/// What the chosen roles have, with all objects of the databases in which something is yet to come.
async fn observe<W: Observe>(
    warehouse: &mut W,
    resolved: &Resolved,
    chosen: &BTreeSet<Ident>,
    database: Option<&Ident>,
) -> Result<ObservedState, WarehouseError> {
    let not_relations = || ObjectClass::ALL.into_iter().filter(|class| !class.is_relation());
    let (deployment, roles) = (resolved.deployment.clone(), chosen.clone());
    // Where product roles may hold something.
    let schemas = resolved.schemas_in(database);
    let mut look = Look { deployment, roles, schemas, ..Look::default() };
    if let Some(database) = database {
        look.databases.insert(database.clone());
        look.classes = not_relations().collect();
        return warehouse.observe(&look).await;
    }
    // Where a connection reaches all databases, only those are listed that a wildcard could speak of.
    let state = warehouse.observe(&look).await?;
    let futures = || state.defaults.iter().filter(|default| chosen.contains(&default.grantee));
    look.databases = futures().map(|default| default.database.clone()).collect();
    look.classes =
        futures().map(|default| default.class).filter(|class| !class.is_relation()).collect();
    match look.databases.is_empty() {
        true => Ok(state),
        false => warehouse.observe(&look).await,
    }
}

/// What roles the configuration has, and will have with what is proposed.
struct Named<'a> {
    resolved: &'a Resolved,
    explained: &'a Explained,
}

fn written(
    project: &Project,
    inputs: Option<&Inputs<'_>>,
    Named { resolved, explained }: &Named<'_>,
    state: &ObservedState,
    chosen: &BTreeSet<Ident>,
    passed_over: &mut Vec<(Ident, String)>,
) -> (Imported, BTreeMap<String, String>) {
    let (environment, playbooks) = (&project.environment, &project.config.playbooks);
    if !playbooks.hold_in(environment) {
        let why = || {
            format!(
                "playbook roles do not hold in {environment}: name it in `playbook_environments`, which applies to all that are there"
            )
        };
        passed_over.extend(chosen.iter().map(|role| (role.clone(), why())));
        return Default::default();
    }
    let others = project.config.environments.len() > 1;
    let everywhere =
        others && playbooks.environments.is_none() && *playbooks != Playbooks::default();
    let entry = |member: &Ident, is_user: bool| {
        let mut entry = entry(project, state, member, is_user)?;
        // That somebody was let in here says nothing of other environments.
        entry.environments.extend(everywhere.then(|| environment.clone()));
        Ok(entry)
    };
    let creator = match project.dialect {
        DialectKind::Postgres => {
            Some(resolved.deploy_role.as_ref().unwrap_or(&state.server.acting_as))
        }
        DialectKind::Snowflake => None,
    };
    let named = resolved.desired.roles.keys().chain(explained.roles.keys()).cloned().collect();
    let dialect = project.dialect();
    let dbts = made_by_dbt(project, resolved);
    let asked =
        Asked { state, dialect, chosen, named: &named, creator, dbts: &dbts, entry: &entry };
    let mut imported = with_free_ids(import(&asked), playbooks);
    if let Some(inputs) = inputs {
        make_sound(inputs, explained, state, &mut imported);
    }
    let left: BTreeSet<Ident> = imported.left.iter().map(|left| left.role.clone()).collect();
    // What has nothing and is held by nobody is made no role of ours by the way.
    imported.roles.retain(|_, role| {
        let has = !role.grants.is_empty() || role.members.is_some() || left.contains(&role.name);
        if !has {
            passed_over.push((role.name.clone(), "it has nothing here".to_owned()));
        }
        has
    });
    let mut files = BTreeMap::new();
    if imported.roles.is_empty() {
        return (imported, files);
    }
    if everywhere {
        hold_everywhere(&mut imported, environment);
    }
    let head = format!(
        "Written by `rolecall import` from {environment}. Review it, put it into the project, then\n`rolecall plan --adopt`: it changes nobody's access."
    );
    let mut text = playbook_file(&imported, dialect, &head);
    if others && *playbooks == Playbooks::default() {
        text = format!("playbook_environments: [{}]\n{text}", crate::edit::scalar(environment));
    }
    files.insert(FILE.to_owned(), text);
    let members = members_of_playbooks(&imported);
    if !members.is_empty() {
        let said = "Written by `rolecall import`: who is in which playbook role.";
        files.insert(members_path(), members_file(&members, said));
    }
    (imported, files)
}

/// A member as an entry.
fn entry(
    project: &Project,
    state: &ObservedState,
    member: &Ident,
    is_user: bool,
) -> Result<Entry, String> {
    let logs_in = || state.roles.get(member).is_some_and(|role| role.attributes.login);
    let is = |name: &str, is_user| project.member_name(name, is_user).as_ref() == Some(member);
    // On PostgreSQL a name is a user's or a group's, whichever a file says already.
    let said = project.config.entries().find_map(|entry| match &entry.member {
        Member::Named { kind, name } if is(name, *kind == MemberKind::User) => Some(*kind),
        _ => None,
    });
    let is_user = match (project.dialect, said) {
        (DialectKind::Snowflake, _) => is_user,
        (DialectKind::Postgres, Some(kind)) => kind == MemberKind::User,
        (DialectKind::Postgres, None) => is_user || logs_in(),
    };
    let who = crate::edit::written_member(project, member, is_user)
        .ok_or("no name in a members file would become it by the environment's template")?;
    let kind = if is_user { EntryKind::User } else { EntryKind::Group };
    Ok(Entry { kind, who, until: None, reason: None, environments: Vec::new(), approval: None })
}
