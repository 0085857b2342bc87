//! `strongroom purge list`: every purge that the server or the log knows, newest first.

use std::collections::BTreeSet;

use serde::Serialize;
use strongroom_eventlog::EventLog;
use strongroom_model::text::{files, grouped, shown_to_the_minute};
use strongroom_model::wire::{MAX_LIST, PurgeSummary};
use strongroom_model::{ByteCount, SubjectKind};
use strongroom_service::Config;

use super::credential::refused;
use super::show::state_in_words;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Purges that are listed, at most: more than a site has in decades.
const MAX_PURGES: usize = 10_000;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Listed {
    /// As the server has them.
    purges: Vec<PurgeSummary>,
    /// Those of the log that the server does not know.
    only_in_log: Vec<String>,
}

pub(super) async fn run(args: &ListArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let listed = listed(config).await?;
    let exit = if listed.only_in_log.is_empty() { Exit::Well } else { Exit::Problems };
    if args.json {
        out.json(&listed)?;
        return Ok(exit);
    }
    if listed.purges.is_empty() && listed.only_in_log.is_empty() {
        out.line("no purge yet; see what could go: strongroom purge propose --before DATE --dry-run")?;
    }
    let zone = config.zone();
    for one in &listed.purges {
        let at = shown_to_the_minute(one.proposed_at, &zone);
        let approved = one.approved_by.as_ref().map_or_else(String::new, |by| format!(", approved by {by:?}"));
        out.line(format_args!(
            "{}  {}  proposed {at} by {:?}{approved}; deleted: {} of {}, {} of {}",
            one.purge,
            state_in_words(one.state),
            one.proposed_by,
            grouped(one.purged),
            files(one.bookings),
            ByteCount(one.purged_bytes),
            ByteCount(one.size_bytes)
        ))?;
    }
    for id in &listed.only_in_log {
        out.line(format_args!("{id}  only in the log: the document server's records are older, or another server's"))?;
    }
    Ok(exit)
}

async fn listed(config: &Config) -> Result<Listed, CliError> {
    let source = site::source(config)?;
    let (mut purges, mut after): (Vec<PurgeSummary>, Option<String>) = (Vec::new(), None);
    while purges.len() < MAX_PURGES {
        let page = source.purges(MAX_LIST, after.as_deref()).await.map_err(|error| refused(&error, "backup"))?;
        purges.extend(page.purges);
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let only_in_log = match site::log_if_any(config).await? {
        None => Vec::new(),
        Some(log) => {
            let known = in_log(&log).await;
            log.close().await;
            let on_server: BTreeSet<&str> = purges.iter().map(|one| one.purge.as_str()).collect();
            known?.into_iter().filter(|id| !on_server.contains(id.as_str())).collect()
        }
    };
    Ok(Listed { purges, only_in_log })
}

async fn in_log(log: &EventLog) -> Result<Vec<String>, CliError> {
    let heads = log.newest(SubjectKind::Purge, MAX_PURGES).await?;
    Ok(heads.into_iter().map(|head| head.stream.id().to_owned()).collect())
}
