//! A log whose disk is full, that was restored from an older copy, or that others could read.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use strongroom_model::{AlarmKind, Event, Recorded};
use strongroom_tests::audit::{all_is_archived, events, files_below, r7_summaries_tile_the_log, the_log_is_sound};
use strongroom_tests::mailbox::Mail;
use strongroom_tests::site::Site;

#[test]
fn a_run_whose_log_has_no_room_ends_with_the_reason_and_the_next_one_goes_on() {
    let site = Site::new();
    site.add_documents(30);
    let _server = site.serve();
    let began = Instant::now();
    let ended = site.run_once().env("STRONGROOM_FAULT", "eventlog.commit-not-done:8-=ENOSPC").run();
    assert_eq!(ended.code(), Some(1), "{}", ended.said());
    let said = ended.said();
    assert!(said.contains("the disk with the log is full") && said.contains("make room there"), "{said}");
    assert!(began.elapsed() < Duration::from_secs(120), "it ends");
    the_log_is_sound(&site);
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 30);
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_file() && entry.file_name().to_string_lossy().starts_with("log") {
            fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Puts the files of a log that were copied in the place of those that are there.
fn restore(site: &Site) {
    let data = site.path("data");
    for entry in fs::read_dir(&data).unwrap().flatten() {
        if entry.path().is_file() && entry.file_name().to_string_lossy().starts_with("log") {
            fs::remove_file(entry.path()).unwrap();
        }
    }
    for entry in fs::read_dir(site.path("older")).unwrap().flatten() {
        fs::copy(entry.path(), data.join(entry.file_name())).unwrap();
    }
}

/// The mails about alarms, by their files.
fn alarm_mails(site: &Site) -> Vec<Mail> {
    site.mailbox().mails().into_iter().filter(|mail| mail.file.starts_with("alarm.")).collect()
}

#[test]
fn r4_a_restored_log_is_refused_until_a_person_decides_and_no_number_is_mailed_twice() {
    let site = Site::new();
    site.add_documents(2);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    copy(&site.path("data"), &site.path("older"));
    site.add_documents(2);
    site.run_once().run().expect_code(0);
    restore(&site);
    let summaries = files_below(&site.path("data/mail")).len();

    let refused = site.run_once().run();
    assert_eq!(refused.code(), Some(1), "{}", refused.said());
    assert!(refused.said().contains("strongroom log adopt --reason"), "{}", refused.said());
    site.call(["doctor"]).run().expect_code(2);
    let raised = events(&site).into_iter().filter_map(|event| match event.event {
        Event::AlarmRaised(alarm) => Some(alarm.kind),
        _ => None,
    });
    assert_eq!(raised.collect::<Vec<_>>(), [AlarmKind::LogRewound]);
    assert_eq!(files_below(&site.path("data/mail")).len(), summaries + 1, "only that is mailed");

    site.call(["log", "adopt", "--reason", "nothing newer exists"]).run().expect_code(0);
    site.add_documents(2);
    site.run_once().run();
    r7_summaries_tile_the_log(&events(&site));
    let numbers = events(&site).into_iter().filter_map(|event| match event.event {
        Event::SummaryComposed(composed) => Some((composed.number, composed.from < composed.to)),
        _ => None,
    });
    assert_eq!(numbers.collect::<Vec<_>>(), [(1, true), (2, false), (3, true)], "2 was mailed before");
}

#[test]
fn r4_r8_that_a_log_was_restored_is_mailed_at_once_though_nothing_is_recorded_and_only_once() {
    let site = Site::new();
    site.add_documents(2);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    copy(&site.path("data"), &site.path("older"));
    site.add_documents(2);
    site.run_once().run().expect_code(0);
    restore(&site);
    // The mail is out, and the program dies before it has kept that: it goes out again, the same to the letter.
    let killed = site.run_once().kill_at("rewound.after-mail", 1).run();
    assert!(killed.was_killed(), "{}", killed.said());
    let mails = alarm_mails(&site);
    let [first] = &mails[..] else { panic!("{mails:?}") };
    assert!(first.header("Subject").unwrap().contains("The event log lost its newest events"), "{first:?}");
    assert!(first.part("text/plain").contains("strongroom log adopt --reason"), "it says what to do: {first:?}");
    assert_eq!(site.run_once().run().code(), Some(1));
    assert_eq!(alarm_mails(&site).iter().map(|mail| &mail.text).collect::<Vec<_>>(), [&first.text]);
    // From now on it is known: nothing is mailed however often the program is started.
    fs::remove_file(site.path("data/mail").join(&first.file)).unwrap();
    for verb in [["run", "--once"].as_slice(), &["run"], &["run", "--once"]] {
        assert_eq!(site.call(verb).run().code(), Some(1));
        assert!(alarm_mails(&site).is_empty());
    }
    let told = |site: &Site| events(site).iter().filter(|one| matches!(one.event, Event::AlarmNotified(_))).count();
    assert_eq!(told(&site), 0, "and nothing was recorded");

    site.call(["log", "adopt", "--reason", "nothing newer exists"]).run().expect_code(0);
    assert_eq!(told(&site), 1, "now it is recorded");
    site.run_once().run().expect_code(0);
    let mails = alarm_mails(&site);
    let [over] = &mails[..] else { panic!("{mails:?}") };
    assert!(over.header("Subject").unwrap().starts_with("Over: "), "{over:?}");
    assert!(!site.path("data/mailed.kestrel").exists());
    the_log_is_sound(&site);
}

#[test]
fn r9_an_event_that_cannot_be_read_is_told_and_stops_nothing_but_its_booking() {
    let mut site = Site::new();
    site.set("fetch.batch", "1");
    site.set("fetch.concurrency", "1");
    site.add_documents(8);
    let _server = site.serve();
    let killed = site.run_once().kill_at("drive.renamed", 2).run();
    assert!(killed.was_killed(), "{}", killed.said());
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
    let ended = site.run_once().env("RUST_LOG", "warn").run();
    assert_eq!(ended.code(), Some(0), "{}", ended.said());
    let lines = ended.said().matches("an event of the log cannot be read").count();
    assert_eq!(lines, 1, "{}", ended.said());
    assert!(ended.said().contains(&format!("position={position}")), "{}", ended.said());
    assert_eq!(site.status()["bookings"]["archived"], 8, "all but the one");
    let mails = site.mailbox().mails();
    let summary = mails.iter().find(|mail| mail.file.starts_with("summary-")).unwrap();
    assert!(summary.header("Subject").unwrap().contains("1 event of the log cannot be read"), "{summary:?}");
    assert!(summary.part("text/plain").contains(&format!("Position {position}")), "{summary:?}");
    site.call(["log", "verify"]).run().expect_code(1).expect_said(&format!("position {position}"));
}

#[test]
fn what_is_recorded_and_mailed_is_for_its_owner_alone() {
    let site = Site::new();
    site.add_documents(2);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
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
