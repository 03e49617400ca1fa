select * from {{ source('raw', 'customers') }} union all select * from {{ source('crm', 'orders') }}
