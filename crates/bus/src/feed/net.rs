//! The net below the queue of a stage that outlives the broker: people are notified even while there is none.
//!
//! What has waited for long is taken from the log directly. It goes through the same hand as
//! what the broker brings, so that nobody is told twice by one process; and by two, only as
//! often as by a message that came twice.

use std::time::Duration;

use jiff::Timestamp;
use strongroom_eventlog::LogError;
use strongroom_model::text::with_causes;
use strongroom_model::{Position, Recorded, SubjectKind, next_step};
use tokio::time::Instant;

use crate::delivery::Handover;

use super::{Feed, NET_EVERY};

/// How long something has waited when the broker no longer counts on being the one to bring it.
const WAITED: Duration = Duration::from_secs(20);

/// The same for an alarm: a person is to know now, and the relay may be what it is about.
const ALARM_WAITED: Duration = Duration::from_secs(15);

/// How many are taken at a time.
const MAX: usize = 256;

impl Feed {
    /// When the log is looked at next, if it is.
    pub(super) fn net_at(&self, paused: bool) -> Option<Instant> {
        (self.name.outlives_broker() && !paused).then_some(self.net_at)
    }

    /// Takes from the log what has waited for long.
    pub(super) async fn net(&mut self) {
        self.net_at = Instant::now() + self.pace.rescan.min(NET_EVERY);
        match self.waited().await {
            Ok(events) => {
                for event in events {
                    if let Ok(claim) = self.claims.claim(&event, None) {
                        tracing::warn!(stream = %event.stream, "the broker did not bring this: taken from the log");
                        self.waiting.push_back(Handover { trigger: event, claim });
                    }
                }
            }
            Err(error) => tracing::warn!(stage = %self.name, error = %with_causes(&error),
                "what has waited for long cannot be read from the log: trying again"),
        }
    }

    async fn waited(&self) -> Result<Vec<Recorded>, LogError> {
        let log = &self.sources.log;
        let now = self.sources.clock.now();
        let before = |waited| now.checked_sub(waited).unwrap_or(now);
        let after = now.checked_add(WAITED).unwrap_or(now);
        // Those in hand come first: look past them.
        let limit = MAX + self.claims.unclaimable();
        let mut events = log.pending(self.name, Position(0), limit).await?;
        // What is of the future was written by a clock that has been put back since.
        events.retain(|event| event.time <= before(patience(event)) || event.time > after);
        let mut put_off = log.due(self.name, Timestamp::MAX, limit).await?;
        // Once more without a broker: the relay, which hands out what was put off by a wrong clock, may be away too.
        put_off.retain(|event| {
            let due = next_step(&event.event).and_then(|next| next.not_before);
            due.is_some_and(|due| due <= before(WAITED) || self.sources.horizon.strands(due, now))
        });
        events.extend(put_off);
        events.retain(|event| !self.claims.rests(event));
        events.truncate(MAX);
        Ok(events)
    }
}

fn patience(event: &Recorded) -> Duration {
    if event.stream.kind() == SubjectKind::Alarm { ALARM_WAITED } else { WAITED }
}
