//! Who is known, as far as files say it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Places;
use crate::config::{Config, DirectorySource, Member, PeopleFrom};
use crate::directory::{Known, read_file};
use crate::model::Diagnostics;

/// The key of a directory that only the command line names.
const KEY: &str = "name";

/// Reads the directory, where a rule needs one. What is wrong with it is told.
pub fn known(places: &Places, config: &Config, found: &mut Diagnostics) -> Known {
    let mut entries = config.members.values().flat_map(|roles| roles.values()).flatten();
    let declared = config.directory.as_ref();
    let Some((path, shown)) = file(places, declared) else {
        return declared.map_or(Known::Nothing, |_| Known::Unasked);
    };
    if !entries.any(|entry| matches!(entry.member, Member::Rule(_))) {
        return Known::Nothing;
    }
    let key = declared.map_or(KEY, |declared| declared.key.value.as_str());
    match read_file(&path, &shown, key) {
        Ok(directory) => Known::People(Arc::new(directory)),
        Err(problems) => {
            found.extend(problems);
            // That is said: not also at every rule.
            Known::Unasked
        }
    }
}

/// Where the file is, and what it is called; `None` where it is no file.
fn file(places: &Places, declared: Option<&DirectorySource>) -> Option<(PathBuf, PathBuf)> {
    if let Some(path) = &places.directory {
        return Some((path.clone(), path.clone()));
    }
    match &declared?.from {
        PeopleFrom::File(path) => {
            Some((places.project_dir.join(&path.value), Path::new(&path.value).to_owned()))
        }
        PeopleFrom::Query(_) => None,
    }
}
