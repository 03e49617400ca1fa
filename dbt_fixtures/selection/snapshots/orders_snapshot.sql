{% snapshot orders_snapshot %}
{{ config(target_schema='snap', unique_key='id', strategy='check', check_cols='all', tags=['history']) }}
select * from {{ ref('stg_orders') }}
{% endsnapshot %}
