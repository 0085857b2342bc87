//! Several relays at once, where their login may not configure on the broker: none can keep the others waiting.

use strongroom_tests::fleet::{Fleet, Part};
use strongroom_tests::program::Running;

const RELAYS: usize = 3;
const BOOKINGS: usize = 20;
/// What a login may that configures nothing: to write and to read anything.
const CONFIGURES_NOTHING: [&str; 3] = ["^$", ".*", ".*"];

#[test]
fn r8_relays_that_are_active_at_once_are_all_named_and_raise_an_alarm_and_work_is_done_once() {
    let mut fleet = Fleet::shared();
    for (key, value) in [("watch.every", "1s"), ("watch.no_relay_after", "2s")] {
        fleet.site.set(key, value);
    }
    fleet.site.call(["topology", "apply"]).run().expect_code(0);
    fleet.site.add_documents(BOOKINGS);
    let may_configure_nothing = fleet.vhost.url_with(CONFIGURES_NOTHING);
    let relay = || fleet.site.call(["relay"]).env("STRONGROOM_BROKER_URL", &may_configure_nothing).start();
    let mut relays: Vec<Running> = (0..RELAYS).map(|_| relay()).collect();
    let others = [Part::Enumerate, Part::Fetch, Part::Verify, Part::Archive, Part::Notify];
    let mut crew = strongroom_tests::fleet::Crew::start(&fleet, &others);
    let named = |text: &str| relays.iter().all(|relay| text.contains(&format!("(pid {})", relay.id())));
    crew.until("status to name every relay", |fleet| {
        let said = fleet.site.call(["status"]).run().stdout;
        said.contains("3 relays publish the same work") && named(&said)
    });
    crew.until("the alarm", |fleet| fleet.alarms().iter().any(|alarm| alarm.contains("many-relays") && named(alarm)));
    let doctor = fleet.site.call(["doctor"]).run();
    assert!(doctor.stdout.contains("3 relays publish the same work"), "{}", doctor.stdout);
    crew.until_archived(BOOKINGS);
    for superfluous in relays.drain(1..) {
        superfluous.kill();
    }
    crew.until("the alarm's end", |fleet| fleet.alarms().is_empty());
    crew.leave();
    relays.remove(0).kill();
    fleet.all_is_well(BOOKINGS);
}
