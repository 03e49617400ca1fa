{{ config(materialized='table', schema='billing', group='finance') }}
select 1 as visit_id, 120 as amount
