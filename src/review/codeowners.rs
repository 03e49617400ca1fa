//! The lines of CODEOWNERS that set the owners' files and the platform's apart.

use std::path::{Component, Path, PathBuf};

use crate::config::{Config, PeopleFrom, Product};
use crate::model::Diagnostic;

/// The lines, and what could not be said in them. `below` is the project's folder within the
/// repository, with a slash at its end; `platform` are the owners of the platform's files.
pub fn lines(config: &Config, below: &str, platform: &[String]) -> (String, Vec<Diagnostic>) {
    let mut found = Vec::new();
    let mut out =
        String::from("# By `rolecall codeowners`. The last line that matches a file decides.\n");
    let below = escaped(below);
    let platform: Vec<&str> = platform.iter().map(String::as_str).collect();
    let mut whole = vec![
        format!("/{below}rolecall.yml"),
        format!("/{below}rolecall.yaml"),
        format!("/{below}rolecall/"),
    ];
    let directory = config.directory.as_ref().map(|directory| &directory.from);
    if let Some(PeopleFrom::File(path)) = directory {
        whole.push(format!("/{below}{}", escaped(path.value.trim_start_matches("./"))));
    }
    let lists = config.environments.values().filter_map(|one| one.approved_plans.as_ref());
    for list in lists.chain(&config.approved_plans) {
        let line = format!("/{below}{}", escaped(list.value.trim_start_matches("./")));
        if !whole.contains(&line) {
            whole.push(line);
        }
    }
    let playbooks = &config.playbooks;
    let outside = playbooks.paths.iter().map(|path| PathBuf::from(&path.value));
    for path in outside.chain(playbooks.files.iter().cloned()) {
        // What is elsewhere is in no file of owners of this repository.
        let plain = |part: Component| matches!(part, Component::Normal(_) | Component::CurDir);
        let inside = playbooks
            .paths
            .iter()
            .any(|one| path != Path::new(&one.value) && path.starts_with(&one.value));
        if inside || !path.components().all(plain) {
            continue;
        }
        let path = path.to_string_lossy().replace('\\', "/");
        let line = format!("/{below}{}", escaped(path.trim_start_matches("./")));
        if !whole.contains(&line) {
            whole.push(line);
        }
    }
    for pattern in whole {
        match platform.as_slice() {
            [] => out.push_str(&format!("# {pattern}  (--platform says whose it is)\n")),
            owners => out.push_str(&format!("{pattern} {}\n", owners.join(" "))),
        }
    }
    // Anybody may ask, and no request gives anything: without owners, no review is waited for.
    out.push_str(&format!("/{below}rolecall/requests/\n"));
    for product in config.products.values() {
        // Whatever its ending, and whether it is there yet or not.
        let pattern = format!("/{below}rolecall/members/{}.*", product.name);
        let (known, unknown): (Vec<_>, Vec<_>) =
            product.owners.iter().partition(|owner| is_owner(&owner.value));
        for owner in unknown {
            found.push(
                Diagnostic::warning(
                    "no-code-owner",
                    format!("{:?} cannot stand in CODEOWNERS", owner.value),
                )
                .with_place(owner.place.clone())
                .with_help("write an e-mail address, @name or @organisation/team"),
            );
        }
        if known.is_empty() {
            // A line without owners would take the file from everybody.
            out.push_str(&format!("# {pattern}  (no owner that can stand here)\n"));
            found.push(
                Diagnostic::warning(
                    "no-code-owner",
                    format!("{} has no owner for its members file", product.name),
                )
                .with_place(product.place.clone())
                .with_help("name one under `owners`: until then the platform's owners decide"),
            );
        } else {
            let owners: Vec<&str> = known.iter().map(|owner| owner.value.as_str()).collect();
            out.push_str(&format!("{pattern} {}\n", owners.join(" ")));
        }
    }
    (out, found)
}

/// The line of one product's members file; `None` where no owner of it can stand there.
pub fn members_line(product: &Product, below: &str) -> Option<String> {
    let known = product.owners.iter().map(|owner| owner.value.as_str());
    let known: Vec<&str> = known.filter(|owner| is_owner(owner)).collect();
    let pattern = format!("/{}rolecall/members/{}.*", escaped(below), product.name);
    (!known.is_empty()).then(|| format!("{pattern} {}", known.join(" ")))
}

/// Whether CODEOWNERS can name somebody so: an address, `@name` or `@organisation/team`.
pub fn is_owner(name: &str) -> bool {
    let plain = |text: &str| {
        !text.is_empty() && text.chars().all(|c| !c.is_whitespace() && c != '#' && !c.is_control())
    };
    if !plain(name) {
        return false;
    }
    match name.split_once('@') {
        Some(("", name)) => {
            let parts: Vec<&str> = name.split('/').collect();
            !name.contains('@') && parts.iter().all(|part| plain(part))
        }
        Some((local, domain)) => plain(local) && plain(domain) && !domain.contains('@'),
        None => false,
    }
}

/// A path as a pattern that means only itself.
fn escaped(path: &str) -> String {
    let special = |c: char| matches!(c, ' ' | '*' | '?' | '[' | ']' | '\\' | '#' | '!');
    let mut out = String::new();
    for c in path.chars() {
        if special(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
