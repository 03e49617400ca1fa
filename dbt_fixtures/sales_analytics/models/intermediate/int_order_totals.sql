select
    items.order_id,
    count(*) as lines,
    sum(items.quantity * products.price) as order_total
from {{ ref('stg_order_items') }} as items
join {{ ref('stg_products') }} as products using (product_id)
group by items.order_id
