//! What is called usable is what a person can do who logs in.

use rolecall::effect::Effect;
use rolecall::model::{ObjectClass, Privilege, Securable};

use crate::engines::{Ground, id};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_usable_is_what_goes_through_after_logging_in() {
    for ground in Ground::each().await {
        ground
            .sql(
                r#"create schema s; create table s.t (a int); create view s.v as select a from s.t;
                   revoke connect on database DB from public;
                   create role ~reader; create role ~guest;
                   grant select on s.t, s.v to ~reader; grant usage on schema s to ~reader;
                   grant connect on database DB to ~reader;
                   create role ~in login password 'pw' in role ~reader;
                   create role ~noinherit login noinherit password 'pw' in role ~reader;
                   create role ~outside login password 'pw';
                   grant select on s.t to ~outside; grant usage on schema s to ~outside;
                   create role ~lost login password 'pw';
                   grant select on s.t to ~lost; grant connect on database DB to ~lost;
                   create role ~viewer login password 'pw';
                   create view s.mine as select a from s.t;
                   grant select on s.mine to ~viewer; grant usage on schema s to ~viewer;
                   grant connect on database DB to ~viewer;
                   alter view s.mine owner to ~guest"#
                    .replace("DB", &ground.database)
                    .as_str(),
            )
            .await;
        let state = ground.connect(None).await.access().await.unwrap();
        let effect = Effect::of(&state);
        let relation =
            |name, class| Securable::in_schema(class, id(&ground.database), id("s"), id(name));
        let relations = [
            ("s.t", relation("t", ObjectClass::Table)),
            ("s.v", relation("v", ObjectClass::View)),
            ("s.mine", relation("mine", ObjectClass::View)),
        ];
        let mut through = Vec::new();
        for who in ["in", "noinherit", "outside", "lost", "viewer"] {
            let url = ground.url(Some(who));
            let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.ok();
            let client = connected.map(|(client, connection)| {
                tokio::spawn(connection);
                client
            });
            for (sql, on) in &relations {
                let query = format!("select * from {sql}");
                let did = match &client {
                    Some(client) => client.batch_execute(&query).await.is_ok(),
                    None => false,
                };
                let answer = effect.role(&ground.role(who)).unwrap();
                let answer = answer.answer(on, Privilege::SELECT);
                assert_eq!(did, answer.usable(), "{who} on {sql}: {answer:?}");
                if did {
                    through.push(format!("{who} {sql}"));
                }
            }
        }
        // Before 16 NOINHERIT is the member's; from then on, what it was when the membership began.
        assert_eq!(through, ["in s.t", "in s.v"]);
    }
}

/// PostgreSQL does not let anybody make a circle of roles; a catalog can be broken all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_circle_of_roles_in_a_broken_catalog_ends() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create schema s; create table s.t (a int);
                 create role ~a; create role ~b; create role ~c; create role ~d;
                 grant ~a to ~b; grant ~c to ~d; grant select on s.t to ~a;
                 update pg_auth_members set roleid = '~b'::regrole, member = '~a'::regrole
                 where roleid = '~c'::regrole",
            )
            .await;
        let state = ground.connect(None).await.access().await.unwrap();
        let effect = Effect::of(&state);
        let on = Securable::in_schema(ObjectClass::Table, id(&ground.database), id("s"), id("t"));
        for (who, steps) in [("a", 1), ("b", 2)] {
            let role = effect.role(&ground.role(who)).unwrap();
            assert!(role.held(&on).privileges.contains(Privilege::SELECT), "{who}");
            let (chains, all) = role.reasons(&on, Privilege::SELECT);
            assert!(all && chains.len() == 1 && chains[0].steps.len() == steps, "{chains:?}");
        }
        let who = effect.who(&on, Privilege::SELECT);
        let ours = who.iter().filter(|who| who.role.as_str().starts_with(&ground.prefix));
        assert_eq!(ours.count(), 2);
        assert!(effect.is_member(&ground.role("a"), &ground.role("b")));
    }
}
