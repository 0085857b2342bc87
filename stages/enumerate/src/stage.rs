//! The stage: reads the server's list page by page, and settles.

use std::collections::{HashMap, HashSet};

use strongroom_bus::{BatchLimits, Done, Outcome, Settle, Stage, Task};
use strongroom_eventlog::{EventLog, LogError, StreamHead};
use strongroom_model::event::AlarmRaised;
use strongroom_model::run::Run;
use strongroom_model::text::with_causes;
use strongroom_model::wire::MAX_LIST;
use strongroom_model::{Actor, EventId, NewEvent, Position, RunId, StageName, StreamName};
use strongroom_service::Clock;
use strongroom_service::actor::actor;
use strongroom_source::{Guard, Page, Source, SourceError};

use crate::findings::findings;
use crate::pick::{Note, Pick, bookings_of};

/// The most bookings that one run takes, whatever it was asked for: what one append holds.
pub const MAX_OLDEST: u32 = 1000;
/// How many pages of the list a run reads at most: a list that a server makes up as it goes
/// must end. As many bookings at the head of the list may be stuck (pages times
/// [`MAX_LIST`]) before they keep the others waiting.
pub const MAX_PAGES: u32 = 200;

/// Takes bookings in hand.
///
/// All that a run takes is appended in one step with what it says that it found, each
/// event with the version that its booking's stream was seen at:
/// - if we stop before the append, nothing has happened, and the run is still pending;
/// - if another enumeration took one of the same bookings in the meantime, the log refuses
///   the whole append. The run is delivered again, asks anew, and finds that one in hand.
///   Both runs cannot lose: what refuses one is that the other's append went through;
/// - if a duplicate of this run was faster, the run's own stream has moved on, and this
///   outcome is dropped.
///
/// So no booking is taken twice, and none is taken by a run that does not say so.
#[derive(Debug)]
pub struct Enumerate {
    source: Source,
    log: EventLog,
    clock: Clock,
    actor: Actor,
    server: Guard,
}

/// Why a run could not look.
enum Hindered {
    /// The server.
    Source(SourceError),
    /// The log.
    Log(LogError),
}

impl From<SourceError> for Hindered {
    fn from(error: SourceError) -> Self {
        Self::Source(error)
    }
}

impl From<LogError> for Hindered {
    fn from(error: LogError) -> Self {
        Self::Log(error)
    }
}

impl Enumerate {
    /// A stage that takes this server's bookings in hand, in this log.
    #[must_use]
    pub fn new(source: Source, log: EventLog, clock: Clock) -> Self {
        Self { server: Guard::new(source.clone()), source, log, clock, actor: actor(StageName::Enumerate) }
    }
}

impl Stage for Enumerate {
    type State = Run;

    fn name(&self) -> StageName {
        StageName::Enumerate
    }

    /// One run at a time: two would only want the same bookings.
    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: 1, batches: 1 }
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.server.ready().await
    }

    async fn handle(&self, tasks: Vec<Task<Run>>, settle: &Settle<Run>) {
        for task in tasks {
            match self.enumerate(&task).await {
                Ok(done) => settle.one(task, Outcome::Done(done)).await,
                Err(Hindered::Source(error)) => {
                    self.server.suspect();
                    settle.one(task, hindered(&error)).await;
                }
                // Not settled: it is delivered again when the log can be read.
                Err(Hindered::Log(error)) => {
                    tracing::warn!(error = %with_causes(&error), "a run cannot see what is in hand");
                }
            }
        }
    }
}

impl Enumerate {
    async fn enumerate(&self, task: &Task<Run>) -> Result<Done, Hindered> {
        let oldest = task.state.requested.as_ref().map_or(0, |requested| requested.oldest);
        let mut pick = Pick::new(oldest.clamp(1, MAX_OLDEST));
        let (mut cursor, mut given) = (None, HashSet::new());
        for _ in 0..MAX_PAGES {
            // Before the page: what the log says up to here, the server knew as well.
            let asked_at = Position(self.log.head().await?.size);
            let page = self.source.waiting(MAX_LIST, cursor.as_deref()).await?;
            cursor.clone_from(&page.next);
            let is_new = cursor.as_ref().is_none_or(|next| given.insert(next.clone()));
            let heads = self.heads(&page).await?;
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
            in_hand = pick.in_hand,
            forgotten = pick.forgotten,
            unusable = pick.unusable,
            "a run has enumerated"
        );
        let mut done = findings(&pick, whole);
        done.others = pick.taken.into_iter().chain(pick.noted).map(|note| self.event(task, note)).collect();
        Ok(done)
    }

    async fn heads(&self, page: &Page) -> Result<HashMap<StreamName, StreamHead>, LogError> {
        self.log.heads(&bookings_of(page)).await
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

/// What a server's error means for the run.
fn hindered(error: &SourceError) -> Outcome {
    if let Some(obstacle) = error.obstacle() {
        return Outcome::Obstructed(obstacle);
    }
    Outcome::Failed(error.failure())
}
