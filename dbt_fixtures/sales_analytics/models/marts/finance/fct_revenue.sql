select
    date_trunc('month', invoices.paid_at)::date as month,
    sum(invoices.amount * rates.rate_to_eur) as revenue_eur
from {{ ref('fct_invoices') }} as invoices
join {{ ref('exchange_rates') }} as rates on rates.currency = 'EUR'
group by 1
