select policy_id, holder, country, premium from {{ ref('policies') }}
