//! The fault suite alone, again and again: whoever changes the workers, the bus or the log wants to know that it
//! is green every time, and not only this time.

use anyhow::Context as _;

use crate::cargo::{FEATURES, cargo, command, run as run_command};
use crate::steps::{Steps, say};
use crate::test::{BOOKINGS_VARIABLE, THREADS_VARIABLE};
use crate::{packages, suites};

/// How many bookings are on their way in each test.
pub(crate) const BOOKINGS: u32 = 1_000;

/// What is tried is the program as it is shipped, but for its kill points: so that a load of that size is under
/// way for seconds, and not for minutes. All in one build, since for other targets cargo gives the same
/// crates other features, and builds them once more.
const BUILD: [&str; 12] = [
    "build",
    "--release",
    "--workspace",
    "--features",
    FEATURES,
    "--bins",
    "--test",
    WORKERS,
    "--test",
    BROKER,
    "--test",
    VERIFY,
];
/// The suite.
const WORKERS: &str = "workers";
/// The tests of the crate that talks to brokers, of which those with a cluster belong here.
const BROKER: &str = "broker";
/// The tests of the stage that proves copies, of which the models of two workers on one drive belong here.
const VERIFY: &str = "verify";

/// Runs the suite that many times, until it fails.
pub(crate) fn run(steps: &mut Steps, times: u32, bookings: u32, args: &[String]) {
    if !steps.run("packages", packages::install) {
        return;
    }
    let mut built = Vec::new();
    steps.run("build", || {
        built = suites::build(&mut cargo(&BUILD))?;
        Ok(())
    });
    steps.run("faults", || {
        for number in 1..=times {
            say(&format!("==> faults, {number} of {times}"));
            let suite = |name: &str| {
                let named = built.iter().find(|suite| suite.target == name);
                named.map(|suite| suite.program.to_string_lossy()).context("the suite was not built")
            };
            let clusters = ["--ignored", "a_cluster_"];
            run_command(&mut command(&suite(BROKER)?, &clusters))?;
            let models = ["--ignored", "r3_"];
            run_command(&mut command(&suite(VERIFY)?, &models))?;
            let mut workers = command(&suite(WORKERS)?, &["--include-ignored"]);
            // With a load of that size, one test at a time keeps every core busy.
            workers.args(args).env(THREADS_VARIABLE, "1").env(BOOKINGS_VARIABLE, bookings.to_string());
            run_command(&mut workers)?;
        }
        Ok(())
    });
}
