select
    payments.payment_id as invoice_id,
    payments.order_id,
    orders.customer_id,
    payments.method,
    payments.amount,
    payments.paid_at
from {{ ref('stg_payments') }} as payments
join {{ ref('fct_orders') }} as orders using (order_id)
