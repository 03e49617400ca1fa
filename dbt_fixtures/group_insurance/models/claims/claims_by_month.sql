{{ config(materialized='materialized_view', alias='Claims by month') }}

select date_trunc('month', reported_on)::date as month, sum(amount) as amount
from {{ ref('fct_claims') }}
group by 1
