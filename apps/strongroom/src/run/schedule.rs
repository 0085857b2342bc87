//! Keeps the schedule in a process that does everything: runs when they are due, summaries when
//! they are due, an alarm when a run is overdue.

use std::time::Duration;

use crate::cli_error::CliError;
use crate::process::Process;
use crate::run::clock_watch::ClockWatch;
use crate::run::job::{DriveFound, Job};
use crate::run::right::RunRight;
use crate::run::runs::Runs;
use crate::run::summaries::Summaries;
use strongroom_model::StageName;
use strongroom_service::actor;

pub(crate) async fn keep_all(job: &Job) -> Result<(), CliError> {
    let Process { config, log, clock, .. } = &job.process;
    let mut runs = Runs::new(config, log, clock, &job.actor).await?;
    let summaries = Summaries::new(config, log, clock, &actor(StageName::Notify)).await?;
    let mut clock_watch = ClockWatch::of(&job.process, &job.actor, Some(job.process.source().clone()));
    runs.look_back().await?;
    let turns = job.process.keep(async || {
        clock_watch.turn().await?;
        // A summary that cannot be composed keeps no run from being asked for.
        let composed = summaries.turn().await;
        let rest = runs.turn(matches!(job.drive(), DriveFound::Usable)).await?;
        composed.map(|()| rest)
    });
    tokio::select! {
        kept = turns => kept,
        error = job.lost() => Err(error),
    }
}

/// The same in a process that has only jobs: their schedules are kept by themselves.
pub(crate) async fn keep_jobs(process: &Process, right: &RunRight) -> Result<(), CliError> {
    let Process { config, log, clock, .. } = process;
    let summaries = Summaries::new(config, log, clock, &actor(StageName::Notify)).await?;
    let turns = process.keep(async || summaries.turn().await.map(|()| Duration::MAX));
    tokio::select! {
        kept = turns => kept,
        error = right.lost() => Err(error),
        error = process.rewound() => Err(error),
    }
}
