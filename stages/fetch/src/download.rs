use std::sync::{Arc, OnceLock};

use strongroom_bus::{Task, TaskOutcome};
use strongroom_drive::Drive;
use strongroom_model::AlarmKind;
use strongroom_model::booking::Booking;
use strongroom_model::event::AlarmRaised;
use strongroom_source::Source;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::gather::{MAX_GATHERED_BYTES, gather};
use crate::meter::Meter;
use crate::stream::stream;
use crate::transfer::{Downloaded, Pending};

#[derive(Debug, Clone)]
pub(crate) struct FetchContext {
    pub(crate) source: Source,
    pub(crate) drive: Drive,
    pub(crate) meter: Meter,
    /// Concurrent downloads, over all batches.
    pub(crate) permits: Arc<Semaphore>,
    /// An obstacle that one download found, for all.
    pub(crate) obstacle: Arc<OnceLock<AlarmRaised>>,
}

/// The file, or its task's outcome.
pub(crate) type Finished = (Task<Booking>, Result<Downloaded, TaskOutcome>);

impl FetchContext {
    /// Downloads a file to its temporary name.
    pub(crate) async fn download(self, (task, transfer): Pending) -> Finished {
        let _permit = self.permits.acquire().await.expect("the semaphore is never closed");
        if let Some(obstacle) = self.obstacle.get() {
            return (task, Err(TaskOutcome::Obstructed(obstacle.clone())));
        }
        let began = Instant::now();
        // Where a part may be on the drive, or room is doubtful, the drive is opened first.
        let result = if transfer.place.size <= MAX_GATHERED_BYTES && transfer.fits && !transfer.is_retry {
            gather(&self.source, &self.drive, &self.meter, &transfer).await
        } else {
            stream(&self.source, &self.drive, &self.meter, &transfer).await
        };
        let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let outcome = match result {
            Ok(received) => Ok(Downloaded { received, elapsed_ms }),
            Err(error) => Err(error.outcome(&self.source).await),
        };
        // A file that does not fit says nothing about smaller ones.
        if let Err(TaskOutcome::Obstructed(obstacle)) = &outcome
            && obstacle.kind != AlarmKind::DriveFull
        {
            let _ = self.obstacle.set(obstacle.clone());
        }
        (task, outcome)
    }
}
