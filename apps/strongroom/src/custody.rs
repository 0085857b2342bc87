//! Acts on drives' contents, as verbs and processes ask for them: [`act`] requests one and sees it through, [`gate`] says
//! which drives may be used, [`schedule`] asks for what is due.

pub(crate) mod act;
pub(crate) mod gate;
pub(crate) mod progress;
pub(crate) mod schedule;

use std::sync::Arc;

use strongroom_custody::{Custodian, Drives};
use strongroom_eventlog::EventLog;
use strongroom_model::Actor;
use strongroom_proof::SigningKey;
use strongroom_service::{Clock, Config};
use strongroom_source::Source;

use self::gate::LogGate;

/// The stage, as the configuration says.
pub(crate) fn custodian(
    config: &Config,
    log: &EventLog,
    clock: &Clock,
    actor: &Actor,
    source: Option<Source>,
    key: Option<SigningKey>,
) -> Custodian {
    let gate = LogGate::new(log, clock, actor, key);
    let drives = Drives::new(Arc::new(gate), config.drive.root.clone(), config.drive.reserve);
    Custodian::new(log.clone(), clock.clone(), actor.clone(), drives, source, config.data_dir.clone())
}
