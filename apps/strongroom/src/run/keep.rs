//! Looking at everything again and again, until told to stop.

use std::time::Duration;

use jiff::Timestamp;
use strongroom_eventlog::EventLog;
use strongroom_service::Shutdown;

use crate::trouble::Trouble;

/// How often the clock is looked at: it may be set, and the host may have slept.
const TICK: Duration = Duration::from_secs(1);
/// How often the log is looked at, at most, however much happens in it.
const LEAST: Duration = Duration::from_millis(100);
/// How often in a row a turn may fail: five minutes of a full or busy disk. After that it is for
/// whoever starts us again.
const MOST_FAILURES: u32 = 60;
/// How long it is left alone after it failed.
const TROUBLE_PAUSE: Duration = Duration::from_secs(5);

/// Turn after turn, until told to stop. A turn says for how long nothing is to be done; it
/// comes sooner where something happens in the log. Trouble may pass, and is borne for a while.
pub(crate) async fn keep(
    shutdown: &Shutdown,
    log: &EventLog,
    mut turn: impl AsyncFnMut() -> Result<Duration, Trouble>,
) -> Result<(), Trouble> {
    let mut failures = 0;
    let mut appended = log.appended();
    while !shutdown.is_requested() {
        appended.borrow_and_update();
        let rest = match turn().await {
            Ok(rest) => {
                failures = 0;
                rest.min(TICK)
            }
            Err(trouble) if failures < MOST_FAILURES && !trouble.is_final() => {
                failures += 1;
                tracing::warn!("{}: trying again", trouble.sentence());
                TROUBLE_PAUSE
            }
            Err(trouble) => return Err(trouble),
        };
        let woken = async {
            tokio::time::sleep(LEAST.min(rest)).await;
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

/// How long it is until then; nothing, once it is past.
pub(crate) fn until(then: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or_default()
}
