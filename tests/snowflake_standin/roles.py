"""Memberships: roles granted to roles and users, database roles to roles."""

from . import errors, resolve
from .kinds import KINDS
from .names import dotted
from .results import status


def grant(session, node):
    roles = [_role(session, node, name) for name in node.roles]
    _check_kinds(session, node.role_kind, node.to.kind)
    to = resolve.grantee(session, node.to)
    for role in roles:
        _check_pair(role, to)
        session.account.join(role, to, _grantor(session, role, errors.grant_refused))
    return status()


def revoke(session, node):
    roles = [_role(session, node, name) for name in node.roles]
    _check_kinds(session, node.role_kind, node.of.kind)
    of = resolve.grantee(session, node.of)
    for role in roles:
        _grantor(session, role, errors.revoke_refused)
        membership = role.members.get(of)
        if membership is not None:
            if role.name == "ACCOUNTADMIN" and role.owner is None and len(role.members) == 1:
                raise errors.insufficient("ROLE", role.shown)
            session.account.leave(membership)
    return status()


def _role(session, node, name):
    kind = KINDS[node.role_kind]
    parent, last = resolve.parent_and_name(session, kind, name)
    found = parent.child(kind.space, last)
    if found is None:
        raise errors.missing(kind.name, dotted(parent.path + (last,)))
    return found


def _check_kinds(session, role_kind, to_kind):
    to_users = session.account.parameters.get("STANDIN_DATABASE_ROLES_TO_USERS")
    if role_kind == "DATABASE ROLE" and to_kind == "USER" and not to_users:
        raise errors.SnowflakeError(
            "001003",
            "42000",
            "SQL compilation error:\nsyntax error: a database role cannot be granted to a user, "
            "unexpected 'USER'.",
        )
    if role_kind == "ROLE" and to_kind not in ("ROLE", "USER"):  # shares take database roles
        raise errors.invalid(f"Cannot grant a role to a {to_kind.lower()}.", "003015", "42601")


def _check_pair(role, to):
    if to.kind.name == "DATABASE ROLE" and to.database is not role.database:
        raise errors.invalid(
            f"Database role {role.shown} cannot be granted to {to.shown}: they are in different "
            "databases.",
            "003016",
            "42601",
        )
    seen, todo = set(), [role]
    while todo:
        at = todo.pop()
        if at is to:
            raise errors.SnowflakeError(
                "003009",
                "42601",
                f"SQL execution error: Cannot grant role '{role.shown}' to '{to.shown}': it would "
                "make a cycle of roles.",
            )
        if at not in seen:
            seen.add(at)
            todo.extend(at.roles)


def _grantor(session, role, refused):
    if role.owner is not None and role.owner in session.active():
        return role.owner
    if session.manages(role):
        return role.owner or session.role
    raise refused()
