//! Reads the log upwards from a cursor, claims, delivers, and waits. The
//! channel is short; the log holds the backlog.

use std::sync::Arc;

use jiff::Timestamp;
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::text::with_causes;
use strongroom_model::{Recorded, StageName};
use strongroom_service::Clock;
use strongroom_service::clock::Gaps;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::claims::{Claim, Claims};
use crate::delivery::ClaimedEvent;
use crate::pace::{Backoff, Pace};
use crate::stranded::Horizon;

/// Pending events in one read: about 300 KiB.
const PAGE: usize = 256;

/// Waiting retries that are searched for stranded ones, earliest first. With more, the rest is found as these go.
const MAX_STRANDED: usize = 1024;

#[derive(Debug)]
pub(crate) struct LogSource {
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
    pub(crate) stage: StageName,
    pub(crate) horizon: Horizon,
    pub(crate) claims: Arc<Claims>,
    pub(crate) out: mpsc::Sender<ClaimedEvent>,
    pub(crate) pace: Pace,
    pub(crate) stop: CancellationToken,
}

struct Rounds {
    due_at: Instant,
    rescan_at: Instant,
    gaps: Gaps,
    backoff: Backoff,
}

impl LogSource {
    pub(crate) async fn run(self) {
        let stop = self.stop.clone();
        // Dropped at any await, a claim releases its stream.
        stop.run_until_cancelled(self.deliver_all()).await;
    }

    async fn deliver_all(self) {
        let mut appended = self.log.appended();
        let now = Instant::now();
        let mut rounds = Rounds { due_at: now, rescan_at: now, gaps: Gaps::default(), backoff: self.pace.backoff() };
        loop {
            match self.round(&mut rounds).await {
                Ok(true) => continue,
                Ok(false) => rounds.backoff.reset(),
                Err(error) => {
                    tracing::warn!(stage = %self.stage, error = %with_causes(&error),
                        "pending work cannot be read from the log: trying again");
                    sleep(rounds.backoff.next()).await;
                }
            }
            tokio::select! {
                // The sender is gone once the log is closed; the poll stays.
                Ok(()) = appended.changed() => {}
                () = self.claims.look_again() => {}
                // Other processes' appends and a clock that was set wake nobody here.
                () = sleep(self.pace.poll) => {}
            }
        }
    }

    /// Returns whether there is probably more.
    async fn round(&self, rounds: &mut Rounds) -> Result<bool, LogError> {
        let now = Instant::now();
        if rounds.gaps.look(self.clock.now()) {
            // What the former clock put off may be due by this one.
            rounds.rescan_at = now;
        }
        if now >= rounds.due_at {
            rounds.due_at = now + self.pace.poll;
            self.due().await?;
        }
        if now >= rounds.rescan_at {
            rounds.rescan_at = now + self.pace.rescan;
            self.claims.rescan();
            self.stranded().await?;
        }
        self.page().await
    }

    async fn due(&self) -> Result<(), LogError> {
        let now = self.clock.now();
        // Claimed streams are still due, and come first: look past them.
        let limit = PAGE + self.claims.unclaimable();
        let due = self.log.due(self.stage, now, limit).await?;
        self.send_due(due).await;
        Ok(())
    }

    /// Delivers the retries that a clock which was put back left stranded: see [`Horizon`].
    async fn stranded(&self) -> Result<(), LogError> {
        let now = self.clock.now();
        let mut waiting = self.log.due(self.stage, Timestamp::MAX, MAX_STRANDED + self.claims.unclaimable()).await?;
        waiting.retain(|event| self.horizon.has_stranded(&event.event, now));
        self.send_due(waiting).await;
        Ok(())
    }

    async fn send_due(&self, events: Vec<Recorded>) {
        for event in events {
            if let Ok(claim) = self.claims.claim(&event, None) {
                self.send(event, claim).await;
            }
        }
    }

    async fn page(&self) -> Result<bool, LogError> {
        let from = self.claims.begin_page();
        let events = self.log.pending(self.stage, from, PAGE).await?;
        let more = events.len() >= PAGE;
        self.claims.expect_more(!events.is_empty());
        for event in events {
            if let Some(claim) = self.claims.claim_next(&event) {
                self.send(event, claim).await;
            }
        }
        self.claims.expect_more(more);
        Ok(more)
    }

    /// A closed channel means that we are stopping.
    async fn send(&self, trigger: Recorded, claim: Claim) {
        drop(self.out.send(ClaimedEvent { trigger, claim }).await);
    }
}
