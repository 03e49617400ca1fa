{{ config(materialized='materialized_view') }}

select
    ordered_at::date as day,
    count(*) as orders,
    sum(order_total) as sales
from {{ ref('fct_orders') }}
group by 1
