//! Erlang's port mapper, which tells nodes from each other. One of our own: the usual one is
//! started by whoever comes first, and stays for ever.

use std::net::{Ipv4Addr, TcpStream};
use std::process::Command;
use std::sync::Mutex;

use crate::port;
use crate::supervisor::{Supervisor, new_folder};

/// A port mapper that ends when this is dropped.
#[derive(Debug)]
pub(super) struct Epmd {
    pub(super) port: u16,
    /// Held for its end.
    _supervisor: Mutex<Supervisor>,
}

impl Epmd {
    pub(super) fn start() -> Self {
        port::on_free_ones(Self::try_start)
    }

    fn try_start() -> Option<Self> {
        let port = port::free();
        let mut epmd = Command::new("epmd");
        // Without `-daemon` it stays a child.
        epmd.args(["-address", "127.0.0.1", "-port"]).arg(port.to_string());
        let mut supervisor = Supervisor::new(&new_folder("strongroom-epmd-"), "KILL", &epmd);
        supervisor.start();
        let answers = || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok();
        supervisor.wait_until(answers).then(|| Self { port, _supervisor: Mutex::new(supervisor) })
    }
}
