"""SHOW in its forms."""

from types import SimpleNamespace as Node

from . import parse_grants
from .kinds import PLURALS, longest


def show(r):
    if r.sees("GRANTS"):
        r.at += 1
        return _grants(r)
    if r.take("FUTURE", "GRANTS"):
        return _scoped(r, "show_future")
    if r.take("INHERITED", "GRANTS"):
        return _scoped(r, "show_inherited")
    if r.take("PARAMETERS"):
        return _parameters(r)
    terse = r.take("TERSE")
    node = Node(
        kind="show",
        terse=terse,
        like=None,
        scope=None,
        name=None,
        starts=None,
        limit=None,
        start=None,
        history=False,
    )
    if r.take("USER", "FUNCTIONS"):
        node.of = "FUNCTION"
    elif r.take("USER", "PROCEDURES"):
        node.of = "PROCEDURE"
    elif r.take("OBJECTS"):
        node.of = "OBJECTS"
    elif r.take("PRIMARY", "KEYS") or r.take("IMPORTED", "KEYS"):
        node.of = "KEYS"
    elif r.take("COLUMNS"):
        node.of = "COLUMNS"
    elif r.take("CURRENT", "ROLES"):
        node.of = "ROLES"
    else:
        plural, count = longest(PLURALS, r.words_ahead())
        if not plural:
            r.fail()
        r.at += count
        node.of = PLURALS[plural].name
    while not r.done():
        if r.take("HISTORY"):
            node.history = True
        elif r.take("LIKE"):
            node.like = r.string()
        elif r.take("STARTS", "WITH"):
            node.starts = r.string()
        elif r.take("LIMIT"):
            node.limit = r.count()
            if r.take("FROM"):
                node.start = r.string()
        elif r.take("IN"):
            kind = r.take_any("ACCOUNT", "DATABASE", "SCHEMA", "TABLE", "VIEW")
            node.scope = kind
            token = r.peek()
            if kind == "ACCOUNT":
                continue
            stops = ("LIKE", "STARTS", "LIMIT")
            if token and not (token.kind == "word" and token.value in stops):
                node.name = r.name()
                if kind is None:
                    node.scope = "DATABASE" if len(node.name) == 1 else "SCHEMA"
        else:
            r.fail()
    return node


def _limit(r, node):
    node.hierarchy = node.kind in ("show_grants_to", "show_future") and r.take(
        "INCLUDE", "HIERARCHY"
    )
    node.limit = r.count() if r.take("LIMIT") else None
    return node


def _grants(r):
    if r.take("ON"):
        node = Node(kind="show_grants_on", on=parse_grants.target(r))
        if node.on.scope not in ("account", "object"):
            r.fail()
        return _limit(r, node)
    if r.take("TO"):
        return _limit(r, Node(kind="show_grants_to", to=parse_grants.grantee(r)))
    if r.take("OF"):
        return _limit(r, Node(kind="show_grants_of", of=parse_grants.grantee(r)))
    return _limit(r, Node(kind="show_grants_to", to=None))


def _scoped(r, kind):
    if r.take("TO"):
        return _limit(r, Node(kind=kind, to=parse_grants.grantee(r), on=None))
    if r.take("ON"):
        return _limit(r, Node(kind=kind, to=None, on=parse_grants.container(r)))
    r.expect("IN")
    return _limit(r, Node(kind=kind, to=None, on=parse_grants.container(r)))


def _parameters(r):
    like = None
    if r.take("LIKE"):
        like = r.string()
    where = None
    if r.take_any("IN", "FOR"):
        where = r.take_any("SESSION", "ACCOUNT")
        if where is None:
            where = r.identifier()
            r.name()
    return Node(kind="show_parameters", like=like, where=where or "SESSION")
