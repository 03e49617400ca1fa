//! What `who-can` and `explain` ask about: the access of a database, a node and somebody.

use std::collections::{BTreeMap, BTreeSet};

use clap::Args;

use super::{ConnectionFlags, Global, exit::WrongArguments, output, plan};
use crate::apply::Failure;
use crate::check::{behind_dbt_s_view, read_by_dbt_s_views, unseen};
use crate::config::PERMISSION_WORDS;
use crate::effect::AccessState;
use crate::model::diagnostic::nearest;
use crate::model::{
    Diagnostic, Diagnostics, DialectKind, Ident, Inventory, MemberKind, ObjectClass, Privilege,
    PrivilegeSet, Securable,
};
use crate::project::Project;
use crate::resolve::Resolved;
use crate::warehouse::AccessLook;

#[derive(Debug, Args)]
pub(super) struct AskedFlags {
    /// Of what is declared alone, without a warehouse: nothing that others hold
    #[arg(long)]
    pub(super) declared: bool,
    /// Every reason, not only the shortest
    #[arg(long)]
    pub(super) all_reasons: bool,
    #[command(flatten)]
    connection: ConnectionFlags,
}

/// Everything that an answer is made of.
pub(super) struct Asked {
    pub(super) project: Project,
    pub(super) resolved: Resolved,
    pub(super) state: AccessState,
}

/// A node and its relation; a relation alone, where that was named.
pub(super) struct Subject {
    pub(super) node: Option<String>,
    pub(super) on: Securable,
}

/// Reads the project and the access of its database, on Snowflake to one node's relation alone; `None`
/// where the project is wrong, which is said. `who` is somebody who is asked about.
pub(super) fn look(
    global: &Global,
    flags: &AskedFlags,
    node: &str,
    who: Option<&str>,
) -> anyhow::Result<Option<Asked>> {
    let Some(project) = plan::load(global)? else { return Ok(None) };
    let look = match (flags.declared, project.dialect) {
        (false, DialectKind::Snowflake) => offline(&project)?.about(node, who)?,
        _ => AccessLook::default(),
    };
    let state = match flags.declared {
        true => None,
        false => Some(plan::runtime()?.block_on(async {
            let mut warehouse = plan::connect(&flags.connection, &project).await?;
            Ok::<_, anyhow::Error>(warehouse.access(&look).await?)
        })?),
    };
    if let Some(state) = state.as_ref().filter(|state| state.dialect != project.dialect) {
        anyhow::bail!(
            "the connection is to {}, and the project is for {}",
            state.dialect,
            project.dialect
        );
    }
    output::findings(state.as_ref().and_then(unseen).into_iter().collect());
    let inventory = state.as_ref().map_or_else(Inventory::default, AccessState::inventory);
    let database = state.as_ref().and_then(AccessState::only_database);
    let (resolved, found) = project.resolve(database, &inventory, true, None);
    let Some(resolved) = resolved else { anyhow::bail!(Failure::Found(found)) };
    let state = match state {
        Some(mut state) => {
            read_by_dbt_s_views(&project, &resolved.nodes, &mut state);
            state
        }
        None => {
            one_kind_each(&resolved)?;
            declared(&resolved)?
        }
    };
    Ok(Some(Asked { project, resolved, state }))
}

/// What is known before a warehouse is asked.
fn offline(project: &Project) -> anyhow::Result<Asked> {
    let (resolved, found) = project.resolve(None, &Inventory::default(), true, None);
    let Some(resolved) = resolved else { anyhow::bail!(Failure::Found(found)) };
    let state = declared(&resolved)?;
    Ok(Asked { project: project.clone(), resolved, state })
}

/// On Snowflake a user and a role may have one name; who is meant where would be guessed.
pub(super) fn one_kind_each(resolved: &Resolved) -> anyhow::Result<()> {
    let mut kinds: BTreeMap<&Ident, MemberKind> = BTreeMap::new();
    for ((_, member), membership) in &resolved.desired.memberships {
        let kind = *kinds.entry(member).or_insert(membership.kind);
        let user = |kind| kind == MemberKind::User;
        anyhow::ensure!(
            user(kind) == user(membership.kind),
            "{member} is both a user and a role: --declared cannot tell them apart"
        );
    }
    Ok(())
}

/// The state that the declarations alone would make.
pub(super) fn declared(resolved: &Resolved) -> anyhow::Result<AccessState> {
    let first = resolved.schemas.keys().next().cloned();
    let database = match first {
        Some(database) => database,
        None => Ident::new("declared")?,
    };
    Ok(AccessState::of_desired(&resolved.desired, &database))
}

impl Asked {
    /// The relation of a node, or one that is named with its database and schema; and a user.
    fn about(&mut self, node: &str, who: Option<&str>) -> anyhow::Result<AccessLook> {
        let parts: Result<Vec<Ident>, _> =
            node.split('.').map(|part| self.project.dialect().fold(part)).collect();
        let named = |database: &Ident, schema: &Ident, name: &Ident| {
            let (database, schema, name) = (database.clone(), schema.clone(), name.clone());
            Securable::in_schema(ObjectClass::Table, database, schema, name)
        };
        let (on, unique_id) = match (self.subject(node), parts.unwrap_or_default().as_slice()) {
            (Ok(subject), _) => (subject.on, subject.node),
            (Err(_), [database, schema, name]) => (named(database, schema, name), None),
            (Err(error), _) => return Err(error),
        };
        let fold = |name: &str| self.project.dialect().fold(name).ok();
        let user = who.and_then(|who| {
            let written = self.project.member_names(who);
            written.iter().find_map(|name| fold(name)).or_else(|| fold(who))
        });
        // What a view reads counts, and dbt knows it before the account tells.
        let nodes = &self.resolved.nodes;
        let behind = unique_id.iter().flat_map(|id| behind_dbt_s_view(&self.project, nodes, id));
        let relations = behind.chain([&on]).filter_map(Securable::relation_key).collect();
        Ok(AccessLook { relations, users: user.into_iter().collect(), everybody: false })
    }

    /// The node of a name: dbt's name of it, its `unique_id`, or its relation; else a relation of the
    /// database that no node has.
    pub(super) fn subject(&mut self, name: &str) -> anyhow::Result<Subject> {
        let nodes = || self.resolved.nodes.iter();
        let mut found: Vec<_> = nodes().filter(|node| node.unique_id == name).collect();
        if found.is_empty() {
            found = nodes().filter(|node| self.is_called(&node.unique_id, name)).collect();
        }
        let parts: Result<Vec<Ident>, _> =
            name.split('.').map(|part| self.project.dialect().fold(part)).collect();
        let parts = parts.unwrap_or_default();
        let ends_so = |on: &Securable| ends_in(on, &parts);
        if found.is_empty() {
            found = nodes().filter(|node| node.relation.as_ref().is_some_and(ends_so)).collect();
        }
        // A source that reads what a node makes is the same relation.
        let relations: BTreeSet<&Securable> =
            found.iter().filter_map(|node| node.relation.as_ref()).collect();
        match (found.as_slice(), relations.iter().collect::<Vec<_>>().as_slice()) {
            ([], _) => {}
            ([node, ..], [on]) => {
                return Ok(Subject { node: Some(node.unique_id.clone()), on: (**on).clone() });
            }
            ([node], []) => {
                let unique_id = node.unique_id.clone();
                return self.not_built(&unique_id);
            }
            (several, _) => {
                let names: Vec<&str> = several.iter().map(|node| node.unique_id.as_str()).collect();
                let help = format!("give its unique_id: {}", names.join(", "));
                return Err(wrong("ambiguous-node", format!("{name:?} is several nodes"), help));
            }
        }
        let relations = || self.state.objects.keys().filter(|on| on.class().is_relation());
        match relations().filter(|on| ends_so(on)).collect::<Vec<_>>().as_slice() {
            [on] => return Ok(Subject { node: None, on: (*on).clone() }),
            [] => {}
            [first, second, ..] => {
                let help = format!("say its schema: {first}, {second}");
                let what = format!("{name:?} is several relations");
                return Err(wrong("ambiguous-node", what, help));
            }
        }
        let known: Vec<&str> = nodes().map(|node| tail(&node.unique_id)).collect();
        let relations: Vec<&str> =
            relations().filter_map(|on| on.name()).map(Ident::as_str).collect();
        let help = match near(name, known.into_iter().chain(relations)) {
            Some(near) => format!("did you mean {near}?"),
            None => "`dbt ls` lists the models by name; schema.relation works, too".to_owned(),
        };
        Err(wrong("unknown-node", format!("no node and no relation is called {name:?}"), help))
    }

    /// A node that is not built yet: what default privileges will give when dbt builds it.
    fn not_built(&mut self, unique_id: &str) -> anyhow::Result<Subject> {
        let unseen = Inventory::default();
        let database = self.state.only_database();
        let (resolved, _) = self.project.resolve(database, &unseen, true, None);
        let nodes = resolved.into_iter().flat_map(|resolved| resolved.nodes);
        let on = nodes.filter(|node| node.unique_id == unique_id).find_map(|node| node.relation);
        let schema = on.as_ref().and_then(Securable::schema_key);
        let (Some(on), Some(schema)) = (on, schema) else {
            return Err(without_relation(unique_id));
        };
        let Some(creator) = self.resolved.deploy_role.clone() else {
            let message =
                format!("{unique_id} is not built yet, and nobody says who will build it");
            let help = "run `dbt build` first, or say `deploy_role:` of the environment";
            return Err(wrong("node-without-relation", message, help.to_owned()));
        };
        output::message(&format!(
            "{unique_id} is not built yet: this is what default privileges will give when {creator} \
             builds it"
        ));
        let object = self.state.to_come(&creator, &schema, on.class());
        self.state.objects.insert(on.clone(), object);
        Ok(Subject { node: Some(unique_id.to_owned()), on })
    }

    fn is_called(&self, unique_id: &str, name: &str) -> bool {
        let node = self.project.manifest.nodes.get(unique_id);
        // Of a model with versions, the bare name is the latest.
        let latest = node.is_some_and(|node| {
            node.name == name && node.version.is_some() && node.version == node.latest_version
        });
        tail(unique_id) == name || latest
    }

    /// Somebody: as an owner's file calls them, as the warehouse does, or `product.role`.
    pub(super) fn somebody(&self, name: &str) -> anyhow::Result<Ident> {
        let desired = &self.resolved.desired;
        let fold = |text: &str| self.project.dialect().fold(text).ok();
        let written = self.project.member_names(name);
        let mut candidates: Vec<Ident> = written.iter().filter_map(|name| fold(name)).collect();
        candidates.extend(fold(name));
        candidates.extend(Ident::new(name).ok());
        let of_product = desired.roles.iter().find(|(_, role)| role.marker.whose() == name);
        candidates.extend(of_product.map(|(role, _)| role.clone()));
        let members: BTreeSet<&Ident> =
            desired.memberships.keys().map(|(_, member)| member).collect();
        let in_state = candidates.iter().find(|name| self.state.roles.contains_key(*name));
        let declared = || {
            candidates
                .iter()
                .find(|name| members.contains(name) || desired.roles.contains_key(*name))
        };
        if let Some(found) = in_state.or_else(declared) {
            return Ok(found.clone());
        }
        let roles = self.state.roles.keys().filter(|role| !role.as_str().starts_with("pg_"));
        let known = roles.chain(members).map(Ident::as_str);
        let help = match near(name, known) {
            Some(near) => format!("did you mean {near}?"),
            None => "name a user, a group, a role of the warehouse, or product.role".to_owned(),
        };
        Err(wrong("unknown-person", format!("nobody is called {name:?}"), help))
    }

    /// What a permission means on an object.
    pub(super) fn privileges(&self, word: &str, on: &Securable) -> anyhow::Result<PrivilegeSet> {
        let dialect = self.project.dialect();
        let class = on.class();
        let wanted = match word {
            "read" => dialect.read_on(class),
            "write" => dialect.write_on(class),
            "admin" => dialect.data_privileges_of(class),
            "own" => PrivilegeSet::of(&[Privilege::OWNERSHIP]),
            raw => {
                let privilege = Privilege::parse(raw).filter(|p| {
                    self.state.privileges_of(class).contains(*p)
                        || *p == Privilege::OWNERSHIP && class != ObjectClass::Column
                });
                privilege.into_iter().collect()
            }
        };
        if !wanted.is_empty() {
            return Ok(wanted);
        }
        let all = dialect.privileges_of(class);
        let known = PERMISSION_WORDS.iter().copied().chain(all.iter().map(Privilege::as_str));
        let words: Vec<&str> = known.collect();
        let near = nearest(word, words.iter().copied());
        let near = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
        anyhow::bail!(WrongArguments(format!(
            "{word:?} is no permission on a {class}: {near}known are {}",
            words.join(", ")
        )))
    }
}

/// What a person calls a node: the id without its kind and package.
fn tail(unique_id: &str) -> &str {
    let mut parts = unique_id.splitn(3, '.');
    parts.nth(2).unwrap_or(unique_id)
}

fn ends_in(on: &Securable, parts: &[Ident]) -> bool {
    let Some((database, schema, name)) = on.relation_key() else { return false };
    let whole = [database, schema, name];
    !parts.is_empty()
        && parts.len() <= whole.len()
        && whole[whole.len() - parts.len()..].iter().eq(parts)
}

/// The names that were most likely meant, three at most.
fn near<'a>(given: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut left: BTreeSet<&str> = known.collect();
    let mut found = Vec::new();
    while let (Some(name), true) = (nearest(given, left.iter().copied()), found.len() < 3) {
        left.remove(name);
        found.push(name);
    }
    (!found.is_empty()).then(|| found.join(", or "))
}

fn without_relation(unique_id: &str) -> anyhow::Error {
    let message = format!("{unique_id} has no relation in this database");
    let help = "run `dbt build` first; an ephemeral model has none, and another database is asked \
                with a connection to it";
    wrong("node-without-relation", message, help.to_owned())
}

fn wrong(code: &'static str, message: String, help: String) -> anyhow::Error {
    let finding = Diagnostic::error(code, message).with_help(help);
    Failure::Found(Diagnostics::from_iter([finding])).into()
}
