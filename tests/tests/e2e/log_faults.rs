//! A log whose disk is full, that was restored from an older copy, or that others could read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use strongroom_model::{AlarmKind, Event, Recorded};
use strongroom_tests::audit::{
    all_is_archived, count, events, files_below, r7_summaries_tile_the_log, raised, summaries, the_log_is_sound,
};
use strongroom_tests::program::Running;
use strongroom_tests::site::Site;

#[test]
fn a_run_whose_log_has_no_room_ends_with_the_reason_and_the_next_one_goes_on() {
    let (site, _server) = Site::served(30);
    let began = Instant::now();
    let ended = site.run_once().env("STRONGROOM_FAULT", "eventlog.commit-not-done:8-=ENOSPC").run();
    ended.expect_code(1).expect_said("the disk with the log is full").expect_said("make room there");
    assert!(began.elapsed() < Duration::from_secs(120), "it ends");
    the_log_is_sound(&site);
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 30);
}

/// A site with four archived bookings, whose log is put back as it was after the first two.
fn restored() -> (Site, Running) {
    let (site, server) = Site::archived(2);
    let older = site.path("older");
    fs::create_dir(&older).unwrap();
    for path in files_below(&site.path("data")).iter().filter(|path| path.to_string_lossy().contains("/log.sqlite")) {
        fs::copy(path, older.join(path.file_name().unwrap())).unwrap();
    }
    site.add_documents(2);
    site.run_once().run().expect_code(0);
    site.put_the_log_aside("newer");
    for path in files_below(&older) {
        fs::copy(&path, site.path("data").join(path.file_name().unwrap())).unwrap();
    }
    (site, server)
}

#[test]
fn r4_a_restored_log_is_refused_until_a_person_decides_and_no_number_is_mailed_twice() {
    let (site, _server) = restored();
    let mailed = files_below(&site.path("data/mail")).len();

    site.run_once().run().expect_code(1).expect_said("strongroom log adopt --reason");
    site.call(["doctor"]).run().expect_code(2);
    assert_eq!(raised(&events(&site)), [AlarmKind::LogRewound]);
    assert_eq!(files_below(&site.path("data/mail")).len(), mailed + 1, "only that is mailed");

    site.call(["log", "adopt", "--reason", "nothing newer exists"]).run().expect_code(0);
    site.add_documents(2);
    site.run_once().run();
    r7_summaries_tile_the_log(&events(&site));
    let numbers = summaries(&events(&site)).into_iter().map(|composed| (composed.number, composed.from < composed.to));
    assert_eq!(numbers.collect::<Vec<_>>(), [(1, true), (2, false), (3, true)], "2 was mailed before");
}

#[test]
fn r4_r8_that_a_log_was_restored_is_mailed_at_once_though_nothing_is_recorded_and_only_once() {
    let (site, _server) = restored();
    // The mail is out, and the program dies before it has kept that: it goes out again, the same to the letter.
    site.run_once().kill_at("rewound.after-mail", 1).run().expect_killed();
    let mails = site.mailbox().alarms();
    let [first] = &mails[..] else { panic!("{mails:?}") };
    assert!(first.header("Subject").unwrap().contains("The event log lost its newest events"), "{first:?}");
    assert!(first.part("text/plain").contains("strongroom log adopt --reason"), "it says what to do: {first:?}");
    site.run_once().run().expect_code(1);
    assert_eq!(site.mailbox().alarms().iter().map(|mail| &mail.text).collect::<Vec<_>>(), [&first.text]);
    // From now on it is known: nothing is mailed however often the program is started.
    fs::remove_file(site.path("data/mail").join(&first.file)).unwrap();
    for verb in [["run", "--once"].as_slice(), &["run"], &["run", "--once"]] {
        site.call(verb).run().expect_code(1);
        assert!(site.mailbox().alarms().is_empty());
    }
    let told = || count(&site, |event| matches!(event, Event::AlarmNotified(_)));
    assert_eq!(told(), 0, "and nothing was recorded");

    site.call(["log", "adopt", "--reason", "nothing newer exists"]).run().expect_code(0);
    assert_eq!(told(), 1, "now it is recorded");
    site.run_once().run().expect_code(0);
    let mails = site.mailbox().alarms();
    let [over] = &mails[..] else { panic!("{mails:?}") };
    assert!(over.header("Subject").unwrap().starts_with("Over: "), "{over:?}");
    assert!(!site.path("data/mailed.kestrel").exists());
    the_log_is_sound(&site);
}

#[test]
fn r9_an_event_that_cannot_be_read_is_told_and_stops_nothing_but_its_booking() {
    let (mut site, _server) = Site::served(8);
    site.set("fetch.batch", "1");
    site.set("fetch.concurrency", "1");
    site.run_once().kill_at("drive.renamed", 2).run().expect_killed();
    // As a later version would have written it: one of those that did not come yet, whichever came first.
    let came = files_below(site.drive());
    let did_not_come = |recorded: &Recorded| match &recorded.event {
        Event::TimesheetEnumerated(held) => !came.iter().any(|path| path.ends_with(&held.filename)),
        _ => false,
    };
    let victim = events(&site).into_iter().find(did_not_come).unwrap();
    let position = victim.position;
    site.tamper(&format!("UPDATE event SET body = replace(body, 'filename', 'imagined') WHERE position = {position}"));

    site.add_documents(1);
    let ended = site.run_once().env("RUST_LOG", "warn").run().expect_code(0);
    let ended = ended.expect_said(&format!("position={position}"));
    assert_eq!(ended.said().matches("an event of the log cannot be read").count(), 1, "{}", ended.said());
    assert_eq!(site.status()["bookings"]["archived"], 8, "all but the one");
    let summary = site.mailbox().summaries().remove(0);
    assert!(summary.header("Subject").unwrap().contains("1 event of the log cannot be read"), "{summary:?}");
    assert!(summary.part("text/plain").contains(&format!("Position {position}")), "{summary:?}");
    site.call(["log", "verify"]).run().expect_code(1).expect_said(&format!("position {position}"));
}

#[test]
fn what_is_recorded_and_mailed_is_for_its_owner_alone() {
    let (site, _server) = Site::archived(2);
    let data = site.path("data/log.sqlite").parent().unwrap().to_owned();
    let others = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o007;
    let ours = files_below(&data).into_iter().filter(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        name.starts_with("log") || name.starts_with("checkpoint") || name.ends_with(".eml")
    });
    let ours: Vec<_> = ours.filter(|path| !path.starts_with(site.drive())).collect();
    assert!(ours.len() >= 3, "{ours:?}");
    for path in ours {
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode & 0o077, 0, "{}: {mode:o}", path.display());
    }
    for path in files_below(site.drive()) {
        assert!(others(&path) & 0o002 == 0, "{}", path.display());
    }
}
