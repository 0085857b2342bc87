//! `strongroom purge show`: a purge as the server and the log have it, with each file's evidence.

use jiff::Timestamp;
use serde::Serialize;
use strongroom_model::text::{files, grouped, printable, shown_to_the_minute};
use strongroom_model::wire::{PurgeItem, PurgeState, PurgeSummary};
use strongroom_model::{ByteCount, PurgeId};
use strongroom_service::Config;

use super::agreement::{Agreement, in_log};
use super::judged::{Judged, Terms};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const TEXT_CHARS: usize = 500;

#[derive(Debug, clap::Args)]
pub(super) struct ShowArgs {
    /// The purge, as `strongroom purge list` shows it
    id: PurgeId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'a> {
    #[serde(flatten)]
    summary: &'a PurgeSummary,
    /// Whether the log has the proposal, too.
    in_log: bool,
    /// Whether a run of it is requested and not done.
    runs: bool,
    /// What the log says of its files now.
    #[serde(flatten)]
    judged: &'a Judged,
    /// The files as the server has them, with the copies that were reported to it.
    on_server: &'a [PurgeItem],
}

pub(super) async fn run(args: &ShowArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let source = site::source(config)?;
    let agreement = Agreement::fetch(&source, &args.id, "backup").await?;
    let log = site::log_to_read(config).await?;
    let found = async {
        let (state, _) = in_log(&log, &args.id).await?;
        Ok::<_, CliError>((state, Judged::of(&log, Terms::of(config, &agreement), &agreement.ids(), |_| true).await?))
    };
    let found = found.await;
    log.close().await;
    let (state, judged) = found?;
    let (summary, in_log) = (&agreement.summary, state.proposed.is_some());
    if args.json {
        let on_server = &agreement.items;
        out.json(&Shown { summary, in_log, runs: state.is_requested, judged: &judged, on_server })?;
        return Ok(Exit::Well);
    }
    summary_lines(summary, config, out)?;
    if !in_log {
        out.line("note: the log does not have it yet; whichever verb decides or runs it next brings it in")?;
    }
    if state.is_requested {
        out.line(format_args!("a run is going on: {} of its files are dealt with", grouped(state.next)))?;
    }
    judged.tell(config, out)?;
    Ok(Exit::Well)
}

/// Who, when and how much.
pub(super) fn summary_lines(summary: &PurgeSummary, config: &Config, out: &mut Out) -> Result<(), CliError> {
    let zone = config.zone();
    let when =
        |at: Option<Timestamp>| at.map_or_else(|| "at an unknown time".to_owned(), |at| shown_to_the_minute(at, &zone));
    let reason = |text: &Option<String>| {
        text.as_ref().map_or_else(String::new, |text| format!(": {}", printable(text, TEXT_CHARS)))
    };
    out.line(format_args!("purge {}: {}", summary.purge, state_in_words(summary.state)))?;
    let proposed = when(Some(summary.proposed_at));
    out.line(format_args!("  proposed {proposed} by {:?}{}", summary.proposed_by, reason(&summary.reason)))?;
    if let Some(by) = &summary.approved_by {
        let until = summary
            .valid_until
            .map_or_else(String::new, |until| format!(", valid until {}", shown_to_the_minute(until, &zone)));
        out.line(format_args!("  approved {} by {by:?}{until}", when(summary.approved_at)))?;
    }
    if let Some(by) = &summary.refused_by {
        out.line(format_args!("  refused {} by {by:?}{}", when(summary.refused_at), reason(&summary.refusal_reason)))?;
    }
    out.line(format_args!(
        "  {}, {}; deleted so far: {}, {}",
        files(summary.bookings),
        ByteCount(summary.size_bytes),
        grouped(summary.purged),
        ByteCount(summary.purged_bytes)
    ))
}

pub(super) const fn state_in_words(state: PurgeState) -> &'static str {
    match state {
        PurgeState::Proposed => "proposed",
        PurgeState::Approved => "approved",
        PurgeState::Refused => "refused",
        PurgeState::RunPartly => "run, some files left",
        PurgeState::Run => "run",
        PurgeState::Other => "in a state of a newer version",
    }
}
