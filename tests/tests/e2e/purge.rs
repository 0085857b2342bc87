//! Archived files are deleted by the commands of the manual, and only with enough proofs.

use std::fs;

use strongroom_eventlog::EventLog;
use strongroom_model::event::{BackedUp, CopyProven, DriveInitialised, ReadBack};
use strongroom_model::{BookingId, CustodyId, DriveId, Event, Expected, NewEvent, StreamName};
use strongroom_tests::audit::{count, events, files_below, the_log_is_sound};
use strongroom_tests::documented;
use strongroom_tests::program::{Call, Ended};
use strongroom_tests::site::Site;

/// A site with that many archived files, and the tokens of two people.
fn archived(bookings: usize) -> (Site, strongroom_tests::program::Running) {
    let (site, server) = Site::archived(bookings);
    for (name, scope) in [("ann", "purge"), ("bob", "approve")] {
        let file = format!("{name}.token");
        let create = ["server", "token", "create", "--name", name, "--scope", scope, "--out", file.as_str()];
        site.call(create).run().expect_code(0);
    }
    (site, server)
}

fn backed_up(site: &Site) -> Vec<(BookingId, BackedUp)> {
    let found = events(site).into_iter().filter_map(|one| match one.event {
        Event::TimesheetBackedUp(data) => Some((one.stream.as_booking()?, data)),
        _ => None,
    });
    found.collect()
}

/// The log says that every copy was read back from the device now, and that there is another of each on a second drive:
/// not every machine's disk can be read past its caches.
fn prove_on_two_drives(site: &Site) -> DriveId {
    let (second, now) = (DriveId::random(), events(site).last().unwrap().time);
    let new = |stream, event| NewEvent::new(stream, Expected::New, now, "custody@test".parse().unwrap(), event);
    let label = "blue 2".to_owned();
    let mut all = vec![new(StreamName::drive(second), Event::DriveInitialised(DriveInitialised { label }))];
    for (booking, data) in backed_up(site) {
        let proven = |drive| CopyProven {
            booking: booking.clone(),
            drive,
            from: None,
            path: data.path.clone(),
            quarantined: None,
            read_back: ReadBack::Direct,
            request: CustodyId::new(now),
            sha256: data.sha256.clone(),
            size_bytes: data.size_bytes,
        };
        let stream = |drive| StreamName::copy(drive, &booking, &data.sha256);
        all.push(new(stream(data.drive), Event::CopyProven(proven(data.drive))));
        all.push(new(stream(second), Event::CopyMade(proven(second))));
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let log = EventLog::open_sqlite(&site.path("data/log.sqlite"), &"kestrel".parse().unwrap()).await.unwrap();
        log.append(all).await.unwrap();
        log.close().await;
    });
    second
}

/// A verb, by a person with their own token.
fn act(site: &Site, verb: &str, who: &str, rest: &[&str]) -> Call {
    let token = format!("{}.token", who.to_lowercase());
    let own = ["--token-file", token.as_str(), "--as", who];
    site.call(["purge", verb].iter().chain(rest).chain(&own))
}

fn run(site: &Site, id: &str) -> Call {
    site.call(["purge", "run", id])
}

fn on_server(site: &Site) -> usize {
    files_below(&site.documents().join("archived")).len()
}

fn purged(site: &Site) -> usize {
    count(site, |event| matches!(event, Event::TimesheetPurged(_)))
}

#[test]
fn r5_the_documented_purge_deletes_what_two_drives_hold_and_everything_says_so_after_it() {
    let (site, server) = Site::archived(2);
    let key = site.call(["key", "new"]).run().expect_code(0).stdout.lines().next().unwrap().to_owned();
    server.kill();
    let mut config = fs::read_to_string(site.path("strongroom.toml")).unwrap();
    config.push_str(&format!("\n[server]\nsite_keys = [\"{key}\"]\n"));
    fs::write(site.path("strongroom.toml"), config).unwrap();
    let _server = site.serve();
    let second = prove_on_two_drives(&site);
    let (booking, first) = backed_up(&site).remove(0);
    let replaced = [("2026-07-01", "2999-01-01"), ("B-1001", booking.as_str())];
    let said = documented::run(&site, "docs/operations.md", "purge", &replaced);
    for part in ["could go now: 2 files", "approved", "2 files deleted on the server", "have a proven copy"] {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert_eq!((on_server(&site), purged(&site)), (0, 2));
    // The API, the log and the verbs say when, by whose approval, and which drives hold it.
    let info = site.get(&format!("/v1/bookings/{booking}"));
    assert_eq!((&info["state"], &info["purged"]["approved_by"]), (&"purged".into(), &"Bob".into()));
    assert!(info["purged"]["purged_at"].is_string(), "{info}");
    let held = info["purged"]["drives"].to_string();
    let story = site.call(["replay", "--booking", booking.as_str()]).run().expect_code(0).said();
    let shown = site.call(["purge", "show", "2026-07", "--json"]).run().expect_code(0).json();
    let drives = shown["gone"][0]["drives"].to_string();
    for drive in [first.drive, second].map(|drive| drive.to_string()) {
        assert!(
            held.contains(&drive) && story.contains(&drive) && drives.contains(&drive),
            "{held}\n{story}\n{drives}"
        );
    }
    assert!(story.contains("was deleted by purge “2026-07” that “Bob” approved"), "{story}");
    site.call(["purge", "list"]).run().expect_code(0).expect_said("2026-07  run  proposed");
    let gone = site.proxy.ask(&format!("GET /v1/bookings/{booking}/timesheet"), &token(&site), &[]).unwrap();
    assert!(gone.head.contains(" 410 ") && gone.json()["detail"].to_string().contains("Bob"), "{}", gone.head);
    assert_eq!(site.status()["bookings"]["purged"], 2);
    the_log_is_sound(&site);
}

fn token(site: &Site) -> String {
    fs::read_to_string(site.path("backup.token")).unwrap().trim().to_owned()
}

#[test]
fn r5_each_verb_refuses_with_the_reason_and_the_step_that_cures_it() {
    let (site, _server) = archived(2);
    let all = ["--before", "2999-01-01", "--id", "p-1"];
    // One drive is not enough; nothing is proposed.
    act(&site, "propose", "Ann", &all)
        .run()
        .expect_code(2)
        .expect_said("proven on")
        .expect_said("strongroom drive")
        .expect_said("nothing was proposed");
    prove_on_two_drives(&site);
    let (booking, _) = backed_up(&site).remove(0);
    let dry = site.call(["purge", "propose", "--before", "2999-01-01", "--dry-run"]).run().expect_code(0);
    dry.expect_said("could go now: 2 files").expect_said("Nothing was proposed");
    site.call(["purge", "propose", "--before", "2999-01-01"]).run().expect_code(64).expect_said("--scope purge");
    site.call(["purge", "show", "p-1"]).run().expect_code(1).expect_said("strongroom purge list");
    fs::write(site.path("list"), format!("{booking}\nB-unknown\n")).unwrap();
    act(&site, "propose", "Ann", &["--bookings", "list", "--id", "p-1"])
        .run()
        .expect_code(2)
        .expect_said("B-unknown: this log does not know it")
        .expect_said("purge p-1 is proposed");
    run(&site, "p-1").run().expect_code(1).expect_said("nobody has approved purge p-1").expect_said("another person");
    let own = act(&site, "approve", "Ann", &["p-1"]).run().expect_code(1);
    own.expect_said("with the scope `approve`");
    fs::copy(site.path("bob.token"), site.path("ann2.token")).unwrap();
    let namesake = ["purge", "approve", "p-1", "--token-file", "ann2.token", "--as", " ann"];
    site.call(namesake).run().expect_code(1).expect_said("must be a name");
    let namesake = ["purge", "approve", "p-1", "--token-file", "ann2.token", "--as", "ANN"];
    site.call(namesake).run().expect_code(1).expect_said("cannot approve a purge that they proposed");
    act(&site, "approve", "Bob", &["p-1"]).run().expect_code(0).expect_said("nothing is deleted yet");
    assert_eq!(on_server(&site), 2);
    // Refused after it was approved: for good.
    act(&site, "refuse", "Bob", &["p-1", "--reason", "too early"])
        .run()
        .expect_code(0)
        .expect_said("is refused, for good");
    run(&site, "p-1").run().expect_code(1).expect_said("was refused by \"Bob\"").expect_said("--id ID");
    act(&site, "approve", "Bob", &["p-1"]).run().expect_code(1).expect_said("propose it anew under another id");
    assert_eq!((on_server(&site), purged(&site)), (2, 0));
    the_log_is_sound(&site);
}

#[test]
fn r3_r5_a_purge_that_is_killed_at_any_step_ends_as_an_undisturbed_one() {
    let (site, _server) = archived(3);
    prove_on_two_drives(&site);
    let all = ["--before", "2999-01-01"];
    act(&site, "propose", "Ann", &all).kill_at("purge.proposed", 1).run().expect_killed();
    assert_eq!(count(&site, |event| matches!(event, Event::PurgeProposed(_))), 0);
    let proposed = act(&site, "propose", "Ann", &[&all[..], &["--json"]].concat()).run().expect_code(0).json();
    let id = proposed["purge"].as_str().unwrap().to_owned();
    act(&site, "approve", "Bob", &[&id]).kill_at("purge.approved", 1).run().expect_killed();
    // What the killed verb did not record, the run does.
    let killed = |place: &str| -> Ended { run(&site, &id).kill_at(place, 1).run().expect_killed() };
    killed("purge.reported");
    assert_eq!((on_server(&site), purged(&site)), (3, 0));
    killed("purge.deleted");
    assert_eq!((on_server(&site), purged(&site)), (0, 0), "the server has deleted, and the log lacks it");
    run(&site, &id).run().expect_code(0).expect_said("3 files deleted on the server");
    assert_eq!(purged(&site), 3);
    run(&site, &id).run().expect_code(0).expect_said("0 files deleted on the server");
    assert_eq!(purged(&site), 3);
    let decisions = |event: &Event| matches!(event, Event::PurgeProposed(_) | Event::PurgeApproved(_));
    assert_eq!(count(&site, decisions), 2, "each once");
    the_log_is_sound(&site);
}

#[test]
fn r3_a_refusal_whose_verb_was_killed_counts_and_is_recorded_by_the_next() {
    let (site, _server) = archived(1);
    prove_on_two_drives(&site);
    act(&site, "propose", "Ann", &["--before", "2999-01-01", "--id", "p-1"]).run().expect_code(0);
    act(&site, "approve", "Bob", &["p-1"]).run().expect_code(0);
    let refuse = || act(&site, "refuse", "Bob", &["p-1", "--reason", "too early"]);
    refuse().kill_at("purge.refused", 1).run().expect_killed();
    assert_eq!(count(&site, |event| matches!(event, Event::PurgeRefused(_))), 0);
    run(&site, "p-1").run().expect_code(1).expect_said("was refused by \"Bob\"");
    refuse().run().expect_code(0);
    assert_eq!(count(&site, |event| matches!(event, Event::PurgeRefused(_))), 1);
    assert_eq!(on_server(&site), 1);
}
