from . import Case


class Names(Case):
    def test_unquoted_names_fold_to_upper_case_and_quoted_ones_are_exact(self):
        self.ok(
            "USERADMIN",
            "create role Analyst",
            'create role "Analyst"',
            'create role "with ""quotes"" in it"',
        )
        self.assertEqual(
            self.rows("USERADMIN", "show roles like 'analyst'", "name"),
            [("ANALYST",), ("Analyst",)],
        )
        self.refused(
            "USERADMIN", 'create role "ANALYST"', "002002", "Object 'ANALYST' already exists"
        )
        self.ok("USERADMIN", 'grant role "with ""quotes"" in it" to role analyst')
        self.assertIn(
            ("USAGE", "ROLE", '"with ""quotes"" in it"', "false", "USERADMIN"),
            self.grants("analyst"),
        )

    def test_a_session_can_ignore_the_case_of_quoted_names(self):
        self.ok(
            "USERADMIN",
            "alter session set quoted_identifiers_ignore_case = true",
            'create role "Mixed"',
        )
        self.assertEqual(self.rows("USERADMIN", "show roles like 'mixed'", "name"), [("MIXED",)])
        self.ok("USERADMIN", "alter session unset quoted_identifiers_ignore_case")
        self.refused("USERADMIN", 'drop role "Mixed"', "002003", "Role '\"Mixed\"'")

    def test_shown_names_are_quoted_where_they_would_not_read_back(self):
        self.ok(
            "SYSADMIN",
            "create database db",
            'create schema db."in"',
            'create table db."in"."a.b" (id int)',
        )
        self.assertEqual(
            self.rows("SYSADMIN", 'show grants on table db."in"."a.b"', "name"),
            [('DB."in"."a.b"',)],
        )

    def test_functions_are_told_apart_by_their_argument_types(self):
        self.ok(
            "SYSADMIN",
            "create database db",
            "create function db.public.f(a int) returns int as 'a'",
            "create function db.public.f(a string, b float) returns varchar as $$a;b$$",
        )
        self.ok("USERADMIN", "create role r")
        self.refused("SYSADMIN", "grant usage on function db.public.f(date) to role r", "002003")
        self.refused("SYSADMIN", "grant usage on function db.public.f to role r", "001506")
        self.ok("SYSADMIN", "grant usage on function db.public.f(number) to role r")
        self.assertIn(
            ("USAGE", "FUNCTION", 'DB.PUBLIC."F(A NUMBER):NUMBER(38,0)"', "false", "SYSADMIN"),
            self.grants("r"),
        )

    def test_comments_strings_and_one_semicolon_are_read(self):
        self.ok("USERADMIN", "/* hint */ create role r -- why\n comment = 'it''s; fine';")
        self.assertEqual(
            self.rows("USERADMIN", "show roles like 'R'", "comment"), [("it's; fine",)]
        )

    def test_several_statements_at_once_are_refused(self):
        self.refused("USERADMIN", "create role a; create role b", "000008", "statement count 2")
        self.assertEqual(self.rows("USERADMIN", "show roles like 'A'", "name"), [])

    def test_what_is_no_statement_is_a_syntax_error_with_its_place(self):
        for sql in (
            "grant selct",
            "grant select on table t role r",
            "frob",
            "create role",
            "create role a b = = c )",
            "show grants of",
            "grant 'a' on b to role c",
            "select from x where",
            "drop role if r",
        ):
            self.refused("USERADMIN", sql, "001003", "syntax error line 1 at position")
        self.refused("USERADMIN", "", "000900")
        self.refused("USERADMIN", "-- nothing", "000900")

    def test_a_name_without_a_database_needs_one_in_the_session(self):
        self.refused("SYSADMIN", "create table t (id int)", "090105")
        self.ok("SYSADMIN", "create database db", "create schema s", "create table t (id int)")
        self.assertEqual(
            self.rows("SYSADMIN", "show tables in account", "database_name", "schema_name", "name"),
            [("DB", "S", "T")],
        )
