import random
import re

from ..errors import SnowflakeError
from . import Case

STATEMENTS = (
    """
create or replace role "a b" comment = 'x'
create table if not exists db.s.t (id number(38, 0) not null, n text) copy grants as select 1 id
create schema db.s2 with managed access data_retention_time_in_days = 1
create user u password = 'p' default_role = r must_change_password = false
grant select, insert on table db.s.t to role r with grant option
grant all privileges on all tables in schema db.s to database role db.d
grant ownership on future views in database db to role r copy current grants
grant database role db.d to role r
grant usage on function db.s.f(number, varchar) to role r
revoke grant option for select on view db.s.v from role r cascade
revoke inherited usage on all schemas in database db from role r
show grants to role r include hierarchy limit 10
show terse objects like 'a%' in schema db.s starts with 'A' limit 5 from 'B'
show future grants in schema db.s
select t.a as "b", count(*), case when x = 1 then 'y' else null end
 from db.information_schema.tables as t where not (a in ('b', 'c') or d is not null and e like '%f')
 order by 1 desc limit 3
with c as (select 1 as a) select a::varchar || 'x' from c
alter table db.s.t rename to db.s.u
alter warehouse wh set warehouse_size = 'XSMALL' comment = 'c'
comment if exists on column db.s.t.a is 'it''s'
use secondary roles none
describe function db.s.f(number)
drop table if exists db.s.t cascade
""".strip()
    .replace("\n ", " ")
    .splitlines()
)
WORDS = re.compile(r"\s+|(\w+|\"[^\"]*\"|'[^']*'|.)")


class Anything(Case):
    SETUP = (
        (
            "ACCOUNTADMIN",
            "create role r",
            "create database db",
            "create schema db.s",
            "create table db.s.t (id int)",
            "create view db.s.v as select 1 as a",
            "create function db.s.f(a int, b string) returns int as '1'",
            "create database role db.d",
            "alter account set feature_rbac_inherited_grants = 'ENABLED'",
        ),
    )

    def test_every_text_is_answered_or_refused(self):
        chance = random.Random(20261122)
        words = [w for sql in STATEMENTS for w in WORDS.findall(sql) if w]
        answered = 0
        for _ in range(6000):
            parts = [w for w in WORDS.findall(chance.choice(STATEMENTS)) if w]
            for _ in range(chance.randrange(4)):
                at = chance.randrange(len(parts))
                kind = chance.randrange(4)
                if kind == 0 and len(parts) > 1:
                    del parts[at]
                elif kind == 1:
                    parts.insert(at, chance.choice(words))
                elif kind == 2:
                    parts[at] = chance.choice(words)
                else:
                    parts = parts[: at + 1]
            sql = " ".join(parts)
            role = chance.choice(["ACCOUNTADMIN", "SYSADMIN", "SECURITYADMIN", "PUBLIC"])
            try:
                self.run_as(role, sql)
                answered += 1
            except SnowflakeError as error:
                self.assertRegex(error.code, r"\A\d{6}\Z", sql)
            except Exception as error:
                raise AssertionError(f"{sql}: {error!r}") from error
        self.assertGreater(answered, 400)
