//! The settings of `rclone`, and the commands that they make.

use std::ffi::OsString;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use strongroom_plugin::protocol::Problem;

use crate::config::problem;
use crate::local::ProofSettings;
use crate::place::Place;
use crate::proof::IDENTITY_FOLDER;
use crate::version::{Version, leading};

/// The settings of a job of the kind `rclone`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The folder to copy: a path, or `remote:path`.
    pub(crate) source: String,
    /// Where its copy is: a path, or `remote:path`. A local folder must be there already.
    pub(crate) target: String,
    /// Whether files that the source no longer has are deleted from the copy (`sync`), within the job's `max_delete`.
    #[serde(default)]
    pub(crate) delete: bool,
    /// Patterns of what is left out; rclone.org/filtering.
    #[serde(default)]
    pub(crate) exclude: Vec<String>,
    /// rclone's configuration; without it rclone's own place. Its password, if any, is the secret `config_password`.
    #[serde(default)]
    pub(crate) config_file: Option<String>,
    /// More of rclone's options, such as `--transfers=8`. None that delete, move or change the log.
    #[serde(default)]
    pub(crate) options: Vec<String>,
    /// Whether a proof downloads every copy even if both sides have a common hash.
    #[serde(default)]
    pub(crate) download: bool,
    /// How much each proof reads, if both sides are local.
    #[serde(default)]
    pub(crate) proof: ProofSettings,
    /// The executable.
    #[serde(default = "rclone")]
    pub(crate) executable: String,
}

fn rclone() -> String {
    "rclone".to_owned()
}

/// What would go round the brake, or change what the output means.
const REFUSED: [&str; 13] = [
    "--delete",
    "--max-delete",
    "--dry-run",
    "-n",
    "--progress",
    "-P",
    "--stats",
    "--use-json-log",
    "--log",
    "--quiet",
    "-q",
    "--ignore-errors",
    "--rc",
];

impl Settings {
    pub(crate) fn source(&self) -> Place<'_> {
        Place::of(&self.source)
    }

    pub(crate) fn target(&self) -> Place<'_> {
        Place::of(&self.target)
    }

    pub(crate) const fn verb(&self) -> &'static str {
        if self.delete { "sync" } else { "copy" }
    }

    /// Nothing is left out by rules that only rclone knows.
    pub(crate) fn is_whole(&self) -> bool {
        self.exclude.is_empty() && self.options.is_empty()
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (pointer, text) in [("/source", &self.source), ("/target", &self.target)] {
            if text.is_empty() || text.starts_with('-') {
                problems.push(problem(
                    pointer,
                    "it is empty or begins with a dash",
                    "write a path from / on, or remote:path",
                ));
            }
        }
        for option in &self.options {
            if !option.starts_with('-') || REFUSED.iter().any(|refused| option.starts_with(refused)) {
                problems.push(problem(
                    "/options",
                    format!("the option {option} is not allowed"),
                    "leave it out; `delete` and `exclude` are settings",
                ));
            }
        }
        problems
    }

    /// The arguments of a verb on both sides: a log in JSON, figures at the end and now and then, one try.
    pub(crate) fn args(&self, verb: &str, more: &[&str]) -> Vec<OsString> {
        let fixed = ["--use-json-log", "--log-level=INFO", "--stats=30s", "--retries=1", "--ask-password=false"];
        let mut args: Vec<OsString> = [verb].iter().chain(&fixed).chain(more).map(Into::into).collect();
        self.common(&mut args);
        // Excluded, it is not deleted either.
        args.push(format!("--exclude=/{IDENTITY_FOLDER}/**").into());
        args.extend(self.exclude.iter().map(|pattern| format!("--exclude={pattern}").into()));
        args.extend(self.options.iter().map(Into::into));
        args.push("--".into());
        args.push((&self.source).into());
        args.push((&self.target).into());
        args
    }

    /// What a place can do, as JSON.
    pub(crate) fn features(&self, place: &str) -> Vec<OsString> {
        let mut args: Vec<OsString> = ["backend", "features", "--ask-password=false"].iter().map(Into::into).collect();
        self.common(&mut args);
        args.push("--".into());
        args.push(place.into());
        args
    }

    fn common(&self, args: &mut Vec<OsString>) {
        if let Some(file) = &self.config_file {
            args.push(format!("--config={file}").into());
        }
    }
}

/// The hashes in the answer of `backend features`.
pub(crate) fn hashes(text: &str) -> Option<Vec<String>> {
    let value: Value = serde_json::from_str(text).ok()?;
    let hashes = value.get("Hashes")?.as_array()?;
    Some(hashes.iter().filter_map(Value::as_str).map(str::to_owned).collect())
}

/// `rclone v1.60.1-DEV`.
pub(crate) fn version(text: &str) -> Option<Version> {
    leading(text.lines().next()?.strip_prefix("rclone v")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_hashes_are_read() {
        assert_eq!(version("rclone v1.60.1-DEV\n- os/version: debian"), Some((1, 60)));
        assert_eq!(version("something else"), None);
        assert_eq!(hashes(r#"{"Hashes":["md5","sha1"]}"#), Some(vec!["md5".to_owned(), "sha1".to_owned()]));
        assert_eq!(hashes("{}"), None);
    }
}
