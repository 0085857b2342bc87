//! Messages that somebody made up or changed on the way: the log is as if they had not come.

use std::time::Duration;

use serde_json::{Value, json};
use strongroom_bus::broker::{EventMessage, Parked};
use strongroom_model::event::{Failed, Held};
use strongroom_model::{
    Actor, BookingId, Event, EventId, Expected, FailureKind, Recorded, RunId, StageName, StreamName, Version,
};

use crate::hub::{Hub, message, queue};
use crate::rig::{Fake, done, enumerated, id, settled, until};

/// What is put in the place of a field's value: of each type, and beyond each bound.
fn values() -> Vec<Value> {
    vec![
        Value::Null,
        json!(""),
        json!("x"),
        json!("x".repeat(100_000)),
        json!(0),
        json!(1),
        json!(-1),
        json!(9_007_199_254_740_993_u64),
        json!(1e300),
        json!(true),
        json!([]),
        json!({}),
        json!("2001-01-01T00:00:00.000000Z"),
        json!("9999-12-31T23:59:59.999999Z"),
        json!("0197c1f0-0000-7000-8000-00000000beef"),
        json!("/sites/other"),
        json!("booking/victim"),
        json!("booking/nobody"),
        json!("root@nowhere"),
        json!("strongroom.timesheet.fetched.v1"),
        json!("strongroom.run.requested.v1"),
    ]
}

/// Every change of one field of an event, and of one of its data.
fn changes(model: &Value) -> Vec<Value> {
    let places = |object: &Value| object.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    let mut changed = Vec::new();
    for (pointer, names) in [("", places(model)), ("/data", places(&model["data"]))] {
        for name in names {
            for value in values() {
                let mut event = model.clone();
                event.pointer_mut(pointer).unwrap()[&name] = value;
                changed.push(event);
            }
            let mut event = model.clone();
            event.pointer_mut(pointer).unwrap().as_object_mut().unwrap().remove(&name);
            changed.push(event);
        }
        let mut event = model.clone();
        event.pointer_mut(pointer).unwrap()["extra"] = json!("more");
        changed.push(event);
    }
    changed
}

/// What is to be seen of an event that was led to, whichever booking it is of.
fn seen(history: &[Recorded]) -> (Version, Actor, Option<bool>, Option<RunId>, jiff::Timestamp, Event) {
    let [first, second] = history else { panic!("two events are expected: {history:#?}") };
    let cause = second.cause.map(|cause| cause == first.id);
    (second.version, second.actor.clone(), cause, second.run, second.time, second.event.clone())
}

async fn enumerate(hub: &Hub, booking: &BookingId, run: RunId) {
    let event = hub.rig.new_event(StreamName::booking(booking), Expected::New, enumerated());
    let cause = Some(EventId::new(hub.rig.clock.now()));
    hub.rig.log.append(vec![strongroom_model::NewEvent { run: Some(run), cause, ..event }]).await.unwrap();
}

async fn append(hub: &Hub, booking: &BookingId, last: u64, event: Event) {
    let expected = Expected::After(Version(last));
    let event = hub.rig.new_event(StreamName::booking(booking), expected, event);
    hub.rig.log.append(vec![event]).await.unwrap();
}

fn value(message: &EventMessage) -> Value {
    serde_json::from_slice(&message.body).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn r2_a_forged_message_leaves_the_log_as_it_is_without_it() {
    let hub = Hub::new().await;
    hub.apply().await;
    let run = RunId::new(hub.rig.clock.now());
    enumerate(&hub, &id("model"), run).await;
    let model = hub.messages(StageName::Fetch).await.remove(0);
    let count = changes(&value(&model)).len();
    let ids: Vec<BookingId> = (0..count).map(|n| id(&format!("B-{n}"))).collect();
    for booking in ids.iter().chain([&id("victim")]) {
        enumerate(&hub, booking, run).await;
    }
    let genuine = hub.messages(StageName::Fetch).await;
    let of = |booking: &BookingId| {
        genuine.iter().find(|message| value(message)["subject"] == format!("booking/{booking}")).unwrap().clone()
    };
    let forged: Vec<EventMessage> = ids
        .iter()
        .enumerate()
        .map(|(n, booking)| {
            let message = of(booking);
            let body = serde_json::to_vec(&changes(&value(&message)).remove(n)).unwrap();
            let genuine =
                EventMessage { id: "forged".into(), type_name: "forged".into(), time_s: 1, trace: None, ..message };
            EventMessage { body, ..genuine }
        })
        .collect();

    let before = hub.rig.log.head().await.unwrap().size;
    hub.publish(&forged).await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    let parked = strongroom_bus::broker::QueueName::parked(&crate::hub::site());
    let all_dealt_with = || async {
        let worked = pipeline.progress()[0].counts.done + u64::from(hub.ready(&parked).await);
        worked >= count as u64 && pipeline.progress()[0].in_flight == 0
    };
    until("each is done or parked", all_dealt_with).await;
    let done_by_then = pipeline.progress()[0].counts.done;
    assert_eq!(hub.rig.log.head().await.unwrap().size, before + done_by_then, "nothing else was appended");

    // What should have come comes now.
    hub.publish(&genuine).await;
    settled(&pipeline, &[StageName::Fetch]).await;
    let expected = seen(&hub.rig.history(&id("model")).await);
    assert_eq!((expected.2, expected.3), (Some(true), Some(run)));
    for (n, booking) in ids.iter().enumerate() {
        let history = hub.rig.history(booking).await;
        let body = String::from_utf8_lossy(&forged[n].body[..forged[n].body.len().min(900)]).into_owned();
        assert_eq!(seen(&history), expected, "after {body}");
    }
    assert_eq!(hub.rig.log.head().await.unwrap().size, 2 * before);
    assert_eq!(hub.rig.log.verify().await.unwrap().damage, None);
    Parked::new(&hub.broker()).discard(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn r2_a_message_that_calls_another_stages_work_this_ones_does_nothing() {
    let hub = Hub::new().await;
    hub.apply().await;
    hub.rig.enumerate(&[id("model")]).await;
    let model = hub.messages(StageName::Fetch).await.remove(0);
    hub.fetched(&[id("B-1")], crate::rig::drive()).await;
    let mut forged = value(&hub.messages(StageName::Verify).await.remove(0));
    for field in ["type", "data", "dataschema"] {
        forged[field] = value(&model)[field].clone();
    }
    hub.publish(&[EventMessage { body: serde_json::to_vec(&forged).unwrap(), ..model.clone() }, model]).await;
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    until("the other is done", || async { hub.rig.history(&id("model")).await.len() == 2 }).await;
    hub.until_empty(&queue(StageName::Fetch)).await;
    assert_eq!((stage.given(), hub.rig.history(&id("B-1")).await.len()), (1, 2));
    drop(pipeline);
}

#[tokio::test(flavor = "multi_thread")]
async fn r2_what_is_not_due_yet_is_not_begun_whoever_delivers_it() {
    let hub = Hub::new().await;
    hub.apply().await;
    hub.rig.enumerate(&[id("failed"), id("held"), id("model")]).await;
    let at = |seconds: u64| hub.rig.clock.now() + Duration::from_secs(seconds);
    let failed = Failed {
        stage: StageName::Fetch,
        kind: FailureKind::CutShort,
        message: "it was cut".to_owned(),
        attempt: 1,
        retry_at: Some(at(600)),
        digest: None,
        next_step: None,
        quarantined: None,
        reached: Vec::new(),
    };
    append(&hub, &id("failed"), 0, Event::failed(strongroom_model::SubjectKind::Booking, failed)).await;
    append(&hub, &id("held"), 0, Event::TimesheetHeld(Held { stage: StageName::Fetch, until: at(900) })).await;
    let due = hub.rig.log.due_stored(StageName::Fetch, at(3600), 9).await.unwrap();
    let early: Vec<_> = due.into_iter().map(message).collect();
    assert_eq!(early.len(), 2);
    hub.publish(&early).await;
    hub.publish(&hub.messages(StageName::Fetch).await).await;
    let stage = Fake::working(StageName::Fetch);
    let mut wiring = hub.wiring();
    wiring.retry.delays = vec![Duration::from_secs(1000)];
    let pipeline = hub.rig.start(&wiring, &stage);
    until("the third is done", || async { hub.rig.history(&id("model")).await.len() == 2 }).await;
    hub.until_empty(&queue(StageName::Fetch)).await;
    assert_eq!(stage.given(), 1, "the others wait");
    // When they are due, the same messages are good.
    hub.rig.clock.advance(Duration::from_secs(1000));
    hub.publish(&early).await;
    until("all are done", || async {
        hub.rig.history(&id("failed")).await.len() == 3 && hub.rig.history(&id("held")).await.len() == 3
    })
    .await;
    assert_eq!(hub.rig.history(&id("held")).await[2].event, done(StageName::Fetch));
    drop(pipeline);
}
