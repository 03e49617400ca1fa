//! A view that shows its readers what they may not read, or writes for them where they may not write.

use std::collections::{BTreeMap, BTreeSet};

use super::{Check, Example, Finding, Subject, World};
use crate::config::checks::Level;
use crate::model::{Ident, Privilege, RelationKey, Securable};

/// The configuration of both examples.
const PROJECT: (&str, &str) = (
    "rolecall.yml",
    "\
version: 1
environments:
  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}
product_roles:
  analyst: {may: [read]}
  finance: {may: [read]}
products:
  sales: {owners: [jane], outputs: \"path:models/sales\"}
",
);

pub(super) const CHECK: Check = Check {
    code: "view-opens-more",
    title: "A view whose owner opens what its readers or writers may not",
    level: Level::Warning,
    description: "\
A view reads as its owner (on PostgreSQL, unless it is a `security_invoker`), so whoever reads the view \
sees what its owner may read; and on PostgreSQL whoever may insert, update or delete rows of a simple view \
writes as its owner to the relation that it shows. Told are views, of dbt or made by hand, whose readers \
may not read, or whose writers may not write, a relation behind it, be it behind other views, on which \
somebody has decided who may: it gives access by a declaration, a policy is always required there, or it \
is tagged as personal data; so is a view over a relation that has rows of such a one, as a partition has. \
What rules of a view name (`CREATE RULE … ON INSERT`), they reach as its owner, \
too; what an INSTEAD OF trigger does is not looked at: its function runs as whoever writes, or as its own \
owner where it is SECURITY DEFINER. Relations on which nobody decided anything, as under most marts, are no \
news. Without a warehouse views are not known.",
    help: "give them what is behind it, make it a security_invoker view, or narrow who reads or writes it",
    bad: Example {
        files: &[
            PROJECT,
            (
                "rolecall/members/sales.yml",
                "\
analyst:
  - user: ada
finance:
  - user: bob
",
            ),
            ("models/sales/margins.sql", "select 1 as id, 2 as margin\n"),
            ("models/sales/orders.sql", "select id, margin from {{ ref('margins') }}\n"),
            (
                "models/sales/_models.yml",
                "\
models:
  - name: margins
    config: {materialized: table, meta: {rolecall: {grants: {finance: [read]}}}}
  - name: orders
    config: {materialized: view, meta: {rolecall: {grants: {analyst: [read]}}}}
",
            ),
        ],
        by_hand: "",
        says: "the view shop.sales.orders shows 1 of its readers shop.sales.margins, which they may not read",
    },
    good: Example {
        files: &[
            PROJECT,
            ("models/sales/margins.sql", "select 1 as id, 2 as margin\n"),
            ("models/sales/orders.sql", "select id, margin from {{ ref('margins') }}\n"),
            (
                "models/sales/_models.yml",
                "\
models:
  - name: margins
    config: {materialized: table, meta: {rolecall: {grants: {finance: [read]}}}}
  - name: orders
    config: {materialized: view, meta: {rolecall: {grants: {finance: [read]}}}}
",
            ),
            (
                "rolecall/members/sales.yml",
                "\
finance:
  - user: bob
",
            ),
        ],
        by_hand: "",
        says: "",
    },
    run,
};

/// What rows are changed by.
const ROWS: [Privilege; 3] = [Privilege::INSERT, Privilege::UPDATE, Privilege::DELETE];

fn run<'a>(world: &World<'a>) -> Vec<Finding<'a>> {
    let mut found = Vec::new();
    let grants = world.look.resolved.desired.grants.keys();
    let declared = grants.filter(|(on, _)| on.class().is_relation());
    let declared = declared.filter_map(|(on, _)| on.relation_key()).collect();
    for (view, object) in &world.look.state.objects {
        if object.reading.as_ref().is_none_or(|reading| reading.as_invoker) {
            continue;
        }
        let behind = Behind::of(world, view, &declared);
        let beyond = |who: &Ident, base| !world.is_spared(who, view) && !world.is_spared(who, base);
        // What the view's owner may not read itself, nobody sees by it.
        let readers = by(world, view, &[Privilege::SELECT], !behind.shown.is_empty());
        for (base, by) in behind.shown {
            let mut there: BTreeSet<&Ident> = world.readers(base, true);
            if by != base {
                there.extend(world.readers(by, true));
            }
            let mut more = readers.clone();
            more.retain(|(who, _), _| !there.contains(who) && beyond(who, base));
            found.extend(finding(world, (view, base), "", more, |n| {
                format!("the view {view} shows {n} of its readers {base}, which they may not read")
            }));
        }
        let asked = !behind.written.is_empty() || !behind.by_rules.is_empty();
        let writers = by(world, view, &ROWS, asked);
        for (base, by) in behind.written {
            let there = ROWS.map(|privilege| {
                let mut could = world.could(base, privilege, true);
                could.extend(world.could(by, privilege, true));
                (privilege, could)
            });
            let may = |who: &Ident, privilege| {
                there.iter().any(|(of, could)| *of == privilege && could.contains(who))
            };
            let mut more = writers.clone();
            more.retain(|(who, privilege), _| !may(who, *privilege) && beyond(who, base));
            found.extend(finding(world, (view, base), " (write)", more, |n| {
                format!("the view {view} lets {n} write to {base}, which they may not")
            }));
        }
        for base in behind.by_rules {
            let there: BTreeSet<&Ident> =
                ROWS.iter().flat_map(|privilege| world.could(base, *privilege, true)).collect();
            let mut more = writers.clone();
            more.retain(|(who, _), _| !there.contains(who) && beyond(who, base));
            found.extend(finding(world, (view, base), " (rules)", more, |n| {
                format!(
                    "the rules of the view {view} act on {base} for {n}, who may not write to it"
                )
            }));
        }
    }
    found
}

/// Who can do what with a view, and on what of it: the whole, or a column.
type By<'a> = BTreeMap<(&'a Ident, Privilege), &'a Securable>;

/// Who could use these with a query, to whom it matters.
fn by<'a>(world: &World<'a>, view: &Securable, privileges: &[Privilege], asked: bool) -> By<'a> {
    let mut by = By::new();
    for on in world.effect.with_columns(view).into_iter().filter(|_| asked) {
        for privilege in privileges {
            for holder in world.effect.who(on, *privilege) {
                if holder.usable() && world.matters(holder.role) {
                    by.entry((holder.role, *privilege)).or_insert(on);
                }
            }
        }
    }
    by
}

fn finding<'a>(
    world: &World<'a>,
    (view, base): (&Securable, &Securable),
    kind: &str,
    who: By<'a>,
    message: impl Fn(usize) -> String,
) -> Option<Finding<'a>> {
    let mut seen: BTreeMap<&'a Ident, _> = BTreeMap::new();
    for ((who, privilege), on) in who {
        seen.entry(who).or_insert_with(|| world.witness(who, on, privilege));
    }
    if seen.is_empty() {
        return None;
    }
    let node = world.node_of(view);
    let subject = Subject {
        node: node.map(str::to_owned),
        on: Some(format!("{view} {base}{kind}")),
        ..Subject::default()
    };
    let place = node.or_else(|| world.node_of(base)).and_then(|node| world.place_of(node));
    let message = message(seen.len());
    let seen = seen.into_values().collect();
    Some(Finding::new(CHECK.code, message, subject).at(place).seen(seen))
}

/// The relations behind a view, behind views that it reads too, on which somebody has decided who may.
#[derive(Default)]
struct Behind<'a> {
    /// Those that are read, each by itself or by another that has rows of it.
    shown: BTreeMap<&'a Securable, &'a Securable>,
    /// Those that rows are written to that are written to the view, likewise.
    written: BTreeMap<&'a Securable, &'a Securable>,
    /// Those that rules name which are followed then.
    by_rules: BTreeSet<&'a Securable>,
}

impl<'a> Behind<'a> {
    fn of(world: &World<'a>, view: &'a Securable, declared: &BTreeSet<RelationKey>) -> Self {
        let reading =
            |on| world.look.state.objects.get(on).and_then(|object| object.reading.as_ref());
        let mut behind = Self::default();
        let mut next = vec![view];
        while let Some(on) = next.pop() {
            let bases = reading(on).into_iter().flat_map(|reading| &reading.relations);
            let bases = bases.map(|(on, _)| on).filter(|on| *on != view);
            next.extend(bases.filter(|on| behind.shown.insert(on, on).is_none()));
        }
        let mut on = view;
        while let Some(reading) = reading(on) {
            behind.by_rules.extend(&reading.by_rules);
            match reading.relations.as_slice() {
                [(base, _)]
                    if reading.writes_through && behind.written.insert(base, base).is_none() =>
                {
                    on = base;
                }
                _ => break,
            }
        }
        for all in [&mut behind.shown, &mut behind.written] {
            let named: Vec<&'a Securable> = all.keys().copied().collect();
            for by in named {
                for kin in world.effect.kin(by) {
                    all.entry(kin.on).or_insert(by);
                }
            }
            all.retain(|on, _| is_decided(world, on, declared));
        }
        behind.by_rules.retain(|on| is_decided(world, on, declared));
        behind
    }
}

/// Whether somebody has decided who may read or change a relation.
fn is_decided(world: &World<'_>, on: &Securable, declared: &BTreeSet<RelationKey>) -> bool {
    let resolved = &world.look.resolved;
    let key = on.relation_key();
    let declared = key.as_ref().is_some_and(|key| declared.contains(key));
    let required = key.is_some_and(|key| !resolved.gates.on(&key).is_empty());
    let node = world.node_of(on).and_then(|id| world.project.manifest.nodes.get(id));
    declared || required || node.is_some_and(|node| world.is_pii(node))
}
