//! The tests, and all that they need.

use crate::cargo::{cargo, run as run_command};
use crate::steps::Steps;
use crate::{packages, tally};

/// How often a test run kills the program at a random moment, unless it is told otherwise: enough
/// to meet each stage, few enough for every change. A release is tried with 50 or more.
pub(crate) const KILLS: u32 = 8;
/// How the tests are told of it.
const KILLS_VARIABLE: &str = "STRONGROOM_TEST_KILLS";

/// Installs what the tests need beyond cargo, builds the program and the tests, and runs them.
///
/// `--tests` beside `--bins` makes the program with the same features as the tests have:
/// one build of each crate, not two. All features, so that the places where a test may kill the
/// program are compiled in.
pub(crate) fn run(steps: &mut Steps, kills: u32, args: &[String]) {
    steps.run("packages", packages::install);
    steps.run("build", || run_command(&mut cargo(&["build", "--workspace", "--all-features", "--bins", "--tests"])));
    let mut tally = None;
    steps.run("tests", || {
        let mut test = cargo(&["test", "--workspace", "--all-features", "--no-fail-fast"]);
        let (counted, ended) = tally::run(test.args(args).env(KILLS_VARIABLE, kills.to_string()))?;
        tally = Some(counted);
        ended
    });
    if let Some(tally) = tally {
        steps.tests(tally);
    }
}
