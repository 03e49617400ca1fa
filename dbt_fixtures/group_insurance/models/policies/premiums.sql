{{ config(alias='Beiträge') }}

select region, sum(premium) as premium from {{ ref('dim_policies') }} group by 1
