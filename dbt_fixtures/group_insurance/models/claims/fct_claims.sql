{{ config(materialized='incremental', unique_key='claim_id') }}

select claim_id, policy_id, amount, reported_on
from {{ ref('stg_claims') }}
{% if is_incremental() %}
where reported_on > (select max(reported_on) from {{ this }})
{% endif %}
