{#
  Every statement that Rolecall sends to PostgreSQL, written once: the command renders these macros
  from inside the binary, and the dbt hooks (hook.sql) call `rolecall_grant` in dbt. Each makes exactly one statement, without a semicolon.
  Names and literals arrive quoted; keywords and privileges come from Rolecall's own tables. Only
  arguments, `if`, `for` and `join` are used, so that every Jinja renders the same, and no macro
  calls another: dbt finds a package's macro by the package's name, other Jinjas do not.
#}

{%- macro postgres__rolecall_create_role(role) -%}
CREATE ROLE {{ role }}
{%- endmacro %}

{%- macro postgres__rolecall_comment_on_role(role, comment) -%}
COMMENT ON ROLE {{ role }} IS {{ comment }}
{%- endmacro %}

{%- macro postgres__rolecall_rename_role(old, new) -%}
ALTER ROLE {{ old }} RENAME TO {{ new }}
{%- endmacro %}

{%- macro postgres__rolecall_alter_role(role, attributes) -%}
ALTER ROLE {{ role }} WITH {{ attributes | join(' ') }}
{%- endmacro %}

{%- macro postgres__rolecall_drop_role(role) -%}
DROP ROLE {{ role }}
{%- endmacro %}

{#- `columns` is empty where whole objects are meant. -#}
{%- macro postgres__rolecall_grant(privileges, columns, kind, objects, roles) -%}
GRANT {% for privilege in privileges %}{{ privilege }}{% if columns %} ({{ columns | join(', ') }}){% endif %}{% if not loop.last %}, {% endif %}{% endfor %} ON {{ kind }} {{ objects | join(', ') }} TO {{ roles | join(', ') }}
{%- endmacro %}

{%- macro postgres__rolecall_revoke(privileges, columns, kind, objects, roles, only_grant_option) -%}
REVOKE {% if only_grant_option %}GRANT OPTION FOR {% endif %}{% for privilege in privileges %}{{ privilege }}{% if columns %} ({{ columns | join(', ') }}){% endif %}{% if not loop.last %}, {% endif %}{% endfor %} ON {{ kind }} {{ objects | join(', ') }} FROM {{ roles | join(', ') }}
{%- endmacro %}

{#- `with_options` from PostgreSQL 16 on: before, every membership inherits and may SET ROLE. -#}
{%- macro postgres__rolecall_grant_role(roles, members, with_options) -%}
GRANT {{ roles | join(', ') }} TO {{ members | join(', ') }}{% if with_options %} WITH INHERIT TRUE, SET TRUE{% endif %}
{%- endmacro %}

{#- `grantor` from PostgreSQL 16 on; else empty. -#}
{%- macro postgres__rolecall_revoke_role(roles, members, only_admin_option, grantor) -%}
REVOKE {% if only_admin_option %}ADMIN OPTION FOR {% endif %}{{ roles | join(', ') }} FROM {{ members | join(', ') }}{% if grantor %} GRANTED BY {{ grantor }}{% endif %}
{%- endmacro %}

{%- macro postgres__rolecall_set_owner(kind, object, owner) -%}
ALTER {{ kind }} {{ object }} OWNER TO {{ owner }}
{%- endmacro %}

{#- `schema` is empty for the whole database. -#}
{%- macro postgres__rolecall_grant_default(creator, schema, privileges, kind, role) -%}
ALTER DEFAULT PRIVILEGES FOR ROLE {{ creator }}{% if schema %} IN SCHEMA {{ schema }}{% endif %} GRANT {{ privileges | join(', ') }} ON {{ kind }} TO {{ role }}
{%- endmacro %}

{%- macro postgres__rolecall_revoke_default(creator, schema, privileges, kind, role) -%}
ALTER DEFAULT PRIVILEGES FOR ROLE {{ creator }}{% if schema %} IN SCHEMA {{ schema }}{% endif %} REVOKE {{ privileges | join(', ') }} ON {{ kind }} FROM {{ role }}
{%- endmacro %}
