//! `strongroom drive restore-identity`: writes a lost identity back from the log.

use std::path::Path;

use strongroom_drive::{Drive, Identity, ProvenCopy, RestoreError, Unidentified};
use strongroom_eventlog::EventLog;
use strongroom_model::event::DriveIdentityRestored;
use strongroom_model::{DriveId, Event, Expected, NewEvent, StreamName};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config, blocking};
use tokio::runtime::Handle;

use self::candidate::{Candidate, candidates};
use self::choice::{Choice, HeldMarks, choose};
use super::drive_error;
use crate::cli_error::CliError;
use crate::exit::Exit;
use crate::out::Out;
use crate::site;

mod candidate;
mod choice;

#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Wanted<'a> {
    pub(super) id: Option<DriveId>,
    pub(super) label: Option<&'a str>,
}

pub(super) async fn run(root: &Path, wanted: Wanted<'_>, config: &Config, out: &mut Out) -> Result<Exit, CliError> {
    let log = site::log(config).await?;
    let restored = restore(root, wanted, &log).await;
    log.close().await;
    let (identity, evidence) = restored?;
    out.line(format_args!("the drive at {} is {identity} again: {evidence}", root.display()))?;
    out.line(format_args!("Next: strongroom doctor, then {}", site::next_run(Some(config))))?;
    Ok(Exit::Well)
}

async fn restore(root: &Path, wanted: Wanted<'_>, log: &EventLog) -> Result<(Identity, String), CliError> {
    let place = root.to_owned();
    let drive = blocking(move || Drive::unidentified(&place)).await.map_err(of_restore)?;
    let candidates = candidates(log).await?;
    let (drive, found) = look(drive, log, &candidates).await;
    let Choice { index, evidence } = choose(&candidates, &found, wanted)?;
    let candidate = candidates.into_iter().nth(index).expect("one of them was chosen");
    let event = recorded(&candidate, &evidence);
    let (log, runtime) = (log.clone(), Handle::current());
    let record = move || runtime.block_on(log.append(vec![event])).map(drop).map_err(CliError::from);
    let write =
        move || drive.restore(candidate.id, &candidate.label, candidate.created_at, || record().map_err(Failed::Other));
    match blocking(write).await {
        Ok(identity) => Ok((identity, evidence)),
        Err(Failed::Drive(error)) => Err(of_restore(error)),
        Err(Failed::Other(error)) => Err(error),
    }
}

enum Failed {
    Drive(RestoreError),
    Other(CliError),
}

impl From<RestoreError> for Failed {
    fn from(error: RestoreError) -> Self {
        Self::Drive(error)
    }
}

/// What the drive holds of each of them. The log has their copies in one pass.
async fn look(drive: Unidentified, log: &EventLog, candidates: &[Candidate]) -> (Unidentified, Vec<HeldMarks>) {
    let site = log.site().clone();
    let asked: Vec<(Option<_>, Vec<ProvenCopy>)> =
        candidates.iter().map(|candidate| (candidate.newest, candidate.proofs.clone())).collect();
    blocking(move || {
        let marks = drive.uses(&site);
        let found = asked.into_iter().map(|(newest, proofs)| HeldMarks {
            used: newest.is_some(),
            marked: newest.is_some_and(|newest| marks.contains(&newest)),
            held: drive.holds(&proofs),
            of: proofs.len(),
        });
        let found = found.collect();
        (drive, found)
    })
    .await
}

fn recorded(candidate: &Candidate, evidence: &str) -> NewEvent {
    let event = Event::DriveIdentityRestored(DriveIdentityRestored { evidence: evidence.to_owned() });
    let (stream, expected) = (StreamName::drive(candidate.id), Expected::After(candidate.version));
    NewEvent::new(stream, expected, Clock::system().now(), person(), event)
}

fn of_restore(error: RestoreError) -> CliError {
    match error {
        RestoreError::Drive(error) => drive_error(&error),
        error => error.into(),
    }
}
