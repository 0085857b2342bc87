//! Settling: what became of tasks, written to the log.

use std::collections::HashSet;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use futures_util::future::join_all;
use strongroom_model::event::AlarmRaised;
use strongroom_model::{Fold, StreamName};

use crate::desk::Desk;
use crate::settling::Settling;
use crate::stage::{Outcome, Task};

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
    /// The streams of tasks that must be delivered again.
    pub again: HashSet<StreamName>,
    /// The streams of tasks that the stage has nothing to do about, and appended nothing to.
    pub rests: HashSet<StreamName>,
    /// What was in the way, if the stage named something.
    pub obstacle: Option<AlarmRaised>,
    /// With how many tasks the work itself succeeded.
    pub done: usize,
    /// How many failures were recorded.
    pub failed: usize,
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
    pub fn new(desk: Desk, tasks: &[Task<S>]) -> Self {
        Self::of(Settling::new(Arc::new(desk), Arc::default(), tasks))
    }

    pub(crate) const fn of(settling: Settling) -> Self {
        Self { settling, state: PhantomData }
    }

    /// Settles some of the batch's tasks. Each is all or nothing by itself: a duplicate that was
    /// faster with one of them does not keep the others out of the log. The log puts
    /// their appends into one commit where it can.
    pub async fn settle(&self, outcomes: Vec<(Task<S>, Outcome)>) {
        join_all(outcomes.into_iter().map(|(task, outcome)| self.one(task, outcome))).await;
    }

    /// Settles one of the batch's tasks.
    pub async fn one(&self, task: Task<S>, outcome: Outcome) {
        self.settling.one(task.erased(), outcome).await;
    }

    /// What became of the batch. Tasks that were not settled are to be delivered again.
    #[must_use]
    pub fn finish(self) -> Settled {
        self.settling.finish()
    }
}
