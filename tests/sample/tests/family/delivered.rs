//! Delivered, retried, held, and paused by an obstacle.

use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmKey, AlarmKind, AlarmRaised};
use strongroom_model::fold::fold;
use strongroom_model::sample::Sample;
use strongroom_model::{Event, StreamName};

use crate::rig::{Setting, Site, until};

const SETTINGS: [Setting; 2] = [Setting::Embedded, Setting::Broker];

#[tokio::test(flavor = "multi_thread")]
async fn what_is_requested_is_done_and_what_fails_is_tried_again() {
    for setting in SETTINGS {
        let site = Site::new(setting).await;
        site.request("granite", 0).await;
        site.request("slate", 1).await;
        site.until_count("taken", 2).await;
        assert_eq!(site.types("granite").await, ["sample.requested", "sample.taken"], "{setting:?}");
        assert_eq!(site.types("slate").await, ["sample.requested", "work.attempt-failed", "sample.taken"]);
        let slate: Sample = fold(&site.history("slate").await).unwrap();
        assert_eq!(slate.taken.unwrap().attempt, 2);
        site.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_attempt_that_failed_leaves_the_status_as_it_was() {
    let site = Site::new(Setting::Embedded).await;
    site.request("slate", 1).await;
    until("it has failed once", || async { site.history("slate").await.len() == 2 }).await;
    assert_eq!((site.count("requested").await, site.count("needs-attention").await), (1, 0));
    site.until_count("taken", 1).await;
    site.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_obstacle_is_one_alarm_and_no_attempt() {
    let obstacle = AlarmRaised {
        kind: AlarmKind::DriveMissing,
        subject: "quarry".to_owned(),
        message: "the quarry is flooded".to_owned(),
        next_step: "pump it dry".to_owned(),
    };
    for setting in SETTINGS {
        let site = Site::new(setting).await;
        site.stage.obstruct(Some(obstacle.clone()));
        let alarm = || async {
            let stream = StreamName::alarm(&AlarmKey::new(obstacle.kind, &obstacle.subject));
            site.log.stream(&stream).await.unwrap()
        };
        until("the alarm is raised", || async { alarm().await.len() == 1 }).await;
        site.request("granite", 0).await;
        assert_eq!(site.history("granite").await.len(), 1, "{setting:?}");
        site.stage.obstruct(None);
        site.until_count("taken", 1).await;
        until("the alarm is cleared", || async { alarm().await.len() == 2 }).await;
        assert!(fold::<Alarm>(&alarm().await).unwrap().raised.is_none());
        assert_eq!(site.types("granite").await, ["sample.requested", "sample.taken"], "{setting:?}");
        site.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn long_work_is_held_and_done_once() {
    let site = Site::new(Setting::Broker).await;
    let stalled = site.stage.stall().await;
    site.request("granite", 0).await;
    let holds = || async {
        let history = site.history("granite").await;
        history.iter().filter(|event| matches!(event.event, Event::WorkHeld(_))).count()
    };
    until("it is held twice", || async { holds().await >= 2 }).await;
    assert_eq!(site.count("requested").await, 1, "a hold leaves the status as it was");
    drop(stalled);
    site.until_count("taken", 1).await;
    let taken =
        site.history("granite").await.iter().filter(|event| matches!(event.event, Event::SampleTaken(_))).count();
    assert_eq!(taken, 1);
    site.end().await;
}
