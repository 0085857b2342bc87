//! One run handed to the stage as the runner would.

use std::ops::Deref;

use strongroom_bus::Task;
use strongroom_enumerate::Enumerate;
use strongroom_model::event::{Event, RunEnumerated, RunRequested, Trigger};
use strongroom_model::run::Run;
use strongroom_model::{Recorded, RunId, StreamName};
use strongroom_source::Source;
use strongroom_stage_rig::{StageRig, sample};

pub(crate) struct Rig(StageRig);

impl Deref for Rig {
    type Target = StageRig;

    fn deref(&self) -> &StageRig {
        &self.0
    }
}

impl Rig {
    pub(crate) async fn new() -> Self {
        Self(StageRig::new().await)
    }

    pub(crate) fn stage(&self, source: Source) -> Enumerate {
        Enumerate::new(source, self.log.clone(), self.clock.clone())
    }

    /// A run that is due.
    pub(crate) async fn requested(&self, oldest: u32) -> Task<Run> {
        let stream = StreamName::run(RunId::new(self.clock.now()));
        self.append_to(&stream, Event::RunRequested(RunRequested { trigger: Trigger::Once, oldest })).await;
        self.task_of(&stream).await
    }

    /// A whole run: what it said, and which bookings it took.
    pub(crate) async fn run(&self, source: Source, oldest: u32) -> (RunEnumerated, Vec<String>) {
        let task = self.requested(oldest).await;
        let stream = task.stream.clone();
        let size = self.size().await;
        self.settled(&self.stage(source), vec![task]).await;
        let said = self.task_of::<Run>(&stream).await.state.enumerated.expect("the run has enumerated");
        let since = self.log.read(strongroom_model::Position(size), 4096).await.unwrap();
        let taken = since.iter().map(|stored| stored.decode().unwrap()).filter(is_taken);
        (said, taken.map(|event| event.stream.id().to_owned()).collect())
    }
}

fn is_taken(event: &Recorded) -> bool {
    matches!(event.event, Event::TimesheetEnumerated(_))
}

/// A booking that another run took.
pub(crate) fn enumerated() -> Event {
    sample::enumerated("t.pdf", 3, crate::DIGEST.parse().unwrap())
}
