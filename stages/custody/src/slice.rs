//! One slice of an act: what it does before it records and yields, so that other work and other acts go on between.

use strongroom_audit::BookingCopies;
use strongroom_bus::{Done, Failure, Fate};
use strongroom_drive::DriveError;
use strongroom_eventlog::LogError;
use strongroom_model::custody::Custody;
use strongroom_model::event::{CustodyAdvanced, CustodyFinished, CustodyRequested, Tally};
use strongroom_model::text::printable;
use strongroom_model::{ByteCount, Event, FailureKind, Position};

/// Files in a slice, at most.
pub(crate) const FILES: usize = 256;
/// Bytes in a slice, unless one file has more: some seconds of a slow drive.
pub(crate) const BYTES: ByteCount = ByteCount(256 << 20);
/// Remarks that an act keeps.
const REMARKS: usize = 50;
const REMARK_CHARS: usize = 300;

/// Why a slice was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SliceError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Drive(#[from] DriveError),
    #[error("{0}")]
    Other(OtherFailure),
}

/// A failure without a drive's error.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct OtherFailure(pub(crate) String);

impl SliceError {
    pub(crate) fn other(message: impl Into<String>) -> Self {
        Self::Other(OtherFailure(message.into()))
    }

    /// The failure to record; `None`: the log does not answer, and nothing can be recorded.
    pub(crate) fn failure(&self) -> Option<Failure> {
        match self {
            Self::Log(_) => None,
            Self::Drive(error) => Some(Failure::new(error.failure_kind(), error.to_string(), Fate::Retry)),
            Self::Other(message) => Some(Failure::new(FailureKind::DriveIo, message.to_string(), Fate::Retry)),
        }
    }
}

/// An act at work on one slice.
#[derive(Debug)]
pub(crate) struct Slice<'a> {
    pub(crate) requested: &'a CustodyRequested,
    /// The first position to examine.
    pub(crate) from: Position,
    pub(crate) tally: Tally,
    pub(crate) done: Done,
}

impl<'a> Slice<'a> {
    pub(crate) fn of(state: &'a Custody) -> Option<Self> {
        let requested = state.requested.as_ref()?;
        Some(Self { requested, from: state.next, tally: state.tally.clone(), done: Done::default() })
    }

    pub(crate) fn remark(&mut self, what: &str) {
        if self.tally.remarks.len() < REMARKS {
            self.tally.remarks.push(printable(what, REMARK_CHARS));
        }
    }

    /// More is to be done from `next` on.
    pub(crate) fn advanced(mut self, next: Position) -> Done {
        self.done.events.push(Event::CustodyAdvanced(CustodyAdvanced { next, tally: self.tally }));
        self.done
    }

    pub(crate) fn finished(mut self) -> Done {
        self.done.events.push(Event::CustodyFinished(CustodyFinished { tally: self.tally }));
        self.done
    }
}

/// Good copies of a booking on other drives, in words.
pub(crate) fn good_elsewhere(
    copies: Option<&BookingCopies>,
    but: strongroom_model::DriveId,
    called: impl Fn(strongroom_model::DriveId) -> String,
) -> String {
    let good: Vec<String> = copies
        .into_iter()
        .flat_map(|one| &one.copies)
        .filter(|copy| copy.is_good() && copy.drive != but)
        .map(|copy| called(copy.drive))
        .collect();
    if good.is_empty() {
        "no other drive has a proven copy".to_owned()
    } else {
        format!("good copies: {}", good.join(", "))
    }
}
