//! Whether the log can be read and written, and when the last run was.

use std::io::ErrorKind;

use jiff::SignedDuration;
use jiff::tz::TimeZone;
use strongroom_eventlog::EventLog;
use strongroom_model::text::shown;
use strongroom_model::{AlarmKind, SubjectKind};
use strongroom_service::config::ServiceUrl;
use strongroom_service::{Clock, Config};

use super::check::Check;
use super::host::whole;
use crate::checkpoint::{self, Rewound};
use crate::cli_error::CliError;
use crate::run::runs::overdue;
use crate::site;

/// The log: whether it opens, whether it may be written, and whether it is intact.
pub(super) async fn log(config: &Config) -> Check {
    let database = match config.log.database() {
        Ok(database) => database,
        Err(error) => return Check::error("log", &CliError::from(error).next_step("see [log] in strongroom.toml")),
    };
    let place = database.as_ref().map_or_else(|| config.log_path().display().to_string(), ServiceUrl::to_string);
    let log = match site::log_if_any(config).await {
        Ok(Some(log)) => log,
        // The first run makes a new log, and compares that with every checkpoint before it appends anything.
        Ok(None) => {
            return match checkpoint::check_none(config).await {
                Some(rewound) => Check::bad("log", rewound.sentence, Rewound::step()),
                None => Check::well("log", format!("none yet; the first run makes it in {place}")),
            };
        }
        Err(error) => return Check::error("log", &error),
    };
    let found = match may_append(config, &log, database.is_some()).await {
        Ok(()) => verified(&log, &place).await,
        Err(check) => check,
    };
    log.close().await;
    found
}

/// There is a log; whether this user may append to it. Nothing is.
async fn may_append(config: &Config, log: &EventLog, is_in_database: bool) -> Result<(), Check> {
    match checkpoint::check(config, log).await {
        Ok(None) => {}
        Ok(Some(rewound)) => return Err(Check::bad("log", rewound.sentence, Rewound::step())),
        Err(error) => return Err(Check::bad("log", error.to_string(), "`strongroom log verify` says more")),
    }
    if is_in_database {
        let opened = site::unchecked_log(config).await.map_err(|error| Check::error("log", &error))?;
        let tried = opened.probe_write().await;
        opened.close().await;
        let why = match tried {
            Ok(None) => return Ok(()),
            Ok(Some(found)) => found.reason,
            Err(error) => error.to_string(),
        };
        let found = format!("nothing can be recorded in it: {why}");
        return Err(Check::bad("log", found, AlarmKind::LogUnreachable.step()));
    }
    let path = config.log_path();
    let opened = std::fs::OpenOptions::new().append(true).open(&path);
    opened.map(drop).map_err(|error| {
        let found = format!("{} cannot be written to: {error}", path.display());
        let step = match error.kind() {
            ErrorKind::ReadOnlyFilesystem => "mount its file system for writing",
            _ => "give it to the user that runs strongroom",
        };
        Check::bad("log", found, step)
    })
}

async fn verified(log: &EventLog, place: &str) -> Check {
    match log.verify().await {
        Ok(found) => match found.damage {
            None => {
                Check::well("log", format!("{} events in {place}, root {}", found.head.size, found.head.root_base64()))
            }
            Some(damage) => Check::bad("log", damage.to_string(), "`strongroom log verify` says more"),
        },
        Err(error) => Check::bad("log", error.to_string(), "`strongroom log verify` says more"),
    }
}

/// When runs happen, and when the last one was.
pub(super) async fn schedule(config: &Config, clock: &Clock) -> Check {
    let schedule = config.schedule();
    let every = config.schedule.every;
    let between = schedule.between.map_or_else(|| "at any time".to_owned(), |window| format!("between {window}"));
    let zone = config.zone();
    let zone = zone.iana_name().unwrap_or("the host's time zone");
    let hosts = TimeZone::system();
    let others = hosts.iana_name().filter(|hosts| config.time_zone.is_some() && *hosts != zone);
    let others = others.map_or_else(String::new, |hosts| format!(" (timers and cron of this host go by {hosts})"));
    let plan = format!("`strongroom run` starts one every {every} {between}, in {zone}{others}");
    // Why a log cannot be read is reported where it is looked at.
    let Ok(Some(log)) = site::log_if_any(config).await else {
        return Check::well("schedule", format!("{plan}; none has run yet"));
    };
    let last = log.last_of(SubjectKind::Run).await;
    let overdue = overdue(config, &log, clock).await;
    log.close().await;
    if let Ok(Some(overdue)) = overdue {
        return Check::bad("schedule", format!("{plan}; {overdue}"), AlarmKind::RunOverdue.step());
    }
    match last {
        Ok(Some(last)) if schedule.is_of_a_wrong_clock(last.time, clock.now()) => {
            let at = shown(last.time, &schedule.zone);
            Check::warning(
                "schedule",
                format!(
                    "{plan}; the last run was recorded at {at}, which has not come: the clock was ahead then, or is behind now"
                ),
                "set the clock by NTP (`timedatectl set-ntp true`); runs go on by the clock as it is",
            )
        }
        Ok(Some(last)) => {
            let ago = clock.now().duration_since(last.time).max(SignedDuration::ZERO);
            Check::well("schedule", format!("{plan}; the last run was {} ago", whole(ago)))
        }
        Ok(None) => Check::well("schedule", format!("{plan}; none has run yet")),
        Err(error) => Check::warning("schedule", error.to_string(), "`strongroom log verify` says more"),
    }
}
