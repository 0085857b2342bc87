//! Settling: what became of tasks, written to the log.

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

/// Settles the tasks of one batch. Clones settle the same batch, so that tasks which
/// [`Stage::handle`](crate::Stage::handle) runs side by side can each have one.
///
/// What is durable when a call returns: the alarms and the events of every outcome, unless
/// the log refused or could not be reached. Then the task stays unsettled and is delivered
/// again, and the stream's version decides whether it was done after all.
pub struct Settle<S> {
    settling: Settling,
    state: PhantomData<fn() -> S>,
}

/// What became of a batch as a whole.
#[derive(Debug, Default)]
pub struct Settled {
    /// How each task ended, by its stream.
    pub ends: HashMap<StreamName, TaskEnd>,
    /// What was in the way, if the stage named something.
    pub obstacle: Option<AlarmRaised>,
}

/// How a task ended in this process: what is counted, and what becomes of its delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TaskEnd {
    /// Its events are in the log.
    Done,
    /// Its failure is in the log.
    Failed,
    /// The stream has moved on: another worker was faster, or it was delivered twice.
    Duplicate,
    /// Nothing was to be appended, or not yet, though the log may still show it as pending.
    NothingToDo,
    /// Its stream cannot be understood.
    Unreadable,
    /// Its event is not in this log, or is another stage's work.
    Foreign,
    /// The log does not say what became of it: it is delivered again.
    Unsettled,
}

impl Settled {
    /// The streams of the tasks that ended like that.
    #[must_use]
    pub fn with(&self, end: TaskEnd) -> Vec<&StreamName> {
        self.ends.iter().filter(|(_, its)| **its == end).map(|(stream, _)| stream).collect()
    }

    /// The streams of the tasks that must be delivered again.
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
    /// Settles these tasks. The runner does this for each batch; a stage's own tests may,
    /// to call [`Stage::handle`](crate::Stage::handle) by hand.
    #[must_use]
    pub fn new(context: StageContext, tasks: &[Task<S>]) -> Self {
        Self::of(Settling::new(Arc::new(context), Arc::default(), tasks))
    }

    pub(crate) const fn of(settling: Settling) -> Self {
        Self { settling, state: PhantomData }
    }

    /// Settles some of the batch's tasks. Each is all or nothing by itself: a duplicate that was
    /// faster with one of them does not keep the others out of the log. The log puts
    /// their appends into one commit where it can.
    pub async fn settle(&self, outcomes: Vec<(Task<S>, TaskOutcome)>) {
        join_all(outcomes.into_iter().map(|(task, outcome)| self.one(task, outcome))).await;
    }

    /// Settles one of the batch's tasks.
    pub async fn one(&self, task: Task<S>, outcome: TaskOutcome) {
        self.settling.one(task.erased(), outcome).await;
    }

    /// What became of the batch. Tasks that were not settled are to be delivered again.
    #[must_use]
    pub fn finish(self) -> Settled {
        self.settling.finish()
    }
}
