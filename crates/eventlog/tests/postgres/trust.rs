//! Callers are trusted until the database refuses their group: then only those who were wrong are refused.

use futures_util::future::join_all;
use futures_util::poll;
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::{Expected, NewEvent, Recorded, Version};

use crate::sample::{connect, database, event, holds, open, run};

/// The next event of a stream that has so many.
fn next(of: &NewEvent, events: u64) -> NewEvent {
    let expected = events.checked_sub(1).map_or(Expected::New, |last| Expected::After(Version(last)));
    NewEvent { stream: of.stream.clone(), expected, ..event() }
}

/// Has all of these appends wait for one turn, so that they are one group.
async fn at_once(log: &EventLog, url: &str, appends: Vec<Vec<NewEvent>>) -> Vec<Result<Vec<Recorded>, AppendError>> {
    let mut holder = connect(url).await;
    run(&mut holder, "SELECT pg_advisory_lock(turn('harbour'))").await.unwrap();
    let mut appends: Vec<_> = appends.into_iter().map(|events| Box::pin(log.append(events))).collect();
    for append in &mut appends {
        assert!(poll!(append).is_pending());
    }
    run(&mut holder, "SELECT pg_advisory_unlock(turn('harbour'))").await.unwrap();
    join_all(appends).await
}

#[tokio::test]
async fn r3_of_a_group_only_those_who_are_wrong_are_refused() {
    let database = database().await;
    let log = open(&database.url).await;
    let stored = event();
    log.append(vec![stored.clone()]).await.unwrap();
    for (number, wrong) in [
        // Its version is taken; the one before it is not there; its id is taken.
        next(&stored, 0),
        next(&stored, 9),
        next(&event(), 3),
        NewEvent { id: stored.id, ..event() },
    ]
    .into_iter()
    .enumerate()
    {
        let commits = log.commits();
        let group = vec![vec![wrong], vec![next(&stored, number as u64 + 1)], vec![event()]];
        let answers = at_once(&log, &database.url, group).await;
        let refused = answers[0].as_ref().unwrap_err();
        assert!(
            refused.is_conflict() || matches!(refused, AppendError::DuplicateId(id) if *id == stored.id),
            "{refused}"
        );
        assert!(answers[1..].iter().all(Result::is_ok), "{answers:?}");
        assert_eq!(log.commits(), commits + 1, "they were one group");
    }
    holds(&log, 9).await;
}

#[tokio::test]
async fn r3_nobody_is_refused_for_what_another_one_of_the_group_only_believes() {
    let database = database().await;
    let log = open(&database.url).await;
    let known = event();
    log.append(vec![known.clone()]).await.unwrap();
    // The first says where the stream is and is wrong about it, and fails for another reason, too: its second
    // event takes an id that it has taken itself. What it claims about the stream must not count.
    let liar = next(&known, 5);
    let twice = NewEvent { id: liar.id, ..event() };
    let honest = next(&known, 1);
    let answers = at_once(&log, &database.url, vec![vec![liar, twice], vec![honest]]).await;
    assert!(answers[0].is_err());
    assert_eq!(answers[1].as_ref().unwrap()[0].version, Version(1));
    holds(&log, 2).await;
}
