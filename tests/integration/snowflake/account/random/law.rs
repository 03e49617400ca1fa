//! What holds in each random account: the plan keeps what is declared, applied once, or twice where
//! something broke, it comes to rest, and nothing of others has moved.

use std::collections::{BTreeMap, BTreeSet};

use rolecall::model::*;
use rolecall::plan::{Difference, Options, Sides, Within, diff};
use rolecall::warehouse::snowflake::{Sessions, Snowflake, SnowflakeSettings};
use rolecall::warehouse::{Execute, Look, Observe, WarehouseError};
use serde_json::{Value, json};

use super::super::super::standin::Standin;
use super::super::site::{quoted, settings};
use super::place::*;
use super::world::{World, happens};

fn scope() -> Scope {
    let schemas = [
        (id(DATABASES[0]), id(SCHEMAS[0])),
        (id(DATABASES[0]), id(SCHEMAS[1])),
        (id(DATABASES[1]), id(SCHEMAS[0])),
    ];
    Scope {
        deployment: "shop".into(),
        environment: "prod".into(),
        instance: None,
        every_instance: false,
        database: None,
        schemas: BTreeSet::from(schemas),
    }
}

struct Case<'c> {
    world: &'c World,
    desired: DesiredState,
    warehouse: Snowflake,
}

impl Case<'_> {
    async fn compare(&mut self) -> Result<Difference, WarehouseError> {
        let look = Look {
            deployment: "shop".into(),
            environments: BTreeSet::from(["prod".to_owned()]),
            roles: self.desired.roles.keys().cloned().collect(),
            schemas: DATABASES
                .iter()
                .flat_map(|d| SCHEMAS.iter().map(|s| (id(d), id(s))))
                .collect(),
            relations: relations().filter_map(|at| relation(at).relation_key()).collect(),
            users: USERS.iter().map(|user| id(user)).collect(),
            ..Look::default()
        };
        let observed = self.warehouse.observe(&look).await?;
        let options = Options {
            allow_gap: true,
            allow_revokes: Some(u64::MAX),
            drop_roles: self.world.drop_roles,
            prune: self.world.prune,
            ..Options::default()
        };
        Ok(diff(&Sides {
            desired: &self.desired,
            observed: &observed,
            scope: &scope(),
            deploy_role: Some(&id("DBT")),
            environments: &BTreeSet::from(["prod".to_owned()]),
            declared: 1,
            within: Within::everything(),
            options: &options,
        }))
    }

    async fn make(&mut self, difference: &Difference) -> Result<(), WarehouseError> {
        let changes: Vec<Change> = difference.steps.iter().map(|s| s.change.clone()).collect();
        self.warehouse.prepare(&scope())?;
        self.warehouse.begin().await?;
        let made = self.warehouse.execute(&changes).await;
        self.warehouse.commit().await?;
        made
    }

    /// What is taken of what is declared, and not granted again.
    fn takes_what_is_declared(&self, first: &Difference) -> Option<String> {
        let mut wanted: BTreeMap<(&Securable, &Ident), PrivilegeSet> = BTreeMap::new();
        for ((on, role), grant) in &self.desired.grants {
            wanted.insert((on, role), grant.privileges);
        }
        let granted_again = |on: &Securable, role: &Ident| {
            first.steps.iter().any(|s| {
                matches!(&s.change, Change::Grant { on: o, role: r, .. } if o == on && r == role)
            })
        };
        first.steps.iter().find_map(|step| {
            let Change::Revoke { on, role, privileges, .. } = &step.change else { return None };
            let wanted = wanted.get(&(on, role))?;
            let taken = !wanted.intersection(*privileges).is_empty() && !granted_again(on, role);
            taken.then(|| format!("takes what is declared: {}", step.change.brief()))
        })
    }

    /// Names of the relations whose owner is to change, as the stand-in shows them.
    fn moved(&self) -> BTreeSet<String> {
        let shown = |part: &Ident| {
            let plain = |c: char| c.is_ascii_uppercase() || c == '_';
            if part.as_str().chars().all(plain) { part.to_string() } else { quoted(part) }
        };
        let name = |on: &Securable| {
            let parts = [on.database_name(), on.schema_name(), on.name()];
            parts.map(|part| shown(part.unwrap())).join(".")
        };
        self.desired.owners.keys().map(name).collect()
    }
}

/// Whether somebody unmanaged holds something from a managed role.
fn others_hold_from_ours(state: &Value) -> bool {
    let ours = ours();
    let is_ours = |name: &str| is_ours(&ours, name);
    let grants = state["grants"].as_array().unwrap();
    grants.iter().any(|row| {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        is_ours(text("grantor")) && !is_ours(text("grantee"))
    })
}

fn ours() -> BTreeSet<String> {
    let mut ours: BTreeSet<String> = MANAGED.iter().map(|(name, _)| (*name).to_owned()).collect();
    ours.extend(MANAGED.iter().map(|(name, _)| quoted(&id(name))));
    ours
}

fn is_ours(ours: &BTreeSet<String>, name: &str) -> bool {
    name != "SHOP.M2"
        && (ours.contains(name) || ours.iter().any(|role| name.ends_with(&format!(".{role}"))))
}

/// Everything in the account that is none of ours: what must stay as it is.
fn of_others(state: &Value, moved: &BTreeSet<String>) -> BTreeSet<String> {
    let ours = ours();
    let is_ours = |name: &str| is_ours(&ours, name);
    let mut lines = BTreeSet::new();
    for (what, rows) in state.as_object().unwrap() {
        for row in rows.as_array().unwrap() {
            let text = |key: &str| row[key].as_str().unwrap_or_default();
            let mine = match what.as_str() {
                // An owner's grants follow the owner.
                "objects" if moved.contains(text("name")) => false,
                "objects" => {
                    is_ours(text("name")) || is_ours(text("owner")) || text("owner") == "DBT"
                }
                "members" => is_ours(text("role")) || is_ours(text("grantee")),
                _ => is_ours(text("grantee")),
            };
            if !mine {
                let mut row = row.clone();
                let moves = moved.contains(text("name"));
                if let Some(row) = row.as_object_mut() {
                    row.remove("grantor");
                    if moves {
                        row.remove("owner");
                    }
                }
                lines.insert(format!("{what} {row}"));
            }
        }
    }
    // Two grants of one privilege to one role are one when a new owner takes both over.
    let more = |line: &str| line.replace(r#""option":false"#, r#""option":true"#);
    let within: Vec<String> = lines
        .iter()
        .filter(|line| more(line) != **line && lines.contains(&more(line)))
        .cloned()
        .collect();
    for line in within {
        lines.remove(&line);
    }
    lines
}

fn fault(nth: usize, kind: u8) -> Value {
    let fault = match kind {
        0 => json!({
            "kind": "error", "code": "000603", "message": "incident",
            "match": "^(GRANT|REVOKE|CREATE ROLE \"[Mm])", "nth": nth
        }),
        1 => json!({ "kind": "drop", "match": "^(GRANT|REVOKE)", "nth": nth }),
        2 => json!({
            "kind": "drop", "executed": true,
            "match": "^(GRANT|REVOKE|CREATE ROLE \"M)", "nth": nth
        }),
        _ => json!({ "kind": "lie", "match": "^(GRANT|REVOKE)", "nth": nth }),
    };
    json!({ "faults": [fault] })
}

/// Whether the laws hold in one world, and it was not refused for what others hold from ours; the
/// statements that were sent for it.
pub(super) async fn holds(
    standin: &Standin,
    world: &World,
    said: &mut BTreeSet<String>,
) -> Result<bool, String> {
    standin.tell("reset", &json!({}));
    world.furnish(standin);
    let settings = SnowflakeSettings {
        warehouse: world
            .warehouse
            .then(|| WAREHOUSES[1].replace('"', "\"\""))
            .map(|name| format!("\"{name}\"")),
        ..settings(standin)
    };
    let sessions = Sessions::connect(&settings, 3).await.map_err(|e| e.to_string())?;
    let warehouse = Snowflake::over(sessions.clone());
    let mut case = Case { world, desired: world.desired(), warehouse };
    let held = comes_to_rest(standin, &mut case).await;
    sessions.close().await;
    said.extend(standin.log().iter().map(|entry| entry["sql"].as_str().unwrap().to_owned()));
    held
}

async fn comes_to_rest(standin: &Standin, case: &mut Case<'_>) -> Result<bool, String> {
    let world = case.world;
    let said = |error: WarehouseError| error.to_string();
    let before = standin.tell("state", &json!({}));
    let first = case.compare().await.map_err(said)?;
    if !first.refused.is_empty()
        && first.refused.iter().all(|refused| refused.code == "dependents")
        && others_hold_from_ours(&before)
    {
        return Ok(false);
    }
    if first.found.has_errors() || !first.refused.is_empty() {
        return Err(format!("refused: {:?} {:?}", first.refused, first.found));
    }
    if let Some(taken) = case.takes_what_is_declared(&first) {
        return Err(taken);
    }
    happens(standin, &world.meanwhile);
    let before = standin.tell("state", &json!({}));
    if let Some((nth, kind)) = world.breaks {
        standin.tell("faults", &fault(nth, kind));
    }
    let made = case.make(&first).await;
    standin.tell("faults", &json!({ "faults": [] }));
    let mut then = case.compare().await.map_err(said)?;
    if world.breaks.is_none() && world.meanwhile.is_empty() {
        made.map_err(said)?;
    } else if !then.steps.is_empty() {
        // Cut or overtaken somewhere: again, and it comes to the same.
        if !then.refused.is_empty() && others_hold_from_ours(&before) {
            return Ok(false);
        }
        case.make(&then).await.map_err(|e| format!("second run: {e}"))?;
        then = case.compare().await.map_err(said)?;
    }
    if !then.steps.is_empty() || !then.refused.is_empty() {
        let left: Vec<String> = then.steps.iter().map(|step| step.change.brief()).collect();
        return Err(format!("not empty: {left:#?} {:#?}", then.refused));
    }
    let after = standin.tell("state", &json!({}));
    let moved = case.moved();
    let (before, after) = (of_others(&before, &moved), of_others(&after, &moved));
    let changed: Vec<&String> = before.difference(&after).collect();
    let new: Vec<&String> = after.difference(&before).collect();
    if !changed.is_empty() || new.iter().any(|line| !line.contains("DBT")) {
        return Err(format!("others are touched: {changed:#?} {new:#?}"));
    }
    Ok(true)
}
