//! The settings of `rsync`, and the command that they make.

use std::ffi::OsString;

use schemars::JsonSchema;
use serde::Deserialize;
use strongroom_plugin::protocol::Problem;

use crate::config::problem;
use crate::local::ProofSettings;
use crate::place::Place;
use crate::proof::IDENTITY_FOLDER;
use crate::version::{Version, leading};

/// The settings of a job of the kind `rsync`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The folder to copy: a path, `host:path`, or `rsync://host/module`.
    pub(crate) source: String,
    /// Where its copy is: a path, `host:path`, or `rsync://host/module`. A local folder must be there already.
    pub(crate) target: String,
    /// Whether files that the source no longer has are deleted from the copy, within the job's `max_delete`.
    #[serde(default)]
    pub(crate) delete: bool,
    /// Patterns of what is left out; rsync(1), FILTER RULES.
    #[serde(default)]
    pub(crate) exclude: Vec<String>,
    /// More of rsync's options, such as `-A`, `-X`, `-H`, `--one-file-system`. None that delete, move or limit.
    #[serde(default)]
    pub(crate) options: Vec<String>,
    /// How much each proof reads, of a local copy.
    #[serde(default)]
    pub(crate) proof: ProofSettings,
    /// The executable.
    #[serde(default = "rsync")]
    pub(crate) executable: String,
}

fn rsync() -> String {
    "rsync".to_owned()
}

/// What would go round the brake, or change what the output means.
const REFUSED: [&str; 17] = [
    "--del",
    "--delete",
    "--remove",
    "--max-delete",
    "--force",
    "--dry-run",
    "-n",
    "--out-format",
    "--log-format",
    "--stats",
    "-h",
    "--human-readable",
    "-q",
    "--quiet",
    "--files-from",
    "--daemon",
    "--backup",
];

impl Settings {
    pub(crate) fn source(&self) -> Place<'_> {
        Place::of(&self.source)
    }

    pub(crate) fn target(&self) -> Place<'_> {
        Place::of(&self.target)
    }

    /// Nothing is left out by rules that only rsync knows.
    pub(crate) fn is_whole(&self) -> bool {
        self.exclude.is_empty() && self.options.is_empty()
    }

    /// What is wrong with them, by themselves.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.source() == Place::Remote && self.target() == Place::Remote {
            problems.push(problem(
                "/target",
                "source and target cannot both be remote",
                "run the job on one of the hosts",
            ));
        }
        for (pointer, text) in [("/source", &self.source), ("/target", &self.target)] {
            if text.is_empty() || text.starts_with('-') {
                problems.push(problem(pointer, "it is empty or begins with a dash", "write a path from / on"));
            }
        }
        for option in &self.options {
            let is_refused = !option.starts_with('-') || REFUSED.iter().any(|refused| option.starts_with(refused));
            if is_refused {
                problems.push(problem(
                    "/options",
                    format!("the option {option} is not allowed"),
                    "leave it out; `delete` and `exclude` are settings",
                ));
            }
        }
        problems
    }

    /// The arguments: copies what belongs to files, prints one line for each change and plain figures at the end.
    pub(crate) fn args(&self, more: &[&str], deletes: bool) -> Vec<OsString> {
        let fixed = ["-rlptgoD", "--no-h", "--stats", "--itemize-changes", "--out-format=%i %n%L", "--outbuf=L"];
        let mut args: Vec<OsString> = fixed.iter().chain(more).map(Into::into).collect();
        if deletes {
            args.push("--delete".into());
        }
        // Excluded, it is not deleted either.
        args.push(format!("--exclude=/{IDENTITY_FOLDER}/").into());
        args.extend(self.exclude.iter().map(|pattern| format!("--exclude={pattern}").into()));
        args.extend(self.options.iter().map(Into::into));
        args.push("--".into());
        args.push(with_slash(&self.source));
        args.push(with_slash(&self.target));
        args
    }
}

/// `a/` is what is in `a`.
fn with_slash(path: &str) -> OsString {
    format!("{}/", path.trim_end_matches('/')).into()
}

/// `rsync  version 3.5.0  protocol version 32`.
pub(crate) fn version(text: &str) -> Option<Version> {
    let (_, rest) = text.lines().next()?.strip_prefix("rsync")?.split_once("version ")?;
    leading(rest.trim_start_matches('v'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_of_all_dialects_are_told_apart() {
        assert_eq!(version("rsync  version 3.5.0  protocol version 32\n"), Some((3, 5)));
        assert_eq!(version("rsync  version v3.4.1  protocol version 32"), Some((3, 4)));
        assert_eq!(version("rsync  version 2.6.9  protocol version 29"), Some((2, 6)));
        assert_eq!(version("openrsync: protocol version 29"), None);
        assert_eq!(version(""), None);
    }
}
