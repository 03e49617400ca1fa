"""Runs one statement in one session: parses it, and hands the node to who knows it."""

from . import (
    alter,
    ddl,
    dml,
    errors,
    grants,
    ownership,
    parse,
    query,
    resolve,
    roles,
    show,
    show_grants,
)
from .kinds import KINDS
from .names import dotted, shown
from .results import status


def execute(session, sql):
    node = parse.parse(sql, session.fold_quoted)
    try:
        result = _RUN[node.kind](session, node)
    except errors.SnowflakeError as error:
        as_rows = session.account.parameters.get("STANDIN_REFUSED_GRANTS") == "STATUS"
        if not as_rows or error.code not in errors.ONCE_STATUS:
            raise
        result = status(error.message)
    if node.kind != "nothing":
        session.last_result = result
    return result


def _use(session, node):
    if node.what == "ROLE":
        if len(node.name) != 1:
            raise errors.syntax(1, 0, ".")
        role = session.account.role(node.name[0])
        if role is None:
            raise errors.cannot_use()
        if not may_activate(session, role):
            raise errors.SnowflakeError(
                "003013",
                "42501",
                f"SQL access control error:\nRequested role '{shown(role.name)}' is not assigned "
                "to the executing user.  Specify another role to activate.",
            )
        session.role = role
        return status()
    kind = KINDS[node.what]
    try:
        if node.what == "WAREHOUSE":
            session.warehouse = resolve.named(session, kind, node.name)
        elif node.what == "DATABASE":
            session.database = resolve.database(session, node.name[0])
            public = session.database.child("SCHEMA", "PUBLIC")
            session.schema = public if public is not None and session.sees(public) else None
        else:
            session.schema = resolve.schema(session, node.name)
            session.database = session.schema.parent
    except errors.SnowflakeError as error:
        if error.code == "002003":
            raise errors.cannot_use() from None
        raise
    return status()


def may_activate(session, role):
    public = session.account.role("PUBLIC")
    return role is public or role in session.account.closure(tuple(session.user.roles))


def _use_secondary(session, node):
    if node.which in ("ALL", "NONE"):
        session.secondary = node.which
        return status()
    found = []
    for name in node.which:
        role = session.account.role(name[0])
        if role is None or not may_activate(session, role):
            raise errors.missing("Role", dotted(name))
        found.append(role)
    session.secondary = tuple(found)
    return status()


def _alter_session(session, node):
    for name, value in node.set.items():
        session.set(name, value)
    for name in node.unset:
        session.unset(name)
    return status()


def _alter_account(session, node):
    if session.account.role("ACCOUNTADMIN") not in session.active():
        raise errors.insufficient("ACCOUNT", session.account.root.name)
    for name, value in node.set.items():
        upper = str(value).upper()
        session.account.parameters[name] = upper == "TRUE" if upper in ("TRUE", "FALSE") else value
    for name in node.unset:
        session.account.parameters.pop(name, None)
    return status()


_RUN = {
    "grant": grants.grant,
    "revoke": grants.revoke,
    "grant_role": roles.grant,
    "revoke_role": roles.revoke,
    "grant_ownership": ownership.grant,
    "create": ddl.create,
    "alter": alter.alter,
    "drop": alter.drop,
    "undrop": alter.undrop,
    "comment": alter.comment,
    "use": _use,
    "use_secondary": _use_secondary,
    "alter_session": _alter_session,
    "alter_account": _alter_account,
    "show": show.show,
    "show_parameters": show.parameters,
    "show_grants_on": show_grants.spelt(show_grants.on),
    "show_grants_to": show_grants.spelt(show_grants.to),
    "show_grants_of": show_grants.spelt(show_grants.of),
    "show_future": show_grants.spelt(show_grants.future),
    "show_inherited": show_grants.spelt(show_grants.inherited),
    "describe": show.describe,
    "select": query.run,
    "insert": dml.insert,
    "update": dml.update,
    "delete": dml.delete,
    "merge": dml.merge,
    "truncate": dml.truncate,
    "nothing": lambda session, node: status(),
}
