//! What the service manager hears. It is this very test program that plays the service: its
//! manager's socket is in the environment, which only another process can be given.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command};
use std::time::Duration;

use strongroom_service::{Health, systemd};

const LONG: Duration = Duration::from_secs(60);

/// Harmless by itself: nobody listens, so nothing is said. The tests below let another process
/// run only this one, with a manager.
#[tokio::test]
async fn plays_a_service() {
    let Some(part) = std::env::var_os("STRONGROOM_TEST_PART") else {
        systemd::ready();
        systemd::status("alone");
        return;
    };
    let health = Health::new();
    let pipeline = health.turns("pipeline", LONG * 60);
    systemd::status("waiting for its drive\nREADY=1");
    systemd::ready();
    let _watchdog = systemd::Watchdog::start(health);
    if part == "gets stuck" {
        tokio::time::sleep(Duration::from_millis(200)).await;
        drop(pipeline);
        systemd::status("stuck");
    }
    tokio::time::sleep(LONG).await;
    systemd::stopping();
}

/// A manager's socket and the service that it started.
struct Manager {
    socket: UnixDatagram,
    service: Child,
    _folder: tempfile::TempDir,
}

impl Manager {
    fn start(part: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(LONG)).unwrap();
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "plays_a_service"]).env("STRONGROOM_TEST_PART", part);
        command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", "100000").env_remove("WATCHDOG_PID");
        Self { socket, service: command.spawn().unwrap(), _folder: folder }
    }

    fn hears(&self) -> std::io::Result<String> {
        let mut said = [0; 1024];
        let length = self.socket.recv(&mut said)?;
        Ok(String::from_utf8(said[..length].to_vec()).unwrap())
    }
}

impl Drop for Manager {
    fn drop(&mut self) {
        self.service.kill().unwrap();
        self.service.wait().unwrap();
    }
}

#[test]
fn a_service_tells_its_manager_what_it_does_and_that_it_is_alive() {
    let manager = Manager::start("works");
    let status = manager.hears().unwrap();
    assert!(status.starts_with("STATUS=waiting for its drive") && status.lines().count() == 1, "{status:?}");
    assert_eq!(manager.hears().unwrap(), "READY=1\n");
    for _ in 0..3 {
        assert_eq!(manager.hears().unwrap(), "WATCHDOG=1\n");
    }
}

#[test]
fn a_stuck_service_is_left_to_the_watchdog() {
    let manager = Manager::start("gets stuck");
    while manager.hears().unwrap() != "STATUS=stuck\n" {}
    // Twenty times as long as a ping may take.
    manager.socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let said = manager.hears();
    assert!(said.is_err(), "nothing more is said, but: {said:?}");
}
