//! Messages come twice, in reverse order, or make no sense.

use strongroom_tests::fleet::{Fleet, bookings};

use crate::bears;
use crate::tap::{Tap, Trick, publish_to_the_exchange};

/// Where fetch's work goes.
const KEY: &str = "kestrel.fetch.booking.timesheet-enumerated";

/// Checks that a load is borne by queues that are tapped from its beginning on.
fn bears_tapped(trick: Trick) {
    let mut fleet = Fleet::shared();
    let mut crew = fleet.crew();
    // Each is declared and bound by then, the drive's as well.
    crew.until("a drive's queue", |fleet| fleet.queues().iter().any(|(queue, _)| queue.contains(".verify.")));
    crew.until_settled();
    let tap = Tap::on(&fleet.vhost, trick);
    fleet.site.add_documents(bookings());
    crew.until_archived(bookings());
    crew.leave();
    // Each booking is handed out three times at least: to be fetched, to be proven, to be archived.
    let carried = tap.carried();
    assert!(carried >= 3 * bookings(), "only {carried} messages went through the tap");
    drop(tap);
    fleet.all_is_well(bookings());
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn every_message_is_delivered_twice() {
    bears_tapped(Trick::Twice);
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn messages_are_delivered_in_reverse_order() {
    bears_tapped(Trick::Reversed);
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn messages_that_make_no_sense_are_parked_and_told_of_and_the_rest_goes_on() {
    bears(Fleet::shared(), |fleet, crew| {
        let sound = fleet.ledger.an_event("strongroom.timesheet.enumerated.v1");
        let of_type = |name: &str| sound.replace("strongroom.timesheet.enumerated.v1", name);
        let senseless = [
            "no JSON at all".to_owned(),
            of_type("strongroom.timesheet.eaten.v1"),
            of_type("strongroom.timesheet.enumerated.v7"),
        ];
        for body in &senseless {
            publish_to_the_exchange(&fleet.vhost, KEY, body.as_bytes());
        }
        crew.until("an alarm about parked messages", |fleet| fleet.is_raised("message-parked"));
        crew.until_archived(bookings());
        let parked = fleet.site.call(["queue", "parked", "--json"]).run().expect_code(2).json();
        let faults: Vec<_> = parked.as_array().unwrap().iter().map(|message| message["fault"].as_str()).collect();
        assert!(faults.len() == senseless.len() && faults.iter().all(Option::is_some), "{parked:#}");
        fleet.site.call(["queue", "drop", "--all"]).run().expect_code(0).expect_said("3 dropped");
    });
}
