//! What a stage says of its tasks reaches the log, once and whole.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use strongroom_bus::{Cleared, Done, Failure, Fate, Idle, Settle, Task, TaskOutcome};
use strongroom_model::booking::{Booking, Phase};
use strongroom_model::event::{AlarmKey, AlarmKind};
use strongroom_model::{Event, Expected, FailureKind, StageName, StreamName};
use tokio::time::sleep;

use crate::rig::{Fake, PATIENCE, Play, Rig, done, enumerated, id, ids, obstacle, until};

const FETCH: [StageName; 1] = [StageName::Fetch];

fn fetched() -> TaskOutcome {
    TaskOutcome::Done(Done::event(done(StageName::Fetch)))
}

/// Whether nothing is left to do for a task after that outcome.
async fn settles(rig: &Rig, task: &Task<Booking>, outcome: TaskOutcome) -> bool {
    let settle = Settle::new(rig.context(StageName::Fetch), std::slice::from_ref(task));
    settle.one(task.clone(), outcome).await;
    settle.finish().unsettled().is_empty()
}

#[tokio::test]
async fn r3_a_duplicate_that_was_faster_with_one_task_keeps_no_other_out() {
    let rig = Rig::with(&ids(3)).await;
    let mut tasks = Vec::new();
    for id in ids(3) {
        tasks.push(rig.task(&id).await);
    }
    let duplicate = rig.new_event(tasks[1].stream.clone(), Expected::After(tasks[1].version), done(StageName::Fetch));
    rig.log.append(vec![duplicate.clone()]).await.unwrap();

    let settle = Settle::new(rig.context(StageName::Fetch), &tasks);
    settle.settle(tasks.into_iter().map(|task| (task, fetched())).collect()).await;
    let settled = settle.finish();
    assert!(settled.unsettled().is_empty(), "the duplicate settled it: {:?}", settled.unsettled());
    rig.each_was_fetched_once(&ids(3)).await;
    assert_eq!(rig.history(&id("B-1")).await[1].id, duplicate.id, "the other's stands");
}

#[tokio::test]
async fn a_tasks_events_and_those_of_others_go_in_together_or_not_at_all() {
    let rig = Rig::with(&ids(1)).await;
    let task = rig.task(&id("B-0")).await;
    let event = |name: &str| rig.new_event(StreamName::booking(&id(name)), Expected::New, enumerated());
    let outcome = |others| TaskOutcome::Done(Done { others, ..Done::event(done(StageName::Fetch)) });

    // B-0 has an event already, so this append conflicts on a stream that is not the task's.
    rig.enumerate(&[id("B-7")]).await;
    assert!(
        !settles(&rig, &task, outcome(vec![event("B-8"), event("B-7")])).await,
        "it is done again, with B-7's new state"
    );
    assert_eq!(rig.history(&id("B-8")).await.len(), 0);
    assert_eq!(rig.history(&id("B-0")).await.len(), 1);

    assert!(settles(&rig, &task, outcome(vec![event("B-8")])).await);
    assert_eq!(rig.history(&id("B-8")).await.len(), 1);
    assert_eq!(rig.history(&id("B-0")).await.len(), 2);
}

#[tokio::test]
async fn several_events_of_one_task_follow_each_other() {
    let rig = Rig::with(&ids(1)).await;
    let task = rig.task(&id("B-0")).await;
    let events = vec![done(StageName::Fetch), done(StageName::Verify)];
    assert!(settles(&rig, &task, TaskOutcome::Done(Done { events, ..Done::default() })).await);
    assert_eq!(rig.booking(&id("B-0")).await.phase, Phase::BackedUp);
}

#[tokio::test]
async fn alarms_are_raised_before_and_only_once() {
    let rig = Rig::with(&ids(1)).await;
    let task = rig.task(&id("B-0")).await;
    let failure =
        Failure { raise: Some(obstacle()), ..Failure::new(FailureKind::RecordWrong, "it differs", Fate::Person) };
    for _ in 0..2 {
        assert!(settles(&rig, &task, TaskOutcome::Failed(failure.clone())).await);
    }
    assert_eq!(rig.alarm(&obstacle()).await, [true]);
    let history = rig.history(&id("B-0")).await;
    assert_eq!(history.len(), 2);
    let key = AlarmKey::new(AlarmKind::DriveMissing, "drive");
    let alarm = rig.log.stream(&StreamName::alarm(&key)).await.unwrap();
    assert!(alarm[0].position < history[1].position, "a stop in between loses no alarm");
    assert_eq!(alarm[0].cause, Some(history[0].id));

    let done = Done { clear: vec![(key, "it is right now".to_owned())], ..Done::event(done(StageName::Fetch)) };
    rig.enumerate(&[id("B-1")]).await;
    let task = rig.task(&id("B-1")).await;
    assert!(settles(&rig, &task, TaskOutcome::Done(done)).await);
    assert_eq!(rig.alarm(&obstacle()).await, [true, false]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_that_raise_an_alarm_at_once_one_does() {
    let rig = Rig::new().await;
    let alarms = rig.context(StageName::Fetch).alarms();
    let key = AlarmKey::new(AlarmKind::DriveMissing, "drive");
    let (mut raised, mut cleared) = (0, 0);
    for _ in 0..3 {
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let alarms = alarms.clone();
                tokio::spawn(async move { alarms.raise(&obstacle(), None).await.unwrap() })
            })
            .collect();
        for call in calls {
            raised += usize::from(call.await.unwrap());
        }
        let calls: Vec<_> = (0..8)
            .map(|_| {
                let (alarms, key) = (alarms.clone(), key.clone());
                tokio::spawn(async move { alarms.clear(&key, "it is back", None).await.unwrap() })
            })
            .collect();
        for call in calls {
            cleared += usize::from(call.await.unwrap() == Cleared::Now);
        }
    }
    assert_eq!((raised, cleared), (3, 3));
    assert_eq!(rig.alarm(&obstacle()).await, [true, false, true, false, true, false]);
}

#[tokio::test]
async fn r9_a_failures_message_is_one_bounded_line() {
    let rig = Rig::with(&ids(1)).await;
    let task = rig.task(&id("B-0")).await;
    let message = format!("the server said: \r\nBcc: {}", "x".repeat(10_000));
    assert!(
        settles(&rig, &task, TaskOutcome::Failed(Failure::new(FailureKind::BadAnswer, message, Fate::Person))).await
    );
    let history = rig.history(&id("B-0")).await;
    let failed = history[1].event.failure().unwrap();
    assert!(failed.message.chars().count() < 510 && !failed.message.contains('\n'), "{}", failed.message);
}

#[tokio::test]
async fn what_the_log_will_never_take_is_recorded_as_a_failure() {
    let rig = Rig::with(&ids(1)).await;
    let task = rig.task(&id("B-0")).await;
    // An alarm's event has no place on another booking's stream.
    let event = Event::AlarmRaised(obstacle());
    let others = vec![rig.new_event(StreamName::booking(&id("B-1")), Expected::New, event)];
    assert!(settles(&rig, &task, TaskOutcome::Done(Done { others, ..Done::event(done(StageName::Fetch)) })).await);
    let history = rig.history(&id("B-0")).await;
    assert_eq!(history[1].event.failure().unwrap().kind, FailureKind::Internal);
}

#[tokio::test]
async fn what_cannot_happen_to_a_subject_never_gets_into_the_log() {
    let rig = Rig::with(&ids(1)).await;
    let task = rig.task(&id("B-0")).await;
    assert!(settles(&rig, &task, TaskOutcome::Done(Done::event(done(StageName::Archive)))).await);
    let booking = rig.booking(&id("B-0")).await;
    assert_eq!((booking.phase, booking.failure.unwrap().kind), (Phase::Enumerated, FailureKind::Internal));
}

#[tokio::test]
async fn a_panic_costs_only_the_task_that_it_is_about() {
    let rig = Rig::with(&ids(6)).await;
    let stage = Fake::new(StageName::Fetch, |task| match task.stream.id() {
        "B-3" => Play::Panic,
        _ => Play::done(StageName::Fetch),
    });
    let pipeline = rig.start(&rig.wiring(), &stage);
    assert!(matches!(pipeline.idle(&FETCH, Duration::from_secs(5)).await, Ok(Idle::RetriesLater { count: 1, .. })));
    for id in ids(6) {
        let booking = rig.booking(&id).await;
        if id.as_str() == "B-3" {
            let failure = booking.failure.unwrap();
            assert_eq!((failure.kind, failure.attempt), (FailureKind::Internal, 1));
            assert!(failure.message.contains("the script says so"), "{}", failure.message);
        } else {
            assert_eq!((booking.phase, booking.failures), (Phase::Fetched, 0));
        }
    }
    assert!(pipeline.progress()[0].counts.panics >= 1);
}

#[tokio::test]
async fn what_is_not_settled_is_delivered_again_without_spinning() {
    let rig = Rig::with(&ids(1)).await;
    let stage = Fake::new(StageName::Fetch, |_| Play::Leave);
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stage);
    until("it came again", || async { stage.calls() >= 3 }).await;
    let before = stage.calls();
    sleep(Duration::from_millis(500)).await;
    let calls = stage.calls() - before;
    assert!((1..=25).contains(&calls), "{calls} calls in half a second, held back for 50 ms each");
    assert_eq!(rig.booking(&id("B-0")).await.failures, 0);
    rig.kill(&wiring, pipeline).await;
}

#[tokio::test]
async fn a_closed_log_loses_nothing_and_crashes_nothing() {
    let rig = Rig::with(&ids(1)).await;
    let calls = std::sync::Arc::new(AtomicUsize::new(0));
    let log = rig.log.clone();
    let task = rig.task(&id("B-0")).await;
    log.close().await;
    assert!(!settles(&rig, &task, fetched()).await);

    let counted = calls.clone();
    let stage = Fake::new(StageName::Fetch, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Play::done(StageName::Fetch)
    });
    let wiring = rig.wiring();
    let pipeline = rig.start(&wiring, &stage);
    sleep(Duration::from_millis(50)).await;
    assert!(!pipeline.progress().is_empty());
    tokio::time::timeout(PATIENCE, async {
        wiring.stop.cancel();
        pipeline.ended().await;
    })
    .await
    .unwrap();
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}
