//! Who is known, as far as files say it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;

use super::{Places, Project};
use crate::config::{Config, DirectorySource, Member, MemberEntry, PeopleFrom};
use crate::directory::{Directory, Known, read_file};
use crate::model::{Diagnostics, Ident, Inventory, MemberKind, Place};
use crate::resolve;

/// A rule, and how many people it matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CountedRule {
    /// The product.
    pub product: String,
    /// The product role.
    pub role: String,
    /// Where the entry stands.
    pub file: String,
    /// Its line.
    pub line: Option<u32>,
    /// How many match.
    pub matches: usize,
    /// Of how many.
    pub of: usize,
}

/// The key of a directory that only the command line names.
const KEY: &str = "name";

/// Reads the directory, where a rule needs one. What is wrong with it is told.
pub fn known(places: &Places, config: &Config, found: &mut Diagnostics) -> Known {
    let declared = config.directory.as_ref();
    let Some((path, shown)) = file(places, declared) else {
        return declared.map_or(Known::Nothing, |_| Known::Unasked);
    };
    let nobody_asks = rules(config).next().is_none()
        && !policies_need_people(config)
        && config.checks.tests.is_empty();
    if nobody_asks {
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

/// Whether a policy that is active asks who people are.
pub fn policies_need_people(config: &Config) -> bool {
    config.policies.values().any(|policy| policy.active && policy.needs_people())
        || config.platform_policies.values().any(|p| p.active && !p.rules.is_empty())
}

/// The entries that are rules.
pub fn rules(config: &Config) -> impl Iterator<Item = &MemberEntry> {
    config.entries().filter(|entry| matches!(entry.member, Member::Rule(_)))
}

/// How many people each rule matches.
pub fn count(config: &Config, directory: &Directory) -> Vec<CountedRule> {
    let mut counted = Vec::new();
    for (product, roles) in &config.members {
        for (role, entries) in roles {
            for entry in entries {
                let Member::Rule(rule) = &entry.member else { continue };
                counted.push(CountedRule {
                    product: product.clone(),
                    role: role.clone(),
                    file: entry.place.file.to_string_lossy().replace('\\', "/"),
                    line: entry.place.line,
                    matches: directory.matching(rule).len(),
                    of: directory.len(),
                });
            }
        }
    }
    counted
}

impl Project {
    /// What one name becomes by the environment's template and the dialect; `None` where it cannot
    /// be a member's.
    pub fn member_name(&self, name: &str, is_user: bool) -> Option<Ident> {
        let kind = if is_user { MemberKind::User } else { MemberKind::Group };
        let unseen = Inventory::default();
        resolve::member_name(&self.inputs(None, &unseen, false, None)?, name, kind)
    }

    /// Who owns dbt's groups, where a policy asks for owners: else nobody has looked.
    pub fn group_owners(&self) -> BTreeMap<String, BTreeSet<String>> {
        self.manifest.beyond.owners.of_groups()
    }

    /// The places of rules that only a warehouse can be asked about.
    pub fn unasked_rules(&self) -> Vec<Place> {
        match self.known {
            Known::Unasked => rules(&self.config).map(|rule| rule.place.clone()).collect(),
            Known::Nothing | Known::People(_) => Vec::new(),
        }
    }

    /// How many people each rule matches, where people are known.
    pub fn counted_rules(&self) -> Vec<CountedRule> {
        match &self.known {
            Known::People(directory) => count(&self.config, directory),
            Known::Nothing | Known::Unasked => Vec::new(),
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
