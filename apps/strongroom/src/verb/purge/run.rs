//! `strongroom purge run`: has the server delete what was approved, each file that is proven enough at that moment.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use strongroom_audit::evidence::Prover;
use strongroom_bus::{Settle, Stage as _, StageContext, Task};
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::event::{PurgeRequested, PurgeTally};
use strongroom_model::presence::PartState;
use strongroom_model::purge::Purge;
use strongroom_model::text::{files, grouped, printable};
use strongroom_model::{Event, Expected, NewEvent, PurgeId, StageName, StreamName};
use strongroom_service::actor::{actor, person};
use strongroom_service::{Clock, Config};
use strongroom_source::Source;

use super::agreement::{Agreement, in_log};
use crate::checkpoint;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::process::wire;
use crate::site;

const LOOK_AGAIN: Duration = Duration::from_millis(500);
const REASON_CHARS: usize = 400;

#[derive(Debug, clap::Args)]
pub(super) struct RunArgs {
    /// The purge, as `strongroom purge list` shows it
    id: PurgeId,
    /// Leave it to the process that does such work, and exit at once
    #[arg(long)]
    detach: bool,
    /// The result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    purge: &'a PurgeId,
    finished: bool,
    #[serde(flatten)]
    tally: &'a PurgeTally,
}

pub(super) async fn run(args: &RunArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let source = site::source(config)?;
    let log = site::log(config).await?;
    let done = carry_out(config, &log, &source, args, out).await;
    log.close().await;
    report(&args.id, &done?, args.json, out)
}

/// Requests it and waits for its end. A run that is requested already, since its process was stopped, goes on instead.
async fn carry_out(
    config: &Config,
    log: &EventLog,
    source: &Source,
    args: &RunArgs,
    out: &mut Out,
) -> Result<Purge, CliError> {
    let clock = Clock::system();
    let agreement = Agreement::fetch(source, &args.id, "backup").await?;
    let (state, version) = agreement.record(log, &args.id).await?;
    if !state.is_requested {
        check_agreed(&agreement, &args.id)?;
        let requested = Event::PurgeRequested(PurgeRequested { drives_needed: config.custody.copies });
        let (stream, now) = (StreamName::purge(&args.id), clock.now());
        let request = NewEvent::new(stream, Expected::After(version), now, person(), requested);
        match log.append(vec![request]).await {
            // Another process has requested it meanwhile: that run is followed.
            Ok(_) | Err(AppendError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    if args.detach {
        return Ok(in_log(log, &args.id).await?.0);
    }
    see_through(config, log, &clock, source, &args.id, out).await
}

fn check_agreed(agreement: &Agreement, id: &PurgeId) -> Result<(), CliError> {
    let summary = &agreement.summary;
    if let Some(by) = &summary.refused_by {
        return Err(CliError::new(format!("purge {id} was refused by {by:?}, for good"))
            .next_step("propose it anew under another id: strongroom purge propose --id ID"));
    }
    if summary.approved_by.is_none() {
        return Err(CliError::new(format!("nobody has approved purge {id}")).next_step(format!(
            "another person than {:?} approves it: strongroom purge approve {id} --token-file FILE --as NAME",
            summary.proposed_by
        )));
    }
    Ok(())
}

async fn see_through(
    config: &Config,
    log: &EventLog,
    clock: &Clock,
    source: &Source,
    id: &PurgeId,
    out: &mut Out,
) -> Result<Purge, CliError> {
    let stage = StageName::Purge;
    let prover = checkpoint::key_if_any(config, log).await.map(|key| Arc::new(Prover::new(log, key)));
    let purger = wire::purger(config, log, clock, source, prover);
    let context =
        StageContext { log: log.clone(), clock: clock.clone(), actor: actor(stage), stage, retry: wire::retry(config) };
    let mut told = 0;
    loop {
        let (before, _) = in_log(log, id).await?;
        if before.next > told {
            told = before.next;
            out.line(format_args!("{} dealt with", files(told)))?;
            out.flush()?;
        }
        if !before.is_requested {
            return ended(before);
        }
        if is_at_work(log).await? {
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        }
        let Some(trigger) = log.stream(&StreamName::purge(id)).await?.pop() else { return ended(before) };
        let task = Task { stream: trigger.stream.clone(), version: trigger.version, state: before.clone(), trigger };
        let settle = Settle::new(context.clone(), std::slice::from_ref(&task));
        purger.handle(vec![task], &settle).await;
        let settled = settle.finish();
        let (after, _) = in_log(log, id).await?;
        if let Some(failed) = after.failure {
            let again = "put that right, and give the command again: it goes on from there";
            return Err(CliError::new(failed.message).next_step(again));
        }
        if let Some(obstacle) = settled.obstacle {
            return Err(CliError::new(obstacle.message).next_step(obstacle.next_step));
        }
        // The log said no to it, or another process was faster.
        if after == before {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

fn ended(state: Purge) -> Result<Purge, CliError> {
    match state.failure {
        Some(failed) => Err(CliError::new(failed.message).next_step(failed.kind.step())),
        None => Ok(state),
    }
}

/// Whether a process that is alive runs purges.
async fn is_at_work(log: &EventLog) -> Result<bool, CliError> {
    let does = |part: &strongroom_model::presence::Part| {
        part.role == StageName::Purge.name() && part.state == PartState::Working
    };
    Ok(log.signs().await?.iter().any(|seen| seen.is_alive() && seen.sign.parts.iter().any(does)))
}

fn report(id: &PurgeId, state: &Purge, json: bool, out: &mut Out) -> Result<Exit, CliError> {
    let tally = &state.tally;
    let exit = if tally.left > 0 { Exit::Problems } else { Exit::Well };
    if json {
        out.json(&Report { purge: id, finished: !state.is_requested, tally })?;
        return Ok(exit);
    }
    if state.is_requested {
        out.line(format_args!("the run of purge {id} is requested; strongroom purge show {id} tells how far it is"))?;
        return Ok(Exit::Well);
    }
    let left = if tally.left > 0 { format!(", {} left in place", grouped(tally.left)) } else { String::new() };
    out.line(format_args!(
        "purge {id}: {} deleted on the server, {} freed{left}",
        files(tally.purged),
        tally.size_bytes
    ))?;
    for one in &tally.reasons {
        out.line(format_args!("  {}: {}", one.booking, printable(&one.reason, REASON_CHARS)))?;
    }
    let unnamed = tally.left.saturating_sub(tally.reasons.len() as u64);
    if unnamed > 0 {
        out.line(format_args!("  … and {} more: strongroom purge show {id}", grouped(unnamed)))?;
    }
    if tally.left > 0 {
        out.line(format_args!("Next: put right what the reasons say, then strongroom purge run {id} again"))?;
    }
    Ok(exit)
}
