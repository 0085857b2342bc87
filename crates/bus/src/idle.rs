use std::time::Duration;

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError, Work};
use strongroom_model::event::AlarmRaised;
use strongroom_model::{Position, StageName};
use tokio::time::{Instant, sleep, timeout};

use crate::delivery::Delivery;
use crate::pipeline::{Pipeline, StageHandle, StageView};

/// At least this long between two checks, each of which reads the log: appends may follow one another closely.
const MIN_POLL: Duration = Duration::from_millis(20);

/// The longest wait for an append: those of other processes wake nobody here.
const MAX_POLL: Duration = Duration::from_millis(100);

/// A restart of the database takes less.
const MAX_LOG_UNREADABLE: Duration = Duration::from_secs(30);

/// When a retry is this late, another process has claimed it.
const MAX_OVERDUE: Duration = Duration::from_secs(5);

const MAX_RETRIES: usize = 10_000;

const PAGE: usize = 256;

/// Why nothing is left to do.
#[derive(Debug, Clone)]
pub enum Idle {
    /// All is done.
    NothingLeft,
    /// What is left has waited for an obstacle for longer than the patience.
    Paused(AlarmRaised),
    /// The stages are stopping, or one of them has ended.
    Stopped,
    /// What is left waits for its next attempt, beyond the patience.
    RetriesLater {
        /// Tasks that wait for a retry.
        count: usize,
        /// When the first is due.
        next: Timestamp,
    },
}

enum WorkState {
    Busy,
    Paused(AlarmRaised, Instant),
    Waiting(Timestamp),
    NothingLeft,
}

impl Pipeline {
    /// Waits until these stages have nothing left to do: nothing is pending or in flight, and no retry is due within
    /// `patience`. It waits as long for obstacles.
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
            match self.check(stages).await {
                Ok(state) => {
                    readable_at = Instant::now();
                    if let Some(idle) = self.decide(state, stages, patience, &mut overdue_since).await? {
                        return Ok(idle);
                    }
                }
                Err(error) if readable_at.elapsed() > MAX_LOG_UNREADABLE => return Err(error),
                Err(_) => {}
            }
            sleep(MIN_POLL).await;
            let _ = timeout(MAX_POLL, appended.changed()).await;
        }
    }

    /// Work is a stream's last event until the append that settles it. So if nothing is pending, and the log has the
    /// same size before and after, then nothing was pending anywhere at that size.
    async fn check(&self, stages: &[StageName]) -> Result<WorkState, LogError> {
        let log = &self.wiring.log;
        let size = log.head().await?.size;
        let mut paused = None;
        let views = self.stages.iter().map(|handle| &handle.view);
        for view in views.filter(|view| stages.contains(&view.stage)) {
            if !self.has_work(view).await? {
                continue;
            }
            match view.progress.pause_now() {
                None => return Ok(WorkState::Busy),
                Some(pause) => paused = paused.or(Some(WorkState::Paused(pause.obstacle, pause.since))),
            }
        }
        let due = log.next_due(stages).await?;
        if log.head().await?.size != size {
            return Ok(WorkState::Busy);
        }
        Ok(paused.or(due.map(WorkState::Waiting)).unwrap_or(WorkState::NothingLeft))
    }

    async fn has_work(&self, view: &StageView) -> Result<bool, LogError> {
        if let Delivery::Broker(_) = self.wiring.delivery {
            return has_work_in_queue(&self.wiring.log, view).await;
        }
        // Read first: what is below `from` and not in flight is done or set aside. What is claimed after this is still
        // pending above it.
        let read = view.claims.progress();
        Ok(read.in_flight > 0 || !self.wiring.log.pending(view.stage, read.from, 1).await?.is_empty())
    }

    async fn decide(
        &self,
        state: WorkState,
        stages: &[StageName],
        patience: Duration,
        overdue_since: &mut Option<Instant>,
    ) -> Result<Option<Idle>, LogError> {
        let due = match state {
            WorkState::NothingLeft => return Ok(Some(Idle::NothingLeft)),
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
        // A clock that was ahead put it off: it is due.
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

async fn has_work_in_queue(log: &EventLog, view: &StageView) -> Result<bool, LogError> {
    if !view.claims.is_empty() {
        return Ok(true);
    }
    // Another partition's work waits in another queue. Until the stage has subscribed nobody knows which one is ours.
    let partition = view.progress.link_now().and_then(|link| link.partition);
    let work = Work { stage: view.stage, partition: partition.as_ref() };
    let mut from = Position(0);
    loop {
        let page = log.pending(work, from, PAGE).await?;
        if page.iter().any(|event| !view.claims.is_set_aside(event)) {
            return Ok(true);
        }
        match page.last() {
            Some(last) if page.len() >= PAGE => from = last.position.next(),
            _ => return Ok(false),
        }
    }
}
