select * from {{ ref('ext_base') }}
