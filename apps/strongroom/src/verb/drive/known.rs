//! A drive as a person names it: by label, id, or the folder where it is mounted.

use std::collections::BTreeMap;
use std::path::Path;

use strongroom_audit::{called, known_drives};
use strongroom_drive::Drive;
use strongroom_eventlog::EventLog;
use strongroom_model::drive_state::DriveState;
use strongroom_model::text::printable;
use strongroom_model::{DriveId, Event, Expected, NewEvent, StreamName};
use strongroom_service::Clock;
use strongroom_service::actor::person;

use crate::cli_error::CliError;

/// A drive that the log knows.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) id: DriveId,
    pub(super) state: DriveState,
    pub(super) all: BTreeMap<DriveId, DriveState>,
}

impl Known {
    pub(super) async fn named(log: &EventLog, name: &str) -> Result<Self, CliError> {
        let all = known_drives(log).await?;
        let by_label = || -> Vec<DriveId> {
            all.iter().filter(|(_, state)| state.label.as_deref() == Some(name)).map(|(id, _)| *id).collect()
        };
        let id = match (name.parse::<DriveId>(), by_label().as_slice()) {
            (Ok(id), _) => id,
            (_, [id]) => *id,
            (_, []) => match Drive::look(Path::new(name)) {
                Ok((identity, _)) => identity.id,
                Err(_) => return Err(unknown(name, &all)),
            },
            (_, several) => {
                let ids: Vec<String> = several.iter().map(ToString::to_string).collect();
                return Err(CliError::new(format!("several drives are called {:?}", printable(name, 64)))
                    .next_step(format!("name it by its id, one of {}", ids.join(", "))));
            }
        };
        let state = all.get(&id).cloned().ok_or_else(|| unknown(name, &all))?;
        Ok(Self { id, state, all })
    }

    pub(super) fn called(&self) -> String {
        called(&self.all, self.id)
    }

    /// Appends what happened to it, unless something else did meanwhile.
    pub(super) async fn append(&self, log: &EventLog, event: Event) -> Result<(), CliError> {
        let stream = StreamName::drive(self.id);
        let head = log.heads(std::slice::from_ref(&stream)).await?.remove(&stream);
        let expected = head.map_or(Expected::New, |head| Expected::After(head.version));
        log.append(vec![NewEvent::new(stream, expected, Clock::system().now(), person(), event)]).await?;
        Ok(())
    }
}

fn unknown(name: &str, all: &BTreeMap<DriveId, DriveState>) -> CliError {
    let labels: Vec<String> = all.keys().map(|id| called(all, *id)).collect();
    let known = if labels.is_empty() { "it knows none".to_owned() } else { format!("it knows {}", labels.join(", ")) };
    CliError::new(format!("the log knows no drive {:?}; {known}", printable(name, 80)))
        .next_step("name a drive by its label, its id, or the folder where it is mounted: strongroom drive list")
}
