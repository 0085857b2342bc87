//! The state of every subject, folded event by event.

use std::collections::HashMap;

use strongroom_model::alarm::Alarm;
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::copy::Copy;
use strongroom_model::custody::Custody;
use strongroom_model::drive_state::DriveState;
use strongroom_model::purge::Purge;
use strongroom_model::run::Run;
use strongroom_model::summary::Summary;
use strongroom_model::{BookingCounts, Fold, IllegalTransition, Recorded, StreamName, SubjectKind, Version};

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
/// Of an archived booking only the phase is kept, since later events are judged by no more: some 200 bytes each, so a
/// million bookings fit a small machine.
#[derive(Debug, Default)]
pub(crate) struct ReplayState {
    subjects: HashMap<StreamName, (Version, Subject)>,
}

impl ReplayState {
    /// Folds the next event. One that does not fit changes only its stream's version.
    pub(crate) fn apply(&mut self, recorded: &Recorded) -> Result<(), ReplayError> {
        let stream = &recorded.stream;
        if !recorded.event.fits(stream.kind()) {
            return Err(ReplayError::WrongStream { stream: stream.clone(), event: recorded.event.type_name() });
        }
        let known = self.subjects.get(stream);
        let expected = known.map_or(Version(0), |(version, _)| version.next());
        let before = known.map_or_else(|| Subject::new(stream.kind()), |(_, subject)| subject.clone());
        let (after, error) = match before.clone().next(recorded) {
            Ok(after) => (after, None),
            Err(source) => (before, Some(ReplayError::Illegal { stream: stream.clone(), source })),
        };
        self.subjects.insert(stream.clone(), (recorded.version, after));
        if recorded.version != expected {
            return Err(ReplayError::Version { stream: stream.clone(), found: recorded.version, expected });
        }
        error.map_or(Ok(()), Err)
    }

    pub(crate) fn bookings(&self) -> BookingCounts {
        let mut counts = BookingCounts::default();
        for (_, subject) in self.subjects.values() {
            if let Subject::Booking(booking) = subject {
                counts.add(booking.status());
            }
        }
        counts
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
            SubjectKind::Key => Self::Any,
            #[cfg(feature = "sample-family")]
            SubjectKind::Sample => Self::Sample(Box::default()),
        }
    }

    fn next(self, recorded: &Recorded) -> Result<Self, IllegalTransition> {
        Ok(match self {
            Self::Booking(state) => Self::Booking(Box::new(slim(state.next(recorded)?))),
            Self::Run(state) => Self::Run(Box::new(state.next(recorded)?)),
            Self::Alarm(state) => Self::Alarm(Box::new(state.next(recorded)?)),
            Self::Summary(state) => Self::Summary(Box::new(state.next(recorded)?)),
            Self::Drive(state) => Self::Drive(Box::new(state.next(recorded)?)),
            Self::Copy(state) => Self::Copy(Box::new(state.next(recorded)?)),
            Self::Custody(state) => Self::Custody(Box::new(state.next(recorded)?)),
            Self::Purge(state) => Self::Purge(Box::new(state.next(recorded)?)),
            Self::Any => Self::Any,
            #[cfg(feature = "sample-family")]
            Self::Sample(state) => Self::Sample(Box::new(state.next(recorded)?)),
        })
    }
}

fn slim(booking: Booking) -> Booking {
    if booking.phase < Phase::Archived {
        return booking;
    }
    Booking { enumerated: None, fetched: None, backed_up: None, archived: None, ..booking }
}

#[cfg(test)]
mod tests {
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
    fn a_slimmed_booking_still_refuses_what_cannot_follow() {
        let life =
            [samples::enumerated("B-1"), samples::fetched("B-1"), samples::backed_up("B-1"), samples::archived("B-1")];
        let mut again = samples::enumerated("B-1");
        again.version = Version(4);
        assert!(matches!(folded(&life).apply(&again), Err(ReplayError::Illegal { .. })));
    }
}
