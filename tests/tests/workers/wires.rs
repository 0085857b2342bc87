//! The wire to each server is cut.

use std::time::Duration;

use strongroom_servers::Wire;
use strongroom_tests::fleet::Fleet;

use crate::bears;

/// How long a wire is cut: the fault itself, and longer than most things are waited for.
const CUT: Duration = Duration::from_secs(20);
/// How many replies are cut half-way.
const HALVED: u32 = 8;

fn cut(wire: &Wire) {
    wire.cut();
    std::thread::sleep(CUT);
    wire.mend();
}

fn halve_some_replies(wire: &Wire) {
    for number in 1..=HALVED {
        wire.halve_the_next_reply();
        wire.wait_until_struck(number);
    }
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn the_wire_to_rabbitmq_is_cut_for_a_while() {
    bears(Fleet::shared(), |fleet, _| cut(&fleet.to_rabbitmq));
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn the_wire_to_postgres_is_cut_for_a_while() {
    bears(Fleet::shared(), |fleet, _| cut(&fleet.to_postgres));
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn the_wire_to_rabbitmq_is_cut_half_way_through_a_reply() {
    bears(Fleet::shared(), |fleet, _| halve_some_replies(&fleet.to_rabbitmq));
}

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn the_wire_to_postgres_is_cut_half_way_through_a_reply() {
    bears(Fleet::shared(), |fleet, _| halve_some_replies(&fleet.to_postgres));
}
