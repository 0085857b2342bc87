//! A bag compared with the log: each kind of tampering, found and named.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use strongroom_drive::{BagFaultKind, BagSurvey, Drive, DriveErrorKind, LoggedCopy};
use strongroom_model::{Algorithm, ByteCount, Digest};

use crate::rig::{NONE, Rig, land, leave_partial, month, place_of, proof_of, record, refused, site};

const BYTES: [(&str, &[u8]); 3] = [("B-1", b"one"), ("B-2", b"two, longer"), ("B-3", b"three")];
const BAG: &str = "acme/2026-11";

/// What the log proved on the drive.
type Log = BTreeMap<String, LoggedCopy>;

type Tamper = fn(&Path);

/// What is done to a bag, and the faults that are found.
const TAMPERINGS: &[(&str, Tamper, &[&str])] = &[
    (
        "an entry is removed",
        |bag| edit(&bag.join("manifest-sha256.txt"), |text| text.replace(&line(b"one", "data/B-1/x.pdf"), "")),
        &["entry-removed data/B-1/x.pdf"],
    ),
    (
        "an entry and its file are removed",
        |bag| {
            edit(&bag.join("manifest-sha256.txt"), |text| text.replace(&line(b"one", "data/B-1/x.pdf"), ""));
            fs::remove_dir_all(bag.join("data/B-1")).unwrap();
        },
        &["entry-removed data/B-1/x.pdf", "file-missing data/B-1/x.pdf"],
    ),
    (
        "a file is changed and its entry re-marked",
        |bag| {
            fs::write(bag.join("data/B-1/x.pdf"), b"eno").unwrap();
            edit(&bag.join("manifest-sha256.txt"), |text| {
                text.replace(&line(b"one", "data/B-1/x.pdf"), &line(b"eno", "data/B-1/x.pdf"))
            });
        },
        &["entry-changed data/B-1/x.pdf"],
    ),
    (
        "an entry is added, with its file",
        |bag| {
            fs::create_dir(bag.join("data/B-9")).unwrap();
            fs::write(bag.join("data/B-9/x.pdf"), b"forged").unwrap();
            edit(&bag.join("manifest-sha256.txt"), |text| text + &line(b"forged", "data/B-9/x.pdf"));
        },
        &["entry-added data/B-9/x.pdf"],
    ),
    (
        "an entry is added, without a file",
        |bag| edit(&bag.join("manifest-sha256.txt"), |text| text + &line(b"forged", "data/B-9/x.pdf")),
        &["entry-added data/B-9/x.pdf"],
    ),
    (
        "an entry is added beside the bookings' folders",
        |bag| edit(&bag.join("manifest-sha256.txt"), |text| text + &line(b"forged", "data/notes.txt")),
        &["entry-added data/notes.txt"],
    ),
    (
        "an entry is doubled",
        |bag| edit(&bag.join("manifest-sha256.txt"), |text| text.clone() + text.lines().last().unwrap() + "\n"),
        &["listed-twice data/README.txt"],
    ),
    (
        "the journal lists otherwise than the manifest",
        |bag| fs::write(bag.join("manifest-sha256.txt"), line(b"other", "data/B-3/x.pdf")).unwrap(),
        &[
            "entry-changed data/B-3/x.pdf",
            "entry-removed data/B-1/x.pdf",
            "entry-removed data/B-2/x.pdf",
            "entry-removed data/README.txt",
            "listed-twice data/B-3/x.pdf",
        ],
    ),
    ("a file is deleted", |bag| fs::remove_file(bag.join("data/B-2/x.pdf")).unwrap(), &["file-missing data/B-2/x.pdf"]),
    (
        "a file is cut off",
        |bag| fs::write(bag.join("data/B-2/x.pdf"), b"two").unwrap(),
        &["size-differs data/B-2/x.pdf"],
    ),
    (
        "a file of the journal is deleted",
        |bag| fs::remove_file(bag.join("data/B-3/x.pdf")).unwrap(),
        &["file-missing data/B-3/x.pdf"],
    ),
    (
        "files are added",
        |bag| {
            fs::write(bag.join("data/B-1/y.pdf"), b"more").unwrap();
            fs::write(bag.join("data/notes.txt"), b"more").unwrap();
            fs::write(bag.join("fetch.txt"), b"more").unwrap();
            fs::create_dir_all(bag.join("data/B-1/deeper")).unwrap();
            fs::create_dir(bag.join("more")).unwrap();
        },
        &[
            "file-extra data/B-1/y.pdf",
            "file-extra data/notes.txt",
            "file-extra fetch.txt",
            "folder-extra data/B-1/deeper",
            "folder-extra more",
        ],
    ),
    (
        "a file is replaced by a folder",
        |bag| {
            fs::remove_file(bag.join("data/B-1/x.pdf")).unwrap();
            fs::create_dir(bag.join("data/B-1/x.pdf")).unwrap();
        },
        &["not-plain data/B-1/x.pdf"],
    ),
    (
        "a file is replaced by a link",
        |bag| {
            fs::remove_file(bag.join("data/B-1/x.pdf")).unwrap();
            symlink("/etc/hostname", bag.join("data/B-1/x.pdf")).unwrap();
        },
        &["not-plain data/B-1/x.pdf"],
    ),
    (
        "a booking's folder is replaced by a link",
        |bag| {
            fs::rename(bag.join("data/B-1"), bag.parent().unwrap().join("elsewhere")).unwrap();
            symlink("../../elsewhere", bag.join("data/B-1")).unwrap();
        },
        &["file-missing data/B-1/x.pdf", "not-plain data/B-1"],
    ),
    (
        "the payload is replaced by a link",
        |bag| replace_by_link(&bag.join("data")),
        &[
            "folder-extra data.elsewhere",
            "not-plain data",
            "not-plain data/B-1/x.pdf",
            "not-plain data/B-2/x.pdf",
            "not-plain data/B-3/x.pdf",
            "not-plain data/README.txt",
        ],
    ),
    (
        "the manifest is replaced by a link",
        |bag| replace_by_link(&bag.join("manifest-sha256.txt")),
        &[
            "entry-removed data/B-1/x.pdf",
            "entry-removed data/B-2/x.pdf",
            "entry-removed data/README.txt",
            "file-extra manifest-sha256.elsewhere",
            "manifest-unreadable manifest-sha256.txt",
        ],
    ),
    (
        "the manifest is deleted",
        |bag| fs::remove_file(bag.join("manifest-sha256.txt")).unwrap(),
        &[
            "entry-removed data/B-1/x.pdf",
            "entry-removed data/B-2/x.pdf",
            "entry-removed data/README.txt",
            "manifest-missing manifest-sha256.txt",
        ],
    ),
    (
        "lines of the manifest are damaged",
        |bag| {
            edit(&bag.join("manifest-sha256.txt"), |text| {
                format!("?{text}{}", line(b"x", "../../x")) + &line(b"x", &"x/".repeat(3000)) + "no end"
            });
        },
        &[
            "entry-removed data/B-1/x.pdf",
            "malformed-line manifest-sha256.txt",
            "malformed-line manifest-sha256.txt",
            "malformed-line manifest-sha256.txt",
            "malformed-line manifest-sha256.txt",
            "malformed-line manifest-sha256.txt",
        ],
    ),
    (
        "the journal is changed",
        |bag| edit(&bag.join("journal-sha256.txt"), |text| text.replace("data/B-3", "data/B-4")),
        &["entry-removed data/B-3/x.pdf", "manifest-unreadable journal-sha256.txt"],
    ),
    (
        "the tag files are changed or gone",
        |bag| {
            edit(&bag.join("bagit.txt"), |text| text.replace("1.0", "0.97"));
            fs::remove_file(bag.join("bag-info.txt")).unwrap();
        },
        &["tag-file-changed bagit.txt", "tag-file-missing bag-info.txt"],
    ),
    (
        "the tag files name another site, and are replaced by a link",
        |bag| {
            edit(&bag.join("bag-info.txt"), |text| text.replace("acme", "other"));
            replace_by_link(&bag.join("bagit.txt"));
        },
        &["file-extra bagit.elsewhere", "not-plain bagit.txt", "tag-file-changed bag-info.txt"],
    ),
    (
        "the payload's size does not fit",
        |bag| edit(&bag.join("bag-info.txt"), |text| text + "Payload-Oxum: 1.1\n"),
        &["tag-file-changed bag-info.txt"],
    ),
    (
        "the text is changed and re-marked",
        |bag| {
            let text = fs::read(bag.join("data/README.txt")).unwrap();
            fs::write(bag.join("data/README.txt"), b"delete all").unwrap();
            edit(&bag.join("manifest-sha256.txt"), |lists| {
                lists.replace(&line(&text, "data/README.txt"), &line(b"delete all", "data/README.txt"))
            });
        },
        &["entry-changed data/README.txt", "tag-file-changed data/README.txt"],
    ),
    (
        "the text is deleted",
        |bag| fs::remove_file(bag.join("data/README.txt")).unwrap(),
        &["tag-file-missing data/README.txt"],
    ),
    (
        "a tag manifest is added that does not fit",
        |bag| {
            let bytes = fs::read(bag.join("bagit.txt")).unwrap();
            let lines = line(&bytes, "bagit.txt") + &line(b"x", "bag-info.txt") + &line(b"x", "data/B-1/x.pdf");
            fs::write(bag.join("tagmanifest-sha256.txt"), lines).unwrap();
        },
        &["malformed-line tagmanifest-sha256.txt", "tag-file-changed bag-info.txt"],
    ),
    (
        "the month is deleted",
        |bag| fs::remove_dir_all(bag).unwrap(),
        &[
            "bag-missing acme/2026-11",
            "entry-removed data/B-1/x.pdf",
            "entry-removed data/B-2/x.pdf",
            "entry-removed data/B-3/x.pdf",
            "file-missing data/B-1/x.pdf",
            "file-missing data/B-2/x.pdf",
            "file-missing data/B-3/x.pdf",
        ],
    ),
    (
        "the month is replaced by a link",
        |bag| replace_by_link(bag),
        &[
            "entry-removed data/B-1/x.pdf",
            "entry-removed data/B-2/x.pdf",
            "entry-removed data/B-3/x.pdf",
            "not-plain acme/2026-11",
            "not-plain data/B-1/x.pdf",
            "not-plain data/B-2/x.pdf",
            "not-plain data/B-3/x.pdf",
        ],
    ),
];

/// A drive with three proven copies, the last of them in the journal alone.
fn proven() -> (Rig, Log) {
    let rig = Rig::in_memory();
    let mut log = Log::new();
    for (index, (booking, bytes)) in BYTES.into_iter().enumerate() {
        let landed = land(&rig.drive, booking, "x.pdf", bytes).unwrap();
        record(&rig.drive, &[proof_of(&landed)]);
        if index == 1 {
            rig.drive.fold(&site()).unwrap();
        }
        log.insert(landed.path, LoggedCopy { sha256: landed.pair.sha256, size: Some(landed.size) });
    }
    (rig, log)
}

fn survey(drive: &Drive, log: &Log) -> BagSurvey {
    drive.survey(&site(), month(), log).unwrap()
}

/// Path in the bag and code of each fault, sorted.
fn faults(survey: &BagSurvey) -> Vec<String> {
    let inside = |path: &str| path.strip_prefix("acme/2026-11/").unwrap_or(path).to_owned();
    let mut faults: Vec<_> =
        survey.faults.iter().map(|fault| format!("{} {}", fault.kind.code(), inside(&fault.path))).collect();
    faults.sort();
    faults
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) {
    fs::write(path, change(fs::read_to_string(path).unwrap())).unwrap();
}

fn replace_by_link(path: &Path) {
    fs::rename(path, path.with_extension("elsewhere")).unwrap();
    symlink(path.with_extension("elsewhere"), path).unwrap();
}

fn line(bytes: &[u8], path: &str) -> String {
    format!("{}  {path}\n", Digest::of(Algorithm::Sha256, bytes).hex())
}

#[test]
fn an_untouched_bag_has_no_faults_also_while_it_is_written_to() {
    let (rig, log) = proven();
    leave_partial(&rig.drive, &place_of("B-4", "x.pdf", b"half of it"), b"half");
    fs::create_dir(rig.bag().join("data/B-5")).unwrap();
    let found = survey(&rig.drive, &log);
    assert!(found.is_sound(), "{:?}", found.faults);
    assert_eq!((found.listed, found.found, found.left_out), (3, 3, 0));
}

#[test]
fn a_bag_is_surveyed_though_no_size_is_known_or_the_month_is_empty() {
    let (rig, mut log) = proven();
    log.values_mut().for_each(|copy| copy.size = None);
    assert!(survey(&rig.drive, &log).is_sound());
    let none = rig.drive.survey(&site(), "2026-10".parse().unwrap(), &Log::new()).unwrap();
    assert_eq!(none.faults.iter().map(|fault| fault.kind.clone()).collect::<Vec<_>>(), [BagFaultKind::BagMissing]);
}

#[test]
fn each_kind_of_tampering_is_named() {
    for (what, tamper, expected) in TAMPERINGS {
        let (rig, log) = proven();
        tamper(&rig.bag());
        let found = survey(&rig.drive, &log);
        assert_eq!(faults(&found), *expected, "{what}");
        let said: Vec<_> = found.faults.iter().map(|fault| fault.kind.to_string()).collect();
        assert!(said.iter().all(|said| said.len() > 15), "{what}: {said:?}");
    }
}

#[test]
fn a_payload_size_that_fits_is_no_fault() {
    let (rig, log) = proven();
    let text = fs::metadata(rig.bag().join("data/README.txt")).unwrap().len();
    let bytes = BYTES.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>() + text;
    edit(&rig.bag().join("bag-info.txt"), |info| format!("{info}Payload-Oxum: {bytes}.4\n"));
    assert_eq!(faults(&survey(&rig.drive, &log)), NONE);
}

#[test]
fn r9_names_from_outside_are_bounded_and_printable() {
    let (rig, log) = proven();
    let data = rig.bag().join("data");
    fs::write(data.join(std::ffi::OsStr::from_bytes(b"\xff\xfe")), b"x").unwrap();
    fs::create_dir(data.join(std::ffi::OsStr::from_bytes(b"folder\xff"))).unwrap();
    fs::write(data.join("B-1/a\nb\u{202e}"), b"x").unwrap();
    fs::write(data.join("B-1").join("x".repeat(255)), b"x").unwrap();
    let found = survey(&rig.drive, &log);
    assert_eq!(found.faults.len(), 4);
    for fault in &found.faults {
        assert!(!fault.path.contains(['\n', '\u{202e}']) && fault.path.len() < 1000, "{:?}", fault.path);
    }
}

#[test]
fn r9_more_faults_than_anybody_reads_are_only_counted() {
    let (rig, mut log) = proven();
    let sha256 = Digest::of(Algorithm::Sha256, b"x");
    for index in 0..6_000 {
        let copy = LoggedCopy { sha256: sha256.clone(), size: Some(ByteCount(1)) };
        log.insert(format!("{BAG}/data/X-{index}/x.pdf"), copy);
    }
    let found = survey(&rig.drive, &log);
    assert_eq!((found.faults.len(), found.left_out), (10_000, 2_000));
}

#[test]
fn another_months_path_is_the_callers_fault() {
    let (rig, mut log) = proven();
    let copy = log.values().next().unwrap().clone();
    log.insert("acme/2026-10/data/B-1/x.pdf".to_owned(), copy);
    assert!(matches!(refused(rig.drive.survey(&site(), month(), &log)), DriveErrorKind::BadPath));
}

#[test]
fn what_a_drive_lists_is_known_from_it_alone() {
    let (rig, log) = proven();
    let landed = rig.land("con", "../x.pdf", b"escaped");
    record(&rig.drive, &[proof_of(&landed)]);
    fs::create_dir(rig.root.join("photos of 2026")).unwrap();
    symlink("acme", rig.root.join("other")).unwrap();
    fs::write(rig.root.join("third"), b"a file").unwrap();
    assert_eq!(rig.drive.sites().unwrap().into_iter().collect::<Vec<_>>(), [site()]);
    assert_eq!(rig.drive.months(&site()).unwrap().into_iter().collect::<Vec<_>>(), [month()]);
    let copies = rig.drive.listed_copies(&site(), month()).unwrap();
    assert_eq!(copies.len(), 4);
    for copy in &copies {
        if copy.path == landed.path {
            assert_eq!((copy.booking.as_str(), copy.filename.as_str()), ("con", "../x.pdf"));
            assert_eq!(copy.sha256, landed.pair.sha256);
        } else {
            assert_eq!(copy.sha256, log[&copy.path].sha256);
        }
    }
    edit(&rig.bag().join("manifest-sha256.txt"), |text| format!("rubbish\n{text}"));
    assert_eq!(rig.drive.listed_copies(&site(), month()).unwrap(), copies);
}
