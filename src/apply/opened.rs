//! Ways round a policy that is always required: those that are there, and those that a plan itself would
//! open, by a role that a playbook lets into another, or by a relation that has rows of a node.

use std::collections::BTreeSet;

use super::Compared;
use crate::check::unseen;
use crate::effect::{AccessState, Effect, WayRound};
use crate::model::{Diagnostic, Diagnostics, Ident, ObservedState};
use crate::plan::Difference;
use crate::project::Project;
use crate::report::access;
use crate::resolve::Resolved;
use crate::warehouse::{AccessLook, Observe, WarehouseError};

const UNSEEN: &str = "access-unseen";

/// What is asked about the policies that are always required.
struct Asked<'p> {
    project: &'p Project,
    resolved: &'p Resolved,
    /// Whoever runs dbt or applies: they always can.
    spared: BTreeSet<Ident>,
}

/// Everybody's access, or why it is not told.
type Seen = Result<Option<AccessState>, String>;

impl<'p> Asked<'p> {
    /// `None` where no policy is always required anywhere.
    fn of(project: &'p Project, resolved: &'p Resolved, observed: &ObservedState) -> Option<Self> {
        resolved.gates.relations().next()?;
        let mut spared: BTreeSet<Ident> = resolved.deploy_role.iter().cloned().collect();
        spared.insert(observed.server.acting_as.clone());
        Some(Self { project, resolved, spared })
    }

    async fn see<W: Observe>(&self, warehouse: &mut W) -> Result<Seen, WarehouseError> {
        let relations = self.resolved.gates.relations().cloned().collect();
        let look = AccessLook { relations, everybody: true, ..AccessLook::default() };
        match warehouse.everybody_s_access(&look).await {
            // Whoever may not see all grants may still see whether their own are as declared.
            Err(WarehouseError::Forbidden(why)) => Ok(Err(why)),
            state => Ok(Ok(state?)),
        }
    }

    fn unknown(why: &str) -> Diagnostic {
        let what = "who gets round a policy that is always required is not known";
        Diagnostic::warning(UNSEEN, format!("{what}: {why}"))
    }

    fn ways<'a>(&self, effect: &Effect<'a>) -> Vec<WayRound<'a>> {
        effect.ways_round(&self.resolved.gates, &self.spared)
    }

    /// The policies that it goes round, and how.
    fn told(&self, way: &WayRound<'_>) -> (String, String) {
        let key = way.on.relation_key();
        let policies = key.map(|key| self.resolved.gates.on(&key)).unwrap_or_default();
        let policies: Vec<&str> = policies.into_iter().collect();
        let desired = &self.resolved.desired;
        let teller = access::Teller { config: &self.project.config, desired };
        (policies.join(", "), access::chain(&teller.tell(&way.chain)))
    }

    fn opened(&self, [before, after]: [AccessState; 2]) -> Diagnostics {
        let [before, after] = [before, after].map(|it| it.without_keepers(&self.spared));
        let known = Effect::of(&before);
        let known = self.ways(&known);
        let mut found = Diagnostics::default();
        let after = Effect::of(&after);
        for way in self.ways(&after).iter().filter_map(|way| way.beyond(&known)) {
            let (policies, chain) = self.told(&way);
            let (who, what) = (way.who, way.what());
            let message = format!(
                "the plan would give {who} {what}, round the policy {policies}, which is always required \
                 there: {chain}"
            );
            let help = "leave that grant or membership out, or admit them by the policy: nothing is \
                        applied";
            found.push(Diagnostic::error("round-policy", message).with_help(help));
        }
        found
    }
}

/// What the changes open that was shut, and what everybody has, where that was read for it. What was open
/// already is for `verify` to say: no plan of ours opened it.
pub(super) async fn ways_opened<W: Observe>(
    warehouse: &mut W,
    project: &Project,
    resolved: &Resolved,
    observed: &ObservedState,
    difference: &Difference,
) -> Result<(Diagnostics, Option<AccessState>), WarehouseError> {
    let changes = || difference.steps.iter().map(|step| &step.change);
    let asked = Asked::of(project, resolved, observed);
    // What only takes away opens nothing.
    let asked = asked.filter(|_| changes().any(|change| !change.takes_away()));
    let Some(asked) = asked else { return Ok((Diagnostics::default(), None)) };
    let state = match asked.see(warehouse).await? {
        Err(why) => return Ok((Diagnostics::from_iter([Asked::unknown(&why)]), None)),
        Ok(None) => return Ok((Diagnostics::default(), None)),
        Ok(Some(state)) => state,
    };
    // A way that this plan closes excuses none that it opens.
    let before = state.after(changes().filter(|change| change.takes_away()));
    let mut found = asked.opened([before, state.after(changes())]);
    found.extend(unseen(&state));
    Ok((found, Some(state)))
}

/// Who gets round a policy that is always required, by what no file says: foreign grants, PUBLIC, owners.
///
/// # Errors
/// The warehouse cannot be asked.
pub async fn ways_round<W: Observe>(
    warehouse: &mut W,
    project: &Project,
    compared: &Compared,
) -> Result<Diagnostics, WarehouseError> {
    let Compared { resolved, observed, access, difference, .. } = compared;
    let Some(asked) = Asked::of(project, resolved, observed) else {
        return Ok(Diagnostics::default());
    };
    let said = difference.found.iter().any(|found| found.code == UNSEEN);
    let seen = match access {
        Some(state) => Ok(Some(state.clone())),
        None => asked.see(warehouse).await?,
    };
    let state = match seen {
        Err(_) if said => return Ok(Diagnostics::default()),
        Err(why) => return Ok(Diagnostics::from_iter([Asked::unknown(&why)])),
        Ok(None) => return Ok(Diagnostics::default()),
        Ok(Some(state)) => state,
    };
    let unseen = unseen(&state).filter(|_| !said);
    let state = state.without_keepers(&asked.spared);
    let told = asked.ways(&Effect::of(&state)).into_iter().map(|way| {
        let (policies, chain) = asked.told(&way);
        let (who, what) = (way.who, way.what());
        let what = format!("{who} has {what}, and is not admitted by {policies}: {chain}");
        Diagnostic::error("way-round-policy", what).with_help(
            "take it from them, or admit them: a plan takes nothing that it did not give",
        )
    });
    Ok(told.chain(unseen).collect())
}
