select * from {{ ref('revenue') }} join {{ ref('ext_sales') }} using (id)
