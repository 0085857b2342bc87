//! What the demo prints: what happened, where things lie, and what to try next.

use std::path::Path;

use strongroom_audit::sentence;
use strongroom_eventlog::EventLog;
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::ReadBack;
use strongroom_model::fold::fold;
use strongroom_model::text::printable;
use strongroom_model::{ByteCount, Event, Month, Position, Recorded, StreamName};
use strongroom_server::import::ImportReport;
use strongroom_service::Config;

use super::bookings::MORE;
use super::fault::DemoFault;
use super::folder::{Folder, Memory};
use super::typed::{program, word};
use crate::cli_error::CliError;
use crate::run::outcome::RunOutcome;

/// How many events are looked at to tell how copies were proven: a few thousand bookings'.
const MAX_EVENTS: usize = 20_000;
const PAGE_EVENTS: usize = 1000;

pub(crate) struct Act<'a> {
    pub(crate) folder: &'a Folder,
    pub(crate) config: &'a Config,
    pub(crate) log: &'a EventLog,
    pub(crate) ending: &'a RunOutcome,
    pub(crate) added: u64,
    pub(crate) before: u64,
    /// Whether the transfer that was to be cut was.
    pub(crate) was_cut: bool,
}

pub(crate) fn opening(folder: &Folder, memory: &Memory, is_old: bool) -> String {
    let root = folder.root().display();
    if !is_old {
        return format!("A document server, a drive, a log and a mailbox, all in {root}\n\n");
    }
    let faults = if memory.with_faults { ", with faults" } else { "" };
    format!("Going on in {root}, where {} bookings were generated before{faults}\n\n", memory.generated)
}

pub(crate) fn copied(path: &Path, report: &ImportReport) -> String {
    let mut text = format!(
        "  copied    {} files ({}) of {} to the server; the originals are as they were",
        report.imported,
        report.imported_bytes,
        path.display()
    );
    if report.already > 0 {
        text += &format!("; {} were there before", report.already);
    }
    text.push('\n');
    for remark in report.skips.iter().chain(&report.warnings).take(5) {
        text += &format!("            not taken: {}: {}\n", remark.what, printable(&remark.why, 200));
    }
    if report.skipped > 5 {
        text += &format!("            … and {} more not taken\n", report.skipped - 5);
    }
    text
}

pub(crate) fn prepared(added: &ImportReport) -> String {
    if added.imported == 0 {
        return "  waiting   nothing new on the server\n".to_owned();
    }
    format!("  waiting   {} signed-off bookings on the server, {}\n", added.imported, added.imported_bytes)
}

pub(crate) async fn closing(act: &Act<'_>) -> Result<String, CliError> {
    let seen = NightTotals::read(act).await?;
    let mut text = format!("\n{}\n", act.ending.page());
    text += &happened(act, &seen);
    if act.folder.memory().with_faults {
        text += &faults(act).await?;
    }
    text += &places(act, &seen);
    text += &next(act, &seen);
    Ok(text)
}

#[derive(Default)]
struct NightTotals {
    events: u64,
    proven: u64,
    direct: u64,
    dropped: u64,
    bytes: ByteCount,
    months: Vec<Month>,
    example: Option<String>,
    mails: Vec<String>,
}

impl NightTotals {
    async fn read(act: &Act<'_>) -> Result<Self, CliError> {
        let mut seen = Self { events: act.log.head().await?.size, ..Self::default() };
        let mut next = Position(act.before);
        for _ in 0..MAX_EVENTS / PAGE_EVENTS {
            let page = act.log.read(next, PAGE_EVENTS).await?;
            let Some(last) = page.last() else { break };
            next = last.position.next();
            for stored in &page {
                seen.see(&stored.decode()?);
            }
        }
        Ok(seen)
    }

    fn see(&mut self, recorded: &Recorded) {
        match &recorded.event {
            Event::TimesheetBackedUp(proof) => {
                self.proven += 1;
                self.direct += u64::from(proof.read_back == ReadBack::Direct);
                self.dropped += u64::from(proof.read_back == ReadBack::CacheDropped);
                self.bytes = self.bytes + proof.size_bytes;
                if !self.months.contains(&proof.month) {
                    self.months.push(proof.month);
                }
                self.example.get_or_insert_with(|| recorded.stream.id().to_owned());
            }
            Event::SummarySent(sent) => self.mails.push(sent.receipt.clone()),
            Event::AlarmNotified(sent) => self.mails.push(sent.receipt.clone()),
            _ => {}
        }
    }

    fn how(&self) -> String {
        if self.direct == self.proven {
            return "from the device, past the page cache".to_owned();
        }
        if self.dropped == self.proven {
            return "from the device, after they had left the page cache".to_owned();
        }
        let cached = self.proven.saturating_sub(self.direct + self.dropped);
        format!("{} past the page cache, {} after it had let go, {cached} perhaps from it", self.direct, self.dropped)
    }
}

fn happened(act: &Act<'_>, seen: &NightTotals) -> String {
    if act.added == 0 && seen.proven == 0 {
        return "What happened\n  \
                Nothing new waited on the server; it was asked all the same, and a mail says why zero.\n  \
                There is more to do with --bookings N (more than before) or --files FOLDER.\n"
            .to_owned();
    }
    format!(
        "What happened\n  \
         1. Signed-off bookings were claimed, with the digests that the server held.\n  \
         2. Each file was fetched, written to the drive and synced: bytes, name and folder.\n  \
         3. {} files ({}) were read back\n     ({}),\n     \
            and their digests compared with what came and with what the server held.\n  \
         4. Only then the server was told, and moved its copies to archived/.\n  \
         5. A mail sums it up. Each step is an event in a log that can be verified: {} by now.\n",
        seen.proven,
        seen.bytes,
        seen.how(),
        seen.events
    )
}

/// What was wrong, and what became of it, from the log.
async fn faults(act: &Act<'_>) -> Result<String, CliError> {
    let mut text = "\nThe faults\n".to_owned();
    for fault in DemoFault::ALL {
        let id = fault.booking();
        let stream = StreamName::booking(&id.parse().expect("the demo's own ids are ids"));
        let history = act.log.stream(&stream).await?;
        let booking: Booking = fold(&history)?;
        let outcome = match (booking.phase, history.last()) {
            (Phase::Archived, _) => "backed up and archived all the same",
            (_, Some(_)) if booking.needs_attention() => "told, and left for a person",
            (_, Some(_)) => "not done yet",
            (_, None) => "not claimed yet",
        };
        text += &format!("  {id}: {}\n    {outcome}", fault.words());
        text += &detail(fault, &history, act.was_cut);
        text.push('\n');
    }
    Ok(text)
}

/// The event that shows how it was met.
fn detail(fault: DemoFault, history: &[Recorded], was_cut: bool) -> String {
    let shows = |recorded: &&Recorded| match fault {
        DemoFault::WrongChecksum | DemoFault::MissingFile => recorded.event.failure().is_some(),
        DemoFault::CutTransfer | DemoFault::HostileName => matches!(recorded.event, Event::TimesheetFetched(_)),
    };
    let shown = history.iter().rfind(shows).map_or_else(String::new, |event| format!(":\n    {}", sentence(event)));
    match fault {
        DemoFault::CutTransfer if was_cut => format!(" (it was cut just now){shown}"),
        _ => shown,
    }
}

fn places(act: &Act<'_>, seen: &NightTotals) -> String {
    let folder = act.folder;
    let mut rows = Vec::new();
    for month in &seen.months {
        rows.push((
            folder.path("drive").join(act.config.site.as_str()).join(month.to_string()),
            "the files, and manifest-sha256.txt",
        ));
    }
    rows.push((folder.path("data/mail"), "the mails, for any mail program"));
    rows.push((act.config.log_path(), "the log"));
    rows.push((folder.path("documents/archived"), "the server's own copies"));
    rows.push((folder.config_path(), "the configuration, every key explained"));
    let width = rows.iter().map(|(path, _)| path.display().to_string().chars().count()).max().unwrap_or_default();
    let lines = rows.iter().map(|(path, what)| format!("  {:<width$}  {what}\n", path.display().to_string()));
    format!("\nWhere things lie\n{}", lines.collect::<String>())
}

fn next(act: &Act<'_>, seen: &NightTotals) -> String {
    let program = program();
    let config = format!("--config {}", word(&act.folder.config_path()));
    let mut rows = Vec::new();
    if let Some(id) = &seen.example {
        rows.push((format!("{program} replay --booking {id} {config}"), "one booking's life, with its proof"));
    }
    rows.push((format!("{program} log verify {config}"), "the log, recomputed"));
    for month in &seen.months {
        let bag = act.folder.path("drive").join(act.config.site.as_str()).join(month.to_string());
        let check = format!("(cd {} && sha256sum --quiet -c manifest-sha256.txt)", word(&bag));
        rows.push((check, "the drive, proven without us"));
    }
    rows.push((format!("{program} server {config} &"), "the server, as a process of its own"));
    rows.push((
        format!("{program} server import {} {config}", word(&act.folder.path(MORE))),
        "more files: this folder, or any of yours",
    ));
    rows.push((format!("{program} run --once {config}"), "and the job again"));
    rows.push((format!("{program} status {config}"), "how it stands"));
    let lines = rows.iter().map(|(command, what)| format!("  # {what}\n  {command}\n"));
    format!("\nTry next\n{}", lines.collect::<String>())
}
