"""What the stand-in does, statement by statement: `python -m unittest discover -s … -t …`."""

import unittest

from .. import engine, seed
from ..errors import SnowflakeError
from ..session import Session


class Case(unittest.TestCase):
    """One account; statements run as the role that is named first."""

    SETUP = ()

    def setUp(self):
        self.account = seed.new_account("STANDIN", "ADMIN", "standin")
        self.sessions = {}
        self.warehouse = self.account.add("WAREHOUSE", self.account.root, "ANY_WH", None)
        self.account.grant("USAGE", self.warehouse, self.account.role("PUBLIC"), None)
        for role, *statements in self.SETUP:
            for sql in statements:
                self.ok(role, sql)

    def session(self, role):
        if role not in self.sessions:
            session = Session(self.account, self.account.user("ADMIN"), self.account.role(role))
            session.secondary = "NONE"
            session.warehouse = self.warehouse
            self.sessions[role] = session
        return self.sessions[role]

    def run_as(self, role, sql):
        session = self.session(role)
        session.role = self.account.role(role)
        return engine.execute(session, sql)

    def ok(self, role, *statements):
        for sql in statements:
            try:
                result = self.run_as(role, sql)
            except SnowflakeError as error:
                self.fail(f"{sql}: {error.code} {error.message}")
        return result

    def refused(self, role, sql, code, text=""):
        with self.assertRaises(SnowflakeError, msg=sql) as caught:
            self.run_as(role, sql)
        self.assertEqual(caught.exception.code, code, caught.exception.message)
        self.assertIn(text, caught.exception.message)

    def rows(self, role, sql, *names):
        """The named columns of the result, sorted."""
        result = self.ok(role, sql)
        at = [[column.name for column in result.columns].index(name) for name in names]
        rows = [tuple(row[i] for i in at) for row in result.rows]
        return sorted(rows, key=lambda row: tuple(str(value) for value in row))

    def grants(self, role, to=None):
        """(privilege, granted_on, name, grant_option, granted_by) of what a role holds."""
        target = to or f"role {role}"
        return self.rows(
            "SECURITYADMIN",
            f"show grants to {target}",
            "privilege",
            "granted_on",
            "name",
            "grant_option",
            "granted_by",
        )
