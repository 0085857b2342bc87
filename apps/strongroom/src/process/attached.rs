//! The drive of a stage that needs one: waited for, told of while it is away, and noted in the
//! log, which the queues on the broker follow.

use std::path::Path;
use std::time::Duration;

use strongroom_model::StageName;
use strongroom_model::event::AlarmRaised;
use strongroom_service::actor::actor_named;
use strongroom_service::{Config, Probe, actor};
use tokio::time::Instant;

use super::Process;
use crate::attached;
use crate::run::gate::Gate;
use crate::run::job::LOOK_EVERY;
use crate::trouble::Trouble;

/// How often a drive that is there is looked at: one that was swapped, or pulled out while
/// nothing was to be done, should show within seconds.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

/// What the drive is called where a process says what it needs.
pub(crate) const DRIVE: &str = "drive";

/// The drive of this process.
pub(crate) struct Attached {
    gate: Gate,
    probe: Probe,
    looked_at: Option<Instant>,
}

impl Attached {
    /// The drive of that stage, at its place. Nothing is looked at yet.
    pub(crate) fn new(process: &Process, stage: StageName) -> Self {
        let mut settings = attached::settings(&process.config);
        if stage != StageName::Fetch {
            // No other stage brings files onto the drive: that it is full is no obstacle to them, nor theirs to report.
            settings.reserve = None;
        }
        // A look and the stage's work are kept apart: the work may meet what no look finds.
        let (looker, stage) = (actor_named("drive"), actor(stage));
        let root = process.root().to_owned();
        let gate = Gate::new(root, settings, &process.log, &process.clock, (&looker, &stage));
        Self {
            gate: gate.among_others().admitted_by(process.admission().clone()),
            probe: process.health.needs(DRIVE),
            looked_at: None,
        }
    }

    /// Looks at the drive, if it is time to. What is in the way is told.
    pub(crate) async fn look(&mut self) -> Result<Option<AlarmRaised>, Trouble> {
        let found = self.gate.look().await?;
        self.looked_at = Some(Instant::now());
        match &found {
            None => self.probe.well(),
            Some(obstacle) => self.probe.bad(obstacle.message.clone()),
        }
        Ok(found)
    }

    /// What the work on it met the last time, if it is too early to try it again.
    pub(crate) fn waits_for(&self) -> Option<AlarmRaised> {
        let obstacle = self.gate.waits_for()?;
        self.probe.bad(obstacle.message.clone());
        Some(obstacle.clone())
    }

    /// The work on it met something.
    pub(crate) async fn found(&mut self, obstacle: &AlarmRaised) -> Result<(), Trouble> {
        self.probe.bad(obstacle.message.clone());
        Ok(self.gate.found(obstacle).await?)
    }

    /// The work on it has succeeded.
    pub(crate) async fn well(&mut self) -> Result<(), Trouble> {
        Ok(self.gate.well().await?)
    }

    /// Whether it is time for another look.
    pub(crate) fn is_due(&self) -> bool {
        self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_AGAIN)
    }
}

/// The configuration, with the place that `--drive` names.
pub(crate) fn with_drive(mut config: Config, drive: Option<&Path>) -> Result<Config, Trouble> {
    if let Some(root) = drive {
        config.drive.root = Some(std::path::absolute(root)?);
    }
    Ok(config)
}

/// Waits for the drive. Returns whether it came: or else the process is to stop.
pub(crate) async fn wait_for(process: &Process, drive: &mut Attached) -> Result<bool, Trouble> {
    while !process.shutdown.is_requested() {
        if drive.look().await?.is_none() {
            return Ok(true);
        }
        let stop = process.shutdown.stop();
        let _ = stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY)).await;
    }
    Ok(false)
}
