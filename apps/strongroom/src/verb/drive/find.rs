//! `strongroom drive find`: on which drives a booking's copies are, in words to say on the phone.

use serde::Serialize;
use strongroom_audit::{CopyOn, copies_of, known_drives};
use strongroom_model::event::ReadBack;
use strongroom_model::text::{printable, shown_to_the_minute};
use strongroom_model::{BookingId, ByteCount};
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const NAME_CHARS: usize = 100;

#[derive(Debug, clap::Args)]
pub(super) struct FindArgs {
    /// The booking
    booking: BookingId,
    /// As JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Found {
    booking: BookingId,
    filename: Option<String>,
    size_bytes: ByteCount,
    copies: Vec<Place>,
}

#[derive(Serialize)]
struct Place {
    label: Option<String>,
    place: String,
    #[serde(flatten)]
    copy: CopyOn,
}

pub(super) async fn run(args: &FindArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log_to_read(config).await?;
    let found = find(&log, &args.booking).await;
    log.close().await;
    let found = found?;
    let is_good = found.copies.iter().any(|place| place.copy.is_good());
    let exit = if is_good { Exit::Well } else { Exit::Problems };
    if args.json {
        out.json(&found)?;
        return Ok(exit);
    }
    let zone = config.zone();
    let name = found.filename.as_ref().map_or_else(String::new, |name| format!(" (“{}”)", printable(name, NAME_CHARS)));
    let good = found.copies.iter().filter(|place| place.copy.is_good()).count();
    let drives = match good {
        0 => "no drive has a proven copy".to_owned(),
        1 => "one drive has a proven copy".to_owned(),
        several => format!("{several} drives have a proven copy"),
    };
    out.line(format_args!("Booking {}{name}, {}: {drives}.", found.booking, found.size_bytes))?;
    for Place { label, place, copy } in &found.copies {
        let drive =
            label.as_ref().map_or_else(|| copy.drive.to_string(), |label| format!("“{}”", printable(label, 64)));
        let state = match &copy.proven {
            Some(proof) => format!(
                "last read back {}{}",
                shown_to_the_minute(proof.time, &zone),
                if proof.read_back == ReadBack::Cached { ", perhaps from a cache" } else { "" }
            ),
            None => "found DAMAGED, not to be used".to_owned(),
        };
        out.line(format_args!("  The drive {drive} is {place}; {state}."))?;
        out.line(format_args!("    the file on it: {}", printable(&copy.path, NAME_CHARS * 4)))?;
    }
    Ok(exit)
}

async fn find(log: &strongroom_eventlog::EventLog, booking: &BookingId) -> Result<Found, CliError> {
    let drives = known_drives(log).await?;
    let mut all = copies_of(log, &drives, std::slice::from_ref(booking)).await?;
    let Some(known) = all.remove(booking) else {
        return Err(CliError::new(format!("the log does not know booking {booking}")).next_step(
            "compare the id with the portal's; strongroom replay --booking ID shows what the log knows of one",
        ));
    };
    let mut copies: Vec<Place> = known
        .copies
        .into_iter()
        .filter_map(|copy| {
            let state = drives.get(&copy.drive)?;
            Some(Place { label: state.label.clone(), place: state.place(), copy })
        })
        .collect();
    // The one to ask for first.
    copies.sort_by_key(|place| {
        let at = place.copy.proven.as_ref().map(|proof| proof.time);
        (!place.copy.is_good(), std::cmp::Reverse(at))
    });
    let filename = known.state.enumerated.map(|data| data.filename);
    Ok(Found { booking: booking.clone(), filename, size_bytes: known.size, copies })
}
