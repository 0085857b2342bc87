//! The stage of a family of work that only tests have: together with `crates/model/src/sample.rs` it is all that a family
//! needs to be delivered, retried, held, alarmed about and counted.
#![cfg(feature = "sample-family")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::{Arc, Mutex};

use strongroom_bus::{BatchLimits, Done, Failure, Fate, Settle, Stage, Task, TaskOutcome};
use strongroom_model::event::AlarmRaised;
use strongroom_model::sample::{Sample, SampleTaken};
use strongroom_model::{Event, FailureKind, StageName};

/// Takes samples. Clones share what a test sets.
#[derive(Debug, Clone, Default)]
pub struct Sampling {
    obstacle: Arc<Mutex<Option<AlarmRaised>>>,
    /// Work waits for this while a test keeps it.
    gate: Arc<tokio::sync::Mutex<()>>,
}

impl Sampling {
    /// Puts an obstacle in its way, or takes it away.
    pub fn obstruct(&self, obstacle: Option<AlarmRaised>) {
        *self.obstacle.lock().unwrap() = obstacle;
    }

    /// Lets work take until the guard is dropped.
    pub async fn stall(&self) -> tokio::sync::OwnedMutexGuard<()> {
        self.gate.clone().lock_owned().await
    }
}

impl Stage for Sampling {
    type State = Sample;

    fn name(&self) -> StageName {
        StageName::Sample
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: 8, batches: 2 }
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        self.obstacle.lock().unwrap().clone().map_or(Ok(()), Err)
    }

    async fn handle(&self, tasks: Vec<Task<Sample>>, settle: &Settle<Sample>) {
        for task in tasks {
            drop(self.gate.lock().await);
            let outcome = outcome(&task.state);
            settle.one(task, outcome).await;
        }
    }
}

/// A sample fails as often as its request says.
fn outcome(sample: &Sample) -> TaskOutcome {
    match &sample.requested {
        Some(requested) if sample.failures < requested.failures => {
            TaskOutcome::Failed(Failure::new(FailureKind::CutShort, "the sample was cut short", Fate::Retry))
        }
        Some(_) => TaskOutcome::Done(Done::event(Event::SampleTaken(SampleTaken { attempt: sample.failures + 1 }))),
        None => TaskOutcome::Superseded,
    }
}
