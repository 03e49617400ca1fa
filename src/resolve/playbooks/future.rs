//! What is yet to come: future grants, and PostgreSQL's default privileges.

use super::super::Inputs;
use super::super::owners::deploy_role;
use super::words::Words;
use super::{Giving, One, said};
use crate::model::{
    DesiredState, Diagnostic, Diagnostics, DialectKind, Future, Ident, ObjectClass, Privilege,
    PrivilegeSet, Securable,
};

/// Where something is yet to come, and of which class.
pub(super) type Container = (Ident, Option<Ident>, ObjectClass);

impl Giving<'_, '_> {
    /// Grants what a class will have in a database, or in one schema of it.
    pub(super) fn ahead(
        &mut self,
        one: &One,
        class: ObjectClass,
        (database, schema): (&Ident, Option<&Ident>),
        words: &Words,
        desired: &mut DesiredState,
        found: &mut Diagnostics,
    ) {
        let Some(class) = self.class_ahead(one, class) else { return };
        let postgres = self.inputs.dialect.kind() == DialectKind::Postgres;
        let acting = || self.inputs.inventory.acting_as.clone();
        let creator = deploy_role(self.inputs).or_else(acting).filter(|_| postgres);
        if postgres && creator.is_none() {
            if one.enable && one.future {
                let why = "default privileges are of whoever makes the objects, and without `deploy_role` that is whoever applies";
                self.said.not_ahead(why, &one.grant.place);
            }
            return;
        }
        let future = Future {
            creator,
            database: database.clone(),
            schema: schema.cloned(),
            class,
            role: one.role.clone(),
        };
        let own = PrivilegeSet::of(&[Privilege::OWNERSHIP]);
        if !one.enable || !one.future {
            let mut left = words.privileges();
            if words.own.is_some() {
                left = left.union(own);
            }
            // A future grant that somebody made there goes round a policy like ours.
            if !left.is_empty() && self.gated_ahead(&future).is_none() {
                let known = desired.known_futures.entry(future).or_default();
                *known = known.union(left);
            }
            return;
        }
        if words.given.is_empty() && words.own.is_none() {
            return;
        }
        if let Some((on, policies)) = self.gated_ahead(&future) {
            let place = &one.grant.place;
            found.push(said::round(&policies, &on, one.role, place, self.policy(&policies), true));
            return;
        }
        for (privileges, because) in &words.given {
            self.given += privileges.len();
            desired.grant_future(future.clone(), *privileges, because);
        }
        let Some(because) = &words.own else { return };
        if postgres {
            self.said
                .not_ahead("PostgreSQL gives what is made to whoever makes it", &one.grant.place);
            return;
        }
        if !self.inputs.dialect.has_future_owner(class) {
            let why = "the warehouse takes no owner ahead for this kind";
            self.said.not_ahead(why, &one.grant.place);
            return;
        }
        let container = (future.database.clone(), future.schema.clone(), class);
        match self.future_owners.get(&container) {
            Some((other, _)) if other != one.role => found.push(
                Diagnostic::error(
                    "two-owners",
                    format!(
                        "every {class} to come there would be owned by {other} and by {}",
                        one.role
                    ),
                )
                .with_help("an object has one owner: keep one of the two")
                .with_place(one.grant.place.clone()),
            ),
            _ => {
                self.future_owners.insert(container, (one.role.clone(), because.clone()));
                self.given += 1;
                desired.grant_future(future, own, because);
            }
        }
    }

    /// The class that future grants know it by.
    fn class_ahead(&mut self, one: &One, class: ObjectClass) -> Option<ObjectClass> {
        let wanted = one.enable && one.future;
        let postgres = self.inputs.dialect.kind() == DialectKind::Postgres;
        let class = match (postgres, class) {
            (true, ObjectClass::Procedure) => {
                if wanted {
                    self.said.not_ahead(
                        "default privileges do not tell procedures from functions",
                        &one.grant.place,
                    );
                }
                return None;
            }
            (true, class) if class.is_relation() && class != ObjectClass::Table => {
                if wanted {
                    self.said.not_ahead(
                        "default privileges do not tell one kind of relation from another",
                        &one.grant.place,
                    );
                }
                return None;
            }
            (_, class) => class,
        };
        if !self.inputs.dialect.has_futures(class) {
            if wanted {
                self.said
                    .not_ahead("the warehouse has no such grants for this kind", &one.grant.place);
            }
            return None;
        }
        Some(class)
    }

    /// A relation that a policy is required on, and that would get what is to come when it is made
    /// again.
    fn gated_ahead(&self, future: &Future) -> Option<(Securable, String)> {
        if !future.class.is_relation() {
            return None;
        }
        let gated = self.gates.relations().find(|(database, schema, _)| {
            *database == future.database && future.schema.as_ref().is_none_or(|one| one == schema)
        })?;
        let policies: Vec<&str> = self.gates.on(gated).into_iter().collect();
        let (database, schema, name) = gated.clone();
        let on = Securable::in_schema(future.class, database, schema, name);
        Some((on, policies.join(", ")))
    }

    /// Where a policy is written.
    pub(super) fn policy(&self, policies: &str) -> Option<&crate::model::Place> {
        let first = policies.split(", ").next()?;
        self.inputs.config.policies.get(first).map(|policy| &policy.place)
    }
}

/// On Snowflake a future grant in a schema hides those of its database, of the same class, whoever
/// they are for: who is to have them in the whole database gets them in that schema too.
pub(super) fn beside_each_other(inputs: &Inputs, desired: &mut DesiredState) {
    if inputs.dialect.kind() != DialectKind::Snowflake {
        return;
    }
    let mut more = Vec::new();
    let in_schemas: std::collections::BTreeSet<Container> = desired
        .futures
        .keys()
        .filter(|future| future.schema.is_some())
        .map(|future| (future.database.clone(), future.schema.clone(), future.class))
        .collect();
    for (future, grant) in desired.futures.iter().filter(|(future, _)| future.schema.is_none()) {
        let hidden = in_schemas
            .iter()
            .filter(|(database, _, class)| *database == future.database && *class == future.class);
        for (_, schema, _) in hidden {
            more.push((Future { schema: schema.clone(), ..future.clone() }, grant.clone()));
        }
    }
    for (future, grant) in more {
        for (privilege, because) in &grant.because {
            for reason in because {
                let one = PrivilegeSet::of(&[*privilege]);
                // Two owners of one future object there are not.
                if *privilege != Privilege::OWNERSHIP {
                    desired.grant_future(future.clone(), one, reason);
                }
            }
        }
    }
}

impl One<'_> {
    /// Whether anything is left to say of what is to come: a wildcard of one name is not.
    pub(super) fn says_nothing(&self) -> bool {
        self.enable && !self.all && !self.future
    }
}
