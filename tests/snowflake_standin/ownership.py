"""GRANT OWNERSHIP: it is moved, never shared; what hangs on it blocks, goes or is copied."""

from . import authority, errors, futures, grants, resolve
from .results import status

# «You cannot transfer the OWNERSHIP privilege for the following objects.»
_NEVER_MOVED = (
    "APPLICATION SERVICE",
    "CONNECTION",
    "DATASET",
    "MODEL",
    "SERVICE",
    "SHARE",
    "STREAMLIT",
    # Its list of object types does not have these.
    "APPLICATION PACKAGE",
    "ARTIFACT REPOSITORY",
    "CONTACT",
    "INTERACTIVE TABLE",
)


def grant(session, node):
    if node.inherited:
        raise errors.unsupported("INHERITED OWNERSHIP")
    if node.on.scope == "future":
        return futures.grant_ownership(session, node)
    to = resolve.grantee(session, node.to)
    if to.kind.name not in ("ROLE", "DATABASE ROLE"):
        raise errors.invalid("Ownership can be granted to roles only.", "003017", "42601")
    if node.on.scope == "account":
        raise errors.invalid_privilege("ACCOUNT", "OWNERSHIP")
    if node.on.scope == "object" and node.on.of.name in ("MATERIALIZED VIEW", "HYBRID TABLE"):
        raise errors.invalid(
            f"There is no GRANT OWNERSHIP ON {node.on.of.name}; use "
            + ("VIEW." if "VIEW" in node.on.of.name else "TABLE."),
            "001003",
            "42000",
        )
    if node.on.scope == "object" and node.on.of.name in _NEVER_MOVED:
        raise errors.unsupported(f"GRANT OWNERSHIP ON {node.on.of.name}")
    if node.on.scope == "object" and node.on.of.name in ("ROLE", "USER"):
        objects = [resolve.named(session, node.on.of, node.on.name)]
    else:
        objects = grants.targets(session, node.on)
    for obj in objects:
        _check(session, obj, to)
    if node.current == "COPY" and to not in session.active():
        if not all(session.manages(obj) for obj in objects):
            raise errors.insufficient(objects[0].kind.name, objects[0].shown)
    for obj in objects:
        if node.current is None and obj.owner is not to and obj.kind.name not in ("ROLE", "USER"):
            _no_dependents(obj)
        _ready(obj, node.current)
    for obj in objects:
        _move(session.account, obj, to, node.current)
    if node.on.scope == "all":
        return status(f"Statement executed successfully. {len(objects)} objects affected.")
    return status()


def _check(session, obj, to):
    if to.kind.name == "DATABASE ROLE" and (obj.database is not to.database or obj is to):
        raise errors.invalid(
            f"Ownership of {obj.shown} cannot be granted to database role {to.shown}.",
            "003016",
            "42601",
        )
    roles = session.active()
    if session.manages(obj):
        return
    if authority.in_managed_schema(obj):
        if obj.schema.owner in roles:
            return
        raise errors.insufficient(obj.kind.name, obj.shown)
    if obj.owner is None or obj.owner not in roles:
        raise errors.insufficient(obj.kind.name, obj.shown)


def _ready(obj, current):
    """A pipe must be paused, a started task suspended unless COPY does that; a managed schema must have
    no future grant of ownership open."""
    if obj.kind.name == "PIPE" and str(obj.extra.get("PIPE_EXECUTION_PAUSED")).upper() != "TRUE":
        raise errors.SnowflakeError(
            "003540", "55000", f"SQL execution error: Pipe {obj.shown} must be paused first."
        )
    if obj.kind.name == "TASK" and current != "COPY" and obj.extra.get("state") == "started":
        raise errors.invalid(f"Task {obj.shown} must be suspended first.", "091089", "55000")
    if obj.kind.name == "SCHEMA" and obj.extra.get("managed"):
        for future in obj.future.values():
            if future.privilege == "OWNERSHIP":
                raise errors.dependent_grant("OWNERSHIP", obj.shown, future.grantee.shown)


def _no_dependents(obj):
    for grant in obj.grants.values():
        raise errors.dependent_grant(grant.privilege, obj.shown, grant.grantee.shown)


def _move(account, obj, to, current):
    if obj.owner is to:
        return
    if current == "REVOKE":
        for grant in list(obj.grants.values()):
            account.revoke(grant)
    obj.set_owner(to)
    # «Tasks transferred … using the COPY CURRENT GRANTS option are also suspended automatically.»
    if obj.kind.name == "TASK":
        obj.extra["state"] = "suspended"
    if current == "COPY":
        for grant in list(obj.grants.values()):
            account.regrantor(grant, to)
        for membership in obj.members.values():
            membership.grantor = to
