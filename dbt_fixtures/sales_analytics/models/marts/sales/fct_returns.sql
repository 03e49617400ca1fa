{{ config(enabled=(target.name != 'prod')) }}

select order_id, customer_id, ordered_at
from {{ ref('stg_orders') }}
where status = 'returned'
