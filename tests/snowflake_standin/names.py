"""Identifiers: folding, quoting, showing."""

import re

_PLAIN = re.compile(r"[A-Z_][A-Z0-9_$]*\Z")


def shown(part):
    """A name as Snowflake shows it: quoted where it would not read back as it is."""
    if _PLAIN.match(part):
        return part
    return '"' + part.replace('"', '""') + '"'


def dotted(parts):
    return ".".join(shown(part) for part in parts)
