"""Faults that a test asks for: which statement they meet, and how often."""

import re

KINDS = {
    "expired",  # 390112 until the session is renewed; the statement is not run
    "lost",  # 390112, and the renewal fails with 390114: a new login is needed
    "slow",  # 333333 or 333334 (`code`) until `ms` have passed; runs at the end of that time
    "http",  # `status` (503): with `executed`, the statement took effect all the same
    "drop",  # the connection breaks: with `executed`, after the statement took effect
    "partial",  # 003011: the last of what was to be granted is not
    "lie",  # success is reported and nothing done
    "error",  # `code`, `sqlstate`, `message`; nothing is run
    "latency",  # `ms` more for this statement
    "die",  # the server's process ends: with `executed`, after the statement took effect
}


class Fault:
    def __init__(self, wanted):
        self.kind = wanted["kind"]
        if self.kind not in KINDS:
            raise ValueError(f"no such fault: {self.kind}")
        unknown = set(wanted) - {
            "kind",
            "match",
            "nth",
            "times",
            "ms",
            "status",
            "executed",
            "code",
            "sqlstate",
            "message",
            "retry_after",
        }
        if unknown:
            raise ValueError(f"a fault has no {', '.join(sorted(unknown))}")
        self.match = re.compile(wanted.get("match", ""), re.I | re.S)
        self.nth = wanted.get("nth", 1)
        self.times = wanted.get("times", 1)
        self.ms = wanted.get("ms", 0)
        self.status = wanted.get("status", 503)
        self.executed = wanted.get("executed", False)
        self.retry_after = wanted.get("retry_after")
        self.code = wanted.get("code")
        self.sqlstate = wanted.get("sqlstate", "42601")
        self.message = wanted.get("message", "a fault that the test asked for")
        self.seen = self.struck = 0

    def strikes(self, sql):
        """Counts the statement, and says whether this is one to meet."""
        if not self.match.search(sql):
            return False
        self.seen += 1
        if self.seen < self.nth or self.times and self.struck >= self.times:
            return False
        self.struck += 1
        return True


class Faults:
    def __init__(self):
        self.rules = []
        self.latency_ms = 0

    def set(self, wanted):
        if "latency_ms" in wanted:
            self.latency_ms = wanted["latency_ms"]
        if "faults" in wanted:
            self.rules = [Fault(each) for each in wanted["faults"]]

    def meet(self, sql):
        """The faults that this statement meets."""
        return [rule for rule in self.rules if rule.strikes(sql)]
