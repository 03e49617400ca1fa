{# config(meta={'rolecall': {'grants': {'nobody': 'own'}}}) #}
{{ config(
    materialized='incremental',
    tags=['daily', 'pii'],
    meta={
      'rolecall': {
        'grants': {'controller': ['read']}
      }
    }
) }}
select * from {{ ref('fct_orders') }} join {{ ref('dim_customers', v=1) }} using (id)
