from . import Case


class Rows(Case):
    SETUP = (
        ("USERADMIN", "create role r"),
        (
            "SYSADMIN",
            "create database db",
            "create schema db.s",
            "create table db.s.t (id varchar(4) not null, n int, b boolean default true)",
            "grant usage on database db to role r",
            "grant usage on schema db.s to role r",
        ),
    )

    def all(self, sql="select id, n, b from db.s.t", role="SYSADMIN"):
        return self.ok(role, sql).rows

    def counts(self, sql, role="SYSADMIN"):
        result = self.ok(role, sql)
        return {c.name: v for c, v in zip(result.columns, result.rows[0], strict=True)}

    def test_rows_are_inserted_changed_and_deleted(self):
        insert = "insert into db.s.t (id, n) values ('a', 1), ('b', 1 + 1)"
        self.assertEqual(self.counts(insert), {"number of rows inserted": 2})
        self.counts("insert into db.s.t select 'c', null, false")
        self.assertEqual(self.all(), [("a", 1, True), ("b", 2, True), ("c", None, False)])
        update = "update db.s.t x set n = x.n + 5, b = default where x.n is not null"
        self.assertEqual(
            self.counts(update),
            {"number of rows updated": 2, "number of multi-joined rows updated": 0},
        )
        self.assertEqual(self.counts("delete from db.s.t where id = 'a'"), {"number of rows deleted": 1})
        self.assertEqual(self.all(), [("b", 7, True), ("c", None, False)])
        self.assertEqual(self.all("select count(*) from db.s.t where n > 5"), [(1,)])
        self.ok("SYSADMIN", "insert overwrite into db.s.t values ('z', 0, false)")
        self.assertEqual(self.all(), [("z", 0, False)])
        self.ok("SYSADMIN", "truncate table db.s.t")
        self.assertEqual(self.all(), [])

    def test_merge_updates_what_matches_and_inserts_the_rest(self):
        self.ok("SYSADMIN", "insert into db.s.t values ('a', 1, true), ('b', 2, true)")
        merge = (
            "merge into db.s.t as t using (select '{}' as id, {} as n) as s on t.id = s.id "
            "when matched and t.n < 2 then update set n = s.n "
            "when not matched then insert (id, n) values (s.id, s.n)"
        )
        both = ("number of rows inserted", "number of rows updated")
        for key, n, expected in (("a", 9, (0, 1)), ("b", 9, (0, 0)), ("c", 3, (1, 0)), ("a", 1, (0, 0))):
            self.assertEqual(self.counts(merge.format(key, n)), dict(zip(both, expected, strict=True)))
        self.assertEqual(self.all("select id, n from db.s.t"), [("a", 9), ("b", 2), ("c", 3)])
        gone = "merge into db.s.t using db.s.t as s on t.id = s.id when matched then delete"
        self.assertEqual(self.counts(gone), {"number of rows deleted": 3})

    def test_a_row_that_two_match_is_refused_and_so_is_a_name_that_both_have(self):
        self.ok("SYSADMIN", "create table db.s.u (id varchar)", "insert into db.s.t values ('a', 1, true)")
        self.ok("SYSADMIN", "insert into db.s.u values ('a'), ('a')")
        merge = "merge into db.s.t using db.s.u on {} when matched then update set n = 2"
        self.refused("SYSADMIN", merge.format("t.id = u.id"), "100090", "Duplicate row")
        self.refused("SYSADMIN", merge.format("id = 'a'"), "002028", "ambiguous column name 'ID'")
        self.assertEqual(self.all(), [("a", 1, True)])

    def test_what_a_column_cannot_keep_is_refused_and_nothing_changed(self):
        for values, code in (
            ("(null, 1, true)", "100072"),
            ("('a', 1, true), ('abcde', 1, true)", "100078"),
            ("('a', 'x', true)", "100038"),
            ("('a', 1)", "002020"),
        ):
            self.refused("SYSADMIN", f"insert into db.s.t values {values}", code)
        self.refused("SYSADMIN", "insert into db.s.t (id, nope) values ('a', 1)", "000904")
        self.refused("SYSADMIN", "update db.s.t set nope = 1", "000904")
        self.assertEqual(self.all(), [])

    def test_each_statement_needs_its_privilege_and_a_warehouse(self):
        self.ok("SYSADMIN", "grant references on table db.s.t to role r")
        statements = {
            "INSERT": "insert into db.s.t (id) values ('a')",
            "UPDATE": "update db.s.t set n = 1",
            "DELETE": "delete from db.s.t",
            "TRUNCATE": "truncate table db.s.t",
        }
        for sql in statements.values():
            self.refused("R", sql, "003001", "DB.S.T")
        for privilege, sql in statements.items():
            self.ok("SYSADMIN", f"grant {privilege.lower()} on table db.s.t to role r")
            self.ok("R", sql)
        self.refused("R", "select * from db.s.t", "002003")
        self.session("R").warehouse = None
        for sql in statements.values():
            self.refused("R", sql, "000606")
        self.refused("USERADMIN", "insert into db.s.t (id) values ('a')", "002003")

    def test_rows_go_with_a_rename_and_a_clone_and_not_with_a_replacement(self):
        self.ok("SYSADMIN", "insert into db.s.t values ('a', 1, true)")
        self.ok("SYSADMIN", "create table db.s.copy clone db.s.t", "alter table db.s.t rename to db.s.old")
        self.ok("SYSADMIN", "delete from db.s.old")
        self.assertEqual(self.all("select id from db.s.copy"), [("a",)])
        self.ok("SYSADMIN", "create or replace table db.s.copy (id varchar)")
        self.assertEqual(self.all("select id from db.s.copy"), [])

    def test_columns_are_described_as_they_were_made(self):
        self.ok("SYSADMIN", "create table db.s.d (a varchar(3) not null default 'x', b varchar, c number(9) primary key)")
        self.assertEqual(
            self.rows("SYSADMIN", "describe table db.s.d", "name", "type", "null?", "default", "primary key"),
            [
                ("A", "VARCHAR(3)", "N", "'x'", "N"),
                ("B", "VARCHAR(16777216)", "Y", None, "N"),
                ("C", "NUMBER(9,0)", "N", None, "Y"),
            ],
        )

    def test_the_clock_is_a_time_in_utc(self):
        result = self.ok("SYSADMIN", "select sysdate() as at, current_timestamp() as here")
        self.assertEqual([c.type for c in result.columns], ["timestamp_ntz", "timestamp_ltz"])
