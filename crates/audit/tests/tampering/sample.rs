//! A log of two bookings' lives, and the key that signed its checkpoint.

use strongroom_eventlog::EventLog;
use strongroom_model::event::{KeyCreated, KeyRotated, SummaryComposed};
use strongroom_model::{DriveId, Event, Expected, NewEvent, Position, SiteId, StreamName, Version};
use strongroom_proof::{SigningKey, rotation};
use strongroom_stage_rig::{sample, stream_of};

pub(crate) fn site() -> SiteId {
    "harbour".parse().unwrap()
}

pub(crate) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed("strongroom/harbour".parse().unwrap(), [seed; 32])
}

pub(crate) fn drive() -> DriveId {
    "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8ad1".parse().unwrap()
}

pub(crate) fn life(booking: &str) -> Vec<(StreamName, Event)> {
    let sum = sample::sha256(booking.as_bytes());
    let stream = stream_of(booking);
    let path = format!("harbour/2026-11/data/{booking}.pdf");
    [
        sample::enumerated("a.pdf", 3, sum.clone()),
        sample::fetched(drive(), &path, 3, &sum),
        sample::backed_up(drive(), &path, 3, &sum),
        sample::archived("archived/2026-11/a.pdf"),
    ]
    .into_iter()
    .map(|event| (stream.clone(), event))
    .collect()
}

/// The key at 0, B-1 at 1 to 4, B-2 at 5 to 8, B-3 that waits for fetch at 9.
pub(crate) fn events() -> Vec<(StreamName, Event)> {
    let created = Event::KeyCreated(KeyCreated { key: key(7).public().to_string() });
    let mut events = vec![(StreamName::log_key(), created)];
    events.extend(life("B-1"));
    events.extend(life("B-2"));
    events.extend(life("B-3").into_iter().take(1));
    events
}

/// A rotation to a stranger's key, signed by the stranger alone.
pub(crate) fn forged_rotation() -> (StreamName, Event) {
    let (known, own, new) = (key(7), key(8), key(9));
    let statement = rotation(&own, &new).to_string();
    let rotated = KeyRotated { key: new.public().to_string(), previous: known.public().to_string(), statement };
    (StreamName::log_key(), Event::KeyRotated(rotated))
}

/// A summary of all events so far.
pub(crate) async fn summary(log: &EventLog) -> (StreamName, Event) {
    let head = log.head().await.unwrap();
    let composed = SummaryComposed {
        number: 1,
        from: Position(0),
        to: Position(head.size),
        root: head.root_base64(),
        title: "a night".to_owned(),
        message_id: "summary-1.harbour@strongroom".to_owned(),
    };
    (StreamName::summary(1), Event::SummaryComposed(composed))
}

pub(crate) async fn append(log: &EventLog, events: Vec<(StreamName, Event)>) {
    for (stream, event) in events {
        let heads = log.heads(std::slice::from_ref(&stream)).await.unwrap();
        let expected = heads.get(&stream).map_or(Expected::New, |head| Expected::After(Version(head.version.0)));
        let time = "2026-11-20T23:00:00Z".parse().unwrap();
        log.append(vec![NewEvent::new(stream, expected, time, "test@rig".parse().unwrap(), event)]).await.unwrap();
    }
}
