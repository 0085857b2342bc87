//! Deciding what a group of appends does to a log: pure, and the same for any database.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use strongroom_model::{EventId, Expected, NewEvent, Position, Recorded, SiteId, StreamName, Version};

use crate::error::AppendError;
use crate::merkle::{Frontier, Hash, leaf_hash};
use crate::stream_head::StreamHead;

/// How many events one append may hold: a run that takes the longest list that a server
/// gives (1000 bookings) must fit, with room.
pub const MAX_APPEND_EVENTS: usize = 2048;
/// How many bytes one event may have. The longest that we write names 50 refused records.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;
/// How many events one commit takes, so that a reader's next batch is never far.
pub(crate) const MAX_GROUP_EVENTS: usize = 256;
/// How many bytes of events one commit takes: a write of that size takes about as long as
/// the sync that it shares.
pub(crate) const MAX_GROUP_BYTES: usize = 1024 * 1024;

/// What the log was like when the group's transaction began, as far as the group asks.
#[derive(Debug)]
pub(crate) struct Before {
    pub(crate) frontier: Frontier,
    /// The heads of those streams of the group that have events.
    pub(crate) heads: HashMap<StreamName, StreamHead>,
    /// Those ids of the group that are in the log already.
    pub(crate) ids: HashSet<EventId>,
}

/// An event with all that is stored of it.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) recorded: Recorded,
    pub(crate) body: String,
    pub(crate) leaf_hash: Hash,
}

/// What to store, and what to answer once it is.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The events, by position.
    pub(crate) rows: Vec<Row>,
    /// The heads of the streams that move.
    pub(crate) heads: HashMap<StreamName, StreamHead>,
    /// The tree with the events.
    pub(crate) frontier: Frontier,
    /// For each append that was taken, in order: its part of `rows`, or why it fails.
    /// Appends beyond these did not fit, and go with the next group.
    pub(crate) verdicts: Vec<Result<Range<usize>, AppendError>>,
}

impl Plan {
    /// Decides on a group of appends. An append that cannot go through fails alone.
    pub(crate) fn new<'a>(site: &SiteId, before: Before, appends: impl Iterator<Item = &'a [NewEvent]>) -> Self {
        let mut planner =
            Planner { site, ids: before.ids, known: before.heads, bytes: 0, plan: Self::empty(before.frontier) };
        for events in appends {
            let fits = planner.plan.rows.len() + events.len() <= MAX_GROUP_EVENTS && planner.bytes < MAX_GROUP_BYTES;
            // The first is always taken: it may be larger than a group by itself.
            if !fits && !planner.plan.verdicts.is_empty() {
                break;
            }
            let verdict = planner.take(events);
            planner.plan.verdicts.push(verdict);
        }
        planner.plan
    }

    fn empty(frontier: Frontier) -> Self {
        Self { rows: Vec::new(), heads: HashMap::new(), frontier, verdicts: Vec::new() }
    }
}

struct Planner<'a> {
    site: &'a SiteId,
    /// The ids that are taken: in the log, or by an earlier append of the group.
    ids: HashSet<EventId>,
    /// The heads before the group.
    known: HashMap<StreamName, StreamHead>,
    bytes: usize,
    plan: Plan,
}

impl Planner<'_> {
    /// All of an append's events, or none of them.
    fn take(&mut self, events: &[NewEvent]) -> Result<Range<usize>, AppendError> {
        let mut heads = HashMap::new();
        let mut ids = HashSet::new();
        let mut rows = Vec::with_capacity(events.len());
        for event in events {
            self.check(event, &heads)?;
            if self.ids.contains(&event.id) || !ids.insert(event.id) {
                return Err(AppendError::DuplicateId(event.id));
            }
            let position = Position(self.plan.frontier.size() + rows.len() as u64);
            let row = render(self.site, event, position)?;
            let first = self.head(&event.stream, &heads).map_or(position, |head| head.first_position);
            heads.insert(event.stream.clone(), StreamHead::of(first, &row.recorded));
            rows.push(row);
        }
        self.ids.extend(ids);
        self.plan.heads.extend(heads);
        let start = self.plan.rows.len();
        for row in rows {
            self.bytes += row.body.len();
            self.plan.frontier.push(row.leaf_hash);
            self.plan.rows.push(row);
        }
        Ok(start..self.plan.rows.len())
    }

    /// The stream's head as this append sees it: after its own earlier events, those of
    /// the group's earlier appends, and those in the log.
    fn head<'h>(&'h self, stream: &StreamName, own: &'h HashMap<StreamName, StreamHead>) -> Option<&'h StreamHead> {
        own.get(stream).or_else(|| self.plan.heads.get(stream)).or_else(|| self.known.get(stream))
    }

    fn check(&self, event: &NewEvent, own: &HashMap<StreamName, StreamHead>) -> Result<(), AppendError> {
        let actual = self.head(&event.stream, own).map(|head| head.version);
        let next = actual.map_or(Version(0), Version::next);
        let expects = match event.expected {
            Expected::New => Some(Version(0)),
            Expected::After(last) => last.0.checked_add(1).map(Version),
        };
        if expects == Some(next) {
            return Ok(());
        }
        Err(AppendError::Conflict { stream: event.stream.clone(), expected: event.expected, actual })
    }
}

/// The event's bytes at that position. They are read back here: bytes that this version
/// cannot read would stop every reader for ever, since the log never loses them again.
fn render(site: &SiteId, event: &NewEvent, position: Position) -> Result<Row, AppendError> {
    let unusable = |reason: String| AppendError::Unusable { stream: event.stream.clone(), reason };
    if event.event.subject_kind() != event.stream.kind() {
        return Err(unusable(format!("a {} event is of another kind of stream", event.event.type_name())));
    }
    let body = event.render(site, position);
    if body.len() > MAX_EVENT_BYTES {
        return Err(AppendError::TooLarge { events: 1, bytes: body.len() });
    }
    let recorded = Recorded::parse(&body).map_err(|error| unusable(format!("it could not be read back: {error}")))?;
    Ok(Row { leaf_hash: leaf_hash(body.as_bytes()), recorded, body })
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::{DriveInitialised, RunRequested, Trigger};
    use strongroom_model::{DriveId, Event, RunId};

    use super::*;

    fn event(drive: DriveId, expected: Expected) -> NewEvent {
        let time = "2026-11-20T23:00:00Z".parse().unwrap();
        NewEvent {
            id: EventId::new(time),
            stream: StreamName::drive(drive),
            expected,
            time,
            actor: "operator".parse().unwrap(),
            cause: None,
            run: None,
            event: Event::DriveInitialised(DriveInitialised { label: "Blue 1".to_owned() }),
        }
    }

    fn plan(appends: &[Vec<NewEvent>]) -> Plan {
        let before = Before { frontier: Frontier::default(), heads: HashMap::new(), ids: HashSet::new() };
        Plan::new(&"harbour".parse().unwrap(), before, appends.iter().map(Vec::as_slice))
    }

    #[test]
    fn an_append_sees_those_before_it_in_its_group() {
        let drive = DriveId::random();
        let after = Expected::After(Version(0));
        let plan =
            plan(&[vec![event(drive, Expected::New)], vec![event(drive, Expected::New)], vec![event(drive, after)]]);
        assert!(plan.verdicts[0].is_ok());
        assert!(plan.verdicts[1].as_ref().is_err_and(AppendError::is_conflict));
        assert_eq!(plan.verdicts[2].as_ref().unwrap(), &(1..2));
        let head = &plan.heads[&StreamName::drive(drive)];
        assert_eq!((head.first_position, head.position, head.version), (Position(0), Position(1), Version(1)));
        assert_eq!(plan.frontier.size(), 2);
    }

    #[test]
    fn an_append_that_fails_leaves_nothing_behind() {
        let (first, second) = (DriveId::random(), DriveId::random());
        let good = event(first, Expected::New);
        let bad = event(second, Expected::After(Version(7)));
        // The next two would fail if the first had left its stream or its id behind.
        let plan = plan(&[vec![good.clone(), bad], vec![good.clone()], vec![event(second, Expected::New)]]);
        assert!(plan.verdicts[0].is_err() && plan.verdicts[1].is_ok() && plan.verdicts[2].is_ok());
        let places: Vec<_> = plan.rows.iter().map(|row| (row.recorded.position.0, row.recorded.id)).collect();
        assert_eq!(places[0], (0, good.id));
        assert_eq!((places.len(), plan.frontier.size()), (2, 2));
    }

    #[test]
    fn a_group_ends_before_an_append_that_does_not_fit() {
        let many = |count: usize| (0..count).map(|_| event(DriveId::random(), Expected::New)).collect::<Vec<_>>();
        let lengths = |appends: &[Vec<NewEvent>]| (plan(appends).verdicts.len(), plan(appends).rows.len());
        assert_eq!(lengths(&[many(200), many(56), many(1)]), (2, 256));
        assert_eq!(lengths(&[many(200), many(57), many(1)]), (1, 200));
        // One that is larger than a group goes alone.
        assert_eq!(lengths(&[many(300), many(1)]), (1, 300));
    }

    #[test]
    fn a_version_beyond_all_is_a_conflict() {
        let plan = plan(&[vec![event(DriveId::random(), Expected::After(Version(u64::MAX)))]]);
        assert!(plan.verdicts[0].as_ref().is_err_and(AppendError::is_conflict));
    }

    #[test]
    fn an_event_of_another_kind_of_stream_is_refused() {
        let mut wrong = event(DriveId::random(), Expected::New);
        wrong.stream = StreamName::run(RunId::new(wrong.time));
        let right = Event::RunRequested(RunRequested { trigger: Trigger::Once, oldest: 1 });
        let fine = NewEvent { event: right, id: EventId::new(wrong.time), ..wrong.clone() };
        let plan = plan(&[vec![wrong], vec![fine]]);
        assert!(matches!(plan.verdicts[0], Err(AppendError::Unusable { .. })));
        assert!(plan.verdicts[1].is_ok());
    }
}
