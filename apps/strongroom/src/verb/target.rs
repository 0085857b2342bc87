//! `strongroom target`: folders that jobs write to.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use strongroom_files::{Backing, Cache};
use strongroom_jobs::{Target, TargetError};
use strongroom_model::text::{printable, shown_to_the_minute, with_causes};
use strongroom_service::Clock;

use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;

/// Gives a folder that jobs write to an identity, or shows it
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "\
Examples:
  strongroom target init /mnt/disk                   a disk, or a folder on a NAS
  strongroom target init /mnt/disk --label Blue
  strongroom target show /mnt/disk/documents         which target is this folder in?

A job writes only to a folder in a target, and only to the one that it wrote to before: never into the
empty folder where a disk should be mounted, nor onto another disk. The identity is a small file,
.strongroom/target.json, which no job copies, compares or deletes."
)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: TargetVerb,
}

#[derive(Debug, Subcommand)]
enum TargetVerb {
    /// Gives a folder an identity
    Init {
        /// The folder, where it is mounted
        folder: PathBuf,
        /// What people call it; without it the folder's name
        #[arg(long, value_name = "TEXT")]
        label: Option<String>,
    },
    /// Shows which target a folder is in
    Show {
        /// The folder, which need not exist yet
        folder: PathBuf,
        /// As JSON
        #[arg(long)]
        json: bool,
    },
}

pub(crate) fn run(args: &Args, out: &mut Out) -> Result<Exit, CliError> {
    match &args.action {
        TargetVerb::Init { folder, label } => {
            let label = label.clone().unwrap_or_else(|| name_of(folder));
            let target = Target::init(folder, &label, Clock::system().now()).map_err(|error| refused(&error))?;
            let (id, root) = (target.identity.id, target.root.display());
            out.line(format_args!("{root} is target {id}, {label:?}: jobs may write to it and to folders in it"))?;
            if let Some((why, remedy)) = weakness(&target.root) {
                out.line(format_args!("  note: {why}; {remedy}"))?;
            }
        }
        TargetVerb::Show { folder, json } => {
            let folder = std::path::absolute(folder)?;
            let target = Target::of(&folder).map_err(|error| refused(&error))?;
            if *json {
                out.json(&serde_json::json!({ "root": target.root, "identity": target.identity }))?;
                return Ok(Exit::Well);
            }
            let identity = &target.identity;
            let since = shown_to_the_minute(identity.created_at, &jiff::tz::TimeZone::system());
            out.line(format_args!(
                "{} is in target {}, {:?}, set up at {} {since}",
                folder.display(),
                identity.id,
                identity.label,
                target.root.display()
            ))?;
        }
    }
    Ok(Exit::Well)
}

/// Why copies there prove less, or do not last; a NAS is what many have, and its reads are said to be remote in each proof.
fn weakness(root: &Path) -> Option<(&'static str, &'static str)> {
    let backing = std::fs::File::open(root).and_then(Backing::of).ok()?;
    if backing == Backing::Cache(Cache::Network) { None } else { backing.reason() }
}

fn name_of(folder: &Path) -> String {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let name = absolute.file_name().map_or_else(|| "target".to_owned(), |name| name.to_string_lossy().into_owned());
    printable(&name, 60)
}

fn refused(error: &TargetError) -> CliError {
    CliError::new(with_causes(error)).next_step(error.next_step())
}
