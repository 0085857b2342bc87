//! Keeps the schedule of runs: requests one when it is due and the files of the one before are on the drive, and
//! raises an alarm when one is overdue.
//!
//! Several processes may keep one schedule, since all state is in the log: the second that requests a slot's run
//! finds it requested.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use strongroom_audit::raised_alarms;
use strongroom_bus::Alarms;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::{AlarmKey, AlarmRaised, Trigger};
use strongroom_model::{Actor, AlarmKind, Position, StreamName};
use strongroom_service::clock::Gaps;
use strongroom_service::config::SummaryMode;
use strongroom_service::{Clock, Config, Schedule};

use crate::cli_error::CliError;
use crate::process::keep::until;
use crate::run::due;
use crate::run::request;
use crate::run::work::{self, Work};

const SUBJECT: &str = "schedule";

pub(crate) struct Runs {
    schedule: Schedule,
    grace: Duration,
    oldest: u32,
    /// Whether a run may begin while the last files of the one before are still proven and archived: not where each
    /// run has a summary of its own.
    overlaps: bool,
    log: EventLog,
    clock: Clock,
    alarms: Alarms,
    actor: Actor,
    /// The log's size at the last turn, and since when.
    moved: (u64, Timestamp),
    gaps: Gaps,
    /// The run whose end was noticed last, or the last when this process began. When another ends, runs happen.
    ended: Option<StreamName>,
}

impl Runs {
    pub(crate) async fn new(config: &Config, log: &EventLog, clock: &Clock, actor: &Actor) -> Result<Self, CliError> {
        Ok(Self {
            schedule: config.schedule(),
            grace: config.schedule.grace.get(),
            oldest: config.enumerate.oldest,
            overlaps: config.mail.summary != SummaryMode::Run,
            log: log.clone(),
            clock: clock.clone(),
            alarms: Alarms::new(log.clone(), clock.clone(), actor.clone()),
            actor: actor.clone(),
            moved: (log.head().await?.size, clock.now()),
            gaps: Gaps::default(),
            ended: request::newest(log).await?.map(|newest| newest.stream),
        })
    }

    /// R8: reports runs that did not happen while no process was up, where this program kept the schedule before:
    /// cron's runs have cron's schedule.
    pub(crate) async fn look_back(&self) -> Result<(), CliError> {
        let Some(asked_at) = scheduled_at(&self.log).await? else { return Ok(()) };
        let next_step = "find out why strongroom was not running, or its host asleep; runs go on from now";
        self.tell_overdue(asked_at, asked_at, next_step).await
    }

    /// R8, for a process that requests no runs itself: whoever should may be down.
    pub(crate) async fn watch(&mut self) -> Result<(), CliError> {
        self.look_whether_it_moves().await?;
        let Some(asked_at) = scheduled_at(&self.log).await? else { return Ok(()) };
        self.watch_over(asked_at).await
    }

    /// Returns whether nobody has looked for long by this clock: the host slept, or the clock was set. Work may go on
    /// after that.
    async fn look_whether_it_moves(&mut self) -> Result<bool, CliError> {
        let (size, now) = (self.log.head().await?.size, self.clock.now());
        let gap = self.gaps.look(now);
        if size != self.moved.0 || now < self.moved.1 || gap {
            self.moved = (size, now);
        }
        Ok(gap)
    }

    /// Returns for how long nothing is to be done, unless something is appended. A run is only requested where there
    /// `may` be one.
    pub(crate) async fn turn(&mut self, may: bool) -> Result<Duration, CliError> {
        let gap = self.look_whether_it_moves().await?;
        let now = self.clock.now();
        // Read before the work: that one is over says nothing of a later run.
        let newest = request::newest(&self.log).await?;
        let work = work::look(&self.log, now).await?;
        let (asked_at, run) = newest.map(|newest| (newest.asked_at, newest.stream)).unzip();
        let due = self.schedule.next_run(asked_at, now);
        let is_over = self.is_over(work, now);
        let begins = may && due <= now && (is_over || self.may_overlap().await?);
        if let Some(run) = run.as_ref().filter(|_| is_over || begins) {
            self.has_ended(run).await?;
        }
        if is_over && gap {
            self.look_back().await?;
        }
        if begins {
            let wanted = (Trigger::Schedule, self.oldest);
            request::request(&self.log, &self.clock, &self.actor, wanted, run.as_ref()).await?;
            return Ok(Duration::ZERO);
        }
        if is_over {
            return Ok(until(due, now));
        }
        if let Some(asked_at) = asked_at {
            self.watch_over(asked_at).await?;
        }
        Ok(Duration::MAX)
    }

    /// Whether the run before is done. Copies on a drive that nobody has mounted are waited for, but not for ever.
    fn is_over(&self, work: Work, now: Timestamp) -> bool {
        match work {
            Work::Settled => true,
            Work::Proving => {
                now.duration_since(self.moved.1) >= SignedDuration::try_from(self.grace).unwrap_or(SignedDuration::MAX)
            }
            Work::Busy => false,
        }
    }

    /// At most two runs' files are in flight at once, whatever fails or is in the way.
    async fn may_overlap(&self) -> Result<bool, CliError> {
        let most = self.oldest as usize;
        Ok(self.overlaps && work::unfinished(&self.log, most).await?.is_some_and(|left| left <= most))
    }

    /// A run has ended, except for the last proofs, and with it the alarm that none does.
    async fn has_ended(&mut self, run: &StreamName) -> Result<(), CliError> {
        if self.ended.as_ref() != Some(run) {
            let key = AlarmKey::new(AlarmKind::RunOverdue, SUBJECT);
            self.alarms.clear(&key, "runs happen again", None).await?;
            self.ended = Some(run.clone());
        }
        Ok(())
    }

    /// Reports a run that neither ends nor moves. An obstacle has an alarm of its own.
    async fn watch_over(&self, asked_at: Timestamp) -> Result<(), CliError> {
        if due::overdue(&self.schedule, asked_at, self.moved.1, self.clock.now(), self.grace).is_none()
            || raised_alarms(&self.log).await?.iter().any(|alarm| alarm.kind.holds_up_runs())
        {
            return Ok(());
        }
        let next_step = "look at what strongroom says on stderr; `strongroom doctor` tries every part";
        self.tell_overdue(asked_at, self.moved.1, next_step).await
    }

    async fn tell_overdue(&self, asked_at: Timestamp, moved: Timestamp, next_step: &str) -> Result<(), CliError> {
        let now = self.clock.now();
        let Some(message) = due::overdue(&self.schedule, asked_at, moved, now, self.grace) else { return Ok(()) };
        let alarm = AlarmRaised {
            kind: AlarmKind::RunOverdue,
            subject: SUBJECT.to_owned(),
            message,
            next_step: next_step.to_owned(),
        };
        self.alarms.raise(&alarm, None).await?;
        Ok(())
    }
}

/// That a run was due and none has begun, where this program kept the schedule before.
pub(crate) async fn overdue(config: &Config, log: &EventLog, clock: &Clock) -> Result<Option<String>, CliError> {
    let Some(asked_at) = scheduled_at(log).await? else { return Ok(None) };
    let size = log.head().await?.size;
    let newest = log.read(Position(size.saturating_sub(1)), 1).await?;
    let moved = newest.first().and_then(|newest| newest.decode().ok()).map_or(asked_at, |newest| newest.time);
    Ok(due::overdue(&config.schedule(), asked_at, moved, clock.now(), config.schedule.grace.get()))
}

/// When the newest run was asked for, if this program did so by the schedule.
async fn scheduled_at(log: &EventLog) -> Result<Option<Timestamp>, LogError> {
    let newest = request::newest(log).await?;
    Ok(newest.filter(|newest| newest.trigger == Trigger::Schedule).map(|newest| newest.asked_at))
}

#[cfg(test)]
mod tests;
