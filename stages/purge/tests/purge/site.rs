//! A site with archived files, each proven on two drives, and two people who agree on a purge.

use std::time::Duration;

use jiff::SignedDuration;
use strongroom_audit::{copies_of, known_drives};
use strongroom_bus::BatchOutcome;
use strongroom_model::event::{
    AlarmCleared, AlarmKey, AlarmRaised, CopyDamaged, CopyProven, DriveInitialised, DriveLost, DriveReturned, Found,
    PurgeApproved, PurgeProposed, PurgeRequested, PurgeTally, ReadBack,
};
use strongroom_model::purge::Purge;
use strongroom_model::wire::{Mark, PurgeApproval, PurgeProposal};
use strongroom_model::{BookingId, ByteCount, CustodyId, DriveId, Event, StreamName};
use strongroom_purge::{PurgeSettings, Purger, ids_digest};
use strongroom_server::token::{self, Scope};
use strongroom_source::{Source, SourceSettings};
use strongroom_stage_rig::uploads::Uploads;
use strongroom_stage_rig::{StageRig, sample};

pub(crate) const PURGE: &str = "p-1";
pub(crate) const FRESH: SignedDuration = SignedDuration::from_hours(90 * 24);

pub(crate) struct Site {
    pub(crate) rig: StageRig,
    pub(crate) uploads: Uploads,
    pub(crate) second: DriveId,
    pub(crate) ids: Vec<String>,
}

impl Site {
    /// Archived bookings with these ids, whose contents are their ids: each on the first drive.
    pub(crate) async fn new(ids: &[&str]) -> Self {
        let rig = StageRig::new().await;
        let files: Vec<_> = ids.iter().map(|id| (*id, id.as_bytes())).collect();
        let uploads = rig.uploads(&files).await;
        let second = DriveId::random();
        for (drive, label) in [(rig.drive, "blue 1"), (second, "blue 2")] {
            note_drive(&rig, drive, label).await;
        }
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        let site = Self { rig, uploads, second, ids: ids.clone() };
        for id in &ids {
            site.archive(id).await;
        }
        site
    }

    /// The same, each also on the second drive.
    pub(crate) async fn copied(ids: &[&str]) -> Self {
        let site = Self::new(ids).await;
        for id in ids {
            site.prove(id, site.second, ReadBack::Direct).await;
        }
        site
    }

    pub(crate) async fn note_drive(&self, drive: DriveId, label: &str) {
        note_drive(&self.rig, drive, label).await;
    }

    async fn archive(&self, id: &str) {
        let task = self.rig.backed_up(id, id.as_bytes()).await;
        let (proof, (event, time)) = task.state.backed_up.zip(task.state.proven).unwrap();
        let mark = Mark {
            id: id.to_owned(),
            digest: proof.digest.to_string(),
            drive: proof.drive,
            path: proof.path,
            read_back: proof.read_back,
            proven_at: time,
            event,
        };
        self.uploads.source.mark(&[mark]).await.unwrap();
        self.uploads.source.move_to_archive(&[booking(id)]).await.unwrap();
        self.rig.append(id, sample::archived(&format!("archived/2026-11/uploads/{id}/t.pdf"))).await;
    }

    /// A copy was read back, or written.
    pub(crate) async fn prove(&self, id: &str, drive: DriveId, read_back: ReadBack) {
        self.prove_content(id, drive, read_back, id.as_bytes()).await;
    }

    pub(crate) async fn prove_content(&self, id: &str, drive: DriveId, read_back: ReadBack, content: &[u8]) {
        let proven = CopyProven {
            booking: booking(id),
            drive,
            from: None,
            path: format!("acme/2026-11/data/{id}/t.pdf"),
            quarantined: None,
            read_back,
            request: CustodyId::new(self.rig.clock.now()),
            sha256: sample::sha256(content),
            size_bytes: ByteCount(content.len() as u64),
        };
        let stream = copy_stream(id, drive, content);
        let is_new = self.rig.log.stream(&stream).await.unwrap().is_empty();
        let event = if is_new && drive != self.rig.drive { Event::CopyMade(proven) } else { Event::CopyProven(proven) };
        self.rig.append_to(&stream, event).await;
    }

    pub(crate) async fn damage(&self, id: &str, drive: DriveId) {
        self.damage_content(id, drive, id.as_bytes()).await;
    }

    pub(crate) async fn damage_content(&self, id: &str, drive: DriveId, content: &[u8]) {
        let damaged = CopyDamaged {
            booking: booking(id),
            drive,
            found: Found::Missing,
            path: format!("acme/2026-11/data/{id}/t.pdf"),
            request: CustodyId::new(self.rig.clock.now()),
            sha256: sample::sha256(content),
            size_bytes: ByteCount(content.len() as u64),
        };
        self.rig.append_to(&copy_stream(id, drive, content), Event::CopyDamaged(damaged)).await;
    }

    pub(crate) async fn lose(&self, drive: DriveId) {
        let lost = Event::DriveLost(DriveLost { reason: "stolen".to_owned() });
        self.rig.append_to(&StreamName::drive(drive), lost).await;
    }

    pub(crate) async fn find(&self, drive: DriveId) {
        let back = Event::DriveReturned(DriveReturned { from: None, place: "the safe".to_owned() });
        self.rig.append_to(&StreamName::drive(drive), back).await;
    }

    /// A person decides to go on from a log that lost its newest events.
    pub(crate) async fn go_on_from_a_restored_log(&self) {
        let stream = StreamName::alarm(&AlarmKey::log_rewound());
        let message = "the log was restored from Monday".to_owned();
        let AlarmKey { kind, subject } = AlarmKey::log_rewound();
        let next_step = "strongroom log adopt".to_owned();
        let raised = AlarmRaised { kind, message: message.clone(), next_step, subject };
        self.rig.append_to(&stream, Event::AlarmRaised(raised)).await;
        self.rig.append_to(&stream, Event::AlarmCleared(AlarmCleared { message })).await;
    }

    /// A client with a token of that name.
    pub(crate) async fn person(&self, name: &str, scope: Scope) -> Source {
        let store = self.uploads.server.documents().store();
        let (_, secret) = token::create(store, name, &[scope], &self.rig.clock).await.unwrap();
        Source::new(&SourceSettings::new(self.uploads.server.url(), Some(secret.expose().to_owned()))).unwrap()
    }

    /// Proposed by Ann, on the server and in the log.
    pub(crate) async fn propose(&self, purge: &str) {
        let proposal = PurgeProposal {
            purge: purge.to_owned(),
            proposed_by: "Ann".to_owned(),
            reason: None,
            ids: self.ids.clone(),
        };
        self.person("ann", Scope::Purge).await.propose_purge(&proposal).await.unwrap();
        self.note(purge, &self.ids).await;
    }

    /// The log says that these were proposed.
    pub(crate) async fn note(&self, purge: &str, ids: &[String]) {
        let proposed = PurgeProposed {
            bookings: ids.len() as u64,
            ids_sha256: ids_digest(ids),
            proposed_by: "Ann".to_owned(),
            size_bytes: ByteCount(0),
        };
        self.rig.append_to(&stream(purge), Event::PurgeProposed(proposed)).await;
    }

    /// Proposed by Ann, approved by Bob.
    pub(crate) async fn agree(&self, purge: &str) {
        self.propose(purge).await;
        let approval = PurgeApproval { approved_by: "Bob".to_owned() };
        self.person("bob", Scope::Approve).await.approve_purge(purge, &approval).await.unwrap();
        self.note_approval(purge).await;
    }

    pub(crate) async fn note_approval(&self, purge: &str) {
        let approved = PurgeApproved { approved_at: self.rig.clock.now(), approved_by: "Bob".to_owned() };
        self.rig.append_to(&stream(purge), Event::PurgeApproved(approved)).await;
    }

    pub(crate) async fn request(&self, purge: &str) {
        let requested = PurgeRequested { drives_needed: 2 };
        self.rig.append_to(&stream(purge), Event::PurgeRequested(requested)).await;
    }

    pub(crate) fn purger(&self) -> Purger {
        let settings = PurgeSettings { evidence_fresh_for: FRESH };
        let (log, clock) = (self.rig.log.clone(), self.rig.clock.clone());
        Purger::new(log, clock, "purge@rig".parse().unwrap(), self.uploads.source.clone(), settings, None)
    }

    /// One delivery of the purge's last event.
    pub(crate) async fn deliver(&self, purge: &str) -> BatchOutcome {
        let task = self.rig.task_of::<Purge>(&stream(purge)).await;
        self.rig.handle(&self.purger(), vec![task]).await
    }

    /// Requests a run, and sees it through.
    pub(crate) async fn run(&self, purge: &str) -> PurgeTally {
        self.request(purge).await;
        while self.state(purge).await.is_requested {
            let outcome = self.deliver(purge).await;
            assert!(outcome.unsettled().is_empty() && outcome.obstacle.is_none(), "{outcome:?}");
        }
        self.state(purge).await.tally
    }

    pub(crate) async fn state(&self, purge: &str) -> Purge {
        self.rig.task_of::<Purge>(&stream(purge)).await.state
    }

    /// Why the only booking that was left was left.
    pub(crate) async fn left(&self, purge: &str) -> String {
        let tally = self.run(purge).await;
        assert_eq!((tally.purged, tally.left), (0, 1), "{tally:?}");
        assert!(self.has_file(&tally.reasons[0].booking));
        tally.reasons[0].reason.clone()
    }

    pub(crate) fn file(&self, id: &str) -> std::path::PathBuf {
        self.uploads.documents.join(format!("archived/2026-11/uploads/{id}/t.pdf"))
    }

    pub(crate) fn has_file(&self, id: &str) -> bool {
        self.file(id).exists()
    }

    pub(crate) fn days_pass(&self, days: u64) {
        self.rig.clock.advance(Duration::from_secs(days * 24 * 3600));
    }

    /// How many good copies the log has of it.
    pub(crate) async fn good_copies(&self, id: &str) -> usize {
        let drives = known_drives(&self.rig.log).await.unwrap();
        let found = copies_of(&self.rig.log, &drives, &[booking(id)]).await.unwrap();
        found[&booking(id)].copies.iter().filter(|copy| copy.is_good()).count()
    }

    pub(crate) async fn stop(self) {
        self.uploads.server.stop().await;
    }
}

pub(crate) fn booking(id: &str) -> BookingId {
    id.parse().unwrap()
}

pub(crate) fn stream(purge: &str) -> StreamName {
    StreamName::purge(&purge.parse().unwrap())
}

fn copy_stream(id: &str, drive: DriveId, content: &[u8]) -> StreamName {
    StreamName::copy(drive, &booking(id), &sample::sha256(content))
}

async fn note_drive(rig: &StageRig, drive: DriveId, label: &str) {
    let event = Event::DriveInitialised(DriveInitialised { label: label.to_owned() });
    rig.append_to(&StreamName::drive(drive), event).await;
}
