//! `strongroom purge propose`: names archived files that could be deleted, for another person's approval.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use strongroom_eventlog::EventLog;
use strongroom_model::text::grouped;
use strongroom_model::wire::{MAX_PURGE_ITEMS, PurgeProposal};
use strongroom_model::{ByteCount, Position, PurgeId, SubjectKind};
use strongroom_purge::ids_digest;
use strongroom_service::{Clock, Config, kill_point};

use super::agreement::Agreement;
use super::credential::{Credential, refused};
use super::judged::{Judged, Terms};
use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const SCOPE: &str = "purge";
const PAGE: usize = 500;
/// Of the ids' digest, in a purge's id.
const ID_DIGITS: usize = 8;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").required(true).multiple(false))]
pub(super) struct ProposeArgs {
    /// Archived files that were signed off before that day, such as 2026-01-01
    #[arg(long, value_name = "DATE", group = "which")]
    before: Option<Date>,
    /// The bookings in this file, one id on each line
    #[arg(long, value_name = "FILE", group = "which")]
    bookings: Option<PathBuf>,
    /// Why, for whoever approves it
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// The purge's id; without it one of the day and the bookings
    #[arg(long, value_name = "ID")]
    id: Option<PurgeId>,
    /// Only shows what could go, and what could not, and why
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    credential: Credential,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report<'a> {
    /// Absent where nothing was proposed.
    #[serde(skip_serializing_if = "Option::is_none")]
    purge: Option<&'a PurgeId>,
    bookings: u64,
    size_bytes: ByteCount,
    /// Files that could go as well, and are more than one purge may name.
    beyond: u64,
    #[serde(flatten)]
    judged: &'a Judged,
}

pub(super) async fn run(args: &ProposeArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = if args.dry_run { site::log_to_read(config).await? } else { site::log(config).await? };
    let done = propose_in(&log, args, config, out).await;
    log.close().await;
    done
}

async fn propose_in(log: &EventLog, args: &ProposeArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let mut judged = match (&args.bookings, args.before) {
        (Some(path), _) => Judged::of(log, Terms::here(config), &listed(path)?, |_| true).await?,
        (None, before) => {
            let before = before.map(|day| begin_of(day, config)).transpose()?;
            let was_before = |signed_off: Timestamp| before.is_none_or(|before| signed_off < before);
            let ids = archived(log).await?;
            Judged::of(log, Terms::here(config), &ids, |known| {
                known.state.enumerated.as_ref().is_some_and(|data| was_before(data.signed_off_at))
            })
            .await?
        }
    };
    let beyond = judged.go.len().saturating_sub(MAX_PURGE_ITEMS) as u64;
    judged.go.truncate(MAX_PURGE_ITEMS);
    let proposed =
        if args.dry_run || judged.go.is_empty() { None } else { Some(propose(log, &judged, args, config).await?) };
    if args.json {
        let (bookings, size_bytes) = (judged.go.len() as u64, judged.size());
        out.json(&Report { purge: proposed.as_ref(), bookings, size_bytes, beyond, judged: &judged })?;
    } else {
        judged.tell(config, out)?;
        tell(proposed.as_ref(), &judged, beyond, args, out)?;
    }
    Ok(if judged.stay.is_empty() { Exit::Well } else { Exit::Problems })
}

/// The server takes it first, the log records after it: if we stop in between, the same command proposes the same
/// again, which changes nothing on the server, and records it; so does whichever verb uses the purge next.
async fn propose(log: &EventLog, judged: &Judged, args: &ProposeArgs, config: &Config) -> Result<PurgeId, CliError> {
    let ids: Vec<String> = judged.go.iter().map(|one| one.booking.to_string()).collect();
    let id = match &args.id {
        Some(id) => id.clone(),
        None => default_id(&ids, Clock::system().now(), config)?,
    };
    let source = args.credential.source(config, SCOPE)?;
    let proposal = PurgeProposal {
        purge: id.to_string(),
        proposed_by: args.credential.name(),
        reason: args.reason.clone(),
        ids: ids.clone(),
    };
    source.propose_purge(&proposal).await.map_err(|error| refused(&error, SCOPE))?;
    kill_point!("purge.proposed");
    let agreement = Agreement::fetch(&source, &id, SCOPE).await?;
    if agreement.ids() != ids {
        return Err(CliError::new(format!("the document server names other bookings for purge {id} than it was sent"))
            .next_step("do not approve it: see that source.url is the document server's own address"));
    }
    agreement.record(log, &id).await?;
    Ok(id)
}

fn tell(
    proposed: Option<&PurgeId>,
    judged: &Judged,
    beyond: u64,
    args: &ProposeArgs,
    out: &mut Out,
) -> Result<(), CliError> {
    if beyond > 0 {
        let beyond = grouped(beyond);
        out.line(format_args!("and {beyond} more could go, beyond what one purge may name: propose again after it"))?;
    }
    let Some(id) = proposed else {
        return match (args.dry_run, judged.go.is_empty()) {
            (true, false) => out.line("Nothing was proposed. Next: the same without --dry-run, with --token-file"),
            _ if judged.stay.is_empty() => out.line("nothing to purge: no archived file matches"),
            _ => out.line("nothing was proposed: put right what the reasons say first"),
        };
    };
    out.line(format_args!("purge {id} is proposed; nothing is deleted yet"))?;
    out.line(format_args!(
        "Next: another person approves it: strongroom purge approve {id} --token-file FILE --as NAME"
    ))
}

/// The same within a day for the same bookings, so that a repeated command proposes no second purge.
fn default_id(ids: &[String], now: Timestamp, config: &Config) -> Result<PurgeId, CliError> {
    let digits: String = ids_digest(ids).chars().take(ID_DIGITS).collect();
    let day = now.to_zoned(config.zone()).date();
    Ok(format!("{day}-{digits}").parse()?)
}

fn begin_of(day: Date, config: &Config) -> Result<Timestamp, CliError> {
    Ok(day.to_zoned(config.zone()).context(format!("--before {day} is beyond any calendar"))?.timestamp())
}

/// One id on each line; empty lines and what follows a `#` do not count.
fn listed(path: &Path) -> Result<Vec<String>, CliError> {
    let text = std::fs::read_to_string(path).context_and_step(
        format!("cannot read the bookings in {}", path.display()),
        "write a text file with one booking's id on each line",
    )?;
    let mut seen = std::collections::HashSet::new();
    let ids = text.lines().filter_map(|line| line.split('#').next()).map(str::trim).filter(|id| !id.is_empty());
    let ids: Vec<String> = ids.filter(|id| seen.insert(*id)).map(str::to_owned).collect();
    if ids.is_empty() {
        return Err(CliError::new(format!("{} names no booking", path.display()))
            .next_step("write one booking's id on each line"));
    }
    Ok(ids)
}

/// The archived bookings, the longest archived first.
async fn archived(log: &EventLog) -> Result<Vec<String>, CliError> {
    let (mut ids, mut from) = (Vec::new(), Position(0));
    loop {
        let page = log.with_status(SubjectKind::Booking, "archived", from, PAGE).await?;
        let Some(last) = page.last() else { return Ok(ids) };
        from = last.position.next();
        ids.extend(page.iter().filter_map(|stored| log.readable(stored)).map(|one| one.stream.id().to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_has_one_id_on_each_line_and_each_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("bookings");
        std::fs::write(&path, "B-1\r\n\n# of 2025\n  B-2  # the long one\nB-1\n").unwrap();
        assert_eq!(listed(&path).unwrap(), ["B-1", "B-2"]);
        std::fs::write(&path, "# none\n").unwrap();
        assert!(listed(&path).unwrap_err().sentence().contains("names no booking"));
    }
}
