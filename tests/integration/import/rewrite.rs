//! Files of other tools, rewritten: real dbt parses them before and after, and what they give is the same.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::binary::{Ended, copy_folder, repository, rolecall, run};
use crate::dbt_build::{Line, dbt};

/// A project of its own, and dbt to parse it.
struct Project {
    dbt: std::path::PathBuf,
    folder: tempfile::TempDir,
}

impl Project {
    fn new(fixture: &str) -> Option<Self> {
        let project = Self { dbt: dbt(Line::Current)?, folder: tempfile::tempdir().unwrap() };
        copy_folder(&repository("dbt_fixtures").join(fixture), project.path());
        Some(project)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap()
    }

    /// `dbt parse` for both targets.
    fn parse(&self) {
        self.parse_for(&["dev", "prod"]);
    }

    fn parse_for(&self, targets: &[&str]) {
        for target in targets {
            let mut command = Command::new(&self.dbt);
            command
                .args(["--quiet", "--no-send-anonymous-usage-stats", "parse", "--no-partial-parse"])
                .args(["--profiles-dir", ".", "--target", target])
                .args(["--target-path", &format!("target/{target}")])
                .current_dir(self.path());
            run(&mut command).with(0);
        }
    }

    fn rolecall(&self, words: &[&str]) -> Ended {
        run(rolecall().args(words).current_dir(self.path()))
    }

    fn compiled(&self, target: &str) -> String {
        self.rolecall(&["compile", "-t", target, "--format", "sql"]).with(0).stdout
    }

    /// Every file with its text.
    fn files(&self) -> Vec<(String, String)> {
        let mut all: Vec<(String, String)> = walkdir::WalkDir::new(self.path())
            .into_iter()
            .map(Result::unwrap)
            .filter(|entry| entry.file_type().is_file())
            .filter(|entry| !entry.path().components().any(|part| part.as_os_str() == "target"))
            .map(|entry| {
                let name = entry.path().strip_prefix(self.path()).unwrap();
                (name.display().to_string(), std::fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        all.sort();
        all
    }
}

#[test]
fn raito_s_blocks_become_ours_and_compile_says_the_same() {
    let Some(project) = Project::new("raito") else { return };
    project.parse();
    let before = ["dev", "prod"].map(|target| project.compiled(target));
    let files = project.files();
    let dry = project.rolecall(&["import", "--from", "raito", "-t", "prod", "--dry-run"]).with(0);
    assert_eq!(project.files(), files, "{}", dry.stderr);
    let ended = project.rolecall(&["import", "--from", "raito", "-t", "prod"]).with(0);
    insta::assert_snapshot!(ended.stdout, @r#"
    dbt_project.yml
    models/finance/invoices.sql
    models/sales/_sales.yml
    rolecall.yml
    rolecall/platform/raito.yml  (new)
    seeds/_seeds.yml
    "#);
    project.parse();
    let after = ["dev", "prod"].map(|target| project.compiled(target));
    assert_eq!(before, after);
    insta::assert_snapshot!(project.read("models/sales/_sales.yml"), @r#"
    version: 2

    models:
      # What sales sells.
      - name: orders
        description: One row per order.
        config:
          materialized: table
          meta:
            rolecall:
              grants:
                raito.sales_analysis_dbt: [SELECT, REFERENCES]
                sales_analytics.analyst: [read]
                sales_analytics.engineer: [read, write]
            raito:
              # the one of the product
              filter:
                - name: country_filter_eu
                  policy_rule: Country IN ('France', 'Belgium')
        columns:
          - name: email
            meta:
              raito:
                mask:
                  name: email_masking
                  type: SHA256
      - name: returns
        # As Raito's first examples have it.
        meta: {rolecall: {grants: {raito.sales_analysis_dbt: [read]}}}
    "#);
    insta::assert_snapshot!(project.read("models/finance/invoices.sql"), @r#"
    {{ config(
        materialized='table',
        alias='Invoices',
        meta={'rolecall': {'product': 'raito', 'grants': {'finance_readers': ['read'], 'sales_analysis_dbt': ['read']}}}
    ) }}
    select 1 as id
    "#);
    insta::assert_snapshot!(project.read("rolecall/platform/raito.yml"), @r#"
    # Written by `rolecall import --from raito`: the roles that no product role was, and what
    # they may. Move them into products of their own, and let owners say who is in them.
    products:
      raito:
        product_roles:
          finance_readers: {may: [read]}  # Finance Readers
          sales_analysis_dbt: {may: [REFERENCES, SELECT, read]}
    "#);
    assert!(!project.read("rolecall.yml").contains("compat"));
    // Once is enough.
    let again = project.rolecall(&["import", "--from", "raito", "-t", "prod"]).with(0);
    assert!(again.stderr.contains("nothing to rewrite"), "{}", again.stderr);
}

#[test]
fn what_cannot_be_rewritten_is_listed_and_no_file_is() {
    let Some(project) = Project::new("raito") else { return };
    let made = "{% set grants = [{'name': 'made', 'global_permissions': ['READ']}] %}\n{{ config(meta={'raito': {'grant': grants}}) }}\nselect 1 as id\n";
    project.write("models/finance/revenue.sql", made);
    let seeds = project.read("seeds/_seeds.yml").replace("meta:", "meta: &meta");
    project.write("seeds/_seeds.yml", &seeds);
    project.parse_for(&["prod"]);
    let files = project.files();
    let ended = project.rolecall(&["import", "--from", "raito", "-t", "prod"]).with(1);
    assert_eq!(project.files(), files);
    let told: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("by hand")).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    by hand: models/finance/revenue.sql: the block of model.market.revenue is not found as the manifest has it (it is made while dbt runs, or was edited since): run `dbt parse`, or rewrite it by hand
    by hand: seeds/_seeds.yml: this file is not edited: it uses anchors or tags; rewrite it by hand
    "#);
}

/// Relation, grantee and privilege that dbt's own `grants` give, by its manifest.
fn given_by_dbt(project: &Project, target: &str) -> Vec<(String, String, String)> {
    let text = project.read(&format!("target/{target}/manifest.json"));
    let manifest: Value = serde_json::from_str(&text).unwrap();
    let mut given = Vec::new();
    for node in manifest["nodes"].as_object().unwrap().values() {
        let Some(grants) = node["config"]["grants"].as_object() else { continue };
        let on = node["relation_name"].as_str().unwrap_or_default().replace('"', "");
        for (privilege, grantees) in grants {
            for grantee in grantees.as_array().unwrap() {
                let grantee = grantee.as_str().unwrap().to_owned();
                given.push((on.clone(), grantee, privilege.to_uppercase()));
            }
        }
    }
    given.sort();
    given
}

/// The same by what we would grant: to the role, and so to whoever is in it.
fn given_by_us(project: &Project, target: &str) -> Vec<(String, String, String)> {
    let compiled = project.rolecall(&["compile", "-t", target]).with(0).json();
    let mut given = Vec::new();
    for grant in compiled["grants"].as_array().unwrap() {
        let text = |key: &str| {
            let value = grant["on"].get(key).unwrap_or(&grant[key]);
            value.as_str().unwrap_or_default().to_owned()
        };
        if ["schema", "database"].contains(&text("class").as_str()) {
            continue;
        }
        let on = format!("{}.{}.{}", text("database"), text("schema"), text("name"));
        let members = compiled["memberships"].as_array().unwrap().iter();
        let members: Vec<String> = members
            .filter(|member| member["role"] == grant["role"])
            .map(|member| member["member"].as_str().unwrap().to_owned())
            .collect();
        let holders = if members.is_empty() { vec![text("role")] } else { members };
        given.extend(holders.into_iter().map(|holder| (on.clone(), holder, text("privilege"))));
    }
    given.sort();
    given
}

#[test]
fn dbt_s_own_grants_become_product_roles_that_the_grantees_are_in() {
    let Some(project) = Project::new("raito") else { return };
    std::fs::remove_dir_all(project.path().join("models")).unwrap();
    project.write("rolecall.yml", "version: 1\nenvironments:\n  dev: {role_name: \"{{ env.name }}_{{ product.name }}_{{ role.name }}\"}\n  prod: {role_name: \"{{ product.name }}_{{ role.name }}\"}\nproduct_roles:\n  analyst: {may: [read]}\nproducts:\n  sales_analytics: {outputs: \"path:models/sales\"}\n");
    project.write("rolecall/members/sales_analytics.yml", "analyst: []\n");
    project.write("dbt_project.yml", "name: market\nversion: \"1.0\"\nprofile: market\nmodels:\n  market:\n    +grants: {select: [reporter]}\n    finance:\n      # Those who audit, too.\n      +grants:\n        +select: [\"auditor\"]\nseeds:\n  market:\n    +schema: seeds\n");
    project.write("seeds/_seeds.yml", "seeds:\n  - name: countries\n    config:\n      grants: {select: [reporter, shop_analyst]}\n");
    project.write("models/sales/orders.sql", "{{ config(materialized='table', grants={'select': ['reporter'], 'insert': ['loader']}) }}\nselect 1 as id\n");
    project.write("models/sales/returns.sql", "select 1 as id\n");
    project.write("models/sales/_sales.yml", "models:\n  - name: returns\n    config:\n      meta:\n        contact: jane # whom to ask\n      # who reads it\n      grants:\n        +select: [support]  # the desk\n");
    project.write("models/finance/revenue.sql", "select 1 as id\n");
    project.write("models/finance/invoices.sql", "select 1 as id\n");
    project.parse();
    let before = ["dev", "prod"].map(|target| given_by_dbt(&project, target));
    assert!(before[0].len() > 8, "{before:?}");
    let ended = project.rolecall(&["import", "--from", "dbt-grants", "-t", "prod"]).with(0);
    insta::assert_snapshot!(ended.stdout, @r#"
    dbt_project.yml
    models/sales/_sales.yml
    models/sales/orders.sql
    rolecall/members/dbt_grants.yml  (new)
    rolecall/platform/dbt_grants.yml  (new)
    seeds/_seeds.yml
    "#);
    insta::assert_snapshot!(project.read("dbt_project.yml"), @r#"
    name: market
    version: "1.0"
    profile: market
    models:
      market:
        +meta:
          rolecall:
            grants:
              dbt_grants.reporter: [read]
        finance:
          # Those who audit, too.
          +meta:
            rolecall:
              product: dbt_grants
              grants:
                auditor: [read]
                reporter: [read]
    seeds:
      market:
        +schema: seeds
    "#);
    insta::assert_snapshot!(project.read("models/sales/_sales.yml"), @r#"
    models:
      - name: returns
        config:
          meta:
            contact: jane # whom to ask
            rolecall:
              grants:
                dbt_grants.reporter: [read]
                dbt_grants.support: [read]
          # who reads it
          # the desk
    "#);
    insta::assert_snapshot!(project.read("models/sales/orders.sql"), @r#"
    {{ config(materialized='table', meta={'rolecall': {'grants': {'dbt_grants.loader': ['INSERT'], 'dbt_grants.reporter': ['read']}}}) }}
    select 1 as id
    "#);
    insta::assert_snapshot!(project.read("rolecall/platform/dbt_grants.yml"), @r#"
    # Written by `rolecall import --from dbt-grants`: the roles that no product role was, and what
    # they may. Move them into products of their own, and let owners say who is in them.
    products:
      dbt_grants:
        product_roles:
          auditor: {may: [read]}
          loader: {may: [INSERT]}
          reporter: {may: [read]}
          shop_analyst: {may: [read]}
          support: {may: [read]}
    "#);
    insta::assert_snapshot!(project.read("rolecall/members/dbt_grants.yml"), @r#"
    # Written by `rolecall import --from dbt-grants`: whom dbt granted to.
    auditor:
      - {group: auditor, reason: "dbt's grants"}
    loader:
      - {group: loader, reason: "dbt's grants"}
    reporter:
      - {group: reporter, reason: "dbt's grants"}
    shop_analyst:
      - {group: shop_analyst, reason: "dbt's grants"}
    support:
      - {group: support, reason: "dbt's grants"}
    "#);
    project.parse();
    for (target, before) in ["dev", "prod"].iter().zip(before) {
        assert_eq!(given_by_dbt(&project, target), []);
        assert_eq!(given_by_us(&project, target), before, "{target}");
    }
}

#[test]
fn grants_that_are_made_while_dbt_runs_are_left_to_people() {
    let Some(project) = Project::new("raito") else { return };
    std::fs::remove_dir_all(project.path().join("models")).unwrap();
    project.write("dbt_project.yml", "name: market\nversion: \"1.0\"\nprofile: market\nmodels:\n  market:\n    +grants: {select: [\"{{ 'a' if target.name == 'prod' else 'b' }}\"]}\n");
    project.write("models/a.sql", "select 1 as id\n");
    project.write("models/b.sql", "{{ config(grants={'all': ['everyone'], 'select': ['group x', 'public']}) }}\nselect 1 as id\n");
    project.write("seeds/_seeds.yml", "");
    project.parse_for(&["prod"]);
    let files = project.files();
    let ended = project.rolecall(&["import", "--from", "dbt-grants", "-t", "prod"]).with(1);
    assert_eq!(project.files(), files);
    let told: Vec<&str> = ended.stderr.lines().filter(|line| line.starts_with("by hand")).collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    by hand: models/a.sql: the grants of model.market.a are not found as the manifest has them (made while dbt runs, or edited since): run `dbt parse`, or say them by hand
    by hand: models/b.sql: `all` in the grants of model.market.b is no privilege by itself: write each by its name
    by hand: models/b.sql: the grantee "group x" of model.market.b: it is more than a name: say it by hand
    by hand: models/b.sql: the grantee "public" of model.market.b: it is everybody, and nobody's product role is: say it by hand
    "#);
}
