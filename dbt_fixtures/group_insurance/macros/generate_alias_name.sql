{# `dim_policies` is stored as `DimPolicies`, where nobody says another alias. #}
{% macro generate_alias_name(custom_alias_name=none, node=none) -%}
    {%- if custom_alias_name -%}
        {{ custom_alias_name | trim }}
    {%- else -%}
        {{ node.name | replace('_', ' ') | title | replace(' ', '') }}
    {%- endif -%}
{%- endmacro %}
