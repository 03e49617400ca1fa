//! Ways round a policy that is always required, which a plan itself would open: by a role that a playbook
//! lets into another, or by a relation that has rows of a node.

use std::collections::BTreeSet;

use crate::effect::{AccessState, Effect};
use crate::model::{Diagnostic, Diagnostics, DialectKind, Ident, ObservedState};
use crate::plan::Difference;
use crate::project::Project;
use crate::report::access;
use crate::resolve::Resolved;
use crate::warehouse::{AccessLook, Observe, WarehouseError};

/// What the changes open that was shut; nothing where it cannot be asked. What was open already is for
/// `verify` to say: no plan of ours opened it.
pub(super) async fn ways_opened<W: Observe>(
    warehouse: &mut W,
    project: &Project,
    resolved: &Resolved,
    observed: &ObservedState,
    difference: &Difference,
) -> Result<Diagnostics, WarehouseError> {
    let none = resolved.gates.relations().next().is_none() || difference.steps.is_empty();
    // An account of Snowflake takes too many statements to be read for every plan.
    if none || observed.server.dialect != DialectKind::Postgres {
        return Ok(Diagnostics::default());
    }
    let relations = resolved.gates.relations().cloned().collect();
    let look = AccessLook { relations, everybody: true, ..AccessLook::default() };
    let Some(before) = warehouse.everybody_s_access(&look).await? else {
        return Ok(Diagnostics::default());
    };
    let changes = || difference.steps.iter().map(|step| &step.change);
    let after = before.after(changes());
    // A way that this plan closes excuses none that it opens.
    let before = before.after(changes().filter(|change| change.takes_away()));
    let mut spared: BTreeSet<Ident> = resolved.deploy_role.iter().cloned().collect();
    spared.insert(observed.server.acting_as.clone());
    Ok(opened(project, resolved, [&before, &after], &spared))
}

fn opened(
    project: &Project,
    resolved: &Resolved,
    [before, after]: [&AccessState; 2],
    spared: &BTreeSet<Ident>,
) -> Diagnostics {
    let [old, new] = [Effect::of(before), Effect::of(after)];
    let known = old.ways_round(&resolved.gates, spared);
    let teller = access::Teller { config: &project.config, desired: &resolved.desired };
    let mut found = Diagnostics::default();
    let ways = new.ways_round(&resolved.gates, spared);
    for way in ways.iter().filter_map(|way| way.beyond(&known)) {
        let key = way.on.relation_key();
        let policies = key.map(|key| resolved.gates.on(&key)).unwrap_or_default();
        let policies: Vec<&str> = policies.into_iter().collect();
        let message = format!(
            "the plan would give {} {}, round the policy {}, which is always required there: {}",
            way.who,
            way.what(),
            policies.join(", "),
            access::chain(&teller.tell(&way.chain))
        );
        let help =
            "leave that grant or membership out, or admit them by the policy: nothing is applied";
        found.push(Diagnostic::error("round-policy", message).with_help(help));
    }
    found
}
