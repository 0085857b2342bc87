//! Every subject of a kind as it was.

use std::fmt;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use strongroom_audit::{
    ActEntry, BookingEntry, CopyEntry, DriveEntry, MAX_PAGE, Page, PageRequest, PurgeEntry, RunEntry, ViewError, acts,
    bookings, copies, drives, purges, runs,
};
use strongroom_eventlog::EventLog;
use strongroom_model::text::{printable, shown};

use super::super::list::{act_line, copy_line, drive_line, purge_line, run_line};
use super::Args;
use crate::cli_error::CliError;
use crate::csv;
use crate::exit::Exit;
use crate::out::Out;

const TEXT_CHARS: usize = 160;

/// What a table is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Table {
    /// Each booking with its digests, its proven copy and its failure
    Bookings,
    /// Each drive with its uses and the number of copies proven on it
    Drives,
    /// Each run and what became of it
    Runs,
    /// Each copy on each drive, with its newest proof or its damage
    Copies,
    /// Each act on a drive's contents: verify, copy, repair, restore
    Acts,
    /// Each purge: proposed, approved, executed
    Purges,
}

/// A row in its two forms for people.
trait Row: Serialize {
    const COLUMNS: &'static str;
    fn cells(&self) -> Vec<String>;
    fn line(&self, zone: &TimeZone) -> String;
}

pub(super) async fn show(
    log: &EventLog,
    table: Table,
    args: &Args,
    zone: &TimeZone,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let as_of = match args.as_of {
        None => None,
        Some(as_of) => Some(as_of.position(log).await?),
    };
    let first = PageRequest { as_of, after: None, limit: MAX_PAGE };
    let form = Form { args, zone };
    match table {
        Table::Bookings => form.write(async |page| bookings(log, page).await, first, out).await?,
        Table::Drives => form.write(async |page| drives(log, page).await, first, out).await?,
        Table::Runs => form.write(async |page| runs(log, page).await, first, out).await?,
        Table::Copies => form.write(async |page| copies(log, page).await, first, out).await?,
        Table::Acts => form.write(async |page| acts(log, page).await, first, out).await?,
        Table::Purges => form.write(async |page| purges(log, page).await, first, out).await?,
    }
    Ok(Exit::Well)
}

struct Form<'a> {
    args: &'a Args,
    zone: &'a TimeZone,
}

impl Form<'_> {
    /// Page by page, all as of the same position: a log may be larger than memory.
    async fn write<T: Row>(
        &self,
        read: impl AsyncFn(&PageRequest) -> Result<Page<T>, ViewError>,
        mut request: PageRequest,
        out: &mut Out,
    ) -> Result<(), CliError> {
        let mut page = read(&request).await?;
        if self.args.json {
            let as_of = serde_json::to_string(&page.as_of)?;
            out.raw(format_args!("{{\n\"site\": \"{}\",\n\"as_of\": {as_of},\n\"items\": [", page.site))?;
        } else if self.args.csv {
            out.line(T::COLUMNS)?;
        }
        let mut between = "\n";
        loop {
            for item in &page.items {
                if self.args.json {
                    out.raw(format_args!("{between}{}", serde_json::to_string(item)?))?;
                    between = ",\n";
                } else if self.args.csv {
                    out.line(csv::row(item.cells()))?;
                } else {
                    out.line(item.line(self.zone))?;
                }
            }
            let Some(next) = page.next else { break };
            request = PageRequest { as_of: page.as_of, after: Some(next), ..request };
            page = read(&request).await?;
        }
        if self.args.json { out.line("\n]\n}") } else { Ok(()) }
    }
}

fn text<T: fmt::Display>(value: Option<&T>) -> String {
    value.map_or_else(String::new, ToString::to_string)
}

fn label(value: impl Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

impl Row for BookingEntry {
    const COLUMNS: &'static str = "booking,position,state,filename,size_bytes,server_digest,drive,path,sha256,\
        read_back,archived_path,failure,changed_at";

    fn cells(&self) -> Vec<String> {
        let state = &self.state;
        let proof = state.proof.as_ref();
        vec![
            state.id.to_string(),
            self.position.to_string(),
            state.state.to_owned(),
            text(state.filename.as_ref()),
            text(state.size_bytes.map(|size| size.0).as_ref()),
            text(state.server_digest.as_ref()),
            text(proof.map(|proof| proof.drive).as_ref()),
            text(proof.map(|proof| &proof.path).or(state.unproven_path.as_ref())),
            text(proof.map(|proof| &proof.sha256)),
            proof.map_or_else(String::new, |proof| label(proof.read_back)),
            text(state.archived_path.as_ref()),
            text(state.failure.as_ref().map(|failed| format!("{}: {}", failed.kind.cause(), failed.message)).as_ref()),
            text(state.changed_at.as_ref()),
        ]
    }

    fn line(&self, zone: &TimeZone) -> String {
        let state = &self.state;
        let name = state.filename.as_ref().map_or_else(String::new, |name| format!(" {}", printable(name, TEXT_CHARS)));
        let since = state.changed_at.map_or_else(String::new, |at| format!(" since {}", shown(at, zone)));
        let copy = state.proof.as_ref().map_or_else(String::new, |proof| {
            format!(", proven on drive {}: {}", proof.drive, printable(&proof.path, TEXT_CHARS))
        });
        format!("{}{name}: {}{since}{copy}", state.id, state.state.replace('_', " "))
    }
}

impl Row for DriveEntry {
    const COLUMNS: &'static str =
        "drive,position,label,known_since,first_used_at,last_used_at,generation,serial,filesystem,proven_copies";

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.position.to_string(),
            text(self.label.as_ref()),
            self.known_since.to_string(),
            text(self.first_used_at.as_ref()),
            text(self.last_used_at.as_ref()),
            text(self.generation.as_ref()),
            text(self.serial.as_ref()),
            text(self.filesystem.as_ref()),
            self.proven_copies.to_string(),
        ]
    }

    fn line(&self, zone: &TimeZone) -> String {
        drive_line(self, zone)
    }
}

impl Row for RunEntry {
    const COLUMNS: &'static str =
        "run,position,requested_at,requested_by,trigger,state,waiting,enumerated,zero_reason,failure,retry_at";

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.position.to_string(),
            self.requested_at.to_string(),
            self.requested_by.to_string(),
            label(self.trigger),
            self.state.label().to_owned(),
            text(self.waiting.as_ref()),
            text(self.enumerated.as_ref()),
            self.zero_reason.map_or_else(String::new, label),
            text(self.failure.as_ref()),
            text::<Timestamp>(self.retry_at.as_ref()),
        ]
    }

    fn line(&self, zone: &TimeZone) -> String {
        run_line(self, zone)
    }
}

impl Row for CopyEntry {
    const COLUMNS: &'static str =
        "booking,drive,position,state,path,sha256,size_bytes,proof,proven_at,read_back,damage,changed_at";

    fn cells(&self) -> Vec<String> {
        let found = self.damage.as_ref().and_then(|found| serde_json::to_value(found).ok());
        vec![
            self.booking.to_string(),
            self.drive.to_string(),
            self.position.to_string(),
            self.state.to_owned(),
            self.path.clone(),
            self.sha256.to_string(),
            self.size_bytes.0.to_string(),
            text(self.proof.as_ref()),
            text(self.proven_at.as_ref()),
            self.read_back.map_or_else(String::new, label),
            text(found.as_ref()),
            self.changed_at.to_string(),
        ]
    }

    fn line(&self, zone: &TimeZone) -> String {
        copy_line(self, zone)
    }
}

impl Row for ActEntry {
    const COLUMNS: &'static str = "act,position,requested_at,requested_by,kind,drive,state,good,damaged,faults,written,\
        skipped,size_bytes,failure,changed_at";

    fn cells(&self) -> Vec<String> {
        let tally = &self.tally;
        let sums = [tally.good, tally.damaged, tally.faults, tally.written, tally.skipped, tally.bytes.0];
        let mut cells = vec![
            self.id.to_string(),
            self.position.to_string(),
            self.requested_at.to_string(),
            self.requested_by.to_string(),
            self.act.to_owned(),
            self.drive.to_string(),
            self.state.to_owned(),
        ];
        cells.extend(sums.iter().map(ToString::to_string));
        cells.extend([text(self.failure.as_ref()), text(self.changed_at.as_ref())]);
        cells
    }

    fn line(&self, zone: &TimeZone) -> String {
        act_line(self, zone)
    }
}

impl Row for PurgeEntry {
    const COLUMNS: &'static str = "purge,position,proposed_at,proposed_by,state,bookings,size_bytes,approved_by,\
        approved_at,refused_by,drives_needed,purged,left,failure,changed_at";

    fn cells(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.position.to_string(),
            self.proposed_at.to_string(),
            self.proposed_by.clone(),
            self.state.to_owned(),
            self.bookings.to_string(),
            self.size_bytes.0.to_string(),
            text(self.approved_by.as_ref()),
            text(self.approved_at.as_ref()),
            text(self.refused_by.as_ref()),
            text(self.drives_needed.as_ref()),
            self.purged.to_string(),
            self.left.to_string(),
            text(self.failure.as_ref()),
            text(self.changed_at.as_ref()),
        ]
    }

    fn line(&self, zone: &TimeZone) -> String {
        purge_line(self, zone)
    }
}
