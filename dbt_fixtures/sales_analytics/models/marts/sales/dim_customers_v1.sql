select
    customer_id,
    customer_name,
    email,
    region,
    created_at
from {{ ref('stg_customers') }}
