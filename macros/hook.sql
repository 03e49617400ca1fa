{#
  The dbt hooks. They run in dbt alone (the command does not carry this file), in dbt's own
  connection, with dbt's own rights, and only ever grant.

    models:  +post-hook: "{{ rolecall.grant_this() }}"
    on-run-end: "{{ rolecall.apply_access(results) }}"

  What is granted stands in the macro `rolecall_access` of the project, which
  `rolecall compile --format dbt` writes. It is reached through `execute` and `context`, so that no
  model depends on it: a change of access marks no model as modified.
#}

{#- For a model, seed or snapshot: grants on its relation, inside the transaction that made it. -#}
{%- macro grant_this() -%}
  {%- if execute -%}
    {%- set here = rolecall.rolecall_hook_here() -%}
    {%- set problems = [] -%}
    {%- if here.why -%}
      {%- do problems.append(here.why) -%}
    {%- elif here.environment.hook -%}
      {%- set rows = rolecall.rolecall_hook_rows(here, model.unique_id) -%}
      {%- if rows -%}
        {%- set wanted = [rolecall.rolecall_hook_wanted(model, this, rows)] -%}
        {%- set plan = adapter.dispatch('rolecall_hook_plan', 'rolecall')(here, wanted, false) -%}
        {%- do rolecall.rolecall_hook_run(plan.statements) -%}
        {%- do problems.extend(plan.problems) -%}
      {%- endif -%}
    {%- endif -%}
    {%- do rolecall.rolecall_hook_warn(problems, rolecall.rolecall_hook_ends_the_run()) -%}
  {%- endif -%}
{%- endmacro -%}

{#-
  At the end of a run: what the nodes just built still lack, and the way to them (on PostgreSQL
  USAGE on the schema and CONNECT on the database). Once and not per thread, since two sessions that
  grant on one schema at the same time fail. Without results (`dbt run-operation
  rolecall.apply_access`), for every node of the project that is in the warehouse.
-#}
{%- macro apply_access(results=none) -%}
  {%- if execute -%}
    {%- set here = rolecall.rolecall_hook_here() -%}
    {%- set problems = [] -%}
    {%- if here.why -%}
      {%- do problems.append(here.why) -%}
    {%- elif not here.environment.hook -%}
      {%- do log('rolecall: the hooks grant nothing in ' ~ here.name ~ ': it is protected, says `hook: false`, or has roles of databases (`role_kind`)', info=true) -%}
    {%- else -%}
      {%- set grants = fromjson(here.text)['grants'] -%}
      {%- set wanted = [] -%}
      {%- for id in rolecall.rolecall_hook_built(results) -%}
        {%- set node = graph.nodes.get(id) -%}
        {%- set rows = grants.get(here.name ~ ' ' ~ id) -%}
        {%- if node and node.relation_name and rows -%}
          {%- do wanted.append(rolecall.rolecall_hook_wanted(node, node.relation_name, rows)) -%}
        {%- endif -%}
      {%- endfor -%}
      {%- if wanted -%}
        {%- set plan = adapter.dispatch('rolecall_hook_plan', 'rolecall')(here, wanted, true) -%}
        {%- if plan.statements -%}
          {%- set plan = adapter.dispatch('rolecall_hook_locked', 'rolecall')(here, wanted, plan) -%}
          {%- do log('rolecall: granted what was missing in ' ~ here.name ~ ', with ' ~ plan.statements | length ~ ' statements', info=true) -%}
          {%- do problems.extend(plan.problems) -%}
        {%- else -%}
          {%- do problems.extend(plan.problems) -%}
        {%- endif -%}
      {%- endif -%}
    {%- endif -%}
    {%- do rolecall.rolecall_hook_warn(problems, false) -%}
  {%- endif -%}
{%- endmacro -%}

{#-
  The environment of this run's target, or `why` nothing can be granted. The compiled text has a
  line for each thing, so that a model need not read the whole.
-#}
{%- macro rolecall_hook_here() -%}
  {%- set again = ': run `rolecall compile --format dbt`' -%}
  {#- The project's own macro before anybody else's: a package may not bring the answer. -#}
  {%- set own = context.get(project_name) -%}
  {%- set access = own.get('rolecall_access') if own is mapping else context.get('rolecall_access') -%}
  {%- if not access -%}
    {%- do return({'why': 'there is no macro rolecall_access in the project ' ~ project_name ~ again}) -%}
  {%- endif -%}
  {%- set text = access().strip() -%}
  {%- set head = fromjson(text.split('\n', 1)[0].rstrip(',') ~ '}', {}) -%}
  {%- if head.get('version') != 1 -%}
    {%- do return({'why': 'the macro rolecall_access is of another version than this package' ~ again}) -%}
  {%- endif -%}
  {%- set name = head.targets.get(target.name) -%}
  {%- if not name -%}
    {%- do return({'why': 'no environment is compiled for the dbt target ' ~ target.name ~ again}) -%}
  {%- endif -%}
  {%- set environment = fromjson(text.split('\n"environments":{', 1)[1].split('\n"' ~ name ~ '":', 1)[1].split('\n', 1)[0].rstrip(',')) -%}
  {%- if environment.dialect != target.type -%}
    {%- do return({'why': name ~ ' is compiled for ' ~ environment.dialect ~ ', and this is ' ~ target.type}) -%}
  {%- endif -%}
  {#- Names of roles that hold a `target.*` value are right for that value alone. -#}
  {%- for part, value in environment['values'].items() -%}
    {%- set now = target.get(part) or (target.get('dbname') if part == 'database') -%}
    {%- if now != value -%}
      {%- do return({'why': 'the roles of ' ~ name ~ ' are compiled for target.' ~ part ~ ' ' ~ value ~ ', and this run has ' ~ now}) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do return({'why': none, 'name': name, 'environment': environment, 'deployment': head.deployment, 'text': text}) -%}
{%- endmacro -%}

{#- A node's rows: classes of relations, privileges, roles. -#}
{%- macro rolecall_hook_rows(here, unique_id) -%}
  {%- set key = '\n' ~ tojson(here.name ~ ' ' ~ unique_id).replace('{', '\\u007b') ~ ':' -%}
  {%- set parts = here.text.split(key, 1) -%}
  {%- do return(fromjson(parts[1].split('\n', 1)[0].rstrip(',')) if parts | length == 2 else []) -%}
{%- endmacro -%}

{#- Of a node in dbt's graph: its relation as dbt writes it, under whatever schema this run has. -#}
{%- macro rolecall_hook_wanted(node, relation, rows) -%}
  {%- do return({
    'relation': relation | string,
    'place': api.Relation.create(database=node.database, schema=node.schema).without_identifier(),
    'materialized': node.config.materialized,
    'iceberg': node.config.get('table_format') == 'iceberg',
    'rows': rows,
  }) -%}
{%- endmacro -%}

{#- Nodes that this run has built, by what dbt says of each; failed and skipped ones are not touched. -#}
{%- macro rolecall_hook_built(results) -%}
  {%- set built = [] -%}
  {%- if results is none -%}
    {%- for id, node in graph.nodes.items() if node.resource_type in ['model', 'seed', 'snapshot'] -%}
      {%- do built.append(id) -%}
    {%- endfor -%}
  {%- else -%}
    {%- for result in results if result.node and result.status == 'success' -%}
      {%- do built.append(result.node.unique_id) -%}
    {%- endfor -%}
  {%- endif -%}
  {%- do return(built) -%}
{%- endmacro -%}

{#-
  The roles that may be granted to: those of the compiled file whose comment, in the warehouse, is
  exactly the marker of this product role. `comments` has what was found, by name.
-#}
{%- macro rolecall_hook_roles(here, names, comments, problems) -%}
  {%- set roles = {} -%}
  {%- for name in names -%}
    {%- set role = here.environment.roles[name] -%}
    {%- if name not in comments -%}
      {%- do problems.append('there is no role ' ~ name ~ ': run `rolecall apply`') -%}
    {%- elif rolecall.rolecall_hook_is_ours(here, role, comments[name]) -%}
      {%- do roles.update({name: role.quoted}) -%}
    {%- else -%}
      {%- do problems.append('the role ' ~ name ~ ' does not bear the marker of ' ~ role.product ~ '.' ~ role.role ~ ' in ' ~ here.name ~ ', so that nothing is granted to it: run `rolecall apply`') -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do return(roles) -%}
{%- endmacro -%}

{%- macro rolecall_hook_is_ours(here, role, comment) -%}
  {#- Nesting without end is no marker, and would stop the reader of JSON. -#}
  {%- if not comment or not comment.startswith('rolecall:1 ') or comment.count('[') + comment.count('{') > 100 -%}
    {%- do return(false) -%}
  {%- endif -%}
  {%- set marker = fromjson(comment.split(' ', 1)[1], none) -%}
  {%- if marker is not mapping -%}
    {%- do return(false) -%}
  {%- endif -%}
  {%- for key in marker if key not in ['deployment', 'environment', 'instance', 'product', 'role', 'immutable'] -%}
    {%- do return(false) -%}
  {%- endfor -%}
  {%- do return(
    marker.get('deployment') == here.deployment
    and marker.get('environment') == here.name
    and marker.get('instance') == here.environment.get('instance')
    and marker.get('product') == role.product
    and marker.get('role') == role.role
  ) -%}
{%- endmacro -%}

{#- One by one, in the connection and the transaction that dbt has open. -#}
{%- macro rolecall_hook_run(statements) -%}
  {%- for sql in statements -%}
    {%- call statement('rolecall_grant', auto_begin=false) -%}{{ sql }}{%- endcall -%}
  {%- endfor -%}
{%- endmacro -%}

{#-
  Each problem once, as a warning of dbt's: with `--warn-error` it is an error, as everything that
  dbt warns about is. `quiet` where the end of the run says it for all nodes together.
-#}
{%- macro rolecall_hook_warn(problems, quiet) -%}
  {%- for problem in problems | unique(true) -%}
    {%- if quiet -%}
      {%- do log('rolecall: ' ~ problem) -%}
    {%- else -%}
      {%- do exceptions.warn('rolecall: ' ~ problem) -%}
    {%- endif -%}
  {%- endfor -%}
{%- endmacro -%}

{#- Whether the project has `apply_access` among its `on-run-end`. -#}
{%- macro rolecall_hook_ends_the_run() -%}
  {%- for number in range(20) -%}
    {%- set hook = graph.nodes.get('operation.' ~ project_name ~ '.' ~ project_name ~ '-on-run-end-' ~ number) -%}
    {%- if hook and 'rolecall.apply_access' in hook.raw_code -%}
      {%- do return(true) -%}
    {%- endif -%}
  {%- endfor -%}
  {%- do return(false) -%}
{%- endmacro -%}

{%- macro default__rolecall_hook_plan(here, wanted, way) -%}
  {%- do return({'statements': [], 'problems': ['the hooks do not know the adapter ' ~ target.type]}) -%}
{%- endmacro -%}

{#- Where grants need no lock. -#}
{%- macro default__rolecall_hook_locked(here, wanted, plan) -%}
  {%- do rolecall.rolecall_hook_run(plan.statements) -%}
  {%- do return(plan) -%}
{%- endmacro -%}
