//! A host whose clock is wrong, and then right again. The document server's clock is right throughout.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use strongroom_model::{AlarmKind, Event, Recorded, SubjectKind};
use strongroom_tests::audit::{all_is_archived, events, files_below};
use strongroom_tests::program::Call;
use strongroom_tests::proxy::Fault;
use strongroom_tests::site::Site;
use strongroom_tests::wait::until_true;

const TEN_YEARS_S: i64 = 3653 * 24 * 3600;

/// A site whose backup host's clock can be set.
struct Host(Site);

impl Host {
    fn new() -> Self {
        let mut site = Site::new();
        site.set("schedule.every", "1s");
        site.set("retry.delays", "2s");
        site.set("retry.wait_once", "0s");
        Self(site)
    }

    fn is_ahead_by(&self, seconds: i64) {
        // As a whole: the program may read it at any moment.
        let (new, file) = (self.0.path("clock.new"), self.0.path("clock"));
        fs::write(&new, seconds.to_string()).unwrap();
        fs::rename(new, file).unwrap();
    }

    fn call(&self, call: Call) -> Call {
        call.env("STRONGROOM_CLOCK", self.0.path("clock").to_str().unwrap())
    }

    fn until_archived(&self, bookings: usize) {
        until_true(&format!("{bookings} bookings to be archived"), || {
            self.0.status()["bookings"]["archived"] == bookings
        });
    }

    /// `true` for each time that the alarm about the clock began, `false` for each end.
    fn alarm(&self) -> Vec<bool> {
        let of_it = events(&self.0).into_iter().filter(|event| event.stream.id().starts_with("clock-wrong."));
        let changes = of_it.filter_map(|event| match event.event {
            Event::AlarmRaised(raised) => Some(raised.kind == AlarmKind::ClockWrong),
            Event::AlarmCleared(_) => Some(false),
            _ => None,
        });
        changes.collect()
    }

    fn told_of_the_clock(&self) -> usize {
        self.0.mailbox().alarms().iter().filter(|mail| mail.text.contains(" clock is wrong")).count()
    }
}

fn is_of_the_future(event: &Recorded) -> bool {
    event.time.to_string().as_str() > "2034"
}

#[test]
fn r8_a_clock_that_was_ten_years_ahead_for_one_run_stops_neither_schedule_nor_retry_nor_summaries() {
    let host = Host::new();
    host.0.add_documents(4);
    let _server = host.0.serve();
    host.0.proxy.meddle("/timesheet ", Some(1), Fault::CutAfter(1));
    host.is_ahead_by(TEN_YEARS_S);
    host.call(host.0.run_once()).run().expect_code(2);
    assert_eq!(host.alarm(), [true], "the document server knows better");
    let wrong = events(&host.0);
    let asked = wrong.iter().find(|event| matches!(event.event, Event::RunRequested(_)));
    assert!(asked.is_some_and(is_of_the_future), "the run is recorded by that clock");
    let put_off = wrong.iter().filter_map(|event| event.event.failure()?.retry_at).max();
    assert!(put_off.is_some_and(|due| due.to_string().as_str() > "2034"), "a transfer waits for that day");

    host.is_ahead_by(0);
    host.0.call(["doctor"]).run().expect_said("the clock was ahead then, or is behind now");
    let run = host.call(host.0.call(["run"])).start();
    host.until_archived(4);
    host.0.add_documents(2);
    host.until_archived(6);
    until_true("the alarm to be over", || host.alarm() == [true, false]);
    until_true("its beginning and its end to be mailed", || host.told_of_the_clock() == 2);
    let composed = |event: &Recorded| matches!(event.event, Event::SummaryComposed(_)) && !is_of_the_future(event);
    until_true("a summary by the right clock", || events(&host.0).iter().any(composed));
    run.stop();
    all_is_archived(&host.0, 6);
    let overdue = |event: &Recorded| event.stream.id().starts_with("run-overdue");
    assert!(!events(&host.0).iter().any(overdue), "no run was late");
}

#[test]
fn r8_a_clock_that_leaps_while_the_schedule_is_kept_stops_nothing_and_is_told_at_once() {
    let host = Host::new();
    host.0.add_documents(2);
    let _server = host.0.serve();
    let run = host.call(host.0.call(["run"])).start();
    host.until_archived(2);
    let mut archived = 2;
    for ahead in [-3600, 0, TEN_YEARS_S, -40 * 365 * 24 * 3600, 0] {
        let before = host.alarm().len();
        host.is_ahead_by(ahead);
        if ahead != 0 {
            until_true("the alarm to be raised", || host.alarm().last() == Some(&true));
        }
        host.0.add_documents(1);
        archived += 1;
        host.until_archived(archived);
        if ahead == 0 {
            until_true("the alarm to be over", || host.alarm().last() == Some(&false));
        }
        assert!(host.alarm().len() <= before + 2, "{ahead}: {:?}", host.alarm());
    }
    run.stop();
    all_is_archived(&host.0, archived);
}

/// Longer than a run's interval, than any time-out of the site, and than a turn of every loop.
const SUSPENDED: Duration = Duration::from_secs(12);

#[test]
fn a_host_that_is_suspended_in_the_middle_of_a_run_goes_on_where_it_was() {
    let host = Host::new();
    host.0.add_documents(40);
    let _server = host.0.serve();
    host.is_ahead_by(0);
    let run = host.call(host.0.call(["run"])).start();
    until_true("files to come", || files_below(host.0.drive()).iter().any(|path| path.ends_with("timesheet-0003.pdf")));
    run.suspend();
    sleep(SUSPENDED);
    run.resume();
    host.until_archived(40);
    host.0.add_documents(1);
    host.until_archived(41);
    run.stop();
    all_is_archived(&host.0, 41);
    let alarms: Vec<_> =
        events(&host.0).into_iter().filter(|event| event.stream.kind() == SubjectKind::Alarm).collect();
    assert!(alarms.is_empty(), "nothing is wrong: {alarms:?}");
}
