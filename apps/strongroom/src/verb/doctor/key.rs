//! Whether this host can sign the log's checkpoints.

use strongroom_eventlog::EventLog;
use strongroom_service::Config;

use super::check::Check;
use crate::cli_error::CliError;
use crate::known_keys::{KnownKeys, signing_key};
use crate::site;
use crate::site_key::KeyFile;
use crate::verb::log::witness::said;
use crate::witnesses::{Answer, SiteWitness, Witnesses, answers};

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

/// What each witness answered last on this host.
pub(super) async fn witnesses(config: &Config) -> Vec<Check> {
    const NAME: &str = "witness";
    let Ok(Some(log)) = site::log_if_any(config).await else { return Vec::new() };
    let witnesses = Witnesses::read(&log).await.map(|witnesses| witnesses.all).unwrap_or_default();
    let last = answers(config, log.site()).await;
    log.close().await;
    let check = |witness: SiteWitness| {
        let last = last.iter().find(|answer| answer.key == witness.key.to_string());
        let found = format!("{}: {}", witness.key.name(), said(last));
        match last {
            Some(answer) if answer.is_refused => Check::warning(
                NAME,
                found,
                "strongroom log verify --checkpoint FILE, with a checkpoint that was kept elsewhere",
            ),
            Some(Answer { problem: Some(_), .. }) => {
                Check::warning(NAME, found, "see that its server runs and has the site's newest public key")
            }
            _ => Check::well(NAME, found),
        }
    };
    witnesses.into_iter().map(check).collect()
}

/// Checkpoints are kept without a signature then.
fn warning(error: &CliError) -> Check {
    Check::warning(NAME, error.sentence(), error.next.clone().unwrap_or_default())
}
