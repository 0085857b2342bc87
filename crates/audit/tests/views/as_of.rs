//! What a view says of an earlier position.

use std::collections::{BTreeMap, HashMap};

use serde_json::{Value, json};
use strongroom_audit::{
    AlarmFilter, Observed, PageRequest, Status, Story, alarms, drives, runs, statuses_of, subjects,
};
use strongroom_eventlog::EventLog;
use strongroom_model::booking::Booking;
use strongroom_model::fold::fold;
use strongroom_model::{Position, Recorded, StreamName, SubjectKind, next_step, status_after};

use crate::sample;

/// All views, as JSON, of the log as it is, or as it was.
async fn views(log: &EventLog, as_of: Option<Position>) -> Value {
    let page = PageRequest { as_of, ..PageRequest::default() };
    let mut by_status = BTreeMap::new();
    for &kind in SubjectKind::ALL {
        for status in statuses_of(kind) {
            let found = subjects(log, kind, status, &page).await.unwrap();
            by_status.insert(format!("{} {status}", kind.name()), found);
        }
    }
    let mut stories = Vec::new();
    for (stream, _) in sample::events() {
        stories.push(Story::read(log, &stream, &page).await.ok());
    }
    let mut status = match as_of {
        None => Status::read(log, Observed::default()).await.unwrap(),
        Some(position) => Status::as_of(log, position).await.unwrap(),
    };
    // These say which of the two was asked for.
    (status.as_of, status.notes) = (None, Vec::new());
    for drive in &mut status.drives {
        drive.state.clear();
    }
    json!({
        "status": status,
        "subjects": by_status,
        "stories": stories,
        "runs": runs(log, &page).await.unwrap(),
        "alarms": alarms(log, AlarmFilter::All, &page).await.unwrap(),
        "raised": alarms(log, AlarmFilter::Raised, &page).await.unwrap(),
        "cleared": alarms(log, AlarmFilter::Cleared, &page).await.unwrap(),
        "drives": drives(log, &page).await.unwrap(),
    })
}

pub(crate) async fn each_view_of_an_earlier_position_is_what_it_was_then(log: &EventLog) {
    let mut then = Vec::new();
    for (n, (stream, event)) in sample::events().into_iter().enumerate() {
        sample::append(log, n, &stream, event).await;
        then.push(views(log, None).await);
    }
    for (position, then) in (0..).zip(&then) {
        let now = views(log, Some(Position(position))).await;
        assert_eq!(&now, then, "as of position {position}");
    }
    let last = then.last().unwrap();
    assert_eq!(last["drives"]["items"][0]["proven_copies"], 1);
    assert_eq!(last["subjects"]["booking fetched"]["items"][0]["partition"], sample::drive().to_string());
    assert_eq!(last["status"]["safety"], "problems");
}

pub(crate) async fn the_status_of_an_earlier_position_is_the_fold_of_the_events_before(log: &EventLog) {
    sample::fill(log).await;
    let stored = log.read(Position(0), 1000).await.unwrap();
    let events: Vec<Recorded> = stored.iter().map(|stored| stored.decode().unwrap()).collect();
    for end in 1..=events.len() {
        let mut streams: HashMap<&StreamName, Vec<&Recorded>> = HashMap::new();
        for event in &events[..end] {
            streams.entry(&event.stream).or_default().push(event);
        }
        let mut counts: BTreeMap<&str, BTreeMap<String, u64>> = BTreeMap::new();
        let mut waiting = 0;
        for (stream, history) in &streams {
            let status = match stream.kind() {
                SubjectKind::Booking => {
                    Some(fold::<Booking>(history.iter().copied()).unwrap().status().label().to_owned())
                }
                _ => history
                    .iter()
                    .fold(None, |before, event| status_after(before.as_ref(), &event.event))
                    .map(|status| status.to_string()),
            };
            if let Some(status) = status {
                *counts.entry(stream.kind().name()).or_default().entry(status).or_default() += 1;
            }
            waiting += u64::from(next_step(&history.last().unwrap().event).is_some());
        }
        let status = Status::as_of(log, Position(end as u64 - 1)).await.unwrap();
        assert_eq!(status.subjects, counts, "{end}");
        assert_eq!(status.backlog.iter().map(|of| of.at_once + of.delayed).sum::<u64>(), waiting, "{end}");
        assert_eq!(status.log.size, end as u64);
        assert_eq!(status.bookings.waiting, None, "what the server said then is unknown");
    }
}
