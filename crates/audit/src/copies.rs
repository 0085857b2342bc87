//! The copies of bookings: on which drives, where these are, and when each was last proven.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::booking::Booking;
use strongroom_model::copy::Copy;
use strongroom_model::drive_state::DriveState;
use strongroom_model::event::{AlarmKey, Found, ReadBack};
use strongroom_model::fold::fold;
use strongroom_model::{
    BookingId, ByteCount, Digest, DriveId, Event, EventId, Position, Recorded, StreamName, SubjectKind,
};

/// More drives than any site has.
const MAX_DRIVES: usize = 10_000;

/// Every drive that the log knows.
///
/// Where a person decided to go on from a log that lost its newest events, all of them count as come back then: what was
/// found damaged or lost in between is not known, so nothing from before is proof until it is read again.
///
/// # Errors
/// The log cannot be read.
pub async fn known_drives(log: &EventLog) -> Result<BTreeMap<DriveId, DriveState>, LogError> {
    let heads = log.newest(SubjectKind::Drive, MAX_DRIVES).await?;
    let streams: Vec<StreamName> = heads.into_iter().map(|head| head.stream).collect();
    let histories = log.readable_streams(&streams).await?;
    let gone_on_from = gone_on_from(log).await?;
    let drive = |(stream, history): (StreamName, Vec<Recorded>)| {
        let mut state = fold::<DriveState>(&history).ok()?;
        state.came_back = state.came_back.max(gone_on_from);
        Some((stream.id().parse().ok()?, state))
    };
    Ok(histories.into_iter().filter_map(drive).collect())
}

/// Where a person last decided to go on from a log that lost its newest events.
async fn gone_on_from(log: &EventLog) -> Result<Option<Position>, LogError> {
    let history = log.readable_stream(&StreamName::alarm(&AlarmKey::log_rewound())).await?;
    let decided = history.iter().rfind(|recorded| matches!(recorded.event, Event::AlarmCleared(_)));
    Ok(decided.map(|recorded| recorded.position))
}

/// One copy of a booking.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CopyOn {
    /// The drive that holds it.
    pub drive: DriveId,
    /// The path below the drive's root.
    pub path: String,
    /// The newest proof; `None`: it was found damaged since.
    pub proven: Option<Proof>,
    /// What was found instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub damage: Option<Found>,
    /// Whether the drive's copies count: it is neither lost nor retired.
    pub counts: bool,
    /// The drive was lost or retired after that proof, and came back, or the log lost its newest events: until it is read
    /// back again, nobody knows.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub came_back: bool,
}

/// The newest proof of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Proof {
    /// Its event.
    pub event: EventId,
    /// When.
    pub time: Timestamp,
    /// How it was read back.
    pub read_back: ReadBack,
}

impl CopyOn {
    /// Whether it is a good copy: proven, on a drive that counts and was in our hands since.
    #[must_use]
    pub const fn is_good(&self) -> bool {
        self.proven.is_some() && self.counts && !self.came_back
    }

    /// Whether it is evidence for a purge: good, read back from the device, and proven since then.
    #[must_use]
    pub fn is_evidence_since(&self, since: Timestamp) -> bool {
        let fresh = |proof: &Proof| proof.read_back != ReadBack::Cached && proof.time >= since;
        self.is_good() && self.proven.as_ref().is_some_and(fresh)
    }
}

/// A booking with its copies.
#[derive(Debug, Clone)]
pub struct BookingCopies {
    /// Its state.
    pub state: Booking,
    /// SHA-256 of the content that was proven last.
    pub sha256: Option<Digest>,
    /// Its size.
    pub size: ByteCount,
    /// The copies of that content, by drive.
    pub copies: Vec<CopyOn>,
}

/// The copies of these bookings; those that the log does not know are left out.
///
/// # Errors
/// The log cannot be read.
pub async fn copies_of(
    log: &EventLog,
    drives: &BTreeMap<DriveId, DriveState>,
    bookings: &[BookingId],
) -> Result<HashMap<BookingId, BookingCopies>, LogError> {
    let streams: Vec<StreamName> = bookings.iter().map(StreamName::booking).collect();
    let histories = log.readable_streams(&streams).await?;
    let mut found: HashMap<BookingId, BookingCopies> = HashMap::new();
    let mut first_proofs: HashMap<BookingId, Position> = HashMap::new();
    let mut copy_streams = Vec::new();
    for booking in bookings {
        let Some(history) = histories.get(&StreamName::booking(booking)) else { continue };
        let Ok(state) = fold::<Booking>(history) else { continue };
        let first = state.proven.and_then(|(event, _)| history.iter().find(|one| one.id == event));
        first_proofs.extend(first.map(|first| (booking.clone(), first.position)));
        let proof = state.backed_up.clone();
        let sha256 = proof.as_ref().map(|proof| proof.sha256.clone());
        if let Some(sha256) = &sha256 {
            copy_streams.extend(drives.keys().map(|drive| StreamName::copy(*drive, booking, sha256)));
        }
        let size = proof.map_or(ByteCount(0), |proof| proof.size_bytes);
        found.insert(booking.clone(), BookingCopies { state, sha256, size, copies: Vec::new() });
    }
    let copies = log.readable_streams(&copy_streams).await?;
    for (booking, entry) in &mut found {
        let Some(sha256) = &entry.sha256 else { continue };
        for (drive, state) in drives {
            let later = copies.get(&StreamName::copy(*drive, booking, sha256));
            let later = later.and_then(|history| fold::<Copy>(history).ok());
            let first = first_proofs.get(booking).copied();
            entry.copies.extend(copy_on(*drive, state, &entry.state, first, later));
        }
    }
    Ok(found)
}

/// What is known of a booking's copy on a drive: the pipeline's proof, unless a later one is in the copy's own stream.
fn copy_on(
    drive: DriveId,
    state: &DriveState,
    booking: &Booking,
    first: Option<Position>,
    later: Option<Copy>,
) -> Option<CopyOn> {
    let counts = state.counts();
    let pipeline = booking.backed_up.as_ref().filter(|proof| proof.drive == drive).zip(booking.proven).zip(first);
    match (later, pipeline) {
        (Some(later), _) if later.evidence.is_some() || later.damage.is_some() => Some(CopyOn {
            drive,
            path: later.path.unwrap_or_default(),
            came_back: later.evidence.as_ref().is_some_and(|one| !state.trusts(one.position)),
            proven: later.evidence.map(|one| Proof { event: one.event, time: one.time, read_back: one.read_back }),
            damage: later.damage,
            counts,
        }),
        (_, Some(((proof, (event, time)), position))) => Some(CopyOn {
            drive,
            path: proof.path.clone(),
            proven: Some(Proof { event, time, read_back: proof.read_back }),
            damage: None,
            counts,
            came_back: !state.trusts(position),
        }),
        _ => None,
    }
}

/// A drive as people call it: its label, and its id where there is none.
#[must_use]
pub fn called(drives: &BTreeMap<DriveId, DriveState>, drive: DriveId) -> String {
    match drives.get(&drive).and_then(|state| state.label.as_ref()) {
        Some(label) => format!("{:?}", strongroom_model::text::printable(label, 64)),
        None => drive.to_string(),
    }
}
