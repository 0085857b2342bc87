//! Looks again and again, and keeps the log's alarms as they should be.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::Timestamp;
use strongroom_audit::{JobBook, RAISED};
use strongroom_bus::{AlarmError, Alarms};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::text::{shown_to_the_minute, with_causes};
use strongroom_model::{Actor, AlarmKind, Position, StreamName, SubjectKind};
use strongroom_service::Clock;

use crate::judge::{Expectations, KINDS, due};
use crate::seen::Seen;

/// Raised alarms that are read at once.
const PAGE: usize = 256;
/// The subject of the alarm about the monitor itself.
const SELF: &str = "monitor";

/// Why a look did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum MonitorError {
    /// The log cannot be read.
    #[error("the log cannot be read")]
    Read(#[from] LogError),
    /// An alarm cannot be raised or cleared.
    #[error("an alarm cannot be raised or cleared")]
    Alarm(#[from] AlarmError),
}

/// Looks again and again, and keeps the log's alarms as they should be.
#[derive(Debug)]
pub struct Monitor {
    log: EventLog,
    clock: Clock,
    alarms: Alarms,
    expected: Expectations,
    book: JobBook,
    /// How long nobody may have looked before it is said.
    silent_after: Duration,
    /// When it looked last, or another one before it.
    looked_at: Option<Timestamp>,
}

impl Monitor {
    /// A monitor; `looked_at`: when one of this site was last known to look.
    #[must_use]
    pub fn new(
        log: &EventLog,
        clock: &Clock,
        actor: Actor,
        expected: Expectations,
        silent_after: Duration,
        looked_at: Option<Timestamp>,
    ) -> Self {
        let alarms = Alarms::new(log.clone(), clock.clone(), actor);
        let (log, clock) = (log.clone(), clock.clone());
        Self { log, clock, alarms, expected, book: JobBook::default(), silent_after, looked_at }
    }

    /// Looks for ever.
    pub async fn keep(mut self, every: Duration) {
        loop {
            if let Err(error) = self.look().await {
                tracing::warn!(error = %with_causes(&error), "the monitor could not look: trying again");
            }
            tokio::time::sleep(every).await;
        }
    }

    /// Looks once: raises what is due, clears what is not any more.
    ///
    /// # Errors
    /// The log cannot be used. What was raised or cleared before stays.
    pub async fn look(&mut self) -> Result<(), MonitorError> {
        let now = self.clock.now();
        if self.tell_of_a_gap(now).await? {
            // Whoever should have done it slept as well, or was not running: the next look judges.
            self.looked_at = Some(now);
            return Ok(());
        }
        // In this order: what another monitor clears after we have looked would else be raised again.
        let raised = self.raised().await?;
        let seen = Seen::look(&self.log, &mut self.book).await?;
        let due = due(&seen, &self.expected, now);
        let keys: BTreeSet<AlarmKey> = due.iter().map(|alarm| AlarmKey::new(alarm.kind, &alarm.subject)).collect();
        for key in raised.difference(&keys) {
            self.alarms.clear(key, over(key.kind), None).await?;
        }
        for alarm in due {
            if !raised.contains(&AlarmKey::new(alarm.kind, &alarm.subject)) {
                self.alarms.raise(&alarm, None).await?;
            }
        }
        self.looked_at = Some(now);
        Ok(())
    }

    /// The alarms of its kinds that are raised.
    async fn raised(&self) -> Result<BTreeSet<AlarmKey>, LogError> {
        let (mut raised, mut from) = (BTreeSet::new(), Position(0));
        loop {
            let page = self.log.with_status(SubjectKind::Alarm, RAISED, from, PAGE).await?;
            let Some(last) = page.last() else { return Ok(raised) };
            from = last.position.next();
            raised.extend(
                page.iter().filter_map(|stored| self.log.readable(stored)).filter_map(|last| key(&last.stream)),
            );
        }
    }

    /// R8: what was due while nobody looked is judged only now, and that is said.
    async fn tell_of_a_gap(&mut self, now: Timestamp) -> Result<bool, MonitorError> {
        let Some(looked_at) = self.looked_at else { return Ok(false) };
        let key = AlarmKey::new(AlarmKind::MonitorSilent, SELF);
        let gap = Duration::try_from(now.duration_since(looked_at)).unwrap_or_default();
        if gap <= self.silent_after {
            self.alarms.clear(&key, "the monitor looks again", None).await?;
            return Ok(false);
        }
        let at = |at| shown_to_the_minute(at, &self.expected.zone);
        let alarm = AlarmRaised {
            kind: AlarmKind::MonitorSilent,
            message: format!("jobs, hosts and drives were not looked at from {} to {}", at(looked_at), at(now)),
            next_step: AlarmKind::MonitorSilent.step().to_owned(),
            subject: SELF.to_owned(),
        };
        self.alarms.raise(&alarm, None).await?;
        Ok(true)
    }
}

/// The key of an alarm that is the monitor's to clear.
fn key(stream: &StreamName) -> Option<AlarmKey> {
    let (code, subject) = stream.id().split_once('.')?;
    let kind = AlarmKind::of_code(code).filter(|kind| KINDS.contains(kind))?;
    Some(AlarmKey { kind, subject: subject.to_owned() })
}

const fn over(kind: AlarmKind) -> &'static str {
    match kind {
        AlarmKind::JobDamaged => "the copy was proven again as a whole",
        AlarmKind::JobFailed => "a later run did its work",
        AlarmKind::JobObstructed => "the job can be done again",
        AlarmKind::JobOverdue => "the run started, or nothing is expected of the job",
        AlarmKind::ProofOverdue => "the copy was proven as a whole",
        AlarmKind::HostSilent => "the host is heard from again, or nothing is expected of it",
        AlarmKind::DriveDue => "the drive was read back, or is not expected here",
        _ => "it is over",
    }
}
