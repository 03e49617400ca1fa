//! Everything that is read from files before a warehouse is looked at.

mod asked;
mod choose;
mod dbt_project;
mod people;
mod profile;
mod written_for;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use walkdir::WalkDir;

use crate::config::{self, Config, Environment};
use crate::dbt::profiles::{ProfileFlags, Profiles, Surroundings};
use crate::dbt::{self, Manifest};
use crate::declare::{self, Declarations, ProjectSources};
use crate::dialect::{self, Dialect};
use crate::directory::Known;
use crate::model::{Diagnostic, Diagnostics, DialectKind, Ident, Inventory, Place};
use crate::plan::hex;
use crate::resolve::hooks::ClassGrant;
use crate::resolve::{self, Inputs, Resolved, Target};
use crate::warehouse::AccessLook;

pub use dbt_project::macro_folder;
pub(crate) use dbt_project::name as dbt_project_name;
pub use people::{CountedRule, known};
pub use profile::unknown_part;

/// Where to look, as the command line says.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// The folder of `rolecall.yml` and `dbt_project.yml`.
    pub project_dir: PathBuf,
    /// `--manifest`.
    pub manifest: Option<PathBuf>,
    /// `--target-path`.
    pub target_path: Option<PathBuf>,
    /// `-t/--target`.
    pub target: Option<String>,
    /// The target's schema, where a template asks for it.
    pub target_schema: Option<String>,
    /// The target's database, where a template asks for it.
    pub target_database: Option<String>,
    /// `--dialect`.
    pub dialect: Option<DialectKind>,
    /// What a selection on the command line needs of the manifest.
    pub wanted: dbt::Wanted,
    /// `--profiles-dir`, `--profile` and `--vars`.
    pub profiles: ProfileFlags,
    /// Raito's blocks are read whatever the configuration says.
    pub raito: bool,
    /// `--directory`, in place of what the configuration says.
    pub directory: Option<PathBuf>,
}

/// A project as read: manifest, declarations, configuration, and which environment is meant.
#[derive(Debug, Clone)]
pub struct Project {
    /// The manifest.
    pub manifest: Manifest,
    /// Where it was read from.
    pub manifest_path: PathBuf,
    /// Its declarations.
    pub declarations: Declarations,
    /// What Raito's blocks became, where they are read.
    pub raito: declare::Raito,
    /// The configuration.
    pub config: Config,
    /// The environment's name.
    pub environment: String,
    /// The dialect.
    pub dialect: DialectKind,
    /// The root project, where anything names it.
    pub name: Option<String>,
    /// What `target.*` means.
    pub target: Target,
    /// `profiles.yml`, rendered where it is needed.
    pub profiles: Profiles,
    /// The time that expiry is judged by: seconds since 1970, UTC.
    pub as_of: i64,
    /// What is known of people, as far as files say it.
    pub known: Known,
    /// SHA-256 of the manifest.
    pub manifest_sha256: String,
    /// SHA-256 of the configuration files, names included.
    pub config_sha256: String,
}

impl Project {
    /// Reads everything, and says all that is wrong at once.
    pub fn load(places: &Places, as_of: i64) -> (Option<Self>, Diagnostics) {
        let (project, _, mut found) = Self::read(places, as_of);
        found.extend(project.as_ref().and_then(Self::written_for_another));
        (project.filter(|_| !found.has_errors()), found)
    }

    /// Reads everything. The project is there wherever configuration and manifest are sound, even
    /// where its declarations are wrong: nothing may be planned for it while there are errors.
    pub fn inspect(places: &Places, as_of: i64) -> (Option<Self>, Diagnostics) {
        let (project, sound, mut found) = Self::read(places, as_of);
        found.extend(project.as_ref().and_then(Self::written_for_another));
        (project.filter(|_| sound), found)
    }

    /// Reads everything and resolves it, for no warehouse in particular. Where only declarations
    /// are wrong, the rest is resolved without them: what is wrong there is said too.
    pub fn check(places: &Places, as_of: i64) -> (Option<(Self, Resolved)>, Diagnostics) {
        let (project, sound, mut found) = Self::read(places, as_of);
        let Some(project) = project.filter(|_| sound) else { return (None, found) };
        let (resolved, problems) = project.resolve(None, &Inventory::default(), false, None);
        found.extend(problems);
        if project.config.raito.is_none() {
            let sources = ProjectSources::read(&places.project_dir, &project.manifest);
            found.extend(declare::unread_raito(&project.manifest, &sources));
        }
        let resolved = resolved.filter(|_| !found.has_errors());
        (resolved.map(|resolved| (project, resolved)), found)
    }

    /// The project with whatever is wrong in it, and whether configuration and manifest are sound.
    fn read(places: &Places, as_of: i64) -> (Option<Self>, bool, Diagnostics) {
        let (config, mut found) = config::load(&places.project_dir);
        let around = Surroundings::real();
        let profiles = Profiles::look_up(&places.profiles, &places.project_dir, &around);
        let environment = config
            .as_ref()
            .and_then(|config| choose::environment(config, places, &profiles, &mut found));
        let target_name = environment.as_ref().map(|e| e.target_name().to_owned());
        let manifest_path = manifest_path(places, target_name.as_deref());
        let (bytes, problems) = dbt::read_bytes(&manifest_path);
        let Some(bytes) = bytes else {
            // Without an environment nobody knows which target's folder it is in.
            if environment.is_some() || places.manifest.is_some() || !found.has_errors() {
                found.extend(problems);
            }
            return (None, false, found);
        };
        found.extend(problems);
        let wanted = config.as_ref().map(outputs_need).unwrap_or_default().and(places.wanted);
        let (manifest, problems) = dbt::read_manifest_for(&bytes, &manifest_path, wanted);
        found.extend(problems);
        // Of the bytes that were read: dbt may write the file again at any moment.
        let manifest_sha256 = hex(&Sha256::digest(&bytes));
        drop(bytes);
        let Some(manifest) = manifest else { return (None, false, found) };
        let target = environment
            .as_ref()
            .map(|environment| profile::target(places, environment, &profiles, &mut found))
            .unwrap_or_default();
        let sound = !found.has_errors();
        let sources = ProjectSources::read(&places.project_dir, &manifest);
        let (mut declarations, mut problems) = declare::read_declarations(&manifest, &sources);
        let mut config = config;
        let mut raito = declare::Raito::default();
        if let Some(config) =
            config.as_mut().filter(|config| places.raito || config.raito.is_some())
        {
            let (read, found) = declare::read_raito(&manifest, &sources, config, &mut declarations);
            raito = read;
            problems.extend(found);
        }
        found.extend(problems.into_iter().map(|d| in_manifest(d, &manifest, &manifest_path)));
        let (Some(config), Some(environment)) = (config, environment) else {
            return (None, false, found);
        };
        let Some(dialect) = choose_dialect(places, &config, &manifest, &manifest_path, &mut found)
        else {
            return (None, false, found);
        };
        let name = manifest
            .metadata
            .project_name
            .clone()
            .or_else(|| dbt_project_name(&places.project_dir));
        let project = Self {
            known: people::known(places, &config, &mut found),
            manifest_sha256,
            config_sha256: {
                let mut files = config_files(&places.project_dir);
                let outside = config.playbooks.files.iter();
                files.extend(outside.map(|file| places.project_dir.join(file)));
                sha256_of(&files, &places.project_dir)
            },
            manifest,
            manifest_path,
            declarations,
            raito,
            config,
            environment: environment.name,
            dialect,
            name,
            target,
            profiles,
            as_of,
        };
        (Some(project), sound, found)
    }

    /// The deployment's name, as resolution takes it.
    pub fn deployment(&self) -> Option<&str> {
        self.config.deployment.as_ref().map(|named| named.value.as_str()).or(self.name.as_deref())
    }

    /// What members files' names become by the environment's templates, as a user's and a group's.
    pub fn member_names(&self, name: &str) -> Vec<String> {
        self.environment()
            .map_or_else(Vec::new, |here| resolve::member_names(here, &self.target, name))
    }

    /// Its environment.
    pub fn environment(&self) -> Option<&Environment> {
        self.config.environments.get(&self.environment)
    }

    /// Its dialect.
    pub fn dialect(&self) -> &'static dyn Dialect {
        dialect::of(self.dialect)
    }

    /// The desired state of its environment. `only` are the nodes that a limited plan is about. See
    /// [`resolve::resolve`].
    pub fn resolve(
        &self,
        database: Option<&Ident>,
        inventory: &Inventory,
        skip_missing: bool,
        only: Option<&BTreeSet<String>>,
    ) -> (Option<Resolved>, Diagnostics) {
        self.resolve_with(&self.known, database, inventory, skip_missing, only)
    }

    /// The same, with what a warehouse said of people.
    pub fn resolve_with(
        &self,
        known: &Known,
        database: Option<&Ident>,
        inventory: &Inventory,
        skip_missing: bool,
        only: Option<&BTreeSet<String>>,
    ) -> (Option<Resolved>, Diagnostics) {
        let inputs = self.inputs(database, inventory, skip_missing, only);
        let Some(inputs) = inputs.map(|inputs| Inputs { known, ..inputs }) else {
            return (None, Diagnostics::default());
        };
        let (resolved, found) = resolve::resolve(&inputs);
        let place = |d| in_manifest(d, &self.manifest, &self.manifest_path);
        (resolved, found.into_iter().map(place).collect())
    }

    /// What decides about access to its nodes, for everybody.
    pub fn access_look(&self, known: &Known) -> AccessLook {
        let (resolved, _) = self.resolve_with(known, None, &Inventory::default(), true, None);
        let nodes = resolved.into_iter().flat_map(|resolved| resolved.nodes);
        let relations = nodes.filter_map(|node| node.relation?.relation_key()).collect();
        AccessLook { relations, everybody: true, ..AccessLook::default() }
    }

    pub(crate) fn inputs<'a>(
        &'a self,
        database: Option<&'a Ident>,
        inventory: &'a Inventory,
        skip_missing: bool,
        only: Option<&'a BTreeSet<String>>,
    ) -> Option<Inputs<'a>> {
        Some(Inputs {
            manifest: &self.manifest,
            declarations: &self.declarations,
            config: &self.config,
            environment: self.environment()?,
            dialect: self.dialect(),
            project: self.name.as_deref(),
            target: &self.target,
            database,
            inventory,
            skip_missing,
            only,
            as_of: self.as_of,
            known: &self.known,
        })
    }

    /// What a dbt hook may grant on each node. `resolved` is of this project, without an error.
    pub fn relation_grants(&self, resolved: &Resolved) -> BTreeMap<String, Vec<ClassGrant>> {
        let inventory = Inventory::default();
        let inputs = self.inputs(None, &inventory, false, None);
        inputs.map(|inputs| resolve::hooks::relation_grants(&inputs, resolved)).unwrap_or_default()
    }

    /// The `target.*` values that the names of its environment's roles are made with.
    pub fn target_values(&self) -> BTreeMap<&'static str, String> {
        let template = self.environment().map_or("", |e| e.role_name.value.as_str());
        let used = config::template::uses_target(template);
        let Target { name, schema, database } = &self.target;
        [("name", Some(name)), ("schema", schema.as_ref()), ("database", database.as_ref())]
            .into_iter()
            .filter(|(part, _)| used.contains(*part))
            .map(|(part, value)| (part, value.cloned().unwrap_or_default()))
            .collect()
    }
}

/// What products' `outputs`, policies and tests look at; one that cannot be read is reported where it is used.
fn outputs_need(config: &Config) -> dbt::Wanted {
    let outputs = config.products.values().filter_map(|product| product.outputs.as_ref());
    let policies = config.policies.values();
    let tests = config.checks.tests.values();
    let of_tests = tests.clone().flat_map(|test| test.actors.iter().chain([&test.except]));
    let mut actors = policies.clone().map(|policy| &policy.actors).chain(of_tests);
    let owners = actors.any(|actors| !actors.resource_owners.is_empty());
    let selected = policies.filter_map(|policy| policy.resources.select.as_ref());
    let selected = selected.chain(tests.filter_map(|test| test.resources.select.as_ref()));
    let pii = config.checks.pii.iter().flat_map(|pii| &pii.reasons);
    let selected = selected.chain(pii.filter_map(|reason| reason.select.as_ref()));
    let first = dbt::Wanted { owners, ..dbt::Wanted::default() };
    outputs
        .chain(selected)
        .filter_map(|written| dbt::parse_selector(&written.value).ok())
        .fold(first, |wanted, selector| wanted.and(selector.needs()))
}

/// What is said of a node whose source is not at hand stands in the manifest at least.
fn in_manifest(mut found: Diagnostic, manifest: &Manifest, path: &Path) -> Diagnostic {
    let node = found.node.as_ref().and_then(|id| manifest.nodes.get(id));
    if let (None, Some(node)) = (&found.place, node) {
        found.place = Some(Place::file(path));
        found.path = match (node.rolecall_key, found.path) {
            (Some(block), None) => Some(node.json_path(block)),
            // Within the block, as a person would look for it in YAML.
            (Some(block), Some(inner)) => Some(match inner.strip_prefix("meta.rolecall") {
                Some(rest) => node.json_path(&format!("{block}{rest}")),
                None => inner,
            }),
            (None, path) => path,
        };
    }
    found
}

/// `--manifest`; else `<target path>/<target>/manifest.json`, where each target has a folder of its
/// own; else `<target path>/manifest.json`.
pub fn manifest_path(places: &Places, target: Option<&str>) -> PathBuf {
    if let Some(manifest) = &places.manifest {
        return manifest.clone();
    }
    let target_path = places.target_path.as_deref().unwrap_or(Path::new("target"));
    let target_path = match places.project_dir.as_path() {
        here if here == Path::new(".") => target_path.to_owned(),
        elsewhere => elsewhere.join(target_path),
    };
    // A target's name is one folder, never a way out of the target path.
    let plain =
        |target: &&str| !target.contains(['/', '\\']) && !matches!(*target, "" | "." | "..");
    let own = target.filter(plain).map(|target| target_path.join(target).join("manifest.json"));
    // One that is there and cannot be read is an error, not a reason to read another.
    own.filter(|path| path.symlink_metadata().is_ok())
        .unwrap_or_else(|| target_path.join("manifest.json"))
}

fn choose_dialect(
    places: &Places,
    config: &Config,
    manifest: &Manifest,
    manifest_path: &Path,
    found: &mut Diagnostics,
) -> Option<DialectKind> {
    let said = places.dialect.or(config.dialect.as_ref().map(|dialect| dialect.value));
    let adapter = manifest.metadata.adapter_type.as_deref();
    let chosen = said.or(match adapter {
        Some("postgres") => Some(DialectKind::Postgres),
        Some("snowflake") => Some(DialectKind::Snowflake),
        _ => None,
    });
    if chosen.is_none() {
        found.push(
            Diagnostic::error(
                "unknown-dialect",
                match adapter {
                    Some(adapter) => format!(
                        "the manifest was written for {adapter}, which rolecall does not speak"
                    ),
                    None => "the manifest does not say which adapter it was written for".to_owned(),
                },
            )
            .with_place(Place::file(manifest_path))
            .with_path("metadata.adapter_type")
            .with_help(
                "give --dialect postgres or --dialect snowflake, or `dialect:` in rolecall.yml",
            ),
        );
    }
    chosen
}

fn config_files(project_dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        ["rolecall.yml", "rolecall.yaml"].iter().map(|name| project_dir.join(name)).collect();
    let below = WalkDir::new(project_dir.join("rolecall")).sort_by_file_name();
    // What is asked for decides nothing.
    let is_request = |e: &walkdir::DirEntry| e.depth() == 1 && e.file_name() == "requests";
    let below = below.into_iter().filter_entry(|e| !is_request(e));
    files.extend(below.flatten().filter(|e| e.file_type().is_file()).map(|e| e.into_path()));
    files
}

fn sha256_of(files: &[PathBuf], below: &Path) -> String {
    let mut hash = Sha256::new();
    for file in files {
        if let Ok(bytes) = std::fs::read(file) {
            let name = file.strip_prefix(below).unwrap_or(file).to_string_lossy();
            hash.update(format!("{name}\0{}\0", bytes.len()));
            hash.update(bytes);
        }
    }
    hex(&hash.finalize())
}
