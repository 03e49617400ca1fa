{{ config(materialized='table') }}

select count(*) as entries, sum(amount) as amount
from {{ ref('entries') }}
