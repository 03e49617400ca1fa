select * from {{ ref('stg_customers') }} where true
