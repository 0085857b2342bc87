//! Requesting a run, and what became of it.

use jiff::Timestamp;
use strongroom_eventlog::{AppendError, EventLog, LogError};
use strongroom_model::event::{RunRequested, Trigger};
use strongroom_model::fold::fold;
use strongroom_model::run::Run;
use strongroom_model::{
    Actor, Event, Expected, NewEvent, Position, Recorded, RunId, SiteId, StageName, StreamName, SubjectKind,
};
use strongroom_service::actor::person;
use strongroom_service::{Clock, Config};
use uuid::Uuid;

/// Requests a run. One that an earlier process requested and that has not asked the server yet is taken over: runs do
/// not pile up behind a server that is away.
///
/// The run's id follows from `previous`, the newest run. So of two processes that want the same run, the second gets
/// a conflict, however late.
///
/// If we stop after the append, the run is pending in the log, and the next process takes it over.
pub(crate) async fn request(
    log: &EventLog,
    clock: &Clock,
    actor: &Actor,
    (trigger, oldest): (Trigger, u32),
    previous: Option<&StreamName>,
) -> Result<StreamName, AppendError> {
    if let Some(pending) = pending(log).await.map_err(AppendError::NotStored)? {
        return Ok(pending);
    }
    let run = after(log.site(), previous);
    let stream = StreamName::run(run);
    let requested = Event::RunRequested(RunRequested { trigger, oldest });
    let event = NewEvent::new(stream.clone(), Expected::New, clock.now(), actor.clone(), requested);
    match log.append(vec![NewEvent { run: Some(run), ..event }]).await {
        Ok(_) | Err(AppendError::Conflict { .. }) => Ok(stream),
        Err(error) => Err(error),
    }
}

/// Requests a run in the name of whoever called this process, or takes over an earlier one.
pub(crate) async fn now(config: &Config, log: &EventLog, clock: &Clock) -> Result<StreamName, AppendError> {
    let previous = newest(log).await.map_err(AppendError::NotStored)?.map(|newest| newest.stream);
    request(log, clock, &person(), (Trigger::Once, config.enumerate.oldest), previous.as_ref()).await
}

/// A version 5 UUID (RFC 9562, section 5.5).
fn after(site: &SiteId, previous: Option<&StreamName>) -> RunId {
    let name = previous.map_or_else(|| format!("/sites/{site}/run"), |run| format!("/sites/{site}/{run}"));
    RunId(Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes()))
}

async fn pending(log: &EventLog) -> Result<Option<StreamName>, LogError> {
    let now = log.pending(StageName::Enumerate, Position(0), 1).await?;
    let later = log.due(StageName::Enumerate, Timestamp::MAX, 1).await?;
    let of_run = |event: Recorded| (event.stream.kind() == SubjectKind::Run).then_some(event.stream);
    Ok(now.into_iter().chain(later).find_map(of_run))
}

/// A stream that does not fold is for `log verify` to report.
pub(crate) async fn look(log: &EventLog, run: &StreamName) -> Result<Run, LogError> {
    Ok(fold(&log.readable_stream(run).await?).unwrap_or_default())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Newest {
    pub(crate) stream: StreamName,
    pub(crate) asked_at: Timestamp,
    pub(crate) trigger: Trigger,
    pub(crate) position: Position,
}

pub(crate) async fn newest(log: &EventLog) -> Result<Option<Newest>, LogError> {
    let Some(head) = log.newest(SubjectKind::Run, 1).await?.into_iter().next() else { return Ok(None) };
    // Later events do not matter here, nor whether this version can read them.
    let Some(first) = log.read(head.first_position, 1).await?.into_iter().next() else { return Ok(None) };
    let (asked_at, trigger) = match log.readable(&first) {
        Some(Recorded { time, event: Event::RunRequested(requested), .. }) => (time, requested.trigger),
        Some(_) => return Ok(None),
        // Nobody can run it, and the next one must not wait for it.
        None => (first.time().unwrap_or(Timestamp::UNIX_EPOCH), Trigger::Schedule),
    };
    Ok(Some(Newest { stream: head.stream, asked_at, trigger, position: head.position }))
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
        let first = request(&log, &clock, &actor, (Trigger::Schedule, 100), None).await.unwrap();
        clock.advance(std::time::Duration::from_secs(60));
        let second = request(&log, &clock, &actor, (Trigger::Once, 100), Some(&first)).await.unwrap();
        assert_eq!(first, second);
        assert_eq!(log.head().await.unwrap().size, 1);
        assert!(!look(&log, &first).await.unwrap().is_settled());
        let asked = "2026-11-20T23:00:00Z".parse().unwrap();
        let newest = newest(&log).await.unwrap().unwrap();
        assert_eq!((newest.stream, newest.asked_at, newest.trigger), (first, asked, Trigger::Schedule));
    }

    #[tokio::test]
    async fn r3_two_that_want_the_same_run_ask_for_one() {
        let (folder, log) = log().await;
        let clock = Clock::manual("2026-11-20T23:00:00Z".parse().unwrap());
        let duplicate = EventLog::open_sqlite(&folder.path().join("log.sqlite"), log.site()).await.unwrap();
        let (here, there) = ("enumerate@a".parse().unwrap(), "enumerate@b".parse().unwrap());
        let wanted = (Trigger::Schedule, 100);
        let (one, other) =
            tokio::join!(request(&log, &clock, &here, wanted, None), request(&duplicate, &clock, &there, wanted, None));
        let run = one.unwrap();
        assert_eq!(run, other.unwrap());
        assert_eq!(log.head().await.unwrap().size, 1);
        // A third found it wanted as well, but comes when it is over.
        crate::run::testing::happens(&log, &clock, &run, crate::run::testing::found(0)).await;
        assert_eq!(request(&log, &clock, &here, wanted, None).await.unwrap(), run);
        assert_eq!(log.head().await.unwrap().size, 2);
    }

    #[test]
    fn each_run_leads_to_another_and_each_site_has_its_own() {
        let (here, there) = ("demo".parse().unwrap(), "other".parse().unwrap());
        let first = after(&here, None);
        let second = after(&here, Some(&StreamName::run(first)));
        assert_ne!(first, second);
        assert_ne!(first, after(&there, None));
        assert_eq!(second, after(&here, Some(&StreamName::run(first))));
    }
}
