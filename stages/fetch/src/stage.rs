use std::sync::{Arc, OnceLock};

use strongroom_bus::{BatchLimits, Settle, Stage, Task, TaskOutcome};
use strongroom_drive::{Admission, Drive, DriveError, DriveSettings, Slot};
use strongroom_model::booking::Booking;
use strongroom_model::event::AlarmRaised;
use strongroom_model::{AlarmKind, ByteCount, Month, StageName};
use strongroom_service::{Clock, blocking, limits};
use strongroom_source::error::SERVER;
use strongroom_source::{Guard, Source};
use tokio::sync::Semaphore;

use crate::batch::FetchBatch;
use crate::download::FetchContext;
use crate::meter::Meter;
use crate::settings::FetchSettings;
use crate::transfer::{Pending, Transfer};

/// The next batch downloads while the last files of one are committed, and a large file does not delay all that follow.
const BATCHES: usize = 4;

/// Downloads files onto the drive.
///
/// A file is durable under its final name before its task settles. Everything before may happen twice, here or in a
/// concurrent worker: a temporary file belongs to one worker at a time, and a file that is there already is adopted.
#[derive(Debug)]
pub struct Fetch {
    source: Source,
    settings: FetchSettings,
    slot: Arc<Slot>,
    clock: Clock,
    meter: Meter,
    permits: Arc<Semaphore>,
    server: Guard,
}

impl Fetch {
    /// A stage that downloads that server's files to the configured drive.
    pub fn new(settings: FetchSettings, source: Source, clock: Clock) -> Self {
        Self {
            slot: Arc::new(slot(&settings)),
            permits: Arc::new(Semaphore::new(settings.concurrency.clamp(1, max_open()))),
            meter: Meter::default(),
            server: Guard::new(source.clone()),
            source,
            settings,
            clock,
        }
    }

    /// Asks `admission` before each use of a drive.
    #[must_use]
    pub fn admitted_by(self, admission: Arc<dyn Admission>) -> Self {
        Self { slot: Arc::new(slot(&self.settings).admitted_by(admission)), ..self }
    }

    /// The bytes received so far.
    pub fn meter(&self) -> Meter {
        self.meter.clone()
    }

    async fn drive(&self) -> Result<Drive, DriveError> {
        let slot = self.slot.clone();
        blocking(move || slot.drive()).await
    }
}

impl Stage for Fetch {
    type State = Booking;

    fn name(&self) -> StageName {
        StageName::Fetch
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: self.settings.batch.min(max_open()), batches: BATCHES }
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.drive().await.map_err(|error| error.as_obstacle())?;
        self.server.ready().await
    }

    async fn handle(&self, tasks: Vec<Task<Booking>>, settle: &Settle<Booking>) {
        let (mut pending, others) = self.sort(tasks);
        settle.settle(others).await;
        let shared = match self.share(&mut pending).await {
            Ok(shared) => shared,
            Err(error) => {
                let outcome = TaskOutcome::Obstructed(error.as_obstacle());
                return settle.settle(pending.into_iter().map(|(task, _)| (task, outcome.clone())).collect()).await;
            }
        };
        FetchBatch::new(shared.clone(), settle.clone()).run(pending).await;
        if shared.obstacle.get().is_some_and(|obstacle| obstacle.subject == SERVER) {
            self.server.suspect();
        }
    }
}

impl Fetch {
    /// Also returns tasks of bookings that were never enumerated, which should not be delivered.
    fn sort(&self, tasks: Vec<Task<Booking>>) -> (Vec<Pending>, Vec<(Task<Booking>, TaskOutcome)>) {
        let month = Month::of(self.clock.now(), &self.settings.zone);
        let (mut pending, mut others) = (Vec::with_capacity(tasks.len()), Vec::new());
        for task in tasks {
            match Transfer::of(&task, &self.settings.site, month) {
                Some(transfer) => pending.push((task, transfer)),
                None => others.push((task, TaskOutcome::Superseded)),
            }
        }
        (pending, others)
    }

    /// Checks the drive before the first request (R6), and what fits on it.
    async fn share(&self, pending: &mut [Pending]) -> Result<FetchContext, DriveError> {
        let drive = self.drive().await?;
        let sizes: Vec<ByteCount> = pending.iter().map(|(_, transfer)| transfer.place.size).collect();
        let fitting = {
            let drive = drive.clone();
            blocking(move || fitting(&drive, &sizes)).await?
        };
        for ((_, transfer), fits) in pending.iter_mut().zip(fitting) {
            transfer.fits = fits;
        }
        Ok(FetchContext {
            source: self.source.clone(),
            drive,
            meter: self.meter.clone(),
            permits: self.permits.clone(),
            obstacle: Arc::new(OnceLock::new()),
        })
    }
}

fn slot(settings: &FetchSettings) -> Slot {
    let opened = DriveSettings { reserve: Some(settings.reserve), expect: settings.expect };
    Slot::new(settings.root.clone(), opened).sharing(settings.bags.clone())
}

/// Each file needs its temporary file, a connection and a folder.
fn max_open() -> usize {
    (limits::open_files() / (3 * BATCHES)).max(1)
}

/// Which files fit: all together, or the first that do.
fn fitting(drive: &Drive, sizes: &[ByteCount]) -> Result<Vec<bool>, DriveError> {
    let fits = |needed| match drive.check(needed) {
        Ok(()) => Ok(true),
        Err(error) if error.obstacle().is_some_and(|obstacle| obstacle.kind == AlarmKind::DriveFull) => Ok(false),
        Err(error) => Err(error),
    };
    if fits(sizes.iter().copied().sum())? {
        return Ok(vec![true; sizes.len()]);
    }
    let mut taken = ByteCount(0);
    sizes
        .iter()
        .map(|size| {
            let fits = fits(taken + *size)?;
            taken = if fits { taken + *size } else { taken };
            Ok(fits)
        })
        .collect()
}
