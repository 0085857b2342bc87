//! Asking for a run, and what became of it.

use strongroom_eventlog::{AppendError, EventLog, LogError};
use strongroom_model::event::{RunRequested, Trigger};
use strongroom_model::fold::fold;
use strongroom_model::run::Run;
use strongroom_model::{
    Actor, Event, EventId, Expected, NewEvent, Position, Recorded, RunId, StageName, StreamName, SubjectKind,
};
use strongroom_service::Clock;

/// Asks for a run. One that an earlier process asked for, and that did not come to ask the
/// server, is taken over instead: runs do not pile up behind a server that is away.
///
/// If we stop after the append, the run is pending in the log, and the next process takes it
/// over.
pub(crate) async fn request(
    log: &EventLog,
    clock: &Clock,
    actor: &Actor,
    trigger: Trigger,
    oldest: u32,
) -> Result<StreamName, AppendError> {
    if let Some(pending) = pending(log).await.map_err(AppendError::NotStored)? {
        return Ok(pending);
    }
    let time = clock.now();
    let run = RunId::new(time);
    let stream = StreamName::run(run);
    let event = NewEvent {
        id: EventId::new(time),
        stream: stream.clone(),
        expected: Expected::New,
        time,
        actor: actor.clone(),
        cause: None,
        run: Some(run),
        event: Event::RunRequested(RunRequested { trigger, oldest }),
    };
    log.append(vec![event]).await?;
    Ok(stream)
}

/// A run that has not asked the server yet, at once or at its next attempt.
async fn pending(log: &EventLog) -> Result<Option<StreamName>, LogError> {
    let now = log.pending(StageName::Enumerate, Position(0), 1).await?;
    let later = log.due(StageName::Enumerate, jiff::Timestamp::MAX, 1).await?;
    let of_run = |event: Recorded| (event.stream.kind() == SubjectKind::Run).then_some(event.stream);
    Ok(now.into_iter().chain(later).find_map(of_run))
}

/// What became of a run so far. A stream that does not fold is for `log verify` to report.
pub(crate) async fn look(log: &EventLog, run: &StreamName) -> Result<Run, LogError> {
    Ok(fold(&log.stream(run).await?).unwrap_or_default())
}

/// The newest run: when it was asked for, and by what.
pub(crate) async fn newest(log: &EventLog) -> Result<Option<(jiff::Timestamp, Trigger)>, LogError> {
    let Some(head) = log.newest(SubjectKind::Run, 1).await?.into_iter().next() else { return Ok(None) };
    Ok(log.stream(&head.stream).await?.into_iter().find_map(|recorded| match recorded.event {
        Event::RunRequested(requested) => Some((recorded.time, requested.trigger)),
        _ => None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn log() -> (tempfile::TempDir, EventLog) {
        let folder = tempfile::tempdir().unwrap();
        let log = EventLog::open_sqlite(&folder.path().join("log.sqlite"), &"demo".parse().unwrap()).await.unwrap();
        (folder, log)
    }

    #[tokio::test]
    async fn a_run_that_never_came_to_ask_is_taken_over() {
        let (_folder, log) = log().await;
        let clock = Clock::manual("2026-11-20T23:00:00Z".parse().unwrap());
        let actor = "run@backup-1".parse().unwrap();
        let first = request(&log, &clock, &actor, Trigger::Schedule, 100).await.unwrap();
        clock.advance(std::time::Duration::from_secs(60));
        let second = request(&log, &clock, &actor, Trigger::Once, 100).await.unwrap();
        assert_eq!(first, second);
        assert_eq!(log.head().await.unwrap().size, 1);
        assert!(!look(&log, &first).await.unwrap().is_settled());
        let asked = "2026-11-20T23:00:00Z".parse().unwrap();
        assert_eq!(newest(&log).await.unwrap(), Some((asked, Trigger::Schedule)));
    }
}
