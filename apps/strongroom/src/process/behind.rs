//! A stage that may work only where another one of its process may.

use strongroom_bus::{BatchLimits, Settle, Stage, Task};
use strongroom_model::event::AlarmRaised;
use strongroom_model::{Partition, StageName};

/// `stage`, which begins nothing while something is in the way of `first`.
pub(super) struct Behind<S, F> {
    pub(super) first: F,
    pub(super) stage: S,
}

impl<S: Stage, F: Stage> Stage for Behind<S, F> {
    type State = S::State;

    fn name(&self) -> StageName {
        self.stage.name()
    }

    fn limits(&self) -> BatchLimits {
        self.stage.limits()
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.first.ready().await?;
        self.stage.ready().await
    }

    fn partition(&self) -> Option<Partition> {
        self.stage.partition()
    }

    async fn handle(&self, tasks: Vec<Task<S::State>>, settle: &Settle<S::State>) {
        self.stage.handle(tasks, settle).await;
    }
}
