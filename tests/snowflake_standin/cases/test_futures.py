from . import Case


class Futures(Case):
    SETUP = (
        ("USERADMIN", "create role r", "create role s", "create role maker"),
        ("SECURITYADMIN", "grant role maker to role sysadmin"),
        (
            "SYSADMIN",
            "create database db",
            "create schema db.s",
            "create schema db.z",
            "grant usage on database db to role maker",
            "grant all on schema db.s to role maker",
            "grant all on schema db.z to role maker",
        ),
    )

    def made(self, name, role="r"):
        return [row[0] for row in self.grants(role) if row[2] == name]

    def test_only_a_manager_of_grants_defines_them(self):
        for where in ("schema db.s", "database db"):
            self.refused(
                "SYSADMIN", f"grant select on future tables in {where} to role r", "003001"
            )
        self.ok(
            "SYSADMIN",
            "create schema db.m with managed access",
            "grant select on future tables in schema db.m to role r",
            "revoke select on future tables in schema db.m from role r",
        )

    def test_new_objects_get_them_and_old_ones_do_not(self):
        self.ok("MAKER", "create table db.s.old (id int)")
        self.ok(
            "SECURITYADMIN",
            "grant select, insert on future tables in schema db.s to role r",
            "grant select on future views in database db to role r with grant option",
        )
        self.ok(
            "MAKER",
            "create table db.s.t (id int)",
            "create view db.z.v as select 1",
            "create dynamic table db.s.d as select 1",
        )
        self.assertEqual(
            self.grants("r"),
            [
                ("INSERT", "TABLE", "DB.S.T", "false", "MAKER"),
                ("SELECT", "TABLE", "DB.S.T", "false", "MAKER"),
                ("SELECT", "VIEW", "DB.Z.V", "true", "MAKER"),
            ],
        )

    def test_the_schemas_hide_the_databases_whoever_holds_them(self):
        self.ok(
            "SECURITYADMIN",
            "grant select on future tables in database db to role r",
            "grant insert on future tables in schema db.s to role s",
            "grant select on future views in database db to role r",
        )
        self.ok(
            "MAKER",
            "create table db.s.t (id int)",
            "create table db.z.t (id int)",
            "create view db.s.v as select 1",
        )
        self.assertEqual(self.made("DB.S.T"), [])
        self.assertEqual(self.made("DB.S.T", "s"), ["INSERT"])
        self.assertEqual(self.made("DB.Z.T"), ["SELECT"])
        self.assertEqual(self.made("DB.S.V"), ["SELECT"])

    def test_they_are_listed_by_container_and_by_role(self):
        self.ok(
            "SECURITYADMIN",
            "grant select on future tables in database db to role r",
            "grant usage on future schemas in database db to role r",
            "grant select on future dynamic tables in schema db.s to role r",
        )
        self.assertEqual(
            self.rows(
                "SECURITYADMIN",
                "show future grants to role r",
                "privilege",
                "grant_on",
                "name",
                "grant_to",
                "grantee_name",
                "grant_option",
            ),
            [
                ("SELECT", "DYNAMIC_TABLE", "DB.S.<DYNAMIC TABLE>", "ROLE", "R", "false"),
                ("SELECT", "TABLE", "DB.<TABLE>", "ROLE", "R", "false"),
                ("USAGE", "SCHEMA", "DB.<SCHEMA>", "ROLE", "R", "false"),
            ],
        )
        self.assertEqual(
            self.rows("SECURITYADMIN", "show future grants in schema db.s", "name"),
            [("DB.S.<DYNAMIC TABLE>",)],
        )
        self.ok(
            "SECURITYADMIN",
            "revoke all on future tables in database db from role r",
            "revoke select on future views in database db from role r",
        )
        self.assertEqual(len(self.rows("SECURITYADMIN", "show future grants to role r", "name")), 2)

    def test_a_future_owner_owns_and_there_is_one_at_most(self):
        self.ok(
            "SECURITYADMIN",
            "grant ownership on future tables in schema db.s to role s",
            "grant select on future tables in schema db.s to role r",
        )
        self.refused(
            "SECURITYADMIN", "grant ownership on future tables in schema db.s to role r", "003529"
        )
        self.ok("MAKER", "create table db.s.t (id int)")
        self.assertEqual(
            self.rows(
                "SECURITYADMIN",
                "show grants on table db.s.t",
                "privilege",
                "grantee_name",
                "granted_by",
            ),
            [("OWNERSHIP", "S", "S"), ("SELECT", "R", "S")],
        )
        self.ok("SECURITYADMIN", "revoke ownership on future tables in schema db.s from role s")

    def test_a_databases_future_owner_does_not_count_in_managed_access_schemas(self):
        self.ok(
            "SYSADMIN",
            "create schema db.m with managed access",
            "grant usage, create table on schema db.m to role maker",
        )
        self.ok("SECURITYADMIN", "grant ownership on future tables in database db to role s")
        self.ok("MAKER", "create table db.m.t (id int)", "create table db.z.t (id int)")
        owners = [
            self.rows("SECURITYADMIN", f"show grants on table {t}", "grantee_name")
            for t in ("db.m.t", "db.z.t")
        ]
        self.assertEqual(owners, [[("MAKER",)], [("S",)]])
        self.refused(
            "SECURITYADMIN", "grant ownership on future tables in schema db.m to role s", "003530"
        )

    def test_some_kinds_have_none(self):
        for kind in ("tags", "masking policies"):
            self.refused(
                "SECURITYADMIN", f"grant apply on future {kind} in schema db.s to role r", "000002"
            )
        for kind in ("notebooks", "services", "streamlits", "datasets", "password policies"):
            self.refused(
                "SECURITYADMIN",
                f"grant ownership on future {kind} in schema db.s to role r",
                "000002",
            )
        self.ok("SECURITYADMIN", "grant ownership on future models in schema db.s to role r")
        self.ok("SECURITYADMIN", "revoke ownership on future models in schema db.s from role r")
        self.refused(
            "SECURITYADMIN", "grant write on future stages in schema db.s to role r", "003032"
        )

    def test_a_rename_applies_none(self):
        self.ok("SECURITYADMIN", "grant select on future tables in schema db.s to role r")
        self.ok("MAKER", "create table db.z.t (id int)", "alter table db.z.t rename to db.s.t")
        self.assertEqual(self.made("DB.S.T"), [])

    def test_a_database_role_needs_the_granter_to_use_its_database(self):
        self.ok("SYSADMIN", "create database role db.d")
        sql = "grant select on future tables in schema db.s to database role db.d"
        self.refused("SECURITYADMIN", sql, "003001")
        self.ok("SYSADMIN", "grant usage on database db to role securityadmin")
        self.ok("SECURITYADMIN", sql)
        self.assertEqual(
            self.rows("SECURITYADMIN", "show future grants to database role db.d", "name"),
            [("DB.S.<TABLE>",)],
        )


class Replacing(Case):
    SETUP = Futures.SETUP + (
        (
            "MAKER",
            "create table db.s.t (id int)",
            "grant select on table db.s.t to role r",
            "create stream db.s.st on table db.s.t",
            "grant select on stream db.s.st to role r",
        ),
        (
            "SECURITYADMIN",
            "grant insert on future tables in schema db.s to role s",
            "grant select on future streams in schema db.s to role s",
        ),
    )
    RENEW = "create or replace table db.s.t (id int)"

    def held(self):
        return (
            [row[0] for row in self.grants("r") if row[1] == "TABLE"],
            [row[0] for row in self.grants("s") if row[1] == "TABLE"],
        )

    def test_a_replacement_loses_its_grants_and_takes_future_ones(self):
        self.ok("MAKER", self.RENEW)
        self.assertEqual(self.held(), ([], ["INSERT"]))

    def test_copy_grants_keeps_them_and_takes_no_future_ones(self):
        self.ok("MAKER", self.RENEW + " copy grants")
        self.assertEqual(self.held(), (["SELECT"], []))
        self.ok("MAKER", "create or replace stream db.s.st copy grants on table db.s.t")
        self.assertIn("STREAM", [row[1] for row in self.grants("s")])

    def test_with_bcr_2433_it_is_the_other_way_round(self):
        self.refused("MAKER", self.RENEW + " ignore grants", "001003")
        self.ok("ACCOUNTADMIN", "select system$enable_behavior_change_bundle('2026_08')")
        self.assertEqual(
            self.rows("PUBLIC", "select system$behavior_change_bundle_status('2026_08') as s", "S"),
            [("ENABLED",)],
        )
        self.ok("MAKER", self.RENEW)
        self.assertEqual(self.held(), (["SELECT"], []))
        self.refused("MAKER", self.RENEW + " copy grants ignore grants", "001003")
        self.ok("MAKER", self.RENEW + " ignore grants")
        self.assertEqual(self.held(), ([], ["INSERT"]))

    def test_who_does_not_own_it_cannot_replace_it(self):
        self.ok(
            "SECURITYADMIN",
            "grant usage on database db to role r",
            "grant usage, create table on schema db.s to role r",
        )
        self.refused("R", self.RENEW, "003001", "table 'DB.S.T'")

    def test_a_clone_of_a_schema_keeps_its_childrens_grants_and_not_its_own(self):
        self.ok("SECURITYADMIN", "grant usage on schema db.s to role r")
        self.ok("SYSADMIN", "create schema db.twin clone db.s")
        names = [(row[0], row[2]) for row in self.grants("r")]
        self.assertIn(("SELECT", "DB.TWIN.T"), names)
        self.assertNotIn(("USAGE", "DB.TWIN"), names)
