"""SHOW GRANTS and its kin: ON, TO, OF, FUTURE, INHERITED."""

from . import authority, errors, futures, grants, resolve
from .names import shown
from .results import Result, columns

_TYPE = 0x4000
GRANTS = ("created_on:ts", "privilege", "granted_on", "name", "granted_to", "grantee_name",
          "grant_option", "granted_by")
TO_USER = ("created_on:ts", "privilege", "granted_on", "name", "role", "granted_to",
           "grantee_name", "grant_option", "granted_by")
OF = ("created_on:ts", "role", "granted_to", "grantee_name", "granted_by")
ON = ("created_on:ts", "privilege", "granted_on", "name", "granted_to", "grantee_name",
      "grant_option", "granted_by_role_type", "granted_by")
FUTURE = ("created_on:ts", "privilege", "grant_on", "name", "grant_to", "grantee_name",
          "grant_option")


def _yes(flag):
    return "true" if flag else "false"


def who(obj):
    """A grantee or grantor as shown: database roles by name alone in lists of their database."""
    return shown(obj.name) if obj is not None else ""


def granted_on(obj, privilege):
    if obj.kind.name in ("ICEBERG TABLE", "HYBRID TABLE") and privilege != "OWNERSHIP":
        return "TABLE"
    return obj.kind.shown


def _row(privilege, obj, grantee, option, grantor, created):
    return (
        created,
        privilege,
        granted_on(obj, privilege),
        obj.shown,
        grantee.kind.shown,
        who(grantee),
        _yes(option),
        who(grantor),
    )


def _cut(result, node):
    if node.limit is not None:
        result.rows = result.rows[: node.limit]
    return result


def on(session, node):
    """All grants on one object, its owner first."""
    if node.on.scope == "account":
        obj = session.account.root
    elif node.on.of.level == "account" and node.on.of.name != "DATABASE":
        obj = resolve.named(session, node.on.of, node.on.name)
    elif node.on.of.name == "DATABASE ROLE":
        obj = resolve.named(session, node.on.of, node.on.name)
    else:
        obj = grants.targets(session, node.on)[0]
    rows = []
    if obj.owner is not None and obj is not session.account.root:
        rows.append(_row("OWNERSHIP", obj, obj.owner, True, obj.owner, obj.created))
    rows += [
        _row(g.privilege, obj, g.grantee, g.option, g.grantor, g.created)
        for g in obj.grants.values()
    ]
    if obj.kind.name in ("ROLE", "DATABASE ROLE"):
        rows += [
            _row("USAGE", obj, m.grantee, False, m.grantor, m.created)
            for m in obj.members.values()
        ]
    if obj.kind.name == "SCHEMA" and obj.extra.get("managed") and obj.owner is not None:
        rows.insert(1, _row("MANAGE GRANTS", obj, obj.owner, True, obj.owner, obj.created))
    types = {who(each): each.kind.shown for each in _grantors(obj)}
    managed = authority.in_managed_schema(obj)
    rows = [
        (*row[:6], "false" if managed else row[6], types.get(row[7], ""), row[7]) for row in rows
    ]
    return _cut(Result(columns(*ON), rows, _TYPE), node)


def _grantors(obj):
    found = [obj.owner, *(g.grantor for g in obj.grants.values())]
    found += [m.grantor for m in obj.members.values()]
    return [each for each in found if each is not None]


def _held(grantee, sees):
    """What a grantee holds itself, of what may be seen: privileges, what it owns, its roles."""
    rows = [
        _row(g.privilege, g.on, grantee, g.option, g.grantor, g.created)
        for g in grantee.held.values()
        if sees(g.on)
    ]
    rows += [
        _row("OWNERSHIP", obj, grantee, True, grantee, obj.created)
        for obj in grantee.owned
        if obj.kind.name != "ACCOUNT" and sees(obj)
    ]
    rows += [
        _row("USAGE", m.role, grantee, False, m.grantor, m.created)
        for m in grantee.roles.values()
    ]
    return rows


def to(session, node):
    if node.to is None or node.to.kind == "USER":
        user = session.user if node.to is None else resolve.grantee(session, node.to)
        rows = [
            (m.created, "USAGE", m.role.kind.shown, who(m.role), who(m.role), "USER", who(user),
             "false", who(m.grantor))
            for m in user.roles.values()
        ]
        rows += [
            (g.created, g.privilege, granted_on(g.on, g.privilege), g.on.shown, None, "USER",
             who(user), _yes(g.option), who(g.grantor))
            for g in user.held.values()
        ]
        return _cut(Result(columns(*TO_USER), rows, _TYPE), node)
    if node.to.kind not in ("ROLE", "DATABASE ROLE"):
        raise errors.unsupported(f"SHOW GRANTS TO {node.to.kind}")
    role = resolve.grantee(session, node.to)
    everything = session.manages(session.account.root)
    rows = _held(role, (lambda obj: True) if everything else session.sees)
    return _cut(Result(columns(*GRANTS), rows, _TYPE), node)


def of(session, node):
    if node.of.kind not in ("ROLE", "DATABASE ROLE"):
        raise errors.unsupported(f"SHOW GRANTS OF {node.of.kind}")
    role = resolve.grantee(session, node.of)
    rows = [
        (m.created, who(role), m.grantee.kind.shown, who(m.grantee), who(m.grantor))
        for m in role.members.values()
    ]
    return _cut(Result(columns(*OF), rows, _TYPE), node)


def _container_name(future):
    """The name of what is to come: the container and the type between angle brackets."""
    inside = future.on.shown
    return f"{inside}.<{future.kind.name}>"


def _future_row(future):
    return (
        future.created,
        future.privilege,
        future.kind.shown,
        _container_name(future),
        future.grantee.kind.shown,
        who(future.grantee),
        _yes(future.option),
    )


def future(session, node):
    if node.to is not None:
        role = resolve.grantee(session, node.to)
        found = role.held_future.values()
    else:
        found = resolve.container(session, node.on).future.values()
    return _cut(Result(columns(*FUTURE), [_future_row(f) for f in found], _TYPE), node)


def inherited(session, node):
    if not futures.enabled(session.account):
        raise errors.unsupported("INHERITED GRANTS")
    if node.to is not None:
        found = resolve.grantee(session, node.to).held_inherited.values()
    else:
        container = resolve.container(session, node.on)
        found = container.inherited.values()
    return _cut(Result(columns(*FUTURE), [_future_row(f) for f in found], _TYPE), node)


