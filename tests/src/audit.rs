//! What must be true of a site whatever happened to it.

mod merkle;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom_model::event::SummaryComposed;
use strongroom_model::{AlarmKind, Algorithm, Digest, Event, Position, Recorded};

use crate::site::Site;

/// Every event of the site's log, as `log export` prints it.
pub fn events(site: &Site) -> Vec<Recorded> {
    let events: Vec<_> = export(site).lines().map(|line| Recorded::parse(line).unwrap()).collect();
    for (index, event) in events.iter().enumerate() {
        assert_eq!(event.position, Position(index as u64), "the export has no gaps");
    }
    events
}

pub fn count(site: &Site, is_it: impl Fn(&Event) -> bool) -> usize {
    events(site).iter().filter(|event| is_it(&event.event)).count()
}

pub fn raised(events: &[Recorded]) -> Vec<AlarmKind> {
    let raised = events.iter().filter_map(|event| match &event.event {
        Event::AlarmRaised(data) => Some(data.kind),
        _ => None,
    });
    raised.collect()
}

pub fn export(site: &Site) -> String {
    site.call(["log", "export"]).run().expect_code(0).stdout
}

/// The root that the status and every summary name is the one that RFC 6962 says.
fn r4_the_roots_are_right(site: &Site, events: &[Recorded]) {
    let export = export(site);
    let lines: Vec<_> = export.lines().collect();
    assert_eq!(site.status()["log"]["root"], merkle::root(&lines));
    for summary in summaries(events) {
        let covered = &lines[..usize::try_from(summary.to.0).unwrap()];
        assert_eq!(summary.root, merkle::root(covered), "{summary:?}");
    }
}

/// Checks all that must hold at the end: that many bookings, all archived, once.
pub fn all_is_archived(site: &Site, bookings: usize) {
    the_log_is_sound(site);
    r1_every_manifest_is_right(site);
    let events = events(site);
    every_booking_was_archived_once(&events, bookings);
    r7_summaries_tile_the_log(&events);
    r4_the_roots_are_right(site, &events);
    nothing_but_proven_files_is_on_the_drive(site, &events);
    the_server_keeps_every_file_in_archived(site, &events);
    the_status_says_so(site, bookings, events.len());
}

pub fn the_log_is_sound(site: &Site) {
    site.call(["log", "verify"]).run().expect_code(0);
}

/// `sha256sum -c` passes in every month's folder, with what a kill left of a journal as well. This holds whenever the program
/// does not run.
pub fn r1_every_manifest_is_right(site: &Site) {
    for month in site.months() {
        sha256sum_agrees(&month, "manifest-sha256.txt");
        if month.join("journal-sha256.txt").exists() {
            sha256sum_agrees(&month, "journal-sha256.txt");
        }
    }
}

fn sha256sum_agrees(month: &Path, list: &str) {
    let mut check = Command::new("sha256sum");
    let check = check.args(["--check", "--strict", "--quiet", list]).current_dir(month);
    let output = check.output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}: {}", month.display(), String::from_utf8_lossy(&said));
}

fn every_booking_was_archived_once(events: &[Recorded], bookings: usize) {
    let mut archived: BTreeMap<String, usize> = BTreeMap::new();
    let mut known = BTreeSet::new();
    for event in events {
        match &event.event {
            Event::TimesheetEnumerated(_) => drop(known.insert(event.stream.to_string())),
            Event::TimesheetArchived(_) => *archived.entry(event.stream.to_string()).or_default() += 1,
            _ => {}
        }
    }
    let twice: Vec<_> = archived.iter().filter(|(_, times)| **times != 1).collect();
    assert!(twice.is_empty(), "archived more than once: {twice:?}");
    let missing: Vec<_> = known.iter().filter(|stream| !archived.contains_key(*stream)).collect();
    assert!(missing.is_empty(), "never archived: {missing:?}");
    assert_eq!(archived.len(), bookings, "archived bookings");
}

/// Each summary begins where the one before it ended, is numbered one higher and was sent once.
pub fn r7_summaries_tile_the_log(events: &[Recorded]) {
    let mut expected = (1, Position(0));
    for summary in summaries(events) {
        assert_eq!((summary.number, summary.from), expected, "{summary:?}");
        assert!(summary.from <= summary.to && summary.to.0 <= events.len() as u64, "{summary:?}");
        expected = (summary.number + 1, summary.to);
    }
    let mut sent: Vec<_> = events
        .iter()
        .filter_map(|event| match &event.event {
            Event::SummarySent(sent) => Some(sent.message_id.clone()),
            _ => None,
        })
        .collect();
    let composed: Vec<_> = summaries(events).into_iter().map(|summary| summary.message_id).collect();
    sent.sort();
    let mut sorted = composed.clone();
    sorted.sort();
    assert_eq!(sent, sorted, "every summary was sent once");
}

pub fn summaries(events: &[Recorded]) -> Vec<SummaryComposed> {
    let composed = events.iter().filter_map(|event| match &event.event {
        Event::SummaryComposed(data) => Some(data.clone()),
        _ => None,
    });
    composed.collect()
}

/// Below the months' `data` lie the proven files and each month's text, and no other: no temporary file, none
/// twice.
fn nothing_but_proven_files_is_on_the_drive(site: &Site, events: &[Recorded]) {
    let mut proven = BTreeMap::new();
    for event in events {
        if let Event::TimesheetBackedUp(data) = &event.event {
            let earlier = proven.insert(site.drive().join(&data.path), data.sha256.clone());
            assert!(earlier.is_none(), "two bookings at {}", data.path);
        }
    }
    let payload = |month: &PathBuf| files_below(&month.join("data"));
    let mut found: BTreeSet<_> = site.months().iter().flat_map(payload).collect();
    for month in site.months() {
        assert!(found.remove(&month.join(TEXT)), "{} has no text", month.display());
    }
    assert_eq!(found, proven.keys().cloned().collect::<BTreeSet<_>>(), "files on the drive against proven ones");
    for (path, digest) in proven {
        assert_eq!(Digest::of(Algorithm::Sha256, &fs::read(&path).unwrap()), digest, "{}", path.display());
    }
    for month in site.months() {
        let manifest = fs::read_to_string(month.join("manifest-sha256.txt")).unwrap();
        assert_eq!(manifest.lines().count(), payload(&month).len(), "lines of the manifest");
        let stray: Vec<_> = files_in(&month).into_iter().filter(|name| !BAG_FILES.contains(&name.as_str())).collect();
        assert!(stray.is_empty(), "{}: {stray:?}", month.display());
    }
    assert_eq!(site.drafts(), Vec::<PathBuf>::new(), "what was begun of a month's folder");
}

/// What tells a person what a month's folder is; listed in its manifest, as the copies are.
pub const TEXT: &str = "data/README.txt";

/// What RFC 8493 has beside `data`.
const BAG_FILES: [&str; 4] = ["bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"];

fn the_server_keeps_every_file_in_archived(site: &Site, events: &[Recorded]) {
    let documents = site.documents();
    for event in events {
        if let Event::TimesheetArchived(data) = &event.event {
            let path = documents.join(&data.path);
            assert!(path.is_file(), "{} was archived and is not there", path.display());
        }
    }
    // The server's own folder holds locks and the document root's identity, and no file in the making.
    let own = documents.join(".strongroom");
    let is_kept =
        |path: &Path| path.starts_with(&own) && (path.ends_with("root-id") || path.to_string_lossy().ends_with("lock"));
    let outside = files_below(documents).into_iter().filter(|path| !path.starts_with(documents.join("archived")));
    let outside: Vec<_> = outside.filter(|path| !is_kept(path)).collect();
    assert!(outside.is_empty(), "outside archived: {outside:?}");
}

fn the_status_says_so(site: &Site, bookings: usize, events: usize) {
    let status = site.status();
    assert_eq!(status["bookings"]["archived"], bookings, "{status:#}");
    assert_eq!(status["bookings"]["needs_attention"], 0, "{status:#}");
    assert_eq!(status["log"]["size"], events, "{status:#}");
}

/// Every file below that folder, at any depth; none where it does not exist.
pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() && !path.is_symlink() { files_below(&path) } else { vec![path] }).collect()
}

fn files_in(folder: &Path) -> Vec<String> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.is_file()).map(|path| path.file_name().unwrap().to_string_lossy().into_owned()).collect()
}
