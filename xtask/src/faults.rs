//! The fault suite alone, again and again: whoever changes the workers, the bus or the log wants to know that it
//! is green every time, and not only this time.

use crate::cargo::{cargo, run as run_command};
use crate::steps::{Steps, say};
use crate::test::{self, BOOKINGS_VARIABLE};

/// How many bookings are on their way in each test.
pub(crate) const BOOKINGS: u32 = 1_000;

/// Runs the suite that many times, until it fails.
pub(crate) fn run(steps: &mut Steps, times: u32, bookings: u32, args: &[String]) {
    test::prepare(steps);
    steps.run("faults", || {
        for number in 1..=times {
            say(&format!("==> faults, {number} of {times}"));
            // Brokers in a cluster are tried by the crates that talk to them.
            let mut clusters =
                cargo(&["test", "--workspace", "--all-features", "--tests", "--", "--ignored", "a_cluster_"]);
            run_command(&mut clusters)?;
            let suite = ["test", "--workspace", "--all-features", "--test", "workers", "--", "--include-ignored"];
            let mut test = cargo(&suite);
            run_command(test.args(args).env(BOOKINGS_VARIABLE, bookings.to_string()))?;
        }
        Ok(())
    });
}
