//! One source, read once, and several drives that it is copied to.

use std::fs;
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, SystemTime};

use strongroom_drive::{
    Copied, CopyOrder, Destination, Drive, DriveErrorKind, LoggedCopy, ProvenRead, commit_each, copy_to_each,
};
use strongroom_model::{Algorithm, ByteCount, Digest};

use crate::rig::{NONE, Rig, leave_partial, month, open, place_of, proof_of, record, refused, site};
use crate::validator::faults_of;

const LARGE: usize = (5 << 20) + 777;

fn large() -> Vec<u8> {
    (0..LARGE).map(|at| (at % 251) as u8).collect()
}

fn order(path: &str, place: Destination) -> CopyOrder {
    CopyOrder { path: path.to_owned(), place }
}

/// A source with one proven copy, and drives to copy it to.
struct Copying {
    source: Rig,
    targets: Vec<Rig>,
    order: CopyOrder,
    bytes: Vec<u8>,
}

impl Copying {
    fn new(targets: usize, bytes: Vec<u8>) -> Self {
        let source = Rig::new();
        let landed = source.prove("B-1", "x.pdf", &bytes);
        let order = order(&landed.path, place_of("B-1", "x.pdf", &bytes));
        Self { source, targets: (0..targets).map(|_| Rig::new()).collect(), order, bytes }
    }

    fn copy(&self) -> Copied {
        let targets: Vec<_> = self.targets.iter().map(|target| &target.drive).collect();
        copy_to_each(&self.source.drive, &self.order, &targets).unwrap()
    }

    fn at_target(&self, index: usize) -> Vec<u8> {
        fs::read(self.targets[index].root.join(&self.order.path)).unwrap()
    }

    fn read_of_source(&self) -> LoggedCopy {
        LoggedCopy { sha256: self.order.place.expected.clone(), size: Some(self.order.place.size) }
    }
}

/// Commits and proves what a target received, as the stage does.
fn land(drive: &Drive, received: strongroom_drive::Received) -> String {
    let landed = drive.commit(vec![received]).remove(0).unwrap();
    let read = drive.read_back(&landed.path, Algorithm::Sha256).unwrap();
    assert_eq!(read.pair.sha256, landed.pair.sha256);
    record(drive, &[proof_of(&landed)]);
    drive.fold(&site()).unwrap();
    landed.path
}

#[test]
fn a_source_read_once_lands_on_every_target_at_its_path_and_with_its_time() {
    let copying = Copying::new(3, large());
    let at = SystemTime::UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_456_000);
    let source = copying.source.root.join(&copying.order.path);
    fs::File::options().append(true).open(&source).unwrap().set_modified(at).unwrap();
    let copied = copying.copy();
    assert!(!copied.source_differs(&copying.order));
    let Some(ProvenRead::Read { result, .. }) = &copied.source else { panic!("{:?}", copied.source) };
    assert_eq!(result.pair.sha256, Digest::of(Algorithm::Sha256, &copying.bytes));
    assert_eq!(result.method, copying.source.best_read_back());
    for (index, received) in copied.targets.into_iter().enumerate() {
        assert_eq!(land(&copying.targets[index].drive, received.unwrap()), copying.order.path);
        assert!(copying.at_target(index) == copying.bytes);
        let target = copying.targets[index].root.join(&copying.order.path);
        assert_eq!(fs::metadata(target).unwrap().modified().unwrap(), at);
        assert_eq!(faults_of(&copying.targets[index].bag()), NONE);
        assert_eq!(copying.targets[index].copies(), copying.source.copies());
    }
}

#[test]
fn r5_a_source_that_reads_wrong_leaves_nothing_on_any_target() {
    let copying = Copying::new(2, large());
    let mut rotten = copying.bytes.clone();
    rotten[LARGE - 5] ^= 1;
    fs::write(copying.source.root.join(&copying.order.path), rotten).unwrap();
    let copied = copying.copy();
    assert!(copied.source_differs(&copying.order));
    for (target, received) in copying.targets.iter().zip(copied.targets) {
        assert!(matches!(refused(received), DriveErrorKind::WrongBytes));
        assert_eq!(target.files(), NONE);
    }
    fs::write(copying.source.root.join(&copying.order.path), b"short").unwrap();
    let copied = copying.copy();
    assert_eq!(copied.source, Some(ProvenRead::OtherSize(ByteCount(5))));
    assert!(copied.source_differs(&copying.order) && copied.targets.iter().all(Result::is_err));
    assert!(copying.targets.iter().all(|target| target.files().is_empty()));
}

#[test]
fn a_source_that_is_gone_is_the_sources_error() {
    let copying = Copying::new(1, b"x".to_vec());
    fs::remove_file(copying.source.root.join(&copying.order.path)).unwrap();
    let copied = copy_to_each(&copying.source.drive, &copying.order, &[&copying.targets[0].drive]);
    assert!(matches!(refused(copied), DriveErrorKind::CopyMissing));
    assert_eq!(copying.targets[0].files(), NONE);
}

#[test]
fn a_copy_that_was_cut_goes_on_and_one_that_is_there_is_not_read_again() {
    let copying = Copying::new(2, large());
    leave_partial(&copying.targets[0].drive, &copying.order.place, &copying.bytes[..LARGE / 2]);
    let copied = copying.copy();
    for (target, received) in copying.targets.iter().zip(copied.targets) {
        land(&target.drive, received.unwrap());
    }
    assert!(copying.at_target(0) == copying.bytes && copying.at_target(1) == copying.bytes);
    let again = copying.copy();
    assert_eq!(again.source, None);
    let again = again
        .targets
        .into_iter()
        .zip(&copying.targets)
        .map(|(received, target)| target.drive.commit(vec![received.unwrap()]).remove(0).unwrap());
    assert!(again.into_iter().all(|landed| landed.adopted && landed.path == copying.order.path));
}

#[test]
fn a_resumed_copy_whose_first_bytes_are_wrong_begins_again() {
    let copying = Copying::new(1, large());
    leave_partial(&copying.targets[0].drive, &copying.order.place, &vec![7; LARGE / 2]);
    let copied = copying.copy();
    land(&copying.targets[0].drive, copied.targets.into_iter().next().unwrap().unwrap());
    assert!(copying.at_target(0) == copying.bytes);
}

#[test]
fn a_copy_goes_elsewhere_only_where_its_path_is_taken() {
    let copying = Copying::new(1, b"right".to_vec());
    let target = &copying.targets[0];
    target.prove("B-1", "x.pdf", b"another log's");
    let received = copying.copy().targets.remove(0).unwrap();
    let path = land(&target.drive, received);
    assert_ne!(path, copying.order.path);
    assert_eq!(fs::read(target.root.join(&path)).unwrap(), b"right");
    assert_eq!(copying.at_target(0), b"another log's");
    assert_eq!(faults_of(&target.bag()), NONE);
}

#[test]
fn a_variants_path_is_kept_on_the_copy() {
    let source = Rig::new();
    source.prove("B-1", "x.pdf", b"first");
    let second = source.prove("B-1", "x.pdf", b"second");
    assert!(second.path.contains("=~"), "{}", second.path);
    let target = Rig::new();
    let copied =
        copy_to_each(&source.drive, &order(&second.path, place_of("B-1", "x.pdf", b"second")), &[&target.drive]);
    let received = copied.unwrap().targets.remove(0).unwrap();
    assert_eq!(land(&target.drive, received), second.path);
}

#[test]
fn r9_a_path_of_another_bag_is_refused() {
    let copying = Copying::new(1, b"x".to_vec());
    for path in ["acme/2026-10/data/B-1/x.pdf", "acme/2026-11/x", "../x", "acme/2026-11/data/B-1/.strongroom.x-1.part"]
    {
        let refused = refused(copying.targets[0].drive.receive_copy(path, &copying.order.place));
        assert!(matches!(refused, DriveErrorKind::BadPath), "{path}");
    }
}

#[test]
fn several_drives_commit_at_once() {
    let copying = Copying::new(2, b"x".to_vec());
    let copied = copying.copy();
    let received: Vec<_> = copied.targets.into_iter().map(|received| vec![received.unwrap()]).collect();
    let drives = copying.targets.iter().map(|target| &target.drive);
    for landed in commit_each(drives.zip(received).collect()) {
        assert_eq!(landed[0].as_ref().unwrap().path, copying.order.path);
    }
}

#[test]
fn a_sink_that_wants_no_more_ends_the_reading() {
    let copying = Copying::new(0, large());
    let mut given = 0;
    let read = copying.source.drive.read_proven(&copying.order.path, &copying.read_of_source(), &mut |bytes| {
        given += bytes.len();
        if given > 2 << 20 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    assert_eq!(read.unwrap(), ProvenRead::Stopped);
    assert!(given < LARGE);
}

fn files_below(root: &Path) -> Vec<(String, Vec<u8>)> {
    let output = std::process::Command::new("find").args(["-type", "f"]).current_dir(root).output().unwrap();
    let mut files: Vec<_> = String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect();
    files.sort();
    files.into_iter().map(|path| (path.clone(), fs::read(root.join(path)).unwrap())).collect()
}

#[test]
fn r6_a_drive_that_is_opened_for_reading_is_read_and_never_written_to() {
    let rig = Rig::new();
    let landed = rig.prove("B-1", "x.pdf", b"proven");
    let other = rig.land("B-2", "x.pdf", b"unproven");
    let before = files_below(&rig.root);
    let reading = Drive::open_read_only(&rig.root, Some(rig.drive.identity().id)).unwrap();
    reading.read_back(&landed.path, Algorithm::Sha256).unwrap();
    assert_eq!(reading.listed_copies(&site(), month()).unwrap().len(), 1);
    assert!(reading.lists(&site(), month(), &[proof_of(&landed)]).unwrap());
    assert!(reading.foreign(|| true).is_ok() && reading.holds_unicode().unwrap());
    let refusals = [
        refused(reading.check(ByteCount(0))),
        refused(reading.receive(&place_of("B-3", "x", b"x"))),
        refused(reading.receive_copy("acme/2026-11/data/B-3/x", &place_of("B-3", "x", b"x"))),
        refused(reading.record(&site(), month(), &[proof_of(&other)]).remove(0)),
        refused(reading.fold(&site()).and_then(|_| reading.quarantine(&other.path, None))),
        refused(reading.discard(&other.path, None)),
        refused(reading.recover(&site(), &crate::rig::recovery())),
        refused(reading.mark_use(&site(), strongroom_model::DriveUse::after(None, &[]))),
    ];
    for refusal in refusals {
        assert!(matches!(refusal, DriveErrorKind::OpenedReadOnly), "{refusal:?}");
    }
    assert!(files_below(&rig.root) == before);
    let expected = "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8a11".parse().unwrap();
    assert!(matches!(refused(Drive::open_read_only(&rig.root, Some(expected))), DriveErrorKind::OtherDrive { .. }));
}

#[test]
fn what_is_left_of_a_drive_is_read_for_a_restoration_though_it_is_only_a_copy() {
    let rig = Rig::new();
    rig.prove("B-1", "x.pdf", b"proven");
    let copy = rig.root.with_file_name("copy");
    let copied = std::process::Command::new("cp").arg("-a").args([&rig.root, &copy]).status().unwrap();
    assert!(copied.success());
    if open(&copy).is_err() {
        assert!(matches!(refused(Drive::open_read_only(&copy, None)), DriveErrorKind::Copied(_)));
    }
    let reading = Drive::open_any_copy(&copy).unwrap();
    assert_eq!(reading.listed_copies(&site(), month()).unwrap().len(), 1);
    assert!(matches!(refused(reading.check(ByteCount(0))), DriveErrorKind::OpenedReadOnly));
}
