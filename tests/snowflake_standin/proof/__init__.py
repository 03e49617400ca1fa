"""Clients that are not ours, against the stand-in: the official connector, dbt-snowflake."""

import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]


class Standin:
    """A stand-in in a process of its own, which ends with this one."""

    def __init__(self, *arguments, scheme="http", context=None):
        self.scheme = scheme
        self.context = context
        self.process = subprocess.Popen(
            [sys.executable, "-m", "snowflake_standin", *arguments],
            cwd=TESTS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.port = int(self.process.stdout.readline())

    def admin(self, what, **body):
        url = f"{self.scheme}://127.0.0.1:{self.port}/standin/{what}"
        request = urllib.request.Request(url, json.dumps(body).encode())
        with urllib.request.urlopen(request, context=self.context) as reply:
            found = json.load(reply)
        if "error" in found:
            raise AssertionError(found["error"])
        return found

    def sql(self, *statements, **options):
        return self.admin("sql", statements=statements, **options)["results"]

    def stop(self):
        self.process.stdin.close()
        self.process.stdout.close()
        return self.process.wait(10)


def environment(**more):
    """This process's environment without proxies, which would be asked for the loopback."""
    kept = {k: v for k, v in os.environ.items() if not k.lower().endswith("_proxy")}
    return {**kept, **more}
