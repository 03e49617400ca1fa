//! Entries that would let nobody in are not added.

use super::Global;
use crate::directory::{Known, Rule};
use crate::edit::{Edited, Entry, EntryKind};
use crate::model::{Diagnostic, Diagnostics};
use crate::{config, config::SourceFile, project, resolve};

/// An entry that has ended, or whose rule nobody can match, lets nobody in.
pub(super) fn refuse(
    global: &Global,
    files: &[SourceFile],
    edited: &Edited,
    entry: &Entry,
    now: i64,
) -> Result<(), Diagnostics> {
    let mut found = Diagnostics::default();
    if let Some(until) = &entry.until
        && config::moment(until).is_ok_and(|end| end <= now)
    {
        let what = format!("it would end before it begins: until {}", until.escape_debug());
        found.push(Diagnostic::error("until-passed", what).with_help("give a later day"));
    }
    if entry.kind == EntryKind::Rule {
        let mut files: Vec<SourceFile> = files.to_vec();
        files.retain(|file| file.path != edited.path);
        let stem = edited.path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let kind = config::FileKind::Members { product: stem };
        let (path, text) = (edited.path.clone(), edited.text.clone());
        files.push(SourceFile { path, text, kind });
        let config = config::parse(&files).0.unwrap_or_default();
        let known = project::known(&global.places(), &config, &mut found);
        if let (Known::People(directory), Ok(rule)) = (known, Rule::parse(&entry.who)) {
            found.extend(resolve::unfit_rule(&directory, &rule, &edited.place));
        }
    }
    if found.has_errors() { Err(found) } else { Ok(()) }
}
