//! Figures of the log, for metrics. What cannot be read any more is not shown as it was.
//!
//! Each process of a site takes them again and again, so their cost must not grow with the log: only raised alarms
//! are read, and bookings are counted for a small part of the time.

mod bookings;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{AlarmKind, BookingStatus, Position, StageName, StreamName, SubjectKind};
use tokio::time::Instant;

use self::bookings::Bookings;
use crate::alarms::RAISED;

/// For how long old figures are shown: a database restarts in less.
const STALE_AFTER: Duration = Duration::from_secs(60);

const MAX_ALARMS: usize = 4096;

const MAX_MAILS: usize = 64;

/// A site's figures.
#[derive(Debug)]
pub struct Figures {
    log: EventLog,
    bookings: Bookings,
    taken_at: Instant,
    is_stale: bool,
}

impl Figures {
    /// Nothing is taken yet.
    #[must_use]
    pub fn of(log: &EventLog) -> Self {
        Self { log: log.clone(), bookings: Bookings::default(), taken_at: Instant::now(), is_stale: false }
    }

    /// Takes them, at `now` in seconds since 1970. What cannot be read is shown for a minute more, then as unknown
    /// (NaN).
    pub async fn take(&mut self, now: i64) {
        match self.try_take(now).await {
            Ok(()) => {
                self.taken_at = Instant::now();
                self.is_stale = false;
            }
            Err(error) => {
                tracing::debug!(%error, "the log's figures cannot be read");
                self.age();
            }
        }
    }

    /// They could not be taken.
    pub fn age(&mut self) {
        if !self.is_stale && self.taken_at.elapsed() >= STALE_AFTER {
            self.is_stale = true;
            self.forget();
        }
    }

    async fn try_take(&mut self, now: i64) -> Result<(), LogError> {
        let size = self.log.head().await?.size;
        let counts = self.bookings.counts(&self.log, size).await?;
        let run = self.log.last_of(SubjectKind::Run).await?;
        let mut raised = BTreeMap::new();
        for last in self.log.with_status(SubjectKind::Alarm, RAISED, Position(0), MAX_ALARMS).await? {
            if let Some(kind) = self.log.readable(&last).and_then(|last| kind_of(&last.stream)) {
                *raised.entry(kind.code()).or_insert(0_u64) += 1;
            }
        }
        let waiting = self.log.due(StageName::Notify, Timestamp::MAX, MAX_MAILS).await?;
        let is_failing = waiting.iter().any(|last| last.event.failure().is_some());
        self.set("strongroom_mail_failing", figure(u64::from(is_failing)));
        self.set("strongroom_log_size", figure(size));
        for status in BookingStatus::ALL {
            self.bookings(status, figure(counts.count(status)));
        }
        if let Some(run) = run {
            self.set("strongroom_last_run_timestamp_seconds", figure(u64::try_from(run.time.as_second()).unwrap_or(0)));
        }
        for kind in AlarmKind::ALL {
            self.alarms(*kind, figure(raised.get(kind.code()).copied().unwrap_or(0)));
        }
        self.set("strongroom_figures_timestamp_seconds", figure(u64::try_from(now).unwrap_or(0)));
        Ok(())
    }

    /// Their time stays: it shows their age.
    fn forget(&self) {
        self.set("strongroom_mail_failing", f64::NAN);
        self.set("strongroom_log_size", f64::NAN);
        self.set("strongroom_last_run_timestamp_seconds", f64::NAN);
        BookingStatus::ALL.into_iter().for_each(|status| self.bookings(status, f64::NAN));
        AlarmKind::ALL.iter().for_each(|kind| self.alarms(*kind, f64::NAN));
    }

    fn set(&self, name: &'static str, value: f64) {
        metrics::gauge!(name, "site" => self.log.site().to_string()).set(value);
    }

    fn bookings(&self, status: BookingStatus, value: f64) {
        metrics::gauge!("strongroom_bookings", "site" => self.log.site().to_string(), "standing" => status.label())
            .set(value);
    }

    fn alarms(&self, kind: AlarmKind, value: f64) {
        metrics::gauge!("strongroom_alarms_raised", "kind" => kind.code()).set(value);
    }
}

/// The kind of an alarm, which its stream's name begins with.
fn kind_of(alarm: &StreamName) -> Option<AlarmKind> {
    alarm.id().split('.').next().and_then(AlarmKind::of_code)
}

/// A count as a metric's value, which is exact up to 2^53.
#[expect(clippy::cast_precision_loss, reason = "a metric's value is a float, and such counts do not occur")]
fn figure(count: u64) -> f64 {
    count as f64
}
