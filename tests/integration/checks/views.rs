//! Rows that are read and written through a view: what the check says, and what the server does.

use rolecall::warehouse::engine::{Engine, native::Options};
use serde_json::Value;

use super::examples::{CLEAN, command, sql};
use super::project::lay_out;

const FILES: [(&str, &str); 4] = [
    (
        "rolecall.yml",
        "version: 1
environments: {prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}}
product_roles: {analyst: {may: [read]}, finance: {may: [read, write]}}
products: {sales: {owners: [jane], outputs: \"path:models/sales\"}}
checks: {empty-role: {severity: off}}
",
    ),
    ("models/sales/margins.sql", "select 1 as id, 2 as margin\n"),
    ("models/sales/orders.sql", "select 1 as id\n"),
    (
        "models/sales/_models.yml",
        "models:
  - name: margins
    config: {materialized: table, meta: {rolecall: {grants: {finance: [read, write]}}}}
  - name: orders
    config: {materialized: table, meta: {rolecall: {grants: {analyst: [read]}}}}
",
    ),
];

const MEMBERS: (&str, &str) =
    ("rolecall/members/sales.yml", "analyst: [{user: ada}]\nfinance: [{user: bob}]\n");

/// What is done by hand, what ada tries, whether it works, and what is found.
const CASES: [(&str, &str, bool, &str); 10] = [
    (
        "create view sales.door as select * from sales.margins; grant insert on sales.door to ada",
        "insert into sales.door values (1, 1)",
        true,
        "the view shop.sales.door lets 1 write to shop.sales.margins, which they may not",
    ),
    (
        "create view sales.door as select * from sales.margins; grant update (margin) on sales.door to ada",
        "update sales.door set margin = 3",
        true,
        "the view shop.sales.door lets 1 write to shop.sales.margins, which they may not",
    ),
    (
        "create view sales.in_between as select * from sales.margins;
         create view sales.door as select * from sales.in_between; grant delete on sales.door to ada",
        "delete from sales.door",
        true,
        "the view shop.sales.door lets 1 write to shop.sales.margins, which they may not",
    ),
    (
        "create view sales.door with (security_invoker) as select * from sales.margins;
         grant insert on sales.door to ada",
        "insert into sales.door values (1, 1)",
        false,
        "",
    ),
    (
        "create view sales.door as select count(*) as n from sales.margins; grant insert on sales.door to ada",
        "insert into sales.door values (1)",
        false,
        "",
    ),
    (
        "create view sales.door as select 1 as id;
         create rule on_insert as on insert to sales.door do instead insert into sales.margins values (new.id, 0);
         grant insert on sales.door to ada",
        "insert into sales.door values (1)",
        true,
        "the rules of the view shop.sales.door act on shop.sales.margins for 1, who may not write to it",
    ),
    // The trigger's function runs as whoever writes.
    (
        "create view sales.door as select 1 as id;
         create function sales.put() returns trigger language plpgsql as
           'begin insert into sales.margins values (new.id, 0); return new; end';
         create trigger put instead of insert on sales.door for each row execute function sales.put();
         grant insert on sales.door to ada",
        "insert into sales.door values (1)",
        false,
        "",
    ),
    // What inherits has rows of it.
    (
        "create table sales.more () inherits (sales.margins);
         create view sales.door as select * from sales.more; grant select on sales.door to ada",
        "select * from sales.door",
        true,
        "the view shop.sales.door shows 1 of its readers shop.sales.margins, which they may not read",
    ),
    (
        "create table sales.above (id int, margin int); alter table sales.margins inherit sales.above;
         create view sales.door as select * from sales.above; grant select on sales.door to ada",
        "select * from sales.door",
        true,
        "the view shop.sales.door shows 1 of its readers shop.sales.margins, which they may not read",
    ),
    // Who may write there anyway is no news.
    (
        "create view sales.door as select * from sales.margins; grant insert on sales.door to ada;
         grant insert on sales.margins to ada",
        "insert into sales.door values (1, 1)",
        true,
        "",
    ),
];

#[tokio::test(flavor = "multi_thread")]
async fn whoever_writes_through_a_view_where_they_may_not_is_found_and_nobody_else() {
    let bin = crate::engines::bins().pop().flatten();
    let engine = Engine::native(&Options { bin, ..Options::default() }).unwrap();
    let postgres = engine.url("postgres");
    for (by_hand, tried, works, found) in CASES {
        sql(&postgres, "drop database if exists shop with (force)").await;
        sql(&postgres, CLEAN).await;
        sql(&postgres, "create database shop").await;
        let folder = tempfile::tempdir().unwrap();
        let made = lay_out(folder.path(), &FILES.into_iter().chain([MEMBERS]).collect());
        let shop = engine.url("shop");
        sql(&shop, &made).await;
        command(folder.path(), &shop, &["apply"]).with(0);
        sql(&shop, by_hand).await;
        let (client, connection) =
            tokio_postgres::connect(&shop, tokio_postgres::NoTls).await.unwrap();
        let connection = tokio::spawn(connection);
        client.batch_execute("set role ada").await.unwrap();
        assert_eq!(client.batch_execute(tried).await.is_ok(), works, "{tried}");
        drop(client);
        let _ = connection.await;
        let checked = command(folder.path(), &shop, &["check", "--format", "json"]);
        let json = checked.json();
        let of_views = |it: &&Value| it["code"] == "view-opens-more";
        let told: Vec<&str> = json["findings"]
            .as_array()
            .unwrap()
            .iter()
            .filter(of_views)
            .map(|it| it["message"].as_str().unwrap())
            .collect();
        let expected: Vec<&str> = [found].into_iter().filter(|it| !it.is_empty()).collect();
        assert_eq!(told, expected, "{by_hand}: {}", checked.stderr);
        assert!(found.is_empty() || checked.stdout.contains("\"ada\""), "{}", checked.stdout);
    }
}
