"""Finds what a name means in a session, or refuses it the way Snowflake does."""

from . import errors
from .kinds import KINDS
from .names import dotted, shown


def database(session, name):
    found = session.account.root.child("DATABASE", name)
    if found is None or not session.sees(found):
        raise errors.missing("Database", shown(name))
    return found


def schema(session, parts):
    if len(parts) == 1:
        if session.database is None:
            raise errors.no_database()
        parts = (session.database.name,) + parts
    if len(parts) != 2:
        raise errors.missing("Schema", dotted(parts))
    found = database(session, parts[0]).child("SCHEMA", parts[1])
    if found is None or not session.reaches(found) or not _known(session, found):
        raise errors.missing("Schema", dotted(parts))
    return found


def _known(session, obj):
    if obj.name == "INFORMATION_SCHEMA" and obj.kind.name == "SCHEMA":
        return True
    return session.sees(obj) or any(session.sees(child) for child in obj.children.values())


def container(session, node):
    if node.kind == "ACCOUNT":
        return session.account.root
    if node.kind == "DATABASE":
        if len(node.name) != 1:
            raise errors.missing("Database", dotted(node.name))
        return database(session, node.name[0])
    return schema(session, node.name)


def parent_and_name(session, kind, parts):
    """Where an object of the kind with this name would stand, and its last name."""
    if kind.level == "account":
        if len(parts) != 1:
            raise errors.missing(kind.name, dotted(parts))
        return session.account.root, parts[0]
    if kind.level == "database":
        if len(parts) == 1:
            if session.database is None:
                raise errors.no_database()
            return session.database, parts[0]
        if len(parts) != 2:
            raise errors.missing(kind.name, dotted(parts))
        return database(session, parts[0]), parts[1]
    if len(parts) == 1:
        if session.database is None:
            raise errors.no_database()
        if session.schema is None:
            raise errors.no_schema()
        return session.schema, parts[0]
    if len(parts) > 3:
        raise errors.missing(kind.name, dotted(parts))
    return schema(session, parts[:-1]), parts[-1]


def full_name(session, kind, parts):
    """The name as an error has it."""
    try:
        parent, name = parent_and_name(session, kind, parts)
        return dotted(parent.path + (name,))
    except errors.SnowflakeError:
        return dotted(parts)


def named(session, kind, parts, args=None, hidden=False, strict=True):
    """An existing object that the session may know of. A relation of another kind is refused."""
    parent, name = parent_and_name(session, kind, parts)
    found = parent.child(kind.space, name, args)
    known = found is not None and (
        hidden
        or kind.level == "account"
        and kind.name != "DATABASE"
        and _listed(session, found)
        or session.sees(found)
        and session.reaches(found)
    )
    if not known:
        raise errors.missing(kind.name, dotted(parent.path + (name,)))
    if strict and found.kind is not kind:
        raise other_kind(found, kind)
    return found


def other_kind(found, kind):
    return errors.SnowflakeError(
        "002203",
        "02000",
        f"SQL compilation error:\nObject found is of type '{found.kind.name}', not specified "
        f"type '{kind.name}'.",
    )


def _listed(session, obj):
    """Roles and users can be named by everyone; warehouses and integrations by who sees them."""
    return obj.kind.name in ("ROLE", "USER", "SHARE") or session.sees(obj)


def grantee(session, node):
    if node.kind in ("APPLICATION", "APPLICATION ROLE"):
        raise errors.missing(node.kind, dotted(node.name))
    kind = KINDS[node.kind]
    if kind.name == "DATABASE ROLE":
        parent, name = parent_and_name(session, kind, node.name)
        found = parent.child(kind.space, name)
        if found is None:
            raise errors.missing("Database role", dotted(parent.path + (name,)))
        return found
    if len(node.name) != 1:
        raise errors.missing(kind.name, dotted(node.name))
    found = session.account.root.child(kind.space, node.name[0])
    if found is None:
        raise errors.missing(kind.name, shown(node.name[0]))
    return found
