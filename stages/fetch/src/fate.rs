//! Whether an error concerns one file or all.

use strongroom_bus::{Failure, Fate, TaskOutcome};
use strongroom_drive::DriveError;
use strongroom_model::FailureKind;
use strongroom_source::{Cause, Source, SourceError};

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub(crate) enum FetchError {
    Source(#[from] SourceError),
    Drive(#[from] DriveError),
}

impl FetchError {
    pub(crate) fn is_useless(&self) -> bool {
        matches!(self, Self::Source(error) if is_useless(error))
    }

    pub(crate) async fn outcome(self, source: &Source) -> TaskOutcome {
        match self {
            Self::Drive(error) => drive_outcome(&error),
            Self::Source(error) => match source.obstacle_behind(&error).await {
                Some(obstacle) => TaskOutcome::Obstructed(obstacle),
                None => TaskOutcome::Failed(error.failure()),
            },
        }
    }
}

/// Whether the received bytes are useless for a later attempt: the server's file contradicts its record, or is missing.
pub(crate) fn is_useless(error: &SourceError) -> bool {
    matches!(*error.cause, Cause::TooLong { .. } | Cause::Missing { .. })
}

pub(crate) fn drive_outcome(error: &DriveError) -> TaskOutcome {
    if let Some(obstacle) = error.obstacle() {
        return TaskOutcome::Obstructed(obstacle);
    }
    if error.is_busy() {
        // Another worker has it in flight; if that dies, it is delivered again.
        return TaskOutcome::Superseded;
    }
    let kind = error.failure_kind();
    let fate = if kind == FailureKind::DriveIo { Fate::Retry } else { Fate::Person };
    TaskOutcome::Failed(Failure::new(kind, error.to_string(), fate))
}
