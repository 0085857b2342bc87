//! The stage: one batch, its downloads, and the groups in which they are made durable.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use strongroom_bus::{BatchLimits, Outcome, Settle, Stage, Task};
use strongroom_drive::{Drive, DriveError};
use strongroom_model::booking::Booking;
use strongroom_model::event::AlarmRaised;
use strongroom_model::{AlarmKind, ByteCount, Month, StageName};
use strongroom_service::Clock;
use strongroom_source::error::SERVER;
use strongroom_source::{Source, SourceError};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{Instant, sleep_until};

use crate::blocking::blocking;
use crate::fate::of_the_drive;
use crate::group::{ALONE_FROM_BYTES, land};
use crate::meter::Meter;
use crate::one::{Ended, Shared};
use crate::settings::FetchSettings;
use crate::slot::Slot;
use crate::wanted::{Asked, Come, Wanted};

/// How many batches are under way at once: while the last files of one are made durable,
/// those of the next come in, and a large file does not hold up all that comes after it.
const BATCHES: usize = 4;
/// How long files that have come wait for others, so as to share a sync with them: a slow
/// file must not keep finished ones from being safe.
const LINGER: Duration = Duration::from_secs(1);

/// Brings files onto the drive.
///
/// A task's file is durable under its final name before the task settles. All before that
/// may be done twice, by us or by a twin: a temporary file belongs to one worker at a time,
/// and what is on the drive already is found there.
#[derive(Debug)]
pub struct Fetch {
    source: Source,
    settings: FetchSettings,
    slot: Arc<Slot>,
    clock: Clock,
    meter: Meter,
    turns: Arc<Semaphore>,
    /// Whether the last word of the server was a bad one, so that it is asked before the
    /// next batch. While all is well, no request is spent on asking.
    suspect: AtomicBool,
}

impl Fetch {
    /// A stage that brings that server's files onto the drive that is mounted there.
    #[must_use]
    pub fn new(settings: FetchSettings, source: Source, clock: Clock) -> Self {
        Self {
            slot: Arc::new(Slot::new(&settings)),
            turns: Arc::new(Semaphore::new(settings.concurrency.max(1))),
            meter: Meter::default(),
            suspect: AtomicBool::new(false),
            source,
            settings,
            clock,
        }
    }

    /// How many bytes have come, as they come.
    #[must_use]
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
        BatchLimits { tasks: self.settings.batch, batches: BATCHES }
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.drive().await.map_err(|error| of_the_drive(&error))?;
        if self.suspect.load(Ordering::Relaxed) {
            self.source.check().await.map_err(SourceError::into_obstacle)?;
            self.suspect.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    async fn handle(&self, tasks: Vec<Task<Booking>>, settle: &Settle<Booking>) {
        let (mut wanted, others) = self.sort(tasks);
        settle.settle(others).await;
        let shared = match self.share(&mut wanted).await {
            Ok(shared) => shared,
            Err(error) => {
                let outcome = Outcome::Obstructed(of_the_drive(&error));
                return settle.settle(wanted.into_iter().map(|(task, _)| (task, outcome.clone())).collect()).await;
            }
        };
        Batch::new(shared.clone(), settle.clone()).run(wanted).await;
        if shared.obstacle.get().is_some_and(|obstacle| obstacle.subject == SERVER) {
            self.suspect.store(true, Ordering::Relaxed);
        }
    }
}

impl Fetch {
    /// What is to be downloaded. A booking that was never enumerated is none of ours: nothing
    /// hands us such a one.
    fn sort(&self, tasks: Vec<Task<Booking>>) -> (Vec<Asked>, Vec<(Task<Booking>, Outcome)>) {
        let month = Month::of(self.clock.now(), &self.settings.zone);
        let (mut wanted, mut others) = (Vec::with_capacity(tasks.len()), Vec::new());
        for task in tasks {
            match Wanted::of(&task, &self.settings.site, month) {
                Some(file) => wanted.push((task, file)),
                None => others.push((task, Outcome::Superseded)),
            }
        }
        (wanted, others)
    }

    /// Looks at the drive before the first byte is asked for (R6), and at what fits on it.
    async fn share(&self, wanted: &mut [Asked]) -> Result<Shared, DriveError> {
        let drive = self.drive().await?;
        let sizes: Vec<ByteCount> = wanted.iter().map(|(_, wanted)| wanted.size).collect();
        let fitting = {
            let drive = drive.clone();
            blocking(move || fitting(&drive, &sizes)).await?
        };
        for ((_, wanted), fits) in wanted.iter_mut().zip(fitting) {
            wanted.fits = fits;
        }
        Ok(Shared {
            source: self.source.clone(),
            drive,
            meter: self.meter.clone(),
            turns: self.turns.clone(),
            obstacle: Arc::new(OnceLock::new()),
        })
    }
}

/// Which files fit on the drive, all of them together if they do, or else the first that do.
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

/// A batch under way. Dropped, its downloads stop; what came stays on the drive.
struct Batch {
    shared: Shared,
    settle: Settle<Booking>,
    /// Files that have come and are not yet durable.
    group: Vec<(Task<Booking>, Come)>,
    /// When the group is made durable at the latest.
    due: Instant,
    /// Groups that are being made durable, and tasks that are being settled, while more comes.
    landings: JoinSet<()>,
}

impl Batch {
    fn new(shared: Shared, settle: Settle<Booking>) -> Self {
        Self { shared, settle, group: Vec::new(), due: Instant::now(), landings: JoinSet::new() }
    }

    async fn run(mut self, wanted: Vec<Asked>) {
        let (fitting, others): (Vec<Asked>, Vec<Asked>) = wanted.into_iter().partition(|(_, wanted)| wanted.fits);
        let mut downloads: JoinSet<Ended> = fitting.into_iter().map(|asked| self.shared.clone().bring(asked)).collect();
        let mut others = others.into_iter();
        loop {
            if downloads.is_empty() {
                // There may be room for these all the same: a part of them may be on the drive
                // already. One after the other, for each claims room before it is refused.
                let Some(other) = others.next() else { break };
                downloads.spawn(self.shared.clone().bring(other));
            }
            tokio::select! {
                Some(ended) = downloads.join_next() => self.ended(unwound(ended)),
                () = sleep_until(self.due), if !self.group.is_empty() => self.flush(),
            }
        }
        self.flush();
        while let Some(landed) = self.landings.join_next().await {
            unwound(landed);
        }
    }

    fn ended(&mut self, (task, ended): Ended) {
        match ended {
            Ok(come) if come.received.size() >= ALONE_FROM_BYTES => self.land(vec![(task, come)]),
            Ok(come) => {
                if self.group.is_empty() {
                    self.due = Instant::now() + LINGER;
                }
                self.group.push((task, come));
            }
            Err(outcome) => {
                let settle = self.settle.clone();
                self.landings.spawn(async move { settle.one(task, outcome).await });
            }
        }
    }

    fn flush(&mut self) {
        let group = std::mem::take(&mut self.group);
        if !group.is_empty() {
            self.land(group);
        }
    }

    fn land(&mut self, group: Vec<(Task<Booking>, Come)>) {
        self.landings.spawn(land(self.shared.drive.clone(), group, self.settle.clone()));
    }
}

/// A panic goes on where the runner sees it; nothing here cancels a task by itself.
fn unwound<T>(ended: Result<T, JoinError>) -> T {
    ended.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}
