"""Rows: INSERT, UPDATE, DELETE, MERGE, TRUNCATE. Each statement commits itself.

From «INSERT», «UPDATE», «DELETE», «MERGE», «TRUNCATE TABLE», and «Access control privileges» for who
may. A table's rows are dicts in `extra["rows"]`, in the order in which they came.
"""

from . import errors, query, resolve
from .kinds import KINDS
from .names import shown
from .results import Result, columns, status

_TABLES = ("TABLE", "ICEBERG TABLE", "HYBRID TABLE")
_INSERT, _UPDATE, _DELETE, _MERGE = 0x3100, 0x3200, 0x3300, 0x3400


def _table(session, parts, *privileges):
    obj = resolve.named(session, KINDS["TABLE"], parts, strict=False)
    if obj.kind.name not in _TABLES:
        raise errors.unsupported(f"rows of a {obj.kind.name}")
    if not session.opens(obj):
        raise errors.missing(obj.kind.name, obj.shown)
    for privilege in privileges:
        if not session.has(obj, privilege):
            raise errors.insufficient(obj.kind.name, obj.shown)
    session.need_warehouse()
    return obj


def rows_of(obj):
    return obj.extra.setdefault("rows", [])


def _column(obj, name):
    for column, kind in obj.extra["columns"]:
        if column == name:
            return kind, obj.extra.get("details", {}).get(name)
    raise errors.SnowflakeError(
        "000904",
        "42000",
        f"SQL compilation error: error line 1 at position 0\ninvalid identifier '{shown(name)}'",
    )


def _fit(obj, name, value):
    """A value as its column keeps it."""
    kind, detail = _column(obj, name)
    if value is None:
        if detail is not None and not detail.nullable:
            raise errors.SnowflakeError(
                "100072", "22000", "NULL result in a non-nullable column"
            )
        return None
    if kind == "VARCHAR":
        value = query._cast(value, "VARCHAR")
        if detail is not None and detail.length is not None and len(value) > detail.length:
            raise errors.SnowflakeError(
                "100078",
                "22000",
                f"String '{value[:40]}' is too long and would be truncated",
            )
        return value
    if kind == "NUMBER":
        return query._cast(value, "NUMBER")
    if kind == "BOOLEAN":
        return query._cast(value, "BOOLEAN")
    return value


def _eval(session, obj, name, expr, row):
    if expr.kind == "default":
        detail = obj.extra.get("details", {}).get(name)
        expr = detail.default if detail is not None else None
        return None if expr is None else query._eval(session, expr, {})
    return query._eval(session, expr, row)


def _new_row(session, obj, names, values):
    """A row of values, in the order of the names; what is not named has its default."""
    all_names = [name for name, _ in obj.extra["columns"]]
    names = all_names if names is None else names
    if len(names) != len(values):
        raise errors.SnowflakeError(
            "002020",
            "21S01",
            "SQL compilation error:\nInsert value list does not match column list expecting "
            f"{len(names)} but got {len(values)}",
        )
    for name in names:
        _column(obj, name)
    given = dict(zip(names, values, strict=True))
    row = {}
    for name in all_names:
        if name not in given:
            detail = obj.extra.get("details", {}).get(name)
            default = detail.default if detail is not None else None
            given[name] = None if default is None else query._eval(session, default, {})
        row[name] = _fit(obj, name, given[name])
    return row


def insert(session, node):
    obj = _table(session, node.table, "INSERT")
    if node.overwrite and not session.has(obj, "DELETE"):
        raise errors.insufficient(obj.kind.name, obj.shown)
    names = node.names or [name for name, _ in obj.extra["columns"]]
    if node.query is not None:
        found = [list(row) for row in query.run(session, node.query).rows]
    else:
        found = [
            [_eval(session, obj, name, value, {}) for name, value in zip(names, values)]
            + [None] * (len(values) - len(names))
            for values in node.values
        ]
    new = [_new_row(session, obj, names, values) for values in found]
    if node.overwrite:
        rows_of(obj).clear()
    rows_of(obj).extend(new)
    return _counted(_INSERT, ("inserted", len(new)))


def _seen(obj, alias, row):
    """The row as expressions see it: by column, and by table and column."""
    name = alias or obj.name
    return {**row, **{(name, column): value for column, value in row.items()}}


def update(session, node):
    obj = _table(session, node.table, "UPDATE")
    _known(obj, node.set)
    changed = []
    for row in rows_of(obj):
        seen = _seen(obj, node.alias, row)
        if node.where is None or query._eval(session, node.where, seen) is True:
            changed.append((row, _set(session, obj, node.set, seen)))
    for row, new in changed:
        row.update(new)
    return _counted(_UPDATE, ("updated", len(changed)), ("multi-joined rows updated", 0))


def _known(obj, assignments):
    """Names are looked at before there are rows."""
    for name, _ in assignments:
        _column(obj, name)


def _set(session, obj, assignments, seen):
    return {
        name: _fit(obj, name, _eval(session, obj, name, expr, seen)) for name, expr in assignments
    }


def delete(session, node):
    obj = _table(session, node.table, "DELETE")
    rows = rows_of(obj)
    kept = [
        row
        for row in rows
        if node.where is not None
        and query._eval(session, node.where, _seen(obj, node.alias, row)) is not True
    ]
    gone = len(rows) - len(kept)
    rows[:] = kept
    return _counted(_DELETE, ("deleted", gone))


def truncate(session, node):
    try:
        obj = _table(session, node.table, "TRUNCATE")
    except errors.SnowflakeError as error:
        if node.if_exists and error.code == "002003":
            return status()
        raise
    rows_of(obj).clear()
    return status()


_NEEDS = {"insert": "INSERT", "update": "UPDATE", "delete": "DELETE"}


def merge(session, node):
    acts = {clause.act for clause in node.clauses}
    obj = _table(session, node.table, *sorted(_NEEDS[act] for act in acts))
    names, source = query._source(session, node.source)
    alias = node.source.alias or (
        node.source.name[-1] if node.source.kind == "table" else None
    )
    plain = [name.partition(":")[0] for name in names]
    for clause in node.clauses:
        _known(obj, getattr(clause, "set", ()))
    rows = rows_of(obj)
    updates, deletes, new = {}, set(), []
    for each in source:
        each = {name: each[name] for name in plain}
        met = False
        for at, row in enumerate(rows):
            seen = _both(obj, node.alias, row, alias, each)
            if query._eval(session, node.on, seen) is not True:
                continue
            met = True
            clause = _clause(session, node.clauses, True, seen)
            if clause is None:
                continue
            if at in updates or at in deletes:
                raise errors.SnowflakeError(
                    "100090", "42P18", f"Duplicate row detected during DML action\nRow Values: {row}"
                )
            if clause.act == "delete":
                deletes.add(at)
            else:
                updates[at] = _set(session, obj, clause.set, seen)
        if met:
            continue
        seen = _both(obj, node.alias, None, alias, each)
        clause = _clause(session, node.clauses, False, seen)
        if clause is not None:
            columns_ = clause.names or [name for name, _ in obj.extra["columns"]]
            values = [
                _eval(session, obj, name, value, seen)
                for name, value in zip(columns_, clause.values)
            ] + [None] * max(0, len(clause.values) - len(columns_))
            new.append(_new_row(session, obj, clause.names, values))
    for at, row in updates.items():
        rows[at].update(row)
    rows[:] = [row for at, row in enumerate(rows) if at not in deletes] + new
    counts = {"insert": len(new), "update": len(updates), "delete": len(deletes)}
    said = [(f"{act}{'d' if act != 'insert' else 'ed'}", counts[act]) for act in counts if act in acts]
    return _counted(_MERGE, *said)


def _clause(session, clauses, matched, seen):
    for clause in clauses:
        if clause.matched is matched and (
            clause.condition is None or query._eval(session, clause.condition, seen) is True
        ):
            return clause
    return None


def _both(obj, alias, row, source, each):
    """What a condition of MERGE sees: a name that both sides have must say whose it is."""
    seen = {**(row or {}), **each}
    for name in set(row or {}) & set(each):
        seen[name] = query.AMBIGUOUS
    seen.update({(alias or obj.name, name): value for name, value in (row or {}).items()})
    seen.update({(source, name): value for name, value in each.items()})
    return seen


def _counted(type_id, *counts):
    names = [f"number of rows {what}:n" if " " not in what else f"number of {what}:n" for what, _ in counts]
    return Result(columns(*names), [tuple(count for _, count in counts)], type_id)
