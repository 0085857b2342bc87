//! The drives' labels.

use std::collections::BTreeMap;

use strongroom_eventlog::{EventLog, LogError};
use strongroom_model::{DriveId, Event, Position, StreamName, SubjectKind};

use super::PAGE;

/// The labels of the drives that were set up before `to`, the newest [`PAGE`] of them.
pub(super) async fn labels(log: &EventLog, to: Position) -> Result<BTreeMap<DriveId, String>, LogError> {
    let heads = log.newest(SubjectKind::Drive, PAGE).await?;
    let names: Vec<StreamName> = heads.into_iter().map(|head| head.stream).collect();
    let mut labels = BTreeMap::new();
    for (stream, history) in log.readable_streams(&names).await? {
        let last = history.iter().rev().filter(|event| event.position < to).find_map(|event| match &event.event {
            Event::DriveInitialised(data) => Some(data.label.clone()),
            _ => None,
        });
        if let (Ok(drive), Some(label)) = (stream.id().parse(), last) {
            labels.insert(drive, label);
        }
    }
    Ok(labels)
}
