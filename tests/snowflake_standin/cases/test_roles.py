from . import Case


class Roles(Case):
    SETUP = (
        ("USERADMIN", "create role r comment = 'first'", "create role s", "create user jane"),
        ("SYSADMIN", "create database db", "create schema db.s", "create database other"),
    )

    def test_the_system_roles_and_who_may_do_what(self):
        self.refused("SYSADMIN", "create role x", "003001", "account 'STANDIN'")
        self.refused("USERADMIN", "create database x", "003001")
        self.refused("SYSADMIN", "grant role r to role sysadmin", "003102")
        self.refused("USERADMIN", "grant role sysadmin to role r", "003102")
        self.refused("USERADMIN", "revoke role sysadmin from role accountadmin", "003103")
        self.ok("SECURITYADMIN", "grant role r to role sysadmin")
        self.refused("ACCOUNTADMIN", "drop role sysadmin", "003001")
        self.assertEqual(
            self.rows("SECURITYADMIN", "show grants of role securityadmin", "grantee_name"),
            [("ACCOUNTADMIN",)],
        )

    def test_create_if_not_exists_or_replace_and_drop(self):
        self.refused("USERADMIN", "create role r", "002002", "Object 'R' already exists.")
        self.ok("USERADMIN", "create role if not exists r comment = 'second'")
        self.assertEqual(self.rows("USERADMIN", "show roles like 'R'", "comment"), [("first",)])
        self.ok("USERADMIN", "grant role r to role s", "create or replace role r")
        self.assertEqual(self.rows("USERADMIN", "show grants of role r", "grantee_name"), [])
        self.ok("USERADMIN", "drop role r", "drop role if exists r")
        self.refused("USERADMIN", "drop role r", "002003")

    def test_comments_and_renames_need_ownership(self):
        self.ok(
            "USERADMIN",
            "comment on role r is 'a'",
            "alter role r set comment = 'b'",
            "alter role r rename to t",
        )
        self.refused("SYSADMIN", "alter role t set comment = 'c'", "003001")
        self.refused("USERADMIN", "alter role t rename to s", "002002")
        self.assertEqual(self.rows("USERADMIN", "show roles like 'T'", "comment"), [("b",)])
        self.ok("USERADMIN", "alter role t unset comment")
        self.assertEqual(self.rows("USERADMIN", "show roles like 'T'", "comment"), [("",)])

    def test_what_a_dropped_role_owned_goes_to_who_drops_it(self):
        self.ok("SECURITYADMIN", "grant role r to role sysadmin")
        self.ok(
            "SYSADMIN",
            "grant usage on database db to role r",
            "grant usage, create table on schema db.s to role r",
        )
        self.ok("R", "create table db.s.t (id int)")
        self.ok("USERADMIN", "drop role r")
        self.assertEqual(
            self.rows("SECURITYADMIN", "show grants on table db.s.t", "privilege", "grantee_name"),
            [("OWNERSHIP", "USERADMIN")],
        )

    def test_no_cycles(self):
        self.ok("USERADMIN", "grant role r to role s")
        self.refused("USERADMIN", "grant role s to role r", "003009")
        self.refused("USERADMIN", "grant role r to role r", "003009")

    def test_memberships_are_listed_from_both_sides(self):
        self.ok(
            "USERADMIN",
            "grant role r to role s",
            "grant role r to user jane",
            "grant role r to role s",
        )
        self.assertEqual(
            self.rows(
                "USERADMIN",
                "show grants of role r",
                "role",
                "granted_to",
                "grantee_name",
                "granted_by",
            ),
            [("R", "ROLE", "S", "USERADMIN"), ("R", "USER", "JANE", "USERADMIN")],
        )
        self.assertEqual(self.grants("s"), [("USAGE", "ROLE", "R", "false", "USERADMIN")])
        self.ok("USERADMIN", "revoke role r from role s", "revoke role r from role s")
        self.assertEqual(self.grants("s"), [])

    def test_database_roles_stay_in_their_database(self):
        self.ok(
            "SYSADMIN",
            "create database role db.reader comment = 'x'",
            "create database role db.writer",
            "create database role other.reader",
            "create table db.s.t (id int)",
            "create table other.public.t (id int)",
            "grant select on table db.s.t to database role db.reader",
            "grant database role db.reader to database role db.writer",
            "grant database role db.writer to role r",
        )
        self.refused(
            "SYSADMIN", "grant select on table other.public.t to database role db.reader", "003016"
        )
        self.refused(
            "SYSADMIN", "grant database role other.reader to database role db.reader", "003016"
        )
        self.refused("SYSADMIN", "grant database role db.reader to user jane", "001003")
        self.assertEqual(
            self.grants("", "database role db.writer"),
            [
                ("USAGE", "DATABASE", "DB", "false", "SYSADMIN"),
                ("USAGE", "DATABASE_ROLE", "DB.READER", "false", "SYSADMIN"),
            ],
        )
        self.assertEqual(
            self.rows(
                "SYSADMIN",
                "show grants of database role db.reader",
                "role",
                "granted_to",
                "grantee_name",
            ),
            [("DB.READER", "DATABASE_ROLE", "WRITER")],
        )
        self.account.bundles["2026_06"] = "DISABLED"
        self.assertEqual(
            self.rows("SYSADMIN", "show grants of database role db.reader", "grantee_name"),
            [("DB.WRITER",)],
        )
        self.assertEqual(
            self.rows("SYSADMIN", "show database roles in database db", "name", "comment"),
            [("READER", "x"), ("WRITER", "")],
        )
        self.ok("SYSADMIN", "grant usage on schema db.s to database role db.reader")
        self.assertEqual(self.rows("R", "select * from db.s.t", "ID"), [])

    def test_shares_hold_grants_and_database_roles(self):
        self.ok("ACCOUNTADMIN", "create share out", "grant usage on database db to share out")
        self.ok("SYSADMIN", "create database role db.d")
        self.ok("SECURITYADMIN", "grant database role db.d to share out")
        columns = ("privilege", "granted_on", "name", "granted_to", "grantee_name")
        self.assertEqual(
            self.rows("SECURITYADMIN", "show grants to share out", *columns),
            [
                ("USAGE", "DATABASE", "DB", "SHARE", "STANDIN.OUT"),
                ("USAGE", "DATABASE_ROLE", "DB.D", "SHARE", "STANDIN.OUT"),
            ],
        )
        self.assertIn(
            ("USAGE", "STANDIN.OUT"),
            self.rows("SECURITYADMIN", "show grants on database db", "privilege", "grantee_name"),
        )
        self.assertEqual(self.rows("SECURITYADMIN", "show grants of share out", "share"), [])
        self.refused("SECURITYADMIN", "grant role r to share out", "003015")

    def test_a_database_role_is_not_activated(self):
        self.ok("SYSADMIN", "create database role db.reader")
        self.refused("ACCOUNTADMIN", "use role db.reader", "001003")

    def test_roles_are_used_by_who_has_them(self):
        self.ok("USERADMIN", "grant role r to role s")
        self.refused("PUBLIC", "use role nowhere", "002043")
        self.ok("PUBLIC", "use role sysadmin")
        self.refused("PUBLIC", "use role r", "003013", "Requested role 'R' is not assigned")
        self.ok("USERADMIN", "grant role s to user admin")
        self.ok("PUBLIC", "use role r")

    def test_secondary_roles_count_for_all_but_create(self):
        self.ok(
            "SYSADMIN",
            "grant usage on database db to role s",
            "grant usage, create table on schema db.s to role s",
        )
        self.ok("USERADMIN", "grant role r to user jane", "grant role s to user jane")
        session = self.session("R")
        session.user = self.account.user("JANE")
        self.refused("R", "use schema db.s", "002043")
        self.ok("R", "use secondary roles all", "use schema db.s")
        self.refused("R", "create table db.s.t (id int)", "003001", "schema 'DB.S'")
        self.ok("R", "use secondary roles none")
        self.refused("R", "use schema db.s", "002043")

    def test_direct_grants_to_users_count_with_secondary_roles_all(self):
        self.ok(
            "SYSADMIN",
            "create table db.s.t (id int)",
            "grant usage on database db to role r",
            "grant usage on schema db.s to role r",
            "grant select on table db.s.t to user jane",
        )
        self.ok("USERADMIN", "grant role r to user jane")
        session = self.session("R")
        session.user = self.account.user("JANE")
        self.refused("R", "select * from db.s.t", "002003")
        session.secondary = "ALL"
        self.assertEqual(self.rows("R", "select * from db.s.t", "ID"), [])
