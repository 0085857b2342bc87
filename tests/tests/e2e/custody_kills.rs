//! Acts on drives' contents are killed between any two durable steps and given again: nothing is lost or done twice, and log
//! and drives agree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use strongroom_model::event::{BackedUp, CopyProven};
use strongroom_model::{AlarmKind, Algorithm, Digest, Event};
use strongroom_tests::audit::{count, events, files_below, r1_every_manifest_is_right, raised, the_log_is_sound};
use strongroom_tests::program::Call;
use strongroom_tests::site::Site;
use strongroom_tests::wait;

const BOOKINGS: usize = 6;
/// At which passings of a place an act is killed, as long as it comes by.
const PASSINGS: [u32; 3] = [1, 2, 4];
/// Steps of every act's appends.
const APPENDS: [&str; 3] = ["eventlog.before-commit", "eventlog.after-commit", "settle.after-append"];

const COPY: [&str; 18] = [
    "custody.copies-received",
    "custody.copies-committed",
    "custody.copies-read-back",
    "custody.copies-listed",
    "drive.bytes-written",
    "drive.bytes-synced",
    "drive.renamed",
    "drive.names-synced",
    "drive.bag-written",
    "drive.bag-begun",
    "drive.bag-renamed",
    "drive.bag-named",
    "drive.journal-written",
    "drive.journal-synced",
    "drive.manifest-renamed",
    "drive.journal-folded",
    "drive.use-marked",
    "checkpoint.before-rename",
];

const REPAIR: [&str; 8] = [
    "custody.repaired",
    "custody.relisted",
    "drive.repair-written",
    "drive.repair-proven",
    "drive.repair-aside",
    "drive.repair-renamed",
    "drive.repair-named",
    "drive.relist-kept",
];

const RESTORE: [&str; 3] = ["custody.restored", "drive.restore-written", "drive.restore-renamed"];

/// A site whose bookings are archived, with other drives than its own.
struct Custody {
    site: Site,
    proofs: Vec<BackedUp>,
}

impl Custody {
    fn new() -> Self {
        let (site, server) = Site::archived(BOOKINGS);
        drop(server);
        let proofs = events(&site).into_iter().filter_map(|event| match event.event {
            Event::TimesheetBackedUp(data) => Some(data),
            _ => None,
        });
        let proofs: Vec<_> = proofs.collect();
        assert_eq!(proofs.len(), BOOKINGS);
        Self { site, proofs }
    }

    fn add_drive(&self, label: &str) -> PathBuf {
        let root = self.site.path(label);
        fs::create_dir(&root).unwrap();
        let init = ["drive", "init", label, "--same-disk", "--in-memory", "--label", label];
        self.site.call(init).run().expect_code(0);
        root
    }

    /// A drive that has every copy, proven.
    fn add_copy(&self, label: &str) -> PathBuf {
        let root = self.add_drive(label);
        self.site.call(["drive", "copy", "--to", label]).run().expect_code(0);
        root
    }

    /// Every copy reads as it was proven, every bag is whole, and nothing else lies there.
    fn is_well(&self, drive: &Path) {
        let verified =
            self.site.call(["drive", "verify", drive.to_str().unwrap(), "--json"]).run().expect_code(0).json();
        assert_eq!((&verified["good"], &verified["finished"]), (&BOOKINGS.into(), &true.into()), "{verified}");
        let mut found: Vec<_> = files_below(drive)
            .into_iter()
            .filter(|path| {
                !path.starts_with(drive.join(".strongroom")) && path.components().any(|at| at.as_os_str() == "data")
            })
            .filter(|path| !path.ends_with("data/README.txt"))
            .collect();
        found.sort();
        let mut expected: Vec<_> = self.proofs.iter().map(|proof| drive.join(&proof.path)).collect();
        expected.sort();
        assert_eq!(found, expected, "nothing lost, nothing twice, nothing temporary");
        for proof in &self.proofs {
            assert_eq!(Digest::of(Algorithm::Sha256, &fs::read(drive.join(&proof.path)).unwrap()), proof.sha256);
        }
        for list in files_below(drive).into_iter().filter(|path| path.ends_with("manifest-sha256.txt")) {
            if !list.starts_with(drive.join(".strongroom")) {
                sha256sum_agrees(&list);
            }
        }
    }

    /// No act recorded a copy twice, and none is left open.
    fn the_log_is_right(&self) {
        the_log_is_sound(&self.site);
        let mut recorded = BTreeSet::new();
        for event in events(&self.site) {
            let request = match &event.event {
                Event::CopyMade(data) | Event::CopyProven(data) | Event::CopyRepaired(data) => data.request,
                Event::CopyDamaged(data) => data.request,
                Event::CopyRestored(data) => data.request,
                _ => continue,
            };
            let once = recorded.insert((request, event.stream.to_string(), event.event.type_name()));
            assert!(once, "act {request} recorded {} twice: {}", event.event.type_name(), event.stream);
        }
        let open = ["list", "subjects", "--kind", "custody", "--status", "requested", "--json"];
        let open = self.site.call(open).run().expect_code(0).json();
        assert_eq!(open["items"], serde_json::json!([]), "acts that nobody ends");
    }

    /// The copies that were made on a drive.
    fn made_on(&self, drive: &Path) -> Vec<CopyProven> {
        let identity = fs::read_to_string(drive.join(".strongroom/drive.json")).unwrap();
        let made = events(&self.site).into_iter().filter_map(|event| match event.event {
            Event::CopyMade(data) if identity.contains(&data.drive.to_string()) => Some(data),
            _ => None,
        });
        made.collect()
    }
}

fn sha256sum_agrees(list: &Path) {
    let name = list.file_name().unwrap();
    let mut check = Command::new("sha256sum");
    let output = check.args(["--check", "--strict", "--quiet"]).arg(name).current_dir(list.parent().unwrap()).output();
    let output = output.unwrap();
    assert!(output.status.success(), "{}: {}", list.display(), String::from_utf8_lossy(&output.stdout));
}

/// Kills an act at each place, at one passing after the other as long as it comes by, and gives it again. `act` is a new
/// one each time, and `check` looks at what came of it.
fn at_every_step<T>(places: &[&str], prepare: impl Fn(&str) -> T, act: impl Fn(&T) -> Call, check: impl Fn(&T)) {
    for (index, place) in places.iter().enumerate() {
        for passing in PASSINGS {
            let prepared = prepare(&format!("{index}-{passing}"));
            let killed = act(&prepared).kill_at(place, passing).run().was_killed();
            assert!(killed || passing > 1, "the act does not come by {place}");
            act(&prepared).run().expect_code(0);
            check(&prepared);
            if !killed {
                break;
            }
        }
    }
}

#[test]
fn r3_a_copy_that_is_killed_between_any_two_steps_is_finished_by_the_next_and_none_is_made_twice() {
    let custody = Custody::new();
    let places: Vec<_> = COPY.into_iter().chain(APPENDS).collect();
    at_every_step(
        &places,
        |name| ["red", "green"].map(|label| custody.add_drive(&format!("{label}-{name}"))),
        |drives| {
            let to = drives.iter().flat_map(|drive| [Path::new("--to"), drive]);
            custody.site.call([Path::new("drive"), Path::new("copy")].into_iter().chain(to))
        },
        |drives| {
            for drive in drives {
                custody.is_well(drive);
                assert_eq!(custody.made_on(drive).len(), BOOKINGS, "each copy is made once");
            }
        },
    );
    custody.the_log_is_right();
    r1_every_manifest_is_right(&custody.site);
}

#[test]
fn r3_a_verification_that_is_killed_between_any_two_steps_goes_on_and_counts_no_copy_twice() {
    let custody = Custody::new();
    let places: Vec<_> = ["custody.read"].into_iter().chain(APPENDS).collect();
    at_every_step(
        &places,
        |_| (),
        |()| custody.site.call(["drive", "verify"]),
        |()| custody.is_well(custody.site.drive()),
    );
    custody.the_log_is_right();
}

#[test]
fn r3_damage_that_is_found_by_a_verification_that_is_killed_is_recorded_and_alarmed_once() {
    let custody = Custody::new();
    rot(&custody.site.drive().join(&custody.proofs[0].path));
    for place in ["settle.after-alarms", "custody.read"] {
        custody.site.call(["drive", "verify"]).kill_at(place, 1).run().expect_killed();
        custody.site.call(["drive", "verify"]).run().expect_code(2).expect_said("1 file DAMAGED");
    }
    let alarms = raised(&events(&custody.site));
    assert_eq!(alarms.iter().filter(|kind| **kind == AlarmKind::DriveDamaged).count(), 1, "{alarms:?}");
    custody.the_log_is_right();
}

#[test]
fn r3_a_repair_that_is_killed_between_any_two_steps_is_made_good_by_the_next_and_keeps_what_was_bad() {
    let custody = Custody::new();
    custody.add_copy("red");
    let drive = custody.site.drive();
    let manifest = custody.site.months().remove(0).join("manifest-sha256.txt");
    let places: Vec<_> = REPAIR.into_iter().chain(["settle.after-alarms"]).chain(APPENDS).collect();
    at_every_step(
        &places,
        |_| {
            rot(&drive.join(&custody.proofs[0].path));
            fs::remove_file(drive.join(&custody.proofs[1].path)).unwrap();
            let listed = fs::read_to_string(&manifest).unwrap();
            let third = custody.proofs[2].sha256.hex();
            let kept = listed.lines().filter(|line| !line.starts_with(&third)).map(|line| format!("{line}\n"));
            fs::write(&manifest, kept.collect::<String>()).unwrap();
            custody.site.call(["drive", "verify"]).run().expect_code(2);
        },
        |()| custody.site.call(["drive", "repair", drive.to_str().unwrap(), "--from", "red"]),
        |()| custody.is_well(drive),
    );
    custody.the_log_is_right();
    r1_every_manifest_is_right(&custody.site);
    let damaged = ["list", "subjects", "--kind", "copy", "--status", "damaged", "--json"];
    let damaged = custody.site.call(damaged).run().expect_code(0).json();
    assert_eq!(damaged["items"], serde_json::json!([]));
    // Each bad file is kept, whenever the repair was killed.
    let rotten = count(
        &custody.site,
        |event| matches!(event, Event::CopyRepaired(data) if data.sha256 == custody.proofs[0].sha256),
    );
    let aside = files_below(&drive.join(".strongroom/quarantine"));
    let aside = aside.iter().filter(|path| path.file_name() == drive.join(&custody.proofs[0].path).file_name()).count();
    assert!(aside > 0 && rotten > 0, "{aside} of {rotten}");
}

#[test]
fn r3_a_restoration_that_is_killed_between_any_two_steps_goes_on_and_writes_no_file_twice() {
    let custody = Custody::new();
    let places: Vec<_> = RESTORE.into_iter().chain(APPENDS).collect();
    at_every_step(
        &places,
        |name| custody.site.path(&format!("restored-{name}")),
        |folder| {
            let args = ["restore", "--all", "--from", "drive", "--to"].map(Path::new);
            custody.site.call(args.into_iter().chain([folder.as_path()]))
        },
        |folder| {
            let mut restored: BTreeMap<_, usize> = BTreeMap::new();
            for path in files_below(folder) {
                *restored.entry(Digest::of(Algorithm::Sha256, &fs::read(path).unwrap()).hex()).or_default() += 1;
            }
            let expected: BTreeMap<_, _> = custody.proofs.iter().map(|proof| (proof.sha256.hex(), 1)).collect();
            assert_eq!(restored, expected, "every file once, and nothing temporary");
        },
    );
    custody.is_well(custody.site.drive());
    custody.the_log_is_right();
}

#[test]
fn r3_a_drill_that_is_killed_is_ended_by_the_service_and_leaves_no_file() {
    let custody = Custody::new();
    custody.site.call(["restore", "--drill", "6"]).kill_at("custody.restored", 1).run().expect_killed();
    let scratch = || {
        fs::read_dir(custody.site.path("data"))
            .unwrap()
            .filter(|one| one.as_ref().unwrap().file_name().to_string_lossy().starts_with("scratch."))
            .count()
    };
    assert_eq!(scratch(), 1);
    let _server = custody.site.serve();
    let service = custody.site.call(["run"]).start();
    wait::until("the drill to end", || (scratch() == 0).then_some(()));
    service.stop();
    custody.the_log_is_right();
}

/// Flips a bit, and keeps the size.
fn rot(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    bytes[0] ^= 1;
    fs::write(path, bytes).unwrap();
    fs::File::open(path).unwrap().sync_all().unwrap();
}
