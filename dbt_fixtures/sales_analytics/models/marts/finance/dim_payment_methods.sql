select
    method,
    count(*) as payments
from {{ ref('stg_payments') }}
group by method
