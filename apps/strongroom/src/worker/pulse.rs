//! How a worker stands: its log, its stages and their way to the broker, looked at again and
//! again, for whoever asks over HTTP and for the service manager.

use std::time::Duration;

use strongroom_eventlog::EventLog;
use strongroom_model::text::with_causes;
use strongroom_service::{Health, Probe, systemd};

use crate::presence::parts::Parts;

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(1);
/// How long the log may take to say how long it is, before it counts as away.
const LOG_MOST: Duration = Duration::from_secs(5);
/// How long a look may take in all before the process counts as stuck: a runtime whose threads
/// are all blocked does not turn.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// The looking.
pub(crate) struct Pulse {
    turns: Probe,
    log_probe: Probe,
    broker: Probe,
    work: Probe,
    log: EventLog,
    parts: Parts,
}

impl Pulse {
    pub(crate) fn new(health: &Health, log: &EventLog, parts: &Parts) -> Self {
        Self {
            turns: health.turns("process", STUCK_AFTER),
            log_probe: health.needs("log"),
            broker: health.needs("broker"),
            work: health.needs("work"),
            log: log.clone(),
            parts: parts.clone(),
        }
    }

    /// Looks for ever.
    pub(crate) async fn beat(self) {
        let mut told = String::new();
        loop {
            self.turns.well();
            let trouble = self.log_trouble().await;
            let reachable = f64::from(u8::from(trouble.is_none()));
            metrics::gauge!("strongroom_log_reachable", "site" => self.log.site().to_string()).set(reachable);
            tell(&self.log_probe, trouble);
            let (unlinked, hindered) = self.parts.troubles();
            tell(&self.broker, unlinked);
            tell(&self.work, hindered);
            let status = self.parts.status();
            if status != told {
                systemd::status(&status);
                told = status;
            }
            tokio::time::sleep(EVERY).await;
        }
    }
}

impl Pulse {
    /// Why the log cannot be read, or was not written when it was last to be.
    async fn log_trouble(&self) -> Option<String> {
        match tokio::time::timeout(LOG_MOST, self.log.head()).await {
            Ok(Ok(_)) => Some(self.log.unwritable()?.borrow().as_ref()?.reason.clone()),
            Ok(Err(error)) => Some(with_causes(&error)),
            Err(_) => Some(format!("no answer within {} s", LOG_MOST.as_secs())),
        }
    }
}

fn tell(probe: &Probe, trouble: Option<String>) {
    match trouble {
        None => probe.well(),
        Some(why) => probe.bad(why),
    }
}
