//! `strongroom restore`: gives files back from a drive, to a folder or to the document server.

mod alone;
mod mounts;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use strongroom_audit::{copies_of, known_drives};
use strongroom_eventlog::EventLog;
use strongroom_model::event::{Act, MountedDrive, RestoreTo, Selection};
use strongroom_model::text::{files, grouped};
use strongroom_model::{BookingId, DriveId, Month};
use strongroom_service::Config;

use crate::cli_error::{CliError, ErrorContext as _};
use crate::custody::act::{Seen, carry_out};
use crate::custody::schedule::drill;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

const SERVER: &str = "server";

/// Restores files from a drive: to a folder, to the server's archive, or as a drill
#[derive(Debug, clap::Args)]
#[command(
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom restore B-1001 --to ./restored                one booking's file, from a mounted drive that has it
  strongroom restore --month 2026-11 --to ./restored       a month's files
  strongroom restore --all --from /mnt/second --to /srv/new  every file of that drive
  strongroom restore B-1001 --to server                    put a lost or rotten file back into the server's archive
  strongroom restore --drill 20                            restore 20 files to a scratch folder, to show that it works
  strongroom restore --from-drive /mnt/second --to ./restored  with nothing but the drive: no log, no configuration

Each file is compared with its proven digest while it is read, and after it was written. What is there
already is not written again, so the same command goes on where it stopped; a file of another content
keeps its name, and the restored one gets a numbered one. The drive is only read."
)]
#[command(group = clap::ArgGroup::new("which").args(["booking", "month", "all", "drill"]).multiple(false))]
pub(crate) struct Args {
    /// The bookings
    booking: Vec<BookingId>,
    /// Every file of that month's folder
    #[arg(long, value_name = "MONTH")]
    month: Option<Month>,
    /// Every file
    #[arg(long)]
    all: bool,
    /// As many files, chosen at random, to a scratch folder that is emptied afterwards
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000), conflicts_with_all = ["to", "from_drive"])]
    drill: Option<u32>,
    /// A folder, or `server` for the document server's archive
    #[arg(long, value_name = "FOLDER", required_unless_present = "drill")]
    to: Option<PathBuf>,
    /// The drive to read, where it is mounted; without it one that has the files
    #[arg(long, value_name = "PATH")]
    from: Option<PathBuf>,
    /// A drive alone, without log and configuration: its manifests say what is right
    #[arg(long, value_name = "PATH", conflicts_with = "from")]
    from_drive: Option<PathBuf>,
    /// The result as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) async fn run(args: &Args, file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    if let Some(drive) = &args.from_drive {
        let to = args.to.as_deref().unwrap_or(Path::new("."));
        return alone::run(drive, to, &args.booking, args.month, out).await;
    }
    if args.booking.is_empty() && args.month.is_none() && !args.all && args.drill.is_none() {
        return Err(CliError::usage_error("no file is named")
            .next_step("name bookings, --month MONTH, --all, or --drill N: strongroom restore --help"));
    }
    let config = site::config(file)?;
    let log = site::log(&config).await?;
    let done = restore(args, &config, &log, out).await;
    log.close().await;
    report(&done?, args.json, out)
}

async fn restore(args: &Args, config: &Config, log: &EventLog, out: &mut Out) -> Result<Vec<Seen>, CliError> {
    let mut seen = Vec::new();
    for (drive, which) in plan(args, config, log).await? {
        let to = match &args.to {
            None => RestoreTo::Scratch,
            Some(to) if to.as_os_str() == SERVER => RestoreTo::Server,
            Some(to) => RestoreTo::Folder { path: folder(to)? },
        };
        seen.push(carry_out(config, log, Act::Restore { drive, to, which }, false, out).await?);
    }
    Ok(seen)
}

/// Which files to read from which drive.
async fn plan(args: &Args, config: &Config, log: &EventLog) -> Result<Vec<(MountedDrive, Selection)>, CliError> {
    let mounted = match &args.from {
        Some(root) => vec![mounts::at(root)?],
        None => mounts::all(config).await,
    };
    let Some(first) = mounted.first() else {
        return Err(CliError::new("no drive is mounted")
            .next_step("mount one that `strongroom drive find BOOKING` names, and name its folder with --from"));
    };
    if let Some(files) = args.drill {
        return Ok(vec![(first.clone(), drill(log, first.drive, files).await?)]);
    }
    if let Some(month) = args.month {
        return Ok(vec![(first.clone(), Selection::Month { month })]);
    }
    if args.all {
        return Ok(vec![(first.clone(), Selection::All)]);
    }
    let mut by_drive: BTreeMap<DriveId, Vec<BookingId>> = BTreeMap::new();
    let copies = copies_of(log, &known_drives(log).await?, &args.booking).await?;
    for booking in &args.booking {
        let Some(known) = copies.get(booking) else {
            return Err(CliError::new(format!("the log does not know booking {booking}"))
                .next_step("compare the id with the portal's; nothing was restored"));
        };
        let has =
            |drive: &&MountedDrive| known.copies.iter().any(|copy| copy.drive == drive.drive && copy.proven.is_some());
        let Some(drive) = mounted.iter().find(has) else {
            return Err(CliError::new(format!("no mounted drive has a proven copy of booking {booking}")).next_step(
                format!("`strongroom drive find {booking}` says which drive to mount; name it with --from"),
            ));
        };
        by_drive.entry(drive.drive).or_default().push(booking.clone());
    }
    let of = |drive| mounted.iter().find(|one| one.drive == drive).cloned();
    Ok(by_drive.into_iter().filter_map(|(drive, ids)| Some((of(drive)?, Selection::Bookings { ids }))).collect())
}

/// Made if needed; its parent must be there.
fn folder(to: &Path) -> Result<String, CliError> {
    let whole = std::path::absolute(to)?;
    if !whole.is_dir() {
        std::fs::create_dir(&whole).context_and_step(
            format!("cannot make the folder {}", whole.display()),
            "name a folder that can be made with --to",
        )?;
    }
    whole.to_str().map(str::to_owned).ok_or_else(|| {
        CliError::new(format!("the folder {} has a name that is not UTF-8", whole.display()))
            .next_step("name another folder with --to")
    })
}

fn report(seen: &[Seen], json: bool, out: &mut Out) -> Result<Exit, CliError> {
    let (mut written, mut there, mut wrong) = (0, 0, 0);
    for one in seen {
        let tally = &one.state.tally;
        written += tally.written;
        there += tally.skipped;
        wrong += tally.damaged + tally.faults;
        if json {
            out.json(&serde_json::json!({ "act": one.id, "finished": one.is_finished(), "tally": tally }))?;
        }
    }
    let exit = if wrong == 0 && written + there > 0 { Exit::Well } else { Exit::Problems };
    if json {
        return Ok(exit);
    }
    if written + there + wrong == 0 {
        out.line("no such file is on that drive: `strongroom drive find BOOKING` says where a booking's copies are")?;
        return Ok(exit);
    }
    let there = if there > 0 { format!(", {} there already", grouped(there)) } else { String::new() };
    let wrong_too = if wrong > 0 { format!(", {} NOT restored", grouped(wrong)) } else { String::new() };
    out.line(format_args!("{} restored and read again{there}{wrong_too}", files(written)))?;
    for remark in seen.iter().flat_map(|one| &one.state.tally.remarks) {
        out.line(format_args!("  {remark}"))?;
    }
    Ok(exit)
}
