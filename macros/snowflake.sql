{#
  Every statement that Rolecall writes for Snowflake, written once: the command renders these macros
  from inside the binary, and the dbt hooks (hook.sql) call `rolecall_grant` in dbt. Each makes exactly
  one statement, without a semicolon. `role_kind` is ROLE or DATABASE ROLE. Names and literals arrive
  quoted; keywords and privileges come from Rolecall's own tables. Only
  arguments, `if`, `for` and `join` are used, so that every Jinja renders the same, and no macro
  calls another: dbt finds a package's macro by the package's name, other Jinjas do not.
#}

{%- macro snowflake__rolecall_create_role(role, comment, role_kind='ROLE') -%}
CREATE {{ role_kind }} {{ role }} COMMENT = {{ comment }}
{%- endmacro %}

{%- macro snowflake__rolecall_comment_on_role(role, comment, role_kind='ROLE') -%}
COMMENT ON {{ role_kind }} {{ role }} IS {{ comment }}
{%- endmacro %}

{%- macro snowflake__rolecall_rename_role(old, new, role_kind='ROLE') -%}
ALTER {{ role_kind }} {{ old }} RENAME TO {{ new }}
{%- endmacro %}

{%- macro snowflake__rolecall_drop_role(role, role_kind='ROLE') -%}
DROP {{ role_kind }} {{ role }}
{%- endmacro %}

{#- `object` is empty for the account. -#}
{%- macro snowflake__rolecall_grant(privileges, kind, object, role, role_kind='ROLE') -%}
GRANT {{ privileges | join(', ') }} ON {{ kind }}{% if object %} {{ object }}{% endif %} TO {{ role_kind }} {{ role }}
{%- endmacro %}

{#- RESTRICT is said aloud: whatever others got through this grant is never taken with it. -#}
{%- macro snowflake__rolecall_revoke(privileges, kind, object, role, only_grant_option, role_kind='ROLE') -%}
REVOKE {% if only_grant_option %}GRANT OPTION FOR {% endif %}{{ privileges | join(', ') }} ON {{ kind }}{% if object %} {{ object }}{% endif %} FROM {{ role_kind }} {{ role }} RESTRICT
{%- endmacro %}

{#- `kind` of a member is USER, ROLE or DATABASE ROLE. -#}
{%- macro snowflake__rolecall_grant_role(role, kind, member, role_kind='ROLE') -%}
GRANT {{ role_kind }} {{ role }} TO {{ kind }} {{ member }}
{%- endmacro %}

{%- macro snowflake__rolecall_revoke_role(role, kind, member, role_kind='ROLE') -%}
REVOKE {{ role_kind }} {{ role }} FROM {{ kind }} {{ member }}
{%- endmacro %}

{%- macro snowflake__rolecall_set_owner(kind, object, owner, role_kind='ROLE') -%}
GRANT OWNERSHIP ON {{ kind }} {{ object }} TO {{ role_kind }} {{ owner }} COPY CURRENT GRANTS
{%- endmacro %}

{#- `container` is DATABASE or SCHEMA. -#}
{%- macro snowflake__rolecall_revoke_future(privileges, kind, container, place, role, role_kind='ROLE') -%}
REVOKE {{ privileges | join(', ') }} ON FUTURE {{ kind }} IN {{ container }} {{ place }} FROM {{ role_kind }} {{ role }}
{%- endmacro %}
