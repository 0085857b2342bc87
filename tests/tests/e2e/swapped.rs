//! Drives that the host swaps while the program runs in a mount namespace of its own, as systemd and containers give it
//! one. These need root; elsewhere they say so and pass.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use strongroom_model::{AlarmKind, Event};
use strongroom_tests::audit::{count, events, files_below};
use strongroom_tests::program::Running;
use strongroom_tests::site::Site;
use strongroom_tests::wait::until_true;

/// What systemd does for `ProtectSystem=strict` with `ReadWritePaths=-$1` and a `StateDirectory=` at $0: a namespace that
/// follows the host's mounts and is read-only but for these. A path that is a mount point already is not mounted again.
const AS_SYSTEMD: &str = "\
    set -e\n\
    mount --make-rshared /\n\
    for path in \"$0\" \"$1\"; do mountpoint --quiet \"$path\" || mount --rbind \"$path\" \"$path\"; done\n\
    mount -o remount,bind,ro /\n\
    cd \"$0\"; shift; exec \"$@\"";

/// What a container's runtime does for a bind mount of $1 at `$0/seen` with the propagation `rslave`, which Kubernetes calls
/// `HostToContainer`.
const AS_CONTAINER: &str = "\
    set -e\n\
    mount --rbind \"$1\" \"$0/seen\"\n\
    mount --make-rslave \"$0/seen\"\n\
    cd \"$0\"; shift; exec \"$@\"";

/// A way in which the program is deployed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Systemd,
    Container,
}

/// A mount namespace that stands for the host, with two drives, of which one at a time is mounted at `drives/backup`.
struct Host {
    holder: Child,
    folder: tempfile::TempDir,
}

impl Host {
    /// `None` where we may not mount.
    fn new(site: &Site) -> Option<Self> {
        let script = "mount --make-rshared / && echo ready && exec sleep 600";
        let mut holder = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", script])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let host = Self { holder, folder: tempfile::tempdir().unwrap() };
        if line.trim() != "ready" {
            return skipped();
        }
        fs::create_dir_all(host.mount_point()).unwrap();
        for label in ["a", "b"] {
            fs::create_dir(host.disk(label)).unwrap();
            let disk = host.disk(label).display().to_string();
            let init = ["drive", "init", &disk, "--same-disk", "--in-memory", "--label", label];
            site.call(init).run().expect_code(0);
        }
        Some(host)
    }

    /// Where the drives' own folders are, which nothing else looks at.
    fn disk(&self, label: &str) -> PathBuf {
        self.folder.path().join(format!("disk-{label}"))
    }

    fn drives(&self) -> PathBuf {
        self.folder.path().join("drives")
    }

    fn mount_point(&self) -> PathBuf {
        self.drives().join("backup")
    }

    fn run(&self, program: &str, arguments: &[&Path]) -> bool {
        let holder = self.holder.id().to_string();
        let output =
            Command::new("nsenter").args(["--mount", "--target", &holder, program]).args(arguments).output().unwrap();
        output.status.success()
    }

    fn mount(&self, label: &str) {
        assert!(self.run("mount", &[Path::new("--bind"), &self.disk(label), &self.mount_point()]), "{label}");
    }

    /// As a person does, who is told where something on it is held open.
    fn unmount(&self) {
        until_true("nothing on the drive is held open", || self.run("umount", &[&self.mount_point()]));
    }

    /// `strongroom run`, every second, in that way.
    fn start(&self, site: &mut Site, way: Way) -> Running {
        let folder = site.path("").display().to_string();
        let (script, shared) = match way {
            Way::Systemd => (AS_SYSTEMD, self.mount_point()),
            Way::Container => (AS_CONTAINER, self.drives()),
        };
        let root = if way == Way::Systemd { self.mount_point() } else { site.path("seen/backup") };
        fs::create_dir_all(site.path("seen")).unwrap();
        site.set("drive.root", &root.display().to_string());
        site.set("schedule.every", "1s");
        site.set("time_zone", "UTC");
        let (holder, shared) = (self.holder.id().to_string(), shared.display().to_string());
        let enter = ["nsenter", "--mount", "--target", &holder, "unshare", "--mount", "--propagation", "slave"];
        let wrapper: Vec<&str> = enter.into_iter().chain(["sh", "-c", script, &folder, &shared]).collect();
        site.call(["run"]).through(&wrapper).start()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[expect(clippy::print_stderr, reason = "a test that cannot run here must not look as if it had")]
fn skipped<T>() -> Option<T> {
    eprintln!("skipped: this needs root, to make a mount namespace");
    None
}

fn files(disk: &Path) -> usize {
    files_below(disk).iter().filter(|path| format!("{path:?}").contains("timesheet-")).count()
}

fn archived(site: &Site) -> usize {
    count(site, |event| matches!(event, Event::TimesheetArchived(_)))
}

/// What was raised and what was cleared, in the log's order.
fn told(site: &Site) -> Vec<(AlarmKind, bool)> {
    let told = events(site).into_iter().filter_map(|event| {
        let kind = || AlarmKind::of_code(event.stream.id().split('.').next()?);
        match event.event {
            Event::AlarmRaised(_) => Some((kind()?, true)),
            Event::AlarmCleared(_) => Some((kind()?, false)),
            _ => None,
        }
    });
    told.collect()
}

fn until_archived(site: &Site, count: usize, running: &Running) {
    until_true(&format!("{count} archived files: {}", running.stderr()), || archived(site) >= count);
}

/// Whether the process still has something of that disk mounted, in its own namespace.
fn sees(running: &Running, label: &str) -> bool {
    let mounts = fs::read_to_string(format!("/proc/{}/mountinfo", running.id())).unwrap();
    mounts.lines().any(|line| line.contains(&format!("disk-{label} ")))
}

/// The drive that was mounted when the program started is swapped for another one, and back, without a restart.
fn is_swapped(way: Way) {
    let mut site = Site::without_drive();
    let Some(host) = Host::new(&site) else { return };
    let _server = site.serve();
    host.mount("a");
    let running = host.start(&mut site, way);
    site.add_documents(5);
    until_archived(&site, 5, &running);
    assert_eq!((files(&host.disk("a")), files(&host.disk("b"))), (5, 0));

    host.unmount();
    assert!(!sees(&running, "a"), "what the host has unmounted must not stay mounted in the program's own namespace");
    until_true("the alarm", || told(&site) == [(AlarmKind::DriveMissing, true)]);
    host.mount("b");
    site.add_documents(3);
    until_archived(&site, 8, &running);
    assert_eq!((files(&host.disk("a")), files(&host.disk("b"))), (5, 3));
    assert_eq!(files_below(&host.mount_point()).len(), 0, "nothing was written into the folder beneath");

    // At once: nobody may have noticed that none was there.
    host.unmount();
    host.mount("a");
    site.add_documents(2);
    until_archived(&site, 10, &running);
    assert_eq!((files(&host.disk("a")), files(&host.disk("b"))), (7, 3));
    let missing = [(AlarmKind::DriveMissing, true), (AlarmKind::DriveMissing, false)];
    until_true("its end", || told(&site).len().is_multiple_of(2));
    let told = told(&site);
    assert!(told == missing || told == [missing, missing].concat(), "nothing else is said: {told:?}");
    running.stop();
}

/// No drive was mounted when the program started.
fn comes_later(way: Way) {
    let mut site = Site::without_drive();
    let Some(host) = Host::new(&site) else { return };
    let _server = site.serve();
    let running = host.start(&mut site, way);
    site.add_documents(2);
    until_true("the alarm", || told(&site) == [(AlarmKind::DriveMissing, true)]);
    for (label, count) in [("a", 2), ("b", 4)] {
        host.mount(label);
        until_archived(&site, count, &running);
        assert_eq!(files(&host.disk(label)), 2);
        host.unmount();
        assert!(!sees(&running, label));
        site.add_documents(2);
    }
    assert_eq!(files_below(&host.mount_point()).len(), 0, "nothing was written into the folder beneath");
}

#[test]
fn r6_a_drive_is_swapped_under_a_service_of_systemd() {
    is_swapped(Way::Systemd);
}

#[test]
fn r6_a_drive_is_swapped_under_a_container() {
    is_swapped(Way::Container);
}

#[test]
fn r6_a_drive_is_mounted_after_a_service_of_systemd_has_started() {
    comes_later(Way::Systemd);
}

#[test]
fn r6_a_drive_is_mounted_after_a_container_has_started() {
    comes_later(Way::Container);
}
