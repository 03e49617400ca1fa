//! What queries do under SET ROLE, against what is called usable.

use proptest::test_runner::TestCaseError;
use rolecall::effect::{Effect, Lack};
use rolecall::model::{Ident, ObjectClass, Privilege, Securable};
use rolecall::warehouse::postgres::Postgres;

use super::oracle::{Tally, add, failed, none};
use super::world::{Op, ROLES};
use crate::engines::id;

/// Statements that may fail, each for itself; and queries as somebody, undone whatever they did.
pub const HELPERS: &str = r"
create function pg_temp.say_all(whos text[], statements text[]) returns void language plpgsql as $$
begin
  for n in 1 .. cardinality(statements) loop
    begin
      if whos[n] is not null then execute format('set local role %I', whos[n]); end if;
      execute statements[n];
      reset role;
    exception when others then null;
    end;
  end loop;
end $$;
create function pg_temp.try_all(sessions text[], whos text[], queries text[]) returns setof text
language plpgsql as $$
declare ended text;
begin
  for n in 1 .. cardinality(whos) loop
    begin
      if sessions[n] is not null then
        execute format('set local session authorization %I', sessions[n]);
      end if;
      execute format('set local role %I', whos[n]);
      execute queries[n];
      raise exception using errcode = 'RC000';
    exception when others then
      ended := sqlstate;
    end;
    return next ended;
  end loop;
end $$";

pub async fn say_all(session: &Postgres, ops: &[Op]) -> Result<(), TestCaseError> {
    let whos: Vec<Option<&str>> = ops.iter().map(|op| op.acting_as).collect();
    let statements: Vec<&str> = ops.iter().map(|op| op.sql.as_str()).collect();
    let sql = "select pg_temp.say_all($1, $2)";
    session.client().query(sql, &[&whos, &statements]).await.map_err(failed)?;
    Ok(())
}

struct Try {
    /// The user of the session, where that is not the superuser.
    session: Option<&'static str>,
    who: &'static str,
    query: String,
    goes_through: bool,
}

/// A relation, as SQL names it and as we do, with its columns.
const RELATIONS: [(&str, ObjectClass, &str, &str, &[&str]); 6] = [
    ("s0.t0", ObjectClass::Table, "s0", "t0", &["a", "b"]),
    ("s1.p0", ObjectClass::Table, "s1", "p0", &["a"]),
    ("s1.\"T 1\"", ObjectClass::Table, "s1", "T 1", &["a", "B"]),
    ("s0.v0", ObjectClass::View, "s0", "v0", &["a", "b"]),
    ("s1.v1", ObjectClass::View, "s1", "v1", &["a", "B"]),
    ("s1.m0", ObjectClass::MaterializedView, "s1", "m0", &["a"]),
];

/// SET ROLE is of a session that is connected already: CONNECT does not matter to it.
pub fn usable(effect: &Effect<'_>, who: &Ident, on: &Securable, privilege: Privilege) -> bool {
    let answer = effect.role(who).unwrap().answer(on, privilege);
    let connects = |lack: &Lack| matches!(lack, Lack::Connect { .. });
    answer.privilege && answer.lacks.iter().all(connects)
}

pub async fn under_set_role(
    session: &Postgres,
    effect: &Effect<'_>,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let database = effect.state().database.clone();
    let mut tries = Vec::new();
    for who in ROLES {
        let name = id(who);
        let mut push = |query: String, goes_through: bool| {
            tries.push(Try { session: None, who, query, goes_through });
        };
        for (sql, class, schema, relation, columns) in RELATIONS {
            let (schema, relation) = (id(schema), id(relation));
            let on =
                Securable::in_schema(class, database.clone(), schema.clone(), relation.clone());
            let column = |column: &str| {
                let (schema, relation) = (schema.clone(), relation.clone());
                Securable::column(database.clone(), schema, relation, id(column))
            };
            let may = |on: &Securable, privilege| usable(effect, &name, on, privilege);
            let all = columns.iter().all(|c| may(&column(c), Privilege::SELECT));
            push(format!("select * from {sql}"), all);
            push(format!("select a from {sql}"), may(&column("a"), Privilege::SELECT));
            // Through the view to what it shows; the other view shows two relations.
            if relation.as_str() == "v0" {
                push(format!("delete from {sql}"), may(&on, Privilege::DELETE));
            }
            if class == ObjectClass::Table {
                let of_a = |privilege| may(&column("a"), privilege);
                push(format!("insert into {sql} (a) values (1)"), of_a(Privilege::INSERT));
                push(format!("update {sql} set a = 1"), of_a(Privilege::UPDATE));
                push(format!("delete from {sql}"), may(&on, Privilege::DELETE));
                push(format!("truncate {sql}"), may(&on, Privilege::TRUNCATE));
                push(format!("alter table {sql} rename to x"), {
                    // A new name needs CREATE on the schema as well.
                    let schema = Securable::schema(database.clone(), schema.clone());
                    may(&on, Privilege::OWNERSHIP)
                        && effect
                            .role(&name)
                            .unwrap()
                            .held(&schema)
                            .privileges
                            .contains(Privilege::CREATE)
                });
            }
        }
        let of_s0 =
            |class, name: &str| Securable::in_schema(class, database.clone(), id("s0"), id(name));
        let sequence = of_s0(ObjectClass::Sequence, "q0");
        let may = |on: &Securable, privilege| usable(effect, &name, on, privilege);
        push(
            "select nextval('s0.q0')".to_owned(),
            may(&sequence, Privilege::USAGE) || may(&sequence, Privilege::UPDATE),
        );
        let routine = Securable::routine(
            ObjectClass::Function,
            database.clone(),
            id("s0"),
            id("f0"),
            "integer".to_owned(),
        );
        push("select s0.f0(1)".to_owned(), may(&routine, Privilege::EXECUTE));
    }
    let t0 = Securable::in_schema(ObjectClass::Table, database, id("s0"), id("t0"));
    for session in ROLES {
        for who in ROLES {
            let goes_through = effect.can_set_role(&id(session), &id(who))
                && usable(effect, &id(who), &t0, Privilege::DELETE);
            let query = "delete from s0.t0".to_owned();
            tries.push(Try { session: Some(session), who, query, goes_through });
        }
    }
    let sessions: Vec<Option<&str>> = tries.iter().map(|one| one.session).collect();
    let whos: Vec<&str> = tries.iter().map(|one| one.who).collect();
    let queries: Vec<&str> = tries.iter().map(|one| one.query.as_str()).collect();
    let sql = "select pg_temp.try_all($1, $2, $3)";
    let rows = session.client().query(sql, &[&sessions, &whos, &queries]).await.map_err(failed)?;
    let mut wrong = Vec::new();
    for (one, row) in tries.iter().zip(&rows) {
        let Try { session, who, query, goes_through } = one;
        let code: &str = row.get(0);
        // Whatever else it runs into (no partition for a row), it was allowed to try.
        let refused = code == "42501";
        if refused == *goes_through {
            wrong.push(format!("{query} as {who} (in a session of {session:?}): {code}"));
        }
        add(&tally.queries, 1);
        add(&tally.through, usize::from(!refused));
    }
    none(wrong)
}
