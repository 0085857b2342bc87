//! `strongroom replay`: what happened, from the log alone.

mod against;
mod diff;
mod drive;
mod events;
mod table;

use std::path::PathBuf;

use strongroom_audit::{AsOf, DEFAULT_PAGE, PageCursor, PageRequest};
use strongroom_eventlog::EventLog;
use strongroom_model::{BookingId, StreamName};
use strongroom_service::Config;

use self::table::Table;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Tells from the log alone what happened, and how it stood at any moment
#[derive(Debug, clap::Args)]
#[command(
    group = clap::ArgGroup::new("rows").args(["table", "diff", "against"]),
    after_help = "\
Examples:
  strongroom replay                             the whole log, then how the bookings stand
  strongroom replay --booking B-1001            one booking's life, with the proof of its copy
  strongroom replay --as-of 2026-11-20T23:00Z   as it stood at that time
  strongroom replay --as-of 120 --summary       as it stood at position 120, without the sentences
  strongroom replay --as-of 120 --table drives  every drive as it was then
  strongroom replay --table bookings --csv      every booking, for a spreadsheet
  strongroom replay --diff 120 2026-11-21T06:00Z   what changed between two moments
  strongroom replay --as-of 120 --table copies  each copy's newest proof; also: acts, purges
  strongroom replay --stream drive/ID           the story of any subject, as `list` names it
  strongroom replay --against server            what the document server lists otherwise
  strongroom replay --against drive /mnt/blue   what lies on that drive otherwise
  strongroom replay --against drive --read      the same of drive.root, and reads each copy

An event that cannot follow what came before it is reported, and the exit code is 1.
Where --against finds a difference, the exit code is 2; each is named with the event that says otherwise.
In CSV a text that begins with =, +, - or @ has an apostrophe before it, so that no spreadsheet
takes it for a formula."
)]
pub(crate) struct Args {
    /// Stop there: a position, or a time such as 2026-11-20T23:00Z
    #[arg(long, value_name = "TIME|POSITION", conflicts_with_all = ["diff", "against"])]
    as_of: Option<AsOf>,
    /// One booking only
    #[arg(long, value_name = "ID", conflicts_with = "rows")]
    booking: Option<BookingId>,
    /// One subject only, such as custody/ID, copy/DRIVE/BOOKING/DIGEST or purge/ID
    #[arg(long, value_name = "SUBJECT", conflicts_with_all = ["rows", "booking"])]
    stream: Option<StreamName>,
    /// Only how everything stands at the end
    #[arg(long, conflicts_with = "rows")]
    summary: bool,
    /// Every subject of a kind as it was, instead of the events
    #[arg(long, value_name = "TABLE")]
    table: Option<Table>,
    /// What changed between two moments, each a position or a time
    #[arg(long, num_args = 2, value_names = ["FROM", "TO"])]
    diff: Option<Vec<AsOf>>,
    /// What is there and differs from what the log says: `server`, or `drive` with the folder where it is mounted
    #[arg(long, num_args = 1..=2, value_names = ["WHAT", "PATH"])]
    against: Option<Vec<PathBuf>>,
    /// Read each copy on the drive, too, and compare its digest
    #[arg(long, requires = "against")]
    read: bool,
    /// How many changed subjects at most
    #[arg(long, value_name = "N", default_value_t = DEFAULT_PAGE, requires = "diff")]
    limit: usize,
    /// Go on after the page that ended with this cursor
    #[arg(long, value_name = "CURSOR", requires = "diff")]
    after: Option<PageCursor>,
    /// As JSON
    #[arg(long)]
    json: bool,
    /// As CSV: all rows, whatever the limit
    #[arg(long, requires = "rows", conflicts_with = "json")]
    csv: bool,
}

impl Args {
    fn page(&self) -> PageRequest {
        PageRequest { as_of: None, after: self.after, limit: self.limit }
    }
}

/// What the log is compared with.
enum Other {
    Server,
    /// Where it is mounted.
    Drive(PathBuf),
}

impl Other {
    fn of(words: &[PathBuf], args: &Args, config: &Config) -> Result<Self, CliError> {
        match words {
            [what] if what.as_os_str() == "server" && !args.read => Ok(Self::Server),
            [what] if what.as_os_str() == "drive" => Ok(Self::Drive(config.drive.mounted_at()?.to_owned())),
            [what, path] if what.as_os_str() == "drive" => Ok(Self::Drive(path.clone())),
            _ => Err(CliError::usage_error(
                "--against takes `server`, or `drive` with the folder where it is mounted, and only a drive can be read",
            )),
        }
    }
}

pub(crate) async fn run(args: &Args, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log_to_read(config).await?;
    let zone = config.zone();
    let exit = match (&args.diff, args.table, &args.against) {
        (Some(moments), ..) => diff::show(&log, moments, args, &zone, out).await?,
        (_, Some(table), _) => table::show(&log, table, args, &zone, out).await?,
        (.., Some(words)) => match Other::of(words, args, config)? {
            Other::Server => against::show(&log, args, config, out).await?,
            Other::Drive(root) => drive::show(&log, &root, args, &zone, out).await?,
        },
        _ => events::show(&log, size(&log, args.as_of).await?, args, out).await?,
    };
    out.flush()?;
    Ok(exit)
}

async fn size(log: &EventLog, as_of: Option<AsOf>) -> Result<Option<u64>, CliError> {
    Ok(match as_of {
        None => None,
        Some(as_of) => Some(as_of.size(log).await?),
    })
}
