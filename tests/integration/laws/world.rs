//! A random world: what a server has, as a list of things that people did to it, and what an
//! environment wants of it. The same list builds a state in memory and, as SQL, on a server.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use rolecall::model::{
    DesiredMembership, DesiredOwner, DesiredState, DialectKind, Future, Ident, Marker, MemberKind,
    ObjectClass, Privilege, PrivilegeSet, Reason, Scope, Securable,
};
use rolecall::plan::Options;

pub const DATABASE: &str = "shop";
/// The last one is not named by the manifest.
pub const SCHEMAS: [&str; 3] = ["s one", "s\"two", "outside"];
pub const RELATIONS: [(&str, ObjectClass); 4] = [
    ("plain", ObjectClass::Table),
    ("a.view", ObjectClass::View),
    ("mat'd", ObjectClass::MaterializedView),
    ("🦀", ObjectClass::Table),
];
pub const SEQUENCE: &str = "s e q";
/// With the arguments `(text, integer)`.
pub const FUNCTION: &str = "fun(c)";
/// Product roles, their names in the warehouse, and the names they had before.
pub const ROLES: [(&str, &str, &str); 3] = [
    ("analyst", "p_analyst", "old analyst"),
    ("engineer", "p_engineer", "old_engineer"),
    ("owner", "P Owner", "old_owner"),
];
/// Managed, but no product role declares it any more.
pub const GONE: &str = "p_gone";
/// Nobody's business: of other people, of another deployment.
pub const STRANGERS: [&str; 3] = ["stranger", "str\"anger2", "other_deployment"];
pub const PEOPLE: [&str; 3] = ["taylor", "sam", "AD SALES"];
pub const DBT: &str = "dbt_runner";

/// One thing that somebody did.
#[derive(Debug, Clone)]
pub enum Op {
    /// `by` did it with the grant option it may have; the owner otherwise.
    Grant {
        on: Securable,
        to: String,
        privileges: PrivilegeSet,
        option: bool,
        by: Option<String>,
    },
    Column {
        schema: String,
        relation: String,
        to: String,
    },
    /// What the owner itself granted is taken back, where nothing hangs on it.
    Revoke {
        on: Securable,
        from: String,
    },
    /// On tables that `creator` will make.
    Default {
        creator: String,
        schema: Option<String>,
        to: String,
    },
    Member {
        role: String,
        member: String,
        admin: bool,
        by: Option<String>,
    },
    Owner {
        on: Securable,
        to: String,
    },
    Login {
        role: String,
    },
    /// Who does not use what its roles may do: before 16 for all memberships, from 16 on for those
    /// that come after.
    NoInherit {
        role: String,
    },
    Public {
        on: Securable,
        by: Option<String>,
    },
}

/// How a product role is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Was {
    Absent,
    Named,
    NamedBefore,
}

#[derive(Debug, Clone)]
pub struct World {
    pub was: Vec<Was>,
    pub gone: bool,
    pub ops: Vec<Op>,
    pub desired: DesiredState,
    pub options: Options,
}

impl World {
    /// Whether somebody may have passed a privilege on to everyone.
    pub fn passes_to_public(&self) -> bool {
        self.ops.iter().any(|op| matches!(op, Op::Public { by: Some(_), .. }))
    }
}

pub fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

pub fn marker(role: &str) -> Marker {
    Marker {
        deployment: "shop".into(),
        environment: "prod".into(),
        instance: None,
        product: "p".into(),
        role: role.into(),
        policy: None,
        immutable: false,
        playbook: None,
        adopted: false,
    }
}

pub fn scope() -> Scope {
    Scope {
        deployment: "shop".into(),
        environment: "prod".into(),
        instance: None,
        every_instance: false,
        database: Some(id(DATABASE)),
        schemas: SCHEMAS[..2].iter().map(|schema| (id(DATABASE), id(schema))).collect(),
    }
}

/// What a stranger's comment says: one is managed by another deployment, one is of this deployment
/// in another environment.
pub fn strangers_marker(name: &str) -> Option<Marker> {
    match STRANGERS.iter().position(|stranger| *stranger == name)? {
        1 => Some(Marker { environment: "dev".into(), ..marker("analyst") }),
        2 => Some(Marker { deployment: "elsewhere".into(), ..marker("analyst") }),
        _ => None,
    }
}

pub fn relation(schema: &str, at: usize) -> Securable {
    let (name, class) = RELATIONS[at];
    Securable::in_schema(class, id(DATABASE), id(schema), id(name))
}

/// The observed name of each managed role that is there.
pub fn observed_roles(was: &[Was], gone: bool) -> Vec<(String, Marker)> {
    let mut roles = Vec::new();
    for ((role, name, before), was) in ROLES.iter().zip(was) {
        match was {
            Was::Absent => {}
            Was::Named => roles.push(((*name).to_owned(), marker(role))),
            Was::NamedBefore => roles.push(((*before).to_owned(), marker(role))),
        }
    }
    if gone {
        roles.push((GONE.to_owned(), marker("gone")));
    }
    roles
}

pub fn world(operations: usize) -> impl Strategy<Value = World> {
    let was = proptest::collection::vec(
        prop_oneof![1 => Just(Was::Absent), 3 => Just(Was::Named), 1 => Just(Was::NamedBefore)],
        ROLES.len(),
    );
    (was, any::<bool>()).prop_flat_map(move |(was, gone)| {
        let mut grantees: Vec<String> =
            observed_roles(&was, gone).into_iter().map(|(name, _)| name).collect();
        grantees.extend(STRANGERS.iter().map(|name| (*name).to_owned()));
        let ops = proptest::collection::vec(
            prop_oneof![
                14 => op(grantees.clone()).prop_map(|op| vec![op]),
                1 => passed_on(grantees.clone()),
                1 => let_in(grantees),
            ],
            0..operations,
        )
        .prop_map(|ops| ops.into_iter().flatten().flat_map(way_first).collect::<Vec<_>>());
        (Just(was), Just(gone), ops, desired(), options()).prop_map(
            |(was, gone, ops, desired, options)| World { was, gone, ops, desired, options },
        )
    })
}

/// A privilege that went from hand to hand.
fn passed_on(grantees: Vec<String>) -> impl Strategy<Value = Vec<Op>> {
    // What strangers have from managed roles makes a plan refuse: not too often.
    let managed = grantees[..grantees.len() - STRANGERS.len() + 1].to_vec();
    let hands = prop_oneof![
        1 => proptest::collection::vec(select(grantees), 2..4),
        5 => proptest::collection::vec(select(managed), 2..4),
    ];
    (object(), hands).prop_map(|((on, privileges), hands)| {
        let givers = std::iter::once(None).chain(hands.iter().cloned().map(Some));
        let op = |(by, to): (Option<String>, &String)| Op::Grant {
            on: on.clone(),
            to: to.clone(),
            privileges,
            option: true,
            by,
        };
        givers.zip(&hands).map(op).collect()
    })
}

/// One who was let into a role, and let in others.
fn let_in(grantees: Vec<String>) -> impl Strategy<Value = Vec<Op>> {
    let mut all: Vec<String> = PEOPLE.iter().map(|name| (*name).to_owned()).collect();
    all.extend(grantees.iter().cloned());
    let members = proptest::collection::vec((select(all), any::<bool>()), 2..4);
    (select(grantees), members).prop_map(|(role, members)| {
        let givers =
            std::iter::once(None).chain(members.iter().map(|(name, _)| Some(name.clone())));
        let op = |(by, (member, admin)): (Option<String>, &(String, bool))| Op::Member {
            role: role.clone(),
            member: member.clone(),
            admin: *admin || by.is_none(),
            by,
        };
        givers.zip(&members).map(op).collect()
    })
}

/// Who passes something on in a schema has to get in. It may lose the way in afterwards.
fn way_first(op: Op) -> Vec<Op> {
    let way = match &op {
        Op::Grant { on, by: Some(by), .. } | Op::Public { on, by: Some(by) } => {
            on.schema_name().filter(|_| !on.class().is_container()).map(|schema| Op::Grant {
                on: Securable::schema(id(DATABASE), schema.clone()),
                to: by.clone(),
                privileges: PrivilegeSet::of(&[Privilege::USAGE]),
                option: false,
                by: None,
            })
        }
        _ => None,
    };
    way.into_iter().chain([op]).collect()
}

fn options() -> impl Strategy<Value = Options> {
    (any::<bool>(), any::<bool>()).prop_map(|(prune, drop_roles)| Options {
        adopt: false,
        prune,
        drop_roles,
        skip_missing: false,
        allow_gap: false,
        allow_revokes: Some(u64::MAX),
        limit: None,
        only_adds: false,
    })
}

fn privileges() -> impl Strategy<Value = PrivilegeSet> {
    let all = vec![
        Privilege::SELECT,
        Privilege::INSERT,
        Privilege::UPDATE,
        Privilege::REFERENCES,
        Privilege::DELETE,
        Privilege::TRUNCATE,
        Privilege::TRIGGER,
    ];
    subsequence(all, 1..=4).prop_map(|privileges| privileges.into_iter().collect())
}

fn object() -> impl Strategy<Value = (Securable, PrivilegeSet)> {
    let schemas = SCHEMAS.to_vec();
    prop_oneof![
        1 => Just((Securable::database(id(DATABASE)), PrivilegeSet::of(&[Privilege::CONNECT, Privilege::TEMPORARY]))),
        2 => select(schemas.clone()).prop_map(|schema| {
            (Securable::schema(id(DATABASE), id(schema)), PrivilegeSet::of(&[Privilege::USAGE, Privilege::CREATE]))
        }),
        6 => (select(schemas), 0..RELATIONS.len(), privileges())
            .prop_map(|(schema, at, privileges)| (relation(schema, at), privileges)),
        1 => select(SCHEMAS.to_vec()).prop_map(|schema| (
            Securable::in_schema(ObjectClass::Sequence, id(DATABASE), id(schema), id(SEQUENCE)),
            PrivilegeSet::of(&[Privilege::USAGE, Privilege::SELECT]),
        )),
        1 => select(SCHEMAS.to_vec()).prop_map(|schema| (
            Securable::routine(
                ObjectClass::Function,
                id(DATABASE),
                id(schema),
                id(FUNCTION),
                "text, integer".to_owned(),
            ),
            PrivilegeSet::of(&[Privilege::EXECUTE]),
        )),
    ]
}

fn op(grantees: Vec<String>) -> impl Strategy<Value = Op> {
    let who = select(grantees.clone());
    let by = proptest::option::weighted(0.3, select(grantees.clone()));
    let mut members: Vec<String> = PEOPLE.iter().map(|name| (*name).to_owned()).collect();
    members.extend(grantees.iter().cloned());
    // A role of ours that logs in under another name than the declared one is taken for a
    // stranger's, and refused.
    let declared = |name: &&String| ROLES.iter().any(|(_, declared, _)| declared == name);
    let managed: Vec<String> = grantees.iter().filter(declared).cloned().collect();
    let creator = prop_oneof![3 => Just(DBT.to_owned()), 1 => select(grantees.clone())];
    let inheritors = members.clone();
    let logins = if managed.is_empty() { vec![STRANGERS[0].to_owned()] } else { managed };
    prop_oneof![
        10 => (object(), who.clone(), any::<bool>(), by.clone()).prop_map(
            |((on, privileges), to, option, by)| Op::Grant { on, to, privileges, option, by }
        ),
        2 => (select(SCHEMAS.to_vec()), 0..RELATIONS.len(), who.clone()).prop_map(
            |(schema, at, to)| Op::Column {
                schema: schema.to_owned(),
                relation: RELATIONS[at].0.to_owned(),
                to,
            }
        ),
        1 => (object(), who.clone()).prop_map(|((on, _), from)| Op::Revoke { on, from }),
        2 => (creator, proptest::option::of(select(SCHEMAS.to_vec())), who.clone()).prop_map(
            |(creator, schema, to)| {
                Op::Default { creator, schema: schema.map(str::to_owned), to }
            }
        ),
        5 => (who.clone(), select(members), any::<bool>(), by.clone()).prop_map(
            |(role, member, admin, by)| Op::Member { role, member, admin, by }
        ),
        1 => (select(SCHEMAS[..2].to_vec()), 0..RELATIONS.len(), who).prop_map(
            |(schema, at, to)| Op::Owner { on: relation(schema, at), to }
        ),
        1 => select(logins).prop_map(|role| Op::Login { role }),
        1 => select(inheritors).prop_map(|role| Op::NoInherit { role }),
        1 => (select(SCHEMAS.to_vec()), 0..RELATIONS.len(), by)
            .prop_map(|(schema, at, by)| Op::Public { on: relation(schema, at), by }),
    ]
}

/// The node that a relation is of.
pub fn node(on: &Securable) -> String {
    format!("model.shop.{on}")
}

fn reason(on: &Securable) -> Reason {
    Reason { node: Some(node(on)), file: None, line: None, permission: None }
}

fn desired() -> impl Strategy<Value = DesiredState> {
    let grants = proptest::collection::vec(
        (select(SCHEMAS[..2].to_vec()), 0..RELATIONS.len(), 0..ROLES.len(), privileges()),
        0..10,
    );
    let known = proptest::collection::vec(
        (select(SCHEMAS[..2].to_vec()), 0..RELATIONS.len(), 0..ROLES.len()),
        0..2,
    );
    let owners = proptest::option::weighted(
        0.3,
        (select(SCHEMAS[..2].to_vec()), 0..RELATIONS.len(), 0..ROLES.len()),
    );
    let members = subsequence(
        (0..ROLES.len()).flat_map(|r| (0..PEOPLE.len()).map(move |p| (r, p))).collect::<Vec<_>>(),
        0..6,
    );
    let futures = proptest::collection::vec(
        (proptest::option::of(select(SCHEMAS.to_vec())), any::<bool>(), 0..ROLES.len()),
        0..3,
    );
    let sequences =
        proptest::collection::vec((select(SCHEMAS[..2].to_vec()), 0..ROLES.len()), 0..2);
    let more = (futures, sequences);
    (grants, known, owners, members, more).prop_map(|(grants, known, owners, members, more)| {
        let mut desired = DesiredState::empty("prod", DialectKind::Postgres);
        for (role, name, _) in ROLES {
            desired.roles.insert(id(name), marker(role).into());
        }
        let way =
            |desired: &mut DesiredState, schema: &str, at: usize, role: usize, create: bool| {
                let (role, reason) = (id(ROLES[role].1), reason(&relation(schema, at)));
                let connect = PrivilegeSet::of(&[Privilege::CONNECT]);
                desired.grant(Securable::database(id(DATABASE)), role.clone(), connect, &reason);
                let mut usage = PrivilegeSet::of(&[Privilege::USAGE]);
                if create {
                    usage.insert(Privilege::CREATE);
                }
                desired.grant(Securable::schema(id(DATABASE), id(schema)), role, usage, &reason);
            };
        for (schema, at, role, privileges) in grants {
            way(&mut desired, schema, at, role, false);
            let on = relation(schema, at);
            desired.grant(on.clone(), id(ROLES[role].1), privileges, &reason(&on));
        }
        let (futures, sequences) = more;
        for (schema, of_table, role) in futures {
            let future = Future {
                creator: Some(id(DBT)),
                database: id(DATABASE),
                schema: schema.map(id),
                class: if of_table { ObjectClass::Table } else { ObjectClass::Sequence },
                role: id(ROLES[role].1),
            };
            let because = Reason { node: None, file: None, line: None, permission: None };
            let what = [Privilege::SELECT, Privilege::UPDATE];
            desired.grant_future(future, PrivilegeSet::of(&what), &because);
        }
        for (schema, role) in sequences {
            // A playbook's: no node is the reason.
            let because = Reason { node: None, file: None, line: None, permission: None };
            let (role, usage) = (id(ROLES[role].1), PrivilegeSet::of(&[Privilege::USAGE]));
            let connect = PrivilegeSet::of(&[Privilege::CONNECT]);
            desired.grant(Securable::database(id(DATABASE)), role.clone(), connect, &because);
            let container = Securable::schema(id(DATABASE), id(schema));
            desired.grant(container, role.clone(), usage, &because);
            let on =
                Securable::in_schema(ObjectClass::Sequence, id(DATABASE), id(schema), id(SEQUENCE));
            desired.grant(on, role, usage, &because);
        }
        for (schema, at, role) in known {
            let key = (relation(schema, at), id(ROLES[role].1));
            desired.known.insert(key, PrivilegeSet::of(&[Privilege::SELECT]));
        }
        if let Some((schema, at, role)) = owners {
            way(&mut desired, schema, at, role, true);
            let role = id(ROLES[role].1);
            desired
                .owners
                .insert(relation(schema, at), DesiredOwner { role: role.clone(), because: vec![] });
            let membership = DesiredMembership { kind: MemberKind::User, because: vec![] };
            desired.memberships.insert((role, id(DBT)), membership);
        }
        for (role, person) in members {
            let membership = DesiredMembership { kind: MemberKind::User, because: vec![] };
            desired.memberships.insert((id(ROLES[role].1), id(PEOPLE[person])), membership);
        }
        desired
    })
}

/// Every environment of the configuration.
pub fn environments() -> BTreeSet<String> {
    BTreeSet::from(["prod".to_owned(), "dev".to_owned()])
}
