//! The log is lost, and a month's manifest is damaged or gone: what was proven is never moved, and what can still be
//! shown to be right is listed again.

use std::fs;
use std::path::{Path, PathBuf};

use strongroom_model::{AlarmKind, Event};
use strongroom_tests::audit::{events, files_below, r1_every_manifest_is_right};
use strongroom_tests::site::Site;

const BOOKINGS: usize = 3;

/// A site whose log was lost after that many bookings were archived, and that goes on with a new one: with the month's
/// folder, and the copies that only the lost log knew.
fn after_the_loss() -> (Site, PathBuf, Vec<PathBuf>) {
    let site = Site::archived(BOOKINGS).0;
    let month = site.months().remove(0);
    let copies: Vec<_> = copies_in(&month);
    for copy in &copies {
        // They were written before the new log begins, whatever the resolution of the file system's times.
        let file = fs::File::options().write(true).open(copy).unwrap();
        file.set_modified(std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000)).unwrap();
    }
    site.put_the_log_aside("lost");
    site.call(["log", "adopt", "--reason", "the disk with the log is gone"]).run().expect_code(0);
    (site, month, copies)
}

fn copies_in(month: &Path) -> Vec<PathBuf> {
    let mut files = files_below(&month.join("data"));
    files.retain(|path| !path.ends_with("README.txt"));
    files.sort();
    files
}

/// How often the alarm about unknown files began and ended.
fn changes(site: &Site) -> (usize, usize) {
    let events = events(site);
    let ours = events.iter().filter(|event| event.stream.id().starts_with(AlarmKind::FilesUnknown.code()));
    let (raised, cleared): (Vec<_>, Vec<_>) = ours
        .filter(|event| matches!(event.event, Event::AlarmRaised(_) | Event::AlarmCleared(_)))
        .partition(|event| matches!(event.event, Event::AlarmRaised(_)));
    (raised.len(), cleared.len())
}

#[test]
fn the_doctor_says_before_the_first_run_of_a_new_log_that_an_older_one_is_remembered() {
    let (site, _server) = Site::archived(1);
    site.put_the_log_aside("lost");
    let doctor = site.call(["doctor"]).run().expect_code(2);
    doctor.expect_said("the log ends after 0 events, but").expect_said("strongroom log adopt --reason");
    site.run_once().run().expect_code(1).expect_said("the log ends after 0 events, but");
}

#[test]
fn copies_of_a_lost_log_that_a_damaged_manifest_still_lists_are_listed_again() {
    let (site, month, copies) = after_the_loss();
    let manifest = month.join("manifest-sha256.txt");
    let damaged = format!("{}damage", fs::read_to_string(&manifest).unwrap());
    fs::write(&manifest, &damaged).unwrap();
    let _server = site.serve();
    let ran = site.run_once().env("RUST_LOG", "info").run().expect_code(0);
    assert!(ran.said().contains("read back now"), "{}", ran.said());
    assert_eq!(copies_in(&month), copies);
    assert_eq!(fs::read_to_string(&manifest).unwrap().lines().count(), BOOKINGS + 1);
    r1_every_manifest_is_right(&site);
    assert_eq!(changes(&site), (1, 1));
    let kept = site.drive().join(".strongroom/quarantine/kestrel").join(month.file_name().unwrap());
    assert_eq!(fs::read_to_string(kept.join("manifest-sha256.txt")).unwrap(), damaged);
}

#[test]
fn copies_of_a_lost_log_whose_manifest_was_removed_stay_and_are_told_until_a_person_has_dealt_with_them() {
    let (site, month, copies) = after_the_loss();
    fs::remove_file(month.join("manifest-sha256.txt")).unwrap();
    let _server = site.serve();
    for _ in 0..2 {
        site.run_once().run();
        assert_eq!(copies_in(&month), copies);
        assert_eq!(changes(&site), (1, 0));
    }
    let raised = site.status()["alarms"][0].clone();
    let message = raised["message"].as_str().unwrap();
    assert!(message.contains("3 files"), "{message}");
    fs::rename(month.join("data"), site.path("taken out")).unwrap();
    site.run_once().run().expect_code(0);
    assert_eq!(changes(&site), (1, 1));
}

#[test]
fn a_kill_while_copies_of_a_lost_log_are_read_back_costs_nothing() {
    for place in ["drive.put-aside", "drive.manifest-written", "drive.manifest-renamed", "verify.after-salvage"] {
        let (site, month, copies) = after_the_loss();
        let manifest = month.join("manifest-sha256.txt");
        fs::write(&manifest, format!("{}damage", fs::read_to_string(&manifest).unwrap())).unwrap();
        let _server = site.serve();
        site.run_once().kill_at(place, 1).run().expect_killed();
        site.run_once().run().expect_code(0);
        assert_eq!(copies_in(&month), copies, "{place}");
        assert_eq!(fs::read_to_string(&manifest).unwrap().lines().count(), BOOKINGS + 1, "{place}");
        r1_every_manifest_is_right(&site);
        let (raised, cleared) = changes(&site);
        assert_eq!(raised, cleared, "{place}");
    }
}
