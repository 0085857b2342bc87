//! A process dies at a kill point, and nowhere else. It is this very test program that dies.
#![cfg(all(unix, feature = "kill-points"))]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Output};

use strongroom_service::{Fault, fault, kill_point};

/// Harmless by itself: the tests below let another process run only this one, under orders.
#[test]
fn passes_three_places() {
    for passing in 1..=3 {
        kill_point!("test.place");
        println!("passed {passing}, fault {}", fault!("test.fault").is_some());
    }
}

fn under_orders(name: &str, order: &str) -> Output {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "passes_three_places", "--nocapture"]).env(name, order).output().unwrap()
}

#[test]
fn a_process_dies_at_the_passing_that_was_ordered() {
    let output = under_orders("STRONGROOM_KILL_AT", "test.place:3");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.signal(), Some(9), "{said}");
    assert!(said.contains("passed 2") && !said.contains("passed 3"), "{said}");
}

#[test]
fn a_process_does_not_die_at_another_place() {
    let output = under_orders("STRONGROOM_KILL_AT", "test.other");
    assert!(output.status.success());
}

#[test]
fn a_fault_comes_at_the_passing_that_was_ordered() {
    let output = under_orders("STRONGROOM_FAULT", "test.fault:2=ENOSPC");
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("passed 1, fault false\npassed 2, fault true\npassed 3, fault false"), "{said}");
    assert_eq!(Fault::Errno(28).error().kind(), std::io::ErrorKind::StorageFull);
}
