//! `strongroom host`: hosts that do jobs.

use clap::Subcommand;
use strongroom_eventlog::EventLog;
use strongroom_model::event::HostRetired;
use strongroom_model::fold::fold;
use strongroom_model::host::Host;
use strongroom_model::text::printable;
use strongroom_model::{Event, Expected, HostName, NewEvent, StreamName, SubjectKind};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Hosts that are listed, at most.
const MAX_HOSTS: usize = 1024;

/// Shows the hosts that do jobs, or retires one
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom host list
  strongroom host retire office-1 --reason TEXT      it is gone: nobody waits for a sign of life of it"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: HostVerb,
}

#[derive(Debug, Subcommand)]
enum HostVerb {
    /// Shows the hosts that do jobs
    List {
        /// As JSON
        #[arg(long)]
        json: bool,
    },
    /// Expects nothing of a host any more
    Retire {
        /// The host
        #[arg(value_parser = host_name)]
        host: HostName,
        /// Why: the log keeps it
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
}

fn host_name(text: &str) -> Result<HostName, String> {
    text.parse().map_err(|error: strongroom_model::id::ParseIdError| printable(&error.to_string(), 200))
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        HostVerb::List { json } => {
            let log = site::log_to_read(config).await?;
            let listed = list(&log, *json, out).await;
            log.close().await;
            listed
        }
        HostVerb::Retire { host, reason } => {
            let log = site::log(config).await?;
            let retired = retire(&log, host, reason, out).await;
            log.close().await;
            retired
        }
    }
}

async fn list(log: &EventLog, json: bool, out: &mut Out) -> Result<Exit, CliError> {
    let mut rows = Vec::new();
    for head in log.newest(SubjectKind::Host, MAX_HOSTS).await? {
        let state = fold::<Host>(&log.readable_stream(&head.stream).await?).unwrap_or_default();
        let Some(joined) = state.joined else { continue };
        rows.push((head.stream.id().to_owned(), joined, state.is_retired));
    }
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    if json {
        let rows: Vec<_> = rows
            .iter()
            .map(
                |(host, joined, is_retired)| serde_json::json!({ "host": host, "retired": is_retired, "said": joined }),
            )
            .collect();
        out.json(&rows)?;
        return Ok(Exit::Well);
    }
    if rows.is_empty() {
        out.line("no host has done a job yet")?;
    }
    for (host, joined, is_retired) in rows {
        let state = if is_retired { "retired" } else { "here" };
        let (os, version, zone) =
            (printable(&joined.os, 20), printable(&joined.version, 20), printable(&joined.zone, 60));
        out.line(format_args!("{host}  {state}  {os}, version {version}, {zone}"))?;
    }
    Ok(Exit::Well)
}

async fn retire(log: &EventLog, host: &HostName, reason: &str, out: &mut Out) -> Result<Exit, CliError> {
    let stream = StreamName::host(host);
    let history = log.readable_stream(&stream).await?;
    let state = fold::<Host>(&history).unwrap_or_default();
    let Some(last) = history.last().filter(|_| state.joined.is_some()) else {
        return Err(
            CliError::new(format!("no host is named {host} in the log of this site")).next_step("strongroom host list")
        );
    };
    if state.is_retired {
        out.line(format_args!("host {host} is retired already"))?;
        return Ok(Exit::Well);
    }
    let retired = Event::HostRetired(HostRetired { reason: reason.to_owned() });
    let expected = Expected::After(last.version);
    log.append(vec![NewEvent::new(stream, expected, Clock::system().now(), person(), retired)]).await?;
    out.line(format_args!("host {host} is retired: nothing is expected of it any more"))?;
    Ok(Exit::Well)
}
