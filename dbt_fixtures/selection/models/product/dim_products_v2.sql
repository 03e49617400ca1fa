select id from {{ ref('dim_products', v=1) }}
