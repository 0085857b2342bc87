//! Requests an act, and sees it through: by the process that does such work, or here.

use std::time::Duration;

use strongroom_bus::{Settle, Stage as _, StageContext, Task};
use strongroom_eventlog::EventLog;
use strongroom_model::custody::{Custody, Ended};
use strongroom_model::event::{Act, CustodyRequested};
use strongroom_model::fold::fold;
use strongroom_model::presence::PartState;
use strongroom_model::{CustodyId, DriveId, Event, Expected, NewEvent, Position, StageName, StreamName, SubjectKind};
use strongroom_service::actor::{actor, person};
use strongroom_service::{Clock, Config};

use super::custodian;
use super::progress::Progress;
use crate::checkpoint;
use crate::cli_error::CliError;
use crate::out::Out;
use crate::process::wire;
use crate::site;

const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Open acts that are looked through for the same one.
const PAGE: usize = 256;

/// An act that was seen through, or left to another process.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) id: CustodyId,
    pub(crate) state: Custody,
}

impl Seen {
    pub(crate) const fn is_finished(&self) -> bool {
        matches!(self.state.ended, Some(Ended::Finished))
    }
}

/// Requests an act and waits for its end. The same act that is still open, since its process was stopped, goes on instead.
/// With `detach` it is left to the process that does such work.
pub(crate) async fn carry_out(
    config: &Config,
    log: &EventLog,
    act: Act,
    detach: bool,
    out: &mut Out,
) -> Result<Seen, CliError> {
    let clock = Clock::system();
    let id = match open_act(log, &act).await? {
        Some(id) => id,
        None => request(log, &clock, act.clone()).await?,
    };
    if detach {
        return Ok(Seen { id, state: state(log, id).await?.0 });
    }
    let mut progress = Progress::new();
    let done = see_through(config, log, &clock, id, &act, &mut progress, out).await;
    progress.end(out)?;
    done
}

/// The same act, requested before and not ended.
async fn open_act(log: &EventLog, act: &Act) -> Result<Option<CustodyId>, CliError> {
    let mut from = Position(0);
    loop {
        let page = log.with_status(SubjectKind::Custody, "requested", from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(None) };
        from = last.position.next();
        for recorded in page.iter().filter_map(|stored| log.readable(stored)) {
            let Ok(id) = recorded.stream.id().parse() else { continue };
            let (state, _) = state(log, id).await?;
            if state.is_open() && state.requested.as_ref().is_some_and(|requested| requested.act == *act) {
                return Ok(Some(id));
            }
        }
    }
}

pub(crate) async fn request(log: &EventLog, clock: &Clock, act: Act) -> Result<CustodyId, CliError> {
    let now = clock.now();
    let id = CustodyId::new(now);
    let until = Position(log.head().await?.size);
    let requested = Event::CustodyRequested(CustodyRequested { act, until });
    log.append(vec![NewEvent::new(StreamName::custody(id), Expected::New, now, person(), requested)]).await?;
    Ok(id)
}

pub(crate) async fn state(
    log: &EventLog,
    id: CustodyId,
) -> Result<(Custody, Vec<strongroom_model::Recorded>), CliError> {
    let history = log.stream(&StreamName::custody(id)).await?;
    let state = fold::<Custody>(&history).map_err(|error| {
        CliError::new(format!("act {id} cannot be understood: {error}")).next_step("strongroom log verify")
    })?;
    Ok((state, history))
}

async fn see_through(
    config: &Config,
    log: &EventLog,
    clock: &Clock,
    id: CustodyId,
    act: &Act,
    progress: &mut Progress,
    out: &mut Out,
) -> Result<Seen, CliError> {
    let stage = StageName::Custody;
    let key = checkpoint::key_if_any(config, log).await;
    let custodian = custodian(config, log, clock, &actor(stage), site::source(config).ok(), key);
    let context =
        StageContext { log: log.clone(), clock: clock.clone(), actor: actor(stage), stage, retry: wire::retry(config) };
    loop {
        let (now, history) = state(log, id).await?;
        progress.show(&now, out)?;
        let Some(trigger) = history.last().cloned().filter(|_| now.is_open()) else {
            return Ok(Seen { id, state: now });
        };
        if let Some(failed) = now.failure.as_ref().filter(|failed| failed.retry_at.is_none()) {
            return Err(CliError::new(failed.message.clone()).next_step(failed.kind.step()));
        }
        if !act.is_attended() && is_at_work(log, act.drive().drive).await? {
            tokio::time::sleep(LOOK_AGAIN).await;
            continue;
        }
        let task = Task { stream: trigger.stream.clone(), version: trigger.version, state: now.clone(), trigger };
        let settle = Settle::new(context.clone(), std::slice::from_ref(&task));
        custodian.handle(vec![task], &settle).await;
        let ended = settle.finish();
        let (after, _) = state(log, id).await?;
        if let Some(failed) = after.failure {
            return Err(CliError::new(failed.message)
                .next_step("put that right, and give the command again: it goes on from there"));
        }
        if let Some(obstacle) = ended.obstacle {
            return Err(CliError::new(obstacle.message).next_step(obstacle.next_step));
        }
        // The log said no to it, or another process was faster.
        if after == now {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// Whether a process that is alive does such work for that drive.
async fn is_at_work(log: &EventLog, drive: DriveId) -> Result<bool, CliError> {
    let does = |part: &strongroom_model::presence::Part| {
        part.role == StageName::Custody.name()
            && part.state == PartState::Working
            && part.partition.as_ref().is_none_or(|bound| *bound == drive.into())
    };
    Ok(log.signs().await?.iter().any(|seen| seen.is_alive() && seen.sign.parts.iter().any(does)))
}
