//! Whether a log is intact: its bytes, its tree, and each stream's history.

use serde::Serialize;
use strongroom_eventlog::{EventLog, Fault, LogError, Stored};
use strongroom_model::envelope::EnvelopeError;
use strongroom_model::event::DecodeError;
use strongroom_model::{BookingCounts, Event, Position, Recorded, SiteId, StreamName, SubjectKind};
use strongroom_proof::Head;

use crate::keys::KeyChain;
use crate::listed::{READ_EVENTS, next_events};
use crate::replay_state::ReplayState;

/// How many of the newest summaries' roots are compared: each covers all events before it.
const MAX_SUMMARIES: usize = 10_000;

/// Enough to see a pattern.
const MAX_NAMED: usize = 20;

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VerifyReport {
    /// Whose log it is.
    pub site: SiteId,
    /// Whether nothing wrong was found.
    pub ok: bool,
    /// The number of events by the log's head.
    pub size: u64,
    /// The head's root, in base64.
    pub root: String,
    /// Events that were verified.
    pub events: u64,
    /// The size of the verified events in bytes.
    pub bytes: u64,
    /// Events that only a newer version can read; their bytes were verified.
    pub unknown: u64,
    /// Roots that it was compared with: its own summaries', and others.
    pub roots: u64,
    /// The first wrong position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_bad: Option<Bad>,
    /// Events that cannot follow what came before, and keys that nothing vouches for.
    pub illegal: u64,
    /// The first 20 of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub illegal_events: Vec<Bad>,
    /// Bookings by status; `None`: the log is damaged.
    pub bookings: Option<BookingCounts>,
}

/// A wrong position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Bad {
    /// The wrong position.
    pub position: Position,
    /// What is wrong there.
    pub reason: String,
}

/// A size and root that the log had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownRoot {
    /// The size and the root.
    pub head: Head,
    /// Where it was kept: `the data folder /var/lib/strongroom`.
    pub known_to: String,
}

/// Recomputes hashes, tree, columns and projection, compares earlier roots, then folds every stream.
///
/// Only `kept`, roots that were noted elsewhere, can show a log whose end was cut off or that was rewritten as a
/// whole.
///
/// # Errors
/// The log cannot be read for another reason than damage.
pub async fn verify(log: &EventLog, kept: &[KnownRoot]) -> Result<VerifyReport, LogError> {
    let mut known = kept.to_vec();
    // If they cannot be read, the verification finds the damage.
    known.extend(summaries(log).await.unwrap_or_default());
    let heads: Vec<Head> = known.iter().map(|known| known.head).collect();
    let found = log.verify_against(&heads).await?;
    let first_bad = found.damage.map(|damage| {
        let who = match damage.fault {
            Fault::EarlierHead(size) | Fault::CutOff(size) => {
                known.iter().find(|known| known.head.size == size).map(|known| format!(" ({} has it)", known.known_to))
            }
            _ => None,
        };
        Bad { position: damage.position, reason: format!("{damage}{}", who.unwrap_or_default()) }
    });
    let mut report = VerifyReport {
        site: log.site().clone(),
        ok: false,
        size: found.head.size,
        root: found.head.root_base64(),
        events: found.events,
        bytes: found.bytes,
        unknown: found.unknown,
        roots: known.len() as u64,
        first_bad,
        illegal: 0,
        illegal_events: Vec::new(),
        bookings: None,
    };
    if report.first_bad.is_none() {
        fold_all(log, found.head.size, &mut report).await?;
    }
    report.ok = report.first_bad.is_none() && report.illegal == 0;
    Ok(report)
}

/// Whoever rewrites an event, with new hashes and head, has to rewrite these as well, and cannot change the mails.
async fn summaries(log: &EventLog) -> Result<Vec<KnownRoot>, LogError> {
    let newest = log.newest(SubjectKind::Summary, MAX_SUMMARIES).await?;
    let names: Vec<StreamName> = newest.into_iter().map(|head| head.stream).collect();
    let mut known = Vec::with_capacity(names.len());
    for names in names.chunks(READ_EVENTS) {
        let histories = log.readable_streams(names).await?;
        known.extend(histories.values().filter_map(|history| known_root(history.first()?)));
    }
    Ok(known)
}

fn known_root(first: &Recorded) -> Option<KnownRoot> {
    let Event::SummaryComposed(composed) = &first.event else { return None };
    // An empty interval only uses up a number.
    let covers = composed.from < composed.to && composed.to <= first.position;
    let head = format!("{}:{}", composed.to, composed.root).parse().ok()?;
    covers.then(|| KnownRoot { head, known_to: format!("summary {}", composed.number) })
}

/// Folds what the verified head covers; later events are not part of the report.
async fn fold_all(log: &EventLog, size: u64, report: &mut VerifyReport) -> Result<(), LogError> {
    let (mut state, mut keys) = (ReplayState::default(), KeyChain::default());
    let mut next = Position(0);
    while next.0 < size {
        for stored in next_events(log, &mut next, Position(size)).await? {
            fold_one(&stored, &mut state, &mut keys, report)?;
        }
    }
    report.bookings = Some(state.bookings());
    Ok(())
}

fn fold_one(
    stored: &Stored,
    state: &mut ReplayState,
    keys: &mut KeyChain,
    report: &mut VerifyReport,
) -> Result<(), LogError> {
    let recorded = match stored.decode() {
        Ok(recorded) => recorded,
        // Counted by the log's own verification.
        Err(LogError::Undecodable { source, .. })
            if matches!(*source, EnvelopeError::Decode(DecodeError::UnknownType(_))) =>
        {
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let key = keys.take(&recorded.event).map_err(|fault| format!("{}: {fault}", recorded.stream));
    let folded = state.apply(&recorded).map_err(|error| error.to_string());
    for reason in [key, folded].into_iter().filter_map(Result::err) {
        report.illegal += 1;
        if report.illegal_events.len() < MAX_NAMED {
            report.illegal_events.push(Bad { position: stored.position, reason });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
