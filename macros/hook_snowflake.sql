{#
  Which grants the hooks make on Snowflake. The statements themselves come from snowflake.sql, as
  the command's do. A grant that is there already is granted again, which changes nothing: asking
  would cost more. There is no transaction over several statements: where dbt replaces a table
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

{%- macro snowflake__rolecall_hook_plan(here, wanted, way) -%}
  {%- set grant = adapter.dispatch('rolecall_grant', 'rolecall') -%}
  {%- set statements, problems, names = [], [], [] -%}
  {%- for one in wanted -%}
    {%- for row in one.rows -%}{%- do names.extend(row[2]) -%}{%- endfor -%}
  {%- endfor -%}
  {%- set comments = {} -%}
  {%- for name in names | unique(true) | sort -%}
    {#- LIKE knows no case and has wildcards: of what it finds, only the very name counts. -#}
    {%- set like = name | replace('\\', '\\\\\\\\') | replace("'", "''") | replace('_', '\\\\_') | replace('%', '\\\\%') -%}
    {%- for found in run_query("show roles like '" ~ like ~ "'").rows if found['name'] == name -%}
      {%- do comments.update({name: found['comment']}) -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- set roles = rolecall.rolecall_hook_roles(here, names | unique(true) | sort | list, comments, problems) -%}
  {%- set schemas, databases = {}, {} -%}
  {%- for one in wanted -%}
    {%- set class = rolecall.snowflake__rolecall_hook_class(one) -%}
    {%- for row in one.rows if class[0] in row[0] -%}
      {%- for name in row[2] if name in roles -%}
        {%- do statements.append(grant(row[1], class[1], one.relation, roles[name])) -%}
        {%- do schemas.update({(one.place | string, name): roles[name]}) -%}
        {%- do databases.update({(one.place.include(schema=false) | string, name): roles[name]}) -%}
      {%- endfor -%}
    {%- endfor -%}
  {%- endfor -%}
  {%- if way -%}
    {%- for place, role in databases.items() -%}
      {%- do statements.append(grant(['USAGE'], 'DATABASE', place[0], role)) -%}
    {%- endfor -%}
    {%- for place, role in schemas.items() -%}
      {%- do statements.append(grant(['USAGE'], 'SCHEMA', place[0], role)) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- do return({'statements': statements, 'problems': problems}) -%}
{%- endmacro -%}
