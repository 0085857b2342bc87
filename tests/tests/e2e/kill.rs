//! Killed between any two durable steps, then started again: every booking is archived exactly
//! once, no temporary file stays, the log verifies, and whatever lies on the drive is right.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use strongroom_tests::audit::{all_is_archived, files_below, r1_every_manifest_is_right, the_log_is_sound};
use strongroom_tests::program::{Call, Ended};
use strongroom_tests::proxy::Fault;
use strongroom_tests::schemas::workspace_root;
use strongroom_tests::site::Site;

/// How many random kills, unless `cargo xtask test --kills` says otherwise.
const KILLS: u32 = 8;
const BOOKINGS: usize = 6;
/// At which passings of a place a run is killed: the first, and some in the midst of work.
const PASSINGS: [u32; 3] = [1, 2, 5];
/// How many sites are killed at once: what they wait for is the disk, and each other's digests.
const WORKERS: usize = 3;
/// The test of most steps of `log adopt`.
const ADOPTION: &str =
    "r7_an_adoption_that_is_killed_at_any_step_ends_as_an_undisturbed_one_and_no_number_is_mailed_twice";
/// The tests of the steps of `drive copy` and `drive repair`.
const COPYING: &str = "r3_a_copy_that_is_killed_between_any_two_steps_is_finished_by_the_next_and_none_is_made_twice";
const REPAIR: &str = "r3_a_repair_that_is_killed_between_any_two_steps_is_made_good_by_the_next_and_keeps_what_was_bad";
/// The test of the steps of a job.
const JOBS: &str = "r3_a_job_is_killed_at_every_named_place_and_proven_in_the_end";
/// Places that no run and no server passes; where they are tried instead.
const ELSEWHERE: &[(&str, &str)] = &[
    ("eventlog.before-migrate-commit", "the event log's own tests"),
    ("eventlog.before-rebuild-commit", "the event log's own tests"),
    ("drive.identity-written", "r6_a_drive_whose_setting_up_was_killed_is_set_up_again"),
    ("drive.identity-recorded", "r6_an_identity_that_a_power_cut_took_is_written_back_from_the_log"),
    ("drive.adoption-marked", "r6_a_clone_is_refused_until_a_person_decides_for_it_and_then_the_original_is"),
    ("server.damaged-aside", "a_kill_while_a_file_is_put_back_loses_neither_it_nor_what_was_there"),
    ("server.across-copied", "a_kill_while_files_are_taken_to_another_disk_loses_and_doubles_none"),
    ("server.across-renamed", "a_kill_while_files_are_taken_to_another_disk_loses_and_doubles_none"),
    ("server.across-synced", "a_kill_while_files_are_taken_to_another_disk_loses_and_doubles_none"),
    ("target.identity-written", JOBS),
    ("job.begun", JOBS),
    ("job.tool-ended", JOBS),
    ("job.before-end", JOBS),
    ("verify.after-salvage", "a_kill_while_copies_of_a_lost_log_are_read_back_costs_nothing"),
    ("rewound.after-mail", "r4_r8_that_a_log_was_restored_is_mailed_at_once_though_nothing_is_recorded_and_only_once"),
    ("away.after-mail", "r8_a_kill_after_the_mail_about_a_database_that_is_away_sends_no_other_mail"),
    ("adopt.alarm-raised", ADOPTION),
    ("adopt.summary-sent", "r7_a_summary_whose_sending_was_lost_counts_as_sent_though_the_adoption_is_killed_after_it"),
    ("adopt.number-used", ADOPTION),
    ("adopt.mail-recorded", ADOPTION),
    ("adopt.checkpoint-kept", ADOPTION),
    ("adopt.alarm-cleared", ADOPTION),
    ("key.before-rename", "a_key_whose_making_was_killed_is_made_once"),
    ("key.created", "a_key_whose_making_was_killed_is_made_once"),
    ("key.previous-kept", "a_key_that_was_replaced_still_counts_and_the_new_one_signs"),
    ("key.prepared", "a_key_that_was_replaced_still_counts_and_the_new_one_signs"),
    ("key.rotated", "a_key_that_was_replaced_still_counts_and_the_new_one_signs"),
    ("drive.repair-written", "r3_a_kill_between_any_two_steps_of_a_repair_is_made_good_by_the_next_one"),
    ("drive.repair-proven", "r3_a_kill_between_any_two_steps_of_a_repair_is_made_good_by_the_next_one"),
    ("drive.repair-aside", "r3_a_kill_between_any_two_steps_of_a_repair_is_made_good_by_the_next_one"),
    ("drive.repair-renamed", "r3_a_kill_between_any_two_steps_of_a_repair_is_made_good_by_the_next_one"),
    ("drive.repair-named", "r3_a_kill_between_any_two_steps_of_a_repair_is_made_good_by_the_next_one"),
    ("drive.relist-kept", "r3_a_kill_while_a_list_is_written_again_loses_no_line"),
    ("drive.restore-written", "r3_a_kill_between_any_two_steps_of_a_restoration_is_made_good_by_the_next_one"),
    ("drive.restore-renamed", "r3_a_kill_between_any_two_steps_of_a_restoration_is_made_good_by_the_next_one"),
    ("purge.proposed", "r3_r5_a_purge_that_is_killed_at_any_step_ends_as_an_undisturbed_one"),
    ("purge.approved", "r3_r5_a_purge_that_is_killed_at_any_step_ends_as_an_undisturbed_one"),
    ("purge.reported", "r3_r5_a_purge_that_is_killed_at_any_step_ends_as_an_undisturbed_one"),
    ("purge.deleted", "r3_r5_a_purge_that_is_killed_at_any_step_ends_as_an_undisturbed_one"),
    ("purge.refused", "r3_a_refusal_whose_verb_was_killed_counts_and_is_recorded_by_the_next"),
    ("custody.read", "r3_a_verification_that_is_killed_between_any_two_steps_goes_on_and_counts_no_copy_twice"),
    ("custody.copies-received", COPYING),
    ("custody.copies-committed", COPYING),
    ("custody.copies-read-back", COPYING),
    ("custody.copies-listed", COPYING),
    ("custody.repaired", REPAIR),
    ("custody.relisted", REPAIR),
    ("custody.restored", "r3_a_restoration_that_is_killed_between_any_two_steps_goes_on_and_writes_no_file_twice"),
    ("recover.page-claimed", "a_recovery_that_is_killed_at_any_step_ends_as_an_undisturbed_one"),
    ("hold.after-append", "a_worker_that_dies_in_long_work_costs_only_the_time_it_had_asked_for"),
];

/// Bytes that the drive changed, of more than the one file that came with a wrong byte; and EOPNOTSUPP, for the
/// first file, after the month's folder.
const FAULTS: &str = "drive.read-back:2-3=flip,files.rename:2=95";

/// The names in every `kill_point!("…")` of the sources.
fn places() -> BTreeSet<String> {
    let folders = ["crates", "stages", "apps"].map(|folder| workspace_root().join(folder));
    let mut places = BTreeSet::new();
    for source in folders.iter().flat_map(|folder| files_below(folder)) {
        let inside = source.extension().is_some_and(|extension| extension == "rs")
            && source.components().any(|part| part.as_os_str() == "src");
        if inside && !source.ends_with("service/src/kill.rs") {
            let text = fs::read_to_string(&source).unwrap();
            let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
            places.extend(code.split("kill_point!(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
    }
    places
}

/// A way of coming by a place. Each leaves the site as the kill left it, with everything that ran
/// dead, and says whether it died at the place; what it has uploaded or imported beside lies in `more`.
type Way = fn(&Site, &str, u32) -> bool;

/// Lets it die, looks at what it left on the drive, and says whether it did die there.
fn die(site: &Site, call: Call) -> bool {
    let ended = call.run();
    let killed = ended.was_killed();
    assert!(killed || ended.code().is_some(), "{}", ended.said());
    r1_every_manifest_is_right(site);
    killed
}

/// The run dies: on the way it meets a transfer that is cut, a wrong byte, a drive that gives back
/// another byte than was written, and a file system that cannot rename without replacing.
fn in_a_run(site: &Site, place: &str, passing: u32) -> bool {
    let server = site.serve();
    site.proxy.meddle("/timesheet ", Some(1), Fault::CutAfter(1));
    site.proxy.meddle("/timesheet ", Some(1), Fault::FlipByte(0));
    let call = site.run_once().kill_at(place, passing).env("STRONGROOM_FAULT", FAULTS);
    let killed = die(site, call);
    server.kill();
    killed
}

/// The document server dies while a run goes on.
fn in_the_server(site: &Site, place: &str, passing: u32) -> bool {
    let mut server = site.serve_as(site.call(["server"]).kill_at(place, passing));
    site.run_once().run();
    r1_every_manifest_is_right(site);
    let died = !server.is_running();
    let ended = server.kill();
    died && ended.was_killed()
}

/// An import dies; the next one goes on.
fn in_an_import(site: &Site, place: &str, passing: u32) -> bool {
    let more = site.path("more");
    fs::create_dir(&more).unwrap();
    for number in 0..BOOKINGS {
        fs::write(more.join(format!("late-{number}.pdf")), format!("late {number}")).unwrap();
    }
    let import = || site.call(["server", "import", more.to_str().unwrap()]);
    let killed = import().kill_at(place, passing).run().was_killed();
    import().run().expect_code(0);
    killed
}

/// The document server dies over an upload; the client tries again.
fn in_an_upload(site: &Site, place: &str, passing: u32) -> bool {
    let server = site.serve_as(site.call(["server"]).kill_at(place, passing));
    let upload = || site.upload("late-1", "late.pdf", b"late");
    let first = upload();
    let killed = server.kill().was_killed() && first.is_err();
    let again = site.serve();
    upload().unwrap();
    again.kill();
    fs::create_dir_all(site.path("more")).unwrap();
    fs::write(site.path("more/late.pdf"), "late").unwrap();
    killed
}

/// Where a place lies says by which ways it can be met, the likeliest first.
fn ways(place: &str) -> &'static [Way] {
    match place.split('.').next() {
        Some("server") => &[in_the_server, in_an_import, in_an_upload],
        _ => &[in_a_run],
    }
}

/// Kills at a place by the first way that meets it, then lets everything come to its end.
fn killed_and_started_again(place: &str, passing: u32) -> bool {
    for way in ways(place) {
        let mut site = Site::new();
        // One file may meet every fault of a run, and lose its copy to the kill: that must not use up its attempts.
        site.set("retry.delays", "50ms,200ms,200ms,200ms,200ms,200ms");
        site.add_documents(BOOKINGS);
        let killed = way(&site, place, passing);
        let _server = site.serve();
        site.run_once().run();
        site.run_once().run().expect_code(0);
        let late = files_below(&site.path("more")).len();
        all_is_archived(&site, BOOKINGS + late);
        if killed {
            return true;
        }
    }
    false
}

#[test]
fn r3_the_program_dies_at_every_named_place_and_nothing_is_lost_or_done_twice() {
    let elsewhere: Vec<_> = ELSEWHERE.iter().map(|(place, _)| *place).collect();
    let places: Vec<_> = places().into_iter().filter(|place| !elsewhere.contains(&place.as_str())).collect();
    assert!(places.len() > 10, "{places:?}");
    let todo = Mutex::new(places.clone());
    let missed = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some(place) = { todo.lock().unwrap().pop() } {
                    let first = PASSINGS.iter().take_while(|n| killed_and_started_again(&place, **n)).count();
                    if first == 0 {
                        missed.lock().unwrap().push(place);
                    }
                }
            });
        }
    });
    let missed = missed.into_inner().unwrap();
    assert!(missed.is_empty(), "no way led to {missed:?}: give one, or say where they are tried");
}

#[test]
fn r6_a_drive_whose_setting_up_was_killed_is_set_up_again() {
    let site = Site::without_drive();
    fs::create_dir(site.drive()).unwrap();
    let init = || site.call(["drive", "init", "--same-disk", "--in-memory", "--label", "blue 1"]);
    init().kill_at("drive.identity-written", 1).run().expect_killed();
    init().run();
    site.add_documents(1);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 1);
}

fn kills() -> u32 {
    std::env::var("STRONGROOM_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap())
}

/// Something is always waiting, so that each kill meets work.
fn add_a_few(site: &Site, so_far: &mut usize) {
    let count = fastrand::usize(1..8);
    site.add_documents(count);
    *so_far += count;
}

fn check_after(site: &Site, ended: &Ended) {
    r1_every_manifest_is_right(site);
    the_log_is_sound(site);
    assert!(ended.was_killed() || ended.code() == Some(0), "{}", ended.said());
}

#[test]
fn r3_kill_9_at_random_moments_loses_nothing_and_does_nothing_twice() {
    let site = Site::new();
    let mut bookings = 0;
    add_a_few(&site, &mut bookings);
    let server = site.serve();
    let started = Instant::now();
    site.run_once().run().expect_code(0);
    let whole_run = started.elapsed();
    let mut met = 0;
    for _ in 0..kills() {
        add_a_few(&site, &mut bookings);
        let run = site.run_once().start();
        std::thread::sleep(whole_run.mul_f64(fastrand::f64()));
        let ended = run.kill();
        check_after(&site, &ended);
        met += u32::from(ended.was_killed());
    }
    assert!(met > kills() / 4, "{met} of {} kills met a run", kills());
    site.run_once().run().expect_code(0);
    all_is_archived(&site, bookings);
    drop(server);
}

#[test]
fn r3_kill_9_of_the_server_at_random_moments_loses_nothing_and_does_nothing_twice() {
    let mut site = Site::new();
    // Longer than any server here is away.
    site.set("retry.max_attempts", "1000");
    let mut bookings = 0;
    for _ in 0..kills() {
        add_a_few(&site, &mut bookings);
        let server = site.serve();
        let run = site.run_once().start();
        std::thread::sleep(Duration::from_millis(fastrand::u64(1..400)));
        server.kill();
        run.kill();
        r1_every_manifest_is_right(&site);
    }
    let _server = site.serve();
    site.run_once().run();
    site.run_once().run().expect_code(0);
    all_is_archived(&site, bookings);
}
