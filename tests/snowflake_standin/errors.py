"""Errors as Snowflake words them: a code, an SQLSTATE, a message."""


class SnowflakeError(Exception):
    """A statement was refused."""

    def __init__(self, code, sqlstate, message, line=-1, pos=-1):
        super().__init__(message)
        self.code = code
        self.sqlstate = sqlstate
        self.message = message
        self.line = line
        self.pos = pos


class LoginError(Exception):
    """A login, or a token, was refused."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code
        self.message = message


def syntax(line, pos, found):
    what = f"unexpected '{found}'" if found else "unexpected '<EOF>'"
    return SnowflakeError(
        "001003",
        "42000",
        f"SQL compilation error:\nsyntax error line {line} at position {pos} {what}.",
        line,
        pos,
    )


def missing(kind, name):
    return SnowflakeError(
        "002003",
        "02000",
        f"SQL compilation error:\n{kind.capitalize()} '{name}' does not exist or not authorized.",
    )


def exists(name):
    return SnowflakeError(
        "002002", "42710", f"SQL compilation error:\nObject '{name}' already exists."
    )


def insufficient(kind, name):
    return SnowflakeError(
        "003001",
        "42501",
        "SQL access control error:\n"
        f"Insufficient privileges to operate on {kind.lower()} '{name}'.",
    )


def grant_refused():
    return SnowflakeError("003102", "42501", "Grant not executed: Insufficient privileges.")


def revoke_refused():
    return SnowflakeError("003103", "42501", "Revoke not executed: Insufficient privileges.")


# Before a behaviour change of 2024, these came as a row that reported success.
ONCE_STATUS = {"003011", "003012", "003102", "003103"}


def partial_grant(privileges):
    return SnowflakeError(
        "003011",
        "42501",
        f"Grant partially executed: privileges [{', '.join(privileges)}] not granted.",
    )


def read_first():
    return invalid(
        "Grant not executed: WRITE on a stage needs READ on it first.", "003032", "42601"
    )


def dependent_revokes(revoked, skipped):
    return SnowflakeError(
        "003935",
        "23001",
        f"Revoke partially executed: {revoked} grant(s) revoked, {skipped} grant(s) skipped "
        "due to dependent grants and no CASCADE is specified.",
    )


def dependent_grant(privilege, securable, role):
    return SnowflakeError(
        "003036",
        "23001",
        f"SQL execution error: Dependent grant of privilege '{privilege}' on securable "
        f"'{securable}' to role '{role}' exists.  It must be revoked first.  More than one "
        "dependent grant may exist: use 'SHOW GRANTS' command to view them.  To revoke all "
        "dependent grants while transferring object ownership, use convenience command 'GRANT "
        "OWNERSHIP ON <target_objects> TO <target_role> REVOKE CURRENT GRANTS'.",
    )


def invalid_privilege(kind, privilege):
    return SnowflakeError(
        "003008",
        "42601",
        f"SQL compilation error:\nInvalid privilege {privilege} for object type {kind}.",
    )


def invalid(message, code="001506", sqlstate="22023"):
    return SnowflakeError(code, sqlstate, f"SQL compilation error:\n{message}")


def unsupported(feature):
    return SnowflakeError(
        "000002", "0A000", f"SQL compilation error:\nUnsupported feature '{feature}'."
    )


def no_database():
    return SnowflakeError(
        "090105",
        "22000",
        "Cannot perform operation. This session does not have a current database. "
        "Call 'USE DATABASE', or use a qualified name.",
    )


def no_schema():
    return SnowflakeError(
        "090106",
        "22000",
        "Cannot perform operation. This session does not have a current schema. "
        "Call 'USE SCHEMA', or use a qualified name.",
    )


def no_warehouse():
    return SnowflakeError(
        "000606",
        "57P03",
        "No active warehouse selected in the current session.  Select an active warehouse with the "
        "'use warehouse' command.",
    )


def cannot_use():
    return SnowflakeError(
        "002043",
        "02000",
        "SQL compilation error:\nObject does not exist, or operation cannot be performed.",
    )
