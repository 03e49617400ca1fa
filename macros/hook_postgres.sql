{#
  What the hooks ask PostgreSQL, and which grants are missing. The statements themselves come from
  postgres.sql, as the command's do. Every function and catalog is named with its schema: this is
  dbt's session, with dbt's search_path.
#}

{#- Right under either setting of `standard_conforming_strings`. -#}
{%- macro postgres__rolecall_hook_literal(text) -%}
E'{{ text | replace('\\', '\\\\') | replace("'", "''") }}'
{%- endmacro -%}

{#-
  Everything that is to be known, in one query: the roles' comments, and of each relation, its
  schema and the database what the roles have there, and whether dbt's role may grant there.
-#}
{%- macro postgres__rolecall_hook_look(relations, roles) -%}
with wanted (place, relation) as (
  values {% for relation in relations %}({{ loop.index0 }}, pg_catalog.to_regclass({{ rolecall.postgres__rolecall_hook_literal(relation) }})){% if not loop.last %}, {% endif %}{% endfor %}
),
role as (
  select oid, rolname, pg_catalog.shobj_description(oid, 'pg_authid') as comment
  from pg_catalog.pg_roles
  where rolname in ({% for role in roles %}{{ rolecall.postgres__rolecall_hook_literal(role) }}{% if not loop.last %}, {% endif %}{% endfor %})
),
relation as (
  select w.place, c.relkind, c.relname, c.relowner, c.relnamespace,
    coalesce(c.relacl, pg_catalog.acldefault('r', c.relowner)) as acl,
    c.xmin::text = (pg_catalog.pg_current_xact_id_if_assigned()::text::numeric % 4294967296)::text as ours
  from wanted w join pg_catalog.pg_class c on c.oid = w.relation
),
schema as (
  select n.oid, n.nspname, n.nspowner,
    coalesce(n.nspacl, pg_catalog.acldefault('n', n.nspowner)) as acl
  from pg_catalog.pg_namespace n
  where n.oid in (select relnamespace from relation)
),
base as (
  select d.datname, d.datdba, coalesce(d.datacl, pg_catalog.acldefault('d', d.datdba)) as acl
  from pg_catalog.pg_database d
  where d.datname = pg_catalog.current_database()
)
select pg_catalog.json_build_object(
  'roles', (select pg_catalog.json_object_agg(rolname, comment) from role),
  'relations', (
    select pg_catalog.json_object_agg(r.place, pg_catalog.json_build_object(
      'kind', r.relkind,
      'name', pg_catalog.format('"%s"."%s"', pg_catalog.replace(s.nspname, '"', '""'), pg_catalog.replace(r.relname, '"', '""')),
      'schema', s.nspname,
      'may', pg_catalog.pg_has_role(r.relowner, 'USAGE'),
      'ours', r.ours,
      'has', (
        select pg_catalog.json_agg(pg_catalog.json_build_array(role.rolname, a.privilege_type))
        from pg_catalog.aclexplode(r.acl) a join role on role.oid = a.grantee
      )
    ))
    from relation r join schema s on s.oid = r.relnamespace
  ),
  'schemas', (
    select pg_catalog.json_object_agg(s.nspname, pg_catalog.json_build_object(
      'name', pg_catalog.format('"%s"', pg_catalog.replace(s.nspname, '"', '""')),
      'may', pg_catalog.pg_has_role(s.nspowner, 'USAGE'),
      'has', (
        select pg_catalog.json_agg(role.rolname)
        from pg_catalog.aclexplode(s.acl) a join role on role.oid = a.grantee
        where a.privilege_type = 'USAGE'
      )
    ))
    from schema s
  ),
  'database', (
    select pg_catalog.json_build_object(
      'name', pg_catalog.format('"%s"', pg_catalog.replace(b.datname, '"', '""')),
      'may', pg_catalog.pg_has_role(b.datdba, 'USAGE'),
      'has', (
        select pg_catalog.json_agg(role.rolname)
        from pg_catalog.aclexplode(b.acl) a join role on role.oid = a.grantee
        where a.privilege_type = 'CONNECT'
      ),
      'everyone', exists (
        select from pg_catalog.aclexplode(b.acl) a
        where a.grantee = 0 and a.privilege_type = 'CONNECT'
      )
    )
    from base b
  )
)::text as seen
{%- endmacro -%}

{#- Grants that are missing on each relation; with `way`, those on schemas and the database too. -#}
{%- macro postgres__rolecall_hook_plan(here, wanted, way) -%}
  {%- set grant = adapter.dispatch('rolecall_grant', 'rolecall') -%}
  {%- set statements, problems, names, relations = [], [], [], [] -%}
  {%- for one in wanted -%}
    {%- do relations.append(one.relation) -%}
    {%- for row in one.rows -%}{%- do names.extend(row[2]) -%}{%- endfor -%}
  {%- endfor -%}
  {%- set names = names | unique(true) | sort | list -%}
  {%- call statement('rolecall_look', fetch_result=true, auto_begin=false) -%}
    {{ rolecall.postgres__rolecall_hook_look(relations, names) }}
  {%- endcall -%}
  {%- set seen = fromjson(load_result('rolecall_look')['data'][0][0]) -%}
  {%- set roles = rolecall.rolecall_hook_roles(here, names, seen.roles or {}, problems) -%}
  {%- set classes = {'r': 'table', 'p': 'table', 'v': 'view', 'm': 'materialized_view', 'f': 'foreign_table'} -%}
  {%- set users = {} -%}
  {%- for one in wanted -%}
    {%- set relation = (seen.relations or {}).get(loop.index0 | string) -%}
    {%- set missing = {} -%}
    {%- for row in one.rows if relation and classes.get(relation.kind) in row[0] -%}
      {%- for name in row[2] if name in roles -%}
        {%- do users.setdefault(relation.schema, {}).update({name: true}) -%}
        {%- set lacks = [] -%}
        {%- for privilege in row[1] if [name, privilege] not in (relation.has or []) -%}
          {%- do lacks.append(privilege) -%}
        {%- endfor -%}
        {%- if lacks -%}
          {%- do missing.setdefault(lacks | join(', '), [lacks, []])[1].append(roles[name]) -%}
        {%- endif -%}
      {%- endfor -%}
    {%- endfor -%}
    {%- if missing and not relation.may -%}
      {%- do problems.append('the role that runs dbt may not grant on ' ~ one.relation ~ ', which is not its own: run `rolecall apply`') -%}
    {%- else -%}
      {%- for lacks, who in missing.values() -%}
        {%- do statements.append(grant(lacks, [], 'TABLE', [relation.name], who)) -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endfor -%}
  {#-
    What this transaction has made or renamed, nobody else can touch. Where a table stays, a
    `rolecall apply` may be granting at this moment, and the later of the two would fail; to wait
    for it could be to wait for each other.
  -#}
  {%- if statements and not way and not seen.relations['0'].ours -%}
    {%- call statement('rolecall_free', fetch_result=true, auto_begin=false) -%}
      select pg_catalog.pg_try_advisory_xact_lock_shared(8245928625453493356)
    {%- endcall -%}
    {%- if not load_result('rolecall_free')['data'][0][0] -%}
      {%- do statements.clear() -%}
      {%- do problems.append('a `rolecall apply` is running: ' ~ wanted[0].relation ~ ' gets what it lacks from there, or from the next run') -%}
    {%- endif -%}
  {%- endif -%}
  {%- if way and users -%}
    {%- set everybody = {} -%}
    {%- for schema in users | sort -%}
      {%- set place = seen.schemas[schema] -%}
      {%- set who = [] -%}
      {%- for name in users[schema] | sort -%}
        {%- do everybody.update({name: true}) -%}
        {%- if name not in (place.has or []) -%}{%- do who.append(roles[name]) -%}{%- endif -%}
      {%- endfor -%}
      {%- if who and place.may -%}
        {%- do statements.append(grant(['USAGE'], [], 'SCHEMA', [place.name], who)) -%}
      {%- elif who -%}
        {%- do problems.append('the role that runs dbt may not grant USAGE on the schema ' ~ schema ~ ', which is not its own: run `rolecall apply`') -%}
      {%- endif -%}
    {%- endfor -%}
    {%- set who = [] -%}
    {%- for name in everybody | sort if name not in (seen.database.has or []) -%}
      {%- do who.append(roles[name]) -%}
    {%- endfor -%}
    {%- if who and seen.database.may -%}
      {%- do statements.append(grant(['CONNECT'], [], 'DATABASE', [seen.database.name], who)) -%}
    {%- elif who and not seen.database.everyone -%}
      {%- do problems.append('the role that runs dbt may not grant CONNECT on the database, which is not its own: run `rolecall apply`') -%}
    {%- endif -%}
  {%- endif -%}
  {%- do return({'statements': statements, 'problems': problems}) -%}
{%- endmacro -%}

{#-
  In one transaction, after the lock that `rolecall apply` takes first in this database: two runs
  that end at once would fail on one schema's row. What is missing is asked again under it.
-#}
{%- macro postgres__rolecall_hook_locked(here, wanted, plan) -%}
  {%- call statement('rolecall_lock', auto_begin=true) -%}
    select pg_catalog.pg_advisory_xact_lock(8245928625453493356)
  {%- endcall -%}
  {%- set plan = adapter.dispatch('rolecall_hook_plan', 'rolecall')(here, wanted, true) -%}
  {%- do rolecall.rolecall_hook_run(plan.statements) -%}
  {%- do adapter.commit() -%}
  {%- do return(plan) -%}
{%- endmacro -%}
