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
/// How often a plain line says how far it is: a file of lines should stay readable.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// The log's follower; dropped, it stops.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

struct Shared {
    tally: Mutex<Tally>,
    /// Counts the bytes of transfers that are under way, once there are any.
    meter: OnceLock<Meter>,
    /// The first position not yet counted.
    seen: tokio::sync::watch::Sender<Position>,
}

impl Watch {
    /// Counts the events from a position on.
    pub(crate) fn start(log: &EventLog, from: Position, tally: Tally, show: Show) -> Self {
        let shared = Arc::new(Shared {
            tally: Mutex::new(tally),
            meter: OnceLock::new(),
            seen: tokio::sync::watch::Sender::new(from),
        });
        let task = tokio::spawn(follow(log.clone(), from, shared.clone(), show));
        Self { shared, task }
    }

    /// Shows the bytes that come as this counts them.
    pub(crate) fn measure(&self, meter: Meter) {
        // Set once: there is one fetch stage in a process.
        let _ = self.shared.meter.set(meter);
    }

    /// What was counted, once everything before that position is.
    pub(crate) async fn tally_at(&self, position: Position) -> Tally {
        let mut seen = self.shared.seen.subscribe();
        loop {
            let there = tokio::time::timeout(TICK, seen.wait_for(|seen| *seen >= position)).await.is_ok();
            // If the follower has ended in an error, what it counted until then is what is known.
            if there || self.task.is_finished() {
                return self.shared.tally().clone();
            }
        }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn tally(&self) -> MutexGuard<'_, Tally> {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn see(&self, recorded: &Recorded) {
        self.tally().see(recorded);
    }
}

async fn follow(log: EventLog, from: Position, shared: Arc<Shared>, show: Show) {
    let mut events = std::pin::pin!(log.tail(from));
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut line_at = Instant::now() + LINE_EVERY;
    loop {
        tokio::select! {
            stored = events.next() => {
                let Some(Ok(stored)) = stored else { break };
                if let Ok(recorded) = stored.decode() {
                    shared.see(&recorded);
                    tell(&recorded, &show);
                }
                shared.seen.send_replace(stored.position.next());
            }
            _ = ticks.tick() => {
                let due = line_at <= Instant::now();
                if due {
                    line_at = Instant::now() + LINE_EVERY;
                }
                let came = shared.meter.get().map(Meter::bytes).unwrap_or_default();
                show.progress(&shared.tally(), came, due);
            }
        }
    }
}

/// What a person in front of it wants to know at once.
fn tell(recorded: &Recorded, show: &Show) {
    match &recorded.event {
        Event::AlarmRaised(alarm) => show.line(&format!("ALARM: {}\n  next: {}", alarm.message, alarm.next_step)),
        Event::AlarmCleared(over) => show.line(&format!("alarm over: {}", over.message)),
        _ => {}
    }
}
