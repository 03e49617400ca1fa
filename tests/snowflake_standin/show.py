"""SHOW <objects>, SHOW PARAMETERS, DESCRIBE."""

import re

from . import errors, resolve
from .kinds import KINDS
from .names import shown
from .results import Result, columns

_TYPE = 0x4000
_LIMIT = 10_000

_COLUMNS = {
    "ROLE": ("created_on:ts", "name", "is_default", "is_current", "is_inherited",
             "assigned_to_users:n", "granted_to_roles:n", "granted_roles:n", "owner", "comment"),
    "DATABASE ROLE": ("created_on:ts", "name", "is_default", "is_current", "is_inherited",
                      "granted_to_roles:n", "granted_to_database_roles:n",
                      "granted_database_roles:n", "owner", "comment", "owner_role_type"),
    "USER": ("name", "created_on:ts", "login_name", "display_name", "first_name", "last_name",
             "email", "mins_to_unlock", "days_to_expiry", "comment", "disabled",
             "must_change_password", "snowflake_lock", "default_warehouse", "default_namespace",
             "default_role", "default_secondary_roles", "ext_authn_duo", "ext_authn_uid",
             "mins_to_bypass_mfa", "owner", "last_success_login:ts", "expires_at_time:ts",
             "locked_until_time:ts", "has_password", "has_rsa_public_key", "type", "has_mfa"),
    "WAREHOUSE": ("name", "state", "type", "size", "min_cluster_count:n", "max_cluster_count:n",
                  "started_clusters:n", "running:n", "queued:n", "is_default", "is_current",
                  "auto_suspend:n", "auto_resume", "available", "provisioning", "quiescing",
                  "other", "created_on:ts", "resumed_on:ts", "updated_on:ts", "owner", "comment",
                  "enable_query_acceleration", "query_acceleration_max_scale_factor:n",
                  "resource_monitor", "scaling_policy", "owner_role_type"),
    "DATABASE": ("created_on:ts", "name", "is_default", "is_current", "origin", "owner", "comment",
                 "options", "retention_time", "kind", "budget", "owner_role_type"),
    "SCHEMA": ("created_on:ts", "name", "is_default", "is_current", "database_name", "owner",
               "comment", "options", "retention_time", "owner_role_type", "budget"),
    "OBJECTS": ("created_on:ts", "name", "database_name", "schema_name", "kind", "comment",
                "cluster_by", "rows:n", "bytes:n", "owner", "retention_time", "owner_role_type",
                "budget", "is_hybrid", "is_dynamic", "is_iceberg"),
    "TABLE": ("created_on:ts", "name", "database_name", "schema_name", "kind", "comment",
              "cluster_by", "rows:n", "bytes:n", "owner", "retention_time",
              "automatic_clustering", "change_tracking", "is_external", "owner_role_type",
              "budget", "is_hybrid", "is_iceberg", "is_dynamic"),
    "COLUMNS": ("table_name", "schema_name", "column_name", "data_type", "null?", "default",
                "kind", "expression", "comment", "database_name", "autoincrement"),
    "KEYS": ("created_on:ts", "database_name", "schema_name", "table_name", "column_name"),
}
_OTHER = ("created_on:ts", "name", "database_name", "schema_name", "owner", "comment", "kind",
          "owner_role_type")
_TERSE = ("created_on:ts", "name", "kind", "database_name", "schema_name")
_TABLES = ("TABLE", "ICEBERG TABLE", "HYBRID TABLE", "DYNAMIC TABLE", "EXTERNAL TABLE",
           "EVENT TABLE")


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


def _yn(flag):
    return "Y" if flag else "N"


def owner(obj):
    return obj.owner.name if obj.owner is not None else ""


def _owner_type(obj):
    return obj.owner.kind.shown if obj.owner is not None else ""


def _fields(session, obj):
    """Every column that any SHOW has of this object, by name."""
    name, extra = obj.kind.name, obj.extra
    schema, database = obj.schema, obj.database
    found = {
        "created_on": obj.created,
        "name": obj.name,
        "owner": owner(obj),
        "comment": obj.comment,
        "owner_role_type": _owner_type(obj),
        "database_name": database.name if database else "",
        "schema_name": schema.name if schema else "",
        "is_default": "N",
        "is_current": "N",
        "retention_time": "1",
        "options": "",
        "kind": name.replace("ICEBERG ", "").replace("HYBRID ", "").replace("DYNAMIC ", ""),
        "is_iceberg": _yn(name == "ICEBERG TABLE"),
        "is_hybrid": _yn(name == "HYBRID TABLE"),
        "is_dynamic": _yn(name == "DYNAMIC TABLE"),
        "is_external": _yn(name == "EXTERNAL TABLE"),
        "cluster_by": "",
    }
    if name == "ROLE":
        users = sum(m.kind.name == "USER" for m in obj.members)
        default = session.user.extra.get("DEFAULT_ROLE", "") if session.user else ""
        found.update(
            is_default=_yn(default.upper() == obj.name),
            is_current=_yn(obj is session.role),
            is_inherited=_yn(obj is not session.role and obj in session.primary()),
            assigned_to_users=users,
            granted_to_roles=len(obj.members) - users,
            granted_roles=len(obj.roles),
        )
    elif name == "DATABASE ROLE":
        roles = sum(m.kind.name == "ROLE" for m in obj.members)
        found.update(
            is_inherited=_yn(obj in session.primary()),
            granted_to_roles=roles,
            granted_to_database_roles=len(obj.members) - roles,
            granted_database_roles=len(obj.roles),
        )
    elif name == "USER":
        found.update(_user(obj))
    elif name == "WAREHOUSE":
        found.update(
            state="STARTED", type="STANDARD", size=extra.get("WAREHOUSE_SIZE", "X-Small"),
            is_current=_yn(obj is session.warehouse), auto_suspend=600, auto_resume="true",
            min_cluster_count=1, max_cluster_count=1, started_clusters=1, running=0, queued=0,
        )
    elif name == "DATABASE":
        found.update(
            is_current=_yn(obj is session.database),
            kind="IMPORTED DATABASE" if extra.get("imported") else "STANDARD",
            origin="SNOWFLAKE.ACCOUNT_USAGE" if extra.get("imported") else "",
        )
    elif name == "SCHEMA":
        found.update(
            is_current=_yn(obj is session.schema),
            kind="",
            options="MANAGED ACCESS" if extra.get("managed") else "",
        )
    return found


def _user(obj):
    extra = obj.extra
    return {
        "login_name": extra.get("LOGIN_NAME", obj.name).upper(),
        "display_name": extra.get("DISPLAY_NAME", obj.name),
        "first_name": extra.get("FIRST_NAME", ""),
        "last_name": extra.get("LAST_NAME", ""),
        "email": extra.get("EMAIL", ""),
        "disabled": str(extra.get("DISABLED", "false")).lower(),
        "default_role": extra.get("DEFAULT_ROLE", ""),
        "default_warehouse": extra.get("DEFAULT_WAREHOUSE", ""),
        "default_namespace": extra.get("DEFAULT_NAMESPACE", ""),
        "default_secondary_roles": '["ALL"]',
        "has_password": str("PASSWORD" in extra).lower(),
        "has_rsa_public_key": str("RSA_PUBLIC_KEY" in extra).lower(),
        "type": extra.get("TYPE", "PERSON"),
        "must_change_password": "false",
        "snowflake_lock": "false",
    }


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
    if node.of in ("WAREHOUSE", "DATABASE", "INTEGRATION", "SHARE"):
        return [o for o in account.of_kind(account.root, node.of) if session.sees(o)]
    if node.of == "OBJECTS":
        level, wanted = "schema", None
    else:
        level = KINDS[node.of].level
        wanted = _TABLES if node.of == "TABLE" else (node.of,)
    scope = _scope(session, node, level) or account.root
    if scope.kind.name in ("DATABASE", "SCHEMA"):
        if node.of == "SCHEMA" and scope.kind.name == "SCHEMA":
            scope = scope.parent
    found = []
    for obj in scope.descendants():
        if wanted is None and obj.kind.space == "RELATION" or wanted and obj.kind.name in wanted:
            if _visible(session, obj):
                found.append(obj)
    return found


def _visible(session, obj):
    if obj.kind.name == "SCHEMA":
        return session.reaches(obj) and resolve._known(session, obj)
    if obj.kind.name == "DATABASE ROLE":
        return session.sees(obj.parent)
    return session.sees(obj) and session.reaches(obj)


def show(session, node):
    if node.of == "KEYS":
        return Result(columns(*_COLUMNS["KEYS"]), [], _TYPE)
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
    names = _TERSE if node.terse else _COLUMNS.get(of, _OTHER)
    rows = []
    for obj in found:
        fields = _fields(session, obj)
        if of == "TABLE" and "TRANSIENT" in obj.extra.get("adjectives", ()):
            fields["kind"] = "TRANSIENT"
        rows.append(tuple(fields.get(name.partition(":")[0]) for name in names))
    return Result(columns(*names), rows, _TYPE)


def _may_list_users(session):
    root = session.account.root
    return session.manages(root) or any(
        obj.kind.name == "USER" and obj.owner in session.active() for obj in root.children.values()
    ) or session.has(root, "CREATE USER")


def _columns_of(session, node):
    scope = _scope(session, node, "schema") or session.account.root
    objects = [scope] if scope.kind.space == "RELATION" else scope.descendants()
    rows = []
    for obj in objects:
        for name, kind in obj.extra.get("columns", ()):
            rows.append((obj.name, obj.schema.name, name, f'{{"type":"{kind}"}}', "true", "",
                         "COLUMN", "", "", obj.database.name, ""))
    return Result(columns(*_COLUMNS["COLUMNS"]), rows, _TYPE)


def parameters(session, node):
    source = session.parameters if node.where == "SESSION" else session.account.parameters
    pattern = like_pattern(node.like) if node.like is not None else None
    rows = [
        (name, _parameter(value), _parameter(value), "", "", "BOOLEAN" if isinstance(value, bool) else "STRING")
        for name, value in sorted(source.items())
        if pattern is None or pattern.match(name)
    ]
    return Result(columns("key", "value", "default", "level", "description", "type"), rows, _TYPE)


def _parameter(value):
    return str(value).lower() if isinstance(value, bool) else str(value)


_SQL_TYPES = {"NUMBER": "NUMBER(38,0)", "VARCHAR": "VARCHAR(16777216)"}


def describe(session, node):
    obj = resolve.named(session, node.of, node.name, node.args, strict=node.of.name != "TABLE")
    if obj.kind.space == "RELATION":
        rows = [
            (name, _SQL_TYPES.get(kind, kind), "COLUMN", "Y", None, "N", "N", None, None, None, None)
            for name, kind in obj.extra.get("columns", ())
        ]
        return Result(
            columns("name", "type", "kind", "null?", "default", "primary key", "unique key",
                    "check", "expression", "comment", "policy name"),
            rows,
            _TYPE,
        )
    if obj.kind.name == "DATABASE":
        rows = [(c.created, c.name, "SCHEMA") for c in obj.children.values() if c.kind.name == "SCHEMA"]
        return Result(columns("created_on:ts", "name", "kind"), rows, _TYPE)
    if obj.kind.name == "SCHEMA":
        rows = [(c.created, c.name, c.kind.name) for c in obj.children.values()]
        return Result(columns("created_on:ts", "name", "kind"), rows, _TYPE)
    if obj.kind.name == "USER":
        fields = {**_user(obj), "name": obj.name, "comment": obj.comment}
        rows = [(name.upper(), value, None, "") for name, value in sorted(fields.items())]
        return Result(columns("property", "value", "default", "description"), rows, _TYPE)
    return Result(columns("name", "owner", "comment"), [(shown(obj.name), owner(obj), obj.comment)], _TYPE)
