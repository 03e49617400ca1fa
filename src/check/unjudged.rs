//! Why a test cannot be judged: names that nobody bears, nothing to ask about.

use std::collections::BTreeSet;

use super::access::{Judge, Judged};
use super::look::UNSEEN;
use crate::model::diagnostic::nearest;
use crate::model::{Diagnostic, Ident};
use crate::resolve::{AskedActor, AskedPart};

impl<'a> Judge<'_, 'a> {
    fn error(
        &mut self,
        code: &'static str,
        what: String,
        help: String,
        actor: Option<&AskedActor>,
    ) {
        let place = actor.map_or(&self.test.place, |actor| &actor.place);
        let error = Diagnostic::error(code, what).with_help(help).with_place(place.clone());
        self.found.push(error);
    }

    /// Users and groups by a name that nobody bears.
    pub(super) fn unknown(&mut self, parts: &[AskedPart]) {
        let state = &self.world.look.state;
        let is_unknown = |actor: &&AskedActor| {
            let here = |name: &Ident| if actor.users { state.user(name) } else { name.clone() };
            actor.is_name && actor.names.iter().any(|name| !state.roles.contains_key(&here(name)))
        };
        let actors = parts.iter().flat_map(|part| part.actors.iter().flatten());
        let actors: BTreeSet<&AskedActor> = actors.filter(is_unknown).collect();
        let except: BTreeSet<&AskedActor> =
            parts.iter().flat_map(|part| &part.except).filter(is_unknown).collect();
        let told = |actor: &AskedActor| {
            let known: Vec<&str> = state
                .roles
                .keys()
                .map(Ident::as_str)
                .filter(|name| !name.starts_with("pg_"))
                .collect();
            let near = actor.names.iter().find_map(|name| nearest(name.as_str(), known.clone()));
            let near = near.map(|near| format!("did you mean {near}? ")).unwrap_or_default();
            let places = match state.declared {
                true => "no declaration names them: without --declared the warehouse is asked",
                false => "the warehouse has no such role",
            };
            (format!("{} is not known", actor.written), format!("{near}{places}"))
        };
        for actor in actors.into_iter().filter(|_| !self.test.may_match_nothing) {
            let (what, help) = told(actor);
            self.error("unknown-person", what, help, Some(actor));
        }
        for actor in except {
            let (what, help) = told(actor);
            let warning =
                Diagnostic::warning("unknown-person", format!("{what}: nobody is excepted"));
            self.found.push(warning.with_help(help).with_place(actor.place.clone()));
        }
    }

    /// Nobody was found who may, and not everybody was looked at.
    pub(super) fn unseen(&mut self) {
        let name = &self.test.name;
        let what = format!(
            "the test {name:?} holds as far as was seen, which proves nothing: not all that decides about \
             access was seen"
        );
        self.error("access-unseen", what, UNSEEN.to_owned(), None);
    }

    pub(super) fn no_such_privilege(&mut self) {
        let dialect = self.world.project.dialect();
        let may = &self.test.may;
        let error = Diagnostic::error(
            "no-such-privilege",
            format!("{:?} is no privilege of any relation on {}", may.value, dialect.kind()),
        );
        let help = "one of read, write, admin, own, or a raw privilege of tables and views";
        self.found.push(error.with_help(help).with_place(may.place.clone()));
    }

    pub(super) fn matches_nothing(
        &mut self,
        judged: &Judged<'a>,
        missing: usize,
        elsewhere: usize,
    ) {
        let name = &self.test.name;
        let help = "mend it, or say `may_match_nothing: true`: a test of nothing proves nothing";
        let what = match (judged.nodes, judged.actors) {
            (0, _) if elsewhere > 0 => {
                format!("none of the nodes that the test {name:?} is about is in this database")
            }
            (0, _) if missing > 0 => {
                format!("none of the nodes that the test {name:?} is about is in the warehouse")
            }
            (0, _) => format!("the test {name:?} is about no node"),
            (_, 0) => format!("the test {name:?} is about nobody"),
            _ => return,
        };
        self.error("test-matches-nothing", what, help.to_owned(), None);
    }
}
