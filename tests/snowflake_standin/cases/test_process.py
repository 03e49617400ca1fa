import gzip
import json
import socket
import tempfile
import unittest
import urllib.request
from pathlib import Path

from ..proof import Standin


class Process(unittest.TestCase):
    def test_it_says_where_it_is_and_ends_when_its_stdin_is_closed(self):
        with tempfile.TemporaryDirectory() as folder:
            ready = Path(folder, "ready")
            standin = Standin("--port", "0", "--ready-file", str(ready))
            self.assertEqual(int(ready.read_text()), standin.port)
            self.assertEqual(standin.sql("create role r")[0]["columns"], ["status"])
            self.assertEqual(standin.stop(), 0)
            with self.assertRaises(OSError):
                socket.create_connection(("127.0.0.1", standin.port), timeout=5).close()

    def test_a_fault_can_end_it_before_or_after_a_statement(self):
        standin = Standin()
        self.addCleanup(standin.stop)
        standin.admin("faults", faults=[{"kind": "die", "match": "create role"}])
        login = {"data": {"ACCOUNT_NAME": "STANDIN", "LOGIN_NAME": "ADMIN", "PASSWORD": "standin"}}
        token = post(standin, "/session/v1/login-request", login)["data"]["token"]
        with self.assertRaises(OSError):
            post(
                standin,
                "/queries/v1/query-request?requestId=1",
                {"sqlText": "create role r"},
                token,
            )
        self.assertEqual(standin.process.wait(10), 70)


def post(standin, path, body, token=None):
    request = urllib.request.Request(
        f"http://127.0.0.1:{standin.port}{path}", gzip.compress(json.dumps(body).encode())
    )
    request.add_header("Content-Encoding", "gzip")
    request.add_header("Accept-Encoding", "gzip")
    if token:
        request.add_header("Authorization", f'Snowflake Token="{token}"')
    with urllib.request.urlopen(request) as reply:
        raw = reply.read()
        if reply.headers.get("Content-Encoding") == "gzip":
            raw = gzip.decompress(raw)
        return json.loads(raw)
