//! `strongroom log checkpoint`: the log's size and root, signed.

use strongroom_eventlog::EventLog;
use strongroom_service::{Config, blocking};

use crate::checkpoint::{now, places_to_write, refuse_rewound, says_more, signed};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::known_keys::signing_key;
use crate::out::Out;
use crate::witnesses::Cosigners;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom log checkpoint > checkpoint.txt    sign the log as it is now, and keep that elsewhere
  strongroom log verify --checkpoint checkpoint.txt

The text is a signed note (c2sp.org/tlog-checkpoint). It is kept in the data folder and on the
mounted drive as well. A log that does not continue an earlier checkpoint is not signed. Witnesses cosign it; one that is away is left out after some seconds.")]
pub(super) struct Args {}

pub(super) async fn run(Args {}: &Args, log: &EventLog, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    refuse_rewound(config, log).await?;
    let signed = signed(now(log).await?, Some(&signing_key(config, log).await?));
    let (signed, is_refused) = Cosigners::new(config, log).cosigned_before_a_person(signed).await;
    let (places, kept) = (places_to_write(config, log).await, signed.clone());
    let written = blocking(move || {
        places.iter().try_for_each(|place| {
            let newest = place.read(&kept.checkpoint().site);
            let is_older = newest.is_none_or(|newest| says_more(&kept, &newest));
            if is_older { place.write(&kept) } else { Ok(()) }
        })
    })
    .await;
    if let Err(error) = written {
        tracing::warn!(%error, "the checkpoint was not kept on this host");
    }
    out.raw(signed)?;
    out.flush()?;
    Ok(if is_refused { Exit::Problems } else { Exit::Well })
}
