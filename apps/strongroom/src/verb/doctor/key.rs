//! Whether this host can sign the log's checkpoints.

use strongroom_eventlog::EventLog;
use strongroom_service::Config;

use super::check::Check;
use crate::cli_error::CliError;
use crate::known_keys::{KnownKeys, signing_key};
use crate::site;
use crate::site_key::KeyFile;

const NAME: &str = "key";

/// `None` where neither this host nor the log has a key, or the log cannot be read, which is reported elsewhere.
pub(super) async fn key(config: &Config) -> Option<Check> {
    let log = site::log_if_any(config).await.ok().flatten()?;
    let check = found(config, &log).await;
    log.close().await;
    check
}

async fn found(config: &Config, log: &EventLog) -> Option<Check> {
    let file = KeyFile::of(config);
    if !file.path().exists() {
        let newest = KnownKeys::read(log).await.ok()?.newest()?.to_string();
        return Some(Check::well(NAME, format!("not on this host, which signs nothing; the site's is {newest}")));
    }
    Some(match signing_key(config, log).await {
        Ok(_) if file.next().path().exists() => {
            let found = format!("a change of {} was begun and not ended", file.path().display());
            Check::warning(NAME, found, "strongroom key rotate, which ends it")
        }
        Ok(key) => Check::well(NAME, key.public().to_string()),
        Err(error) => warning(&error),
    })
}

/// Checkpoints are kept without a signature then.
fn warning(error: &CliError) -> Check {
    Check::warning(NAME, error.sentence(), error.next.clone().unwrap_or_default())
}
