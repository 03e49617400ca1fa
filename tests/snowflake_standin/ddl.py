"""CREATE: who may, what stands in the way, what becomes of the grants of what is replaced."""

from . import errors, futures, parse_query, resolve
from .kinds import KINDS, SIZED
from .names import dotted, shown
from .results import status

_ACCOUNT_RIGHTS = {
    "ROLE": "CREATE ROLE",
    "USER": "CREATE USER",
    "DATABASE": "CREATE DATABASE",
    "WAREHOUSE": "CREATE WAREHOUSE",
    "INTEGRATION": "CREATE INTEGRATION",
    "SHARE": "CREATE SHARE",
    # ACCOUNTADMIN alone makes these.
    "CONNECTION": "CREATE ACCOUNT",
    "RESOURCE MONITOR": "CREATE ACCOUNT",
}
# BCR-2433: replacing one of these copies its grants once the bundle 2026_08 is enabled.
_COPIED_BY_DEFAULT = {
    "TABLE",
    "ICEBERG TABLE",
    "HYBRID TABLE",
    "VIEW",
    "MATERIALIZED VIEW",
    "STREAM",
    "SEMANTIC VIEW",
    "FUNCTION",
    "PROCEDURE",
}
# Before it, these took future grants even with COPY GRANTS.
_ALWAYS_TOOK_FUTURES = {"STREAM", "SEMANTIC VIEW", "FUNCTION", "PROCEDURE"}


# CREATE … AS SELECT of these runs the query at once.
_FILLED_BY_QUERY = {"TABLE", "ICEBERG TABLE", "HYBRID TABLE"}


def create(session, node):
    kind = node.of
    if "TEMPORARY" in node.adjectives or "TEMP" in node.adjectives:
        return status(f"{kind.name.capitalize()} {shown(node.name[-1])} successfully created.")
    if kind.name == "TABLE" and "HYBRID_" in node.adjectives:
        kind = KINDS["HYBRID TABLE"]
    if kind.name in ("ACCOUNT",) or node.name[-1] == "INFORMATION_SCHEMA":
        raise errors.unsupported(f"CREATE {kind.name} {node.name[-1]}")
    if kind.name == "USER" and len(node.name) == 1 and not node.name[0]:
        raise errors.syntax(1, 0, '""')
    parent, name = resolve.parent_and_name(session, kind, node.name)
    if parent.extra.get("imported"):
        raise errors.insufficient(parent.kind.name, parent.shown)
    if parent.name == "INFORMATION_SCHEMA" and parent.kind.name == "SCHEMA":
        raise errors.insufficient("SCHEMA", parent.shown)
    _may_create(session, kind, parent)
    if parent.kind.name == "SCHEMA" and not session.opens(parent):
        raise errors.missing(parent.kind.name, parent.shown)
    there = parent.child(kind.space, name, node.args)
    if there is not None:
        if node.unless_exists or node.alter:
            return status(f"{shown(name)} already exists, statement succeeded.")
        if not node.replace:
            raise errors.exists(dotted(parent.path + (name,)))
        if there.kind is not kind:
            raise resolve.other_kind(there, kind)
        if there.owner is None or there.owner not in session.active():
            raise errors.insufficient(kind.name, there.shown)
    if node.ignore_grants and (
        not node.replace or node.copy_grants or session.account.bundles.get("2026_08") != "ENABLED"
    ):
        raise errors.syntax(1, 0, "IGNORE")
    if node.body is not None and kind.name in _FILLED_BY_QUERY:
        session.need_warehouse()
    source = resolve.named(session, kind, node.clone) if node.clone is not None else None
    old = _grants_to_keep(session, node, there)
    if there is not None:
        session.account.remove(there)
    owner = session.role
    obj = session.account.add(kind.name, parent, name, owner, node.comment or "", node.args)
    _fill(session, obj, node)
    if old is not None:
        for privilege, grantee, grantor, option, was_owner in old:
            session.account.grant(privilege, obj, grantee, owner if was_owner else grantor, option)
    if kind.level != "account" and (old is None or _takes_futures_too(session, kind)):
        futures.apply(session.account, obj)
    if source is not None:
        if obj.kind.space == "RELATION":
            obj.extra = _copied(source.extra)
        _clone(session.account, source, obj)
    if kind.name == "DATABASE ROLE":
        session.account.grant("USAGE", parent, obj, parent.owner)
    if kind.name == "DATABASE":
        _new_database(session, obj, source)
        session.database, session.schema = obj, obj.child("SCHEMA", "PUBLIC")
    elif kind.name == "SCHEMA":
        session.database, session.schema = obj.parent, obj
    elif kind.name == "WAREHOUSE":
        session.warehouse = obj
    return status(f"{kind.name.capitalize()} {shown(name)} successfully created.")


def _may_create(session, kind, parent):
    """CREATE looks at the primary role only, and what it inherits."""
    if kind.level == "account":
        need = _ACCOUNT_RIGHTS.get(kind.name, f"CREATE {kind.name}")
        if not session.has(session.account.root, need, primary=True):
            raise errors.SnowflakeError(
                "003001",
                "42501",
                "SQL access control error:\nInsufficient privileges to operate on account "
                f"'{session.account.root.name}'.",
            )
        return
    need = f"CREATE {kind.name}"
    if not session.has(parent, need, primary=True):
        raise errors.insufficient(parent.kind.name, parent.shown)


def _grants_to_keep(session, node, there):
    """The grants that the replacement takes over; None where it starts afresh."""
    if there is None:
        return None
    flipped = session.account.bundles.get("2026_08") == "ENABLED"
    keep = node.copy_grants or (
        flipped and not node.ignore_grants and there.kind.name in _COPIED_BY_DEFAULT
    )
    if not keep or node.of.level != "schema":
        return None
    return [
        (g.privilege, g.grantee, g.grantor, g.option, g.grantor is there.owner)
        for g in there.grants.values()
    ]


def _takes_futures_too(session, kind):
    flipped = session.account.bundles.get("2026_08") == "ENABLED"
    return not flipped and kind.name in _ALWAYS_TOOK_FUTURES


def _fill(session, obj, node):
    obj.extra["adjectives"] = tuple(node.adjectives)
    if node.managed:
        obj.extra["managed"] = True
    if node.args is not None:
        obj.extra["arguments"] = [" ".join(argument) for argument in node.arguments]
        obj.extra["returns"] = SIZED.get(node.returns, node.returns or "VARIANT")
    if obj.kind.name == "STAGE":
        obj.extra["external"] = "URL" in node.properties
    if obj.kind.name in ("USER", "WAREHOUSE"):
        obj.extra.update(node.properties)
        if obj.kind.name == "USER":
            obj.extra.setdefault("LOGIN_NAME", obj.name)
    if obj.kind.space == "RELATION":
        found = node.columns
        if not found and node.body:
            try:
                names = parse_query.parse_body(node.body, session.fold_quoted)
            except errors.SnowflakeError:
                names = None
            found = [(name, "VARCHAR") for name in names or []]
        obj.extra["columns"] = found or []
        obj.extra["reads"] = _read(session, node) if "VIEW" in obj.kind.name else []
        obj.extra["details"] = node.details
        obj.extra["text"] = node.body or ""


def _read(session, node):
    """The full names of what a view reads, as far as its body is understood."""
    try:
        names = parse_query.read_by(node.body or "", session.fold_quoted)
        found = [resolve.named(session, KINDS["TABLE"], name, strict=False) for name in names]
    except errors.SnowflakeError:
        return []
    return [obj.path for obj in found]


def _copied(extra):
    """Rows are copied with what they stand in."""
    return {**extra, "rows": [dict(row) for row in extra.get("rows", ())]}


def _clone(account, source, obj):
    """A clone of a container keeps its children's grants, not its own."""
    for child in source.children.values():
        twin = account.add(child.kind.name, obj, child.name, child.owner, child.comment, child.args)
        twin.extra = _copied(child.extra)
        for grant in child.grants.values():
            account.grant(grant.privilege, twin, grant.grantee, grant.grantor, grant.option)
        _clone(account, child, twin)


def _new_database(session, obj, source):
    account = session.account
    if source is None:
        account.add("SCHEMA", obj, "PUBLIC", session.role)
    if obj.child("SCHEMA", "INFORMATION_SCHEMA") is None:
        account.add("SCHEMA", obj, "INFORMATION_SCHEMA", None)
