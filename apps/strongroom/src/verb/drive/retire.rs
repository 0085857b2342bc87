//! `strongroom drive retire`: takes a drive out of service, once all that it holds is proven on enough others.

use strongroom_audit::{copies_of, holdings};
use strongroom_eventlog::EventLog;
use strongroom_model::event::DriveRetired;
use strongroom_model::text::{files, grouped, printable};
use strongroom_model::{BookingId, ByteCount, Event, Position};
use strongroom_service::Config;

use super::known::Known;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const PAGE: usize = 512;
const REASON_CHARS: usize = 300;
/// Bookings that a refusal names.
const MAX_NAMED: usize = 5;

#[derive(Debug, clap::Args)]
pub(super) struct RetireArgs {
    /// The drive: its label, its id, or the folder where it is mounted
    drive: String,
    /// Why, for whoever reads the log later
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

pub(super) async fn run(args: &RetireArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log(config).await?;
    let retired = retire(&log, args, config.custody.copies).await;
    log.close().await;
    let (called, data) = retired?;
    out.line(format_args!(
        "drive {called} is retired: {}, each proven on {} other drives at least; its copies count no longer",
        files(data.files),
        data.elsewhere
    ))?;
    out.line("Next: erase it as your rules ask; the log keeps what it held")?;
    Ok(Exit::Well)
}

async fn retire(log: &EventLog, args: &RetireArgs, needed: u32) -> Result<(String, DriveRetired), CliError> {
    let known = Known::named(log, &args.drive).await?;
    if !known.state.counts() {
        return Err(CliError::new(format!(
            "drive {} is not in service any more: {}",
            known.called(),
            known.state.place()
        ))
        .next_step("nothing is to be done: strongroom drive list"));
    }
    let end = Position(log.head().await?.size);
    let (mut from, mut seen) = (Position(0), std::collections::HashSet::new());
    let (mut least, mut lacking, mut lacks): (Option<u32>, u64, Vec<String>) = (None, 0, Vec::new());
    while from < end {
        let page = holdings(log, known.id, from, end, PAGE, ByteCount(u64::MAX)).await?;
        from = page.next;
        let ids: Vec<BookingId> =
            page.found.into_iter().map(|one| one.booking).filter(|id| seen.insert(id.clone())).collect();
        let copies = copies_of(log, &known.all, &ids).await?;
        for id in ids {
            let good = copies
                .get(&id)
                .map_or(0, |one| one.copies.iter().filter(|copy| copy.is_good() && copy.drive != known.id).count());
            let good = u32::try_from(good).unwrap_or(u32::MAX);
            least = Some(least.map_or(good, |least| least.min(good)));
            if good < needed {
                lacking += 1;
                if lacks.len() < MAX_NAMED {
                    lacks.push(format!("{id} ({good})"));
                }
            }
        }
    }
    if lacking > 0 {
        return Err(CliError::new(format!(
            "drive {} is not retired: of its files, {} lack a proof on {needed} other drives, such as {}",
            known.called(),
            grouped(lacking),
            lacks.join(", ")
        ))
        .next_step(
            "copy it first: strongroom drive copy FOLDER --to FOLDER; custody.copies says how many are needed",
        ));
    }
    let data = DriveRetired {
        elsewhere: least.unwrap_or(0),
        files: seen.len() as u64,
        reason: printable(args.reason.trim(), REASON_CHARS),
    };
    known.append(log, Event::DriveRetired(data.clone())).await?;
    Ok((known.called(), data))
}
