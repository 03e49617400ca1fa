{#
  Which grants the hooks make on Snowflake. The statements themselves come from snowflake.sql, as
  the command's do. After a model everything is granted, which changes nothing where it is there:
  asking would cost as much. There is no transaction over several statements: where dbt replaces a table
  without `copy_grants`, its readers wait for the hook.
#}

{#- The words of GRANT for the classes that dbt makes. -#}
{%- macro snowflake__rolecall_hook_class(one) -%}
  {%- if one.iceberg -%}
    {%- do return(['iceberg_table', 'ICEBERG TABLE']) -%}
  {%- endif -%}
  {%- do return({
    'view': ['view', 'VIEW'],
    'materialized_view': ['materialized_view', 'MATERIALIZED VIEW'],
    'dynamic_table': ['dynamic_table', 'DYNAMIC TABLE'],
    'external': ['external_table', 'EXTERNAL TABLE'],
  }.get(one.materialized, ['table', 'TABLE'])) -%}
{%- endmacro -%}

{#- A name as SHOW GRANTS has it, but for quotes: what is not quoted is in capitals. -#}
{%- macro snowflake__rolecall_hook_name(text) -%}
  {%- do return(text.replace('"', '') if '"' in text else text.upper()) -%}
{%- endmacro -%}

{#- Whether the role that runs dbt may grant there: as the owner, as far as can be asked. -#}
{%- macro snowflake__rolecall_hook_may(kind, place) -%}
  {%- set me = run_query('select current_role()').rows[0][0] -%}
  {%- for row in run_query('show grants on ' ~ kind ~ ' ' ~ place).rows if row['privilege'] == 'OWNERSHIP' and row['grantee_name'] == me -%}
    {%- do return(true) -%}
  {%- endfor -%}
  {%- do return(false) -%}
{%- endmacro -%}

{%- macro snowflake__rolecall_hook_plan(here, wanted, way) -%}
  {%- set grant = adapter.dispatch('rolecall_grant', 'rolecall') -%}
  {%- set statements, problems, names = [], [], [] -%}
  {%- for one in wanted -%}
    {%- for row in one.rows -%}{%- do names.extend(row[2]) -%}{%- endfor -%}
  {%- endfor -%}
  {%- set names = names | unique(true) | sort | list -%}
  {%- set comments = {} -%}
  {%- for name in names -%}
    {#- LIKE knows no case and has wildcards: of what it finds, only the very name counts. -#}
    {%- set like = name | replace('\\', '\\\\\\\\') | replace("'", "''") -%}
    {%- for found in run_query("show roles like '" ~ like ~ "'").rows if found['name'] == name -%}
      {%- do comments.update({name: found['comment']}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set roles = rolecall.rolecall_hook_roles(here, names, comments, problems) -%}
  {#- At the end of a run the post-hooks have granted most of it: one question for each role. -#}
  {%- set has = {} -%}
  {%- for name, quoted in roles.items() if way -%}
    {%- for row in run_query('show grants to role ' ~ quoted).rows -%}
      {%- do has.update({(name, row['privilege'], row['name'].replace('"', '')): true}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set places = {} -%}
  {%- for one in wanted -%}
    {%- set class = rolecall.snowflake__rolecall_hook_class(one) -%}
    {%- set on = rolecall.snowflake__rolecall_hook_name(one.relation) -%}
    {%- for row in one.rows if class[0] in row[0] -%}
      {%- for name in row[2] if name in roles -%}
        {%- set lacks = [] -%}
        {%- for privilege in row[1] if (name, privilege, on) not in has -%}
          {%- do lacks.append(privilege) -%}
        {%- endfor -%}
        {%- if lacks -%}
          {%- do statements.append(grant(lacks, class[1], one.relation, roles[name])) -%}
        {%- endif -%}
        {%- do places.setdefault(('DATABASE', one.place.include(schema=false) | string), {}).update({name: true}) -%}
        {%- do places.setdefault(('SCHEMA', one.place | string), {}).update({name: true}) -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- for place, users in places.items() if way -%}
    {%- set on = rolecall.snowflake__rolecall_hook_name(place[1]) -%}
    {%- set who = [] -%}
    {%- for name in users if (name, 'USAGE', on) not in has -%}
      {%- do who.append(name) -%}
    {%- endfor -%}
    {%- if who and rolecall.snowflake__rolecall_hook_may(place[0], place[1]) -%}
      {%- for name in who -%}
        {%- do statements.append(grant(['USAGE'], place[0], place[1], roles[name])) -%}
      {%- endfor -%}
    {%- elif who -%}
      {%- do problems.append('the role that runs dbt may not grant USAGE on the ' ~ place[0].lower() ~ ' ' ~ place[1] ~ ', which is not its own: run `rolecall apply`') -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do return({'statements': statements, 'problems': problems}) -%}
{%- endmacro -%}
