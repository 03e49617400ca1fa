"""Grants on what will be made in a container, and inherited grants on all there is in one.

From «GRANT <privileges>» (future grants: considerations), «CREATE TABLE … COPY GRANTS».
"""

from . import authority, errors, resolve
from .results import status


def enabled(account):
    """ALTER ACCOUNT SET FEATURE_RBAC_INHERITED_GRANTS = 'ENABLED'."""
    return account.parameters.get("FEATURE_RBAC_INHERITED_GRANTS") in ("ENABLED", True)


def _place(session, node, inherited=False):
    """The container and the kind of a FUTURE (or an inherited ALL) target."""
    container = resolve.container(session, node.on.container)
    kind = node.on.of
    if inherited and container.extra.get("imported"):
        raise errors.unsupported("INHERITED GRANTS on imported databases")
    if inherited and container is session.account.root and kind.name in ("WAREHOUSE", "DATABASE"):
        return container, kind
    if not (kind.bulk if inherited else kind.future) or kind.name == "DATABASE ROLE":
        raise errors.unsupported(f"FUTURE GRANTS ON {kind.plural}")
    if container.kind.name == "SCHEMA" and kind.level != "schema":
        raise errors.invalid(f"Cannot have future grants on {kind.plural} in a schema.")
    return container, kind


def _need_authority(session, container, inherited=False):
    """Owning the container does not do; of a managed access schema it does, for future grants."""
    allowed = (
        session.manages(container) if inherited else authority.over_futures(session, container)
    )
    if not allowed:
        raise errors.insufficient(container.kind.name, container.shown)


def _reach_role(session, to):
    """To a database role: USAGE on its database too."""
    if to.kind.name == "DATABASE ROLE" and not session.has(to.database, "USAGE"):
        raise errors.insufficient("DATABASE", to.database.shown)


def _privileges(node, kind):
    if node.privileges == "ALL":
        return [p for p in kind.privileges if p != "MANAGE GRANTS"]
    for privilege in node.privileges:
        if privilege != "OWNERSHIP" and privilege not in kind.privileges:
            raise errors.invalid_privilege(kind.name, privilege)
    return node.privileges


def grant(session, node, inherited=False):
    if inherited and node.on.scope != "all":
        raise errors.invalid("INHERITED needs ON ALL <objects> IN <container>.", "001003", "42000")
    if inherited and not enabled(session.account):
        raise errors.unsupported("INHERITED GRANTS")
    if inherited and node.option:
        raise errors.unsupported("INHERITED GRANTS WITH GRANT OPTION")
    to = resolve.grantee(session, node.to)
    container, kind = _place(session, node, inherited)
    if to.kind.name not in ("ROLE", "DATABASE ROLE") and not (inherited and to.kind.name == "USER"):
        raise errors.unsupported(f"future grants to a {to.kind.name.lower()}")
    if to.kind.name == "DATABASE ROLE" and container.database is not to.database:
        raise errors.invalid(
            f"Cannot grant future privileges in {container.shown} to database role {to.shown}.",
            "003016",
            "42601",
        )
    _need_authority(session, container, inherited)
    _reach_role(session, to)
    privileges = _privileges(node, kind)
    if "OWNERSHIP" in privileges:
        raise errors.invalid_privilege(kind.name, "OWNERSHIP")
    if kind.name == "STAGE" and "WRITE" in privileges and "READ" not in privileges:
        if ("STAGE", "READ", to) not in container.future:
            raise errors.read_first()
    for privilege in privileges:
        session.account.set_future(
            privilege, kind, container, to, container.owner or session.role, node.option, inherited
        )
    return status()


def grant_ownership(session, node):
    if node.current == "REVOKE":
        raise errors.invalid(
            "REVOKE CURRENT GRANTS does not go with future grants.", "001003", "42000"
        )
    to = resolve.grantee(session, node.to)
    container, kind = _place(session, node)
    if not kind.owner_ahead:
        raise errors.unsupported(f"GRANT OWNERSHIP ON FUTURE {kind.plural}")
    _need_authority(session, container)
    _reach_role(session, to)
    if container.extra.get("managed") and to not in session.account.closure([container.owner]):
        raise errors.invalid(
            f"In the managed access schema {container.shown}, a future grant of OWNERSHIP can only "
            "be made to a role below the schema's owner.",
            "003530",
            "42501",
        )
    for future in list(container.future.values()):
        if future.kind is kind and future.privilege == "OWNERSHIP" and future.grantee is not to:
            raise errors.SnowflakeError(
                "003529",
                "42710",
                f"SQL execution error: A future grant of OWNERSHIP on {kind.plural} in "
                f"{container.shown} to role '{future.grantee.shown}' exists. Revoke it first.",
            )
    session.account.set_future("OWNERSHIP", kind, container, to, session.role, False)
    return status()


def revoke(session, node, inherited=False):
    if inherited and node.mode:
        raise errors.invalid(f"REVOKE INHERITED takes no {node.mode}.", "001003", "42000")
    of = resolve.grantee(session, node.of)
    container, kind = _place(session, node, inherited)
    _need_authority(session, container, inherited)
    table = container.inherited if inherited else container.future
    privileges = None if node.privileges == "ALL" else set(_privileges(node, kind))
    for future in list(table.values()):
        if future.kind is not kind or future.grantee is not of:
            continue
        if privileges is None and future.privilege == "OWNERSHIP":
            continue
        if privileges is None or future.privilege in privileges:
            if node.option_only:
                future.option = False
            else:
                session.account.drop_future(future, inherited)
    return status()


def apply(account, obj):
    """What future grants give a new object: the schema's for its type hide the database's."""
    schema, database = obj.schema, obj.database
    name = obj.kind.name
    found = []
    if schema is not None and schema is not obj:
        found = [future for future in schema.future.values() if future.kind.name == name]
    if not found and database is not None and database is not obj:
        found = [future for future in database.future.values() if future.kind.name == name]
        if authority.in_managed_schema(obj):
            found = [future for future in found if future.privilege != "OWNERSHIP"]
    for future in found:
        if future.privilege == "OWNERSHIP":
            obj.set_owner(future.grantee)
    for future in found:
        if future.privilege != "OWNERSHIP" and _suits(obj, future.privilege):
            account.grant(future.privilege, obj, future.grantee, obj.owner, future.option)


def _suits(obj, privilege):
    if obj.kind.name != "STAGE":
        return True
    return (privilege == "USAGE") == obj.extra.get("external", False)
