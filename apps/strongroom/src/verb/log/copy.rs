//! `strongroom log copy`: the log, brought over from its file to a database.

use std::path::PathBuf;

use strongroom_eventlog::EventLog;
use strongroom_proof::Head;
use strongroom_service::{Clock, Config, RunLock, RunLockError};

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::{Out, is_terminal, tell};
use crate::site::unopened;

const LINE_EVERY: u64 = 100_000;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom log copy                           from log.path (or data_dir) to log.url
  strongroom log copy --from old/log.sqlite     from another file

Stop what runs for the site first. The file stays as it is; a copy that was stopped goes on where it
was. The size and the root that are printed at the end are those of the file.")]
pub(super) struct Args {
    /// The log's file; without it the one that is used while log.url is not set
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

pub(super) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let url = config.log.database()?.ok_or_else(|| {
        CliError::new("there is no database to copy the log to")
            .next_step("set log.url in strongroom.toml, then `strongroom log migrate`")
    })?;
    let path = args.from.clone().unwrap_or_else(|| config.log_path());
    let _lock = alone(config)?;
    let from = EventLog::open_read_only(&path, &config.site).await.map_err(unopened)?;
    let to = EventLog::open_postgres(url.reveal().as_str(), &config.site).await.map_err(unopened)?;
    let copied = copy(&from, &to).await;
    from.close().await;
    to.close().await;
    let head = copied?;
    out.line(format_args!("{} events are in {url} now, as they are in {}", head.size, path.display()))?;
    out.line(format_args!("root {}", head.root_base64()))?;
    out.line("Next: strongroom log verify, then strongroom run, or strongroom relay and workers")?;
    Ok(Exit::Well)
}

/// Nothing must be appended to the file meanwhile.
pub(super) fn alone(config: &Config) -> Result<RunLock, CliError> {
    match RunLock::take(&config.run_lock_path(), Clock::system().now()) {
        Ok(lock) => Ok(lock),
        Err(error @ RunLockError::Held { .. }) => Err(CliError::from(error).next_step("stop it, then try again")),
        Err(error) => Err(error.into()),
    }
}

async fn copy(from: &EventLog, to: &EventLog) -> Result<Head, CliError> {
    let whole = from.head().await?.size;
    let mut told = 0;
    let head = from.copy_to(to, |copied| {
        if is_terminal() && copied / LINE_EVERY > told / LINE_EVERY {
            tell(format_args!("{copied} of {whole} events"));
            told = copied;
        }
    });
    Ok(head.await?)
}
