use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::join_all;
use strongroom_model::event::AlarmRaised;
use strongroom_model::{Fold, StreamName};

use crate::context::StageContext;
use crate::settling::Settling;
use crate::stage::{Task, TaskOutcome};

/// Settles the tasks of one batch. Clones settle the same batch.
///
/// Durable when a call returns: the alarms and events of every result, unless the log refused or could not be
/// reached. Then the task is delivered again, and the stream's version decides whether it was done.
pub struct Settle<S> {
    settling: Settling,
    state: PhantomData<fn() -> S>,
}

/// The result of a batch.
#[derive(Debug, Default)]
pub struct BatchOutcome {
    /// How each task ended, by its stream.
    pub ends: HashMap<StreamName, TaskEnd>,
    /// The obstacle, if the stage found one.
    pub obstacle: Option<AlarmRaised>,
}

/// How a task ended here: it is counted, and decides what becomes of the delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// Its events are in the log.
    Done,
    /// Its failure is in the log.
    Failed,
    /// The stream has moved on: another worker was faster, or it was delivered twice.
    Duplicate,
    /// Nothing was to be appended, or not yet; it may still be pending.
    NothingToDo,
    /// Its stream cannot be understood.
    Unreadable,
    /// Its event is not in this log, or is another stage's work.
    Foreign,
    /// The log does not say what became of it: it is delivered again.
    Unsettled,
}

impl BatchOutcome {
    /// The streams of tasks that ended like that.
    #[must_use]
    pub fn with(&self, end: TaskEnd) -> Vec<&StreamName> {
        self.ends.iter().filter(|(_, its)| **its == end).map(|(stream, _)| stream).collect()
    }

    /// The streams of tasks that must be delivered again.
    #[must_use]
    pub fn unsettled(&self) -> Vec<&StreamName> {
        self.with(TaskEnd::Unsettled)
    }
}

impl<S> fmt::Debug for Settle<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Settle").field(&self.settling).finish()
    }
}

impl<S> Clone for Settle<S> {
    fn clone(&self) -> Self {
        Self { settling: self.settling.clone(), state: PhantomData }
    }
}

impl<S: Fold> Settle<S> {
    /// For the runner, and for stages' own tests.
    #[must_use]
    pub fn new(context: StageContext, tasks: &[Task<S>]) -> Self {
        Self::of(Settling::new(Arc::new(context), Arc::default(), tasks))
    }

    pub(crate) const fn of(settling: Settling) -> Self {
        Self { settling, state: PhantomData }
    }

    /// Settles tasks, each all or nothing by itself. The log commits their appends together where it can.
    pub async fn settle(&self, outcomes: Vec<(Task<S>, TaskOutcome)>) {
        join_all(outcomes.into_iter().map(|(task, outcome)| self.one(task, outcome))).await;
    }

    /// Settles one task.
    pub async fn one(&self, task: Task<S>, outcome: TaskOutcome) {
        self.settling.one(task.erased(), outcome).await;
    }

    /// Tasks that were not settled must be delivered again.
    #[must_use]
    pub fn finish(self) -> BatchOutcome {
        self.settling.finish()
    }
}
