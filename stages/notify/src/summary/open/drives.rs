use std::collections::BTreeMap;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::event::DriveAttached;
use strongroom_model::{DriveId, Event, Position, StreamName, SubjectKind};

use super::PAGE;

/// What was known of the drives at a position.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Drives {
    pub(crate) labels: BTreeMap<DriveId, String>,
    /// Each one's last recorded use.
    pub(crate) attached: BTreeMap<DriveId, DriveAttached>,
    /// The one attached last.
    pub(crate) current: Option<DriveId>,
}

/// The newest [`PAGE`] drives.
pub(super) async fn at(log: &EventLog, to: Position) -> Result<Drives, LogError> {
    let heads = log.newest(SubjectKind::Drive, PAGE).await?;
    let names: Vec<StreamName> = heads.into_iter().map(|head| head.stream).collect();
    let mut drives = Drives::default();
    let mut newest = None;
    for (stream, history) in log.readable_streams(&names).await? {
        let Ok(drive) = stream.id().parse() else { continue };
        for event in history.into_iter().filter(|event| event.position < to) {
            match event.event {
                Event::DriveInitialised(data) => drop(drives.labels.insert(drive, data.label)),
                Event::DriveAttached(attached) => {
                    drives.attached.insert(drive, attached);
                    newest = newest.max(Some((event.position, drive)));
                }
                _ => {}
            }
        }
    }
    drives.current = newest.map(|(_, drive)| drive);
    Ok(drives)
}
