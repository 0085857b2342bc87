//! `strongroom drive hand-over`, `return`, `lost`: who has a drive, and where it is.

mod receipt;

use std::path::PathBuf;

use jiff::Timestamp;
use strongroom_audit::{copies_of, holdings};
use strongroom_eventlog::EventLog;
use strongroom_model::drive_state::Whereabouts;
use strongroom_model::event::{DriveHandedOver, DriveLost, DriveReturned};
use strongroom_model::text::{files, grouped, printable};
use strongroom_model::{BookingId, ByteCount, Event, Position};
use strongroom_service::{Clock, Config};

use self::receipt::Receipt;
use super::known::Known;
use crate::checkpoint;
use crate::cli_error::{CliError, ErrorContext as _};
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Fits a line of a receipt.
const TEXT_CHARS: usize = 100;
const PAGE: usize = 512;

#[derive(Debug, clap::Args)]
pub(super) struct HandOverArgs {
    /// The drive: its label, its id, or the folder where it is mounted
    drive: String,
    /// Who gets it
    #[arg(long, value_name = "NAME")]
    to: String,
    /// Where it is kept from now on
    #[arg(long, value_name = "PLACE")]
    place: String,
    /// The file for the receipt; without it receipt-LABEL-DATE.html in this folder
    #[arg(long, value_name = "FILE")]
    receipt: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(super) struct ReturnArgs {
    /// The drive: its label, its id, or the folder where it is mounted
    drive: String,
    /// Where it is kept from now on
    #[arg(long, value_name = "PLACE")]
    place: String,
    /// Who brought it
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(super) struct LostArgs {
    /// The drive: its label or its id
    drive: String,
    /// What happened, for whoever reads the log later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

/// What a drive holds that is proven.
#[derive(Debug, Default)]
struct Contents {
    files: u64,
    bytes: ByteCount,
    damaged: u64,
    oldest: Option<Timestamp>,
}

pub(super) async fn hand_over(args: &HandOverArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log(config).await?;
    let done = hand_over_in(&log, args, config, out).await;
    log.close().await;
    done
}

async fn hand_over_in(log: &EventLog, args: &HandOverArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let known = in_service(Known::named(log, &args.drive).await?, false)?;
    let (to, place) = (words(&args.to, "--to")?, words(&args.place, "--place")?);
    let contents = contents(log, &known).await?;
    let now = Clock::system().now();
    let key = checkpoint::key_if_any(config, log).await;
    let checkpoint = checkpoint::signed(checkpoint::now(log).await?, key.as_ref()).to_string();
    let receipt = Receipt {
        site: log.site().to_string(),
        drive: known.id,
        label: known.state.label.clone().unwrap_or_default(),
        to: to.clone(),
        place: place.clone(),
        at: now,
        files: contents.files,
        bytes: contents.bytes,
        oldest: contents.oldest,
        checkpoint,
    };
    let path = args.receipt.clone().unwrap_or_else(|| PathBuf::from(receipt.file_name()));
    let event = Event::DriveHandedOver(DriveHandedOver {
        bytes: contents.bytes,
        files: contents.files,
        place: place.clone(),
        receipt_sha256: receipt.sha256(),
        to: to.clone(),
    });
    // The paper first: if we stop here, nothing is recorded, and the command is given again.
    std::fs::write(&path, receipt.html()?)
        .context_and_step(format!("cannot write the receipt {}", path.display()), "name another file with --receipt")?;
    known.append(log, event).await?;
    out.line(format_args!(
        "drive {} is with {to} now, at {place}: {}, {}, each proven",
        known.called(),
        files(contents.files),
        contents.bytes
    ))?;
    if contents.damaged > 0 {
        out.line(format_args!(
            "note: damaged copies, which are not counted: {}; strongroom drive repair, before it leaves",
            grouped(contents.damaged)
        ))?;
    }
    out.line(format_args!("Next: print {} and have it signed", path.display()))?;
    Ok(if contents.damaged > 0 { Exit::Problems } else { Exit::Well })
}

pub(super) async fn back(args: &ReturnArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log(config).await?;
    let place = words(&args.place, "--place")?;
    let from = args.from.as_deref().map(|from| words(from, "--from")).transpose()?;
    let known = in_service(Known::named(&log, &args.drive).await?, true)?;
    let noted = known.append(&log, Event::DriveReturned(DriveReturned { from, place: place.clone() })).await;
    log.close().await;
    noted?;
    out.line(format_args!("drive {} is back, at {place}", known.called()))?;
    out.line("Next: mount it, then strongroom drive verify FOLDER: nobody knows what was done to it")?;
    Ok(Exit::Well)
}

pub(super) async fn lost(args: &LostArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log(config).await?;
    let reason = words(&args.reason, "--reason")?;
    let known = in_service(Known::named(&log, &args.drive).await?, false)?;
    let noted = known.append(&log, Event::DriveLost(DriveLost { reason })).await;
    log.close().await;
    noted?;
    out.line(format_args!("drive {} is lost: its copies count no longer, until it is returned", known.called()))?;
    out.line("Next: strongroom drive list shows which drives are left; make another copy with strongroom drive copy")?;
    Ok(Exit::Well)
}

/// Refuses a drive that is out of service; one that is lost may be found.
fn in_service(known: Known, may_be_lost: bool) -> Result<Known, CliError> {
    let is_found = may_be_lost && matches!(known.state.whereabouts, Whereabouts::Lost { .. });
    if known.state.counts() || is_found {
        return Ok(known);
    }
    let step = match known.state.whereabouts {
        Whereabouts::Lost { .. } => "if it was found, record that first: strongroom drive return",
        _ => "set it up anew as another drive: strongroom drive init, after its old contents were erased",
    };
    Err(CliError::new(format!("drive {} is not in service: {}", known.called(), known.state.place())).next_step(step))
}

fn words(text: &str, what: &str) -> Result<String, CliError> {
    let text = printable(text.trim(), TEXT_CHARS);
    if text.is_empty() {
        return Err(CliError::usage_error(format!("{what} is empty")).next_step("write it in words, between quotes"));
    }
    Ok(text)
}

async fn contents(log: &EventLog, known: &Known) -> Result<Contents, CliError> {
    let end = Position(log.head().await?.size);
    let (mut from, mut contents) = (Position(0), Contents::default());
    let mut seen = std::collections::HashSet::new();
    while from < end {
        let page = holdings(log, known.id, from, end, PAGE, ByteCount(u64::MAX)).await?;
        from = page.next;
        let ids: Vec<BookingId> =
            page.found.into_iter().map(|one| one.booking).filter(|id| seen.insert(id.clone())).collect();
        for booking in copies_of(log, &known.all, &ids).await?.into_values() {
            match booking.copies.iter().find(|copy| copy.drive == known.id) {
                Some(copy) if copy.damage.is_some() => contents.damaged += 1,
                Some(copy) => {
                    contents.files += 1;
                    contents.bytes = contents.bytes + booking.size;
                    let at = copy.proven.as_ref().map(|proof| proof.time);
                    contents.oldest = [contents.oldest, at].into_iter().flatten().min();
                }
                None => {}
            }
        }
    }
    Ok(contents)
}
