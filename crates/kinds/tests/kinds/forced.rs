//! Exit codes that the real tools are brought to: full disks, vanished files, signals, time-outs, locks.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::rig::{Answer, Job};

/// Whether a small file system can be mounted here that only the tool sees.
fn can_mount() -> bool {
    let tried = Command::new("unshare")
        .args(["--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m kinds /mnt"])
        .stderr(Stdio::null())
        .status();
    let can = tried.is_ok_and(|status| status.success());
    if !can {
        std::io::stderr().write_all(b"skipped: no file system can be mounted here\n").unwrap();
    }
    can
}

/// A tool that finds a file system of 1 MiB in `place`, filled by `fill` first.
fn on_full_disk(job: &Job, tool: &str, place: &Path, fill: &str) -> String {
    let script = format!(
        "export PLACE='{}'\nexec unshare --map-root-user --mount sh -c \
         'mount -t tmpfs -o size=1m kinds \"$PLACE\" && {fill} && exec {tool} \"$@\"' sh \"$@\"",
        place.display()
    );
    job.script(&format!("{tool}-on-a-full-disk"), &script)
}

/// A tool that gets a signal once `begun` succeeds.
fn signalled(job: &Job, tool: &str, signal: &str, begun: &str) -> String {
    let script =
        format!("{tool} \"$@\" &\nwhile kill -0 $! && ! {begun}; do sleep 0.01; done\nkill -{signal} $!\nwait $!");
    job.script(&format!("{tool}-signalled"), &script)
}

#[track_caller]
fn assert_ended(answer: &Answer, code: i64, outcome: &str, cause: &str) {
    let exit_code = answer.report.tool.as_ref().and_then(|tool| tool.exit_code);
    let found = (exit_code, answer.outcome(), answer.cause());
    assert_eq!(found, (Some(code), outcome, cause), "{}\n{}", answer.report.sentence, answer.text);
}

#[track_caller]
fn assert_full(answer: &Answer) {
    let (sentence, text) = (&answer.report.sentence, &answer.text);
    assert_eq!((answer.outcome(), answer.cause()), ("obstructed", "target-full"), "{sentence}\n{text}");
}

/// A source of a small file after a large one, which takes some seconds at the limit.
fn slow() -> Job {
    let job = Job::new("rsync").with("options", json!(["--bwlimit=200"]));
    job.write("source/a.bin", vec![7; 600_000]);
    job.write("source/z.txt", "z");
    job
}

fn has_begun(target: &Path) -> bool {
    fs::read_dir(target).unwrap().any(|entry| entry.unwrap().file_name().to_string_lossy().starts_with(".a.bin."))
}

#[test]
fn rsync_24_files_that_vanish_are_no_failure_and_are_named() {
    let mut job = slow();
    let (target, vanishing) = (job.at("target"), job.at("source/z.txt"));
    let remover = std::thread::spawn(move || {
        let begun = Instant::now();
        while !has_begun(&target) {
            assert!(begun.elapsed() < Duration::from_secs(60), "the transfer did not begin");
            std::thread::sleep(Duration::from_millis(5));
        }
        fs::remove_file(vanishing).unwrap();
    });
    let run = job.run();
    remover.join().unwrap();
    assert_ended(&run, 24, "done", "-");
    assert!(run.report.sentence.contains("1 file vanished"), "{}", run.report.sentence);
    assert!(run.items.iter().any(|item| item.path.ends_with("z.txt")), "{:?}", run.items);
}

#[test]
fn rsync_20_a_signal_is_a_stop() {
    let mut job = slow();
    let begun = format!("ls {}/.a.bin.* 2>/dev/null", job.at("target").display());
    job.config["executable"] = json!(signalled(&job, "rsync", "TERM", &begun));
    assert_ended(&job.run(), 20, "cancelled", "stopped");
}

#[test]
fn rsync_11_a_full_disk_is_an_obstacle_and_a_filter_that_is_not_there_a_failure() {
    let mut job = Job::new("rsync").with("options", json!(["--exclude-from=/nowhere"]));
    job.write("source/a.bin", vec![7; 3_000_000]);
    assert_ended(&job.run(), 11, "failed", "tool-failed");
    if can_mount() {
        job.config["options"] = json!([]);
        job.config["executable"] = json!(on_full_disk(&job, "rsync", &job.at("target"), "true"));
        assert_ended(&job.run(), 11, "obstructed", "target-full");
    }
}

#[test]
fn rsync_2_5_12_and_30_the_other_side_is_at_fault() {
    let mut job = Job::new("rsync").with("options", json!(["--protocol=1"]));
    job.write("source/a.txt", "a");
    assert_ended(&job.run(), 2, "failed", "tool-failed");
    // It reads what it is sent, and never answers.
    let silent = job.script("silent", "cat >/dev/null; exit 0");
    job.config["options"] = json!([format!("--rsh={silent}"), "--timeout=1"]);
    job.config["target"] = json!("far:/x");
    assert_ended(&job.run(), 30, "obstructed", "unreachable");
    let gone = job.script("gone", "exit 0");
    job.config["options"] = json!([format!("--rsh={gone}")]);
    assert_ended(&job.run(), 12, "obstructed", "unreachable");
    job.write("rsyncd.conf", "use chroot = no\n");
    let config = job.at("rsyncd.conf");
    let server = job.script("server", &format!("exec rsync --server --daemon --config={} .", config.display()));
    job.config["options"] = json!([format!("--rsh={server}")]);
    job.config["target"] = json!("far::nowhere");
    assert_ended(&job.run(), 5, "obstructed", "unreachable");
}

fn rclone() -> Job {
    let job = Job::new("rclone");
    job.write("source/a.bin", vec![7; 3_000_000]);
    job
}

#[test]
fn rclone_a_full_disk_is_an_obstacle() {
    if can_mount() {
        let mut job = rclone();
        job.config["executable"] = json!(on_full_disk(&job, "rclone", &job.at("target"), "true"));
        assert_full(&job.run());
    }
}

#[test]
fn rclone_a_signal_is_a_stop() {
    let mut job = rclone().with("options", json!(["--bwlimit=200Ki"]));
    let begun = format!("ls {}/a.bin* 2>/dev/null", job.at("target").display());
    job.config["executable"] = json!(signalled(&job, "rclone", "TERM", &begun));
    let run = job.run();
    assert_eq!((run.outcome(), run.cause()), ("cancelled", "stopped"), "{}\n{}", run.report.sentence, run.text);
}

const PASSWORD: &str = "canary-secret";

fn restic(repository: &Path) -> Command {
    let mut command = Command::new("restic");
    command.arg("-r").arg(repository).env("RESTIC_PASSWORD", PASSWORD).stdout(Stdio::null());
    command
}

fn with_repository() -> Job {
    let mut job = Job::new("restic");
    job.write("source/a.txt", "a");
    // What no compression makes small.
    let mut noise = vec![0; 3_000_000];
    fastrand::Rng::with_seed(7).fill(&mut noise);
    job.write("source/big.bin", noise);
    let at = |path: &str| job.at(path).to_str().unwrap().to_owned();
    job.config = json!({"repository": at("repo"), "sources": [at("source")], "cache": at("cache"), "parts": 1});
    job.secrets = vec![("password", PASSWORD)];
    assert!(restic(&job.at("repo")).arg("init").status().unwrap().success());
    job
}

#[test]
fn restic_3_a_file_that_cannot_be_read_is_named() {
    use std::os::unix::fs::PermissionsExt as _;
    let mut job = with_repository();
    fs::set_permissions(job.at("source/a.txt"), fs::Permissions::from_mode(0o000)).unwrap();
    let script = "exec setpriv --bounding-set -dac_override,-dac_read_search -- restic \"$@\"";
    job.config["executable"] = json!(job.script("unprivileged", script));
    let run = job.run();
    assert_ended(&run, 3, "partial", "files-failed");
    assert!(run.items.iter().any(|item| item.path.ends_with("source/a.txt")), "{:?}", run.items);
}

#[test]
fn restic_11_a_lock_of_another_process_is_an_obstacle() {
    let mut job = with_repository();
    job.run();
    let mut other = restic(&job.at("repo")).args(["backup", "--stdin"]).stdin(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while fs::read_dir(job.at("repo/locks")).unwrap().next().is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the other process locks nothing");
        std::thread::sleep(Duration::from_millis(5));
    }
    let proof = job.verify();
    drop(other.stdin.take());
    other.wait().unwrap();
    assert_eq!((proof.outcome(), proof.cause()), ("obstructed", "locked"), "{}\n{}", proof.report.sentence, proof.text);
    assert_eq!(job.verify().outcome(), "done");
}

#[test]
fn restic_130_a_signal_is_a_stop() {
    let mut job = with_repository();
    let begun = format!("[ -n \"$(ls {})\" ]", job.at("repo/locks").display());
    for signal in ["INT", "TERM"] {
        job.config["executable"] = json!(signalled(&job, "restic", signal, &begun));
        let run = job.run();
        assert_eq!(
            (run.outcome(), run.cause()),
            ("cancelled", "stopped"),
            "{signal}: {}\n{}",
            run.report.sentence,
            run.text
        );
        assert!(restic(&job.at("repo")).arg("unlock").status().unwrap().success());
    }
}

#[test]
fn restic_a_full_disk_is_an_obstacle() {
    if can_mount() {
        let mut job = with_repository();
        fs::rename(job.at("repo"), job.at("made")).unwrap();
        fs::create_dir(job.at("repo")).unwrap();
        let fill = format!("cp -r {}/. \"$PLACE\"", job.at("made").display());
        job.config["executable"] = json!(on_full_disk(&job, "restic", &job.at("repo"), &fill));
        assert_full(&job.run());
    }
}
