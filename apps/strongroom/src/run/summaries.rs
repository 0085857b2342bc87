//! Keeps the summaries: composes one when a run, a night or a day is over.
//!
//! All state is in the log, so several processes may do this: each summary follows the one that was the last when it
//! was found to be due, and only one append can.

use std::time::Duration;

use jiff::Timestamp;
use strongroom_eventlog::EventLog;
use strongroom_model::event::SummaryComposed;
use strongroom_model::{Actor, Position};
use strongroom_service::config::{ClockTime, SummaryMode};
use strongroom_service::{Clock, Config, Schedule};

use crate::cli_error::CliError;
use crate::run::work::{self, Work};
use crate::run::{due, request};

pub(crate) struct Summaries {
    mode: SummaryMode,
    at: ClockTime,
    schedule: Schedule,
    grace: Duration,
    log: EventLog,
    clock: Clock,
    actor: Actor,
    /// From when on the first summary counts.
    began: Timestamp,
}

impl Summaries {
    pub(crate) async fn new(config: &Config, log: &EventLog, clock: &Clock, actor: &Actor) -> Result<Self, CliError> {
        let first = log.read(Position(0), 1).await?.first().and_then(|stored| log.readable(stored));
        Ok(Self {
            mode: config.mail.summary,
            at: config.mail.at,
            schedule: config.schedule(),
            grace: config.schedule.grace.get(),
            log: log.clone(),
            clock: clock.clone(),
            actor: actor.clone(),
            began: first.map_or_else(|| clock.now(), |first| first.time),
        })
    }

    pub(crate) async fn turn(&self) -> Result<(), CliError> {
        let previous = strongroom_notify::last_composed(&self.log).await?;
        let since = previous.as_ref().map_or(self.began, |(_, at)| *at);
        let previous = previous.map(|(composed, _)| composed);
        if let Some(title) = self.due(previous.as_ref(), since).await? {
            strongroom_notify::compose_after(&self.log, previous.as_ref(), &title, &self.clock, &self.actor).await?;
        }
        Ok(())
    }

    /// What the summary is called that is due, if one is.
    async fn due(&self, previous: Option<&SummaryComposed>, since: Timestamp) -> Result<Option<String>, CliError> {
        let now = self.clock.now();
        if self.mode == SummaryMode::Run {
            return self.run_ended(previous, now).await;
        }
        let due = |settled| due::summary(self.mode, self.at, &self.schedule, since, now, settled, self.grace);
        if due(true).is_none() {
            return Ok(None);
        }
        Ok(due(work::look(&self.log, now).await? == Work::Settled))
    }

    /// A run that no summary tells of, and that has ended.
    async fn run_ended(&self, previous: Option<&SummaryComposed>, now: Timestamp) -> Result<Option<String>, CliError> {
        let told = previous.map_or(Position(0), |previous| previous.to);
        let untold = request::newest(&self.log).await?.is_some_and(|run| run.position >= told);
        if !untold || work::look(&self.log, now).await? != Work::Settled {
            return Ok(None);
        }
        Ok(Some(due::run_title(&self.schedule, now)))
    }
}

#[cfg(test)]
mod tests;
