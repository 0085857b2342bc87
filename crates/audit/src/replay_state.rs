//! The state of every subject, folded event by event.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;

use strongroom_model::alarm::Alarm;
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::copy::Copy;
use strongroom_model::custody::Custody;
use strongroom_model::drive_state::DriveState;
use strongroom_model::host::Host;
use strongroom_model::job::{Job, JobRun};
use strongroom_model::purge::Purge;
use strongroom_model::run::Run;
use strongroom_model::summary::Summary;
use strongroom_model::{
    BookingCounts, BookingStatus, Fold, IllegalTransition, Recorded, StreamName, SubjectKind, Version,
};

#[derive(Debug, Clone)]
enum Subject {
    Booking(Box<Booking>),
    Run(Box<Run>),
    Alarm(Box<Alarm>),
    Summary(Box<Summary>),
    Drive(Box<DriveState>),
    Copy(Box<Copy>),
    Custody(Box<Custody>),
    Purge(Box<Purge>),
    Host(Box<Host>),
    Job(Box<Job>),
    JobRun(Box<JobRun>),
    #[cfg(feature = "sample-family")]
    Sample(Box<strongroom_model::sample::Sample>),
    /// Any event of a key may follow any other.
    Any,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ReplayError {
    #[error("{stream}: {source}")]
    Illegal { stream: StreamName, source: IllegalTransition },
    #[error("{stream}: version {found} stands where version {expected} should")]
    Version { stream: StreamName, found: Version, expected: Version },
    #[error("{stream}: an event of type {event} does not belong there")]
    WrongStream { stream: StreamName, event: &'static str },
}

/// The state of all subjects, up to some position.
///
/// A subject whose later events are judged by no more than where it stands is kept in a few words, under a hash of its
/// name: an archived booking, a copy. A million events of such fit into some tens of MiB.
#[derive(Debug, Default)]
pub(crate) struct ReplayState {
    subjects: HashMap<StreamName, (Version, Subject)>,
    settled: HashMap<u128, (Version, Settled)>,
    /// With random keys: that two of a million names have the same 128 bits does not happen by chance, nor on purpose.
    hashing: [RandomState; 2],
}

/// A subject that has come to rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Settled {
    Archived,
    Purged,
    /// Whatever a copy was read as, any of its events may follow.
    Copy,
}

impl ReplayState {
    /// Folds the next event. One that does not fit changes only its stream's version.
    pub(crate) fn apply(&mut self, recorded: &Recorded) -> Result<(), ReplayError> {
        let stream = &recorded.stream;
        if !recorded.event.fits(stream.kind()) {
            return Err(ReplayError::WrongStream { stream: stream.clone(), event: recorded.event.type_name() });
        }
        let key = self.key(stream);
        let settled = self.settled.get(&key).map(|(version, settled)| (*version, settled.woken()));
        let known = settled.or_else(|| self.subjects.remove(stream));
        let expected = known.as_ref().map_or(Version(0), |(version, _)| version.next());
        let before = known.map_or_else(|| Subject::new(stream.kind()), |(_, subject)| subject);
        let (after, error) = match before.clone().next(recorded) {
            Ok(after) => (after, None),
            Err(source) => (before, Some(ReplayError::Illegal { stream: stream.clone(), source })),
        };
        self.keep(key, stream, recorded.version, after);
        if recorded.version != expected {
            return Err(ReplayError::Version { stream: stream.clone(), found: recorded.version, expected });
        }
        error.map_or(Ok(()), Err)
    }

    fn keep(&mut self, key: u128, stream: &StreamName, version: Version, subject: Subject) {
        match subject.settled() {
            Some(settled) => drop(self.settled.insert(key, (version, settled))),
            None => {
                self.settled.remove(&key);
                self.subjects.insert(stream.clone(), (version, subject));
            }
        }
    }

    fn key(&self, stream: &StreamName) -> u128 {
        let [high, low] = self.hashing.each_ref().map(|hashing| u128::from(hashing.hash_one(stream)));
        high << 64 | low
    }

    pub(crate) fn bookings(&self) -> BookingCounts {
        let mut counts = BookingCounts::default();
        for (_, subject) in self.subjects.values() {
            if let Subject::Booking(booking) = subject {
                counts.add(booking.status());
            }
        }
        for (_, settled) in self.settled.values() {
            match settled {
                Settled::Archived => counts.add(BookingStatus::Archived),
                Settled::Purged => counts.add(BookingStatus::Purged),
                Settled::Copy => {}
            }
        }
        counts
    }
}

impl Settled {
    /// The subject, as far as later events are judged by it.
    fn woken(self) -> Subject {
        let booking = |phase| Subject::Booking(Box::new(Booking { phase, ..Booking::default() }));
        match self {
            Self::Archived => booking(Phase::Archived),
            Self::Purged => booking(Phase::Purged),
            Self::Copy => Subject::Copy(Box::default()),
        }
    }
}

impl Subject {
    fn new(kind: SubjectKind) -> Self {
        match kind {
            SubjectKind::Booking => Self::Booking(Box::default()),
            SubjectKind::Run => Self::Run(Box::default()),
            SubjectKind::Alarm => Self::Alarm(Box::default()),
            SubjectKind::Summary => Self::Summary(Box::default()),
            SubjectKind::Drive => Self::Drive(Box::default()),
            SubjectKind::Copy => Self::Copy(Box::default()),
            SubjectKind::Custody => Self::Custody(Box::default()),
            SubjectKind::Purge => Self::Purge(Box::default()),
            SubjectKind::Host => Self::Host(Box::default()),
            SubjectKind::Job => Self::Job(Box::default()),
            SubjectKind::JobRun => Self::JobRun(Box::default()),
            SubjectKind::Key => Self::Any,
            #[cfg(feature = "sample-family")]
            SubjectKind::Sample => Self::Sample(Box::default()),
        }
    }

    fn next(self, recorded: &Recorded) -> Result<Self, IllegalTransition> {
        Ok(match self {
            Self::Booking(state) => Self::Booking(Box::new(state.next(recorded)?)),
            Self::Run(state) => Self::Run(Box::new(state.next(recorded)?)),
            Self::Alarm(state) => Self::Alarm(Box::new(state.next(recorded)?)),
            Self::Summary(state) => Self::Summary(Box::new(state.next(recorded)?)),
            Self::Drive(state) => Self::Drive(Box::new(state.next(recorded)?)),
            Self::Copy(state) => Self::Copy(Box::new(state.next(recorded)?)),
            Self::Custody(state) => Self::Custody(Box::new(state.next(recorded)?)),
            Self::Purge(state) => Self::Purge(Box::new(state.next(recorded)?)),
            Self::Host(state) => Self::Host(Box::new(state.next(recorded)?)),
            Self::Job(state) => Self::Job(Box::new(state.next(recorded)?)),
            Self::JobRun(state) => Self::JobRun(Box::new(state.next(recorded)?)),
            Self::Any => Self::Any,
            #[cfg(feature = "sample-family")]
            Self::Sample(state) => Self::Sample(Box::new(state.next(recorded)?)),
        })
    }

    /// Whether it has come to rest. A booking with a failure has not.
    fn settled(&self) -> Option<Settled> {
        match self {
            Self::Booking(state) if state.failure.is_none() && state.failures == 0 && !state.record_wrong => {
                match state.phase {
                    Phase::Archived => Some(Settled::Archived),
                    Phase::Purged => Some(Settled::Purged),
                    _ => None,
                }
            }
            Self::Copy(_) => Some(Settled::Copy),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use strongroom_model::event::Retried;
    use strongroom_model::{Event, StageName};

    use super::*;
    use crate::samples;

    fn folded(events: &[Recorded]) -> ReplayState {
        let mut state = ReplayState::default();
        for event in events {
            state.apply(event).unwrap();
        }
        state
    }

    #[test]
    fn a_whole_life_ends_archived() {
        let life =
            [samples::enumerated("B-1"), samples::fetched("B-1"), samples::backed_up("B-1"), samples::archived("B-1")];
        assert_eq!(folded(&life).bookings(), BookingCounts { archived: 1, ..BookingCounts::default() });
    }

    #[test]
    fn a_booking_that_waits_for_a_retry_counts_where_it_stands() {
        let waits = folded(&[samples::enumerated("B-1"), samples::failed("B-1", Some("2026-11-21T00:00:00Z"))]);
        assert_eq!(waits.bookings(), BookingCounts { enumerated: 1, ..BookingCounts::default() });
        let stuck = folded(&[samples::enumerated("B-1"), samples::failed("B-1", None)]);
        assert_eq!(stuck.bookings(), BookingCounts { needs_attention: 1, ..BookingCounts::default() });
    }

    #[test]
    fn an_event_that_cannot_follow_is_named_and_changes_nothing() {
        let mut state = folded(&[samples::enumerated("B-1")]);
        let mut early = samples::archived("B-1");
        early.version = Version(1);
        let error = state.apply(&early).unwrap_err();
        assert_eq!(
            error.to_string(),
            "booking/B-1: strongroom.timesheet.archived.v1 cannot happen to an enumerated booking"
        );
        assert_eq!(state.bookings().enumerated, 1);
    }

    #[test]
    fn a_version_that_leaves_a_gap_is_named() {
        let mut state = folded(&[samples::enumerated("B-1")]);
        let mut late = samples::fetched("B-1");
        late.version = Version(2);
        let error = state.apply(&late).unwrap_err();
        assert_eq!(error.to_string(), "booking/B-1: version 2 stands where version 1 should");
    }

    #[test]
    fn a_settled_booking_still_refuses_what_cannot_follow() {
        let life =
            [samples::enumerated("B-1"), samples::fetched("B-1"), samples::backed_up("B-1"), samples::archived("B-1")];
        let mut again = samples::enumerated("B-1");
        again.version = Version(4);
        let mut state = folded(&life);
        assert!(state.subjects.is_empty(), "it is kept in a few words");
        assert!(matches!(state.apply(&again), Err(ReplayError::Illegal { .. })));
        assert_eq!(state.bookings(), BookingCounts { archived: 1, ..BookingCounts::default() });
        let mut late = samples::archived("B-1");
        late.version = Version(9);
        let expected = ReplayError::Version { stream: late.stream.clone(), found: Version(9), expected: Version(5) };
        assert_eq!(state.apply(&late), Err(expected));
    }

    #[test]
    fn a_settled_booking_that_is_given_back_goes_on_as_any_other() {
        let mut state = folded(&[
            samples::enumerated("B-1"),
            samples::fetched("B-1"),
            samples::backed_up("B-1"),
            samples::archived("B-1"),
        ]);
        let retried = Retried { stage: StageName::Enumerate, reason: None };
        let stream = samples::enumerated("B-1").stream;
        let retried = samples::recorded(stream, 4, Event::TimesheetRetried(retried));
        let again = [retried, samples::enumerated("B-1"), samples::fetched("B-1")];
        for (version, mut event) in (4..).zip(again) {
            event.version = Version(version);
            state.apply(&event).unwrap();
        }
        assert_eq!(state.bookings(), BookingCounts { fetched: 1, ..BookingCounts::default() });
        assert!(state.settled.is_empty());
    }
}
