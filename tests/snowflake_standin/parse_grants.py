"""GRANT and REVOKE, in every documented form."""

from types import SimpleNamespace as Node

from .kinds import KINDS, PLURALS, longest

_PLURAL_WORDS = dict(PLURALS)


def target(r):
    """What stands after ON."""
    if r.take("ACCOUNT"):
        return Node(scope="account")
    for scope in ("ALL", "FUTURE"):
        if r.sees(scope):
            r.at += 1
            plural, count = longest(_PLURAL_WORDS, r.words_ahead())
            if not plural:
                r.fail()
            r.at += count
            r.expect("IN")
            return Node(scope=scope.lower(), of=PLURALS[plural], container=container(r))
    return named(r)


def container(r):
    kind = r.take_any("DATABASE", "SCHEMA", "ACCOUNT")
    if kind is None:
        r.fail()
    return Node(kind=kind, name=() if kind == "ACCOUNT" else r.name())


def named(r):
    """A named object; a table where no type is said."""
    kind, count = longest(KINDS, r.words_ahead())
    said = False
    if kind and r.peek(count) and r.peek(count).kind in ("word", "quoted"):
        after = r.peek(count)
        if not (after.kind == "word" and after.value in ("TO", "FROM")):
            r.at += count
            said = True
    if not said:
        if r.sees("STORAGE", "INTEGRATION") or r.sees("API", "INTEGRATION"):
            r.at += 2
            kind = "INTEGRATION"
        else:
            kind = "TABLE"
    name = r.name()
    args = r.signature()
    return Node(scope="object", of=KINDS[kind], said=said, name=name, args=args)


def privileges(r):
    """A list of privileges, each of one or more words; or 'ALL'."""
    if r.take("ALL"):
        r.take("PRIVILEGES")
        return "ALL"
    found = []
    while True:
        words = []
        while r.peek() and r.peek().kind == "word" and not r.sees("ON"):
            word = r.next().value
            while r.sees("."):  # CREATE SNOWFLAKE.ML.FORECAST
                r.at += 1
                word += "." + r.next().value
            words.append(word)
        if not words:
            r.fail()
        found.append(" ".join(words))
        if not r.take(","):
            return found


def grantee(r):
    if r.take("DATABASE", "ROLE"):
        return Node(kind="DATABASE ROLE", name=r.name())
    if r.sees("APPLICATION", "ROLE"):
        r.at += 2
        return Node(kind="APPLICATION ROLE", name=r.name())
    for kind in ("ROLE", "USER", "SHARE", "APPLICATION"):
        # A role may be named ROLE or USER: then no name follows.
        if r.sees(kind) and r.peek(1) and r.peek(1).kind in ("word", "quoted"):
            r.at += 1
            return Node(kind=kind, name=r.name())
    return Node(kind="ROLE", name=r.name())


def _roles(r, word):
    """GRANT ROLE a [, b] TO …, or GRANT DATABASE ROLE …; None where it is another form."""
    start = r.at
    kind = r.take_any("DATABASE ROLE", "ROLE")
    if kind is None:
        return None
    names = [r.name()]
    while r.take(","):
        names.append(r.name())
    if not r.take(word):
        r.at = start
        r.fail()
    to = grantee(r)
    return kind, names, to


def grant(r):
    roles = _roles(r, "TO")
    if roles:
        return Node(kind="grant_role", role_kind=roles[0], roles=roles[1], to=roles[2])
    inherited = r.take("INHERITED")
    if r.take("OWNERSHIP", "ON"):
        on = target(r)
        r.expect("TO")
        to = grantee(r)
        current = r.take_any("COPY CURRENT GRANTS", "REVOKE CURRENT GRANTS")
        return Node(
            kind="grant_ownership",
            on=on,
            to=to,
            current=current.split()[0] if current else None,
            inherited=inherited,
        )
    what = privileges(r)
    r.expect("ON")
    on = target(r)
    r.expect("TO")
    to = grantee(r)
    option = r.take("WITH", "GRANT", "OPTION")
    return Node(kind="grant", privileges=what, on=on, to=to, option=option, inherited=inherited)


def revoke(r):
    roles = _roles(r, "FROM")
    if roles:
        return Node(kind="revoke_role", role_kind=roles[0], roles=roles[1], of=roles[2])
    option_only = r.take("GRANT", "OPTION", "FOR")
    inherited = r.take("INHERITED")
    what = privileges(r)
    r.expect("ON")
    on = target(r)
    r.expect("FROM")
    of = grantee(r)
    mode = r.take_any("CASCADE", "RESTRICT")
    return Node(
        kind="revoke",
        privileges=what,
        on=on,
        of=of,
        option_only=option_only,
        cascade=mode == "CASCADE",
        mode=mode,
        inherited=inherited,
    )
