//! A Linux host in a folder, with the programs of systemd and cron, entered by chroot(2): its timers and crontabs are
//! collected, lost, and restored on another host, where accounts have other numbers.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;

use super::{collect, write};
use crate::rig::run;

/// What is started in the root; the first ones are what restore.sh needs.
const PROGRAMS: [&str; 19] = [
    "sh",
    "sha256sum",
    "cut",
    "cp",
    "chmod",
    "chown",
    "mv",
    "rm",
    "mkdir",
    "touch",
    "dirname",
    "id",
    "readlink",
    "ln",
    "cat",
    "getent",
    "systemctl",
    "systemd-analyze",
    "crontab",
];
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";
/// What `systemd-analyze verify` looks for.
const TARGETS: [&str; 4] = ["timers.target", "sysinit.target", "basic.target", "shutdown.target"];
const UNITS: &str = "usr/lib/systemd/system";
const INSTALL: &str = "[Install]\nWantedBy=timers.target\n";

/// A host's file system.
struct Root {
    folder: PathBuf,
    jo: u32,
    crontab: u32,
}

impl Root {
    /// With what packages bring, and nothing of the site.
    fn new(folder: PathBuf, jo: u32, crontab: u32) -> Self {
        let root = Self { folder, jo, crontab };
        for program in PROGRAMS {
            let file = PATH.split(':').map(|folder| Path::new(folder).join(program)).find(|file| file.is_file());
            let file = file.unwrap_or_else(|| panic!("{program} is not installed: run `cargo xtask` to install it"));
            root.bring(&file);
            let libraries = Command::new("ldd").arg(&file).output().unwrap();
            let text = String::from_utf8(libraries.stdout).unwrap();
            text.split_whitespace().filter(|word| word.starts_with('/')).for_each(|file| root.bring(Path::new(file)));
        }
        TARGETS.iter().for_each(|unit| root.bring(&Path::new("/").join(UNITS).join(unit)));
        // What crontab(1) belongs to, and the folder that the package cron makes.
        chown(root.at("usr/bin/crontab"), Some(0), Some(crontab)).unwrap();
        fs::set_permissions(root.at("usr/bin/crontab"), fs::Permissions::from_mode(0o2755)).unwrap();
        for folder in ["var/spool/cron", "run", "tmp", "dev"] {
            fs::create_dir_all(root.at(folder)).unwrap();
        }
        root.write("etc/passwd", &format!("root:x:0:0:root:/root:/bin/sh\njo:x:{jo}:{jo}:Jo:/home/jo:/bin/sh\n"));
        root.write("etc/group", &format!("root:x:0:\njo:x:{jo}:\ncrontab:x:{crontab}:\n"));
        root.write("etc/hostname", "necro\n");
        root.write("etc/timezone", "Europe/Berlin\n");
        for vendors in ["wanted", "unwanted"] {
            root.write(&format!("{UNITS}/{vendors}.timer"), &format!("[Timer]\nOnCalendar=daily\n{INSTALL}"));
            root.write(&format!("{UNITS}/{vendors}.service"), "[Service]\nExecStart=/usr/bin/cat /etc/hostname\n");
        }
        root
    }

    /// Copies a file of this host, with its mode.
    fn bring(&self, file: &Path) {
        let copy = self.at(file.strip_prefix("/").unwrap().to_str().unwrap());
        if !copy.exists() {
            fs::create_dir_all(copy.parent().unwrap()).unwrap();
            fs::copy(file, copy).unwrap();
        }
    }

    fn at(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    fn write(&self, path: &str, text: &str) {
        write(&self.at(path), text);
    }

    /// In the root, where no systemd runs.
    fn enter(&self, account: &str, args: &[&str]) -> Output {
        let mut command = Command::new("chroot");
        command.arg(format!("--userspec={account}")).arg(&self.folder).args(args);
        command.env_clear().env("PATH", PATH).output().unwrap()
    }

    fn said(&self, account: &str, args: &[&str]) -> String {
        let output = self.enter(account, args);
        assert!(output.status.success(), "{args:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// What the site made.
    fn furnish(&self) {
        self.write("etc/systemd/system/night.timer", &format!("[Timer]\nOnCalendar=*-*-* 02:00\n{INSTALL}"));
        self.write("etc/systemd/system/night.timer.d/late.conf", "[Timer]\nRandomizedDelaySec=5min\n");
        self.write("etc/systemd/system/night.service", "[Service]\nExecStart=/usr/local/bin/nightly.sh --all\n");
        self.write("usr/local/bin/nightly.sh", "#!/bin/sh\ncat /etc/passwd\n");
        fs::set_permissions(self.at("usr/local/bin/nightly.sh"), fs::Permissions::from_mode(0o755)).unwrap();
        self.write("etc/systemd/system/off.timer", &format!("[Timer]\nOnCalendar=hourly\n{INSTALL}"));
        self.write("etc/systemd/system/off.service", "[Service]\nExecStart=/usr/bin/cat /etc/group\n");
        // Units that lie elsewhere.
        self.write("opt/app/app.timer", &format!("[Timer]\nOnCalendar=weekly\n{INSTALL}"));
        self.write("opt/app/app.service", "[Service]\nExecStart=/usr/bin/cat /etc/hostname\n");
        self.said(
            "root",
            &["systemctl", "enable", "night.timer", "wanted.timer", "unwanted.timer", "/opt/app/app.timer"],
        );
        self.said("root", &["systemctl", "link", "/opt/app/app.service"]);
        // It stays enabled, and does not start.
        self.said("root", &["systemctl", "mask", "unwanted.timer"]);
        self.write("etc/cron.d/nightly", "17 3 * * * root /usr/local/bin/nightly.sh\n");
        self.write("tmp/table", "0 3 * * 1 mine\n");
        self.said("root", &["crontab", "-u", "jo", "/tmp/table"]);
    }

    /// How the host's own programs say it stands.
    fn stands(&self) -> String {
        let units = self.said("root", &["systemctl", "list-unit-files", "--no-legend", "--no-pager", "*.timer"]);
        let units: Vec<_> = units.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        format!("{}\n{}", units.join("\n"), self.said("jo:jo", &["crontab", "-l"]))
    }
}

fn restores(root: &Root, folder: &Path, from_outside: bool) {
    let script = folder.join("restore/restore.sh");
    let run = |options: &[&str]| {
        if from_outside {
            return Command::new("sh").arg(&script).arg("--root").arg(&root.folder).args(options).output().unwrap();
        }
        root.enter("root", &[&["sh", "/mnt/restore.sh"], options].concat())
    };
    if !from_outside {
        let copied = Command::new("cp").arg("-r").arg(folder.join("restore")).arg(root.at("mnt")).status().unwrap();
        assert!(copied.success());
    }
    let checked = run(&[]);
    assert!(checked.status.success() && !root.at("etc/cron.d").exists(), "{checked:?}");
    let restored = run(&["--apply", "--enable"]);
    assert!(restored.status.success(), "{restored:?}");
    let said = String::from_utf8_lossy(&restored.stdout).into_owned();
    assert!(said.contains("night.timer: enabled; it starts with the system"), "{said}");
    // The script may be run again, and finds nothing to do.
    let again = run(&["--apply", "--enable"]);
    assert!(again.status.success() && !String::from_utf8_lossy(&again.stdout).contains("written"), "{again:?}");
}

#[test]
fn a_host_that_lost_its_tasks_has_them_back_as_its_own_programs_say() {
    // chroot(2) is root's.
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("target")).unwrap();
    let old = Root::new(folder.path().join("old"), 4_242, 103);
    old.furnish();
    let before = old.stands();
    for line in [
        "night.timer enabled",
        "off.timer disabled",
        "app.timer enabled",
        "unwanted.timer masked",
        "wanted.timer enabled",
    ] {
        assert!(before.contains(line), "{line}: {before}");
    }
    let collected = collect(folder.path(), &old.folder);
    assert_eq!(collected["sentence"], json!("7 tasks of host necro collected."), "{collected}");
    let tasks = |args: &[&str]| run(folder.path(), &[&["tasks"], args].concat());
    let listed = tasks(&["list", "--from", "target", "--json"]).expect(0).json();
    let when = |path: &str| {
        let task = listed.as_array().unwrap().iter().find(|task| task["path"] == path).unwrap();
        (task["overdue"].as_str().unwrap().to_owned(), task["reason"].as_str().unwrap().to_owned())
    };
    for path in ["off.timer", "unwanted.timer"] {
        assert_eq!(when(path), ("no".to_owned(), "it is switched off".to_owned()), "{path}");
    }
    tasks(&["restore", "--from", "target", "--out", "restore"]).expect(0);

    for (name, from_outside) in [("chroot", false), ("outside", true)] {
        let new = Root::new(folder.path().join(name), 5_151, 777);
        restores(&new, folder.path(), from_outside);
        assert_eq!(new.stands(), before, "{name}");
        let owner = |path: &str| {
            let found = fs::metadata(new.at(path)).unwrap();
            (found.uid(), found.gid(), found.permissions().mode() & 0o7777)
        };
        assert_eq!(owner("var/spool/cron/crontabs/jo"), (new.jo, new.crontab, 0o600), "{name}");
        assert_eq!(owner("var/spool/cron/crontabs"), (0, new.crontab, 0o1730), "{name}");
        assert_eq!(owner("usr/local/bin/nightly.sh"), (0, 0, 0o755), "{name}");
        assert_eq!(fs::read_link(new.at("etc/systemd/system/app.timer")).unwrap(), Path::new("/opt/app/app.timer"));
        for unit in ["night.timer", "app.timer", "off.timer"] {
            new.said("root", &["systemd-analyze", "verify", "--man=no", unit]);
        }
        // From outside, as of a container that does not run.
        let enabled =
            Command::new("systemctl").arg("--root").arg(&new.folder).args(["is-enabled", "night.timer"]).output();
        assert_eq!(enabled.unwrap().stdout, b"enabled\n", "{name}");
        // The same files, owners and permissions by name: there is nothing new.
        let second = collect(folder.path(), &new.folder);
        assert_eq!(second["outcome"], "nothing", "{name}: {second}");
    }
}

#[test]
fn what_the_new_host_lacks_is_named_with_the_next_step() {
    if !rustix::process::geteuid().is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("target")).unwrap();
    let old = Root::new(folder.path().join("old"), 4_242, 103);
    old.furnish();
    old.write("etc/systemd/system/bare.timer", "[Timer]\nOnCalendar=daily\n");
    symlink("../bare.timer", old.at("etc/systemd/system/timers.target.wants/bare.timer")).unwrap();
    collect(folder.path(), &old.folder);
    run(folder.path(), &["tasks", "restore", "--from", "target", "--out", "restore"]).expect(0);
    let new = Root::new(folder.path().join("new"), 5_151, 777);
    new.write("etc/passwd", "root:x:0:0:root:/root:/bin/sh\n");
    fs::remove_file(new.at(&format!("{UNITS}/wanted.timer"))).unwrap();
    let script = folder.path().join("restore/restore.sh");
    let restored = Command::new("sh").arg(script).arg("--root").arg(&new.folder).args(["--apply", "--enable"]).output();
    let restored = restored.unwrap();
    let said = String::from_utf8_lossy(&restored.stderr);
    assert_eq!(restored.status.code(), Some(2), "{said}");
    for words in [
        "/var/spool/cron/crontabs/jo: there is no account jo in ",
        "wanted.timer: could not be enabled; install the package that it comes with",
        "bare.timer: is static and not enabled: its unit has no [Install] section",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
}
