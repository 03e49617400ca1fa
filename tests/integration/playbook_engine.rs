//! What playbooks ask of the engine, on real PostgreSQL and on the stand-in for Snowflake: every class of
//! objects, grants on what is not there yet, and how roles are managed.

use std::collections::BTreeSet;

use rolecall::model::*;
use rolecall::plan::{Difference, Options, Sides, Within, diff};
use rolecall::warehouse::{Execute, Look, Observe};

use crate::engines::{Ground, id};
use crate::snowflake::playbook_account;

fn set(names: &str) -> PrivilegeSet {
    names.split(", ").map(|name| Privilege::parse(name).unwrap()).collect()
}

fn marker(deployment: &str, role: &str) -> Marker {
    Marker {
        deployment: deployment.to_owned(),
        environment: "prod".into(),
        playbook: Some(role.to_owned()),
        ..Marker::default()
    }
}

/// A playbook with one role.
struct Case {
    desired: DesiredState,
    scope: Scope,
    look: Look,
    options: Options,
}

impl Case {
    fn of(dialect: DialectKind, deployment: &str, database: Option<Ident>, role: Ident) -> Self {
        let mut desired = DesiredState::empty("prod", dialect);
        let manner = Manner { declares_members: false, ..Manner::default() };
        let made = DesiredRole { marker: marker(deployment, "loader"), manner };
        desired.roles.insert(role.clone(), made);
        let scope = Scope {
            deployment: deployment.to_owned(),
            environment: "prod".into(),
            instance: None,
            every_instance: false,
            database,
            schemas: BTreeSet::new(),
        };
        let look = Look {
            deployment: deployment.to_owned(),
            roles: BTreeSet::from([role]),
            ..Look::default()
        };
        let options = Options { allow_revokes: Some(u64::MAX), ..Options::default() };
        Self { desired, scope, look, options }
    }

    fn grant(&mut self, on: Securable, role: &Ident, privileges: &str) {
        let reason = Reason { node: None, file: None, line: None, permission: None };
        self.desired.grant(on, role.clone(), set(privileges), &reason);
    }

    fn future(
        &mut self,
        place: (Option<&Ident>, &Ident, Option<&str>),
        of: ObjectClass,
        role: &Ident,
        what: &str,
    ) {
        let (creator, database, schema) = place;
        let reason = Reason { node: None, file: None, line: None, permission: None };
        let future = Future {
            creator: creator.cloned(),
            database: database.clone(),
            schema: schema.map(id),
            class: of,
            role: role.clone(),
        };
        self.desired.grant_future(future, set(what), &reason);
    }

    async fn plan<W: Observe>(&self, warehouse: &mut W) -> (Difference, ObservedState) {
        let observed = warehouse.observe(&self.look).await.unwrap();
        let environments = BTreeSet::from(["prod".to_owned()]);
        let difference = diff(&Sides {
            desired: &self.desired,
            observed: &observed,
            scope: &self.scope,
            deploy_role: None,
            environments: &environments,
            declared: 1,
            options: &self.options,
            within: Within::everything(),
        });
        (difference, observed)
    }

    /// Makes it so, and says what was done. A second plan is empty.
    async fn apply<W: Execute>(&self, warehouse: &mut W) -> Vec<String> {
        let (first, _) = self.plan(warehouse).await;
        assert!(!first.found.has_errors(), "{:?}", first.found);
        assert_eq!(first.refused, []);
        let changes: Vec<Change> = first.steps.into_iter().map(|step| step.change).collect();
        warehouse.prepare(&self.scope).unwrap();
        warehouse.begin().await.unwrap();
        warehouse.execute(&changes).await.unwrap();
        warehouse.commit().await.unwrap();
        let (second, _) = self.plan(warehouse).await;
        let left: Vec<String> = second.steps.iter().map(|step| step.change.brief()).collect();
        assert_eq!(left, Vec::<String>::new());
        changes.iter().map(Change::brief).collect()
    }

    /// What stays, for people.
    async fn left<W: Observe>(&self, warehouse: &mut W) -> Vec<String> {
        let (plan, _) = self.plan(warehouse).await;
        plan.left.iter().map(|left| format!("{}: {}", left.what, left.why)).collect()
    }
}

fn routine(of: ObjectClass, database: &Ident, name: &str) -> Securable {
    Securable::routine(of, database.clone(), id("s"), id(name), "integer".to_owned())
}

#[tokio::test]
async fn every_class_of_postgresql_is_listed_granted_read_back_and_revoked() {
    use ObjectClass as C;
    for ground in Ground::each().await {
        let version = ground.version().await;
        ground
            .sql(
                "create role ~dbt; create schema s; grant create, usage on schema s to ~dbt;
                 create table s.t (x int); create sequence s.q; create domain s.d as int;
                 create function s.f(a integer) returns int language sql as 'select a';
                 create procedure s.p(a integer) language sql as 'select a';
                 revoke execute on function s.f from public; revoke execute on procedure s.p from public;
                 create foreign data wrapper w; create server srv foreign data wrapper w;
                 select lo_create(4711)",
            )
            .await;
        let (role, database) = (ground.role("loader"), id(&ground.database));
        let mut case = Case::of(
            DialectKind::Postgres,
            &ground.own("~shop"),
            Some(database.clone()),
            role.clone(),
        );
        let inside = |of, name| Securable::in_schema(of, database.clone(), id("s"), id(name));
        let mut wanted = vec![
            (Securable::database(database.clone()), "CONNECT, CREATE, TEMPORARY"),
            (Securable::schema(database.clone(), id("s")), "USAGE, CREATE"),
            (inside(C::Table, "t"), "SELECT, INSERT"),
            (inside(C::Sequence, "q"), "USAGE, SELECT, UPDATE"),
            (inside(C::Type, "d"), "USAGE"),
            (routine(C::Function, &database, "f"), "EXECUTE"),
            (routine(C::Procedure, &database, "p"), "EXECUTE"),
            (Securable::global(C::Language, id("plpgsql")), "USAGE"),
            (Securable::global(C::ForeignDataWrapper, id("w")), "USAGE"),
            (Securable::global(C::ForeignServer, id("srv")), "USAGE"),
            (Securable::global(C::LargeObject, id("4711")), "SELECT, UPDATE"),
            (Securable::global(C::Tablespace, id("pg_default")), "CREATE"),
        ];
        if version >= 15 {
            wanted.push((Securable::global(C::Parameter, id("work_mem")), "ALTER SYSTEM, SET"));
        }
        for (on, privileges) in &wanted {
            case.grant(on.clone(), &role, privileges);
        }
        let dbt = ground.role("dbt");
        for (schema, of, what) in [
            (Some("s"), C::Table, "SELECT, INSERT"),
            (None, C::View, "SELECT"),
            (Some("s"), C::Sequence, "USAGE"),
            (Some("s"), C::Procedure, "EXECUTE"),
            (None, C::Type, "USAGE"),
            (None, C::Schema, "USAGE"),
        ] {
            case.future((Some(&dbt), &database, schema), of, &role, what);
        }
        case.look.databases.insert(database.clone());
        case.look.classes = C::ALL.into_iter().collect();
        let mut session = ground.connect(None).await;
        let (_, seen) = case.plan(&mut session).await;
        for (on, _) in &wanted {
            if !on.class().is_relation() {
                assert!(seen.inventory.objects.contains_key(on), "{version}: {} {on}", on.class());
            }
        }
        assert!(seen.inventory.class_of(&(database.clone(), id("s"), id("t"))).is_some());
        let done = case.apply(&mut session).await;
        assert_eq!(done.len(), 1 + wanted.len() + 6, "{done:#?}");
        // What is made from now on is the role's to read.
        ground
            .sql("set role ~dbt; create table s.later (x int); create sequence s.nr; reset role")
            .await;
        let may = ground.ask(
            "select has_table_privilege('~loader', 's.later', 'insert')
                 and has_sequence_privilege('~loader', 's.nr', 'usage')",
        );
        assert_eq!(may.await, ["t"]);
        // Of that, INSERT on the table is nobody's declaration yet.
        let (plan, _) = case.plan(&mut session).await;
        let steps: Vec<String> =
            plan.steps.iter().map(|s| ground.strip(&s.change.brief())).collect();
        assert_eq!(
            steps,
            [
                "revoke INSERT, SELECT on table db.s.later from loader",
                "revoke USAGE on sequence db.s.nr from loader"
            ]
        );
        ground.sql("drop table s.later; drop sequence s.nr").await;
        // Drift both ways is seen.
        ground
            .sql(
                "revoke usage on sequence s.q from ~loader; grant delete on s.t to ~loader;
                 alter default privileges for role ~dbt in schema s revoke insert on tables from ~loader;
                 alter default privileges for role ~dbt in schema s grant delete on tables to ~loader",
            )
            .await;
        let done = case.apply(&mut session).await;
        let done: Vec<String> = done.iter().map(|it| ground.strip(it)).collect();
        assert_eq!(
            done,
            [
                "grant USAGE on sequence db.s.q to loader",
                "grant INSERT on future objects (table) of dbt in schema s to loader",
                "revoke DELETE on table db.s.t from loader",
                "revoke DELETE on future objects (table) of dbt in schema s from loader",
            ]
        );
        // A grant option goes, and what it was for stays.
        ground
            .sql("alter default privileges for role ~dbt in schema s grant select on tables to ~loader with grant option")
            .await;
        let done = case.apply(&mut session).await;
        assert_eq!(done.len(), 2, "{done:?}");
        case.desired.grants.clear();
        case.desired.futures.clear();
        case.apply(&mut session).await;
        let (_, seen) = case.plan(&mut session).await;
        let mut nothing = seen.acl.iter().filter(|entry| entry.grantee == role);
        assert_eq!(nothing.next(), None);
        assert_eq!(seen.defaults, []);
    }
}

#[tokio::test]
async fn a_role_that_was_there_keeps_what_nobody_declares_until_it_is_pruned() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create role ~loader login; create role ~ann; create role ~admin; create schema s;
                 create table s.t (x int); create table s.u (x int); create sequence s.q;
                 grant select, insert on s.t to ~loader; grant select on s.u to ~loader;
                 grant ~loader to ~ann; alter table s.u owner to ~loader",
            )
            .await;
        let (role, database) = (ground.role("loader"), id(&ground.database));
        let mut case = Case::of(
            DialectKind::Postgres,
            &ground.own("~shop"),
            Some(database.clone()),
            role.clone(),
        );
        case.desired.admin_role = Some(ground.role("admin"));
        let table =
            |name| Securable::in_schema(ObjectClass::Table, database.clone(), id("s"), id(name));
        case.grant(table("t"), &role, "SELECT");
        case.look.schemas.insert((database.clone(), id("s")));
        let mut session = ground.connect(None).await;
        let (plan, _) = case.plan(&mut session).await;
        assert_eq!(plan.refused[0].code, "role-exists");
        case.options.adopt = true;
        let oid = ground.ask("select oid from pg_roles where rolname = '~loader'").await;
        let (plan, _) = case.plan(&mut session).await;
        assert_eq!(plan.adopted_members, BTreeSet::from([(role.clone(), ground.role("ann"))]));
        let done = case.apply(&mut session).await;
        assert_eq!(ground.strip(&done.join("; ")), "adopt the role loader");
        case.options.adopt = false;
        let kept = ground.strip(&case.left(&mut session).await.join("\n"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(kept, @r"
            INSERT on table db.s.t: nobody declares it, and it stays since the role was adopted: declare it, or --prune takes it
            attributes of its own, such as LOGIN: a playbook declares none, and leaves them
            ownership of table db.s.u: nobody declares it, and it stays since the role was adopted: declare it, or --prune takes it
            ");
        }
        assert_eq!(ground.ask("select oid from pg_roles where rolname = '~loader'").await, oid);
        // Declared: no longer named.
        case.grant(table("t"), &role, "INSERT");
        assert!(!case.left(&mut session).await.join(" ").contains("INSERT"));
        case.desired.grants.clear();
        case.options.prune = true;
        let done = ground.strip(&case.apply(&mut session).await.join("\n"));
        insta::allow_duplicates! {
            insta::assert_snapshot!(done, @r"
            adopt the role loader
            make admin the owner of table db.s.u
            revoke INSERT, SELECT on table db.s.t from loader
            ");
        }
        let members = ground.ask("select rolcanlogin and pg_has_role('~ann', oid, 'member') from pg_roles where rolname = '~loader'");
        assert_eq!(members.await, ["t"]);
        // From now on it is a role like others.
        case.options.prune = false;
        ground.sql("grant select on s.t to ~loader").await;
        assert_eq!(case.apply(&mut session).await.len(), 1);
    }
}

#[tokio::test]
async fn the_manners_of_a_playbook_s_roles() {
    let ground = Ground::each().await.remove(0);
    ground
        .sql("create schema s; create table s.t (x int); create role ~off; create role ~hybrid; create role ~held; grant ~held to ~hybrid; grant insert on s.t to ~hybrid, ~off")
        .await;
    let (role, database) = (ground.role("hybrid"), id(&ground.database));
    let deployment = ground.own("~shop");
    let mut case =
        Case::of(DialectKind::Postgres, &deployment, Some(database.clone()), role.clone());
    let off = marker(&deployment, "off");
    ground
        .sql(&format!(
            "comment on role ~off is '{}'; comment on role ~hybrid is '{}'",
            off.to_comment(),
            marker(&deployment, "loader").to_comment()
        ))
        .await;
    case.desired.disabled.insert(ground.role("off"), off);
    case.desired.roles.get_mut(&role).unwrap().manner.revoke_other_grants = false;
    let manner = Manner { create: false, ..Manner::default() };
    let absent = DesiredRole { marker: marker(&deployment, "absent"), manner };
    case.desired.roles.insert(ground.role("absent"), absent);
    let table = Securable::in_schema(ObjectClass::Table, database.clone(), id("s"), id("t"));
    case.grant(table.clone(), &role, "SELECT");
    case.grant(table.clone(), &ground.role("absent"), "SELECT");
    case.look.roles.insert(ground.role("absent"));
    case.look.schemas.insert((database, id("s")));
    case.options.prune = true;
    let mut session = ground.connect(None).await;
    let done = case.apply(&mut session).await;
    assert_eq!(ground.strip(&done.join("\n")), "grant SELECT on table db.s.t to hybrid");
    let left = ground.strip(&case.left(&mut session).await.join("\n"));
    insta::assert_snapshot!(left, @r"
    the role absent, which does not exist: `create: false`: whoever makes it comes first, and nothing of it is planned until then
    1 privilege that nobody declares: `revoke-other-grants: false`: nothing is taken from this role
    being in the role held: `revoke-other-grants: false`: nothing is taken from this role
    the role off: `enable: false`: nothing of it is touched
    ");
    // It comes into being, and is adopted.
    ground.sql("create role ~absent").await;
    case.options.adopt = true;
    let done = ground.strip(&case.apply(&mut session).await.join("\n"));
    assert_eq!(done, "adopt the role absent\ngrant SELECT on table db.s.t to absent");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_playbook_on_snowflake_from_plan_to_empty_plan_and_back() {
    use ObjectClass as C;
    let Some((standin, mut warehouse)) = playbook_account().await else { return };
    standin.sql(&[
        "CREATE DATABASE D",
        "CREATE SCHEMA D.S",
        "CREATE TABLE D.S.T (A NUMBER)",
        "CREATE STAGE D.S.I",
        "CREATE SEQUENCE D.S.Q",
        "CREATE FUNCTION D.S.F(A NUMBER) RETURNS NUMBER AS 'A'",
        "CREATE WAREHOUSE BI_WH",
        "CREATE ROLE TEAM",
        "CREATE ROLE HELD",
        "CREATE ROLE STRANGER",
        "GRANT SELECT ON TABLE D.S.T TO ROLE STRANGER",
    ]);
    let (role, database) = (id("LOADER"), id("D"));
    let mut case = Case::of(DialectKind::Snowflake, "shop", None, role.clone());
    case.desired.roles.get_mut(&role).unwrap().manner.owner = Some(id("SECURITYADMIN"));
    case.desired.admin_role = Some(id("SECURITYADMIN"));
    let inside = |of, name| Securable::in_schema(of, id("D"), id("S"), id(name));
    let function = Securable::routine(C::Function, id("D"), id("S"), id("F"), "NUMBER".to_owned());
    for (on, privileges) in [
        (Securable::account(), "MONITOR USAGE, CREATE DATABASE"),
        (Securable::database(database.clone()), "USAGE"),
        (Securable::database(id("SNOWFLAKE")), "IMPORTED PRIVILEGES"),
        (Securable::schema(database.clone(), id("S")), "USAGE, CREATE TABLE"),
        (inside(C::Table, "T"), "SELECT"),
        (inside(C::Stage, "I"), "READ, WRITE"),
        (inside(C::Sequence, "Q"), "USAGE"),
        (function.clone(), "USAGE"),
        (Securable::global(C::Warehouse, id("BI_WH")), "USAGE, OPERATE"),
    ] {
        case.grant(on, &role, privileges);
    }
    let place = |schema| (None, &database, schema);
    case.future(place(Some("S")), C::Table, &role, "SELECT, INSERT");
    case.future(place(None), C::View, &role, "SELECT, OWNERSHIP");
    case.future(place(None), C::Schema, &role, "USAGE");
    case.desired
        .owners
        .insert(inside(C::Sequence, "Q"), DesiredOwner { role: role.clone(), because: Vec::new() });
    case.desired.memberships.insert(
        (id("HELD"), role.clone()),
        DesiredMembership { kind: MemberKind::Role, because: vec![] },
    );
    case.look.databases.insert(database.clone());
    case.look.classes =
        BTreeSet::from([C::Stage, C::Sequence, C::Function, C::Warehouse, C::Schema, C::Database]);
    let (_, seen) = case.plan(&mut warehouse).await;
    let there = &seen.inventory.objects;
    for on in [inside(C::Stage, "I"), function, Securable::global(C::Warehouse, id("BI_WH"))] {
        assert!(there.contains_key(&on), "{on} of {there:#?}");
    }
    assert_eq!(there[&Securable::database(id("D"))].owner, Some(id("ACCOUNTADMIN")));
    assert!(seen.inventory.class_of(&(id("D"), id("S"), id("T"))).is_some());
    insta::assert_snapshot!(case.apply(&mut warehouse).await.join("\n"), @r"
    create the role LOADER
    grant USAGE on database D to LOADER
    grant IMPORTED PRIVILEGES on database SNOWFLAKE to LOADER
    grant CREATE TABLE, USAGE on schema D.S to LOADER
    grant CREATE DATABASE, MONITOR USAGE on the account to LOADER
    grant SELECT on table D.S.T to LOADER
    grant USAGE on function D.S.F(NUMBER) to LOADER
    grant OPERATE, USAGE on warehouse BI_WH to LOADER
    grant READ, WRITE on stage D.S.I to LOADER
    grant USAGE on future objects (schema) in database D to LOADER
    grant OWNERSHIP on future objects (view) in database D to LOADER
    grant SELECT on future objects (view) in database D to LOADER
    grant INSERT, SELECT on future objects (table) in schema S to LOADER
    grant the role HELD to LOADER
    make LOADER the owner of sequence D.S.Q
    make SECURITYADMIN the owner of the role LOADER
    ");
    // What is new gets what was promised.
    standin.sql(&["CREATE TABLE D.S.NEW (A NUMBER)", "CREATE VIEW D.S.V AS SELECT 1 AS A"]);
    let (plan, seen) = case.plan(&mut warehouse).await;
    assert_eq!(seen.owned.get(&inside(C::View, "V")), Some(&role));
    let steps: Vec<String> = plan.steps.iter().map(|step| step.change.brief()).collect();
    insta::assert_snapshot!(steps.join("\n"), @r"
    make SECURITYADMIN the owner of view D.S.V
    revoke INSERT, SELECT on table D.S.NEW from LOADER
    revoke SELECT on view D.S.V from LOADER
    ");
    // Without a word of it in the playbook, all goes, and ownership goes to the administrator.
    case.desired.grants.clear();
    case.desired.futures.clear();
    case.desired.owners.clear();
    case.desired.memberships.clear();
    let (plan, _) = case.plan(&mut warehouse).await;
    let warned: Vec<&str> = plan.found.iter().map(|found| found.code).collect();
    assert_eq!(warned, ["ownership-undeclared", "ownership-undeclared"]);
    case.apply(&mut warehouse).await;
    let (_, seen) = case.plan(&mut warehouse).await;
    assert_eq!(seen.defaults, []);
    assert!(!seen.acl.iter().any(|entry| entry.grantee == role), "{:?}", seen.acl);
    assert!(!seen.owned.values().any(|owner| *owner == role));
    // Others keep what they had.
    let rows = standin.sql(&["SHOW GRANTS TO ROLE STRANGER"]);
    assert_eq!(rows["results"][0]["rows"].as_array().unwrap().len(), 1, "{rows}");
}
