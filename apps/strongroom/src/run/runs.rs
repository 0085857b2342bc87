//! Keeps the schedule of runs: asks for one when it is due and the files of the one before it are on the drive, and
//! raises an alarm when one is overdue.
//!
//! All that it goes by stands in the log. So several processes may keep one schedule: each
//! slot has one run, since the second to ask for it finds that it was asked for.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use strongroom_audit::raised_alarms;
use strongroom_bus::Alarms;
use strongroom_eventlog::EventLog;
use strongroom_model::event::{AlarmKey, AlarmRaised, Trigger};
use strongroom_model::{Actor, AlarmKind, Position, StreamName};
use strongroom_service::clock::Gaps;
use strongroom_service::config::SummaryMode;
use strongroom_service::{Clock, Config, Schedule};

use crate::cli_error::CliError;
use crate::process::keep::until;
use crate::run::due;
use crate::run::request::{self, Newest};
use crate::run::work::{self, Work};

/// The subject of the alarm about runs: there is one schedule.
const SUBJECT: &str = "schedule";

/// Keeps the schedule of runs.
pub(crate) struct Runs {
    schedule: Schedule,
    grace: Duration,
    oldest: u32,
    /// Whether a run may begin while the last files of the one before it are still proven and archived. Where each run
    /// has a summary of its own, it must end for that.
    overlaps: bool,
    log: EventLog,
    clock: Clock,
    alarms: Alarms,
    actor: Actor,
    /// How long the log was at the last turn, and since when.
    moved: (u64, Timestamp),
    gaps: Gaps,
    /// The run whose end was noticed last, or that was the last when this process began. When
    /// another one ends, runs happen, and no alarm may say otherwise.
    ended: Option<StreamName>,
}

impl Runs {
    /// What the configuration says of runs, in `actor`'s name.
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

    /// R8: runs that did not happen while no process was up are told of. Only where the
    /// schedule was kept by this program before: cron's runs have cron's schedule.
    pub(crate) async fn look_back(&self) -> Result<(), CliError> {
        let Some(Newest { asked_at, trigger: Trigger::Schedule, .. }) = request::newest(&self.log).await? else {
            return Ok(());
        };
        let next_step = "find out why strongroom was not running, or its host asleep; runs go on from now";
        self.tell_overdue(asked_at, asked_at, next_step).await
    }

    /// R8, for a process that asks for no runs itself: whoever should may not be up.
    pub(crate) async fn watch(&mut self) -> Result<(), CliError> {
        self.look_whether_it_moves().await?;
        match request::newest(&self.log).await? {
            Some(Newest { asked_at, trigger: Trigger::Schedule, .. }) => self.watch_over(asked_at).await,
            _ => Ok(()),
        }
    }

    /// Returns whether nobody has looked for long by this clock: the host slept, or the clock was set. Nothing is
    /// known of that time, and what was under way may go on.
    async fn look_whether_it_moves(&mut self) -> Result<bool, CliError> {
        let (size, now) = (self.log.head().await?.size, self.clock.now());
        let gap = self.gaps.look(now);
        if size != self.moved.0 || now < self.moved.1 || gap {
            self.moved = (size, now);
        }
        Ok(gap)
    }

    /// One look at everything; returns for how long nothing is to be done, unless something
    /// happens in the log. A run is only asked for where there `may` be one.
    pub(crate) async fn turn(&mut self, may: bool) -> Result<Duration, CliError> {
        let gap = self.look_whether_it_moves().await?;
        let now = self.clock.now();
        // Before the look at the work: that one is over says nothing of a run that came after it.
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

    /// Whether the run before is done. Copies on a drive that nobody has mounted must not hold
    /// up what can go onto another: they are waited for, but not for ever.
    fn is_over(&self, work: Work, now: Timestamp) -> bool {
        match work {
            Work::Settled => true,
            Work::Proving => {
                now.duration_since(self.moved.1) >= SignedDuration::try_from(self.grace).unwrap_or(SignedDuration::MAX)
            }
            Work::Busy => false,
        }
    }

    /// Whether the last run's files are on the drive, and no more are left to be proven and archived than one run takes: so
    /// at most two runs' files are under way at once, whatever fails or is in the way.
    async fn may_overlap(&self) -> Result<bool, CliError> {
        let most = self.oldest as usize;
        Ok(self.overlaps && work::unfinished(&self.log, most).await?.is_some_and(|left| left <= most))
    }

    /// A run has ended, or all but the last proofs of it, and with it the alarm that none does.
    async fn has_ended(&mut self, run: &StreamName) -> Result<(), CliError> {
        if self.ended.as_ref() != Some(run) {
            let key = AlarmKey::new(AlarmKind::RunOverdue, SUBJECT);
            self.alarms.clear(&key, "runs happen again", None).await?;
            self.ended = Some(run.clone());
        }
        Ok(())
    }

    /// A run that neither ends nor moves is told of. What is in its way, where something is,
    /// has an alarm of its own.
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

/// That a run was due and none has begun, for whoever asks; where the schedule was kept by this program before.
pub(crate) async fn overdue(config: &Config, log: &EventLog, clock: &Clock) -> Result<Option<String>, CliError> {
    let Some(Newest { asked_at, trigger: Trigger::Schedule, .. }) = request::newest(log).await? else {
        return Ok(None);
    };
    let size = log.head().await?.size;
    let newest = log.read(Position(size.saturating_sub(1)), 1).await?;
    let moved = newest.first().and_then(|newest| newest.decode().ok()).map_or(asked_at, |newest| newest.time);
    Ok(due::overdue(&config.schedule(), asked_at, moved, clock.now(), config.schedule.grace.get()))
}

#[cfg(test)]
mod tests;
