//! The stage, which deals with some hundred bookings of a purge for each delivery.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use strongroom_audit::evidence::Prover;
use strongroom_audit::{BookingCopies, CopyOn, copies_of, known_drives};
use strongroom_bus::{BatchLimits, Done, Failure, Fate, Settle, Stage, Task, TaskOutcome};
use strongroom_eventlog::{EventLog, LogError, StreamHead};
use strongroom_model::booking::Phase;
use strongroom_model::event::{AlarmRaised, Left, PurgeAdvanced, PurgeFinished, PurgeTally, Purged};
use strongroom_model::purge::Purge;
use strongroom_model::text::{printable, with_causes};
use strongroom_model::wire::{AnswerOutcome, MAX_LIST, PurgeItem, PurgeState, ServerState};
use strongroom_model::{
    Actor, Algorithm, BookingId, ByteCount, Event, EventId, Expected, FailureKind, Hasher, NewEvent, StageName,
    StreamName,
};
use strongroom_service::{Clock, kill_point};
use strongroom_source::{Guard, Source, SourceError};

use crate::judge::{Verdict, judge};
use crate::marks::mark;

/// Bookings in a slice: some marks for each fit a request.
const SLICE: u32 = 200;
/// Bookings that are left, named in the log.
const NAMED: usize = 50;
const REASON_CHARS: usize = 500;

/// What a purge is judged by.
#[derive(Debug, Clone, Copy)]
pub struct PurgeSettings {
    /// How old a proof may be.
    pub evidence_fresh_for: SignedDuration,
}

/// Executes approved purges.
///
/// The server deletes first, the log records after it: if we stop in between, the server answers that the file is gone
/// already, and that is recorded.
#[derive(Debug)]
pub struct Purger {
    log: EventLog,
    clock: Clock,
    actor: Actor,
    source: Source,
    server: Guard,
    settings: PurgeSettings,
    /// Absent where this host has no key: then the server must believe marks without proof.
    prover: Option<Arc<Prover>>,
}

enum SliceError {
    Log(LogError),
    Server(SourceError),
    Failure(Failure),
}

impl From<LogError> for SliceError {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl From<SourceError> for SliceError {
    fn from(error: SourceError) -> Self {
        Self::Server(error)
    }
}

/// What people agreed on, as the server has it.
struct Agreed {
    purge: String,
    approved_by: Option<String>,
    /// On how many drives, and how long ago at most, the server wants proofs.
    server_needs: u32,
    server_fresh_for: SignedDuration,
    items: Vec<PurgeItem>,
}

/// A booking whose file may go, with its evidence.
struct Candidate {
    id: BookingId,
    evidence: Vec<CopyOn>,
}

/// Some bookings of a purge, at the moment of their judgement.
struct Slice<'a> {
    agreed: &'a Agreed,
    task: &'a Task<Purge>,
    heads: HashMap<StreamName, StreamHead>,
    copies: HashMap<BookingId, BookingCopies>,
    now: Timestamp,
    /// To be recorded with the slice.
    events: Vec<NewEvent>,
}

impl Slice<'_> {
    fn purged(
        &mut self,
        booking: &BookingId,
        evidence: &[CopyOn],
        purge: &str,
        approved_by: Option<String>,
        actor: &Actor,
    ) {
        let stream = StreamName::booking(booking);
        let Some(head) = self.heads.get(&stream) else { return };
        let purged = Event::TimesheetPurged(Purged {
            approved_by,
            drives: evidence.iter().map(|copy| copy.drive).collect(),
            proofs: evidence.iter().filter_map(|copy| Some(copy.proven.as_ref()?.event)).collect(),
            purge: purge.to_owned(),
        });
        let event = NewEvent::new(stream, Expected::After(head.version), self.now, actor.clone(), purged);
        self.events.push(NewEvent { cause: Some(self.task.trigger.id), ..event });
    }

    fn count(&self, booking: &BookingId, tally: &mut PurgeTally) {
        tally.purged += 1;
        tally.size_bytes = tally.size_bytes + self.copies.get(booking).map_or(ByteCount(0), |one| one.size);
    }
}

impl Purger {
    /// A stage for this server.
    pub fn new(
        log: EventLog,
        clock: Clock,
        actor: Actor,
        source: Source,
        settings: PurgeSettings,
        prover: Option<Arc<Prover>>,
    ) -> Self {
        Self { server: Guard::new(source.clone()), log, clock, actor, source, settings, prover }
    }

    async fn slice(&self, task: &Task<Purge>) -> Result<Option<Done>, SliceError> {
        let state = &task.state;
        if !state.is_requested {
            return Ok(None);
        }
        let Some(proposed) = &state.proposed else { return Ok(None) };
        let id = task.stream.id();
        let agreed = self.agreed(id, &proposed.ids_sha256).await?;
        let items = &agreed.items;
        let begin = usize::try_from(state.next).unwrap_or(usize::MAX).min(items.len());
        let end = (begin + SLICE as usize).min(items.len());
        let mut tally = state.tally.clone();
        let mut others = self.deal_with(&agreed, &items[begin..end], task, &mut tally).await?;
        let event = if end == items.len() {
            Event::PurgeFinished(PurgeFinished { tally })
        } else {
            Event::PurgeAdvanced(PurgeAdvanced { next: end as u64, tally })
        };
        let mut done = Done::event(event);
        done.others.append(&mut others);
        Ok(Some(done))
    }

    /// The bookings that were proposed and approved, in order.
    async fn agreed(&self, id: &str, ids_sha256: &str) -> Result<Agreed, SliceError> {
        let (mut items, mut after): (Vec<PurgeItem>, Option<String>) = (Vec::new(), None);
        let (summary, needed, fresh_for_s) = loop {
            let page = self.source.purge(id, MAX_LIST, after.as_deref()).await?;
            let refusal = match page.summary.state {
                PurgeState::Approved | PurgeState::RunPartly | PurgeState::Run => None,
                PurgeState::Proposed => {
                    Some("nobody has approved it: another person does, with `strongroom purge approve`")
                }
                PurgeState::Refused => Some("it was refused: propose it anew under another id"),
                PurgeState::Other => {
                    Some("the server has it in a state that only a newer version knows: upgrade strongroom")
                }
            };
            if let Some(why) = refusal {
                let message = format!("purge {id} was not run: {why}");
                return Err(SliceError::Failure(Failure::new(FailureKind::Refused, message, Fate::Person)));
            }
            items.extend(page.items);
            after = page.next;
            if after.is_none() {
                break (page.summary, page.proofs_needed, page.fresh_for_s);
            }
        };
        let ids: Vec<String> = items.iter().map(|item| item.id.clone()).collect();
        if ids_digest(&ids) != ids_sha256 {
            let message = format!("purge {id} was not run: the server names other bookings than were proposed");
            return Err(SliceError::Failure(Failure::new(FailureKind::BadAnswer, message, Fate::Person)));
        }
        Ok(Agreed {
            purge: id.to_owned(),
            approved_by: summary.approved_by,
            server_needs: needed.unwrap_or(0),
            server_fresh_for: fresh_for_s
                .and_then(|seconds| i64::try_from(seconds).ok())
                .map_or(SignedDuration::MAX, SignedDuration::from_secs),
            items,
        })
    }

    /// Has those deleted that may go; the events to record.
    async fn deal_with(
        &self,
        agreed: &Agreed,
        items: &[PurgeItem],
        task: &Task<Purge>,
        tally: &mut PurgeTally,
    ) -> Result<Vec<NewEvent>, SliceError> {
        let bookings: Vec<BookingId> = items.iter().filter_map(|item| item.id.parse().ok()).collect();
        let streams: Vec<StreamName> = bookings.iter().map(StreamName::booking).collect();
        // Before their copies: whatever happens to a booking after this makes the append fail, and all is judged anew.
        let heads = self.log.heads(&streams).await?;
        let drives = known_drives(&self.log).await?;
        let copies = copies_of(&self.log, &drives, &bookings).await?;
        let now = self.clock.now();
        // The server knows of no loss and no damage: what it counts by itself may be gone. So what it asks for must be
        // there by the log, too, whatever this site's configuration says.
        let needed = task.state.drives_needed.max(agreed.server_needs);
        let fresh_for = self.settings.evidence_fresh_for.min(agreed.server_fresh_for);
        let mut slice = Slice { agreed, task, heads, copies, now, events: Vec::new() };
        let mut candidates = Vec::new();
        for item in items {
            let id = &item.id;
            let Ok(booking) = id.parse::<BookingId>() else {
                leave(tally, id, "it is not a booking's id");
                continue;
            };
            let known = slice.copies.get(&booking);
            if item.state == Some(ServerState::Purged) && known.is_some_and(|one| one.state.phase == Phase::Archived) {
                self.catch_up(&mut slice, booking, tally).await?;
                continue;
            }
            match judge(known, needed, fresh_for, now) {
                Verdict::Gone => {}
                Verdict::Keep(why) => leave(tally, id, &why),
                Verdict::Delete(evidence) => candidates.push(Candidate { id: booking, evidence }),
            }
        }
        if !candidates.is_empty() {
            self.report(&candidates, &slice.copies).await?;
            kill_point!("purge.reported");
            let named: Vec<BookingId> = candidates.iter().map(|one| one.id.clone()).collect();
            let answers = self.source.run_purge(&agreed.purge, &named).await?;
            kill_point!("purge.deleted");
            for (candidate, answer) in candidates.into_iter().zip(&answers) {
                if answer.outcome == AnswerOutcome::Refused {
                    let reason = answer.reason.as_deref().unwrap_or("the server gave no reason");
                    leave(tally, candidate.id.as_str(), &format!("the server refused: {reason}"));
                    continue;
                }
                let approved_by = agreed.approved_by.clone();
                slice.purged(&candidate.id, &candidate.evidence, &agreed.purge, approved_by, &self.actor);
                slice.count(&candidate.id, tally);
            }
        }
        Ok(slice.events)
    }

    /// Records a deletion that the server made and the log lacks, since a process stopped in between: whatever became of
    /// the copies since, the file is gone.
    async fn catch_up(
        &self,
        slice: &mut Slice<'_>,
        booking: BookingId,
        tally: &mut PurgeTally,
    ) -> Result<(), SliceError> {
        let Some(purged) = self.source.booking(&booking).await?.purged else { return Ok(()) };
        let good = |copy: &&CopyOn| copy.is_good();
        let evidence: Vec<CopyOn> =
            slice.copies.get(&booking).map(|one| one.copies.iter().filter(good).cloned().collect()).unwrap_or_default();
        slice.purged(&booking, &evidence, &purged.purge, Some(purged.approved_by), &self.actor);
        if purged.purge == slice.agreed.purge {
            slice.count(&booking, tally);
        }
        Ok(())
    }

    /// Tells the server of every copy that counts: it judges by what was reported to it.
    async fn report(
        &self,
        candidates: &[Candidate],
        copies: &HashMap<BookingId, BookingCopies>,
    ) -> Result<(), SliceError> {
        let (mut marks, mut events): (Vec<_>, Vec<(StreamName, EventId)>) = (Vec::new(), Vec::new());
        for candidate in candidates {
            let Some(booking) = copies.get(&candidate.id) else { continue };
            for (mark, event) in candidate.evidence.iter().filter_map(|copy| mark(&candidate.id, booking, copy)) {
                marks.push(mark);
                events.push(event);
            }
        }
        let evidence = match &self.prover {
            Some(prover) => {
                // The server accepts a copy on another drive by the proof that binds its content to the record.
                events.extend(candidates.iter().filter_map(|one| {
                    let (event, _) = copies.get(&one.id)?.state.proven?;
                    Some((StreamName::booking(&one.id), event))
                }));
                events.sort();
                events.dedup();
                Some(prover.evidence(&events).await?)
            }
            None => None,
        };
        // A refused mark counts for nothing: the server's answer about the booking says so.
        self.source.mark_with_evidence(&marks, evidence.as_ref()).await?;
        Ok(())
    }

    async fn outcome(&self, error: SliceError) -> Option<TaskOutcome> {
        match error {
            SliceError::Failure(failure) => Some(TaskOutcome::Failed(failure)),
            SliceError::Server(error) => {
                self.server.suspect();
                Some(match self.source.obstacle_behind(&error).await {
                    Some(obstacle) => TaskOutcome::Obstructed(obstacle),
                    None => TaskOutcome::Failed(error.failure()),
                })
            }
            SliceError::Log(error) => {
                tracing::warn!(error = %with_causes(&error), "a purge could not go on without the log: it is delivered again");
                None
            }
        }
    }
}

fn leave(tally: &mut PurgeTally, booking: &str, reason: &str) {
    tally.left += 1;
    if tally.reasons.len() < NAMED {
        let (booking, reason) = (printable(booking, 128), printable(reason, REASON_CHARS));
        tally.reasons.push(Left { booking, reason });
    }
}

/// SHA-256 over the ids, each followed by a line feed, in hexadecimal.
#[must_use]
pub fn ids_digest(ids: &[String]) -> String {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    for id in ids {
        hasher.update(id.as_bytes());
        hasher.update(b"\n");
    }
    hasher.finish().hex()
}

impl Stage for Purger {
    type State = Purge;

    fn name(&self) -> StageName {
        StageName::Purge
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: 1, batches: 1 }
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.server.ready().await
    }

    async fn handle(&self, tasks: Vec<Task<Purge>>, settle: &Settle<Purge>) {
        for task in tasks {
            let outcome = match self.slice(&task).await {
                Ok(Some(done)) => TaskOutcome::Done(done),
                Ok(None) => TaskOutcome::Superseded,
                Err(error) => match self.outcome(error).await {
                    Some(outcome) => outcome,
                    None => continue,
                },
            };
            settle.one(task, outcome).await;
        }
    }
}
