//! Postgres servers.

mod program;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;

pub use self::program::program;
use self::program::run;
use crate::port;
use crate::supervisor::{PATIENCE, Supervisor, command, new_folder};

/// Whom [`Database::url`] logs in as.
const SUPERUSER: &str = "postgres";

/// Nothing here must outlive a power cut, and a hundred tests share the server.
const FOR_TESTS: [(&str, &str); 5] = [
    ("fsync", "off"),
    ("full_page_writes", "off"),
    ("max_connections", "200"),
    ("shared_buffers", "64MB"),
    ("max_wal_size", "1GB"),
];

/// A Postgres server of its own, on the loopback interface. Everybody may log in as
/// anybody, whatever the password. It ends when this is dropped.
#[derive(Debug)]
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    supervisor: Mutex<Supervisor>,
}

/// The server that the tests of this process share.
pub fn postgres() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(Postgres::start)
}

impl Postgres {
    /// Starts a server that nobody else has, to be stopped and started again.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// As [`Postgres::start`], with settings of `postgresql.conf` beyond and instead of
    /// the usual ones: `("fsync", "on")` for a benchmark.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        port::on_free_ones(|| Self::try_start(settings))
    }

    fn try_start(settings: &[(&str, &str)]) -> Option<Self> {
        let (folder, port) = (new_folder("strongroom-postgres-"), port::free());
        let mut supervisor = Supervisor::new(&folder, "QUIT", &server(&folder, port, settings));
        let mut initdb = command(program("initdb"));
        initdb.args(["--no-sync", "--auth=trust", "--encoding=UTF8", "--locale=C", "--username", SUPERUSER]);
        run(initdb.arg("--pgdata").arg(folder.join("data")));
        supervisor.start();
        if supervisor.wait_until(|| accepts(&folder, port)) {
            return Some(Self { folder, port, supervisor: Mutex::new(supervisor) });
        }
        let said = supervisor.said();
        assert!(said.contains("could not bind"), "postgres does not start:\n{said}");
        None
    }

    fn supervisor(&self) -> MutexGuard<'_, Supervisor> {
        self.supervisor.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it listens, for a proxy in front of it.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Where its data and its log (`server.log`) are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Shuts it down as an operator would: connections are cut, nothing is lost.
    pub fn stop(&self) {
        self.supervisor().end("INT");
    }

    /// Kills it, as a machine that loses its power does.
    pub fn kill(&self) {
        self.supervisor().end("KILL");
    }

    pub fn start_again(&self) {
        let begin = Instant::now();
        let mut supervisor = self.supervisor();
        loop {
            supervisor.start();
            if supervisor.wait_until(|| accepts(&self.folder, self.port)) {
                return;
            }
            supervisor.end("QUIT");
            // Those that served connections live on for a moment after a kill, and nobody
            // may start beside them.
            assert!(begin.elapsed() < PATIENCE, "postgres does not start again:\n{}", supervisor.said());
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }

    pub fn database(&self) -> Database {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let name = format!("test_{}", NEXT.fetch_add(1, Ordering::Relaxed));
        let mut create = command(program("createdb"));
        create.arg("--host").arg(&self.folder).arg("--port").arg(self.port.to_string());
        run(create.args(["--username", SUPERUSER, &name]));
        Database { url: url(SUPERUSER, self.address(), &name), name, address: self.address() }
    }
}

fn server(folder: &Path, port: u16, settings: &[(&str, &str)]) -> Command {
    let mut server = Command::new(program("postgres"));
    server.arg("-D").arg(folder.join("data")).arg("-p").arg(port.to_string());
    server.arg("-k").arg(folder).args(["-c", "listen_addresses=127.0.0.1"]);
    // What comes last counts.
    for (name, value) in FOR_TESTS.iter().chain(settings) {
        server.arg("-c").arg(format!("{name}={value}"));
    }
    server
}

/// Asked by its socket in its own folder: behind the port may be somebody else.
fn accepts(folder: &Path, port: u16) -> bool {
    let mut ask = command(program("pg_isready"));
    ask.arg("--quiet").arg("--host").arg(folder).arg("--port").arg(port.to_string());
    ask.status().is_ok_and(|status| status.success())
}

fn url(user: &str, address: SocketAddr, database: &str) -> String {
    format!("postgres://{user}@{address}/{database}?sslmode=disable")
}

/// A database for one test.
#[derive(Debug, Clone)]
pub struct Database {
    /// Where it is, as its superuser.
    pub url: String,
    pub name: String,
    address: SocketAddr,
}

impl Database {
    /// Where it is, as somebody else.
    pub fn url_as(&self, user: &str) -> String {
        url(user, self.address, &self.name)
    }

    /// Where it is behind a proxy, as its superuser.
    pub fn url_at(&self, proxy: SocketAddr) -> String {
        url(SUPERUSER, proxy, &self.name)
    }

    /// What a statement gives, as its superuser: a line for each row, columns apart by `|`.
    pub fn query(&self, sql: &str) -> String {
        let mut psql = command(program("psql"));
        psql.args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--set=ON_ERROR_STOP=1", "--command", sql]);
        run(psql.arg(&self.url))
    }
}
