//! The settings of `restic`, and the command that they make.

use std::ffi::OsString;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use strongroom_plugin::protocol::Problem;

use crate::config::problem;
use crate::version::{Version, leading};

/// Secrets, and the variables of restic's environment that they become.
pub(crate) const SECRETS: [(&str, &str); 3] = [
    ("password", "RESTIC_PASSWORD"),
    ("aws_access_key_id", "AWS_ACCESS_KEY_ID"),
    ("aws_secret_access_key", "AWS_SECRET_ACCESS_KEY"),
];

/// The settings of a job of the kind `restic`. The repository's password is the secret `password`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The repository, which must have been created with `restic init`: a path, `sftp:…`, `rest:…`, `s3:…`.
    pub(crate) repository: String,
    /// The folders and files to back up, as absolute paths.
    #[schemars(length(min = 1))]
    pub(crate) sources: Vec<String>,
    /// Patterns of what is left out; restic's manual, *Excluding files*.
    #[serde(default)]
    pub(crate) exclude: Vec<String>,
    /// The host's name in snapshots; without it the system's.
    #[serde(default)]
    pub(crate) host: Option<String>,
    /// Each proof reads one of so many parts of the repository in turn: 1 (all) to 366.
    #[serde(default = "month")]
    #[schemars(range(min = 1, max = 366))]
    pub(crate) parts: u16,
    /// So many random files are restored by each proof and compared with the source: 0 to 100.
    #[serde(default = "five")]
    #[schemars(range(max = 100))]
    pub(crate) restore_files: u8,
    /// The folder of restic's cache; without it restic's own place.
    #[serde(default)]
    pub(crate) cache: Option<String>,
    /// The executable.
    #[serde(default = "restic")]
    pub(crate) executable: String,
}

fn restic() -> String {
    "restic".to_owned()
}

const fn month() -> u16 {
    30
}

const fn five() -> u8 {
    5
}

impl Settings {
    pub(crate) fn paths(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().map(Path::new)
    }

    /// What is wrong with them, by themselves and here.
    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        if self.repository.is_empty() {
            problems.push(problem("/repository", "it is empty", "name the repository"));
        }
        if self.sources.is_empty() {
            problems.push(problem("/sources", "nothing is to be backed up", "name at least one folder"));
        }
        for (index, source) in self.sources.iter().enumerate() {
            let pointer = format!("/sources/{index}");
            let path = Path::new(source);
            if !path.is_absolute() {
                problems.push(problem(&pointer, "it is not an absolute path", "write it from / on"));
            } else if !path.exists() {
                problems.push(problem(&pointer, format!("the source {source} is not there"), "mount or correct it"));
            } else if Path::new(&self.repository).is_absolute() && inside(Path::new(&self.repository), path) {
                problems.push(problem(
                    "/repository",
                    format!("the repository is inside the source {source}"),
                    "choose a place outside",
                ));
            }
        }
        problems
    }

    /// The arguments of a backup.
    pub(crate) fn backup(&self, job: &str) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec!["backup".into(), "--json".into(), "--tag".into(), tag(job).into()];
        if let Some(host) = &self.host {
            args.push(format!("--host={host}").into());
        }
        args.extend(self.exclude.iter().map(|pattern| format!("--exclude={pattern}").into()));
        // Options may follow: no source begins with a dash, since all are absolute.
        args.extend(self.sources.iter().map(Into::into));
        args
    }
}

/// What snapshots of a job bear. A comma would make two tags.
pub(crate) fn tag(job: &str) -> String {
    format!("strongroom-job={}", job.replace(',', "_"))
}

fn inside(path: &Path, folder: &Path) -> bool {
    let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    real(path).starts_with(real(folder))
}

/// `restic 0.14.0 compiled with go1.19.8 on linux/amd64`.
pub(crate) fn version(text: &str) -> Option<Version> {
    leading(text.lines().next()?.strip_prefix("restic ")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_and_tags_are_as_restic_has_them() {
        assert_eq!(version("restic 0.14.0 compiled with go1.19.8 on linux/amd64\n"), Some((0, 14)));
        assert_eq!(version("restic\n"), None);
        assert_eq!(tag("a,b"), "strongroom-job=a_b");
    }
}
