//! The servers that tests run on: one of each version per process, a database per test, and role
//! names that no other test has, since roles are shared by all databases of a server.
//!
//! `ROLECALL_PG_BINS` names the folders with `initdb`, separated like `PATH`; without it, the
//! newest installation is used.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use rolecall::model::{Ident, ObservedState};
use rolecall::warehouse::engine::{Engine, native::Options};
use rolecall::warehouse::postgres::Postgres;
use rolecall::warehouse::{Look, Observe};
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::NoTls;

/// A snapshot that is the same on every server.
macro_rules! snapshot {
    ($value:expr, @$shown:literal) => {
        let value = $value;
        insta::allow_duplicates! { insta::assert_snapshot!(value, @$shown) }
    };
}
pub(crate) use snapshot;

/// Every server, started once. They stop when the process ends, however it ends.
pub fn servers() -> &'static [Engine] {
    static SERVERS: OnceLock<Vec<Engine>> = OnceLock::new();
    SERVERS.get_or_init(|| {
        let start = |bin| Engine::native(&Options { bin, ..Options::default() }).unwrap();
        bins().into_iter().map(start).collect()
    })
}

/// A server that no other test changes; it stops when the process ends.
pub fn apart(options: &Options) -> &'static Engine {
    Box::leak(Box::new(Engine::native(options).unwrap()))
}

/// The folders of `ROLECALL_PG_BINS`; `None` for the newest installation.
pub fn bins() -> Vec<Option<PathBuf>> {
    let bins = std::env::var_os("ROLECALL_PG_BINS").unwrap_or_default();
    let bins: Vec<_> =
        std::env::split_paths(&bins).filter(|bin| !bin.as_os_str().is_empty()).map(Some).collect();
    if bins.is_empty() { vec![None] } else { bins }
}

/// A number from the environment, for a longer or a repeated search.
pub fn more(name: &str) -> Option<u32> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

/// Holds a law on a server of each version at once, with a share of the cases; `hold` is told how many,
/// and which server it is, and says how many it has seen. `variable` asks for another number of them.
pub fn on_each_version(
    cases: u32,
    variable: &str,
    hold: impl Fn(&Runtime, &Engine, u32, u64) -> u32 + Sync,
) {
    let (bins, hold) = (bins(), &hold);
    let servers = u32::try_from(bins.len()).unwrap();
    let cases = more(variable).unwrap_or(cases.div_ceil(servers));
    let done: u32 = std::thread::scope(|scope| {
        let mut running = Vec::new();
        for (at, bin) in (0..).zip(bins) {
            running.push(scope.spawn(move || {
                let engine = Engine::native(&Options { bin, ..Options::default() }).unwrap();
                let runtime = Builder::new_current_thread().enable_all().build().unwrap();
                hold(&runtime, &engine, cases, at)
            }));
        }
        running.into_iter().map(|server| server.join().unwrap()).sum()
    });
    assert!(done >= cases * servers, "{done}");
}

/// A name as the server stores it.
pub fn id(name: &str) -> Ident {
    Ident::new(name).unwrap()
}

/// One test's database on one server. In SQL given to it, `~` stands for the test's own prefix of
/// role names; what it shows has the prefix taken away.
pub struct Ground {
    pub engine: &'static Engine,
    pub database: String,
    pub prefix: String,
    admin: tokio_postgres::Client,
}

impl Ground {
    /// A fresh database on each server.
    pub async fn each() -> Vec<Self> {
        let mut grounds = Vec::new();
        for engine in servers() {
            grounds.push(Self::on(engine).await);
        }
        grounds
    }

    /// A fresh database on one server.
    pub async fn on(engine: &'static Engine) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let database = format!("test_{number}");
        let postgres = session(&engine.url("postgres")).await;
        postgres.batch_execute(&format!("create database {database}")).await.unwrap();
        let admin = session(&engine.url(&database)).await;
        Self { engine, database, prefix: format!("t{number}_"), admin }
    }

    /// The server's version, such as 15.
    pub async fn version(&self) -> u32 {
        let row =
            self.admin.query_one("select current_setting('server_version_num')::int4 / 10000", &[]);
        u32::try_from(row.await.unwrap().get::<_, i32>(0)).unwrap()
    }

    /// Runs statements as the superuser.
    pub async fn sql(&self, sql: &str) {
        let sql = self.own(sql);
        self.admin.batch_execute(&sql).await.unwrap_or_else(|error| panic!("{sql}\n{error:?}"));
    }

    /// The first column of a query's rows, as text.
    pub async fn ask(&self, sql: &str) -> Vec<String> {
        let rows = self.admin.simple_query(&self.own(sql)).await.unwrap();
        rows.iter()
            .filter_map(|message| match message {
                tokio_postgres::SimpleQueryMessage::Row(row) => {
                    Some(self.strip(row.get(0).unwrap_or("NULL")))
                }
                _ => None,
            })
            .collect()
    }

    /// With the test's prefix for `~`.
    pub fn own(&self, text: &str) -> String {
        text.replace('~', &self.prefix)
    }

    /// Without the test's prefix and database.
    pub fn strip(&self, text: &str) -> String {
        text.replace(&self.prefix, "").replace(&self.database, "db")
    }

    /// A role's name.
    pub fn role(&self, name: &str) -> Ident {
        id(&format!("{}{name}", self.prefix))
    }

    /// A session of a fresh superuser connection, or as a role whose password is its name.
    pub async fn connect(&self, role: Option<&str>) -> Postgres {
        Postgres::connect(&self.url(role)).await.unwrap()
    }

    /// The database's URL, as the superuser or as a role whose password is `pw`.
    pub fn url(&self, role: Option<&str>) -> String {
        let url = self.engine.url(&self.database);
        match role {
            None => url,
            Some(role) => {
                let (_, place) = url.split_once('@').unwrap();
                format!("postgres://{}{role}:pw@{place}", self.prefix)
            }
        }
    }

    /// The SQL that marks a role as ours: deployment `shop` with the test's prefix.
    pub async fn mark(&self, role: &str) {
        let marker = format!(
            r#"rolecall:1 {{"deployment":"~shop","environment":"prod","product":"p","role":"{}"}}"#,
            role.trim_matches('"').replace('"', "")
        );
        self.sql(&format!("comment on role {role} is '{marker}'")).await;
    }

    /// Looks at the deployment `shop` and at schema `s`, and at some roles by name.
    pub fn look(&self, roles: &[&str]) -> Look {
        Look {
            deployment: self.own("~shop"),
            roles: roles.iter().map(|role| self.role(role)).collect(),
            schemas: BTreeSet::from([(id(&self.database), id("s"))]),
            ..Default::default()
        }
    }

    /// What the superuser sees.
    pub async fn observe(&self, roles: &[&str]) -> ObservedState {
        self.connect(None).await.observe(&self.look(roles)).await.unwrap()
    }

    /// Everything that was seen of the roles of interest, a line each.
    pub fn show(&self, state: &ObservedState) -> String {
        let ObservedState {
            server: _,
            roles: _,
            acl,
            memberships,
            defaults,
            owned,
            inventory: _,
            unsupported,
            around: _,
            users: _,
            found: _,
        } = state;
        let mut lines = Vec::new();
        for entry in acl {
            let passes = match entry.grantable.is_empty() {
                true => String::new(),
                false => format!(", may pass on {}", entry.grantable),
            };
            lines.push(format!(
                "{} {}: {} {} by {}{passes}",
                entry.on.class(),
                entry.on,
                entry.grantee,
                entry.privileges,
                entry.grantor
            ));
        }
        for m in memberships {
            let words = [
                ("admin", m.admin),
                ("inherit", m.inherit),
                ("set", m.set),
                ("automatic", m.automatic),
            ];
            let words: Vec<&str> =
                words.iter().filter(|(_, on)| *on).map(|(word, _)| *word).collect();
            lines.push(format!(
                "{} in {}: {} by {}",
                m.member,
                m.role,
                words.join(", "),
                m.grantor
            ));
        }
        for d in defaults {
            lines.push(format!(
                "new {} of {} in {}: {} {}, may pass on [{}]",
                d.class,
                d.creator.as_ref().map_or("anyone", Ident::as_str),
                d.schema.as_ref().map_or("any", Ident::as_str),
                d.grantee,
                d.privileges,
                d.grantable
            ));
        }
        lines.extend(owned.iter().map(|(on, owner)| format!("{owner} owns {} {on}", on.class())));
        lines.extend(
            unsupported.iter().map(|(role, what)| format!("{role}, not understood: {what}")),
        );
        self.strip(&lines.join("\n"))
    }
}

/// A plain session, for what a test itself does.
pub async fn session(url: &str) -> tokio_postgres::Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

#[test]
fn a_server_is_removed_with_its_folder_when_it_is_dropped() {
    let bin = bins().into_iter().next().flatten();
    let engine = Engine::native(&Options { bin, ..Options::default() }).unwrap();
    let folder = engine.folder().unwrap().to_owned();
    assert!(folder.join("data").is_dir());
    drop(engine);
    assert!(!folder.exists());
}
