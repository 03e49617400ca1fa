//! What a project would be refused for, or would change somebody's access by, is not written but named.

use super::site::Site;
use crate::binary::{rolecall, run};
use crate::engines::Ground;

const NODES: &[(&str, &str, &str)] =
    &[("model", "orders", "table"), ("model", "salaries", "table")];

const GROUND: &str = "create schema sales; create table sales.orders (id int);
    create table sales.salaries (id int); create table sales.other (id int);
    create role ~fin_analyst; create role ~taylor login; create role ~team; create role ~mere;
    create role ~loader; create role ~dbt login;
    grant usage on schema sales to ~fin_analyst, ~loader, ~team;
    grant select on sales.orders to ~fin_analyst;
    grant ~fin_analyst to ~taylor;";

const CONFIG: &str = "version: 1\ndeployment: ~refused\nenvironments:\n  prod: {role_name: \"~{{ product.name }}_{{ role.name }}\"}\n";
const PRODUCT: &str = "products:\n  fin:\n    owners: [sam]\n    outputs: \"package:shop\"\n    product_roles:\n      analyst: {may: [read]}\n";
const ORDERS: &str = r#"{"grants": {"analyst": ["read"]}}"#;

async fn site<'g>(ground: &'g Ground, more: &str, config: &str) -> Site<'g> {
    ground.sql(&format!("{GROUND}{more}")).await;
    let site = Site::new(ground);
    site.write("rolecall.yml", config);
    site.manifest(NODES, &[]);
    site
}

/// What is said by an import into the project.
fn import(site: &Site<'_>, environment: &str) -> String {
    let pattern = format!("{}*", site.ground.prefix);
    let ended = site.rolecall(&["import", "-t", environment, "--role", &pattern, "--out", "."]);
    site.shown(&ended.with(0).stderr)
}

fn says(said: &str, line: &str) {
    assert!(said.lines().any(|one| one == line), "{line}\n{said}");
}

const ACCESS: &str = "select format('%s %s %s', c.relname, a.grantee::regrole, a.privilege_type)
    from pg_class c, aclexplode(c.relacl) a where c.relnamespace = 'sales'::regnamespace
    union all select format('%s in %s', member::regrole, roleid::regrole) from pg_auth_members
        where starts_with(roleid::regrole::text, '~')
    union all select format('%s owns %s', relowner::regrole, relname) from pg_class
        where relnamespace = 'sales'::regnamespace order by 1";

fn validates(site: &Site<'_>) {
    let words = ["validate", "-t", "prod"];
    run(rolecall().args(words).current_dir(site.folder.path())).with(0);
}

/// Adopts; nobody's access changes, and there is nothing more to plan.
async fn adopts(site: &Site<'_>) {
    let before = site.ground.ask(ACCESS).await;
    validates(site);
    site.rolecall(&["apply", "-t", "prod", "--adopt"]).with(0);
    site.rolecall(&["plan", "-t", "prod", "--check"]).with(0);
    assert_eq!(site.ground.ask(ACCESS).await, before);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_is_in_a_product_role_stays_a_group() {
    for ground in Ground::each().await {
        let more = "grant ~fin_analyst to ~team, ~mere; grant select on sales.other to ~team;";
        let site = site(&ground, more, &format!("{CONFIG}{PRODUCT}")).await;
        let said = import(&site, "prod");
        for group in ["team", "mere"] {
            says(
                &said,
                &format!(
                    "not imported: ~{group}: it is a member of ~fin_analyst, fin.analyst, and stays one: members are people and groups. What it holds itself stays as it is"
                ),
            );
        }
        let playbook = site.folder.path().join("rolecall/platform/imported.yml");
        let playbook = std::fs::read_to_string(playbook).unwrap_or_default();
        assert!(!playbook.contains("team") && !playbook.contains("mere"), "{playbook}");
        let orders = serde_json::from_str(ORDERS).unwrap();
        site.manifest(NODES, &[("orders", orders)]);
        std::fs::remove_file(site.folder.path().join("rolecall_declarations.yml")).unwrap();
        site.rolecall(&["import", "-t", "prod", "--members"]).with(0);
        let members = site.read("rolecall/members/fin.yml");
        assert!(members.contains("group: ~team") && members.contains("group: ~mere"), "{members}");
        adopts(&site).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ownership_that_dbt_could_not_make_again_is_named_with_a_deploy_role_too() {
    let ground = Ground::each().await.remove(0);
    let more =
        "alter table sales.salaries owner to ~loader; alter table sales.orders owner to ~mere;
        grant ~mere to ~dbt;";
    let config = CONFIG.replace("\"}", "\", deploy_role: ~dbt}");
    let site = site(&ground, more, &config).await;
    let said = import(&site, "prod");
    says(
        &said,
        "not said: ~loader: ownership of table DB.sales.salaries: it would be an error: ~loader is declared to own DB.sales.salaries, but deploy_role ~dbt is no member of it: dbt could not rebuild it",
    );
    let playbook = site.read("rolecall/platform/imported.yml");
    assert_eq!(playbook.matches("[ownership]").count(), 1, "{playbook}");
    let _ = std::fs::remove_file(site.folder.path().join("rolecall_declarations.yml"));
    let orders = serde_json::json!({"product": "fin", "grants": {"analyst": ["read"]}});
    site.manifest(NODES, &[("orders", orders)]);
    adopts(&site).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_go_round_a_required_policy_is_named() {
    let ground = Ground::each().await.remove(0);
    let more = "grant select on sales.salaries, sales.other to ~loader;";
    let policy = "policies:\n  - name: closed\n    combine: all\n    resources: {select: salaries}\n    actors: {users: [~taylor]}\n";
    let site = site(&ground, more, &format!("{CONFIG}{policy}")).await;
    let said = import(&site, "prod");
    says(
        &said,
        "not said: ~loader: SELECT on table DB.sales.salaries: it would be an error: the playbook role ~loader would get round the policy closed, which is always required: its grant on DB.sales.salaries",
    );
    let playbook = site.read("rolecall/platform/imported.yml");
    assert!(playbook.contains("object-name: other\n"), "{playbook}");
    assert!(!playbook.contains("object-name: salaries"), "{playbook}");
    validates(&site);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_role_of_another_environment_gets_nothing_by_an_import_of_this_one() {
    let ground = Ground::each().await.remove(0);
    let more = "create role ~p_fin_analyst; grant ~p_fin_analyst to ~dbt;
        grant usage on schema sales to ~p_fin_analyst; grant select on sales.salaries to ~p_fin_analyst;";
    let config = "version: 1\ndeployment: ~envs\nenvironments:\n  prod: {role_name: \"~{{ product.name }}_{{ role.name }}\"}\n  other: {role_name: \"~p_{{ product.name }}_{{ role.name }}\"}\n";
    let site = site(&ground, more, config).await;
    let pattern = format!("{}fin*", ground.prefix);
    let import = ["import", "-t", "prod", "--role", &pattern, "--out", "."];
    site.rolecall(&import).with(0);
    let products = site.read("rolecall/platform/imported_products.yml");
    assert!(
        products.contains("analyst: {may: [read], environments: {other: {may: []}}}"),
        "{products}"
    );
    let orders = serde_json::json!({"product": "fin", "grants": {"analyst": ["read"]}});
    site.manifest(NODES, &[("orders", orders)]);
    std::fs::remove_file(site.folder.path().join("rolecall_declarations.yml")).unwrap();
    let pattern = format!("{}p_fin*", ground.prefix);
    let import = ["import", "-t", "other", "--role", &pattern];
    let line = "by adoption: ~p_fin_analyst: would gain SELECT on table DB.sales.orders (model.shop.orders)";
    let said = site.shown(&site.rolecall(&import).with(0).stderr);
    assert!(!said.contains("would gain"), "{said}");
    // Once it may there what it may here.
    let whole = products.replace(", environments: {other: {may: []}}", "");
    site.write("rolecall/platform/imported_products.yml", &whole);
    let said = site.shown(&site.rolecall(&import).with(0).stderr);
    says(&said, line);
    says(
        &said,
        "by adoption: ~p_fin_analyst: ~dbt would be taken out, unless `rolecall import --members` is run first",
    );
    assert_eq!(said.matches("by adoption").count(), 2, "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_way_that_everybody_has_keeps_no_new_product_from_being_one() {
    let ground = Ground::each().await.remove(0);
    let more = "create role ~crm_reader; grant usage on schema sales to ~crm_reader;
        grant select on sales.orders to ~crm_reader; grant ~crm_reader to ~taylor;";
    let site = site(&ground, more, &format!("{CONFIG}{PRODUCT}")).await;
    let said = import(&site, "prod");
    says(&said, "as a product role: ~crm_reader: crm.reader");
}

#[tokio::test(flavor = "multi_thread")]
async fn playbook_roles_let_nobody_in_elsewhere_and_have_ids_of_their_own() {
    let ground = Ground::each().await.remove(0);
    let more = "grant select on sales.salaries, sales.other to ~loader; grant ~loader to ~taylor;";
    let config = "version: 1\ndeployment: ~ids\nenvironments:\n  prod: {role_name: \"~{{ product.name }}_{{ role.name }}\"}\n  other: {role_name: \"x_{{ product.name }}_{{ role.name }}\"}\nroles:\n  ~loader: {name: ~some}\n";
    let site = site(&ground, more, config).await;
    let pattern = format!("{}loader", ground.prefix);
    let import = ["import", "-t", "prod", "--role", &pattern, "--out", "."];
    site.write("rolecall/members/playbook_roles.yaml", "{}\n");
    let ended = site.rolecall(&import);
    assert!(ended.stderr.contains("playbook_roles.yaml is there already"), "{}", ended.stderr);
    std::fs::remove_file(site.folder.path().join("rolecall/members/playbook_roles.yaml")).unwrap();
    let said = site.shown(&site.rolecall(&import).with(0).stderr);
    says(
        &said,
        "not said: ~loader: that it is a role of prod alone: the configuration has playbook roles without `playbook_environments`: it will be made in the other environments, too, without its members",
    );
    let members = site.read("rolecall/members/playbook_roles.yml");
    assert!(
        members.contains("~loader_2:\n  - {user: ~taylor, environments: [prod]}\n"),
        "{members}"
    );
    validates(&site);
    for file in ["rolecall/members/playbook_roles.yml", "rolecall/platform/imported.yml"] {
        std::fs::remove_file(site.folder.path().join(file)).unwrap();
    }
    site.write("rolecall.yml", &format!("{config}playbook_environments: [other]\n"));
    let said = site.shown(&site.rolecall(&import).with(0).stderr);
    says(
        &said,
        "not imported: ~loader: playbook roles do not hold in prod: name it in `playbook_environments`, which applies to all that are there",
    );
}
