use std::collections::BTreeMap;

use super::{files, good, render};
use crate::config::init::{first_config, first_members};
use crate::config::{Config, Product, parse};
use crate::dbt::{Manifest, ManifestVersion, Metadata, Node, ResourceType};

fn model(file: &str, group: Option<&str>, tags: &[&str]) -> Node {
    Node {
        unique_id: format!("model.shop.{file}"),
        resource_type: ResourceType::Model,
        package_name: "shop".to_owned(),
        name: file.to_owned(),
        source_name: None,
        relation: None,
        materialized: None,
        original_file_path: file.to_owned(),
        patch_path: None,
        fqn: Vec::new(),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        group: group.map(str::to_owned),
        access: None,
        version: None,
        latest_version: None,
        rolecall: None,
        rolecall_key: None,
        raito: None,
        grants: BTreeMap::new(),
        depends_on: Vec::new(),
    }
}

fn manifest(project: Option<&str>, nodes: Vec<Node>) -> Manifest {
    Manifest {
        metadata: Metadata {
            schema_version: ManifestVersion(12),
            dbt_version: None,
            project_name: project.map(str::to_owned),
            adapter_type: None,
            generated_at: None,
            invocation_id: None,
        },
        nodes: nodes.into_iter().map(|node| (node.unique_id.clone(), node)).collect(),
        granting_hooks: Default::default(),
        beyond: Default::default(),
    }
}

fn loads(text: &str) -> Config {
    let (config, diagnostics) = parse(&files(&[("rolecall.yml", text)]));
    assert_eq!(render(diagnostics), "", "{text}");
    config.unwrap()
}

fn products(nodes: Vec<Node>) -> Vec<(String, String)> {
    let config = loads(&first_config(&manifest(Some("shop"), nodes)));
    let outputs = |product: Product| product.outputs.unwrap().value;
    config.products.into_iter().map(|(name, product)| (name, outputs(product))).collect()
}

#[test]
fn folders_below_marts_become_products() {
    let text = first_config(&manifest(
        Some("shop"),
        vec![
            model("models/marts/sales/fct_orders.sql", None, &["pii", "daily"]),
            model("models/marts/sales/deep/dim.sql", None, &["pii"]),
            model("models/marts/finance/fct_bills.sql", None, &[]),
            model("models/staging/stripe/stg_x.sql", None, &[]),
            model("models/marts/my stuff/x.sql", None, &[]),
        ],
    ));
    loads(&text);
    insta::assert_snapshot!(text, @r#"
    # The platform's side of access as code: environments, what product roles may, and products.
    # Files in rolecall/platform/ are merged with this one; a name stands in one of them only.
    # Members stand in rolecall/members/<product>.yml, which each product's owner keeps.
    # What a role gets on a model stands beside the model, in meta:
    #   config: {meta: {rolecall: {grants: {analyst: [read]}}}}
    version: 1

    # Part of every managed role's marker, so that two projects on one server never touch each other.
    # Without it, the dbt project's name.
    # deployment: "shop"

    # Where models are deployed, each named like its dbt target (or with `target: its_name`).
    # `role_name` is the template of warehouse role names; it knows env.name, product.name,
    # product.title, role.name, and target.name, target.schema and target.database.
    environments:
      dev:
        role_name: "{{ env.name }}_{{ product.name }}_{{ role.name }}"
      prod:
        role_name: "{{ product.name }}_{{ role.name }}"
        # The environment whose access is promoted into this one.
        promote_from: dev
        # Only a saved plan is applied here (`plan --out`, or `promote --out`), and the dbt hooks grant
        # nothing unless `hook: true` says so.
        protected: true
        # Where users or groups have other names here than in the members' files:
        # user_name: "{{ user.name }}"
        # group_name: "{{ group.name }}"
        # The role that runs dbt, needed where ownership (`own`) is declared:
        # deploy_role: dbt

    # What every product gets: its kinds of role. `may` is the most that a declaration can give:
    # read, write, admin (every data privilege, no ownership), own, or a raw privilege.
    product_roles:
      analyst:
        may: [read]
        # USAGE on these warehouses (Snowflake):
        # warehouses: [BI_WH]
      engineer:
        may: [read, write]
        # Less in some environments:
        environments:
          prod: {may: [read]}
      owner:
        may: [admin]

    # Data products: named sets of dbt nodes. `owners` decide about members; `outputs` is a dbt node
    # selection, and no meta adds a node beyond it.
    products:
      finance: # 1 model
        title: "finance"
        owners: []
        outputs: "path:models/marts/finance"
      sales: # 2 models
        title: "sales"
        owners: []
        outputs: "path:models/marts/sales"

    # Not proposed, since a selection cannot name them; rename them, or select by tag:
    #   path:models/marts/my stuff (1)

    # Tags of this project's models, which `outputs` can select too, as "tag:name":
    #   daily (1)
    #   pii (2)
    "#);
}

#[test]
fn groups_come_before_folders() {
    let nodes = vec![
        model("models/marts/sales/a.sql", Some("finance"), &[]),
        model("models/marts/sales/b.sql", Some("Sales & Co"), &[]),
        model("models/marts/sales/c.sql", Some("2024"), &[]),
        model("models/marts/sales/d.sql", Some("yes"), &[]),
    ];
    assert_eq!(
        products(nodes),
        [("2024", "group:2024"), ("finance", "group:finance"), ("yes", "group:yes")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
    );
}

#[test]
fn names_that_meet_are_told_apart() {
    let nodes = ["a/Sales", "b/sales", "c/SALES!", "b_sales/sales"]
        .map(|folder| model(&format!("models/{folder}/x.sql"), None, &[]));
    let names: Vec<String> = products(nodes.to_vec()).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["b_sales", "b_sales_sales", "c_sales", "sales"]);
}

#[test]
fn flat_empty_and_old_projects_get_a_first_file_too() {
    assert_eq!(products(vec![model("models/x.sql", None, &[])])[0].1, "path:models");
    assert_eq!(products(vec![model("models/hr/x.sql", None, &[])])[0].1, "path:models/hr");
    assert_eq!(
        products(vec![model("models/staging/stripe/x.sql", None, &[])])[0].1,
        "path:models/staging/stripe"
    );
    assert!(products(Vec::new()).is_empty());
    let text = first_config(&manifest(None, vec![model("models/a/b/x.sql", None, &[])]));
    assert_eq!(loads(&text).deployment.unwrap().value, "shop");
    assert_eq!(loads(&first_config(&manifest(None, Vec::new()))).products.len(), 0);
}

#[test]
fn a_first_members_file_loads() {
    let root = first_config(&manifest(Some("shop"), vec![model("models/a/b/x.sql", None, &[])]));
    let config = good(&[("rolecall.yml", &root), ("rolecall/members/b.yml", &first_members("b"))]);
    assert_eq!(config.members["b"].len(), 3);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(100))]

    #[test]
    fn whatever_the_names_are_the_first_file_loads(
        project in proptest::option::of("\\PC{0,12}"),
        names in proptest::collection::vec(
            ("(\\PC|[\"'\\\\:#{}&*!|>%@` \t\n\r\u{0}\u{feff}\u{2028}-]|[a-z0-9]){0,8}",
             proptest::option::of("\\PC{0,6}|[\"':#\u{85} -]{0,3}|yes|1|🦀"), "(\\PC|\n){0,5}"), 0..6),
    ) {
        let nodes = names.iter().enumerate().map(|(n, (folder, group, tag))| {
            let mut node = model(&format!("models/m/{folder}/x{n}.sql"), group.as_deref(), &[tag]);
            node.package_name = project.clone().unwrap_or_default();
            node
        });
        let text = first_config(&manifest(project.as_deref(), nodes.collect()));
        loads(&text);
        for line in text.lines() {
            proptest::prop_assert!(!line.contains('\r'), "{line:?}");
        }
    }
}
