//! The Stage trait: what a stage promises, and what it may rely on.

use std::future::Future;
use std::sync::Arc;

use strongroom_model::event::{AlarmKey, AlarmRaised};
use strongroom_model::{Event, Failure, Fold, NewEvent, Partition, Recorded, StageName, StreamName, Version};

use crate::settle::Settle;

/// One verb of the pipeline.
///
/// The runner
/// - calls [`Stage::ready`] as it starts, before each batch and every few seconds without one, and pauses the stage
///   (one alarm, no attempt burned) for as long as it names an obstacle. One that only shows at work pauses it,
///   too: after that, a single batch shows whether it is over;
/// - hands over tasks whose stream is, at that moment, as the task's state says, and each
///   stream at most once at a time within this process. Another process may hold the same
///   task: whoever appends first wins, the other's append is refused and changes nothing;
/// - appends what is settled, with the stream's version as the expected one, and only
///   then forgets the delivery. Whatever is durable outside the log must be so *before*
///   the stage settles, and doing it twice must be harmless;
/// - counts attempts and chooses when to try again;
/// - contains a panic: the batch's open tasks are handed over once more, each alone, and
///   the one that panics again is recorded as failed.
///
/// A stage never retries by itself, never sleeps for a retry and never reads the ambient
/// clock. Its future is dropped at any await when the process is told to give up.
pub trait Stage: Send + Sync + 'static {
    /// The fold of the subject that it works on.
    type State: Fold;

    /// Which stage it is: the runner delivers what [`strongroom_model::next_step`] hands to
    /// that name.
    fn name(&self) -> StageName;

    /// How much it takes at a time.
    fn limits(&self) -> BatchLimits;

    /// Whether it may work now. An obstacle pauses the stage until this is well again. It must be cheap where nothing has
    /// changed, and append nothing then.
    fn ready(&self) -> impl Future<Output = Result<(), AlarmRaised>> + Send;

    /// The only partition whose work it can do now, where its work is bound to partitions
    /// ([`StageName::is_partitioned`]): a broker has a queue for each. Asked before anything is taken from a broker, and
    /// every now and then; `None` until the stage knows, which [`Stage::ready`] lets it find out.
    fn partition(&self) -> Option<Partition> {
        None
    }

    /// Works on a batch. Every task must be settled, in any order and in any groups; one
    /// that is not counts as obstructed and is delivered again.
    fn handle(&self, tasks: Vec<Task<Self::State>>, settle: &Settle<Self::State>) -> impl Future<Output = ()> + Send;
}

/// A stage that its process looks at from outside as well.
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

/// How much a stage takes at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchLimits {
    /// How many tasks one call of [`Stage::handle`] gets at most.
    pub tasks: usize,
    /// How many calls may be under way at once.
    pub batches: usize,
}

/// One subject that a stage is to work on.
#[derive(Debug, Clone)]
pub struct Task<S> {
    /// The subject's stream.
    pub stream: StreamName,
    /// The stream's version that `state` was folded up to.
    pub version: Version,
    /// The subject's state.
    pub state: S,
    /// The stream's last event, which handed the subject to this stage.
    pub trigger: Recorded,
}

/// What became of a task.
#[derive(Debug, Clone)]
pub enum TaskOutcome {
    /// The work is done: append this.
    Done(Done),
    /// It could not be done: recorded as a failure.
    Failed(Failure),
    /// Something that is not this subject's fault is in the way: nothing is recorded on
    /// the subject, the stage pauses, and the task is delivered again.
    Obstructed(AlarmRaised),
    /// There is nothing (left) to do here now, or another worker has it: forget the delivery. If the log
    /// still shows it as pending a while later, it is delivered again.
    Superseded,
}

/// Work that is done.
#[derive(Debug, Clone, Default)]
pub struct Done {
    /// What happened to the task's own subject, in order; appended to its stream.
    pub events: Vec<Event>,
    /// What happened to others, appended in the same step, or not at all.
    pub others: Vec<NewEvent>,
    /// Alarms to raise, before the append. One that is raised already stays as it is.
    pub raise: Vec<AlarmRaised>,
    /// Alarms that are over, cleared before the append, with a sentence that says why.
    pub clear: Vec<(AlarmKey, String)>,
}

impl Done {
    /// One event on the task's own stream.
    #[must_use]
    pub fn event(event: Event) -> Self {
        Self { events: vec![event], ..Self::default() }
    }
}
