//! The settings of `command`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use strongroom_plugin::protocol::{Outcome, Problem, Report, Retry};

use crate::config::problem;

/// The settings of a job of the kind `command`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The program and its arguments, one by one; there is no shell.
    #[schemars(length(min = 1))]
    pub(crate) argv: Vec<String>,
    /// The working folder; without it an empty one of the run's own.
    #[serde(default)]
    pub(crate) folder: Option<String>,
    /// What exit codes mean, by their number; 0 is `done` and any other `failed` unless it is said here.
    #[serde(default)]
    pub(crate) exit_codes: BTreeMap<String, Meaning>,
    /// What the program is expected to write. Without it a run can only be "ended well", and is never proven.
    #[serde(default)]
    pub(crate) expect: Option<Expect>,
}

/// What an exit code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Meaning {
    Done,
    Nothing,
    Partial,
    Obstructed,
    Failed,
}

/// What is expected of the newest file that matches.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// An absolute path whose last part may have `*` and `?`. The newest file that matches is looked at.
    pub(crate) files: String,
    /// How small it may be, in percent of the median of the last seven: 0 to 100.
    #[serde(default = "half")]
    pub(crate) min_percent: u64,
    /// How large it may be, in percent of that.
    #[serde(default = "twice")]
    pub(crate) max_percent: u64,
    /// What it begins with, one of: `gzip`, `zip`, `pdf`, `zstd`, `xz`, `sqlite`, `7z`, `bzip2`, `pgdump`, or bytes in
    /// hexadecimal.
    #[serde(default)]
    pub(crate) begins_with: Vec<String>,
    /// A text that stands in its last 4 KiB, such as `-- Dump completed`.
    #[serde(default)]
    pub(crate) ends_with: Option<String>,
    /// Whether a file of the same name with `.sha256` stands beside it, and must fit.
    #[serde(default)]
    pub(crate) sha256_beside: bool,
}

const fn half() -> u64 {
    50
}

const fn twice() -> u64 {
    200
}

impl Settings {
    /// What is wrong with them, by themselves.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.argv.is_empty() {
            problems.push(problem("/argv", "it is empty", "name the program and its arguments"));
        }
        for code in self.exit_codes.keys().filter(|code| code.parse::<i64>().is_err()) {
            problems.push(problem("/exit_codes", format!("{code} is not a number"), "write exit codes as \"3\""));
        }
        let Some(expect) = &self.expect else { return problems };
        if !expect.files.starts_with('/') || expect.files.ends_with('/') {
            problems.push(problem(
                "/expect/files",
                "it is not an absolute path of files",
                "write such as /srv/dumps/*.gz",
            ));
        }
        for mark in &expect.begins_with {
            if super::expect::magic(mark).is_none() {
                problems.push(problem(
                    "/expect/begins_with",
                    format!("{mark} is not known"),
                    "name a format, or write hexadecimal",
                ));
            }
        }
        problems
    }

    /// What an exit code means, as a report.
    pub(crate) fn report_of(&self, code: i64) -> Report {
        let meaning = self.exit_codes.get(&code.to_string()).copied();
        let meaning = meaning.unwrap_or(if code == 0 { Meaning::Done } else { Meaning::Failed });
        match meaning {
            Meaning::Done => Report::new(Outcome::Done, "It ended well."),
            Meaning::Nothing => Report::new(Outcome::Nothing, format!("There was nothing to do (code {code}).")),
            Meaning::Partial => Report::new(Outcome::Partial, format!("It did some of it (code {code})."))
                .because("tool-partial")
                .retry(Retry::Later),
            Meaning::Obstructed => Report::new(Outcome::Obstructed, format!("It could not run now (code {code})."))
                .because("tool-obstructed")
                .retry(Retry::Later),
            Meaning::Failed if code < 0 => Report::new(Outcome::Failed, format!("A signal ended it ({}).", -code))
                .because("tool-killed")
                .retry(Retry::Later),
            Meaning::Failed => Report::new(Outcome::Failed, format!("It failed (code {code})."))
                .because("tool-failed")
                .retry(Retry::Later),
        }
    }
}
