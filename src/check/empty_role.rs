//! A product role that gives something, and nobody is in it.

use std::collections::BTreeMap;

use super::{Check, Example, Finding, World};
use crate::config::Member;
use crate::config::checks::Level;
use crate::directory::Known;
use crate::model::Ident;

pub(super) const CHECK: Check = Check {
    code: "empty-role",
    title: "A role that nobody is in",
    level: Level::Warning,
    description: "\
A product role that gives access to something, and nobody is in it: nobody needs what it gives, or \
whoever needs it does not have it. Access that nobody uses is the first to be given to somebody who \
should not have it. Roles that give nothing are not told, nor are those whose members are people \
matching a rule, where nobody could be asked who matches.",
    help: "let somebody in by its members' file, or take what it gives out of the declarations",
    bad: Example {
        files: &[(
            "rolecall/members/sales.yml",
            "\
analyst: []
",
        )],
        by_hand: "",
        says: "nobody is in sales.analyst (sales_analyst), which gives access to 1 relation",
    },
    good: Example { files: &[], by_hand: "", says: "" },
    run,
};

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let desired = &world.look.resolved.desired;
    let mut relations: BTreeMap<&Ident, usize> = BTreeMap::new();
    for (on, role) in desired.grants.keys() {
        if on.class().is_relation() {
            *relations.entry(role).or_default() += 1;
        }
    }
    let mut found = Vec::new();
    for (role, declared) in &desired.roles {
        let marker = &declared.marker;
        let Some(gives) = relations.get(role).filter(|_| marker.policy.is_none()) else { continue };
        let entries = world.project.config.members.get(&marker.product);
        let mut entries = entries.and_then(|roles| roles.get(&marker.role)).into_iter().flatten();
        let unasked = matches!(world.look.known, Known::Unasked)
            && entries.any(|entry| matches!(entry.member, Member::Rule(_)));
        if !world.effect.is_empty(role) || unasked {
            continue;
        }
        let message = format!(
            "nobody is in {}, which gives access to {}",
            world.called(role),
            crate::report::count(*gives, "relation")
        );
        let product = world.project.config.products.get(&marker.product);
        let place = product.map(|product| product.place.clone());
        found.push(Finding::new(CHECK.code, message, world.about(role)).at(place));
    }
    found
}
