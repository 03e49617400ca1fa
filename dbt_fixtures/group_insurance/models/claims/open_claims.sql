{{ config(materialized='ephemeral') }}

select * from {{ ref('fct_claims') }} where amount > 100
