"""SHOW <objects>, SHOW PARAMETERS, DESCRIBE."""

import re

from . import errors, resolve, show_columns, show_fields
from .kinds import KINDS, SIZED
from .names import shown
from .results import Result, columns

_TYPE = 0x4000
_LIMIT = 10_000

_TABLES = (
    "TABLE",
    "ICEBERG TABLE",
    "HYBRID TABLE",
    "DYNAMIC TABLE",
    "EXTERNAL TABLE",
    "EVENT TABLE",
)


def like_pattern(pattern, fold=True):
    out = []
    at = 0
    while at < len(pattern):
        char = pattern[at]
        if char == "\\" and at + 1 < len(pattern):
            at += 1
            out.append(re.escape(pattern[at]))
        else:
            out.append({"%": ".*", "_": "."}.get(char, re.escape(char)))
        at += 1
    return re.compile("".join(out) + r"\Z", re.S | (re.I if fold else 0))


def _scope(session, node, level):
    """The containers to look into, or None for the whole account."""
    if node.scope == "ACCOUNT":
        return None
    if node.scope in ("TABLE", "VIEW"):
        return resolve.named(session, KINDS["TABLE"], node.name, strict=False)
    if node.scope == "DATABASE":
        if node.name is None:
            if session.database is None:
                raise errors.no_database()
            return session.database
        if len(node.name) != 1:
            raise errors.missing("Database", ".".join(node.name))
        return resolve.database(session, node.name[0])
    if node.scope == "SCHEMA":
        if node.name is None:
            if session.schema is None:
                raise errors.no_schema()
            return session.schema
        return resolve.schema(session, node.name)
    if level == "database":
        return session.database
    return session.schema or session.database


def _candidates(session, node):
    account = session.account
    if node.of in ("ROLE", "ROLES"):
        return account.of_kind(account.root, "ROLE")
    if node.of == "USER":
        return account.of_kind(account.root, "USER")
    if node.of in KINDS and KINDS[node.of].level == "account":
        return [o for o in account.of_kind(account.root, node.of) if session.sees(o)]
    if node.of == "OBJECTS":
        level, wanted = "schema", None
    else:
        level = KINDS[node.of].level
        wanted = _TABLES if node.of == "TABLE" else (node.of,)
    scope = _scope(session, node, level) or account.root
    if node.of == "SCHEMA" and scope.kind.name == "SCHEMA":
        scope = scope.parent
    inside = list(scope.descendants())
    if wanted is None:
        found = [obj for obj in inside if obj.kind.space == "RELATION"]
    else:
        found = [obj for obj in inside if obj.kind.name in wanted]
    return [obj for obj in found if _visible(session, obj)]


def _visible(session, obj):
    if obj.kind.name == "SCHEMA":
        return session.reaches(obj) and resolve._known(session, obj)
    if obj.kind.name == "DATABASE ROLE":
        return session.sees(obj.parent)
    return session.sees(obj) and session.reaches(obj)


def show(session, node):
    if node.of == "KEYS":
        return Result(columns(*show_columns.of("KEYS")), [], _TYPE)
    if node.of == "COLUMNS":
        return _columns_of(session, node)
    of = "ROLE" if node.of == "ROLES" else node.of
    if of == "USER" and not _may_list_users(session):
        raise errors.insufficient("ACCOUNT", session.account.root.name)
    found = sorted(_candidates(session, node), key=lambda obj: (obj.path, obj.serial))
    if node.like is not None:
        pattern = like_pattern(node.like)
        found = [obj for obj in found if pattern.match(obj.name)]
    if node.starts is not None:
        found = [obj for obj in found if obj.name.startswith(node.starts)]
    if node.start is not None:
        found = [obj for obj in found if obj.name > node.start]
    if node.limit is not None:
        if node.limit > _LIMIT:
            raise errors.SnowflakeError(
                "001428", "22023", f"SQL compilation error:\nLIMIT must be at most {_LIMIT}."
            )
        found = found[: node.limit]
    elif len(found) > _LIMIT:
        raise errors.SnowflakeError(
            "090153",
            "22000",
            f"The result set size exceeded the max number of rows({_LIMIT}) supported for SHOW "
            "statements. Use LIMIT option to limit result set to a smaller number.",
        )
    names = show_columns.of(of, node.terse)
    rows = []
    for obj in found:
        fields = show_fields.fields(session, obj)
        if of == "TABLE" and "TRANSIENT" in obj.extra.get("adjectives", ()):
            fields["kind"] = "TRANSIENT"
        rows.append(tuple(fields.get(name.partition(":")[0]) for name in names))
    return Result(columns(*names), rows, _TYPE)


def _may_list_users(session):
    root = session.account.root
    return (
        session.manages(root)
        or any(
            obj.kind.name == "USER" and obj.owner in session.active()
            for obj in root.children.values()
        )
        or session.has(root, "CREATE USER")
    )


def _columns_of(session, node):
    scope = _scope(session, node, "schema") or session.account.root
    objects = [scope] if scope.kind.space == "RELATION" else scope.descendants()
    rows = []
    for obj in objects:
        for name, kind in obj.extra.get("columns", ()):
            rows.append(
                (
                    obj.name,
                    obj.schema.name,
                    name,
                    f'{{"type":"{kind}"}}',
                    "true",
                    "",
                    "COLUMN",
                    "",
                    "",
                    obj.database.name,
                    "",
                )
            )
    return Result(columns(*show_columns.of("COLUMNS")), rows, _TYPE)


def parameters(session, node):
    source = session.parameters if node.where == "SESSION" else session.account.parameters
    pattern = like_pattern(node.like) if node.like is not None else None
    rows = [
        (
            name,
            _parameter(value),
            _parameter(value),
            "",
            "",
            "BOOLEAN" if isinstance(value, bool) else "STRING",
        )
        for name, value in sorted(source.items())
        if pattern is None or pattern.match(name)
    ]
    return Result(columns("key", "value", "default", "level", "description", "type"), rows, _TYPE)


def _parameter(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


def _described(name, kind, detail):
    if detail is None:
        return (name, SIZED.get(kind, kind), "COLUMN", "Y", None, "N", "N", *[None] * 4)
    yn = {True: "Y", False: "N"}
    keys = (yn[detail.primary], yn[detail.unique])
    default = detail.default_text
    return (name, detail.shown, "COLUMN", yn[detail.nullable], default, *keys, *[None] * 4)


def describe(session, node):
    obj = resolve.named(session, node.of, node.name, node.args, strict=node.of.name != "TABLE")
    if obj.kind.space == "RELATION":
        rows = [
            _described(name, kind, obj.extra.get("details", {}).get(name))
            for name, kind in obj.extra.get("columns", ())
        ]
        return Result(
            columns(
                "name",
                "type",
                "kind",
                "null?",
                "default",
                "primary key",
                "unique key",
                "check",
                "expression",
                "comment",
                "policy name",
            ),
            rows,
            _TYPE,
        )
    if obj.kind.name == "DATABASE":
        rows = [
            (c.created, c.name, "SCHEMA") for c in obj.children.values() if c.kind.name == "SCHEMA"
        ]
        return Result(columns("created_on:ts", "name", "kind"), rows, _TYPE)
    if obj.kind.name == "SCHEMA":
        rows = [(c.created, c.name, c.kind.name) for c in obj.children.values()]
        return Result(columns("created_on:ts", "name", "kind"), rows, _TYPE)
    if obj.kind.name == "USER":
        fields = {**show_fields.user(obj), "name": obj.name, "comment": obj.comment}
        rows = [(name.upper(), value, None, "") for name, value in sorted(fields.items())]
        return Result(columns("property", "value", "default", "description"), rows, _TYPE)
    return Result(
        columns("name", "owner", "comment"),
        [(shown(obj.name), show_fields.owner(obj), obj.comment)],
        _TYPE,
    )
