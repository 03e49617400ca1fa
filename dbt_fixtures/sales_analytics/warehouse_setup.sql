-- What stands in the warehouse before `dbt build`: the loader's table and a role of the BI tool
-- that nobody here manages. Run it in the database of the target (shop, shop_dev).
create schema if not exists raw;

create table if not exists raw.payments (
    id integer primary key,
    order_id integer not null,
    method text not null,
    amount_cents integer not null,
    paid_at timestamp not null
);

insert into raw.payments values
    (1, 101, 'card', 5900, '2026-01-05 10:03:00'),
    (2, 102, 'transfer', 1900, '2026-01-08 09:12:00'),
    (3, 103, 'card', 7800, '2026-02-02 18:40:00'),
    (4, 104, 'voucher', 1900, '2026-02-14 12:00:00'),
    (5, 105, 'card', 12900, '2026-03-01 08:30:00')
on conflict do nothing;

do $$
begin
    if not exists (select from pg_roles where rolname = 'reporting') then
        create role reporting;
    end if;
end
$$;
