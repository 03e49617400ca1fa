//! What dbt's own `grants` would give, in a state that is of declarations.

use super::state::AccessState;
use crate::dialect;
use crate::model::{DesiredState, Securable};

impl AccessState {
    /// The same with what dbt's own `grants` give to product roles and to others, once it has run.
    #[must_use]
    pub fn with_grants_of_dbt(mut self, desired: &DesiredState) -> Self {
        for ((on, role), privileges) in &desired.known {
            let wanted = desired.roles.get(role);
            if wanted.is_some_and(|role| !role.marker.product.is_empty()) {
                self.give(on, role, *privileges);
            }
        }
        for ((on, to), privileges) in &desired.by_dbt {
            if let Some(role) = to {
                self.known_as(role, false);
            }
            self.give_to(on, to.as_ref(), *privileges);
        }
        self
    }

    /// The same with the way in for those to whom dbt itself gives something and whom nobody manages:
    /// whether they may enter, only the warehouse knows. It is taken for granted.
    #[must_use]
    pub fn with_the_way_for_dbt_s(mut self, desired: &DesiredState) -> Self {
        let (on_database, on_schema) = dialect::of(self.dialect).needs();
        for (on, to) in desired.by_dbt.keys() {
            if let Some((database, schema)) = on.schema_key() {
                self.give_to(&Securable::schema(database.clone(), schema), to.as_ref(), on_schema);
                self.give_to(&Securable::database(database), to.as_ref(), on_database);
            }
        }
        self
    }
}
