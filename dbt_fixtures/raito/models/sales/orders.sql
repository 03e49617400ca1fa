select 1 as id, 'a@acme.example' as email
