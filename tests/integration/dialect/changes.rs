//! Random changes, with names of the worst kind.

use proptest::prelude::*;
use rolecall::model::{
    Change, Ident, Marker, MemberKind, ObjectClass, PrivilegeSet, RoleAttributes, Securable,
};

/// Pieces that mean something to some lexer.
const PIECES: &[&str] = &[
    "a",
    "B",
    "z9",
    "_",
    " ",
    ".",
    "\"",
    "\"\"",
    "'",
    "''",
    "\\",
    "\\'",
    ";",
    "--",
    "/*",
    "*/",
    "$$",
    "$a$",
    "\n",
    "\r\n",
    "\t",
    "é",
    "Ünï",
    "🦀",
    "{{ x }}",
    "{% raw %}",
    "<&>",
    "%s",
    "@",
    "SELECT",
    "public",
    "TO",
    "CASCADE",
    "-",
    "(",
    ")",
    ",",
    "\u{feff}",
    "\u{202e}",
    "\u{1}",
];

/// Names as long as both dialects keep them, never one that is reserved by its letters alone.
pub fn name() -> impl Strategy<Value = Ident> {
    let pieces = prop::collection::vec(prop::sample::select(PIECES), 1..8);
    let nasty = pieces.prop_map(|pieces| pieces.concat());
    let pool =
        prop::sample::select(&["a", "b", "c", "Sales", "current_user", "all", "PUBLIC "][..]);
    prop_oneof![2 => pool.prop_map(str::to_owned), 3 => nasty]
        .prop_filter("kept whole and not reserved", |name| {
            let upper = name.to_ascii_uppercase();
            name.len() <= 63 && upper != "PUBLIC" && upper != "NONE" && !name.starts_with("pg_")
        })
        .prop_map(|name| Ident::new(name).unwrap())
}

fn marker() -> impl Strategy<Value = Marker> {
    let text = || name().prop_map(String::from);
    (
        text(),
        text(),
        prop::option::of(text()),
        text(),
        text(),
        prop::option::of(text()),
        any::<bool>(),
    )
        .prop_map(|(deployment, environment, instance, product, role, policy, immutable)| {
            let marker = Marker { deployment, environment, instance, ..Marker::default() };
            Marker { product, role, policy, immutable, ..marker }
        })
}

fn attributes() -> impl Strategy<Value = RoleAttributes> {
    any::<[bool; 7]>().prop_map(
        |[superuser, create_role, create_db, login, replication, bypass_rls, inherit]| {
            RoleAttributes {
                superuser,
                create_role,
                create_db,
                login,
                replication,
                bypass_rls,
                inherit,
            }
        },
    )
}

fn kind() -> impl Strategy<Value = MemberKind> {
    prop::sample::select(&[MemberKind::User, MemberKind::Group, MemberKind::Role][..])
}

/// What one dialect can be asked: the classes, and the types of routines that its server prints.
pub struct Dialect {
    pub classes: &'static [ObjectClass],
    pub owned: &'static [ObjectClass],
    pub future: &'static [ObjectClass],
    pub signatures: &'static [&'static str],
    pub privileges_of: fn(ObjectClass) -> PrivilegeSet,
    pub postgres: bool,
}

fn securable(
    dialect: &'static Dialect,
    classes: &'static [ObjectClass],
) -> impl Strategy<Value = Securable> {
    use ObjectClass as C;
    let signature = prop::sample::select(dialect.signatures);
    (prop::sample::select(classes), name(), name(), name(), name(), signature).prop_map(
        |(class, database, schema, name, column, signature)| match class {
            C::Account => Securable::account(),
            C::Database => Securable::database(name),
            C::Schema => Securable::schema(database, name),
            C::Column => Securable::column(database, schema, name, column),
            C::Function | C::Procedure => {
                Securable::routine(class, database, schema, name, signature.to_owned())
            }
            C::LargeObject => Securable::global(class, Ident::new("4711").unwrap()),
            C::Parameter => Securable::global(class, Ident::new("my.Setting").unwrap()),
            class if class.is_global() => Securable::global(class, name),
            _ => Securable::in_schema(class, database, schema, name),
        },
    )
}

/// Some of the privileges of a class, at least one.
fn some(all: PrivilegeSet, bits: u64) -> PrivilegeSet {
    let picked: PrivilegeSet = all
        .iter()
        .enumerate()
        .filter(|(at, _)| bits >> (at % 64) & 1 == 1)
        .map(|(_, p)| p)
        .collect();
    if picked.is_empty() { all.iter().take(1).collect() } else { picked }
}

/// One change that the dialect has a statement for.
pub fn change(dialect: &'static Dialect) -> impl Strategy<Value = Change> {
    let edge = move || {
        (securable(dialect, dialect.classes), name(), any::<u64>(), name()).prop_map(
            move |(on, role, bits, grantor)| {
                let privileges = some((dialect.privileges_of)(on.class()), bits);
                (on, role, privileges, grantor)
            },
        )
    };
    let default = (
        prop::sample::select(dialect.future),
        prop::option::of(name()),
        name(),
        any::<u64>(),
        name(),
    );
    let both = prop_oneof![
        (name(), marker()).prop_map(|(role, marker)| Change::CreateRole { role, marker }),
        (name(), name()).prop_map(|(from, to)| Change::RenameRole { from, to }),
        (name(), marker()).prop_map(|(role, marker)| Change::AdoptRole { role, marker }),
        name().prop_map(|role| Change::DropRole { role }),
        edge().prop_map(|(on, role, privileges, _)| Change::Grant { on, role, privileges }),
        (edge(), any::<bool>()).prop_map(|((on, role, privileges, by), known)| Change::Revoke {
            on,
            role,
            privileges,
            grantor: known.then_some(by)
        }),
        edge().prop_map(|(on, role, privileges, grantor)| Change::RevokeGrantOption {
            on,
            role,
            privileges,
            grantor
        }),
        (name(), name(), kind()).prop_map(|(role, member, kind)| Change::AddMember {
            role,
            member,
            kind
        }),
        (name(), name(), kind(), prop::option::of(name())).prop_map(
            |(role, member, kind, grantor)| Change::RemoveMember { role, member, kind, grantor }
        ),
        (securable(dialect, dialect.owned), name(), name())
            .prop_map(|(on, from, to)| Change::SetOwner { on, from, to }),
        (default, any::<bool>()).prop_map(move |((class, schema, role, bits, creator), grants)| {
            let nowhere = [ObjectClass::Schema, ObjectClass::LargeObject];
            let schema = schema.filter(|_| !nowhere.contains(&class));
            let privileges = some((dialect.privileges_of)(class), bits);
            let creator = dialect.postgres.then_some(creator);
            let database = Ident::new("D b").unwrap();
            match grants {
                true => Change::GrantDefault { creator, database, schema, class, role, privileges },
                false => {
                    Change::RevokeDefault { creator, database, schema, class, role, privileges }
                }
            }
        }),
    ];
    let own = prop_oneof![
        (name(), attributes())
            .prop_map(|(role, attributes)| Change::ResetAttributes { role, attributes }),
        (name(), name(), name()).prop_map(|(role, member, grantor)| {
            Change::RevokeAdminOption { role, member, grantor }
        }),
    ];
    let weight = if dialect.postgres { 2 } else { 0 };
    let snowflakes = (name(), prop::option::of(name()), name())
        .prop_map(|(role, from, to)| Change::SetRoleOwner { role, from, to });
    prop_oneof![11 => both.boxed(), weight => own.boxed(), 2 - weight => snowflakes.boxed()]
}

/// Runs of edges over a few tables, roles and grantors, so that many can share a statement.
pub fn edges() -> impl Strategy<Value = Vec<Change>> {
    let id = |name: String| Ident::new(name).unwrap();
    let table = (0..4_u8).prop_map(move |n| {
        let class = if n == 0 { ObjectClass::View } else { ObjectClass::Table };
        Securable::in_schema(class, id("d".into()), id("s.\"".into()), id(format!("t{n}")))
    });
    let column = (0..2_u8).prop_map(move |n| {
        let (database, schema, table) = (id("d".into()), id("s".into()), id("t1".into()));
        Securable::column(database, schema, table, id(format!("c{n}")))
    });
    let on = prop_oneof![4 => table, 1 => column];
    let role = || (0..4_u8).prop_map(move |n| id(format!("r {n}")));
    let privileges = prop::sample::select(&["SELECT", "INSERT, SELECT"][..]).prop_map(|names| {
        names.split(", ").filter_map(rolecall::model::Privilege::parse).collect::<PrivilegeSet>()
    });
    let edge = (0..6_u8, on, role(), privileges, role()).prop_map(
        |(which, on, role, privileges, other)| match which {
            0 | 1 => Change::Grant { on, role, privileges },
            2 | 3 => Change::Revoke { on, role, privileges, grantor: Some(other) },
            4 => Change::AddMember { role, member: other, kind: MemberKind::User },
            _ => Change::RemoveMember {
                role,
                member: other.clone(),
                kind: MemberKind::User,
                grantor: Some(other),
            },
        },
    );
    // Sorted by kind, as a plan is; inside a kind, in any order.
    prop::collection::vec(edge, 1..30).prop_map(|mut edges| {
        edges.sort_by_key(|edge| match edge {
            Change::Grant { .. } => 0,
            Change::AddMember { .. } => 1,
            Change::Revoke { .. } => 2,
            _ => 3,
        });
        edges
    })
}
