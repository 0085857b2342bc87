//! `strongroom purge approve` and `refuse`: another person's decision about a proposal.

use strongroom_eventlog::EventLog;
use strongroom_model::purge::Purge;
use strongroom_model::text::files;
use strongroom_model::wire::{PurgeApproval, PurgeRefusal, PurgeSummary};
use strongroom_model::{ByteCount, PurgeId};
use strongroom_service::{Config, kill_point};
use strongroom_source::Source;

use super::agreement::Agreement;
use super::credential::{Credential, refused};
use super::show::summary_lines;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const SCOPE: &str = "approve";

#[derive(Debug, clap::Args)]
pub(super) struct ApproveArgs {
    /// The purge, as `strongroom purge list` shows it
    id: PurgeId,
    #[command(flatten)]
    credential: Credential,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
pub(super) struct RefuseArgs {
    /// The purge, as `strongroom purge list` shows it
    id: PurgeId,
    /// Why, for whoever proposed it
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    credential: Credential,
    /// As JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn approve(args: &ApproveArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let source = args.credential.source(config, SCOPE)?;
    let log = site::log(config).await?;
    let approved = approve_in(&log, &source, args).await;
    log.close().await;
    let summary = approved?;
    if args.json {
        out.json(&summary)?;
        return Ok(Exit::Well);
    }
    summary_lines(&summary, config, out)?;
    let (files, size) = (files(summary.bookings), ByteCount(summary.size_bytes));
    out.line(format_args!("purge {} is approved, for {files}, {size}; nothing is deleted yet", args.id))?;
    out.line(format_args!("Next: strongroom purge run {}", args.id))?;
    Ok(Exit::Well)
}

/// The log is compared before: nobody approves other bookings than were proposed. The server decides, and the log
/// records after it: if we stop in between, the same command, or the run, brings the approval in.
async fn approve_in(log: &EventLog, source: &Source, args: &ApproveArgs) -> Result<PurgeSummary, CliError> {
    Agreement::fetch(source, &args.id, SCOPE).await?.record(log, &args.id).await?;
    let approval = PurgeApproval { approved_by: args.credential.name() };
    source.approve_purge(args.id.as_str(), &approval).await.map_err(|error| refused(&error, SCOPE))?;
    kill_point!("purge.approved");
    Ok(recorded(log, source, &args.id).await?.1)
}

pub(super) async fn refuse(args: &RefuseArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let source = args.credential.source(config, SCOPE)?;
    let log = site::log(config).await?;
    let done = refuse_in(&log, &source, args).await;
    log.close().await;
    let (state, summary) = done?;
    if args.json {
        out.json(&summary)?;
        return Ok(Exit::Well);
    }
    summary_lines(&summary, config, out)?;
    let told = if state.is_requested { "; the run that goes on deletes nothing more" } else { "" };
    out.line(format_args!("purge {} is refused, for good{told}", args.id))?;
    out.line("Next: whoever still wants it proposes it anew, under another id")?;
    Ok(Exit::Well)
}

async fn refuse_in(log: &EventLog, source: &Source, args: &RefuseArgs) -> Result<(Purge, PurgeSummary), CliError> {
    let refusal = PurgeRefusal { refused_by: args.credential.name(), reason: args.reason.clone() };
    source.refuse_purge(args.id.as_str(), &refusal).await.map_err(|error| refused(&error, SCOPE))?;
    kill_point!("purge.refused");
    recorded(log, source, &args.id).await
}

async fn recorded(log: &EventLog, source: &Source, id: &PurgeId) -> Result<(Purge, PurgeSummary), CliError> {
    let agreement = Agreement::fetch(source, id, SCOPE).await?;
    let (state, _) = agreement.record(log, id).await?;
    Ok((state, agreement.summary))
}
