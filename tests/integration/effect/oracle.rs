//! Every answer for every role, object and privilege is the server's own, in thousands of random
//! states. Each is built inside one open transaction, asked about, and rolled back.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use rolecall::effect::{AccessState, Effect, Step};
use rolecall::model::{ObjectClass, Privilege, PrivilegeSet, Securable};
use rolecall::warehouse::engine::Engine;
use rolecall::warehouse::postgres::Postgres;
use tokio::runtime::Runtime;

use super::world::{NEW, Op, ROLES, ground, ops, quoted};
use super::{queries, rows};
use crate::engines::{self, id};

/// How many random states there are in a run, all servers together.
const STATES: u32 = 2000;

#[test]
fn every_answer_is_the_servers_own() {
    engines::on_each_version(STATES, "ROLECALL_EFFECT_CASES", hold);
}

/// What has been seen, so that a test that sees nothing fails.
#[derive(Debug, Default)]
pub struct Tally {
    pub states: Cell<u32>,
    /// Answers that were compared, and how many of them were yes.
    pub answers: Cell<usize>,
    pub held: Cell<usize>,
    /// Queries under SET ROLE, and how many of them went through.
    pub queries: Cell<usize>,
    pub through: Cell<usize>,
    /// Statements that reached rows of another relation, of these a part of them, and of these from beside.
    pub reached: Cell<usize>,
    pub parts: Cell<usize>,
    pub beside: Cell<usize>,
    /// Privileges without use, and what was of use only after SET ROLE.
    pub useless: Cell<usize>,
    pub by_set_role: Cell<usize>,
    /// New objects.
    pub new: Cell<usize>,
}

pub fn add(cell: &Cell<usize>, more: usize) {
    cell.set(cell.get() + more);
}

fn hold(runtime: &Runtime, engine: &Engine, cases: u32, at: u64) -> u32 {
    let session = runtime.block_on(async {
        let admin = engines::session(&engine.url("postgres")).await;
        admin.batch_execute("create database effect").await.unwrap();
        let session = Postgres::connect(&engine.url("effect")).await.unwrap();
        session.say(&ground()).await.unwrap();
        session.say(queries::HELPERS).await.unwrap();
        session.say(rows::REACHES).await.unwrap();
        session
    });
    let mut config =
        Config { cases, max_shrink_iters: 400, failure_persistence: None, ..Config::default() };
    // Other states on each server.
    if let RngSeed::Fixed(seed) = config.rng_seed {
        config.rng_seed = RngSeed::Fixed(seed + at);
    }
    let tally = Tally::default();
    let ended = TestRunner::new(config).run(&ops(), |ops| {
        runtime.block_on(async {
            session.say("begin").await.map_err(failed)?;
            let ended = check(&session, &ops, &tally).await;
            session.say("rollback").await.map_err(failed)?;
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
    let states = tally.states.get() as usize;
    assert!(tally.answers.get() > states * 1000, "{told}");
    for seen in [&tally.held, &tally.queries, &tally.through] {
        assert!(seen.get() > states * 5, "hardly anything: {told}");
    }
    for seen in [&tally.useless, &tally.new, &tally.reached, &tally.parts] {
        assert!(seen.get() > states / 4, "hardly anything: {told}");
    }
    assert!(states < 100 || tally.beside.get() > 0, "none: {told}");
    // Before 16 only NOINHERIT leaves something to SET ROLE.
    assert!(states < 200 || tally.by_set_role.get() > 0, "none: {told}");
    if std::env::var_os("ROLECALL_EFFECT_CASES").is_some() {
        eprintln!("{told}");
    }
    tally.states.get()
}

pub fn failed(error: impl std::fmt::Debug) -> TestCaseError {
    TestCaseError::fail(format!("{error:?}"))
}

/// Fails with the first few of what is wrong.
pub fn none(wrong: Vec<String>) -> Result<(), TestCaseError> {
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(TestCaseError::fail(wrong[..wrong.len().min(12)].join("\n"))),
    }
}

async fn check(session: &Postgres, ops: &[Op], tally: &Tally) -> Result<(), TestCaseError> {
    queries::say_all(session, ops).await?;
    let state = session.read_access().await.map_err(failed)?;
    let effect = Effect::of(&state);
    privileges(session, &effect, tally).await?;
    relations_of_roles(session, &effect, tally).await?;
    // What is costly, for a part of them; which part is the state's own.
    if ops.len().is_multiple_of(2) {
        queries::under_set_role(session, &effect, tally).await?;
        rows::reached(session, &effect, tally).await?;
    }
    if ops.len().is_multiple_of(4) {
        told_alike(&effect, tally)?;
    }
    to_come(session, &state, &effect, ops.len(), tally).await?;
    tally.states.set(tally.states.get() + 1);
    Ok(())
}

/// Each object with the privileges of its kind, and what each role has of them, or may pass on.
const ASK: &str = r#"
    with kinds(kind, privileges) as (values
      ('database', array['CREATE', 'CONNECT', 'TEMPORARY']),
      ('schema', array['USAGE', 'CREATE']),
      ('sequence', array['USAGE', 'SELECT', 'UPDATE']),
      ('routine', array['EXECUTE']),
      ('column', array['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']),
      ('relation', array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']
                   || case when $1 then array['MAINTAIN'] else '{}' end)),
    objects(kind, relkind, schema, name, part, nth, oid) as (
      select 'database', '', null, datname::text, null, 0, oid from pg_database
      where datname = current_database()
      union all
      select 'schema', '', nspname::text, nspname::text, null, 0, oid from pg_namespace
      where nspname in ('s0', 's1', 'public')
      union all
      select case relkind when 'S' then 'sequence' else 'relation' end, relkind::text,
             relnamespace::regnamespace::text, relname::text, null, 0, oid
      from pg_class where relnamespace in ('s0'::regnamespace, 's1'::regnamespace)
      and relkind in ('r', 'p', 'v', 'm', 'S')
      union all
      select 'column', relkind::text, relnamespace::regnamespace::text, relname::text,
             attname::text, attnum, c.oid
      from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
      where relnamespace in ('s0'::regnamespace, 's1'::regnamespace) and relkind in ('r', 'p', 'v', 'm')
      union all
      select 'routine', '', pronamespace::regnamespace::text, proname::text,
             oidvectortypes(proargtypes), 0, oid
      from pg_proc where pronamespace in ('s0'::regnamespace, 's1'::regnamespace))
    select r.rolname::text, kind, relkind, schema, name, part, has.plain, has.passed
    from pg_roles r, objects o join kinds using (kind),
    lateral (select array_agg(p) filter (where case kind
        when 'database' then has_database_privilege(r.oid, o.oid, p)
        when 'schema' then has_schema_privilege(r.oid, o.oid, p)
        when 'sequence' then has_sequence_privilege(r.oid, o.oid, p)
        when 'routine' then has_function_privilege(r.oid, o.oid, p)
        when 'column' then has_column_privilege(r.oid, o.oid, o.nth::int2, p)
        else has_table_privilege(r.oid, o.oid, p) end) as plain,
      array_agg(p) filter (where case kind
        when 'database' then has_database_privilege(r.oid, o.oid, p || ' WITH GRANT OPTION')
        when 'schema' then has_schema_privilege(r.oid, o.oid, p || ' WITH GRANT OPTION')
        when 'sequence' then has_sequence_privilege(r.oid, o.oid, p || ' WITH GRANT OPTION')
        when 'routine' then has_function_privilege(r.oid, o.oid, p || ' WITH GRANT OPTION')
        when 'column' then has_column_privilege(r.oid, o.oid, o.nth::int2, p || ' WITH GRANT OPTION')
        else has_table_privilege(r.oid, o.oid, p || ' WITH GRANT OPTION') end) as passed
      from unnest(kinds.privileges) p) has
    where r.rolname = any($2) and starts_with(o.name, 'new') = $3"#;

fn set(words: Option<Vec<&str>>) -> PrivilegeSet {
    words.into_iter().flatten().map(|word| Privilege::parse(word).unwrap()).collect()
}

/// Roles that are asked about: the random ones, and two of the server's.
fn asked() -> Vec<&'static str> {
    ROLES.into_iter().chain(["postgres", "pg_read_all_data"]).collect()
}

async fn privileges(
    session: &Postgres,
    effect: &Effect<'_>,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let version = effect.state().version;
    let rows = session.client().query(ASK, &[&(version >= 170_000), &asked(), &false]).await;
    let rows = rows.map_err(failed)?;
    let as_role: BTreeMap<&str, _> =
        asked().into_iter().map(|role| (role, effect.role(&id(role)).unwrap())).collect();
    let ownership = PrivilegeSet::of(&[Privilege::OWNERSHIP]);
    let mut wrong = Vec::new();
    for row in &rows {
        let (role, kind, relkind): (&str, &str, &str) = (row.get(0), row.get(1), row.get(2));
        let schema = row.get::<_, Option<&str>>(3).map(id);
        let (name, part): (&str, Option<&str>) = (row.get(4), row.get(5));
        let (database, name) = (effect.state().database.clone(), id(name));
        let class = match relkind {
            "S" => ObjectClass::Sequence,
            "v" => ObjectClass::View,
            "m" => ObjectClass::MaterializedView,
            _ => ObjectClass::Table,
        };
        let on = match (kind, schema, part) {
            ("schema", Some(schema), _) => Securable::schema(database, schema),
            ("column", Some(schema), Some(column)) => {
                Securable::column(database, schema, name, id(column))
            }
            ("routine", Some(schema), Some(types)) => {
                let types = types.to_owned();
                Securable::routine(ObjectClass::Function, database, schema, name, types)
            }
            (_, Some(schema), _) => Securable::in_schema(class, database, schema, name),
            (..) => Securable::database(database),
        };
        let ours = as_role[role].held(&on);
        let (plain, passed) = (set(row.get(6)), set(row.get(7)));
        let privileges = ours.privileges.minus(ownership);
        if (privileges, ours.grantable) != (plain, passed) {
            wrong.push(format!(
                "{role} on {kind} {on}: the server {plain:?} ({passed:?}), we {privileges:?} ({:?})",
                ours.grantable
            ));
        }
        add(&tally.answers, 2 * effect.state().privileges_of(on.class()).len());
        add(&tally.held, plain.len());
    }
    none(wrong)
}

async fn relations_of_roles(
    session: &Postgres,
    effect: &Effect<'_>,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let set_role = if effect.state().version >= 160_000 { "SET" } else { "MEMBER" };
    let sql = format!(
        "select a.rolname::text, b.rolname::text, pg_has_role(a.oid, b.oid, 'MEMBER'),
                pg_has_role(a.oid, b.oid, 'USAGE'), pg_has_role(a.oid, b.oid, '{set_role}')
         from pg_roles a, pg_roles b
         where a.rolname = any($1)
           and (b.rolname = any($1) or b.rolname in ('pg_database_owner', 'pg_write_all_data'))"
    );
    let mut wrong = Vec::new();
    for row in &session.client().query(&sql, &[&asked()]).await.map_err(failed)? {
        let (a, b) = (id(row.get(0)), id(row.get(1)));
        let said: (bool, bool, bool) = (row.get(2), row.get(3), row.get(4));
        let ours = (
            effect.is_member(&a, &b),
            effect.has_privileges_of(&a, &b),
            effect.can_set_role(&a, &b),
        );
        if said != ours {
            wrong.push(format!("{a} in {b}: the server {said:?}, we {ours:?}"));
        }
        add(&tally.answers, 3);
    }
    none(wrong)
}

/// The walk from an object to everyone says what the walk from each role says, and every chain is
/// one: it starts at the role, each step goes on from the one before, and no other is shorter.
fn told_alike(effect: &Effect<'_>, tally: &Tally) -> Result<(), TestCaseError> {
    let mut wrong = Vec::new();
    for on in effect.state().objects.keys() {
        for privilege in effect.state().privileges_of(on.class()).iter() {
            let holders: BTreeMap<_, _> =
                effect.who(on, privilege).into_iter().map(|who| (who.role, who)).collect();
            for name in ROLES.map(id) {
                let role = effect.role(&name).unwrap();
                let answer = role.answer(on, privilege);
                let holder = holders.get(&name);
                if answer.privilege != holder.is_some_and(|holder| holder.answer.privilege) {
                    wrong.push(format!("{name} {privilege} on {on}: {answer:?}, {holder:?}"));
                    continue;
                }
                let by_set_role = match answer.usable() {
                    true => None,
                    false => role.usable_by_set_role(on, privilege),
                };
                let told = holder.and_then(|holder| holder.by_set_role.as_ref());
                if by_set_role.is_some() != told.is_some() {
                    wrong.push(format!("{name} {privilege} on {on}: {by_set_role:?}, {told:?}"));
                }
                let through = role.through(on, privilege).filter(|_| !answer.usable());
                let told_through = holder.and_then(|holder| holder.through.as_ref());
                if through.as_ref().map(|it| (it.usable(), it.by_set_role))
                    != told_through.map(|it| (it.usable(), it.by_set_role))
                {
                    wrong
                        .push(format!("{name} {privilege} on {on}: {through:?}, {told_through:?}"));
                }
                add(&tally.by_set_role, usize::from(told.is_some()));
                add(&tally.useless, usize::from(answer.privilege && !answer.usable()));
                let shortest = role.reason(on, privilege);
                let (all, _) = role.reasons(on, privilege);
                let lengths: Vec<usize> = all.iter().map(|chain| chain.steps.len()).collect();
                let of_holder = holder.and_then(|holder| holder.chain.as_ref());
                let length = |chain: Option<&rolecall::effect::Chain<'_>>| {
                    chain.map(|chain| chain.steps.len())
                };
                let near = length(shortest.as_ref());
                let chains = of_holder.iter().copied().chain(told).chain(&all);
                if answer.privilege != shortest.is_some()
                    || near != length(of_holder)
                    || near != lengths.iter().min().copied()
                    || all.iter().collect::<BTreeSet<_>>().len() != all.len()
                    || !chains.into_iter().all(|chain| joined(&name, &chain.steps))
                    || holder.is_some_and(|holder| of_holder.is_some() && holder.answer != answer)
                {
                    wrong.push(format!("{name} {privilege} on {on}: {holder:?}\n{all:?}"));
                }
            }
        }
    }
    none(wrong)
}

fn joined(who: &rolecall::model::Ident, steps: &[Step<'_>]) -> bool {
    let mut at = who;
    for (place, step) in steps.iter().enumerate() {
        let last = place + 1 == steps.len();
        let fits = match step {
            Step::Member { member, role, .. } | Step::SetRole { member, role, .. } => {
                let fits = *member == at && !last;
                at = *role;
                fits
            }
            Step::Grant { role, .. } => last && role.is_none_or(|role| role == at),
            Step::Owner { role, .. } | Step::Superuser { role } | Step::Predefined { role, .. } => {
                last && *role == at
            }
            Step::Parent { .. } | Step::Child { .. } => false,
        };
        if !fits {
            return false;
        }
    }
    !steps.is_empty()
}

/// What is foretold of new objects is what they have when they are made.
async fn to_come(
    session: &Postgres,
    state: &AccessState,
    effect: &Effect<'_>,
    pick: usize,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let creator = ROLES[pick % ROLES.len()];
    let schema = ["s0", "s1"][pick / ROLES.len() % 2];
    let mut sql = format!(
        "grant usage, create on schema {schema} to {who}; set local role {who};",
        who = quoted(creator)
    );
    for (_, create) in NEW {
        sql.push_str(&create.replace("{schema}", schema));
        sql.push(';');
    }
    sql.push_str("reset role");
    session.say(&sql).await.map_err(failed)?;
    let rows = session.client().query(ASK, &[&(state.version >= 170_000), &asked(), &true]).await;
    let mut wrong = Vec::new();
    for row in &rows.map_err(failed)? {
        let (role, kind, name): (&str, &str, &str) = (row.get(0), row.get(1), row.get(4));
        let class = match (name, kind) {
            ("new0", "relation") => ObjectClass::Table,
            ("new1", _) => ObjectClass::Sequence,
            ("new2", _) => ObjectClass::Function,
            _ => continue,
        };
        let object = state.to_come(&id(creator), &(state.database.clone(), id(schema)), class);
        let ours = effect.role(&id(role)).unwrap().held_on(class, &object);
        let ours = ours.privileges.minus(PrivilegeSet::of(&[Privilege::OWNERSHIP]));
        let plain = set(row.get(6));
        if ours != plain {
            wrong.push(format!("{role} on a new {class} of {creator}: {plain:?}, we {ours:?}"));
        }
        add(&tally.new, 1);
    }
    none(wrong)
}
