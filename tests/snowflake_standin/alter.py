"""ALTER, DROP, COMMENT."""

from . import authority, errors, resolve
from .names import dotted, shown
from .results import status
from .seed import SYSTEM_ROLES


def _find(session, node):
    try:
        return resolve.named(session, node.of, node.name, node.args)
    except errors.SnowflakeError as error:
        if node.if_exists and error.code == "002003":
            return None
        raise


def _gone(node):
    return status(f"Drop statement executed successfully ({shown(node.name[-1])} already dropped).")


def _system(obj):
    return obj.owner is None and obj.kind.name == "ROLE" and obj.name in SYSTEM_ROLES


def drop(session, node):
    obj = _find(session, node)
    if obj is None:
        return _gone(node)
    if _system(obj) or obj.kind.name == "SCHEMA" and obj.name == "INFORMATION_SCHEMA":
        raise errors.insufficient(obj.kind.name, obj.shown)
    authority.need_ownership(session, obj)
    for owned in list(obj.owned):
        owned.set_owner(session.role)
    for at in (obj, *obj.descendants()):
        if at is session.schema:
            session.schema = None
        if at is session.database:
            session.database = None
        if at is session.warehouse:
            session.warehouse = None
    name = obj.name
    session.account.remove(obj)
    return status(f"{shown(name)} successfully dropped.")


def undrop(session, node):
    raise errors.unsupported("the stand-in keeps nothing that was dropped: UNDROP")


def comment(session, node):
    obj = _find(session, node)
    if obj is None:
        return status()
    _may_alter(session, obj)
    if node.text is not None:
        obj.comment = node.text
    return status()


def _may_alter(session, obj):
    if obj.owner is not None and obj.owner in session.active() and not _system(obj):
        return
    if obj.kind.name in ("DATABASE", "SCHEMA", "WAREHOUSE") and session.has(obj, "MODIFY"):
        return
    raise errors.insufficient(obj.kind.name, obj.shown)


def alter(session, node):
    obj = _find(session, node)
    if obj is None:
        return status()
    if node.action == "rename":
        return _rename(session, obj, node)
    if node.action == "state":
        authority.need_ownership(session, obj)
        obj.extra["state"] = node.state
        return status()
    if node.action == "swap":
        raise errors.unsupported("SWAP WITH")
    _may_alter(session, obj)
    if node.action == "managed":
        authority.need_ownership(session, obj)
        obj.extra["managed"] = node.managed
    elif node.action == "set":
        for name, value in node.set.items():
            if name == "COMMENT":
                obj.comment = value
            elif name == "MINS_TO_UNLOCK" and value == "0":
                obj.extra.pop("locked_until", None)
            else:
                obj.extra[name] = value
    elif node.action == "unset":
        for name in node.unset:
            if name == "COMMENT":
                obj.comment = ""
            else:
                obj.extra.pop(name, None)
    return status()


def _rename(session, obj, node):
    authority.need_ownership(session, obj)
    if _system(obj):
        raise errors.insufficient(obj.kind.name, obj.shown)
    if len(node.to) == 1 and obj.parent is not session.account.root:
        parent, name = obj.parent, node.to[0]
    else:
        parent, name = resolve.parent_and_name(session, obj.kind, node.to)
    if obj.kind.name == "DATABASE ROLE" and parent is not obj.parent:
        raise errors.invalid("A database role cannot be renamed into another database.")
    there = parent.child(obj.kind.space, name, obj.args)
    if there is not None and there is not obj:
        raise errors.exists(dotted(parent.path + (name,)))
    if parent is not obj.parent and not session.has(parent, f"CREATE {obj.kind.name}", True):
        raise errors.insufficient(parent.kind.name, parent.shown)
    session.account.move(obj, parent, name)
    return status()
