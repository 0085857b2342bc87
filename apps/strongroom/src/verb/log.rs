//! `strongroom log`: the events themselves.

pub(crate) mod adopt;
mod checkpoint;
mod copy;
mod import;
mod migrate;
mod recover;
mod verify;
pub(crate) mod witness;

use clap::Subcommand;
use futures_util::StreamExt as _;
use jiff::Timestamp;
use strongroom_audit::{Export, sentence};
use strongroom_eventlog::{EventLog, Stored};
use strongroom_model::Position;
use strongroom_service::Config;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Prints, follows, verifies or moves the log
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom log tail                           the last events as sentences, then each new one
  strongroom log tail --lines 100 --no-follow   the last hundred, and no more
  strongroom log export > site.jsonl            the stored events, byte for byte, one a line
  strongroom log export --from 1200             from position 1200 on
  strongroom log verify                         recompute all, compare every root known here;
                                                exits 1 and names the first bad position
  strongroom log verify --against 181:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=
                                                and that the first 181 events still have the root
                                                that a mail told
  strongroom log verify --mail night.eml        and that it continues what a saved mail has signed
  strongroom log checkpoint                     sign the log's size and root as they are now
  strongroom log witness add https://quay.example/ --key KEY  have a witness elsewhere cosign the log
  strongroom log migrate --url-file owner.url
                                                make the log's tables in a database, once
  strongroom log copy                           bring the log over from its file to log.url
  strongroom log import site.jsonl              make the log anew of an export
  strongroom log recover                        after an older log was restored: claim again what
                                                the server archived since"
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: LogVerb,
}

#[derive(Debug, Subcommand)]
enum LogVerb {
    /// Prints the stored events by position, one CloudEvents JSON object a line
    Export {
        /// The first position to print
        #[arg(long, value_name = "POSITION", default_value_t = 0)]
        from: u64,
    },
    /// Prints the last events as sentences, then each new one as it happens
    Tail {
        /// How many of the last events to print first
        #[arg(long, short = 'n', value_name = "N", default_value_t = 10)]
        lines: u64,
        /// Stop after those
        #[arg(long)]
        no_follow: bool,
        /// As the stored JSON, one event a line
        #[arg(long)]
        json: bool,
    },
    /// Recomputes the Merkle tree and folds every stream
    Verify(verify::Args),
    /// Signs the log's size and root with the site's key
    Checkpoint(checkpoint::Args),
    /// Names the witnesses elsewhere that cosign the checkpoints
    Witness(witness::Args),
    /// Makes the table of each stream's last event anew, where verify finds it wrong
    Rebuild,
    /// Makes the log's tables in a Postgres database, or brings them up to date
    Migrate(migrate::Args),
    /// Decides to go on from a log that lost its newest events, with a reason that is recorded
    Adopt(adopt::Args),
    /// Copies the log from its file into the database of log.url, positions and root unchanged
    Copy(copy::Args),
    /// Makes the log anew of what `log export` printed, positions and root unchanged
    Import(import::Args),
    /// Claims bookings again that the server has archived and this log does not know
    Recover(recover::Args),
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = || site::log_to_read(config);
    match &args.action {
        LogVerb::Export { from } => export(&log().await?, Position(*from), out).await,
        LogVerb::Tail { lines, no_follow, json } => tail(&log().await?, *lines, !no_follow, *json, out).await,
        LogVerb::Verify(args) => verify::run(args, &log().await?, config, out).await,
        LogVerb::Checkpoint(args) => checkpoint::run(args, &log().await?, config, out).await,
        LogVerb::Witness(args) => witness::run(args, config, out).await,
        LogVerb::Rebuild => rebuild(config, out).await,
        LogVerb::Migrate(args) => migrate::run(args, config, out).await,
        LogVerb::Adopt(args) => adopt::run(args, config, out).await,
        LogVerb::Copy(args) => copy::run(args, config, out).await,
        LogVerb::Import(args) => import::run(args, config, out).await,
        LogVerb::Recover(args) => recover::run(args, config, out).await,
    }
}

async fn export(log: &EventLog, from: Position, out: &mut Out) -> Result<Exit, CliError> {
    let mut export = Export::start(log, from).await?;
    loop {
        let page = export.page().await?;
        if page.is_empty() {
            out.flush()?;
            return Ok(Exit::Well);
        }
        for stored in page {
            out.line(stored.body)?;
        }
    }
}

async fn tail(log: &EventLog, lines: u64, follow: bool, json: bool, out: &mut Out) -> Result<Exit, CliError> {
    let size = log.head().await?.size;
    let mut events = std::pin::pin!(log.tail(Position(size.saturating_sub(lines))));
    let mut left = lines.min(size);
    while follow || left > 0 {
        let Some(stored) = events.next().await else { break };
        let stored = stored?;
        if json {
            out.line(&stored.body)?;
        } else {
            out.line(told(&stored))?;
        }
        left = left.saturating_sub(1);
        // A reader of a tail wants each line at once, but not each of the first ones.
        if left == 0 {
            out.flush()?;
        }
    }
    out.flush()?;
    Ok(Exit::Well)
}

/// An event as a line. One that only a newer version can read is shown all the same.
fn told(stored: &Stored) -> String {
    match stored.decode() {
        Ok(recorded) => line(recorded.time, recorded.position, &sentence(&recorded)),
        Err(error) => format!("{:>40}  {error}", format!("#{}", stored.position)),
    }
}

/// `2026-11-20 23:00:00 UTC  #12  What happened.`
pub(crate) fn line(time: Timestamp, position: Position, sentence: &str) -> String {
    format!("{}  #{position}  {sentence}", time.strftime("%Y-%m-%d %H:%M:%S UTC"))
}

/// No event is touched: the table follows from them.
async fn rebuild(config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    // Opened to read first: a log that is not there must not be made by this.
    site::log_to_read(config).await?.close().await;
    let log = site::log(config).await?;
    let streams = log.rebuild_streams().await?;
    log.close().await;
    out.line(format_args!(
        "the last events of {streams} streams were read anew from the log\nNext: strongroom log verify"
    ))?;
    out.flush()?;
    Ok(Exit::Well)
}
