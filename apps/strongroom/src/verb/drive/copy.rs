//! `strongroom drive copy`: makes the second and third copy in one pass.

use std::path::{Path, PathBuf};

use strongroom_drive::Drive;
use strongroom_model::event::Act;
use strongroom_service::{Clock, Config};

use super::mounted::mounted;
use super::verify::report;
use super::{drive_error, note_in};
use crate::cli_error::CliError;
use crate::custody::act::carry_out;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

#[derive(Debug, clap::Args)]
pub(super) struct CopyArgs {
    /// A drive to copy to, where it is mounted, set up with `strongroom drive init`; may be given many times
    #[arg(long, value_name = "PATH", required = true)]
    to: Vec<PathBuf>,
    /// Leave it to the process that does such work, and exit at once
    #[arg(long)]
    detach: bool,
    /// The result as JSON
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(root: &Path, args: &CopyArgs, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let from = mounted(root)?;
    let mut to = Vec::with_capacity(args.to.len());
    for path in &args.to {
        let target = mounted(path)?;
        if target.drive == from.drive {
            return Err(CliError::new(format!("{} and {} are the same drive", root.display(), path.display()))
                .next_step("name another drive with --to: a copy on the same drive is lost with it"));
        }
        if to.contains(&target) {
            continue;
        }
        note_in(config, &identity(path)?, &Clock::system()).await?;
        to.push(target);
    }
    let log = site::log(config).await?;
    let seen = carry_out(config, &log, Act::Copy { drive: from.clone(), to }, args.detach, out).await;
    log.close().await;
    report(&seen?, "copied", from.drive, args.json, out)
}

fn identity(path: &Path) -> Result<strongroom_drive::Identity, CliError> {
    Drive::look(path).map(|(identity, _)| identity).map_err(|error| drive_error(&error))
}
