//! Filling the server from a folder.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use strongroom_model::wire::{AnswerOutcome, ServerState};
use strongroom_server::import::{ImportReport, import_folder};

use super::rig::Rig;

fn write(path: &Path, body: &[u8], modified_s: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, body).unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(modified_s)).unwrap();
}

async fn import(rig: &Rig, folder: &Path) -> ImportReport {
    import_folder(rig.documents(), folder, |_| {}).await.unwrap()
}

#[tokio::test]
async fn files_below_the_root_are_adopted_where_they_lie() {
    let rig = Rig::start().await;
    write(&rig.file("2026/Week 47.pdf"), b"47", 200);
    write(&rig.file("old.pdf"), b"old", 100);
    write(&rig.file("archived/2026-10/gone.pdf"), b"gone", 50);

    let report = import(&rig, &rig.file("")).await;
    assert_eq!((report.imported, report.already, report.skipped), (2, 0, 0), "{report:?}");
    let waiting = rig.waiting("").await;
    let listed: Vec<_> = waiting.bookings.iter().map(|b| (b.filename.as_str(), b.signed_off_at.as_second())).collect();
    assert_eq!(listed, [("old.pdf", 100), ("Week 47.pdf", 200)]);
    let id = &waiting.bookings[1].id;
    assert!(id.starts_with("Week-47-"), "{id}");
    assert_eq!(rig.info(id).await.timesheet.unwrap().path, "2026/Week 47.pdf");
    assert_eq!(rig.files(), ["2026/Week 47.pdf", "archived/2026-10/gone.pdf", "old.pdf"]);
}

#[tokio::test]
async fn importing_again_adds_nothing_whatever_became_of_the_bookings() {
    let rig = Rig::start().await;
    for name in ["a/one.pdf", "a/two.pdf", "three.pdf"] {
        write(&rig.file(name), name.as_bytes(), 100);
    }
    assert_eq!(import(&rig, &rig.file("a")).await.imported, 2);
    let again = import(&rig, &rig.file("")).await;
    assert_eq!((again.imported, again.already), (1, 2));

    let ids: Vec<_> = rig.waiting("").await.bookings.into_iter().map(|booking| booking.id).collect();
    rig.mark_one(&ids[0]).await;
    assert_eq!(rig.move_to_archived(&[&ids[0]]).await[0].outcome, AnswerOutcome::Done);
    assert_eq!(import(&rig, &rig.file("")).await.imported, 0);
    // The same file turns up at its old place again: it is the same booking.
    let path = rig.info(&ids[0]).await.timesheet.unwrap().path;
    let old = path.strip_prefix("archived/2026-11/").unwrap();
    fs::copy(rig.file(&path), rig.file(old)).unwrap();
    let again = import(&rig, &rig.file("")).await;
    assert_eq!((again.imported, again.already, again.skipped), (0, 3, 0));
}

#[tokio::test]
async fn other_files_are_copied_in_and_the_originals_stay_as_they_were() {
    let rig = Rig::start().await;
    let folder = rig.dir.path().join("scans");
    write(&folder.join("a/x.pdf"), b"x", 100);
    write(&folder.join("empty"), b"", 101);
    let before = fs::metadata(folder.join("a/x.pdf")).unwrap().modified().unwrap();

    let report = import(&rig, &folder).await;
    assert_eq!((report.imported, report.imported_bytes.0, report.skipped), (2, 1, 0), "{report:?}");
    assert_eq!(rig.files(), ["imported/scans/a/x.pdf", "imported/scans/empty"]);
    assert_eq!(fs::read(folder.join("a/x.pdf")).unwrap(), b"x");
    assert_eq!(fs::metadata(folder.join("a/x.pdf")).unwrap().modified().unwrap(), before);
    assert_eq!(rig.waiting("").await.bookings[0].signed_off_at.as_second(), 100);

    // Again, by another spelling, and through the copies themselves.
    symlink(&folder, rig.dir.path().join("link")).unwrap();
    assert_eq!(import(&rig, &rig.dir.path().join("link")).await.already, 2);
    assert_eq!(import(&rig, &rig.file("")).await.already, 2);
    assert_eq!(rig.files().len(), 2);
}

#[tokio::test]
async fn a_changed_file_is_another_booking_and_both_are_kept() {
    let rig = Rig::start().await;
    let folder = rig.dir.path().join("scans");
    write(&folder.join("x.pdf"), b"first", 100);
    assert_eq!(import(&rig, &folder).await.imported, 1);
    write(&folder.join("x.pdf"), b"second", 200);
    assert_eq!(import(&rig, &folder).await.imported, 1);
    assert_eq!(rig.files(), ["imported/scans/x (2).pdf", "imported/scans/x.pdf"]);
    assert_eq!(fs::read(rig.file("imported/scans/x (2).pdf")).unwrap(), b"second");
    assert_eq!(import(&rig, &folder).await.already, 1);
}

#[tokio::test]
async fn what_cannot_be_taken_is_listed_and_keeps_nothing_else_from_being_taken() {
    let rig = Rig::start().await;
    write(&rig.file("good.pdf"), b"good", 100);
    write(&rig.dir.path().join("outside/secret"), b"secret", 100);
    symlink(rig.dir.path().join("outside/secret"), rig.file("link")).unwrap();
    symlink(rig.dir.path().join("outside"), rig.file("linked folder")).unwrap();
    let pipe = std::process::Command::new("mkfifo").arg(rig.file("pipe")).status().unwrap();
    assert!(pipe.success());

    let report = import(&rig, &rig.file("")).await;
    assert_eq!((report.imported, report.skipped), (1, 3));
    for (remark, name) in report.skips.iter().zip(["link", "linked folder", "pipe"]) {
        assert!(remark.what.ends_with(&format!("documents/{name}")), "{remark:?}");
        assert!(remark.why.contains("not a regular file"), "{remark:?}");
    }
}

#[tokio::test]
async fn an_unreadable_file_is_left_out_with_the_reason() {
    let rig = Rig::start().await;
    write(&rig.file("closed.pdf"), b"closed", 100);
    fs::set_permissions(rig.file("closed.pdf"), fs::Permissions::from_mode(0o000)).unwrap();
    if fs::read(rig.file("closed.pdf")).is_ok() {
        return; // root reads everything
    }
    let report = import(&rig, &rig.file("")).await;
    assert_eq!((report.imported, report.skipped), (0, 1));
    assert!(report.skips[0].why.contains("cannot be opened"), "{report:?}");
}

#[tokio::test]
async fn r9_names_of_all_kinds_are_taken() {
    let rig = Rig::start().await;
    let names: [&[u8]; 12] = [
        b"caf\xE9.pdf",
        b"caf\xC3\xA9.pdf",
        b"cafe\xCC\x81.pdf",
        b"new\nline",
        b"CON",
        b"a.",
        b"FILE",
        b"file",
        b".hidden",
        b"\xE2\x80\xAEfdp.exe",
        b"<script>",
        b"Bcc: x@example.com",
    ];
    for (count, name) in names.iter().enumerate() {
        write(&rig.file("").join(OsStr::from_bytes(name)), name, count as u64);
    }
    let report = import(&rig, &rig.file("")).await;
    assert_eq!((report.imported, report.skipped), (12, 0), "{report:?}");
    let waiting = rig.waiting("").await;
    assert_eq!(waiting.bookings[0].filename, "caf\\xE9.pdf");
    for (booking, name) in waiting.bookings.iter().zip(names) {
        let content = rig.get(&format!("/v1/bookings/{}/timesheet", booking.id)).await;
        assert_eq!(content.bytes().await.unwrap(), name);
        rig.mark_one(&booking.id).await;
    }
    let ids: Vec<_> = waiting.bookings.iter().map(|booking| booking.id.as_str()).collect();
    let moved = rig.move_to_archived(&ids).await;
    assert!(moved.iter().all(|answer| answer.outcome == AnswerOutcome::Done), "{moved:?}");
    for (booking, name) in waiting.bookings.iter().zip(names) {
        let content = rig.get(&format!("/v1/bookings/{}/timesheet", booking.id)).await;
        assert_eq!(content.bytes().await.unwrap(), name);
        assert_eq!(rig.info(&booking.id).await.state, ServerState::Archived);
    }
}

#[tokio::test]
async fn two_thousand_files_are_imported_and_counted_on_the_way() {
    let rig = Rig::start().await;
    let folder = rig.dir.path().join("scans");
    for count in 0..2000 {
        write(&folder.join(format!("{}/{count}.pdf", count % 40)), &[count as u8; 2000], 100 + count);
    }
    let mut seen = Vec::new();
    let report = import_folder(rig.documents(), &folder, |progress| seen.push(progress.files)).await.unwrap();
    assert_eq!((report.imported, report.skipped), (2000, 0));
    assert!(seen.is_sorted() && seen.last() == Some(&2000), "{seen:?}");
    assert_eq!(rig.waiting("?limit=1").await.waiting, 2000);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_named() {
    let rig = Rig::start().await;
    let error = import_folder(rig.documents(), Path::new("/nowhere"), |_| {}).await.unwrap_err();
    assert_eq!(error.to_string(), "cannot read /nowhere");
}

#[tokio::test]
async fn a_time_that_no_calendar_has_is_said() {
    // ext4 and overlay file systems do not hold such times; a file system in memory does.
    let Ok(folder) = tempfile::tempdir_in("/dev/shm") else {
        return eprintln!("left out: there is no /dev/shm");
    };
    let rig = Rig::start().await;
    for (name, seconds) in [("a.pdf", 253_402_300_800), ("b.pdf", 910_692_648_000), ("c.pdf", 1_700_000_000_i64)] {
        let file = fs::File::create(folder.path().join(name)).unwrap();
        let time = rustix::fs::Timespec { tv_sec: seconds, tv_nsec: 0 };
        rustix::fs::futimens(&file, &rustix::fs::Timestamps { last_access: time, last_modification: time }).unwrap();
    }
    let report = import_folder(rig.documents(), folder.path(), |_| {}).await.unwrap();
    assert_eq!((report.imported, report.warned), (3, 2), "{report:?}");
    assert!(report.warnings.iter().all(|remark| remark.why.contains("no calendar")), "{report:?}");
}
