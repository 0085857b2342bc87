//! Every kind of process dies, again and again.

use strongroom_tests::fleet::{Fleet, Part};

use crate::bears;

/// How often each of the six kinds is killed: thirty kills in all.
const EACH: usize = 5;

#[test]
#[ignore = "minutes of faults: cargo xtask faults"]
fn every_kind_of_process_is_killed_thirty_times_in_all() {
    let mut victims = Part::ALL.repeat(EACH);
    fastrand::shuffle(&mut victims);
    // The last one is who puts right what the dead have left on the drive.
    victims.retain(|part| *part != Part::Verify);
    for _ in 1..EACH {
        victims.insert(fastrand::usize(..=victims.len()), Part::Verify);
    }
    victims.push(Part::Verify);
    let total = victims.len();
    bears(Fleet::shared(), |_, crew| {
        for (number, part) in victims.into_iter().enumerate() {
            // All along the way, so that there is work in every hand.
            crew.until_hundredths(crate::UNDER_WAY + number * 80 / total, strongroom_tests::fleet::bookings());
            crew.kill_one(part);
        }
    });
}
