//! How much a batch's one sync saves over syncing each file, on the file system of the build.
//!
//! `cargo bench -p strongroom-drive` prints files per second and the ratio, which says more
//! than either: the machine divides out.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints what it measured")]

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use strongroom_drive::{Destination, Drive, DriveSettings, ProvenCopy};
use strongroom_model::{Algorithm, ByteCount, Digest};

/// A small timesheet, in bytes.
const FILE_BYTES: usize = 8 << 10;
const FILES: usize = 1024;

fn main() {
    // `cargo test --all-targets` runs this, too, without the argument: then it is enough that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let bytes = vec![7; FILE_BYTES];
    let each = files_per_s(|root| fsync_each(root, &bytes));
    println!("fsync each file and folder: {each:>8.0} files/s");
    for batch in [1, 32, 256] {
        let rate = files_per_s(|root| drop(land(root, &bytes, batch)));
        println!("batches of {batch:>3}:             {rate:>8.0} files/s, {:.1} times as many", rate / each);
    }
    let rate = files_per_s(|root| read_back(root, &bytes));
    println!("batches of 256, read back and listed: {rate:.0} files/s");
}

fn files_per_s(work: impl Fn(&Path)) -> f64 {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let started = Instant::now();
    work(dir.path());
    FILES as f64 / started.elapsed().as_secs_f64()
}

/// What most programs do who sync at all.
fn fsync_each(root: &Path, bytes: &[u8]) {
    for index in 0..FILES {
        let folder = root.join(format!("B-{index}"));
        std::fs::create_dir(&folder).unwrap();
        let mut file = File::create(folder.join(".part")).unwrap();
        file.write_all(bytes).unwrap();
        file.sync_all().unwrap();
        std::fs::rename(folder.join(".part"), folder.join("timesheet.pdf")).unwrap();
        File::open(&folder).unwrap().sync_all().unwrap();
        File::open(root).unwrap().sync_all().unwrap();
    }
}

fn read_back(root: &Path, bytes: &[u8]) {
    let (drive, paths) = land(root, bytes, 256);
    for paths in paths.chunks(256) {
        let wanted: Vec<_> = paths.iter().map(|path| (path.as_str(), Algorithm::Sha256)).collect();
        let proofs: Vec<_> = drive
            .read_back_many(&wanted)
            .into_iter()
            .zip(paths)
            .map(|(read, path)| ProvenCopy { path: path.clone(), sha256: read.unwrap().pair.sha256, seen: None })
            .collect();
        drive.record(&"acme".parse().unwrap(), "2026-11".parse().unwrap(), &proofs).remove(0).unwrap();
    }
}

fn land(root: &Path, bytes: &[u8], batch: usize) -> (Drive, Vec<String>) {
    Drive::init(root, "bench", "2026-11-21T08:30:00Z".parse().unwrap()).unwrap();
    let drive = Drive::open(root, &DriveSettings::default()).unwrap();
    let mut paths = Vec::new();
    for start in (0..FILES).step_by(batch) {
        let files = (start..start + batch).map(|index| {
            let mut partial = drive.receive(&place(index, bytes)).unwrap();
            partial.write(bytes).unwrap();
            partial.finish().unwrap()
        });
        paths.extend(drive.commit(files.collect()).into_iter().map(|landed| landed.unwrap().path));
    }
    (drive, paths)
}

fn place(index: usize, bytes: &[u8]) -> Destination {
    Destination {
        site: "acme".parse().unwrap(),
        month: "2026-11".parse().unwrap(),
        booking: format!("B-{index}").parse().unwrap(),
        filename: "timesheet.pdf".to_owned(),
        expected: Digest::of(Algorithm::Sha256, bytes),
        size: ByteCount(bytes.len() as u64),
    }
}
