//! A stage that works only while another stage of its process is ready.

use strongroom_bus::{BatchLimits, Settle, Stage, Task};
use strongroom_model::event::AlarmRaised;
use strongroom_model::{Partition, StageName};

/// `stage`, which starts nothing while `prerequisite` is not ready.
pub(super) struct OnlyIfReady<S, F> {
    pub(super) prerequisite: F,
    pub(super) stage: S,
}

impl<S: Stage, F: Stage> Stage for OnlyIfReady<S, F> {
    type State = S::State;

    fn name(&self) -> StageName {
        self.stage.name()
    }

    fn limits(&self) -> BatchLimits {
        self.stage.limits()
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.prerequisite.ready().await?;
        self.stage.ready().await
    }

    fn partition(&self) -> Option<Partition> {
        self.stage.partition()
    }

    async fn handle(&self, tasks: Vec<Task<S::State>>, settle: &Settle<S::State>) {
        self.stage.handle(tasks, settle).await;
    }
}
