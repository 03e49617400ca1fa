{{ config(materialized='table', alias='Regions of the world') }}

select distinct region from {{ ref('countries') }}
