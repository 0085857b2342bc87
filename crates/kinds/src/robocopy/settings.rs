//! The settings of `robocopy`, and the command that they make.

use std::ffi::OsString;
use std::path::Path;

use schemars::JsonSchema;
use serde::Deserialize;
use strongroom_plugin::protocol::Problem;

use crate::config::problem;
use crate::local::ProofSettings;
use crate::proof::IDENTITY_FOLDER;

/// The settings of a job of the kind `robocopy`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Settings {
    /// The folder to copy.
    pub(crate) source: String,
    /// Where its copy is: a folder that is there already, or a share.
    pub(crate) target: String,
    /// Whether files that the source no longer has are deleted from the copy (`/PURGE`), within the job's `max_delete`.
    #[serde(default)]
    pub(crate) delete: bool,
    /// Names and patterns of files that are left out (`/XF`).
    #[serde(default)]
    pub(crate) exclude_files: Vec<String>,
    /// Names and paths of folders that are left out (`/XD`).
    #[serde(default)]
    pub(crate) exclude_folders: Vec<String>,
    /// Whether files that are only in the cloud are left out (`/XA:O`), instead of being downloaded.
    #[serde(default)]
    pub(crate) skip_cloud_files: bool,
    /// Whether times are compared to two seconds (`/FFT`), for FAT, exFAT and many NAS.
    #[serde(default)]
    pub(crate) coarse_times: bool,
    /// How much each proof reads.
    #[serde(default)]
    pub(crate) proof: ProofSettings,
    /// The executable.
    #[serde(default = "robocopy")]
    pub(crate) executable: String,
}

fn robocopy() -> String {
    "robocopy".to_owned()
}

/// Always: folders with empty ones; data, attributes and times; no junctions, which may lead in circles; two retries
/// of five seconds, where the default is a million of thirty; exact bytes and whole paths in the log, without
/// percentages and without a line for each folder.
const FIXED: [&str; 10] = ["/E", "/COPY:DAT", "/DCOPY:DAT", "/XJ", "/R:2", "/W:5", "/BYTES", "/FP", "/NP", "/NDL"];
/// On a drive's root they are never a person's files.
const SYSTEM_FOLDERS: [&str; 2] = ["System Volume Information", "$RECYCLE.BIN"];

impl Settings {
    /// Nothing is left out by rules that only robocopy knows.
    pub(crate) fn is_whole(&self) -> bool {
        self.exclude_files.is_empty() && self.exclude_folders.is_empty() && !self.skip_cloud_files
    }

    pub(crate) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (pointer, text) in [("/source", &self.source), ("/target", &self.target)] {
            if text.is_empty() || text.contains('"') {
                problems.push(problem(pointer, "it is empty or has a quote", "write the path alone, without quotes"));
            }
        }
        let excluded = [("/exclude_files", &self.exclude_files), ("/exclude_folders", &self.exclude_folders)];
        for (pointer, names) in excluded {
            // Such a word would be another option.
            if names.iter().any(|name| name.is_empty() || (name.starts_with('/') && self.is_windows())) {
                problems.push(problem(
                    pointer,
                    "a name is empty or begins with a slash",
                    "write names, or paths with backslashes",
                ));
            }
        }
        problems
    }

    fn is_windows(&self) -> bool {
        self.source.starts_with("\\\\") || self.source.get(1..2) == Some(":")
    }

    /// The arguments, one by one. Without a backslash at a path's end: behind it, a quote is read as part of the path.
    pub(crate) fn args(&self, log: &Path, more: &[&str], mirrors: bool) -> Vec<OsString> {
        let mut args: Vec<OsString> = vec![without_end(&self.source).into(), without_end(&self.target).into()];
        args.extend(FIXED.iter().chain(more).map(Into::into));
        if mirrors {
            args.push("/PURGE".into());
        }
        if self.coarse_times {
            args.extend(["/FFT", "/DST"].map(Into::into));
        }
        if self.skip_cloud_files {
            args.push("/XA:O".into());
        }
        if !self.exclude_files.is_empty() {
            args.push("/XF".into());
            args.extend(self.exclude_files.iter().map(Into::into));
        }
        args.push("/XD".into());
        args.extend(SYSTEM_FOLDERS.map(Into::into));
        args.push(IDENTITY_FOLDER.into());
        args.extend(self.exclude_folders.iter().map(Into::into));
        let mut unicode_log = OsString::from("/UNILOG:");
        unicode_log.push(log);
        args.push(unicode_log);
        args
    }
}

/// `C:\data\` as `C:\data`; a drive's root as `C:\.`, since `C:` alone is the drive's current folder.
fn without_end(path: &str) -> String {
    let trimmed = path.trim_end_matches(['\\', '/']);
    match trimmed {
        "" => path.to_owned(),
        drive if drive.len() == 2 && drive.ends_with(':') => format!("{drive}\\."),
        other => other.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(config: serde_json::Value) -> Settings {
        serde_json::from_value(config).unwrap()
    }

    #[test]
    fn the_command_is_the_one_that_the_reader_understands() {
        let settings = settings(serde_json::json!({
            "source": "C:\\Users\\Ann Müller\\", "target": "\\\\nas\\backup$\\ann\\", "delete": true, "coarse_times": true,
            "skip_cloud_files": true, "exclude_files": ["*.tmp"], "exclude_folders": ["AppData"],
        }));
        assert!(settings.problems().is_empty());
        let args = settings.args(Path::new("C:\\run\\rc.log"), &["/L"], true);
        let args: Vec<_> = args.iter().map(|arg| arg.to_str().unwrap()).collect();
        assert_eq!(
            args,
            [
                "C:\\Users\\Ann Müller",
                "\\\\nas\\backup$\\ann",
                "/E",
                "/COPY:DAT",
                "/DCOPY:DAT",
                "/XJ",
                "/R:2",
                "/W:5",
                "/BYTES",
                "/FP",
                "/NP",
                "/NDL",
                "/L",
                "/PURGE",
                "/FFT",
                "/DST",
                "/XA:O",
                "/XF",
                "*.tmp",
                "/XD",
                "System Volume Information",
                "$RECYCLE.BIN",
                ".strongroom",
                "AppData",
                "/UNILOG:C:\\run\\rc.log",
            ]
        );
    }

    #[test]
    fn a_path_never_ends_in_a_backslash() {
        for (path, given) in
            [("C:\\", "C:\\."), ("C:", "C:\\."), ("D:\\x\\\\", "D:\\x"), ("/srv/x/", "/srv/x"), ("/", "/")]
        {
            assert_eq!(without_end(path), given);
        }
    }

    #[test]
    fn a_name_that_would_be_an_option_is_refused() {
        let config = serde_json::json!({"source": "C:\\a", "target": "D:\\a", "exclude_files": ["/MIR"]});
        assert_eq!(settings(config).problems()[0].pointer, "/exclude_files");
        let config = serde_json::json!({"source": "C:\\a\" \"D:\\b", "target": "D:\\a"});
        assert_eq!(settings(config).problems()[0].pointer, "/source");
    }
}
