//! What statements over one relation do to the rows of another, against what is said of the two.

use proptest::test_runner::TestCaseError;
use rolecall::effect::{Effect, Kinship};
use rolecall::model::{ObjectClass, Privilege, Securable};
use rolecall::warehouse::postgres::Postgres;

use super::oracle::{Tally, add, failed, none};
use super::queries::usable;
use super::world::ROLES;
use crate::engines::id;

/// What queries do to the rows of a relation, undone: whether any of its rows are read or others than
/// before, and whether all of them. NULL where it, or the relation that is named, has no rows, so that
/// there is nothing to be seen.
pub const REACHES: &str = r"
create function pg_temp.reach_all(whos text[], ofs text[], bys text[], queries text[])
returns table (touched boolean, whole boolean) language plpgsql as $$
declare
  was int[];
  got int[];
begin
  for n in 1 .. cardinality(whos) loop
    touched := null;
    whole := null;
    begin
      execute format('select array(select a from %s order by a)', bys[n]) into got;
      execute format('select array(select a from %s order by a)', ofs[n]) into was;
      if cardinality(was) > 0 and cardinality(got) > 0 then
        execute format('set local role %I', whos[n]);
        if queries[n] like 'select %' then
          execute queries[n] into got;
          execute 'reset role';
          touched := was && got;
          whole := was <@ got;
        else
          execute queries[n];
          execute 'reset role';
          execute format('select array(select a from %s order by a)', ofs[n]) into got;
          touched := was <> got;
          whole := not was && got;
        end if;
        raise exception using errcode = 'RC000';
      end if;
    exception
      when sqlstate 'RC000' then null;
      when others then
        touched := false;
        whole := false;
    end;
    return next;
  end loop;
end $$";

/// A table: schema and name, a value of `a` that no row of the ground has, and what it takes.
struct Table {
    schema: &'static str,
    name: &'static str,
    new: u32,
    takes: std::ops::Range<u32>,
}

const fn table(schema: &'static str, name: &'static str, new: u32, from: u32, to: u32) -> Table {
    Table { schema, name, new, takes: from..to }
}

/// What inherits from each other, and what is a partition of each other, now or in another state.
const FAMILIES: [&[Table]; 2] = [
    &[table("s0", "t0", 51, 0, 99), table("s0", "k0", 60, 0, 99), table("s1", "b0", 52, 0, 99)],
    &[
        table("s1", "p0", 6, 0, 40),
        table("s1", "p1", 21, 10, 40),
        table("s0", "c0", 21, 20, 30),
        table("s1", "d0", 6, 0, 10),
    ],
];

impl Table {
    fn sql(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// A statement over one relation reaches rows of another where we say that it does, all of them where we
/// say so, and by the rights on the first alone.
pub async fn reached(
    session: &Postgres,
    effect: &Effect<'_>,
    tally: &Tally,
) -> Result<(), TestCaseError> {
    let database = effect.state().database.clone();
    let relation = |it: &Table| {
        Securable::in_schema(ObjectClass::Table, database.clone(), id(it.schema), id(it.name))
    };
    let (mut whos, mut ofs, mut bys, mut queries) = (vec![], vec![], vec![], vec![]);
    let mut expected = vec![];
    for family in FAMILIES {
        for of in family {
            let kin = effect.kin(&relation(of));
            for by in family.iter().filter(|by| by.name != of.name) {
                let on = relation(by);
                let (schema, name) = (id(by.schema), id(by.name));
                let a = Securable::column(database.clone(), schema, name, id("a"));
                let kin = kin.iter().find(|kin| *kin.on == on);
                let new = if by.takes.contains(&of.new) { of.new } else { by.new };
                let sql = by.sql();
                for (privilege, asked, query) in [
                    (Privilege::SELECT, &a, format!("select array(select a from {sql})")),
                    (Privilege::INSERT, &a, format!("insert into {sql} (a) values ({new})")),
                    (Privilege::UPDATE, &a, format!("update {sql} set a = {new}")),
                    (Privilege::DELETE, &on, format!("delete from {sql}")),
                    (Privilege::TRUNCATE, &on, format!("truncate {sql}")),
                ] {
                    let leads = kin.filter(|kin| kin.privileges.contains(privilege));
                    let all =
                        leads.is_some_and(|kin| !kin.in_part()) && privilege != Privilege::INSERT;
                    let beside = leads.is_some_and(|kin| kin.kinship == Kinship::Beside);
                    for who in ROLES {
                        let may = leads.is_some() && usable(effect, &id(who), asked, privilege);
                        expected.push((may, may && all, beside));
                        whos.push(who);
                        ofs.push(of.sql());
                        bys.push(by.sql());
                        queries.push(query.clone());
                    }
                }
            }
        }
    }
    let sql = "select * from pg_temp.reach_all($1, $2, $3, $4)";
    let rows = session.client().query(sql, &[&whos, &ofs, &bys, &queries]).await.map_err(failed)?;
    assert_eq!(rows.len(), expected.len());
    let mut wrong = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let (touched, whole): (Option<bool>, Option<bool>) = (row.get(0), row.get(1));
        let (Some(touched), Some(whole)) = (touched, whole) else { continue };
        let (may, all, beside) = expected[at];
        // What is called a part may be all that there is.
        if touched != may || all && !whole {
            let (who, of) = (whos[at], &ofs[at]);
            wrong.push(format!("{} as {who}, rows of {of}: {touched} {whole}", queries[at]));
        }
        add(&tally.queries, 1);
        add(&tally.reached, usize::from(touched));
        add(&tally.parts, usize::from(touched && !all && !whole));
        add(&tally.beside, usize::from(touched && beside));
    }
    none(wrong)
}
