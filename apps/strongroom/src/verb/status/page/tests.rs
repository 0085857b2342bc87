use std::collections::BTreeMap;

use strongroom_audit::{AlarmEntry, Bookings, Cause, LogHead, RunState};
use strongroom_model::event::Trigger;
use strongroom_model::presence::Part;
use strongroom_model::{BookingCounts, FailureKind, Position};

use super::*;

fn status() -> Status {
    Status {
        site: "demo".parse().unwrap(),
        bookings: Bookings { waiting: Some(0), counts: BookingCounts { archived: 40, ..BookingCounts::default() } },
        log: LogHead { size: 170, root: "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=".to_owned() },
        drives: vec![DriveState {
            id: Some("7d444840-9dc0-41d1-b245-5ffdce74fad2".parse().unwrap()),
            label: Some("blue 1".to_owned()),
            state: "ready".to_owned(),
            free_bytes: Some(5 << 30),
        }],
        as_of: None,
        safety: Safety::Safe,
        safety_reasons: Vec::new(),
        subjects: BTreeMap::new(),
        backlog: Vec::new(),
        earlier_runs: Vec::new(),
        last_run: Some(RunEntry {
            id: "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a52".parse().unwrap(),
            position: Position(0),
            requested_by: "run@backup-1".parse().unwrap(),
            trigger: Trigger::Schedule,
            oldest: 100,
            retry_at: None,
            requested_at: "2026-11-20T23:00:00Z".parse().unwrap(),
            state: RunState::Enumerated,
            waiting: Some(40),
            enumerated: Some(40),
            zero_reason: None,
            failure: None,
        }),
        processes: Vec::new(),
        missing: Vec::new(),
        overdue: None,
        mail: None,
        hosts: Vec::new(),
        jobs: Vec::new(),
        causes: Vec::new(),
        alarms: Vec::new(),
        log_problem: None,
        notes: Vec::new(),
    }
}

#[test]
fn a_site_that_is_well_says_so_first() {
    insta::assert_snapshot!(page(&status(), None, &TimeZone::UTC));
}

#[test]
fn what_needs_a_person_comes_first_with_what_to_do() {
    let mut status = status();
    status.bookings.waiting = None;
    status.bookings.counts.needs_attention = 4;
    status.notes.push("how many wait on the server is unknown: it does not answer".to_owned());
    status.causes.push(Cause {
        kind: FailureKind::FileMissing,
        bookings: 4,
        cause: FailureKind::FileMissing.cause(),
        next_step: FailureKind::FileMissing.step(),
        first: vec!["B-1".to_owned(), "B-2".to_owned(), "B-3".to_owned()],
        message: "404 Not Found".to_owned(),
    });
    status.alarms.push(AlarmEntry {
        kind: AlarmKind::DriveMissing,
        subject: "/mnt/backup".to_owned(),
        since: "2026-11-20T23:00:00Z".parse().unwrap(),
        message: "no drive is mounted at /mnt/backup: the folder is empty".to_owned(),
        next_step: "mount the drive there".to_owned(),
        position: Position(9),
        cleared: None,
    });
    insta::assert_snapshot!(page(&status.judged(), None, &TimeZone::UTC));
}

#[test]
fn r8_what_waits_is_unknown_when_the_server_does_not_say() {
    let mut status = status();
    status.bookings.waiting = None;
    let status = status.judged();
    assert!(verdict(&status, &TimeZone::UTC).contains("unknown"), "{}", verdict(&status, &TimeZone::UTC));
    assert!(
        page(&status, None, &TimeZone::UTC).contains("waiting on the server   unknown"),
        "{}",
        page(&status, None, &TimeZone::UTC)
    );
}

#[test]
fn r8_what_is_missing_for_the_work_that_waits_is_the_verdict() {
    let mut status = status();
    status.bookings.counts.fetched = 8000;
    let drive = "7d444840-9dc0-41d1-b245-5ffdce74fad2".parse().unwrap();
    let at = "2026-11-21T03:12:00Z".parse().unwrap();
    let role = |role: &str, partition| Missing {
        role: role.to_owned(),
        partition,
        last_sign_at: Some(at),
        ended: false,
        cut: None,
    };
    let host = "office-2".parse().unwrap();
    status.missing = vec![role("verify", Some(drive)), role("transfer", Some(host)), role("notify", None)];
    let part = |role: &str, state, waits_for: Option<&str>| Part {
        role: role.to_owned(),
        partition: None,
        state,
        alarm: None,
        waits_for: waits_for.map(str::to_owned),
    };
    let sign = Sign {
        actor: "fetch@backup-1".parse().unwrap(),
        pid: 4711,
        version: "0.1.0".to_owned(),
        since: at,
        every_s: 10,
        has_ended: false,
        cannot_record: None,
        parts: vec![part("fetch", PartState::Paused, Some("the drive is full"))],
    };
    let process = |state| Process { state, last_sign_at: at, sign: sign.clone() };
    status.processes = vec![process("alive"), process("gone")];
    let status = status.judged();
    assert!(status.has_problems());
    insta::assert_snapshot!(page(&status, None, &TimeZone::get("Europe/Berlin").unwrap()));
}
