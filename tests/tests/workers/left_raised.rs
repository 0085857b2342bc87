//! An alarm that a process left raised which is gone.

use strongroom_tests::fleet::{Crew, Fleet, Part};
use strongroom_tests::wait;

#[test]
fn r8_an_alarm_about_the_server_that_a_dead_worker_left_is_ended_by_another_one_that_reaches_it() {
    let mut fleet = Fleet::shared();
    fleet.site.set("watch.every", "1s");
    drop(fleet.server.take());
    let mut crew = Crew::start(&fleet, &[Part::Relay, Part::Enumerate]);
    crew.until("the alarm", |fleet| fleet.is_raised("server-unreachable"));
    crew.kill_all(Part::Enumerate);
    drop(crew);
    let _server = fleet.site.serve();
    // It has nothing to archive, and never met the server's absence.
    let mut crew = Crew::start(&fleet, &[Part::Archive]);
    crew.until("its end", |fleet| !fleet.is_raised("server-unreachable"));
    let cleared = fleet.ledger.an_event("strongroom.alarm.cleared.v1");
    assert!(cleared.contains("the document server answers again"), "{cleared}");
    wait::until_true("archive to be ready", || fleet.site.call(["status"]).run().stdout.contains("archive working"));
}
