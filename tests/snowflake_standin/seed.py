"""A new account: the system's roles, the shared database SNOWFLAKE, one administrator."""

from .kinds import KINDS
from .state import Account

SYSTEM_ROLES = {
    "ACCOUNTADMIN": "Account administrator can manage all aspects of the account.",
    "SECURITYADMIN": "Security administrator can manage security aspects of the account.",
    "USERADMIN": "User administrator can create and manage users and roles",
    "SYSADMIN": "System administrator can create and manage databases and warehouses.",
    "PUBLIC": "Public role is automatically available to every user in the account.",
}
_PRIVILEGES = {
    "USERADMIN": ("CREATE ROLE", "CREATE USER"),
    "SECURITYADMIN": ("MANAGE GRANTS", "CREATE NETWORK POLICY", "ATTACH POLICY"),
    "SYSADMIN": ("CREATE DATABASE", "CREATE WAREHOUSE", "CREATE COMPUTE POOL"),
}


def new_account(name, user, password, parameters=None):
    account = Account(name, parameters)
    root = account.root
    roles = {
        role: account.add("ROLE", root, role, None, comment)
        for role, comment in SYSTEM_ROLES.items()
    }
    admin = roles["ACCOUNTADMIN"]
    root.set_owner(admin)
    account.join(roles["SECURITYADMIN"], admin, None)
    account.join(roles["SYSADMIN"], admin, None)
    account.join(roles["USERADMIN"], roles["SECURITYADMIN"], None)
    given = {privilege for held in _PRIVILEGES.values() for privilege in held}
    for role, privileges in _PRIVILEGES.items():
        for privilege in privileges:
            account.grant(privilege, root, roles[role], None)
    for privilege in KINDS["ACCOUNT"].privileges:
        if privilege not in given:
            account.grant(privilege, root, admin, None, option=True)
    shared = account.add("DATABASE", root, "SNOWFLAKE", None)
    shared.extra["imported"] = True
    account.grant("IMPORTED PRIVILEGES", shared, admin, None, option=True)
    for schema in ("ACCOUNT_USAGE", "INFORMATION_SCHEMA"):
        account.add("SCHEMA", shared, schema, None)
    administrator = account.add("USER", root, user, admin)
    administrator.extra.update(
        {"PASSWORD": password, "LOGIN_NAME": user, "DEFAULT_ROLE": "ACCOUNTADMIN"}
    )
    account.join(admin, administrator, None)
    return account
