//! Keeps the schedule in a process that does everything: runs when they are due, summaries when
//! they are due, an alarm when a run is overdue.

use crate::process::keep::turns as keep;
use crate::run::clock_watch::ClockWatch;
use crate::run::job::Job;
use crate::run::runs::Runs;
use crate::run::summaries::Summaries;
use crate::trouble::Trouble;
use strongroom_model::StageName;
use strongroom_service::actor;

/// Keeps the schedule until the shutdown.
pub(crate) async fn keep_all(job: &mut Job) -> Result<(), Trouble> {
    let lost = job.lost();
    tokio::select! {
        kept = turns(job) => kept,
        trouble = lost => Err(trouble),
    }
}

async fn turns(job: &mut Job) -> Result<(), Trouble> {
    let (config, log, clock) = (job.process.config.clone(), job.process.log.clone(), job.process.clock.clone());
    let mut runs = Runs::new(&config, &log, &clock, &job.actor).await?;
    let summaries = Summaries::new(&config, &log, &clock, &actor(StageName::Notify)).await?;
    let source = job.process.source().clone();
    let mut clock_watch = ClockWatch::new(&log, &clock, &job.actor, Some(source)).in_zone(config.zone());
    runs.look_back().await?;
    let shutdown = job.process.shutdown.clone();
    keep(&shutdown, &log, async || {
        // Nothing is taken in hand for a drive that is not there; that it is not is told.
        let is_there = job.begin().await?.is_none();
        job.process.check()?;
        clock_watch.turn().await?;
        // A summary that cannot be composed keeps no run from being asked for.
        let composed = summaries.turn().await;
        let rest = runs.turn(is_there).await?;
        composed.map(|()| rest)
    })
    .await
}
