//! PgBouncer, the pooler that many a Postgres stands behind.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::Command;

use crate::port;
use crate::postgres::Postgres;
use crate::supervisor::{Supervisor, new_folder};

/// Debian's place for it, which is not on everybody's PATH.
const PROGRAM: &str = "/usr/sbin/pgbouncer";

/// A pooler in front of a Postgres server. It ends when this is dropped.
#[derive(Debug)]
pub struct PgBouncer {
    port: u16,
    _supervisor: Supervisor,
}

impl PgBouncer {
    /// Starts one that pools in a mode (`session`, `transaction`) and drops the named startup parameters of a client
    /// in silence; any other that it does not know it refuses.
    pub fn before(postgres: &Postgres, pool_mode: &str, dropped: &str) -> Self {
        port::on_free_ones(|| Self::try_start(postgres.address(), pool_mode, dropped))
    }

    fn try_start(postgres: SocketAddr, pool_mode: &str, dropped: &str) -> Option<Self> {
        let (folder, port) = (new_folder("strongroom-pgbouncer-"), port::free());
        // With that type of authentication it logs in as one user, whoever the client says to be.
        let settings = format!(
            "[databases]\n* = host={} port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\n\
             unix_socket_dir =\nauth_type = any\npool_mode = {pool_mode}\nignore_startup_parameters = {dropped}\n",
            postgres.ip(),
            postgres.port()
        );
        let file = folder.join("pgbouncer.ini");
        std::fs::write(&file, settings).expect("the folder was just made");
        let mut server = Command::new(PROGRAM);
        let mut supervisor = Supervisor::new(&folder, "INT", server.arg(file));
        supervisor.start();
        let accepts = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        if supervisor.wait_until(accepts) {
            return Some(Self { port, _supervisor: supervisor });
        }
        let said = supervisor.said();
        assert!(said.contains("ddress already in use"), "pgbouncer does not start:\n{said}");
        None
    }

    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}
