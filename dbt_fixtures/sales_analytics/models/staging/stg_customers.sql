select
    id as customer_id,
    name as customer_name,
    email,
    region,
    created_at
from {{ ref('raw_customers') }}
