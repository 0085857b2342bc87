//! `strongroom drive adopt`: a person decides that a drive is the right one, though it lacks the mark of its newest use.

use std::path::Path;

use strongroom_drive::Drive;
use strongroom_eventlog::EventLog;
use strongroom_model::event::DriveAdopted;
use strongroom_model::text::printable;
use strongroom_model::{DriveUse, Event, Lineage};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config, kill_point};

use super::drive_error;
use crate::cli_error::CliError;
use crate::drive_report;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;
use crate::uses::KnownUses;

const REASON_CHARS: usize = 500;

pub(super) async fn run(root: &Path, reason: &str, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log(config).await?;
    let adopted = adopt(root, reason, config, &log).await;
    log.close().await;
    let (drive, is_new) = adopted?;
    if !is_new {
        out.line(format_args!(
            "the drive at {} is the one that the log knows, {}: nothing is to be decided",
            root.display(),
            drive.identity()
        ))?;
        return Ok(Exit::Well);
    }
    out.line(format_args!(
        "what is mounted at {} is drive {} from now on; what else has its identity is refused",
        root.display(),
        drive.identity()
    ))?;
    out.line(format_args!(
        "Next: {}; copies that this one lacks are reported as copy-lost, as far as they are looked at",
        site::next_run(Some(config))
    ))?;
    Ok(Exit::Well)
}

/// With whether it was to be adopted: not where it holds the mark of its newest use.
///
/// The mark is on the drive before the decision is recorded, as for any other use. If we stop in between, the drive holds
/// one mark that no log knows, and all is as it was: this drive is refused, the one that was used last is not, and the
/// command is given again.
async fn adopt(root: &Path, reason: &str, config: &Config, log: &EventLog) -> Result<(Drive, bool), CliError> {
    let settings = drive_report::settings(config);
    let drive = Drive::open(root, &settings).map_err(|error| drive_error(&error))?;
    let site = log.site();
    let known = KnownUses::read(log, drive.identity().id).await?;
    let marks = drive.uses(site).map_err(|error| drive_error(&error))?;
    if Lineage::of(known.newest(), &marks) != Lineage::Broken {
        return Ok((drive, false));
    }
    let used = DriveUse::after(known.newest(), &marks);
    let adopted = Event::DriveAdopted(DriveAdopted {
        generation: used.generation,
        token: used.token,
        before: marks.first().copied(),
        reason: printable(reason, REASON_CHARS),
    });
    drive.mark_use(site, used).map_err(|error| drive_error(&error))?;
    kill_point!("drive.adoption-marked");
    log.append(known.events(&drive, adopted, &Clock::system(), &person())).await?;
    Ok((drive, true))
}
