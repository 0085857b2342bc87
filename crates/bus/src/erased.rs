//! Stages without their types: what serves every stage is compiled once.

use std::any::Any;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use strongroom_model::event::AlarmRaised;
use strongroom_model::fold::fold;
use strongroom_model::{Fold, IllegalTransition, Partition, Recorded, StageName};

use crate::settle::Settle;
use crate::settling::Settling;
use crate::stage::{BatchLimits, Stage, Task};

pub(crate) trait AnyState: Any + Send + Sync {
    fn attempt(&self) -> u32;

    fn can_follow(&self, events: &[Recorded]) -> Result<(), IllegalTransition>;

    /// For the stage that folded it, which knows its type.
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<S: Fold> AnyState for S {
    fn attempt(&self) -> u32 {
        Fold::attempt(self)
    }

    fn can_follow(&self, events: &[Recorded]) -> Result<(), IllegalTransition> {
        events.iter().try_fold(self.clone(), S::next).map(drop)
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

pub(crate) type AnyTask = Task<Arc<dyn AnyState>>;

impl<S: Fold> Task<S> {
    pub(crate) fn erased(self) -> AnyTask {
        let Self { stream, version, state, trigger } = self;
        Task { stream, version, state: Arc::new(state), trigger }
    }

    fn typed(task: AnyTask) -> Self {
        let Task { stream, version, state, trigger } = task;
        let state = state.into_any().downcast::<S>().expect("a stage is given the states that it has folded");
        Self { stream, version, state: Arc::unwrap_or_clone(state), trigger }
    }
}

pub(crate) trait AnyStage: Send + Sync + 'static {
    fn name(&self) -> StageName;
    fn limits(&self) -> BatchLimits;
    fn ready(&self) -> BoxFuture<'_, Result<(), AlarmRaised>>;
    fn partition(&self) -> Option<Partition>;
    fn fold(&self, history: &[Recorded]) -> Result<Arc<dyn AnyState>, IllegalTransition>;
    fn handle<'a>(&'a self, tasks: Vec<AnyTask>, settling: &'a Settling) -> BoxFuture<'a, ()>;
}

impl<S: Stage> AnyStage for S {
    fn name(&self) -> StageName {
        Stage::name(self)
    }

    fn limits(&self) -> BatchLimits {
        Stage::limits(self)
    }

    fn ready(&self) -> BoxFuture<'_, Result<(), AlarmRaised>> {
        Box::pin(Stage::ready(self))
    }

    fn partition(&self) -> Option<Partition> {
        Stage::partition(self).filter(|_| Stage::name(self).is_partitioned())
    }

    fn fold(&self, history: &[Recorded]) -> Result<Arc<dyn AnyState>, IllegalTransition> {
        Ok(Arc::new(fold::<S::State>(history)?))
    }

    fn handle<'a>(&'a self, tasks: Vec<AnyTask>, settling: &'a Settling) -> BoxFuture<'a, ()> {
        let settle = Settle::of(settling.clone());
        let tasks = tasks.into_iter().map(Task::typed).collect();
        Box::pin(async move { Stage::handle(self, tasks, &settle).await })
    }
}
