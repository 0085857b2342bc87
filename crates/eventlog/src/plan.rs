//! Decides what a group of appends does to a log: pure, and the same for any database.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use strongroom_model::{EventId, Expected, Position, Recorded, StreamName, Version};

use crate::error::{AppendError, LogError};
use crate::prepared::Prepared;
use crate::stream_head::{Moved, StreamHead};
use strongroom_proof::merkle::{Frontier, Hash, leaf_hash};

/// Events in one append: room for a run that claims the longest list a server gives (1000 bookings).
pub const MAX_APPEND_EVENTS: usize = 2048;
/// Bytes of one event: our longest names 50 rejected records.
pub const MAX_EVENT_BYTES: usize = 256 * 1024;
/// Bytes of one commit: writing that much takes about as long as the sync that it shares.
pub(crate) const MAX_GROUP_BYTES: usize = 1024 * 1024;

#[derive(Debug)]
pub(crate) enum Group<'a> {
    Appends { appends: Vec<&'a [Prepared]>, max_events: usize },
    Copies(&'a [Copied]),
}

/// An event as another log of the same site has it.
#[derive(Debug)]
pub(crate) struct Copied {
    pub(crate) recorded: Recorded,
    pub(crate) body: String,
}

impl Group<'_> {
    fn events(&self) -> Box<dyn Iterator<Item = &Recorded> + Send + '_> {
        match self {
            Self::Appends { appends, .. } => {
                Box::new(appends.iter().copied().flatten().map(|prepared| &prepared.recorded))
            }
            Self::Copies(copies) => Box::new(copies.iter().map(|copied| &copied.recorded)),
        }
    }

    pub(crate) fn streams(&self) -> HashSet<&StreamName> {
        self.events().map(|event| &event.stream).collect()
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = EventId> + Send + '_ {
        self.events().map(|event| event.id)
    }
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Known {
    pub(crate) first_position: Position,
    pub(crate) version: Version,
}

/// The log at the beginning of the group's transaction, as far as needed.
#[derive(Debug)]
pub(crate) struct Before {
    pub(crate) frontier: Frontier,
    /// The group's existing streams; `None`: not looked up, each taken to be where its first event expects it.
    pub(crate) streams: Option<HashMap<StreamName, Known>>,
    /// The group's ids that exist already.
    pub(crate) ids: HashSet<EventId>,
}

#[derive(Debug)]
pub(crate) struct Row<'a> {
    pub(crate) position: Position,
    /// The event without its position.
    pub(crate) recorded: &'a Recorded,
    pub(crate) body: Cow<'a, str>,
    pub(crate) leaf_hash: Hash,
}

/// What to store, and what to answer afterwards.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) rows: Vec<Row<'a>>,
    pub(crate) heads: Heads<'a>,
    pub(crate) frontier: Frontier,
    /// Each taken append's first position or error; the rest did not fit and joins the next group.
    pub(crate) verdicts: Vec<Result<Position, AppendError>>,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(before: Before, group: &Group<'a>) -> Result<Self, LogError> {
        let plan = Self { rows: Vec::new(), heads: HashMap::new(), frontier: before.frontier, verdicts: Vec::new() };
        let mut planner = Planner { ids: before.ids, known: before.streams, bytes: 0, plan };
        match group {
            Group::Appends { appends, max_events } => planner.take_some(appends, *max_events),
            Group::Copies(copies) => planner.copy(copies)?,
        }
        Ok(planner.plan)
    }
}

struct Planner<'a> {
    /// Existing ids, and those of the group's earlier appends.
    ids: HashSet<EventId>,
    /// As in [`Before::streams`].
    known: Option<HashMap<StreamName, Known>>,
    bytes: usize,
    plan: Plan<'a>,
}

type Heads<'a> = HashMap<&'a StreamName, Moved>;

impl<'a> Planner<'a> {
    fn take_some(&mut self, appends: &[&'a [Prepared]], max_events: usize) {
        for events in appends {
            let fits = self.plan.rows.len() + events.len() <= max_events && self.bytes < MAX_GROUP_BYTES;
            // The first is always taken: it alone may exceed a group.
            if !fits && !self.plan.verdicts.is_empty() {
                break;
            }
            let verdict = self.take(events);
            self.plan.verdicts.push(verdict);
        }
    }

    fn take(&mut self, events: &'a [Prepared]) -> Result<Position, AppendError> {
        let start = self.plan.frontier.size();
        let mut heads = Heads::new();
        let mut ids = HashSet::new();
        for (event, position) in events.iter().zip(start..) {
            self.check(event, &heads)?;
            if self.ids.contains(&event.recorded.id) || !ids.insert(event.recorded.id) {
                return Err(AppendError::DuplicateId(event.recorded.id));
            }
            self.move_head(&event.recorded, Position(position), &mut heads);
        }
        self.ids.extend(ids);
        self.plan.heads.extend(heads);
        for (event, position) in events.iter().zip(start..) {
            let body = event.body_at(Position(position));
            let leaf_hash = leaf_hash(body.as_bytes());
            self.push(Row { position: Position(position), recorded: &event.recorded, body: body.into(), leaf_hash });
        }
        Ok(Position(start))
    }

    /// Each must be the next event, or the logs are different.
    fn copy(&mut self, copies: &'a [Copied]) -> Result<(), LogError> {
        for Copied { recorded, body } in copies {
            let position = Position(self.plan.frontier.size());
            let next = self.version(recorded, &Heads::new()).map_or(Version(0), Version::next);
            if recorded.position != position || recorded.version != next || !self.ids.insert(recorded.id) {
                let reason = "it does not follow what the log that it is copied to holds";
                return Err(LogError::Damaged { position: recorded.position, reason });
            }
            let mut heads = Heads::new();
            self.move_head(recorded, position, &mut heads);
            self.plan.heads.extend(heads);
            let leaf_hash = leaf_hash(body.as_bytes());
            self.push(Row { position, recorded, body: body.as_str().into(), leaf_hash });
        }
        Ok(())
    }

    fn push(&mut self, row: Row<'a>) {
        self.bytes += row.body.len();
        self.plan.frontier.push(row.leaf_hash);
        self.plan.rows.push(row);
    }

    fn move_head(&self, event: &'a Recorded, position: Position, own: &mut Heads<'a>) {
        let planned = own.get(&event.stream).or_else(|| self.plan.heads.get(&event.stream));
        let before = || self.before(event).map(|known| known.first_position);
        let first = planned.map(|moved| moved.head.first_position).or_else(before).unwrap_or(position);
        let mut moved = Moved::to(StreamHead { position, ..StreamHead::of(first, event, Some(&event.event)) });
        if event.event.keeps_status() {
            moved.head.status = planned.and_then(|moved| moved.head.status.clone());
            moved.head.partition = planned.and_then(|moved| moved.head.partition.clone());
            moved.keeps = planned.is_none_or(|moved| moved.keeps);
        }
        own.insert(&event.stream, moved);
    }

    /// A stream's version after this append's earlier events, the group's and the log's.
    fn version(&self, event: &Recorded, own: &Heads<'a>) -> Option<Version> {
        let planned =
            own.get(&event.stream).or_else(|| self.plan.heads.get(&event.stream)).map(|moved| moved.head.version);
        planned.or_else(|| self.before(event).map(|known| known.version))
    }

    fn before(&self, event: &Recorded) -> Option<Known> {
        match &self.known {
            Some(known) => known.get(&event.stream).copied(),
            // The first position is unknown here; the log's first stands for any before the group.
            None => {
                let last = event.version.0.checked_sub(1)?;
                Some(Known { first_position: Position(0), version: Version(last) })
            }
        }
    }

    fn check(&self, event: &Prepared, own: &Heads<'a>) -> Result<(), AppendError> {
        let Prepared { recorded, expected, .. } = event;
        let actual = self.version(recorded, own);
        let next = actual.map_or(Version(0), Version::next);
        let expects = match expected {
            Expected::New => Some(Version(0)),
            Expected::After(last) => last.0.checked_add(1).map(Version),
        };
        if expects == Some(next) {
            return Ok(());
        }
        Err(AppendError::Conflict { stream: recorded.stream.clone(), expected: *expected, actual })
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::DriveInitialised;
    use strongroom_model::{DriveId, Event, NewEvent, SiteId};

    use super::*;

    fn event(drive: DriveId, expected: Expected) -> NewEvent {
        let (time, actor) = ("2026-11-20T23:00:00Z".parse().unwrap(), "operator".parse().unwrap());
        let event = Event::DriveInitialised(DriveInitialised { label: "Blue 1".to_owned() });
        NewEvent::new(StreamName::drive(drive), expected, time, actor, event)
    }

    fn prepared(appends: &[Vec<NewEvent>]) -> Vec<Vec<Prepared>> {
        let site: SiteId = "harbour".parse().unwrap();
        let append = |events: &Vec<NewEvent>| events.iter().map(|event| Prepared::new(&site, event).unwrap()).collect();
        appends.iter().map(append).collect()
    }

    fn empty() -> Before {
        Before { frontier: Frontier::default(), streams: Some(HashMap::new()), ids: HashSet::new() }
    }

    fn plan(appends: &[Vec<Prepared>]) -> Plan<'_> {
        let appends = appends.iter().map(Vec::as_slice).collect();
        Plan::new(empty(), &Group::Appends { appends, max_events: 256 }).unwrap()
    }

    #[test]
    fn an_append_sees_those_before_it_in_its_group() {
        let drive = DriveId::random();
        let after = Expected::After(Version(0));
        let appends = prepared(&[
            vec![event(drive, Expected::New)],
            vec![event(drive, Expected::New)],
            vec![event(drive, after)],
        ]);
        let plan = plan(&appends);
        assert!(plan.verdicts[0].is_ok());
        assert!(plan.verdicts[1].as_ref().is_err_and(AppendError::is_conflict));
        assert_eq!(plan.verdicts[2].as_ref().unwrap(), &Position(1));
        let moved = &plan.heads[&StreamName::drive(drive)];
        let StreamHead { first_position, position, version, .. } = &moved.head;
        assert_eq!((*first_position, *position, *version), (Position(0), Position(1), Version(1)));
        assert_eq!(plan.frontier.size(), 2);
    }

    #[test]
    fn an_append_that_fails_leaves_nothing_behind() {
        let (first, second) = (DriveId::random(), DriveId::random());
        let good = event(first, Expected::New);
        let bad = event(second, Expected::After(Version(7)));
        // The next two would fail if the first had left its stream or its id behind.
        let appends = prepared(&[vec![good.clone(), bad], vec![good.clone()], vec![event(second, Expected::New)]]);
        let plan = plan(&appends);
        assert!(plan.verdicts[0].is_err() && plan.verdicts[1].is_ok() && plan.verdicts[2].is_ok());
        let places: Vec<_> = plan.rows.iter().map(|row| (row.position.0, row.recorded.id)).collect();
        assert_eq!(places[0], (0, good.id));
        assert_eq!((places.len(), plan.frontier.size()), (2, 2));
    }

    #[test]
    fn a_group_ends_before_an_append_that_does_not_fit() {
        let many = |count: usize| (0..count).map(|_| event(DriveId::random(), Expected::New)).collect::<Vec<_>>();
        let lengths = |appends: &[Vec<NewEvent>]| {
            let appends = prepared(appends);
            let plan = plan(&appends);
            (plan.verdicts.len(), plan.rows.len())
        };
        assert_eq!(lengths(&[many(200), many(56), many(1)]), (2, 256));
        assert_eq!(lengths(&[many(200), many(57), many(1)]), (1, 200));
        // One that is larger than a group goes alone.
        assert_eq!(lengths(&[many(300), many(1)]), (1, 300));
    }

    #[test]
    fn a_copy_must_be_the_next_in_its_log_and_in_its_stream() {
        let site: SiteId = "harbour".parse().unwrap();
        let drive = DriveId::random();
        let copied = |position, expected| {
            let body = event(drive, expected).render(&site, Position(position));
            Copied { recorded: Recorded::parse(&body).unwrap(), body }
        };
        let (first, second) = (copied(0, Expected::New), copied(1, Expected::After(Version(0))));
        let good = [first, second];
        let plan = Plan::new(empty(), &Group::Copies(&good)).unwrap();
        assert_eq!((plan.rows.len(), plan.rows[1].body.as_ref()), (2, good[1].body.as_str()));
        assert!(Plan::new(empty(), &Group::Copies(&good[1..])).is_err());
        assert!(Plan::new(empty(), &Group::Copies(&[copied(0, Expected::New), copied(1, Expected::New)])).is_err());
    }
}
