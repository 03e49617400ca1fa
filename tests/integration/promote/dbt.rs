//! The whole story beside real dbt, told by the deploy jobs of `examples/`.

use std::path::Path;
use std::process::Command;

use rolecall::warehouse::engine::Engine;
use rolecall::warehouse::engine::native::Options;
use tokio_postgres::NoTls;

use crate::binary::{Ended, copy_folder, repository, run};
use crate::dbt_build::{Line, dbt};
use crate::engines;

/// The fixture's project with dev and prod on one server, or on two.
struct Shop {
    dbt: std::path::PathBuf,
    dev: Engine,
    /// `None`: where dev is.
    prod: Option<Engine>,
    folder: tempfile::TempDir,
}

/// Everybody in the fixture's files, who logs in, and two who come later.
const PEOPLE: [&str; 9] = [
    "taylor",
    "jane",
    "robin",
    "kim",
    "sam",
    "nora",
    "ad_sales",
    "ad_finance",
    "ad_data_engineers",
];

impl Shop {
    async fn new(two: bool) -> Option<Self> {
        let dbt = dbt(Line::Current)?;
        let mut bins = engines::bins().into_iter();
        let start = |bin| Engine::native(&Options { bin, ..Options::default() }).unwrap();
        let dev = start(bins.next().flatten());
        let prod = two.then(|| start(bins.next_back().flatten()));
        let folder = tempfile::tempdir().unwrap();
        copy_folder(&repository("dbt_fixtures/sales_analytics"), folder.path());
        let shop = Self { dbt, dev, prod, folder };
        if two {
            // The first output is dev's: its server is another one.
            let profiles = shop.read("profiles.yml");
            let profiles = profiles.replacen("SHOP_PORT", "SHOP_DEV_PORT", 1);
            let profiles = profiles.replacen("'SHOP_PASSWORD'", "'SHOP_DEV_PASSWORD'", 1);
            shop.write("profiles.yml", &profiles);
        }
        let roles = PEOPLE.map(|name| format!("create role {name} login password 'pw'")).join(";");
        sql(&shop.dev.url("postgres"), &roles).await;
        if let Some(prod) = &shop.prod {
            sql(&prod.url("postgres"), &roles).await;
        }
        for (engine, database) in [(&shop.dev, "shop_dev"), (shop.prod(), "shop")] {
            sql(&engine.url("postgres"), &format!("create database {database}")).await;
            sql(&engine.url(database), &shop.read("warehouse_setup.sql")).await;
        }
        Some(shop)
    }

    fn prod(&self) -> &Engine {
        self.prod.as_ref().unwrap_or(&self.dev)
    }

    fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.path().join(file)).unwrap()
    }

    fn write(&self, file: &str, text: &str) {
        std::fs::write(self.folder.path().join(file), text).unwrap();
    }

    fn replace(&self, file: &str, from: &str, to: &str) {
        let text = self.read(file);
        assert!(text.contains(from), "{file} has no {from:?}");
        self.write(file, &text.replacen(from, to, 1));
    }

    /// A line of a deploy job, as its shell runs it.
    fn shell(&self, line: &str) -> Ended {
        let mut command = Command::new("sh");
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("DBT_") || text.starts_with("ROLECALL_") {
                command.env_remove(&name);
            }
        }
        let programs = [
            self.dbt.parent().unwrap(),
            Path::new(env!("CARGO_BIN_EXE_rolecall")).parent().unwrap(),
        ];
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = programs.into_iter().map(Path::to_owned).chain(std::env::split_paths(&path));
        command.args(["-ec", line]).current_dir(self.folder.path());
        command.env("PATH", std::env::join_paths(path).unwrap());
        // As the system of the job says who has started it.
        command.env("GITHUB_ACTOR", "jane").env("GITLAB_USER_LOGIN", "jane");
        command.env("DBT_PROFILES_DIR", ".").env("DBT_SEND_ANONYMOUS_USAGE_STATS", "false");
        for (engine, prefix) in [(&self.dev, "SHOP_DEV"), (self.prod(), "SHOP")] {
            let url = engine.url("postgres");
            let (login, place) = url.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
            let (user, password) = login.split_once(':').unwrap();
            let (_, port) = place.split_once('/').unwrap().0.rsplit_once(':').unwrap();
            command.env(format!("{prefix}_PORT"), port).env(format!("{prefix}_PASSWORD"), password);
            command.env("SHOP_USER", user).env("SHOP_HOST", "127.0.0.1");
        }
        run(&mut command)
    }

    /// A query in prod, by somebody's own login.
    async fn may(&self, who: &str, query: &str) -> bool {
        let url = self.prod().url("shop");
        let place = url.split_once('@').unwrap().1;
        let url = format!("postgres://{who}:pw@{place}");
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(connection);
        match client.batch_execute(query).await {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{error:?}");
                false
            }
        }
    }
}

async fn sql(url: &str, sql: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
}

/// What a deploy job has its shell run: `script`, or `run` of each of its steps.
fn job(file: &str) -> Vec<String> {
    let text = std::fs::read_to_string(repository("examples").join(file)).unwrap();
    let job: serde_json::Value = serde_saphyr::from_str(&text).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    if let Some(script) = job["deploy"]["script"].as_array() {
        return script.iter().map(text).collect();
    }
    let steps = job["jobs"]["deploy"]["steps"].as_array().unwrap();
    let runs = steps.iter().filter_map(|step| step["run"].as_str());
    runs.flat_map(|run| run.lines().map(str::to_owned)).collect()
}

const ORDERS: &str = "select * from sales.fct_orders";
const REVENUE: &str = "select * from finance.fct_revenue";

async fn story(two: bool) -> Option<Shop> {
    let shop = Shop::new(two).await?;
    let first = job("github-actions.yml");
    assert_eq!(first.len(), 5);
    for line in &first {
        shop.shell(line).with(0);
    }
    assert!(shop.may("taylor", ORDERS).await);
    assert!(!shop.may("taylor", REVENUE).await);
    assert!(!shop.may("taylor", "delete from sales.fct_orders").await);
    // In dev alone.
    assert!(!shop.may("sam", ORDERS).await);
    shop.shell("rolecall verify --target prod").with(0);
    let second = shop.shell("rolecall promote --from dev --to prod --check").with(0);
    assert!(second.stdout.contains("Nothing to add"), "{}", second.stdout);

    // The engineer annotates a model, the owner adds a member, and somebody lets kim in by hand.
    let finance = "models/marts/finance/_models.yml";
    shop.replace(finance, "sales_analytics.owner: [read]", "sales_analytics.analyst: [read]");
    let members = "rolecall/members/sales_analytics.yml";
    shop.replace(members, "  - user: taylor\n", "  - user: taylor\n  - user: nora\n");
    let job = job("gitlab-ci.yml");
    let (in_dev, in_prod) = job.split_at(2);
    for line in in_dev {
        shop.shell(line).with(0);
    }
    sql(&shop.dev.url("shop_dev"), "grant dev_sales_analytics_analyst to kim").await;
    let plan = shop.folder.path().join("prod.plan.json");
    std::fs::remove_file(&plan).unwrap();
    shop.shell(&in_prod[0]).with(0);
    let stopped = shop.shell(&in_prod[1]).with(4);
    let named = "refused[undeclared-member]: kim is in dev_sales_analytics_analyst in dev, let in by postgres";
    assert!(stopped.stderr.contains(named), "{}", stopped.stderr);
    assert!(!plan.exists());
    // The next run of the job takes kim out in dev, and goes through.
    for line in &job {
        shop.shell(line).with(0);
    }
    for (who, may) in [("nora", true), ("taylor", true), ("kim", false), ("sam", false)] {
        assert_eq!(shop.may(who, ORDERS).await, may, "{who}");
    }
    assert!(shop.may("nora", REVENUE).await);
    assert!(!shop.may("nora", "insert into finance.fct_revenue default values").await);
    let second = shop.shell("rolecall promote --from dev --to prod --check").with(0);
    assert!(second.stdout.contains("Nothing to add"), "{}", second.stdout);
    // What the model does not give any more goes by an ordinary plan.
    assert!(!shop.may("jane", REVENUE).await, "dbt has rebuilt it, so it went with the old table");
    Some(shop)
}

/// The three lines of the job where prod asks for an approval, and what dbt does to it afterwards.
async fn approved(shop: &Shop) {
    shop.replace("rolecall.yml", "protected: true", "protected: true\n    approved_plans: ok.txt");
    shop.write("ok.txt", "# hash who when why\n");
    let job = job("gitlab-ci.yml");
    let [build, promote, apply] = &job[2..] else { panic!("{job:?}") };
    shop.shell(build).with(0);
    assert!(!shop.may("taylor", ORDERS).await, "dbt has rebuilt it");
    let widened = shop.shell(promote).with(0).stdout;
    assert!(widened.contains("approved_plans: none until now, ok.txt from now on"), "{widened}");
    let refused = shop.shell(apply).with(8);
    assert!(refused.stderr.contains("refused[plan-not-approved]"), "{}", refused.stderr);
    shop.shell(
        "echo \"$(sha256sum prod.plan.json | cut -d' ' -f1) kim 2026-11-22 DATA-112\" >> ok.txt",
    )
    .with(0);
    shop.shell(apply).with(0);
    assert!(shop.may("taylor", ORDERS).await);
    let log = shop.shell("rolecall log --target prod --model fct_orders").with(0).stdout;
    assert!(log.contains("promoted from dev at manifest "), "{log}");
    assert!(log.contains("approved by kim"), "{log}");

    // A table that dbt rebuilds loses its grants, and the plan that gave them was applied.
    shop.shell("dbt build --target prod --target-path target/prod --select fct_orders").with(0);
    assert!(!shop.may("taylor", ORDERS).await);
    let replayed = shop.shell(apply).with(8);
    assert!(replayed.stderr.contains("refused[plan-replayed]"), "{}", replayed.stderr);
    assert!(replayed.stderr.contains("`hook: true`"), "{}", replayed.stderr);

    // What this run of dbt has not built gets nothing: one model fails, and those below it.
    shop.write("models/marts/finance/fct_invoices.sql", "select 1 / 0 as invoice_id");
    shop.shell(build).with(1);
    let results = format!("{promote} --run-results target/prod/run_results.json");
    let said = shop.shell(&results).with(0);
    for named in ["error by dbt: model.shop.fct_invoices", "skipped by dbt: model.shop.fct_revenue"]
    {
        assert!(said.stderr.contains(named), "{}", said.stderr);
    }
    assert!(said.stdout.contains("shop.sales.fct_orders"), "{}", said.stdout);
    assert!(!said.stdout.contains("fct_invoices"), "{}", said.stdout);
    assert!(!said.stdout.contains("fct_revenue"), "{}", said.stdout);
    // Any other command of dbt's writes the manifest again.
    shop.shell("dbt parse --no-partial-parse --target prod --target-path target/prod").with(0);
    let stale = shop.shell(&results).with(1);
    assert!(stale.stderr.contains("error[stale-run-results]"), "{}", stale.stderr);
}

#[tokio::test]
async fn a_deploy_job_brings_access_to_another_database() {
    if let Some(shop) = story(false).await {
        approved(&shop).await;
    }
}

#[tokio::test]
async fn a_deploy_job_brings_access_to_another_server() {
    let _ = story(true).await;
}
