//! `strongroom status`: how it stands now.

use std::time::Duration;

use strongroom_audit::{DriveState, LastRun, Seen, Status};
use strongroom_eventlog::EventLog;
use strongroom_model::ByteCount;
use strongroom_model::text::printable;
use strongroom_service::Config;

use crate::attached;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;
use crate::trouble::Trouble;

/// Says how it stands: bookings, log, drives, the last run
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom status                             a page for people
  strongroom status --json                      the same for a program
  strongroom status --json | jq .bookings

What waits is asked of the document server; if it does not answer, that is shown as unknown.
Exit codes: 0 well; 2 something needs a person.")]
pub(crate) struct Args {
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// How long the document server is waited for: whoever asks for a status stands before it.
const MOST_WAIT: Duration = Duration::from_secs(10);

/// What stops everything, whatever else is well.
const FULL: &str = "nothing can be recorded, the disk with the log is full";

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, Trouble> {
    let is_full = site::room_for_log(config).is_some_and(|free| free < site::NO_ROOM);
    let log = site::log_if_any(config).await?;
    let mut seen = seen(config, log.as_ref()).await;
    if is_full {
        seen.notes.push(format!("{FULL}: {}", config.log_path().display()));
    }
    let status = match &log {
        Some(log) => Status::read(log, seen).await?,
        None => Status::before_the_first_run(config.site.clone(), seen),
    };
    if args.json {
        out.json(&status)?;
    } else {
        out.raw(page(&status, is_full))?;
    }
    Ok(if status.has_problems() || is_full { Exit::Problems } else { Exit::Well })
}

/// What only the server and the drive can say.
async fn seen(config: &Config, log: Option<&EventLog>) -> Seen {
    let mut seen = Seen::default();
    match waiting(config, log).await {
        Ok(number) => seen.waiting = Some(number),
        Err(why) => seen.notes.push(format!("how many wait on the server is unknown: {why}")),
    }
    match attached::look(config, log).await {
        Some(drive) => seen.drives.push(drive),
        None => seen.notes.push("no drive is configured: set drive.root".to_owned()),
    }
    seen
}

async fn waiting(config: &Config, log: Option<&EventLog>) -> Result<u64, String> {
    let source = site::source(config).map_err(|trouble| trouble.what().to_owned())?;
    match tokio::time::timeout(MOST_WAIT, strongroom_audit::waiting(&source, log)).await {
        Ok(asked) => asked.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{} did not answer within {} s", source.server(), MOST_WAIT.as_secs())),
    }
}

fn page(status: &Status, is_full: bool) -> String {
    let verdict = if is_full { FULL.to_owned() } else { verdict(status) };
    let mut page = format!("site {}: {verdict}\n\n", status.site);
    let standings = &status.bookings.standings;
    let waiting = status.bookings.waiting.map_or_else(|| "unknown".to_owned(), |number| number.to_string());
    let mut row = |what: &str, value: &str| page += &format!("  {what:<24}{value}\n");
    row("waiting on the server", &waiting);
    for (what, number) in [
        ("enumerated", standings.enumerated),
        ("fetched", standings.fetched),
        ("backed up", standings.backed_up),
        ("archived", standings.archived),
        ("purged", standings.purged),
        ("need attention", standings.needs_attention),
    ] {
        row(what, &number.to_string());
    }
    row("log", &format!("{} events, root {}", status.log.size, status.log.root));
    for drive in &status.drives {
        row("drive", &one_drive(drive));
    }
    row("last run", &status.last_run.as_ref().map_or_else(|| "never".to_owned(), one_run));
    for cause in &status.causes {
        page += &format!(
            "\n{}: {} ({}{})\n  {}\n  next: {}\n",
            cause.bookings,
            cause.cause,
            cause.first.join(", "),
            if cause.bookings > cause.first.len() as u64 { ", …" } else { "" },
            cause.message,
            cause.next_step
        );
    }
    for alarm in &status.alarms {
        page += &format!(
            "\nalarm {} since {}: {}\n  next: {}\n",
            alarm.kind.code(),
            alarm.since.strftime("%Y-%m-%d %H:%M:%S UTC"),
            alarm.message,
            alarm.next_step
        );
    }
    for note in &status.notes {
        page += &format!("\nnote: {note}\n");
    }
    page
}

/// The page in one line.
fn verdict(status: &Status) -> String {
    let stuck = status.bookings.standings.needs_attention;
    let moving = status.bookings.standings.in_hand() - stuck;
    match (stuck, status.alarms.len()) {
        (0, 0) if status.has_problems() => "the last run failed".to_owned(),
        (0, 0) => match (status.bookings.waiting, moving) {
            (Some(0), 0) => "all that was signed off is archived".to_owned(),
            (Some(waiting), 0) => format!("well; {waiting} wait for the next run"),
            (None, 0) => "nothing is in hand; what waits is unknown".to_owned(),
            (_, moving) => format!("well; {moving} on their way"),
        },
        (0, alarms) => format!("{alarms} raised: see below", alarms = plural(alarms as u64, "alarm is", "alarms are")),
        (stuck, 0) => format!("{} a person", plural(stuck, "booking needs", "bookings need")),
        (stuck, alarms) => format!(
            "{} a person, and {} raised",
            plural(stuck, "booking needs", "bookings need"),
            plural(alarms as u64, "alarm is", "alarms are")
        ),
    }
}

fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn one_drive(drive: &DriveState) -> String {
    let label = drive.label.as_ref().map_or_else(String::new, |label| format!("“{}” ", printable(label, 60)));
    let id = drive.id.map_or_else(String::new, |id| format!("({id}): "));
    let free = drive.free_bytes.map_or_else(String::new, |free| format!(", {} free", ByteCount(free)));
    format!("{label}{id}{}{free}", drive.state.replace('-', " "))
}

fn one_run(run: &LastRun) -> String {
    let at = run.requested_at.strftime("%Y-%m-%d %H:%M:%S UTC");
    let found = match (run.enumerated, run.waiting, &run.failure) {
        (Some(taken), Some(waiting), _) => format!("took {taken} of {waiting} waiting"),
        (_, _, Some(failure)) => format!("{}: {failure}", run.state),
        _ => run.state.to_owned(),
    };
    format!("{at}: {found}")
}

#[cfg(test)]
mod tests;
