select policies.policy_id, policies.holder, policies.premium, countries.region
from {{ ref('stg_policies') }} as policies
join {{ ref('reference_data', 'countries') }} as countries using (country)
