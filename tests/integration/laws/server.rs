//! The laws on real servers. Each case builds its world inside one open transaction, applies the
//! plan there, asks the server itself what has become of it, and rolls all of it back.

use std::cell::Cell;
use std::collections::BTreeSet;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use rolecall::model::{Change, ObservedState, Securable};
use rolecall::plan::{Difference, Sides, Step, Within, diff};
use rolecall::warehouse::engine::{Engine, native::Options as Native};
use rolecall::warehouse::postgres::Postgres;
use rolecall::warehouse::{Execute, Look, Observe, WarehouseError};
use tokio::runtime::{Builder, Runtime};

use super::dump::{self, Access, Dump};
use super::sql;
use super::world::*;
use crate::engines;

/// How many random worlds there are in a run, and how many of them on each later version;
/// `ROLECALL_LAWS_CASES` (on each server) and `ROLECALL_LAWS_SEED` say otherwise.
const CASES: (u32, u32) = (1000, 150);
/// How many servers of the first version, since a transaction of ours excludes all others there.
const ABREAST: u32 = 2;

#[test]
fn the_laws_hold_on_real_servers() {
    let bins = engines::bins();
    let others = u32::try_from(bins.len()).unwrap() - 1;
    let first = (CASES.0 - CASES.1 * others).div_ceil(ABREAST);
    let done: u32 = std::thread::scope(|scope| {
        let mut servers = Vec::new();
        for (at, bin) in bins.into_iter().enumerate() {
            let (abreast, cases) = if at == 0 { (ABREAST, first) } else { (1, CASES.1) };
            for _ in 0..abreast {
                let bin = bin.clone();
                servers.push(scope.spawn(move || {
                    let engine = Engine::native(&Native { bin, ..Native::default() }).unwrap();
                    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                    hold(&runtime, &engine, cases)
                }));
            }
        }
        servers.into_iter().map(|server| server.join().unwrap()).sum()
    });
    assert!(done >= engines::more("ROLECALL_LAWS_CASES").unwrap_or(CASES.0), "{done}");
}

#[cfg(feature = "embedded")]
mod embedded {
    use rolecall::warehouse::engine::{Prefer, start_engine};

    #[test]
    fn the_laws_hold_on_the_engine_inside_the_process() {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
        let engine = runtime.block_on(start_engine(Prefer::Embedded)).unwrap();
        super::hold(&runtime, &engine, 200);
    }
}

/// What has been tried, so that a test that tries nothing fails.
#[derive(Debug, Default)]
struct Tally {
    cases: Cell<u32>,
    refused: Cell<u32>,
    /// Of those, refused although the server would have done it.
    unforced: Cell<u32>,
    /// Worlds that only a hole in the server's own checks allows, and `met::owner_granted_to`.
    odd: Cell<u32>,
    changes: Cell<usize>,
    stepwise: Cell<u32>,
    cut: Cell<u32>,
    used: Cell<u32>,
}

/// What a world wants, for people.
fn wanted(world: &World) -> String {
    let World { was: _, gone: _, ops: _, desired, options } = world;
    let grants = desired.grants.iter().map(|((on, to), it)| format!("{to} {} {on}", it.privileges));
    let known = desired.known.iter().map(|((on, to), it)| format!("known {to} {it} {on}"));
    let members = desired.memberships.keys().map(|(role, member)| format!("{member} in {role}"));
    let owners = desired.owners.iter().map(|(on, owner)| format!("{} owns {on}", owner.role));
    let lines: Vec<_> = grants.chain(known).chain(members).chain(owners).collect();
    format!("\nwanted: {}\n{options:?}", lines.join("\n  "))
}

fn add<T: Copy + std::ops::Add<Output = T>>(cell: &Cell<T>, more: T) {
    cell.set(cell.get() + more);
}

fn hold(runtime: &Runtime, engine: &Engine, cases: u32) -> u32 {
    let cases = engines::more("ROLECALL_LAWS_CASES").unwrap_or(cases);
    let session = runtime.block_on(async {
        let admin = engines::session(&engine.url("postgres")).await;
        admin.batch_execute(&format!("create database {DATABASE}")).await.unwrap();
        drop(admin);
        let admin = engines::session(&engine.url(DATABASE)).await;
        admin.batch_execute(&sql::ground()).await.unwrap();
        drop(admin);
        Postgres::connect(&engine.url(DATABASE)).await.unwrap()
    });
    let session = std::cell::RefCell::new(session);
    let tally = Tally::default();
    let mut config = Config {
        cases,
        max_global_rejects: cases,
        max_shrink_iters: 250,
        failure_persistence: None,
        ..Config::default()
    };
    if let Some(seed) = engines::more("ROLECALL_LAWS_SEED") {
        config.rng_seed = RngSeed::Fixed(seed.into());
    }
    let slowly = engine.single_connection();
    let check = |world: &World| {
        let session = &mut *session.borrow_mut();
        runtime.block_on(async {
            session.begin().await.map_err(failed)?;
            let ended = Case { world, session, tally: &tally, slowly }.check().await;
            session.roll_back().await.map_err(failed)?;
            session.take_notices();
            ended
        })
    };
    for (what, world) in super::met::all() {
        if let Err(why) = check(&world) {
            panic!("{}: {what}: {why}", engine.describe());
        }
    }
    let ended = TestRunner::new(config).run(&world(25), |world| check(&world));
    match ended {
        Ok(()) => {}
        Err(TestError::Fail(why, world)) => {
            panic!("{}\n{}{}\n{why}", engine.describe(), sql::build(&world), wanted(&world))
        }
        Err(TestError::Abort(why)) => panic!("{}: {why}\n{tally:?}", engine.describe()),
    }
    let Tally { cases: done, refused, unforced, odd, changes, stepwise, cut, used } = &tally;
    let told = format!("{}: {tally:?}", engine.describe());
    assert!(done.get() >= cases, "{told}");
    assert!(changes.get() >= done.get() as usize, "nothing has to change: {told}");
    let each = [stepwise, cut, used];
    assert!(each.iter().all(|tried| tried.get() >= cases / 12), "hardly tried: {told}");
    assert!(refused.get() * 2 < done.get(), "often refused: {told}");
    assert!(unforced.get() * 3 <= refused.get() + 10, "refused for nothing: {told}");
    assert!(odd.get() * 10 <= done.get() + 20, "passed over: {told}");
    done.get()
}

fn failed(error: WarehouseError) -> TestCaseError {
    TestCaseError::fail(error.to_string())
}

fn fail<T>(why: String) -> Result<T, TestCaseError> {
    Err(TestCaseError::fail(why))
}

struct Case<'a> {
    world: &'a World,
    session: &'a mut Postgres,
    tally: &'a Tally,
    /// Without blocks that catch errors.
    slowly: bool,
}

impl Case<'_> {
    async fn check(mut self) -> Result<(), TestCaseError> {
        if self.slowly {
            sql::build_slowly(self.session.client(), self.world).await;
        } else {
            self.say(&sql::build(self.world)).await?;
        }
        // What the server said about the world is not about us.
        self.session.take_notices();
        self.say("savepoint world").await?;
        let dump = Dump::of(self.session.client()).await;
        if dump.dangles() || dump.circles() {
            add(&self.tally.odd, 1);
            return Err(TestCaseError::reject("grants that no order of revokes reaches"));
        }
        let access = Access::of(self.session.client()).await;
        let before = self.observe().await?;
        let first = self.compare(&before);
        if first.found.has_errors() {
            return fail(format!("{:?}", first.found));
        }
        if !first.refused.is_empty() {
            return self.check_refusal(&first).await;
        }
        let changes = changes(&first.steps);
        let next = changes.iter().filter_map(|change| match change {
            Change::SetOwner { on, to, .. } => Some((moved(on)?, to.to_string())),
            _ => None,
        });
        if dump.owner_granted_to(&next.collect()) {
            add(&self.tally.odd, 1);
            return Err(TestCaseError::reject("an owner who was granted something"));
        }
        in_order(&changes)?;

        // 2: the order of rows changes nothing.
        let mut turned = before.clone();
        turned.acl.reverse();
        turned.memberships.reverse();
        turned.defaults.reverse();
        if self.compare(&turned).steps != first.steps {
            return fail("another order of rows, another plan".to_owned());
        }

        // 1: applying it reaches the desired state; a second plan is empty.
        self.execute(&changes, &first.steps).await?;
        let after = self.observe().await?;
        let second = self.compare(&after);
        if !second.steps.is_empty() || !second.refused.is_empty() {
            return fail(format!("first plan: {}\nsecond plan: {second:#?}", show(&first.steps)));
        }
        let dump_after = Dump::of(self.session.client()).await;
        let access_after = Access::of(self.session.client()).await;
        let with_plan =
            |why: String| TestCaseError::fail(format!("{why}\nplan: {}", show(&first.steps)));

        // 3: nothing outside the scope is changed.
        let ours = dump.ours(&dump_after);
        dump.same_outside(&dump_after, &ours, &owners_moved(&changes)).map_err(with_plan)?;

        // 6: what the server says is what is declared.
        super::privileges::check(self.world, &dump_after, &access_after).map_err(with_plan)?;
        let at = self.tally.cases.get();
        if at.is_multiple_of(6) {
            let seen = if self.slowly {
                dump::usable_slowly(self.session.client(), &dump_after).await
            } else {
                dump::usable(self.session.client()).await
            };
            super::privileges::check_use(&dump_after, &access_after, &seen).map_err(with_plan)?;
            add(&self.tally.used, 1);
        }

        // 4: whoever has access before and after has it all along.
        if at % 6 == 1 {
            self.say("rollback to savepoint world").await?;
            let moved = owners_moved(&changes);
            let mut ways = vec![];
            for change in &changes {
                self.execute(std::slice::from_ref(change), &first.steps).await?;
                ways.push(Access::of(self.session.client()).await);
            }
            let end = ways.last().unwrap_or(&access);
            let throughout: Vec<_> = access.intersection(end).collect();
            for (way, change) in ways.iter().zip(&changes) {
                let gone = |it: &&&(u32, String, String)| !way.contains(it);
                let lost: Vec<_> = throughout
                    .iter()
                    .filter(gone)
                    .filter(|(_, what, _)| !moved.iter().any(|moved| what.ends_with(moved)))
                    .collect();
                if !lost.is_empty() {
                    return Err(with_plan(format!("lost by {change:?}: {lost:?}")));
                }
            }
            let stepwise = Dump::of(self.session.client()).await;
            stepwise.same_names(&dump_after).map_err(with_plan)?;
            add(&self.tally.stepwise, 1);
        }

        // 5: cut anywhere and run again, it reaches the same end.
        if at % 6 == 2 {
            self.say("rollback to savepoint world").await?;
            let cut = (at as usize / 6 * 7) % (changes.len() + 1);
            self.execute(&changes[..cut], &first.steps).await?;
            let between = self.observe().await?;
            let rest = self.compare(&between);
            if rest.found.has_errors() || !rest.refused.is_empty() {
                return Err(with_plan(format!("after a cut at {cut}: {rest:#?}")));
            }
            self.execute(&self::changes(&rest.steps), &rest.steps).await?;
            let end = Dump::of(self.session.client()).await;
            end.same_names(&dump_after).map_err(|why| {
                with_plan(format!("{why}\ncut at {cut}, then {}", show(&rest.steps)))
            })?;
            add(&self.tally.cut, 1);
        }
        add(&self.tally.cases, 1);
        add(&self.tally.changes, changes.len());
        Ok(())
    }

    /// What a stranger holds from one of ours is not taken: the server would refuse it as well.
    async fn check_refusal(&mut self, plan: &Difference) -> Result<(), TestCaseError> {
        if let Some(other) = plan
            .refused
            .iter()
            .find(|refused| !["dependents", "marker-on-a-stranger"].contains(&refused.code))
        {
            return fail(format!("{other:?}"));
        }
        add(&self.tally.refused, 1);
        match self.session.execute(&changes(&plan.steps)).await {
            Err(WarehouseError::Forbidden(_) | WarehouseError::Statement { .. }) => {
                Err(TestCaseError::reject("dependents"))
            }
            Err(error) => Err(failed(error)),
            // Whoever got it from somebody that it has let in may lose it, says the server, which
            // counts what is held through memberships. The plan does not wish to.
            Ok(()) => {
                add(&self.tally.unforced, 1);
                Err(TestCaseError::reject("dependents"))
            }
        }
    }

    async fn say(&self, sql: &str) -> Result<(), TestCaseError> {
        let said = self.session.client().batch_execute(sql).await;
        said.map_err(|error| TestCaseError::fail(format!("{error:?}\n{sql}")))
    }

    async fn observe(&mut self) -> Result<ObservedState, TestCaseError> {
        let look = Look {
            deployment: "shop".into(),
            roles: self.world.desired.roles.keys().cloned().collect(),
            schemas: scope().schemas,
            ..Default::default()
        };
        self.session.observe(&look).await.map_err(failed)
    }

    fn compare(&self, state: &ObservedState) -> Difference {
        let (scope, environments, dbt) = (scope(), environments(), id(DBT));
        diff(&Sides {
            desired: &self.world.desired,
            observed: state,
            scope: &scope,
            deploy_role: Some(&dbt),
            environments: &environments,
            declared: 1,
            options: &self.world.options,
            within: Within::everything(),
        })
    }

    async fn execute(&mut self, changes: &[Change], plan: &[Step]) -> Result<(), TestCaseError> {
        match self.session.execute(changes).await {
            Ok(()) => Ok(()),
            // Everyone's rights are not looked at: the server says that they hang on a role's.
            Err(WarehouseError::Forbidden(why))
                if why.contains("dependent privileges exist") && self.world.passes_to_public() =>
            {
                add(&self.tally.refused, 1);
                Err(TestCaseError::reject("dependents"))
            }
            Err(error) => fail(format!("{error}\nplan: {}", show(plan))),
        }
    }
}

fn changes(steps: &[Step]) -> Vec<Change> {
    steps.iter().map(|step| step.change.clone()).collect()
}

fn show(steps: &[Step]) -> String {
    let lines = steps.iter().map(|step| format!("\n  {:?}", step.change));
    lines.collect()
}

/// Whatever gives comes before whatever takes; a drop is the last.
fn in_order(changes: &[Change]) -> Result<(), TestCaseError> {
    let gives = changes.iter().rposition(|change| {
        matches!(
            change,
            Change::Grant { .. } | Change::AddMember { .. } | Change::CreateRole { .. }
        )
    });
    let takes = changes.iter().position(Change::takes_away);
    match (gives, takes) {
        (Some(gives), Some(takes)) if takes < gives => {
            fail(format!("{:?} after {:?}", changes[gives], changes[takes]))
        }
        _ => Ok(()),
    }
}

/// Relations that the plan gives to somebody else, as the dump calls them.
fn owners_moved(changes: &[Change]) -> BTreeSet<String> {
    changes
        .iter()
        .filter_map(|change| match change {
            Change::SetOwner { on, .. } => moved(on),
            _ => None,
        })
        .collect()
}

fn moved(on: &Securable) -> Option<String> {
    Some(format!("{}.{}", on.schema_name()?.as_str(), on.name()?.as_str()))
}
