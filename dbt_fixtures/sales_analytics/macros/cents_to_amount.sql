{% macro cents_to_amount(column) -%}
    ({{ column }} / 100.0)::numeric(12, 2)
{%- endmacro %}
