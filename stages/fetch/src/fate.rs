//! Whether an error concerns one file or all.

use strongroom_bus::{Failure, Fate, TaskOutcome};
use strongroom_drive::DriveError;
use strongroom_model::event::AlarmRaised;
use strongroom_model::{AlarmKind, FailureKind};
use strongroom_source::{Cause, Source, SourceError};

#[derive(Debug)]
pub(crate) enum FetchError {
    Source(SourceError),
    Drive(DriveError),
}

impl From<SourceError> for FetchError {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<DriveError> for FetchError {
    fn from(error: DriveError) -> Self {
        Self::Drive(error)
    }
}

impl FetchError {
    pub(crate) fn is_useless(&self) -> bool {
        matches!(self, Self::Source(error) if is_useless(error))
    }

    pub(crate) async fn outcome(self, source: &Source) -> TaskOutcome {
        match self {
            Self::Drive(error) => drive_outcome(&error),
            Self::Source(error) => source_outcome(source, &error).await,
        }
    }
}

/// Whether the received bytes are useless for a later attempt: the server's file contradicts its record, or is missing.
pub(crate) fn is_useless(error: &SourceError) -> bool {
    matches!(*error.cause, Cause::TooLong { .. } | Cause::Missing { .. })
}

pub(crate) fn drive_obstacle(error: &DriveError) -> AlarmRaised {
    error.obstacle().unwrap_or_else(|| AlarmRaised {
        kind: AlarmKind::DriveFailing,
        subject: "drive".to_owned(),
        message: error.to_string(),
        next_step: error.next_step(),
    })
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

async fn source_outcome(source: &Source, error: &SourceError) -> TaskOutcome {
    if let Some(obstacle) = source.obstacle_behind(error).await {
        return TaskOutcome::Obstructed(obstacle);
    }
    TaskOutcome::Failed(error.failure())
}
