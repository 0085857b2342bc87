//! The tests, and all that they need.

use crate::cargo::{FEATURES, SAMPLE_FEATURE, cargo, run as run_command};
use crate::steps::Steps;
use crate::tally::Tally;
use crate::{package, packages};

/// How often a test run kills the program at a random moment, unless it is told otherwise: enough
/// to meet each stage, few enough for every change. A release is tried with 50 or more.
pub(crate) const KILLS: u32 = 8;
/// How the tests are told of it.
const KILLS_VARIABLE: &str = "STRONGROOM_TEST_KILLS";
/// How many bookings are on their way while a fault strikes the separate workers, unless it is told otherwise:
/// enough for every queue to hold some, few enough for every change. `cargo xtask faults` takes more.
pub(crate) const BOOKINGS: u32 = 150;
/// How the tests are told of it.
pub(crate) const BOOKINGS_VARIABLE: &str = "STRONGROOM_TEST_BOOKINGS";

/// How many tests run at once for each core: most of them wait, for a server, a clock or a disk.
const THREADS_PER_CORE: usize = 2;

/// How much the tests are to do.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Load {
    pub(crate) kills: u32,
    pub(crate) bookings: u32,
}

impl Default for Load {
    fn default() -> Self {
        Self { kills: KILLS, bookings: BOOKINGS }
    }
}

/// Installs what the tests need beyond cargo, and builds the program and the tests.
///
/// `--tests` beside `--bins` makes the program with the same features as the tests have:
/// one build of each crate, not two.
///
/// Returns whether the tests can run: without what they need, hundreds would fail for one cause.
pub(crate) fn prepare(steps: &mut Steps) -> bool {
    steps.run("packages", packages::install)
        && steps.run("cargo-deb", || package::TOOL.install_if_missing())
        && steps.run("build", || {
            run_command(&mut cargo(&["build", "--workspace", "--features", FEATURES, "--bins", "--tests"]))
        })
}

/// Prepares the tests, and runs them.
pub(crate) fn run(steps: &mut Steps, load: Load, args: &[String]) {
    if !prepare(steps) {
        return;
    }
    let threads = THREADS_PER_CORE * std::thread::available_parallelism().map_or(1, usize::from);
    let mut tally = Tally::default();
    steps.run("tests", || {
        let mut test = cargo(&["test", "--workspace", "--features", FEATURES, "--no-fail-fast"]);
        test.env(KILLS_VARIABLE, load.kills.to_string()).env(BOOKINGS_VARIABLE, load.bookings.to_string());
        if std::env::var_os("RUST_TEST_THREADS").is_none() {
            test.env("RUST_TEST_THREADS", threads.to_string());
        }
        tally.run(test.args(args))
    });
    if args.is_empty() {
        steps.run("sample family", || {
            let features = format!("{FEATURES},{SAMPLE_FEATURE}");
            tally.run(&mut cargo(&["test", "--workspace", "--features", &features, "--test", "family"]))
        });
    }
    steps.tests(tally);
}
