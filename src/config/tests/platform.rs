use super::{GOOD, beside, good, root, said};
use crate::config::narrowings;

#[test]
fn the_files_of_the_product_description_become_a_configuration() {
    let config = good(&[("rolecall.yml", GOOD)]);
    assert_eq!(config.environments.keys().collect::<Vec<_>>(), ["dev", "prod"]);
    let prod = &config.environments["prod"];
    assert!(prod.protected && !config.environments["dev"].protected);
    assert_eq!(prod.promote_from.as_ref().unwrap().value, "dev");
    assert_eq!(prod.role_name.value, "{{ product.name }}_{{ role.name }}");
    assert_eq!((prod.place.line, prod.place.column), (Some(4), Some(3)));
    let product = &config.products["sales_analytics"];
    assert_eq!(product.title.as_deref(), Some("Sales Analytics Data Product"));
    assert_eq!(product.outputs.as_ref().unwrap().value, "path:models/marts/sales");
    assert_eq!(config.product_roles["analyst"].warehouses[0].value, "BI_WH");
    let narrowed: Vec<_> = narrowings(&config)
        .map(|n| (n.product, n.role.name.as_str(), n.environment, n.base.len(), n.narrowed.len()))
        .collect();
    assert_eq!(narrowed, [(None, "engineer", "prod", 2, 1)]);
}

#[test]
fn platform_files_are_merged_with_rolecall_yml() {
    let config = good(&[
        ("rolecall.yml", "version: 1\n"),
        ("rolecall/platform/env/dev.yml", "environments: {dev: {role_name: 'x'}}"),
        ("rolecall/platform/z.yaml", "dialect: snowflake\ndeployment: shop\npackages: [a, b]"),
        (
            "rolecall/platform/p.yml",
            "version: 1\nproducts: {sales: , hr: {product_roles: {boss: {may: [SELECT]}}}}",
        ),
    ]);
    assert_eq!(config.dialect.unwrap().value, crate::model::DialectKind::Snowflake);
    assert_eq!(config.deployment.unwrap().value, "shop");
    assert_eq!(config.products.keys().collect::<Vec<_>>(), ["hr", "sales"]);
    assert_eq!(config.packages.len(), 2);
}

#[test]
fn a_missing_or_unknown_version_is_said() {
    insta::assert_snapshot!(said(&[]), @r#"
    error[no-configuration]: there is no rolecall.yml here
      --> rolecall.yml
      help: `rolecall init` writes a first one, beside dbt_project.yml
    "#);
    insta::assert_snapshot!(root(""), @r#"
    error[missing-key]: `version` is missing
      --> rolecall.yml
      help: begin the file with version: 1
    error[no-environment]: no environment is declared
      --> rolecall.yml
      help: declare one under `environments`, named like your dbt target
    "#);
    insta::assert_snapshot!(root("version: 2\nenvironments: {dev: {role_name: x}}"), @r#"
    error[unknown-version]: this file is of version 2; this rolecall reads version 1
      --> rolecall.yml:1:10
       | version: 2
       |          ^
      help: use a newer rolecall, or write version: 1
    "#);
    insta::assert_snapshot!(root("version: one\nenvironments: {dev: {role_name: x}}"), @r#"
    error[wrong-type]: `version` must be the number 1, not the text "one"
      --> rolecall.yml:1:10
       | version: one
       |          ^
      help: write version: 1
    "#);
    insta::assert_snapshot!(root("version:\nenvironments: {dev: {role_name: x}}"), @r#"
    error[wrong-type]: `version` must be the number 1, not nothing
      --> rolecall.yml:1:8
       | version:
       |        ^
      help: write version: 1
    "#);
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    insta::assert_snapshot!(beside("produkts: {}"), @r#"
    error[unknown-key]: rolecall.yml has no key `produkts`
      --> rolecall.yml:3:1
       | produkts: {}
       | ^
      help: did you mean `products`? known are `version`, `deployment`, `dialect`, `approved_plans`, `directory`, `warn_before`, `packages`, `environments`, `product_roles`, `products`, `policies`, `platform_policies` and more
    "#);
    insta::assert_snapshot!(beside("product_roles: {analyst: {may: [read], warehouse: [W]}}"), @r#"
    error[unknown-key]: a product role has no key `warehouse`
      --> rolecall.yml:3:40
       | product_roles: {analyst: {may: [read], warehouse: [W]}}
       |                                        ^
      help: did you mean `warehouses`? known are `may`, `warehouses`, `environments`
    "#);
    insta::assert_snapshot!(beside("something else entirely: 1"), @r#"
    error[unknown-key]: rolecall.yml has no key `something else entirely`
      --> rolecall.yml:3:1
       | something else entirely: 1
       | ^
      help: known are `version`, `deployment`, `dialect`, `approved_plans`, `directory`, `warn_before`, `packages`, `environments`, `product_roles`, `products`, `policies`, `platform_policies` and more
    "#);
}

#[test]
fn a_key_stands_only_where_it_may() {
    insta::assert_snapshot!(beside("members: {sales: [taylor]}"), @r#"
    error[misplaced-key]: `members` may not stand in rolecall.yml
      --> rolecall.yml:3:1
       | members: {sales: [taylor]}
       | ^
      help: members stand only in rolecall/members/<product>.yml, which the product's owner keeps
    "#);
    insta::assert_snapshot!(beside("products: {sales: {members: [taylor], may: [read]}}"), @r#"
    error[misplaced-key]: `members` may not stand in a product
      --> rolecall.yml:3:20
       | products: {sales: {members: [taylor], may: [read]}}
       |                    ^
      help: members stand only in rolecall/members/<product>.yml, which the product's owner keeps
    error[misplaced-key]: `may` may not stand in a product
      --> rolecall.yml:3:39
       | products: {sales: {members: [taylor], may: [read]}}
       |                                       ^
      help: it belongs to a product role, in rolecall.yml or rolecall/platform/
    "#);
    insta::assert_snapshot!(beside("product_roles: {analyst: {users: [taylor]}}\nrole_name: x\ngrants: {}"), @r#"
    error[misplaced-key]: `users` may not stand in a product role
      --> rolecall.yml:3:27
       | product_roles: {analyst: {users: [taylor]}}
       |                           ^
      help: members stand only in rolecall/members/<product>.yml, which the product's owner keeps
    error[misplaced-key]: `role_name` may not stand in rolecall.yml
      --> rolecall.yml:4:1
       | role_name: x
       | ^
      help: it belongs to an environment, in rolecall.yml or rolecall/platform/
    error[misplaced-key]: `grants` may not stand in rolecall.yml
      --> rolecall.yml:5:1
       | grants: {}
       | ^
      help: grants stand beside the model: config.meta.rolecall.grants
    "#);
}

#[test]
fn a_name_said_twice_names_both_places() {
    insta::assert_snapshot!(beside("products:\n  sales: {}\n  sales: {title: Again}\nproducts: {}"), @r#"
    error[said-twice]: the key `sales` is said twice
      --> rolecall.yml:5:3
       |   sales: {title: Again}
       |   ^
      ::: rolecall.yml:4:3 first said here
       |   sales: {}
       |   ^
      help: keep one of the two
    error[said-twice]: the key `products` is said twice
      --> rolecall.yml:6:1
       | products: {}
       | ^
      ::: rolecall.yml:3:1 first said here
       | products:
       | ^
      help: keep one of the two
    "#);
    insta::assert_snapshot!(said(&[
        ("rolecall.yml", GOOD),
        ("rolecall/platform/more.yml", "products: {sales_analytics: {}}\nproduct_roles: {analyst: {}}\nenvironments: {dev: {role_name: x}}"),
    ]), @r#"
    error[said-twice]: the product `sales_analytics` is said twice
      --> rolecall/platform/more.yml:1:12
       | products: {sales_analytics: {}}
       |            ^
      ::: rolecall.yml:10:3 first said here
       |   sales_analytics:
       |   ^
      help: keep one of the two
    error[said-twice]: the product role `analyst` is said twice
      --> rolecall/platform/more.yml:2:17
       | product_roles: {analyst: {}}
       |                 ^
      ::: rolecall.yml:6:3 first said here
       |   analyst: {may: [read], warehouses: [BI_WH]}
       |   ^
      help: keep one of the two
    error[said-twice]: the environment `dev` is said twice
      --> rolecall/platform/more.yml:3:16
       | environments: {dev: {role_name: x}}
       |                ^
      ::: rolecall.yml:3:3 first said here
       |   dev: {role_name: "{{ env.name }}_{{ product.name }}_{{ role.name }}"}
       |   ^
      help: keep one of the two
    "#);
    insta::assert_snapshot!(said(&[
        ("rolecall.yml", "version: 1\ndeployment: a\ndialect: postgres\nenvironments: {dev: {role_name: x}}"),
        ("rolecall/platform/more.yml", "deployment: b\ndialect: postgres"),
    ]), @r#"
    error[said-twice]: `deployment` is said twice
      --> rolecall/platform/more.yml:1:13
       | deployment: b
       |             ^
      ::: rolecall.yml:2:13 first said here
       | deployment: a
       |             ^
      help: keep one of the two
    error[said-twice]: `dialect` is said twice
      --> rolecall/platform/more.yml:2:10
       | dialect: postgres
       |          ^
      ::: rolecall.yml:3:10 first said here
       | dialect: postgres
       |          ^
      help: keep one of the two
    "#);
    insta::assert_snapshot!(beside("product_roles: {analyst: {may: [read]}}\nproducts: {sales: {product_roles: {analyst: {may: [admin]}}}}"), @r#"
    error[said-twice]: the product role `analyst` is said twice
      --> rolecall.yml:4:36
       | products: {sales: {product_roles: {analyst: {may: [admin]}}}}
       |                                    ^
      ::: rolecall.yml:3:17 first said here
       | product_roles: {analyst: {may: [read]}}
       |                 ^
      help: every product has it already; give the product's own another name
    "#);
}

#[test]
fn an_environment_may_name_whom_to_connect_as() {
    let with = |connection: &str| {
        format!("version: 1\nenvironments:\n  prod: {{role_name: x, connection: {connection}}}\n")
    };
    let connection = |text: &str| {
        let config = good(&[("rolecall.yml", &with(text))]);
        let connection = config.environments["prod"].connection.clone();
        (connection.profile.map(|p| p.value), connection.target.map(|t| t.value))
    };
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(connection("{target: granting}"), (None, some("granting")));
    assert_eq!(connection("{profile: admins, target: prod}"), (some("admins"), some("prod")));
    assert_eq!(connection("{}"), (None, None));
    insta::assert_snapshot!(root(&with("granting")), @r#"
    error[wrong-type]: an environment's connection must be a map of keys and values, not the text "granting"
      --> rolecall.yml:3:36
       |   prod: {role_name: x, connection: granting}
       |                                    ^
      help: write `key: value` lines
    "#);
    insta::assert_snapshot!(root(&with("{url: x, target: 5}")), @r#"
    error[unknown-key]: an environment's connection has no key `url`
      --> rolecall.yml:3:37
       |   prod: {role_name: x, connection: {url: x, target: 5}}
       |                                     ^
      help: known are `profile`, `target`
    error[wrong-type]: `target` must be text, not the number 5
      --> rolecall.yml:3:53
       |   prod: {role_name: x, connection: {url: x, target: 5}}
       |                                                     ^
      help: put it in quotes: "5"
    "#);
}

#[test]
fn a_playbook_role_has_an_id() {
    for id in ["\"\"", "\" \""] {
        let said = beside(&format!("roles:\n  {id}: {{name: x}}\n"));
        assert!(said.contains("error[invalid-name]: a playbook role has an empty id"), "{said}");
    }
    assert!(!beside("roles:\n  a: {name: x}\n").contains("empty id"));
}
