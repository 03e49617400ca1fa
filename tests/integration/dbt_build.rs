//! Beside real dbt: what it builds gets its access, and gets it again after a rebuild.

use std::path::{Path, PathBuf};
use std::process::Command;

use rolecall::warehouse::engine::Engine;
use rolecall::warehouse::engine::native::Options;
use tokio_postgres::{Client, NoTls};

use crate::binary::{Ended, copy_folder, repository, rolecall, run};
use crate::engines;

/// Which line of dbt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line {
    /// The pinned one.
    Current,
    /// An older one that is still in use.
    Old,
}

/// dbt, if it is here: `ROLECALL_DBT` or `ROLECALL_DBT_OLD`, or the one in `.test-env`.
pub fn dbt(line: Line) -> Option<PathBuf> {
    let (variable, own) = match line {
        Line::Current => ("ROLECALL_DBT", ".test-env/bin/dbt"),
        Line::Old => ("ROLECALL_DBT_OLD", ".test-env/old/bin/dbt"),
    };
    let named = std::env::var_os(variable).map(PathBuf::from);
    let own = repository(own);
    let found = named.or_else(|| own.is_file().then_some(own));
    if found.is_none() {
        eprintln!("skipped: no dbt (set {variable})");
    }
    found
}

/// A project of its own on a server of its own, since its roles have the names that they have.
pub struct Site {
    dbt: PathBuf,
    pub engine: Engine,
    folder: tempfile::TempDir,
    pub database: &'static str,
    /// What the profile's variables begin with.
    prefix: &'static str,
    pub user: String,
    pub password: String,
    /// The environment that `rolecall` and `dbt` are run for.
    pub target: &'static str,
    /// The target's schema, where it is not the profile's own.
    pub schema: Option<&'static str>,
    admin: Client,
}

impl Site {
    pub async fn new(project: &str, prefix: &'static str, database: &'static str) -> Option<Self> {
        let site = Self::empty(Line::Current, prefix, database).await?;
        copy_folder(&repository("dbt_fixtures").join(project), site.path());
        // What a protected environment asks for is told in `receipts/`.
        let config = site.read("rolecall.yml").replace("    protected: true\n", "");
        site.write("rolecall.yml", &config);
        Some(site)
    }

    /// One without a project yet.
    pub async fn empty(line: Line, prefix: &'static str, database: &'static str) -> Option<Self> {
        let dbt = dbt(line)?;
        let bin = engines::bins().into_iter().next().flatten();
        let engine = Engine::native(&Options { bin, ..Options::default() }).unwrap();
        let admin = connect(&engine.url("postgres")).await;
        admin.batch_execute(&format!("create database \"{database}\"")).await.unwrap();
        let admin = connect(&engine.url(database)).await;
        let folder = tempfile::tempdir().unwrap();
        let url = engine.url(database);
        let password = url.split_once("//postgres:").unwrap().1.split_once('@').unwrap().0;
        let (user, password) = ("postgres".to_owned(), password.to_owned());
        let (target, schema) = ("prod", None);
        Some(Self { dbt, engine, folder, database, prefix, user, password, target, schema, admin })
    }

    pub async fn sql(&self, sql: &str) {
        self.admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// The first column of the rows.
    pub async fn ask(&self, sql: &str) -> Vec<String> {
        let rows = self.admin.query(sql, &[]).await.unwrap();
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// `dbt build`, which must pass.
    #[track_caller]
    pub fn build(&self, more: &[&str]) -> Ended {
        self.dbt(&[&["build"], more].concat()).with(0)
    }

    /// A command of dbt's for the site's target.
    pub fn dbt(&self, words: &[&str]) -> Ended {
        run(&mut self.dbt_command(words))
    }

    /// The same, ready to be run.
    pub fn dbt_command(&self, words: &[&str]) -> Command {
        let url = self.engine.url("postgres");
        let port = url.rsplit_once(':').unwrap().1.split_once('/').unwrap().0.to_owned();
        let mut command = Command::new(&self.dbt);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("DBT_") {
                command.env_remove(name);
            }
        }
        command
            .args(["--no-send-anonymous-usage-stats", "--no-use-colors"])
            .args(words)
            .args(["--target", self.target, "--profiles-dir", "."])
            .current_dir(self.path())
            .env(format!("{}_HOST", self.prefix), "127.0.0.1")
            .env(format!("{}_PORT", self.prefix), port)
            .env(format!("{}_USER", self.prefix), &self.user)
            .env(format!("{}_PASSWORD", self.prefix), &self.password)
            .env(format!("{}_DATABASE", self.prefix), self.database);
        if let Some(schema) = self.schema {
            command.env(format!("{}_SCHEMA", self.prefix), schema);
        }
        command
    }

    /// On to a new, empty database of the same server, with the same roles.
    pub async fn go_to(&mut self, database: &'static str) {
        self.sql(&format!("create database \"{database}\"")).await;
        self.admin = connect(&self.engine.url(database)).await;
        self.database = database;
    }

    /// `sales_analytics` as dbt built it, where its members have roles.
    pub async fn with_people() -> Option<Self> {
        let site = Self::new("sales_analytics", "SHOP", "shop").await?;
        site.sql(&site.read("warehouse_setup.sql")).await;
        site.sql(
            "create role taylor; create role jane; create role robin; create role kim;
             create role ad_sales; create role ad_finance; create role ad_data_engineers;",
        )
        .await;
        site.build(&[]);
        Some(site)
    }

    /// A command of ours on what dbt built.
    pub fn rolecall(&self, words: &[&str]) -> Ended {
        let mut command = rolecall();
        command.args(words).args(["--target", self.target, "--project-dir"]).arg(self.path());
        run(command.env("ROLECALL_CONNECTION", self.engine.url(self.database)))
    }

    /// The plan of it, saved and applied, as a protected environment wants it. `flags` are the
    /// plan's, and `both` go to both commands.
    pub fn apply_planned(&self, flags: &[&str], both: &[&str]) -> Ended {
        let plan = self.path().join("planned.json");
        let plan = plan.to_str().unwrap();
        self.rolecall(&[&["plan", "--out", plan], flags, both].concat()).with(0);
        self.rolecall(&[&["apply", plan], both].concat()).with(0)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, file: &str, text: &str) {
        std::fs::write(self.path().join(file), text).unwrap();
    }

    pub fn read(&self, file: &str) -> String {
        std::fs::read_to_string(self.path().join(file)).unwrap()
    }

    /// A query as somebody: whether it went through. Any other failure than a refusal is ours.
    pub async fn may(&self, who: &str, query: &str) -> bool {
        self.sql(&format!("set role {who}")).await;
        let answer = self.admin.batch_execute(query).await;
        self.sql("reset role").await;
        match answer {
            Ok(()) => true,
            Err(error) => {
                assert_eq!(error.code().map(|code| code.code()), Some("42501"), "{error:?}");
                false
            }
        }
    }
}

pub async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[tokio::test]
async fn access_comes_back_after_a_rebuild_and_a_reviewed_plan_outlives_it() {
    let Some(site) = Site::with_people().await else { return };
    site.rolecall(&["verify"]).with(3);
    let plan = site.path().join("reviewed.json");
    let plan = plan.to_str().unwrap();
    site.rolecall(&["plan", "--out", plan]).with(0);
    let query = "select * from sales.fct_orders";
    assert!(!site.may("taylor", query).await);

    // Every table and view is another one now, and the plan still means them.
    let oid = "select 'sales.fct_orders'::regclass::oid::text";
    let old = site.ask(oid).await;
    site.build(&[]);
    assert_ne!(site.ask(oid).await, old, "dbt has rebuilt it");
    site.rolecall(&["apply", plan]).with(0);
    site.rolecall(&["verify"]).with(0);
    assert!(site.may("taylor", query).await);
    assert!(!site.may("kim", query).await);
    // What dbt granted by its own `grants` to somebody else is still there.
    assert!(!site.may("reporting", query).await);
    let granted = "select grantee::regrole::text from pg_class, aclexplode(relacl)
                   where oid = 'finance.fct_invoices'::regclass and grantee <> relowner order by 1";
    assert!(site.ask(granted).await.contains(&"reporting".to_owned()));

    // dbt drops grants where it rebuilds; the same plan, or none, brings them back.
    for again in [&["apply", plan][..], &["apply"][..]] {
        site.build(&[]);
        assert!(!site.may("taylor", query).await);
        let drift = site.rolecall(&["verify"]).with(3);
        assert!(drift.stdout.contains("fct_orders"), "{}", drift.stdout);
        site.rolecall(again).with(0);
        site.rolecall(&["verify"]).with(0);
        assert!(site.may("taylor", query).await);
    }
    site.rolecall(&["plan", "--check"]).with(0);
}

#[tokio::test]
async fn dbt_goes_on_building_what_a_product_role_owns() {
    let Some(mut site) = Site::new("owned", "LEDGER", "ledger").await else { return };
    site.sql(
        "create role deployer login password 'deployer'; create role taylor;
         grant create on database ledger to deployer",
    )
    .await;
    (site.user, site.password) = ("deployer".into(), "deployer".into());
    site.build(&[]);

    // Without a deploy role, or one that is no member of the owner, dbt could not go on.
    let config = site.read("rolecall.yml");
    site.write("rolecall.yml", &config.replace(", deploy_role: deployer", ""));
    let refused = site.rolecall(&["apply"]).with(1);
    assert!(refused.stderr.contains("error[own-without-deploy-role]"), "{}", refused.stderr);
    site.write("rolecall.yml", &config);
    let members = site.read("rolecall/members/ledger.yml");
    site.write("rolecall/members/ledger.yml", &members.replace("user: deployer", "user: taylor"));
    let refused = site.rolecall(&["apply"]).with(1);
    assert!(refused.stderr.contains("error[own-would-break-dbt]"), "{}", refused.stderr);
    site.write("rolecall/members/ledger.yml", &members);
    let roles = "select rolname::text from pg_roles where rolname like 'ledger%' order by 1";
    assert!(site.ask(roles).await.is_empty(), "nothing was changed");

    site.rolecall(&["apply"]).with(0);
    site.rolecall(&["verify"]).with(0);
    let owners = "select relname || ' ' || relowner::regrole from pg_class
                  where relnamespace = 'dbt_books'::regnamespace and relkind = 'r' order by 1";
    assert_eq!(site.ask(owners).await, ["entries ledger_keeper", "totals ledger_keeper"]);

    // An incremental model stays as it is.
    for _ in 0..2 {
        site.build(&["--select", "entries"]);
    }
    site.rolecall(&["verify"]).with(0);
    // A rebuilt table is dbt's again, until the next apply.
    for _ in 0..2 {
        site.build(&[]);
    }
    assert_eq!(site.ask(owners).await, ["entries ledger_keeper", "totals deployer"]);
    site.rolecall(&["verify"]).with(3);
    site.rolecall(&["apply"]).with(0);
    site.rolecall(&["verify"]).with(0);
    assert_eq!(site.ask(owners).await, ["entries ledger_keeper", "totals ledger_keeper"]);
    assert!(site.may("taylor", "select * from dbt_books.totals").await);
    assert!(!site.may("taylor", "delete from dbt_books.totals").await);
}
