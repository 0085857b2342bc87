//! The Postgres servers themselves.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use strongroom_servers::{Postgres, postgres};

fn wait_until(what: &str, done: impl Fn() -> bool) {
    let begin = Instant::now();
    while !done() {
        assert!(begin.elapsed() < Duration::from_secs(60), "after a minute still not: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn each_database_is_its_own() {
    let (one, two) = (postgres().database(), postgres().database());
    assert_eq!(one.query("CREATE TABLE t (n int); INSERT INTO t VALUES (1), (2); SELECT n FROM t"), "1\n2");
    assert_eq!(two.query("SELECT count(*) FROM pg_tables WHERE tablename = 't'"), "0");
}

#[test]
fn a_server_of_ones_own_is_stopped_killed_and_started_again() {
    let server = Postgres::start();
    let database = server.database();
    let _ = database.query("CREATE TABLE t (n int)");
    for (n, end) in [Postgres::stop, Postgres::kill, Postgres::kill].into_iter().enumerate() {
        let _ = database.query("INSERT INTO t VALUES (1)");
        end(&server);
        assert!(TcpStream::connect(server.address()).is_err());
        server.start_again();
        assert_eq!(database.query("SELECT count(*) FROM t"), (n + 1).to_string());
    }
    let (address, folder) = (server.address(), server.folder().to_owned());
    drop(server);
    assert!(TcpStream::connect(address).is_err());
    assert!(!folder.exists());
}

#[test]
#[ignore = "the test below runs it in a process of its own"]
fn child_has_a_server_until_it_is_killed() {
    println!("\nat {} {}", postgres().address(), postgres().folder().display());
    std::thread::sleep(Duration::from_secs(600));
}

#[test]
fn a_server_does_not_outlive_a_process_that_was_killed() {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "child_has_a_server_until_it_is_killed"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let place = said.into_iter().find_map(|line| line.strip_prefix("at ").map(str::to_owned)).unwrap();
    let (address, folder) = place.split_once(' ').unwrap();
    TcpStream::connect(address).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    wait_until("nobody listens", || TcpStream::connect(address).is_err());
    wait_until("the folder is gone", || !Path::new(folder).exists());
}
