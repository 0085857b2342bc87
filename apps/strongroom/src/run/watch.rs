//! Follows the log while the job runs, and shows how far it is: bars on a terminal, plain
//! lines elsewhere.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use futures_util::StreamExt as _;
use strongroom_eventlog::EventLog;
use strongroom_fetch::Meter;
use strongroom_model::{Event, Position, Recorded};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use crate::run::show::Show;
use crate::run::tally::Tally;

/// How often the bars move.
const TICK: Duration = Duration::from_millis(125);
/// How long the log is left alone after it could not be read.
const TROUBLE_PAUSE: Duration = Duration::from_secs(1);
/// How long the follower is waited for at the end: it is a few milliseconds behind.
const MAX_CATCH_UP: Duration = Duration::from_secs(5);
/// How often a plain line says how far it is: a file of lines should stay readable.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The log's follower; dropped, it stops.
pub(crate) struct TallyWatch {
    shared: Arc<SharedTally>,
    task: JoinHandle<()>,
}

struct SharedTally {
    tally: Mutex<Tally>,
    /// Counts the bytes of transfers that are under way, once there are any.
    meter: OnceLock<Meter>,
    /// The first position not yet counted.
    seen: tokio::sync::watch::Sender<Position>,
}

impl TallyWatch {
    /// Counts the events from a position on.
    pub(crate) fn start(log: &EventLog, from: Position, tally: Tally, show: Show) -> Self {
        let shared = Arc::new(SharedTally {
            tally: Mutex::new(tally),
            meter: OnceLock::new(),
            seen: tokio::sync::watch::Sender::new(from),
        });
        let task = tokio::spawn(follow(log.clone(), shared.clone(), show));
        Self { shared, task }
    }

    /// Shows the bytes that come as this counts them.
    pub(crate) fn measure(&self, meter: Meter) {
        // Set once: there is one fetch stage in a process.
        let _ = self.shared.meter.set(meter);
    }

    /// What was counted, once everything before that position is.
    pub(crate) async fn tally_at(&self, position: Position) -> Tally {
        self.catch_up(position).await;
        self.shared.tally().clone()
    }

    /// How many bookings were left then.
    pub(crate) async fn left_at(&self, position: Position) -> u64 {
        self.catch_up(position).await;
        self.shared.tally().left()
    }

    async fn catch_up(&self, position: Position) {
        let mut seen = self.shared.seen.subscribe();
        // If the log cannot be read on, what was counted until then is what is known.
        let _ = tokio::time::timeout(MAX_CATCH_UP, seen.wait_for(|seen| *seen >= position)).await;
    }
}

impl Drop for TallyWatch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl SharedTally {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows how far it is; returns when the next plain line is due.
    fn progress(&self, show: &Show, line_at: Instant) -> Instant {
        let due = line_at <= Instant::now();
        let came = self.meter.get().map(Meter::bytes).unwrap_or_default();
        show.progress(&self.tally(), came, due);
        if due { Instant::now() + LINE_EVERY } else { line_at }
    }
}

/// Follows for ever. A log that cannot be read for a moment is read on from there.
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

/// What a person in front of it wants to know at once.
fn tell(recorded: &Recorded, show: &Show) {
    match &recorded.event {
        Event::AlarmRaised(alarm) => show.line(&format!("ALARM: {}\n  next: {}", alarm.message, alarm.next_step)),
        Event::AlarmCleared(over) => show.line(&format!("alarm over: {}", over.message)),
        _ => {}
    }
}
