//! Turn after turn, until the shutdown.

use std::time::Duration;

use jiff::Timestamp;
use strongroom_bus::RelayHandle;
use strongroom_eventlog::EventLog;
use strongroom_model::event::AlarmRaised;
use strongroom_service::Shutdown;

use super::Process;
use super::close::aborted;
use crate::cli_error::CliError;

/// How often to look at the clock: it may be set, and the host may sleep.
const TICK: Duration = Duration::from_secs(1);
/// How often to look at the log, at most.
const MIN: Duration = Duration::from_millis(100);
/// How often a turn may fail in a row: five minutes of a full or busy disk. After that the service manager decides.
const MAX_FAILURES: u32 = 60;
const TROUBLE_PAUSE: Duration = Duration::from_secs(5);

impl Process {
    /// Runs turns until the shutdown, while the stages work. A turn returns for how long nothing is to be done.
    pub(crate) async fn keep(&self, mut turn: impl AsyncFnMut() -> Result<Duration, CliError>) -> Result<(), CliError> {
        let turns = turns(&self.shutdown, &self.log, async || {
            self.check()?;
            turn().await
        });
        tokio::select! {
            kept = turns => kept,
            error = self.rewound() => Err(error),
            () = aborted(&self.shutdown) => Err(CliError::given_up()),
        }
    }

    pub(crate) async fn work(&self) -> Result<(), CliError> {
        self.keep(async || Ok(Duration::MAX)).await
    }

    pub(crate) fn rewound(&self) -> impl Future<Output = CliError> + use<> {
        self.checkpoints.rewound()
    }

    /// Whether every role is at work.
    fn check(&self) -> Result<(), CliError> {
        let relay = self.relay.as_ref().is_some_and(RelayHandle::has_ended);
        if (relay || self.pipeline.has_ended()) && !self.shutdown.is_requested() {
            return Err(CliError::new("a part of this process has ended by itself")
                .next_step("start it again, and report the messages above")
                .finally());
        }
        Ok(())
    }

    pub(crate) fn broker_trouble(&self) -> Option<(String, String)> {
        let broker = self.broker.as_ref()?;
        let links = self.pipeline.progress().into_iter().filter_map(|stage| stage.link);
        let lost = links.filter(|link| !link.connected).map(|link| link.error).next()?;
        Some((broker.place(), lost.unwrap_or_else(|| "it does not answer".to_owned())))
    }

    pub(crate) fn obstacle(&self) -> Option<AlarmRaised> {
        self.pipeline.progress().into_iter().find_map(|stage| Some(stage.paused?.obstacle))
    }
}

/// The next turn begins early if something is appended. An error may pass, and is tolerated for a while.
async fn turns(
    shutdown: &Shutdown,
    log: &EventLog,
    mut turn: impl AsyncFnMut() -> Result<Duration, CliError>,
) -> Result<(), CliError> {
    let mut failures = 0;
    let mut appended = log.appended();
    while !shutdown.is_requested() {
        appended.borrow_and_update();
        let rest = match turn().await {
            Ok(rest) => {
                failures = 0;
                rest.min(TICK)
            }
            Err(error) if failures < MAX_FAILURES && !error.is_final => {
                failures += 1;
                tracing::warn!("{}: trying again", error.sentence());
                TROUBLE_PAUSE
            }
            Err(error) => return Err(error),
        };
        let woken = async {
            tokio::time::sleep(MIN.min(rest)).await;
            if failures > 0 || appended.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = woken => {}
            () = shutdown.stop().cancelled_owned() => {}
        }
    }
    Ok(())
}

pub(crate) fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}
