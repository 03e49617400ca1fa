//! The catalog queries, as text. Each reads everything of its kind at once; `$1` is always the
//! OIDs of the roles of interest. Names are compared and sorted in Rust, by bytes.

use std::collections::BTreeSet;

use crate::model::ObjectClass;

/// What the server is and who we are on it.
pub(super) const SESSION: &str = "
    select current_setting('server_version_num')::int4, current_database()::text,
           current_user::text, coalesce(r.rolsuper, false), coalesce(r.rolcreaterole, false),
           d.oid, has_function_privilege('pg_control_system()', 'execute')
    from pg_database d left join pg_roles r on r.rolname = current_user
    where d.datname = current_database()";

/// Which history of the cluster this is: another one after a replica took over.
pub(super) const TIMELINE: &str = "select timeline_id from pg_control_checkpoint()";

/// The locks that all sessions together can hold at least.
pub(super) const LOCK_BUDGET: &str = "
    select current_setting('max_locks_per_transaction')::int8
         * (current_setting('max_connections')::int8
            + current_setting('max_prepared_transactions')::int8)";

/// Which of the roles in `$1` the session may act as by SET ROLE, which it has the rights of
/// anyway, and which are superusers. `member` is what SET ROLE asks for in this version.
pub(super) fn grantors(version: u32) -> String {
    let member = if version >= 160_000 { "SET" } else { "MEMBER" };
    format!(
        "select rolname::text, oid, pg_has_role(session_user, oid, '{member}'),
                pg_has_role(current_user, oid, 'USAGE'), rolsuper
         from pg_roles where rolname::text = any($1)"
    )
}

/// The tables among the relations named by `$1` (schemas) and `$2` (names) that we may lock.
pub(super) const LOCKABLE: &str = "
    select n.nspname::text, c.relname::text
    from unnest($1, $2) as wanted(schema, name)
    join pg_namespace n on n.nspname::text = wanted.schema
    join pg_class c on c.relnamespace = n.oid and c.relname::text = wanted.name
    where c.relkind in ('r', 'p') and has_schema_privilege(n.oid, 'USAGE')
      and has_table_privilege(c.oid, 'SELECT')";

/// Which of the schemas named by `$2` the role named by `$1` cannot get into.
pub(super) const CLOSED: &str = "
    select nspname::text from pg_namespace
    where nspname::text = any($2) and not has_schema_privilege($1::name, oid, 'USAGE')
    order by nspname::text collate \"C\"";

/// Who holds the cluster's lock, or this database's (`$1` is its key's halves).
pub(super) const HOLDER: &str = "
    select a.pid, coalesce(a.usename::text, '?'), coalesce(a.datname::text, '?'),
           coalesce(a.application_name, ''), coalesce(host(a.client_addr), ''),
           coalesce(to_char(a.xact_start, 'HH24:MI:SS'), '')
    from pg_locks l join pg_stat_activity a on a.pid = l.pid
    where l.granted and l.pid <> pg_backend_pid()
      and ((l.locktype = 'object' and l.classid = 'pg_authid'::regclass
            and l.objid = (select oid from pg_roles where rolname = 'rolecall_lock'))
        or (l.locktype = 'advisory' and l.objsubid = 1
            and l.database = (select oid from pg_database where datname = current_database())
            and (l.classid::int8 << 32) | l.objid::int8 = $1))
    order by 1 limit 1";

/// Memberships of and in, made by initdb and kept by its replicas.
pub(super) const SYSTEM: &str = "select system_identifier::text from pg_control_system()";

/// Every role, with its comment.
pub(super) const ROLES: &str = "
    select r.oid, r.rolname::text, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
           r.rolreplication, r.rolbypassrls, r.rolinherit, s.description
    from pg_roles r
    left join pg_shdescription s on s.objoid = r.oid and s.classoid = 'pg_authid'::regclass";

/// One catalog that has owners and access lists.
struct Source {
    /// Which one, in the result.
    tag: &'static str,
    from: &'static str,
    oid: &'static str,
    /// A code for the class where the catalog holds several.
    kind: &'static str,
    schema: &'static str,
    name: &'static str,
    /// The column's name, or the routine's argument types.
    part: &'static str,
    owner: &'static str,
    acl: &'static str,
    only: &'static str,
    /// First version that has it.
    since: u32,
}

/// Sorted as they come; `acl` of NULL means the built-in default, which names only the owner and
/// PUBLIC, so it never concerns a role that we look for.
const SOURCES: &[Source] = &[
    Source {
        tag: "database",
        from: "pg_database o",
        oid: "o.oid",
        kind: "''",
        schema: "null",
        name: "o.datname",
        part: "null",
        owner: "o.datdba",
        acl: "o.datacl",
        only: "o.datname = current_database()",
        since: 0,
    },
    Source {
        tag: "schema",
        from: "pg_namespace o",
        oid: "o.oid",
        kind: "''",
        schema: "o.nspname",
        name: "o.nspname",
        part: "null",
        owner: "o.nspowner",
        acl: "o.nspacl",
        only: "true",
        since: 0,
    },
    Source {
        tag: "relation",
        from: "pg_class o join pg_namespace n on n.oid = o.relnamespace",
        oid: "o.oid",
        kind: "o.relkind",
        schema: "n.nspname",
        name: "o.relname",
        part: "null",
        owner: "o.relowner",
        acl: "o.relacl",
        only: "o.relkind in ('r', 'p', 'v', 'm', 'f', 'S')",
        since: 0,
    },
    Source {
        tag: "column",
        from: "pg_attribute c join pg_class o on o.oid = c.attrelid
               join pg_namespace n on n.oid = o.relnamespace",
        oid: "o.oid",
        kind: "o.relkind",
        schema: "n.nspname",
        name: "o.relname",
        part: "c.attname",
        owner: "o.relowner",
        acl: "c.attacl",
        only: "c.attacl is not null and not c.attisdropped and o.relkind in ('r', 'p', 'v', 'm', 'f', 'S')",
        since: 0,
    },
    Source {
        tag: "routine",
        from: "pg_proc o join pg_namespace n on n.oid = o.pronamespace",
        oid: "o.oid",
        kind: "o.prokind",
        schema: "n.nspname",
        name: "o.proname",
        part: "coalesce((select string_agg(format_type(t.oid, null), ', ' order by t.at)
                from unnest(o.proargtypes::oid[]) with ordinality t(oid, at)), '')",
        owner: "o.proowner",
        acl: "o.proacl",
        only: "true",
        since: 0,
    },
    Source {
        tag: "type",
        from: "pg_type o join pg_namespace n on n.oid = o.typnamespace
               left join pg_class r on r.oid = o.typrelid",
        oid: "o.oid",
        kind: "''",
        schema: "n.nspname",
        name: "o.typname",
        part: "null",
        owner: "o.typowner",
        acl: "o.typacl",
        // Neither array types nor the row types of relations have a life of their own.
        only: "(o.typrelid = 0 or r.relkind = 'c') and not exists (
                 select from pg_type e where e.oid = o.typelem and e.typarray = o.oid)",
        since: 0,
    },
    Source {
        tag: "language",
        from: "pg_language o",
        oid: "o.oid",
        kind: "''",
        schema: "null",
        name: "o.lanname",
        part: "null",
        owner: "o.lanowner",
        acl: "o.lanacl",
        only: "true",
        since: 0,
    },
    Source {
        tag: "fdw",
        from: "pg_foreign_data_wrapper o",
        oid: "o.oid",
        kind: "''",
        schema: "null",
        name: "o.fdwname",
        part: "null",
        owner: "o.fdwowner",
        acl: "o.fdwacl",
        only: "true",
        since: 0,
    },
    Source {
        tag: "server",
        from: "pg_foreign_server o",
        oid: "o.oid",
        kind: "''",
        schema: "null",
        name: "o.srvname",
        part: "null",
        owner: "o.srvowner",
        acl: "o.srvacl",
        only: "true",
        since: 0,
    },
    Source {
        tag: "large_object",
        from: "pg_largeobject_metadata o",
        oid: "o.oid",
        kind: "''",
        schema: "null",
        name: "o.oid::text",
        part: "null",
        owner: "o.lomowner",
        acl: "o.lomacl",
        only: "true",
        since: 0,
    },
    Source {
        tag: "tablespace",
        from: "pg_tablespace o",
        oid: "o.oid",
        kind: "''",
        schema: "null",
        name: "o.spcname",
        part: "null",
        owner: "o.spcowner",
        acl: "o.spcacl",
        only: "true",
        since: 0,
    },
    Source {
        tag: "parameter",
        from: "pg_parameter_acl o",
        oid: "o.oid",
        kind: "''",
        schema: "null",
        name: "o.parname",
        part: "null",
        // Parameters belong to the bootstrap superuser.
        owner: "10::oid",
        acl: "o.paracl",
        only: "true",
        since: 150_000,
    },
];

/// Every object that has an access list, or that a role of interest owns, with the list as the
/// server prints it.
///
/// What initdb made belongs to the bootstrap superuser and is not listed as owned.
pub(super) fn objects(version: u32) -> String {
    let mut sql = String::new();
    for source in SOURCES.iter().filter(|source| source.since <= version) {
        let Source { tag, from, oid, kind, schema, name, part, owner, acl, only, since: _ } =
            source;
        if !sql.is_empty() {
            sql.push_str("\nunion all\n");
        }
        let owned = if matches!(*tag, "column" | "parameter") {
            "false".to_owned()
        } else {
            format!("({owner} = any($1) and not ({owner} = 10 and {oid} < 16384))")
        };
        // Temporary objects are a session's, and gone with it.
        let lasting = match *schema {
            "null" => String::new(),
            schema => format!(" and {schema} !~ '^pg_(toast_)?temp_'"),
        };
        sql.push_str(&format!(
            "select '{tag}', {oid}, {kind}::text, {schema}::text, {name}::text, {part}::text,
                    {owner}, {owned}, coalesce({acl}::text[], '{{}}')
             from {from}
             where ({only}) and ({acl} is not null or {owned}){lasting}"
        ));
    }
    sql
}

/// Every object that one of the roles owns, in the columns of [`objects`], without access lists.
pub(super) fn owned(version: u32) -> String {
    let mut sql = String::new();
    for source in SOURCES.iter().filter(|source| source.since <= version) {
        let Source { tag, from, oid, kind, schema, name, part, owner, acl: _, only, since: _ } =
            source;
        // A column has its relation's owner.
        if *tag == "column" {
            continue;
        }
        if !sql.is_empty() {
            sql.push_str("\nunion all\n");
        }
        sql.push_str(&format!(
            "select '{tag}', {oid}, {kind}::text, {schema}::text, {name}::text, {part}::text,
                    {owner}, true, '{{}}'::text[]
             from {from} where ({only}) and {owner} = any($1)"
        ));
    }
    sql
}

/// Every object of these classes, in the columns of [`owned`]: in the schemas `$1` where it stands
/// in one. Nothing where no class is a catalog's.
pub(super) fn listed(version: u32, classes: &BTreeSet<ObjectClass>) -> Option<String> {
    let mut parts = Vec::new();
    for source in SOURCES.iter().filter(|source| source.since <= version) {
        let Source { tag, from, oid, kind, schema, name, part, owner, acl: _, only, since: _ } =
            source;
        let wanted = match *tag {
            "database" => classes.contains(&ObjectClass::Database),
            "schema" => classes.contains(&ObjectClass::Schema),
            "relation" => classes.contains(&ObjectClass::Sequence),
            "routine" => {
                classes.contains(&ObjectClass::Function)
                    || classes.contains(&ObjectClass::Procedure)
            }
            "type" => classes.contains(&ObjectClass::Type),
            "language" => classes.contains(&ObjectClass::Language),
            "fdw" => classes.contains(&ObjectClass::ForeignDataWrapper),
            "server" => classes.contains(&ObjectClass::ForeignServer),
            "large_object" => classes.contains(&ObjectClass::LargeObject),
            "tablespace" => classes.contains(&ObjectClass::Tablespace),
            _ => false,
        };
        if !wanted {
            continue;
        }
        let only = if *tag == "relation" { "o.relkind = 'S'" } else { only };
        let here =
            if *schema == "null" { "true".to_owned() } else { format!("{schema}::text = any($1)") };
        parts.push(format!(
            "select '{tag}', {oid}, {kind}::text, {schema}::text, {name}::text, {part}::text, {owner}
             from {from} where ({only}) and {here}"
        ));
    }
    // Whatever the server can be told to set; those that nobody was given are in no list of rights.
    if classes.contains(&ObjectClass::Parameter) && version >= 150_000 {
        parts.push(
            "select 'parameter', 0::oid, ''::text, null::text, lower(s.name)::text, null::text,
                    10::oid
             from pg_settings s where s.context in ('superuser', 'superuser-backend', 'sighup',
                                                    'postmaster', 'user', 'backend')"
                .to_owned(),
        );
    }
    (!parts.is_empty()).then(|| parts.join("\nunion all\n"))
}

/// All memberships. Options came with PostgreSQL 16; before, being a member gave SET, and the
/// member's own INHERIT attribute decided the other.
pub(super) fn all_memberships(version: u32) -> String {
    let options = match version >= 160_000 {
        true => "m.inherit_option, m.set_option",
        false => "coalesce(r.rolinherit, true), true",
    };
    format!(
        "select m.roleid, m.member, m.grantor, m.admin_option, {options}
         from pg_auth_members m left join pg_roles r on r.oid = m.member"
    )
}

/// Memberships of and in the roles of interest, and from 16 on those that hang on their admin
/// option.
pub(super) fn memberships(version: u32) -> String {
    let let_in = if version >= 160_000 { " or m.grantor = any($1)" } else { "" };
    format!("{} where m.roleid = any($1) or m.member = any($1){let_in}", all_memberships(version))
}

/// Memberships between roles that are not of interest: what one of ours could close a circle with.
pub(super) const OTHER_MEMBERSHIPS: &str = "
    select distinct m.roleid, m.member from pg_auth_members m
    where m.roleid <> all($1) and m.member <> all($1)";

/// Default privileges for the roles of interest. A creator's own entry is implicit.
pub(super) const DEFAULTS: &str = "
    select d.defaclrole, n.nspname::text, d.defaclobjtype::text, a.grantee, a.privilege_type,
           a.is_grantable
    from pg_default_acl d
    left join pg_namespace n on n.oid = d.defaclnamespace
    cross join lateral aclexplode(d.defaclacl) a
    where a.grantee = any($1) and a.grantee <> d.defaclrole";

/// The relations of the schemas looked at (`$1` is their names here).
pub(super) const RELATIONS: &str = "
    select o.oid, o.relkind::text, n.nspname::text, o.relname::text, o.relowner
    from pg_class o join pg_namespace n on n.oid = o.relnamespace
    where n.nspname::text = any($1) and o.relkind in ('r', 'p', 'v', 'm', 'f')";

/// The sequences that belong to a column, and its table: `serial` (a) and identity (i).
pub(super) const FOLLOWS: &str = "
    select n.nspname::text, s.relname::text, tn.nspname::text, t.relname::text
    from pg_depend d
    join pg_class s on s.oid = d.objid and s.relkind = 'S'
    join pg_namespace n on n.oid = s.relnamespace
    join pg_class t on t.oid = d.refobjid
    join pg_namespace tn on tn.oid = t.relnamespace
    where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass
      and d.objsubid = 0 and d.refobjsubid > 0 and d.deptype in ('a', 'i')
      and n.nspname !~ '^pg_(toast_)?temp_'";

/// The schemas that exist, without the server's own temporary ones.
pub(super) const SCHEMAS: &str = "
    select nspname::text from pg_namespace
    where nspname !~ '^pg_(toast|temp_|toast_temp_)'";

/// Whatever else the server knows to depend on the roles of interest: what no other query here
/// reads. `$2` is the connected database's OID.
pub(super) fn other_uses(version: u32) -> String {
    // From 16 on the grantor of a membership is recorded here too.
    let memberships =
        if version >= 160_000 { "d.classid = 'pg_auth_members'::regclass" } else { "false" };
    let parameters = if version >= 150_000 { ", 'pg_parameter_acl'::regclass" } else { "" };
    format!(
        "select d.refobjid, d.deptype::text,
                coalesce(pg_describe_object(d.classid, d.objid, d.objsubid), '')
         from pg_shdepend d
         where d.refclassid = 'pg_authid'::regclass and d.refobjid = any($1)
           and d.dbid in (0, $2)
           and not (d.classid = 'pg_database'::regclass and d.objid <> $2)
           and not (d.deptype in ('a', 'o') and d.classid in (
                 'pg_database'::regclass, 'pg_namespace'::regclass, 'pg_proc'::regclass,
                 'pg_language'::regclass, 'pg_foreign_data_wrapper'::regclass,
                 'pg_foreign_server'::regclass, 'pg_largeobject'::regclass,
                 'pg_tablespace'::regclass, 'pg_type'::regclass{parameters}))
           and not (d.deptype in ('a', 'o') and d.classid = 'pg_class'::regclass
                    and not exists (
                      select from pg_class c where c.oid = d.objid
                      and c.relkind not in ('r', 'p', 'v', 'm', 'f', 'S')))
           and not (d.deptype = 'a' and d.classid = 'pg_default_acl'::regclass)
           and not (d.deptype = 'o' and d.classid = 'pg_default_acl'::regclass
                    -- All that a creator's defaults give is read above, so they are no secret.
                    and (select bool_and(a.grantee = l.defaclrole or a.grantee = any($1))
                                and bool_or(a.grantee <> l.defaclrole)
                         from pg_default_acl l cross join lateral aclexplode(l.defaclacl) a
                         where l.oid = d.objid) is true)
           and not ({memberships})"
    )
}

/// How much of other databases, and which other databases themselves, name the roles of interest.
pub(super) const ELSEWHERE: &str = "
    select d.refobjid, count(*)
    from pg_shdepend d
    where d.refclassid = 'pg_authid'::regclass and d.refobjid = any($1)
      and (d.dbid not in (0, $2) or (d.classid = 'pg_database'::regclass and d.objid <> $2))
    group by d.refobjid";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_only_where_the_server_has_them() {
        assert!(!objects(140_000).contains("pg_parameter_acl"));
        assert!(objects(150_000).contains("pg_parameter_acl"));
        assert!(!memberships(150_000).contains("set_option"));
        assert!(memberships(160_000).contains("set_option"));
    }
}
