"""CREATE, ALTER, DROP, COMMENT, DESCRIBE, USE: as much as makes, renames and removes objects."""

from types import SimpleNamespace as Node

from .kinds import KINDS, SIZED, longest
from .parse_query import expression
from .tokens import Reader, _type

_ADJECTIVES = (
    "TRANSIENT",
    "TEMPORARY",
    "TEMP",
    "VOLATILE",
    "SECURE",
    "RECURSIVE",
    "LOCAL",
    "GLOBAL",
    "HYBRID_",
    "AGGREGATE",
    "STORAGE",
    "API",
    "NOTIFICATION",
    "SECURITY",
    "EXTERNAL_ACCESS",
)


def kind(r):
    found, count = longest(KINDS, r.words_ahead())
    if not found:
        r.fail()
    r.at += count
    return KINDS[found]


def create(r):
    replace = r.take("OR", "REPLACE")
    alter = not replace and r.take("OR", "ALTER")
    adjectives = []
    while r.peek() and r.peek().value in _ADJECTIVES and r.peek().kind == "word":
        # STORAGE LIFECYCLE POLICY is a kind, STORAGE INTEGRATION is not.
        if longest(KINDS, r.words_ahead())[0]:
            break
        adjectives.append(r.next().value)
    node = Node(
        kind="create",
        replace=replace,
        alter=alter,
        adjectives=adjectives,
        of=kind(r),
        unless_exists=False,
        clone=None,
    )
    node.unless_exists = r.take("IF", "NOT", "EXISTS")
    node.name = r.name()
    node.args = None
    if node.of.name in ("FUNCTION", "PROCEDURE"):
        node.arguments = r.arguments()
        if node.arguments is None:
            r.fail()
        node.args = tuple(kind for _, kind in node.arguments)
    node.columns, node.details = None, {}
    if node.of.space == "RELATION" and r.sees("("):
        node.columns = columns(r, node.details)
    if r.take("CLONE"):
        node.clone = r.name()
    _options(r, node)
    return node


_CONSTRAINTS = ("CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK")


def columns(r, details=None):
    """A column list: names with types; of a table's constraints, none."""
    r.expect("(")
    found, words, depth, tokens = [], [], 0, []
    while True:
        token = r.next()
        if token.text == ")" and depth == 0:
            break
        if token.text == "," and depth == 0:
            found.append(words)
            words = []
            continue
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        words.append(token)
    found.append(words)
    for words in found:
        if not words or words[0].kind not in ("word", "quoted"):
            continue
        if words[0].kind == "word" and words[0].value in _CONSTRAINTS:
            continue
        name = words[0].value
        if words[0].kind == "quoted" and r.fold_quoted:
            name = name.upper()
        kind = _type(words[1:2]) if len(words) > 1 else "VARCHAR"
        tokens.append((name, kind))
        if details is not None:
            details[name] = _detail(r, kind, words[1:])
    return tokens


def _detail(r, kind, words):
    """What DESCRIBE says of a column beside its name."""
    values = [word.value if word.kind == "word" else word.text for word in words]
    sizes = None
    if len(values) > 1 and values[1] == "(":
        sizes = "".join(values[2 : values.index(")")])
    shown = SIZED.get(kind, kind) if sizes is None else f"{kind}({sizes})"
    if kind == "NUMBER" and sizes is not None and "," not in sizes:
        shown = f"NUMBER({sizes},0)"
    found = Node(
        shown=shown,
        length=int(sizes) if kind == "VARCHAR" and (sizes or "").isdigit() else None,
        nullable=True,
        default=None,
        default_text=None,
        primary="PRIMARY" in values,
        unique="UNIQUE" in values,
    )
    found.nullable = not (found.primary or ("NOT", "NULL") in list(zip(values, values[1:])))
    if "DEFAULT" in values:
        at = words[values.index("DEFAULT") + 1]
        inner = Reader(r.sql[at.start : words[-1].end], r.fold_quoted)
        found.default = expression(inner)
        found.default_text = r.sql[at.start : at.start + inner.peek(-1).end]
    return found


def _options(r, node):
    """Reads properties up to AS; what is not known is passed over."""
    node.comment, node.copy_grants, node.ignore_grants = None, False, False
    node.managed, node.properties, node.body, node.returns = False, {}, None, None
    while not r.done():
        if r.take("COPY", "GRANTS"):
            node.copy_grants = True
        elif r.take("IGNORE", "GRANTS"):
            node.ignore_grants = True
        elif r.take("WITH", "MANAGED", "ACCESS"):
            node.managed = True
        elif r.sees("RETURNS") and node.of.name in ("FUNCTION", "PROCEDURE"):
            r.at += 1
            node.returns = _type([r.next()])
        elif r.sees("AS") or (node.of.name in ("STREAM", "PIPE") and r.sees("ON")):
            if r.take("AS"):
                node.body = r.rest()
            else:
                r.rest()
        elif r.peek().kind == "word" and r.peek(1) and r.peek(1).text == "=":
            name = r.next().value
            r.at += 1
            node.properties[name] = value(r)
        elif r.sees("("):
            _skip_parens(r)
        elif node.of.level != "schema" and not r.take_any("WITH", "TAG", ","):
            r.fail()
        elif node.of.level == "schema":
            r.next()
    comment = node.properties.pop("COMMENT", None)
    if comment is not None:
        node.comment = comment


def value(r):
    if r.sees("("):
        start = r.peek().start
        _skip_parens(r)
        return r.sql[start : r.peek(-1).end]
    token = r.next()
    if token.text == "-":
        return "-" + r.next().value
    if token.kind == "quoted" or token.kind == "word" and r.sees("."):
        r.at -= 1
        return ".".join(r.name())
    return token.value


def _skip_parens(r):
    depth = 0
    while True:
        token = r.next()
        depth += {"(": 1, ")": -1}.get(token.text, 0)
        if depth == 0:
            return


def alter(r):
    if r.take("SESSION"):
        if r.take("SET"):
            return Node(kind="alter_session", set=_assignments(r), unset=[])
        r.expect("UNSET")
        names = [r.identifier()]
        while r.take(","):
            names.append(r.identifier())
        return Node(kind="alter_session", set={}, unset=names)
    if r.take("ACCOUNT"):
        if r.take("SET"):
            return Node(kind="alter_account", set=_assignments(r), unset=[])
        r.expect("UNSET")
        return Node(kind="alter_account", set={}, unset=[r.identifier()])
    of = kind(r)
    exists_only = r.take("IF", "EXISTS")
    node = Node(kind="alter", of=of, if_exists=exists_only, action=None)
    node.name = r.name()
    node.args = r.signature() if of.name in ("FUNCTION", "PROCEDURE") else None
    if r.take("RENAME", "TO"):
        node.action, node.to = "rename", r.name()
    elif r.take("SWAP", "WITH"):
        node.action, node.to = "swap", r.name()
    elif r.take("SET"):
        node.action, node.set = "set", _assignments(r)
    elif r.take("UNSET"):
        node.action, node.unset = "unset", [r.identifier()]
        while r.take(","):
            node.unset.append(r.identifier())
    elif of.name == "SCHEMA" and r.take("ENABLE", "MANAGED", "ACCESS"):
        node.action, node.managed = "managed", True
    elif of.name == "SCHEMA" and r.take("DISABLE", "MANAGED", "ACCESS"):
        node.action, node.managed = "managed", False
    elif of.name == "TASK" and (r.sees("RESUME") or r.sees("SUSPEND")):
        node.action = "state"
        node.state = "started" if r.take_any("RESUME", "SUSPEND") == "RESUME" else "suspended"
    elif r.done():
        r.fail()
    else:
        node.action = "other"
        r.rest()
    return node


def _assignments(r):
    found = {}
    while not r.done():
        if r.sees("TAG"):
            r.rest()
            break
        name = r.identifier()
        r.expect("=")
        found[name] = value(r)
        r.take(",")
    return found


def drop(r):
    of = kind(r)
    if_exists = r.take("IF", "EXISTS")
    name = r.name()
    args = None
    if of.name in ("FUNCTION", "PROCEDURE"):
        args = r.signature()
        if args is None:
            r.fail()
    mode = r.take_any("CASCADE", "RESTRICT")
    return Node(
        kind="drop", of=of, if_exists=if_exists, name=name, args=args, restrict=mode == "RESTRICT"
    )


def undrop(r):
    of = kind(r)
    return Node(kind="undrop", of=of, name=r.name())


def comment(r):
    if_exists = r.take("IF", "EXISTS")
    r.expect("ON")
    if r.take("COLUMN"):
        name = r.name()[:-1]
        r.expect("IS")
        r.string()
        return Node(
            kind="comment", of=KINDS["TABLE"], name=name, args=None, text=None, if_exists=if_exists
        )
    of = kind(r)
    name = r.name()
    args = r.signature() if of.name in ("FUNCTION", "PROCEDURE") else None
    r.expect("IS")
    return Node(kind="comment", of=of, name=name, args=args, text=r.string(), if_exists=if_exists)


def use(r):
    if r.take("SECONDARY", "ROLES"):
        if r.take("ALL"):
            return Node(kind="use_secondary", which="ALL")
        if r.take("NONE"):
            return Node(kind="use_secondary", which="NONE")
        names = [r.name()]
        while r.take(","):
            names.append(r.name())
        return Node(kind="use_secondary", which=names)
    for what in ("ROLE", "WAREHOUSE", "DATABASE", "SCHEMA"):
        if r.sees(what) and r.peek(1):
            r.at += 1
            return Node(kind="use", what=what, name=r.name())
    name = r.name()
    return Node(kind="use", what="DATABASE" if len(name) == 1 else "SCHEMA", name=name)


def describe(r):
    of = kind(r)
    name = r.name()
    args = r.signature() if of.name in ("FUNCTION", "PROCEDURE") else None
    return Node(kind="describe", of=of, name=name, args=args)
