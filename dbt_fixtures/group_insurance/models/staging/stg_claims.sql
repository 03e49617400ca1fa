select claim_id, policy_id, amount, reported_on from {{ ref('claims') }}
