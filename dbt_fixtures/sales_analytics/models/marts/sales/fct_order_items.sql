{{ config(materialized='incremental', unique_key='order_item_id') }}

select
    items.order_item_id,
    items.order_id,
    items.product_id,
    items.quantity,
    orders.ordered_at
from {{ ref('stg_order_items') }} as items
join {{ ref('stg_orders') }} as orders using (order_id)
{% if is_incremental() %}
where orders.ordered_at > (select max(ordered_at) from {{ this }})
{% endif %}
