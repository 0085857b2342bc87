//! `strongroom drive list`: every drive ever, with what it holds, where it is, who has it, and how old its evidence is.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use strongroom_audit::{Holding, holdings_by_path, known_drives};
use strongroom_eventlog::EventLog;
use strongroom_model::copy::Copy;
use strongroom_model::drive_state::{DriveState, Whereabouts};
use strongroom_model::fold::fold;
use strongroom_model::text::{files, grouped, printable};
use strongroom_model::{ByteCount, DriveId, Position, StreamName};
use strongroom_service::{Clock, Config};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const TEXT_CHARS: usize = 60;

#[derive(Debug, clap::Args)]
pub(super) struct ListArgs {
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Entry {
    drive: DriveId,
    label: Option<String>,
    place: String,
    /// `here`, `handed-over`, `retired` or `lost`.
    state: &'static str,
    files: u64,
    bytes: ByteCount,
    damaged: u64,
    /// The oldest of its copies' newest proofs.
    evidence_since: Option<Timestamp>,
    /// Whether some of that is older than `custody.verify_every`.
    is_due: bool,
}

pub(super) async fn run(args: &ListArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log_to_read(config).await?;
    let entries = entries(&log, config).await;
    log.close().await;
    let entries = entries?;
    if args.json {
        out.json(&entries)?;
        return Ok(Exit::Well);
    }
    if entries.is_empty() {
        out.line("the log knows no drive yet: strongroom drive init PATH")?;
    }
    for entry in &entries {
        out.line(line(entry, Clock::system().now()))?;
    }
    Ok(Exit::Well)
}

async fn entries(log: &EventLog, config: &Config) -> Result<Vec<Entry>, CliError> {
    let drives: BTreeMap<DriveId, DriveState> = known_drives(log).await?;
    let end = Position(log.head().await?.size);
    let now = Clock::system().now();
    let mut entries = Vec::with_capacity(drives.len());
    for (drive, state) in drives {
        let held = holdings_by_path(log, drive, None, end).await?;
        entries.push(entry(log, config, now, drive, &state, held).await?);
    }
    // The ones that are used come first.
    entries.sort_by_key(|entry| (matches!(entry.state, "retired" | "lost"), entry.label.clone()));
    Ok(entries)
}

async fn entry(
    log: &EventLog,
    config: &Config,
    now: Timestamp,
    drive: DriveId,
    state: &DriveState,
    held: BTreeMap<String, Holding>,
) -> Result<Entry, CliError> {
    let streams: Vec<StreamName> = held.values().map(|one| one.stream(drive)).collect();
    let histories = log.readable_streams(&streams).await?;
    let later: HashMap<&StreamName, Copy> =
        histories.iter().filter_map(|(stream, history)| Some((stream, fold::<Copy>(history).ok()?))).collect();
    let (mut files, mut bytes, mut damaged, mut since) = (0, ByteCount(0), 0, None);
    for one in held.values() {
        let copy = later.get(&one.stream(drive));
        if copy.is_some_and(|copy| copy.damage.is_some()) {
            damaged += 1;
            continue;
        }
        files += 1;
        bytes = bytes + one.size;
        let at = copy.and_then(|copy| Some(copy.evidence.as_ref()?.time)).unwrap_or(one.time);
        since = [since, Some(at)].into_iter().flatten().min();
    }
    let every = SignedDuration::try_from(config.custody.verify_every.get()).unwrap_or(SignedDuration::MAX);
    let is_due = state.counts() && since.is_some_and(|since: Timestamp| now.duration_since(since) > every);
    let label = state.label.clone();
    let place = state.place();
    Ok(Entry {
        drive,
        label,
        place,
        state: code(&state.whereabouts),
        files,
        bytes,
        damaged,
        evidence_since: since,
        is_due,
    })
}

const fn code(whereabouts: &Whereabouts) -> &'static str {
    match whereabouts {
        Whereabouts::Here | Whereabouts::Returned(_) => "here",
        Whereabouts::HandedOver(_) => "handed-over",
        Whereabouts::Retired { .. } => "retired",
        Whereabouts::Lost { .. } => "lost",
    }
}

fn line(entry: &Entry, now: Timestamp) -> String {
    let label = entry.label.as_ref().map_or_else(|| "no label".to_owned(), |label| printable(label, TEXT_CHARS));
    let age = match entry.evidence_since {
        None => "holds nothing that is proven".to_owned(),
        Some(at) => {
            let days = now.duration_since(at).as_hours().max(0) / 24;
            let when = match days {
                0 => "today".to_owned(),
                1 => "since yesterday".to_owned(),
                days => format!("within {days} days"),
            };
            format!("{}, {}, each read back {when}", files(entry.files), entry.bytes)
        }
    };
    let damaged = if entry.damaged > 0 { format!(", {} DAMAGED", grouped(entry.damaged)) } else { String::new() };
    let due = if entry.is_due { "; to be verified again: strongroom drive verify FOLDER" } else { "" };
    format!("{label}  {}\n  {}; {age}{damaged}{due}", entry.drive, printable(&entry.place, TEXT_CHARS * 3))
}
