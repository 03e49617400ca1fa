select month, revenue_eur
from {{ ref('fct_revenue') }}
where revenue_eur < 0
