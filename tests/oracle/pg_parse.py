"""Says what PostgreSQL's own parser reads in a statement.

One JSON string (a statement) a line on stdin; one JSON object a line on stdout: `count`, how many
statements it is, and `atoms`, what it does, one list per (object, role) or (role, member) pair. Any
part of the parse tree that is not expected here becomes `error`: nothing is read over.
"""

import json
import sys

from pglast.parser import parse_sql_json


class Unexpected(Exception):
    pass


def take(node, *keys):
    """The values of these keys; no other key may be there, but for places in the text."""
    more = set(node) - set(keys) - {"location"}
    if more:
        raise Unexpected(f"{sorted(more)} in {node}")
    return [node.get(key) for key in keys]


def only(node):
    """The one (kind, fields) of a node."""
    [(kind, fields)] = node.items()
    return kind, fields


def text(node):
    kind, fields = only(node)
    if kind != "String":
        raise Unexpected(node)
    return take(fields, "sval")[0]


def role(fields):
    (kind, name) = take(fields, "roletype", "rolename")
    if kind != "ROLESPEC_CSTRING":
        raise Unexpected(f"not a plain role: {fields}")
    return name


def roles(nodes):
    for kind, fields in map(only, nodes):
        if kind != "RoleSpec":
            raise Unexpected(fields)
        yield role(fields)


def relation(fields):
    schema, name, inh, persistence = take(
        fields, "schemaname", "relname", "inh", "relpersistence"
    )
    if not inh or persistence != "p":
        raise Unexpected(fields)
    return [schema, name]


def type_name(node):
    names, _typemod, bounds = take(node, "names", "typemod", "arrayBounds")
    return ".".join(map(text, names)) + ("[]" if bounds else "")


def path(node):
    """An object as a list of names; a routine's argument types follow in a list of their own."""
    kind, fields = only(node)
    if kind == "RangeVar":
        return relation(fields)
    if kind == "String":
        return [text(node)]
    if kind == "Integer":
        return [str(take(fields, "ival")[0])]
    if kind == "List":
        return [text(item) for item in take(fields, "items")[0]]
    if kind == "TypeName":
        return [text(item) for item in take(fields, "names", "typemod")[0]]
    if kind == "ObjectWithArgs":
        name, arguments, _ = take(fields, "objname", "objargs", "objfuncargs")
        types = [type_name(only(argument)[1]) for argument in arguments or []]
        return [*map(text, name), types]
    raise Unexpected(node)


def privileges(nodes):
    """Sorted privileges, and the one column they all are about, if any."""
    found, columns = [], set()
    for _, fields in map(only, nodes):
        name, on = take(fields, "priv_name", "cols")
        found.append(name.upper())
        columns.add(tuple(map(text, on or [])))
    [column] = columns
    if len(column) > 1:
        raise Unexpected(nodes)
    return sorted(found), (column[0] if column else None)


def options(nodes):
    """DefElems with truth values, as `name=true`."""
    for _, fields in map(only, nodes or []):
        name, argument, action, _ = take(
            fields, "defname", "arg", "defaction", "arg_location"
        )
        kind, value = only(argument)
        if kind != "Boolean" or action != "DEFELEM_UNSPEC":
            raise Unexpected(fields)
        yield f"{name}={'true' if value.get('boolval') else 'false'}"


def restrict(behavior):
    if behavior not in (None, "DROP_RESTRICT"):
        raise Unexpected(behavior)


def grant(fields):
    is_grant, target, kind, objects, what, grantees, option, behavior = take(
        fields,
        "is_grant",
        "targtype",
        "objtype",
        "objects",
        "privileges",
        "grantees",
        "grant_option",
        "behavior",
    )
    restrict(behavior)
    if target != "ACL_TARGET_OBJECT" or (is_grant and option):
        raise Unexpected(fields)
    do = "grant" if is_grant else "revoke_option" if option else "revoke"
    words, column = privileges(what)
    grantees = list(roles(grantees))
    for node in objects:
        for grantee in grantees:
            yield [do, kind, path(node), column, words, grantee]


def grant_role(fields):
    granted, grantees, is_grant, opt, grantor, behavior = take(
        fields,
        "granted_roles",
        "grantee_roles",
        "is_grant",
        "opt",
        "grantor",
        "behavior",
    )
    restrict(behavior)
    grantor = role(grantor) if grantor else None
    opt = list(options(opt))
    do = "grant_role" if is_grant else "revoke_role"
    members = list(roles(grantees))
    for _, held in map(only, granted):
        for member in members:
            yield [do, take(held, "priv_name")[0], member, opt, grantor]


def default(fields):
    opt, action = take(fields, "options", "action")
    found = {"roles": None, "schemas": None}
    for _, option in map(only, opt):
        name, argument, _, _ = take(
            option, "defname", "arg", "defaction", "arg_location"
        )
        [item] = take(argument["List"], "items")[0]
        found[name] = role(item["RoleSpec"]) if name == "roles" else text(item)
    is_grant, target, kind, what, grantees, option, behavior = take(
        action,
        "is_grant",
        "targtype",
        "objtype",
        "privileges",
        "grantees",
        "grant_option",
        "behavior",
    )
    restrict(behavior)
    if target != "ACL_TARGET_DEFAULTS" or option:
        raise Unexpected(action)
    words, _ = privileges(what)
    for grantee in roles(grantees):
        yield [
            "grant_default" if is_grant else "revoke_default",
            found["roles"],
            found["schemas"],
            kind,
            words,
            grantee,
        ]


def atoms(node):
    kind, fields = only(node)
    if kind == "GrantStmt":
        yield from grant(fields)
    elif kind == "GrantRoleStmt":
        yield from grant_role(fields)
    elif kind == "AlterDefaultPrivilegesStmt":
        yield from default(fields)
    elif kind == "CreateRoleStmt":
        stmt_type, name = take(fields, "stmt_type", "role")
        yield ["create_role", stmt_type, name]
    elif kind == "CommentStmt":
        what, target, comment = take(fields, "objtype", "object", "comment")
        yield ["comment", what, text(target), comment]
    elif kind == "RenameStmt":
        what, _, old, new, behavior = take(
            fields, "renameType", "relationType", "subname", "newname", "behavior"
        )
        restrict(behavior)
        yield ["rename", what, old, new]
    elif kind == "AlterRoleStmt":
        target, opt, _ = take(fields, "role", "options", "action")
        yield ["alter_role", role(target), list(options(opt))]
    elif kind == "DropRoleStmt":
        for name in roles(take(fields, "roles")[0]):
            yield ["drop_role", name]
    elif kind == "AlterTableStmt":
        target, [command], what = take(fields, "relation", "cmds", "objtype")
        subtype, owner, behavior = take(
            command["AlterTableCmd"], "subtype", "newowner", "behavior"
        )
        restrict(behavior)
        if subtype != "AT_ChangeOwner":
            raise Unexpected(command)
        yield ["set_owner", what, relation(target), role(owner)]
    elif kind == "AlterOwnerStmt":
        what, target, owner = take(fields, "objectType", "object", "newowner")
        yield ["set_owner", what, path(target), role(owner)]
    else:
        raise Unexpected(kind)


def answer(sql):
    try:
        statements = json.loads(parse_sql_json(sql))["stmts"]
        found = [
            atom for statement in statements for atom in atoms(statement["stmt"])
        ]
        return {"count": len(statements), "atoms": found}
    except Exception as error:  # The test shows it beside the statement.
        return {"error": f"{type(error).__name__}: {error}"}


for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
