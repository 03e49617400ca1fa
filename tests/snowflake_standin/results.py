"""Results: columns and rows, as JSON and as an Arrow stream."""

import base64
from dataclasses import dataclass, field
from datetime import datetime, timezone


@dataclass
class Column:
    name: str
    type: str = "text"  # text, fixed, boolean, timestamp_ltz, timestamp_ntz
    nullable: bool = True
    length: int = 16777216
    scale: int = 0

    def described(self):
        text = self.type == "text"
        return {
            "name": self.name,
            "database": "",
            "schema": "",
            "table": "",
            "nullable": self.nullable,
            "type": self.type,
            "byteLength": self.length if text else None,
            "length": self.length if text else None,
            "scale": None if text or self.type == "boolean" else self.scale,
            "precision": 38 if self.type == "fixed" else (0 if "time" in self.type else None),
            "collation": None,
        }


@dataclass
class Result:
    columns: list
    rows: list = field(default_factory=list)
    type_id: int = 0x6000
    select: bool = False


def status(text="Statement executed successfully."):
    return Result([Column("status")], [(text,)])


def stamp(column):
    column.type, column.scale = "timestamp_ltz", 3
    return column


def columns(*names):
    """Text columns; a name ending in :ts, :n or :b is a timestamp, number or boolean."""
    made = []
    for name in names:
        name, _, kind = name.partition(":")
        column = Column(name)
        if kind == "ts":
            stamp(column)
        elif kind == "n":
            column.type = "fixed"
        elif kind == "b":
            column.type = "boolean"
        made.append(column)
    return made


def _json(value, column):
    if value is None:
        return None
    if column.type.startswith("timestamp"):
        return f"{value:.9f}" if column.scale == 9 else f"{value:.3f}"
    if column.type == "boolean":
        return "1" if value else "0"
    return str(value)


def json_rows(result):
    return [
        [_json(value, column) for value, column in zip(row, result.columns, strict=True)]
        for row in result.rows
    ]


def arrow(result):
    """The rows as an Arrow IPC stream in base64, with the field metadata that clients read."""
    import pyarrow as pa

    if not result.rows:
        return ""
    arrays, fields = [], []
    for at, column in enumerate(result.columns):
        values = [row[at] for row in result.rows]
        meta = {
            "logicalType": column.type.upper(),
            "precision": "38",
            "scale": str(column.scale),
            "charLength": str(column.length),
            "byteLength": str(column.length),
            "physicalType": {"text": "LOB", "boolean": "SB1"}.get(column.type, "SB8"),
        }
        if column.type == "fixed":
            kind = pa.int64()
        elif column.type == "boolean":
            kind = pa.bool_()
        elif column.type.startswith("timestamp"):
            kind = pa.int64()
            values = [None if v is None else round(v * 10**column.scale) for v in values]
        else:
            kind = pa.string()
            values = [None if v is None else str(v) for v in values]
        arrays.append(pa.array(values, kind))
        fields.append(pa.field(column.name, kind, column.nullable, meta))
    batch = pa.record_batch(arrays, schema=pa.schema(fields))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return base64.b64encode(sink.getvalue().to_pybytes()).decode()


def iso(seconds):
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")
