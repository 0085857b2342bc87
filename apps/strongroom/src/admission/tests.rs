use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use strongroom_drive::DriveSettings;
use strongroom_model::{AlarmKind, Event, SiteId, StreamName};
use strongroom_service::blocking;

use super::*;

/// A drive in a folder, which can be cloned: its file system keeps no births, as FAT and exFAT do not.
struct Rig {
    folder: tempfile::TempDir,
    log: EventLog,
    clock: Clock,
}

impl Rig {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &site()).await.unwrap();
        let rig = Self { folder, log, clock: Clock::manual("2026-11-20T23:00:00Z".parse().unwrap()) };
        std::fs::create_dir(rig.root()).unwrap();
        Drive::init(&rig.root(), "blue 1", rig.clock.now()).unwrap();
        let identity = rig.root().join(".strongroom/drive.json");
        let text = std::fs::read_to_string(&identity).unwrap();
        let without: Vec<_> = text.lines().filter(|line| !line.contains("\"born\"")).collect();
        let text = without
            .join("\n")
            .replace("\"created_at\": \"2026-11-20T23:00:00Z\",", "\"created_at\": \"2026-11-20T23:00:00Z\"");
        let text = if text.contains("in_memory") { text.replace("00:00Z\"\n", "00:00Z\",\n") } else { text };
        std::fs::write(&identity, text).unwrap();
        rig
    }

    fn root(&self) -> PathBuf {
        self.folder.path().join("drive")
    }

    fn clone_to(&self, name: &str) -> PathBuf {
        let clone = self.folder.path().join(name);
        assert!(Command::new("cp").arg("-a").arg(self.root()).arg(&clone).status().unwrap().success());
        clone
    }

    /// A process of this or another host.
    fn process(&self, host: &str) -> Arc<LogAdmission> {
        let mut admission = LogAdmission::new(&self.log, &self.clock, &format!("fetch@{host}").parse().unwrap());
        admission.look_again = Duration::ZERO;
        admission.patience = Duration::from_secs(2);
        Arc::new(admission)
    }

    async fn uses(&self) -> usize {
        let events = self.log.read(strongroom_model::Position(0), 1000).await.unwrap();
        events.iter().filter(|stored| DriveUse::of(&stored.decode().unwrap().event).is_some()).count()
    }
}

fn site() -> SiteId {
    "main".parse().unwrap()
}

fn open(root: &Path) -> Drive {
    Drive::open(root, &DriveSettings::default()).unwrap()
}

async fn admit(process: &Arc<LogAdmission>, root: &Path) -> Result<(), DriveError> {
    let (process, drive) = (process.clone(), open(root));
    blocking(move || process.admit(&drive)).await
}

fn is_cloned(admitted: Result<(), DriveError>) -> String {
    let error = admitted.unwrap_err();
    assert_eq!(error.obstacle().unwrap().kind, AlarmKind::DriveCloned, "{error}");
    error.to_string()
}

fn files(root: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        std::fs::read_dir(root.join(".strongroom/uses")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[tokio::test]
async fn r6_a_process_uses_a_drive_once_for_each_mount() {
    let rig = Rig::new().await;
    let process = rig.process("a");
    for _ in 0..3 {
        admit(&process, &rig.root()).await.unwrap();
    }
    assert_eq!(rig.uses().await, 1);
    admit(&rig.process("a"), &rig.root()).await.unwrap();
    assert_eq!((rig.uses().await, files(&rig.root()).len()), (2, 2), "another process");
    let history = rig.log.stream(&StreamName::drive(open(&rig.root()).identity().id)).await.unwrap();
    assert!(matches!(&history[0].event, Event::DriveInitialised(data) if data.label == "blue 1"));
    let Event::DriveUsed(second) = &history[2].event else { panic!("{history:?}") };
    assert_eq!((second.generation, second.before), (2, DriveUse::of(&history[1].event)));
    assert_eq!(history[2].actor.as_str(), "fetch@a");
}

#[tokio::test]
async fn r6_a_clone_that_lacks_the_newest_use_is_refused_and_nothing_is_written_to_it() {
    let rig = Rig::new().await;
    admit(&rig.process("a"), &rig.root()).await.unwrap();
    let clone = rig.clone_to("clone");
    admit(&rig.process("a"), &rig.root()).await.unwrap();
    let before = files(&clone);
    for _ in 0..2 {
        let said = is_cloned(admit(&rig.process("b"), &clone).await);
        assert!(said.contains("use 2, 2026-11-20 23:00:00 UTC, by fetch@a; the newest on it: use 1"), "{said}");
        assert!(said.contains("strongroom drive adopt"), "{said}");
    }
    assert_eq!((files(&clone), rig.uses().await), (before, 2));
    admit(&rig.process("a"), &rig.root()).await.unwrap();
}

#[tokio::test]
async fn r6_an_image_from_before_the_first_use_is_refused() {
    let rig = Rig::new().await;
    let clone = rig.clone_to("clone");
    admit(&rig.process("a"), &rig.root()).await.unwrap();
    let said = is_cloned(admit(&rig.process("a"), &clone).await);
    assert!(said.contains("the newest on it: none"), "{said}");
}

#[tokio::test]
async fn r6_a_clone_that_is_used_elsewhere_stops_who_uses_the_original() {
    let rig = Rig::new().await;
    let here = rig.process("here");
    admit(&here, &rig.root()).await.unwrap();
    // It was made while the original is in use, so that nothing tells them apart yet.
    let clone = rig.clone_to("clone");
    let there = rig.process("there");
    admit(&there, &clone).await.unwrap();
    let said = is_cloned(admit(&here, &rig.root()).await);
    assert!(said.contains("by fetch@there"), "{said}");
    admit(&there, &clone).await.unwrap();
    is_cloned(admit(&rig.process("here"), &rig.root()).await);
}

#[tokio::test]
async fn r6_a_clone_that_takes_the_drives_place_under_a_process_is_refused_and_the_original_is_taken_again() {
    let rig = Rig::new().await;
    let clone = rig.clone_to("clone");
    let process = rig.process("a");
    admit(&process, &rig.root()).await.unwrap();
    let away = rig.folder.path().join("away");
    std::fs::rename(rig.root(), &away).unwrap();
    std::fs::rename(&clone, rig.root()).unwrap();
    is_cloned(admit(&process, &rig.root()).await);
    std::fs::rename(rig.root(), &clone).unwrap();
    std::fs::rename(&away, rig.root()).unwrap();
    admit(&process, &rig.root()).await.unwrap();
    assert_eq!(rig.uses().await, 2, "it was mounted anew");
    // The very same mount, whose marks became those of a clone.
    for mark in files(&rig.root()) {
        std::fs::remove_file(mark).unwrap();
    }
    is_cloned(admit(&process, &rig.root()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn r3_many_processes_begin_at_the_same_moment_without_a_false_alarm() {
    const PROCESSES: usize = 24;
    let rig = Rig::new().await;
    let mut logs = Vec::new();
    for _ in 0..PROCESSES {
        logs.push(EventLog::open_sqlite(&rig.folder.path().join("log.sqlite"), &site()).await.unwrap());
    }
    let all: Vec<_> =
        logs.iter().map(|log| Arc::new(LogAdmission::new(log, &rig.clock, &"fetch@a".parse().unwrap()))).collect();
    for _ in 0..2 {
        let tasks: Vec<_> = all
            .iter()
            .map(|process| {
                let (process, root) = (process.clone(), rig.root());
                tokio::spawn(async move { admit(&process, &root).await })
            })
            .collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
    }
    assert_eq!((rig.uses().await, files(&rig.root()).len()), (PROCESSES, PROCESSES), "no mark of a lost race stays");
}

#[tokio::test]
async fn an_older_log_and_a_new_one_take_the_drive_as_it_is() {
    let rig = Rig::new().await;
    admit(&rig.process("a"), &rig.root()).await.unwrap();
    rig.log.close().await;
    let older = rig.folder.path().join("older.sqlite");
    std::fs::copy(rig.folder.path().join("log.sqlite"), &older).unwrap();
    let log = |path: PathBuf| async move { EventLog::open_sqlite(&path, &site()).await.unwrap() };
    let rig = Rig { log: log(rig.folder.path().join("log.sqlite")).await, ..rig };
    for _ in 0..3 {
        admit(&rig.process("a"), &rig.root()).await.unwrap();
    }
    let rig = Rig { log: log(older).await, ..rig };
    admit(&rig.process("a"), &rig.root()).await.unwrap();
    assert_eq!(rig.uses().await, 2, "the older log goes on from its own");
    let rig = Rig { log: log(rig.folder.path().join("new.sqlite")).await, ..rig };
    admit(&rig.process("a"), &rig.root()).await.unwrap();
    let newest = open(&rig.root()).uses(&site()).unwrap()[0];
    assert_eq!((rig.uses().await, newest.generation), (1, 6));
}

#[tokio::test]
async fn only_the_marks_of_the_last_uses_stay() {
    let rig = Rig::new().await;
    for _ in 0..70 {
        admit(&rig.process("a"), &rig.root()).await.unwrap();
    }
    assert_eq!((rig.uses().await, files(&rig.root()).len()), (70, 64));
    let newest = open(&rig.root()).uses(&site()).unwrap()[0];
    assert_eq!(newest.generation, 70);
}

#[tokio::test]
async fn r3_a_log_that_takes_nothing_costs_nothing_but_time() {
    let rig = Rig::new().await;
    let process = rig.process("a");
    admit(&process, &rig.root()).await.unwrap();
    let drive = open(&rig.root());
    let before = drive.uses(&site()).unwrap();
    // As after a kill between mark and record.
    drive.mark_use(&site(), DriveUse::after(before.first().copied(), &before)).unwrap();
    admit(&rig.process("a"), &rig.root()).await.unwrap();
    admit(&process, &rig.root()).await.unwrap();
    rig.log.close().await;
    admit(&process, &rig.root()).await.expect("it is in use already");
    let error = admit(&rig.process("a"), &rig.root()).await.unwrap_err();
    assert_eq!(error.obstacle().unwrap().kind, AlarmKind::DriveUnknown);
    assert!(error.to_string().contains("could not be recorded"), "{error}");
}
