from . import Case


class Ownership(Case):
    SETUP = (
        ("USERADMIN", "create role a", "create role b", "create role r"),
        ("SECURITYADMIN", "grant role a to role sysadmin"),
        (
            "SYSADMIN",
            "create database db",
            "create schema db.s",
            "grant usage on database db to role a",
            "grant all on schema db.s to role a",
        ),
        ("A", "create table db.s.t (id int)"),
    )

    def on(self, what="table db.s.t"):
        return self.rows(
            "SECURITYADMIN", f"show grants on {what}", "privilege", "grantee_name", "granted_by"
        )

    def test_grants_on_it_block_the_transfer(self):
        self.ok("A", "grant select on table db.s.t to role r")
        self.refused(
            "SECURITYADMIN",
            "grant ownership on table db.s.t to role b",
            "003036",
            "Dependent grant of privilege 'SELECT' on securable 'DB.S.T' to role 'R' exists.",
        )
        self.ok("SECURITYADMIN", "grant ownership on table db.s.t to role b copy current grants")
        self.assertEqual(self.on(), [("OWNERSHIP", "B", "B"), ("SELECT", "R", "B")])
        self.ok("SECURITYADMIN", "grant ownership on table db.s.t to role a revoke current grants")
        self.assertEqual(self.on(), [("OWNERSHIP", "A", "A")])

    def test_copying_cuts_what_was_passed_on_loose(self):
        self.ok(
            "SECURITYADMIN",
            "grant usage on database db to role r",
            "grant usage on schema db.s to role r",
        )
        self.ok("A", "grant select on table db.s.t to role r with grant option")
        self.ok("R", "grant select on table db.s.t to role b")
        self.ok(
            "SECURITYADMIN",
            "grant ownership on table db.s.t to role sysadmin copy current grants",
            "revoke select on table db.s.t from role r cascade",
        )
        self.assertEqual(
            self.on(), [("OWNERSHIP", "SYSADMIN", "SYSADMIN"), ("SELECT", "B", "SYSADMIN")]
        )

    def test_the_owner_gives_it_away_and_copies_only_to_a_role_it_has(self):
        self.refused("A", "grant ownership on table db.s.t to role b copy current grants", "003001")
        self.ok("A", "grant ownership on table db.s.t to role b")
        self.refused("A", "grant ownership on table db.s.t to role a", "002003")

    def test_it_cannot_be_revoked_or_shared(self):
        self.refused("SECURITYADMIN", "revoke ownership on table db.s.t from role a", "003010")
        self.refused("SECURITYADMIN", "grant select, ownership on table db.s.t to role b", "003008")

    def test_all_of_a_kind_move_at_once_and_back(self):
        self.ok("A", "create table db.s.u (id int)", "grant select on table db.s.u to role r")
        sql = "grant ownership on all tables in schema db.s to role b"
        self.refused("SECURITYADMIN", sql, "003036")
        self.assertEqual(self.on()[0][1], "A")
        self.ok("SECURITYADMIN", sql + " copy current grants")
        self.assertEqual(self.on("table db.s.u"), [("OWNERSHIP", "B", "B"), ("SELECT", "R", "B")])

    def test_kinds_with_a_rule_of_their_own(self):
        self.ok(
            "SYSADMIN",
            "create materialized view db.s.m as select 1",
            "create pipe db.s.p as copy into x",
        )
        self.refused(
            "SECURITYADMIN", "grant ownership on materialized view db.s.m to role b", "001003"
        )
        self.ok("SECURITYADMIN", "grant ownership on view db.s.m to role b")
        self.refused("SECURITYADMIN", "grant ownership on pipe db.s.p to role b", "003540")
        self.ok("SYSADMIN", "create task db.s.k as select 1", "alter task db.s.k resume")
        self.refused("SECURITYADMIN", "grant ownership on task db.s.k to role b", "091089")
        self.ok("SECURITYADMIN", "grant ownership on task db.s.k to role b copy current grants")
        shown = self.rows("ACCOUNTADMIN", "show tasks in schema db.s", "name", "owner", "state")
        self.assertEqual(shown, [("K", "B", "suspended")])
        self.refused(
            "SECURITYADMIN", "grant ownership on all pipes in schema db.s to role b", "000002"
        )
        self.ok("SYSADMIN", "alter pipe db.s.p set pipe_execution_paused = true")
        self.ok("SECURITYADMIN", "grant ownership on pipe db.s.p to role b")

    def test_of_a_role_it_is_never_blocked(self):
        self.ok("USERADMIN", "grant role r to role b", "grant ownership on role r to role a")
        self.assertEqual(self.rows("SECURITYADMIN", "show roles like 'R'", "owner"), [("A",)])

    def test_a_managed_access_schema_waits_for_its_future_owners(self):
        self.ok(
            "SYSADMIN",
            "create schema db.m with managed access",
            "grant ownership on future tables in schema db.m to role a",
        )
        self.refused("SECURITYADMIN", "grant ownership on schema db.m to role b", "003036")
        self.ok("SYSADMIN", "revoke ownership on future tables in schema db.m from role a")
        self.ok("SECURITYADMIN", "grant ownership on schema db.m to role b")
