//! What the server's own functions say after an apply, against what is declared.

use std::collections::BTreeSet;

use rolecall::model::{Marker, MarkerReading, ObjectClass, PrivilegeSet, Securable};

use super::dump::Dump;
use super::world::*;

type Seen = BTreeSet<(u32, String, String)>;

/// Whether managed roles have what is declared, and no more; and whether those are in them who are
/// declared, and nobody else.
pub fn check(world: &World, dump: &Dump, access: &Seen) -> Result<(), String> {
    for (oid, (name, attributes, comment)) in &dump.roles {
        let MarkerReading::Marker(marker) = Marker::read(Some(comment)) else { continue };
        if !scope().holds(&marker) {
            continue;
        }
        if attributes != "f t f f f f f -1" {
            return Err(format!("{name} has the attributes {attributes}"));
        }
        members(world, dump, access, *oid, name)?;
        for (on, what) in objects() {
            object(world, dump, access, (*oid, name), (&on, &what))?;
        }
    }
    Ok(())
}

/// Everything that a grant can be on.
fn objects() -> Vec<(Securable, String)> {
    let mut objects = vec![(Securable::database(id(DATABASE)), "database".to_owned())];
    for schema in SCHEMAS {
        objects.push((Securable::schema(id(DATABASE), id(schema)), format!("schema {schema}")));
        for (at, (name, _)) in RELATIONS.iter().enumerate() {
            objects.push((relation(schema, at), format!("relation {schema}.{name}")));
        }
        let own = |class, name| Securable::in_schema(class, id(DATABASE), id(schema), id(name));
        let sequence = own(ObjectClass::Sequence, SEQUENCE);
        objects.push((sequence, format!("relation {schema}.{SEQUENCE}")));
        let function = own(ObjectClass::Function, FUNCTION);
        objects.push((function, format!("function {schema}.{FUNCTION}")));
    }
    objects
}

fn object(
    world: &World,
    dump: &Dump,
    access: &Seen,
    (role, name): (u32, &str),
    (on, what): (&Securable, &str),
) -> Result<(), String> {
    let key = (on.clone(), id(name));
    let to_text = |set: PrivilegeSet| set.iter().map(|p| p.as_str().to_owned()).collect();
    let wanted = world.desired.grants.get(&key).map(|grant| grant.privileges).unwrap_or_default();
    let wanted: BTreeSet<String> = to_text(wanted);
    let has: BTreeSet<String> = access
        .iter()
        .filter(|(who, on, _)| *who == role && on == what)
        .map(|(_, _, privilege)| privilege.clone())
        .collect();
    if dump.owners.get(what) == Some(&role) {
        let declared = world.desired.owners.get(on).is_some_and(|owner| owner.role == id(name));
        return if declared { Ok(()) } else { Err(format!("{name} still owns {what}")) };
    }
    if let Some(owner) = world.desired.owners.get(on).filter(|owner| owner.role == id(name)) {
        return Err(format!("{} does not own {what}", owner.role));
    }
    let missing: Vec<_> = wanted.difference(&has).collect();
    if !missing.is_empty() {
        return Err(format!("{name} lacks {missing:?} on {what}"));
    }
    let in_reach = match &on.schema_key() {
        Some(schema) => world.options.prune || scope().schemas.contains(schema),
        // The way to what is left in schemas out of reach is left as well.
        None => world.options.prune,
    };
    if !in_reach {
        return Ok(());
    }
    let mut may = wanted;
    may.extend(to_text(world.desired.known.get(&key).copied().unwrap_or_default()));
    let public = dump.acl.iter().filter(|(on, to, ..)| on == what && *to == 0);
    may.extend(public.map(|(.., privilege)| privilege.trim_end_matches('*').to_owned()));
    let extra: Vec<_> = has.difference(&may).collect();
    if !extra.is_empty() {
        return Err(format!("{name} still has {extra:?} on {what}"));
    }
    let passes =
        dump.acl.iter().find(|(on, to, _, p)| on == what && *to == role && p.ends_with('*'));
    passes.map_or(Ok(()), |entry| Err(format!("{name} still may pass on {entry:?}")))
}

fn members(world: &World, dump: &Dump, access: &Seen, role: u32, name: &str) -> Result<(), String> {
    for (oid, (who, attributes, _)) in &dump.roles {
        if *oid == role || *oid < 16_384 {
            continue;
        }
        let declared = world.desired.memberships.contains_key(&(id(name), id(who)));
        let what = format!("role {name}");
        let has = |how: &str| access.contains(&(*oid, what.clone(), how.to_owned()));
        if has("MEMBER") != declared {
            return Err(format!("{who} in {name}: declared is {declared}"));
        }
        // Before 16 it is the member's own attribute that says whether it inherits.
        let versioned = dump.members.iter().any(|(.., how)| how.contains("inherit_option"));
        let inherits = versioned || attributes.starts_with("f t");
        if has("USAGE") != (declared && inherits) {
            return Err(format!("{who} in {name}: declared is {declared}, and it is not used"));
        }
        if access.contains(&(role, format!("role {who}"), "MEMBER".to_owned())) {
            return Err(format!("{name} is in {who}"));
        }
    }
    let admin = dump
        .members
        .iter()
        .find(|(r, _, _, how)| *r == role && how.contains("\"admin_option\": true"));
    admin.map_or(Ok(()), |edge| Err(format!("{edge:?} may let others in")))
}

/// Reading works exactly for those who have both the privilege and the way to it.
pub fn check_use(dump: &Dump, access: &Seen, seen: &BTreeSet<(u32, String)>) -> Result<(), String> {
    for (oid, (name, ..)) in dump.roles.iter().filter(|(oid, _)| **oid >= 16_384) {
        for schema in SCHEMAS {
            for (relation, _) in RELATIONS {
                let what = format!("{schema}.{relation}");
                let has = |what: String, privilege: &str| {
                    access.contains(&(*oid, what, privilege.to_owned()))
                };
                let may = has(format!("relation {what}"), "SELECT")
                    && has(format!("schema {schema}"), "USAGE");
                if seen.contains(&(*oid, what.clone())) != may {
                    return Err(format!("{name} reads {what}: {}", !may));
                }
            }
        }
    }
    Ok(())
}
