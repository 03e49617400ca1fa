"""Object types: their plural, where they live, what can be granted on them.

From «Access control privileges», «GRANT <privileges> … TO ROLE» and the project's privilege table.
"""

from dataclasses import dataclass

TABLE = ("SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES")


@dataclass(frozen=True)
class Kind:
    name: str
    plural: str
    level: str  # account, database or schema: what it stands in
    space: str  # objects of one space cannot share a name
    privileges: tuple
    shown: str  # GRANTED_ON
    bulk: bool = True  # may be granted on ALL
    future: bool = True  # may be granted on FUTURE


def _kind(name, level, privileges, space=None, plural=None, shown=None, bulk=True, future=True):
    return Kind(
        name,
        plural or name + "S",
        level,
        space or name,
        tuple(privileges),
        shown or name.replace(" ", "_"),
        bulk,
        bulk and future,
    )


_CREATABLE = (
    "AGENT",
    "AGGREGATION POLICY",
    "ALERT",
    "APPLICATION SERVICE",
    "ARTIFACT REPOSITORY",
    "AUTHENTICATION POLICY",
    "CONTACT",
    "CORTEX SEARCH SERVICE",
    "DATA METRIC FUNCTION",
    "DATASET",
    "DBT PROJECT",
    "DYNAMIC TABLE",
    "EVENT TABLE",
    "EXPERIMENT",
    "EXTERNAL TABLE",
    "FILE FORMAT",
    "FUNCTION",
    "GATEWAY",
    "GIT REPOSITORY",
    "HYBRID TABLE",
    "ICEBERG TABLE",
    "IMAGE REPOSITORY",
    "INTERACTIVE TABLE",
    "JOIN POLICY",
    "MASKING POLICY",
    "MATERIALIZED VIEW",
    "MCP SERVER",
    "MODEL",
    "NETWORK RULE",
    "NOTEBOOK",
    "ONLINE FEATURE TABLE",
    "PACKAGES POLICY",
    "PASSWORD POLICY",
    "PIPE",
    "PRIVACY POLICY",
    "PROCEDURE",
    "PROJECTION POLICY",
    "ROW ACCESS POLICY",
    "SECRET",
    "SEMANTIC VIEW",
    "SEQUENCE",
    "SERVICE",
    "SESSION POLICY",
    "SNAPSHOT",
    "SNAPSHOT POLICY",
    "SNAPSHOT SET",
    "SNOWFLAKE.CORE.BUDGET",
    "SNOWFLAKE.ML.ANOMALY_DETECTION",
    "SNOWFLAKE.ML.CLASSIFICATION",
    "SNOWFLAKE.ML.FORECAST",
    "SNOWFLAKE.ML.TOP_INSIGHTS",
    "STAGE",
    "STORAGE LIFECYCLE POLICY",
    "STREAM",
    "STREAMLIT",
    "TABLE",
    "TAG",
    "TASK",
    "TEMPORARY TABLE",
    "TYPE",
    "VIEW",
    "WORKSPACE",
)

_ACCOUNT = (
    "APPLY AGGREGATION POLICY",
    "APPLY AUTHENTICATION POLICY",
    "APPLY CONTACT",
    "APPLY JOIN POLICY",
    "APPLY MASKING POLICY",
    "APPLY PACKAGES POLICY",
    "APPLY PASSWORD POLICY",
    "APPLY PRIVACY POLICY",
    "APPLY PROJECTION POLICY",
    "APPLY ROW ACCESS POLICY",
    "APPLY SESSION POLICY",
    "APPLY STORAGE LIFECYCLE POLICY",
    "APPLY TAG",
    "ATTACH POLICY",
    "AUDIT",
    "BIND SERVICE ENDPOINT",
    "CREATE ACCOUNT",
    "CREATE API INTEGRATION",
    "CREATE APPLICATION",
    "CREATE APPLICATION PACKAGE",
    "CREATE COMPUTE POOL",
    "CREATE CREDENTIAL",
    "CREATE DATA EXCHANGE LISTING",
    "CREATE DATABASE",
    "CREATE EXTERNAL VOLUME",
    "CREATE FAILOVER GROUP",
    "CREATE INTEGRATION",
    "CREATE LISTING",
    "CREATE NETWORK POLICY",
    "CREATE ORGANIZATION LISTING",
    "CREATE ORGANIZATION PROFILE",
    "CREATE PREVIEW APPLICATION",
    "CREATE REPLICATION GROUP",
    "CREATE ROLE",
    "CREATE SHARE",
    "CREATE USER",
    "CREATE WAREHOUSE",
    "EXECUTE ALERT",
    "EXECUTE DATA METRIC FUNCTION",
    "EXECUTE MANAGED ALERT",
    "EXECUTE MANAGED TASK",
    "EXECUTE TASK",
    "IMPORT ORGANIZATION LISTING",
    "IMPORT SHARE",
    "MANAGE ACCOUNT SUPPORT CASES",
    "MANAGE APPLICATION SPECIFICATIONS",
    "MANAGE EVENT SHARING",
    "MANAGE GRANTS",
    "MANAGE LISTING AUTO FULFILLMENT",
    "MANAGE ORGANIZATION SUPPORT CASES",
    "MANAGE SHARE TARGET",
    "MANAGE USER SUPPORT CASES",
    "MANAGE VISIBILITY",
    "MANAGE WAREHOUSES",
    "MODIFY LOG LEVEL",
    "MODIFY METRIC LEVEL",
    "MODIFY SESSION LOG LEVEL",
    "MODIFY SESSION TRACE LEVEL",
    "MODIFY TRACE LEVEL",
    "MONITOR",
    "MONITOR EXECUTION",
    "MONITOR SECURITY",
    "MONITOR USAGE",
    "OVERRIDE SHARE RESTRICTIONS",
    "PURCHASE DATA EXCHANGE LISTING",
    "READ SESSION",
    "READ UNREDACTED ERROR TABLE",
    "RESOLVE ALL",
    "USE AI FUNCTIONS",
    "VIEW LINEAGE",
)

_KINDS = [
    _kind("ACCOUNT", "account", _ACCOUNT, bulk=False),
    _kind("ROLE", "account", (), bulk=False),
    _kind(
        "USER",
        "account",
        ("IMPERSONATE", "MODIFY PROGRAMMATIC AUTHENTICATION METHODS", "MONITOR"),
        bulk=False,
    ),
    _kind(
        "WAREHOUSE", "account", ("USAGE", "OPERATE", "MONITOR", "MODIFY", "APPLYBUDGET"), bulk=False
    ),
    _kind("INTEGRATION", "account", ("USAGE", "USE_ANY_ROLE"), bulk=False),
    _kind("RESOURCE MONITOR", "account", ("MONITOR", "MODIFY"), bulk=False),
    _kind("SHARE", "account", (), bulk=False),
    _kind(
        "DATABASE",
        "account",
        (
            "USAGE",
            "MODIFY",
            "MONITOR",
            "CREATE SCHEMA",
            "CREATE DATABASE ROLE",
            "APPLYBUDGET",
            "IMPORTED PRIVILEGES",
            "REFERENCE_USAGE",
            "MANAGE GRANTS",
        ),
        bulk=False,
    ),
    _kind(
        "SCHEMA",
        "database",
        ("USAGE", "MODIFY", "MONITOR", "ADD SEARCH OPTIMIZATION", "APPLYBUDGET", "MANAGE GRANTS")
        + tuple("CREATE " + what for what in _CREATABLE),
    ),
    _kind("DATABASE ROLE", "database", (), bulk=False),
    _kind("TABLE", "schema", TABLE + ("EVOLVE SCHEMA", "APPLYBUDGET", "SELECT ERROR TABLE"), "RELATION"),
    _kind("ICEBERG TABLE", "schema", TABLE + ("APPLYBUDGET",), "RELATION"),
    _kind("HYBRID TABLE", "schema", TABLE + ("APPLYBUDGET",), "RELATION"),
    _kind(
        "EVENT TABLE",
        "schema",
        ("SELECT", "INSERT", "DELETE", "TRUNCATE", "REFERENCES", "APPLYBUDGET"),
        "RELATION",
    ),
    _kind("VIEW", "schema", ("SELECT", "REFERENCES"), "RELATION"),
    _kind("SEMANTIC VIEW", "schema", ("SELECT", "REFERENCES", "MONITOR"), "RELATION"),
    _kind("MATERIALIZED VIEW", "schema", ("SELECT", "REFERENCES", "APPLYBUDGET"), "RELATION"),
    _kind("EXTERNAL TABLE", "schema", ("SELECT", "REFERENCES"), "RELATION"),
    _kind("DYNAMIC TABLE", "schema", ("SELECT", "MONITOR", "OPERATE"), "RELATION"),
    _kind("STAGE", "schema", ("USAGE", "READ", "WRITE")),
    _kind("SEQUENCE", "schema", ("USAGE",)),
    _kind("FUNCTION", "schema", ("USAGE",)),
    _kind("PROCEDURE", "schema", ("USAGE",)),
    _kind("TASK", "schema", ("MONITOR", "OPERATE", "APPLYBUDGET")),
    _kind("STREAM", "schema", ("SELECT",)),
    _kind("PIPE", "schema", ("MONITOR", "OPERATE", "APPLYBUDGET")),
    _kind("FILE FORMAT", "schema", ("USAGE",)),
    _kind("TAG", "schema", ("APPLY", "READ"), future=False),
    _kind("MASKING POLICY", "schema", ("APPLY",), plural="MASKING POLICIES", future=False),
    _kind("ROW ACCESS POLICY", "schema", ("APPLY",), plural="ROW ACCESS POLICIES", future=False),
    _kind("SECRET", "schema", ("USAGE", "READ")),
    _kind("ALERT", "schema", ("MONITOR", "OPERATE")),
    _kind("NOTEBOOK", "schema", ("USAGE",)),
    _kind("STREAMLIT", "schema", ("USAGE",)),
    _kind("GIT REPOSITORY", "schema", ("READ", "WRITE"), plural="GIT REPOSITORIES"),
    _kind("SERVICE", "schema", ("USAGE", "OPERATE", "MONITOR")),
    _kind("CORTEX SEARCH SERVICE", "schema", ("USAGE", "MONITOR", "OPERATE")),
    _kind("AGENT", "schema", ("USAGE", "MODIFY", "MONITOR"), shown="CORTEX_AGENT"),
    _kind("DBT PROJECT", "schema", ("USAGE", "MONITOR")),
    _kind("NETWORK RULE", "schema", ("USAGE",)),
    _kind("MODEL", "schema", ("USAGE", "READ"), shown="MODULE"),
    _kind("AGGREGATION POLICY", "schema", ("APPLY",), plural="AGGREGATION POLICIES", future=False),
    _kind("AUTHENTICATION POLICY", "schema", ("APPLY",), plural="AUTHENTICATION POLICIES"),
    _kind("COMPUTE POOL", "account", ("MODIFY", "MONITOR", "OPERATE", "USAGE"), bulk=False),
    _kind("CONNECTION", "account", ("FAILOVER",), bulk=False),
    _kind("DATASET", "schema", ("USAGE",)),
    _kind("EXTERNAL VOLUME", "account", ("USAGE",), bulk=False),
    _kind("FAILOVER GROUP", "account", ("FAILOVER", "MODIFY", "MONITOR", "REPLICATE"), bulk=False),
    _kind("IMAGE REPOSITORY", "schema", ("READ", "WRITE"), plural="IMAGE REPOSITORIES", future=False),
    _kind("JOIN POLICY", "schema", ("APPLY",), plural="JOIN POLICIES", future=False),
    _kind("PACKAGES POLICY", "schema", ("APPLY", "USAGE"), plural="PACKAGES POLICIES", future=False),
    _kind("PASSWORD POLICY", "schema", ("APPLY",), plural="PASSWORD POLICIES"),
    _kind("PRIVACY POLICY", "schema", ("APPLY",), plural="PRIVACY POLICIES"),
    _kind("PROJECTION POLICY", "schema", ("APPLY",), plural="PROJECTION POLICIES", future=False),
    _kind("REPLICATION GROUP", "account", ("MODIFY", "MONITOR", "REPLICATE"), bulk=False),
    _kind("SESSION POLICY", "schema", ("APPLY",), plural="SESSION POLICIES", future=False),
    _kind("SNAPSHOT", "schema", ("USAGE",), future=False),
    _kind("STORAGE LIFECYCLE POLICY", "schema", ("APPLY",), plural="STORAGE LIFECYCLE POLICIES", future=False),
    _kind("WORKSPACE", "schema", ("READ", "WRITE")),
    _kind("TYPE", "schema", ("USAGE",)),
    # Snowflake has no such type: one that no client can know.
    _kind("STANDIN THING", "schema", ("USAGE",), future=False),
]

KINDS = {kind.name: kind for kind in _KINDS}
PLURALS = {kind.plural: kind for kind in _KINDS}

# Types as they are shown where none of their sizes was said.
SIZED = {"NUMBER": "NUMBER(38,0)", "VARCHAR": "VARCHAR(16777216)"}

# What SHOW OBJECTS and INFORMATION_SCHEMA.TABLES call them.
TABLE_TYPES = {
    "TABLE": "BASE TABLE",
    "ICEBERG TABLE": "BASE TABLE",
    "HYBRID TABLE": "BASE TABLE",
    "DYNAMIC TABLE": "BASE TABLE",
    "EVENT TABLE": "EVENT TABLE",
    "VIEW": "VIEW",
    "SEMANTIC VIEW": "SEMANTIC VIEW",
    "MATERIALIZED VIEW": "MATERIALIZED VIEW",
    "EXTERNAL TABLE": "EXTERNAL TABLE",
}


def longest(names, words):
    """The longest of the names that the words begin with, as (name, number of words)."""
    for count in range(min(4, len(words)), 0, -1):
        name = " ".join(words[:count])
        if name in names:
            return name, count
    return None, 0
