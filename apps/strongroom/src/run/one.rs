//! One run, asked for by a process that only enumerates: what became of it.

use std::time::Duration;

use strongroom_model::event::{RunEnumerated, Trigger};
use strongroom_model::run::Run;
use strongroom_model::{StageName, StreamName};
use strongroom_service::actor;
use tokio::time::Instant;

use crate::exit::Exit;
use crate::run::clock_watch::ClockWatch;
use crate::run::once::{run_trouble, why_zero};
use crate::run::request;
use crate::run::runs::Runs;
use crate::trouble::Trouble;
use crate::worker::Worker;

/// How often it is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a run may wait for a relay to hand it out, before a person should know that none
/// does: a relay that takes over needs some seconds.
const HAND_OUT_MOST: Duration = Duration::from_secs(30);

/// What became of the run, for people and for the shell.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) exit: Exit,
}

impl Default for Asked {
    fn default() -> Self {
        Self { line: String::new(), exit: Exit::Failed }
    }
}

/// Asks for a run, or joins the one that was asked for, and waits until it has enumerated.
pub(crate) async fn ask(worker: &Worker, clock_watch: &mut ClockWatch) -> Result<Asked, Trouble> {
    clock_watch.turn().await?;
    let runs = Runs::new(&worker.config, &worker.log, &worker.clock, &actor(StageName::Enumerate)).await?;
    let previous = request::newest(&worker.log).await?.map(|newest| newest.stream);
    let run = runs.request(Trigger::Once, previous.as_ref()).await?;
    tracing::info!(%run, "a run is asked for");
    let patience = worker.config.retry.wait_once.get();
    let since = Instant::now();
    let mut asked = None;
    let turns = worker.keep(async || {
        asked = look(worker, &run, since, patience).await?;
        if asked.is_some() {
            // That is how `keep` ends: nothing more is to be done here.
            worker.shutdown.request();
        }
        Ok(LOOK_EVERY)
    });
    turns.await?;
    Ok(asked.unwrap_or_else(|| Asked {
        line: "Stopped before the run had enumerated; it goes on when an enumerate worker runs.".to_owned(),
        exit: Exit::Failed,
    }))
}

/// What became of the run, once it is known or has been waited for long enough.
async fn look(worker: &Worker, run: &StreamName, since: Instant, patience: Duration) -> Result<Option<Asked>, Trouble> {
    let found = request::look(&worker.log, run).await?;
    if let Some(enumerated) = &found.enumerated {
        return Ok(Some(well(enumerated)));
    }
    if found.is_settled() {
        return Ok(Some(failed(worker, &found, Exit::Failed)));
    }
    let waited = since.elapsed();
    if let Some(obstacle) = worker.obstacle() {
        let line = format!("The run waits: {}.\n  next: {}", obstacle.message, obstacle.next_step);
        return Ok((waited >= patience).then_some(Asked { line, exit: Exit::Problems }));
    }
    if found.failure.is_some() {
        return Ok((waited >= patience).then(|| failed(worker, &found, Exit::Problems)));
    }
    if waited < patience.max(HAND_OUT_MOST) {
        return Ok(None);
    }
    let line = match worker.broker_trouble() {
        Some(why) => format!(
            "The run waits, for the broker at {} cannot be used: {why}.\n  \
             next: see that RabbitMQ runs there and takes the login of broker.url; the run stays in the log, and goes on then",
            worker.broker.place()
        ),
        None => format!(
            "Nobody has handed the run out for {} s, though the broker answers: no relay is at work.\n  \
             next: strongroom relay; the run stays in the log, and is handed out then",
            waited.as_secs()
        ),
    };
    Ok(Some(Asked { line, exit: Exit::Failed }))
}

fn well(found: &RunEnumerated) -> Asked {
    let mut line = match found.zero_reason {
        Some(reason) => format!("Nothing was taken in hand: {}.", why_zero(reason)),
        None => format!("{} of {} waiting bookings were taken in hand.", found.enumerated, found.waiting),
    };
    if found.unusable > 0 {
        line += &format!("\n{} records cannot be used: strongroom log tail says which", found.unusable);
    }
    Asked { line, exit: if found.unusable > 0 { Exit::Problems } else { Exit::Well } }
}

fn failed(worker: &Worker, run: &Run, exit: Exit) -> Asked {
    Asked { line: run_trouble(run, &worker.config.zone()).unwrap_or_else(|| "The run failed.".to_owned()), exit }
}
