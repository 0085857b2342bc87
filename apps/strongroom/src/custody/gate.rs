//! Which drives may be read and written: those that the log knows, and no clone of one.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use strongroom_custody::DriveGate;
use strongroom_drive::{Admission as _, Drive, DriveError, DriveErrorKind, readme};
use strongroom_eventlog::EventLog;
use strongroom_model::Actor;
use strongroom_proof::SigningKey;
use strongroom_service::Clock;
use tokio::runtime::Handle;

use crate::admission::LogAdmission;
use crate::checkpoint;
use crate::uses;

#[derive(Debug)]
pub(crate) struct LogGate {
    log: EventLog,
    clock: Clock,
    actor: Actor,
    key: Option<SigningKey>,
    runtime: Handle,
    /// One for each mount folder: each remembers the use that it has begun.
    admissions: Mutex<HashMap<PathBuf, Arc<LogAdmission>>>,
}

impl LogGate {
    pub(crate) fn new(log: &EventLog, clock: &Clock, actor: &Actor, key: Option<SigningKey>) -> Self {
        Self {
            log: log.clone(),
            clock: clock.clone(),
            actor: actor.clone(),
            key,
            runtime: Handle::current(),
            admissions: Mutex::default(),
        }
    }

    fn admission(&self, root: PathBuf) -> Arc<LogAdmission> {
        let mut admissions = self.admissions.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            admissions.entry(root).or_insert_with(|| Arc::new(LogAdmission::new(&self.log, &self.clock, &self.actor))),
        )
    }
}

impl DriveGate for LogGate {
    fn recognise(&self, drive: &Drive) -> Result<(), DriveError> {
        self.runtime.block_on(uses::check(&self.log, drive))
    }

    fn admit(&self, drive: &Drive) -> Result<(), DriveError> {
        self.admission(drive.root().to_owned()).admit(drive)
    }

    fn seal(&self, drive: &Drive) -> Result<(), DriveError> {
        let now = self.runtime.block_on(checkpoint::now(&self.log));
        let unrecorded = |why: String| DriveErrorKind::Unrecorded(why).at(drive.root());
        let signed = checkpoint::signed(now.map_err(|error| unrecorded(error.to_string()))?, self.key.as_ref());
        checkpoint::on_drive(drive.root())
            .write(&signed)
            .map_err(|error| unrecorded(format!("the log's checkpoint cannot be written: {error}")))?;
        drive.write_readme(&readme(drive.identity(), self.log.site())).map(drop)
    }
}
