select * from {{ ref('dim_customers', v=2) }} join {{ ref('orders.daily') }} using (id)
