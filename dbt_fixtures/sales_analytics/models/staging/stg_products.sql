select
    id as product_id,
    name as product_name,
    {{ cents_to_amount('price_cents') }} as price
from {{ ref('raw_products') }}
