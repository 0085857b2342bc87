use std::future::Future;
use std::sync::Arc;

use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::{Event, Failure, Fold, NewEvent, Partition, Recorded, StageName, StreamName, Version};

use crate::settle::Settle;

/// One verb of the pipeline.
///
/// The runner
/// - calls [`Stage::ready`] as it starts, before each batch and every few seconds without one, and pauses the stage
///   (one alarm, no attempt used) while that finds an obstacle. One found by the work pauses it, too, until a single
///   batch succeeds;
/// - delivers tasks whose stream is, at that moment, as the task's state says, each stream once at a time within this
///   process. Another process may have the same task: the first append wins, the other changes nothing;
/// - appends what is settled, with the stream's version as the expected one, then acknowledges the delivery. Effects
///   outside the log must be durable *before* the stage settles, and safe to repeat;
/// - counts attempts and chooses when to try again;
/// - contains a panic: open tasks are delivered once more, each alone, and the one that panics again fails.
///
/// A stage never retries, never sleeps for a retry and never reads the ambient clock. Its future is dropped at any
/// await when the process gives up.
pub trait Stage: Send + Sync + 'static {
    /// The fold of the subject that it works on.
    type State: Fold;

    /// Its work is what [`strongroom_model::next_step`] assigns to that name.
    fn name(&self) -> StageName;

    /// The limits of a batch.
    fn limits(&self) -> BatchLimits;

    /// Whether it may work now. An error pauses the stage until this succeeds. It must be cheap, and append nothing,
    /// where nothing has changed.
    fn ready(&self) -> impl Future<Output = Result<(), AlarmRaised>> + Send;

    /// The only partition whose work it can do now, if it [is partitioned](StageName::is_partitioned): a broker has a
    /// queue for each. Called regularly; `None` until [`Stage::ready`] has found out.
    fn partition(&self) -> Option<Partition> {
        None
    }

    /// Works on a batch. Every task must be settled, in any order and grouping; one that is not is delivered again.
    fn handle(&self, tasks: Vec<Task<Self::State>>, settle: &Settle<Self::State>) -> impl Future<Output = ()> + Send;
}

impl<S: Stage> Stage for Arc<S> {
    type State = S::State;

    fn name(&self) -> StageName {
        S::name(self)
    }

    fn limits(&self) -> BatchLimits {
        S::limits(self)
    }

    fn ready(&self) -> impl Future<Output = Result<(), AlarmRaised>> + Send {
        S::ready(self)
    }

    fn partition(&self) -> Option<Partition> {
        S::partition(self)
    }

    fn handle(&self, tasks: Vec<Task<S::State>>, settle: &Settle<S::State>) -> impl Future<Output = ()> + Send {
        S::handle(self, tasks, settle)
    }
}

/// The limits of a stage's batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// Tasks in one call of [`Stage::handle`], at most.
    pub tasks: usize,
    /// Concurrent calls, at most.
    pub batches: usize,
}

/// One subject that a stage is to work on.
#[derive(Debug, Clone)]
pub struct Task<S> {
    /// The subject's stream.
    pub stream: StreamName,
    /// The version that `state` was folded up to.
    pub version: Version,
    /// The subject's state.
    pub state: S,
    /// The stream's last event, which made it this stage's work.
    pub trigger: Recorded,
}

/// A stage's result for a task.
#[derive(Debug, Clone)]
pub enum TaskOutcome {
    /// The work is done: these events are appended.
    Done(Done),
    /// The work failed: the failure is recorded.
    Failed(Failure),
    /// An obstacle, not this subject's fault: nothing is recorded, the stage pauses, and the task is delivered again.
    Obstructed(AlarmRaised),
    /// Nothing is left to do, or another worker has it. If it stays pending, it is delivered again.
    Superseded,
}

/// What a finished task appends.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// Events for the task's own stream, in order.
    pub events: Vec<Event>,
    /// Events for other streams, appended in the same transaction.
    pub others: Vec<NewEvent>,
    /// Alarms to raise before the append. One that is raised already stays as it is.
    pub raise: Vec<AlarmRaised>,
    /// Alarms to clear before the append, each with the reason.
    pub clear: Vec<(AlarmKey, String)>,
}

impl Done {
    /// One event on the task's own stream.
    #[must_use]
    pub fn event(event: Event) -> Self {
        Self { events: vec![event], ..Self::default() }
    }
}
