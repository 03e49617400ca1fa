//! Grants on objects: each that is there, those to come, or one by its name.

use super::matching::{routine, signature};
use super::said;
use super::words::{Words, words};
use super::{Giving, One};
use crate::config::Located;
use crate::config::playbook::{Part, Shape};
use crate::model::{
    DesiredState, Diagnostic, Diagnostics, DialectKind, Ident, ObjectClass, Privilege,
    PrivilegeSet, Reason, Securable, Severity, StageKind,
};

impl Giving<'_, '_> {
    pub(super) fn on_objects(
        &mut self,
        one: &One,
        class: ObjectClass,
        shape: &Shape,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        // Switched off there, as one that the dialect does not know has to be.
        if !one.enable && self.inputs.dialect.privileges_of(class).is_empty() {
            return;
        }
        let Some(words) = words(&self.texts, one, class, &mut self.said, found) else { return };
        match shape {
            Shape::Account => self.give(one, &[Securable::account()], &words, desired, found),
            Shape::Global(name) => {
                let Some(name) = self.fold(name, one, found) else { return };
                self.beyond.classes.insert(class);
                let on = Securable::global(class, name);
                if self.is_there(one, &on) {
                    self.give(one, &[on], &words, desired, found);
                }
            }
            Shape::Database(name) => self.on_database(one, name, &words, desired, found),
            Shape::Schema(database, schema) => {
                let Some(database) = self.database(one, database, found) else { return };
                self.on_schemas(one, (database, schema), &words, desired, found);
            }
            Shape::Object(database, schema, object) => {
                let Some(database) = self.database(one, database, found) else { return };
                let place = (database, schema, object);
                self.in_schemas(one, class, place, &words, desired, found);
            }
            Shape::Role(_) | Shape::DatabaseRole(..) | Shape::Unsupported => {}
        }
    }

    fn fold(&self, text: &str, one: &One, found: &mut Diagnostics) -> Option<Ident> {
        self.texts.fold(text, "the name", one.place(), found)
    }

    /// A schema that is named. That of the receipts is nobody's to give, and of the server's own no
    /// `*` stands for what is in it.
    fn schema(
        &self,
        text: &str,
        one: &One,
        all_in_it: bool,
        found: &mut Diagnostics,
    ) -> Option<Ident> {
        let name = self.fold(text, one, found)?;
        let place = one.grant.schema.as_ref().map_or(one.place(), |name| &name.place);
        if super::matching::is_system(self.inputs, &name) && one.enable {
            let postgres = self.inputs.dialect.kind() == DialectKind::Postgres;
            let problem = said::system_schema(&name, place, all_in_it, postgres);
            let is_wrong = problem.severity == Severity::Error;
            found.push(problem);
            return (!is_wrong).then_some(name);
        }
        if !super::matching::is_of_receipts(self.inputs, &name) {
            return Some(name);
        }
        found.push(
            Diagnostic::error("reserved-name", format!("{name} is the schema of the receipts"))
                .with_help("who may write there could rewrite what was applied: take the grant out")
                .with_place(place.clone()),
        );
        None
    }

    /// The database that something is in; `None` where nothing can be granted in it from here.
    fn database(&mut self, one: &One, name: &str, found: &mut Diagnostics) -> Option<Ident> {
        let database = self.fold(name, one, found)?;
        if !self.texts.reaches(&database) {
            self.said.elsewhere(&database, &one.grant.place);
            return None;
        }
        if self.inputs.inventory.of_shares.contains(&database) {
            self.said.of_a_share(&database, &one.grant.place);
            return None;
        }
        Some(database)
    }

    fn on_database(
        &mut self,
        one: &One,
        name: &str,
        words: &Words,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        let Some(name) = self.fold(name, one, found) else { return };
        if !self.texts.reaches(&name) {
            self.said.elsewhere(&name, &one.grant.place);
            return;
        }
        let on = Securable::database(name.clone());
        let shared = self.inputs.inventory.of_shares.contains(&name);
        if words.imported || shared {
            if !words.imported {
                self.said.of_a_share(&name, &one.grant.place);
            }
            // Shown as USAGE once they are granted.
            let left = PrivilegeSet::of(&[Privilege::IMPORTED, Privilege::USAGE]);
            let known = desired.known.entry((on.clone(), one.role.clone())).or_default();
            *known = known.union(left);
            if shared {
                return;
            }
        }
        self.beyond.classes.insert(ObjectClass::Database);
        if self.is_there(one, &on) {
            self.give(one, &[on], words, desired, found);
        }
    }

    fn on_schemas(
        &mut self,
        one: &One,
        (database, schema): (Ident, &Part),
        words: &Words,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        self.beyond.classes.insert(ObjectClass::Schema);
        match schema {
            Part::Named(name) => {
                let Some(name) = self.schema(name, one, false, found) else { return };
                self.beyond.schemas.insert((database.clone(), name.clone()));
                let on = Securable::schema(database, name);
                if self.is_there(one, &on) {
                    self.give(one, &[on], words, desired, found);
                }
            }
            Part::All => {
                self.beyond.databases.insert(database.clone());
                let all = self.schemas(&database);
                self.wild(one, &all, words, desired, found);
                let place = (&database, None);
                self.ahead(one, ObjectClass::Schema, place, words, desired, found);
            }
        }
    }

    fn in_schemas(
        &mut self,
        one: &One,
        class: ObjectClass,
        (database, schema, object): (Ident, &Part, &Part),
        words: &Words,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        let schema = match schema {
            Part::All => {
                self.beyond.databases.insert(database.clone());
                None
            }
            Part::Named(name) => {
                let all = *object == Part::All;
                let Some(name) = self.schema(name, one, all, found) else { return };
                self.beyond.schemas.insert((database.clone(), name.clone()));
                Some(name)
            }
        };
        if !class.is_relation() {
            self.beyond.classes.extend(super::matching::family(self.inputs, class));
        }
        let Part::Named(written) = object else {
            if let Some(schema) = schema.as_ref().filter(|_| class.is_relation()) {
                self.beyond.whole.insert((database.clone(), schema.clone()));
            }
            let all = self.inside(class, &database, schema.as_ref(), None);
            self.wild(one, &all, words, desired, found);
            let place = (&database, schema.as_ref());
            self.ahead(one, class, place, words, desired, found);
            return;
        };
        let is_routine = matches!(class, ObjectClass::Function | ObjectClass::Procedure);
        let (name, types) = match routine(written) {
            _ if !is_routine => (written.as_str(), None),
            Ok(both) => both,
            Err(why) => {
                found.push(
                    Diagnostic::error("bad-routine", format!("{written:?}: {why}"))
                        .with_help("write the types of its arguments in parentheses after the name, such as \"f(number, varchar)\"")
                        .with_place(one.place().clone()),
                );
                return;
            }
        };
        let Some(name) = self.fold(name, one, found) else { return };
        match schema {
            None => {
                let mut all = self.inside(class, &database, None, Some(&name));
                if let Some(types) = types {
                    let wanted = signature(self.inputs.dialect.kind(), types);
                    all.retain(|on| self.signature_of(on) == wanted);
                }
                self.wild(one, &all, words, desired, found);
                if one.enable && one.future {
                    self.said.not_ahead("no future grant is for one name", &one.grant.place);
                }
            }
            Some(schema) if is_routine => {
                let on = self.the_routine(one, class, (&database, &schema, &name), types, found);
                if let Some(on) = on {
                    self.give(one, &[on], words, desired, found);
                }
            }
            Some(schema) => {
                let on = self.named(class, database, schema, name);
                if self.is_there(one, &on) {
                    self.fits(one, &on, words, found);
                    self.give(one, &[on], words, desired, found);
                }
            }
        }
    }

    /// One object by its name, as the warehouse calls its class where it is a relation.
    fn named(&self, class: ObjectClass, database: Ident, schema: Ident, name: Ident) -> Securable {
        let key = (database, schema, name);
        let seen = || match self.inputs.inventory.looked {
            true => self.inputs.inventory.class_of(&key),
            false => self.made_by_dbt.get(&key).copied(),
        };
        let class = if class.is_relation() { seen().unwrap_or(class) } else { class };
        let (database, schema, name) = key;
        Securable::in_schema(class, database, schema, name)
    }

    /// The warehouse may call it something else than the playbook.
    fn fits(&self, one: &One, on: &Securable, words: &Words, found: &mut Diagnostics) {
        let known = self.privileges_of(on);
        let over: Vec<String> = words
            .given
            .iter()
            .filter(|(_, because)| !is_all(because.permission.as_deref()))
            .map(|(privileges, _)| privileges.minus(known))
            .filter(|over| !over.is_empty())
            .map(|over| over.to_string())
            .collect();
        if !over.is_empty() {
            let kind = match self.inputs.inventory.stages.get(on) {
                Some(kind) => format!("an {} stage", kind.as_str()),
                None => format!("a {}", on.class()),
            };
            found.push(
                Diagnostic::error(
                    "no-such-privilege",
                    format!("{on} is {kind} in the warehouse, which has no {}", over.join(", ")),
                )
                .with_help(format!("it has {known}"))
                .with_place(one.grant.place.clone()),
            );
        }
    }

    fn signature_of(&self, on: &Securable) -> String {
        signature(self.inputs.dialect.kind(), on.signature().unwrap_or_default())
    }

    /// The one routine that is meant: by its types, or by its name where there is only one.
    fn the_routine(
        &mut self,
        one: &One,
        class: ObjectClass,
        (database, schema, name): (&Ident, &Ident, &Ident),
        types: Option<&str>,
        found: &mut Diagnostics,
    ) -> Option<Securable> {
        let wanted = types.map(|types| signature(self.inputs.dialect.kind(), types));
        let shown = match types {
            Some(types) => format!("{class} {database}.{schema}.{name}({types})"),
            None => format!("{class} {database}.{schema}.{name}"),
        };
        if !self.inputs.inventory.looked {
            let Some(types) = wanted else {
                self.said.not_expanded(&one.grant.place);
                return None;
            };
            let (database, schema, name) = (database.clone(), schema.clone(), name.clone());
            return Some(Securable::routine(class, database, schema, name, types));
        }
        let mut all = self.inside(class, database, Some(schema), Some(name));
        if let Some(wanted) = wanted {
            all.retain(|on| self.signature_of(on) == wanted);
        }
        match all.as_slice() {
            [on] => Some(on.clone()),
            [] => {
                self.said.missing(shown, &one.grant.place);
                None
            }
            several => {
                let types: Vec<String> = several
                    .iter()
                    .map(|on| format!("{name}({})", on.signature().unwrap_or_default()))
                    .collect();
                found.push(
                    Diagnostic::error(
                        "ambiguous-routine",
                        format!("there are several: {}", types.join("; ")),
                    )
                    .with_help("write the types of its arguments after the name")
                    .with_place(one.place().clone()),
                );
                None
            }
        }
    }

    /// Whether an object is there, where anybody has looked; what is not is said.
    fn is_there(&mut self, one: &One, on: &Securable) -> bool {
        let inventory = self.inputs.inventory;
        if !inventory.looked {
            return true;
        }
        if !on.class().is_relation() && !inventory.listed.contains(&on.class()) {
            return true;
        }
        let there = match on.class() {
            ObjectClass::Schema => {
                on.schema_key().is_some_and(|key| inventory.schemas.contains(&key))
                    || inventory.objects.contains_key(on)
            }
            class if class.is_relation() => inventory.relation(on).is_some(),
            _ => inventory.objects.contains_key(on),
        };
        if !there && one.enable {
            self.said.missing(format!("{} {on}", on.class()), one.place());
        }
        there
    }

    /// What a wildcard stands for and is there.
    fn wild(
        &mut self,
        one: &One,
        all: &[Securable],
        words: &Words,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        if one.says_nothing() {
            self.said.nothing(&one.grant.place);
        }
        if !self.inputs.inventory.looked && one.enable && one.all {
            self.said.not_expanded(&one.grant.place);
        }
        match one.all {
            true => self.give(one, all, words, desired, found),
            false => self.leave(one, all, words, desired),
        }
    }

    /// Grants, where the grant is switched on.
    fn give(
        &mut self,
        one: &One,
        all: &[Securable],
        words: &Words,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        if !one.enable {
            self.leave(one, all, words, desired);
            return;
        }
        if words.given.is_empty() && words.own.is_none() {
            return;
        }
        let mut gated = None;
        for on in all {
            if let Some(policies) = self.gated(on) {
                gated.get_or_insert((on, policies));
                continue;
            }
            let has = self.privileges_of(on);
            for (privileges, because) in &words.given {
                if is_all(because.permission.as_deref()) && self.is_of_no_kind(on) {
                    self.all_of_a_stage(on, because, one, found);
                    continue;
                }
                let mut here = privileges.intersection(has);
                if is_all(because.permission.as_deref()) && self.is_hybrid(on) {
                    here = here.minus(self.inputs.dialect.not_on_hybrid());
                }
                self.given += here.len();
                desired.grant(on.clone(), one.role.clone(), here, because);
            }
            if let Some(because) = &words.own {
                self.own(one, on, because, desired, found);
            }
        }
        if let Some((on, policies)) = gated {
            let place = &one.grant.place;
            found.push(said::round(&policies, on, one.role, place, self.policy(&policies), false));
        }
    }

    /// What an object has: of stages, internal ones something else than external ones.
    fn privileges_of(&self, on: &Securable) -> PrivilegeSet {
        let all = self.inputs.dialect.privileges_of(on.class());
        let usage = PrivilegeSet::of(&[Privilege::USAGE]);
        match self.inputs.inventory.stages.get(on) {
            None => all,
            Some(StageKind::External) => all.intersection(usage),
            Some(StageKind::Internal) => all.minus(usage),
        }
    }

    /// A stage of which it is not known which of the two it is.
    fn is_of_no_kind(&self, on: &Securable) -> bool {
        on.class() == ObjectClass::Stage && !self.inputs.inventory.stages.contains_key(on)
    }

    fn all_of_a_stage(&mut self, on: &Securable, why: &Reason, one: &One, found: &mut Diagnostics) {
        if !self.inputs.inventory.looked {
            self.said.not_expanded(&one.grant.place);
            return;
        }
        let at = |written: &&Located<String>| written.place.line == why.line;
        let written = one.grant.privileges.iter().find(at);
        found.push(
            Diagnostic::error(
                "all-of-a-stage",
                format!("the warehouse does not say whether {on} is an internal stage or an external one, and `all` is not the same on both"),
            )
            .with_help("write read and write for an internal stage, usage for an external one")
            .with_place(written.map_or(&one.grant.place, |written| &written.place).clone()),
        );
    }

    /// Neither granted nor taken. What goes round a policy is not left either.
    fn leave(&self, one: &One, all: &[Securable], words: &Words, desired: &mut DesiredState) {
        let mut left = words.privileges();
        if words.own.is_some() {
            left.insert(Privilege::OWNERSHIP);
        }
        for on in all.iter().filter(|on| self.gated(on).is_none()) {
            let known = desired.known.entry((on.clone(), one.role.clone())).or_default();
            *known = known.union(left);
        }
    }

    /// Whether a table is a hybrid one, as far as anybody has looked.
    fn is_hybrid(&self, on: &Securable) -> bool {
        let hybrid = &self.inputs.inventory.hybrid;
        on.class() == ObjectClass::Table
            && on.relation_key().is_some_and(|key| hybrid.contains(&key))
    }

    /// The policies that are required on a relation.
    fn gated(&self, on: &Securable) -> Option<String> {
        let named = on.class().shares_names_with_relations();
        let required = self.gates.on(&on.relation_key().filter(|_| named)?);
        let all: Vec<&str> = required.into_iter().collect();
        (!all.is_empty()).then(|| all.join(", "))
    }
}

fn is_all(word: Option<&str>) -> bool {
    word.is_some_and(|word| {
        let first = word.split_ascii_whitespace().next().unwrap_or_default();
        first.eq_ignore_ascii_case("all")
    })
}
