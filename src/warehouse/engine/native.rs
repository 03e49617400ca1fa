//! A throw-away server of a local PostgreSQL installation, in a temporary folder.
//!
//! The server is a child of a small shell script that waits on a pipe of ours. Whatever ends us, a
//! panic, Ctrl-C or `kill -9`, closes the pipe, and the script stops the server and removes the
//! folder.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::EngineError;

/// What to start.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The folder with `initdb` and `postgres`; `None` to look in `ROLECALL_PG_BIN`, `PATH` and
    /// the usual places.
    pub bin: Option<PathBuf>,
    /// Server settings beyond ours, by name and value.
    pub settings: Vec<(String, String)>,
    /// Files of the data directory beyond those that `initdb` makes, or in their place: name and
    /// content. Nobody but the server may read them, as it demands of a private key.
    pub files: Vec<(String, String)>,
}

/// A running server.
pub struct Native {
    /// Ends when its standard input is closed.
    keeper: Child,
    folder: PathBuf,
    port: u16,
    password: String,
}

/// Runs the server that its arguments name until the pipe closes; an immediate shutdown is enough
/// for data that nobody keeps.
const KEEPER: &str = r#"folder=$1; shift
"$@" >"$folder/log" 2>&1 </dev/null &
server=$!
read -r _
kill -QUIT "$server" 2>/dev/null
wait "$server"
rm -rf "$folder"
"#;

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

impl Native {
    /// Makes a cluster and starts it on a free port of the loopback interface.
    pub(super) fn start(options: &Options) -> Result<(Self, String), EngineError> {
        let bin = match &options.bin {
            Some(bin) => bin.clone(),
            None => find()?,
        };
        let engine = format!("PostgreSQL in {}", bin.display());
        let failed = |cause: String| EngineError::Failed { engine: engine.clone(), cause };
        let version = version(&bin).map_err(failed)?;
        let account = Account::choose().map_err(failed)?;
        // A port that was free may be taken before the server has it: then another one.
        let mut last = String::new();
        for _ in 0..3 {
            match Self::start_once(&bin, &account, options) {
                Ok(server) => return Ok((server, format!("{version} from {}", bin.display()))),
                Err(cause) if cause.contains("already in use") => last = cause,
                Err(cause) => return Err(failed(cause)),
            }
        }
        Err(failed(last))
    }

    fn start_once(bin: &Path, account: &Account, options: &Options) -> Result<Self, String> {
        let folder = tempfile::Builder::new()
            .prefix("rolecall-pg-")
            .tempdir()
            .map_err(|error| format!("no temporary folder: {error}"))?;
        let path = folder.path().to_owned();
        let told = |error: std::io::Error| format!("{}: {error}", path.display());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).map_err(told)?;
        account.own(&path).map_err(told)?;
        let password = random();
        let word = path.join("password");
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&word)
            .map_err(told)?;
        file.write_all(password.as_bytes()).map_err(told)?;
        account.own(&word).map_err(told)?;

        let data = path.join("data");
        let mut initdb = account.command(&bin.join("initdb"), &path);
        initdb.args(["-U", "postgres", "-A", "password", "-E", "UTF8", "--locale=C", "--no-sync"]);
        initdb.arg("--pwfile").arg(&word).arg("-D").arg(&data);
        let made = initdb.output().map_err(|error| account.could_not(bin, &error))?;
        if !made.status.success() {
            return Err(format!("initdb: {}", String::from_utf8_lossy(&made.stderr).trim()));
        }
        fs::remove_file(&word).map_err(told)?;
        for (name, content) in &options.files {
            let file = data.join(name);
            fs::write(&file, content).map_err(told)?;
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).map_err(told)?;
            account.own(&file).map_err(told)?;
        }

        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .and_then(|listener| listener.local_addr())
            .map_err(|error| format!("no free port: {error}"))?
            .port();
        let mut keeper = account.command(Path::new("/bin/sh"), &path);
        keeper.args(["-c", KEEPER, "keeper"]).arg(&path).arg(bin.join("postgres"));
        keeper.arg("-D").arg(&data);
        // A socket's path may not be longer than about a hundred bytes.
        let socket = path.display().to_string();
        let socket = if socket.len() < 80 { socket } else { String::new() };
        let ours = [
            ("port", port.to_string()),
            ("listen_addresses", "127.0.0.1".to_owned()),
            ("unix_socket_directories", socket),
            ("fsync", "off".to_owned()),
            ("synchronous_commit", "off".to_owned()),
            ("full_page_writes", "off".to_owned()),
            ("lc_messages", "C".to_owned()),
        ];
        let theirs = options.settings.iter().map(|(name, value)| (name.as_str(), value.clone()));
        for (name, value) in ours.into_iter().chain(theirs) {
            keeper.arg("-c").arg(format!("{name}={value}"));
        }
        // Its own group: a Ctrl-C meant for us must reach the server through the pipe only.
        keeper.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let keeper = keeper.spawn().map_err(|error| format!("/bin/sh: {error}"))?;
        // From here on the keeper removes the folder.
        let mut server = Self { keeper, folder: folder.keep(), port, password };
        server.wait_until_ready()?;
        Ok(server)
    }

    /// The server's own sign, as `pg_ctl -w` reads it: the last line of `postmaster.pid`.
    fn wait_until_ready(&mut self) -> Result<(), String> {
        let started = Instant::now();
        let sign = self.folder.join("data/postmaster.pid");
        let log = self.folder.join("log");
        loop {
            let lines = fs::read_to_string(&sign).unwrap_or_default();
            if lines.lines().nth(7).is_some_and(|line| line.trim() == "ready") {
                return Ok(());
            }
            let said = fs::read_to_string(&log).unwrap_or_default();
            let fatal = said.lines().any(|line| line.contains("FATAL:"));
            let gone = !matches!(self.keeper.try_wait(), Ok(None));
            if fatal || gone || started.elapsed() > PATIENCE {
                let end: Vec<&str> = said.lines().rev().take(5).collect();
                return Err(end.into_iter().rev().collect::<Vec<_>>().join("; "));
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Its temporary folder.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// `database` is encoded already.
    pub(super) fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{}@127.0.0.1:{}/{database}", self.password, self.port)
    }
}

impl Drop for Native {
    fn drop(&mut self) {
        // Closes the pipe, then waits for the keeper to clean up.
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Whom the server runs as: PostgreSQL refuses to run as root.
struct Account(Option<(String, u32, u32)>);

impl Account {
    fn choose() -> Result<Self, String> {
        // A new file belongs to whoever we are.
        let mine = tempfile::tempfile().and_then(|file| file.metadata());
        let mine = mine.map_err(|error| format!("no temporary file: {error}"))?;
        if mine.uid() != 0 {
            return Ok(Self(None));
        }
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let user = ["postgres", "nobody"].into_iter().find_map(|wanted| {
            users.lines().find_map(|line| {
                let mut parts = line.split(':');
                let name = parts.next().filter(|name| *name == wanted)?;
                let uid = parts.nth(1)?.parse().ok()?;
                let gid = parts.next()?.parse().ok()?;
                Some((name.to_owned(), uid, gid))
            })
        });
        user.map(|user| Self(Some(user))).ok_or_else(|| {
            "PostgreSQL does not run as root, and there is no user postgres or nobody to run it as"
                .to_owned()
        })
    }

    fn own(&self, path: &Path) -> std::io::Result<()> {
        match &self.0 {
            Some((_, uid, gid)) => chown(path, Some(*uid), Some(*gid)),
            None => Ok(()),
        }
    }

    fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir(folder);
        // The server's own variables would lead it to another server's data or port.
        for variable in ["PGDATA", "PGPORT", "PGHOST", "PGUSER", "PGDATABASE", "PGPASSWORD"] {
            command.env_remove(variable);
        }
        if let Some((_, uid, gid)) = self.0 {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn could_not(&self, bin: &Path, error: &std::io::Error) -> String {
        let user = self.0.as_ref().map(|(name, ..)| format!(" as {name}")).unwrap_or_default();
        format!("cannot run {}{user}: {error}", bin.join("initdb").display())
    }
}

/// Hard to guess, since each map's hasher has keys from the system's randomness.
fn random() -> String {
    let part = || RandomState::new().build_hasher().finish();
    format!("{:016x}{:016x}", part(), part())
}

/// Such as `PostgreSQL 15.18`.
fn version(bin: &Path) -> Result<String, String> {
    let said = Command::new(bin.join("postgres"))
        .arg("--version")
        .output()
        .map_err(|error| format!("cannot run {}: {error}", bin.join("postgres").display()))?;
    // `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`
    let said = String::from_utf8_lossy(&said.stdout).into_owned();
    let number =
        said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
    Ok(format!("PostgreSQL {}", number.unwrap_or("of an unknown version")))
}

/// What to do where there is no server.
const INSTALL: &str = "build with --features embedded, or install the server (apt install \
                       postgresql, dnf install postgresql-server, brew install postgresql), or \
                       name the folder of its initdb in ROLECALL_PG_BIN";

/// The folder with the newest server programs on this machine.
fn find() -> Result<PathBuf, EngineError> {
    if let Some(bin) = std::env::var_os("ROLECALL_PG_BIN").filter(|bin| !bin.is_empty()) {
        let bin = PathBuf::from(bin);
        return if has_server(&bin) {
            Ok(bin)
        } else {
            Err(EngineError::Missing(format!(
                "ROLECALL_PG_BIN is {}, which holds no initdb and postgres: {INSTALL}",
                bin.display()
            )))
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(usual_places())
        .find(|bin| has_server(bin))
        .ok_or_else(|| EngineError::Missing(format!("there is no PostgreSQL to start: {INSTALL}")))
}

fn has_server(bin: &Path) -> bool {
    bin.join("initdb").is_file() && bin.join("postgres").is_file()
}

/// Debian's, Red Hat's, Homebrew's and Postgres.app's folders, newest first in each.
fn usual_places() -> Vec<PathBuf> {
    let places = [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
        ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
    ];
    let mut found = Vec::new();
    for (parent, prefix, bin) in places {
        let mut names: Vec<(u32, PathBuf)> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let rest = name.to_str()?.strip_prefix(prefix)?.trim_start_matches('@').to_owned();
                Some((rest.parse().unwrap_or(0), entry.path().join(bin)))
            })
            .collect();
        names.sort();
        found.extend(names.into_iter().rev().map(|(_, path)| path));
    }
    found
}
