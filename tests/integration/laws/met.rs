//! Worlds that random ones have led to, where a law did not hold once.

use rolecall::model::{
    DesiredMembership, DesiredOwner, DesiredState, DialectKind, MemberKind, Privilege,
    PrivilegeSet, Securable,
};
use rolecall::plan::Options;

use super::world::*;

const SELECT: PrivilegeSet = PrivilegeSet::of(&[Privilege::SELECT]);
const USAGE: PrivilegeSet = PrivilegeSet::of(&[Privilege::USAGE]);

fn met(was: [Was; 3], gone: bool, ops: Vec<Op>) -> World {
    let mut desired = DesiredState::empty("prod", DialectKind::Postgres);
    for (role, name, _) in ROLES {
        desired.roles.insert(id(name), marker(role).into());
    }
    let options = Options { allow_revokes: Some(u64::MAX), drop_roles: true, ..Options::default() };
    World { was: was.to_vec(), gone, ops, desired, options }
}

fn grant(on: &Securable, privileges: PrivilegeSet, to: &str, by: Option<&str>) -> Op {
    let (on, to, by) = (on.clone(), to.to_owned(), by.map(str::to_owned));
    Op::Grant { on, to, privileges, option: true, by }
}

/// Where it does not hold yet: the next owner of a relation once got something on it from a role
/// that is to lose what that hangs on. Neither is an owner's entry observed whose grantor is
/// another, nor does a plan take it first. The server refuses the revoke, and all is rolled back.
pub fn owner_granted_to() -> World {
    let (analyst, owner) = (ROLES[0].1, ROLES[2].1);
    let (schema, view) = (Securable::schema(id(DATABASE), id(SCHEMAS[1])), relation(SCHEMAS[1], 1));
    let ops = vec![
        grant(&view, SELECT, owner, None),
        grant(&schema, USAGE, owner, None),
        grant(&view, SELECT, analyst, Some(owner)),
    ];
    let mut world = met([Was::Named; 3], false, ops);
    let declared = DesiredOwner { role: id(analyst), because: vec![] };
    world.desired.owners.insert(view, declared);
    let member = DesiredMembership { kind: MemberKind::User, because: vec![] };
    world.desired.memberships.insert((id(analyst), id(DBT)), member);
    world
}

/// Each with what was wrong.
pub fn all() -> Vec<(&'static str, World)> {
    let (analyst, engineer, owner) = (ROLES[0].1, ROLES[1].1, ROLES[2].1);
    let schema = Securable::schema(id(DATABASE), id(SCHEMAS[1]));
    let view = relation(SCHEMAS[1], 1);
    let member = || DesiredMembership { kind: MemberKind::User, because: vec![] };

    let mut noinherit =
        met([Was::Absent; 3], false, vec![Op::NoInherit { role: PEOPLE[0].to_owned() }]);
    noinherit.desired.memberships.insert((id(owner), id(PEOPLE[0])), member());

    let column = Op::Column {
        schema: SCHEMAS[1].to_owned(),
        relation: RELATIONS[1].0.to_owned(),
        to: engineer.to_owned(),
    };
    let moved = vec![Op::Owner { on: view.clone(), to: analyst.to_owned() }, column];

    let granted = vec![grant(&view, SELECT, engineer, None)];
    let mut made = met([Was::Absent, Was::Named, Was::Absent], false, granted);
    let declared = DesiredOwner { role: id(owner), because: vec![] };
    made.desired.owners.insert(view.clone(), declared);
    made.desired.memberships.insert((id(owner), id(DBT)), member());

    let stranger = STRANGERS[0];
    let shut_out = vec![
        grant(&schema, USAGE, stranger, None),
        grant(&view, SELECT, stranger, None),
        grant(&view, SELECT, analyst, Some(stranger)),
        Op::Revoke { on: schema.clone(), from: stranger.to_owned() },
    ];

    let other = STRANGERS[1];
    let owned = vec![
        Op::Owner { on: view.clone(), to: GONE.to_owned() },
        grant(&view, SELECT, other, None),
        grant(&schema, USAGE, other, None),
        grant(&view, SELECT, analyst, Some(other)),
    ];

    let default =
        Op::Default { creator: GONE.to_owned(), schema: None, to: STRANGERS[1].to_owned() };
    vec![
        ("a member without INHERIT, before 16", noinherit),
        ("a grantor that owns only by this plan", met([Was::Named; 3], false, moved)),
        ("a grantor that exists only by this plan", made),
        ("a grantor without a way into the schema", met([Was::Named; 3], false, shut_out)),
        ("an owner's grants are the next owner's", met([Was::Named; 3], true, owned)),
        ("defaults of a role that is to be dropped", met([Was::Named; 3], true, vec![default])),
    ]
}
