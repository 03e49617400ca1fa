//! Paths against dbt's globs.

use super::fnmatch::fnmatch;

/// The folders above a file, the project's own (the empty text) last.
pub(super) fn parents(file: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(file), |path| match path.rfind('/') {
        Some(slash) => Some(&path[..slash]),
        None => (!path.is_empty()).then_some(""),
    })
    .skip(1)
}

/// A path against a pattern's parts, of which `**` stands for any folders.
pub(super) fn path_matches(path: &str, pattern: &[String], is_folder: bool) -> bool {
    fn parts_match(parts: &[&str], pattern: &[String], is_folder: bool) -> bool {
        match pattern.split_first() {
            None => parts.is_empty(),
            // As the last part it names folders only.
            Some((first, [])) if first == "**" => is_folder,
            Some((first, rest)) if first == "**" => {
                (0..=parts.len()).any(|skip| parts_match(&parts[skip..], rest, is_folder))
            }
            Some((first, rest)) => parts.split_first().is_some_and(|(part, parts)| {
                fnmatch(part, first) && parts_match(parts, rest, is_folder)
            }),
        }
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    parts_match(&parts, pattern, is_folder)
}
