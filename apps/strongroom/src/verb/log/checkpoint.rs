//! `strongroom log checkpoint`: the log's size and root, signed.

use strongroom_eventlog::EventLog;
use strongroom_service::{Config, blocking};

use crate::checkpoint::{now, places_to_write, refuse_rewound, signed};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::known_keys::signing_key;
use crate::out::Out;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom log checkpoint > checkpoint.txt    sign the log as it is now, and keep that elsewhere
  strongroom log verify --checkpoint checkpoint.txt

The text is a signed note (c2sp.org/tlog-checkpoint). It is kept in the data folder and on the
mounted drive as well. A log that does not continue an earlier checkpoint is not signed.")]
pub(super) struct Args {}

pub(super) async fn run(Args {}: &Args, log: &EventLog, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    refuse_rewound(config, log).await?;
    let signed = signed(now(log).await?, Some(&signing_key(config, log).await?));
    let (places, kept) = (places_to_write(config, log).await, signed.clone());
    let written = blocking(move || {
        places.iter().try_for_each(|place| {
            let newest = place.read(&kept.checkpoint().site);
            let is_older = newest.is_none_or(|newest| newest.checkpoint().head.size <= kept.checkpoint().head.size);
            if is_older { place.write(&kept) } else { Ok(()) }
        })
    })
    .await;
    if let Err(error) = written {
        tracing::warn!(%error, "the checkpoint was not kept on this host");
    }
    out.raw(signed)?;
    out.flush()?;
    Ok(Exit::Well)
}
