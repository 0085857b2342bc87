//! The subjects of a kind that have a status.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, Stored};
use strongroom_model::event::Failed;
use strongroom_model::text::printable;
use strongroom_model::{
    Actor, BookingStatus, Event, Position, StageName, StreamName, SubjectKind, Version, next_step, partition_of,
};

use crate::entry::EventEntry;
use crate::page::{Horizon, Page, PageRequest, ViewError};
use crate::prefix::Prefix;

/// A subject and its last event.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubjectEntry {
    /// The subject.
    pub subject: StreamName,
    /// Its status's label.
    pub status: String,
    /// What its next work is bound to.
    pub partition: Option<String>,
    /// The stage that is next.
    pub next_stage: Option<StageName>,
    /// When that stage may work on it first; `None`: now.
    pub not_before: Option<Timestamp>,
    /// Its last event's position.
    pub position: Position,
    /// Its last event's version.
    pub version: Version,
    /// Its last event's time.
    pub changed_at: Timestamp,
    /// Its last event's actor.
    pub actor: Actor,
    /// Its last event's type.
    #[serde(rename = "type")]
    pub type_name: String,
    /// The failure that it records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failed>,
}

/// A page of the subjects of `kind` with a status, by the position of their last event.
///
/// The projection answers for now, in time and memory by the page. A subject that changes between two pages and keeps
/// the status is on a later page: it may appear twice, but is never skipped. For a past position, all events up to
/// there are folded.
///
/// # Errors
/// Subjects of the kind never have that status, the log does not reach `as_of`, or it cannot be read.
pub async fn subjects(
    log: &EventLog,
    kind: SubjectKind,
    status: &str,
    request: &PageRequest,
) -> Result<Page<SubjectEntry>, ViewError> {
    let horizon = Horizon::of(log, request.as_of).await?;
    check_status(log, kind, status).await?;
    let from = request.after.map_or(Position(0), |cursor| cursor.0.next());
    // One more: is there another page?
    let limit = request.entries() + 1;
    let mut entries = if horizon.is_now {
        now(log, kind, status, from, limit).await?
    } else {
        as_of(log, horizon, kind, status, from, limit).await?
    };
    let has_more = entries.len() == limit;
    entries.truncate(limit - 1);
    let next = entries.last().filter(|_| has_more).map(|last| last.position);
    Ok(horizon.page(log, entries, next))
}

async fn now(
    log: &EventLog,
    kind: SubjectKind,
    status: &str,
    from: Position,
    limit: usize,
) -> Result<Vec<SubjectEntry>, ViewError> {
    let lasts = log.with_status(kind, status, from, limit).await?;
    let mut entries = lasts.iter().map(|last| SubjectEntry::of(last, status)).collect::<Result<Vec<_>, _>>()?;
    // An event that keeps the status keeps the partition, which the head has.
    let undecided: Vec<_> =
        entries.iter().filter(|(_, decides)| !decides).map(|(one, _)| one.subject.clone()).collect();
    let heads = if undecided.is_empty() { HashMap::new() } else { log.heads(&undecided).await? };
    for (entry, _) in &mut entries {
        if let Some(head) = heads.get(&entry.subject) {
            entry.partition = head.partition.as_ref().map(ToString::to_string);
        }
    }
    Ok(entries.into_iter().map(|(entry, _)| entry).collect())
}

async fn as_of(
    log: &EventLog,
    horizon: Horizon,
    kind: SubjectKind,
    status: &str,
    from: Position,
    limit: usize,
) -> Result<Vec<SubjectEntry>, ViewError> {
    let prefix = Prefix::read(log, horizon).await?;
    let mut entries = Vec::new();
    for head in prefix.with_status(kind, status, from, limit) {
        for last in log.read(head.position, 1).await? {
            let (entry, _) = SubjectEntry::of(&last, status)?;
            entries.push(SubjectEntry { partition: head.partition.as_ref().map(ToString::to_string), ..entry });
        }
    }
    Ok(entries)
}

impl SubjectEntry {
    /// Also returns whether the event decides the partition.
    fn of(last: &Stored, status: &str) -> Result<(Self, bool), ViewError> {
        let (entry, recorded) = EventEntry::of(last)?;
        let event = recorded.as_ref().map(|recorded| &recorded.event);
        let next = event.and_then(next_step);
        let entry = Self {
            subject: entry.stream,
            status: status.to_owned(),
            partition: event.and_then(partition_of).map(|partition| partition.to_string()),
            next_stage: next.map(|next| next.stage),
            not_before: next.and_then(|next| next.not_before),
            position: entry.position,
            version: entry.version,
            changed_at: entry.time,
            actor: entry.actor,
            type_name: entry.type_name,
            failure: event.and_then(Event::failure).cloned(),
        };
        Ok((entry, event.is_some_and(|event| !event.keeps_status())))
    }
}

/// The statuses that subjects of a kind can have: any may need a person. Others that the log has count as well.
#[must_use]
pub fn statuses_of(kind: SubjectKind) -> Vec<&'static str> {
    let needs_attention = BookingStatus::NeedsAttention.label();
    let mut labels = match kind {
        SubjectKind::Booking => BookingStatus::ALL.into_iter().map(BookingStatus::label).collect(),
        SubjectKind::Run => vec!["requested", "enumerated", "failed"],
        SubjectKind::Alarm => vec!["raised", "cleared"],
        SubjectKind::Summary => vec!["composed", "sent", "failed"],
        SubjectKind::Drive => vec!["here", "handed-over", "retired", "lost"],
        SubjectKind::Copy => vec!["proven", "damaged"],
        SubjectKind::Custody => vec!["requested", "finished", "cancelled"],
        SubjectKind::Purge => vec!["proposed", "approved", "refused", "requested", "finished"],
        SubjectKind::Host => vec!["joined", "retired"],
        SubjectKind::Job => vec!["damaged", "failed", "cancelled", "partial", "copied", "proven", "retired"],
        SubjectKind::JobRun => {
            vec!["requested", "running", "transferred", "partial", "copied", "proven", "damaged", "failed", "cancelled"]
        }
        _ => Vec::new(),
    };
    if !labels.contains(&needs_attention) {
        labels.push(needs_attention);
    }
    labels
}

async fn check_status(log: &EventLog, kind: SubjectKind, status: &str) -> Result<(), ViewError> {
    let mut known: Vec<String> = statuses_of(kind).into_iter().map(str::to_owned).collect();
    if known.iter().any(|label| label == status) {
        return Ok(());
    }
    // A newer version may have written others.
    for (label, _) in log.counts(kind).await? {
        if label.as_str() == status {
            return Ok(());
        }
        if !known.iter().any(|one| one == label.as_str()) {
            known.push(label.to_string());
        }
    }
    Err(ViewError::UnknownStatus { kind, status: printable(status, 40), known })
}

#[cfg(test)]
mod tests {
    use strongroom_model::status_of;

    use super::*;
    use crate::samples;

    #[test]
    fn every_status_that_an_event_can_leave_is_known() {
        for recorded in samples::one_of_each() {
            if let Some(status) = status_of(&recorded.event) {
                let known = statuses_of(recorded.stream.kind());
                assert!(known.contains(&status.as_str()), "{}: {status}", recorded.event.type_name());
            }
        }
    }
}
