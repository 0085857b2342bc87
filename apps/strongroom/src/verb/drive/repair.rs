//! `strongroom drive repair`: replaces damaged copies by proven ones from another drive.

use std::path::{Path, PathBuf};

use strongroom_model::event::Act;
use strongroom_service::Config;

use super::mounted::mounted;
use super::verify::report;
use crate::cli_error::CliError;
use crate::custody::act::carry_out;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

#[derive(Debug, clap::Args)]
pub(super) struct RepairArgs {
    /// The drive with good copies, where it is mounted
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    /// Leave it to the process that does such work, and exit at once
    #[arg(long)]
    detach: bool,
    /// The result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(root: &Path, args: &RepairArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let (drive, from) = (mounted(root)?, mounted(&args.from)?);
    if drive.drive == from.drive {
        return Err(CliError::new("a drive cannot be repaired from itself")
            .next_step("name another drive with --from, one that `strongroom drive find BOOKING` names"));
    }
    let log = site::log(config).await?;
    let seen = carry_out(config, &log, Act::Repair { drive: drive.clone(), from }, args.detach, out).await;
    log.close().await;
    report(&seen?, "repaired", drive.drive, args.json, out)
}
