"""Runs SELECT: expressions over the rows of one source."""

import time

from . import errors, views
from .names import dotted
from .results import Column, Result, columns
from .show import like_pattern


# In a row: a name that two tables have.
AMBIGUOUS = object()


def run(session, node):
    names, rows = _source(session, node.source)
    if node.where is not None:
        rows = [row for row in rows if _eval(session, node.where, row) is True]
    items = _expand(node, names)
    counted = any(_aggregate(item.expr) for item in items if item.expr is not None)
    if node.group:
        raise errors.unsupported("the stand-in has no GROUP BY")
    out_names = [item.name for item in items]
    kinds = {name.partition(":")[0]: name.partition(":")[2] for name in names}
    if counted:
        out = [tuple(_total(session, item.expr, rows) for item in items)]
    else:
        if node.order:
            for key, down in reversed(node.order):
                rows = sorted(
                    rows, key=lambda row: _sortable(_key(session, key, row, items)), reverse=down
                )
        out = [tuple(_eval(session, item.expr, row) for item in items) for row in rows]
    if node.distinct:
        out = list(dict.fromkeys(out))
    if node.union is not None:
        out += run(session, node.union).rows
    if node.limit is not None:
        out = out[: node.limit]
    return Result(
        [
            _column(name, item, kinds, out, at)
            for at, (name, item) in enumerate(zip(out_names, items, strict=True))
        ],
        out,
        0x1000,
        select=True,
    )


def _expand(node, names):
    items = []
    for item in node.items:
        if item.star:
            for name in names:
                plain = name.partition(":")[0]
                items.append(
                    type(item)(
                        star=False, name=plain, expr=type(item)(kind="column", name=(plain,))
                    )
                )
        else:
            items.append(item)
    return items


def _column(name, item, kinds, rows, at):
    kind = kinds.get(item.expr.name[-1], "") if item.expr.kind == "column" else None
    if kind is not None:
        column = columns(f"{name}:{kind}" if kind else name)[0]
        column.name = name
        return column
    if item.expr.kind == "call" and item.expr.name in _TIMES:
        return Column(name, _TIMES[item.expr.name], scale=9)
    values = [row[at] for row in rows if row[at] is not None]
    if values and all(isinstance(value, bool) for value in values):
        return Column(name, "boolean")
    if values and all(isinstance(value, int) for value in values):
        return Column(name, "fixed")
    return Column(name)


# SYSDATE() is in UTC whatever the session's time zone; see «SYSDATE».
_TIMES = {"SYSDATE": "timestamp_ntz", "CURRENT_TIMESTAMP": "timestamp_ltz"}


def _source(session, source):
    """(column names, rows as dicts)."""
    if source is None:
        return [], [{}]
    if source.kind == "query":
        inner = run(session, source.query)
        return _as_dicts(inner)
    if source.kind == "call":
        if source.call.kind == "call" and source.call.name == "RESULT_SCAN":
            last = session.last_result
            if last is None:
                raise errors.SnowflakeError("000709", "02000", "Statement not found")
            return _as_dicts(last)
        raise errors.unsupported(f"table function {source.call.name}")
    if views.is_view(source.name):
        found = views.rows(session, source.name)
    else:
        obj = views.relation(session, source.name)
        suffix = {"NUMBER": ":n", "BOOLEAN": ":b"}
        names = [name + suffix.get(kind, "") for name, kind in obj.extra["columns"]]
        found = names, [dict(row) for row in obj.extra.get("rows", ())]
    session.need_warehouse()
    return found


def _as_dicts(result):
    kinds = {"timestamp_ltz": ":ts", "fixed": ":n", "boolean": ":b"}
    names = [column.name + kinds.get(column.type, "") for column in result.columns]
    plain = [column.name for column in result.columns]
    return names, [dict(zip(plain, row, strict=True)) for row in result.rows]


def _key(session, key, row, items):
    if key.kind == "literal" and isinstance(key.value, int) and 0 < key.value <= len(items):
        key = items[key.value - 1].expr
    elif key.kind == "column" and key.name[-1] not in row:
        for item in items:
            if item.name == key.name[-1]:
                key = item.expr
                break
    return _eval(session, key, row)


def _sortable(value):
    """Nulls last."""
    return (True, 0) if value is None else (False, value)


def _aggregate(expr):
    return (
        expr.kind == "call"
        and expr.name in ("COUNT", "MAX", "MIN")
        or (expr.kind == "cast" and _aggregate(expr.of))
    )


def _total(session, expr, rows):
    if expr.kind == "cast":
        return _cast(_total(session, expr.of, rows), expr.type)
    if expr.kind != "call" or not _aggregate(expr):
        return _eval(session, expr, rows[0] if rows else {})
    values = [_eval(session, expr.args[0], row) for row in rows]
    values = [value for value in values if value is not None]
    if expr.name == "COUNT":
        return len(values)
    return (max if expr.name == "MAX" else min)(values, default=None)


def _eval(session, e, row):
    kind = e.kind
    if kind == "literal":
        return e.value
    if kind == "column":
        if e.name[-2:] in row:
            return row[e.name[-2:]]
        if e.name[-1] in row:
            if row[e.name[-1]] is AMBIGUOUS:
                raise errors.SnowflakeError(
                    "002028",
                    "42601",
                    f"SQL compilation error:\nambiguous column name '{e.name[-1]}'",
                )
            return row[e.name[-1]]
        if not row and e.name[-1] in ("CURRENT_USER", "CURRENT_DATE", "CURRENT_TIMESTAMP"):
            return _call(session, e.name[-1], [])
        raise errors.SnowflakeError(
            "000904",
            "42000",
            f"SQL compilation error: error line 1 at position 0\n"
            f"invalid identifier '{dotted(e.name)}'",
        )
    if kind in ("and", "or"):
        left, right = _eval(session, e.left, row), _eval(session, e.right, row)
        stop = kind == "or"
        if left is stop or right is stop:
            return stop
        return None if left is None or right is None else not stop
    if kind == "not":
        of = _eval(session, e.of, row)
        return None if of is None else not of
    if kind == "is_null":
        return _eval(session, e.of, row) is None
    if kind == "compare":
        return _compare(e.op, _eval(session, e.left, row), _eval(session, e.right, row))
    if kind == "in":
        of = _eval(session, e.of, row)
        found = [_compare("=", of, _eval(session, item, row)) for item in e.items]
        return True if True in found else (None if None in found else False)
    if kind == "like":
        of = _eval(session, e.of, row)
        if of is None:
            return None
        return any(
            like_pattern(str(_eval(session, item, row)), e.fold).match(str(of)) for item in e.items
        )
    if kind == "arith":
        left, right = _eval(session, e.left, row), _eval(session, e.right, row)
        if left is None or right is None:
            return None
        if e.op == "||":
            return f"{left}{right}"
        try:
            return _ARITHMETIC[e.op](float(left), float(right))
        except (ValueError, ZeroDivisionError):
            raise errors.invalid("Numeric value is not recognized", "100038", "22018") from None
    if kind == "cast":
        return _cast(_eval(session, e.of, row), e.type)
    if kind == "scalar":
        inner = run(session, e.query)
        return inner.rows[0][0] if inner.rows else None
    if kind == "case":
        subject = _eval(session, e.subject, row) if e.subject is not None else True
        for when, then in e.branches:
            if _compare("=", subject, _eval(session, when, row)) is True:
                return _eval(session, then, row)
        return _eval(session, e.other, row)
    args = [_eval(session, arg, row) for arg in e.args]
    try:
        return _call(session, e.name, args)
    except IndexError:
        raise errors.invalid(
            f"not enough arguments for function [{e.name}], got {len(args)}", "000938", "22023"
        ) from None


def _whole(number):
    return int(number) if number == int(number) else number


_ARITHMETIC = {
    "+": lambda left, right: _whole(left + right),
    "-": lambda left, right: _whole(left - right),
    "*": lambda left, right: _whole(left * right),
    "/": lambda left, right: _whole(left / right),
}


def _cast(value, kind):
    if value is None:
        return None
    if kind in ("VARCHAR", "STRING", "TEXT", "CHAR"):
        return ("true" if value else "false") if isinstance(value, bool) else str(value)
    if kind in ("NUMBER", "INT", "INTEGER", "BIGINT"):
        try:
            return int(float(value))
        except ValueError:
            raise errors.invalid(
                f"Numeric value '{value}' is not recognized", "100038", "22018"
            ) from None
    if kind in ("BOOLEAN",):
        return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes")
    return value


def _compare(op, left, right):
    if left is None or right is None:
        return None
    if isinstance(left, bool) != isinstance(right, bool):
        left, right = _cast(left, "BOOLEAN"), _cast(right, "BOOLEAN")
    elif isinstance(left, str) != isinstance(right, str):
        left, right = str(left), str(right)
    return {
        "=": left == right,
        "<>": left != right,
        "<": left < right,
        ">": left > right,
        "<=": left <= right,
        ">=": left >= right,
    }[op]


def _call(session, name, args):
    info = session.info()
    simple = {
        "CURRENT_ROLE": session.role.name if session.role else None,
        "CURRENT_USER": session.user.name if session.user else None,
        "CURRENT_ACCOUNT": session.account.root.name,
        "CURRENT_ACCOUNT_NAME": session.account.root.name,
        "CURRENT_ORGANIZATION_NAME": "STANDIN",
        "CURRENT_REGION": "AWS_EU_CENTRAL_1",
        "CURRENT_DATABASE": info["databaseName"],
        "CURRENT_SCHEMA": info["schemaName"],
        "CURRENT_WAREHOUSE": info["warehouseName"],
        "CURRENT_SESSION": str(session.id),
        "CURRENT_VERSION": "9.35.0",
        "CURRENT_CLIENT": session.client,
        "CURRENT_ROLE_TYPE": "ROLE",
        "CURRENT_TIMESTAMP": time.time(),
        "SYSDATE": time.time(),
    }
    if name in simple:
        return simple[name]
    if name == "CURRENT_SECONDARY_ROLES":
        listed = sorted(role.name for role in session.secondary_roles())
        value = session.secondary if isinstance(session.secondary, str) else ""
        return f'{{"roles":"{",".join(listed)}","value":"{value}"}}'
    if name == "CURRENT_AVAILABLE_ROLES":
        names = sorted(
            role.name
            for role in session.account.closure(session.user.roles)
            if role.kind.name == "ROLE"
        )
        return "[ " + ", ".join(f'"{each}"' for each in names) + " ]"
    if name == "IS_ROLE_IN_SESSION":
        return any(role.name == args[0] and role.kind.name == "ROLE" for role in session.active())
    if name == "SYSTEM$BEHAVIOR_CHANGE_BUNDLE_STATUS":
        if args[0] not in session.account.bundles:
            raise errors.invalid(f"Invalid value ['{args[0]}'] for function parameter.")
        return session.account.bundles[args[0]]
    if name in ("SYSTEM$ENABLE_BEHAVIOR_CHANGE_BUNDLE", "SYSTEM$DISABLE_BEHAVIOR_CHANGE_BUNDLE"):
        if session.account.role("ACCOUNTADMIN") not in session.active():
            raise errors.insufficient("ACCOUNT", session.account.root.name)
        state = "ENABLED" if "ENABLE_" in name and "DISABLE_" not in name else "DISABLED"
        session.account.bundles[args[0]] = state
        return state
    if name == "LAST_QUERY_ID":
        return session.last_query
    if name in ("UPPER", "LOWER", "TRIM", "TO_VARCHAR"):
        if args[0] is None:
            return None
        return {"UPPER": str.upper, "LOWER": str.lower, "TRIM": str.strip, "TO_VARCHAR": str}[name](
            str(args[0])
        )
    if name in ("COALESCE", "IFNULL", "NVL"):
        return next((arg for arg in args if arg is not None), None)
    if name in ("LENGTH", "LEN"):
        return None if args[0] is None else len(str(args[0]))
    if name in ("IFF",):
        return args[1] if args[0] is True else args[2]
    if name == "CONCAT":
        return None if None in args else "".join(str(arg) for arg in args)
    raise errors.SnowflakeError(
        "002140", "42601", f"SQL compilation error:\nUnknown function {name}"
    )
