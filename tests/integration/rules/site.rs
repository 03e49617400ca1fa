//! A tiny dbt project with its configuration, on a database of its own.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::engines::Ground;

/// One environment, two product roles, one product.
pub const CONFIG: &str = r#"
version: 1
environments:
  prod: {role_name: "~{{ product.name }}_{{ role.name }}"}
product_roles:
  analyst: {may: [read]}
  engineer: {may: [read, write]}
products:
  p: {}
"#;

/// A dbt model: `schema.name`, and what its `meta` and its `grants` say.
pub struct Model {
    relation: String,
    database: Option<String>,
    grants: serde_json::Map<String, Value>,
    dbt_grants: serde_json::Map<String, Value>,
}

/// A model that declares nothing.
pub fn model(relation: impl Into<String>) -> Model {
    let relation = relation.into();
    Model { relation, database: None, grants: Default::default(), dbt_grants: Default::default() }
}

impl Model {
    /// Declares permissions of a product role.
    pub fn gives(mut self, role: &str, permissions: &[&str]) -> Self {
        self.grants.insert(role.to_owned(), json!(permissions));
        self
    }

    /// Not in the test's own database.
    pub fn in_database(mut self, name: &str) -> Self {
        self.database = Some(name.to_owned());
        self
    }

    /// dbt's own `grants`.
    pub fn dbt_gives(mut self, privilege: &str, to: &[&str]) -> Self {
        self.dbt_grants.insert(privilege.to_owned(), json!(to));
        self
    }
}

/// A project folder and its database. `~` in all that is given stands for the test's own prefix.
pub struct Site {
    pub ground: Ground,
    folder: tempfile::TempDir,
}

/// How a command ended, with the test's prefix and database taken out of what it said.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Fails unless it ended so.
    #[track_caller]
    pub fn ends(self, code: i32) -> Self {
        assert_eq!(self.code, code, "\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }

    /// Fails unless it says so, on either stream.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        let said = self.out.contains(text) || self.err.contains(text);
        assert!(said, "it does not say {text:?}\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }

    /// Fails if it says so.
    #[track_caller]
    pub fn never_says(self, text: &str) -> Self {
        let said = self.out.contains(text) || self.err.contains(text);
        assert!(!said, "it says {text:?}\n--- out\n{}\n--- err\n{}", self.out, self.err);
        self
    }
}

impl Site {
    /// The project, with [`CONFIG`] and one model, on every server; the relations `s.t` and `s.u`
    /// are there.
    pub async fn each() -> Vec<Self> {
        let mut sites = Vec::new();
        for ground in Ground::each().await {
            sites.push(Self::on(ground).await);
        }
        sites
    }

    /// The same on one database.
    pub async fn on(ground: Ground) -> Self {
        let site = Self { ground, folder: tempfile::tempdir().unwrap() };
        site.sql("create schema s; create table s.t (x int, y int); create table s.u (x int)")
            .await;
        site.config(CONFIG);
        site.models(&[model("s.t").gives("analyst", &["read"])]);
        site
    }

    /// Another project on the same database.
    pub fn beside(&self) -> Beside<'_> {
        let folder = tempfile::tempdir().unwrap();
        Beside { site: self, folder }
    }

    pub async fn sql(&self, sql: &str) {
        self.ground.sql(sql).await;
    }

    /// Writes rolecall.yml.
    pub fn config(&self, text: &str) {
        write(self.folder.path(), "rolecall.yml", &self.ground.own(text));
    }

    /// Writes the members of the product `p`.
    pub fn members(&self, text: &str) {
        write(self.folder.path(), "rolecall/members/p.yml", &self.ground.own(text));
    }

    /// Writes the manifest.
    pub fn models(&self, models: &[Model]) {
        write(self.folder.path(), "target/manifest.json", &manifest(&self.ground, "~shop", models));
    }

    /// A file of the project.
    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// The command, ready to run as the superuser.
    pub fn command(&self, arguments: &[&str]) -> Command {
        command(self.folder.path(), &self.ground.url(None), arguments)
    }

    /// Runs it as the superuser.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(&self.ground, self.command(arguments).output().unwrap())
    }

    /// Runs it as a role whose password is `pw`.
    pub fn run_as(&self, role: &str, arguments: &[&str]) -> Ran {
        let mut command = command(self.folder.path(), &self.ground.url(Some(role)), arguments);
        ran(&self.ground, command.output().unwrap())
    }

    /// Runs it on another database, as the superuser.
    pub fn run_on(&self, url: &str, arguments: &[&str]) -> Ran {
        ran(&self.ground, command(self.folder.path(), url, arguments).output().unwrap())
    }

    /// What it says when it has ended.
    pub fn ran(&self, output: Output) -> Ran {
        ran(&self.ground, output)
    }

    /// All that a role has, by the server's catalogs, sorted. `*` is the right to pass it on.
    pub async fn has(&self, role: &str) -> String {
        self.ground.ask(&format!("{HAS} where r.rolname = '{role}'")).await.join("")
    }

    /// Fails unless a role has this and nothing else.
    pub async fn must_have(&self, role: &str, wanted: &str) {
        assert_eq!(self.has(role).await, wanted, "of {role}");
    }

    /// A role's OID; `None` if there is none of that name.
    pub async fn oid(&self, role: &str) -> Option<String> {
        let sql = format!("select oid from pg_roles where rolname = '{role}'");
        self.ground.ask(&sql).await.pop()
    }

    /// Another session of the superuser that has done something in a transaction, and holds it.
    pub async fn blocked(&self, by: &str) -> tokio_postgres::Client {
        let url = self.ground.url(None);
        let (client, connection) =
            tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client.batch_execute(&format!("begin; {by}")).await.unwrap();
        client
    }

    /// Until that many sessions on this database wait for a lock.
    pub async fn waits(&self, sessions: usize) {
        self.until(&format!(
            "select (count(*) = {sessions})::text from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'"
        ))
        .await;
    }

    /// Until no session of a command is left on this database.
    pub async fn gone(&self) {
        self.until(
            "select (count(*) = 0)::text from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()
               and application_name = 'rolecall'",
        )
        .await;
    }

    async fn until(&self, ask: &str) {
        let started = std::time::Instant::now();
        while self.ground.ask(ask).await != ["true"] {
            assert!(started.elapsed().as_secs() < 60, "it never came: {ask}");
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    }

    /// Everything that an apply could change: roles of this test, and all access lists here.
    pub async fn everything(&self) -> String {
        self.ground.ask(EVERYTHING).await.join("\n")
    }
}

/// A second project on a site's database.
pub struct Beside<'a> {
    site: &'a Site,
    folder: tempfile::TempDir,
}

impl Beside<'_> {
    pub fn config(&self, text: &str) {
        write(self.folder.path(), "rolecall.yml", &self.site.ground.own(text));
    }

    pub fn models(&self, project: &str, models: &[Model]) {
        let text = manifest(&self.site.ground, project, models);
        write(self.folder.path(), "target/manifest.json", &text);
    }

    pub fn members(&self, text: &str) {
        write(self.folder.path(), "rolecall/members/p.yml", &self.site.ground.own(text));
    }

    pub fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        command(self.folder.path(), &self.site.ground.url(None), arguments)
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        ran(&self.site.ground, self.command(arguments).output().unwrap())
    }
}

/// Writes a file below a folder.
pub fn write(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// The manifest of a project with these models.
pub fn manifest(ground: &Ground, project: &str, models: &[Model]) -> String {
    let mut nodes = serde_json::Map::new();
    for Model { relation, database, grants, dbt_grants } in models {
        let database = database.as_ref().unwrap_or(&ground.database);
        let (schema, name) = relation.split_once('.').unwrap();
        let mut config = json!({
            "enabled": true,
            "materialized": "table",
            "meta": {"rolecall": {"product": "p", "grants": grants}},
            "grants": dbt_grants,
        });
        if grants.is_empty() {
            config["meta"] = json!({});
        }
        let node = json!({
            "resource_type": "model",
            "package_name": project,
            "name": name,
            "alias": name,
            "database": database,
            "schema": schema,
            "relation_name": format!("\"{database}\".\"{schema}\".\"{name}\""),
            "original_file_path": format!("models/{schema}/{name}.sql"),
            "fqn": [project, schema, name],
            "tags": [],
            "config": config,
        });
        nodes.insert(format!("model.{project}.{schema}_{name}"), node);
    }
    let manifest = json!({
        "metadata": {
            "dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json",
            "dbt_version": "1.11.0",
            "project_name": project,
            "adapter_type": "postgres",
        },
        "nodes": nodes,
        "sources": {},
    });
    ground.own(&manifest.to_string())
}

fn command(folder: &Path, url: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rolecall"));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("DBT_") || name.starts_with("ROLECALL_") {
            command.env_remove(name);
        }
    }
    command.env("HOME", "/nowhere");
    command.args(arguments).arg("--project-dir").arg(folder).args(["--connection", url]);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ran(ground: &Ground, output: Output) -> Ran {
    let text = |bytes| ground.strip(&String::from_utf8(bytes).unwrap());
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: text(output.stdout),
        err: text(output.stderr),
    }
}

/// One line for each role. The server's own memberships, from 16 on, are left out.
const HAS: &str = r#"
    select coalesce((select string_agg(what, ', ' order by what collate "C") from (
      select a.privilege_type || case when a.is_grantable then '*' else '' end
             || ' on ' || n.nspname || '.' || c.relname as what
      from pg_class c join pg_namespace n on n.oid = c.relnamespace, aclexplode(c.relacl) a
      where a.grantee = r.oid and c.relowner <> r.oid
      union all
      select a.privilege_type || case when a.is_grantable then '*' else '' end
             || ' on ' || n.nspname || '.' || c.relname || '.' || t.attname
      from pg_attribute t join pg_class c on c.oid = t.attrelid
      join pg_namespace n on n.oid = c.relnamespace, aclexplode(t.attacl) a
      where a.grantee = r.oid
      union all
      select a.privilege_type || case when a.is_grantable then '*' else '' end || ' on ' || n.nspname
      from pg_namespace n, aclexplode(n.nspacl) a where a.grantee = r.oid
      union all
      select a.privilege_type || case when a.is_grantable then '*' else '' end || ' here'
      from pg_database d, aclexplode(d.datacl) a
      where a.grantee = r.oid and d.datname = current_database()
      union all
      select a.privilege_type || ' in future' from pg_default_acl d, aclexplode(d.defaclacl) a
      where a.grantee = r.oid and d.defaclrole <> r.oid
      union all
      select 'owns ' || c.relname from pg_class c where c.relowner = r.oid and c.relkind <> 'i'
      union all
      select 'in ' || g.rolname || case when m.admin_option then '*' else '' end
      from pg_auth_members m join pg_roles g on g.oid = m.roleid
      where m.member = r.oid and coalesce(to_jsonb(m)->>'set_option', 'true') = 'true'
      union all
      select 'lets in ' || g.rolname || case when m.admin_option then '*' else '' end
      from pg_auth_members m join pg_roles g on g.oid = m.member
      where m.roleid = r.oid and coalesce(to_jsonb(m)->>'set_option', 'true') = 'true'
    ) x), 'nothing') from pg_roles r"#;

const EVERYTHING: &str = r#"
    select line from (
      select format('role %s %s %s', r.oid, to_jsonb(r) - 'rolpassword', s.description) as line
      from pg_roles r left join pg_shdescription s
        on s.objoid = r.oid and s.classoid = 'pg_authid'::regclass
      where starts_with(r.rolname, '~')
      union all
      select format('member %s', to_jsonb(m) - 'oid') from pg_auth_members m
      join pg_roles g on g.oid = m.roleid join pg_roles h on h.oid = m.member
      where starts_with(g.rolname, '~') or starts_with(h.rolname, '~')
      union all
      select format('relation %s %s %s', c.oid, c.relowner, c.relacl) from pg_class c
      where c.relacl is not null or c.oid >= 16384
      union all
      select format('column %s %s %s', attrelid, attname, attacl) from pg_attribute
      where attacl is not null
      union all
      select format('schema %s %s %s', oid, nspowner, nspacl) from pg_namespace
      union all
      select format('database %s %s', datdba, datacl) from pg_database
      where datname = current_database()
      union all
      select format('default %s', to_jsonb(d)) from pg_default_acl d
    ) x order by line collate "C""#;
