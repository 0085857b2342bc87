//! A file's way onto the drive and back.

use strongroom_drive::{DriveError, DriveErrorKind};
use strongroom_model::event::SyncMethod;
use strongroom_model::{Algorithm, ByteCount, Digest, FailureKind};

use crate::rig::{NONE, Rig, land, leave_partial, open, place_of};

#[test]
fn r1_a_file_that_landed_is_read_back_past_the_page_cache() {
    let rig = Rig::new();
    for size in [0, 1, 4095, 4096, 300_000, 3 << 20] {
        let landed = rig.prove(&format!("B-{size}"), "timesheet.pdf", &vec![7; size]);
        assert_eq!(landed.path, format!("acme/2026-11/data/B-{size}/timesheet.pdf"));
        let read = rig.drive.read_back(&landed.path, Algorithm::Sha256).unwrap();
        assert_eq!(read.pair, landed.pair);
        assert_eq!(read.size, ByteCount(size as u64));
        assert_eq!(read.method, rig.best_read_back(), "{size}");
    }
    rig.sha256sum_passes();
}

#[test]
fn a_batch_lands_whole_and_is_read_back_whole() {
    let rig = Rig::new();
    let bytes = |index: usize| vec![u8::try_from(index % 251).unwrap(); 1000 + index];
    let received = (0..256).map(|index| {
        let place = place_of(&format!("B-{index}"), "x.pdf", &bytes(index));
        rig.receive(&place, &bytes(index)).unwrap()
    });
    let landed: Vec<_> = rig.drive.commit(received.collect()).into_iter().map(Result::unwrap).collect();
    let wanted: Vec<_> = landed.iter().map(|landed| (landed.path.as_str(), Algorithm::Md5)).collect();
    for (index, read) in rig.drive.read_back_many(&wanted).into_iter().enumerate() {
        let read = read.unwrap();
        assert_eq!(read.pair.named, Digest::of(Algorithm::Md5, &bytes(index)));
        assert_eq!(read.pair.sha256, landed[index].pair.sha256);
    }
    assert!(landed.iter().all(|landed| landed.sync == SyncMethod::Syncfs || landed.sync == SyncMethod::Fsync));
    assert_eq!(rig.temporaries(), NONE);
}

#[test]
fn a_cut_transfer_goes_on_where_it_was_in_another_process() {
    let rig = Rig::new();
    let place = place_of("B-1", "x.pdf", b"hello, world");
    leave_partial(&rig.drive, &place, b"hello");
    let again = open(&rig.root).unwrap();
    let mut partial = again.receive(&place).unwrap();
    assert_eq!(partial.resumed_from(), ByteCount(5));
    assert!(!partial.is_complete());
    partial.write(b", world").unwrap();
    assert!(partial.is_complete());
    let landed = again.commit(vec![partial.finish().unwrap()]).pop().unwrap().unwrap();
    assert_eq!((landed.pair.named, landed.resumed_from), (place.expected, ByteCount(5)));
    assert_eq!(rig.files(), ["acme/2026-11/data/B-1/x.pdf"]);
}

#[test]
fn only_the_same_content_is_resumed() {
    let rig = Rig::new();
    leave_partial(&rig.drive, &place_of("B-1", "x.pdf", b"old content"), b"old");
    let partial = rig.drive.receive(&place_of("B-1", "x.pdf", b"new content")).unwrap();
    assert_eq!(partial.resumed_from(), ByteCount(0));
}

#[test]
fn what_a_power_cut_left_of_a_partial_file_is_not_trusted() {
    let rig = Rig::new();
    let place = place_of("B-1", "x.pdf", b"hello");
    leave_partial(&rig.drive, &place, b"hello");
    let temporary = rig.root.join(&rig.temporaries()[0]);
    // Zeros where the bytes were, and then more bytes than there can be.
    for left in [&[0; 5][..], b"hello, and more"] {
        std::fs::write(&temporary, left).unwrap();
        let partial = rig.drive.receive(&place).unwrap();
        assert_eq!(partial.resumed_from(), ByteCount(0));
        assert_eq!(std::fs::metadata(&temporary).unwrap().len(), 0);
        std::mem::forget(partial.finish());
        let _ = std::fs::remove_file(&temporary);
    }
}

#[test]
fn a_transfer_that_begins_again_keeps_nothing() {
    let rig = Rig::new();
    let place = place_of("B-1", "x.pdf", b"hello");
    let mut partial = rig.drive.receive(&place).unwrap();
    partial.write(b"hel").unwrap();
    partial.restart().unwrap();
    partial.write(b"hello").unwrap();
    let landed = rig.drive.commit(vec![partial.finish().unwrap()]).pop().unwrap().unwrap();
    assert_eq!((&landed.pair.named, landed.size), (&place.expected, ByteCount(5)));
    // And so does one that begins again though the file stands there already.
    let mut partial = rig.drive.receive(&place).unwrap();
    assert!(partial.is_complete());
    partial.restart().unwrap();
    partial.write(b"hello").unwrap();
    assert!(rig.drive.commit(vec![partial.finish().unwrap()]).pop().unwrap().unwrap().adopted);
    assert_eq!(rig.files(), ["acme/2026-11/data/B-1/x.pdf"]);
}

#[test]
fn more_bytes_than_announced_are_not_written() {
    let rig = Rig::new();
    let mut partial = rig.drive.receive(&place_of("B-1", "x.pdf", b"hello")).unwrap();
    partial.write(b"hell").unwrap();
    let error = partial.write(b"o!").unwrap_err();
    assert_eq!((error.failure_kind(), error.obstacle()), (FailureKind::TooLong, None));
    partial.write(b"o").unwrap();
    assert_eq!(partial.finish().unwrap().size(), ByteCount(5));
}

#[test]
fn a_failure_leaves_no_empty_file_and_no_empty_folder() {
    let rig = Rig::new();
    let left = || {
        let data = std::fs::read_dir(rig.bag().join("data")).unwrap();
        data.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
    };
    drop(rig.drive.receive(&place_of("B-1", "x.pdf", b"hello")).unwrap());
    assert_eq!(left(), ["README.txt"]);
    let mut partial = rig.drive.receive(&place_of("B-1", "x.pdf", b"hello")).unwrap();
    partial.write(b"jello").unwrap();
    partial.finish().unwrap().discard();
    assert_eq!(left(), ["README.txt"]);
    let kept = rig.land("B-2", "x.pdf", b"kept");
    let mut partial = rig.drive.receive(&place_of("B-1", "x.pdf", b"hello")).unwrap();
    partial.write(b"jel").unwrap();
    partial.discard();
    assert_eq!(rig.files(), [kept.path]);
    assert!(!rig.bag().join("data/B-1").exists());
}

#[test]
fn r3_two_workers_never_write_one_file() {
    let rig = Rig::new();
    let place = place_of("B-1", "x.pdf", b"hello");
    let mut first = rig.drive.receive(&place).unwrap();
    for drive in [rig.drive.clone(), open(&rig.root).unwrap()] {
        let error = drive.receive(&place).unwrap_err();
        assert!(error.is_busy() && error.obstacle().is_none(), "{error}");
    }
    first.write(b"hello").unwrap();
    rig.drive.commit(vec![first.finish().unwrap()]).pop().unwrap().unwrap();
    let duplicate = open(&rig.root).unwrap().receive(&place).unwrap();
    assert!(duplicate.is_complete(), "the duplicate finds it done");
}

#[test]
fn r3_of_many_workers_on_one_file_each_ends_with_the_same_one() {
    let rig = Rig::new();
    let bytes = vec![3; 100_000];
    let worker = || {
        let drive = open(&rig.root).unwrap();
        loop {
            match land(&drive, "B-1", "x.pdf", &bytes) {
                Err(error) if error.is_busy() => std::thread::yield_now(),
                Err(error) => panic!("{error}"),
                Ok(landed) => return landed,
            }
        }
    };
    let landed: Vec<_> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..8).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().map(|worker| worker.join().unwrap()).collect()
    });
    assert_eq!(landed.iter().filter(|landed| !landed.adopted).count(), 1);
    assert_eq!(rig.files(), ["acme/2026-11/data/B-1/x.pdf"]);
}

#[test]
fn a_file_of_the_right_content_under_the_final_name_is_adopted() {
    let rig = Rig::new();
    let place = place_of("B-1", "x.pdf", b"hello");
    std::fs::create_dir_all(rig.bag().join("data/B-1")).unwrap();
    std::fs::write(rig.bag().join("data/B-1/x.pdf"), b"hello").unwrap();
    let partial = rig.drive.receive(&place).unwrap();
    assert!(partial.is_complete(), "nothing is left to transfer");
    let landed = rig.drive.commit(vec![partial.finish().unwrap()]).pop().unwrap().unwrap();
    assert!(landed.adopted);
    assert_eq!((landed.pair.named, landed.size), (place.expected, ByteCount(5)));
}

#[test]
fn a_file_of_other_content_under_the_final_name_is_put_aside_and_not_replaced() {
    let rig = Rig::new();
    std::fs::create_dir_all(rig.bag().join("data/B-1")).unwrap();
    std::fs::write(rig.bag().join("data/B-1/x.pdf"), b"jello").unwrap();
    let landed = rig.land("B-1", "x.pdf", b"hello");
    assert!(!landed.adopted);
    assert_eq!(std::fs::read(rig.root.join(&landed.path)).unwrap(), b"hello");
    assert_eq!(rig.files(), [".strongroom/quarantine/acme/2026-11/data/B-1/x.pdf", &landed.path]);
    assert_eq!(std::fs::read(rig.root.join(&rig.files()[0])).unwrap(), b"jello");
}

#[test]
fn what_cannot_be_read_back_says_why() {
    let rig = Rig::new();
    let landed = rig.land("B-1", "x.pdf", b"hello");
    let kind = |path: &str| {
        let error = rig.drive.read_back(path, Algorithm::Sha256).unwrap_err();
        assert_eq!(error.obstacle(), None, "{error}");
        error.failure_kind()
    };
    assert_eq!(kind("acme/2026-11/data/B-2/x.pdf"), FailureKind::CopyMissing);
    assert_eq!(kind("acme/2026-11/data/B-1"), FailureKind::PathTaken);
    assert_eq!(kind("../../etc/passwd"), FailureKind::Internal);
    std::fs::remove_file(rig.root.join(&landed.path)).unwrap();
    std::os::unix::fs::symlink("/etc/passwd", rig.root.join(&landed.path)).unwrap();
    assert_eq!(kind(&landed.path), FailureKind::PathTaken);
    let errors = rig.drive.read_back_many(&[(&landed.path, Algorithm::Sha256), ("x", Algorithm::Sha256)]);
    assert!(matches!(
        errors[..],
        [
            Err(DriveError { kind: DriveErrorKind::NotPlain, .. }),
            Err(DriveError { kind: DriveErrorKind::CopyMissing, .. })
        ]
    ));
}
