//! Test binaries: built by cargo, and run several at once, since most tests wait for a server, a clock or a disk.

use std::collections::VecDeque;
use std::io::{BufReader, Write as _};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use anyhow::{Context as _, Result, bail, ensure};
use cargo_metadata::Message;

use crate::cargo::{command, root, shown};
use crate::steps::say;
use crate::tally::Tally;

/// The longest go first, so that none of them is left over at the end.
const LONGEST: [&str; 3] = ["workers", "e2e", "api"];

/// A test binary.
#[derive(Debug)]
pub(crate) struct Suite {
    pub(crate) target: String,
    pub(crate) program: PathBuf,
    /// The package's, in which cargo runs its tests.
    folder: PathBuf,
}

/// Runs a cargo command that builds tests.
pub(crate) fn build(build: &mut Command) -> Result<Vec<Suite>> {
    let line = shown(build);
    build.arg("--message-format=json-render-diagnostics").stdout(Stdio::piped());
    let mut child = build.spawn().with_context(|| format!("`{line}` could not be started"))?;
    let mut suites = Vec::new();
    for message in Message::parse_stream(BufReader::new(child.stdout.take().expect("it was asked for"))) {
        if let Message::CompilerArtifact(artifact) = message?
            && let Some(program) = artifact.executable
            && artifact.profile.test
        {
            let folder = artifact.manifest_path.parent().context("a manifest lies in a folder")?.into();
            suites.push(Suite { target: artifact.target.name, program: program.into(), folder });
        }
    }
    ensure!(child.wait()?.success(), "`{line}` failed");
    Ok(suites)
}

/// A command that runs tests.
#[derive(Debug)]
pub(crate) struct Job {
    name: String,
    command: Command,
}

impl Job {
    pub(crate) fn new(name: &str, command: Command) -> Self {
        Self { name: name.to_owned(), command }
    }

    /// Run as cargo runs it.
    fn of(suite: &Suite) -> Self {
        let folder = suite.folder.strip_prefix(root()).unwrap_or(&suite.folder);
        let mut command = command(&suite.program.to_string_lossy(), &[]);
        command.current_dir(&suite.folder).env("CARGO_MANIFEST_DIR", &suite.folder);
        Self { name: format!("{}: {}", folder.display(), suite.target), command }
    }
}

/// The order in which suites are run.
pub(crate) fn jobs(mut suites: Vec<Suite>) -> Vec<Job> {
    suites.sort_by_key(|suite| LONGEST.iter().position(|name| *name == suite.target).unwrap_or(LONGEST.len()));
    suites.iter().map(Job::of).collect()
}

/// Runs jobs in so many lanes, each with these variables. What a job prints is shown as one piece once it has ended; of
/// one that never ends, only the beginning is known.
///
/// # Errors
/// Names the jobs that failed, after all have run.
pub(crate) fn run(jobs: Vec<Job>, lanes: usize, variables: &[(&str, String)], tally: &mut Tally) -> Result<()> {
    let queue = Mutex::new(VecDeque::from(jobs));
    let results = Mutex::new((tally, Vec::new()));
    let lane = || {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(mut job) = next else { return };
            say(&format!("     Started {}", job.name));
            let started = Instant::now();
            let output = job.command.envs(variables.iter().map(|(name, value)| (name, value))).output();
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            let (tally, failed) = &mut *results;
            say(&format!("     Running {} ({:.1} s)", job.name, started.elapsed().as_secs_f64()));
            match output {
                Ok(output) => {
                    let printed = [output.stdout, output.stderr].concat();
                    // A log that is full is no reason to stop.
                    let _ = std::io::stdout().write_all(&printed);
                    String::from_utf8_lossy(&printed).lines().for_each(|line| tally.add(line));
                    if !output.status.success() {
                        failed.push(format!("{} ({})", job.name, output.status));
                    }
                }
                Err(error) => failed.push(format!("{} (could not be started: {error})", job.name)),
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(lane);
        }
    });
    let (_, failed) = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !failed.is_empty() {
        bail!("tests failed in {}", failed.join(", "));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(name: &str, script: &str) -> Job {
        Job::new(name, command("sh", &["-c", script]))
    }

    #[test]
    fn jobs_run_side_by_side_and_those_that_fail_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).display().to_string();
        let meets = |own: &str, other: &str| {
            let (own, other) = (path(own), path(other));
            format!(
                "touch {own}; while [ ! -e {other} ]; do sleep 0.01; done; echo 'test result: ok. 1 passed; 0 failed'"
            )
        };
        let jobs = vec![
            shell("one", &meets("a", "b")),
            shell("two", &meets("b", "a")),
            shell("three", "echo 'test result: FAILED. 0 passed; 1 failed'; exit $CODE"),
        ];
        let mut tally = Tally::default();
        let error = run(jobs, 2, &[("CODE", "7".to_owned())], &mut tally).unwrap_err().to_string();
        assert!(error.contains("three (exit status: 7)") && !error.contains("one"), "{error}");
        assert_eq!(tally.to_string(), "2 passed, 1 failed, 0 skipped");
    }
}
