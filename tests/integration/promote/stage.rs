//! A project with two environments, each on a database of its own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use rolecall::warehouse::engine::Engine;

use crate::binary::rolecall;
use crate::engines::{Ground, servers};
use crate::rules::site::{Model, Ran, manifest, model, write};

/// dev and prod. `<dev>` and `<prod>` stand for the prefixes of role names there, since one server
/// may have both.
pub const CONFIG: &str = r#"
version: 1
environments:
  dev: {role_name: "<dev>{{ product.name }}_{{ role.name }}", user_name: "<dev>{{ user.name }}"}
  prod:
    role_name: "<prod>{{ product.name }}_{{ role.name }}"
    user_name: "<prod>{{ user.name }}"
    promote_from: dev
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write], environments: {prod: {may: [read]}}}
products:
  p: {}
"#;

/// The project folder and both databases.
pub struct Stage {
    pub dev: Ground,
    pub prod: Ground,
    folder: tempfile::TempDir,
}

impl Stage {
    /// On two databases of one server, and on two servers where there are two.
    pub async fn each() -> Vec<Self> {
        let first = &servers()[0];
        let mut stages = vec![Self::on(first, first).await];
        if let Some(last) = servers().last().filter(|_| servers().len() > 1) {
            stages.push(Self::on(first, last).await);
        }
        stages
    }

    /// With [`CONFIG`]; `s.t` and `s.u` are there, both analysts' to read and engineers' to write;
    /// taylor is an analyst; dev is in sync.
    pub async fn on(dev: &'static Engine, prod: &'static Engine) -> Self {
        let (dev, prod) = (Ground::on(dev).await, Ground::on(prod).await);
        let stage = Self { dev, prod, folder: tempfile::tempdir().unwrap() };
        for ground in [&stage.dev, &stage.prod] {
            ground
                .sql(
                    "create schema s; create table s.t (x int); create table s.u (x int);
                     create role ~taylor login password 'pw'; create role ~sam login password 'pw'",
                )
                .await;
        }
        stage.config(CONFIG);
        stage.members("analyst: [{user: taylor}]\n");
        stage.models("dev", &Self::plain());
        stage.models("prod", &Self::plain());
        stage.apply_in_dev();
        stage
    }

    /// The first server's.
    pub async fn one() -> Self {
        Self::on(&servers()[0], &servers()[0]).await
    }

    pub fn plain() -> [Model; 2] {
        ["s.t", "s.u"].map(|name| {
            model(name).gives("analyst", &["read"]).gives("engineer", &["read", "write"])
        })
    }

    pub fn config(&self, text: &str) {
        let text = text.replace("<dev>", &self.dev.prefix).replace("<prod>", &self.prod.prefix);
        write(self.folder.path(), "rolecall.yml", &text);
    }

    pub fn members(&self, text: &str) {
        write(self.folder.path(), "rolecall/members/p.yml", text);
    }

    pub fn models(&self, environment: &str, models: &[Model]) {
        self.models_of("shop", environment, models);
    }

    pub fn models_of(&self, project: &str, environment: &str, models: &[Model]) {
        let ground = if environment == "dev" { &self.dev } else { &self.prod };
        // The deployment is the same in both, and no other test's.
        let project = format!("{}{project}", self.dev.prefix);
        let text = manifest(ground, &project, models);
        write(self.folder.path(), &format!("target/{environment}/manifest.json"), &text);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A command in the project folder.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = rolecall();
        command
            .env("HOME", "/nowhere")
            .args(arguments)
            .arg("--project-dir")
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Runs it, with connections for whichever command it is.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let (dev, prod) = (self.dev.url(None), self.prod.url(None));
        let mut command = self.command(arguments);
        command.env("ROLECALL_FROM_CONNECTION", &dev).env("ROLECALL_TO_CONNECTION", &prod);
        let in_dev = arguments.windows(2).any(|pair| pair == ["-t", "dev"]);
        command.env("ROLECALL_CONNECTION", if in_dev { &dev } else { &prod });
        self.ran(command)
    }

    /// Runs it, and takes what is only this test's out of what it says.
    pub fn ran(&self, mut command: Command) -> Ran {
        let output = command.output().unwrap();
        let text = |bytes| {
            let text = String::from_utf8(bytes).unwrap();
            text.replace(&self.dev.prefix, "dev:")
                .replace(&self.prod.prefix, "prod:")
                .replace(&self.dev.database, "dev_db")
                .replace(&self.prod.database, "prod_db")
        };
        Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }

    #[track_caller]
    pub fn apply_in_dev(&self) {
        self.run(&["apply", "-t", "dev"]).ends(0);
    }

    /// Promotes into a file.
    pub fn promote(&self, more: &[&str]) -> Ran {
        let plan = self.path("plan.json");
        let plan = plan.to_str().unwrap();
        self.run(&[&["promote", "--from", "dev", "--to", "prod", "--out", plan], more].concat())
    }

    /// What the target keeps of applies.
    pub async fn receipts(&self) -> Vec<serde_json::Value> {
        let there = "select (to_regclass('rolecall.receipts') is not null)::text";
        if self.prod.ask(there).await != ["true"] {
            return Vec::new();
        }
        let session = crate::engines::session(&self.prod.url(None)).await;
        let ask = "select body from rolecall.receipts order by at";
        let rows = session.query(ask, &[]).await.unwrap();
        rows.iter().map(|row| serde_json::from_str(row.get(0)).unwrap()).collect()
    }

    /// Applies what was promoted.
    pub fn apply(&self) -> Ran {
        let plan = self.path("plan.json");
        self.run(&["apply", plan.to_str().unwrap(), "-t", "prod"])
    }

    /// Fails unless no plan was written.
    #[track_caller]
    pub fn has_no_plan(&self) {
        assert!(!self.path("plan.json").exists(), "a plan was written");
    }
}
