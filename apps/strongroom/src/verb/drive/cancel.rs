//! `strongroom drive cancel`: ends an act that is not to go on.

use strongroom_eventlog::EventLog;
use strongroom_model::event::CustodyCancelled;
use strongroom_model::text::printable;
use strongroom_model::{CustodyId, Event, Expected, NewEvent, StreamName};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config};

use crate::cli_error::CliError;
use crate::custody::act;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const REASON_CHARS: usize = 300;

#[derive(Debug, clap::Args)]
pub(super) struct CancelArgs {
    /// The act, as the verb that requested it or `strongroom list subjects --kind custody` names it
    act: CustodyId,
    /// Why, for whoever reads the log later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) async fn run(args: &CancelArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log(config).await?;
    let cancelled = cancel(&log, args).await;
    log.close().await;
    cancelled?;
    out.line(format_args!("act {} is cancelled: what it has done stays, and nothing more is done", args.act))?;
    Ok(Exit::Well)
}

async fn cancel(log: &EventLog, args: &CancelArgs) -> Result<(), CliError> {
    let reason = printable(args.reason.trim(), REASON_CHARS);
    if reason.is_empty() {
        return Err(CliError::usage_error("--reason is empty").next_step("say in words why the act is not to go on"));
    }
    let (state, history) = act::state(log, args.act).await?;
    let Some(last) = history.last().filter(|_| state.is_open()) else {
        let what = if state.requested.is_none() { "is not in this log" } else { "has ended already" };
        return Err(CliError::new(format!("act {} {what}", args.act))
            .next_step("strongroom list subjects --kind custody lists the acts"));
    };
    let event = Event::CustodyCancelled(CustodyCancelled { reason });
    let stream = StreamName::custody(args.act);
    let now = Clock::system().now();
    // A slice that is in flight loses: its files stay, and are found again by the next act.
    log.append(vec![NewEvent::new(stream, Expected::After(last.version), now, person(), event)]).await?;
    Ok(())
}
