//! What a change must pass to land.

use std::thread;
use std::time::Instant;

use crate::cargo::{self, cargo};
use crate::steps::Steps;
use crate::{deny, package, test, unused};

/// Every check. Building the tools that are missing, and the dependencies' check, go on
/// beside the others. That `schemas/` is as the code says is among the tests.
pub(crate) fn run(steps: &mut Steps) {
    let dependencies = thread::spawn(|| {
        let started = Instant::now();
        let result = package::TOOL.install_if_missing().and_then(|()| deny::check());
        (result, started.elapsed())
    });
    steps.run("format", || cargo::run(&mut cargo(&["fmt", "--all", "--check"])));
    steps.run("unused dependencies", unused::check);
    steps.run("clippy", || {
        let mut clippy = cargo(&["clippy", "--quiet", "--workspace", "--all-targets", "--all-features"]);
        cargo::run(clippy.args(["--", "-D", "warnings"]))
    });
    // Without features, as it is built by who tries it.
    steps.run("clippy, released", || {
        let mut clippy = cargo(&["clippy", "--quiet", "--workspace", "--lib", "--bins"]);
        cargo::run(clippy.args(["--", "-D", "warnings"]))
    });
    steps.run("docs", || {
        let mut doc = cargo(&["doc", "--quiet", "--workspace", "--no-deps", "--all-features"]);
        cargo::run(doc.env("RUSTDOCFLAGS", "-D warnings"))
    });
    test::run(steps, test::Load::default(), &[]);
    match dependencies.join() {
        Ok((result, elapsed)) => steps.note("dependencies", elapsed, result),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}
