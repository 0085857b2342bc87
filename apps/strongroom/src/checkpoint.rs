//! The newest checkpoint of the log, kept in the data folder and on the drive, and what becomes of a log that
//! does not go on from one: nothing is appended to it, the alarm is mailed all the same, and a person decides.

mod mailed;
mod place;
mod watch;

use std::fmt::Display;

use strongroom_bus::{AlarmError, Alarms};
use strongroom_eventlog::{Checkpoint, Comparison, EventLog, LogError};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::fold::fold;
use strongroom_model::{AlarmKind, Expected, SiteId, StreamName, SubjectKind};
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config, blocking};

pub(crate) use self::mailed::{Mails, forget_mailed, mail, mailed};
use self::place::CheckpointFolder;
pub(crate) use self::place::data_folder;
pub(crate) use self::place::{places, places_to_write};
pub(crate) use self::watch::RewindWatch;
use crate::cli_error::CliError;

/// The alarm's subject: a site has one log.
const SUBJECT: &str = "log";

/// A log that does not go on from a checkpoint of it.
#[derive(Debug, Clone)]
pub(crate) struct Rewound {
    sentence: String,
    /// The number of the last summary that the checkpoint knows.
    pub(crate) summary: u64,
}

impl Rewound {
    /// What the log is to the checkpoint in that place; `None`: it goes on from there.
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

    /// What happened, in a sentence.
    pub(crate) fn sentence(&self) -> &str {
        &self.sentence
    }

    pub(crate) fn step() -> &'static str {
        "put the newest copy of the log back; or go on from this one with `strongroom log adopt --reason TEXT`, which is recorded"
    }

    /// Why nothing is appended to such a log.
    pub(crate) fn trouble(&self) -> CliError {
        CliError::new(self.sentence.clone()).next_step(Self::step()).finally()
    }
}

/// The state that the log is in now.
pub(crate) async fn now(log: &EventLog) -> Result<Checkpoint, LogError> {
    let newest = log.newest(SubjectKind::Summary, 1).await?;
    let summary = newest.first().and_then(|newest| newest.stream.id().parse().ok()).unwrap_or(0);
    // After the summary's number: a head that is later than it is none too early.
    Ok(Checkpoint { site: log.site().clone(), head: log.head().await?, summary })
}

/// Whether the log goes on from every checkpoint that can be read here.
pub(crate) async fn check(config: &Config, log: &EventLog) -> Result<Option<Rewound>, LogError> {
    for (place, checkpoint) in kept(config, log.site()).await {
        let comparison = log.compare(&checkpoint.head).await?;
        if let Some(rewound) = Rewound::from(comparison, &checkpoint, &place) {
            return Ok(Some(rewound));
        }
    }
    found_by_another(log).await
}

/// Where no log is yet: what a new one would be to the checkpoints that can be read here.
pub(crate) async fn check_none(config: &Config) -> Option<Rewound> {
    let kept = kept(config, &config.site).await;
    kept.iter()
        .filter(|(_, checkpoint)| checkpoint.head.size > 0)
        .find_map(|(place, checkpoint)| Rewound::from(Comparison::Shorter(0), checkpoint, place))
}

/// The checkpoints that can be read here, each with its place.
pub(crate) async fn kept(config: &Config, site: &SiteId) -> Vec<(String, Checkpoint)> {
    let (settings, site) = (config.clone(), site.clone());
    let read = move |place: CheckpointFolder| Some((place.to_string(), place.read(&site)?));
    blocking(move || places(&settings).into_iter().filter_map(read).collect()).await
}

/// What another process of the site found: its alarm stands in the log, and holds for all.
async fn found_by_another(log: &EventLog) -> Result<Option<Rewound>, LogError> {
    let (_, alarm) = alarm(log).await?;
    Ok(alarm.raised.map(|(raised, _)| Rewound { sentence: raised.message, summary: 0 }))
}

/// The alarm about it, and what its next event expects. One that cannot be understood is for `log verify` to report.
async fn alarm(log: &EventLog) -> Result<(Expected, Alarm), LogError> {
    let history = log.readable_stream(&StreamName::alarm(&AlarmKey::new(AlarmKind::LogRewound, SUBJECT))).await?;
    let expected = history.last().map_or(Expected::New, |last| Expected::After(last.version));
    Ok((expected, fold(&history).unwrap_or_default()))
}

/// The alarm about it: the last thing that is recorded until a person has decided.
pub(crate) async fn raise(log: &EventLog, rewound: &Rewound) -> Result<bool, AlarmError> {
    let alarm = AlarmRaised {
        kind: AlarmKind::LogRewound,
        subject: SUBJECT.to_owned(),
        message: rewound.sentence.clone(),
        next_step: Rewound::step().to_owned(),
    };
    Alarms::new(log.clone(), Clock::system(), actor_named("log")).raise(&alarm, None).await
}

#[cfg(test)]
mod tests;
