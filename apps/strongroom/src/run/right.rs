//! The right to run a site: on this host a locked file, and where hosts share a log in Postgres, a lock there.

use strongroom_eventlog::{ClaimOutcome, RunClaim};
use strongroom_service::actor::host_name;
use strongroom_service::{Clock, Config, RunLock, RunLockError};

use crate::cli_error::CliError;
use crate::site::unopened;

/// The right to run a site, until it is dropped or this process ends.
pub(crate) struct RunRight {
    _lock: RunLock,
    claim: Option<RunClaim>,
}

impl RunRight {
    /// Takes it without waiting; `Err` is who has it.
    pub(crate) async fn take(config: &Config, clock: &Clock) -> Result<Result<Self, String>, CliError> {
        let lock = match RunLock::take(&config.run_lock_path(), clock.now()) {
            Ok(lock) => lock,
            Err(RunLockError::Held { holder }) => return Ok(Err(holder)),
            Err(error) => return Err(error.into()),
        };
        let Some(url) = config.log.database()? else { return Ok(Ok(Self { _lock: lock, claim: None })) };
        let who = format!("strongroom run on {}, process {}", host_name(), std::process::id());
        match RunClaim::request(url.reveal().as_str(), &config.site, &who).await.map_err(unopened)? {
            ClaimOutcome::Claimed(claim) => Ok(Ok(Self { _lock: lock, claim: Some(claim) })),
            ClaimOutcome::HeldBy(holder) => Ok(Err(holder)),
        }
    }

    /// For a log in a file of this host: its lock is enough.
    pub(crate) const fn alone(lock: RunLock) -> Self {
        Self { _lock: lock, claim: None }
    }

    /// Waits until another host has claimed it, which can happen after the database was away, and returns that error.
    pub(crate) async fn lost(&self) -> CliError {
        let Some(claim) = &self.claim else { return std::future::pending().await };
        CliError::new(format!("another process runs this site now: {}", claim.lost().await))
            .next_step("see that only one host runs `strongroom run` for a site; work in flight goes on there")
            .finally()
    }
}
