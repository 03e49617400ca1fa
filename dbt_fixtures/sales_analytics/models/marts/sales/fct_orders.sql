select
    orders.order_id,
    orders.customer_id,
    orders.status,
    orders.ordered_at,
    totals.lines,
    totals.order_total
from {{ ref('stg_orders') }} as orders
join {{ ref('int_order_totals') }} as totals using (order_id)
