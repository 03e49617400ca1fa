from . import Case

TABLE = (
    ("USERADMIN", "create role r", "create role s", "create role owner", "create role nobody"),
    ("SECURITYADMIN", "grant role owner to role sysadmin"),
    (
        "SYSADMIN",
        "create database db",
        "create schema db.s",
        "create schema db.s2",
        "grant usage on database db to role owner",
        "grant all on schema db.s to role owner",
    ),
    ("OWNER", "create table db.s.t (id int)", "create view db.s.v as select 1 as id"),
)


class Grants(Case):
    SETUP = TABLE

    def test_the_owner_grants_as_itself_and_a_manager_of_grants_as_the_owner(self):
        self.ok("OWNER", "grant select on table db.s.t to role r")
        self.ok("SYSADMIN", "grant insert on table db.s.t to role r")
        self.ok("SECURITYADMIN", "grant update on table db.s.t to role r")
        self.assertEqual(
            self.grants("r"),
            [
                ("INSERT", "TABLE", "DB.S.T", "false", "OWNER"),
                ("SELECT", "TABLE", "DB.S.T", "false", "OWNER"),
                ("UPDATE", "TABLE", "DB.S.T", "false", "OWNER"),
            ],
        )

    def test_who_may_not_grant_is_refused(self):
        self.ok(
            "SECURITYADMIN",
            "grant usage on database db to role nobody",
            "grant usage on schema db.s to role nobody",
            "grant select on table db.s.t to role nobody",
        )
        self.refused(
            "NOBODY",
            "grant select on table db.s.t to role r",
            "003102",
            "Grant not executed: Insufficient privileges.",
        )
        self.assertEqual(self.grants("r"), [])

    def test_a_refusal_can_be_a_row_that_reports_success(self):
        self.account.parameters["STANDIN_REFUSED_GRANTS"] = "STATUS"
        self.ok(
            "SECURITYADMIN",
            "grant usage on database db to role nobody",
            "grant usage on schema db.s to role nobody",
            "grant select on table db.s.t to role nobody",
        )
        self.assertEqual(
            self.rows("NOBODY", "grant select on table db.s.t to role r", "status"),
            [("Grant not executed: Insufficient privileges.",)],
        )
        self.assertEqual(self.grants("r"), [])

    def test_what_cannot_be_seen_does_not_exist(self):
        self.refused("NOBODY", "grant select on table db.s.t to role r", "002003", "Database 'DB'")
        self.refused(
            "SECURITYADMIN",
            "grant select on table db.s.no to role r",
            "002003",
            "Table 'DB.S.NO' does not exist or not authorized.",
        )
        self.refused(
            "SECURITYADMIN",
            "grant select on table db.s.t to role no",
            "002003",
            "Role 'NO' does not exist or not authorized.",
        )

    def test_a_privilege_must_fit_the_kind_of_object(self):
        self.refused("OWNER", "grant insert on view db.s.v to role r", "003008")
        self.refused("OWNER", "grant operate on table db.s.t to role r", "003008")
        self.refused(
            "OWNER",
            "grant select on view db.s.t to role r",
            "002203",
            "Object found is of type 'TABLE', not specified type 'VIEW'.",
        )
        self.ok("OWNER", "grant select on db.s.v to role r")

    def test_what_the_option_passes_on_is_recorded_and_cascades(self):
        self.ok(
            "SECURITYADMIN",
            "grant usage on database db to role r",
            "grant usage on schema db.s to role r",
        )
        self.ok("OWNER", "grant select on table db.s.t to role r with grant option")
        self.ok("R", "grant select on table db.s.t to role s")
        self.refused("R", "grant insert on table db.s.t to role s", "003102")
        self.assertEqual(self.grants("s"), [("SELECT", "TABLE", "DB.S.T", "false", "R")])
        self.refused(
            "OWNER",
            "revoke select on table db.s.t from role r",
            "003935",
            "0 grant(s) revoked, 1 grant(s) skipped",
        )
        self.ok("OWNER", "revoke grant option for select on table db.s.t from role r cascade")
        self.assertEqual(self.grants("s"), [])
        self.assertIn(("SELECT", "TABLE", "DB.S.T", "false", "OWNER"), self.grants("r"))

    def test_some_of_several_privileges_may_be_granted(self):
        self.ok(
            "SECURITYADMIN",
            "grant usage on database db to role r",
            "grant usage on schema db.s to role r",
        )
        self.ok("OWNER", "grant select on table db.s.t to role r with grant option")
        self.refused(
            "R",
            "grant select, insert on table db.s.t to role s",
            "003011",
            "Grant partially executed: privileges [INSERT] not granted.",
        )
        self.assertEqual(self.grants("s"), [("SELECT", "TABLE", "DB.S.T", "false", "R")])

    def test_a_revoke_of_what_is_not_there_or_not_ours_succeeds_and_does_nothing(self):
        self.ok(
            "SECURITYADMIN",
            "grant usage on database db to role nobody",
            "grant usage on schema db.s to role nobody",
            "grant select on table db.s.t to role nobody",
        )
        self.ok(
            "OWNER",
            "revoke select on table db.s.t from role r",
            "grant select on table db.s.t to role r",
        )
        self.ok("NOBODY", "revoke select on table db.s.t from role r")
        self.assertEqual(len(self.grants("r")), 1)
        self.ok("SECURITYADMIN", "revoke select on table db.s.t from role r")
        self.assertEqual(self.grants("r"), [])

    def test_two_grantors_make_two_grants_and_each_revokes_its_own(self):
        self.ok(
            "SECURITYADMIN",
            "grant usage on database db to role s",
            "grant usage on schema db.s to role s",
        )
        self.ok(
            "OWNER",
            "grant select on table db.s.t to role s with grant option",
            "grant select on table db.s.t to role r",
        )
        self.ok("S", "grant select on table db.s.t to role r")
        self.assertEqual([row[4] for row in self.grants("r")], ["OWNER", "S"])
        self.ok("S", "revoke select on table db.s.t from role r")
        self.assertEqual([row[4] for row in self.grants("r")], ["OWNER"])

    def test_all_and_bulk_grants_reach_what_is_there_now(self):
        self.ok(
            "OWNER",
            "create table db.s.u (id int)",
            "create dynamic table db.s.d as select 1",
            "create iceberg table db.s.i (id int)",
        )
        self.ok(
            "SECURITYADMIN",
            "grant select on all tables in database db to role r",
            "grant select on all dynamic tables in schema db.s to role r",
        )
        self.ok("OWNER", "create table db.s.later (id int)")
        self.assertEqual(
            [(row[1], row[2]) for row in self.grants("r")],
            [
                ("DYNAMIC_TABLE", "DB.S.D"),
                ("TABLE", "DB.S.I"),
                ("TABLE", "DB.S.T"),
                ("TABLE", "DB.S.U"),
            ],
        )
        self.ok("OWNER", "grant all on view db.s.v to role s")
        self.assertEqual([row[0] for row in self.grants("s")], ["REFERENCES", "SELECT"])
        self.ok("SECURITYADMIN", "revoke all on all tables in database db from role r")
        self.assertEqual([row[1] for row in self.grants("r")], ["DYNAMIC_TABLE"])
        self.refused(
            "SECURITYADMIN", "grant operate on all pipes in schema db.s to role r", "000002"
        )

    def test_a_managed_access_schema_takes_the_decision_from_the_owner(self):
        self.ok(
            "SYSADMIN",
            "create schema db.m with managed access",
            "grant usage, create table on schema db.m to role owner",
        )
        self.ok("OWNER", "create table db.m.t (id int)")
        self.refused("OWNER", "grant select on table db.m.t to role r", "003102")
        self.ok("SYSADMIN", "grant select on table db.m.t to role r")
        self.ok("SECURITYADMIN", "grant insert on table db.m.t to role r")
        self.assertEqual(
            self.rows("SYSADMIN", "show grants on table db.m.t", "privilege", "grant_option"),
            [("INSERT", "false"), ("OWNERSHIP", "false"), ("SELECT", "false")],
        )
        self.assertEqual(
            self.rows("SYSADMIN", "show grants on schema db.m", "privilege", "grantee_name")[1],
            ("MANAGE GRANTS", "SYSADMIN"),
        )
        self.ok("SYSADMIN", "alter schema db.m disable managed access")
        self.ok("OWNER", "grant update on table db.m.t to role r")

    def test_stages_take_read_before_write(self):
        self.ok("SYSADMIN", "create stage db.s2.i", "create stage db.s2.e url = 's3://b/'")
        self.refused("SYSADMIN", "grant write on stage db.s2.i to role r", "003032")
        self.ok(
            "SYSADMIN",
            "grant read on stage db.s2.i to role r",
            "grant write on stage db.s2.i to role r",
        )
        self.refused("SYSADMIN", "revoke read on stage db.s2.i from role r", "003033")
        self.ok(
            "SYSADMIN",
            "revoke write on stage db.s2.i from role r",
            "revoke read on stage db.s2.i from role r",
        )
        self.refused("SYSADMIN", "grant usage on stage db.s2.i to role r", "003008")
        self.refused("SYSADMIN", "grant read on stage db.s2.e to role r", "003008")
        self.ok("SYSADMIN", "grant usage on stage db.s2.e to role r")
        self.assertEqual(
            self.rows("SYSADMIN", "show stages in schema db.s2", "name", "type"),
            [("E", "EXTERNAL"), ("I", "INTERNAL")],
        )

    def test_an_imported_database_has_imported_privileges_only(self):
        self.refused(
            "ACCOUNTADMIN",
            "grant usage on database snowflake to role r",
            "003037",
            "GRANT IMPORTED PRIVILEGES",
        )
        self.ok("ACCOUNTADMIN", "grant imported privileges on database snowflake to role r")
        self.assertEqual(
            self.grants("r"), [("USAGE", "DATABASE", "SNOWFLAKE", "false", "ACCOUNTADMIN")]
        )
        self.ok("ACCOUNTADMIN", "revoke imported privileges on database snowflake from role r")
        self.refused("SYSADMIN", "grant imported privileges on database db to role r", "003008")

    def test_account_and_warehouse_privileges(self):
        self.ok("SYSADMIN", "create warehouse wh", "grant usage, operate on warehouse wh to role r")
        self.ok("ACCOUNTADMIN", "grant create database, execute task on account to role r")
        self.assertEqual(
            [row[:3] for row in self.grants("r")],
            [
                ("CREATE DATABASE", "ACCOUNT", "STANDIN"),
                ("EXECUTE TASK", "ACCOUNT", "STANDIN"),
                ("OPERATE", "WAREHOUSE", "WH"),
                ("USAGE", "WAREHOUSE", "WH"),
            ],
        )
        self.refused("SYSADMIN", "grant create integration on account to role r", "003102")

    def test_manage_grants_on_a_container_reaches_what_is_in_it_and_no_further(self):
        self.refused("SECURITYADMIN", "grant manage grants on schema db.s to role nobody", "000002")
        self.ok("ACCOUNTADMIN", "alter account set feature_rbac_inherited_grants = 'ENABLED'")
        self.ok(
            "SECURITYADMIN",
            "grant manage grants on schema db.s to role nobody",
            "grant usage on database db to role nobody",
        )
        self.ok("NOBODY", "grant select on table db.s.t to role r")
        self.assertEqual(self.grants("r")[0][4], "OWNER")
        self.ok(
            "SYSADMIN",
            "create table db.s2.t (id int)",
            "grant usage on schema db.s2 to role nobody",
            "grant select on table db.s2.t to role nobody",
        )
        self.refused("NOBODY", "grant select on table db.s2.t to role r", "003102")

    def test_privileges_to_a_user_are_listed_with_the_roles(self):
        self.ok("USERADMIN", "create user jane password = 'x'", "grant role r to user jane")
        self.ok("OWNER", "grant select on table db.s.t to user jane")
        self.assertEqual(
            self.rows(
                "SECURITYADMIN",
                "show grants to user jane",
                "privilege",
                "granted_on",
                "name",
                "role",
                "granted_to",
                "grantee_name",
            ),
            [
                ("SELECT", "TABLE", "DB.S.T", None, "USER", "JANE"),
                ("USAGE", "ROLE", "R", "R", "USER", "JANE"),
            ],
        )

    def test_inherited_grants_have_to_be_switched_on(self):
        sql = "grant inherited select on all tables in database db to role r"
        self.refused("SECURITYADMIN", sql, "000002")
        self.refused(
            "SECURITYADMIN", "alter account set feature_rbac_inherited_grants = 'ENABLED'", "003001"
        )
        self.ok("ACCOUNTADMIN", "alter account set feature_rbac_inherited_grants = 'ENABLED'")
        self.refused("SYSADMIN", sql, "003001")
        self.refused("SECURITYADMIN", sql + " with grant option", "000002")
        self.ok(
            "SECURITYADMIN",
            sql,
            "grant usage on database db to role r",
            "grant inherited usage on all schemas in database db to role r",
        )
        self.assertEqual(
            self.rows(
                "SECURITYADMIN",
                "show grants to role r",
                "privilege",
                "name",
                "is_inherited",
                "inherited_from",
                "inherited_from_database",
            ),
            [
                ("SELECT", "", "true", "DATABASE", "DB"),
                ("USAGE", "", "true", "DATABASE", "DB"),
                ("USAGE", "DB", "false", "", ""),
            ],
        )
        self.assertIn(
            ("SELECT", "R", "true"),
            self.rows(
                "SECURITYADMIN",
                "show grants on table db.s.t",
                "privilege",
                "grantee_name",
                "is_inherited",
            ),
        )
        self.assertEqual(self.rows("R", "select * from db.s.t", "ID"), [])
        self.ok("SECURITYADMIN", "revoke inherited select on all tables in database db from role r")
        self.refused("R", "select * from db.s.t", "002003")
