"""Splits a statement into tokens, and reads them one by one."""

import re
from dataclasses import dataclass

from . import errors

_TOKEN = re.compile(
    r"""
      (?P<space>\s+|--[^\n]*|//[^\n]*|/\*.*?\*/)
    | (?P<word>[A-Za-z_\u0080-\uffff][A-Za-z0-9_$\u0080-\uffff]*)
    | (?P<quoted>"(?:[^"]|"")*")
    | (?P<string>'(?:[^'\\]|''|\\.)*'|\$\$.*?\$\$)
    | (?P<number>\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
    | (?P<punct>::|=>|->|<>|!=|<=|>=|\|\||[][(){}.,;=<>*+\-/%:?@!$&^|~])
    """,
    re.X | re.S,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "b": "\b"}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str  # as written
    value: str  # a word in upper case; what is in the quotes of a string or quoted name
    start: int
    end: int


def _unescape(body):
    return re.sub(
        r"''|\\(.)",
        lambda m: "'" if m.group(0) == "''" else _ESCAPES.get(m.group(1), m.group(1)),
        body,
        flags=re.S,
    )


def tokenize(sql):
    tokens, at = [], 0
    while at < len(sql):
        match = _TOKEN.match(sql, at)
        if not match:
            raise errors.syntax(*place(sql, at), sql[at])
        kind, text = match.lastgroup, match.group()
        if kind == "word":
            tokens.append(Token(kind, text, text.upper(), at, match.end()))
        elif kind == "quoted":
            tokens.append(Token(kind, text, text[1:-1].replace('""', '"'), at, match.end()))
        elif kind == "string":
            value = text[2:-2] if text.startswith("$$") else _unescape(text[1:-1])
            tokens.append(Token(kind, text, value, at, match.end()))
        elif kind != "space":
            tokens.append(Token(kind, text, text, at, match.end()))
        at = match.end()
    return tokens


def place(sql, at):
    line = sql.count("\n", 0, at) + 1
    return line, at - (sql.rfind("\n", 0, at) + 1)


class Reader:
    """A cursor over the tokens of one statement."""

    def __init__(self, sql, fold_quoted=False):
        self.sql = sql
        self.fold_quoted = fold_quoted
        self.tokens = tokenize(sql)
        while self.tokens and self.tokens[-1].text == ";":
            self.tokens.pop()
        self.at = 0

    def statements(self):
        """How many statements stand here; a block's semicolons do not count."""
        if self.tokens and self.tokens[0].value in ("BEGIN", "DECLARE", "EXECUTE"):
            return 1
        return 1 + sum(token.text == ";" for token in self.tokens)

    def peek(self, ahead=0):
        at = self.at + ahead
        return self.tokens[at] if at < len(self.tokens) else None

    def done(self):
        return self.at >= len(self.tokens)

    def fail(self):
        token = self.peek()
        at = token.start if token else len(self.sql)
        raise errors.syntax(*place(self.sql, at), token.text if token else "")

    def next(self):
        token = self.peek()
        if token is None:
            self.fail()
        self.at += 1
        return token

    def sees(self, *words):
        for ahead, word in enumerate(words):
            token = self.peek(ahead)
            if token is None or token.kind not in ("word", "punct") or token.value != word:
                return False
        return True

    def take(self, *words):
        """Moves past the words if they stand here."""
        if self.sees(*words):
            self.at += len(words)
            return True
        return False

    def take_any(self, *choices):
        for choice in choices:
            if self.take(*choice.split()):
                return choice
        return None

    def expect(self, *words):
        if not self.take(*words):
            self.fail()

    def words_ahead(self, count=4):
        words = []
        while len(words) < count:
            token = self.peek(len(words))
            if token is None or token.kind != "word":
                break
            words.append(token.value)
        return words

    def finish(self):
        if not self.done():
            self.fail()

    def identifier(self):
        token = self.next()
        if token.kind == "word":
            return token.value
        if token.kind == "quoted" and token.value:
            return token.value.upper() if self.fold_quoted else token.value
        self.at -= 1
        return self.fail()

    def name(self):
        """A dotted name, as a tuple of exact parts. IDENTIFIER('…') is read too."""
        if self.sees("IDENTIFIER", "("):
            self.at += 2
            inner = Reader(self.string(), self.fold_quoted)
            self.expect(")")
            parts = inner.name()
            inner.finish()
            return parts
        parts = [self.identifier()]
        while self.sees("."):
            self.at += 1
            if self.sees("."):  # db..table: the schema PUBLIC
                parts.append("PUBLIC")
                self.at += 1
            parts.append(self.identifier())
        return tuple(parts)

    def string(self):
        token = self.next()
        if token.kind != "string":
            self.at -= 1
            self.fail()
        return token.value

    def count(self):
        """A whole number."""
        token = self.next()
        if token.kind != "number" or not token.text.isdigit():
            self.at -= 1
            self.fail()
        return int(token.text)

    def signature(self):
        """The argument types in parentheses, with or without names; None where none stand."""
        found = self.arguments()
        return None if found is None else tuple(kind for _, kind in found)

    def arguments(self):
        """Names and types of the arguments in parentheses; None where none stand."""
        if not self.take("("):
            return None
        types, words, depth = [], [], 0
        while True:
            token = self.next()
            if token.text == ")" and depth == 0:
                break
            if token.text == "," and depth == 0:
                types.append(words)
                words = []
                continue
            depth += {"(": 1, ")": -1}.get(token.text, 0)
            if depth == 0 and token.text != ")":
                words.append(token)
        if words:
            types.append(words)
        return [(words[0].value if words else "", _type(words)) for words in types]

    def rest(self):
        """What is left, as written."""
        token = self.peek()
        text = self.sql[token.start :] if token else ""
        self.at = len(self.tokens)
        return text.rstrip().rstrip(";").rstrip()


_SYNONYMS = {
    "STRING": "VARCHAR",
    "TEXT": "VARCHAR",
    "CHAR": "VARCHAR",
    "CHARACTER": "VARCHAR",
    "INT": "NUMBER",
    "INTEGER": "NUMBER",
    "BIGINT": "NUMBER",
    "SMALLINT": "NUMBER",
    "TINYINT": "NUMBER",
    "BYTEINT": "NUMBER",
    "DECIMAL": "NUMBER",
    "NUMERIC": "NUMBER",
    "DOUBLE": "FLOAT",
    "REAL": "FLOAT",
    "FLOAT4": "FLOAT",
    "FLOAT8": "FLOAT",
    "DATETIME": "TIMESTAMP_NTZ",
    "TIMESTAMP": "TIMESTAMP_NTZ",
    "VARBINARY": "BINARY",
}
_TYPES = (
    set(_SYNONYMS)
    | set(_SYNONYMS.values())
    | {
        "BOOLEAN",
        "DATE",
        "TIME",
        "VARIANT",
        "OBJECT",
        "ARRAY",
        "GEOGRAPHY",
        "GEOMETRY",
        "VECTOR",
        "TIMESTAMP_LTZ",
        "TIMESTAMP_TZ",
        "TABLE",
        "MAP",
    }
)


def _type(words):
    values = [word.value for word in words]
    # An argument's name stands before its type; it may be named like one.
    if len(values) > 1 and (values[0] not in _TYPES or values[1] in _TYPES):
        values = values[1:]
    first = values[0] if values else ""
    return _SYNONYMS.get(first, first)
