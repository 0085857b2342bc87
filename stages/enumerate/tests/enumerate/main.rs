//! Runs, against a real log and a scripted server.
#![expect(clippy::unwrap_used, reason = "the tests' helpers may panic, as tests do")]

mod rig;

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use strongroom_bus::Stage as _;
use strongroom_model::event::{AlarmKind, Event, Retried, ZeroReason};
use strongroom_model::run::Run;
use strongroom_model::{DriveId, FailureKind, StageName};
use strongroom_source::testing::{ReceivedRequest, Reply, ScriptedServer};
use strongroom_stage_rig::sample;

use crate::rig::{Rig, enumerated};

const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn record(id: &str) -> Value {
    json!({"id": id, "filename": "t.pdf", "size_bytes": 3, "digest": DIGEST, "signed_off_at": "2026-11-01T08:00:00Z"})
}

/// One page of `records`, as the API pages: `page` at most, and a cursor where more follow.
fn page(records: &[Value], page: usize, request: &ReceivedRequest) -> Reply {
    let after = request.target.split("after=").nth(1).map_or(0, |after| after.parse().unwrap());
    let rest = &records[after..];
    let shown = &rest[..rest.len().min(page)];
    let mut body = json!({"bookings": shown, "waiting": records.len()});
    if rest.len() > page {
        body["next"] = json!((after + page).to_string());
    }
    Reply::json(&body.to_string())
}

fn listing(records: Vec<Value>) -> ScriptedServer {
    ScriptedServer::new(move |request| page(&records, 100, request))
}

/// A booking's whole life, up to the archive.
fn life() -> [Event; 4] {
    let (path, drive, digest) = ("acme/2026-11/data/B/t.pdf", DriveId::random(), DIGEST.parse().unwrap());
    [
        enumerated(),
        sample::fetched(drive, path, 3, &digest),
        sample::backed_up(drive, path, 3, &digest),
        sample::archived("archived/2026-11/t.pdf"),
    ]
}

#[tokio::test]
async fn a_run_takes_the_oldest_and_says_so_in_one_append_and_the_next_takes_the_next_oldest() {
    let rig = Rig::new().await;
    let server = listing((1..=5).map(|n| record(&format!("B-{n}"))).collect());
    let commits = rig.log.commits();
    let (said, taken) = rig.run(server.source(), 3).await;
    assert_eq!(taken, ["B-1", "B-2", "B-3"]);
    assert_eq!((said.waiting, said.enumerated, said.zero_reason), (5, 3, None));
    assert_eq!(rig.log.commits() - commits, 2, "the request, and all that came of it");
    let event = &rig.history("B-1").await[0];
    assert_eq!(event.actor.as_str().split('@').next(), Some("enumerate"));
    assert!(event.run.is_some() && event.cause.is_some());
    let (said, taken) = rig.run(server.source(), 3).await;
    assert_eq!(taken, ["B-4", "B-5"]);
    assert_eq!(said.claimed, 3);
}

#[tokio::test]
async fn stuck_bookings_on_the_first_pages_do_not_starve_the_rest() {
    let rig = Rig::new().await;
    let stuck: Vec<_> = (0..250).map(|n| format!("S-{n}")).collect();
    let records: Vec<_> = stuck.iter().map(|id| record(id)).chain([record("B-1")]).collect();
    rig.run(listing(records[..250].to_vec()).source(), 1000).await;
    let (said, taken) = rig.run(listing(records).source(), 100).await;
    assert_eq!(taken, ["B-1"]);
    assert_eq!((said.claimed, said.listed), (250, 251));
}

#[tokio::test]
async fn r8_a_run_that_takes_nothing_says_why() {
    let rig = Rig::new().await;
    let (said, _) = rig.run(listing(vec![]).source(), 10).await;
    assert_eq!(said.zero_reason, Some(ZeroReason::NothingWaiting));
    let mut bad = record("B-1");
    bad["digest"] = json!("crc32:352441c2");
    let (said, _) = rig.run(listing(vec![bad.clone()]).source(), 10).await;
    assert_eq!((said.zero_reason, said.unusable), (Some(ZeroReason::NoneUsable), 1));
    let (said, _) = rig.run(listing(vec![bad]).source(), 10).await;
    assert_eq!(said.zero_reason, Some(ZeroReason::AllClaimed), "now it needs a person");
}

#[tokio::test]
async fn r8_a_list_that_shows_none_of_those_that_wait_is_not_called_nothing() {
    let rig = Rig::new().await;
    let server = ScriptedServer::new(|_| Reply::json(r#"{"bookings":[],"waiting":5,"next":null}"#));
    let (said, _) = rig.run(server.source(), 10).await;
    assert_eq!((said.waiting, said.listed, said.zero_reason), (5, 0, Some(ZeroReason::NoneListed)));
}

#[tokio::test]
async fn a_booking_that_a_person_gave_back_is_taken_with_its_new_record() {
    let rig = Rig::new().await;
    let mut bad = record("B-1");
    bad["digest"] = json!("crc32:352441c2");
    rig.run(listing(vec![bad]).source(), 10).await;
    let retried = Retried { stage: StageName::Enumerate, reason: None };
    rig.append("B-1", Event::TimesheetRetried(retried)).await;
    let (_, taken) = rig.run(listing(vec![record("B-1")]).source(), 10).await;
    assert_eq!(taken, ["B-1"]);
}

#[tokio::test]
async fn what_the_server_has_forgotten_raises_one_alarm_with_the_command_that_helps() {
    let rig = Rig::new().await;
    for event in life() {
        rig.append("B-1", event).await;
    }
    for _ in 0..2 {
        let (said, taken) = rig.run(listing(vec![record("B-1"), record("B-2")]).source(), 10).await;
        assert_eq!(said.forgotten, 1);
        assert!(!taken.contains(&"B-1".to_owned()));
    }
    let alarm = rig.alarm(AlarmKind::ServerForgot, "server").await;
    let [raised] = &alarm[..] else { panic!("{alarm:?}") };
    let Event::AlarmRaised(raised) = raised else { panic!("{raised:?}") };
    assert!(raised.next_step.contains("`strongroom retry --booking B-1`"), "{}", raised.next_step);
    rig.run(listing(vec![record("B-2")]).source(), 10).await;
    assert!(matches!(rig.alarm(AlarmKind::ServerForgot, "server").await[1], Event::AlarmCleared(_)));
}

#[tokio::test]
async fn r3_a_booking_that_another_run_takes_meanwhile_is_taken_once() {
    let rig = Arc::new(Rig::new().await);
    let records = [record("B-1"), record("B-2")];
    // The other run takes B-1 after this one has asked for the page: while the answer is on
    // its way, and before the log is asked again.
    let (runtime, other, done) = (tokio::runtime::Handle::current(), rig.clone(), Mutex::new(false));
    let server = ScriptedServer::new(move |request| {
        let mut done = done.lock().unwrap();
        if !std::mem::replace(&mut *done, true) {
            runtime.block_on(other.append("B-1", enumerated()));
        }
        page(&records, 100, request)
    });
    let (said, _) = rig.run(server.source(), 10).await;
    assert_eq!((said.enumerated, said.claimed), (1, 1));
    assert_eq!(rig.history("B-1").await.len(), 1);
}

#[tokio::test]
async fn r3_a_run_that_loses_a_booking_at_the_append_appends_nothing_and_looks_anew() {
    let rig = Rig::new().await;
    let server = listing(vec![record("B-1"), record("B-2")]);
    let task = rig.requested(10).await;
    let stream = task.stream.clone();
    // Two stages see the same log, and append one after the other.
    let duplicate = rig.requested(10).await;
    let (stage, size) = (rig.stage(server.source()), rig.size().await);
    let (one, other) = tokio::join!(rig.handle(&stage, vec![task]), rig.handle(&stage, vec![duplicate]));
    let again: Vec<_> = one.unsettled().into_iter().chain(other.unsettled()).collect();
    let events = rig.log.read(strongroom_model::Position(size), 100).await.unwrap();
    assert_eq!(events.len(), if again.is_empty() { 4 } else { 3 }, "B-1 and B-2 once, and the runs that settled");
    for stream in again {
        rig.settled(&stage, vec![rig.task_of(stream).await]).await;
    }
    assert_eq!(rig.history("B-1").await.len(), 1);
    assert!(rig.task_of::<Run>(&stream).await.state.enumerated.is_some());
}

#[tokio::test]
async fn r3_a_duplicate_of_the_same_run_changes_nothing() {
    let rig = Rig::new().await;
    let server = listing(vec![record("B-1")]);
    let task = rig.requested(10).await;
    let stage = rig.stage(server.source());
    rig.handle(&stage, vec![task.clone()]).await;
    let size = rig.size().await;
    rig.settled(&stage, vec![task]).await;
    assert_eq!(rig.size().await, size);
}

#[tokio::test]
async fn a_server_that_is_away_pauses_the_run_and_burns_no_attempt() {
    let rig = Rig::new().await;
    let server = ScriptedServer::new(|_| Reply::proper("503 Service Unavailable", ""));
    let task = rig.requested(10).await;
    let size = rig.size().await;
    let stage = rig.stage(server.source());
    let settled = rig.handle(&stage, vec![task]).await;
    assert_eq!(settled.obstacle.as_ref().unwrap().kind, AlarmKind::ServerUnreachable);
    assert_eq!(rig.size().await, size, "nothing is recorded on the run");
    assert_eq!(stage.ready().await.unwrap_err().kind, AlarmKind::ServerUnreachable);
}

#[tokio::test]
async fn an_error_of_the_servers_own_fails_the_run_for_a_while() {
    let rig = Rig::new().await;
    let server = ScriptedServer::new(|_| Reply::problem("500 Internal Server Error", "no disk"));
    let task = rig.requested(10).await;
    let stream = task.stream.clone();
    rig.handle(&rig.stage(server.source()), vec![task]).await;
    let failure = rig.task_of::<Run>(&stream).await.state.failure.unwrap();
    assert_eq!(failure.kind, FailureKind::ServerError);
    assert!(failure.retry_at.is_some() && failure.message.contains("no disk"), "{failure:?}");
}

#[tokio::test]
async fn a_list_without_end_ends() {
    let rig = Rig::new().await;
    let count = Arc::new(Mutex::new(0_u64));
    let pages = count.clone();
    let server = ScriptedServer::new(move |_| {
        let mut count = count.lock().unwrap();
        *count += 1;
        let body = json!({"bookings": [{"id": format!("../{count}")}], "waiting": 1, "next": count.to_string()});
        Reply::json(&body.to_string())
    });
    let (said, _) = rig.run(server.source(), 10).await;
    assert_eq!(*pages.lock().unwrap(), u64::from(strongroom_enumerate::stage::MAX_PAGES));
    assert_eq!((said.unusable, said.rejected.len()), (200, 50));
}

#[tokio::test]
async fn an_empty_page_is_passed_over_and_empty_pages_that_come_round_are_one_remark() {
    let rig = Rig::new().await;
    let server = ScriptedServer::new(|request| {
        let (ids, next) =
            if request.target.contains("after=p2") { (vec![record("B-1")], None) } else { (vec![], Some("p2")) };
        Reply::json(&json!({"bookings": ids, "waiting": 1, "next": next}).to_string())
    });
    let (said, taken) = rig.run(server.source(), 10).await;
    assert_eq!((taken, said.unusable), (vec!["B-1".to_owned()], 0));
    let server = ScriptedServer::new(|request| {
        let next = if request.target.contains("after=p2") { "p3" } else { "p2" };
        Reply::json(&json!({"bookings": [], "waiting": 1, "next": next}).to_string())
    });
    let (said, _) = rig.run(server.source(), 10).await;
    let [remark] = &said.rejected[..] else { panic!("{said:?}") };
    assert!(remark.reason.contains("come round"), "{remark:?}");
}

/// Two pages that name each other, in three ways: by their cursors, by their records, and by both.
#[tokio::test]
async fn pages_that_come_round_are_one_remark() {
    for (cursors, records) in [(2, 2), (200, 2), (2, 200)] {
        let rig = Rig::new().await;
        let pages = Mutex::new(0_u64);
        let server = ScriptedServer::new(move |_| {
            let mut page = pages.lock().unwrap();
            let ids: Vec<Value> = (0..3).map(|n| record(&format!("B-{}", *page % records * 3 + n))).collect();
            let next = format!("p{}", *page % cursors);
            *page += 1;
            Reply::json(&json!({"bookings": ids, "waiting": 600, "next": next}).to_string())
        });
        let (said, taken) = rig.run(server.source(), 100).await;
        assert!(taken.len() >= 6, "{taken:?}");
        let [remark] = &said.rejected[..] else { panic!("{said:?}") };
        assert!(remark.reason.contains("come round") && said.unusable == 1, "{said:?}");
    }
}
