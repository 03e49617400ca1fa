{% snapshot policy_history %}
{{ config(target_schema=generate_schema_name('History'), unique_key='policy_id', strategy='check', check_cols=['premium']) }}

select policy_id, holder, premium from {{ ref('stg_policies') }}
{% endsnapshot %}
