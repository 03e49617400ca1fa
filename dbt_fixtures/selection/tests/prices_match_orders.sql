{{ config(tags=['quality'], severity='warn', group='finance') }}
select * from {{ ref('product_prices') }} join {{ ref('fct_orders') }} using (id) where false
