"""Who may log in: passwords, key pairs, OAuth tokens, programmatic access tokens."""

import base64
import hashlib
import json
import time
import uuid

from .errors import LoginError
from .session import Session

_TRIES = 5


def login(account, data, query):
    """A session for a login request's `data` and the parameters of its address."""
    if data.get("ACCOUNT_NAME", "").split(".")[0].upper() != account.root.name:
        raise LoginError("390400", "The requested account does not exist.")
    authenticator = (data.get("AUTHENTICATOR") or "SNOWFLAKE").upper()
    if authenticator == "SNOWFLAKE":
        user = _password(account, data)
    elif authenticator == "SNOWFLAKE_JWT":
        user = _key_pair(account, data)
    elif authenticator == "OAUTH":
        user = _token(
            account,
            data,
            "OAUTH_TOKENS",
            "390303",
            "Invalid OAuth access token. ",
            "390318",
            "OAuth access token expired. ",
        )
    elif authenticator == "PROGRAMMATIC_ACCESS_TOKEN":
        user = _token(
            account,
            data,
            "PATS",
            "394400",
            "Programmatic access token is invalid. ",
            "394400",
            "Programmatic access token is invalid. ",
        )
    else:
        raise LoginError("390139", f"Invalid authenticator {authenticator}.")
    if str(user.extra.get("DISABLED", "false")).lower() == "true":
        raise LoginError("390101", "User access disabled. Contact your local system administrator.")
    return _session(account, user, data, query)


def _user(account, data):
    wanted = str(data.get("LOGIN_NAME", "")).upper()
    for user in account.of_kind(account.root, "USER"):
        if str(user.extra.get("LOGIN_NAME", user.name)).upper() == wanted:
            return user
    return None


def _check_lock(user):
    if user.extra.get("locked_until", 0) > time.time():
        raise LoginError(
            "390102",
            "User temporarily locked. Try again later, or contact your local system administrator.",
        )


def _password(account, data):
    wrong = LoginError("390100", "Incorrect username or password was specified.")
    user = _user(account, data)
    if user is None:
        raise wrong
    _check_lock(user)
    given = data.get("PASSWORD")
    if not given or user.extra.get("PASSWORD") != given:
        user.extra["failures"] = user.extra.get("failures", 0) + 1
        if user.extra["failures"] >= _TRIES:
            user.extra["locked_until"] = time.time() + 15 * 60
            user.extra["failures"] = 0
        raise wrong
    user.extra["failures"] = 0
    return user


def _decode(part):
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _key_pair(account, data):
    """Verifies the signature with the user's public key, and all that the token claims."""
    refused = LoginError("390144", f"JWT token is invalid. [{uuid.uuid4()}]")
    try:
        header, claims, signature = data["TOKEN"].split(".")
        signed = f"{header}.{claims}".encode()
        claims = json.loads(_decode(claims))
        signature = _decode(signature)
    except (KeyError, ValueError, AttributeError):
        raise refused from None
    subject = str(claims.get("sub", ""))
    issuer = str(claims.get("iss", ""))
    name, _, login_name = subject.partition(".")
    user = _user(account, {"LOGIN_NAME": login_name})
    if user is None or name.upper() != account.root.name:
        raise refused
    if str(data.get("LOGIN_NAME", login_name)).upper() != login_name.upper():
        raise refused
    _check_lock(user)
    now = time.time()
    if (
        not claims.get("iat", 0) - 60
        <= now
        <= min(claims.get("exp", 0), claims.get("iat", 0) + 3600)
    ):
        raise refused
    for key in ("RSA_PUBLIC_KEY", "RSA_PUBLIC_KEY_2"):
        der = _der(user.extra.get(key))
        if der and _matches(der, issuer, subject) and _verify(der, signature, signed):
            return user
    raise refused


def _der(text):
    if not text:
        return None
    body = "".join(line for line in str(text).split() if "-" not in line)
    body = body.replace("BEGINPUBLICKEY", "").replace("ENDPUBLICKEY", "")
    try:
        return base64.b64decode(body)
    except ValueError:
        return None


def _matches(der, issuer, subject):
    fingerprint = "SHA256:" + base64.b64encode(hashlib.sha256(der).digest()).decode()
    return issuer == f"{subject}.{fingerprint}"


def _verify(der, signature, signed):
    """RSASSA-PKCS1-v1_5 with SHA-256, by hand: two numbers out of the key are all it takes."""
    try:
        modulus, exponent = _rsa_numbers(der)
    except (IndexError, ValueError):
        return False
    size = (modulus.bit_length() + 7) // 8
    if len(signature) != size:
        return False
    opened = pow(int.from_bytes(signature, "big"), exponent, modulus).to_bytes(size, "big")
    digest = bytes.fromhex("3031300d060960864801650304020105000420")
    digest += hashlib.sha256(signed).digest()
    return opened == b"\x00\x01" + b"\xff" * (size - len(digest) - 3) + b"\x00" + digest


def _rsa_numbers(der):
    """Modulus and exponent of a SubjectPublicKeyInfo."""

    def read(data, at):
        length, at = data[at + 1], at + 2
        if length & 0x80:
            count = length & 0x7F
            length, at = int.from_bytes(data[at : at + count], "big"), at + count
        return data[at : at + length], at + length

    outer, _ = read(der, 0)
    _, after = read(outer, 0)
    bits, _ = read(outer, after)
    key, _ = read(bits[1:], 0)
    modulus, after = read(key, 0)
    exponent, _ = read(key, after)
    return int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")


def _token(account, data, kind, code, message, expired_code, expired):
    """Tokens are put on a user by the tests' interface: {token: expiry or null}."""
    given = data.get("TOKEN") or data.get("PASSWORD")
    for user in account.of_kind(account.root, "USER"):
        tokens = user.extra.get(kind, {})
        if given in tokens:
            wanted = str(data.get("LOGIN_NAME") or "").upper()
            if wanted and wanted != str(user.extra.get("LOGIN_NAME", user.name)).upper():
                raise LoginError(
                    "390309",
                    "The user you were trying to authenticate as differs "
                    "from the user tied to the access token.",
                )
            if tokens[given] is not None and tokens[given] < time.time():
                raise LoginError(expired_code, f"{expired}[{uuid.uuid4()}]")
            return user
    raise LoginError(code, f"{message}[{uuid.uuid4()}]")


def _session(account, user, data, query):
    """The role, warehouse, database and schema that were asked for, or the user's defaults."""
    from .tokens import Reader

    def exact(text):
        return Reader(text).name() if text else None

    parameters = data.get("SESSION_PARAMETERS") or {}
    asked = exact(query.get("roleName"))
    wanted = asked or exact(user.extra.get("DEFAULT_ROLE")) or ("PUBLIC",)
    role = account.role(wanted[0])
    probe = Session(account, user, role, data.get("CLIENT_APP_ID", ""))
    from .engine import may_activate

    if role is None or not may_activate(probe, role):
        if asked:
            raise LoginError(
                "390189",
                f"Role '{asked[0]}' specified in the connect string is not granted to this user. "
                "Contact your local system administrator, or attempt to login with another role, "
                "e.g. PUBLIC.",
            )
        probe.role = account.role("PUBLIC")
    validate = parameters.pop("CLIENT_VALIDATE_DEFAULT_PARAMETERS", False)
    for name, value in parameters.items():
        if name.upper() in probe.parameters:
            probe.set(name.upper(), value)
    if str(user.extra.get("DEFAULT_SECONDARY_ROLES", "('ALL')")).replace(" ", "") == "()":
        probe.secondary = "NONE"
    if data.get("SECONDARY_ROLES") in ("ALL", "NONE"):
        probe.secondary = data["SECONDARY_ROLES"]
    _defaults(probe, user, query, validate)
    return probe


def _defaults(session, user, query, validate):
    from . import resolve
    from .errors import SnowflakeError
    from .kinds import KINDS
    from .tokens import Reader

    def attempt(what, text, find):
        if not text:
            return
        try:
            find(Reader(text).name())
        except SnowflakeError:
            if validate:
                raise LoginError(
                    "390201", f"The requested {what} does not exist or not authorized."
                ) from None

    def warehouse(name):
        session.warehouse = resolve.named(session, KINDS["WAREHOUSE"], name)

    def database(name):
        session.database = resolve.database(session, name[0])
        public = session.database.child("SCHEMA", "PUBLIC")
        session.schema = public if public is not None and session.sees(public) else None

    def schema(name):
        session.schema = resolve.schema(session, name)
        session.database = session.schema.parent

    attempt("warehouse", query.get("warehouse") or user.extra.get("DEFAULT_WAREHOUSE"), warehouse)
    attempt("database", query.get("databaseName"), database)
    attempt("schema", query.get("schemaName"), schema)
