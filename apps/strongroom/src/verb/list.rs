//! `strongroom list`: pages of what the log knows, as it is now or as it was.

use clap::Subcommand;
use jiff::tz::TimeZone;
use serde::Serialize;
use strongroom_audit::{
    ActEntry, AlarmEntry, AlarmFilter, AsOf, CopyEntry, DEFAULT_PAGE, DriveEntry, Page, PageCursor, PageRequest,
    PurgeEntry, RunEntry, SubjectEntry, ViewError, acts, alarms, copies, drives, purges, runs, subjects,
};
use strongroom_eventlog::EventLog;
use strongroom_model::SubjectKind;
use strongroom_model::event::Found;
use strongroom_model::text::{grouped, printable, shown};
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const TEXT_CHARS: usize = 160;

/// Lists subjects by status, runs, alarms, drives, copies, acts or purges, page by page
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom list subjects --status needs-attention      the bookings that need a person
  strongroom list subjects --kind summary --status sent  the summaries that were sent
  strongroom list runs --limit 10                        the last ten runs
  strongroom list alarms --raised --json                 the alarms that are raised, for a program
  strongroom list drives                                 every drive that the log knows
  strongroom list runs --as-of 1200                      as the log was at position 1200
  strongroom list drives --as-of 2026-11-20T23:00Z       as it was at that time

What begins last comes first; subjects come by the position of their last event, copies by that of
their first proof."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: ListVerb,
}

#[derive(Debug, Subcommand)]
enum ListVerb {
    /// The subjects of a kind that have a status
    Subjects {
        /// What kind of subject
        #[arg(long, value_name = "KIND", default_value = "booking", value_parser = kind)]
        kind: SubjectKind,
        /// The label of the status, such as needs-attention
        #[arg(long, value_name = "LABEL")]
        status: String,
        #[command(flatten)]
        page: PageArgs,
    },
    /// The runs, and what became of them
    Runs {
        #[command(flatten)]
        page: PageArgs,
    },
    /// The alarms, each as it was raised last
    Alarms {
        /// Only those that are raised
        #[arg(long, conflicts_with = "cleared")]
        raised: bool,
        /// Only those that are over
        #[arg(long)]
        cleared: bool,
        #[command(flatten)]
        page: PageArgs,
    },
    /// The drives that the log knows, with the number of copies proven on them
    Drives {
        #[command(flatten)]
        page: PageArgs,
    },
    /// The copies on all drives, each with its newest proof or its damage
    Copies {
        #[command(flatten)]
        page: PageArgs,
    },
    /// The acts on drives' contents: verify, copy, repair, restore
    Acts {
        #[command(flatten)]
        page: PageArgs,
    },
    /// The purges, and what became of them
    Purges {
        #[command(flatten)]
        page: PageArgs,
    },
}

#[derive(Debug, Clone, Copy, clap::Args)]
struct PageArgs {
    /// As it was then: a position, or a time such as 2026-11-20T23:00Z
    #[arg(long, value_name = "TIME|POSITION")]
    as_of: Option<AsOf>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = DEFAULT_PAGE)]
    limit: usize,
    /// Go on after the page that ended with this cursor
    #[arg(long, value_name = "CURSOR")]
    after: Option<PageCursor>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

impl PageArgs {
    async fn request(self, log: &EventLog) -> Result<PageRequest, ViewError> {
        let as_of = match self.as_of {
            None => None,
            Some(as_of) => Some(as_of.position(log).await?),
        };
        Ok(PageRequest { as_of, after: self.after, limit: self.limit })
    }
}

fn kind(name: &str) -> Result<SubjectKind, String> {
    let known = SubjectKind::ALL.iter().copied().find(|kind| kind.name() == name);
    known.ok_or_else(|| {
        let names: Vec<_> = SubjectKind::ALL.iter().map(|kind| kind.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log_to_read(config).await?;
    let zone = config.zone();
    match &args.what {
        ListVerb::Subjects { kind, status, page } => {
            let found = subjects(&log, *kind, status, &page.request(&log).await?).await?;
            show(&found, page, out, |one| subject(one, &zone))?;
        }
        ListVerb::Runs { page } => {
            show(&runs(&log, &page.request(&log).await?).await?, page, out, |one| run_line(one, &zone))?;
        }
        ListVerb::Alarms { raised, cleared, page } => {
            let filter = match (raised, cleared) {
                (true, _) => AlarmFilter::Raised,
                (_, true) => AlarmFilter::Cleared,
                _ => AlarmFilter::All,
            };
            show(&alarms(&log, filter, &page.request(&log).await?).await?, page, out, |one| alarm(one, &zone))?;
        }
        ListVerb::Drives { page } => {
            show(&drives(&log, &page.request(&log).await?).await?, page, out, |one| drive_line(one, &zone))?;
        }
        ListVerb::Copies { page } => {
            show(&copies(&log, &page.request(&log).await?).await?, page, out, |one| copy_line(one, &zone))?;
        }
        ListVerb::Acts { page } => {
            show(&acts(&log, &page.request(&log).await?).await?, page, out, |one| act_line(one, &zone))?;
        }
        ListVerb::Purges { page } => {
            show(&purges(&log, &page.request(&log).await?).await?, page, out, |one| purge_line(one, &zone))?;
        }
    }
    out.flush()?;
    Ok(Exit::Well)
}

fn show<T: Serialize>(
    page: &Page<T>,
    args: &PageArgs,
    out: &mut Out,
    text: impl Fn(&T) -> String,
) -> Result<(), CliError> {
    if args.json {
        return out.json(page);
    }
    for item in &page.items {
        out.line(text(item))?;
    }
    if page.items.is_empty() {
        out.line("none")?;
    }
    match (page.next, page.as_of) {
        (Some(next), Some(as_of)) => out.line(format_args!("there are more: add --as-of {as_of} --after {next}")),
        _ => Ok(()),
    }
}

fn subject(one: &SubjectEntry, zone: &TimeZone) -> String {
    let at = shown(one.changed_at, zone);
    let partition = one.partition.as_ref().map_or_else(String::new, |partition| format!(", bound to {partition}"));
    let next = one.next_stage.map_or_else(String::new, |stage| format!(", next {stage}"));
    let failure = one.failure.as_ref().map_or_else(String::new, |failed| {
        format!("\n  {}: {}", failed.kind.cause(), printable(&failed.message, TEXT_CHARS))
    });
    format!("{}: {} since {at} (#{}){next}{partition}{failure}", one.subject, one.status, one.position)
}

pub(super) fn run_line(one: &RunEntry, zone: &TimeZone) -> String {
    let at = shown(one.requested_at, zone);
    let what = match (one.enumerated, one.waiting, &one.failure) {
        (Some(taken), Some(waiting), _) => format!(", took {taken} of {waiting} waiting"),
        (_, _, Some(failure)) => format!(": {}", printable(failure, TEXT_CHARS)),
        _ => String::new(),
    };
    format!("{at}: {} {} by {}{what} (#{})", one.id, one.state.label(), one.requested_by, one.position)
}

fn alarm(one: &AlarmEntry, zone: &TimeZone) -> String {
    let since = shown(one.since, zone);
    let state = match &one.cleared {
        None => format!("raised since {since}"),
        Some(end) => format!("raised {since}, cleared {}", shown(end.at, zone)),
    };
    let message = printable(&one.message, TEXT_CHARS);
    let next = format!("\n  next: {}", printable(&one.next_step, TEXT_CHARS));
    let next = if one.cleared.is_none() { next } else { String::new() };
    format!("{} ({}): {state}: {message}{next}", one.kind.code(), printable(&one.subject, TEXT_CHARS))
}

pub(super) fn drive_line(one: &DriveEntry, zone: &TimeZone) -> String {
    let label =
        one.label.as_deref().map_or_else(|| "no label".to_owned(), |label| format!("“{}”", printable(label, 60)));
    let used = match (one.first_used_at, one.last_used_at) {
        (Some(first), Some(last)) => format!("used from {} to {}", shown(first, zone), shown(last, zone)),
        _ => "never used".to_owned(),
    };
    format!("{} {label}: {used}, {} proven copies", one.id, one.proven_copies)
}

pub(super) fn copy_line(one: &CopyEntry, zone: &TimeZone) -> String {
    let state = match (&one.damage, one.proven_at) {
        (Some(Found::Missing), _) => format!("found missing {}", shown(one.changed_at, zone)),
        (Some(Found::Differs { .. }), _) => format!("found with other bytes {}", shown(one.changed_at, zone)),
        (Some(Found::Unreadable { .. }), _) => format!("found unreadable {}", shown(one.changed_at, zone)),
        (None, Some(at)) => format!("proven {}", shown(at, zone)),
        (None, None) => one.state.to_owned(),
    };
    let path = printable(&one.path, TEXT_CHARS);
    format!("{} on drive {}: {state}: {path} (#{})", one.booking, one.drive, one.position)
}

pub(super) fn act_line(one: &ActEntry, zone: &TimeZone) -> String {
    let at = shown(one.requested_at, zone);
    let tally = &one.tally;
    let sums = [
        (tally.good, "as proven"),
        (tally.written, "written"),
        (tally.skipped, "there already"),
        (tally.damaged, "damaged"),
        (tally.faults, "other faults"),
    ];
    let sums = sums.into_iter().filter(|(number, _)| *number > 0);
    let sums: Vec<_> = sums.map(|(number, what)| format!("{} {what}", grouped(number))).collect();
    let sums = if sums.is_empty() { String::new() } else { format!(", {}", sums.join(", ")) };
    let failure = one.failure.as_ref().map_or_else(String::new, |why| format!(": {}", printable(why, TEXT_CHARS)));
    let (act, state, by) = (one.act, one.state, &one.requested_by);
    format!("{at}: {} {act} of drive {} {state} by {by}{sums}{failure} (#{})", one.id, one.drive, one.position)
}

pub(super) fn purge_line(one: &PurgeEntry, zone: &TimeZone) -> String {
    let at = shown(one.proposed_at, zone);
    let by = printable(&one.proposed_by, TEXT_CHARS);
    let decided = match (&one.approved_by, &one.refused_by) {
        (_, Some(who)) => format!(", refused by {}", printable(who, TEXT_CHARS)),
        (Some(who), None) => format!(", approved by {}", printable(who, TEXT_CHARS)),
        (None, None) => String::new(),
    };
    let done = if one.purged + one.left > 0 {
        format!(", {} deleted, {} left", grouped(one.purged), grouped(one.left))
    } else {
        String::new()
    };
    let failure = one.failure.as_ref().map_or_else(String::new, |why| format!(": {}", printable(why, TEXT_CHARS)));
    let (bookings, bytes) = (grouped(one.bookings), one.size_bytes);
    let begun = format!("{at}: {} {}: {bookings} bookings, {bytes}, proposed by {by}", one.id, one.state);
    format!("{begun}{decided}{done}{failure} (#{})", one.position)
}
