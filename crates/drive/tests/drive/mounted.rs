//! Drives that are really mounted: what only the operating system can do. These need root; elsewhere
//! they say so and pass, and the same faults are ordered in `faults`.

use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom_drive::{Backing, Drive, DriveError, DriveErrorKind};
use strongroom_model::event::{ReadBack, SyncMethod};
use strongroom_model::{AlarmKind, Algorithm, ByteCount};

use crate::rig::{open, place_of, proof_of, receive, record, refused, set_up, sha256sum_passes};

/// A file system, mounted in a folder of its own until it is dropped.
struct Mounted {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Mounted {
    /// `None` where we may not mount.
    fn tmpfs(size: &str) -> Option<Self> {
        Self::mount(&["-t", "tmpfs", "-o", size, "tmpfs"])
    }

    fn mount(arguments: &[&str]) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("drive");
        std::fs::create_dir(&root).unwrap();
        let mounted = Self { _dir: dir, root };
        if mounted.run("mount", arguments) { Some(mounted) } else { skipped() }
    }

    /// Unmounts it as a person does, who is told where something on it is held open.
    fn unmount(&self) {
        // Another test's child process has every descriptor for the moment between fork and exec.
        let tries = (0..1000).find(|_| {
            std::thread::sleep(std::time::Duration::from_millis(10));
            self.run("umount", &[])
        });
        assert!(tries.is_some(), "something on the drive is held open");
    }

    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        Command::new(program).args(arguments).arg(&self.root).output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        self.run("umount", &["-l"]);
    }
}

#[expect(clippy::print_stderr, reason = "a test that cannot run here must not look as if it had")]
fn skipped<T>() -> Option<T> {
    eprintln!("skipped: this needs root, to mount a file system");
    None
}

fn land(drive: &Drive, index: usize, bytes: &[u8]) -> Result<String, DriveError> {
    Ok(crate::rig::land(drive, &format!("B-{index}"), "x", bytes)?.path)
}

#[test]
fn r6_a_full_drive_is_seen_before_the_first_failed_write_and_work_goes_on_when_there_is_room() {
    let Some(mounted) = Mounted::tmpfs("size=1m") else { return };
    let drive = set_up(&mounted.root);
    let bytes = vec![1; 16 << 10];
    let mut landed = Vec::new();
    let error = (0..100).find_map(|index| land(&drive, index, &bytes).map(|path| landed.push(path)).err()).unwrap();
    assert!(
        matches!(error, DriveError { kind: DriveErrorKind::Full { .. }, .. }),
        "not by a write that failed: {error}"
    );
    assert_eq!(error.obstacle().unwrap().kind, AlarmKind::DriveFull);
    assert!((40..64).contains(&landed.len()), "{}", landed.len());
    for path in &landed {
        assert_eq!(std::fs::read(mounted.root.join(path)).unwrap(), bytes);
    }
    assert!(!mounted.root.join(format!("acme/2026-11/data/B-{}", landed.len())).exists());

    assert!(mounted.run("mount", &["-o", "remount,size=4m"]));
    for index in 0..100 {
        land(&drive, index, &bytes).unwrap();
    }
}

#[test]
fn r6_a_drive_that_fills_up_under_us_is_full_and_not_a_files_fault() {
    let Some(mounted) = Mounted::tmpfs("size=1m") else { return };
    let drive = set_up(&mounted.root);
    let bytes = vec![1; 512 << 10];
    let mut partial = drive.receive(&place_of("B-1", "x", &bytes)).unwrap();
    partial.write(&bytes[..1000]).unwrap();
    std::fs::write(mounted.root.join("somebody else's"), vec![1; 900 << 10]).unwrap();
    let error = partial.write(&bytes[1000..]).unwrap_err();
    assert!(matches!(error, DriveError { kind: DriveErrorKind::NoRoom, .. }), "{error}");
    assert_eq!(error.obstacle().unwrap().kind, AlarmKind::DriveFull);
    partial.finish().unwrap_err();

    std::fs::remove_file(mounted.root.join("somebody else's")).unwrap();
    // A process that another test is just starting may hold a copy of its descriptor for a moment.
    let has_room = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        drive.check(ByteCount(512 << 10)).is_ok()
    });
    assert!(has_room);
    land(&drive, 1, &bytes).unwrap();
}

#[test]
fn r6_a_read_only_drive_is_refused_before_anything_is_tried() {
    let Some(mounted) = Mounted::tmpfs("size=1m") else { return };
    let drive = set_up(&mounted.root);
    let path = land(&drive, 1, b"x").unwrap();
    // A process that another test is just starting may hold a copy of a lock's descriptor for a moment.
    let remounted = (0..100).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        mounted.run("mount", &["-o", "remount,ro"])
    });
    assert!(remounted);
    let kind = |error: DriveError| error.obstacle().unwrap().kind;
    assert_eq!(kind(open(&mounted.root).unwrap_err()), AlarmKind::DriveReadOnly);
    assert_eq!(kind(drive.check(ByteCount(0)).unwrap_err()), AlarmKind::DriveReadOnly);
    assert_eq!(kind(land(&drive, 2, b"y").unwrap_err()), AlarmKind::DriveReadOnly);
    // Reading is well, and so is asking who it is.
    drive.read_back(&path, Algorithm::Sha256).unwrap();
    Drive::look(&mounted.root).unwrap();
    assert!(mounted.run("mount", &["-o", "remount,rw"]));
    land(&drive, 2, b"y").unwrap();
}

#[test]
fn r6_a_drive_unmounted_under_us_gets_nothing_written_into_the_folder_beneath() {
    let Some(mounted) = Mounted::tmpfs("size=1m") else { return };
    let drive = set_up(&mounted.root);
    let received = receive(&drive, &place_of("B-1", "x", b"hello"), b"hello").unwrap();
    assert!(mounted.run("umount", &["-l"]));
    let errors = [
        drive.commit(vec![received]).pop().unwrap().map(drop),
        drive.receive(&place_of("B-2", "x", b"x")).map(drop),
        drive.check(ByteCount(0)),
        drive.read_back("acme/2026-11/data/B-1/x", Algorithm::Sha256).map(drop),
    ];
    for error in errors {
        assert_eq!(error.unwrap_err().obstacle().unwrap().kind, AlarmKind::DriveMissing);
    }
    assert_eq!(std::fs::read_dir(&mounted.root).unwrap().count(), 0);
}

#[test]
fn r6_another_mount_over_a_file_in_hand_is_noticed_even_with_the_same_identity() {
    let Some(mounted) = Mounted::tmpfs("size=1m") else { return };
    let drive = set_up(&mounted.root);
    let received = receive(&drive, &place_of("B-1", "x", b"hello"), b"hello").unwrap();
    let identity = std::fs::read(mounted.root.join(".strongroom/drive.json")).unwrap();
    assert!(mounted.run("mount", &["-t", "tmpfs", "tmpfs"]));
    std::fs::create_dir(mounted.root.join(".strongroom")).unwrap();
    std::fs::write(mounted.root.join(".strongroom/drive.json"), identity).unwrap();
    assert!(matches!(refused(drive.commit(vec![received]).remove(0)), DriveErrorKind::Unmounted));
    assert!(mounted.run("umount", &["-l"]));
    land(&drive, 1, b"hello").unwrap();
}

#[test]
fn between_runs_a_drive_can_be_unmounted() {
    let Some(mounted) = Mounted::tmpfs("size=1m") else { return };
    let drive = set_up(&mounted.root);
    let path = land(&drive, 1, b"hello").unwrap();
    drive.read_back(&path, Algorithm::Sha256).unwrap();
    drive.check(ByteCount(0)).unwrap();
    mounted.unmount();
    assert_eq!(drive.check(ByteCount(0)).unwrap_err().obstacle().unwrap().kind, AlarmKind::DriveMissing);
}

#[test]
fn a_file_system_of_which_nothing_is_known_gets_an_fsync_for_each_file() {
    let layers = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let layer = |name: &str| {
        std::fs::create_dir(layers.path().join(name)).unwrap();
        layers.path().join(name).to_str().unwrap().to_owned()
    };
    let options = format!("lowerdir={},upperdir={},workdir={}", layer("lower"), layer("upper"), layer("work"));
    let Some(mounted) = Mounted::mount(&["-t", "overlay", "-o", &options, "overlay"]) else { return };
    let drive = set_up(&mounted.root);
    let landed = crate::rig::land(&drive, "B-1", "x", &[7; 10_000]).unwrap();
    assert_eq!(landed.sync, SyncMethod::Fsync);
    let read = drive.read_back(&landed.path, Algorithm::Sha256).unwrap();
    assert_eq!((read.method, read.pair), (ReadBack::Cached, landed.pair.clone()));
    record(&drive, &[proof_of(&landed)]);
    sha256sum_passes(&mounted.root.join("acme/2026-11"));
}

/// An ext4 file system whose folders do not tell `FILE` from `file`, as exFAT's and NTFS's do not.
fn without_case(image: &Path) -> Option<Mounted> {
    std::fs::File::create(image).unwrap().set_len(32 << 20).unwrap();
    let made = Command::new("/sbin/mkfs.ext4").args(["-q", "-O", "casefold"]).arg(image).output();
    if !made.is_ok_and(|output| output.status.success()) {
        return skipped();
    }
    let mounted = Mounted::mount(&["-o", "loop", image.to_str().unwrap()])?;
    // Folders below inherit it.
    let drive = mounted.root.join("drive");
    std::fs::create_dir(&drive).unwrap();
    let folded = Command::new("chattr").arg("+F").arg(&drive).output();
    if folded.is_ok_and(|output| output.status.success()) { Some(mounted) } else { skipped() }
}

#[test]
fn bookings_that_differ_in_case_are_both_kept_where_the_file_system_does_not_tell_them_apart() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(mounted) = without_case(&dir.path().join("image")) else { return };
    let root = mounted.root.join("drive");
    let drive = set_up(&root);
    // Both processes have looked at the empty bag before the first folder is made.
    let other = open(&root).unwrap();
    let held = other.receive(&place_of("warm-up", "x", b"x")).unwrap();
    let mut landed = Vec::new();
    for (drive, booking) in [(&drive, "FILE"), (&other, "file"), (&drive, "File")] {
        landed.push(crate::rig::land(drive, booking, "x", booking.as_bytes()).unwrap());
    }
    drop(held);
    record(&drive, &landed.iter().map(proof_of).collect::<Vec<_>>());
    for (landed, booking) in landed.iter().zip(["FILE", "file", "File"]) {
        assert_eq!(std::fs::read(root.join(&landed.path)).unwrap(), booking.as_bytes());
    }
    sha256sum_passes(&root.join("acme/2026-11"));
    // The same booking, asked for once more, is found and not made twice.
    assert!(other.receive(&place_of("file", "x", b"file")).unwrap().is_complete());
}

#[test]
fn a_filename_that_only_differs_in_case_does_not_replace_the_other() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(mounted) = without_case(&dir.path().join("image")) else { return };
    let root = mounted.root.join("drive");
    let drive = set_up(&root);
    let mut paths = Vec::new();
    for (name, bytes) in [("FILE.pdf", b"one"), ("file.pdf", b"two")] {
        let landed = crate::rig::land(&drive, "B-1", name, bytes).unwrap();
        record(&drive, &[proof_of(&landed)]);
        paths.push(landed.path);
    }
    assert_eq!(std::fs::read(root.join(&paths[0])).unwrap(), b"one");
    assert_eq!(std::fs::read(root.join(&paths[1])).unwrap(), b"two");
    sha256sum_passes(&root.join("acme/2026-11"));
}

#[test]
fn a_booking_that_is_called_as_the_bags_text_is_kept_where_case_is_not_told_apart() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(mounted) = without_case(&dir.path().join("image")) else { return };
    let root = mounted.root.join("drive");
    let bag = root.join("acme/2026-11");
    // An older version gave it this very folder, and was killed before the first proof.
    std::fs::create_dir_all(bag.join("data/readme.txt")).unwrap();
    std::fs::write(bag.join("data/readme.txt/x"), b"older").unwrap();
    let drive = set_up(&root);
    let mut landed = Vec::new();
    for booking in ["B-1", "README.TXT", "readme.txt"] {
        landed.push(crate::rig::land(&drive, booking, "x", booking.as_bytes()).unwrap());
        sha256sum_passes(&bag);
    }
    record(&drive, &landed.iter().map(proof_of).collect::<Vec<_>>());
    for (landed, booking) in landed.iter().zip(["B-1", "README.TXT", "readme.txt"]) {
        assert_eq!(std::fs::read(root.join(&landed.path)).unwrap(), booking.as_bytes());
    }
    assert!(bag.join("data/README=~2.txt").is_file());
    sha256sum_passes(&bag);
}

#[test]
fn a_ram_disk_is_never_said_to_be_read_from_the_device() {
    let Some(mounted) = Mounted::tmpfs("size=1m") else { return };
    let drive = set_up(&mounted.root);
    let path = land(&drive, 1, b"hello").unwrap();
    assert_eq!(drive.read_back(&path, Algorithm::Sha256).unwrap().method, ReadBack::Cached);
}

#[test]
fn r6_what_is_in_memory_is_refused_though_it_has_a_drives_identity() {
    let Some(mounted) = Mounted::tmpfs("size=1m") else { return };
    let disk = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    if Drive::backing_of(disk.path()).unwrap() == Backing::Memory {
        return;
    }
    Drive::init(disk.path(), "Blue", crate::rig::now()).unwrap();
    std::fs::create_dir(mounted.root.join(".strongroom")).unwrap();
    let identity = std::path::Path::new(".strongroom/drive.json");
    std::fs::copy(disk.path().join(identity), mounted.root.join(identity)).unwrap();
    assert!(matches!(refused(open(&mounted.root)), DriveErrorKind::InMemory));
}

#[test]
fn r1_a_file_that_is_mounted_as_a_disk_is_never_said_to_be_read_from_the_device() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(mounted) = ext4_in(&dir.path().join("image"), false) else { return };
    let drive = set_up(&mounted.root);
    let path = land(&drive, 1, &[7; 8000]).unwrap();
    assert_eq!(drive.read_back(&path, Algorithm::Sha256).unwrap().method, ReadBack::Cached);
    let (why, step) = Drive::backing_of(&mounted.root).unwrap().reason().unwrap();
    assert!(why.contains("loop device") && step.contains("losetup --direct-io"), "{why}; {step}");
}

/// An ext4 file system in a file, whose bytes can be changed beneath the page cache; through a loop device that reads
/// the file past its page cache, or not.
fn ext4_in(image: &Path, direct: bool) -> Option<Mounted> {
    std::fs::File::create(image).unwrap().set_len(32 << 20).unwrap();
    let made = Command::new("/sbin/mkfs.ext4").arg("-q").arg(image).output();
    if !made.is_ok_and(|output| output.status.success()) {
        return skipped();
    }
    let mounted = Mounted::mount(&["-o", "loop", image.to_str().unwrap()])?;
    if direct {
        // Not every disk's blocks fit those of the file system in the file.
        let device = rustix::fs::stat(&mounted.root).unwrap().st_dev;
        let name = format!("/dev/loop{}", rustix::fs::minor(device));
        let set = Command::new("losetup").args(["--direct-io=on", &name]).output();
        let device = Drive::backing_of(&mounted.root).unwrap() == Backing::Device;
        return if set.is_ok_and(|set| set.status.success()) && device { Some(mounted) } else { skipped() };
    }
    Some(mounted)
}

#[test]
fn r1_a_byte_flipped_on_the_device_is_seen_though_the_page_cache_holds_the_right_one() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let image = dir.path().join("image");
    let Some(mounted) = ext4_in(&image, true) else { return };
    let drive = set_up(&mounted.root);
    let mark = b"this sentence stands nowhere else on the device";
    let bytes = [&mark[..], &[7; 8000]].concat();
    let path = land(&drive, 1, &bytes).unwrap();
    let clean = drive.read_back(&path, Algorithm::Sha256).unwrap();
    assert_eq!(clean.method, ReadBack::Direct);
    // It is in the page cache again.
    assert_eq!(std::fs::read(mounted.root.join(&path)).unwrap(), bytes);

    let mut device = std::fs::read(&image).unwrap();
    let at = device.windows(mark.len()).position(|window| window == mark).unwrap();
    device[at] ^= 1;
    let opened = std::fs::OpenOptions::new().write(true).open(&image).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&opened, &device[at..=at], at as u64).unwrap();

    assert_eq!(std::fs::read(mounted.root.join(&path)).unwrap(), bytes, "the page cache still says that all is well");
    let read = drive.read_back(&path, Algorithm::Sha256).unwrap();
    assert_ne!(read.pair, clean.pair);
    assert_eq!(read.method, ReadBack::Direct);
}

#[test]
fn a_whole_job_works_on_a_drive_of_its_own() {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let Some(mounted) = ext4_in(&dir.path().join("image"), false) else { return };
    let drive = set_up(&mounted.root);
    for index in 0..20 {
        let landed = crate::rig::land(&drive, &format!("B-{index}"), "x", &[index]).unwrap();
        record(&drive, &[proof_of(&landed)]);
    }
    sha256sum_passes(&mounted.root.join("acme/2026-11"));
    mounted.unmount();
}
