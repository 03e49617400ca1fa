"""The official connector logs in, makes roles, grants, and reads back what it was told."""

import ipaddress
import logging
import os
import ssl
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta, timezone
from pathlib import Path

import snowflake.connector
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from snowflake.connector.errors import DatabaseError, Error, IntegrityError, ProgrammingError

from . import Standin

logging.disable(logging.ERROR)


def pem(key):
    return key.private_bytes(
        serialization.Encoding.DER,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def public(key):
    text = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return "".join(text.decode().splitlines()[1:-1])


class Connector(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.standin = Standin()
        cls.key = rsa.generate_private_key(65537, 2048)

    @classmethod
    def tearDownClass(cls):
        assert cls.standin.stop() == 0

    def setUp(self):
        self.standin.admin("reset")

    def connect(self, standin=None, **given):
        where = standin or self.standin
        settings = {
            "account": "standin",
            "user": "admin",
            "password": "standin",
            "host": "127.0.0.1",
            "port": where.port,
            "protocol": where.scheme,
            **given,
        }
        connection = snowflake.connector.connect(**{k: v for k, v in settings.items() if v})
        self.addCleanup(connection.close)
        return connection

    def run_all(self, connection, *statements):
        cursor = connection.cursor()
        for sql in statements:
            cursor.execute(sql)
        return cursor.fetchall()

    def refused(self, connection, sql, errno, sqlstate):
        with self.assertRaises(ProgrammingError) as caught:
            connection.cursor().execute(sql)
        self.assertEqual((caught.exception.errno, caught.exception.sqlstate), (errno, sqlstate))

    def rows(self, connection, sql, *names):
        cursor = connection.cursor(snowflake.connector.DictCursor)
        return sorted(tuple(str(row[name]) for name in names) for row in cursor.execute(sql))

    def test_logins_by_password_key_pair_and_tokens(self):
        self.standin.sql(
            "create role deployer",
            f"create user svc password = 'Pass word' rsa_public_key = '{public(self.key)}' "
            "default_role = deployer",
            "grant role deployer to user svc",
        )
        self.standin.admin("user", user="SVC", oauth={"oauth-token": None}, pats={"pat": None})
        for given in (
            {"password": "Pass word"},
            {"password": None, "private_key": pem(self.key)},
            {"password": None, "authenticator": "oauth", "token": "oauth-token"},
            {"password": None, "authenticator": "PROGRAMMATIC_ACCESS_TOKEN", "token": "pat"},
        ):
            connection = self.connect(user="svc", **given)
            self.assertEqual(
                connection.cursor().execute("select current_user(), current_role()").fetchone(),
                ("SVC", "DEPLOYER"),
            )

    def test_rows_are_written_merged_and_read_back(self):
        admin = self.connect(role="accountadmin")
        self.run_all(
            admin,
            "create warehouse wh",
            "use warehouse wh",
            "create database db",
            "create schema db.s",
            "create table db.s.t (id varchar(8) not null, n int, b boolean)",
        )
        cursor = admin.cursor()
        # Its own way of saying values: as literals, escaped by the client.
        odd = "it's \\ \"odd\"\n{{ x }}"
        cursor.execute("create or replace table db.s.t (id varchar(80) not null, n int, b boolean)")
        insert = "insert into db.s.t (id, n, b) values (%s, %s, %s)"
        self.assertEqual(cursor.execute(insert, (odd, 1, True)).rowcount, 1)
        self.assertEqual(cursor.execute("insert into db.s.t select 'b', 2, null").rowcount, 1)
        self.assertEqual(
            sorted(cursor.execute("select id, n, b from db.s.t").fetchall()),
            [("b", 2, None), (odd, 1, True)],
        )
        merge = (
            "merge into db.s.t as t using (select %s as id, %s as n) as s on t.id = s.id "
            "when matched and t.n < 5 then update set n = s.n "
            "when not matched then insert (id, n) values (s.id, s.n)"
        )
        self.assertEqual(cursor.execute(merge, ("b", 7)).fetchone(), (0, 1))
        self.assertEqual(cursor.execute(merge, ("b", 8)).fetchone(), (0, 0))
        self.assertEqual(cursor.execute(merge, ("c", 9)).fetchone(), (1, 0))
        self.assertEqual(cursor.execute("update db.s.t set n = 0 where n > 6").rowcount, 2)
        self.assertEqual(cursor.execute("delete from db.s.t where n = 0").rowcount, 2)
        self.assertEqual(cursor.execute("select id from db.s.t").fetchall(), [(odd,)])
        with self.assertRaises(IntegrityError) as caught:
            cursor.execute("insert into db.s.t (n) values (1)")
        self.assertEqual((caught.exception.errno, caught.exception.sqlstate), (100072, "22000"))
        clock = cursor.execute("select sysdate(), current_timestamp()").fetchone()
        apart = clock[0] - datetime.now(timezone.utc).replace(tzinfo=None)
        self.assertLess(abs(apart.total_seconds()), 60)
        self.assertIsNotNone(clock[1].tzinfo)

    def test_refused_logins_have_their_codes(self):
        other = rsa.generate_private_key(65537, 2048)
        self.standin.sql(f"create user svc rsa_public_key = '{public(self.key)}'")
        for errno, given in (
            (390100, {"password": "wrong"}),
            (390144, {"user": "svc", "password": None, "private_key": pem(other)}),
            (390189, {"role": "nowhere"}),
        ):
            with self.assertRaises(DatabaseError) as caught:
                self.connect(login_timeout=5, **given)
            self.assertEqual(caught.exception.errno, errno)

    def test_roles_grants_futures_and_ownership_read_back(self):
        admin = self.connect(role="accountadmin")
        self.run_all(
            admin,
            "use role useradmin",
            "create role reader comment = 'reads'",
            "create role writer",
            "grant role writer to role sysadmin",
            "use role sysadmin",
            "create database db",
            "create schema db.s",
            "create table db.s.t (id int)",
            'create view db.s."v" as select 1 a',
            "use role securityadmin",
            "grant usage on database db to role reader",
            "grant select on table db.s.t to role reader",
            'grant select on view db.s."v" to role reader with grant option',
            "grant select on future tables in schema db.s to role reader",
            "grant ownership on table db.s.t to role writer copy current grants",
        )
        self.assertEqual(
            self.rows(
                admin,
                "show grants to role reader",
                "privilege",
                "granted_on",
                "name",
                "grant_option",
                "granted_by",
            ),
            [
                ("SELECT", "TABLE", "DB.S.T", "false", "WRITER"),
                ("SELECT", "VIEW", 'DB.S."v"', "true", "SYSADMIN"),
                ("USAGE", "DATABASE", "DB", "false", "SYSADMIN"),
            ],
        )
        self.assertEqual(
            self.rows(
                admin,
                "show future grants in schema db.s",
                "privilege",
                "grant_on",
                "name",
                "grantee_name",
            ),
            [("SELECT", "TABLE", "DB.S.<TABLE>", "READER")],
        )
        self.assertEqual(
            self.rows(admin, "show grants of role writer", "role", "granted_to", "grantee_name"),
            [("WRITER", "ROLE", "SYSADMIN")],
        )
        made = self.rows(admin, "show roles like 'reader'", "created_on", "comment")[0]
        self.assertEqual(made[1], "reads")
        self.assertLess(
            abs(datetime.fromisoformat(made[0]) - datetime.now(timezone.utc)), timedelta(minutes=5)
        )

    def test_errors_have_snowflakes_codes(self):
        connection = self.connect(role="accountadmin")
        self.run_all(
            connection,
            "create role r",
            "create database db",
            "create table db.public.t (a int)",
            "grant select on table db.public.t to role r",
        )
        for sql, errno, sqlstate in (
            ("grant select on table db.public.no to role r", 2003, "02000"),
            ("create role r", 2002, "42710"),
            ("grant selct to", 1003, "42000"),
            ("grant ownership on table db.public.t to role r", 3036, "23001"),
            ("create role a; create role b", 8, "0A000"),
        ):
            self.refused(connection, sql, errno, sqlstate)
        self.run_all(connection, "use secondary roles none", "use role useradmin")
        self.refused(connection, "grant create database on account to role r", 3102, "42501")
        self.refused(connection, "create database x", 3001, "42501")

    def test_results_come_as_arrow_and_as_json(self):
        for form in ("ARROW", "JSON"):
            connection = self.connect(
                session_parameters={"PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": form}
            )
            self.run_all(
                connection,
                "create warehouse if not exists wh",
                "use warehouse wh",
                "create or replace database db",
                "create or replace table db.public.t (id int)",
            )
            cursor = connection.cursor().execute(
                "select table_name, row_count, created, comment, 1 = 1 as yes "
                "from db.information_schema.tables"
            )
            ((name, count, created, comment, yes),) = cursor.fetchall()
            self.assertEqual((name, count, comment, yes), ("T", 0, None, True))
            self.assertLess(abs(created - datetime.now(timezone.utc)), timedelta(minutes=5))
            cursor.execute("select table_name from db.information_schema.tables where 1 = 0")
            self.assertEqual(cursor.fetchall(), [])

    def test_expired_slow_broken_and_repeated(self):
        connection = self.connect(role="useradmin")
        self.standin.admin(
            "faults",
            faults=[
                {"kind": "expired", "match": "create role a"},
                {"kind": "slow", "match": "create role b", "ms": 150, "code": "333333"},
                {"kind": "slow", "match": "create role c", "ms": 150},
                {"kind": "http", "match": "create role d", "status": 503, "executed": True},
                {"kind": "drop", "match": "create role e", "executed": True},
            ],
        )
        for name in "abcde":
            self.run_all(connection, f"create role {name}")
        names = [row[0] for row in self.rows(connection, "show roles", "name")]
        self.assertTrue(set("ABCDE") <= set(names), names)

    def test_an_expired_master_token_is_an_error(self):
        connection = self.connect()
        self.standin.admin("faults", faults=[{"kind": "lost", "match": "show"}])
        with self.assertRaises(Error) as caught:
            connection.cursor().execute("show roles")
        self.assertEqual(caught.exception.errno, 390114)

    def test_sessions_side_by_side(self):
        self.standin.sql(
            "create database db",
            *[f"create role r{n}" for n in range(8)],
            *[f"create table db.public.t{n} (id int)" for n in range(50)],
        )

        def work(n):
            connection = self.connect()
            for at in range(50):
                connection.cursor().execute(f"grant select on table db.public.t{at} to role r{n}")
            return len(connection.cursor().execute(f"show grants to role r{n}").fetchall())

        with ThreadPoolExecutor(8) as pool:
            self.assertEqual(list(pool.map(work, range(8))), [50] * 8)
        self.assertGreaterEqual(len({e["session"] for e in self.standin.admin("log")["log"]}), 8)

    def test_https_with_a_certificate_of_our_own(self):
        with tempfile.TemporaryDirectory() as folder:
            cert, key = Path(folder, "cert.pem"), Path(folder, "key.pem")
            write_certificate(self.key, cert, key)
            context = ssl.create_default_context(cafile=cert)
            standin = Standin(
                "--cert", str(cert), "--key", str(key), scheme="https", context=context
            )
            self.addCleanup(standin.stop)
            standin.sql("create role r")
            os.environ["REQUESTS_CA_BUNDLE"] = str(cert)
            self.addCleanup(os.environ.pop, "REQUESTS_CA_BUNDLE")
            connection = self.connect(standin, disable_ocsp_checks=True)
            self.assertEqual(
                connection.cursor().execute("select current_role()").fetchone(), ("ACCOUNTADMIN",)
            )


def write_certificate(private, cert, key):
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(timezone.utc)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


if __name__ == "__main__":
    unittest.main()
