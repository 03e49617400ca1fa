//! A member whose last entry ends soon.

use super::{Check, Example, Finding, Subject, World};
use crate::config::Member;
use crate::config::checks::Level;

pub(super) const CHECK: Check = Check {
    code: "ends-soon",
    title: "A member about to expire",
    level: Level::Warning,
    description: "\
The last entry that lets somebody into a product role ends within `warn_before` (two weeks, where \
nobody says). Then the next apply takes them out: whoever still needs it should be asked while there is \
time. `plan` and `validate` warn of it, too.",
    help: "write a later day if that is too early; then it is taken out by the next apply",
    bad: Example {
        files: &[
            (
                "rolecall/members/sales.yml",
                "\
analyst:
  - {user: ada, until: 2099-01-31}
",
            ),
            ("--as-of", "2099-01-20"),
        ],
        by_hand: "",
        says: "ada is a member until 2099-01-31",
    },
    good: Example {
        files: &[
            (
                "rolecall/members/sales.yml",
                "\
analyst:
  - {user: ada, until: 2099-06-30}
",
            ),
            ("--as-of", "2099-01-20"),
        ],
        by_hand: "",
        says: "",
    },
    run,
};

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    // Resolving has found them.
    let ending = world.look.found.iter().filter(|it| it.code == CHECK.code);
    let members = &world.project.config.members;
    let about = |place: &Option<crate::model::Place>| {
        for (product, roles) in members {
            for (role, entries) in roles {
                let Some(entry) = entries.iter().find(|it| Some(&it.place) == place.as_ref())
                else {
                    continue;
                };
                let user = match &entry.member {
                    Member::Named { name, .. } => Some(name.clone()),
                    Member::Rule(_) => None,
                };
                let role = vec![format!("{product}.{role}")];
                let product = Some(product.clone());
                return Subject { product, role, user, ..Subject::default() };
            }
        }
        Subject::default()
    };
    let finding = |it: &crate::model::Diagnostic| {
        let subject = about(&it.place);
        Finding::new(CHECK.code, it.message.clone(), subject).at(it.place.clone())
    };
    ending.map(finding).collect()
}
