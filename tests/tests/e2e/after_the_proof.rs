//! What happens to a site after a copy was proven: drives are swapped, servers restored from an old
//! state, copies and logs tampered with.

use std::fs;
use std::path::Path;
use std::process::Command;

use strongroom_model::event::BackedUp;
use strongroom_model::{AlarmKind, Event, Recorded};
use strongroom_tests::audit::{
    all_is_archived, count, events, files_below, r1_every_manifest_is_right, raised, the_log_is_sound,
};
use strongroom_tests::proxy::Fault;
use strongroom_tests::site::Site;

const BOOKINGS: usize = 4;

fn proofs(events: &[Recorded]) -> Vec<BackedUp> {
    let proofs = events.iter().filter_map(|event| match &event.event {
        Event::TimesheetBackedUp(data) => Some(data.clone()),
        _ => None,
    });
    proofs.collect()
}

fn alarms(site: &Site) -> Vec<AlarmKind> {
    raised(&events(site))
}

fn run(site: &Site, code: i32) {
    let _server = site.serve();
    site.run_once().run().expect_code(code);
}

#[test]
fn r6_drives_are_swapped_between_runs() {
    let site = Site::archived(BOOKINGS).0;
    let first = proofs(&events(&site))[0].drive;
    fs::rename(site.drive(), site.path("blue")).unwrap();
    fs::create_dir(site.drive()).unwrap();
    site.call(["drive", "init", "--same-disk", "--in-memory", "--label", "red"]).run().expect_code(0);
    site.add_documents(BOOKINGS);
    run(&site, 0);
    r1_every_manifest_is_right(&site);
    let on_second = proofs(&events(&site)).into_iter().filter(|proof| proof.drive != first).count();
    assert_eq!(on_second, BOOKINGS);
    // The first one again: it goes on there.
    fs::rename(site.drive(), site.path("red")).unwrap();
    fs::rename(site.path("blue"), site.drive()).unwrap();
    site.add_documents(BOOKINGS);
    run(&site, 0);
    r1_every_manifest_is_right(&site);
    assert_eq!(site.status()["bookings"]["archived"], 3 * BOOKINGS);
    assert_eq!(alarms(&site), [], "a swapped drive is not trouble");
}

#[test]
fn a_server_that_was_restored_from_an_old_state_is_told_again_without_a_second_copy() {
    let site = Site::new();
    site.add_documents(BOOKINGS);
    let keep = |from: &Path, to: &Path| {
        let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(copied.success());
    };
    keep(&site.path("data"), &site.path("old-data"));
    keep(site.documents(), &site.path("old-documents"));
    run(&site, 0);
    for file in ["server.sqlite", "server.sqlite-wal", "server.sqlite-shm"] {
        let _ = fs::remove_file(site.path("data").join(file));
        let _ = fs::copy(site.path("old-data").join(file), site.path("data").join(file));
    }
    fs::remove_dir_all(site.documents()).unwrap();
    fs::rename(site.path("old-documents"), site.documents()).unwrap();
    run(&site, 2);
    assert_eq!(alarms(&site), [AlarmKind::ServerForgot]);
    let mut retry = vec!["retry".to_owned(), "--reason".to_owned(), "restored".to_owned()];
    for event in events(&site) {
        if let (Event::TimesheetArchived(_), Some(booking)) = (&event.event, event.stream.as_booking()) {
            retry.extend(["--booking".to_owned(), booking.to_string()]);
        }
    }
    site.call(retry).run().expect_code(0);
    run(&site, 0);
    assert_eq!(proofs(&events(&site)).len(), BOOKINGS, "nothing was copied again");
    let archived = files_below(&site.documents().join("archived"));
    assert_eq!(archived.len(), BOOKINGS, "the server moved its copies again");
    the_log_is_sound(&site);
}

#[test]
fn a_record_that_is_corrected_after_the_proof_begins_anew_and_the_earlier_copy_stays() {
    let mut site = Site::new();
    site.set("retry.max_attempts", "1");
    let timesheet = site.documents().join("week.pdf");
    let list = |bytes: &[u8]| {
        fs::write(&timesheet, bytes).unwrap();
        let digest = strongroom_model::Digest::of(strongroom_model::Algorithm::Sha256, bytes);
        let csv = site.path("list.csv");
        fs::write(&csv, format!("id,path,signed_off_at,digest\nB-1,week.pdf,2026-11-20,{digest}\n")).unwrap();
        site.call(["server", "import", csv.to_str().unwrap()]).run().expect_code(0);
    };
    list(b"forty hours");
    let _server = site.serve();
    // The copy is proven, and the server cannot be told.
    site.proxy.meddle("/v1/marks", None, Fault::status(500));
    site.run_once().run();
    site.proxy.behave();
    assert_eq!(proofs(&events(&site)).len(), 1);
    list(b"forty-two hours");
    site.call(["retry", "--all"]).run().expect_code(0);
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 1);
    r1_every_manifest_is_right(&site);
    let proofs = proofs(&events(&site));
    assert_eq!(proofs.len(), 2);
    for (proof, bytes) in proofs.iter().zip([&b"forty hours"[..], b"forty-two hours"]) {
        assert_eq!(fs::read(site.drive().join(&proof.path)).unwrap(), bytes);
    }
}

#[test]
fn a_copy_that_changed_after_its_proof_is_told_at_the_next_start() {
    let site = Site::archived(BOOKINGS).0;
    let copy = site.drive().join(&proofs(&events(&site))[0].path);
    let mut bytes = fs::read(&copy).unwrap();
    bytes[0] ^= 1;
    fs::write(&copy, bytes).unwrap();
    run(&site, 2);
    assert_eq!(alarms(&site), [AlarmKind::CopyLost]);
    run(&site, 2);
    assert_eq!(alarms(&site), [AlarmKind::CopyLost], "once");
}

#[test]
fn r1_an_archived_booking_whose_copy_is_lost_is_not_reported_as_proven_again() {
    let site = Site::archived(1).0;
    let copy = site.drive().join(&proofs(&events(&site))[0].path);
    let bytes = fs::read(&copy).unwrap();
    fs::remove_file(&copy).unwrap();
    run(&site, 2);
    let booking = events(&site).iter().find_map(|event| event.stream.as_booking()).unwrap().to_string();
    let retry = || site.call(["retry", "--booking", &booking]).run();
    retry().expect_code(1).expect_said("its proven copy is lost: copy the file back from the server's archive");
    fs::write(&copy, bytes).unwrap();
    run(&site, 0);
    let _server = site.serve();
    site.call(["status"]).run().expect_code(0);
    retry().expect_code(0);
}

#[test]
fn r4_r8_a_log_that_is_gone_or_an_old_copy_is_never_shown_as_safe() {
    let site = Site::archived(BOOKINGS).0;
    let file = |name: &str| site.path("data").join(name);
    fs::copy(file("log.sqlite"), site.path("old.sqlite")).unwrap();
    site.add_documents(1);
    run(&site, 0);
    let _server = site.serve();
    site.call(["status"]).run().expect_code(0).expect_said("all that was signed off is archived");
    for old in [Some("old.sqlite"), None] {
        for part in ["log.sqlite", "log.sqlite-wal", "log.sqlite-shm"] {
            let _ = fs::remove_file(file(part));
        }
        if let Some(old) = old {
            fs::copy(site.path(old), file("log.sqlite")).unwrap();
        }
        site.call(["status"]).run().expect_code(2).expect_said("the log is not the one that it was");
        let status = site.call(["status", "--json"]).run().expect_code(2).json();
        assert_eq!((&status["safety"], &status["safety_reasons"][0]), (&"problems".into(), &"log-problem".into()));
        assert!(status["log_problem"]["message"].as_str().unwrap().contains("remembers"), "{status}");
    }
}

#[test]
fn a_drive_that_lost_its_newest_copies_is_told_of_in_a_few_mails() {
    const LOST: usize = 100;
    let site = Site::archived(LOST).0;
    let before = site.mailbox().mails().len();
    for proof in proofs(&events(&site)) {
        fs::remove_file(site.drive().join(&proof.path)).unwrap();
    }
    run(&site, 2);
    assert_eq!(alarms(&site), [AlarmKind::CopyLost; LOST]);
    let mails = site.mailbox().mails().len() - before;
    assert!(mails <= 6, "one of them is the summary: {mails}");
    run(&site, 2);
    let told = count(&site, |event| matches!(event, Event::AlarmNotified(_)));
    assert_eq!(told, LOST, "what had waited goes out with the next run, each alarm once");
}

#[test]
fn a_manifest_that_is_gone_is_written_anew_from_the_log() {
    let site = Site::archived(BOOKINGS).0;
    let month = site.months().pop().unwrap();
    let manifest = month.join("manifest-sha256.txt");
    let before = fs::read(&manifest).unwrap();
    fs::remove_file(&manifest).unwrap();
    run(&site, 0);
    assert_eq!(fs::read(&manifest).unwrap(), before);
    all_is_archived(&site, BOOKINGS);
}

#[test]
fn r4_the_database_refuses_to_change_or_to_delete_an_event() {
    let site = Site::archived(1).0;
    for statement in ["UPDATE event SET body = body || ' '", "DELETE FROM event"] {
        let script = "import sqlite3, sys; sqlite3.connect('data/log.sqlite').execute(sys.argv[1])";
        let mut python = Command::new("python3");
        let output = python.args(["-c", script, statement]).current_dir(site.path("")).output().unwrap();
        assert!(!output.status.success(), "{statement}");
    }
    the_log_is_sound(&site);
}

#[test]
fn r4_an_event_that_was_changed_all_the_same_is_found_and_named() {
    for (statement, said) in [
        ("UPDATE event SET body = replace(body, 'kestrel', 'falcon') WHERE position = 3", "position 3"),
        ("DELETE FROM event WHERE position = 2", "position 2"),
        ("DELETE FROM event WHERE position = (SELECT max(position) FROM event)", "DAMAGED"),
    ] {
        let site = Site::archived(1).0;
        site.tamper(statement);
        site.call(["log", "verify"]).run().expect_code(1).expect_said(said);
    }
}

/// The event's own hash stays, as whoever edits a row by hand leaves it.
#[test]
fn r4_a_proof_that_was_forged_in_the_database_never_reaches_a_manifest() {
    let (site, _server) = Site::archived(2);
    let forged = "0".repeat(64);
    let (position, sha256) = events(&site)
        .into_iter()
        .find_map(|event| match event.event {
            Event::TimesheetBackedUp(proof) => Some((event.position, proof.sha256.hex())),
            _ => None,
        })
        .unwrap();
    site.tamper(&format!("UPDATE event SET body = replace(body, '{sha256}', '{forged}') WHERE position = {position}"));
    let manifest = site.months().remove(0).join("manifest-sha256.txt");
    fs::remove_file(&manifest).unwrap();
    let said = site.run_once().run().said();
    let listed = fs::read_to_string(&manifest).unwrap();
    assert!(!listed.contains(&forged), "{listed}\n{said}");
    assert!(
        said.contains("files-unknown") || said.contains("no manifest lists"),
        "{said}\n{listed}\n{:#}",
        site.status()
    );
    site.call(["log", "verify"]).run().expect_code(1).expect_said(&format!("position {position}"));
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let site = Site::new();
    {
        let _server = site.serve();
        site.call(["doctor"]).run().expect_code(0);
    }
    site.call(["doctor"]).run().expect_code(2);
    let _server = site.serve();
    site.proxy.behave();
    fs::remove_dir_all(site.drive()).unwrap();
    fs::create_dir(site.drive()).unwrap();
    site.call(["doctor"]).run().expect_code(2).expect_said("plug the drive in and mount it");
}
