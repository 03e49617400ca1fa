"""SHOW GRANTS and its kin: ON, TO, OF, FUTURE, INHERITED."""

from . import authority, errors, futures, grants, resolve
from .names import shown
from .results import Result, columns

_TYPE = 0x4000
GRANTS = (
    "created_on:ts",
    "privilege",
    "granted_on",
    "name",
    "granted_to",
    "grantee_name",
    "grant_option",
    "granted_by",
)
INHERITED = ("is_inherited", "inherited_from", "inherited_from_database", "inherited_from_schema")
TO_USER = (
    "created_on:ts",
    "privilege",
    "granted_on",
    "name",
    "role",
    "granted_to",
    "grantee_name",
    "grant_option",
    "granted_by",
)
OF = ("created_on:ts", "role", "granted_to", "grantee_name", "granted_by")
ON = (
    "created_on:ts",
    "privilege",
    "granted_on",
    "name",
    "granted_to",
    "grantee_name",
    "grant_option",
    "granted_by_role_type",
    "granted_by",
)
FUTURE = (
    "created_on:ts",
    "privilege",
    "grant_on",
    "name",
    "grant_to",
    "grantee_name",
    "grant_option",
)


def _yes(flag):
    return "true" if flag else "false"


def who(obj):
    """A grantee or grantor as shown: database roles by their name alone."""
    if obj is None:
        return ""
    if obj.kind.name == "SHARE":
        return f"{obj.parent.name}.{shown(obj.name)}"
    return shown(obj.name)


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


def _inherited_row(future, name):
    return (
        future.created,
        future.privilege,
        future.kind.shown,
        name,
        future.grantee.kind.shown,
        who(future.grantee),
        "false",
        who(future.grantor),
    )


def _source(future):
    """Where an inherited grant comes from; for one that is not inherited, empty."""
    if future is None:
        return ("false", "", "", "")
    on = future.on
    return (
        "true",
        on.kind.name,
        on.database.name if on.database is not None else "",
        on.name if on.kind.name == "SCHEMA" else "",
    )


def _result(session, names, rows, inherited, node):
    """The rows; where an account has inherited grants, with the columns that tell them apart."""
    if futures.enabled(session.account):
        names = (*names, *INHERITED)
        rows = [(*row, *_source(None)) for row in rows]
        rows += [(*row, *_source(future)) for future, row in inherited]
    if node.limit is not None:
        rows = rows[: node.limit]
    return Result(columns(*names), rows, _TYPE)


def on(session, node):
    """All grants on one object, its owner first."""
    if node.on.scope == "account":
        obj = session.account.root
    elif node.on.of.name in ("ROLE", "USER", "WAREHOUSE", "INTEGRATION", "DATABASE ROLE"):
        obj = resolve.named(session, node.on.of, node.on.name)
    else:
        obj = grants.targets(session, node.on)[0]
    owned = obj.owner is not None and obj is not session.account.root
    managed = authority.in_managed_schema(obj)
    rows = []
    if owned:
        rows.append(
            _on_row(
                _row("OWNERSHIP", obj, obj.owner, True, obj.owner, obj.created), obj.owner, managed
            )
        )
    if owned and obj.kind.name == "SCHEMA" and obj.extra.get("managed"):
        rows.append(
            _on_row(
                _row("MANAGE GRANTS", obj, obj.owner, True, obj.owner, obj.created),
                obj.owner,
                managed,
            )
        )
    rows += [
        _on_row(
            _row(g.privilege, obj, g.grantee, g.option, g.grantor, g.created), g.grantor, managed
        )
        for g in obj.grants.values()
    ]
    rows += [
        _on_row(_row("USAGE", obj, m.grantee, False, m.grantor, m.created), m.grantor, managed)
        for m in obj.members.values()
    ]
    inherited = [
        (f, _on_row(_inherited_row(f, obj.shown), f.grantor, managed))
        for f in obj.covering()
        if f.privilege != "MANAGE GRANTS"
    ]
    return _result(session, ON, rows, inherited, node)


def _on_row(row, grantor, managed):
    kind = grantor.kind.shown if grantor is not None else ""
    return (*row[:6], "false" if managed else row[6], kind, row[7])


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
        _row("USAGE", m.role, grantee, False, m.grantor, m.created) for m in grantee.roles.values()
    ]
    return rows


def _hierarchy(session, grantee, node):
    """The grantee; with INCLUDE HIERARCHY all roles below it too."""
    if not node.hierarchy:
        return [grantee]
    below = session.account.closure(tuple(grantee.roles))
    return [grantee, *sorted((r for r in below if r is not grantee), key=lambda r: r.serial)]


def to(session, node):
    everything = session.manages(session.account.root)
    sees = (lambda obj: True) if everything else session.sees
    if node.to is None or node.to.kind == "USER":
        user = session.user if node.to is None else resolve.grantee(session, node.to)
        rows = [
            (
                m.created,
                "USAGE",
                m.role.kind.shown,
                who(m.role),
                who(m.role),
                "USER",
                who(user),
                "false",
                who(m.grantor),
            )
            for m in user.roles.values()
        ]
        rows += [
            (
                g.created,
                g.privilege,
                granted_on(g.on, g.privilege),
                g.on.shown,
                None,
                "USER",
                who(user),
                _yes(g.option),
                who(g.grantor),
            )
            for g in user.held.values()
        ]
        for role in _hierarchy(session, user, node)[1:]:
            rows += [(*row[:4], None, *row[4:]) for row in _held(role, sees)]
        if node.limit is not None:
            rows = rows[: node.limit]
        return Result(columns(*TO_USER), rows, _TYPE)
    if node.to.kind not in ("ROLE", "DATABASE ROLE", "SHARE"):
        raise errors.unsupported(f"SHOW GRANTS TO {node.to.kind}")
    rows, inherited = [], []
    for role in _hierarchy(session, resolve.grantee(session, node.to), node):
        rows += _held(role, sees)
        inherited += [(f, _inherited_row(f, "")) for f in role.held_inherited.values()]
    return _result(session, GRANTS, rows, inherited, node)


def _member(session, obj):
    """Before behaviour change 2371, a database role is shown with its database here."""
    before = session.account.bundles["2026_06"] != "ENABLED"
    return obj.shown if before and obj.kind.name == "DATABASE ROLE" else who(obj)


def of(session, node):
    if node.of.kind == "SHARE":  # the accounts that use it: none
        resolve.grantee(session, node.of)
        return Result(columns("created_on:ts", "share", "granted_to", "grantee_name"), [], _TYPE)
    if node.of.kind not in ("ROLE", "DATABASE ROLE"):
        raise errors.unsupported(f"SHOW GRANTS OF {node.of.kind}")
    role = resolve.grantee(session, node.of)
    rows = [
        (m.created, role.shown, m.grantee.kind.shown, _member(session, m.grantee), who(m.grantor))
        for m in role.members.values()
    ]
    if node.limit is not None:
        rows = rows[: node.limit]
    return Result(columns(*OF), rows, _TYPE)


def _future_row(future):
    return (
        future.created,
        future.privilege,
        future.kind.shown,
        f"{future.on.shown}.<{future.kind.name}>",
        future.grantee.kind.shown,
        who(future.grantee),
        _yes(future.option),
    )


def future(session, node):
    if node.to is not None:
        roles = _hierarchy(session, resolve.grantee(session, node.to), node)
        found = [each for role in roles for each in role.held_future.values()]
    else:
        found = list(resolve.container(session, node.on).future.values())
    if node.limit is not None:
        found = found[: node.limit]
    return Result(columns(*FUTURE), [_future_row(each) for each in found], _TYPE)


def inherited(session, node):
    if not futures.enabled(session.account):
        raise errors.unsupported("INHERITED GRANTS")
    if node.to is not None:
        raise errors.syntax(1, 0, "TO")
    found = resolve.container(session, node.on).inherited.values()
    return _result(session, GRANTS, [], [(f, _inherited_row(f, "")) for f in found], node)


def spelt(show):
    """The types of roles as the account spells them: pages and servers do not agree."""

    def answer(session, node):
        result = show(session, node)
        words = {
            "ROLE": session.account.parameters.get("STANDIN_GRANTED_TO"),
            "DATABASE_ROLE": session.account.parameters.get("STANDIN_DATABASE_ROLE"),
        }
        words = {word: spelling for word, spelling in words.items() if spelling}
        names = ("granted_to", "grant_to", "granted_on")
        at = [i for i, column in enumerate(result.columns) if column.name in names]
        if words:
            result.rows = [
                tuple(words.get(v, v) if i in at else v for i, v in enumerate(row))
                for row in result.rows
            ]
        return result

    return answer
