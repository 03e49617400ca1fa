"""What SHOW says of an object, by column."""


def _yn(flag):
    return "Y" if flag else "N"


def owner(obj):
    return obj.owner.name if obj.owner is not None else ""


def _owner_type(obj):
    return obj.owner.kind.shown if obj.owner is not None else ""


def fields(session, obj):
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
        "kind": "VIEW"
        # «For materialized views and semantic views, the kind column contains VIEW.»
        if name.endswith(" VIEW")
        else name.replace("ICEBERG ", "").replace("HYBRID ", "").replace("DYNAMIC ", "").replace("INTERACTIVE ", "").replace("ONLINE FEATURE ", ""),
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
        found.update(user(obj))
    elif name == "WAREHOUSE":
        found.update(
            state="STARTED",
            type="STANDARD",
            size=extra.get("WAREHOUSE_SIZE", "X-Small"),
            is_current=_yn(obj is session.warehouse),
            auto_suspend=600,
            auto_resume="true",
            min_cluster_count=1,
            max_cluster_count=1,
            started_clusters=1,
            running=0,
            queued=0,
        )
    elif name == "DATABASE":
        found.update(
            is_current=_yn(obj is session.database),
            kind="IMPORTED DATABASE" if extra.get("imported") else "STANDARD",
            origin="SNOWFLAKE.ACCOUNT_USAGE" if extra.get("imported") else "",
        )
    elif name in ("FUNCTION", "PROCEDURE"):
        # Neither list says who owns what is in it.
        found.update(
            arguments=f"{obj.name}({', '.join(obj.args)}) RETURN {extra['returns'].split('(')[0]}",
            catalog_name=found["database_name"],
            description="user-defined function",
            is_builtin="N",
            min_num_arguments=len(obj.args),
            max_num_arguments=len(obj.args),
        )
    elif name == "STAGE":
        external = extra.get("external", False)
        found.update(type="EXTERNAL" if external else "INTERNAL", url=extra.get("URL", ""))
    elif name == "TASK":
        # A new task is suspended.
        found.update(state=extra.get("state", "suspended"), predecessors="[]")
    elif name == "SCHEMA":
        found.update(
            is_current=_yn(obj is session.schema),
            kind="",
            options="MANAGED ACCESS" if extra.get("managed") else "",
        )
    return found


def user(obj):
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
        "default_secondary_roles": "[]"
        if str(extra.get("DEFAULT_SECONDARY_ROLES", "('ALL')")).replace(" ", "") == "()"
        else '["ALL"]',
        "has_password": str("PASSWORD" in extra).lower(),
        "has_rsa_public_key": str("RSA_PUBLIC_KEY" in extra).lower(),
        "type": extra.get("TYPE", "PERSON"),
        "must_change_password": "false",
        "snowflake_lock": "false",
    }
