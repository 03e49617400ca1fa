select * from {{ ref('stg_orders') }} join {{ ref('status') }} using (id)
