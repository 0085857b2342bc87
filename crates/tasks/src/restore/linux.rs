//! Restoring timers and crontabs: lines of a plan that a shell script reads, so that no name is part of its text.

use serde::{Deserialize, Serialize};

use super::LeftOut;

/// The script that restores timers and crontabs by a plan.
pub const LINUX_RESTORE_SCRIPT: &str = include_str!("../../scripts/restore.sh");
/// The plan's name beside the script. Files lie beneath `files/` there.
pub const LINUX_PLAN_NAME: &str = "restore-plan.tsv";

/// A file to be put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinuxFile {
    /// Its path without the first slash, `etc/systemd/system/backup.timer`.
    pub path: String,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
    /// Its permissions.
    pub mode: u32,
    /// Its owner's name.
    pub owner: String,
    /// Its group's name.
    pub group: String,
}

/// What is put back on a Linux host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LinuxRestore {
    /// Units, drop-ins, crontabs, anacrontab and its stamps.
    pub files: Vec<LinuxFile>,
    /// Timers that were enabled.
    pub enabled: Vec<String>,
    /// Stamps of persistent timers, `var/lib/systemd/timers/stamp-backup.timer`, with their times in seconds since 1970.
    pub stamps: Vec<(String, i64)>,
}

impl LinuxRestore {
    /// The plan, and what cannot be part of it.
    #[must_use]
    pub fn plan(&self) -> (Vec<u8>, Vec<LeftOut>) {
        let (mut lines, mut left_out) = (String::new(), Vec::new());
        for file in &self.files {
            let names = [&file.owner, &file.group].into_iter().all(|name| is_account(name));
            let digest = file.sha256.len() == 64 && file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            if is_safe_path(&file.path) && names && digest {
                let mode = file.mode & 0o7777;
                lines.push_str(&format!(
                    "file\t{mode:04o}\t{}\t{}\t{}\t{}\n",
                    file.owner, file.group, file.sha256, file.path
                ));
            } else {
                left_out.push(refused(&file.path));
            }
        }
        for (path, seconds) in &self.stamps {
            if is_safe_path(path) {
                lines.push_str(&format!("stamp\t{seconds}\t-\t-\t-\t{path}\n"));
            } else {
                left_out.push(refused(path));
            }
        }
        for timer in &self.enabled {
            if timer.ends_with(".timer") && is_safe_path(timer) && !timer.contains('/') {
                lines.push_str(&format!("timer\t-\t-\t-\t-\t{timer}\n"));
            } else {
                left_out.push(refused(timer));
            }
        }
        (lines.into_bytes(), left_out)
    }
}

fn refused(path: &str) -> LeftOut {
    let reason = "its path, owner or digest is not one that can be restored: put it back by hand";
    LeftOut { path: path.to_owned(), reason: reason.to_owned() }
}

/// Stays beneath the root, is no option, and has nothing that ends a line or a field.
fn is_safe_path(path: &str) -> bool {
    let parts = path.split('/').all(|part| !part.is_empty() && part != "." && part != "..");
    parts && !path.starts_with('-') && !path.chars().any(char::is_control)
}

fn is_account(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-$".contains(c);
    !name.is_empty() && !name.starts_with('-') && name.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use data_encoding::HEXLOWER;
    use sha2::{Digest as _, Sha256};

    use super::*;

    const TIMER: &[u8] = b"[Timer]\nOnCalendar=daily\n[Install]\nWantedBy=timers.target\n";

    fn file(path: &str, bytes: &[u8], mode: u32) -> LinuxFile {
        let sha256 = HEXLOWER.encode(&Sha256::digest(bytes));
        LinuxFile { path: path.to_owned(), sha256, mode, owner: "root".to_owned(), group: "root".to_owned() }
    }

    fn run(folder: &Path, options: &[&str]) -> (i32, String) {
        let output = Command::new("sh").arg(folder.join("restore.sh")).args(options).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout) + &text(&output.stderr))
    }

    #[test]
    fn what_could_leave_the_root_or_a_line_is_no_part_of_a_plan() {
        let mut restore = LinuxRestore {
            files: ["../etc/shadow", "a\nb", "/etc/x", "etc//x", "-rf", "a\tb"]
                .map(|path| file(path, b"", 0o644))
                .to_vec(),
            enabled: vec!["a.timer; rm".to_owned(), "../a.timer".to_owned()],
            stamps: vec![("a/../b".to_owned(), 1)],
        };
        restore.files.push(LinuxFile { owner: "root; x".to_owned(), ..file("etc/y", b"", 0o644) });
        let (plan, left_out) = restore.plan();
        assert_eq!((String::from_utf8(plan).unwrap().as_str(), left_out.len()), ("", 10));
    }

    #[test]
    fn files_are_put_back_below_a_root_and_what_is_there_is_left_alone() {
        let (folder, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let units = "etc/systemd/system/backup's $(x).timer";
        let crontab = "etc/cron.d/jobs";
        let restore = LinuxRestore {
            files: vec![file(units, TIMER, 0o644), file(crontab, b"0 0 * * * root x\n", 0o600)],
            enabled: Vec::new(),
            stamps: vec![("var/lib/systemd/timers/stamp-a.timer".to_owned(), 1_700_000_000)],
        };
        std::fs::write(folder.path().join("restore.sh"), LINUX_RESTORE_SCRIPT).unwrap();
        std::fs::write(folder.path().join(LINUX_PLAN_NAME), restore.plan().0).unwrap();
        for (path, bytes) in [(units, TIMER), (crontab, b"0 0 * * * root x\n")] {
            let target = folder.path().join("files").join(path);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(target, bytes).unwrap();
        }
        let below = root.path().to_str().unwrap();
        let (code, said) = run(folder.path(), &["--root", below]);
        assert!(code == 0 && said.contains("would be written") && !root.path().join("etc").exists(), "{said}");
        let (code, said) = run(folder.path(), &["--root", below, "--apply"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(std::fs::read(root.path().join(units)).unwrap(), TIMER);
        let stamp =
            std::fs::metadata(root.path().join("var/lib/systemd/timers/stamp-a.timer")).unwrap().modified().unwrap();
        assert_eq!(stamp.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs(), 1_700_000_000);

        // Again: nothing changes. Another file in its place is left alone, unless it is to be replaced.
        std::fs::write(root.path().join(crontab), "mine\n").unwrap();
        let (code, said) = run(folder.path(), &["--root", below, "--apply"]);
        assert!(said.contains("is there already") && said.contains("left alone"), "{said}");
        assert!(code == 2 && said.contains("1 not restored: "), "{said}");
        assert_eq!(std::fs::read(root.path().join(crontab)).unwrap(), b"mine\n");
        assert_eq!(run(folder.path(), &["--root", below, "--apply", "--replace"]).0, 0);
        assert_eq!(std::fs::read(root.path().join(crontab)).unwrap(), b"0 0 * * * root x\n");

        // A file that is not the one that was collected is not restored.
        std::fs::write(folder.path().join("files").join(crontab), "evil\n").unwrap();
        let (code, said) = run(folder.path(), &["--root", below, "--apply", "--replace"]);
        assert!(code == 2 && said.contains("not the one that was collected"), "{said}");
        assert_eq!(run(folder.path(), &["--rot"]).0, 1);
    }

    /// A script and the files that its plan names.
    fn written(folder: &Path, files: &[(&str, &[u8])], stamps: &[&str]) {
        let restore = LinuxRestore {
            files: files.iter().map(|(path, bytes)| file(path, bytes, 0o644)).collect(),
            stamps: stamps.iter().map(|path| ((*path).to_owned(), 1_700_000_000)).collect(),
            ..LinuxRestore::default()
        };
        std::fs::write(folder.join("restore.sh"), LINUX_RESTORE_SCRIPT).unwrap();
        std::fs::write(folder.join(LINUX_PLAN_NAME), restore.plan().0).unwrap();
        for (path, bytes) in files {
            let target = folder.join("files").join(path);
            std::fs::create_dir_all(target.parent().unwrap()).unwrap();
            std::fs::write(target, bytes).unwrap();
        }
    }

    #[test]
    fn a_symbolic_link_on_the_way_does_not_lead_out_of_the_root() {
        use std::os::unix::fs::symlink;
        let (folder, root, elsewhere) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let job: &[u8] = b"0 0 * * * root x\n";
        let files = [("etc/cron.d/job", job), ("etc/cron.d/new/job", job), ("opt/job", job), ("srv/a/job", job)];
        written(folder.path(), &files, &["var/stamps/s"]);
        let at = |path: &str| root.path().join(path);
        for made in ["etc", "var", "inside"] {
            std::fs::create_dir(at(made)).unwrap();
        }
        symlink(elsewhere.path(), at("etc/cron.d")).unwrap();
        symlink(elsewhere.path(), at("var/stamps")).unwrap();
        symlink(elsewhere.path().join("not-there"), at("srv")).unwrap();
        symlink("inside", at("opt")).unwrap();
        let below = root.path().to_str().unwrap();
        for options in [&["--root", below][..], &["--root", below, "--apply", "--replace"]] {
            let (code, said) = run(folder.path(), options);
            assert!(code == 2 && said.contains("/etc/cron.d/job: refused") && said.contains("4 failed"), "{said}");
        }
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
        assert_eq!(std::fs::read(at("inside/job")).unwrap(), job);
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_replaced_and_not_written_through() {
        let (folder, root, elsewhere) =
            (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let job: &[u8] = b"0 0 * * * root x\n";
        written(folder.path(), &[("etc/job", job)], &[]);
        std::fs::create_dir(root.path().join("etc")).unwrap();
        let outside = elsewhere.path().join("mine");
        std::fs::write(&outside, "mine\n").unwrap();
        for link in ["job", "job.restoring"] {
            std::os::unix::fs::symlink(&outside, root.path().join("etc").join(link)).unwrap();
        }
        let below = root.path().to_str().unwrap();
        assert_eq!(run(folder.path(), &["--root", below, "--apply"]).0, 2);
        let (code, said) = run(folder.path(), &["--root", below, "--apply", "--replace"]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(std::fs::read(root.path().join("etc/job")).unwrap(), job);
        assert_eq!(std::fs::read(outside).unwrap(), b"mine\n");
    }

    #[test]
    fn help_prints_the_usage() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), &[], &[]);
        let (code, said) = run(folder.path(), &["--help"]);
        assert!(code == 0 && said.contains("usage: restore.sh"), "{said}");
    }
}
