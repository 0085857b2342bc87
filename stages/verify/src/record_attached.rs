//! Records how the attached drive is used, for processes that cannot see it.

use strongroom_drive::{Backing, Drive, shared_with};
use strongroom_eventlog::{AppendError, EventLog, LogError};
use strongroom_model::event::{DiskOf, DriveAttached, DriveInitialised};
use strongroom_model::text::with_causes;
use strongroom_model::{DriveId, Event, EventId, Expected, NewEvent, StageName, StreamName, SubjectKind};
use strongroom_service::{Clock, actor, blocking};

use crate::stage::VerifySettings;

/// How many of the log's drives are considered, newest first.
const MAX_DRIVES: usize = 256;

fn attached_as(drive: &Drive, settings: &VerifySettings) -> DriveAttached {
    let disk = match drive.backing() {
        Ok(Backing::Memory) => DiskOf::Memory,
        _ => shared_with(drive.root(), &settings.others).unwrap_or(DiskOf::Own),
    };
    DriveAttached { disk, cached_is_proven: !settings.device_only }
}

/// Records the drive's use unless the log has it. If we stop before, or another process is faster, that one or the next
/// start records it.
pub(crate) async fn record(
    log: &EventLog,
    clock: &Clock,
    drive: &Drive,
    settings: &VerifySettings,
) -> Result<(), LogError> {
    let (attached, attached_settings) = (drive.clone(), settings.clone());
    let now = blocking(move || attached_as(&attached, &attached_settings)).await;
    let identity = drive.identity();
    let recorded = newest(log).await?;
    if recorded.map_or(now == DriveAttached::PLAIN, |recorded| recorded == (identity.id, now)) {
        return Ok(());
    }
    let stream = StreamName::drive(identity.id);
    let mut last = log.stream(&stream).await?.last().map(|last| last.version);
    let is_unknown = last.is_none();
    let mut next = |event| {
        let expected = last.map_or(Expected::New, Expected::After);
        last = Some(expected.next());
        let time = clock.now();
        let (stream, actor) = (stream.clone(), actor(StageName::Verify));
        NewEvent { id: EventId::new(time), stream, expected, time, actor, cause: None, run: None, event }
    };
    // A drive set up for another log has a label that this log lacks.
    let label = DriveInitialised { label: identity.label.clone() };
    let unknown = is_unknown.then(|| next(Event::DriveInitialised(label)));
    let events = unknown.into_iter().chain([next(Event::DriveAttached(now))]).collect();
    match log.append(events).await {
        Ok(_) | Err(AppendError::Conflict { .. }) => {}
        Err(error) => {
            tracing::warn!(
                drive = %identity.id,
                error = %with_causes(&error),
                "how the drive is attached was not recorded: trying again at the next start"
            );
        }
    }
    Ok(())
}

async fn newest(log: &EventLog) -> Result<Option<(DriveId, DriveAttached)>, LogError> {
    let heads = log.newest(SubjectKind::Drive, MAX_DRIVES).await?;
    let streams: Vec<StreamName> = heads.into_iter().map(|head| head.stream).collect();
    let histories = log.readable_streams(&streams).await?;
    let attached = histories.values().flatten().filter_map(|event| match event.event {
        Event::DriveAttached(attached) => Some((event.position, (event.stream.id().parse().ok()?, attached))),
        _ => None,
    });
    Ok(attached.max_by_key(|(position, _)| *position).map(|(_, attached)| attached))
}
