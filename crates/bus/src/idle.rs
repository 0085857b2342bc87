//! Waiting until there is nothing left to do: what `--once` needs.

use std::time::Duration;

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError, Work};
use strongroom_model::event::AlarmRaised;
use strongroom_model::{Position, StageName};
use tokio::time::{Instant, sleep, timeout};

use crate::delivery::Delivery;
use crate::pipeline::{Pipeline, StageHandle};

/// How often the log is asked at most.
const MIN: Duration = Duration::from_millis(20);

/// How often it is asked at least: what another process appends wakes nobody here.
const MAX: Duration = Duration::from_millis(100);

/// For how long the log may be unreadable before the wait is given up.
const MAX_TROUBLE: Duration = Duration::from_secs(30);

/// How long after its time a retry may still be waiting before nobody is expected to take
/// it: another process has it in hand.
const MAX_OVERDUE: Duration = Duration::from_secs(5);

/// How many retries are counted at most.
const MAX_RETRIES: usize = 10_000;

/// How many pending events are read at a time.
const PAGE: usize = 256;

/// Why there is nothing left to do.
#[derive(Debug, Clone)]
pub enum Idle {
    /// All is done.
    Settled,
    /// What is left waits for an obstacle to go away, and has for longer than the patience.
    Paused(AlarmRaised),
    /// The stages were told to stop, or one of them has ended.
    Stopped,
    /// What is left waits for its next attempt, beyond the patience.
    RetriesLater {
        /// How many wait.
        count: usize,
        /// When the first of them is due.
        next: Timestamp,
    },
}

/// What a look at the log and at the stages shows.
enum WorkState {
    Busy,
    Paused(AlarmRaised, Instant),
    Waiting(Timestamp),
    Settled,
}

impl Pipeline {
    /// Waits until nothing is left to do for these of the pipeline's stages: nothing is
    /// pending in the log up to its head, nothing is in hand, and no retry is due within
    /// `patience`. What is behind an obstacle is waited for as long as `patience`, too.
    ///
    /// # Errors
    /// The log could not be read for a while.
    pub async fn idle(&self, stages: &[StageName], patience: Duration) -> Result<Idle, LogError> {
        let mut appended = self.wiring.log.appended();
        let mut readable_at = Instant::now();
        let mut overdue_since = None;
        loop {
            if self.wiring.stop.is_cancelled() || self.stages.iter().any(StageHandle::has_ended) {
                return Ok(Idle::Stopped);
            }
            appended.borrow_and_update();
            match self.look(stages).await {
                Ok(look) => {
                    readable_at = Instant::now();
                    if let Some(idle) = self.decide(look, stages, patience, &mut overdue_since).await? {
                        return Ok(idle);
                    }
                }
                Err(error) if readable_at.elapsed() > MAX_TROUBLE => return Err(error),
                Err(_) => {}
            }
            sleep(MIN).await;
            // Its end by time is as good as an append: both mean to look again.
            let _ = timeout(MAX, appended.changed()).await;
        }
    }

    /// Looks at everything at one size of the log.
    ///
    /// What is left to do is a stream's last event, and remains so until the append that
    /// settles it. So if nothing is pending, and the log is as long after the last look as
    /// before the first, then nothing was pending anywhere at that size.
    async fn look(&self, stages: &[StageName]) -> Result<WorkState, LogError> {
        let log = &self.wiring.log;
        let size = log.head().await?.size;
        let mut paused = None;
        for handle in self.stages.iter().filter(|handle| stages.contains(&handle.stage)) {
            if !self.has_work(handle).await? {
                continue;
            }
            match handle.progress.pause_now() {
                None => return Ok(WorkState::Busy),
                Some(pause) => paused = paused.or(Some(WorkState::Paused(pause.obstacle, pause.since))),
            }
        }
        let due = log.next_due(stages).await?;
        if log.head().await?.size != size {
            return Ok(WorkState::Busy);
        }
        Ok(paused.or(due.map(WorkState::Waiting)).unwrap_or(WorkState::Settled))
    }

    /// Whether something is in hand, or pending and not known to rest.
    async fn has_work(&self, handle: &StageHandle) -> Result<bool, LogError> {
        if let Delivery::Broker(_) = self.wiring.delivery {
            return has_work_in_queue(&self.wiring.log, handle).await;
        }
        // Read first: what is below `from` and not in hand is done or rests. What the feed
        // takes after this is still pending above it.
        let read = handle.claims.progress();
        Ok(read.in_flight > 0 || !self.wiring.log.pending(handle.stage, read.from, 1).await?.is_empty())
    }

    async fn decide(
        &self,
        look: WorkState,
        stages: &[StageName],
        patience: Duration,
        overdue_since: &mut Option<Instant>,
    ) -> Result<Option<Idle>, LogError> {
        let due = match look {
            WorkState::Settled => return Ok(Some(Idle::Settled)),
            WorkState::Paused(obstacle, since) if since.elapsed() >= patience => {
                return Ok(Some(Idle::Paused(obstacle)));
            }
            WorkState::Busy | WorkState::Paused(..) => {
                *overdue_since = None;
                return Ok(None);
            }
            WorkState::Waiting(due) => due,
        };
        let now = self.wiring.clock.now();
        // Put off by a clock that was ahead: it is handed out at the next look for such.
        let is_due = self.wiring.horizon().strands(due, now);
        let wait =
            if is_due { Duration::ZERO } else { Duration::try_from(due.duration_since(now)).unwrap_or_default() };
        if wait <= patience && overdue_since.get_or_insert_with(Instant::now).elapsed() < patience + MAX_OVERDUE {
            return Ok(None);
        }
        let mut count = 0;
        for stage in stages {
            count += self.wiring.log.due(*stage, Timestamp::MAX, MAX_RETRIES).await?.len();
        }
        Ok(Some(Idle::RetriesLater { count, next: due }))
    }
}

/// Whether something is in hand here, or pending in the log and not known to rest.
async fn has_work_in_queue(log: &EventLog, handle: &StageHandle) -> Result<bool, LogError> {
    if !handle.claims.is_empty() {
        return Ok(true);
    }
    // What is bound to another partition waits in another queue, for another worker. Until the stage has reached
    // its queue nobody knows which that is, and a new partition's queue is made only now.
    let partition = handle.progress.link_now().and_then(|link| link.partition);
    let work = Work { stage: handle.stage, partition: partition.as_ref() };
    let mut from = Position(0);
    loop {
        let page = log.pending(work, from, PAGE).await?;
        if page.iter().any(|event| !handle.claims.rests(event)) {
            return Ok(true);
        }
        match page.last() {
            Some(last) if page.len() >= PAGE => from = last.position.next(),
            _ => return Ok(false),
        }
    }
}
