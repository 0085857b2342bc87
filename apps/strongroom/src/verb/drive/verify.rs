//! `strongroom drive verify`: reads a drive's copies back, and its months' folders against the log.

use std::path::Path;

use jiff::Timestamp;
use serde::Serialize;
use strongroom_model::custody::Custody;
use strongroom_model::event::{Act, Selection, Tally};
use strongroom_model::text::{files, grouped};
use strongroom_model::{BookingId, CustodyId, DriveId, Month};
use strongroom_service::Config;

use super::mounted::mounted;
use crate::cli_error::CliError;
use crate::custody::act::{Seen, carry_out};
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("which").multiple(false))]
pub(super) struct VerifyArgs {
    /// Only a part of the copies, chosen at random, such as 5%
    #[arg(long, value_name = "PERCENT", value_parser = per_10000, group = "which")]
    sample: Option<u32>,
    /// Only copies without a proof since that time, such as 2026-08-01T00:00:00Z
    #[arg(long, value_name = "TIME", group = "which")]
    since: Option<Timestamp>,
    /// Only one month's copies
    #[arg(long, value_name = "MONTH", group = "which")]
    month: Option<Month>,
    /// Only the copies of this booking; may be given many times
    #[arg(long, value_name = "ID", group = "which")]
    booking: Vec<BookingId>,
    /// Leave it to the process that does such work, and exit at once
    #[arg(long)]
    detach: bool,
    /// The result as JSON
    #[arg(long)]
    json: bool,
}

/// `5%` or `0.5`.
fn per_10000(text: &str) -> Result<u32, String> {
    let error = || "write a share from 0.01 to 100, such as 5%".to_owned();
    let number: f64 = text.trim().trim_end_matches('%').trim().parse().map_err(|_| error())?;
    if !(0.01..=100.0).contains(&number) {
        return Err(error());
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is from 1 to 10,000")]
    Ok((number * 100.0).round() as u32)
}

impl VerifyArgs {
    fn which(&self) -> Selection {
        if let Some(per_10000) = self.sample {
            return Selection::Sample { per_10000, seed: fastrand::u64(..1 << 53) };
        }
        if let Some(time) = self.since {
            return Selection::Since { time };
        }
        if let Some(month) = self.month {
            return Selection::Month { month };
        }
        if self.booking.is_empty() { Selection::All } else { Selection::Bookings { ids: self.booking.clone() } }
    }
}

pub(super) async fn run(root: &Path, args: &VerifyArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let drive = mounted(root)?;
    let log = site::log(config).await?;
    let act = Act::Verify { drive: drive.clone(), which: args.which() };
    let seen = carry_out(config, &log, act, args.detach, out).await;
    log.close().await;
    report(&seen?, "verified", drive.drive, args.json, out)
}

/// How an act ended, for a program.
#[derive(Serialize)]
struct Report<'a> {
    act: CustodyId,
    drive: DriveId,
    finished: bool,
    #[serde(flatten)]
    tally: &'a Tally,
}

/// Says how an act ended. Exit code 2 where something needs a person.
pub(super) fn report(seen: &Seen, verb: &str, drive: DriveId, json: bool, out: &mut Out) -> Result<Exit, CliError> {
    let Seen { id, state } = seen;
    let tally = &state.tally;
    let exit = if is_well(state) { Exit::Well } else { Exit::Problems };
    if json {
        out.json(&Report { act: *id, drive, finished: seen.is_finished(), tally })?;
        return Ok(exit);
    }
    if !seen.is_finished() {
        out.line(format_args!("act {id} is requested; `strongroom list subjects --kind custody --status requested` shows it while it is open"))?;
        return Ok(Exit::Well);
    }
    out.line(sentence(verb, drive, tally))?;
    for remark in &tally.remarks {
        out.line(format_args!("  {remark}"))?;
    }
    let told = tally.remarks.len() as u64;
    if tally.damaged + tally.faults > told && told > 0 {
        out.line(format_args!("  … and {} more", grouped(tally.damaged + tally.faults - told)))?;
    }
    for given_up in &tally.given_up {
        out.line(format_args!("  drive {} was given up: {}", given_up.drive, given_up.reason))?;
    }
    if tally.damaged > 0 && verb == "verified" {
        out.line("  next: mount a drive with good copies, then strongroom drive repair FOLDER --from FOLDER")?;
    }
    Ok(exit)
}

fn is_well(state: &Custody) -> bool {
    let tally = &state.tally;
    tally.damaged == 0 && tally.faults == 0 && tally.given_up.is_empty()
}

fn sentence(verb: &str, drive: DriveId, tally: &Tally) -> String {
    let mut parts = Vec::new();
    for (number, what) in [
        (tally.good, "as proven"),
        (tally.written, "written, read back and proven"),
        (tally.skipped, "there already"),
        (tally.damaged, "DAMAGED"),
    ] {
        if number > 0 {
            parts.push(format!("{} {what}", files(number)));
        }
    }
    match tally.faults {
        0 => {}
        1 => parts.push("one other fault".to_owned()),
        several => parts.push(format!("{} other faults", grouped(several))),
    }
    if parts.is_empty() {
        parts.push("there was nothing to do".to_owned());
    }
    format!("drive {drive} {verb}: {}; {} read", parts.join(", "), tally.bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_number_with_or_without_its_sign() {
        assert_eq!((per_10000("5%"), per_10000("0.5"), per_10000("100 %")), (Ok(500), Ok(50), Ok(10_000)));
        for bad in ["0", "101", "-1", "x", ""] {
            assert!(per_10000(bad).is_err(), "{bad}");
        }
    }
}
