//! Messages that nobody can use are parked and raise an alarm, and the rest goes on.

use strongroom_bus::broker::{EventMessage, Parked, QueueName};
use strongroom_model::event::AlarmKind;
use strongroom_model::{Expected, NewEvent, Position, StageName, StreamName};

use crate::hub::{Hub, queue, site};
use crate::rig::{Fake, enumerated, id, ids, settled, until};

fn forged(model: &EventMessage, change: impl Fn(&str) -> Vec<u8>) -> EventMessage {
    let text = std::str::from_utf8(&model.body).unwrap();
    EventMessage { body: change(text), ..model.clone() }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_used_is_parked_with_an_alarm_and_the_rest_goes_on() {
    let ids = ids(20);
    let hub = Hub::with(&ids).await;
    hub.apply().await;
    let model = hub.messages(StageName::Fetch).await.remove(0);
    let other: NewEvent = hub.rig.new_event(StreamName::booking(&id("elsewhere")), Expected::New, enumerated());
    let bad = [
        forged(&model, |_| b"hello".to_vec()),
        forged(&model, |_| vec![0xff, 0xfe, 0x00]),
        forged(&model, |text| text.replace("timesheet.enumerated.v1", "timesheet.imagined.v1").into_bytes()),
        forged(&model, |text| text.replace("timesheet.enumerated.v1", "timesheet.enumerated.v2").into_bytes()),
        forged(&model, |text| text.replace("/sites/site", "/sites/other").into_bytes()),
        // Of a stream, and of a position, that this log does not have.
        forged(&model, |_| other.render(&site(), Position(99_999)).into_bytes()),
    ];
    hub.publish(&bad).await;
    let relay = hub.relay();
    let stage = Fake::working(StageName::Fetch);
    let pipeline = hub.rig.start(&hub.wiring(), &stage);
    settled(&pipeline, &[StageName::Fetch]).await;
    let parked = QueueName::parked(&site());
    until("all six are parked", || async { hub.ready(&parked).await == 6 }).await;
    hub.until_raised(AlarmKind::MessageParked, true).await;
    assert_eq!(stage.given(), 20);
    hub.until_empty(&queue(StageName::Fetch)).await;
    Parked::new(&hub.broker()).discard(None).await.unwrap();
    hub.until_raised(AlarmKind::MessageParked, false).await;
    relay.end().await;
}
