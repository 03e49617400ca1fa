from . import Case


class Show(Case):
    SETUP = (
        ("USERADMIN", "create role r", "create role s"),
        (
            "SYSADMIN",
            "create database db comment = 'd'",
            "create schema db.s",
            "create transient table db.s.t (id int, name varchar) comment = 'c'",
            "create view db.s.v (a) as (select 1 as a)",
            "create dynamic table db.s.d as select 1 as x",
            "create iceberg table db.s.i (id int)",
            "create warehouse wh comment = 'w'",
        ),
    )

    def test_kinds_of_relations_are_told_apart(self):
        self.assertEqual(
            self.rows(
                "SYSADMIN",
                "show objects in schema db.s",
                "name",
                "kind",
                "is_dynamic",
                "is_iceberg",
            ),
            [
                ("D", "TABLE", "Y", "N"),
                ("I", "TABLE", "N", "Y"),
                ("T", "TABLE", "N", "N"),
                ("V", "VIEW", "N", "N"),
            ],
        )
        self.assertEqual(
            self.rows(
                "SYSADMIN",
                "select table_name, table_type, is_dynamic, is_iceberg from "
                "db.information_schema.tables where table_schema <> 'INFORMATION_SCHEMA'",
                "TABLE_NAME",
                "TABLE_TYPE",
                "IS_DYNAMIC",
                "IS_ICEBERG",
            ),
            [
                ("D", "BASE TABLE", "YES", "NO"),
                ("I", "BASE TABLE", "NO", "YES"),
                ("T", "BASE TABLE", "NO", "NO"),
                ("V", "VIEW", "NO", "NO"),
            ],
        )

    def test_a_list_of_objects_calls_every_view_a_view(self):
        self.ok(
            "SYSADMIN",
            "create schema db.v",
            "create materialized view db.v.m as select 1 as a",
            "create semantic view db.v.s as select 1 as a",
        )
        shown = self.rows("SYSADMIN", "show objects in schema db.v", "name", "kind")
        self.assertEqual(shown, [("M", "VIEW"), ("S", "VIEW")])
        shown = self.rows("SYSADMIN", "show materialized views in database db", "name")
        self.assertEqual(shown, [("M",)])
        shown = self.rows("SYSADMIN", "show semantic views in database db", "name")
        self.assertEqual(shown, [("S",)])

    def test_the_information_schema_does_not_honour_manage_grants(self):
        query = "select table_name from db.information_schema.tables"
        self.refused("SECURITYADMIN", query, "002003", "Database 'DB'")
        self.ok("SYSADMIN", "grant usage on database db to role securityadmin")
        self.assertEqual(self.rows("SECURITYADMIN", query, "TABLE_NAME"), [])
        self.assertEqual(len(self.rows("SECURITYADMIN", "show objects in database db", "name")), 4)

    def test_a_role_sees_what_it_has_a_privilege_on(self):
        self.refused("R", "show schemas in database db", "002003")
        self.ok(
            "SYSADMIN",
            "grant usage on database db to role r",
            "grant usage on schema db.s to role r",
            "grant select on view db.s.v to role r",
        )
        self.assertEqual(self.rows("R", "show objects in schema db.s", "name"), [("V",)])
        self.assertEqual(
            self.rows("R", "show terse schemas in database db", "name"),
            [("INFORMATION_SCHEMA",), ("S",)],
        )
        self.assertEqual(self.rows("R", "show warehouses", "name"), [("ANY_WH",)])
        self.assertEqual(
            self.rows("R", "show grants to role r", "name"), [("DB",), ("DB.S",), ("DB.S.V",)]
        )
        self.ok("USERADMIN", "create role low", "grant role low to role r")
        self.ok("SYSADMIN", "grant usage on warehouse wh to role r")
        self.assertEqual(self.rows("S", "show grants to role r", "name"), [("LOW",)])

    def test_like_starts_with_and_limit(self):
        def names(rest):
            return [row[0] for row in self.rows("SYSADMIN", f"show roles {rest}", "name")]

        self.assertEqual(
            names("like '%admin'"), ["ACCOUNTADMIN", "SECURITYADMIN", "SYSADMIN", "USERADMIN"]
        )
        self.assertEqual(names("starts with 'S'"), ["S", "SECURITYADMIN", "SYSADMIN"])
        self.assertEqual(names("limit 2"), ["ACCOUNTADMIN", "PUBLIC"])
        self.assertEqual(names("limit 2 from 'PUBLIC'"), ["R", "S"])

    def test_a_list_of_more_than_ten_thousand_is_refused_but_grants_are_not(self):
        schema = self.account.root.child("DATABASE", "DB").child("SCHEMA", "S")
        role = self.account.role("R")
        for at in range(10_001):
            table = self.account.add("TABLE", schema, f"T{at}", self.account.role("SYSADMIN"))
            self.account.grant("SELECT", table, role, table.owner)
        self.refused(
            "SYSADMIN", "show tables in schema db.s", "090153", "max number of rows(10000)"
        )
        self.assertEqual(
            len(self.ok("SYSADMIN", "show objects in schema db.s limit 10000").rows), 10_000
        )
        self.assertEqual(len(self.ok("SECURITYADMIN", "show grants to role r").rows), 10_001)

    def test_what_reads_rows_needs_a_warehouse_that_may_be_used(self):
        query = "select table_name from db.information_schema.tables"
        self.ok("SYSADMIN", "use warehouse wh", query)
        self.ok("SYSADMIN", "grant usage on database db to role r")
        session = self.session("R")
        for session.warehouse in (None, self.session("SYSADMIN").warehouse):
            self.refused("R", query, "000606", "No active warehouse selected")
            self.ok("R", "select current_role()", "show schemas in database db")
        self.refused("R", "use warehouse wh", "002043")
        self.ok("SYSADMIN", "grant usage on warehouse wh to role r")
        self.ok("R", "use warehouse wh", query)

    def test_columns_are_described(self):
        self.assertEqual(
            self.rows("SYSADMIN", "describe table db.s.t", "name", "type"),
            [("ID", "NUMBER(38,0)"), ("NAME", "VARCHAR(16777216)")],
        )
        self.assertEqual(self.rows("SYSADMIN", "describe view db.s.v", "name"), [("A",)])

    def test_account_usage_has_all_grants_and_those_that_ended(self):
        self.ok(
            "SYSADMIN",
            "grant usage on database db to role r",
            "grant select on table db.s.t to role r",
            "revoke select on table db.s.t from role r",
        )
        self.ok("USERADMIN", "grant role r to role s", "grant role r to user admin")
        query = (
            "select privilege, granted_on, name, table_catalog, table_schema, grantee_name "
            "from snowflake.account_usage.grants_to_roles where grantee_name in ('R', 'S')"
        )
        self.refused("SYSADMIN", query, "002003", "Database 'SNOWFLAKE'")
        columns = (
            "PRIVILEGE",
            "GRANTED_ON",
            "NAME",
            "TABLE_CATALOG",
            "TABLE_SCHEMA",
            "GRANTEE_NAME",
        )
        self.assertEqual(
            self.rows("ACCOUNTADMIN", query + " and deleted_on is null", *columns),
            [("USAGE", "DATABASE", "DB", "DB", None, "R"), ("USAGE", "ROLE", "R", None, None, "S")],
        )
        self.assertEqual(
            self.rows("ACCOUNTADMIN", query + " and deleted_on is not null", *columns),
            [("SELECT", "TABLE", "T", "DB", "S", "R")],
        )
        self.assertEqual(
            self.rows(
                "ACCOUNTADMIN",
                "select role from snowflake.account_usage.grants_to_users "
                "where grantee_name = 'ADMIN' and deleted_on is null",
                "ROLE",
            ),
            [("ACCOUNTADMIN",), ("R",)],
        )

    def test_account_usage_has_users(self):
        self.ok("USERADMIN", "create user jo email = 'jo@acme.example' disabled = true")
        query = "select name, email, disabled, type from snowflake.account_usage.users"
        self.assertEqual(
            self.rows(
                "ACCOUNTADMIN", query + " where name = 'JO'", "NAME", "EMAIL", "DISABLED", "TYPE"
            ),
            [("JO", "jo@acme.example", "true", "PERSON")],
        )

    def test_account_usage_has_inherited_grants_and_both_words_for_roles(self):
        self.ok(
            "ACCOUNTADMIN",
            "alter account set feature_rbac_inherited_grants = 'ENABLED'",
            "grant inherited select on all tables in schema db.s to role r",
        )
        query = "select * from snowflake.account_usage.grants_to_roles where is_inherited"
        columns = ("GRANTED_ON", "NAME", "INHERITED_FROM_DATABASE", "INHERITED_FROM_SCHEMA")
        wanted = [("TABLE", None, "DB", "S", "ROLE")]
        self.assertEqual(self.rows("ACCOUNTADMIN", query, *columns, "GRANTED_TO"), wanted)
        self.account.parameters["STANDIN_GRANTED_TO"] = "ACCOUNT ROLE"
        self.assertEqual(self.rows("ACCOUNTADMIN", query, "GRANTED_TO"), [("ACCOUNT ROLE",)])

    def test_expressions(self):
        for text, value in (
            ("current_role()", "SYSADMIN"),
            ("current_account()", "STANDIN"),
            ("upper('a') || 'b'", "Ab"),
            ("1 in (1, 2)", True),
            ("null = 1", None),
            ("not (1 = 2 or 'x' like 'y%')", True),
            ("case when 1 = 1 then 'y' end", "y"),
            ("coalesce(null, 3)", 3),
            ("is_role_in_session('SYSADMIN')", True),
            ("'3'::int + 4", 7),
            ("current_secondary_roles()", '{"roles":"","value":"NONE"}'),
        ):
            with self.subTest(text):
                self.assertEqual(self.rows("SYSADMIN", f"select {text} as x", "X"), [(value,)])
        self.refused("SYSADMIN", "select nope()", "002140")
        self.refused("SYSADMIN", "select nope from db.information_schema.tables", "000904")
        self.assertEqual(
            self.rows(
                "SYSADMIN",
                "select count(*) as n from db.information_schema.schemata "
                "where upper(schema_name) = upper('s')",
                "N",
            ),
            [(1,)],
        )
        self.ok("SYSADMIN", "show roles like 'R'")
        self.assertEqual(
            self.rows(
                "SYSADMIN", 'select "name" as n from table(result_scan(last_query_id()))', "N"
            ),
            [("R",)],
        )

    def test_parameters(self):
        self.assertEqual(
            self.rows("SYSADMIN", "show parameters like 'quoted%' in session", "key", "value"),
            [("QUOTED_IDENTIFIERS_IGNORE_CASE", "false")],
        )
        self.refused("SYSADMIN", "alter session set nothing_like_it = 1", "001420")
