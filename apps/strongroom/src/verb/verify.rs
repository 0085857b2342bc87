//! `strongroom verify`: proves the copies on a drive, as a process of its own.

use std::path::PathBuf;
use std::time::Duration;

use strongroom_model::StageName;
use strongroom_model::event::AlarmRaised;
use strongroom_service::Config;
use strongroom_verify::Verify;

use crate::exit::Exit;
use crate::process::attached::{Attached, wait_for, with_drive};
use crate::process::role::Role;
use crate::process::{Common, Process};
use crate::trouble::Trouble;

/// Reads copies back from the drive and compares three digests
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom verify                             the drive of drive.root
  strongroom verify --drive /mnt/blue           this one, whatever the configuration says
  strongroom verify --concurrency 8             8 reads at once: for drives without a moving head

Each drive has a queue of its own, so the work goes to the host that mounts it. When another drive is
put in its place, that one's copies are proven. At its start it puts right what a dead process left.
The first SIGTERM finishes what is in hand, the second gives it up; nothing is lost either way.")]
pub(crate) struct Args {
    /// The drive's folder, where it is mounted; without it drive.root
    #[arg(long, value_name = "PATH")]
    drive: Option<PathBuf>,
    /// How many reads at once; without it verify.concurrency
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=256))]
    concurrency: Option<u32>,
    #[command(flatten)]
    common: Common,
}

pub(crate) async fn run(args: &Args, mut config: Config) -> Result<Exit, Trouble> {
    if let Some(concurrency) = args.concurrency {
        config.verify.concurrency = concurrency;
    }
    let config = with_drive(config, args.drive.as_deref())?;
    let mut process = Process::worker(Role::Stage(StageName::Verify), config, &args.common).await?;
    let mut drive = Attached::new(&process, StageName::Verify);
    let done = match begin(&process, &mut drive).await {
        Ok(true) => {
            process.start_verify();
            let turns = process.keep(async || {
                if drive.is_due() {
                    look(&mut drive, process.verify()).await?;
                }
                Ok(Duration::MAX)
            });
            turns.await
        }
        other => other.map(drop),
    };
    process.end(done).await
}

/// Waits for the drive, and looks it through. Returns whether it came.
async fn begin(process: &Process, drive: &mut Attached) -> Result<bool, Trouble> {
    loop {
        if !wait_for(process, drive).await? {
            return Ok(false);
        }
        if look(drive, process.verify()).await?.is_none() {
            return Ok(true);
        }
        tokio::time::sleep(crate::run::job::LOOK_EVERY).await;
    }
}

/// Looks at the drive, and through it where it is another one than before: its queue is the one
/// to take from, then.
async fn look(drive: &mut Attached, stage: &Verify) -> Result<Option<AlarmRaised>, Trouble> {
    if let Some(obstacle) = drive.look().await? {
        return Ok(Some(obstacle));
    }
    if let Some(obstacle) = drive.waits_for() {
        return Ok(Some(obstacle));
    }
    match stage.begin().await {
        Ok(()) => drive.well().await.map(|()| None),
        Err(obstacle) => drive.found(&obstacle).await.map(|()| Some(obstacle)),
    }
}
