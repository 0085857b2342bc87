//! The fault suite alone, again and again: whoever changes the workers, the bus or the log wants to know that it
//! is green every time, and not only this time.

use std::collections::BTreeMap;
use std::io::BufReader;
use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result, ensure};
use cargo_metadata::Message;

use crate::cargo::{FEATURES, cargo, command, run as run_command};
use crate::packages;
use crate::steps::{Steps, say};
use crate::test::BOOKINGS_VARIABLE;

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
    let mut suites = BTreeMap::new();
    steps.run("build", || {
        suites = build()?;
        Ok(())
    });
    steps.run("faults", || {
        for number in 1..=times {
            say(&format!("==> faults, {number} of {times}"));
            let suite = |name: &str| suites.get(name).context("the suite was not built");
            let clusters = ["--ignored", "a_cluster_"];
            run_command(&mut command(&suite(BROKER)?.to_string_lossy(), &clusters))?;
            let models = ["--ignored", "r3_"];
            run_command(&mut command(&suite(VERIFY)?.to_string_lossy(), &models))?;
            let mut workers = command(&suite(WORKERS)?.to_string_lossy(), &["--include-ignored"]);
            // With a load of that size, one test at a time keeps every core busy.
            workers.args(args).env("RUST_TEST_THREADS", "1").env(BOOKINGS_VARIABLE, bookings.to_string());
            run_command(&mut workers)?;
        }
        Ok(())
    });
}

/// Builds the program and the suites. Returns where each suite is.
fn build() -> Result<BTreeMap<String, PathBuf>> {
    let mut build = cargo(&BUILD);
    build.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut child = build.spawn().context("cargo could not be started")?;
    let mut suites = BTreeMap::new();
    for message in Message::parse_stream(BufReader::new(child.stdout.take().expect("it was asked for"))) {
        if let Message::CompilerArtifact(artifact) = message?
            && let Some(program) = artifact.executable
            && artifact.target.is_test()
        {
            suites.insert(artifact.target.name, program.into());
        }
    }
    ensure!(child.wait()?.success(), "the program and the suites could not be built");
    Ok(suites)
}
