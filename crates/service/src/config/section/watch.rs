//! `[watch]`

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::value::Period;

/// They are counted in whole seconds.
const MIN_EVERY: Duration = Duration::from_secs(1);
/// A dead process is noticed after four of them, while somebody still waits for it.
const MAX_EVERY: Duration = Duration::from_secs(120);

/// How soon a person hears of what is missing.
#[derive(Debug, Clone, confique::Config, Serialize, JsonSchema)]
pub struct WatchSection {
    /// How often each process gives a sign of life, where the log is. One that has given
    /// none for four times as long counts as gone.
    #[config(default = "10s", validate = check_every)]
    pub every: Period,

    /// How long work may wait for a stage that no process is there for, before an alarm says
    /// so.
    #[config(default = "5m", validate(!no_worker_after.get().is_zero(), "it must be longer than nothing"))]
    pub no_worker_after: Period,

    /// How long no relay may be at work, where there is a broker, before an alarm says so.
    #[config(default = "2m", validate(!no_relay_after.get().is_zero(), "it must be longer than nothing"))]
    pub no_relay_after: Period,

    /// How long nothing may be recorded in the log (its database is away, its disk is full)
    /// before whoever mails says so, although that cannot be recorded.
    #[config(default = "5m", validate(!log_away_after.get().is_zero(), "it must be longer than nothing"))]
    pub log_away_after: Period,

    /// How often the monitor looks whether jobs, hosts and drives are as they should be.
    #[config(default = "30s", validate(!monitor_every.get().is_zero(), "it must be longer than nothing"))]
    pub monitor_every: Period,

    /// How long the monitor may not have looked, before it says so itself when it looks again.
    #[config(default = "1h", validate(!monitor_silent_after.get().is_zero(), "it must be longer than nothing"))]
    pub monitor_silent_after: Period,

    /// How long a host that does jobs may give no sign of life, before an alarm says so.
    #[config(default = "1h", validate(!host_silent_after.get().is_zero(), "it must be longer than nothing"))]
    pub host_silent_after: Period,

    /// How long after its time a job's run may start, or go on after its time-out, before an alarm says so.
    #[config(default = "30m")]
    pub job_grace: Period,
}

fn check_every(every: &Period) -> Result<(), &'static str> {
    if (MIN_EVERY..=MAX_EVERY).contains(&every.get()) { Ok(()) } else { Err("it must be from 1s to 2m") }
}
