"""The stand-in itself: one account, its sessions, the log, the faults. No HTTP in here."""

import os
import threading
import time

from . import auth, engine, protocol, seed
from .errors import LoginError, SnowflakeError
from .faults import Faults

_REPLIES_KEPT = 200


class Dropped(Exception):
    """The connection is to break here."""


class HttpFault(Exception):
    def __init__(self, status, retry_after=None):
        super().__init__(status)
        self.status = status
        self.retry_after = retry_after


class Running:
    """A statement whose result is not there yet."""

    def __init__(self, session, sql, code):
        self.session = session
        self.sql = sql
        self.code = code
        self.done = threading.Event()
        self.aborted = threading.Event()
        self.reply = None


class Service:
    def __init__(self, account="STANDIN", user="ADMIN", password="standin"):
        self.lock = threading.RLock()
        self.settings = (account.upper(), user.upper(), password)
        self.reset()

    def reset(self):
        with self.lock:
            self.account = seed.new_account(*self.settings)
            self.faults = Faults()
            self.by_token = {}
            self.by_master = {}
            self.running = {}  # query id -> Running
            self.by_request = {}  # request id -> query id
            self.log = []
            self.counters = {}

    def count(self, what):
        with self.lock:
            self.counters[what] = self.counters.get(what, 0) + 1

    # Sessions -----------------------------------------------------------------------------

    def login(self, body, query):
        data = body.get("data") or {}
        with self.lock:
            try:
                session = auth.login(self.account, data, query)
            except LoginError as error:
                authenticator = data.get("AUTHENTICATOR") or "USERNAME_PASSWORD"
                return protocol.login_refused(error, authenticator)
            self._remember(session)
            return protocol.login(session)

    def _remember(self, session):
        self.by_token[session.token] = session
        self.by_master[session.master] = session

    def renew(self, master):
        with self.lock:
            session = self.by_master.get(master)
            if session is None or session.closed:
                return protocol.refused("390113", "The master token is not found.")
            if session.master_expired:
                return protocol.refused(
                    "390114",
                    "Authentication token has expired.  The user must authenticate again.",
                )
            self.by_token.pop(session.token, None)
            self.by_master.pop(session.master, None)
            session.new_tokens()
            self._remember(session)
            return protocol.renewed(session)

    def session(self, token):
        """The session of a token, or the reply that it is not valid."""
        session = self.by_token.get(token)
        if session is None:
            return None, protocol.refused(
                "390104", "Session does not exist or the token is invalid. Log in again."
            )
        if session.closed:
            return None, protocol.refused(
                "390111", "Session no longer exists.  New login required to access the service."
            )
        if session.token_expired:
            return None, _expired()
        return session, None

    def close(self, token):
        with self.lock:
            session = self.by_token.get(token)
            if session is not None:
                session.closed = True
        return protocol.nothing()

    # Statements ---------------------------------------------------------------------------

    def query(self, token, body, request_id, as_json):
        session, refusal = self.session(token)
        if refusal:
            return refusal
        sql = body.get("sqlText", "")
        request_id = request_id or protocol.query_id()
        while True:
            with self.lock:
                if request_id in session.replies:  # a repeated request is not done twice
                    return session.replies[request_id]
                query_id = self.by_request.get(request_id)
                if query_id in self.running:
                    return protocol.in_progress(query_id, self.running[query_id].code)
                first = session.under_way.get(request_id)
                if first is None:
                    session.under_way[request_id] = done = threading.Event()
                    met, entry = self._note(session, sql)
                    wait = self.faults.latency_ms + sum(f.ms for f in met if f.kind == "latency")
                    break
            first.wait()
        try:
            time.sleep(wait / 1000)
            return self._meet(session, sql, request_id, as_json, met, entry)
        finally:
            entry["ended"] = time.time()
            with self.lock:
                session.under_way.pop(request_id, None)
            done.set()

    def _note(self, session, sql):
        met = self.faults.meet(sql)
        entry = {
            "n": len(self.log) + 1,
            "session": session.id,
            "user": session.user.name,
            "role": session.role.name if session.role else None,
            "sql": sql,
            "started": time.time(),
            "faults": [fault.kind for fault in met],
        }
        self.log.append(entry)
        return met, entry

    def _meet(self, session, sql, request_id, as_json, met, entry):
        kinds = {fault.kind: fault for fault in met}
        if "lost" in kinds or "expired" in kinds:
            session.token_expired = True
            session.master_expired = "lost" in kinds
            return _expired()
        for kind in ("die", "drop", "http"):
            if kind in kinds and not kinds[kind].executed:
                _strike(kinds[kind])
        if "slow" in kinds:
            return self._slowly(session, sql, request_id, as_json, kinds, entry)
        reply = self._run(session, sql, as_json, kinds, entry)
        with self.lock:
            _keep(session, request_id, reply)
        for kind in ("die", "drop", "http"):
            if kind in kinds:
                _strike(kinds[kind])
        return reply

    def _run(self, session, sql, as_json, kinds, entry):
        query_id = entry.setdefault("query_id", protocol.query_id())
        with self.lock:
            try:
                if "error" in kinds:
                    fault = kinds["error"]
                    raise SnowflakeError(fault.code or "000603", fault.sqlstate, fault.message)
                if "lie" in kinds:
                    sql = "BEGIN"
                session.partial = "partial" in kinds
                found = engine.execute(session, sql)
                session.last_query = query_id
                entry["ok"] = True
                return protocol.result(
                    session, found, query_id, found.select and not as_json and _arrow(session)
                )
            except SnowflakeError as error:
                entry["ok"], entry["code"] = False, error.code
                return protocol.failed(error, query_id)
            except Exception as bug:  # the stand-in's own
                entry["ok"], entry["code"], entry["bug"] = False, "300002", repr(bug)
                error = SnowflakeError("300002", "XX000", f"Internal error: {bug!r}")
                return protocol.failed(error, query_id)
            finally:
                session.partial = False

    def _slowly(self, session, sql, request_id, as_json, kinds, entry):
        fault = kinds["slow"]
        query_id = entry.setdefault("query_id", protocol.query_id())
        running = Running(session, sql, fault.code or "333334")
        with self.lock:
            self.running[query_id] = running
            self.by_request[request_id] = query_id

        def work():
            if running.aborted.wait(fault.ms / 1000):
                error = SnowflakeError("000604", "57014", "SQL execution canceled")
                running.reply = protocol.failed(error, query_id)
            else:
                running.reply = self._run(session, sql, as_json, kinds, entry)
            entry["ended"] = time.time()
            running.done.set()

        threading.Thread(target=work, daemon=True).start()
        return protocol.in_progress(query_id, running.code)

    def result(self, token, query_id):
        """Waits a little, as Snowflake does for longer, then says that it is still running."""
        _, refusal = self.session(token)
        if refusal:
            return refusal
        running = self.running.get(query_id)
        if running is None:
            error = SnowflakeError("000709", "02000", f"Statement {query_id} not found")
            return protocol.failed(error, query_id)
        if running.done.wait(0.05):
            return running.reply
        return protocol.in_progress(query_id, running.code)

    def abort(self, token, body):
        _, refusal = self.session(token)
        if refusal:
            return refusal
        running = self.running.get(self.by_request.get(body.get("requestId")))
        if running is None:
            error = SnowflakeError(
                "000605", "02000", "Identified SQL statement is not currently executing."
            )
            return protocol.failed(error, protocol.query_id())
        running.aborted.set()
        return protocol.nothing()


def _expired():
    return protocol.refused("390112", "Your session has expired. Please login again.")


def _strike(fault):
    if fault.kind == "die":
        os._exit(70)
    if fault.kind == "drop":
        raise Dropped
    raise HttpFault(fault.status, fault.retry_after)


def _keep(session, request_id, reply):
    session.replies[request_id] = reply
    if len(session.replies) > _REPLIES_KEPT:
        session.replies.pop(next(iter(session.replies)))


_FORMATS = {"PYTHONCONNECTOR": "PYTHON_CONNECTOR", "GO": "GO", "JDBC": "JDBC", "ODBC": "ODBC"}


def _arrow(session):
    """SELECT comes as Arrow for clients that are known to take it and have not asked for JSON."""
    client = _FORMATS.get(session.client.replace(" ", "").upper())
    if client is None:
        return False
    return str(session.parameters[f"{client}_QUERY_RESULT_FORMAT"]).upper().startswith("ARROW")
