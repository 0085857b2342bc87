//! The newest checkpoint of the log, kept in the data folder and on the drive. To a log that does not continue from
//! one, nothing is appended; the alarm is mailed, and a person decides.

mod mailed;
mod place;
mod watch;

use std::fmt::Display;

use strongroom_bus::{AlarmError, Alarms};
use strongroom_eventlog::{Comparison, EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::fold::fold;
use strongroom_model::{Expected, SiteId, StreamName, SubjectKind};
use strongroom_proof::{Checkpoint, SignedCheckpoint, SigningKey};
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config, blocking};

pub(crate) use self::mailed::{Mails, forget_mailed, mail, mailed};
pub(crate) use self::place::CheckpointFolder;
pub(crate) use self::place::{data_folder, on_drive, places, places_to_write};
pub(crate) use self::watch::RewindWatch;
use crate::cli_error::CliError;
use crate::known_keys::signing_key;
use crate::site_key::KeyFile;

/// A log that does not continue from a checkpoint of it.
#[derive(Debug, Clone)]
pub(crate) struct Rewound {
    pub(crate) sentence: String,
    pub(crate) summary: u64,
}

impl Rewound {
    /// `None`: it continues from the checkpoint.
    fn from(comparison: Comparison, checkpoint: &Checkpoint, place: &dyn Display) -> Option<Self> {
        let head = &checkpoint.head;
        let earlier = format!("{place} remembers {}:{}", head.size, head.root_base64());
        let sentence = match comparison {
            Comparison::Continues => return None,
            Comparison::Shorter(size) => format!("the log ends after {size} events, but {earlier}"),
            Comparison::Differs => format!("the log's first {} events are others than they were: {earlier}", head.size),
        };
        Some(Self { sentence, summary: checkpoint.summary })
    }

    pub(crate) fn step() -> &'static str {
        "put the newest copy of the log back; or go on from this one with `strongroom log adopt --reason TEXT`, which is recorded"
    }

    pub(crate) fn to_error(&self) -> CliError {
        CliError::new(self.sentence.clone()).next_step(Self::step()).finally()
    }
}

pub(crate) async fn now(log: &EventLog) -> Result<Checkpoint, LogError> {
    let newest = log.newest(SubjectKind::Summary, 1).await?;
    let summary = newest.first().and_then(|newest| newest.stream.id().parse().ok()).unwrap_or(0);
    // Read after the summary's number: a later head does no harm.
    Ok(Checkpoint { site: log.site().clone(), head: log.head().await?, summary })
}

/// Signed, where this host has the site's key.
pub(crate) fn signed(checkpoint: Checkpoint, key: Option<&SigningKey>) -> SignedCheckpoint {
    match key {
        Some(key) => checkpoint.signed(key),
        None => checkpoint.unsigned(),
    }
}

/// The site's key, if this host has it: a checkpoint without a signature is better than none.
pub(crate) async fn key_if_any(config: &Config, log: &EventLog) -> Option<SigningKey> {
    if !KeyFile::of(config).path().exists() {
        return None;
    }
    signing_key(config, log)
        .await
        .inspect_err(|error| tracing::warn!(reason = error.sentence(), "the log's checkpoints are not signed"))
        .ok()
}

pub(crate) async fn check(config: &Config, log: &EventLog) -> Result<Option<Rewound>, LogError> {
    for (place, signed) in kept(config, log.site()).await {
        let checkpoint = signed.checkpoint();
        let comparison = log.compare(&checkpoint.head).await?;
        if let Some(rewound) = Rewound::from(comparison, checkpoint, &place) {
            return Ok(Some(rewound));
        }
    }
    found_by_another(log).await
}

/// Keeps it wherever none is kept that says more. One that is further stays: another process was faster, or the next start
/// has to look at it. Blocks.
pub(crate) fn keep(places: &[CheckpointFolder], signed: &SignedCheckpoint) {
    for place in places {
        let kept = place.read(&signed.checkpoint().site);
        if kept.is_some_and(|kept| !says_more(signed, &kept)) {
            continue;
        }
        if let Err(error) = place.write(signed) {
            tracing::warn!(%place, %error, "the log's checkpoint was not kept there");
        }
    }
}

/// Of a larger log, or of the same with more signatures.
pub(crate) fn says_more(new: &SignedCheckpoint, kept: &SignedCheckpoint) -> bool {
    let (new_head, kept_head) = (new.checkpoint().head, kept.checkpoint().head);
    let is_better_signed = new.note().signatures.len() > kept.note().signatures.len();
    new_head.size > kept_head.size || new_head == kept_head && is_better_signed
}

/// What does not continue from every checkpoint is not signed.
pub(crate) async fn refuse_rewound(config: &Config, log: &EventLog) -> Result<(), CliError> {
    match check(config, log).await? {
        Some(rewound) => Err(rewound.to_error()),
        None => Ok(()),
    }
}

/// Where there is no log yet: a new one would not continue from a checkpoint either.
pub(crate) async fn check_none(config: &Config) -> Option<Rewound> {
    let kept = kept(config, &config.site).await;
    kept.iter()
        .map(|(place, signed)| (place, signed.checkpoint()))
        .filter(|(_, checkpoint)| checkpoint.head.size > 0)
        .find_map(|(place, checkpoint)| Rewound::from(Comparison::Shorter(0), checkpoint, place))
}

/// The checkpoints in the data folder and on the drive, with where each is.
pub(crate) async fn kept(config: &Config, site: &SiteId) -> Vec<(String, SignedCheckpoint)> {
    let (settings, site) = (config.clone(), site.clone());
    let read = move |place: CheckpointFolder| Some((place.to_string(), place.read(&site)?));
    blocking(move || places(&settings).into_iter().filter_map(read).collect()).await
}

/// What another process found: its alarm holds for all.
async fn found_by_another(log: &EventLog) -> Result<Option<Rewound>, LogError> {
    let (_, alarm) = alarm(log).await?;
    Ok(alarm.raised.map(|(raised, _)| Rewound { sentence: raised.message, summary: 0 }))
}

/// With what its next event expects. A stream that does not fold is for `log verify` to report.
async fn alarm(log: &EventLog) -> Result<(Expected, Alarm), LogError> {
    let history = log.readable_stream(&StreamName::alarm(&AlarmKey::log_rewound())).await?;
    let expected = history.last().map_or(Expected::New, |last| Expected::After(last.version));
    Ok((expected, fold(&history).unwrap_or_default()))
}

/// The last thing that is recorded until a person has decided.
pub(crate) async fn raise(log: &EventLog, rewound: &Rewound) -> Result<bool, AlarmError> {
    let AlarmKey { kind, subject } = AlarmKey::log_rewound();
    let alarm = AlarmRaised { kind, subject, message: rewound.sentence.clone(), next_step: Rewound::step().to_owned() };
    Alarms::new(log.clone(), Clock::system(), actor_named("log")).raise(&alarm, None).await
}

#[cfg(test)]
mod tests;
