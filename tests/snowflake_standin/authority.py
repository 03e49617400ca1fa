"""Who may grant what, and as whom it is recorded.

From «SHOW GRANTS» (the GRANTED_BY column), «GRANT <privileges>», «Managed access schemas».
"""

from . import errors


def in_managed_schema(obj):
    schema = obj.schema
    return schema is not None and schema is not obj and schema.extra.get("managed", False)


def grantor(session, obj, privilege):
    """(may it be granted?, the role recorded as grantor)."""
    roles = session.active()
    if in_managed_schema(obj):
        if obj.schema.owner in roles:
            return True, obj.schema.owner
        if session.manages(obj):
            return True, obj.owner
        return False, None
    if obj.owner is not None and obj.owner in roles:
        return True, obj.owner
    for grant in obj.grants.values():
        if grant.privilege == privilege and grant.option and grant.grantee in roles:
            return True, grant.grantee
    if session.manages(obj):
        return True, obj.owner or session.role
    return False, None


def over_futures(session, container):
    """Future grants: MANAGE GRANTS; in a managed access schema its owner too."""
    if session.manages(container):
        return True
    return (
        container.kind.name == "SCHEMA"
        and container.extra.get("managed", False)
        and container.owner in session.active()
    )


def need_ownership(session, obj):
    if obj.owner is None or obj.owner not in session.active():
        raise errors.insufficient(obj.kind.name, obj.shown)
