//! Members by rule: who of the directory matches, and what they are called here.

use std::collections::{BTreeSet, HashMap};

use super::Inputs;
use super::members::{Unnamed, member_name};
use crate::directory::{Known, Problem, Rule};
use crate::model::{Diagnostic, Diagnostics, Ident, MemberKind, Place};

/// What was asked so far: each person's name is made once.
#[derive(Default)]
pub(super) struct Asked {
    /// Of each person who matched something.
    names: HashMap<usize, Option<Ident>>,
    /// People who can have no login: how many, the first of them with the reason, and a rule that
    /// they match.
    unfit: Option<(usize, String, Place)>,
    template: Option<Diagnostic>,
}

/// Two people under one login would each have what the other is admitted to, whichever of them matches:
/// so nobody is asked about before all have a login of their own.
pub(super) fn one_login_each(inputs: &Inputs, found: &mut Diagnostics) {
    let Known::People(directory) = inputs.known else { return };
    let mut logins: HashMap<Ident, usize> = HashMap::with_capacity(directory.len());
    let mut shared: BTreeSet<Ident> = BTreeSet::new();
    for person in 0..directory.len() {
        // Whoever can have no login shares none.
        let name = member_name(inputs, directory.name(person), MemberKind::User);
        if let Ok(login) = name
            && logins.insert(login.clone(), person).is_some()
        {
            shared.insert(login);
        }
    }
    let Some(first) = shared.first() else { return };
    let more = match shared.len() - 1 {
        0 => String::new(),
        more => format!(", and so with {more} more"),
    };
    let what = format!("two people of the directory would both be the user {first}{more}");
    let mut error = Diagnostic::error("two-people-one-user", what)
        .with_help("give each a name of their own, or mend the environment's user_name");
    let directory = inputs.config.directory.as_ref();
    let place = directory.map_or(&inputs.environment.place, |directory| &directory.key.place);
    error.place = Some(place.clone());
    found.push(error);
}

/// The people whom a rule lets in.
pub(super) fn people(
    inputs: &Inputs,
    rule: &Rule,
    place: &Place,
    asked: &mut Asked,
    found: &mut Diagnostics,
) -> Vec<Ident> {
    let directory = match inputs.known {
        Known::People(directory) => directory,
        // Nobody was asked, and whoever does not ask changes nothing.
        Known::Unasked => return Vec::new(),
        Known::Nothing => {
            let what = "there is a rule, and no directory of people to ask";
            found.push(
                Diagnostic::error("no-directory", what).with_place(place.clone()).with_help(
                    "write directory: {path: people.csv, key: name} in rolecall.yml, or give --directory",
                ),
            );
            return Vec::new();
        }
    };
    if let Err(problems) = directory.check(rule) {
        found.extend(problems.into_iter().map(|problem| told(problem, place)));
        return Vec::new();
    }
    let matching = directory.matching(rule);
    let mut members = Vec::with_capacity(matching.len());
    for person in matching {
        if !asked.names.contains_key(&person) {
            let name = asked.name(inputs, directory.name(person), place);
            asked.names.insert(person, name);
        }
        members.extend(asked.names.get(&person).cloned().flatten());
    }
    members
}

impl Asked {
    fn name(&mut self, inputs: &Inputs, name: &str, place: &Place) -> Option<Ident> {
        match member_name(inputs, name, MemberKind::User) {
            Ok(login) => Some(login),
            Err(Unnamed::Template(problem)) => {
                self.template.get_or_insert(*problem);
                None
            }
            Err(Unnamed::Unfit { rendered, why }) => {
                let first = || (0, format!("{rendered:?}: {why}"), place.clone());
                self.unfit.get_or_insert_with(first).0 += 1;
                None
            }
        }
    }
}

/// What was found on the way, each once.
pub(super) fn say(_inputs: &Inputs, asked: Asked, found: &mut Diagnostics) {
    let Asked { names: _, unfit, template } = asked;
    found.extend(template);
    if let Some((count, first, place)) = unfit {
        let people = if count == 1 { "1 person".to_owned() } else { format!("{count} people") };
        let what = format!("{people} whom rules match cannot be members, such as {first}");
        found.push(
            Diagnostic::error("bad-member", what).with_place(place).with_help(
                "mend the key of the directory, the environment's user_name, or the rule",
            ),
        );
    }
}

fn told(problem: Problem, place: &Place) -> Diagnostic {
    match problem {
        Problem::UnknownAttribute { attribute, near } => {
            let near = near.map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
            Diagnostic::error(
                "unknown-attribute",
                format!("the rule names the attribute {attribute:?}, which nobody has"),
            )
            .with_help(format!("{near}an attribute is a column of the directory; nobody would match"))
        }
        Problem::OtherType { attribute, wanted, found } => Diagnostic::error(
            "attribute-of-another-type",
            format!(
                "the rule asks about the attribute {attribute:?} as {wanted}, and it is {found}"
            ),
        )
        .with_help("in CSV all attributes are texts: write '3', not 3; a value in a list is asked as 'x' in user.list"),
    }
    .with_place(place.clone())
}
