//! Steps: each named, timed, and named again at the end if it failed.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::tally::Tally;

/// The steps of one chore.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    done: Vec<Step>,
    tests: Option<Tally>,
}

#[derive(Debug)]
struct Step {
    name: &'static str,
    elapsed: Duration,
    error: Option<String>,
}

impl Steps {
    /// Runs one step. A step that fails does not keep the next ones from running: one look
    /// at the end shows all that is wrong.
    ///
    /// Returns whether it passed, for those that cannot go on without it.
    pub(crate) fn run(&mut self, name: &'static str, work: impl FnOnce() -> Result<()>) -> bool {
        say(&format!("==> {name}"));
        let started = Instant::now();
        let result = work();
        let passed = result.is_ok();
        self.note(name, started.elapsed(), result);
        passed
    }

    /// Keeps how the tests went, for the last line.
    pub(crate) fn tests(&mut self, tally: Tally) {
        self.tests = Some(tally);
    }

    /// Notes a step that ran elsewhere, such as on another thread.
    pub(crate) fn note(&mut self, name: &'static str, elapsed: Duration, result: Result<()>) {
        let error = result.err().map(|error| format!("{error:#}"));
        let verdict = if error.is_some() { "FAILED" } else { "ok" };
        say(&format!("<== {name}: {verdict} ({})", seconds(elapsed)));
        self.done.push(Step { name, elapsed, error });
    }

    /// Prints every step's duration, the failed ones with their reasons, and how the tests went.
    pub(crate) fn finish(self) -> ExitCode {
        if self.done.len() > 1 {
            say("");
            for step in &self.done {
                let verdict = if step.error.is_some() { "FAILED" } else { "ok" };
                say(&format!("{:>8}  {:<22} {verdict}", seconds(step.elapsed), step.name));
            }
        }
        let mut code = ExitCode::SUCCESS;
        for step in &self.done {
            if let Some(error) = &step.error {
                say(&format!("failed: {}: {error}", step.name));
                code = ExitCode::FAILURE;
            }
        }
        if let Some(tests) = self.tests {
            say(&tests.to_string());
        }
        code
    }
}

fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}

/// Prints a line for the person at the terminal or who reads the CI's log.
#[expect(clippy::print_stderr, reason = "a chore talks to the person who typed it")]
pub(crate) fn say(line: &str) {
    eprintln!("{line}");
}
