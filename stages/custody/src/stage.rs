//! The stage, which does one slice of an act for each delivery.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use strongroom_bus::{BatchLimits, Done, Settle, Stage, Task, TaskOutcome};
use strongroom_drive::Drive;
use strongroom_eventlog::EventLog;
use strongroom_model::custody::Custody;
use strongroom_model::event::{Act, AlarmRaised};
use strongroom_model::text::with_causes;
use strongroom_model::{Actor, CustodyId, DriveId, Partition, Recorded, StageName};
use strongroom_service::{Clock, blocking};
use strongroom_source::Source;

use crate::drives::Drives;
use crate::slice::{Slice, SliceError};

/// Does acts on drives' contents.
///
/// A slice's events are appended together with the act's progress. If we stop before that append, the slice is done again:
/// reading changes nothing, a copy that is there already is adopted, and a repaired one is found as it should be. If we
/// stop after it, the next slice follows.
#[derive(Debug)]
pub struct Custodian {
    pub(crate) log: EventLog,
    pub(crate) clock: Clock,
    pub(crate) actor: Actor,
    pub(crate) drives: Drives,
    pub(crate) source: Option<Source>,
    /// Where scratch folders are made.
    pub(crate) data_dir: PathBuf,
    /// The drive that the configuration's folder holds, as last seen.
    partition: Mutex<Option<DriveId>>,
}

/// What a slice is done for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) id: CustodyId,
    pub(crate) trigger: &'a Recorded,
}

impl Custodian {
    /// A stage that opens drives so; `source` is the server that files are given back to, `data_dir` the folder in which
    /// drills make their scratch folder.
    pub fn new(
        log: EventLog,
        clock: Clock,
        actor: Actor,
        drives: Drives,
        source: Option<Source>,
        data_dir: PathBuf,
    ) -> Self {
        Self { log, clock, actor, drives, source, data_dir, partition: Mutex::default() }
    }

    async fn slice(&self, task: &Task<Custody>) -> Result<Option<Done>, SliceError> {
        let Ok(id) = task.stream.id().parse() else { return Ok(None) };
        let Some(slice) = Slice::of(&task.state).filter(|_| task.state.is_open()) else { return Ok(None) };
        let request = Request { id, trigger: &task.trigger };
        Ok(Some(match &slice.requested.act {
            Act::Verify { drive, which } => self.verify(request, slice, drive, which).await?,
            Act::Copy { drive, to } => self.copy(request, slice, drive, to).await?,
            Act::Repair { drive, from } => self.repair(request, slice, drive, from).await?,
            Act::Restore { drive, to, which } => self.restore(request, slice, drive, to, which).await?,
        }))
    }
}

impl Stage for Custodian {
    type State = Custody;

    fn name(&self) -> StageName {
        StageName::Custody
    }

    /// One slice at a time: the night's run needs the drive, too.
    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: 1, batches: 1 }
    }

    /// Never in the way: an act names its own drives.
    async fn ready(&self) -> Result<(), AlarmRaised> {
        if let Some(root) = self.drives.configured().map(Path::to_owned) {
            let found = blocking(move || Drive::look(&root).ok().map(|(identity, _)| identity.id)).await;
            *self.partition.lock().unwrap_or_else(PoisonError::into_inner) = found;
        }
        Ok(())
    }

    fn partition(&self) -> Option<Partition> {
        self.partition.lock().unwrap_or_else(PoisonError::into_inner).map(Partition::from)
    }

    async fn handle(&self, tasks: Vec<Task<Custody>>, settle: &Settle<Custody>) {
        for task in tasks {
            let outcome = match self.slice(&task).await {
                Ok(Some(done)) => TaskOutcome::Done(done),
                Ok(None) => TaskOutcome::Superseded,
                Err(error) => match error.failure() {
                    Some(failure) => TaskOutcome::Failed(failure),
                    None => {
                        tracing::warn!(stream = %task.stream, error = %with_causes(&error),
                            "a slice of an act could not be done without the log: it is delivered again");
                        continue;
                    }
                },
            };
            settle.one(task, outcome).await;
        }
    }
}
