//! `strongroom drive`: gives a drive its identity, or gives it back, and says how a drive stands.

mod adopt;
mod cancel;
mod copy;
mod find;
mod hand_over;
mod known;
mod list;
mod mounted;
mod repair;
mod restore;
mod retire;
mod verify;

use std::path::{Path, PathBuf};

use clap::Subcommand;
use strongroom_drive::{Backing, Drive, DriveError, Identity, InitError};
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::event::DriveInitialised;
use strongroom_model::{ByteCount, DriveId, Event, Expected, NewEvent, StreamName, SubjectKind};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config, ConfigError};

use self::restore::Wanted;
use crate::cli_error::CliError;
use crate::drive_report;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

/// Sets drives up and looks after what they hold: verify, copy, repair, hand over, find
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom drive init /mnt/backup --label \"blue 1\"    give the drive its identity, once
  strongroom drive init                                 the drive named in strongroom.toml
  strongroom drive init ./try --same-disk               a folder on the system's disk, to try things out
  strongroom drive status                               identity, room, and what is in the way
  strongroom drive restore-identity                     after a power cut took the identity
  strongroom drive adopt --reason \"the old one broke\"  a clone is the right drive from now on
  strongroom drive verify                               read every copy back, and compare it with the log
  strongroom drive copy --to /mnt/second --to /mnt/third  make two more copies in one pass
  strongroom drive repair /mnt/second --from /mnt/backup  replace damaged copies by proven ones
  strongroom drive hand-over \"blue 2\" --to \"M. Okafor\" --place \"the client's safe\"
  strongroom drive find B-1001                          which drives have it, and where they are

Files that are on the drive already stay as they are."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: DriveVerb,
}

#[derive(Debug, Subcommand)]
enum DriveVerb {
    /// Writes the drive's identity into its .strongroom/drive.json
    Init {
        /// The drive's folder, where it is mounted; without it drive.root of the configuration
        path: Option<PathBuf>,
        /// A name for people, as on the drive's sticker
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// Takes a folder on the disk of the system, the log or the documents: no second disk, no safety if that one fails
        #[arg(long)]
        same_disk: bool,
        /// Takes a folder in memory (a RAM disk), to try things out: gone with the power
        #[arg(long)]
        in_memory: bool,
    },
    /// Gives a drive whose identity is lost or damaged its identity back, from the log
    RestoreIdentity {
        /// The drive's folder, where it is mounted; without it drive.root of the configuration
        path: Option<PathBuf>,
        /// The drive that it is, where it does not show that by what it holds
        #[arg(long, value_name = "ID")]
        id: Option<DriveId>,
        /// The same, by its label
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
        /// Takes a folder on the disk of the system, the log or the documents
        #[arg(long)]
        same_disk: bool,
        /// Takes a folder in memory (a RAM disk)
        #[arg(long)]
        in_memory: bool,
    },
    /// Decides that this is the right drive from now on, though it lacks the mark of its newest use
    Adopt {
        /// The drive's folder, where it is mounted; without it drive.root of the configuration
        path: Option<PathBuf>,
        /// Why, for whoever reads the log later
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Reads copies back past the caches, and compares the months' folders with the log
    Verify {
        /// The drive's folder, where it is mounted; without it drive.root of the configuration
        path: Option<PathBuf>,
        #[command(flatten)]
        args: verify::VerifyArgs,
    },
    /// Copies what a drive holds onto other drives, each copy read back and proven
    Copy {
        /// The drive's folder, where it is mounted; without it drive.root of the configuration
        path: Option<PathBuf>,
        #[command(flatten)]
        args: copy::CopyArgs,
    },
    /// Replaces damaged copies on a drive by proven ones from another
    Repair {
        /// The drive's folder, where it is mounted; without it drive.root of the configuration
        path: Option<PathBuf>,
        #[command(flatten)]
        args: repair::RepairArgs,
    },
    /// Ends a verification, copy or repair that is not to go on
    Cancel(cancel::CancelArgs),
    /// Records who gets a drive and where it is kept, and writes a receipt to sign
    HandOver(hand_over::HandOverArgs),
    /// Records that a drive came back
    Return(hand_over::ReturnArgs),
    /// Records that a drive is lost, stolen or broken: its copies count no longer
    Lost(hand_over::LostArgs),
    /// Takes a drive out of service, once all that it holds is proven on enough others
    Retire(retire::RetireArgs),
    /// Lists every drive ever: what it holds, where it is, who has it, how old its evidence is
    List(list::ListArgs),
    /// Says which drives have a booking's copies, and where they are
    Find(find::FindArgs),
    /// Says which drive it is, how much room it has, and what is in the way
    Status {
        /// The drive's folder; without it drive.root of the configuration
        path: Option<PathBuf>,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) async fn run(args: &Args, file: Option<&Path>, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        DriveVerb::Init { path, label, same_disk, in_memory } => {
            let config = config_if_any(file)?;
            let root = root(path.as_deref(), config.as_ref(), file)?;
            refuse_unsafe(&root, config.as_ref(), *same_disk, *in_memory)?;
            init(&root, label.as_deref(), config.as_ref(), out).await
        }
        DriveVerb::RestoreIdentity { path, id, label, same_disk, in_memory } => {
            let config = site::config(file)?;
            let root = root(path.as_deref(), Some(&config), file)?;
            refuse_unsafe(&root, Some(&config), *same_disk, *in_memory)?;
            restore::run(&root, Wanted { id: *id, label: label.as_deref() }, &config, out).await
        }
        DriveVerb::Adopt { path, reason } => {
            let config = site::config(file)?;
            let root = root(path.as_deref(), Some(&config), file)?;
            adopt::run(&root, reason, &config, out).await
        }
        DriveVerb::Verify { path, args } => {
            let config = site::config(file)?;
            let root = root(path.as_deref(), Some(&config), file)?;
            Box::pin(verify::run(&root, args, &config, out)).await
        }
        DriveVerb::Copy { path, args } => {
            let config = site::config(file)?;
            let root = root(path.as_deref(), Some(&config), file)?;
            Box::pin(copy::run(&root, args, &config, out)).await
        }
        DriveVerb::Repair { path, args } => {
            let config = site::config(file)?;
            let root = root(path.as_deref(), Some(&config), file)?;
            Box::pin(repair::run(&root, args, &config, out)).await
        }
        DriveVerb::Cancel(args) => cancel::run(args, &site::config(file)?, out).await,
        DriveVerb::HandOver(args) => hand_over::hand_over(args, &site::config(file)?, out).await,
        DriveVerb::Return(args) => hand_over::back(args, &site::config(file)?, out).await,
        DriveVerb::Lost(args) => hand_over::lost(args, &site::config(file)?, out).await,
        DriveVerb::Retire(args) => retire::run(args, &site::config(file)?, out).await,
        DriveVerb::List(args) => list::run(args, &site::config(file)?, out).await,
        DriveVerb::Find(args) => find::run(args, &site::config(file)?, out).await,
        DriveVerb::Status { path, json } => {
            let config = config_if_any(file)?;
            let root = root(path.as_deref(), config.as_ref(), file)?;
            let log = match &config {
                // Why a log cannot be read is for `doctor` to say.
                Some(config) => site::log_if_any(config).await.ok().flatten(),
                None => None,
            };
            let exit = status(&root, config.as_ref(), log.as_ref(), *json, out).await;
            if let Some(log) = log {
                log.close().await;
            }
            exit
        }
    }
}

/// The configuration; a drive can be set up and looked at without one.
fn config_if_any(file: Option<&Path>) -> Result<Option<Config>, CliError> {
    match Config::load(file) {
        Ok(config) => Ok(Some(config)),
        Err(ConfigError::NoneFound(_)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn root(path: Option<&Path>, config: Option<&Config>, file: Option<&Path>) -> Result<PathBuf, CliError> {
    if let Some(path) = path {
        return Ok(path.to_owned());
    }
    match config {
        Some(config) => Ok(config.drive.mounted_at()?.to_owned()),
        None => Err(CliError::from(Config::load(file).expect_err("there was none a moment ago"))
            .next_step("or name the drive's folder: strongroom drive init /mnt/backup")),
    }
}

/// Refuses a folder that is not a place of its own, unless that is wanted: the mount point of a drive that is not mounted is
/// a folder on the system's disk.
fn refuse_unsafe(root: &Path, config: Option<&Config>, same_disk: bool, in_memory: bool) -> Result<(), CliError> {
    let backing = Drive::backing_of(root).map_err(|error| drive_error(&error))?;
    if backing == Backing::Memory && !in_memory {
        return Err(CliError::new(format!(
            "{} is in memory (a RAM disk): all of it is gone with the power",
            root.display()
        ))
        .next_step("mount a disk there first; to try things out all the same, add --in-memory"));
    }
    let Some(whose) = drive_report::whose_disk(root, config).filter(|_| !same_disk) else { return Ok(()) };
    Err(CliError::new(format!("{} is on the disk of {whose}, not on a drive of its own", root.display())).next_step(
        "mount the drive there first (`findmnt` shows what is mounted); if copies on the same disk are what you want, add \
         --same-disk",
    ))
}

async fn init(root: &Path, label: Option<&str>, config: Option<&Config>, out: &mut Out) -> Result<Exit, CliError> {
    let label = label.map_or_else(|| default_label(root), str::to_owned);
    let clock = Clock::system();
    if let Some(config) = config
        && !root.join(".strongroom/drive.json").exists()
        && let Some(other) = called(config, &label).await
    {
        return Err(CliError::new(format!("another drive of this log is called {label:?} already: {other}"))
            .next_step("choose a label that tells them apart: strongroom drive init --label LABEL"));
    }
    let identity = match Drive::init(root, &label, clock.now()) {
        Ok(identity) => identity,
        Err(InitError::Drive(error)) => return Err(drive_error(&error)),
        Err(error) => return Err(error.into()),
    };
    out.line(format_args!("the drive at {} is set up: {identity}", root.display()))?;
    for remark in drive_report::remarks(root, config) {
        out.line(format_args!("note: {}; {}", remark.what, remark.step))?;
    }
    if let Some(config) = config {
        // The drive is set up whether or not the log hears of it: it is noted for people's
        // sake, and nothing rests on it.
        if let Err(error) = note_in(config, &identity, &clock).await {
            out.line(format_args!("it is not noted in the log of site {}, though: {}", config.site, error.what))?;
        }
    }
    out.line(format_args!("Next: strongroom doctor, then {}", site::next_run(config)))?;
    Ok(Exit::Well)
}

/// How many drives of the log are looked at, the newest first.
const MAX_DRIVES: usize = 1000;

/// The drive of the configured log that has this label, if one has. A log that cannot be read keeps nobody from setting
/// a drive up.
async fn called(config: &Config, label: &str) -> Option<DriveId> {
    let log = site::log(config).await.ok()?;
    let heads = log.newest(SubjectKind::Drive, MAX_DRIVES).await.unwrap_or_default();
    let streams: Vec<StreamName> = heads.into_iter().map(|head| head.stream).collect();
    let histories = log.readable_streams(&streams).await.unwrap_or_default();
    log.close().await;
    let has_label = |event: &Event| matches!(event, Event::DriveInitialised(known) if known.label == label);
    let (stream, _) = histories.into_iter().find(|(_, history)| history.iter().any(|one| has_label(&one.event)))?;
    stream.id().parse().ok()
}

/// The folder's own name, where that makes a label.
fn default_label(root: &Path) -> String {
    let name = root.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let plain = !name.is_empty() && name.len() <= 40 && name.chars().all(|c| c.is_ascii_graphic() || c == ' ');
    if plain { name.to_owned() } else { "backup".to_owned() }
}

/// Notes in the site's log that the drive was set up, unless it is noted there.
async fn note(log: &EventLog, identity: &Identity, clock: &Clock) -> Result<(), AppendError> {
    let stream = StreamName::drive(identity.id);
    let known = log.heads(std::slice::from_ref(&stream)).await.map_err(AppendError::NotStored)?;
    if !known.is_empty() {
        return Ok(());
    }
    let initialised = Event::DriveInitialised(DriveInitialised { label: identity.label.clone() });
    match log.append(vec![NewEvent::new(stream, Expected::New, clock.now(), person(), initialised)]).await {
        Ok(_) | Err(AppendError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The same, in the log that is configured.
pub(crate) async fn note_in(config: &Config, identity: &Identity, clock: &Clock) -> Result<(), CliError> {
    let log = site::log(config).await?;
    let noted = note(&log, identity, clock).await;
    log.close().await;
    Ok(noted?)
}

async fn status(
    root: &Path,
    config: Option<&Config>,
    log: Option<&EventLog>,
    json: bool,
    out: &mut Out,
) -> Result<Exit, CliError> {
    let settings = config.map(drive_report::settings).unwrap_or_default();
    let (state, obstacle) = drive_report::drive_state_and_obstacle(log, root, &settings).await;
    if json {
        out.json(&state)?;
    } else {
        out.line(format_args!("drive at {}: {}", root.display(), state.state.replace('-', " ")))?;
        if let (Some(id), Some(label)) = (state.id, &state.label) {
            out.line(format_args!("  label  {label}\n  id     {id}"))?;
        }
        if let Some(free) = state.free_bytes {
            let reserve = settings.reserve.unwrap_or_default();
            out.line(format_args!("  free   {}, of which {reserve} are kept in reserve", ByteCount(free)))?;
        }
    }
    if !json && obstacle.is_none() {
        for remark in drive_report::remarks_with(log, root, config).await {
            out.line(format_args!("  note   {}; {}", remark.what, remark.step))?;
        }
    }
    match obstacle {
        None => Ok(Exit::Well),
        Some(_) if json => Ok(Exit::Problems),
        Some(error) => {
            out.line(format_args!("  next   {}", error.next_step()))?;
            Ok(Exit::Problems)
        }
    }
}

/// What is the matter with a drive, and what to do about it.
pub(crate) fn drive_error(error: &DriveError) -> CliError {
    let what = error.obstacle().map_or_else(|| error.to_string(), |alarm| alarm.message);
    CliError::new(what).next_step(error.next_step())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_names_its_drive_unless_its_name_is_strange() {
        assert_eq!(default_label(Path::new("/mnt/blue 1")), "blue 1");
        assert_eq!(default_label(Path::new("/mnt/\u{202e}x")), "backup");
        assert_eq!(default_label(Path::new("/")), "backup");
    }
}
