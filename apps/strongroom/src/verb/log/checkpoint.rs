//! `strongroom log checkpoint`: the log's size and root, signed.

use strongroom_eventlog::EventLog;
use strongroom_service::{Config, blocking};

use crate::checkpoint::{now, places_to_write, signed};
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::known_keys::KnownKeys;
use crate::out::Out;
use crate::site_key::KeyFile;

#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  strongroom log checkpoint > checkpoint.txt    sign the log as it is now, and keep that elsewhere
  strongroom log verify --checkpoint checkpoint.txt

The text is a signed note (c2sp.org/tlog-checkpoint). It is kept in the data folder and on the mounted drive as well.")]
pub(super) struct Args {}

pub(super) async fn run(Args {}: &Args, log: &EventLog, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let file = KeyFile::of(config);
    let Some(key) = file.read()? else {
        return Err(CliError::new(format!(
            "the site's key is not on this host: {} is not there",
            file.path().display()
        ))
        .next_step("strongroom key new; or run this on the host that has the key"));
    };
    let known = KnownKeys::read(log).await?;
    if known.newest().is_some_and(|newest| *newest != key.public()) {
        return Err(CliError::new("the key in the file is not the one that the log knows as the newest")
            .next_step("strongroom key show"));
    }
    let signed = signed(now(log).await?, Some(&key));
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
