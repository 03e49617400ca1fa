{{ config(materialized='incremental', unique_key='id') }}

select n as id, n * 10 as amount
from generate_series(1, 5) as n
{% if is_incremental() %}
where n > (select max(id) - 2 from {{ this }})
{% endif %}
