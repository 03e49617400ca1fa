"""SNOWFLAKE.ACCOUNT_USAGE: grants that are and grants that were. Here it lags behind nothing."""

from .show_fields import owner, user
from .state import Membership

_ROLE_COLUMNS = (
    "CREATED_ON:ts",
    "MODIFIED_ON:ts",
    "PRIVILEGE",
    "GRANTED_ON",
    "NAME",
    "TABLE_CATALOG",
    "TABLE_SCHEMA",
    "GRANTED_TO",
    "GRANTEE_NAME",
    "GRANT_OPTION:b",
    "GRANTED_BY",
    "DELETED_ON:ts",
    "GRANTED_BY_ROLE_TYPE",
    "OBJECT_INSTANCE",
    "IS_INHERITED:b",
    "INHERITED_FROM",
    "INHERITED_FROM_DATABASE",
    "INHERITED_FROM_SCHEMA",
)


def _name(obj):
    return obj.name if obj is not None else None


def _row(privilege, obj, to, option, by, created, deleted, role_word):
    inside = obj.kind.level == "schema"
    return {
        "CREATED_ON": created,
        "MODIFIED_ON": created,
        "PRIVILEGE": privilege,
        "GRANTED_ON": obj.kind.name,
        "NAME": obj.name,
        "TABLE_CATALOG": _name(obj.database),
        "TABLE_SCHEMA": _name(obj.schema) if inside else None,
        "GRANTED_TO": role_word.get(to.kind.name, to.kind.shown),
        "GRANTEE_NAME": to.name,
        "GRANT_OPTION": option,
        "GRANTED_BY": _name(by) or "",
        "DELETED_ON": deleted,
        "GRANTED_BY_ROLE_TYPE": by.kind.shown if by is not None else None,
        "OBJECT_INSTANCE": None,
        "IS_INHERITED": False,
        "INHERITED_FROM": None,
        "INHERITED_FROM_DATABASE": None,
        "INHERITED_FROM_SCHEMA": None,
    }


def _grants_to_roles(account):
    spelt = account.parameters.get
    word = {"ROLE": spelt("STANDIN_GRANTED_TO", "ROLE")}
    if "STANDIN_DATABASE_ROLE" in account.parameters:
        word["DATABASE ROLE"] = spelt("STANDIN_DATABASE_ROLE")
    found = []
    for obj in (account.root, *account.root.descendants()):
        if obj.owner is not None and obj is not account.root:
            owner = obj.owner
            found.append(_row("OWNERSHIP", obj, owner, True, owner, obj.created, None, word))
        found += [_held(g, obj, g.privilege, g.option, None, word) for g in obj.grants.values()]
        found += [
            _held(m, obj, "USAGE", False, None, word)
            for m in obj.members.values()
            if m.grantee.kind.name != "USER"
        ]
        found += [_inherited(f, obj, word) for f in obj.inherited.values()]
    for ended, when in account.ended:
        if not isinstance(ended, Membership):
            found.append(_held(ended, ended.on, ended.privilege, ended.option, when, word))
        elif ended.grantee.kind.name != "USER":
            found.append(_held(ended, ended.role, "USAGE", False, when, word))
    return found


def _held(held, obj, privilege, option, deleted, word):
    return _row(privilege, obj, held.grantee, option, held.grantor, held.created, deleted, word)


def _inherited(future, on, word):
    row = _held(future, on, future.privilege, False, None, word)
    row.update(
        {
            "GRANTED_ON": future.kind.name,
            "NAME": None,
            "TABLE_CATALOG": None,
            "TABLE_SCHEMA": None,
            "IS_INHERITED": True,
            "INHERITED_FROM": on.kind.name,
            "INHERITED_FROM_DATABASE": _name(on.database),
            "INHERITED_FROM_SCHEMA": on.name if on.kind.name == "SCHEMA" else None,
        }
    )
    return row


def _grants_to_users(account):
    def row(membership, deleted):
        return {
            "CREATED_ON": membership.created,
            "DELETED_ON": deleted,
            "ROLE": membership.role.name,
            "GRANTED_TO": "USER",
            "GRANTEE_NAME": membership.grantee.name,
            "GRANTED_BY": membership.grantor.name if membership.grantor is not None else "",
        }

    users = account.of_kind(account.root, "USER")
    found = [row(m, None) for user in users for m in user.roles.values()]
    found += [
        row(ended, when)
        for ended, when in account.ended
        if isinstance(ended, Membership) and ended.grantee.kind.name == "USER"
    ]
    return found


def _roles(account):
    return [
        {
            "CREATED_ON": role.created,
            "DELETED_ON": None,
            "NAME": role.name,
            "COMMENT": role.comment,
            "OWNER": owner(role),
            "ROLE_TYPE": role.kind.shown,
            "ROLE_DATABASE_NAME": role.database.name if role.database is not None else None,
        }
        for role in account.root.descendants()
        if role.kind.name in ("ROLE", "DATABASE ROLE")
    ]


_USER_COLUMNS = (
    "NAME",
    "CREATED_ON:ts",
    "DELETED_ON:ts",
    "LOGIN_NAME",
    "DISPLAY_NAME",
    "FIRST_NAME",
    "LAST_NAME",
    "EMAIL",
    "COMMENT",
    "DISABLED",
    "DEFAULT_WAREHOUSE",
    "DEFAULT_ROLE",
    "OWNER",
    "TYPE",
)


def _users(account):
    def row(one):
        found = {key.upper(): value for key, value in user(one).items()}
        found.update(
            NAME=one.name,
            CREATED_ON=one.created,
            DELETED_ON=None,
            COMMENT=one.comment,
            OWNER=owner(one),
        )
        return found

    return [row(one) for one in account.of_kind(account.root, "USER")]


_PLACE = ("DATABASE", "SCHEMA", "OBJECT_NAME", "OBJECT_DOMAIN")
_DEPENDENCY_COLUMNS = (
    *(f"REFERENCED_{part}" for part in _PLACE),
    *(f"REFERENCING_{part}" for part in _PLACE),
    "DEPENDENCY_TYPE",
)


def _dependencies(account):
    def place(side, obj):
        found = (obj.database.name, obj.schema.name, obj.name, obj.kind.name)
        return {f"{side}_{part}": value for part, value in zip(_PLACE, found, strict=True)}

    found = []
    for view in account.root.descendants():
        for path in view.extra.get("reads", ()):
            base = account.find(path)
            if base is not None:
                row = {**place("REFERENCED", base), **place("REFERENCING", view)}
                found.append({**row, "DEPENDENCY_TYPE": "BY_NAME"})
    return found


VIEWS = {
    "OBJECT_DEPENDENCIES": (_DEPENDENCY_COLUMNS, _dependencies),
    "USERS": (_USER_COLUMNS, _users),
    "GRANTS_TO_ROLES": (_ROLE_COLUMNS, _grants_to_roles),
    "GRANTS_TO_USERS": (
        ("CREATED_ON:ts", "DELETED_ON:ts", "ROLE", "GRANTED_TO", "GRANTEE_NAME", "GRANTED_BY"),
        _grants_to_users,
    ),
    "ROLES": (
        (
            "CREATED_ON:ts",
            "DELETED_ON:ts",
            "NAME",
            "COMMENT",
            "OWNER",
            "ROLE_TYPE",
            "ROLE_DATABASE_NAME",
        ),
        _roles,
    ),
}
