//! What each process answers about its health, over HTTP and to systemd.

use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use crate::demo::demo;
use crate::rig::{Running, free_address, get, program, run, until};
use crate::workers::Fleet;

/// The demo's drive, plugged out until it is put back.
struct Unplugged<'a>(&'a Path);

impl<'a> Unplugged<'a> {
    fn new(here: &'a Path) -> Self {
        std::fs::rename(here.join("drive"), here.join("away")).unwrap();
        Self(here)
    }

    fn put_back(self) {
        std::fs::rename(self.0.join("away"), self.0.join("drive")).unwrap();
    }
}

#[test]
fn run_is_alive_and_says_why_it_is_not_ready() {
    let folder = demo("1");
    let here = folder.path().join("here");
    let drive = Unplugged::new(&here);
    let address = free_address();
    let running = Running::start(&mut program(&here, &["run", "--listen", &address]));
    let ask = |path: &str| get(&address, path);
    let both_are_away = |told: &String| {
        told.starts_with("HTTP/1.1 503")
            && told.contains("\"check\":\"drive\",\"why\":\"")
            && told.contains("\"check\":\"document server\",\"why\":\"")
            && !told.contains("nobody has looked yet")
    };
    until("run to miss its drive and the document server", || ask("/readyz").filter(both_are_away));
    assert!(ask("/healthz").unwrap().starts_with("HTTP/1.1 200"), "it waits, and is alive");
    let metrics = ask("/metrics").unwrap();
    assert!(metrics.contains("strongroom_server_reachable{site=\"demo\"} 0"), "{metrics}");
    assert!(metrics.contains("strongroom_log_reachable{site=\"demo\"} 1"), "{metrics}");

    let _server = Running::start(program(&here, &["server"]).env("STRONGROOM_WATCH_EVERY", "1s"));
    drive.put_back();
    until("run to be ready", || ask("/readyz").filter(|told| told.starts_with("HTTP/1.1 200")));
    assert_eq!(running.stop(), Some(0));
}

#[test]
fn a_run_by_hand_leaves_the_watched_address_to_others() {
    let folder = demo("1");
    let here = folder.path().join("here");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let _server = Running::start(&mut program(&here, &["server"]));
    let once = program(&here, &["run", "--once"]).env("STRONGROOM_HEALTH_LISTEN", &address).output().unwrap();
    assert_eq!(once.status.code(), Some(0), "{}", String::from_utf8_lossy(&once.stderr));
    let named = run(&here, &["run", "--once", "--listen", &address]).expect(1).stderr;
    assert!(named.contains("cannot listen on"), "{named}");
}

#[test]
fn a_process_of_any_role_answers_about_its_health() {
    let fleet = Fleet::new();
    let verbs = ["relay", "enumerate", "fetch", "verify", "archive", "notify", "run"];
    let processes = verbs.map(|verb| {
        let address = free_address();
        (verb, fleet.start(&[verb, "--listen", &address]), address)
    });
    for (verb, process, address) in processes {
        let is_ready = || get(&address, "/readyz").filter(|told| told.starts_with("HTTP/1.1 200"));
        until(&format!("{verb} to be ready"), is_ready);
        assert!(get(&address, "/healthz").unwrap().starts_with("HTTP/1.1 200"), "{verb}");
        let recorded = ["strongroom_build_info{", "strongroom_log_reachable{site=\"demo\"} 1", "strongroom_processes{"];
        let has_all = |told: &String| recorded.iter().all(|recorded| told.contains(recorded));
        until(&format!("{verb} to record {recorded:?}"), || get(&address, "/metrics").filter(has_all));
        drop(process);
    }
}

#[test]
fn run_tells_systemd_that_it_has_started_and_is_alive() {
    let folder = demo("1");
    let here = folder.path().join("here");
    let _drive = Unplugged::new(&here);
    let socket = folder.path().join("notify");
    let manager = UnixDatagram::bind(&socket).unwrap();
    manager.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    let running = Running::start(
        program(&here, &["run"])
            .env("NOTIFY_SOCKET", &socket)
            .env("WATCHDOG_USEC", "200000")
            .env_remove("WATCHDOG_PID"),
    );
    let mut expected = vec!["READY=1", "WATCHDOG=1", "STATUS="];
    while !expected.is_empty() {
        let mut said = [0; 4096];
        let length = manager.recv(&mut said).unwrap_or_else(|error| panic!("{error}: not heard: {expected:?}"));
        let said = String::from_utf8_lossy(&said[..length]).into_owned();
        expected.retain(|word| !said.contains(word));
    }
    assert_eq!(running.stop(), Some(0));
}
