//! The stage.

use std::collections::HashSet;

use strongroom_bus::{BatchLimits, Done, Settle, Stage, Task, TaskOutcome};
use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::AlarmRaised;
use strongroom_model::run::Run;
use strongroom_model::text::with_causes;
use strongroom_model::wire::MAX_LIST;
use strongroom_model::{Actor, EventId, NewEvent, Position, RunId, StageName};
use strongroom_service::Clock;
use strongroom_service::actor::actor;
use strongroom_source::{Guard, Source, SourceError};

use crate::findings::findings;
use crate::pick::{Note, Pick, bookings_of};

/// The most bookings of a run: what one append holds.
pub(crate) const MAX_OLDEST: u32 = 1000;
/// An endless list must end. That many pages of [`MAX_LIST`] bookings may be stuck at the head of the list before they
/// hold up the others.
pub const MAX_PAGES: u32 = 200;

/// Takes bookings. A run's events are appended in one step, each with the version that its booking's stream had:
/// - if we stop before the append, nothing has happened, and the run is still pending;
/// - if another run took one of the bookings meanwhile, the log refuses the append. The run is delivered again, lists
///   anew, and finds that one claimed. One of two concurrent runs always succeeds: what refuses one is the other's
///   append;
/// - if a duplicate of this run was faster, the run's own stream has moved on, and this outcome is dropped.
///
/// So no booking is taken twice.
#[derive(Debug)]
pub struct Enumerate {
    source: Source,
    log: EventLog,
    clock: Clock,
    actor: Actor,
    server: Guard,
}

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
enum ListError {
    Source(#[from] SourceError),
    Log(#[from] LogError),
}

impl Enumerate {
    /// A stage that takes this server's bookings, in this log.
    pub fn new(source: Source, log: EventLog, clock: Clock) -> Self {
        Self { server: Guard::new(source.clone()), source, log, clock, actor: actor(StageName::Enumerate) }
    }
}

impl Stage for Enumerate {
    type State = Run;

    fn name(&self) -> StageName {
        StageName::Enumerate
    }

    /// Two runs would only compete for the same bookings.
    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: 1, batches: 1 }
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.server.ready().await
    }

    async fn handle(&self, tasks: Vec<Task<Run>>, settle: &Settle<Run>) {
        for task in tasks {
            match self.enumerate(&task).await {
                Ok(done) => settle.one(task, TaskOutcome::Done(done)).await,
                Err(ListError::Source(error)) => {
                    self.server.suspect();
                    let outcome = error.obstacle().map(TaskOutcome::Obstructed);
                    settle.one(task, outcome.unwrap_or_else(|| TaskOutcome::Failed(error.failure()))).await;
                }
                Err(ListError::Log(error)) => {
                    // Not settled: delivered again once the log can be read.
                    tracing::warn!(
                        run = task.stream.id(),
                        error = %with_causes(&error),
                        "the log cannot be read for the run's claimed bookings: trying again"
                    );
                }
            }
        }
    }
}

impl Enumerate {
    async fn enumerate(&self, task: &Task<Run>) -> Result<Done, ListError> {
        let oldest = task.state.requested.as_ref().map_or(0, |requested| requested.oldest);
        let mut pick = Pick::new(oldest.clamp(1, MAX_OLDEST));
        let (mut cursor, mut given) = (None, HashSet::new());
        for _ in 0..MAX_PAGES {
            // Before the page: the server knew what the log has up to here.
            let asked_at = Position(self.log.head().await?.size);
            let page = self.source.waiting(MAX_LIST, cursor.as_deref()).await?;
            cursor.clone_from(&page.next);
            let is_new = cursor.as_ref().is_none_or(|next| given.insert(next.clone()));
            let heads = self.log.heads(&bookings_of(&page)).await?;
            let is_repeated = pick.has_seen(&page);
            if !is_repeated {
                pick.look(page, &heads, asked_at);
            }
            if is_repeated || !is_new {
                pick.note_circle();
                break;
            }
            if pick.is_full() || cursor.is_none() {
                break;
            }
        }
        let whole = cursor.is_none() && !pick.is_full();
        tracing::info!(
            waiting = pick.waiting,
            listed = pick.listed,
            enumerated = pick.taken.len(),
            in_hand = pick.claimed,
            forgotten = pick.forgotten,
            unusable = pick.unusable,
            "a run has enumerated"
        );
        let mut done = findings(&pick, whole);
        done.others = pick.taken.into_iter().chain(pick.noted).map(|note| self.event(task, note)).collect();
        Ok(done)
    }

    fn event(&self, task: &Task<Run>, note: Note) -> NewEvent {
        let time = self.clock.now();
        NewEvent {
            id: EventId::new(time),
            stream: note.stream,
            expected: note.expected,
            time,
            actor: self.actor.clone(),
            cause: Some(task.trigger.id),
            run: task.trigger.run.or_else(|| task.stream.id().parse::<RunId>().ok()),
            event: note.event,
        }
    }
}
