use std::sync::Arc;

use strongroom_audit::evidence::Prover;
use strongroom_bus::{BatchLimits, Settle, Stage, Task, TaskOutcome};
use strongroom_model::booking::Booking;
use strongroom_model::event::AlarmRaised;
use strongroom_model::text::with_causes;
use strongroom_model::wire::{MAX_ITEMS, Mark, MarkEvidence};
use strongroom_model::{BookingId, StageName};
use strongroom_service::kill_point;
use strongroom_source::{Guard, Source, SourceError};

use crate::mark::{MarkTask, moved, refusal};

/// While one batch waits for the server, the next is sent. More would only queue there.
const BATCHES: usize = 2;

/// Marks many bookings with one request, then moves them with another.
///
/// Both are idempotent on the server:
/// - if we stop before the marks arrive, nothing has happened;
/// - if we stop between marks and moves, or between moves and append, the bookings are still pending. They are marked
///   again with the same proof, moved again (`already`, with the same month and path), and appended.
///
/// The server only learns what is committed: a task's trigger and its proof are in the log (R1).
#[derive(Debug)]
pub struct Archive {
    source: Source,
    batch: usize,
    batches: usize,
    server: Guard,
    /// Absent where this host has no key: then the server must believe marks without proof.
    prover: Option<Arc<Prover>>,
}

impl Archive {
    /// A stage for this server, `batch` bookings at a time (1 to [`MAX_ITEMS`]).
    pub fn new(source: Source, batch: usize) -> Self {
        let server = Guard::new(source.clone());
        Self { server, source, batch: batch.clamp(1, MAX_ITEMS), batches: BATCHES, prover: None }
    }

    /// Sets the number of concurrent requests.
    #[must_use]
    pub fn at_once(self, batches: usize) -> Self {
        Self { batches: batches.max(1), ..self }
    }

    /// Sends proof with each mark that its event is in the log.
    #[must_use]
    pub fn proving(self, prover: Option<Arc<Prover>>) -> Self {
        Self { prover, ..self }
    }
}

impl Stage for Archive {
    type State = Booking;

    fn name(&self) -> StageName {
        StageName::Archive
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: self.batch, batches: self.batches }
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.server.ready().await
    }

    async fn handle(&self, tasks: Vec<Task<Booking>>, settle: &Settle<Booking>) {
        let mut batch = Vec::with_capacity(tasks.len());
        for task in tasks {
            match MarkTask::new(task) {
                Ok(proven) => batch.push(proven),
                // Should not happen; there is nothing to mark.
                Err(task) => settle.one(*task, TaskOutcome::Superseded).await,
            }
        }
        // A request that fails as a whole is split until the booking at fault is alone, so that it does not hold up the
        // others.
        let mut parts = vec![batch];
        while let Some(part) = parts.pop().filter(|part| !part.is_empty()) {
            let Some(evidence) = self.evidence(&part).await else { return };
            match self.mark_and_move(&part, evidence.as_ref()).await {
                Ok(outcomes) => {
                    let settled = part.into_iter().zip(outcomes).map(|(one, how)| one.settled(how)).collect();
                    settle.settle(settled).await;
                }
                Err(error) => self.failed(part, &error, &mut parts, settle).await,
            }
        }
    }
}

impl Archive {
    /// Proof of the marks' events, where this host has the key; `None`: the log cannot be read, and all is delivered again.
    async fn evidence(&self, part: &[MarkTask]) -> Option<Option<MarkEvidence>> {
        let Some(prover) = &self.prover else { return Some(None) };
        let events: Vec<_> = part.iter().map(|one| (one.task.stream.clone(), one.mark.event)).collect();
        match prover.evidence(&events).await {
            Ok(evidence) => Some(Some(evidence)),
            Err(error) => {
                tracing::warn!(bookings = part.len(), error = %with_causes(&error),
                    "marks cannot be proven without the log: they are delivered again");
                None
            }
        }
    }

    /// One outcome for each, in order.
    async fn mark_and_move(
        &self,
        part: &[MarkTask],
        evidence: Option<&MarkEvidence>,
    ) -> Result<Vec<TaskOutcome>, SourceError> {
        let marks: Vec<Mark> = part.iter().map(|one| one.mark.clone()).collect();
        let answers = self.source.mark_with_evidence(&marks, evidence).await?;
        kill_point!("archive.after-mark");
        let refusals: Vec<_> = part.iter().zip(&answers).map(|(one, answer)| refusal(one, answer, "mark")).collect();
        let marked: Vec<BookingId> =
            part.iter().zip(&refusals).filter(|(_, no)| no.is_none()).map(|(one, _)| one.booking.clone()).collect();
        let mut places =
            if marked.is_empty() { Vec::new() } else { self.source.move_to_archive(&marked).await? }.into_iter();
        kill_point!("archive.after-move");
        tracing::debug!(
            marked = marked.len(),
            refused = part.len() - marked.len(),
            "marked and moved bookings on the server"
        );
        Ok(part
            .iter()
            .zip(refusals)
            .map(|(one, refusal)| {
                refusal.unwrap_or_else(|| moved(one, &places.next().expect("the client sees to one answer for each")))
            })
            .collect())
    }

    /// A request failed as a whole. `parts` are still to be sent.
    async fn failed(
        &self,
        mut part: Vec<MarkTask>,
        error: &SourceError,
        parts: &mut Vec<Vec<MarkTask>>,
        settle: &Settle<Booking>,
    ) {
        self.server.suspect();
        let obstacle = self.source.obstacle_behind(error).await;
        let next = match &obstacle {
            Some(_) => "the stage pauses",
            None if part.len() > 1 => "sent again in halves",
            None => "retried later",
        };
        tracing::warn!(bookings = part.len(), %error, next, "bookings could not be marked or moved on the server");
        let outcome = match obstacle {
            Some(obstacle) => {
                // The rest is obstructed as well; it is delivered again.
                parts.clear();
                TaskOutcome::Obstructed(obstacle)
            }
            None if part.len() > 1 => {
                parts.push(part.split_off(part.len() / 2));
                parts.push(part);
                return;
            }
            None => TaskOutcome::Failed(error.failure()),
        };
        settle.settle(part.into_iter().map(|one| one.settled(outcome.clone())).collect()).await;
    }
}
