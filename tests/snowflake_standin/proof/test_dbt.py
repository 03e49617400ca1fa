"""dbt-snowflake, as people run it: `dbt debug`, and `dbt run` of a project that has `grants`."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from . import Standin, environment

FILES = {
    "dbt_project.yml": """
name: shop
profile: shop
models:
  shop:
    +copy_grants: true
    +grants:
      select: ["{{ env_var('GRANTEE') }}"]
flags:
  send_anonymous_usage_stats: false
""",
    "profiles.yml": """
shop:
  target: prod
  outputs:
    prod:
      type: snowflake
      account: standin
      host: 127.0.0.1
      port: "{{ env_var('PORT') | as_number }}"
      protocol: http
      user: dbt
      password: secret
      role: transformer
      warehouse: wh
      database: analytics
      schema: marts
      threads: 2
""",
    "models/orders.sql": "select 1 as id",
    "models/items.sql": """
{{ config(materialized="table") }}
select id, 2 as n from {{ ref("orders") }}
""",
}


class Dbt(unittest.TestCase):
    def setUp(self):
        self.standin = Standin()
        self.addCleanup(self.standin.stop)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        for name, text in FILES.items():
            path = self.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")

    def dbt(self, *arguments, grantee):
        command = [str(Path(sys.executable).with_name("dbt")), *arguments]
        options = ["--project-dir", self.folder, "--profiles-dir", self.folder]
        done = subprocess.run(
            [*command, *map(str, options)],
            env=environment(PORT=str(self.standin.port), GRANTEE=grantee, NO_COLOR="1"),
            capture_output=True,
            text=True,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def readers(self):
        return sorted(
            (grant["on"], grant["kind"], grant["grantee"])
            for grant in self.standin.admin("state")["grants"]
            if grant["privilege"] == "SELECT"
        )

    def test_a_projects_grants_are_applied_and_changed(self):
        self.standin.sql(
            "create role transformer",
            "create role reporter",
            "create role auditor",
            "create user dbt password = 'secret' default_role = transformer",
            "grant role transformer to user dbt",
            "create warehouse wh",
            "grant usage on warehouse wh to role transformer",
            "create database analytics",
            "grant usage, create schema on database analytics to role transformer",
        )
        self.assertIn("All checks passed!", self.dbt("debug", grantee="reporter"))
        for grantee in ("reporter", "auditor"):
            self.assertIn("PASS=2", self.dbt("run", grantee=grantee))
            self.assertEqual(
                self.readers(),
                [
                    ("ANALYTICS.MARTS.ITEMS", "TABLE", grantee.upper()),
                    ("ANALYTICS.MARTS.ORDERS", "VIEW", grantee.upper()),
                ],
            )
        said = [entry["sql"].lower() for entry in self.standin.admin("log")["log"]]
        for wanted in ("show grants on", "revoke select on", "grant select on", "copy grants"):
            self.assertTrue(any(wanted in sql for sql in said), wanted)


if __name__ == "__main__":
    unittest.main()
