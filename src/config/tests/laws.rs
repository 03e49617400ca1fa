use proptest::prelude::*;
use proptest::sample::subsequence;

use super::{GOOD, files, render};
use crate::config::{Config, Located, SourceFile, parse};
use crate::model::Place;

/// Places follow the order of writing; nothing else may.
fn forget_places(config: &mut Config) {
    fn forget<T>(located: &mut Located<T>) {
        located.place = Place::file("");
    }
    let nowhere = Place::file("");
    config.deployment.iter_mut().for_each(forget);
    config.dialect.iter_mut().for_each(forget);
    config.approved_plans.iter_mut().for_each(forget);
    for environment in config.environments.values_mut() {
        environment.place = nowhere.clone();
        forget(&mut environment.role_name);
        environment.user_name.iter_mut().for_each(forget);
        environment.promote_from.iter_mut().for_each(forget);
        environment.approved_plans.iter_mut().for_each(forget);
    }
    let own = config.products.values_mut().flat_map(|product| {
        product.place = nowhere.clone();
        product.owners.iter_mut().for_each(forget);
        product.outputs.iter_mut().for_each(forget);
        product.product_roles.values_mut()
    });
    for role in config.product_roles.values_mut().chain(own) {
        role.place = nowhere.clone();
        role.may.iter_mut().for_each(forget);
        role.warehouses.iter_mut().for_each(forget);
        for within in role.environments.values_mut() {
            within.place = nowhere.clone();
            within.may.iter_mut().flatten().for_each(forget);
        }
    }
    for entry in config.members.values_mut().flat_map(|roles| roles.values_mut()).flatten() {
        entry.place = nowhere.clone();
        entry.until.iter_mut().for_each(forget);
        entry.environments.iter_mut().for_each(forget);
    }
}

/// Top-level entries, each of which can stand in any platform file.
const PARTS: [(&str, &str); 9] = [
    ("environments", "dev: {role_name: \"{{ env.name }}_{{ role.name }}\"}"),
    (
        "environments",
        "prod: {promote_from: dev, role_name: \"{{ role.name }}\", protected: true, valid_for: 2h, approved_plans: a}",
    ),
    ("environments", "test: {user_name: \"{{ user.name }}\", role_name: \"t\"}"),
    ("product_roles", "analyst: {may: [read], environments: {prod: {may: []}}}"),
    ("product_roles", "engineer: {warehouses: [W], may: [write, SELECT]}"),
    ("products", "sales: {title: Sales, owners: [jane]}"),
    ("products", "hr: {product_roles: {boss: {may: [own]}}}"),
    ("products", "wrong.name: {titel: x}"),
    ("products", "odd: {outputs: 5}"),
];

/// Writes parts into files, each file's keys in the order of the parts.
fn write(parts: &[(usize, (&str, &str))]) -> Vec<SourceFile> {
    use std::fmt::Write;
    let mut texts = [String::from("version: 1\n"), String::new(), String::new()];
    for (file, text) in texts.iter_mut().enumerate() {
        let mut keys: Vec<&str> = Vec::new();
        for (to, (key, _)) in parts {
            if *to == file && !keys.contains(key) {
                keys.push(key);
            }
        }
        for key in keys {
            writeln!(text, "{key}:").unwrap();
            for (to, (of, entry)) in parts {
                if *to == file && *of == key {
                    writeln!(text, "  {entry}").unwrap();
                }
            }
        }
    }
    let members =
        "analyst: [{user: a, until: 2027-01-31}]\nengineer: [{group: g, environments: [dev]}]";
    files(&[
        ("rolecall.yml", texts[0].as_str()),
        ("rolecall/platform/a.yml", texts[1].as_str()),
        ("rolecall/platform/b.yml", texts[2].as_str()),
        ("rolecall/members/sales.yml", members),
    ])
}

fn outcome(files: &[SourceFile]) -> (Option<Config>, Vec<(String, String)>) {
    let (mut config, diagnostics) = parse(files);
    config.iter_mut().for_each(forget_places);
    let mut found: Vec<_> = diagnostics
        .into_iter()
        .filter(|d| d.code != "empty-file")
        .map(|d| (d.code.to_owned(), d.message))
        .collect();
    found.sort();
    (config, found)
}

proptest! {
    #[test]
    fn the_order_of_files_and_keys_changes_nothing(
        parts in subsequence(PARTS.to_vec(), 1..=PARTS.len()),
        seed in prop::collection::vec((0usize..3, any::<u32>()), PARTS.len()),
        turn in 0usize..4,
    ) {
        let plain: Vec<_> = parts.iter().map(|part| (0, *part)).collect();
        let mut shuffled: Vec<_> =
            parts.iter().zip(&seed).map(|(part, (file, rank))| (*rank, (*file, *part))).collect();
        shuffled.sort_unstable();
        let shuffled: Vec<_> = shuffled.into_iter().map(|(_, part)| part).collect();
        let mut turned = write(&shuffled);
        turned.rotate_left(turn);
        prop_assert_eq!(outcome(&write(&plain)), outcome(&turned));
    }

    #[test]
    fn the_order_of_files_changes_not_even_a_place(turn in 0usize..4) {
        let parts: Vec<_> = PARTS.iter().enumerate().map(|(n, part)| (n % 3, *part)).collect();
        let straight = write(&parts);
        let mut turned = straight.clone();
        turned.rotate_left(turn);
        turned.swap(0, 1);
        prop_assert_eq!(parse(&straight).0, parse(&turned).0);
        prop_assert_eq!(render(parse(&straight).1), render(parse(&turned).1));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "\\PC{0,200}|[ \\t\\r\\na-c:{}\\[\\],&*!|>'\"%@`#?~<0-9.-]{0,200}") {
        let all = files(&[
            ("rolecall.yml", text.as_str()),
            ("rolecall/platform/a.yml", text.as_str()),
            ("rolecall/members/sales_analytics.yml", text.as_str()),
        ]);
        let (config, diagnostics) = parse(&all);
        prop_assert!(config.is_some() || diagnostics.has_errors());
        render(diagnostics);
        render(parse(&files(&[("rolecall.yml", GOOD), ("rolecall/members/sales_analytics.yml", &text)])).1);
    }

    #[test]
    fn a_good_file_with_a_hole_or_a_blot_is_read_or_refused(
        cut in 0usize..700, length in 0usize..40, blot in "[\\t\\n :{}\\[\\]\"'&*a~-]{0,4}",
    ) {
        let mut text: Vec<char> = GOOD.chars().collect();
        let from = cut.min(text.len());
        let to = (from + length).min(text.len());
        text.splice(from..to, blot.chars());
        let text: String = text.into_iter().collect();
        let (config, diagnostics) = parse(&files(&[("rolecall.yml", &text)]));
        prop_assert!(config.is_some() || diagnostics.has_errors());
        render(diagnostics);
    }
}
