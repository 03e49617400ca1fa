//! `rolecall compile --format dbt`, and what `validate` says of the file that it wrote.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Exit, Global, output, plan};
use crate::config::Environment;
use crate::model::{Diagnostic, Diagnostics, Inventory, Place, Severity};
use crate::project::{self, Project};
use crate::report::dbt_access::{DbtAccess, MACRO};

/// Every environment into one file, or nothing where anything is wrong with one of them.
pub(super) fn run(global: &Global, out: Option<&Path>) -> anyhow::Result<Exit> {
    let now = plan::as_of(global)?;
    let mut places = global.places();
    let mut found = Diagnostics::default();
    let mut access = DbtAccess::default();
    let mut targets = Vec::new();
    let (config, problems) = crate::config::load(&places.project_dir);
    found.extend(problems);
    for environment in config.into_iter().flat_map(|config| config.environments.into_values()) {
        // What nobody says here is not compiled.
        let unknown = project::unknown_part(&places, &environment);
        match unknown {
            None => targets.push(environment.name),
            Some(part) => found.push(not_compiled(&environment, part)),
        }
    }
    for target in targets {
        places.target = Some(target);
        let (checked, problems) = Project::check(&places, now);
        found.extend(problems);
        if let Some((project, resolved)) = checked {
            access.add(&project, &resolved);
        }
    }
    let wrong = found.has_errors();
    output::findings(found);
    if wrong {
        return Ok(Exit::Failed);
    }
    let text = access.text()?;
    let file = match out {
        Some(out) if out == Path::new("-") => {
            output::data(&text)?;
            return Ok(Exit::Done);
        }
        Some(out) => out.to_owned(),
        None => file(&global.project_dir),
    };
    if std::fs::read(&file).is_ok_and(|there| there == text.as_bytes()) {
        output::message(&format!("{} is as declared", file.display()));
        return Ok(Exit::Done);
    }
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
    }
    plan::write_whole(&file, &text).with_context(|| format!("cannot write {}", file.display()))?;
    output::message(&format!("wrote {}", file.display()));
    Ok(Exit::Done)
}

fn not_compiled(environment: &Environment, part: &str) -> Diagnostic {
    Diagnostic::warning(
        "not-compiled",
        format!(
            "{} is left out: its role_name uses target.{part}, which is not known here",
            environment.name
        ),
    )
    .with_place(environment.role_name.place.clone())
    .with_help(format!(
        "give --target-{part} or --profiles-dir to compile it for that value; the hooks grant nothing under another"
    ))
}

/// Where the hooks' file is: in the first of the project's `macro-paths`.
pub(super) fn file(project_dir: &Path) -> PathBuf {
    let folder = project::macro_folder(project_dir);
    let file = folder.join(format!("{MACRO}.sql"));
    match project_dir {
        here if here == Path::new(".") => file,
        elsewhere => elsewhere.join(file),
    }
}

/// A warning where the hooks would grant something else in this environment than what is declared:
/// dbt's next run would give back what an apply takes now.
pub(super) fn old(project: &Project, project_dir: &Path) -> anyhow::Result<Option<Diagnostic>> {
    let Some(mut compiled) = Compiled::read(project_dir) else { return Ok(None) };
    let (resolved, _) = project.resolve(None, &Inventory::default(), true, None);
    let Some(resolved) = resolved else { return Ok(None) };
    compiled.add(project, &resolved);
    let old = compiled.now.differs_in(&compiled.text)?;
    Ok((!old.is_empty())
        .then(|| Diagnostic { severity: Severity::Warning, ..compiled.is_old(&old) }))
}

/// The compiled file beside the declarations that were just read.
pub(super) struct Compiled {
    file: PathBuf,
    text: String,
    now: DbtAccess,
}

impl Compiled {
    /// The project's, where it has one.
    pub(super) fn read(project_dir: &Path) -> Option<Self> {
        let file = file(project_dir);
        let text = std::fs::read_to_string(&file).ok()?;
        Some(Self { file, text, now: DbtAccess::default() })
    }

    /// An environment as it would be compiled now.
    pub(super) fn add(&mut self, project: &Project, resolved: &crate::resolve::Resolved) {
        self.now.add(project, resolved);
    }

    /// An error where a hook would grant something else than what is declared. `declared` are all
    /// environments of the configuration, those without a manifest at hand too.
    pub(super) fn say(
        self,
        declared: &BTreeMap<String, Environment>,
        found: &mut Diagnostics,
    ) -> anyhow::Result<()> {
        let mut old: BTreeSet<String> = self.now.differs_in(&self.text)?.into_iter().collect();
        let same = |name: &str, target: &str| {
            declared.get(name).is_some_and(|environment| environment.target_name() == target)
        };
        let there = DbtAccess::environments_of(&self.text).into_iter();
        old.extend(there.filter(|(name, target)| !same(name, target)).map(|(name, _)| name));
        if !old.is_empty() {
            let names: Vec<_> = old.into_iter().collect();
            found.push(self.is_old(&names));
        }
        Ok(())
    }

    fn is_old(&self, environments: &[String]) -> Diagnostic {
        let message = format!(
            "the dbt hooks would not grant what is declared in {}: the compiled file is older than \
             the declarations",
            environments.join(", ")
        );
        Diagnostic::error("compiled-access-old", message)
            .with_place(Place::file(&self.file))
            .with_help("run `rolecall compile --format dbt`, and commit the file")
    }
}
