//! What Snowflake refuses to hand over while it runs, and what stops running when it is handed over:
//! said before anybody applies it. Source: the usage notes of "GRANT OWNERSHIP".

use std::collections::BTreeMap;

use super::{Difference, Sides, Why, reason_place};
use crate::dialect;
use crate::model::{Change, Diagnostic, DialectKind, Ident, ObjectClass, Place, Reason, Securable};

/// What comes of another owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Comes {
    /// It is refused unless the pipe is paused.
    Pause,
    /// Tasks are suspended.
    Suspended,
    /// Neither an external table nor any in a database refreshes by itself any more.
    Stale,
    /// A dynamic table's refreshes fail where its owner lacks the warehouse.
    Refresh,
    /// An Iceberg table's volume stays whose it is.
    Volume,
}

impl Comes {
    fn of(on: &Securable, sides: &Sides) -> Option<Self> {
        match on.class() {
            ObjectClass::Pipe => Some(Self::Pause),
            ObjectClass::Task if sides.observed.inventory.suspended.contains(on) => None,
            ObjectClass::Task => Some(Self::Suspended),
            ObjectClass::ExternalTable | ObjectClass::Database => Some(Self::Stale),
            ObjectClass::DynamicTable => Some(Self::Refresh),
            ObjectClass::IcebergTable => Some(Self::Volume),
            _ => None,
        }
    }

    fn code(self) -> &'static str {
        match self {
            Self::Pause => "pause-first",
            Self::Suspended | Self::Stale => "stops-when-handed-over",
            Self::Refresh | Self::Volume => "owner-needs-more",
        }
    }

    /// What happens, and what to do; `one` is the first object's name in SQL.
    fn said(self, on: &Securable, one: &str, to: &str) -> (&'static str, String) {
        match self {
            Self::Pause => (
                "Snowflake refuses that while a pipe runs",
                format!(
                    "before the apply: ALTER PIPE {one} SET PIPE_EXECUTION_PAUSED = TRUE; after it, as {to}: SELECT SYSTEM$PIPE_FORCE_RESUME('{}')",
                    one.replace('\'', "''")
                ),
            ),
            Self::Suspended => (
                "Snowflake suspends a task that is handed over",
                format!(
                    "after the apply, as {to}, who needs EXECUTE TASK on the account: ALTER TASK {one} RESUME"
                ),
            ),
            Self::Stale if on.class() == ObjectClass::Database => (
                "Snowflake ends the automatic refresh of external tables in a database that is handed over",
                "after the apply, for each: ALTER EXTERNAL TABLE … SET AUTO_REFRESH = TRUE"
                    .to_owned(),
            ),
            Self::Stale => (
                "Snowflake ends the automatic refresh of an external table that is handed over",
                format!("after the apply: ALTER EXTERNAL TABLE {one} SET AUTO_REFRESH = TRUE"),
            ),
            Self::Refresh => (
                "its refreshes fail where the owner lacks USAGE on its database, schema or warehouse",
                format!("grant these to {to} as well"),
            ),
            Self::Volume => (
                "neither its external volume nor its catalog integration goes with it",
                format!("grant {to} USAGE on them as well, or their ownership"),
            ),
        }
    }
}

/// One warning for each kind of trouble, place and new owner, however many objects it is about.
pub(super) fn handed_over(sides: &Sides, out: &mut Difference) {
    if sides.observed.server.dialect != DialectKind::Snowflake {
        return;
    }
    type Key = (Comes, ObjectClass, Option<Place>, Ident);
    let mut told: BTreeMap<Key, Vec<(&Securable, &Ident)>> = BTreeMap::new();
    for step in &out.steps {
        let Change::SetOwner { on, from, to } = &step.change else { continue };
        let Some(comes) = Comes::of(on, sides) else { continue };
        let because: &[Reason] = match &step.why {
            Why::Declared(because) => because,
            // Nobody declares the next owner: the role that has it until now is where one looks.
            _ => sides.desired.roles.get(from).map_or(&[], |role| &role.manner.because),
        };
        let place = because.first().and_then(reason_place);
        told.entry((comes, on.class(), place, to.clone())).or_default().push((on, from));
    }
    let mut found = Vec::new();
    for ((comes, class, place, to), all) in told {
        let Some((on, from)) = all.first() else { continue };
        let what = match all.len() {
            1 => format!("{class} {on} goes from {from} to {to}"),
            many => format!("{many} of class {class} go to {to}, {on} first of them"),
        };
        let (happens, help) = comes.said(on, &in_sql(on), to.as_str());
        let likewise = if all.len() > 1 { "; likewise for the others" } else { "" };
        let mut warning = Diagnostic::warning(comes.code(), format!("{what}: {happens}"))
            .with_help(format!("{help}{likewise}"));
        warning.place = place;
        found.push(warning);
    }
    out.found.extend(found);
}

fn in_sql(on: &Securable) -> String {
    let dialect = dialect::of(DialectKind::Snowflake);
    let own = match on.class() {
        ObjectClass::Database | ObjectClass::Schema => None,
        _ => on.name(),
    };
    let parts = [on.database_name(), on.schema_name(), own].into_iter().flatten();
    parts.map(|part| dialect.quote(part)).collect::<Vec<_>>().join(".")
}
