"""SELECT, as far as a catalogue needs it: one source, WHERE, ORDER BY, LIMIT, no joins."""

from types import SimpleNamespace as Node

from .tokens import Reader

_CLAUSES = {
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "LIMIT",
    "UNION",
    "QUALIFY",
    "OFFSET",
    "FETCH",
    "AS",
    "AND",
    "OR",
    "ON",
    "THEN",
    "ELSE",
    "END",
    "WHEN",
    "ASC",
    "DESC",
    "NULLS",
    "IS",
    "IN",
    "NOT",
    "LIKE",
    "ILIKE",
    "BETWEEN",
}


def select(r):
    node = Node(
        kind="select",
        items=[],
        source=None,
        where=None,
        order=[],
        limit=None,
        distinct=r.take("DISTINCT"),
        group=False,
        union=None,
    )
    r.take("ALL")
    while True:
        node.items.append(_item(r))
        if not r.take(","):
            break
    if r.take("FROM"):
        node.source = _source(r)
    if r.take("WHERE"):
        node.where = expression(r)
    if r.take("GROUP", "BY"):
        node.group = True
        expression(r)
        while r.take(","):
            expression(r)
    if r.take("UNION", "ALL") or r.take("UNION"):
        parens = r.take("(")
        r.expect("SELECT")
        node.union = select(r)
        if parens:
            r.expect(")")
    if r.take("ORDER", "BY"):
        while True:
            key = expression(r)
            down = r.take("DESC") or (r.take("ASC") and False)
            if r.take("NULLS"):
                r.next()
            node.order.append((key, bool(down)))
            if not r.take(","):
                break
    if r.take("LIMIT"):
        node.limit = r.count()
        if r.take("OFFSET"):
            r.next()
    return node


def with_select(r):
    """WITH …: only read to its end; run as what the last SELECT says where that needs no CTE."""
    ctes = {}
    r.take("RECURSIVE")
    while True:
        name = r.identifier()
        r.expect("AS")
        r.expect("(")
        r.expect("SELECT")
        ctes[name] = select(r)
        r.expect(")")
        if not r.take(","):
            break
    r.expect("SELECT")
    node = select(r)
    source = node.source
    if source and source.kind == "table" and len(source.name) == 1 and source.name[0] in ctes:
        node.source = Node(kind="query", query=ctes[source.name[0]], alias=source.alias)
    return node


def select_in_parens(r):
    r.expect("(")
    r.expect("SELECT")
    node = select(r)
    r.expect(")")
    r.finish()
    return node


def _item(r):
    if r.take("*"):
        return Node(star=True, expr=None, name=None)
    if r.peek(1) and r.peek(1).text == "." and r.peek(2) and r.peek(2).text == "*":
        r.at += 3
        return Node(star=True, expr=None, name=None)
    start = r.peek().start if r.peek() else 0
    expr = expression(r)
    text = r.sql[start : r.peek(-1).end]
    name = None
    if r.take("AS") or _alias_ahead(r):
        name = r.identifier()
    if name is None:
        name = expr.name[-1] if expr.kind == "column" else text.upper()
    return Node(star=False, expr=expr, name=name)


def _alias_ahead(r):
    token = r.peek()
    return token is not None and (
        token.kind == "quoted" or (token.kind == "word" and token.value not in _CLAUSES)
    )


def _source(r):
    if r.take("("):
        if r.take("SELECT"):
            inner = Node(kind="query", query=select(r), alias=None)
        else:
            inner = _source(r)
        r.expect(")")
    elif r.sees("TABLE", "("):
        r.at += 2
        inner = Node(kind="call", call=expression(r), alias=None)
        r.expect(")")
    else:
        inner = Node(kind="table", name=r.name(), alias=None)
    if r.take("AS") or _alias_ahead(r):
        inner.alias = r.identifier()
    return inner


# Expressions, by precedence ------------------------------------------------------------------


def expression(r):
    left = _and(r)
    while r.take("OR"):
        left = Node(kind="or", left=left, right=_and(r))
    return left


def _and(r):
    left = _not(r)
    while r.take("AND"):
        left = Node(kind="and", left=left, right=_not(r))
    return left


def _not(r):
    if r.take("NOT"):
        return Node(kind="not", of=_not(r))
    return _comparison(r)


def _comparison(r):
    left = _concat(r)
    while True:
        negated = False
        if r.take("IS"):
            negated = r.take("NOT")
            if r.take("NULL"):
                left = Node(kind="is_null", of=left)
            else:
                word = r.take_any("TRUE", "FALSE") or r.fail()
                left = Node(
                    kind="compare",
                    op="=",
                    left=left,
                    right=Node(kind="literal", value=word == "TRUE"),
                )
        elif r.sees("NOT", "IN") or r.sees("NOT", "LIKE") or r.sees("NOT", "ILIKE"):
            r.at += 1
            negated = True
            left = _set_or_like(r, left)
        elif r.sees("IN") or r.sees("LIKE") or r.sees("ILIKE"):
            left = _set_or_like(r, left)
        else:
            op = r.take_any("=", "<>", "!=", "<=", ">=", "<", ">")
            if op is None:
                return left
            left = Node(kind="compare", op="<>" if op == "!=" else op, left=left, right=_concat(r))
        if negated:
            left = Node(kind="not", of=left)


def _set_or_like(r, left):
    if r.take("IN"):
        r.expect("(")
        items = [expression(r)]
        while r.take(","):
            items.append(expression(r))
        r.expect(")")
        return Node(kind="in", of=left, items=items)
    word = r.take_any("LIKE", "ILIKE")
    if r.take("ANY", "("):
        items = [expression(r)]
        while r.take(","):
            items.append(expression(r))
        r.expect(")")
    else:
        items = [_concat(r)]
    if r.take("ESCAPE"):
        r.string()
    return Node(kind="like", of=left, items=items, fold=word == "ILIKE")


def _concat(r):
    left = _postfix(r)
    while r.peek() and r.peek().text in ("||", "+", "-", "*", "/"):
        op = r.next().text
        left = Node(kind="arith", op=op, left=left, right=_postfix(r))
    return left


def _postfix(r):
    of = _primary(r)
    while r.take("::"):
        words = r.next().value
        r.signature()
        of = Node(kind="cast", of=of, type=words)
    return of


def _primary(r):
    token = r.peek()
    if token is None:
        r.fail()
    if token.kind == "string":
        r.at += 1
        return Node(kind="literal", value=token.value)
    if token.kind == "number":
        r.at += 1
        return Node(
            kind="literal", value=float(token.text) if "." in token.text else int(token.text)
        )
    if token.text == "-":
        r.at += 1
        return Node(kind="arith", op="-", left=Node(kind="literal", value=0), right=_postfix(r))
    if token.text == "(":
        r.at += 1
        if r.take("SELECT"):
            inner = Node(kind="scalar", query=select(r))
        else:
            inner = expression(r)
        r.expect(")")
        return inner
    if token.kind == "word":
        if token.value in ("NULL", "TRUE", "FALSE"):
            r.at += 1
            return Node(
                kind="literal", value={"NULL": None, "TRUE": True, "FALSE": False}[token.value]
            )
        if token.value == "CASE":
            r.at += 1
            return _case(r)
        if token.value in ("CAST", "TRY_CAST") and r.peek(1) and r.peek(1).text == "(":
            r.at += 2
            of = expression(r)
            r.expect("AS")
            words = r.next().value
            r.signature()
            r.expect(")")
            return Node(kind="cast", of=of, type=words)
        if token.value in _CLAUSES:
            r.fail()
    name = r.name()
    if r.take("("):
        args = []
        if r.take("*"):
            args.append(Node(kind="literal", value=1))
        elif not r.sees(")"):
            r.take("DISTINCT")
            while True:
                if r.peek(1) and r.peek(1).text == "=>":
                    r.at += 2
                args.append(expression(r))
                if not r.take(","):
                    break
        r.expect(")")
        return Node(kind="call", name=name[-1], args=args)
    return Node(kind="column", name=name)


def _case(r):
    subject = None if r.sees("WHEN") else expression(r)
    branches, other = [], Node(kind="literal", value=None)
    while r.take("WHEN"):
        when = expression(r)
        r.expect("THEN")
        branches.append((when, expression(r)))
    if r.take("ELSE"):
        other = expression(r)
    r.expect("END")
    return Node(kind="case", subject=subject, branches=branches, other=other)


def read_by(sql, fold_quoted=False):
    """The names of the relations that a view's body reads."""
    r = Reader(sql, fold_quoted)
    while r.take("("):
        pass
    if r.take("WITH"):
        node = with_select(r)
    elif r.take("SELECT"):
        node = select(r)
    else:
        return []
    found = []
    while node is not None:
        source = node.source
        while source is not None and source.kind == "query":
            source = source.query.source
        if source is not None and source.kind == "table":
            found.append(source.name)
        node = node.union
    return found


def parse_body(sql, fold_quoted=False):
    """The column names of a view's or table's body, where they can be told; else None."""
    r = Reader(sql, fold_quoted)
    while r.take("("):
        pass
    if not r.take("SELECT"):
        return None
    node = select(r)
    return None if any(item.star for item in node.items) else [item.name for item in node.items]
