"""A statement's text to a node: the verb decides who reads on."""

from types import SimpleNamespace as Node

from . import errors, parse_ddl, parse_dml, parse_grants, parse_query, parse_show
from .tokens import Reader

_VERBS = {
    "GRANT": parse_grants.grant,
    "REVOKE": parse_grants.revoke,
    "CREATE": parse_ddl.create,
    "ALTER": parse_ddl.alter,
    "DROP": parse_ddl.drop,
    "UNDROP": parse_ddl.undrop,
    "COMMENT": parse_ddl.comment,
    "USE": parse_ddl.use,
    "DESCRIBE": parse_ddl.describe,
    "DESC": parse_ddl.describe,
    "SHOW": parse_show.show,
    "SELECT": parse_query.select,
    "WITH": parse_query.with_select,
    "INSERT": parse_dml.insert,
    "UPDATE": parse_dml.update,
    "DELETE": parse_dml.delete,
    "MERGE": parse_dml.merge,
    "TRUNCATE": parse_dml.truncate,
}
_IGNORED = {"BEGIN", "COMMIT", "ROLLBACK", "START", "SET", "UNSET"}


def parse(sql, fold_quoted=False):
    r = Reader(sql, fold_quoted)
    if not r.tokens:
        raise errors.SnowflakeError("000900", "42601", "Empty SQL statement.")
    count = r.statements()
    if count > 1:
        raise errors.SnowflakeError(
            "000008",
            "0A000",
            f"Actual statement count {count} did not match the desired statement count 1.",
        )
    verb = r.tokens[0]
    if verb.kind != "word":
        if verb.text == "(":
            return parse_query.select_in_parens(r)
        r.fail()
    if verb.value in _VERBS:
        r.at = 1
        node = _VERBS[verb.value](r)
        r.finish()
        return node
    if verb.value in _IGNORED:
        return Node(kind="nothing")
    return r.fail()
