{{ config(
    materialized='table',
    alias='Invoices',
    meta={'raito': {'grant': [
        {'name': 'Finance Readers', 'global_permissions': ['READ']},
        {'name': 'sales_analysis_dbt', 'global_permissions': ['READ']}
    ]}}
) }}
select 1 as id
