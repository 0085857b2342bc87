//! The mail about a log that was rewound, which is sent although nothing may be recorded.
//!
//! What was mailed is kept in the data folder, so that a process that restarts every minute mails once. It is
//! recorded when a person has decided.

use std::io;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strongroom_eventlog::EventLog;
use strongroom_model::event::AlarmNotified;
use strongroom_model::{EventId, Expected, SiteId};
use strongroom_notify::{Settings, mail_unrecorded};
use strongroom_service::{Config, blocking, kill_point};
use tokio::time::timeout;

use super::alarm;
use super::place::data_folder;
use crate::cli_error::{CliError, ErrorContext as _};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mails {
    Here,
    Elsewhere,
}

/// How long a shutdown waits for a mail server. The next start tries again.
const MAX_WAIT: Duration = Duration::from_secs(120);

const MAX_BYTES: usize = 64 * 1024;

#[derive(Debug, Serialize, Deserialize)]
struct Mailed {
    notified: AlarmNotified,
    reached: Vec<String>,
    /// Whether all reachable recipients have it.
    complete: bool,
}

/// Several sites may share a data folder.
fn name(site: &SiteId) -> String {
    format!("mailed.{site}")
}

/// Mails the alarm, unless it was mailed. A failure is printed to stderr, and the next start tries again.
pub(crate) async fn mail(config: &Config, log: &EventLog) {
    match timeout(MAX_WAIT, try_mail(config, log)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!(
            reason = error.sentence(),
            "the alarm about the log could not be mailed: it is tried again at the next start"
        ),
        Err(_) => {
            tracing::error!("the mail server takes too long: the alarm about the log is mailed at the next start");
        }
    }
}

async fn try_mail(config: &Config, log: &EventLog) -> Result<(), CliError> {
    let (_, alarm) = alarm(log).await?;
    let about: Vec<EventId> = alarm.pending.iter().map(|one| one.id).collect();
    let kept = read(config, log.site()).await.filter(|kept| kept.notified.about == about);
    if kept.as_ref().is_some_and(|kept| kept.complete) {
        return Ok(());
    }
    let mut reached = kept.map(|kept| kept.reached).unwrap_or_default();
    let told = mail_unrecorded(&Settings::from_config(config)?, log.site(), &alarm, &reached).await;
    // Nothing is left where a process that had not noticed yet has mailed and recorded it.
    let Some((notified, delivery)) = told.context("the mail was not handed over")? else { return Ok(()) };
    // If we stop here, the mail is out and not kept: it goes out again at the next start, with the same Message-ID.
    kill_point!("rewound.after-mail");
    reached.extend(delivery.taken.iter().map(ToString::to_string));
    let mailed = Mailed { notified, reached, complete: delivery.put_off.is_empty() };
    let text = serde_json::to_string(&mailed)?;
    let (folder, name) = (data_folder(config), name(log.site()));
    blocking(move || folder.replace(&name, &text)).await.context("what was mailed could not be kept")
}

/// What was mailed and is not recorded, with the version that its record expects.
pub(crate) async fn mailed(config: &Config, log: &EventLog) -> Result<Option<(Expected, AlarmNotified)>, CliError> {
    let (expected, alarm) = alarm(log).await?;
    let Some(kept) = read(config, log.site()).await.filter(|kept| kept.complete) else { return Ok(None) };
    let is_untold = |id: &EventId| alarm.pending.iter().any(|one| one.id == *id);
    let all = !kept.notified.about.is_empty() && kept.notified.about.iter().all(is_untold);
    Ok(all.then_some((expected, kept.notified)))
}

pub(crate) async fn forget_mailed(config: &Config, site: &SiteId) -> io::Result<()> {
    let (folder, name) = (data_folder(config), name(site));
    blocking(move || folder.remove(&name)).await
}

/// What cannot be read counts as nothing: a mail too many is better than none.
async fn read(config: &Config, site: &SiteId) -> Option<Mailed> {
    let (folder, name) = (data_folder(config), name(site));
    let text = blocking(move || folder.text(&name, MAX_BYTES)).await.ok()?;
    serde_json::from_str(&text).ok()
}
