//! Hostile names, on a real file system.

use strongroom_drive::name::unescape;

use crate::rig::{NONE, Rig, place_of, proof_of};
use crate::validator::faults_of;

const HOSTILE: &[&str] = &[
    "../../etc/passwd",
    "/etc/passwd",
    "..",
    ".",
    "",
    "a\0b",
    "bell\u{7} escape\u{1b}[2J",
    "two\nlines.pdf",
    "two\r\nlines.pdf",
    r"back\slash",
    r"\nliteral",
    "CON",
    "nul.txt",
    "COM1.pdf",
    "a.",
    "a ",
    " a",
    "*x",
    "100%0A.pdf",
    "50%.pdf",
    "=2E",
    "=empty",
    "fdp.\u{202e}exe",
    "zero\u{200b}width",
    "line\u{2028}separator\u{85}",
    "<img src=x onerror=alert(1)>.pdf",
    "x\r\nBcc: everyone@example.com",
    "-rf",
    ".strongroom.sha256-0123456789abcdef0123456789abcdef.part",
    ".strongroom",
    "manifest-sha256.txt",
    "März – 工時表.pdf",
    "FILE",
    "file",
    "\u{e9}.pdf",
    "e\u{301}.pdf",
];

#[test]
fn r9_every_hostile_name_lands_in_its_own_folder_and_both_checkers_pass() {
    let rig = Rig::new();
    let long = [format!("{}.pdf", "n".repeat(296)), "ü".repeat(300), "\u{202e}".repeat(200)];
    let names: Vec<&str> = HOSTILE.iter().copied().chain(long.iter().map(String::as_str)).collect();
    let received = names.iter().enumerate().map(|(index, name)| {
        let bytes = format!("file {index}").into_bytes();
        rig.receive(&place_of(&format!("B-{index}"), name, &bytes), &bytes).unwrap()
    });
    let landed: Vec<_> = rig.drive.commit(received.collect()).into_iter().map(Result::unwrap).collect();
    rig.record(&landed.iter().map(proof_of).collect::<Vec<_>>());

    for (index, (landed, name)) in landed.iter().zip(&names).enumerate() {
        let filename = landed.path.strip_prefix(&format!("acme/2026-11/data/B-{index}/")).unwrap();
        assert!(!filename.contains('/') && filename.len() <= 255, "{filename}");
        assert_eq!(std::fs::read(rig.root.join(&landed.path)).unwrap(), format!("file {index}").into_bytes());
        if name.len() < 200 {
            assert_eq!(unescape(filename).as_deref(), Some(*name), "{filename}");
        }
    }
    rig.sha256sum_passes();
    assert_eq!(faults_of(&rig.bag()), NONE);
    assert_eq!(rig.copies().len(), names.len());
    // Nothing came to lie anywhere else.
    assert_eq!(rig.files().len(), names.len());
}

#[test]
fn a_booking_id_that_windows_cannot_have_gets_a_folder_that_it_can() {
    let rig = Rig::new();
    for (booking, folder) in [("CON", "=43ON"), ("a.", "a=2E"), ("x~1", "x~1"), ("lpt1.x", "=6Cpt1.x")] {
        assert_eq!(rig.prove(booking, "x", b"x").path, format!("acme/2026-11/data/{folder}/x"));
    }
    rig.sha256sum_passes();
}

#[test]
fn bookings_whose_ids_differ_only_in_case_are_both_kept_on_any_file_system() {
    let rig = Rig::new();
    let paths: Vec<_> = ["FILE", "file", "File"].map(|id| rig.prove(id, "x.pdf", id.as_bytes()).path).into();
    assert_eq!(
        paths,
        [
            "acme/2026-11/data/FILE/x.pdf",
            "acme/2026-11/data/=66=69=6C=65/x.pdf",
            "acme/2026-11/data/=46=69=6C=65/x.pdf"
        ]
    );
    let folded: std::collections::HashSet<_> = paths.iter().map(|path| path.to_lowercase()).collect();
    assert_eq!(folded.len(), 3);
    assert_eq!(faults_of(&rig.bag()), NONE);

    // Another process, which starts with nothing in mind, finds each its own.
    let again = crate::rig::open(&rig.root).unwrap();
    for (id, path) in ["FILE", "file", "File"].iter().zip(&paths) {
        let landed = crate::rig::land(&again, id, "x.pdf", id.as_bytes()).unwrap();
        assert_eq!((&landed.path, landed.adopted), (path, true));
    }
}

#[test]
fn a_booking_that_is_called_as_the_bags_text_gets_a_folder_beside_it() {
    let rig = Rig::new();
    let paths: Vec<_> = ["README.txt", "readme.TXT"].map(|id| rig.prove(id, "x", id.as_bytes()).path).into();
    assert_eq!(
        paths,
        ["acme/2026-11/data/=52=45=41=44=4D=45.=74=78=74/x", "acme/2026-11/data/=72=65=61=64=6D=65.=54=58=54/x"]
    );
    assert!(std::fs::read_to_string(rig.bag().join("data/README.txt")).unwrap().contains("sha256sum -c"));
    assert_eq!(faults_of(&rig.bag()), NONE);
    rig.sha256sum_passes();
}

#[test]
fn other_content_for_a_booking_with_a_proven_copy_lands_beside_it() {
    let rig = Rig::new();
    let first = rig.prove("B-1", "x.pdf", b"first");
    let second = rig.prove("B-1", "x.pdf", b"second");
    let renamed = rig.prove("B-1", "X.pdf", b"third");
    assert_eq!(first.path, "acme/2026-11/data/B-1/x.pdf");
    assert!(second.path.starts_with("acme/2026-11/data/B-1=~"), "{}", second.path);
    assert_eq!(std::fs::read(rig.root.join(&first.path)).unwrap(), b"first");
    assert_eq!(std::fs::read(rig.root.join(&second.path)).unwrap(), b"second");
    assert_ne!(renamed.path.to_lowercase(), first.path.to_lowercase());
    assert_eq!(faults_of(&rig.bag()), NONE);
    // Asked for again, each is found where it is.
    assert!(rig.land("B-1", "x.pdf", b"second").adopted);
    assert!(rig.land("B-1", "x.pdf", b"first").adopted);
    assert_eq!(rig.copies().len(), 3);
}
