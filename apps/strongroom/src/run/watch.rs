//! Follows the log while the job runs, and shows progress: bars on a terminal, plain lines elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use strongroom_eventlog::EventLog;
use strongroom_fetch::Meter;
use strongroom_model::{Event, Position, Recorded};
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::task::AbortOnDropHandle;

use crate::run::show::Show;
use crate::run::tally::Tally;

const TICK: Duration = Duration::from_millis(125);
const TROUBLE_PAUSE: Duration = Duration::from_secs(1);
const MAX_CATCH_UP: Duration = Duration::from_secs(5);
/// A log file should stay readable.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The log's follower; dropped, it stops.
pub(crate) struct TallyWatch {
    shared: Arc<SharedTally>,
    _task: AbortOnDropHandle<()>,
}

struct SharedTally {
    tally: Mutex<Tally>,
    meter: OnceLock<Meter>,
    /// The first position not yet counted.
    seen: tokio::sync::watch::Sender<Position>,
}

impl TallyWatch {
    pub(crate) fn start(log: &EventLog, from: Position, tally: Tally, show: Show) -> Self {
        let shared = Arc::new(SharedTally {
            tally: Mutex::new(tally),
            meter: OnceLock::new(),
            seen: tokio::sync::watch::Sender::new(from),
        });
        let task = tokio::spawn(follow(log.clone(), shared.clone(), show));
        Self { shared, _task: AbortOnDropHandle::new(task) }
    }

    pub(crate) fn measure(&self, meter: Meter) {
        // Set once: there is one fetch stage in a process.
        let _ = self.shared.meter.set(meter);
    }

    pub(crate) async fn tally_at(&self, position: Position) -> Tally {
        self.catch_up(position).await;
        self.shared.tally().clone()
    }

    pub(crate) async fn left_at(&self, position: Position) -> u64 {
        self.catch_up(position).await;
        self.shared.tally().left()
    }

    async fn catch_up(&self, position: Position) {
        let mut seen = self.shared.seen.subscribe();
        // Without the rest of the log, this is what is known.
        let _ = tokio::time::timeout(MAX_CATCH_UP, seen.wait_for(|seen| *seen >= position)).await;
    }
}

impl SharedTally {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns when the next plain line is due.
    fn progress(&self, show: &Show, line_at: Instant) -> Instant {
        let due = line_at <= Instant::now();
        let came = self.meter.get().map(Meter::bytes).unwrap_or_default();
        show.progress(&self.tally(), came, due);
        if due { Instant::now() + LINE_EVERY } else { line_at }
    }
}

/// After a failed read it continues where it was.
async fn follow(log: EventLog, shared: Arc<SharedTally>, show: Show) {
    let mut line_at = Instant::now() + LINE_EVERY;
    loop {
        let from = *shared.seen.borrow();
        let mut events = std::pin::pin!(log.tail(from));
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            tokio::select! {
                stored = events.next() => match stored {
                    Some(Ok(stored)) => see(log.readable(&stored), stored.position, &shared, &show),
                    _ => break,
                },
                _ = ticks.tick() => line_at = shared.progress(&show, line_at),
            }
        }
        tokio::time::sleep(TROUBLE_PAUSE).await;
    }
}

fn see(recorded: Option<Recorded>, position: Position, shared: &SharedTally, show: &Show) {
    // An event that only a newer version can read changes nothing here.
    if let Some(recorded) = recorded {
        shared.tally().see(&recorded);
        tell(&recorded, show);
    }
    shared.seen.send_replace(position.next());
}

fn tell(recorded: &Recorded, show: &Show) {
    match &recorded.event {
        Event::AlarmRaised(alarm) => show.line(&format!("ALARM: {}\n  next: {}", alarm.message, alarm.next_step)),
        Event::AlarmCleared(over) => show.line(&format!("alarm over: {}", over.message)),
        _ => {}
    }
}
