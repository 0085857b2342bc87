//! `strongroom log recover`: after an older log was restored, what the document server has archived since is claimed
//! again, so that the log has a proof of its own.
//!
//! Each booking begins as any other. Its copy is found on the drive under its final name, or fetched from the
//! server's archive; it is read back, compared, and reported to the server.

use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::{Event, Expected, NewEvent, StreamName};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config, kill_point};
use strongroom_source::{Offer, Page, Source};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Ten million bookings.
const MAX_PAGES: u32 = 10_000;
/// How often a page is retried after a conflict.
const TRIES: u32 = 5;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom log recover                        then strongroom run --once, or the workers as usual

For after `strongroom log adopt`. Bookings that this log knows are left alone, so doing it again changes nothing. What the
server has purged has no file there any more: its copies stay on the drives, listed in their manifests.")]
pub(super) struct Args {}

#[derive(Debug, Default)]
struct Recovered {
    taken: u64,
    known: u64,
    unusable: Vec<String>,
}

pub(super) async fn run(_: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let source = site::source(config)?;
    let log = site::log(config).await?;
    let found = recover(&log, &source, &Clock::system()).await;
    log.close().await;
    let found = found?;
    out.line(format_args!(
        "{} bookings that the server has archived and this log did not know are claimed again; it knew {} others",
        found.taken, found.known
    ))?;
    for unusable in &found.unusable {
        out.line(format_args!("not taken: {unusable}"))?;
    }
    if found.taken > 0 {
        out.line(format_args!("Next: {}", site::next_run(Some(config))))?;
    }
    out.flush()?;
    Ok(if found.unusable.is_empty() { Exit::Well } else { Exit::Problems })
}

/// If we stop in it, some pages are claimed: doing it again claims the rest.
async fn recover(log: &EventLog, source: &Source, clock: &Clock) -> Result<Recovered, CliError> {
    let (mut found, mut after) = (Recovered::default(), None);
    for _ in 0..MAX_PAGES {
        let Page { records, next, .. } = source.archived(after.as_deref()).await?;
        let mut offers = Vec::with_capacity(records.len());
        for record in records {
            match record {
                Ok(offer) => offers.push(offer),
                Err(unusable) => found.unusable.push(format!("{}: {}", unusable.shown, unusable.reason)),
            }
        }
        take(log, clock, &offers, &mut found).await?;
        // If we stop here, this page is claimed: the next start proves it, and a recovery skips it.
        kill_point!("recover.page-claimed");
        // Ids are sorted: a page that begins earlier was read already.
        if next.is_none() || next <= after {
            break;
        }
        after = next;
    }
    Ok(found)
}

/// All new ones in one commit: if we stop before it, nothing was claimed.
async fn take(log: &EventLog, clock: &Clock, offers: &[Offer], found: &mut Recovered) -> Result<(), CliError> {
    let names: Vec<StreamName> = offers.iter().map(|offer| StreamName::booking(&offer.id)).collect();
    for _ in 0..TRIES {
        let heads = log.heads(&names).await?;
        let new = offers.iter().zip(&names).filter(|(_, name)| !heads.contains_key(*name));
        let (time, actor) = (clock.now(), person());
        let claim = |(offer, stream): (&Offer, &StreamName)| {
            let enumerated = Event::TimesheetEnumerated(offer.record.clone());
            NewEvent::new(stream.clone(), Expected::New, time, actor.clone(), enumerated)
        };
        let events: Vec<_> = new.map(claim).collect();
        let taken = events.len() as u64;
        match if events.is_empty() { Ok(Vec::new()) } else { log.append(events).await } {
            Ok(_) => {
                found.taken += taken;
                found.known += offers.len() as u64 - taken;
                return Ok(());
            }
            Err(AppendError::Conflict { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(CliError::new("other processes claimed the same bookings at every attempt").next_step("try again"))
}
