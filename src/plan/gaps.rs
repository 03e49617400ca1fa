//! What can only be taken and given again, where no transaction hides the time in between.

use std::collections::{BTreeMap, BTreeSet};

use super::{Difference, Refusal, Sides, takes_any_grantors};
use crate::model::{Change, Ident, PrivilegeSet, Securable};

/// Finds grants that a revoke of the same plan would take again. They are made after what takes away,
/// and refused unless a gap is allowed. What memberships wait for is in `circles.rs`.
pub(super) fn gaps(sides: &Sides, out: &mut Difference) -> BTreeSet<Change> {
    let mut late = BTreeSet::new();
    if !takes_any_grantors(sides) {
        return late;
    }
    let mut taken: BTreeMap<(&Securable, &Ident), PrivilegeSet> = BTreeMap::new();
    for step in &out.steps {
        if let Change::Revoke { on, role, privileges, .. } = &step.change {
            let all = taken.entry((on, role)).or_default();
            *all = all.union(*privileges);
        }
    }
    let mut refused = Vec::new();
    for step in &out.steps {
        let what = match &step.change {
            Change::Grant { on, role, privileges } => {
                let again = taken.get(&(on, role)).map(|taken| taken.intersection(*privileges));
                again.filter(|again| !again.is_empty()).map(|again| {
                    format!(
                        "{role} holds {again} on {} {on} from a role that may no longer pass it on: it can only be taken and granted again",
                        on.class()
                    )
                })
            }
            _ => None,
        };
        if let Some(message) = what {
            late.insert(step.change.clone());
            refused.push(Refusal {
                code: "access-gap",
                message,
                help: "--allow-gap lets access be missing for that moment".to_owned(),
            });
        }
    }
    if !sides.options.allow_gap {
        out.refused.extend(refused);
    }
    late
}
