{{ config(materialized='table', tags=['pii.health']) }}
select 7 as patient_id, 'Aylin' as name
