//! Reading all that decides about access in a database: seven queries, in one snapshot, apart from
//! what plans look at.

use std::collections::{BTreeMap, HashMap, HashSet};

use tokio_postgres::Row;

use super::Postgres;
use super::acl::{Roles, get, name, securable};
use super::aclitem::AclItem;
use super::observe::{Reader, connected, memberships, unreadable};
use crate::effect::{
    AccessEntry, AccessObject, AccessRole, AccessState, DefaultList, Parent, Reading,
};
use crate::model::{DialectKind, Ident, ObjectClass, Securable};
use crate::warehouse::WarehouseError;

/// Objects with their owners and lists, NULL where the list is the built-in one. The server's own
/// schemas are everybody's to read and nobody's to grant on.
const OBJECTS: &str = r#"
    select 'database', d.oid, '', null::text, d.datname::text, null::text, d.datdba,
           d.datacl::text[], false
    from pg_database d where d.datname = current_database()
    union all
    select 'schema', n.oid, '', n.nspname::text, n.nspname::text, null, n.nspowner,
           n.nspacl::text[], false
    from pg_namespace n where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all
    select 'relation', c.oid, c.relkind::text, n.nspname::text, c.relname::text, null, c.relowner,
           c.relacl::text[], c.relrowsecurity
    from pg_class c join pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all
    select 'column', c.oid, c.relkind::text, n.nspname::text, c.relname::text, t.attname::text,
           c.relowner, t.attacl::text[], false
    from pg_attribute t join pg_class c on c.oid = t.attrelid
    join pg_namespace n on n.oid = c.relnamespace
    where t.attacl is not null and not t.attisdropped and c.relkind in ('r', 'p', 'v', 'm', 'f')
      and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    union all
    select 'routine', p.oid, p.prokind::text, n.nspname::text, p.proname::text,
           coalesce((select string_agg(format_type(t.oid, null), ', ' order by t.at)
                     from unnest(p.proargtypes::oid[]) with ordinality t(oid, at)), ''),
           p.proowner, p.proacl::text[], false
    from pg_proc p join pg_namespace n on n.oid = p.pronamespace
    where n.nspname !~ '^pg_' and n.nspname <> 'information_schema'"#;

/// What views read, by the rules that they are, with the columns that are named, which are all of them where
/// a view has a whole row of something (`pg_depend` names no column then, as for `count(*)`); and what rules
/// for writing name that somebody gave them.
const VIEWS: &str = r#"
    select v.oid, d.refobjid,
           case when bool_or(w.ev_action::text ~ ':varattno 0 ')
             then array(select a.attname::text from pg_attribute a
                        where a.attrelid = d.refobjid and a.attnum > 0 and not a.attisdropped)
             else array_remove(array_agg(t.attname::text), null) end,
           coalesce((select o.option_value::boolean from pg_options_to_table(v.reloptions) o
                     where o.option_name = 'security_invoker'), false),
           pg_relation_is_updatable(v.oid, true) & 28 <> 0,
           pg_relation_is_updatable(v.oid, false) & 28 <> 0 and not exists (
             select from pg_trigger g where g.tgrelid = v.oid and g.tgtype & 64 <> 0)
             and not exists (
             select from pg_rewrite i where i.ev_class = v.oid and i.ev_type <> '1' and i.is_instead),
           array(select distinct b.refobjid from pg_rewrite i
                 join pg_depend b on b.classid = 'pg_rewrite'::regclass and b.objid = i.oid
                  and b.refclassid = 'pg_class'::regclass and b.deptype = 'n' and b.refobjid <> v.oid
                 where i.ev_class = v.oid and i.ev_type <> '1')
    from pg_class v join pg_namespace n on n.oid = v.relnamespace
    join pg_rewrite w on w.ev_class = v.oid and w.ev_type = '1'
    left join pg_depend d on d.classid = 'pg_rewrite'::regclass and d.objid = w.oid
     and d.refclassid = 'pg_class'::regclass and d.deptype = 'n' and d.refobjid <> v.oid
    left join pg_attribute t on t.attrelid = d.refobjid and t.attnum = d.refobjsubid
     and d.refobjsubid <> 0
    where v.relkind = 'v' and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
    group by v.oid, d.refobjid"#;

/// What inherits from what, and what is a partition of what; a partition that is being detached is
/// one still.
const PARENTS: &str = r#"
    select i.inhrelid, i.inhparent, c.relispartition
    from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where c.relkind in ('r', 'p', 'f')"#;

/// What new objects get: the creator's own share and PUBLIC's too.
const DEFAULTS: &str = r#"
    select d.defaclrole, n.nspname::text, d.defaclobjtype::text, d.defaclacl::text[]
    from pg_default_acl d left join pg_namespace n on n.oid = d.defaclnamespace"#;

impl Postgres {
    /// Reads the access of the connected database, whoever manages it. Read-only.
    pub async fn access(&mut self) -> Result<AccessState, WarehouseError> {
        self.in_snapshot(async |postgres: &Self| postgres.read_access().await).await
    }

    /// The same within a transaction that is open already: for tests, which roll it back.
    #[doc(hidden)]
    pub async fn read_access(&self) -> Result<AccessState, WarehouseError> {
        let reader = Reader { client: &self.client, target: &self.target.label };
        let (server, _) = reader.server().await?;
        let database = connected(&server)?;
        let mut state = AccessState::empty(DialectKind::Postgres, server.version, database.clone());
        let (roles, names) = reader.roles().await?;
        let known =
            Roles { all: roles.keys().cloned().collect(), names, of_interest: HashSet::new() };
        let role = |(name, role): (Ident, crate::model::ObservedRole)| {
            (name, AccessRole { attributes: role.attributes, marker: role.marker })
        };
        state.roles = roles.into_iter().map(role).collect();

        let rows = reader.rows(&super::catalog::all_memberships(server.version), &[]).await?;
        state.memberships = memberships(&rows, server.version, &known)?;

        let mut by_oid: HashMap<u32, Securable> = HashMap::new();
        for row in &reader.rows(OBJECTS, &[]).await? {
            let (on, object) = object(row, &state, &known)?;
            if matches!(get::<&str>(row, 0)?, "relation") {
                by_oid.insert(get(row, 1)?, on.clone());
            }
            state.objects.insert(on, object);
        }
        for row in &reader.rows(VIEWS, &[]).await? {
            let view = by_oid.get(&get(row, 0)?);
            let Some(object) = view.and_then(|view| state.objects.get_mut(view)) else { continue };
            let reading = object.reading.get_or_insert_with(Reading::default);
            reading.as_invoker = get(row, 3)?;
            reading.updatable = get(row, 4)?;
            reading.writes_through = get(row, 5)?;
            let by_rules = get::<Vec<u32>>(row, 6)?;
            reading.by_rules = by_rules.iter().filter_map(|on| by_oid.get(on).cloned()).collect();
            reading.by_rules.sort_unstable();
            // What the server itself has is not ours to judge.
            if let Some(read) = get::<Option<u32>>(row, 1)?.and_then(|oid| by_oid.get(&oid)) {
                let columns = get::<Vec<&str>>(row, 2)?.into_iter().map(name);
                let mut columns = columns.collect::<Result<Vec<_>, _>>()?;
                columns.sort_unstable();
                reading.relations.push((read.clone(), columns));
            }
        }
        for object in state.objects.values_mut() {
            if let Some(reading) = &mut object.reading {
                reading.relations.sort_unstable();
            }
        }
        for row in &reader.rows(PARENTS, &[]).await? {
            let [child, parent] = [by_oid.get(&get(row, 0)?), by_oid.get(&get(row, 1)?)];
            let Some(object) = child.and_then(|child| state.objects.get_mut(child)) else {
                continue;
            };
            let (Some(on), partition) = (parent.cloned(), get(row, 2)?) else { continue };
            object.parents.push(Parent { on, partition });
            object.parents.sort_unstable();
        }
        let mut defaults = BTreeMap::new();
        for row in &reader.rows(DEFAULTS, &[]).await? {
            let class = match get::<&str>(row, 2)? {
                "r" => ObjectClass::Table,
                "S" => ObjectClass::Sequence,
                "f" => ObjectClass::Function,
                "T" => ObjectClass::Type,
                "n" => ObjectClass::Schema,
                "L" => ObjectClass::LargeObject,
                _ => continue,
            };
            let creator = Some(known.name(get(row, 0)?)?);
            let schema = get::<Option<&str>>(row, 1)?.map(name).transpose()?;
            let acl = entries(&get::<Vec<&str>>(row, 3)?, &known)?;
            defaults.insert((creator, schema, class), acl);
        }
        let list = |((creator, schema, class), acl)| DefaultList {
            creator,
            database: None,
            schema,
            class,
            acl,
        };
        state.defaults = defaults.into_iter().map(list).collect();
        Ok(state)
    }
}

fn object(
    row: &Row,
    state: &AccessState,
    known: &Roles,
) -> Result<(Securable, AccessObject), WarehouseError> {
    let (tag, kind): (&str, &str) = (get(row, 0)?, get(row, 2)?);
    let schema = get::<Option<&str>>(row, 3)?.map(name).transpose()?;
    let own = name(get(row, 4)?)?;
    let on = securable(tag, kind, &state.database, schema, own, get(row, 5)?)?;
    let owner = known.name(get(row, 6)?)?;
    let acl = match get::<Option<Vec<&str>>>(row, 7)? {
        Some(items) => entries(&items, known)?,
        None => state.built_in(on.class(), &owner),
    };
    let (owner, row_security) = (Some(owner), get(row, 8)?);
    let object = AccessObject { owner, acl, row_security, ..AccessObject::default() };
    Ok((on, object))
}

fn entries(items: &[&str], known: &Roles) -> Result<Vec<AccessEntry>, WarehouseError> {
    let mut found = Vec::with_capacity(items.len());
    for text in items {
        let item = AclItem::parse(text)
            .ok_or_else(|| unreadable(&format!("the access list entry {text:?}")))?;
        known.must_know(&item.grantor)?;
        let role = |text: &str| match known.all.get(text) {
            Some(role) => Ok(role.clone()),
            None => name(text),
        };
        let grantee = match &*item.grantee {
            "" => None,
            grantee => {
                known.must_know(grantee)?;
                Some(role(grantee)?)
            }
        };
        found.push(AccessEntry {
            grantee,
            grantor: Some(role(&item.grantor)?),
            privileges: item.privileges,
            grantable: item.grantable,
        });
    }
    found.sort_unstable();
    Ok(found)
}
