//! Roles whose names the template explains, and that the configuration does not have: product roles
//! where the manifest explains what they hold, playbook roles else.

use super::site::Site;
use crate::engines::Ground;

/// (kind, name, materialized).
const NODES: &[(&str, &str, &str)] = &[
    ("model", "orders", "table"),
    ("model", "salaries", "table"),
    ("model", "seen", "view"),
    ("seed", "countries", "seed"),
];

const CONFIG: &str = r#"version: 1
deployment: ~named
environments:
  dev: {role_name: "~dev_{{ product.name }}_{{ role.name }}"}
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
  auditor: {may: [read]}
products:
  shop:
    outputs: "resource_type:seed"
"#;

async fn site(ground: &Ground) -> Site<'_> {
    ground
        .sql(
            "create schema sales; create schema other;
             create table sales.orders (id int); create table sales.salaries (id int);
             create table sales.countries (id int); create view sales.seen as select 1 as id;
             create table other.t (id int);
             create role ~finance_analyst; create role ~finance_loader; create role ~shop_loader;
             create role ~shop_analyst; create role ~dev_finance_analyst; create role ~ops_reader;
             create role ~a_b_c; create role ~hr_boss login; create role ~web_reader;
             create role ~team; create role ~taylor login; create role ~sam login;
             grant usage on schema sales to ~finance_analyst, ~finance_loader, ~shop_loader,
                 ~ops_reader, ~a_b_c, ~hr_boss, ~web_reader, ~dev_finance_analyst;
             grant select on sales.orders, sales.seen, sales.countries to ~finance_analyst;
             grant select, insert, update, delete, truncate on sales.orders to ~finance_loader;
             grant references on sales.orders to ~finance_loader;
             grant select on sales.countries to ~shop_loader;
             grant insert on sales.countries to ~shop_loader;
             grant select on sales.orders, other.t to ~ops_reader;
             grant select on sales.salaries to ~a_b_c, ~hr_boss, ~dev_finance_analyst, ~web_reader;
             grant ~finance_analyst to ~taylor, ~team; grant ~team to ~sam;
             grant ~shop_loader to ~sam; grant ~web_reader to ~a_b_c;",
        )
        .await;
    let site = Site::new(ground);
    // Other tests on this server have roles of theirs, which are none of this deployment's.
    site.write("rolecall.yml", CONFIG);
    site.write("rolecall/members/shop.yml", "analyst:\n  - {user: ~taylor, environments: [dev]}\n");
    site.manifest(NODES, &[]);
    site
}

/// What was proposed, put where the docs say.
fn paste(site: &Site<'_>, told: &serde_json::Value) {
    let blocks = site.blocks(told);
    let blocks: Vec<(&str, serde_json::Value)> =
        blocks.iter().map(|(node, block)| (node.as_str(), block.clone())).collect();
    site.manifest(NODES, &blocks);
    for file in ["rolecall_declarations.yml", "rolecall_product_roles.yml"] {
        let _ = std::fs::remove_file(site.folder.path().join(file));
    }
}

/// Adopts, which changes nothing but markers, what everybody has anyway, and these empty roles; and
/// then there is nothing more to plan.
fn adopts(site: &Site<'_>, made: &[&str]) {
    let plan = ["plan", "-t", "prod", "--adopt", "--format", "json"];
    let planned = site.rolecall(&plan).with(0).json();
    let changes = planned["plan"]["changes"].as_array().unwrap();
    let is_none = |one: &serde_json::Value| {
        let one = site.shown(&one.to_string());
        let is_made = made.iter().any(|role| one.contains(&format!("CREATE ROLE \\\"~{role}\\\"")));
        is_made || one.contains("COMMENT ON ROLE") || one.contains("GRANT CONNECT ON DATABASE")
    };
    assert!(!changes.is_empty() && changes.iter().all(is_none), "{changes:#?}");
    site.rolecall(&["apply", "-t", "prod", "--adopt"]).with(0);
    site.rolecall(&["plan", "-t", "prod", "--check"]).with(0);
}

#[tokio::test(flavor = "multi_thread")]
async fn roles_that_the_template_and_the_manifest_explain_become_product_roles() {
    for ground in Ground::each().await {
        let site = site(&ground).await;
        let pattern = format!("{}*", ground.prefix);
        let import = ["import", "-t", "prod", "--role", &pattern];
        let told = site.rolecall(&[&import[..], &["--format", "json"]].concat()).with(0).json();
        // All of the server's, to see what is passed over: only files are limited by a pattern.
        let everything = site.rolecall(&["import", "-t", "prod"]).with(0);
        let line = "not imported: ~dev_finance_analyst: by its name it is finance.analyst of the environment dev: import it there, or name it by --role";
        let said = site.shown(&everything.stderr);
        assert!(said.lines().any(|one| one == line), "{said}");
        // Members of an existing file are not written over.
        let shop = site.read("rolecall/members/shop.yml");
        let ended = site.rolecall(&[&import[..], &["--out", "."]].concat()).with(0);
        assert_eq!(site.read("rolecall/members/shop.yml"), shop);
        let said = site.shown(&ended.stderr);
        for line in [
            "as a product role: ~finance_analyst: finance.analyst",
            "as a product role: ~finance_loader: finance.loader",
            "as a product role: ~shop_loader: shop.loader",
            "as a playbook role: ~a_b_c: its name can be read as a.b_c or a_b.c, and neither the configuration nor a group of the manifest says which",
            "as a playbook role: ~dev_finance_analyst: by its name it is finance.analyst of the environment dev",
            "as a playbook role: ~hr_boss: by its name it is hr.boss, but a product role has no attribute such as LOGIN, and inherits",
            "as a playbook role: ~ops_reader: by its name it is ops.reader, but SELECT on table DB.other.t: no node of the manifest is there",
            "as a playbook role: ~web_reader: by its name it is web.reader, but ~a_b_c is a member of it: it is a role with more than this, and members are people and groups",
            "not there: ~finance_auditor, which the configuration gives every product: it will be made, empty",
            "not imported: ~team: it has nothing but by product roles: the members files have it as a group",
            "who is in the roles of shop: `rolecall import --members` writes them into its members file, once the product has the roles",
        ] {
            assert!(said.lines().any(|one| one == line), "{line}\n{said}");
        }
        assert_eq!(said.matches("as a product role").count(), 3, "{said}");
        crate::engines::snapshot!(site.read("rolecall/platform/imported_products.yml"), @r"
        # Written by `rolecall import` from prod: products whose roles are there, by their names. Name their
        # owners. A product is in every environment: its roles will be made in the others, too. Where `environments`
        # says `may: []`, they get nothing there: take it out when that environment is imported.
        products:
          finance:
            owners: []  # who decides about its members
            product_roles:
              loader: {may: [read, write, references], environments: {dev: {may: []}}}
        ");
        crate::engines::snapshot!(site.read("rolecall_product_roles.yml"), @r"
        # Written by `rolecall import` from prod: product roles that are there, by their names, and that their
        # products do not have. Put the lines into the product, in the file named above it; nothing reads this one.
        products:
          # rolecall.yml:10
          shop:
            product_roles:
              loader: {may: [read, insert], environments: {dev: {may: []}}}
        ");
        crate::engines::snapshot!(site.read("rolecall/members/finance.yml"), @r"
        # Written by `rolecall import`: who is in the product's roles.
        analyst:
          - {user: ~taylor, environments: [prod]}
          - {group: ~team, environments: [prod]}
        ");
        let declared = site.read("rolecall_declarations.yml");
        assert!(declared.contains(
            "          product: finance\n          grants:\n            analyst: [read]  # new\n            loader: [read, write, references]  # new\n"
        ), "{declared}");
        assert!(declared.contains(
            "            loader: [read, insert]  # new\n            finance.analyst: [read]  # new\n"
        ), "{declared}");
        paste(&site, &told);
        let own = "    product_roles:\n      loader: {may: [read, insert]}\n";
        site.write("rolecall.yml", &format!("{CONFIG}{own}"));
        site.rolecall(&["import", "-t", "prod", "--members"]).with(0);
        assert!(site.read("rolecall/members/shop.yml").contains("user: ~sam"));
        adopts(&site, &["finance_auditor", "shop_auditor"]);
        // Nobody is lost on the way, and nobody is new.
        let ended = site.rolecall(&["import", "-t", "prod", "--members"]).with(0);
        assert!(ended.stderr.contains("every member is declared"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_names_superusers_and_roles_in_roles_are_never_product_roles() {
    for ground in Ground::each().await {
        ground
            .sql(
                "create schema sales; create table sales.orders (id int);
                 create role \"~Sales_Analyst\"; create role \"~a.b_c\"; create role \"~q\"\"a_c\";
                 create role \"~new\nline_c\"; create role \"~ü_c\"; create role \"~x \u{200b}_c\";
                 create role ~it_super superuser; create role ~hr_in; create role ~hr_held;
                 create role ~hr_admin; create role ~taylor login; create role ~hr_option;
                 grant usage on schema sales to \"~Sales_Analyst\", \"~a.b_c\", \"~q\"\"a_c\",
                     \"~ü_c\", ~hr_in, ~hr_held, ~hr_admin, ~hr_option;
                 grant select on sales.orders to \"~Sales_Analyst\", \"~a.b_c\", \"~q\"\"a_c\",
                     \"~new\nline_c\", \"~ü_c\", ~hr_in, ~hr_held, ~hr_admin;
                 grant select on sales.orders to ~hr_option with grant option;
                 grant ~hr_held to ~hr_in; grant ~hr_admin to ~taylor with admin option;",
            )
            .await;
        let site = Site::new(&ground);
        site.write(
            "rolecall.yml",
            "version: 1\ndeployment: ~odd\nenvironments:\n  prod: {role_name: \"~{{ product.name }}_{{ role.name }}\"}\n",
        );
        site.manifest(&NODES[..1], &[]);
        let pattern = format!("{}*", ground.prefix);
        let import = ["import", "-t", "prod", "--role", &pattern];
        let ended = site.rolecall(&[&import[..], &["--out", "."]].concat()).with(0);
        let said = site.shown(&ended.stderr);
        for line in [
            "not imported: ~it_super: it is a superuser, who may do everything anyway",
            "not imported: ~new\\nline_c: a playbook cannot write its name",
            "as a playbook role: ~hr_in: by its name it is hr.in, but it is in the role ~hr_held, and a product role is in none",
            "as a playbook role: ~hr_held: by its name it is hr.held, but ~hr_in is a member of it: it is a role with more than this, and members are people and groups",
            "as a playbook role: ~hr_admin: by its name it is hr.admin, but ~taylor is a member of it: it comes with the admin option",
            "as a playbook role: ~hr_option: by its name it is hr.option, but SELECT WITH GRANT OPTION on table DB.sales.orders: a managed role has no right to pass privileges on",
        ] {
            assert!(said.lines().any(|one| one == line), "{line}\n{said}");
        }
        assert!(!said.contains("as a product role"), "{said}");
        adopts(&site, &[]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ownership_is_proposed_where_dbt_can_make_it_again() {
    let ground = Ground::each().await.remove(0);
    ground
        .sql(
            "create role ~dbt login; create role ~mart_owner; create role ~mart_maker;
             create schema sales; create table sales.orders (id int);
             create table sales.salaries (id int);
             grant usage, create on schema sales to ~mart_owner, ~mart_maker;
             grant ~mart_owner to ~dbt;
             alter table sales.orders owner to ~mart_owner;
             alter table sales.salaries owner to ~mart_maker;",
        )
        .await;
    let site = Site::new(&ground);
    let config = "version: 1\ndeployment: ~own\nenvironments:\n  prod: {role_name: \"~{{ product.name }}_{{ role.name }}\", deploy_role: ~dbt}\n";
    site.write("rolecall.yml", config);
    site.manifest(&NODES[..2], &[]);
    let pattern = format!("{}mart*", ground.prefix);
    let import = ["import", "-t", "prod", "--role", &pattern];
    let ended = site.rolecall(&import).with(0);
    let (out, said) = (site.shown(&ended.stdout), site.shown(&ended.stderr));
    assert!(out.contains("      owner: {may: [own]}\n"), "{out}");
    assert!(out.contains("owner:\n  - user: ~dbt\n"), "{out}");
    let line = "as a playbook role: ~mart_maker: by its name it is mart.maker, but ownership of table DB.sales.salaries: dbt could not make it again: the deploy_role ~dbt is not among the members of its product role, in the file and on the server";
    assert!(said.lines().any(|one| one == line), "{said}");
    // Of a product role that the configuration has, too.
    let product = "products:\n  mart:\n    outputs: \"package:shop\"\n    product_roles:\n      owner: {may: [own]}\n      maker: {may: [own]}\n";
    site.write("rolecall.yml", &format!("{config}{product}"));
    site.write("rolecall/members/mart.yml", "owner:\n  - user: ~dbt\n");
    let told = site.rolecall(&[&import[..], &["--format", "json"]].concat()).with(0).json();
    let blocks = site.blocks(&told);
    assert_eq!(blocks, [("orders".to_owned(), serde_json::json!({"grants": {"owner": ["own"]}}))]);
    let left = told["left"].to_string();
    assert!(left.contains("ownership of table") && left.contains("deploy_role"), "{left}");
    paste(&site, &told);
    adopts(&site, &[]);
}
