{{ config(materialized='table') }}
select 1 as visit_id, 7 as patient_id, date '2026-11-02' as day
