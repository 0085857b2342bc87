//! An outage, kept in the data folder for the next start.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use strongroom_model::EventId;
use strongroom_model::event::{AlarmNotified, AlarmRaised};
use strongroom_service::{Config, blocking};

use crate::checkpoint::data_folder;

/// A few ids, sentences and addresses.
const MAX_BYTES: usize = 64 * 1024;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct OutageFile {
    /// Until it is over and recorded.
    pub(super) outage: Option<Outage>,
    /// Within a day, the newest last.
    #[serde(default)]
    pub(super) mailed: Vec<Timestamp>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Outage {
    pub(super) since: Timestamp,
    #[serde(default)]
    pub(super) why: String,
    pub(super) told: Option<MailedOutage>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct MailedOutage {
    /// The event that the alarm will be.
    pub(super) raised: EventId,
    pub(super) at: Timestamp,
    pub(super) alarm: AlarmRaised,
    pub(super) notified: Option<AlarmNotified>,
    pub(super) reached: Vec<String>,
    /// Whether all reachable recipients have it.
    pub(super) is_complete: bool,
}

impl MailedOutage {
    /// Nothing of it was mailed yet.
    pub(super) const fn of(raised: EventId, at: Timestamp, alarm: AlarmRaised) -> Self {
        Self { raised, at, alarm, notified: None, reached: Vec::new(), is_complete: false }
    }
}

/// Several sites may share a data folder.
fn name(config: &Config) -> String {
    format!("away.{}", config.site)
}

/// What cannot be read counts as nothing: a mail too many is better than none.
pub(super) async fn read(config: &Config) -> OutageFile {
    let (folder, name) = (data_folder(config), name(config));
    let text = blocking(move || folder.text(&name, MAX_BYTES)).await.unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// A full disk may prevent it: then this process alone knows.
pub(super) async fn keep(config: &Config, file: &OutageFile) {
    let (folder, name) = (data_folder(config), name(config));
    let text = serde_json::to_string(file).expect("it has string keys");
    let is_empty = file.outage.is_none() && file.mailed.is_empty();
    let done = blocking(move || if is_empty { folder.remove(&name) } else { folder.replace(&name, &text) }).await;
    if let Err(error) = done {
        tracing::warn!(%error, "the outage of the log was not kept in the data folder: after a restart its mail may go out once more");
    }
}
