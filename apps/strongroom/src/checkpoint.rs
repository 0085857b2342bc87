//! The newest checkpoint of the log, kept in the data folder and on the drive, and what becomes of a log that
//! does not go on from one.

mod place;
mod watch;

use strongroom_bus::{AlarmError, Alarms};
use strongroom_eventlog::{Checkpoint, Comparison, EventLog, LogError};
use strongroom_model::event::AlarmRaised;
use strongroom_model::{AlarmKind, SubjectKind};
use strongroom_service::actor::actor_named;
use strongroom_service::{Clock, Config, blocking};

pub(crate) use self::place::places;
pub(crate) use self::watch::Watch;
use crate::trouble::Trouble;

/// A log that does not go on from a checkpoint of it.
#[derive(Debug, Clone)]
pub(crate) struct Rewound {
    /// Where the checkpoint is.
    pub(crate) place: String,
    pub(crate) checkpoint: Checkpoint,
    pub(crate) comparison: Comparison,
}

impl Rewound {
    /// What happened, in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let Self { place, checkpoint, comparison } = self;
        let head = &checkpoint.head;
        let earlier = format!("{} remembers {}:{}", place, head.size, head.root_base64());
        match comparison {
            Comparison::Shorter(size) => format!("the log ends after {size} events, but {earlier}"),
            Comparison::Differs | Comparison::Continues => {
                format!("the log's first {} events are others than they were: {earlier}", head.size)
            }
        }
    }

    pub(crate) fn step() -> &'static str {
        "put the newest copy of the log back; or go on from this one with `strongroom log adopt --reason TEXT`, which is recorded"
    }

    /// Why nothing is appended to such a log.
    pub(crate) fn trouble(&self) -> Trouble {
        Trouble::new(self.sentence()).next_step(Self::step()).finally()
    }
}

/// The state that the log is in now.
pub(crate) async fn now(log: &EventLog) -> Result<Checkpoint, LogError> {
    let last = log.last_of(SubjectKind::Summary).await?;
    let summary = last.and_then(|last| last.stream.id().parse().ok()).unwrap_or(0);
    // After the summary's number: a head that is later than it is none too early.
    Ok(Checkpoint { site: log.site().clone(), head: log.head().await?, summary })
}

/// Whether the log goes on from every checkpoint that can be read here.
pub(crate) async fn check(config: &Config, log: &EventLog) -> Result<Option<Rewound>, LogError> {
    let (settings, site) = (config.clone(), log.site().clone());
    let kept = blocking(move || {
        places(&settings)
            .into_iter()
            .filter_map(|place| Some((place.to_string(), place.read(&site)?)))
            .collect::<Vec<_>>()
    })
    .await;
    for (place, checkpoint) in kept {
        let comparison = log.compare(&checkpoint.head).await?;
        if comparison != Comparison::Continues {
            return Ok(Some(Rewound { place, checkpoint, comparison }));
        }
    }
    Ok(None)
}

/// The alarm about it: the last thing that is recorded until a person has decided.
pub(crate) async fn raise(log: &EventLog, rewound: &Rewound) -> Result<bool, AlarmError> {
    let alarm = AlarmRaised {
        kind: AlarmKind::LogRewound,
        subject: "log".to_owned(),
        message: rewound.sentence(),
        next_step: Rewound::step().to_owned(),
    };
    Alarms::new(log.clone(), Clock::system(), actor_named("log")).raise(&alarm, None).await
}

#[cfg(test)]
mod tests;
