"""One session: who is logged in, as what, where, and with which parameters."""

import itertools
import secrets

from . import errors
from .names import shown

_ids = itertools.count(1_000_001)

DEFAULTS = {
    "AUTOCOMMIT": True,
    "CLIENT_SESSION_KEEP_ALIVE": False,
    "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY": 3600,
    "CLIENT_PREFETCH_THREADS": 4,
    "CLIENT_RESULT_CHUNK_SIZE": 160,
    "CLIENT_TELEMETRY_ENABLED": False,
    "JDBC_QUERY_RESULT_FORMAT": "ARROW",
    "GO_QUERY_RESULT_FORMAT": "ARROW",
    "ODBC_QUERY_RESULT_FORMAT": "ARROW",
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT": "ARROW",
    "QUERY_TAG": "",
    "QUOTED_IDENTIFIERS_IGNORE_CASE": False,
    "ROWS_PER_RESULTSET": 0,
    "MULTI_STATEMENT_COUNT": 1,
    "STATEMENT_TIMEOUT_IN_SECONDS": 172800,
    "TIMEZONE": "UTC",
    "TIMESTAMP_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3 TZHTZM",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT": "",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT": "YYYY-MM-DD HH24:MI:SS.FF3",
    "TIMESTAMP_TZ_OUTPUT_FORMAT": "",
    "DATE_OUTPUT_FORMAT": "YYYY-MM-DD",
    "TIME_OUTPUT_FORMAT": "HH24:MI:SS",
    "BINARY_OUTPUT_FORMAT": "HEX",
}

# What a session reports back to its client at login and after ALTER SESSION.
_REPORTED = {
    "AUTOCOMMIT",
    "CLIENT_SESSION_KEEP_ALIVE",
    "CLIENT_SESSION_KEEP_ALIVE_HEARTBEAT_FREQUENCY",
    "CLIENT_PREFETCH_THREADS",
    "CLIENT_RESULT_CHUNK_SIZE",
    "CLIENT_TELEMETRY_ENABLED",
    "TIMEZONE",
    "QUERY_TAG",
    "TIMESTAMP_OUTPUT_FORMAT",
    "TIMESTAMP_LTZ_OUTPUT_FORMAT",
    "TIMESTAMP_NTZ_OUTPUT_FORMAT",
    "TIMESTAMP_TZ_OUTPUT_FORMAT",
    "DATE_OUTPUT_FORMAT",
    "TIME_OUTPUT_FORMAT",
    "BINARY_OUTPUT_FORMAT",
    "PYTHON_CONNECTOR_QUERY_RESULT_FORMAT",
    "GO_QUERY_RESULT_FORMAT",
    "QUOTED_IDENTIFIERS_IGNORE_CASE",
}


class Session:
    def __init__(self, account, user, role, client="", parameters=None):
        self.id = next(_ids)
        self.account = account
        self.user = user
        self.role = role
        self.secondary = "ALL"  # the default of DEFAULT_SECONDARY_ROLES since 2024_08
        self.database = None
        self.schema = None
        self.warehouse = None
        self.client = client
        self.parameters = {**DEFAULTS, **account.parameters, **(parameters or {})}
        self.token = self.master = None
        self.token_expired = self.master_expired = self.closed = False
        self.replies = {}  # request id -> reply, so that a repeated request is not done twice
        self.under_way = {}  # request id -> Event, for one that is repeated before its reply
        self.last_query = None
        self.last_result = None
        self.partial = False  # a fault: the next GRANT leaves out the last thing it was to grant
        self.new_tokens()

    def new_tokens(self):
        self.token = "session-" + secrets.token_hex(24)
        self.master = "master-" + secrets.token_hex(24)
        self.token_expired = False

    def set(self, name, value):
        if name not in self.parameters:
            raise errors.SnowflakeError(
                "001420", "22023", f"SQL compilation error:\ninvalid parameter '{name}'"
            )
        default = DEFAULTS.get(name)
        if isinstance(default, bool):
            value = str(value).upper() in ("TRUE", "1", "ON", "YES")
        elif isinstance(default, int):
            value = int(value)
        self.parameters[name] = value

    def unset(self, name):
        if name not in self.parameters:
            raise errors.SnowflakeError(
                "001420", "22023", f"SQL compilation error:\ninvalid parameter '{name}'"
            )
        self.parameters[name] = self.account.parameters.get(name, DEFAULTS.get(name))

    def reported(self):
        return [
            {"name": name, "value": value}
            for name, value in sorted(self.parameters.items())
            if name in _REPORTED
        ]

    @property
    def fold_quoted(self):
        return bool(self.parameters["QUOTED_IDENTIFIERS_IGNORE_CASE"])

    def info(self):
        return {
            "databaseName": self.database and self.database.name,
            "schemaName": self.schema and self.schema.name,
            "warehouseName": self.warehouse and self.warehouse.name,
            "roleName": self.role.name if self.role else "",
        }

    def names(self):
        return {key: shown(value) if value else value for key, value in self.info().items()}

    # Privileges ---------------------------------------------------------------------------

    def primary(self):
        """Roles in effect through the primary role: CREATE looks at nothing else."""
        return self.account.closure([self.role] if self.role else [])

    def secondary_roles(self):
        if self.secondary == "ALL" and self.user is not None:
            return [role for role in self.user.roles if role is not self.role]
        return list(self.secondary) if isinstance(self.secondary, tuple) else []

    def active(self):
        roles = [self.role] if self.role else []
        return self.account.closure(roles + self.secondary_roles())

    def has(self, obj, privilege, primary=False):
        """Whether the roles in effect own the object or hold the privilege on it."""
        roles = self.primary() if primary else self.active()
        if obj.owner in roles:
            return True
        return self.holds(obj, privilege, roles)

    def holds(self, obj, privilege, roles=None):
        roles = self.active() if roles is None else roles
        grantees = (g.grantee for g in obj.grants.values() if g.privilege == privilege)
        if any(grantee in roles for grantee in grantees):
            return True
        if self.secondary == "ALL" and any(
            g.grantee is self.user and g.privilege == privilege for g in obj.grants.values()
        ):
            return True
        return any(f.privilege == privilege and f.grantee in roles for f in obj.covering())

    def need_warehouse(self):
        """What reads rows, of catalogues too, needs a warehouse that it may use; SHOW does not."""
        if self.warehouse is None or not self.has(self.warehouse, "USAGE"):
            raise errors.no_warehouse()

    def sees(self, obj):
        """Whether any privilege on it, or on something in a container of it, is held."""
        roles = self.active()
        if obj.owner in roles or obj.kind.name in ("ROLE", "ACCOUNT"):
            return True
        if any(g.grantee in roles or g.grantee is self.user for g in obj.grants.values()):
            return True
        if self.manages(obj):
            return True
        # Whoever grants on what is in a schema with managed access must see it.
        schema = obj.schema
        if schema is not None and schema.extra.get("managed") and schema.owner in roles:
            return True
        return any(f.grantee in roles or f.grantee is self.user for f in obj.covering())

    def reaches(self, obj):
        """Whether the containers' USAGE (or any privilege on them) lets one get there."""
        if self.manages(obj):
            return True
        return all(self._enters(container) for container in obj.containers())

    def opens(self, obj):
        """Whether its containers are open to a query: MANAGE GRANTS shows them and opens nothing."""
        roles = self.active()

        def held(container):
            if container.extra.get("imported"):
                return self._enters(container)
            grants = [*container.grants.values(), *container.covering()]
            by_user = self.secondary == "ALL" and any(g.grantee is self.user for g in grants)
            return container.owner in roles or by_user or any(g.grantee in roles for g in grants)

        return all(held(container) for container in obj.containers())

    def _enters(self, container):
        if container.extra.get("imported"):
            return self.has(container, "IMPORTED PRIVILEGES") or self.has(container, "USAGE")
        return self.has(container, "USAGE") or self.sees(container)

    def manages(self, obj):
        """Whether MANAGE GRANTS on the account, or on a container, is held for it."""
        roles = self.active()
        root = self.account.root
        if self.holds(root, "MANAGE GRANTS", roles):
            return True
        at = obj
        while at is not None and at is not root:
            if at.kind.name in ("DATABASE", "SCHEMA") and self.holds(at, "MANAGE GRANTS", roles):
                return True
            at = at.parent
        return False
