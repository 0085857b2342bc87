//! The backstop scan of a stage that outlives the broker: people are notified even while it is down.
//!
//! Overdue work of the log is claimed like a delivery: one process notifies nobody twice, two only as with a
//! duplicate delivery.

use std::time::Duration;

use jiff::Timestamp;
use strongroom_eventlog::LogError;
use strongroom_model::text::with_causes;
use strongroom_model::{Position, Recorded, SubjectKind, next_step};
use tokio::time::Instant;

use crate::delivery::ClaimedEvent;

use super::{Consumer, SCAN_INTERVAL};

/// How long the broker has to deliver something.
const OVERDUE_AFTER: Duration = Duration::from_secs(20);

/// The same for an alarm: it is urgent, and the relay may be what it is about.
const ALARM_OVERDUE_AFTER: Duration = Duration::from_secs(15);

const MAX: usize = 256;

impl Consumer {
    pub(super) fn scan_at(&self, paused: bool) -> Option<Instant> {
        (self.name.outlives_broker() && !paused).then_some(self.scan_at)
    }

    pub(super) async fn scan_log(&mut self) {
        self.scan_at = Instant::now() + self.pace.rescan.min(SCAN_INTERVAL);
        match self.overdue().await {
            Ok(events) => {
                for event in events {
                    if let Ok(claim) = self.claims.claim(&event, None) {
                        tracing::warn!(stream = %event.stream, "the broker did not deliver this in time: taken from the log");
                        self.waiting.push_back(ClaimedEvent { trigger: event, claim });
                    }
                }
            }
            Err(error) => tracing::warn!(stage = %self.name, error = %with_causes(&error),
                "overdue work cannot be read from the log: trying again"),
        }
    }

    async fn overdue(&self) -> Result<Vec<Recorded>, LogError> {
        let log = &self.parts.log;
        let now = self.parts.clock.now();
        let before = |waited| now.checked_sub(waited).unwrap_or(now);
        let after = now.checked_add(OVERDUE_AFTER).unwrap_or(now);
        // Claimed streams come first: look past them.
        let limit = MAX + self.claims.unclaimable();
        let mut events = log.pending(self.name, Position(0), limit).await?;
        // An event of the future was written by a clock that has been put back since.
        events.retain(|event| event.time <= before(overdue_after(event)) || event.time > after);
        let mut put_off = log.due(self.name, Timestamp::MAX, limit).await?;
        // The relay, which publishes what a wrong clock put off, may be down too.
        put_off.retain(|event| {
            let due = next_step(&event.event).and_then(|next| next.not_before);
            due.is_some_and(|due| due <= before(OVERDUE_AFTER) || self.parts.horizon.strands(due, now))
        });
        events.extend(put_off);
        events.retain(|event| !self.claims.is_set_aside(event));
        events.truncate(MAX);
        Ok(events)
    }
}

fn overdue_after(event: &Recorded) -> Duration {
    if event.stream.kind() == SubjectKind::Alarm { ALARM_OVERDUE_AFTER } else { OVERDUE_AFTER }
}
