//! Ctrl-C, schedules, and two runs at once.

use std::time::{Duration, Instant};

use strongroom_tests::audit::{all_is_archived, r1_every_manifest_is_right, the_log_is_sound};
use strongroom_tests::proxy::Fault;
use strongroom_tests::site::Site;
use strongroom_tests::wait::until_true;

/// How long a stop may take, at most: what is in hand here is a few small files.
const STOP: Duration = Duration::from_secs(30);

#[test]
fn a_schedule_takes_what_comes_until_it_is_stopped() {
    let (mut site, _server) = Site::served(3);
    site.set("schedule.every", "1s");
    let mut run = site.call(["run"]).start();
    until_true("the first bookings to be archived", || site.status()["bookings"]["archived"] == 3);
    site.add_documents(2);
    until_true("the next ones, by themselves", || site.status()["bookings"]["archived"] == 5);
    assert!(run.is_running());
    run.stop();
    the_log_is_sound(&site);
    assert_eq!(site.status()["bookings"]["archived"], 5);
}

#[test]
fn ctrl_c_finishes_what_is_in_hand_and_nothing_is_lost() {
    let (site, _server) = Site::served(60);
    let run = site.run_once().start();
    until_true("work to be under way", || !site.months().is_empty());
    run.interrupt();
    let asked = Instant::now();
    run.wait();
    assert!(asked.elapsed() < STOP, "{:?}", asked.elapsed());
    r1_every_manifest_is_right(&site);
    the_log_is_sound(&site);
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 60);
}

#[test]
fn a_second_ctrl_c_stops_at_once() {
    let (mut site, server) = Site::served(3);
    site.set("source.read_timeout", "60s");
    site.proxy.meddle("/timesheet ", None, Fault::StallAfter(1));
    let run = site.run_once().start();
    until_true("a transfer to hang", || site.proxy.meddled() > 0);
    run.interrupt();
    std::thread::sleep(Duration::from_millis(300));
    run.interrupt();
    let asked = Instant::now();
    run.wait();
    assert!(asked.elapsed() < Duration::from_secs(15), "{:?}", asked.elapsed());
    site.proxy.behave();
    r1_every_manifest_is_right(&site);
    drop(server);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 3);
}

#[test]
fn many_runs_at_once_archive_every_booking_once() {
    let (site, _server) = Site::served(40);
    let runs: Vec<_> = (0..4).map(|_| site.run_once().start()).collect();
    for run in runs {
        run.wait().expect_code(0);
    }
    site.run_once().run().expect_code(0);
    all_is_archived(&site, 40);
}
