//! The warehouse in memory, on which the laws are tested, does to the letter what a server does.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use rolecall::model::{
    Change, Ident, Marker, MemberKind, ObjectClass, ObservedState, Privilege, PrivilegeSet,
    Securable,
};
use rolecall::warehouse::engine::native::Options;
use rolecall::warehouse::memory::Memory;
use rolecall::warehouse::postgres::Postgres;
use rolecall::warehouse::{Execute, Look, Observe};

use crate::engines::{Ground, id};

/// What somebody did before us.
#[derive(Debug, Clone)]
enum Past {
    Owner(usize, usize),
    Grant(usize, usize, usize, bool),
    /// By `~p`, who got the grant option for it.
    PassedOn(usize, usize, usize, bool),
    Column(usize, usize),
    Member(usize, usize, bool),
    Default(usize, usize, bool),
}

/// What we do; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Step {
    Create(usize),
    Rename(usize, usize),
    Reset(usize),
    Grant(usize, usize, usize),
    Add(usize, usize),
    Own(usize, usize),
    Revoke(usize, bool),
    RevokeOption(usize),
    RevokeDefault(usize),
    RevokeAdmin(usize),
    Remove(usize),
    Drop(usize),
}

fn past() -> impl Strategy<Value = Past> {
    let n = 0..4_usize;
    prop_oneof![
        1 => (0..3_usize, n.clone()).prop_map(|(t, r)| Past::Owner(t, r)),
        3 => (0..3_usize, n.clone(), 0..3_usize, any::<bool>())
            .prop_map(|(t, r, p, o)| Past::Grant(t, r, p, o)),
        3 => (0..3_usize, n.clone(), 0..3_usize, any::<bool>())
            .prop_map(|(t, r, p, o)| Past::PassedOn(t, r, p, o)),
        2 => (0..3_usize, n.clone()).prop_map(|(t, r)| Past::Column(t, r)),
        2 => (n.clone(), n.clone(), any::<bool>()).prop_map(|(r, m, a)| Past::Member(r, m, a)),
        1 => (n.clone(), n, any::<bool>()).prop_map(|(c, r, s)| Past::Default(c, r, s)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let n = 0..4_usize;
    let place = 0..100_usize;
    prop_oneof![
        1 => (4..6_usize).prop_map(Step::Create),
        1 => (n.clone(), 3..8_usize).prop_map(|(a, b)| Step::Rename(a, b)),
        1 => n.clone().prop_map(Step::Reset),
        4 => (0..3_usize, n.clone(), 0..3_usize).prop_map(|(t, r, p)| Step::Grant(t, r, p)),
        3 => (n.clone(), n.clone()).prop_map(|(r, m)| Step::Add(r, m)),
        2 => (0..3_usize, n.clone()).prop_map(|(t, r)| Step::Own(t, r)),
        5 => (place.clone(), any::<bool>()).prop_map(|(e, all)| Step::Revoke(e, all)),
        2 => place.clone().prop_map(Step::RevokeOption),
        1 => place.clone().prop_map(Step::RevokeDefault),
        1 => place.clone().prop_map(Step::RevokeAdmin),
        2 => place.prop_map(Step::Remove),
        2 => n.prop_map(Step::Drop),
    ]
}

const PRIVILEGES: [&str; 3] = ["select", "insert", "select, update"];

impl Past {
    fn sql(&self) -> String {
        let option = |yes: &bool| if *yes { " with grant option" } else { "" };
        match self {
            Past::Owner(t, r) => format!("alter table s.t{t} owner to ~m{r}"),
            Past::Grant(t, r, p, o) => {
                format!("grant {} on s.t{t} to ~m{r}{}", PRIVILEGES[*p], option(o))
            }
            Past::PassedOn(t, r, p, o) => format!(
                "grant {p} on s.t{t} to ~p with grant option; set local role ~p;
                 grant {p} on s.t{t} to ~m{r}{}; reset role",
                option(o),
                p = PRIVILEGES[*p]
            ),
            Past::Column(t, r) => format!("grant select (x) on s.t{t} to ~m{r}"),
            Past::Member(r, m, a) => {
                // Only downwards, so that nothing goes round in a circle.
                let (role, member) = (r.min(m), r.max(m));
                if role == member {
                    return "select 1".to_owned();
                }
                format!(
                    "grant ~m{role} to ~m{member}{}",
                    if *a { " with admin option" } else { "" }
                )
            }
            Past::Default(c, r, schema) => {
                if c == r {
                    return "select 1".to_owned();
                }
                let place = if *schema { " in schema s" } else { "" };
                format!(
                    "alter default privileges for role ~m{c}{place} grant select on tables to ~m{r}"
                )
            }
        }
    }
}

impl Step {
    /// The change, given what is there; `None` where there is nothing to choose from.
    fn change(&self, ground: &Ground, state: &ObservedState) -> Option<Change> {
        let role = |number: &usize| ground.role(&format!("m{number}"));
        let table = |number: &usize| {
            Securable::in_schema(
                ObjectClass::Table,
                id(&ground.database),
                id("s"),
                id(&format!("t{number}")),
            )
        };
        let privileges = |number: &usize| -> PrivilegeSet {
            PRIVILEGES[*number].split(',').filter_map(Privilege::parse).collect()
        };
        Some(match self {
            Step::Create(r) => {
                let marker = Marker {
                    deployment: ground.own("~shop"),
                    environment: "prod".into(),
                    instance: None,
                    product: "p".into(),
                    role: "r".into(),
                    policy: None,
                    immutable: false,
                    playbook: None,
                    adopted: false,
                };
                Change::CreateRole { role: role(r), marker }
            }
            Step::Rename(a, b) => Change::RenameRole { from: role(a), to: role(b) },
            Step::Reset(r) => Change::ResetAttributes {
                role: role(r),
                attributes: state.roles.get(&role(r))?.attributes.clone(),
            },
            Step::Grant(t, r, p) => {
                Change::Grant { on: table(t), role: role(r), privileges: privileges(p) }
            }
            Step::Add(r, m) => {
                Change::AddMember { role: role(r), member: role(m), kind: MemberKind::Role }
            }
            Step::Own(t, r) => {
                let from = state.inventory.relation(&table(t)).unwrap().owner.clone();
                Change::SetOwner { on: table(t), from, to: role(r) }
            }
            Step::Revoke(at, all) => {
                let entry = pick(&state.acl, *at)?;
                let one = entry.privileges.iter().take(1).collect();
                Change::Revoke {
                    on: entry.on.clone(),
                    role: entry.grantee.clone(),
                    privileges: if *all { entry.privileges } else { one },
                    grantor: Some(entry.grantor.clone()),
                }
            }
            Step::RevokeOption(at) => {
                let entry = pick(&state.acl, *at).filter(|entry| !entry.grantable.is_empty())?;
                Change::RevokeGrantOption {
                    on: entry.on.clone(),
                    role: entry.grantee.clone(),
                    privileges: entry.grantable,
                    grantor: entry.grantor.clone(),
                }
            }
            Step::RevokeDefault(at) => {
                let it = pick(&state.defaults, *at)?;
                Change::RevokeDefault {
                    creator: it.creator.clone(),
                    database: it.database.clone(),
                    schema: it.schema.clone(),
                    class: it.class,
                    role: it.grantee.clone(),
                    privileges: it.privileges,
                }
            }
            Step::RevokeAdmin(at) => {
                let it = pick(&state.memberships, *at).filter(|it| it.admin)?;
                Change::RevokeAdminOption {
                    role: it.role.clone(),
                    member: it.member.clone(),
                    grantor: it.grantor.clone(),
                }
            }
            Step::Remove(at) => {
                let it = pick(&state.memberships, *at)?;
                Change::RemoveMember {
                    role: it.role.clone(),
                    member: it.member.clone(),
                    kind: MemberKind::Role,
                    grantor: Some(it.grantor.clone()),
                }
            }
            Step::Drop(r) => Change::DropRole { role: role(r) },
        })
    }
}

fn pick<T>(list: &[T], at: usize) -> Option<&T> {
    list.get(at.checked_rem(list.len())?)
}

fn look(ground: &Ground) -> Look {
    let mut roles: BTreeSet<Ident> = (0..8).map(|at| ground.role(&format!("m{at}"))).collect();
    roles.insert(ground.role("p"));
    Look { roles, ..ground.look(&[]) }
}

/// One case, in one transaction that is undone at its end.
async fn agree(
    ground: &Ground,
    session: &mut Postgres,
    past: &[Past],
    steps: &[Step],
) -> Result<(), TestCaseError> {
    session.begin().await.unwrap();
    for past in past {
        session.say(&ground.own(&past.sql())).await.unwrap();
    }
    let look = look(ground);
    let start = session.observe(&look).await.unwrap();
    let mut memory = Memory::new(start);
    memory.begin().await.unwrap();
    for step in steps {
        let Some(change) = step.change(ground, memory.state()) else { continue };
        let by_memory = memory.execute(std::slice::from_ref(&change)).await;
        let by_server = session.execute(std::slice::from_ref(&change)).await;
        prop_assert_eq!(
            by_memory.is_ok(),
            by_server.is_ok(),
            "{:?}: {:?} but {:?}",
            change,
            by_memory,
            by_server
        );
        if by_server.is_err() {
            break;
        }
        let seen = session.observe(&look).await.unwrap();
        let (mut memory, mut seen) = (memory.state().clone(), seen);
        // Other tests' roles come and go.
        for state in [&mut memory, &mut seen] {
            state.roles.retain(|role, _| role.as_str().starts_with(&ground.prefix));
        }
        prop_assert_eq!(memory, seen, "after {:?}", change);
    }
    Ok(())
}

#[test]
fn the_warehouse_in_memory_changes_as_a_server_does() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Of its own: where other tests rename roles meanwhile, what is read is read again, and a transaction
    // of ours cannot be.
    let grounds: Vec<Ground> = crate::engines::bins()
        .into_iter()
        .map(|bin| {
            let engine = crate::engines::apart(&Options { bin, ..Options::default() });
            runtime.block_on(Ground::on(engine))
        })
        .collect();
    for ground in grounds {
        runtime.block_on(ground.sql(
            "create role ~m0; create role ~m1; create role ~m2 noinherit login; create role ~m3; create role ~p;
             create schema s; grant usage on schema s to public;
             create table s.t0 (x int); create table s.t1 (x int); create table s.t2 (x int)",
        ));
        let session = std::cell::RefCell::new(runtime.block_on(ground.connect(None)));
        // PROPTEST_CASES asks for more.
        let cases =
            std::env::var("PROPTEST_CASES").ok().and_then(|it| it.parse().ok()).unwrap_or(40);
        let config = Config { cases, failure_persistence: None, ..Config::default() };
        let inputs =
            (proptest::collection::vec(past(), 0..8), proptest::collection::vec(step(), 1..8));
        TestRunner::new(config)
            .run(&inputs, |(past, steps)| {
                let mut session = session.borrow_mut();
                let agreed = runtime.block_on(agree(&ground, &mut session, &past, &steps));
                runtime.block_on(session.roll_back()).unwrap();
                agreed
            })
            .unwrap_or_else(|error| panic!("{}: {error}", ground.engine.describe()));
    }
}
