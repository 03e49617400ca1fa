import json
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

from .. import admin
from ..service import Dropped, HttpFault, Service


class Protocol(unittest.TestCase):
    def setUp(self):
        self.service = Service()
        self.token = self.login()["data"]["token"]
        self.request = 0

    def login(self, query=None, **data):
        body = {"ACCOUNT_NAME": "standin", "LOGIN_NAME": "admin", "PASSWORD": "standin", **data}
        return self.service.login({"data": body}, query or {})

    def admin(self, what, **body):
        return admin.answer(self.service, what, body)

    def query(self, sql, request=None, as_json=True):
        self.request += 1
        request = request or f"request-{self.request}"
        return self.service.query(self.token, {"sqlText": sql}, request, as_json)

    def roles(self):
        return [o["name"] for o in self.admin("state")["objects"] if o["kind"] == "ROLE"]

    def test_what_a_login_is_refused_with(self):
        self.admin(
            "sql",
            statements=[
                "create user jane password = 'x'",
                "create user gone password = 'x' disabled = true",
            ],
        )
        for code, query, data in (
            ("390100", {}, {"PASSWORD": "wrong"}),
            ("390100", {}, {"LOGIN_NAME": "nobody"}),
            ("390101", {}, {"LOGIN_NAME": "gone", "PASSWORD": "x"}),
            ("390189", {"roleName": "SYSADMIN"}, {"LOGIN_NAME": "jane", "PASSWORD": "x"}),
            ("390189", {"roleName": "NOWHERE"}, {}),
            (
                "390201",
                {"warehouse": "NO"},
                {"SESSION_PARAMETERS": {"CLIENT_VALIDATE_DEFAULT_PARAMETERS": True}},
            ),
            ("390400", {}, {"ACCOUNT_NAME": "elsewhere"}),
            ("390144", {}, {"AUTHENTICATOR": "SNOWFLAKE_JWT", "TOKEN": "a.b.c"}),
            ("390303", {}, {"AUTHENTICATOR": "OAUTH", "TOKEN": "no"}),
            ("394400", {}, {"AUTHENTICATOR": "PROGRAMMATIC_ACCESS_TOKEN", "TOKEN": "no"}),
        ):
            with self.subTest(code=code, data=data):
                reply = self.login(query, **data)
                self.assertEqual((reply["success"], reply["code"]), (False, code))
        self.assertTrue(self.login({"warehouse": "NO"})["success"])

    def test_wrong_passwords_lock_a_user(self):
        self.admin("sql", statements=["create user jane password = 'x'"])
        for _ in range(5):
            self.login(LOGIN_NAME="jane", PASSWORD="y")
        self.assertEqual(self.login(LOGIN_NAME="jane", PASSWORD="x")["code"], "390102")

    def test_tokens_expire(self):
        self.admin("user", user="ADMIN", oauth={"good": None, "old": 1}, pats={"pat": None})
        for kind, token, code in (
            ("OAUTH", "good", None),
            ("OAUTH", "old", "390318"),
            ("PROGRAMMATIC_ACCESS_TOKEN", "pat", None),
        ):
            self.assertEqual(self.login(AUTHENTICATOR=kind, TOKEN=token)["code"], code)

    def test_names_at_login_fold_unless_quoted(self):
        self.admin("sql", statements=['create role "lower"', 'grant role "lower" to user admin'])
        self.assertEqual(self.login({"roleName": "lower"})["code"], "390189")
        self.assertEqual(
            self.login({"roleName": '"lower"'})["data"]["sessionInfo"]["roleName"], "lower"
        )

    def test_secondary_roles_are_on_unless_the_user_has_none(self):
        query = "select current_secondary_roles() as r"
        self.admin(
            "sql",
            statements=[
                "create role r",
                "create role s",
                "create user jane password = 'x' default_role = r",
                "grant role r to user jane",
                "grant role s to user jane",
            ],
        )
        for roles, value in (
            ("('ALL')", '{"roles":"S","value":"ALL"}'),
            ("()", '{"roles":"","value":"NONE"}'),
        ):
            self.admin("sql", statements=[f"alter user jane set default_secondary_roles = {roles}"])
            self.token = self.login(LOGIN_NAME="jane", PASSWORD="x")["data"]["token"]
            self.assertEqual(self.query(query)["data"]["rowset"], [[value]])

    def test_an_expired_session_is_renewed_with_the_master_token(self):
        first = self.login()["data"]
        self.token = first["token"]
        self.admin("faults", faults=[{"kind": "expired", "match": "create role", "nth": 2}])
        self.assertTrue(self.query("create role a")["success"])
        self.assertEqual(self.query("create role b")["code"], "390112")
        self.assertEqual(self.query("show roles")["code"], "390112")
        renewed = self.service.renew(first["masterToken"])["data"]
        self.token = renewed["sessionToken"]
        self.assertEqual(renewed["sessionId"], first["sessionId"])
        self.assertTrue(self.query("create role b")["success"])
        self.admin("expire", lost=True)
        self.assertEqual(self.service.renew(renewed["masterToken"])["code"], "390114")

    def test_a_slow_query_is_polled_and_can_be_aborted(self):
        self.admin("faults", faults=[{"kind": "slow", "match": "role", "ms": 30, "times": 2}])
        for at, abort in enumerate((False, True)):
            reply = self.query(f"create role a{at}", f"slow-{at}")
            self.assertEqual((reply["code"], reply["success"]), ("333334", True))
            query_id = reply["data"]["queryId"]
            self.assertEqual(reply["data"]["getResultUrl"], f"/queries/{query_id}/result")
            if abort:
                self.service.abort(self.token, {"requestId": f"slow-{at}"})
            until = time.time() + 10
            while reply["code"] == "333334" and time.time() < until:
                reply = self.service.result(self.token, query_id)
            self.assertEqual(reply["code"], "000604" if abort else None)
        self.assertIn("A0", self.roles())
        self.assertNotIn("A1", self.roles())

    def test_a_repeated_request_is_not_done_twice(self):
        self.admin("faults", faults=[{"kind": "http", "status": 503, "executed": True}])
        with self.assertRaises(HttpFault):
            self.query("create role a", "same")
        self.assertTrue(self.query("create role a", "same")["success"])
        self.assertEqual(self.query("create role a", "another")["code"], "002002")

    def test_a_request_that_is_repeated_before_its_reply_waits_for_it(self):
        self.admin("faults", latency_ms=100)
        with ThreadPoolExecutor(4) as pool:
            replies = list(pool.map(lambda _: self.query("create role a", "same"), range(4)))
        self.assertTrue(all(reply["success"] for reply in replies), replies)
        self.assertEqual(len(self.admin("log")["log"]), 1)

    def test_faults_before_and_after_the_effect(self):
        for kind, executed, there in (
            ("drop", False, False),
            ("drop", True, True),
            ("http", False, False),
            ("http", True, True),
        ):
            name = f"{kind}_{executed}".upper()
            self.admin("faults", faults=[{"kind": kind, "executed": executed, "status": 429}])
            with self.assertRaises((Dropped, HttpFault)):
                self.query(f"create role {name}")
            self.assertEqual(name in self.roles(), there, name)

    def test_partial_success_lies_and_errors(self):
        self.admin(
            "sql",
            statements=[
                "create role r",
                "create database db",
                "grant usage on database db to role r",
            ],
        )
        self.admin(
            "faults",
            faults=[
                {"kind": "partial", "match": "^grant modify"},
                {"kind": "lie", "match": "^revoke"},
                {"kind": "error", "match": "^create role x", "code": "000603", "message": "Boom"},
            ],
        )
        reply = self.query("grant modify, monitor on database db to role r")
        self.assertEqual((reply["code"], reply["data"]["sqlState"]), ("003011", "42501"))
        self.assertIn("[MONITOR]", reply["message"])
        self.assertTrue(self.query("revoke usage on database db from role r")["success"])
        self.assertEqual(self.query("create role x")["code"], "000603")
        held = [g["privilege"] for g in self.admin("state")["grants"] if g["grantee"] == "R"]
        self.assertEqual(held, ["MODIFY", "USAGE"])

    def test_latency_is_paid_by_statements_only(self):
        self.admin("faults", latency_ms=40)
        before = time.time()
        self.query("show roles")
        self.assertGreaterEqual(time.time() - before, 0.04)
        entry = self.admin("log")["log"][-1]
        self.assertGreaterEqual(entry["ended"] - entry["started"], 0.04)
        self.assertEqual(entry["sql"], "show roles")

    def test_a_fault_that_is_misspelt_is_refused(self):
        for wrong in ({"kind": "nonsense"}, {"kind": "drop", "nht": 2}):
            with self.assertRaises(ValueError):
                self.admin("faults", faults=[wrong])

    def test_replies_have_the_fields_of_errors_and_results(self):
        reply = self.query("create role r")
        self.assertEqual(reply["data"]["rowset"], [["Role R successfully created."]])
        self.assertEqual(reply["data"]["finalRoleName"], "ACCOUNTADMIN")
        reply = self.query("create role r")
        self.assertEqual(
            (reply["data"]["errorCode"], reply["data"]["sqlState"], reply["data"]["internalError"]),
            ("002002", "42710", False),
        )
        self.assertEqual(self.query("select 1 = 1 as b, 2 as n")["data"]["rowset"], [["1", "2"]])
        json.dumps(reply)

    def test_tokens_that_are_not_there(self):
        self.token = "nonsense"
        self.assertEqual(self.query("show roles")["code"], "390104")
        self.assertEqual(self.service.renew("nonsense")["code"], "390113")
        token = self.login()["data"]["token"]
        self.service.close(token)
        self.token = token
        self.assertEqual(self.query("show roles")["code"], "390111")
