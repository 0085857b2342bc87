//! The first thing that a new user types.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use strongroom_model::Event;
use strongroom_tests::audit::{
    TEXT, all_is_archived, events, files_below, r1_every_manifest_is_right, the_log_is_sound,
};
use strongroom_tests::program::Call;
use strongroom_tests::site::Site;

fn demo(folder: &Path, args: &[&str]) -> Call {
    Call::new(folder, [&["demo"], args].concat())
}

fn contents(folder: &Path) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    files_below(folder).into_iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The files on the drive that came from the server.
fn copies(site: &Site) -> Vec<std::path::PathBuf> {
    let of = |month: &std::path::PathBuf| {
        files_below(&month.join("data")).into_iter().filter(|path| *path != month.join(TEXT)).collect::<Vec<_>>()
    };
    site.months().iter().flat_map(of).collect()
}

#[test]
fn the_demo_shows_the_whole_job() {
    let folder = tempfile::tempdir().unwrap();
    demo(folder.path(), &["--bookings", "12"]).run().expect_code(0).expect_said("strongroom status");
    let site = Site::opened(&folder.path().join("strongroom-demo"));
    all_is_archived(&site, 12);
    assert!(!site.mailbox().mails().is_empty());
    for file in copies(&site) {
        assert!(fs::read(&file).unwrap().starts_with(b"%PDF-"), "{} opens", file.display());
    }
}

#[test]
fn ones_own_files_are_backed_up_and_the_originals_stay() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own files");
    fs::create_dir_all(own.join("deeper/still")).unwrap();
    let names = ["a.txt", "b (1).pdf", "Über uns.docx", "no extension", "deeper/a.txt", "deeper/still/c.tar.gz", "CON"];
    for (number, name) in names.iter().enumerate() {
        fs::write(own.join(name), vec![b'x'; number * 5_000]).unwrap();
    }
    let before = contents(&own);
    demo(folder.path(), &["--files", "own files"]).run().expect_code(0);
    assert_eq!(contents(&own), before, "the originals are as they were");
    let site = Site::opened(&folder.path().join("strongroom-demo"));
    all_is_archived(&site, names.len());
    let mut kept: Vec<_> = copies(&site).iter().map(|path| fs::read(path).unwrap()).collect();
    let mut originals: Vec<_> = before.into_values().collect();
    kept.sort();
    originals.sort();
    assert!(kept == originals, "the drive holds the same bytes");
}

#[test]
fn the_demos_faults_are_told_and_the_rest_is_archived() {
    let folder = tempfile::tempdir().unwrap();
    demo(folder.path(), &["--bookings", "10", "--with-faults"]).run().expect_code(2);
    let site = Site::opened(&folder.path().join("strongroom-demo"));
    the_log_is_sound(&site);
    r1_every_manifest_is_right(&site);
    let status = site.status();
    assert!(status["bookings"]["needs_attention"].as_u64() >= Some(1), "{status:#}");
    assert!(status["bookings"]["archived"].as_u64() >= Some(8), "{status:#}");
}

#[test]
fn every_other_verb_works_in_the_demos_folder() {
    let folder = tempfile::tempdir().unwrap();
    demo(folder.path(), &["--bookings", "3"]).run().expect_code(0);
    let site = Site::opened(&folder.path().join("strongroom-demo"));
    for args in [
        &["config", "check"][..],
        &["config", "show"],
        &["replay"],
        &["replay", "--as-of", "3"],
        &["log", "verify"],
        &["log", "tail", "--no-follow"],
        &["drive", "status"],
    ] {
        site.call(args).run().expect_code(0);
    }
    // The demo's server has ended.
    site.call(["status"]).run().expect_code(2).expect_said("what waits is unknown");
    site.add_documents(2);
    let _server = site.serve();
    site.run_once().run().expect_code(0);
    site.call(["status"]).run().expect_code(0);
    all_is_archived(&site, 5);
}

#[test]
fn the_demo_again_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        demo(folder.path(), &["--bookings", "5", "--dir", "here"]).run().expect_code(0);
    }
    let site = Site::opened(&folder.path().join("here"));
    let archived = events(&site).iter().filter(|event| matches!(event.event, Event::TimesheetArchived(_))).count();
    all_is_archived(&site, archived);
}
