"""What an account holds: objects in their containers, grants, memberships, all with indices."""

import itertools
import time

from .kinds import KINDS
from .names import dotted, shown

_serial = itertools.count(1)


class Grant:
    """A privilege on an object, held by a role or user. OWNERSHIP is the object's `owner`."""

    __slots__ = ("privilege", "on", "grantee", "grantor", "option", "created", "serial")

    def __init__(self, privilege, on, grantee, grantor, option):
        self.privilege = privilege
        self.on = on
        self.grantee = grantee
        self.grantor = grantor
        self.option = option
        self.created = time.time()
        self.serial = next(_serial)


class Future:
    """A grant on what will be made (or, inherited, on whatever there is) in a container."""

    __slots__ = ("privilege", "kind", "on", "grantee", "grantor", "option", "created")

    def __init__(self, privilege, kind, on, grantee, grantor, option):
        self.privilege = privilege
        self.kind = kind
        self.on = on
        self.grantee = grantee
        self.grantor = grantor
        self.option = option
        self.created = time.time()


class Membership:
    __slots__ = ("role", "grantee", "grantor", "created")

    def __init__(self, role, grantee, grantor):
        self.role = role
        self.grantee = grantee
        self.grantor = grantor
        self.created = time.time()


class Obj:
    """Anything with a name: from the account itself to a column-less table."""

    def __init__(self, kind, name, parent, owner=None, comment="", args=None):
        self.kind = KINDS[kind]
        self.name = name
        self.args = args
        self.parent = parent
        self.owner = None
        self.comment = comment
        self.created = time.time()
        self.serial = next(_serial)
        self.extra = {}
        self.children = {}  # (space, name, args) -> Obj
        self.grants = {}  # (privilege, grantee, grantor) -> Grant
        self.future = {}  # (kind name, privilege, grantee) -> Future
        self.inherited = {}  # (kind name, privilege, grantee) -> Future
        # As a grantee:
        self.held = {}  # (privilege, on, grantor) -> Grant
        self.owned = {}  # Obj -> None
        self.held_future = {}  # (kind name, privilege, on) -> Future
        self.held_inherited = {}
        self.roles = {}  # role -> Membership: what this grantee is a member of
        self.members = {}  # grantee -> Membership
        self.set_owner(owner)

    @property
    def path(self):
        parts, at = [], self
        while at.parent is not None:
            parts.append(at.name)
            at = at.parent
        return tuple(reversed(parts))

    @property
    def shown(self):
        """The name as SHOW GRANTS has it; of functions with signature and result, as one part."""
        if self.parent is None:
            return self.name
        if self.args is not None:
            inside = f"{self.name}({', '.join(self.extra['arguments'])}):{self.extra['returns']}"
            return dotted(self.path[:-1]) + '."' + inside.replace('"', '""') + '"'
        return dotted(self.path)

    @property
    def database(self):
        at = self
        while at is not None and at.kind.name != "DATABASE":
            at = at.parent
        return at

    @property
    def schema(self):
        at = self
        while at is not None and at.kind.name != "SCHEMA":
            at = at.parent
        return at

    def set_owner(self, owner):
        if self.owner is not None:
            self.owner.owned.pop(self, None)
        self.owner = owner
        if owner is not None:
            owner.owned[self] = None

    def containers(self):
        at = self.parent
        while at is not None and at.parent is not None:
            yield at
            at = at.parent

    def covering(self):
        """The inherited grants that cover this object."""
        at = self.parent
        while at is not None:
            for future in at.inherited.values():
                if future.kind is self.kind:
                    yield future
            at = at.parent

    def descendants(self):
        for child in list(self.children.values()):
            yield child
            yield from child.descendants()

    def child(self, space, name, args=None):
        return self.children.get((space, name, args))


class Account:
    """The whole state of one account."""

    def __init__(self, name="STANDIN", parameters=None):
        self.root = Obj("ACCOUNT", name, None)
        self.version = 0  # of memberships: for the cache of role closures
        self.closures = {}
        self.parameters = dict(parameters or {})
        self.bundles = {"2026_06": "ENABLED", "2026_08": "DISABLED"}
        self.ended = []  # grants and memberships that were revoked, for ACCOUNT_USAGE

    # Objects ------------------------------------------------------------------------------

    def add(self, kind, parent, name, owner, comment="", args=None):
        obj = Obj(kind, name, parent, owner, comment, args)
        parent.children[(obj.kind.space, name, args)] = obj
        return obj

    def remove(self, obj):
        """Takes an object out with all that stands in it and all that hangs on it."""
        for child in list(obj.children.values()):
            self.remove(child)
        for grant in list(obj.grants.values()):
            self.revoke(grant)
        for grant in list(obj.held.values()):
            self.revoke(grant)
        for future in list(obj.future.values()) + list(obj.held_future.values()):
            self.drop_future(future)
        for future in list(obj.inherited.values()) + list(obj.held_inherited.values()):
            self.drop_future(future, inherited=True)
        for membership in list(obj.members.values()) + list(obj.roles.values()):
            self.leave(membership)
        obj.set_owner(None)
        obj.parent.children.pop((obj.kind.space, obj.name, obj.args), None)

    def move(self, obj, parent, name):
        obj.parent.children.pop((obj.kind.space, obj.name, obj.args))
        obj.parent, obj.name = parent, name
        parent.children[(obj.kind.space, name, obj.args)] = obj

    def role(self, name):
        return self.root.child("ROLE", name)

    def user(self, name):
        return self.root.child("USER", name)

    def find(self, path):
        """A relation by its database, schema and name."""
        at = self.root
        for space, name in zip(("DATABASE", "SCHEMA", "RELATION"), path, strict=True):
            at = at and at.child(space, name)
        return at

    def of_kind(self, parent, *kinds):
        return [child for child in parent.children.values() if child.kind.name in kinds]

    # Grants -------------------------------------------------------------------------------

    def grant(self, privilege, on, grantee, grantor, option=False):
        key = (privilege, grantee, grantor)
        held = on.grants.get(key)
        if held is not None:
            held.option = held.option or option
            return held
        grant = Grant(privilege, on, grantee, grantor, option)
        on.grants[key] = grant
        grantee.held[(privilege, on, grantor)] = grant
        return grant

    def revoke(self, grant):
        grant.on.grants.pop((grant.privilege, grant.grantee, grant.grantor), None)
        grant.grantee.held.pop((grant.privilege, grant.on, grant.grantor), None)
        self.ended.append((grant, time.time()))

    def regrantor(self, grant, grantor):
        """Changes who granted it; two grants that become the same are one."""
        grant.on.grants.pop((grant.privilege, grant.grantee, grant.grantor), None)
        grant.grantee.held.pop((grant.privilege, grant.on, grant.grantor), None)
        grant.grantor = grantor
        there = grant.on.grants.get((grant.privilege, grant.grantee, grantor))
        if there is not None:
            there.option = there.option or grant.option
            return
        grant.on.grants[(grant.privilege, grant.grantee, grantor)] = grant
        grant.grantee.held[(grant.privilege, grant.on, grantor)] = grant

    def set_future(self, privilege, kind, on, grantee, grantor, option, inherited=False):
        table = on.inherited if inherited else on.future
        held = grantee.held_inherited if inherited else grantee.held_future
        there = table.get((kind.name, privilege, grantee))
        if there is not None:
            there.option = there.option or option
            return there
        future = Future(privilege, kind, on, grantee, grantor, option)
        table[(kind.name, privilege, grantee)] = future
        held[(kind.name, privilege, on)] = future
        return future

    def drop_future(self, future, inherited=False):
        table = future.on.inherited if inherited else future.on.future
        held = future.grantee.held_inherited if inherited else future.grantee.held_future
        table.pop((future.kind.name, future.privilege, future.grantee), None)
        held.pop((future.kind.name, future.privilege, future.on), None)

    # Memberships --------------------------------------------------------------------------

    def join(self, role, grantee, grantor):
        if grantee in role.members:
            return
        membership = Membership(role, grantee, grantor)
        role.members[grantee] = membership
        grantee.roles[role] = membership
        self.version += 1

    def leave(self, membership):
        membership.role.members.pop(membership.grantee, None)
        membership.grantee.roles.pop(membership.role, None)
        self.ended.append((membership, time.time()))
        self.version += 1

    def closure(self, roles):
        """All roles whose privileges these roles have: themselves and what they inherit."""
        roles = tuple(roles)
        cached = self.closures.get(roles)
        if cached and cached[0] == self.version:
            return cached[1]
        seen, todo = set(), list(roles)
        public = self.role("PUBLIC")
        if public is not None:
            todo.append(public)
        while todo:
            role = todo.pop()
            if role not in seen:
                seen.add(role)
                todo.extend(role.roles)
        if len(self.closures) > 2000:
            self.closures.clear()
        self.closures[roles] = (self.version, frozenset(seen))
        return self.closures[roles][1]


def kind_and_name(obj):
    return obj.kind.name, shown(obj.name) if obj.kind.level == "account" else dotted(obj.path)
