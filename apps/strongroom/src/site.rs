//! What verbs open of a site: its configuration, its log, its document server.

use std::path::{Path, PathBuf};

use strongroom_eventlog::{EventLog, OpenError, Unwritable};
use strongroom_model::ByteCount;
use strongroom_model::text::with_causes;
use strongroom_service::Config;
use strongroom_service::config::sends_in_the_clear;
use strongroom_source::{Source, SourceSettings};

use crate::checkpoint::{self, Mails};
use crate::cli_error::{CliError, ErrorContext as _};
use crate::log_outage;
use crate::unrecordable::Unrecordable;

pub(crate) fn config(file: Option<&Path>) -> Result<Config, CliError> {
    Config::load(file).map_err(CliError::from)
}

/// The command that starts the next run; with a worker for each stage, `enumerate` does.
pub(crate) fn next_run(config: Option<&Config>) -> &'static str {
    let has_workers = config.is_some_and(|config| config.broker.url.is_some() || config.broker.url_file.is_some());
    if has_workers { "strongroom enumerate --once" } else { "strongroom run --once" }
}

/// The log, to append to; made where there is none. One that lost its newest events is refused until a person
/// has decided.
pub(crate) async fn log(config: &Config) -> Result<EventLog, CliError> {
    log_for(config, Mails::Elsewhere).await
}

/// The same, for a process that may be the one that mails: it also mails that the log was refused.
pub(crate) async fn log_for(config: &Config, mails: Mails) -> Result<EventLog, CliError> {
    let log = match unchecked_log(config).await {
        Ok(log) => log,
        Err(error) => {
            if mails == Mails::Here {
                log_outage::on_failed_open(config, &error.sentence()).await;
            }
            return Err(error);
        }
    };
    let found = match checkpoint::check(config, &log).await {
        Ok(None) => return Ok(log),
        Ok(Some(rewound)) => {
            if let Err(error) = checkpoint::raise(&log, &rewound).await {
                tracing::warn!(error = %with_causes(&error), "the alarm that the log was rewound could not be recorded: this process refuses the log with that error");
            }
            if mails == Mails::Here {
                checkpoint::mail(config, &log).await;
            }
            rewound.to_error()
        }
        Err(error) => error.into(),
    };
    log.close().await;
    Err(found)
}

/// The log, whatever its checkpoints say.
pub(crate) async fn unchecked_log(config: &Config) -> Result<EventLog, CliError> {
    let Some(url) = config.log.database()? else {
        let opened = EventLog::open_sqlite(&config.log_path(), &config.site).await;
        return opened.map_err(|error| explained(config, error));
    };
    let log = EventLog::open_postgres(url.reveal().as_str(), &config.site).await.map_err(unopened)?;
    if let Some(error) = left_behind(config, &log).await? {
        log.close().await;
        return Err(error);
    }
    Ok(log)
}

/// An error if the database's log is empty though the former file is not: with an empty log everything would be
/// claimed once more.
async fn left_behind(config: &Config, log: &EventLog) -> Result<Option<CliError>, CliError> {
    let path = config.log_path();
    if log.head().await?.size > 0 || !path.exists() {
        return Ok(None);
    }
    let file = EventLog::open_read_only(&path, &config.site).await.map_err(unopened)?;
    let size = file.head().await?.size;
    file.close().await;
    let what = || format!("the log in the database of log.url is empty, but {} holds {size} events", path.display());
    Ok((size > 0).then(|| {
        CliError::new(what()).next_step("`strongroom log copy` brings them over; or move that file away to begin anew")
    }))
}

pub(crate) async fn log_to_read(config: &Config) -> Result<EventLog, CliError> {
    read_only(config).await?.map_err(|error| {
        if is_missing(&error) {
            return CliError::from(error).next_step(format!(
                "`{}` makes it; log.url, or log.path and data_dir, say where",
                next_run(Some(config))
            ));
        }
        explained(config, error)
    })
}

/// The log, to read only; `None` where nothing has run yet.
pub(crate) async fn log_if_any(config: &Config) -> Result<Option<EventLog>, CliError> {
    match read_only(config).await? {
        Ok(log) => Ok(Some(log)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(explained(config, error)),
    }
}

/// SQLite says only that a file cannot be opened, or "disk I/O error", where its file system is full or read-only.
fn explained(config: &Config, error: OpenError) -> CliError {
    let is_of_the_file = matches!(error, OpenError::Folder { .. } | OpenError::Storage { .. });
    match Unrecordable::of(config).filter(|_| is_of_the_file) {
        Some(found) => found.error().because(&error),
        None => unopened(error),
    }
}

async fn read_only(config: &Config) -> Result<Result<EventLog, OpenError>, CliError> {
    Ok(match config.log.database()? {
        Some(url) => EventLog::open_postgres_read_only(url.reveal().as_str(), &config.site).await,
        None => EventLog::open_read_only(&config.log_path(), &config.site).await,
    })
}

const fn is_missing(error: &OpenError) -> bool {
    matches!(error, OpenError::Missing(_) | OpenError::NoLog { .. })
}

pub(crate) fn unwritable(found: &Unwritable, path: &Path) -> CliError {
    let error = if found.is_disk_full {
        CliError::new(format!("the disk with the log is full: {}", path.display()))
            .next_step("make room there; nothing is lost, and the next run goes on from the log")
    } else {
        CliError::new(format!("nothing can be written to the log: {}", found.reason)).next_step(
            "`strongroom doctor` looks at what is around it; nothing is lost, and the next run goes on from the log",
        )
    };
    error.finally()
}

/// How much room there is on the disk with the log, if it is a file of this host.
pub(crate) fn room_for_log(config: &Config) -> Option<ByteCount> {
    Some(ByteCount(strongroom_files::Space::at(&folder_of_log(config)?).ok()?.free))
}

/// The folder with the log, or the nearest one above that is there already, if the log is a file of this host.
pub(crate) fn folder_of_log(config: &Config) -> Option<PathBuf> {
    if config.log.url.is_some() || config.log.url_file.is_some() {
        return None;
    }
    let path = config.log_path();
    path.parent()?.ancestors().find(|folder| folder.exists()).map(Path::to_owned)
}

/// With less than this nothing can be recorded any more: one commit takes as much.
pub(crate) const NO_ROOM: ByteCount = ByteCount(1 << 20);

/// What goes to other hosts in the clear: the key of the address, and the host.
pub(crate) fn in_the_clear(config: &Config) -> Vec<(&'static str, String)> {
    let source = config.source.address().ok().and_then(sends_in_the_clear).map(|host| ("source.url", host));
    let broker = config.broker.address().ok().flatten().and_then(|address| sends_in_the_clear(address.reveal()));
    source.into_iter().chain(broker.map(|host| ("broker.url", host))).collect()
}

/// Says it once, as a process starts.
pub(crate) fn warn_of_the_clear(config: &Config) {
    for (key, host) in in_the_clear(config) {
        tracing::warn!(key, host, "passwords and tokens go there without encryption: use https:// or amqps://");
    }
}

/// Why a log was not opened, and the next step.
pub(crate) fn unopened(error: OpenError) -> CliError {
    let step = match error {
        OpenError::Url => "write log.url such as postgres://strongroom:password@127.0.0.1/strongroom",
        OpenError::NotMigrated { .. } => {
            "strongroom log migrate --url-file FILE, which holds postgres://OWNER:PASSWORD@HOST/DATABASE"
        }
        OpenError::NoRights { .. } => "let the database's owner give this user its role; deploy/postgres shows how",
        OpenError::OtherSitesWriter { .. } => "strongroom log migrate --writer ROLE, as the database's owner",
        OpenError::Encoding { .. } => "make a database with the encoding UTF8, and name that in log.url",
        OpenError::Pooler { .. } => "name Postgres itself in log.url, not the pooler",
        OpenError::NoTls { .. } => {
            "give Postgres a certificate for its name; or say in log.url how it may go without one"
        }
        OpenError::Database { .. } => "see that Postgres runs there, and that log.url names it and may log in",
        _ => "`strongroom doctor` looks at what is around it",
    };
    CliError::from(error).next_step(step)
}

/// A client of the document server. Nothing is sent yet.
pub(crate) fn source(config: &Config) -> Result<Source, CliError> {
    config.source.address()?;
    source_with(config, config.source.secret()?.reveal())
}

/// The same, with another token than the site's.
pub(crate) fn source_with(config: &Config, token: &str) -> Result<Source, CliError> {
    let section = &config.source;
    let authority_pem = match &section.ca_file {
        None => None,
        Some(path) => Some(std::fs::read(path).context_and_step(
            format!("cannot read {}, which source.ca_file names", path.display()),
            "check that it exists and that this user may read it",
        )?),
    };
    let settings = SourceSettings {
        url: section.address()?.to_string(),
        token: Some(token.to_owned()),
        connect_timeout: section.connect_timeout.get(),
        read_timeout: section.read_timeout.get(),
        connections: section.connections as usize,
        authority_pem,
    };
    Source::new(&settings).map_err(CliError::from)
}
