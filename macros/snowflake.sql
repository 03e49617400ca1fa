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
{%- macro snowflake__rolecall_grant_future(privileges, kind, container, place, role, role_kind='ROLE') -%}
GRANT {{ privileges | join(', ') }} ON FUTURE {{ kind }} IN {{ container }} {{ place }} TO {{ role_kind }} {{ role }}
{%- endmacro %}

{%- macro snowflake__rolecall_revoke_future(privileges, kind, container, place, role, role_kind='ROLE') -%}
REVOKE {{ privileges | join(', ') }} ON FUTURE {{ kind }} IN {{ container }} {{ place }} FROM {{ role_kind }} {{ role }}
{%- endmacro %}

{#- The receipts. `schema` and `table` are whole names. -#}
{%- macro snowflake__rolecall_create_schema(schema, comment) -%}
CREATE SCHEMA {{ schema }} COMMENT = {{ comment }}
{%- endmacro %}

{#- Under another name first, so that nobody whom a future grant lets in has ever held the real one. -#}
{%- macro snowflake__rolecall_create_receipts(table) -%}
CREATE OR REPLACE TABLE {{ table }} (ID VARCHAR(64) NOT NULL, KEPT_AT VARCHAR(64) NOT NULL, DEPLOYMENT VARCHAR(16777216) NOT NULL, ENVIRONMENT VARCHAR(16777216) NOT NULL, OUTCOME VARCHAR(16) NOT NULL, PLAN_SHA256 VARCHAR(64), SESSION_USER_NAME VARCHAR(16777216) NOT NULL, ACTING_ROLE VARCHAR(16777216) NOT NULL, BODY VARCHAR(16777216) NOT NULL)
{%- endmacro %}

{%- macro snowflake__rolecall_rename_table(old, new) -%}
ALTER TABLE {{ old }} RENAME TO {{ new }}
{%- endmacro %}

{#- Twice is as good as once: what is no longer begun is never written again. -#}
{%- macro snowflake__rolecall_keep_receipt(table, id, kept_at, deployment, environment, outcome, plan, session_user, acting_role, body) -%}
MERGE INTO {{ table }} AS T USING (SELECT {{ id }} AS ID, {{ kept_at }} AS KEPT_AT, {{ deployment }} AS DEPLOYMENT, {{ environment }} AS ENVIRONMENT, {{ outcome }} AS OUTCOME, {{ plan }} AS PLAN_SHA256, {{ session_user }} AS SESSION_USER_NAME, {{ acting_role }} AS ACTING_ROLE, {{ body }} AS BODY) AS S ON T.ID = S.ID WHEN MATCHED AND T.OUTCOME = 'begun' THEN UPDATE SET KEPT_AT = S.KEPT_AT, OUTCOME = S.OUTCOME, SESSION_USER_NAME = S.SESSION_USER_NAME, ACTING_ROLE = S.ACTING_ROLE, BODY = S.BODY WHEN NOT MATCHED THEN INSERT (ID, KEPT_AT, DEPLOYMENT, ENVIRONMENT, OUTCOME, PLAN_SHA256, SESSION_USER_NAME, ACTING_ROLE, BODY) VALUES (S.ID, S.KEPT_AT, S.DEPLOYMENT, S.ENVIRONMENT, S.OUTCOME, S.PLAN_SHA256, S.SESSION_USER_NAME, S.ACTING_ROLE, S.BODY)
{%- endmacro %}

{%- macro snowflake__rolecall_read_receipts(table, deployment, environment, outcome, plan, only_last) -%}
SELECT ID, KEPT_AT, SESSION_USER_NAME, ACTING_ROLE, BODY FROM {{ table }} WHERE DEPLOYMENT = {{ deployment }} AND ENVIRONMENT = {{ environment }}{% if outcome %} AND OUTCOME = {{ outcome }}{% else %} AND OUTCOME <> 'piece'{% endif %}{% if plan %} AND PLAN_SHA256 = {{ plan }}{% endif %} ORDER BY KEPT_AT{% if only_last %} DESC LIMIT 1{% endif %}
{%- endmacro %}

{%- macro snowflake__rolecall_read_pieces(table, ids) -%}
SELECT ID, BODY FROM {{ table }} WHERE OUTCOME = 'piece' AND ID IN ({{ ids | join(', ') }})
{%- endmacro %}

{%- macro snowflake__rolecall_find_receipt(table, id, kept_at, outcome) -%}
SELECT COUNT(*) AS N FROM {{ table }} WHERE ID = {{ id }} AND KEPT_AT = {{ kept_at }} AND OUTCOME = {{ outcome }}
{%- endmacro %}

{%- macro snowflake__rolecall_count_receipts(table) -%}
SELECT COUNT(*) AS N FROM {{ table }}
{%- endmacro %}
