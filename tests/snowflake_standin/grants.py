"""GRANT and REVOKE of privileges on objects that exist."""

from . import authority, errors, futures, resolve
from .results import status

# Left out of ALL PRIVILEGES.
_NOT_IN_ALL = {"MANAGE GRANTS", "IMPORTED PRIVILEGES", "REFERENCE_USAGE"}
# What a bulk grant on TABLES reaches besides tables; the documents and tools disagree on more.
_ALSO_TABLES = {"TABLE": ("TABLE", "ICEBERG TABLE", "HYBRID TABLE")}
# What an object type named in GRANT … ON also stands for.
_NAMED_AS = {
    "TABLE": ("TABLE", "ICEBERG TABLE", "HYBRID TABLE", "EVENT TABLE"),
    "VIEW": ("VIEW", "MATERIALIZED VIEW"),
}


def grant(session, node):
    if node.inherited:
        return futures.grant(session, node, inherited=True)
    if node.on.scope == "future":
        return futures.grant(session, node)
    to = resolve.grantee(session, node.to)
    objects = targets(session, node.on)
    _check_grantee(to, node)
    wanted = [(obj, privilege) for obj in objects for privilege in _wanted(obj, node)]
    done, refused = 0, []
    if session.partial and wanted:  # a fault that a test asked for
        refused.append(wanted.pop()[1])
    for obj, privilege in wanted:
        _check_grantable(session, obj, privilege, to)
        allowed, grantor = authority.grantor(session, obj, privilege)
        if not allowed:
            if privilege not in refused:
                refused.append(privilege)
            continue
        done += 1
        session.account.grant(_recorded(obj, privilege), obj, to, grantor, node.option)
    if refused and not done and not session.partial:
        raise errors.grant_refused()
    if refused:
        raise errors.partial_grant(sorted(refused))
    return _said(node, len(objects))


def _said(node, count):
    if node.on.scope in ("all", "future"):
        return status(f"Statement executed successfully. {count} objects affected.")
    return status()


def _recorded(obj, privilege):
    if privilege == "IMPORTED PRIVILEGES":
        return "USAGE"
    return privilege


def _check_grantee(to, node):
    if to.kind.name in ("USER", "SHARE") and node.option:
        raise errors.invalid(f"A grant to a {to.kind.name.lower()} takes no grant option.")


def _wanted(obj, node):
    if node.privileges == "ALL":
        if obj.extra.get("imported"):
            return ["IMPORTED PRIVILEGES"]
        if obj.kind.name == "STAGE":
            return ["USAGE"] if obj.extra.get("external") else ["READ", "WRITE"]
        # «This keyword does not grant privileges on a class» of a schema.
        of_class = "CREATE SNOWFLAKE."
        return [
            p for p in obj.kind.privileges if p not in _NOT_IN_ALL and not p.startswith(of_class)
        ]
    for privilege in node.privileges:
        if privilege == "OWNERSHIP" or privilege not in obj.kind.privileges:
            raise errors.invalid_privilege(obj.kind.name, privilege)
    return node.privileges


def _check_grantable(session, obj, privilege, to):
    container = obj.kind.name in ("DATABASE", "SCHEMA")
    if privilege == "MANAGE GRANTS" and container and not futures.enabled(session.account):
        raise errors.unsupported(f"MANAGE GRANTS on {obj.kind.name}")
    if to.kind.name == "DATABASE ROLE" and obj.database is not to.database:
        raise errors.invalid(
            f"Cannot grant privilege {privilege} on {obj.kind.name} {obj.shown} to database role "
            f"{to.shown}: the object is not in the database of the role.",
            "003016",
            "42601",
        )
    imported = obj.database is not None and obj.database.extra.get("imported")
    if imported and privilege != "IMPORTED PRIVILEGES":
        raise errors.invalid(
            "Granting individual privileges on imported databases is not allowed. "
            "Use 'GRANT IMPORTED PRIVILEGES' instead.",
            "003037",
            "0A000",
        )
    if privilege == "IMPORTED PRIVILEGES" and not imported:
        raise errors.invalid_privilege(obj.kind.name, privilege)
    if obj.kind.name == "STAGE":
        external = obj.extra.get("external", False)
        if external != (privilege == "USAGE"):
            raise errors.invalid_privilege("STAGE", privilege)
        if privilege == "WRITE" and not any(
            g.privilege == "READ" and g.grantee is to for g in obj.grants.values()
        ):
            raise errors.read_first()


def targets(session, on):
    """The objects that a GRANT or REVOKE names."""
    if on.scope == "account":
        return [session.account.root]
    if on.scope == "object":
        if on.of.level == "schema" and on.of.name in ("FUNCTION", "PROCEDURE") and on.args is None:
            raise errors.invalid(
                f"{on.of.name.capitalize()} name must be followed by its argument types."
            )
        strict = on.said or on.of.name != "TABLE"
        found = resolve.named(session, on.of, on.name, on.args, strict=False)
        if strict and found.kind.name not in _NAMED_AS.get(on.of.name, (on.of.name,)):
            raise resolve.other_kind(found, on.of)
        return [found]
    if not on.of.bulk or on.of.name == "PIPE":
        raise errors.unsupported(f"bulk grant on objects of type {on.of.name}")
    inside = resolve.container(session, on.container)
    kinds = _ALSO_TABLES.get(on.of.name, (on.of.name,))
    found = [obj for obj in inside.descendants() if obj.kind.name in kinds]
    return [obj for obj in found if obj.name != "INFORMATION_SCHEMA"]


def revoke(session, node):
    if node.inherited:
        return futures.revoke(session, node, inherited=True)
    if node.on.scope == "future":
        return futures.revoke(session, node)
    of = resolve.grantee(session, node.of)
    objects = targets(session, node.on)
    revoked = skipped = 0
    for obj in objects:
        privileges = _revocable(obj, node)
        for held in [g for g in obj.grants.values() if g.grantee is of]:
            if held.privilege not in privileges or not _may_revoke(session, held):
                continue
            if held.privilege == "READ" and obj.kind.name == "STAGE" and _writes(obj, of, node):
                raise errors.invalid(
                    "Revoke not executed: the WRITE privilege on the stage must be revoked first.",
                    "003033",
                    "42601",
                )
            down = _dependents(held)
            if down and not node.cascade:
                skipped += 1
                continue
            for grant in down:
                session.account.revoke(grant)
            if node.option_only:
                held.option = False
            else:
                session.account.revoke(held)
            revoked += 1
    if skipped:
        raise errors.dependent_revokes(revoked, skipped)
    return _said(node, len(objects))


def _revocable(obj, node):
    if node.privileges == "ALL":
        return set(obj.kind.privileges)
    for privilege in node.privileges:
        if privilege == "OWNERSHIP":
            raise errors.invalid(
                "Ownership of an object cannot be revoked; grant it to another role instead.",
                "003010",
                "42601",
            )
        if privilege not in obj.kind.privileges:
            raise errors.invalid_privilege(obj.kind.name, privilege)
    return {_recorded(obj, privilege) for privilege in node.privileges}


def _writes(obj, of, node):
    if node.privileges == "ALL" or "WRITE" in node.privileges:
        return False
    return any(g.privilege == "WRITE" and g.grantee is of for g in obj.grants.values())


def _may_revoke(session, held):
    """All by MANAGE GRANTS; else what active or lower roles granted, and the rest is ignored."""
    if session.manages(held.on):
        return True
    if authority.in_managed_schema(held.on):
        return held.on.schema.owner in session.active()
    return held.grantor in session.active()


def _dependents(held):
    """What the grantee passed on by this grant's option, and what those passed on."""
    if not held.option:
        return []
    others = any(
        g is not held and g.option and g.grantee is held.grantee and g.privilege == held.privilege
        for g in held.on.grants.values()
    )
    owner = held.on.owner is held.grantee
    if others or owner:
        return []
    found, todo = [], [held]
    while todo:
        at = todo.pop()
        for grant in held.on.grants.values():
            passed = grant.privilege == at.privilege and grant.grantor is at.grantee
            if passed and grant is not held and grant not in found:
                found.append(grant)
                if grant.option:
                    todo.append(grant)
    return found
