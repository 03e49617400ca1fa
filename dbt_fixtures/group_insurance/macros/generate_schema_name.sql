{# In prod a model's `+schema` is its schema, unless the run has another target schema than prod's own.
   Elsewhere the target's schema stands before it: each developer, each pull request has their own. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {%- if not custom_schema_name -%}
        {{ target.schema }}
    {%- elif target.name == 'prod' and target.schema == 'Warehouse' -%}
        {{ custom_schema_name | trim }}
    {%- else -%}
        {{ target.schema }} {{ custom_schema_name | trim }}
    {%- endif -%}
{%- endmacro %}
