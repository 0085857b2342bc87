//! One file: its turn, its way, and what became of it.

use std::sync::{Arc, OnceLock};

use strongroom_bus::{Outcome, Task};
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
use crate::wanted::{Asked, Come};

/// What the files of a batch share.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) source: Source,
    pub(crate) drive: Drive,
    pub(crate) meter: Meter,
    /// As many permits as files may come at once, over all batches.
    pub(crate) turns: Arc<Semaphore>,
    /// What is in the way of all, once one has found it: the rest need not find it as well.
    pub(crate) obstacle: Arc<OnceLock<AlarmRaised>>,
}

/// What became of one file: it has come, or its task is over.
pub(crate) type Ended = (Task<Booking>, Result<Come, Outcome>);

impl Shared {
    /// Brings one file onto the drive, under its temporary name, when it is its turn.
    pub(crate) async fn bring(self, (task, wanted): Asked) -> Ended {
        let _turn = self.turns.acquire().await.expect("the semaphore is never closed");
        if let Some(obstacle) = self.obstacle.get() {
            return (task, Err(Outcome::Obstructed(obstacle.clone())));
        }
        let began = Instant::now();
        // Where something may lie on the drive already, or there may be no room, the file is
        // begun on the drive before it is asked for.
        let came = if wanted.size <= MAX_GATHERED_BYTES && wanted.fits && !wanted.tried {
            gather(&self.source, &self.drive, &self.meter, &wanted).await
        } else {
            stream(&self.source, &self.drive, &self.meter, &wanted).await
        };
        let elapsed_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let ended = match came {
            Ok(received) => Ok(Come { received, elapsed_ms }),
            Err(trouble) => Err(trouble.outcome(&self.source).await),
        };
        // What does not fit says nothing about smaller files.
        if let Err(Outcome::Obstructed(obstacle)) = &ended
            && obstacle.kind != AlarmKind::DriveFull
        {
            let _ = self.obstacle.set(obstacle.clone());
        }
        (task, ended)
    }
}
