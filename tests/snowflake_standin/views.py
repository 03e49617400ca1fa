"""INFORMATION_SCHEMA and ACCOUNT_USAGE: what their views hold for a session."""

from . import account_usage, errors, resolve
from .kinds import TABLE_TYPES
from .names import dotted, shown
from .show_fields import owner


def rows(session, parts):
    """(columns, rows as dicts) of a view by its name, or the error that it is not there."""
    if len(parts) == 2 and session.database is not None:
        parts = (session.database.name,) + parts
    if len(parts) == 3 and parts[1] == "INFORMATION_SCHEMA":
        database = session.account.root.child("DATABASE", parts[0])
        if database is None or not _may_enter(session, database):
            raise errors.missing("Database", shown(parts[0]))
        view = _INFORMATION.get(parts[2])
        if view is None:
            raise _missing(parts)
        names, make = view
        return names, make(session, database)
    if len(parts) == 3 and parts[:2] == ("SNOWFLAKE", "ACCOUNT_USAGE"):
        database = session.account.root.child("DATABASE", "SNOWFLAKE")
        if not session.has(database, "IMPORTED PRIVILEGES") and not session.has(database, "USAGE"):
            raise errors.missing("Database", "SNOWFLAKE")
        view = account_usage.VIEWS.get(parts[2])
        if view is None:
            raise _missing(parts)
        names, make = view
        return names, make(session.account)
    raise _missing(parts)


def _missing(parts):
    return errors.SnowflakeError(
        "002003",
        "42S02",
        f"SQL compilation error:\nObject '{dotted(parts)}' does not exist or not authorized.",
    )


def _may_enter(session, database):
    return session.has(database, "USAGE") or _has_any(session, database)


def _has_any(session, obj):
    """Any privilege held on it: the views of the Information Schema do not honour MANAGE GRANTS."""
    roles = session.active()
    if obj.owner in roles or any(g.grantee in roles for g in obj.grants.values()):
        return True
    return any(f.grantee in roles for f in obj.covering())


def _entered(session, schema):
    return _has_any(session, schema) or schema.name == "INFORMATION_SCHEMA"


def _tables(session, database):
    found = []
    for schema in session.account.of_kind(database, "SCHEMA"):
        if not _entered(session, schema):
            continue
        for obj in schema.children.values():
            if obj.kind.space != "RELATION" or not _has_any(session, obj):
                continue
            name = obj.kind.name
            found.append(
                {
                    "TABLE_CATALOG": database.name,
                    "TABLE_SCHEMA": schema.name,
                    "TABLE_NAME": obj.name,
                    "TABLE_OWNER": owner(obj),
                    "TABLE_TYPE": TABLE_TYPES[name],
                    "IS_TRANSIENT": "YES"
                    if "TRANSIENT" in obj.extra.get("adjectives", ())
                    else "NO",
                    "IS_DYNAMIC": "YES" if name == "DYNAMIC TABLE" else "NO",
                    "IS_ICEBERG": "YES" if name == "ICEBERG TABLE" else "NO",
                    "IS_HYBRID": "YES" if name == "HYBRID TABLE" else "NO",
                    "ROW_COUNT": 0,
                    "BYTES": 0,
                    "CREATED": obj.created,
                    "LAST_ALTERED": obj.created,
                    "COMMENT": obj.comment or None,
                }
            )
    return found


def _views(session, database):
    return [
        {**row, "VIEW_DEFINITION": None}
        for row in _tables(session, database)
        if "VIEW" in row["TABLE_TYPE"]
    ]


def _schemata(session, database):
    return [
        {
            "CATALOG_NAME": database.name,
            "SCHEMA_NAME": schema.name,
            "SCHEMA_OWNER": owner(schema),
            "IS_TRANSIENT": "NO",
            "IS_MANAGED_ACCESS": "YES" if schema.extra.get("managed") else "NO",
            "CREATED": schema.created,
            "LAST_ALTERED": schema.created,
            "COMMENT": schema.comment or None,
        }
        for schema in session.account.of_kind(database, "SCHEMA")
        if _entered(session, schema)
    ]


def _columns(session, database):
    found = []
    for row in _tables(session, database):
        obj = database.child("SCHEMA", row["TABLE_SCHEMA"]).child("RELATION", row["TABLE_NAME"])
        for at, (name, kind) in enumerate(obj.extra.get("columns", ()), 1):
            found.append(
                {
                    "TABLE_CATALOG": database.name,
                    "TABLE_SCHEMA": row["TABLE_SCHEMA"],
                    "TABLE_NAME": obj.name,
                    "COLUMN_NAME": name,
                    "ORDINAL_POSITION": at,
                    "IS_NULLABLE": "YES",
                    "DATA_TYPE": kind,
                    "COMMENT": None,
                }
            )
    return found


def _others(kind, prefix):
    def make(session, database):
        return [
            {
                f"{prefix}_CATALOG": database.name,
                f"{prefix}_SCHEMA": schema.name,
                f"{prefix}_NAME": obj.name,
                f"{prefix}_OWNER": owner(obj),
                "ARGUMENT_SIGNATURE": f"({', '.join(obj.args or ())})",
                "CREATED": obj.created,
                "COMMENT": obj.comment or None,
            }
            for schema in session.account.of_kind(database, "SCHEMA")
            if _entered(session, schema)
            for obj in session.account.of_kind(schema, kind)
            if _has_any(session, obj)
        ]

    names = (
        f"{prefix}_CATALOG",
        f"{prefix}_SCHEMA",
        f"{prefix}_NAME",
        f"{prefix}_OWNER",
        "ARGUMENT_SIGNATURE",
        "CREATED:ts",
        "COMMENT",
    )
    return names, make


def _databases(session, database):
    return [
        {
            "DATABASE_NAME": d.name,
            "DATABASE_OWNER": owner(d),
            "IS_TRANSIENT": "NO",
            "COMMENT": d.comment or None,
            "CREATED": d.created,
        }
        for d in session.account.of_kind(session.account.root, "DATABASE")
        if _has_any(session, d)
    ]


_TABLE_COLUMNS = (
    "TABLE_CATALOG",
    "TABLE_SCHEMA",
    "TABLE_NAME",
    "TABLE_OWNER",
    "TABLE_TYPE",
    "IS_TRANSIENT",
    "ROW_COUNT:n",
    "BYTES:n",
    "CREATED:ts",
    "LAST_ALTERED:ts",
    "COMMENT",
    "IS_DYNAMIC",
    "IS_ICEBERG",
    "IS_HYBRID",
)
_INFORMATION = {
    "TABLES": (_TABLE_COLUMNS, _tables),
    "VIEWS": (_TABLE_COLUMNS + ("VIEW_DEFINITION",), _views),
    "SCHEMATA": (
        (
            "CATALOG_NAME",
            "SCHEMA_NAME",
            "SCHEMA_OWNER",
            "IS_TRANSIENT",
            "IS_MANAGED_ACCESS",
            "CREATED:ts",
            "LAST_ALTERED:ts",
            "COMMENT",
        ),
        _schemata,
    ),
    "COLUMNS": (
        (
            "TABLE_CATALOG",
            "TABLE_SCHEMA",
            "TABLE_NAME",
            "COLUMN_NAME",
            "ORDINAL_POSITION:n",
            "IS_NULLABLE",
            "DATA_TYPE",
            "COMMENT",
        ),
        _columns,
    ),
    "DATABASES": (
        ("DATABASE_NAME", "DATABASE_OWNER", "IS_TRANSIENT", "COMMENT", "CREATED:ts"),
        _databases,
    ),
    "FUNCTIONS": _others("FUNCTION", "FUNCTION"),
    "PROCEDURES": _others("PROCEDURE", "PROCEDURE"),
    "STAGES": _others("STAGE", "STAGE"),
    "SEQUENCES": _others("SEQUENCE", "SEQUENCE"),
    "FILE_FORMATS": _others("FILE FORMAT", "FILE_FORMAT"),
    "PIPES": _others("PIPE", "PIPE"),
}


def is_view(parts):
    return len(parts) >= 2 and parts[-2] in ("INFORMATION_SCHEMA", "ACCOUNT_USAGE")


def relation(session, parts):
    """A table or view that someone selects from: it holds no rows here."""
    from .kinds import KINDS

    obj = resolve.named(session, KINDS["TABLE"], parts, strict=False)
    if not session.has(obj, "SELECT") or not session.opens(obj):
        raise _missing(parts)
    _expand(session, obj, parts)
    return obj


def _expand(session, view, parts):
    """What a view reads is read by its owner's role, each time; see «Secure views», «Overview of views»."""
    if view.owner is None:
        return
    roles = session.account.closure([view.owner])

    def holds(obj, privilege):
        held = [*obj.grants.values(), *obj.covering()]
        return obj.owner in roles or any(
            g.privilege == privilege and g.grantee in roles for g in held
        )

    def enters(container):
        any_of_it = any(g.grantee in roles for g in container.grants.values())
        return holds(container, "USAGE") or any_of_it

    for path in view.extra.get("reads", ()):
        base = session.account.find(path)
        way = base is not None and all(enters(at) for at in base.containers())
        if not way or not holds(base, "SELECT"):
            raise errors.SnowflakeError(
                "002037",
                "42601",
                f"SQL compilation error:\nFailure during expansion of view '{dotted(parts)}': SQL "
                f"compilation error:\nObject '{dotted(path)}' does not exist or not authorized.",
            )
        _expand(session, base, path)
