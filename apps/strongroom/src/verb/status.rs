//! `strongroom status`: how the site stands now.

pub(super) mod page;

use std::time::Duration;

use strongroom_audit::{AsOf, JobState, LogProblem, Observed, Status, hosts, jobs};
use strongroom_eventlog::EventLog;
use strongroom_model::text::with_causes;
use strongroom_service::{Clock, Config};

use crate::checkpoint::{self, Rewound};
use crate::cli_error::CliError;
use crate::drive_report;
use crate::exit::Exit;
use crate::out::Out;
use crate::presence::present::Present;
use crate::process::role::Role;
use crate::run::runs::overdue;
use crate::site;
use crate::unrecordable::Unrecordable;

use self::page::page;

/// Says how it stands: bookings, log, drives, the last run
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom status                             a page for people
  strongroom status --json                      the same for a program
  strongroom status --json | jq .bookings
  strongroom status --as-of 1200                as it stood at position 1200, from the log alone

What waits is asked of the document server; if it does not answer, that is shown as unknown.
A process that gives no sign of life counts as gone. What the work that waits needs and nobody does
is said first.
Exit codes: 0 well; 2 something needs a person, or cannot be known.")]
pub(crate) struct Args {
    /// As it stood then: a position, or a time such as 2026-11-20T23:00Z
    #[arg(long, value_name = "TIME|POSITION")]
    as_of: Option<AsOf>,
    /// As JSON
    #[arg(long)]
    json: bool,
}

/// How long to wait for the document server: a person waits for the page.
const MAX_WAIT: Duration = Duration::from_secs(10);

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    if let Some(as_of) = args.as_of {
        let log = site::log_to_read(config).await?;
        let status = Status::as_of(&log, as_of.position(&log).await?).await?;
        show(&status, None, args, config, out)?;
        return Ok(Exit::Well);
    }
    let unrecordable = Unrecordable::of(config);
    let log = site::log_if_any(config).await?;
    let mut observed = observed(config, log.as_ref()).await?;
    observed.log_problem = log_problem(config, log.as_ref()).await;
    observed.notes.extend(unrecordable.as_ref().map(Unrecordable::note));
    let status = match &log {
        Some(log) => Status::read(log, observed).await?,
        None => Status::before_the_first_run(config.site.clone(), observed),
    };
    show(&status, unrecordable.as_ref(), args, config, out)?;
    Ok(if status.has_problems() || unrecordable.is_some() { Exit::Problems } else { Exit::Well })
}

/// That nothing can be recorded is said whatever else is well: it stops everything.
fn show(
    status: &Status,
    unrecordable: Option<&Unrecordable>,
    args: &Args,
    config: &Config,
    out: &mut Out,
) -> Result<(), CliError> {
    let first = unrecordable.map(|found| found.sentence);
    if args.json { out.json(status) } else { out.raw(page(status, first, &config.zone())) }
}

/// Whether the log is the one that its checkpoints remember: an older copy, or none, would show too little.
async fn log_problem(config: &Config, log: Option<&EventLog>) -> Option<LogProblem> {
    let found = match log {
        Some(log) => checkpoint::check(config, log).await,
        None => Ok(checkpoint::check_none(config).await),
    };
    let (message, next_step) = match found {
        Ok(rewound) => (rewound?.sentence, Rewound::step()),
        Err(error) => (with_causes(&error), "`strongroom log verify` says more"),
    };
    Some(LogProblem { message, next_step: next_step.to_owned() })
}

/// What only the server and the drive can say.
async fn observed(config: &Config, log: Option<&EventLog>) -> Result<Observed, CliError> {
    let mut observed = Observed::default();
    if Role::has_bookings(config) {
        match waiting(config, log).await {
            Ok(number) => observed.waiting = Some(number),
            Err(why) => observed.notes.push(format!("how many wait on the server is unknown: {why}")),
        }
        match drive_report::drive_state(config, log).await {
            Some(drive) => observed.drives.push(drive),
            None => observed.notes.push("no drive is configured: set drive.root".to_owned()),
        }
    } else {
        // A site without a document server.
        observed.waiting = Some(0);
    }
    if let Some(log) = log {
        let clock = Clock::system();
        let present = Present::look(config, log, &clock).await?;
        observed.overdue = overdue(config, log, &clock).await?;
        let (grace, zone) = (config.watch.job_grace.get(), config.zone());
        observed.jobs = jobs(log, clock.now(), grace, &zone).await?;
        observed.jobs.retain(|job| job.state != JobState::Retired);
        observed.hosts = hosts(log, &observed.jobs, clock.now(), config.watch.host_silent_after.get(), &zone).await?;
        observed.notes.extend(present.remark);
        observed.processes = present.processes;
        observed.missing = present.missing;
    }
    Ok(observed)
}

async fn waiting(config: &Config, log: Option<&EventLog>) -> Result<u64, String> {
    let source = site::source(config).map_err(|error| error.what)?;
    match tokio::time::timeout(MAX_WAIT, strongroom_audit::waiting(&source, log)).await {
        Ok(asked) => asked.map_err(|error| error.to_string()),
        Err(_) => Err(format!("{} did not answer within {} s", source.server(), MAX_WAIT.as_secs())),
    }
}
