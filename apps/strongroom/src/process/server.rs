//! The document server, looked at also while nothing is to be done: a process that needs it is not ready without it.

use std::time::Duration;

use strongroom_bus::Alarms;
use strongroom_eventlog::EventLog;
use strongroom_model::AlarmKind;
use strongroom_model::event::AlarmKey;
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config, Health, Probe};
use strongroom_source::Source;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::cli_error::CliError;
use crate::presence::raised;

const ANSWER: Duration = Duration::from_secs(10);
/// For how many looks in a row it must have answered, and nobody have waited for it, before an alarm that was left
/// raised is over: a stage that tries it anew shows in between as one that works.
const LOOKS: u32 = 6;

/// Looks at it until the handle is dropped.
pub(super) fn watch(
    (config, log, clock): (&Config, &EventLog, &Clock),
    health: &Health,
    source: &Source,
    verb: &str,
) -> AbortOnDropHandle<()> {
    let look = Look {
        source: source.clone(),
        probe: health.needs("document server"),
        log: log.clone(),
        alarms: Alarms::new(log.clone(), clock.clone(), actor_named(verb)),
        well: 0,
    };
    AbortOnDropHandle::new(tokio::spawn(look.again_and_again(config.watch.every.get())))
}

struct Look {
    source: Source,
    probe: Probe,
    log: EventLog,
    alarms: Alarms,
    /// For how many looks in a row it has answered.
    well: u32,
}

impl Look {
    async fn again_and_again(mut self, every: Duration) {
        loop {
            let answered = match timeout(ANSWER, self.source.health()).await {
                Ok(answered) => answered.map(drop).map_err(|error| error.into_obstacle().message),
                Err(_) => Err(format!("the document server {} gives no answer", self.source.server())),
            };
            let reachable = f64::from(u8::from(answered.is_ok()));
            metrics::gauge!("strongroom_server_reachable", "site" => self.log.site().to_string()).set(reachable);
            match answered {
                Ok(()) => {
                    self.probe.well();
                    self.well = self.well.saturating_add(1);
                }
                Err(why) => {
                    self.probe.bad(why);
                    self.well = 0;
                }
            }
            if self.well >= LOOKS
                && let Err(error) = self.end_what_is_left().await
            {
                tracing::debug!(reason = error.sentence(), "an alarm about the document server may be left raised");
            }
            sleep(every).await;
        }
    }

    /// Clears an alarm that nobody waits behind any more: the process that raised it has ended, or others did its work.
    async fn end_what_is_left(&mut self) -> Result<(), CliError> {
        for key in raised(&self.log, |kind| kind == AlarmKind::ServerUnreachable).await? {
            if self.is_waited_for(&key).await? {
                self.well = 0;
            } else {
                self.alarms.clear(&key, "the document server answers again", None).await?;
            }
        }
        Ok(())
    }

    async fn is_waited_for(&self, key: &AlarmKey) -> Result<bool, CliError> {
        let key = key.to_string();
        let signs = self.log.signs().await?;
        let mut parts = signs.iter().filter(|seen| seen.is_alive()).flat_map(|seen| &seen.sign.parts);
        Ok(parts.any(|part| part.alarm.as_deref() == Some(&key)))
    }
}
