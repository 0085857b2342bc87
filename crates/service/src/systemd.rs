//! Notifications for systemd: `Type=notify`, `WatchdogSec=` and the status line; without it, nothing.

use std::time::Duration;

use strongroom_model::text::printable;
use tokio_util::task::AbortOnDropHandle;

use crate::health::Health;

/// The longest status line.
const MAX_STATUS_CHARS: usize = 200;

/// Reports that the process is set up.
pub fn ready() {
    if let Err(error) = manager::notify("READY=1") {
        tracing::warn!(%error, "cannot report readiness to the service manager");
    }
}

/// Reports that the process is shutting down.
pub fn stopping() {
    if let Err(error) = manager::notify("STOPPING=1") {
        tracing::debug!(%error, "cannot report the shutdown to the service manager");
    }
}

/// Reports what the process does, in one line.
pub fn status(text: &str) {
    if let Err(error) = manager::notify(&format!("STATUS={}", printable(text, MAX_STATUS_CHARS))) {
        tracing::debug!(%error, "cannot report the status to the service manager");
    }
}

/// Pings the watchdog until it is dropped.
#[derive(Debug)]
#[must_use = "when it is dropped, the watchdog bites"]
pub struct Watchdog {
    _pinging: Option<AbortOnDropHandle<()>>,
}

impl Watchdog {
    /// Pings twice per allowed period while the loops turn, if there is a watchdog. Call it within a tokio runtime.
    pub fn start(health: Health) -> Self {
        let pinging = manager::watchdog_period().map(|period| tokio::spawn(ping(health, period / 2)));
        Self { _pinging: pinging.map(AbortOnDropHandle::new) }
    }
}

async fn ping(health: Health, every: Duration) {
    loop {
        let stuck = health.stuck();
        if stuck.is_empty() {
            if let Err(error) = manager::notify("WATCHDOG=1") {
                tracing::warn!(%error, "cannot ping the watchdog");
            }
        } else {
            tracing::error!(?stuck, "this process is stuck: the watchdog is left to end it");
        }
        tokio::time::sleep(every).await;
    }
}

/// States are written as in sd_notify(3).
#[cfg(target_os = "linux")]
mod manager {
    use std::time::Duration;

    pub(super) fn notify(state: &str) -> std::io::Result<()> {
        sd_notify::notify(&[sd_notify::NotifyState::Custom(state)])
    }

    pub(super) fn watchdog_period() -> Option<Duration> {
        sd_notify::watchdog_enabled().filter(|period| !period.is_zero())
    }
}

#[cfg(not(target_os = "linux"))]
mod manager {
    use std::time::Duration;

    pub(super) fn notify(_: &str) -> std::io::Result<()> {
        Ok(())
    }

    pub(super) fn watchdog_period() -> Option<Duration> {
        None
    }
}
