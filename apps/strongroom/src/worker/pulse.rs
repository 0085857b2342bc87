//! How a worker stands: its log, its stages and their way to the broker, looked at again and
//! again, for whoever asks over HTTP and for the service manager.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use strongroom_bus::{RelayHealth, StageProgress};
use strongroom_eventlog::EventLog;
use strongroom_service::{Health, Probe, systemd};

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How long the log may take to say how long it is, before it counts as away.
const LOG_MOST: Duration = Duration::from_secs(5);
/// How long a look may take in all before the process counts as stuck: a runtime whose threads
/// are all blocked does not turn.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// What the process said last of its parts. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Parts>>);

#[derive(Debug, Default)]
struct Parts {
    stages: Vec<StageProgress>,
    relay: Option<RelayHealth>,
}

impl Seen {
    pub(crate) fn stages(&self, stages: Vec<StageProgress>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).stages = stages;
    }

    pub(crate) fn relay(&self, health: RelayHealth) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).relay = Some(health);
    }

    /// What keeps the broker from being used, and what keeps the work from being done.
    fn troubles(&self) -> (Option<String>, Option<String>) {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stages = parts.stages.iter();
        let unlinked = stages.clone().find_map(|stage| {
            let link = stage.link.as_ref();
            // A paused stage takes nothing from its queue.
            let connected = stage.paused.is_some() || link.is_some_and(|link| link.connected);
            (!connected).then(|| link.and_then(|link| link.trouble.clone()))
        });
        let relay = parts.relay.as_ref();
        let unlinked = unlinked.or_else(|| relay.filter(|relay| !relay.connected).map(|relay| relay.trouble.clone()));
        let unlinked = match unlinked {
            Some(trouble) => Some(trouble.unwrap_or_else(|| "not connected yet".to_owned())),
            None => (parts.stages.is_empty() && relay.is_none()).then(|| "nothing is taken from it yet".to_owned()),
        };
        let paused = stages.clone().find_map(|stage| Some(stage.paused.as_ref()?.obstacle.message.clone()));
        let hindered = relay.filter(|relay| relay.connected).and_then(|relay| {
            let blocked = relay.blocked.then(|| "the broker takes nothing: it is short of memory or disk".to_owned());
            blocked.or_else(|| relay.trouble.clone())
        });
        (unlinked, paused.or(hindered))
    }

    /// What the process does now, in one line.
    fn status(&self) -> String {
        let parts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let stages = parts.stages.iter().map(|stage| {
            let done = format!("{}: {} in hand, {} done", stage.stage, stage.in_hand, stage.counts.done);
            match &stage.paused {
                Some(pause) => format!("{done}; waits: {}", pause.obstacle.message),
                None => done,
            }
        });
        let relay = parts.relay.as_ref().map(|relay| match (relay.connected, relay.active) {
            (false, _) => "relay: no broker".to_owned(),
            (true, true) => "relay: active".to_owned(),
            (true, false) => "relay: another one is active".to_owned(),
        });
        stages.chain(relay).collect::<Vec<_>>().join("; ")
    }
}

/// The looking.
pub(crate) struct Pulse {
    turns: Probe,
    log_probe: Probe,
    broker: Probe,
    work: Probe,
    log: EventLog,
    seen: Seen,
}

impl Pulse {
    pub(crate) fn new(health: &Health, log: &EventLog, seen: &Seen) -> Self {
        Self {
            turns: health.turns("process", STUCK_AFTER),
            log_probe: health.needs("log"),
            broker: health.needs("broker"),
            work: health.needs("work"),
            log: log.clone(),
            seen: seen.clone(),
        }
    }

    /// Looks for ever.
    pub(crate) async fn beat(self) {
        let mut told = String::new();
        loop {
            self.turns.well();
            match tokio::time::timeout(LOG_MOST, self.log.head()).await {
                Ok(Ok(_)) => self.log_probe.well(),
                Ok(Err(error)) => self.log_probe.bad(error.to_string()),
                Err(_) => self.log_probe.bad(format!("no answer within {} s", LOG_MOST.as_secs())),
            }
            let (unlinked, hindered) = self.seen.troubles();
            tell(&self.broker, unlinked);
            tell(&self.work, hindered);
            let status = self.seen.status();
            if status != told {
                systemd::status(&status);
                told = status;
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

fn tell(probe: &Probe, trouble: Option<String>) {
    match trouble {
        None => probe.well(),
        Some(why) => probe.bad(why),
    }
}
