//! One run, asked for by a process that only enumerates: what became of it.

use std::time::Duration;

use strongroom_model::StreamName;
use strongroom_model::event::RunEnumerated;
use strongroom_model::run::Run;
use tokio::time::Instant;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::process::Process;
use crate::run::clock_watch::ClockWatch;
use crate::run::once::{run_trouble, why_zero};
use crate::run::request;

const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a run may wait for a relay to publish it, before a person should know that none does: a relay that takes
/// over needs some seconds.
const MAX_UNPUBLISHED: Duration = Duration::from_secs(30);

/// What became of the run, for people and for the shell.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) line: String,
    pub(crate) exit: Exit,
}

/// Asks for a run, or joins the one that was asked for, and waits until it has enumerated.
pub(crate) async fn ask(process: &Process, clock_watch: &mut ClockWatch) -> Result<Asked, CliError> {
    clock_watch.turn().await?;
    let run = request::now(&process.config, &process.log, &process.clock).await?;
    tracing::info!(%run, "run requested");
    let patience = process.config.retry.wait_once.get();
    let since = Instant::now();
    let mut asked = None;
    let turns = process.keep(async || {
        asked = look(process, &run, since, patience).await?;
        if asked.is_some() {
            // That is how `keep` ends: nothing more is to be done here.
            process.shutdown.request();
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
async fn look(
    process: &Process,
    run: &StreamName,
    since: Instant,
    patience: Duration,
) -> Result<Option<Asked>, CliError> {
    let found = request::look(&process.log, run).await?;
    if let Some(enumerated) = &found.enumerated {
        return Ok(Some(well(enumerated)));
    }
    if found.is_settled() {
        return Ok(Some(failed(process, &found, Exit::Failed)));
    }
    let waited = since.elapsed();
    if let Some(obstacle) = process.obstacle() {
        let line = format!("The run waits: {}.\n  next: {}", obstacle.message, obstacle.next_step);
        return Ok((waited >= patience).then_some(Asked { line, exit: Exit::Problems }));
    }
    if found.failure.is_some() {
        return Ok((waited >= patience).then(|| failed(process, &found, Exit::Problems)));
    }
    if waited < patience.max(MAX_UNPUBLISHED) {
        return Ok(None);
    }
    let line = match process.broker_trouble() {
        Some((place, why)) => format!(
            "The run waits, for the broker at {place} cannot be used: {why}.\n  \
             next: see that RabbitMQ runs there and takes the login of broker.url; the run stays in the log, and goes on then"
        ),
        None => format!(
            "The run was not published for {} s although the broker answers: no relay is running.\n  \
             next: strongroom relay; the run stays in the log, and is published then",
            waited.as_secs()
        ),
    };
    Ok(Some(Asked { line, exit: Exit::Failed }))
}

fn well(found: &RunEnumerated) -> Asked {
    let mut line = match found.zero_reason {
        Some(reason) => format!("Nothing was claimed: {}.", why_zero(reason)),
        None => format!("{} of {} waiting bookings were claimed.", found.enumerated, found.waiting),
    };
    if found.unusable > 0 {
        line += &format!("\n{} records cannot be used: strongroom log tail says which", found.unusable);
    }
    Asked { line, exit: if found.unusable > 0 { Exit::Problems } else { Exit::Well } }
}

fn failed(process: &Process, run: &Run, exit: Exit) -> Asked {
    Asked { line: run_trouble(run, &process.config.zone()).unwrap_or_else(|| "The run failed.".to_owned()), exit }
}
