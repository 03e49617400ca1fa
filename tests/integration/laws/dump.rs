//! What a server has, asked in words of our own: not by the queries under test.

use std::collections::{BTreeMap, BTreeSet};

use rolecall::model::{Marker, MarkerReading};
use tokio_postgres::Client;

use super::sql::{attempted, q};
use super::world::*;

/// An entry of an access list: (object, to whom, from whom, what).
type Entry = (String, u32, u32, String);

/// Everything that grants anything, by OID, since names change.
#[derive(Debug, Default)]
pub struct Dump {
    /// Name, attributes, comment.
    pub roles: BTreeMap<u32, (String, String, String)>,
    pub owners: BTreeMap<String, u32>,
    /// Without what owners have by themselves.
    pub acl: BTreeSet<Entry>,
    /// Role, member, grantor, options.
    pub members: BTreeSet<(u32, u32, u32, String)>,
    /// Creator and place, to whom, from whom, what.
    pub defaults: BTreeSet<((u32, String), u32, u32, String)>,
    pub system: String,
}

const DUMP: &str = "
    with o as (
      select 'schema '||nspname as what, nspowner as owner,
             coalesce(nspacl, acldefault('n', nspowner)) as acl from pg_namespace
      union all
      select 'database '||datname, datdba, coalesce(datacl, acldefault('d', datdba))
      from pg_database
      union all
      select 'relation '||n.nspname||'.'||relname, relowner, coalesce(relacl,
             acldefault((case relkind when 'S' then 's' else 'r' end)::\"char\", relowner))
      from pg_class c join pg_namespace n on n.oid = relnamespace
      where c.oid >= 16384 and relkind in ('r', 'v', 'm', 'S')
      union all
      select 'column '||attname||' of '||n.nspname||'.'||relname, relowner, attacl
      from pg_attribute join pg_class c on c.oid = attrelid
      join pg_namespace n on n.oid = relnamespace
      where c.oid >= 16384 and attacl is not null
      union all
      select 'function '||n.nspname||'.'||proname, proowner,
             coalesce(proacl, acldefault('f', proowner))
      from pg_proc p join pg_namespace n on n.oid = pronamespace where p.oid >= 16384
    )
    select 'role' as kind, rolname::text as what, r.oid as a, 0::oid as b, 0::oid as c,
           concat_ws(' ', rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin,
                     rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil, rolconfig) as d,
           coalesce(description, '') as e
    from pg_roles r left join pg_shdescription on objoid = r.oid and classoid = 'pg_authid'::regclass
    where r.oid >= 10
    union all
    select 'owner', what, owner, 0, 0, '', '' from o where what not like 'column %'
    union all
    select 'acl', what, grantee, grantor, owner,
           privilege_type||(case when is_grantable then '*' else '' end), ''
    from o, aclexplode(acl)
    union all
    select 'member', '', roleid, member, grantor,
           (to_jsonb(m) - 'oid' - 'roleid' - 'member' - 'grantor')::text, ''
    from pg_auth_members m
    union all
    select 'default', defaclnamespace::text||defaclobjtype::text, grantee, grantor, defaclrole,
           privilege_type||(case when is_grantable then '*' else '' end), ''
    from pg_default_acl, aclexplode(defaclacl)
    union all
    select 'system', '', 0, 0, 0, md5(concat(
      (select string_agg(oid||relacl::text, ',' order by oid) from pg_class
       where oid < 16384 and relacl is not null),
      (select string_agg(oid||proacl::text, ',' order by oid) from pg_proc
       where oid < 16384 and proacl is not null),
      (select string_agg(oid||typacl::text, ',' order by oid) from pg_type where typacl is not null),
      (select string_agg(oid||lanacl::text, ',' order by oid) from pg_language
       where lanacl is not null))), ''";

impl Dump {
    pub async fn of(client: &Client) -> Self {
        let mut dump = Self::default();
        for row in client.query_typed(DUMP, &[]).await.unwrap() {
            let what: String = row.get(1);
            let (a, b, c): (u32, u32, u32) = (row.get(2), row.get(3), row.get(4));
            let rest: String = row.get(5);
            match row.get(0) {
                // The lock's comment is nobody's access.
                "role" if what != "rolecall_lock" => {
                    dump.roles.insert(a, (what, rest, row.get(6)));
                }
                "owner" => drop(dump.owners.insert(what, a)),
                "acl" if a != c || b != c => drop(dump.acl.insert((what, a, b, rest))),
                "member" => drop(dump.members.insert((a, b, c, rest))),
                "default" if a != c => drop(dump.defaults.insert(((c, what), a, b, rest))),
                "system" => dump.system = rest,
                _ => {}
            }
        }
        dump
    }

    /// The roles that are ours to change, before or after.
    pub fn ours(&self, after: &Self) -> BTreeSet<u32> {
        let ours = |(_, (_, _, comment)): &(&u32, &(String, String, String))| matches!(Marker::read(Some(comment)), MarkerReading::Marker(m) if scope().holds(&m));
        self.roles.iter().chain(&after.roles).filter(ours).map(|(oid, _)| *oid).collect()
    }

    /// Whether somebody's grant has outlived the right to grant it. The server lets that happen
    /// where the grantor seems to have the right still, through a membership in the very role that
    /// it granted to; and then nobody's REVOKE reaches it any more.
    pub fn dangles(&self) -> bool {
        self.acl.iter().any(|(what, _, grantor, privilege)| {
            let right = format!("{}*", privilege.trim_end_matches('*'));
            let may = |it: &Entry| it.0 == *what && it.1 == *grantor && it.3 == right;
            self.owner(what) != Some(*grantor) && !self.acl.iter().any(may)
        })
    }

    /// Whether an owner, or who is to be one, holds something from another than the owner. See
    /// `met::owner_granted_to`.
    pub fn owner_granted_to(&self, next: &BTreeMap<String, String>) -> bool {
        self.acl.iter().any(|(what, grantee, grantor, _)| {
            let owner = self.owner(what);
            let name = self.roles.get(grantee).map(|role| &role.0);
            let next = next.iter().find(|(on, _)| what.ends_with(*on)).map(|(_, to)| to);
            let renamed = name.and_then(|name| {
                ROLES.iter().find(|(_, _, before)| before == name).map(|(_, now, _)| *now)
            });
            let next_owner = next.is_some_and(|next| {
                name.is_some_and(|name| name == next) || renamed.is_some_and(|now| now == next)
            });
            owner != Some(*grantor) && (owner == Some(*grantee) || next_owner)
        })
    }

    /// Whether grants go round in a circle, which the server allows through memberships too.
    pub fn circles(&self) -> bool {
        let from = |start: &Entry| {
            let (mut todo, mut seen) = (vec![start.1], BTreeSet::new());
            while let Some(at) = todo.pop() {
                if seen.insert(at) {
                    let next = self.acl.iter().filter(|it| it.0 == start.0 && it.2 == at);
                    todo.extend(next.map(|it| it.1));
                }
            }
            seen.contains(&start.2)
        };
        self.acl.iter().any(from)
    }

    fn owner(&self, what: &str) -> Option<u32> {
        match what.split_once(" of ") {
            Some((_, relation)) => self.owners.get(&format!("relation {relation}")),
            None => self.owners.get(what),
        }
        .copied()
    }

    /// Whether all that touches none of ours is the same. `moved` has got another owner by plan.
    pub fn same_outside(
        &self,
        after: &Self,
        ours: &BTreeSet<u32>,
        moved: &BTreeSet<String>,
    ) -> Result<(), String> {
        let outside = |dump: &Self| {
            let moves = |what: &str| moved.iter().any(|moved| what.ends_with(moved));
            let mut lines: BTreeSet<String> = BTreeSet::from([dump.system.clone()]);
            for (oid, role) in dump.roles.iter().filter(|(oid, _)| !ours.contains(oid)) {
                lines.insert(format!("{oid} {role:?}"));
            }
            for (what, owner) in dump.owners.iter().filter(|(what, _)| !moves(what)) {
                lines.insert(format!("{what} belongs to {owner}"));
            }
            for (what, grantee, grantor, privilege) in &dump.acl {
                // Another owner stands for the former one in the list.
                let by_owner = dump.owner(what) == Some(*grantor);
                let grantor =
                    if by_owner || moves(what) { "its owner" } else { &grantor.to_string() };
                let was_theirs =
                    moves(what) && [self, after].iter().any(|it| it.owner(what) == Some(*grantee));
                if !ours.contains(grantee) && !was_theirs {
                    lines.insert(format!("{grantee} {privilege} on {what} by {grantor}"));
                }
            }
            let edges =
                dump.members.iter().filter(|m| !ours.contains(&m.0) && !ours.contains(&m.1));
            lines.extend(edges.map(|edge| format!("member {edge:?}")));
            let edges = dump.defaults.iter().filter(|edge| !ours.contains(&edge.1));
            lines.extend(edges.map(|edge| format!("default {edge:?}")));
            lines
        };
        compare(&outside(self), &outside(after), "outside the scope")
    }

    /// Whether all is the same by name.
    pub fn same_names(&self, other: &Self) -> Result<(), String> {
        let named = |dump: &Self| {
            let name =
                |oid: &u32| dump.roles.get(oid).map_or(oid.to_string(), |role| role.0.clone());
            let mut lines: BTreeSet<String> = BTreeSet::from([dump.system.clone()]);
            lines.extend(dump.roles.values().map(|role| format!("{role:?}")));
            lines.extend(dump.owners.iter().map(|(what, o)| format!("{what} of {}", name(o))));
            for (what, to, by, privilege) in &dump.acl {
                lines.insert(format!("{} {privilege} on {what} by {}", name(to), name(by)));
            }
            for (role, member, by, how) in &dump.members {
                let (role, member) = (name(role), name(member));
                lines.insert(format!("{member} in {role} by {}: {how}", name(by)));
            }
            for ((creator, what), to, by, privilege) in &dump.defaults {
                let (creator, to) = (name(creator), name(to));
                lines.insert(format!("default {creator} {what} {to} {privilege} by {}", name(by)));
            }
            lines
        };
        compare(&named(self), &named(other), "at the end of another way")
    }
}

fn compare(a: &BTreeSet<String>, b: &BTreeSet<String>, place: &str) -> Result<(), String> {
    if a == b {
        return Ok(());
    }
    let only = |a: &BTreeSet<String>, b| a.difference(b).cloned().collect::<Vec<_>>().join("\n  ");
    Err(format!("{place}: only here\n  {}\nonly there\n  {}", only(a, b), only(b, a)))
}

/// What the server's own functions say: (role, on what, privilege).
pub struct Access;

const ACCESS: &str = "
    with r as (select oid, rolname from pg_roles where oid >= 16384 and not rolsuper
               and rolname <> 'rolecall_lock'),
    c as (select c.oid, n.nspname||'.'||relname as what, relkind
          from pg_class c join pg_namespace n on n.oid = relnamespace
          where c.oid >= 16384 and relkind in ('r', 'v', 'm', 'S')),
    p as (select unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES',
                              'TRIGGER']) as p)
    select r.oid, 'relation '||what, p from r, c, p
    where relkind <> 'S' and has_table_privilege(r.oid, c.oid, p)
    union all
    select r.oid, 'column id of '||what, 'SELECT' from r, c
    where relkind <> 'S' and has_column_privilege(r.oid, c.oid, 'id', 'SELECT')
    union all
    select r.oid, 'relation '||what, p from r, c, unnest(array['SELECT', 'UPDATE', 'USAGE']) p
    where relkind = 'S' and has_sequence_privilege(r.oid, c.oid, p)
    union all
    select r.oid, 'function '||nspname||'.'||proname, 'EXECUTE'
    from r, pg_proc f join pg_namespace n on n.oid = pronamespace
    where f.oid >= 16384 and has_function_privilege(r.oid, f.oid, 'EXECUTE')
    union all
    select r.oid, 'schema '||nspname, p from r, pg_namespace n, unnest(array['USAGE', 'CREATE']) p
    where n.oid >= 16384 and has_schema_privilege(r.oid, n.oid, p)
    union all
    select r.oid, 'database', p from r, unnest(array['CONNECT', 'CREATE', 'TEMPORARY']) p
    where has_database_privilege(r.oid, current_database(), p)
    union all
    select r.oid, 'role '||s.rolname, p from r, r s, unnest(array['MEMBER', 'USAGE']) p
    where r.oid <> s.oid and pg_has_role(r.oid, s.oid, p)";

impl Access {
    pub async fn of(client: &Client) -> BTreeSet<(u32, String, String)> {
        let rows = client.query_typed(ACCESS, &[]).await.unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1), row.get(2))).collect()
    }
}

/// As [`usable`], one by one: see `sql::build_slowly`.
pub async fn usable_slowly(client: &Client, dump: &Dump) -> BTreeSet<(u32, String)> {
    let mut seen = BTreeSet::new();
    for (oid, (role, ..)) in dump.roles.iter().filter(|(oid, _)| **oid >= 16_384) {
        for (schema, relation) in
            SCHEMAS.iter().flat_map(|schema| RELATIONS.iter().map(move |it| (schema, it.0)))
        {
            let (role, from) = (q(role), format!("{}.{}", q(schema), q(relation)));
            let read = format!("set local role {role}; select * from {from}; set local role none");
            if attempted(client, &read).await {
                seen.insert((*oid, format!("{schema}.{relation}")));
            }
        }
    }
    seen
}

/// Which roles can read which relations: by reading them.
pub async fn usable(client: &Client) -> BTreeSet<(u32, String)> {
    let sql = "do $use$ declare r record; t record; seen text[] := '{}'; begin
        for r in select oid, rolname from pg_roles where oid >= 16384 and not rolsuper loop
          for t in select n.nspname, relname from pg_class c
                   join pg_namespace n on n.oid = relnamespace
                   where c.oid >= 16384 and relkind in ('r', 'v', 'm') loop
            begin
              execute format('set local role %I', r.rolname);
              execute format('select * from %I.%I', t.nspname, t.relname);
              seen := seen || (r.oid||' '||t.nspname||'.'||t.relname);
            exception when insufficient_privilege then null;
            end;
            set local role none;
          end loop;
        end loop;
        perform set_config('laws.seen', array_to_string(seen, E'\\n'), true);
      end $use$";
    client.batch_execute(sql).await.unwrap();
    let row = client.query_typed("select current_setting('laws.seen')", &[]).await.unwrap();
    let seen: String = row[0].get(0);
    let pair = |line: &str| {
        let (oid, what) = line.split_once(' ').unwrap();
        (oid.parse().unwrap(), what.to_owned())
    };
    seen.lines().map(pair).collect()
}
