//! An alarm that a process left raised which is gone.

use strongroom_tests::site::Site;
use strongroom_tests::wait;

fn is_raised(site: &Site) -> bool {
    let status = site.status();
    let alarms = status.get("alarms").and_then(|alarms| alarms.as_array().cloned()).unwrap_or_default();
    alarms.iter().any(|alarm| alarm["kind"] == "server-unreachable")
}

#[test]
fn r8_an_alarm_about_the_server_that_a_killed_run_left_is_ended_by_the_next_one_that_reaches_it() {
    let mut site = Site::new();
    site.set("schedule.every", "1s");
    let run = site.call(["run"]).start();
    wait::until_true("the alarm", || is_raised(&site));
    run.kill().expect_killed();
    assert!(is_raised(&site));
    let _server = site.serve();
    // Nothing waits there: no work shows that the server is back.
    let _run = site.call(["run"]).start();
    wait::until_true("its end", || !is_raised(&site));
}

#[test]
fn r8_an_alarm_about_the_server_that_one_run_left_is_ended_by_the_next_one_that_reaches_it() {
    let site = Site::new();
    let ended = site.run_once().run();
    assert_ne!(ended.code(), Some(0), "{}", ended.said());
    assert!(is_raised(&site));
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    assert!(!is_raised(&site), "{}", site.status());
}
