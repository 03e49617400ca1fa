"""The tests' own interface, under /standin/: state, log, counters, faults, statements."""

from . import engine
from .errors import SnowflakeError
from .session import Session


def answer(service, what, body):
    """A reply to POST /standin/<what>, or None where there is no such thing."""
    handler = _ANSWERS.get(what)
    return handler(service, body) if handler else None


def _reset(service, body):
    service.reset()
    return {}


def _faults(service, body):
    with service.lock:
        service.faults.set(body)
    return {}


def _log(service, body):
    with service.lock:
        since = body.get("since", 0)
        return {"log": service.log[since:], "counters": dict(service.counters)}


def _clear(service, body):
    with service.lock:
        service.log.clear()
        service.counters.clear()
    return {}


def _sql(service, body):
    """Runs statements as ACCOUNTADMIN (or `role`) without login, log, faults or latency."""
    with service.lock:
        account = service.account
        user = account.user(body.get("user", service.settings[1]))
        session = Session(account, user, account.role(body.get("role", "ACCOUNTADMIN")))
        session.secondary = body.get("secondary", "NONE")
        found, refused = [], []
        for statement in body["statements"]:
            by = statement if isinstance(statement, dict) else {"sql": statement}
            before = session.role
            if "role" in by:
                session.role = account.role(by["role"])
            try:
                result = engine.execute(session, by["sql"])
            except SnowflakeError as error:
                refused.append(
                    {
                        "code": error.code,
                        "sqlstate": error.sqlstate,
                        "message": error.message,
                        "sql": by["sql"],
                    }
                )
                if body.get("go_on"):
                    continue
                return {"error": refused[0], "results": found}
            finally:
                if "role" in by:
                    session.role = before
            found.append(
                {
                    "columns": [column.name for column in result.columns],
                    "rows": result.rows,
                }
            )
        return {"results": found, "refused": refused}


def _user(service, body):
    """Puts credentials on a user: oauth and pat tokens with their expiry, or null."""
    with service.lock:
        user = service.account.user(body["user"])
        if user is None:
            return {"error": {"message": f"no user {body['user']}"}}
        for field, key in (("oauth", "OAUTH_TOKENS"), ("pats", "PATS")):
            if field in body:
                user.extra[key] = dict(body[field])
        user.extra.update(body.get("set", {}))
        return {}


def _account(service, body):
    """Switches of the account: behaviour-change bundles and parameters."""
    with service.lock:
        service.account.bundles.update(body.get("bundles", {}))
        service.account.parameters.update(body.get("parameters", {}))
        return {"bundles": service.account.bundles, "parameters": service.account.parameters}


def _expire(service, body):
    """Expires sessions: all, or one by id; with `lost`, beyond renewal."""
    with service.lock:
        for session in service.by_token.values():
            if body.get("session") in (None, session.id):
                session.token_expired = True
                session.master_expired = bool(body.get("lost"))
    return {}


def _name(obj):
    return obj.shown if obj is not None else None


def _state(service, body):
    """Everything an account holds, but for times; sorted, so that two states can be compared."""
    with service.lock:
        root = service.account.root
        objects, grants, futures, inherited, members = [], [], [], [], []
        for obj in (root, *root.descendants()):
            if obj is not root:
                objects.append(
                    {
                        "kind": obj.kind.name,
                        "name": obj.shown,
                        "owner": _name(obj.owner),
                        "comment": obj.comment,
                        "managed": bool(obj.extra.get("managed")),
                    }
                )
            grants += [
                {
                    "privilege": g.privilege,
                    "kind": obj.kind.name,
                    "on": obj.shown,
                    "to": g.grantee.kind.name,
                    "grantee": _name(g.grantee),
                    "option": g.option,
                    "grantor": _name(g.grantor),
                }
                for g in obj.grants.values()
            ]
            for found, into in ((obj.future, futures), (obj.inherited, inherited)):
                into += [
                    {
                        "privilege": f.privilege,
                        "kind": f.kind.name,
                        "in": obj.shown,
                        "to": f.grantee.kind.name,
                        "grantee": _name(f.grantee),
                        "option": f.option,
                    }
                    for f in found.values()
                ]
            members += [
                {
                    "kind": obj.kind.name,
                    "role": obj.shown,
                    "to": m.grantee.kind.name,
                    "grantee": _name(m.grantee),
                    "grantor": _name(m.grantor),
                }
                for m in obj.members.values()
            ]
        state = {
            "objects": objects,
            "grants": grants,
            "future": futures,
            "inherited": inherited,
            "members": members,
        }
        for rows in state.values():
            rows.sort(key=lambda row: tuple(str(value) for value in row.values()))
        return state


_ANSWERS = {
    "reset": _reset,
    "faults": _faults,
    "log": _log,
    "clear": _clear,
    "sql": _sql,
    "user": _user,
    "account": _account,
    "expire": _expire,
    "state": _state,
}
