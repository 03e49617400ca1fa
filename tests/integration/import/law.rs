//! The law of import, on random states of real servers: what is imported and adopted changes nobody's
//! access, now or by what is yet to be made, and is then all there is to say.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use rolecall::config::{self, FileKind, SourceFile};
use rolecall::declare::Declarations;
use rolecall::dialect;
use rolecall::effect::AccessState;
use rolecall::import::live::{Asked, Imported, choose, import};
use rolecall::model::{
    Change, DialectKind, Ident, MarkerReading, ObjectClass, ObservedState, RoleAttributes,
};
use rolecall::plan::{Difference, Options};
use rolecall::warehouse::engine::Engine;
use rolecall::warehouse::postgres::Postgres;
use rolecall::warehouse::{Execute, Look, Observe};
use tokio::runtime::Runtime;

use super::case::{Case, dbts, entry, file, files, manifest, root};
use super::state::states;
use crate::effect::queries;
use crate::effect::world::{Op, ground};
use crate::engines::{self, id};

/// How many random states there are in a run, all servers together.
const STATES: u32 = 510;
pub const DATABASE: &str = "effect";

#[test]
fn what_is_imported_and_adopted_changes_nobody_s_access_and_leaves_an_empty_plan() {
    engines::on_each_version(STATES, "ROLECALL_IMPORT_CASES", hold);
}

/// What was seen, so that a test that sees nothing fails.
#[derive(Debug, Default)]
struct Tally {
    states: Cell<u32>,
    roles: Cell<usize>,
    grants: Cell<usize>,
    /// Wildcards that are true of all and of what is to come; those of what is to come alone.
    wild: Cell<usize>,
    future: Cell<usize>,
    owned: Cell<usize>,
    members: Cell<usize>,
    left: Cell<usize>,
    /// States with product roles, and what is proposed for them.
    products: Cell<u32>,
    proposed: Cell<usize>,
    /// Product roles that only their names explain, and those that are none all the same.
    explained: Cell<usize>,
    not: Cell<usize>,
    /// States in which nothing was left unsaid.
    whole: Cell<u32>,
}

fn hold(runtime: &Runtime, engine: &Engine, cases: u32, at: u64) -> u32 {
    let session = runtime.block_on(async {
        let admin = engines::session(&engine.url("postgres")).await;
        admin.batch_execute(&format!("create database {DATABASE}")).await.unwrap();
        let session = Postgres::connect(&engine.url(DATABASE)).await.unwrap();
        session.say(&ground()).await.unwrap();
        session.say("create type s0.ty as enum ('a'); create procedure s0.pr(int) language sql as 'select 1'").await.unwrap();
        session.say(queries::HELPERS).await.unwrap();
        session
    });
    let mut config =
        Config { cases, max_shrink_iters: 300, failure_persistence: None, ..Config::default() };
    if let Some(seed) = engines::more("ROLECALL_IMPORT_SEED") {
        config.rng_seed = RngSeed::Fixed(seed.into());
    }
    if let RngSeed::Fixed(seed) = config.rng_seed {
        config.rng_seed = RngSeed::Fixed(seed + at);
    }
    let session = RefCell::new(session);
    let tally = Tally::default();
    let ended = TestRunner::new(config).run(&states(), |ops| {
        let session = &mut *session.borrow_mut();
        runtime.block_on(async {
            session.begin().await.map_err(failed)?;
            let ended = check(session, &ops, &tally).await;
            session.roll_back().await.map_err(failed)?;
            session.take_notices();
            ended
        })
    });
    match ended {
        Ok(()) => {}
        Err(TestError::Fail(why, ops)) => {
            let said: Vec<String> = ops
                .iter()
                .map(|op| format!("{:?}: {}", op.acting_as.unwrap_or("-"), op.sql))
                .collect();
            panic!("{}\n{}\n{why}", engine.describe(), said.join("\n"))
        }
        Err(TestError::Abort(why)) => panic!("{}: {why}\n{tally:?}", engine.describe()),
    }
    let told = format!("{}: {tally:?}", engine.describe());
    if std::env::var_os("ROLECALL_IMPORT_CASES").is_some() {
        eprintln!("{told}");
    }
    let states = tally.states.get() as usize;
    assert!(tally.grants.get() > states && tally.roles.get() > states, "hardly anything: {told}");
    for seen in [&tally.wild, &tally.future, &tally.owned, &tally.left] {
        assert!(states < 50 || seen.get() > states / 10, "hardly anything: {told}");
    }
    assert!(states < 50 || tally.products.get() as usize > states / 5, "no products: {told}");
    assert!(states < 50 || tally.proposed.get() > states / 10, "hardly any meta: {told}");
    for seen in [&tally.explained, &tally.not] {
        assert!(states < 50 || seen.get() > states / 4, "hardly any name explained: {told}");
    }
    assert!(states < 50 || tally.whole.get() > 0, "always something left: {told}");
    tally.states.get()
}

pub fn failed(error: impl std::fmt::Debug) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

pub fn fail<T>(why: String) -> Result<T, TestCaseError> {
    Err(TestCaseError::fail(why))
}

/// Who is in a product role its owners' files say, which `import --members` writes.
const NOBODY_IN: &str = "do $$ declare one record; begin
    for one in select roleid::regrole r, member::regrole m, grantor::regrole g from pg_auth_members
        where roleid in ('r0'::regrole, 'r1'::regrole)
    loop execute format('revoke %s from %s granted by %s cascade', one.r, one.m, one.g);
    end loop; end $$";

/// What product roles hold for sure, beside what chance gave them.
const SOMETHING: &str = "grant connect on database effect to r0, r1;
    grant usage on schema s0 to r0; grant usage on schema s1 to r1; grant select on s0.t0 to r0, r1;
    grant select, insert, update on s1.\"T 1\" to r1";

/// Those of the roles that a product of the configuration has, in a share of the states: as long as
/// they are roles that could be a product's.
fn products(state: &ObservedState, is_wanted: bool) -> BTreeSet<Ident> {
    let names: BTreeSet<Ident> = [id("r0"), id("r1")].into();
    let is_plain = |name: &Ident| {
        let role = state.roles.get(name);
        role.is_some_and(|role| role.attributes == RoleAttributes::MANAGED)
    };
    let all = is_wanted && names.iter().all(is_plain);
    if all { names } else { BTreeSet::new() }
}

async fn check(session: &mut Postgres, ops: &[Op], tally: &Tally) -> Result<(), TestCaseError> {
    queries::say_all(session, ops).await?;
    let is_odd = !ops.len().is_multiple_of(2);
    if is_odd {
        session.say(&format!("{NOBODY_IN}; {SOMETHING}")).await.map_err(failed)?;
    }
    let before = session.read_access().await.map_err(failed)?;
    let database = id(DATABASE);
    let look = Look { deployment: "shop".into(), ..Look::default() };
    let first = session.observe(&look).await.map_err(failed)?;
    let dialect = dialect::of(DialectKind::Postgres);
    // Now and then whoever logs in, too.
    let patterns = if ops.len().is_multiple_of(3) { vec!["*".to_owned()] } else { Vec::new() };
    let mut chosen = choose(&first, dialect, &patterns, None, &BTreeSet::new()).chosen;
    let products = products(&first, is_odd);
    chosen.retain(|role| !products.contains(role));
    let look = Look {
        roles: chosen.union(&products).cloned().collect(),
        databases: BTreeSet::from([database.clone()]),
        classes: ObjectClass::ALL.into_iter().filter(|class| !class.is_relation()).collect(),
        ..look
    };
    let state = session.observe(&look).await.map_err(failed)?;
    let parsed = |files: &[SourceFile]| {
        let text = || files.iter().map(|file| file.text.clone()).collect::<Vec<_>>().join("\n");
        match config::parse(files) {
            (Some(config), found) if !found.has_errors() => Ok(config),
            (_, found) => fail(format!("{}\n{:#?}", text(), found.sorted())),
        }
    };
    let has_product = !products.is_empty();
    let mut case = Case {
        manifest: manifest(),
        declarations: Declarations::new(),
        config: parsed(&[file("rolecall.yml", root(has_product), FileKind::Root)])?,
        database,
    };
    let explained = case.explained(&state, &chosen, &products);
    let proposed = &explained.proposed;
    chosen.retain(|role| !explained.roles.contains_key(role) && !explained.groups.contains(role));
    // Who is in them their files say: what was written is all there is.
    let configured = products;
    let products: BTreeSet<Ident> =
        configured.iter().chain(explained.roles.keys()).cloned().collect();
    let imported = import(&Asked {
        state: &state,
        dialect,
        chosen: &chosen,
        named: &products,
        creator: Some(&state.server.acting_as),
        dbts: &dbts(),
        entry: &|member, _| Ok(entry(&state, member)),
    });
    let files = files(&imported, &explained, has_product);
    let text = || files.iter().map(|file| file.text.clone()).collect::<Vec<_>>().join("\n");
    case.config = parsed(&files)?;
    let blocks = proposed.blocks.iter().map(|one| (one.unique_id.clone(), one.block.clone()));
    case.declarations.extend(blocks);
    // What is declared is declared: there is nothing more to propose.
    let again = case.proposed(&state, &products);
    if !again.blocks.is_empty() || again.left != proposed.left {
        return fail(format!("proposed again: {again:#?}\nafter {proposed:#?}"));
    }
    let adopt = Options { adopt: true, ..Options::default() };
    let adopting = case.compare(session, &adopt).await?;
    let show = |difference: &Difference| {
        let steps = difference.steps.iter().map(|step| format!("\n  {:?}", step.change));
        format!(
            "{}{:#?}{}\n{:#?}\n{:#?}",
            text(),
            explained,
            steps.collect::<String>(),
            difference.refused,
            difference.found
        )
    };
    let only_markers =
        adopting.steps.iter().all(|step| matches!(step.change, Change::AdoptRole { .. }));
    if !only_markers || !adopting.refused.is_empty() || adopting.found.has_errors() {
        return fail(format!("adopting changes more than markers\n{}", show(&adopting)));
    }
    let changes: Vec<Change> = adopting.steps.iter().map(|step| step.change.clone()).collect();
    session.execute(&changes).await.map_err(failed)?;
    let after = session.read_access().await.map_err(failed)?;
    if without_markers(&before) != without_markers(&after) {
        return fail(format!("somebody's access changed\n{}", show(&adopting)));
    }
    let second = case.compare(session, &Options::default()).await?;
    if !second.steps.is_empty() || !second.refused.is_empty() || second.found.has_errors() {
        return fail(format!("the plan is not empty\n{}", show(&second)));
    }
    // Nothing was forgotten: --prune, which takes what nobody declares, finds only what is named.
    let prune = Options { prune: true, allow_revokes: Some(u64::MAX), ..Options::default() };
    let pruned = case.compare(session, &prune).await?;
    let left = imported.left.iter().chain(&proposed.left);
    let named: BTreeSet<&Ident> = left.map(|left| &left.role).collect();
    let adopts = |change: &Change| matches!(change, Change::AdoptRole { .. });
    let forgotten = pruned.steps.iter().find(|step| {
        !adopts(&step.change)
            && !is_membership_of(&step.change, &configured)
            && !roles_of(&step.change).iter().any(|role| named.contains(role))
    });
    if let Some(step) = forgotten {
        return fail(format!("not imported and not named: {:?}\n{}", step.change, show(&pruned)));
    }
    count(&imported, tally);
    tally.products.set(tally.products.get() + u32::from(has_product));
    tally.explained.set(tally.explained.get() + explained.roles.len());
    tally.not.set(tally.not.get() + explained.not.len());
    tally.proposed.set(tally.proposed.get() + proposed.blocks.len());
    tally.states.set(tally.states.get() + 1);
    Ok(())
}

/// All that decides, but for comments.
fn without_markers(state: &AccessState) -> AccessState {
    let mut state = state.clone();
    for role in state.roles.values_mut() {
        role.marker = MarkerReading::None;
    }
    state.memberships.sort();
    state
}

/// Who is in a product role its owners say: `import --members` brings that in.
fn is_membership_of(change: &Change, products: &BTreeSet<Ident>) -> bool {
    match change {
        Change::RemoveMember { role, .. }
        | Change::RevokeAdminOption { role, .. }
        | Change::AddMember { role, .. } => products.contains(role),
        _ => false,
    }
}

fn roles_of(change: &Change) -> Vec<&Ident> {
    match change {
        Change::Revoke { role, .. }
        | Change::RevokeGrantOption { role, .. }
        | Change::RevokeDefault { role, .. }
        | Change::Grant { role, .. }
        | Change::GrantDefault { role, .. } => vec![role],
        Change::RemoveMember { role, member, .. }
        | Change::RevokeAdminOption { role, member, .. }
        | Change::AddMember { role, member, .. } => vec![role, member],
        Change::SetOwner { from, .. } => vec![from],
        Change::AdoptRole { role, .. } => vec![role],
        _ => Vec::new(),
    }
}

fn count(imported: &Imported, tally: &Tally) {
    let add = |cell: &Cell<usize>, more: usize| cell.set(cell.get() + more);
    add(&tally.roles, imported.roles.len());
    add(&tally.left, imported.left.len());
    if imported.left.is_empty() {
        tally.whole.set(tally.whole.get() + 1);
    }
    for role in imported.roles.values() {
        add(&tally.grants, role.grants.len());
        add(&tally.members, role.members.as_ref().map_or(0, Vec::len));
        for grant in &role.grants {
            use rolecall::import::live::{Name, What};
            let wild = grant.object == Some(Name::All) || grant.schema == Some(Name::All);
            add(&tally.wild, usize::from(wild && grant.all));
            add(&tally.future, usize::from(wild && !grant.all));
            add(&tally.owned, usize::from(grant.what == What::Ownership));
        }
    }
}
