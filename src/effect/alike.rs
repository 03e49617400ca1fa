//! Everybody on many objects at once: roles that act as the same roles are asked together, so that a
//! whole company takes no longer than the kinds of people in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::answer::Lack;
use super::compiled::Effect;
use super::kin::Kinship;
use crate::model::{DialectKind, Ident, Privilege, PrivilegeSet, Securable};

/// What roles of one kind may do with one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct MayDo {
    /// The server's `has_…_privilege`, and `OWNERSHIP`.
    pub held: PrivilegeSet,
    /// What of that a query could use.
    pub usable: PrivilegeSet,
    /// What a query could use after SET ROLE alone.
    pub by_set_role: PrivilegeSet,
    /// Of what is held: what no statement could use on such an object, whoever asks.
    pub without_statement: PrivilegeSet,
    /// What is missing for the rest of what is held; sorted.
    pub lacks: Vec<Lack>,
    /// What a query over another relation does with rows of it, at once or after SET ROLE, and one over
    /// itself does not: by the relation that it names. Of several that are alike one.
    pub through: BTreeMap<Securable, Reaches>,
}

/// What a query over another relation does with rows of one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Reaches {
    /// What the other is to it.
    pub kinship: Kinship,
    /// What.
    pub privileges: PrivilegeSet,
}

/// Roles that may do the same on everything, and what that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike<'a> {
    /// Who; by name.
    pub roles: Vec<&'a Ident>,
    /// By the object's place in what was asked for; objects on which there is nothing are left out.
    pub may: BTreeMap<usize, MayDo>,
}

/// What decides about everything that a role may do.
#[derive(PartialEq, Eq, Hash)]
struct Kind {
    superuser: bool,
    /// The roles whose privileges it has, as far as they have any.
    acts_as: Vec<u32>,
    /// Those that it can only become.
    becomes: Vec<u32>,
}

/// A role's own number where that counts, whether it is a superuser, what it is in, what it may
/// become.
type Direct = (Option<u32>, bool, Vec<u32>, Vec<u32>);

/// What is held on one object, by the number of a kind.
type HeldBy = Vec<PrivilegeSet>;

impl<'a> Effect<'a> {
    /// Who may do what on these objects. Columns are not asked for. The same as
    /// [`AsRole::answer`](super::AsRole::answer) one by one.
    pub fn alike(&self, objects: &[Securable]) -> Vec<Alike<'a>> {
        let (kinds, of_role) = self.kinds();
        let mut alike: Vec<Alike<'a>> =
            kinds.iter().map(|_| Alike { roles: Vec::new(), may: BTreeMap::new() }).collect();
        for (name, kind) in self.names.iter().zip(&of_role) {
            if let Some(alike) = alike.get_mut(*kind) {
                alike.roles.push(name);
            }
        }
        let mut by_role: HashMap<u32, Vec<usize>> = HashMap::new();
        for (at, kind) in kinds.iter().enumerate() {
            for role in &kind.acts_as {
                by_role.entry(*role).or_default().push(at);
            }
        }
        let mut first = vec![u32::MAX; kinds.len()];
        for (role, kind) in (0..).zip(&of_role) {
            if let Some(first) = first.get_mut(*kind).filter(|first| **first == u32::MAX) {
                *first = role;
            }
        }
        let becoming = kinds.iter().enumerate().filter(|(_, kind)| !kind.becomes.is_empty());
        let becoming = becoming.map(|(at, _)| at).collect();
        let (effect, kinds, of_role) = (self, &kinds, &of_role);
        let asked = Asked { effect, kinds, of_role, first, becoming, by_role };
        let mut containers: BTreeMap<Securable, HeldBy> = BTreeMap::new();
        let mut others: BTreeMap<&Securable, BTreeMap<usize, MayDo>> = BTreeMap::new();
        for (at, on) in objects.iter().enumerate() {
            let kin = self.unlike_kin(on);
            for on in kin.iter().map(|kin| kin.on).chain([on]) {
                for needed in self.way_to(on, Privilege::SELECT) {
                    containers.entry(needed.on).or_insert_with_key(|on| asked.held(on));
                }
            }
            let mut all = asked.may(on, &containers);
            for kin in &kin {
                let there = others.entry(kin.on);
                let there = there.or_insert_with_key(|on| asked.may(on, &containers));
                for (kind, there) in there {
                    let more = there.usable.union(there.by_set_role);
                    let own = all.get(kind).map(|own| own.usable).unwrap_or_default();
                    let privileges = more.intersection(kin.privileges).minus(own);
                    if !privileges.is_empty() {
                        let reaches = Reaches { kinship: kin.kinship, privileges };
                        all.entry(*kind).or_default().through.insert(kin.on.clone(), reaches);
                    }
                }
            }
            for (kind, may) in all {
                if let Some(alike) = alike.get_mut(kind) {
                    alike.may.insert(at, may);
                }
            }
        }
        alike
    }

    /// The kinds of roles that there are, and which each role is of.
    fn kinds(&self) -> (Vec<Kind>, Vec<usize>) {
        let counts = self.with_anything();
        let mut kinds: Vec<Kind> = Vec::new();
        let mut numbers: HashMap<Kind, usize> = HashMap::new();
        // Most people differ in nothing but their name: one walk for all of them.
        let mut seen: HashMap<Direct, usize> = HashMap::new();
        let mut of_role = Vec::with_capacity(self.names.len());
        for role in (0..).take(self.names.len()) {
            let superuser = self.is_superuser(role);
            let direct = |edges: &[super::reach::Edge]| {
                let to: BTreeSet<u32> = edges.iter().map(|edge| edge.to).collect();
                to.into_iter().collect::<Vec<u32>>()
            };
            let (inherits, sets) = (self.inherits.roles_of(role), self.sets.roles_of(role));
            let own = counts.contains(&role).then_some(role);
            let key = (own, superuser, direct(inherits), direct(sets));
            let number = *seen.entry(key).or_insert_with(|| {
                let up = self.inherits.upwards(&[role]);
                let mut acts_as: Vec<u32> =
                    up.order.iter().copied().filter(|role| counts.contains(role)).collect();
                acts_as.sort_unstable();
                let become_ = self.sets.upwards(&[role]);
                // Whoever one acts as gives nothing more, but for a superuser's power, which is
                // not inherited.
                let more = |role: &u32| !up.holds(*role) || self.is_superuser(*role);
                let mut becomes: Vec<u32> = become_.order.iter().copied().filter(more).collect();
                becomes.sort_unstable();
                let kind = Kind { superuser, acts_as, becomes };
                let next = numbers.len();
                *numbers.entry(kind).or_insert(next)
            });
            of_role.push(number);
        }
        let mut ordered: Vec<(Kind, usize)> = numbers.into_iter().collect();
        ordered.sort_unstable_by_key(|(_, number)| *number);
        kinds.extend(ordered.into_iter().map(|(kind, _)| kind));
        (kinds, of_role)
    }

    /// The roles that own anything, are granted anything or have something beyond all lists.
    fn with_anything(&self) -> BTreeSet<u32> {
        let objects = self.state.objects.values();
        let names = objects.flat_map(|object| {
            let grantees = object.acl.iter().filter_map(|entry| entry.grantee.as_ref());
            grantees.chain(&object.owner)
        });
        let of = &self.predefined;
        let predefined = [of.read_all, of.write_all, of.maintain].into_iter().flatten();
        names.filter_map(|name| self.number(name)).chain(predefined).collect()
    }
}

struct Asked<'e, 'a> {
    effect: &'e Effect<'a>,
    kinds: &'e [Kind],
    of_role: &'e [usize],
    /// One role of each kind.
    first: Vec<u32>,
    /// The kinds that can become what they do not act as: mostly none.
    becoming: Vec<usize>,
    by_role: HashMap<u32, Vec<usize>>,
}

impl Asked<'_, '_> {
    /// What each kind holds on an object: [`AsRole::held`](super::AsRole::held) for all.
    fn held(&self, on: &Securable) -> HeldBy {
        let mut held = vec![PrivilegeSet::EMPTY; self.kinds.len()];
        let Some(object) = self.effect.state.objects.get(on) else {
            // To a superuser it is all the same whether it is there; to others it gives nothing.
            return held;
        };
        let ownership = PrivilegeSet::of(&[Privilege::OWNERSHIP]);
        let all = self.effect.state.privileges_of(on.class()).union(ownership);
        let mut give = |role: Option<u32>, privileges: PrivilegeSet| {
            let kinds = role.and_then(|role| self.by_role.get(&role)).into_iter().flatten();
            for kind in kinds {
                if let Some(held) = held.get_mut(*kind) {
                    *held = held.union(privileges);
                }
            }
        };
        let number = |name: &Ident| self.effect.number(name);
        give(object.owner.as_ref().and_then(number), ownership);
        for (role, gives) in self.effect.beyond_lists(on.class()) {
            give(Some(role), gives);
        }
        let mut everyones = PrivilegeSet::EMPTY;
        for entry in &object.acl {
            match &entry.grantee {
                None => everyones = everyones.union(entry.privileges),
                Some(grantee) => give(number(grantee), entry.privileges),
            }
        }
        for (held, kind) in held.iter_mut().zip(self.kinds) {
            *held = if kind.superuser { all } else { held.union(everyones) };
        }
        held
    }

    fn may(
        &self,
        on: &Securable,
        containers: &BTreeMap<Securable, HeldBy>,
    ) -> BTreeMap<usize, MayDo> {
        let held = self.held(on);
        let mut any = held.iter().fold(PrivilegeSet::EMPTY, |any, held| any.union(*held));
        let way = self.effect.way_to(on, Privilege::SELECT);
        let opens = |kind: usize, at: &super::answer::Needed| {
            let held = containers.get(&at.on).and_then(|held| held.get(kind));
            held.is_some_and(|held| held.contains(at.privilege))
        };
        let mut told: BTreeMap<usize, MayDo> = BTreeMap::new();
        for (kind, held) in held.iter().enumerate().filter(|(_, held)| !held.is_empty()) {
            told.insert(kind, MayDo { held: *held, ..MayDo::default() });
        }
        while let Some(privilege) = any.iter().next() {
            let one = PrivilegeSet::of(&[privilege]);
            any = any.minus(one);
            let inside = self.effect.inside(on, privilege);
            // What the asking role must be able to do itself is asked of one role of each kind.
            let asks = !inside.needs.is_empty() || !inside.writes.is_empty();
            let lacks_inside = |kind: usize| {
                let mut lacks = Vec::new();
                let of_kind = self.kinds.get(kind).filter(|kind| asks && !kind.superuser);
                let role = of_kind.and_then(|_| self.first.get(kind));
                let role = role.map(|role| self.effect.numbered(*role));
                for read in inside.needs.iter().filter(|_| role.is_some()) {
                    if !role.as_ref().is_some_and(|role| role.may_read(read)) {
                        lacks.push(Lack::Invoker { reads: read.0.clone() });
                    }
                }
                for base in inside.writes.iter().filter(|_| role.is_some()) {
                    if !role.as_ref().is_some_and(|role| role.may_write(base, privilege)) {
                        lacks.push(Lack::Invoker { reads: (*base).clone() });
                    }
                }
                lacks.extend(inside.lacks.iter().cloned());
                lacks
            };
            // Usable but for CONNECT, which is asked of whoever logs in.
            let mut ready: BTreeSet<usize> = BTreeSet::new();
            for (kind, may) in told.iter_mut().filter(|(_, may)| may.held.contains(privilege)) {
                let mut lacks = lacks_inside(*kind);
                for needed in way.iter().filter(|needed| !opens(*kind, needed)) {
                    lacks.push(needed.clone().lack());
                }
                if lacks.iter().all(|lack| matches!(lack, Lack::Connect { .. })) {
                    ready.insert(*kind);
                }
                if lacks.is_empty() {
                    may.usable = may.usable.union(one);
                } else if lacks.contains(&Lack::NoSuchStatement) {
                    may.without_statement = may.without_statement.union(one);
                } else {
                    may.lacks.extend(lacks);
                }
            }
            let connect = way.iter().filter(|needed| needed.privilege == Privilege::CONNECT);
            let connect: Vec<_> = connect.collect();
            for kind in self.becoming.iter().copied() {
                let Some(of) = self.kinds.get(kind) else { continue };
                let usable = told.get(&kind).is_some_and(|may| may.usable.contains(privilege));
                let in_force = |role: &u32| {
                    self.of_role.get(*role as usize).is_some_and(|kind| ready.contains(kind))
                };
                // On Snowflake all roles at once, too.
                let kinds = || {
                    let more = of.becomes.iter().filter_map(|it| self.of_role.get(*it as usize));
                    more.copied().chain([kind])
                };
                let holds = |kind: usize| {
                    let held: Option<&PrivilegeSet> = held.get(kind);
                    held.is_some_and(|held| held.contains(privilege))
                };
                let together = self.effect.state.dialect == DialectKind::Snowflake
                    && inside.lacks.is_empty()
                    && kinds().any(holds)
                    && way.iter().all(|needed| kinds().any(|kind| opens(kind, needed)));
                if !usable
                    && (together || of.becomes.iter().any(in_force))
                    && connect.iter().all(|needed| together || opens(kind, needed))
                {
                    let may = told.entry(kind).or_default();
                    may.by_set_role = may.by_set_role.union(one);
                }
            }
        }
        for may in told.values_mut() {
            may.lacks.sort_unstable();
            may.lacks.dedup();
        }
        told
    }
}
