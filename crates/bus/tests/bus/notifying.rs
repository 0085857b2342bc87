//! Alarms are notified even while there is no broker.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use strongroom_bus::{BatchLimits, Done, Pipeline, Settle, Stage, Task, TaskOutcome};
use strongroom_model::alarm::Alarm;
use strongroom_model::event::{AlarmKey, AlarmNotified, AlarmRaised, Failed};
use strongroom_model::{Event, Expected, FailureKind, StageName, StreamName, Version};
use tokio::time::sleep;

use crate::hub::Hub;
use crate::rig::{actor, obstacle, until};

/// Notifies of alarms, and counts how often.
#[derive(Clone, Default)]
struct Notifier(Arc<AtomicUsize>);

impl Stage for Notifier {
    type State = Alarm;

    fn name(&self) -> StageName {
        StageName::Notify
    }

    fn limits(&self) -> BatchLimits {
        BatchLimits { tasks: 10, batches: 1 }
    }

    async fn ready(&self) -> Result<(), AlarmRaised> {
        Ok(())
    }

    async fn handle(&self, tasks: Vec<Task<Alarm>>, settle: &Settle<Alarm>) {
        for task in tasks {
            self.0.fetch_add(1, Ordering::SeqCst);
            let about = task.state.pending.iter().map(|untold| untold.id).collect();
            let notified = AlarmNotified { about, message_id: "1@test".to_owned(), receipt: "250 ok".to_owned() };
            settle.one(task, TaskOutcome::Done(Done::event(Event::AlarmNotified(notified)))).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alarm_is_notified_by_the_broker_and_without_one() {
    let mut hub = Hub::new().await;
    let relay = hub.relay();
    let notifier = Notifier::default();
    let mut pipeline = Pipeline::new(hub.wiring());
    pipeline.spawn(notifier.clone(), actor(StageName::Notify));
    hub.rig.context(StageName::Fetch).alarms().raise(&obstacle(), None).await.unwrap();
    until("it was notified", || async { notifier.0.load(Ordering::SeqCst) == 1 }).await;
    relay.end().await;

    // Another one, while nobody answers at the broker's address.
    hub.cut_off();
    let cut_off = Notifier::default();
    let mut pipeline = Pipeline::new(hub.wiring());
    pipeline.spawn(cut_off.clone(), actor(StageName::Notify));
    let another = AlarmRaised { subject: "another".to_owned(), ..obstacle() };
    hub.rig.context(StageName::Fetch).alarms().raise(&another, None).await.unwrap();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(cut_off.0.load(Ordering::SeqCst), 0, "the broker is given a minute");
    hub.rig.clock.advance(Duration::from_secs(61));
    until("it was notified", || async { cut_off.0.load(Ordering::SeqCst) + notifier.0.load(Ordering::SeqCst) >= 2 })
        .await;

    // A mail that could not be handed over while the clock was ahead was put off to a day that is far away.
    let put_off = AlarmRaised { subject: "put off".to_owned(), ..obstacle() };
    hub.rig.context(StageName::Fetch).alarms().raise(&put_off, None).await.unwrap();
    let failed = Failed {
        stage: StageName::Notify,
        kind: FailureKind::MailUnreachable,
        message: "no answer".to_owned(),
        attempt: 1,
        retry_at: Some(hub.rig.clock.now() + SignedDuration::from_hours(24 * 3653)),
        digest: None,
        next_step: None,
        quarantined: None,
        reached: Vec::new(),
    };
    let stream = StreamName::alarm(&AlarmKey::new(put_off.kind, &put_off.subject));
    let failed = hub.rig.new_event(stream.clone(), Expected::After(Version(0)), Event::AlarmFailed(failed));
    hub.rig.log.append(vec![failed]).await.unwrap();
    until("it was notified", || async { hub.rig.log.stream(&stream).await.unwrap().len() == 3 }).await;
}
