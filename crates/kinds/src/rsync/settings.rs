//! The settings of `rsync`, and the command that they make.

use std::ffi::OsString;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use strongroom_plugin::protocol::Problem;

use crate::config::problem;
use crate::local::ProofSettings;
use crate::proof::IDENTITY_FOLDER;

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

/// Where a folder is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place<'a> {
    Local(&'a Path),
    /// Behind ssh, or a daemon's.
    Remote,
}

impl<'a> Place<'a> {
    /// As rsync tells them apart: a colon before the first slash.
    fn of(text: &'a str) -> Self {
        let host = text.split('/').next().unwrap_or_default();
        if host.contains(':') { Self::Remote } else { Self::Local(Path::new(text)) }
    }

    pub(crate) const fn local(self) -> Option<&'a Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote => None,
        }
    }
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
pub(crate) fn version(text: &str) -> Option<(u32, u32)> {
    let (_, rest) = text.lines().next()?.strip_prefix("rsync")?.split_once("version ")?;
    let mut numbers = rest.trim_start_matches('v').split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colon_before_the_first_slash_means_another_host() {
        assert_eq!(Place::of("nas:/volume1/x"), Place::Remote);
        assert_eq!(Place::of("rsync://nas/x"), Place::Remote);
        assert_eq!(Place::of("nas::module"), Place::Remote);
        assert_eq!(Place::of("/srv/a:b"), Place::Local(Path::new("/srv/a:b")));
    }

    #[test]
    fn versions_of_all_dialects_are_told_apart() {
        assert_eq!(version("rsync  version 3.5.0  protocol version 32\n"), Some((3, 5)));
        assert_eq!(version("rsync  version v3.4.1  protocol version 32"), Some((3, 4)));
        assert_eq!(version("rsync  version 2.6.9  protocol version 29"), Some((2, 6)));
        assert_eq!(version("openrsync: protocol version 29"), None);
        assert_eq!(version(""), None);
    }
}
