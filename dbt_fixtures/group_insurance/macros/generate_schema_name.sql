{# In prod `+schema` alone, of the target's default schema alone. Elsewhere the target's schema stands
   before it: each developer, and each pull request, has schemas of its own. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if not custom_schema_name -%}
        {{ target.schema }}
    {%- elif target.name == 'prod' and target.schema == 'Warehouse' -%}
        {{ custom_schema_name | trim }}
    {%- else -%}
        {{ target.schema }} {{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
