select
    customer_id,
    customer_name,
    region,
    created_at
from {{ ref('stg_customers') }}
