//! A log, drives in folders of their own, and acts that are handed to the stage as the runner would.

use std::fs;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use strongroom_bus::Task;
use strongroom_custody::{Custodian, DriveGate, Drives};
use strongroom_drive::{Destination, Drive, DriveError, DriveErrorKind, DriveSettings, ProvenCopy};
use strongroom_model::copy::Copy;
use strongroom_model::custody::Custody;
use strongroom_model::event::{
    Act, AlarmKind, CustodyRequested, DriveInitialised, Enumerated, MountedDrive, RestoreTo, Selection, Tally,
};
use strongroom_model::{
    Algorithm, BookingId, ByteCount, CustodyId, Digest, DriveId, Event, Month, Position, Recorded, StreamName,
};
use strongroom_source::Source;
pub(crate) use strongroom_stage_rig::sample::sha256;
use strongroom_stage_rig::{StageRig, sample};

/// More slices than any act of a test has.
const MAX_SLICES: usize = 40;

/// Lets every drive through but those that a test names; counts what it is asked.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    pub(crate) refused: Mutex<Vec<DriveId>>,
    /// Drives whose folder is taken away as soon as they were admitted: unplugged in the midst of work.
    pub(crate) unplugged: Mutex<Vec<DriveId>>,
    pub(crate) admitted: Mutex<Vec<DriveId>>,
    pub(crate) sealed: Mutex<Vec<DriveId>>,
}

impl Gate {
    fn pass(&self, drive: &Drive) -> Result<(), DriveError> {
        let refused = self.refused.lock().unwrap().contains(&drive.identity().id);
        if refused { Err(DriveErrorKind::Unrecorded("a test refuses it".to_owned()).at(drive.root())) } else { Ok(()) }
    }
}

impl DriveGate for Gate {
    fn recognise(&self, drive: &Drive) -> Result<(), DriveError> {
        self.pass(drive)
    }

    fn admit(&self, drive: &Drive) -> Result<(), DriveError> {
        self.pass(drive)?;
        let id = drive.identity().id;
        self.admitted.lock().unwrap().push(id);
        if self.unplugged.lock().unwrap().contains(&id) {
            fs::rename(drive.root(), drive.root().with_extension("unplugged")).unwrap();
            fs::create_dir(drive.root()).unwrap();
        }
        Ok(())
    }

    fn seal(&self, drive: &Drive) -> Result<(), DriveError> {
        self.sealed.lock().unwrap().push(drive.identity().id);
        Ok(())
    }
}

/// A drive in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Mounted {
    pub(crate) id: DriveId,
    pub(crate) root: PathBuf,
}

impl Mounted {
    pub(crate) fn named(&self) -> MountedDrive {
        MountedDrive { drive: self.id, path: self.root.to_str().unwrap().to_owned() }
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    pub(crate) fn open(&self) -> Drive {
        Drive::open(&self.root, &DriveSettings { reserve: Some(ByteCount(0)), expect: Some(self.id) }).unwrap()
    }

    pub(crate) fn bag(&self) -> PathBuf {
        self.file("acme/2026-11")
    }

    /// Flips one bit of a file and keeps its size.
    pub(crate) fn rot(&self, path: &str) {
        let mut bytes = fs::read(self.file(path)).unwrap();
        let last = bytes.len() - 1;
        bytes[last] ^= 1;
        fs::write(self.file(path), bytes).unwrap();
        fs::File::open(self.file(path)).unwrap().sync_all().unwrap();
    }

    /// Rewrites the manifest as an editor would.
    pub(crate) fn edit_manifest(&self, edit: impl FnOnce(&str) -> String) {
        let path = self.bag().join("manifest-sha256.txt");
        let before = fs::read_to_string(&path).unwrap();
        let after = edit(&before);
        assert_ne!(before, after);
        fs::write(path, after).unwrap();
    }

    /// Every file in the months' folders, without what bags have beside copies.
    pub(crate) fn payload(&self) -> Vec<String> {
        let paths = files_below(&self.file("acme")).into_iter();
        let paths = paths.map(|path| path.strip_prefix(&self.root).unwrap().to_str().unwrap().to_owned());
        let mut files: Vec<String> =
            paths.filter(|path| path.contains("/data/") && !path.ends_with("/data/README.txt")).collect();
        files.sort();
        files
    }

    /// `sha256sum -c` passes in the month's folder.
    pub(crate) fn sha256sum_passes(&self) {
        let mut check = Command::new("sha256sum");
        let output = check.args(["-c", "--strict", "--quiet", "manifest-sha256.txt"]).current_dir(self.bag()).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&[output.stdout, output.stderr].concat()));
    }
}

/// Every file below that folder, at any depth.
pub(crate) fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

pub(crate) struct Rig {
    site: StageRig,
    pub(crate) gate: Arc<Gate>,
    pub(crate) source: Option<Source>,
}

impl Deref for Rig {
    type Target = StageRig;

    fn deref(&self) -> &StageRig {
        &self.site
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self { site: StageRig::new().await, gate: Arc::default(), source: None }
    }

    /// A drive that is set up, and that the log knows.
    pub(crate) async fn mount(&self, label: &str) -> Mounted {
        let root = self.folder.path().join(label);
        fs::create_dir(&root).unwrap();
        let id = Drive::init(&root, label, self.clock.now()).unwrap().id;
        let known = Event::DriveInitialised(DriveInitialised { label: label.to_owned() });
        self.append_to(&StreamName::drive(id), known).await;
        Mounted { id, root }
    }

    /// A new process' stage.
    pub(crate) fn stage(&self) -> Custodian {
        let drives = Drives::new(Arc::clone(&self.gate) as Arc<dyn DriveGate>, None, ByteCount(0));
        let (log, clock) = (self.log.clone(), self.clock.clone());
        let data_dir = self.folder.path().to_owned();
        Custodian::new(log, clock, "custody@test".parse().unwrap(), drives, self.source.clone(), data_dir)
    }

    /// Copies on a drive that were fetched, read back and proven: their paths.
    pub(crate) async fn proven(&self, drive: &Mounted, files: &[(&str, &[u8])]) -> Vec<String> {
        let named: Vec<_> = files.iter().map(|(id, bytes)| (*id, "2026-11", format!("{id}.pdf"), *bytes)).collect();
        let named: Vec<_> = named.iter().map(|(id, month, name, bytes)| (*id, *month, name.as_str(), *bytes)).collect();
        self.proven_as(drive, &named).await
    }

    /// The same, with the month and the name that the server gave.
    pub(crate) async fn proven_as(&self, drive: &Mounted, files: &[(&str, &str, &str, &[u8])]) -> Vec<String> {
        let open = drive.open();
        let mut received = Vec::new();
        for (id, month, name, bytes) in files {
            let place = Destination {
                site: self.log.site().clone(),
                month: month.parse().unwrap(),
                booking: id.parse().unwrap(),
                filename: (*name).to_owned(),
                expected: sha256(bytes),
                size: ByteCount(bytes.len() as u64),
            };
            let mut partial = open.receive(&place).unwrap();
            partial.write(bytes).unwrap();
            received.push(partial.finish().unwrap());
        }
        let mut paths = Vec::new();
        for ((id, month, name, bytes), landed) in files.iter().zip(open.commit(received)) {
            let landed = landed.unwrap();
            let read = open.read_back(&landed.path, Algorithm::Sha256).unwrap();
            let proof = ProvenCopy { path: landed.path.clone(), sha256: sha256(bytes), seen: Some(read.seen) };
            open.record(self.log.site(), landed.month, &[proof]).remove(0).unwrap();
            self.log_proof(drive.id, (id, month, name, bytes), &landed.path).await;
            paths.push(landed.path);
        }
        open.fold(self.log.site()).unwrap();
        paths
    }

    /// The log's side of a copy that was proven by the pipeline.
    async fn log_proof(&self, drive: DriveId, (id, month, name, bytes): (&str, &str, &str, &[u8]), path: &str) {
        let (size, digest) = (bytes.len() as u64, sha256(bytes));
        let month: Month = month.parse().unwrap();
        let enumerated = Event::TimesheetEnumerated(Enumerated {
            filename: name.to_owned(),
            size_bytes: ByteCount(size),
            digest: digest.clone(),
            signed_off_at: "2026-11-01T08:00:00Z".parse().unwrap(),
        });
        self.append(id, enumerated).await;
        for mut event in [sample::fetched(drive, path, size, &digest), sample::backed_up(drive, path, size, &digest)] {
            match &mut event {
                Event::TimesheetFetched(data) => data.month = month,
                Event::TimesheetBackedUp(data) => data.month = month,
                _ => {}
            }
            self.append(id, event).await;
        }
    }

    /// Requests an act.
    pub(crate) async fn request(&self, act: Act) -> StreamName {
        let stream = StreamName::custody(CustodyId::new(self.clock.now()));
        let until = Position(self.size().await);
        self.append_to(&stream, Event::CustodyRequested(CustodyRequested { act, until })).await;
        stream
    }

    /// One slice, as a process does that begins with it.
    pub(crate) async fn slice(&self, stream: &StreamName) -> Task<Custody> {
        let task = self.task_of::<Custody>(stream).await;
        self.handle(&self.stage(), vec![task.clone()]).await;
        task
    }

    /// Slices until it has ended or failed.
    pub(crate) async fn until_ended(&self, stream: &StreamName) -> Custody {
        for _ in 0..MAX_SLICES {
            let state = self.task_of::<Custody>(stream).await.state;
            if !state.is_open() || state.failure.is_some() {
                return state;
            }
            self.slice(stream).await;
        }
        panic!("{stream} does not end");
    }

    /// Requests an act and does it: its sums.
    pub(crate) async fn act(&self, act: Act) -> Tally {
        let state = self.attempt(act).await;
        assert!(!state.is_open(), "{:?}", state.failure);
        state.tally
    }

    /// The same, where it may fail.
    pub(crate) async fn attempt(&self, act: Act) -> Custody {
        let stream = self.request(act).await;
        self.until_ended(&stream).await
    }

    pub(crate) async fn verify(&self, drive: &Mounted) -> Tally {
        self.act(Act::Verify { drive: drive.named(), which: Selection::All }).await
    }

    pub(crate) async fn copy(&self, from: &Mounted, to: &[&Mounted]) -> Tally {
        self.act(Act::Copy { drive: from.named(), to: to.iter().map(|one| one.named()).collect() }).await
    }

    pub(crate) async fn repair(&self, drive: &Mounted, from: &Mounted) -> Tally {
        self.act(Act::Repair { drive: drive.named(), from: from.named() }).await
    }

    pub(crate) async fn restore(&self, drive: &Mounted, to: RestoreTo, which: Selection) -> Tally {
        self.act(Act::Restore { drive: drive.named(), to, which }).await
    }

    /// What has happened to a copy since its first proof.
    pub(crate) async fn story(&self, drive: &Mounted, booking: &str, bytes: &[u8]) -> Vec<Recorded> {
        self.log.stream(&copy_stream(drive, booking, &sha256(bytes))).await.unwrap()
    }

    /// How a copy stands; as untouched where it has no stream.
    pub(crate) async fn copy_state(&self, drive: &Mounted, booking: &str, bytes: &[u8]) -> Copy {
        strongroom_model::fold::fold(&self.story(drive, booking, bytes).await).unwrap()
    }

    /// Whether the alarm about a drive's damage is raised.
    pub(crate) async fn is_alarmed(&self, drive: &Mounted) -> bool {
        matches!(self.alarm(AlarmKind::DriveDamaged, drive.id).await.last(), Some(Event::AlarmRaised(_)))
    }
}

pub(crate) fn copy_stream(drive: &Mounted, booking: &str, sha256: &Digest) -> StreamName {
    StreamName::copy(drive.id, &booking.parse::<BookingId>().unwrap(), sha256)
}

/// Whether one of the remarks has all these parts.
pub(crate) fn says(tally: &Tally, parts: &[&str]) -> bool {
    tally.remarks.iter().any(|remark| parts.iter().all(|part| remark.contains(part)))
}
