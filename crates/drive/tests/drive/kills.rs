//! A process killed between any two durable steps, and started again.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use strongroom_drive::{Destination, Drive, ExpectedFile, ProvenCopy, Recovery};
use strongroom_model::{Algorithm, Digest};

use crate::rig::{
    NONE, Rig, months_pass, of_month, open, place_of, receive, record, recover, recovery, sha256sum_passes, site,
};
use crate::validator::faults_of;

const BOOKINGS: usize = 6;
const BATCH: usize = 3;
const ROOT: &str = "STRONGROOM_TEST_DRIVE";

/// Runs a test of this file in a process that dies there.
fn child(test: &str, root: &Path, variables: &[(&str, &str)]) -> Output {
    run_child(&format!("kills::{test}"), root, variables)
}

/// Runs an ignored test in a process that may die there.
pub(crate) fn run_child(test: &str, root: &Path, variables: &[(&str, &str)]) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--ignored", "--nocapture"])
        .env(ROOT, root)
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(std::env::var_os(ROOT).unwrap())
}

pub(crate) fn succeeded(ran: &Output) {
    let said = String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

fn bytes_of(index: usize) -> Vec<u8> {
    format!("the timesheet of booking {index}").into_bytes()
}

fn place(index: usize) -> Destination {
    place_of(&format!("B-{index}"), "x.pdf", &bytes_of(index))
}

/// Stands in for the log: a line for each event.
struct Log(PathBuf);

impl Log {
    fn beside(root: &Path) -> Self {
        Self(root.with_file_name("log"))
    }

    fn append(&self, event: &str, index: usize, path: &str) {
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&self.0).unwrap();
        file.write_all(format!("{event} {index} {path}\n").as_bytes()).unwrap();
    }

    fn of(&self, event: &str) -> Vec<(usize, String)> {
        let text = std::fs::read_to_string(&self.0).unwrap_or_default();
        text.lines()
            .map(|line| line.splitn(3, ' ').collect::<Vec<_>>())
            .filter(|line| line[0] == event)
            .map(|line| (line[1].parse().unwrap(), line[2].to_owned()))
            .collect()
    }
}

/// What the stages do, from the log's last word on.
fn do_the_job(drive: &Drive, log: &Log) {
    let sha256 = |index| Digest::of(Algorithm::Sha256, &bytes_of(index));
    let fetched: BTreeMap<_, _> = log.of("fetched").into_iter().collect();
    let proven: BTreeMap<_, _> = log.of("proven").into_iter().collect();
    let todo: Vec<_> = (0..BOOKINGS).filter(|index| !fetched.contains_key(index)).collect();
    let unproven: BTreeMap<_, _> = fetched.into_iter().filter(|(index, _)| !proven.contains_key(index)).collect();

    let expected_files: Vec<_> =
        todo.iter().map(|index| ExpectedFile { booking: place(*index).booking, expected: sha256(*index) }).collect();
    let unproven_paths: Vec<_> = unproven.values().cloned().collect();
    let proofs: Vec<_> = proven
        .iter()
        .map(|(index, path)| ProvenCopy { path: path.clone(), sha256: sha256(*index), seen: None })
        .collect();
    let proofs = of_month(&proofs);
    let found = recover(
        drive,
        &Recovery { expected_files: &expected_files, unproven: &unproven_paths, proofs: &proofs, ..recovery() },
    );
    assert_eq!(found.quarantined, NONE, "nothing that is wanted is put aside");

    let verify = |batch: Vec<(usize, String)>| {
        let proofs: Vec<_> = batch
            .iter()
            .map(|(index, path)| {
                let read = drive.read_back(path, Algorithm::Sha256).unwrap();
                assert_eq!(read.pair.sha256, sha256(*index));
                ProvenCopy { path: path.clone(), sha256: read.pair.sha256, seen: Some(read.seen) }
            })
            .collect();
        record(drive, &proofs);
        for (index, path) in batch {
            log.append("proven", index, &path);
        }
    };
    verify(unproven.into_iter().collect());
    for batch in todo.chunks(BATCH) {
        let received = batch.iter().map(|index| receive(drive, &place(*index), &bytes_of(*index)).unwrap());
        let landed = drive.commit(received.collect());
        let landed: Vec<_> = batch.iter().zip(landed).map(|(index, landed)| (*index, landed.unwrap().path)).collect();
        for (index, path) in &landed {
            log.append("fetched", *index, path);
        }
        verify(landed);
    }
    drive.fold(&site()).unwrap();
}

#[test]
#[ignore = "run by other tests, in a process that is killed"]
fn child_does_the_job() {
    do_the_job(&open(&root()).unwrap(), &Log::beside(&root()));
}

#[test]
fn r3_a_kill_between_any_two_durable_steps_loses_nothing_and_does_nothing_twice() {
    let mut places: Vec<String> = Vec::new();
    for name in ["bytes-written", "bytes-synced", "names-synced", "journal-written", "journal-synced"] {
        places.extend((1..=2).map(|passing| format!("drive.{name}:{passing}")));
    }
    places.extend((1..=BOOKINGS).map(|passing| format!("drive.renamed:{passing}")));
    places.extend(
        ["journal-begun", "journal-folded", "manifest-written", "manifest-renamed"]
            .map(|name| format!("drive.{name}:1")),
    );
    places.extend(["begun", "written", "renamed", "named"].map(|step| format!("drive.bag-{step}:1")));
    for place in places {
        killed_at(&place, &[]);
    }
}

#[test]
fn r3_a_kill_between_link_and_unlink_leaves_one_file() {
    for passing in 1..=BOOKINGS {
        killed_at(&format!("files.linked:{passing}"), &[("STRONGROOM_FAULT", "files.rename:1-=22")]);
    }
}

fn killed_at(place: &str, variables: &[(&str, &str)]) {
    let rig = Rig::new();
    let mut with_kill = variables.to_vec();
    with_kill.push(("STRONGROOM_KILL_AT", place));
    let killed = child("child_does_the_job", &rig.root, &with_kill);
    assert_eq!(killed.status.signal(), Some(9), "{place} is never passed: {killed:?}");
    let named = !place.starts_with("drive.bag-begun") && !place.starts_with("drive.bag-written");
    assert_eq!(rig.bag().exists(), named, "{place}");
    months_pass(&rig.root);
    succeeded(&child("child_does_the_job", &rig.root, variables));

    let log = Log::beside(&rig.root);
    for event in ["fetched", "proven"] {
        let mut indexes: Vec<_> = log.of(event).into_iter().map(|(index, _)| index).collect();
        indexes.sort_unstable();
        assert_eq!(indexes, (0..BOOKINGS).collect::<Vec<_>>(), "{place}: {event}");
    }
    assert_eq!(rig.files().len(), BOOKINGS, "{place}: {:?}", rig.files());
    assert_eq!(faults_of(&rig.bag()), NONE, "{place}");
    sha256sum_passes(&rig.bag());
}

#[test]
#[ignore = "run by another test, in a process that is killed"]
fn child_puts_aside() {
    open(&root()).unwrap().quarantine("acme/2026-11/data/B-1/x", None).unwrap();
}

#[test]
fn a_kill_while_a_file_is_put_aside_leaves_a_manifest_that_passes() {
    let rig = Rig::new();
    rig.land("B-1", "x", b"rotten");
    rig.prove("B-2", "x", b"good");
    let killed = child("child_puts_aside", &rig.root, &[("STRONGROOM_KILL_AT", "drive.put-aside")]);
    assert_eq!(killed.status.signal(), Some(9));
    sha256sum_passes(&rig.bag());
    let there = [rig.bag().join("data/B-1/x"), rig.root.join(".strongroom/quarantine/acme/2026-11/data/B-1/x")];
    assert_eq!(there.iter().filter(|path| path.exists()).count(), 1, "it is in one place");
}

#[test]
#[ignore = "run by another test, in a process that is killed"]
fn child_sets_up() {
    Drive::init(&root(), "Blue", crate::rig::now()).unwrap();
}

#[test]
fn a_kill_while_a_drive_is_set_up_leaves_one_that_can_be_set_up() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let killed = child("child_sets_up", dir.path(), &[("STRONGROOM_KILL_AT", "drive.identity-written")]);
    assert_eq!(killed.status.signal(), Some(9));
    open(dir.path()).unwrap_err();
    succeeded(&child("child_sets_up", dir.path(), &[]));
    open(dir.path()).unwrap();
    assert_eq!(std::fs::read_dir(dir.path().join(".strongroom")).unwrap().count(), 1);
}

#[test]
fn a_kill_while_a_bag_without_a_manifest_is_given_one_is_made_good_at_the_next_start() {
    // The text is written, then the manifest; the tag files before them.
    for place in ["drive.manifest-written:1", "drive.manifest-written:3", "drive.manifest-written:4"] {
        let rig = Rig::new();
        std::fs::create_dir_all(rig.bag().join("data/B-9")).unwrap();
        let killed = child("child_does_the_job", &rig.root, &[("STRONGROOM_KILL_AT", place)]);
        assert_eq!(killed.status.signal(), Some(9), "{place}");
        succeeded(&child("child_does_the_job", &rig.root, &[]));
        assert_eq!(rig.files().len(), BOOKINGS, "{place}: {:?}", rig.files());
        assert_eq!(faults_of(&rig.bag()), NONE, "{place}");
        sha256sum_passes(&rig.bag());
    }
}

#[test]
#[ignore = "run by another test, in a process that is killed"]
fn child_meets_a_damaged_manifest() {
    let found = meet(&open(&root()).unwrap());
    assert_eq!(found.len(), 1);
}

/// A start with an empty log: what is unlisted, and with how many digests a kept manifest lists it.
fn meet(drive: &Drive) -> Vec<(String, usize)> {
    let (since, proofs) = (Some("2100-01-01T00:00:00Z".parse().unwrap()), of_month(&[]));
    let found = recover(drive, &Recovery { proofs: &proofs, since, ..recovery() });
    found.unlisted.into_iter().map(|file| (file.path, file.listed_as.len())).collect()
}

#[test]
fn a_kill_while_a_damaged_manifest_is_kept_loses_none_of_its_lines() {
    for place in
        ["drive.put-aside:1", "drive.manifest-written:1", "drive.manifest-written:2", "drive.manifest-renamed:1"]
    {
        let rig = Rig::new();
        let old = rig.prove("B-1", "x", b"proven by a log that was lost");
        std::fs::write(rig.bag().join("manifest-sha256.txt"), format!("{}x", rig.manifest())).unwrap();
        let killed = child("child_meets_a_damaged_manifest", &rig.root, &[("STRONGROOM_KILL_AT", place)]);
        assert_eq!(killed.status.signal(), Some(9), "{place}");
        succeeded(&child("child_meets_a_damaged_manifest", &rig.root, &[]));
        assert_eq!(meet(&rig.drive), [(old.path.clone(), 1)], "{place}");
        rig.record(&[crate::rig::proof_of(&old)]);
        assert_eq!(meet(&rig.drive), [], "{place}");
        assert_eq!(faults_of(&rig.bag()), NONE, "{place}");
    }
}
