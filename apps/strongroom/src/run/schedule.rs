//! Keeps the schedule in a process that does everything: runs when they are due, summaries when
//! they are due, an alarm when a run is overdue.

use crate::run::clock_watch::ClockWatch;
use crate::run::job::Job;
use crate::run::keep::keep;
use crate::run::runs::Runs;
use crate::run::summaries::Summaries;
use crate::trouble::Trouble;
use strongroom_model::StageName;
use strongroom_service::actor;

/// Keeps the schedule until it is told to stop.
pub(crate) async fn keep_all(job: &mut Job) -> Result<(), Trouble> {
    let (given_up, lost) = (job.given_up(), job.lost());
    tokio::select! {
        kept = turns(job) => kept,
        trouble = lost => Err(trouble),
        () = given_up => Err(Trouble::given_up()),
    }
}

async fn turns(job: &mut Job) -> Result<(), Trouble> {
    let (config, log, clock) = (&job.config, job.log.clone(), &job.clock);
    let mut runs = Runs::new(config, &log, clock, &job.actor).await?;
    let summaries = Summaries::new(config, &log, clock, &actor(StageName::Notify)).await?;
    let mut clock_watch = ClockWatch::new(&log, clock, &job.actor, Some(job.source().clone())).in_zone(config.zone());
    runs.look_back().await?;
    let shutdown = job.shutdown.clone();
    keep(&shutdown, &log, async || {
        // Nothing is taken in hand for a drive that is not there; that it is not is told.
        let is_there = job.begin().await?.is_none();
        job.check()?;
        clock_watch.turn().await?;
        // A summary that cannot be composed keeps no run from being asked for.
        let composed = summaries.turn().await;
        let rest = runs.turn(is_there).await?;
        composed.map(|()| rest)
    })
    .await
}
