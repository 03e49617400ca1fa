//! Future grants that hide others: on Snowflake, those in a schema take the place of those in its
//! database, type by type, whoever holds them.

use super::{Difference, Sides};
use crate::model::{DefaultGrant, Diagnostic, DialectKind, Ident, MarkerReading};

/// Warns where a grant of a managed role is hidden, and where taking one away uncovers another's.
pub(super) fn shadows(sides: &Sides, out: &mut Difference) {
    if sides.observed.server.dialect != DialectKind::Snowflake {
        return;
    }
    let defaults = &sides.observed.defaults;
    for (in_schema, schema) in defaults.iter().filter_map(|d| Some((d, d.schema.as_ref()?))) {
        let same = |d: &&DefaultGrant| {
            d.schema.is_none() && d.database == in_schema.database && d.class == in_schema.class
        };
        for in_database in defaults.iter().filter(same) {
            if !ours(sides, &in_database.grantee) && !ours(sides, &in_schema.grantee) {
                continue;
            }
            out.found.push(
                Diagnostic::warning(
                    "future-grant-shadowed",
                    format!(
                        "in schema {}.{schema}, future grants on {}s of {} hide those of {} in the database",
                        in_schema.database, in_schema.class, in_schema.grantee, in_database.grantee
                    ),
                )
                .with_help("Snowflake looks only at those in the schema where there are any: without them, those in the database count again"),
            );
        }
    }
}

fn ours(sides: &Sides, role: &Ident) -> bool {
    sides.observed.roles.get(role).is_some_and(
        |role| matches!(&role.marker, MarkerReading::Marker(marker) if sides.scope.holds(marker)),
    )
}
