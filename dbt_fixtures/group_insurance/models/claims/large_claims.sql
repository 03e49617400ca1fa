{{ config(materialized='view') }}

select open_claims.claim_id, policies.holder, open_claims.amount
from {{ ref('open_claims') }} as open_claims
join {{ ref('dim_policies') }} as policies using (policy_id)
