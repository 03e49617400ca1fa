"""INSERT, UPDATE, DELETE, MERGE, TRUNCATE: one table, rows that are said or selected."""

from types import SimpleNamespace as Node

from . import parse_query
from .parse_query import expression

_NO_ALIAS = ("SET", "USING", "ON", "WHERE", "FROM", "VALUES", "WHEN", "SELECT")


def _table(r, node):
    node.table = r.name()
    node.alias = None
    token = r.peek()
    if r.take("AS") or (
        token is not None
        and (token.kind == "quoted" or token.kind == "word" and token.value not in _NO_ALIAS)
    ):
        node.alias = r.identifier()
    return node


def _names(r):
    """Column names in parentheses; None where none stand."""
    if not r.sees("(") or r.sees("(", "SELECT"):
        return None
    r.expect("(")
    names = [r.name()[-1]]
    while r.take(","):
        names.append(r.name()[-1])
    r.expect(")")
    return names


def _value(r):
    return Node(kind="default") if r.take("DEFAULT") else expression(r)


def _values(r):
    r.expect("(")
    values = [_value(r)]
    while r.take(","):
        values.append(_value(r))
    r.expect(")")
    return values


def _assignments(r):
    found = []
    while True:
        name = r.name()[-1]
        r.expect("=")
        found.append((name, _value(r)))
        if not r.take(","):
            return found


def insert(r):
    node = Node(kind="insert", overwrite=r.take("OVERWRITE"), query=None, values=None)
    r.expect("INTO")
    node.table = r.name()
    node.names = _names(r)
    if r.take("VALUES"):
        node.values = [_values(r)]
        while r.take(","):
            node.values.append(_values(r))
        return node
    parens = r.take("(")
    r.expect("SELECT")
    node.query = parse_query.select(r)
    if parens:
        r.expect(")")
    return node


def update(r):
    node = _table(r, Node(kind="update", where=None))
    r.expect("SET")
    node.set = _assignments(r)
    if r.take("WHERE"):
        node.where = expression(r)
    return node


def delete(r):
    r.expect("FROM")
    node = _table(r, Node(kind="delete", where=None))
    if r.take("WHERE"):
        node.where = expression(r)
    return node


def truncate(r):
    r.take("TABLE")
    if_exists = r.take("IF", "EXISTS")
    return Node(kind="truncate", table=r.name(), if_exists=if_exists)


def merge(r):
    r.expect("INTO")
    node = _table(r, Node(kind="merge", clauses=[]))
    r.expect("USING")
    node.source = parse_query._source(r)
    r.expect("ON")
    node.on = expression(r)
    while r.take("WHEN"):
        matched = not r.take("NOT")
        r.expect("MATCHED")
        clause = Node(matched=matched, condition=expression(r) if r.take("AND") else None)
        r.expect("THEN")
        if not matched:
            r.expect("INSERT")
            clause.act, clause.names = "insert", _names(r)
            r.expect("VALUES")
            clause.values = _values(r)
        elif r.take("DELETE"):
            clause.act = "delete"
        else:
            r.expect("UPDATE", "SET")
            clause.act, clause.set = "update", _assignments(r)
        node.clauses.append(clause)
    if not node.clauses:
        r.fail()
    return node
