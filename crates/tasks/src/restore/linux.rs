//! Restoring timers and crontabs: lines of a plan that a shell script reads, so that no name is part of its text.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LeftOut;
use crate::manifest::ReferencedFile;

/// The script that restores timers and crontabs by a plan.
pub const LINUX_RESTORE_SCRIPT: &str = include_str!("../../scripts/restore.sh");
/// The plan's name beside the script. Files lie beneath `files/` there.
pub const LINUX_PLAN_NAME: &str = "restore-plan.tsv";

/// A file to be put back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
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
    /// Where the collection has it, if not by its path: a script.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<String>,
    /// When it was last written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<Timestamp>,
}

impl LinuxFile {
    /// Its name in the collection.
    #[must_use]
    pub fn collected(&self) -> &str {
        self.copy.as_deref().unwrap_or(&self.path)
    }
}

/// A file that commands of tasks name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LinuxScript {
    /// The file; its path is the one that the command names.
    #[serde(flatten)]
    pub file: ReferencedFile,
    /// The tasks, by path.
    pub tasks: Vec<String>,
}

/// A folder that files lie in, made where it is missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinuxFolder {
    /// Its path without the first slash, `var/spool/cron/crontabs`.
    pub path: String,
    /// Its permissions.
    pub mode: u32,
    /// Its owner's name.
    pub owner: String,
    /// Its group's name.
    pub group: String,
}

/// A symbolic link to be put back: a unit that lies elsewhere, or one that is masked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinuxLink {
    /// Its path without the first slash, `etc/systemd/system/backup.timer`.
    pub path: String,
    /// What it contains: `/opt/backup/backup.timer`, or `/dev/null`.
    pub target: String,
}

/// What is put back on a Linux host.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct LinuxRestore {
    /// Units, drop-ins, crontabs, anacrontab and its stamps, and scripts that they name.
    pub files: Vec<LinuxFile>,
    /// What the commands of tasks name, whether or not it is kept.
    pub scripts: Vec<LinuxScript>,
    /// Folders that those lie in, parents first.
    pub folders: Vec<LinuxFolder>,
    /// Links among units.
    pub links: Vec<LinuxLink>,
    /// Timers that were enabled.
    pub enabled: Vec<String>,
    /// Stamps of persistent timers, `var/lib/systemd/timers/stamp-backup.timer`, with their times in seconds since 1970.
    pub stamps: Vec<(String, i64)>,
}

impl LinuxRestore {
    /// The plan, and what cannot be part of it.
    #[must_use]
    pub fn plan(&self) -> (Vec<u8>, Vec<LeftOut>) {
        let mut plan = Plan::default();
        for folder in &self.folders {
            let names = is_account(&folder.owner) && is_account(&folder.group);
            let (mode, owner, group) = (folder.mode & 0o7777, &folder.owner, &folder.group);
            plan.add(&folder.path, names, || format!("folder\t{mode:04o}\t{owner}\t{group}\t-"));
        }
        for file in &self.files {
            let names = is_account(&file.owner) && is_account(&file.group);
            let digest = file.sha256.len() == 64 && file.sha256.bytes().all(|byte| byte.is_ascii_hexdigit());
            let (mode, owner, group) = (file.mode & 0o7777, &file.owner, &file.group);
            plan.add(&file.path, names && digest, || format!("file\t{mode:04o}\t{owner}\t{group}\t{}", file.sha256));
        }
        for link in &self.links {
            let target = &link.target;
            let is_plain = !target.is_empty() && !target.starts_with('-') && !target.chars().any(char::is_control);
            plan.add(&link.path, is_plain, || format!("link\t-\t-\t-\t{target}"));
        }
        for (path, seconds) in &self.stamps {
            plan.add(path, true, || format!("stamp\t{seconds}\t-\t-\t-"));
        }
        for timer in &self.enabled {
            let is_timer = timer.ends_with(".timer") && !timer.contains('/');
            plan.add(timer, is_timer, || "timer\t-\t-\t-\t-".to_owned());
        }
        (plan.lines.into_bytes(), plan.left_out)
    }

    /// The same without the times of files, which a copy of the same bytes changes.
    #[must_use]
    pub fn timeless(mut self) -> Self {
        self.files.iter_mut().for_each(|file| file.modified = None);
        self.scripts.iter_mut().for_each(|script| script.file.modified = None);
        self
    }

    /// Whether a unit is masked: a link to `/dev/null` is in its place.
    #[must_use]
    pub fn is_masked(&self, unit: &str) -> bool {
        let masks = self.links.iter().filter(|link| link.target == "/dev/null");
        masks.filter_map(|link| link.path.rsplit('/').next()).any(|name| name == unit)
    }
}

/// Lines of a plan, and what cannot be one.
#[derive(Default)]
struct Plan {
    lines: String,
    left_out: Vec<LeftOut>,
}

impl Plan {
    fn add(&mut self, path: &str, is_sound: bool, line: impl FnOnce() -> String) {
        if is_sound && is_safe_path(path) {
            self.lines.push_str(&format!("{}\t{path}\n", line()));
        } else {
            self.left_out.push(refused(path));
        }
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
        LinuxFile {
            path: path.to_owned(),
            sha256,
            mode,
            owner: "root".to_owned(),
            group: "root".to_owned(),
            ..LinuxFile::default()
        }
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
            scripts: Vec::new(),
            enabled: vec!["a.timer; rm".to_owned(), "../a.timer".to_owned()],
            stamps: vec![("a/../b".to_owned(), 1)],
            folders: vec![LinuxFolder {
                path: "../etc".to_owned(),
                mode: 0o755,
                owner: "root".to_owned(),
                group: "root".to_owned(),
            }],
            links: [("etc/a", "b\tc"), ("etc/../a", "b"), ("etc/a", "-b"), ("etc/a", "")]
                .map(|(path, target)| LinuxLink { path: path.to_owned(), target: target.to_owned() })
                .to_vec(),
        };
        restore.files.push(LinuxFile { owner: "root; x".to_owned(), ..file("etc/y", b"", 0o644) });
        let (plan, left_out) = restore.plan();
        assert_eq!((String::from_utf8(plan).unwrap().as_str(), left_out.len()), ("", 15));
    }

    #[test]
    fn files_are_put_back_below_a_root_and_what_is_there_is_left_alone() {
        let (folder, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let units = "etc/systemd/system/backup's $(x).timer";
        let crontab = "etc/cron.d/jobs";
        let restore = LinuxRestore {
            files: vec![file(units, TIMER, 0o644), file(crontab, b"0 0 * * * root x\n", 0o600)],
            stamps: vec![("var/lib/systemd/timers/stamp-a.timer".to_owned(), 1_700_000_000)],
            ..LinuxRestore::default()
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
    fn folders_get_their_modes_and_links_are_put_back() {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        written(folder.path(), &[("var/spool/cron/crontabs/root", b"@daily x\n")], &[]);
        let part = |path: &str, mode: u32| LinuxFolder {
            path: path.to_owned(),
            mode,
            owner: "root".to_owned(),
            group: "root".to_owned(),
        };
        let link = |path: &str, target: &str| LinuxLink { path: path.to_owned(), target: target.to_owned() };
        let restore = LinuxRestore {
            files: vec![file("var/spool/cron/crontabs/root", b"@daily x\n", 0o600)],
            folders: vec![part("var/spool/cron", 0o755), part("var/spool/cron/crontabs", 0o1730)],
            links: vec![link("etc/systemd/system/a.timer", "/dev/null"), link("etc/b.timer", "/opt/my app/b.timer")],
            ..LinuxRestore::default()
        };
        std::fs::write(folder.path().join(LINUX_PLAN_NAME), restore.plan().0).unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/b.timer"), "mine\n").unwrap();
        let below = root.path().to_str().unwrap();
        let (code, said) = run(folder.path(), &["--root", below]);
        assert!(code == 2 && said.contains("would be a link to /dev/null"), "{said}");
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 1, "{said}");
        let (code, said) = run(folder.path(), &["--root", below, "--apply"]);
        assert!(code == 2 && said.contains("/etc/b.timer: another is there"), "{said}");
        let (code, said) = run(folder.path(), &["--root", below, "--apply", "--replace"]);
        assert!(code == 0 && said.contains("/etc/systemd/system/a.timer: is there already"), "{said}");
        let spool = std::fs::metadata(root.path().join("var/spool/cron/crontabs")).unwrap();
        assert_eq!(spool.permissions().mode() & 0o7777, 0o1730);
        let leads = |path: &str| std::fs::read_link(root.path().join(path)).unwrap();
        assert_eq!(leads("etc/systemd/system/a.timer"), Path::new("/dev/null"));
        assert_eq!(leads("etc/b.timer"), Path::new("/opt/my app/b.timer"));
    }

    #[test]
    fn owners_are_those_of_the_root_that_is_restored() {
        use std::os::unix::fs::MetadataExt as _;
        let (folder, root) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        written(folder.path(), &[("etc/job", b"x\n"), ("etc/other", b"x\n")], &[]);
        let owned = |path: &str, owner: &str| LinuxFile { owner: owner.to_owned(), ..file(path, b"x\n", 0o644) };
        let restore = LinuxRestore {
            files: vec![owned("etc/job", "strongroom-jo"), owned("etc/other", "strongroom-eve")],
            ..LinuxRestore::default()
        };
        std::fs::write(folder.path().join(LINUX_PLAN_NAME), restore.plan().0).unwrap();
        std::fs::create_dir(root.path().join("etc")).unwrap();
        std::fs::write(root.path().join("etc/passwd"), "strongroom-jo:x:4242:4242::/:/bin/sh\n").unwrap();
        if std::fs::metadata(root.path()).unwrap().uid() != 0 {
            return;
        }
        let (code, said) = run(folder.path(), &["--root", root.path().to_str().unwrap(), "--apply"]);
        assert!(code == 2 && said.contains("/etc/other: there is no account strongroom-eve"), "{said}");
        let job = std::fs::metadata(root.path().join("etc/job")).unwrap();
        assert_eq!((job.uid(), job.gid()), (4242, 0));
        assert!(!root.path().join("etc/other").exists());
    }

    #[test]
    fn help_prints_the_usage() {
        let folder = tempfile::tempdir().unwrap();
        written(folder.path(), &[], &[]);
        let (code, said) = run(folder.path(), &["--help"]);
        assert!(code == 0 && said.contains("usage: restore.sh"), "{said}");
    }
}
