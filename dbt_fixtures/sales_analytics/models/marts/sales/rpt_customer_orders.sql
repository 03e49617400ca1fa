{{ config(materialized='view') }}

select
    customers.customer_id,
    customers.customer_name,
    count(*) as orders,
    sum(orders.order_total) as sales
from {{ ref('fct_orders') }} as orders
join {{ ref('dim_customers', v=2) }} as customers using (customer_id)
group by 1, 2
