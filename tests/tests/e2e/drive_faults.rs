//! Drives that are missing, full, somebody else's or broken.

use std::fs;
use std::os::unix::fs::symlink;

use strongroom_model::{AlarmKind, Event, FailureKind, Recorded};
use strongroom_tests::audit::{
    all_is_archived, count, events, files_below, r1_every_manifest_is_right, raised, the_log_is_sound,
};
use strongroom_tests::site::Site;

const BOOKINGS: usize = 6;

fn failures(events: &[Recorded]) -> Vec<FailureKind> {
    events.iter().filter_map(|event| Some(event.event.failure()?.kind)).collect()
}

/// A site with bookings and a server, whose drive is in a state that no file may be written to.
fn is_refused(site: &Site, alarm: AlarmKind, said: &str) {
    let server = site.serve();
    // The mark of its use is what a full drive keeps its reserve for.
    let is_ours =
        |path: &std::path::PathBuf| alarm == AlarmKind::DriveFull && path.starts_with(site.drive().join(".strongroom"));
    let files = || files_below(site.drive()).into_iter().filter(|path| !is_ours(path)).collect::<Vec<_>>();
    let before = files();
    let ended = site.run_once().env("STRONGROOM_RETRY_WAIT_ONCE", "1s").run().expect_code(2).expect_said(said);
    assert_eq!(files(), before, "nothing is written");
    let all = events(site);
    assert_eq!(raised(&all), [alarm], "one alarm for all files: {}", ended.said());
    assert_eq!(failures(&all), [], "no attempt is burned");
    drop(server);
}

/// Once the drive is well again, work resumes by itself and the alarm's end is told.
fn resumes(site: &Site) {
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    assert_eq!(count(site, |event| matches!(event, Event::AlarmCleared(_))), 1);
    all_is_archived(site, BOOKINGS);
}

#[test]
fn r6_a_drive_that_was_never_set_up_is_answered_with_the_command_to_type() {
    let site = Site::without_drive();
    fs::create_dir(site.drive()).unwrap();
    fs::write(site.drive().join("holiday.jpg"), "somebody's").unwrap();
    site.add_documents(BOOKINGS);
    is_refused(&site, AlarmKind::DriveUnknown, "strongroom drive init");
    site.call(["drive", "init", "--same-disk", "--in-memory"]).run().expect_code(0);
    resumes(&site);
}

#[test]
fn r6_a_drive_that_is_not_mounted_is_not_written_to() {
    let site = Site::new();
    site.add_documents(BOOKINGS);
    // The folder where it should be mounted is there, and empty.
    fs::rename(site.drive(), site.path("unplugged")).unwrap();
    fs::create_dir(site.drive()).unwrap();
    is_refused(&site, AlarmKind::DriveMissing, "plug the drive in and mount it");
    let mail = site.mailbox().alarms()[0].part("text/plain");
    assert!(mail.contains("Plug the drive in and mount it") && !mail.contains("drive init"), "{mail}");
    site.call(["drive", "init"]).run().expect_code(1);
    assert_eq!(files_below(site.drive()).len(), 0, "whoever sets up the empty folder all the same is refused");
    fs::remove_dir(site.drive()).unwrap();
    fs::rename(site.path("unplugged"), site.drive()).unwrap();
    resumes(&site);
}

#[test]
fn r6_a_drive_whose_folder_is_gone_is_not_created() {
    let site = Site::new();
    site.add_documents(BOOKINGS);
    fs::rename(site.drive(), site.path("unplugged")).unwrap();
    is_refused(&site, AlarmKind::DriveMissing, "drive");
    assert!(!site.drive().exists());
    fs::rename(site.path("unplugged"), site.drive()).unwrap();
    resumes(&site);
}

#[test]
fn r6_another_drive_than_the_configured_one_is_refused() {
    let mut site = Site::new();
    site.add_documents(BOOKINGS);
    let id = site.call(["drive", "status", "--json"]).run().json()["id"].as_str().unwrap().to_owned();
    site.set("drive.id", &id);
    fs::rename(site.drive(), site.path("right")).unwrap();
    fs::create_dir(site.drive()).unwrap();
    site.call(["drive", "init", "--same-disk", "--in-memory", "drive", "--label", "wrong"]).run().expect_code(0);
    is_refused(&site, AlarmKind::DriveUnknown, &id);
    fs::rename(site.drive(), site.path("wrong")).unwrap();
    fs::rename(site.path("right"), site.drive()).unwrap();
    resumes(&site);
}

#[test]
fn r6_a_full_drive_pauses_before_the_first_failed_write() {
    let mut site = Site::new();
    site.add_documents(BOOKINGS);
    site.set("drive.reserve", "9000TiB");
    is_refused(&site, AlarmKind::DriveFull, "room");
    site.set("drive.reserve", "1MiB");
    resumes(&site);
}

#[test]
fn r6_the_reserve_holds_up_fetching_and_neither_proofs_nor_the_archive() {
    let (mut site, server) = Site::served(BOOKINGS);
    site.run_once().kill_at("verify.after-read-back", 1).run().expect_killed();
    let fetched = count(&site, |event| matches!(event, Event::TimesheetFetched(_)));
    assert!(fetched > 0);
    assert_eq!(count(&site, |event| matches!(event, Event::TimesheetBackedUp(_))), 0);

    let full = [("STRONGROOM_DRIVE_RESERVE", "9000TiB"), ("STRONGROOM_RETRY_WAIT_ONCE", "1s")];
    let run = || full.iter().fold(site.run_once(), |call, (name, value)| call.env(name, value)).run();
    run().expect_code(2).expect_said("less than the reserve of");
    assert_eq!(count(&site, |event| matches!(event, Event::TimesheetArchived(_))), fetched);
    assert_eq!(count(&site, |event| matches!(event, Event::TimesheetFetched(_))), fetched, "no more is fetched");
    r1_every_manifest_is_right(&site);
    run().expect_code(2);
    assert_eq!(
        raised(&events(&site)),
        [AlarmKind::DriveFull],
        "one alarm, which a drive that can be read does not end"
    );

    drop(server);
    site.set("drive.reserve", "1MiB");
    resumes(&site);
}

#[test]
fn r6_a_months_folder_that_is_a_link_is_not_followed() {
    let site = Site::archived(1).0;
    let month = site.months().pop().unwrap();
    let elsewhere = site.path("elsewhere");
    fs::rename(&month, &elsewhere).unwrap();
    symlink(&elsewhere, &month).unwrap();
    let before = files_below(&elsewhere);
    site.add_documents(BOOKINGS - 1);
    {
        let _server = site.serve();
        let ended = site.run_once().run();
        assert!(matches!(ended.code(), Some(1 | 2)), "{}", ended.said());
    }
    assert_eq!(files_below(&elsewhere), before, "nothing was written through the link");
    the_log_is_sound(&site);
    fs::remove_file(&month).unwrap();
    fs::rename(&elsewhere, &month).unwrap();
    let _server = site.serve();
    site.call(["retry", "--all"]).run();
    site.run_once().run().expect_code(0);
    all_is_archived(&site, BOOKINGS);
}

/// A run of many bookings in which the drive has that fault, then one in which it is well.
fn run_with_fault(bookings: usize, fault: &str) -> (Site, Vec<Recorded>) {
    let site = Site::new();
    site.add_documents(bookings);
    {
        let _server = site.serve();
        site.run_once().env("STRONGROOM_FAULT", fault).run();
    }
    r1_every_manifest_is_right(&site);
    let after_fault = events(&site);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    all_is_archived(&site, bookings);
    (site, after_fault)
}

#[test]
fn r1_a_byte_that_the_drive_changed_is_found_put_aside_and_fetched_again() {
    let (site, after_fault) = run_with_fault(BOOKINGS, "drive.read-back:2=flip");
    let failed = after_fault.iter().find_map(|event| event.event.failure()).unwrap();
    assert_eq!(failed.kind, FailureKind::DriveChanged);
    assert!(site.drive().join(failed.quarantined.as_ref().unwrap()).is_file(), "{failed:?}");
}

#[test]
fn r1_what_could_not_be_synced_is_not_relied_on() {
    // The month's folder is made with eight; then the first batch's.
    for sync in [1, 9] {
        let (_, after_fault) = run_with_fault(BOOKINGS, &format!("drive.sync:{sync}=EIO"));
        assert_eq!(raised(&after_fault), [AlarmKind::DriveFailing]);
    }
}

#[test]
fn r6_a_drive_that_is_full_at_the_50th_of_100_files_raises_one_alarm_and_loses_nothing() {
    let (_, after_fault) = run_with_fault(100, "drive.write:50-=ENOSPC");
    assert_eq!(raised(&after_fault), [AlarmKind::DriveFull]);
    assert_eq!(failures(&after_fault), [], "it is not a file's fault");
}

#[test]
fn r6_a_drive_that_turns_read_only_raises_one_alarm_and_loses_nothing() {
    let (_, after_fault) = run_with_fault(BOOKINGS, "drive.write:3-=EROFS");
    assert_eq!(raised(&after_fault), [AlarmKind::DriveReadOnly]);
    assert_eq!(failures(&after_fault), [], "it is not a file's fault");
}

#[test]
fn a_drive_that_is_unplugged_in_the_middle_loses_nothing() {
    let (site, _server) = Site::served(60);
    let run = site.run_once().start();
    strongroom_tests::wait::until_true("a file on the drive", || !site.months().is_empty());
    fs::rename(site.drive(), site.path("unplugged")).unwrap();
    let ended = run.wait();
    assert!(!site.drive().exists(), "nothing is created where the drive was: {}", ended.said());
    fs::rename(site.path("unplugged"), site.drive()).unwrap();
    r1_every_manifest_is_right(&site);
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 60);
}

#[test]
fn what_a_desktop_left_in_the_bags_is_told_by_doctor_and_drive_status_and_stays() {
    let (site, _server) = Site::archived(2);
    let month = site.months().remove(0);
    let bookings = fs::read_dir(month.join("data")).unwrap().map(|entry| entry.unwrap().path());
    let booking = bookings.filter(|path| path.is_dir()).min().unwrap();
    let foreign = [month.join("data/.DS_Store"), month.join("data/._timesheet"), booking.join("Thumbs.db")];
    for path in &foreign {
        fs::write(path, "a desktop's").unwrap();
    }
    for verb in [&["doctor"][..], &["drive", "status"]] {
        let said = site.call(verb).run().expect_code(0).expect_said("3 files in the bags are not Strongroom's").said();
        for part in [".DS_Store", "._timesheet", "Thumbs.db", "BagIt validator", "`sha256sum -c` passes"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
    site.run_once().run().expect_code(0);
    assert!(foreign.iter().all(|path| path.exists()), "they are never deleted or moved");
    r1_every_manifest_is_right(&site);
    fs::remove_file(&foreign[0]).unwrap();
    site.call(["drive", "status"]).run().expect_said("2 files in the bags are not Strongroom's");
}
