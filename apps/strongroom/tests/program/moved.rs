//! A log that is moved from its file to a database, as a new user would.

use std::path::Path;

use strongroom_servers::postgres;

use crate::demo::demo;
use crate::rig::{Ended, Running, program, run};

/// The program, with the log in that database.
fn with(url: &str, here: &Path, args: &[&str]) -> Ended {
    program(here, args).env("STRONGROOM_LOG_URL", url).output().unwrap().into()
}

#[test]
fn a_log_moves_to_a_database_with_its_positions_and_its_root() {
    let folder = demo("3");
    let here = folder.path().join("here");
    let database = postgres().database();
    let there = |args: &[&str]| with(&database.url, &here, args);
    let before = run(&here, &["status", "--json"]).json()["log"].clone();

    let refused = there(&["status"]).expect(1).stderr;
    assert!(refused.contains("next: strongroom log migrate"), "{refused}");
    for _ in 0..2 {
        there(&["log", "migrate"]).expect(0);
    }
    let refused = there(&["run", "--once"]).expect(1).stderr;
    assert!(refused.contains("is empty, but") && refused.contains("strongroom log copy"), "{refused}");
    for _ in 0..2 {
        let copied = there(&["log", "copy"]).expect(0).stdout;
        assert!(copied.contains(before["root"].as_str().unwrap()), "{copied}");
    }
    assert_eq!(there(&["status", "--json"]).json()["log"], before);
    there(&["log", "verify"]).expect(0);
    assert_eq!(there(&["log", "export"]).stdout, run(&here, &["log", "export"]).stdout, "byte for byte");

    let _server = Running::start(&mut program(&here, &["server"]));
    there(&["server", "import", "more"]).expect(0);
    let ending = there(&["run", "--once", "--json"]).expect(0).json();
    assert_eq!(ending["archived"], 3, "{ending}");
    assert_eq!(run(&here, &["status", "--json"]).json()["log"], before, "the file stays as it was");
    let doctor = there(&["doctor"]).expect(0).stdout;
    assert!(doctor.contains(&database.name) && !doctor.contains("BAD"), "{doctor}");
    let refused = there(&["log", "copy"]).expect(1).stderr;
    assert!(refused.contains("not the first of the one that is copied"), "{refused}");
}

#[test]
fn a_log_is_not_copied_while_something_runs() {
    let folder = demo("1");
    let here = folder.path().join("here");
    let _server = Running::start(&mut program(&here, &["server"]));
    let process = Running::start(&mut program(&here, &["run"]));
    let holder = format!("process {} ", process.0.id());
    let lock = || std::fs::read_to_string(here.join("data/run.lock")).unwrap_or_default();
    crate::rig::until("the lock to be held", || lock().starts_with(&holder).then_some(()));
    let database = postgres().database();
    with(&database.url, &here, &["log", "migrate"]).expect(0);
    let refused = with(&database.url, &here, &["log", "copy"]).expect(1).stderr;
    assert!(refused.contains("stop it, then try again"), "{refused}");
    assert_eq!(process.stop(), Some(0));
}

#[test]
fn a_wrong_address_is_not_repeated_with_its_password() {
    let folder = demo("1");
    let here = folder.path().join("here");
    std::fs::write(here.join("owner.url"), "mysql://me:hunter2@db/log").unwrap();
    let refused = run(&here, &["log", "migrate", "--url-file", "owner.url"]).expect(1).stderr;
    assert!(refused.contains("postgres://") && !refused.contains("hunter2"), "{refused}");
}

#[test]
fn what_needs_a_broker_says_so_where_there_is_none() {
    let folder = demo("1");
    let here = folder.path().join("here");
    for args in [&["topology", "apply"][..], &["queue", "parked"]] {
        let refused = run(&here, args).expect(1).stderr;
        assert!(refused.contains("broker.url") && refused.contains("strongroom run"), "{refused}");
    }
    let definitions = run(&here, &["topology", "export", "--vhost", "backups"]).expect(0).json();
    assert_eq!(definitions["vhosts"][0]["name"], "backups");
    let queues = definitions["queues"].as_array().unwrap();
    assert!(queues.iter().any(|queue| queue["name"].as_str().unwrap().starts_with("strongroom.demo.verify.")));
}
