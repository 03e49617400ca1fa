//! What is changed on a real server, and what is refused.

use std::time::Duration;

use rolecall::model::{
    Change, Marker, MemberKind, ObjectClass, Privilege, PrivilegeSet, RoleAttributes, Securable,
};
use rolecall::warehouse::engine::{Engine, native::Options};
use rolecall::warehouse::postgres::Postgres;
use rolecall::warehouse::{Execute, Observe, WarehouseError};

use crate::engines::{Ground, id, session, snapshot};

const SELECT: PrivilegeSet = PrivilegeSet::of(&[Privilege::SELECT]);

impl Ground {
    fn relation(&self, class: ObjectClass, name: &str) -> Securable {
        Securable::in_schema(class, id(&self.database), id("s"), id(name))
    }

    fn table(&self, name: &str) -> Securable {
        self.relation(ObjectClass::Table, name)
    }

    fn grant(&self, on: Securable, role: &str) -> Change {
        Change::Grant { on, role: self.role(role), privileges: SELECT }
    }

    fn revoke(&self, on: Securable, role: &str, grantor: &str) -> Change {
        let grantor = if grantor == "postgres" { id(grantor) } else { self.role(grantor) };
        Change::Revoke { on, role: self.role(role), privileges: SELECT, grantor: Some(grantor) }
    }

    fn create(&self, role: &str) -> Change {
        let marker = Marker {
            deployment: self.own("~shop"),
            environment: "prod".into(),
            instance: None,
            product: "p".into(),
            role: role.into(),
            policy: None,
            immutable: false,
            playbook: None,
            adopted: false,
        };
        Change::CreateRole { role: self.role(role), marker }
    }

    /// All of it, committed.
    async fn apply(&self, session: &mut Postgres, changes: &[Change]) {
        session.begin().await.unwrap();
        session.execute(changes).await.unwrap();
        session.commit().await.unwrap();
    }

    /// The error of changing, with what must differ between runs taken away; undone after.
    async fn refusal(&self, session: &mut Postgres, changes: &[Change]) -> String {
        session.begin().await.unwrap();
        let error = session.execute(changes).await.unwrap_err();
        session.roll_back().await.unwrap();
        self.strip(&error.to_string())
    }
}

#[tokio::test]
async fn every_change_is_made_in_one_transaction_and_seen_before_its_end() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~taylor login; create role ~gone; create role ~old login createdb noinherit;
                 create schema s; create table s.t (x int); create view s.v as select 1 x;
                 create materialized view s.m as select 1 x; grant select on s.t to ~old;
                 grant ~old to ~gone; create role ~dbt;
                 alter default privileges for role ~dbt grant select on tables to ~old",
            )
            .await;
        ground.mark("~old").await;
        let mut session = ground.connect(None).await;
        session.begin().await.unwrap();
        let old = ground.role("old");
        let changes = [
            ground.create("analyst"),
            Change::RenameRole { from: old.clone(), to: ground.role("new") },
            Change::ResetAttributes {
                role: ground.role("new"),
                attributes: RoleAttributes {
                    login: true,
                    create_db: true,
                    inherit: false,
                    ..RoleAttributes::MANAGED
                },
            },
            ground.grant(ground.table("t"), "analyst"),
            ground.grant(ground.relation(ObjectClass::View, "v"), "analyst"),
            ground.grant(ground.relation(ObjectClass::MaterializedView, "m"), "analyst"),
            Change::AddMember {
                role: ground.role("analyst"),
                member: ground.role("taylor"),
                kind: MemberKind::User,
            },
            Change::SetOwner {
                on: ground.table("t"),
                from: id("postgres"),
                to: ground.role("analyst"),
            },
            Change::RevokeDefault {
                creator: Some(ground.role("dbt")),
                database: id(&ground.database),
                schema: None,
                class: ObjectClass::Table,
                role: ground.role("new"),
                privileges: SELECT,
            },
            Change::RemoveMember {
                role: ground.role("new"),
                member: ground.role("gone"),
                kind: MemberKind::Role,
                grantor: Some(id("postgres")),
            },
        ];
        session.execute(&changes).await.unwrap();
        let inside = session.observe(&ground.look(&[])).await.unwrap();
        assert_eq!(ground.observe(&[]).await.roles.get(&ground.role("analyst")), None);
        session.commit().await.unwrap();
        let after = ground.observe(&[]).await;
        assert_eq!(ground.show(&inside), ground.show(&after));
        assert_eq!(after.roles[&ground.role("new")].attributes, RoleAttributes::MANAGED);
        snapshot!(ground.show(&after), @r"
        table db.s.t: new SELECT by analyst
        view db.s.v: analyst SELECT by postgres
        materialized_view db.s.m: analyst SELECT by postgres
        taylor in analyst: inherit, set by postgres
        analyst owns table db.s.t
        ");
    }
}

#[tokio::test]
async fn what_is_rolled_back_has_never_been() {
    for ground in Ground::each().await {
        ground.sql("create role ~a; create schema s; create table s.t ()").await;
        let mut session = ground.connect(None).await;
        session.begin().await.unwrap();
        let changes = [ground.create("b"), ground.grant(ground.table("t"), "a")];
        session.execute(&changes).await.unwrap();
        session.roll_back().await.unwrap();
        let after = ground.observe(&["a", "b"]).await;
        assert_eq!(ground.show(&after), "");
        assert!(!after.roles.contains_key(&ground.role("b")));
        // The session is good for another transaction.
        ground.apply(&mut session, &changes).await;
        assert_eq!(
            ground.show(&ground.observe(&["a"]).await),
            "table db.s.t: a SELECT by postgres"
        );
    }
}

#[tokio::test]
async fn a_session_that_dies_in_the_middle_leaves_nothing() {
    for ground in Ground::each().await {
        ground.sql("create role ~a; create schema s; create table s.t ()").await;
        let mut session = ground.connect(None).await;
        session.begin().await.unwrap();
        session.execute(&[ground.create("b"), ground.grant(ground.table("t"), "a")]).await.unwrap();
        drop(session);
        // The next one waits for the lock of the dead one, so it sees what is left of it.
        let mut next = ground.connect(None).await;
        next.begin().await.unwrap();
        let after = next.observe(&ground.look(&["a"])).await.unwrap();
        next.roll_back().await.unwrap();
        assert_eq!(ground.show(&after), "");
        assert!(!after.roles.contains_key(&ground.role("b")));
    }
}

#[tokio::test]
async fn a_failed_statement_undoes_all_and_commit_says_so() {
    for ground in Ground::each().await {
        ground.sql("create role ~a; create schema s; create table s.t ()").await;
        let mut session = ground.connect(None).await;
        session.begin().await.unwrap();
        session.execute(&[ground.grant(ground.table("t"), "a")]).await.unwrap();
        let error = session.execute(&[ground.grant(ground.table("nope"), "a")]).await.unwrap_err();
        snapshot!(ground.strip(&error.to_string()), @r#"
        GRANT SELECT ON TABLE "s"."nope" TO "a"
          failed: relation "s.nope" does not exist (SQLSTATE 42P01)
        "#);
        assert!(matches!(session.commit().await, Err(WarehouseError::Retry(_))));
        assert_eq!(ground.show(&ground.observe(&["a"]).await), "");
    }
}

#[tokio::test]
async fn two_runs_on_one_server_wait_for_each_other_across_databases() {
    for ground in Ground::each().await {
        let other = Ground::on(ground.engine).await;
        let mut first = ground.connect(None).await;
        first.begin().await.unwrap();
        let mut second = other.connect(None).await;
        second.set_lock_timeout(Duration::from_millis(50));
        let error = second.begin().await.unwrap_err();
        let WarehouseError::Locked(words) = &error else { panic!("{error}") };
        assert!(words.contains("postgres in database"), "{words}");
        assert!(words.contains("rolecall"), "{words}");
        first.roll_back().await.unwrap();
        second.set_lock_timeout(Duration::from_secs(60));
        second.begin().await.unwrap();
        second.roll_back().await.unwrap();
    }
}

#[tokio::test]
async fn a_grant_of_another_role_is_revoked_as_that_role() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~a; create role ~passer; create role ~owner; create schema s; create table s.t (x int);
                 alter table s.t owner to ~owner; grant usage on schema s to ~passer, ~owner;
                 set role ~owner; grant select on s.t to ~passer with grant option; grant select on s.t to ~a;
                 grant select (x) on s.t to ~a;
                 set role ~passer; grant select on s.t to ~a; reset role;
                 revoke usage on schema s from ~owner",
            )
            .await;
        ground.mark("~a").await;
        snapshot!(ground.show(&ground.observe(&[]).await), @r"
        table db.s.t: a SELECT by owner
        table db.s.t: a SELECT by passer
        column db.s.t.x: a SELECT by owner
        ");
        let mut session = ground.connect(None).await;
        let column = Securable::column(id(&ground.database), id("s"), id("t"), id("x"));
        // The owner has no USAGE on the schema: a superuser acts as it without SET ROLE.
        let changes = [
            ground.revoke(ground.table("t"), "a", "owner"),
            ground.revoke(ground.table("t"), "a", "passer"),
            ground.revoke(column, "a", "owner"),
        ];
        ground.apply(&mut session, &changes).await;
        assert_eq!(ground.show(&ground.observe(&[]).await), "");
        assert_eq!(session.take_notices(), []);
    }
}

#[tokio::test]
async fn a_grant_whose_grantor_it_cannot_be_is_named_and_left() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~a; create role ~passer; create role ~dbt login password 'pw';
                 create schema s authorization ~dbt; grant usage on schema s to ~passer;
                 set role ~dbt; create table s.t (x int); grant select on s.t to ~passer with grant option;
                 set role ~passer; grant select on s.t to ~a; reset role",
            )
            .await;
        let mut session = ground.connect(Some("dbt")).await;
        let changes = [ground.revoke(ground.table("t"), "a", "passer")];
        snapshot!(ground.refusal(&mut session, &changes).await, @r"dbt cannot take away what passer granted on table db.s.t: only the grantor's own REVOKE does, and passer is no role that it may SET ROLE to; let passer revoke it");
        ground.sql("alter role ~passer superuser").await;
        let mut session = ground.connect(None).await;
        snapshot!(ground.refusal(&mut session, &changes).await, @r"postgres cannot take away what passer granted on table db.s.t: only the grantor's own REVOKE does, and passer is a superuser now, and would act as the owner; let passer revoke it");
    }
}

#[tokio::test]
async fn rights_that_others_hang_on_are_never_cut_and_those_are_named() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~a; create role ~b; create schema s; create table s.t (x int); grant usage on schema s to ~a;
                 grant select on s.t to ~a with grant option; set role ~a; grant select on s.t to ~b, public; reset role",
            )
            .await;
        let mut session = ground.connect(None).await;
        let changes = [ground.revoke(ground.table("t"), "a", "postgres")];
        snapshot!(ground.refusal(&mut session, &changes).await, @r#"
        REVOKE SELECT ON TABLE "s"."t" FROM "a"
          failed: dependent privileges exist (SQLSTATE 2BP01)
          others hold it through the role that would lose it, and are never cut off unseen: revoke theirs first
          a passed SELECT on table db.s.t on to b
          a: SELECT on table db.s.t, passed on to PUBLIC
        "#);
    }
}

#[tokio::test]
async fn without_createrole_grants_work_and_roles_are_refused_before_anything_happens() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~a; create role ~dbt login password 'pw'; create schema s authorization ~dbt;
                 set role ~dbt; create table s.t (); reset role",
            )
            .await;
        let mut session = ground.connect(Some("dbt")).await;
        ground.apply(&mut session, &[ground.grant(ground.table("t"), "a")]).await;
        let shown = ground.show(&ground.observe(&["a"]).await);
        assert_eq!(shown, "table db.s.t: a SELECT by dbt");
        ground.apply(&mut session, &[ground.revoke(ground.table("t"), "a", "dbt")]).await;
        assert_eq!(ground.show(&ground.observe(&["a"]).await), "");
        let changes = [ground.grant(ground.table("t"), "a"), ground.create("b")];
        snapshot!(ground.refusal(&mut session, &changes).await, @r#"
        dbt may not change roles or memberships (create b): it has no CREATEROLE; let a superuser run
          ALTER ROLE "dbt" CREATEROLE
        "#);
    }
}

#[tokio::test]
async fn from_16_on_the_lock_needs_the_admin_option_and_the_message_says_how() {
    for ground in Ground::each().await {
        // The lock role is there, made by the superuser.
        let mut admin = ground.connect(None).await;
        admin.begin().await.unwrap();
        admin.roll_back().await.unwrap();
        ground.sql("create role ~deploy login createrole password 'pw'").await;
        let mut session = ground.connect(Some("deploy")).await;
        if ground.version().await >= 16 {
            let error = session.begin().await.unwrap_err().to_string();
            snapshot!(ground.strip(&error), @r#"
        deploy may not take the lock that keeps two runs on this server apart: that needs the admin option on the role rolecall_lock; let whoever has it, or a superuser, run
          GRANT rolecall_lock TO "deploy" WITH ADMIN OPTION
        "#);
            ground.sql("grant rolecall_lock to ~deploy with admin option").await;
        }
        ground.apply(&mut session, &[ground.create("made")]).await;
        assert!(ground.observe(&[]).await.roles.contains_key(&ground.role("made")));
    }
}

#[tokio::test]
async fn two_sessions_may_make_the_lock_role_at_once() {
    let bin = crate::engines::bins().into_iter().next().flatten();
    let engine = Engine::native(&Options { bin, ..Options::default() }).unwrap();
    let mut sessions = Vec::new();
    for _ in 0..8 {
        sessions.push(Postgres::connect(&engine.url("postgres")).await.unwrap());
    }
    let running: Vec<_> = sessions
        .into_iter()
        .map(|mut session| {
            tokio::spawn(async move {
                session.begin().await.unwrap();
                session.commit().await.unwrap();
            })
        })
        .collect();
    for one in running {
        one.await.unwrap();
    }
}

#[tokio::test]
async fn a_rename_of_a_granted_table_waits_instead_of_failing() {
    for ground in Ground::each().await {
        ground.sql("create role ~a; create schema s; create table s.t ()").await;
        let mut session_of_ours = ground.connect(None).await;
        session_of_ours.begin().await.unwrap();
        session_of_ours.execute(&[ground.grant(ground.table("t"), "a")]).await.unwrap();
        let dbt = session(&ground.url(None)).await;
        let pid: i32 = dbt.query_one("select pg_backend_pid()", &[]).await.unwrap().get(0);
        let rename =
            tokio::spawn(async move { dbt.batch_execute("alter table s.t rename to u").await });
        let waits =
            format!("select wait_event_type = 'Lock' from pg_stat_activity where pid = {pid}");
        while ground.ask(&waits).await != ["t"] {
            tokio::task::yield_now().await;
        }
        session_of_ours.commit().await.unwrap();
        rename.await.unwrap().unwrap();
        assert_eq!(
            ground.show(&ground.observe(&["a"]).await),
            "table db.s.u: a SELECT by postgres"
        );
    }
}

#[tokio::test]
async fn a_commit_whose_answer_was_lost_is_known_after_all() {
    for ground in Ground::each().await {
        ground.sql("create role ~a; create schema s; create table s.t ()").await;
        for (committed, last) in
            [(true, "commit"), (false, "select pg_terminate_backend(pg_backend_pid())")]
        {
            let mut session = ground.connect(None).await;
            session.begin().await.unwrap();
            session.execute(&[ground.grant(ground.table("t"), "a")]).await.unwrap();
            // The session's own COMMIT finds the connection gone.
            let _ = session.say(last).await;
            if committed {
                let _ = session.say("select pg_terminate_backend(pg_backend_pid())").await;
            }
            let ended = session.commit().await;
            assert_eq!(ended.is_ok(), committed, "{ended:?}");
            if !committed {
                assert!(matches!(ended, Err(WarehouseError::Retry(_))));
            }
            assert_eq!(ground.show(&ground.observe(&["a"]).await).is_empty(), !committed);
            ground.sql("revoke select on s.t from ~a").await;
        }
    }
}

#[tokio::test]
async fn too_many_tables_for_the_locks_are_refused_naming_the_setting_or_not_locked() {
    for bin in crate::engines::bins() {
        let settings = vec![
            ("max_locks_per_transaction".to_owned(), "10".to_owned()),
            ("max_connections".to_owned(), "10".to_owned()),
            ("max_wal_senders".to_owned(), "0".to_owned()),
        ];
        let engine = Engine::native(&Options { bin, settings, ..Options::default() }).unwrap();
        let admin = session(&engine.url("postgres")).await;
        admin.batch_execute("create role a; create schema s").await.unwrap();
        for number in 1..=60 {
            admin.batch_execute(&format!("create table s.t{number} ()")).await.unwrap();
        }
        let mut session = Postgres::connect(&engine.url("postgres")).await.unwrap();
        let changes: Vec<Change> = (1..=60)
            .map(|number| Change::Grant {
                on: Securable::in_schema(
                    ObjectClass::Table,
                    id("postgres"),
                    id("s"),
                    id(&format!("t{number}")),
                ),
                role: id("a"),
                privileges: SELECT,
            })
            .collect();
        session.begin().await.unwrap();
        let done = session.execute(&changes).await;
        if engine.describe().starts_with("PostgreSQL 18") {
            let error = done.unwrap_err();
            assert!(matches!(error, WarehouseError::Limit(_)));
            insta::assert_snapshot!(error, @"the changes are about 60 relations; PostgreSQL 18 locks each until the transaction ends, and max_locks_per_transaction leaves a safe share of 50: raise max_locks_per_transaction (it takes a restart), or pass --batches to change them in several transactions");
        } else {
            done.unwrap();
            session.commit().await.unwrap();
        }
    }
}

#[tokio::test]
async fn an_access_list_that_is_full_is_explained() {
    // A server of its own: so many roles would slow the other tests down.
    let bin = crate::engines::bins().into_iter().next().flatten();
    let engine = Engine::native(&Options { bin, ..Options::default() }).unwrap();
    let admin = session(&engine.url("postgres")).await;
    admin
        .batch_execute(
            "create schema s; create table s.t ();
             do $$ begin for i in 1..3000 loop execute format('create role many_%s', i); end loop; end $$",
        )
        .await
        .unwrap();
    let mut session = Postgres::connect(&engine.url("postgres")).await.unwrap();
    let on = Securable::in_schema(ObjectClass::Table, id("postgres"), id("s"), id("t"));
    let grant = |number| Change::Grant {
        on: on.clone(),
        role: id(&format!("many_{number}")),
        privileges: SELECT,
    };
    let changes: Vec<Change> = (1..=3000).map(grant).collect();
    session.begin().await.unwrap();
    let error = session.execute(&changes).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Limit(_)), "{error}");
    assert!(error.to_string().contains("access list"), "{error}");
    session.roll_back().await.unwrap();
}

#[tokio::test]
async fn a_role_in_use_is_not_dropped_and_the_server_says_by_what() {
    for ground in Ground::each().await {
        ground
            .sql("create role ~a; create schema s; create table s.t (); grant select on s.t to ~a")
            .await;
        let mut session = ground.connect(None).await;
        let drop = Change::DropRole { role: ground.role("a") };
        snapshot!(ground.refusal(&mut session, std::slice::from_ref(&drop)).await, @r#"
        DROP ROLE "a"
          failed: role "a" cannot be dropped because some objects depend on it; privileges for table s.t (SQLSTATE 2BP01)
        "#);
        ground
            .apply(&mut session, &[ground.revoke(ground.table("t"), "a", "postgres"), drop])
            .await;
        assert!(!ground.observe(&[]).await.roles.contains_key(&ground.role("a")));
    }
}
