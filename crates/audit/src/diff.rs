//! What changed between two moments of a log.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::Serialize;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{Position, Recorded, SiteId, Status, StreamName, SubjectKind, Version, status_after, status_of};

use crate::listed::{each_event, next_events};
use crate::page::{Horizon, PageCursor, PageRequest};

/// Streams whose earlier events are read at once.
const STREAMS_AT_ONCE: usize = 512;

/// What changed from one size of a log to another, with one page of the subjects.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Diff {
    /// Whose log it is.
    pub site: SiteId,
    /// How many events there were before.
    pub from_size: u64,
    /// How many events there were after.
    pub to_size: u64,
    /// Changed subjects, counted by kind and by status before and after.
    pub counts: Vec<ChangeCount>,
    /// The changed subjects, by kind and by the position of their last event.
    pub items: Vec<Change>,
    /// The next page's cursor; `None`: this is the last page.
    pub next: Option<PageCursor>,
    /// Events between that this version cannot read.
    pub unreadable: u64,
}

/// How many subjects changed alike.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChangeCount {
    /// The kind of subject.
    pub kind: &'static str,
    /// What happened to them.
    pub change: ChangeKind,
    /// Their status before.
    pub before: Option<String>,
    /// Their status after.
    pub after: Option<String>,
    /// Their number.
    pub subjects: u64,
}

/// How a subject changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// Its first event is between.
    New,
    /// Its status is another.
    Status,
    /// It has new events and the status that it had.
    Events,
}

impl ChangeKind {
    /// The JSON value.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Status => "status",
            Self::Events => "events",
        }
    }
}

/// One subject that changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The subject.
    pub subject: StreamName,
    /// How it changed.
    pub change: ChangeKind,
    /// Its status before; `None`: it was new, or its kind has none.
    pub before: Option<String>,
    /// Its status after.
    pub after: Option<String>,
    /// Its events between.
    pub events: u64,
    /// The last of them.
    pub position: Position,
    /// The time of the last.
    pub changed_at: Timestamp,
}

/// What the events between did to a subject.
struct Between {
    is_new: bool,
    /// The status by the last event that decides it.
    decided: Option<Option<Status>>,
    events: u64,
    position: Position,
    changed_at: Timestamp,
}

impl Diff {
    /// Compares the log of `from` events with that of `to`.
    ///
    /// Time and memory by the number of events between, not by the log's size.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn read(log: &EventLog, from: u64, to: u64, request: &PageRequest) -> Result<Self, LogError> {
        let (changes, unreadable) = changes(log, from, to).await?;
        let (items, next) = page(&changes, request);
        let counts = counts(&changes);
        Ok(Self { site: log.site().clone(), from_size: from, to_size: to, counts, items, next, unreadable })
    }
}

/// The changed subjects, sorted by kind and last position.
async fn changes(log: &EventLog, from: u64, to: u64) -> Result<(Vec<Change>, u64), LogError> {
    let mut between: HashMap<StreamName, Between> = HashMap::new();
    let (mut next, mut unreadable) = (Position(from), 0);
    while next.0 < to {
        for stored in next_events(log, &mut next, Position(to)).await? {
            match log.readable(&stored) {
                Some(recorded) => take(&mut between, &recorded),
                None => unreadable += 1,
            }
        }
    }
    let begun: Vec<_> = between.iter().filter(|(_, one)| !one.is_new).map(|(name, _)| name.clone()).collect();
    let mut before = HashMap::with_capacity(begun.len());
    for names in begun.chunks(STREAMS_AT_ONCE) {
        before.extend(statuses_before(log, from, names).await?);
    }
    let mut changes: Vec<_> =
        between.into_iter().map(|(name, one)| one.change(before.remove(&name).flatten(), name)).collect();
    changes.sort_unstable_by_key(|change| (change.subject.kind(), change.position));
    Ok((changes, unreadable))
}

fn take(between: &mut HashMap<StreamName, Between>, recorded: &Recorded) {
    let one = between.entry(recorded.stream.clone()).or_insert_with(|| Between::new(recorded));
    one.events += 1;
    one.position = recorded.position;
    one.changed_at = recorded.time;
    if !recorded.event.keeps_status() {
        one.decided = Some(status_of(&recorded.event));
    }
}

async fn statuses_before(
    log: &EventLog,
    from: u64,
    names: &[StreamName],
) -> Result<Vec<(StreamName, Option<Status>)>, LogError> {
    let horizon = Horizon { end: Position(from), is_now: false };
    let mut streams = log.readable_streams(names).await?;
    let mut found = Vec::with_capacity(names.len());
    for name in names {
        let mut status = None;
        let mut take = |recorded: &Recorded| status = status_after(status.as_ref(), &recorded.event);
        match streams.remove(name) {
            Some(history) => history.iter().filter(|one| horizon.includes(one.position)).for_each(&mut take),
            // Something in it is unreadable: what can be read counts.
            None => each_event(log, name, horizon, &mut take).await?,
        }
        found.push((name.clone(), status));
    }
    Ok(found)
}

impl Between {
    fn new(first: &Recorded) -> Self {
        let is_new = first.version == Version(0);
        Self { is_new, decided: None, events: 0, position: first.position, changed_at: first.time }
    }

    fn change(self, before: Option<Status>, subject: StreamName) -> Change {
        let after = self.decided.unwrap_or_else(|| before.clone());
        let change = match (self.is_new, before == after) {
            (true, _) => ChangeKind::New,
            (false, false) => ChangeKind::Status,
            (false, true) => ChangeKind::Events,
        };
        Change {
            subject,
            change,
            before: before.map(|status| status.to_string()),
            after: after.map(|status| status.to_string()),
            events: self.events,
            position: self.position,
            changed_at: self.changed_at,
        }
    }
}

fn counts(changes: &[Change]) -> Vec<ChangeCount> {
    let mut counts = BTreeMap::new();
    for one in changes {
        *counts.entry((one.subject.kind(), one.change, &one.before, &one.after)).or_default() += 1;
    }
    let count = |((kind, change, before, after), subjects): ((SubjectKind, _, &Option<String>, &Option<String>), _)| {
        ChangeCount { kind: kind.name(), change, before: before.clone(), after: after.clone(), subjects }
    };
    counts.into_iter().map(count).collect()
}

/// A cursor is the position of the last entry: no two subjects share one.
fn page(changes: &[Change], request: &PageRequest) -> (Vec<Change>, Option<PageCursor>) {
    let is_cursor = |change: &Change| request.after.is_some_and(|cursor| cursor.0 == change.position);
    let start = changes.iter().position(is_cursor).map_or(0, |at| at + 1);
    let rest = &changes[start..];
    let items = rest[..rest.len().min(request.entries())].to_vec();
    let next = items.last().filter(|_| items.len() < rest.len()).map(|last| PageCursor(last.position));
    (items, next)
}
