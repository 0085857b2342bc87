//! What a publisher learns about its messages.

use std::time::Duration;

use serde_json::json;
use strongroom_bus::broker::{BrokerError, Published, Publisher, QueueName, Subscription};
use strongroom_servers::rabbitmq;

use crate::rig::{
    applied, broker_at, drive, fetch_queue, next, other_drive, proof, ready, send, site, until, until_ready, work,
    works,
};

#[tokio::test]
async fn a_message_is_the_stored_event_and_says_what_it_is() {
    let (_, broker, publisher) = applied().await;
    let sent = proof(7, drive());
    send(&publisher, std::slice::from_ref(&sent)).await;
    let queue = QueueName::stage(&site(), strongroom_model::StageName::Verify, Some(&drive().into())).unwrap();
    let mut subscription = Subscription::open(&broker, &queue, 1).await.unwrap();
    let incoming = next(&mut subscription).await.unwrap();
    assert_eq!(incoming.body, sent.body);
    assert_eq!(incoming.copy().unwrap(), sent);
    assert!(!incoming.redelivered);
    assert_eq!(sent.type_name, "strongroom.timesheet.fetched.v1");
    let trace = sent.trace.unwrap();
    let event = strongroom_model::Recorded::parse(std::str::from_utf8(&sent.body).unwrap()).unwrap();
    assert!(trace.starts_with(&format!("00-{}-", event.run.unwrap().0.simple())), "{trace}");
    assert_eq!((trace.len(), trace.matches('-').count()), (55, 3), "{trace}");
}

#[tokio::test]
async fn unroutable_messages_are_reported_one_by_one_in_a_full_window() {
    let (_, _, publisher) = applied().await;
    let lost = |number: u64| number.is_multiple_of(7);
    let messages: Vec<_> =
        (0..1_500).map(|number| if lost(number) { proof(number, other_drive()) } else { work(number) }).collect();
    let published = publisher.publish(&messages).await.unwrap();
    for (number, published) in (0..).zip(&published) {
        let expected = if lost(number) { Published::Unroutable } else { Published::Confirmed };
        assert_eq!(*published, expected, "{number}");
    }
    let routed = published.iter().filter(|published| **published == Published::Confirmed).count();
    until_ready(&publisher, &fetch_queue(), u32::try_from(routed).unwrap()).await;
    // Nothing of it reaches the next call.
    assert_eq!(publisher.publish(&[work(9_000)]).await.unwrap(), [Published::Confirmed]);
}

#[tokio::test]
async fn a_call_that_is_given_up_half_way_says_nothing_wrong_of_the_next() {
    let (_, _, publisher) = applied().await;
    let lost: Vec<_> = (0..400).map(|number| proof(number, other_drive())).collect();
    for _ in 0..20 {
        let given_up = tokio::time::timeout(Duration::from_millis(2), publisher.publish(&lost)).await;
        let published = publisher.publish(&[work(1), proof(2, other_drive())]).await.unwrap();
        assert_eq!(published, [Published::Confirmed, Published::Unroutable], "{given_up:?}");
    }
}

#[tokio::test]
async fn a_full_queue_refuses_and_the_others_take() {
    let (vhost, _, publisher) = applied().await;
    vhost.policy("fetch", &json!({ "max-length": 10 }));
    let mut number = 0;
    until("the policy is in force", || {
        number += 1;
        let publisher = &publisher;
        async move { publisher.publish(&[work(number)]).await.unwrap() == [Published::Refused] }
    })
    .await;
    let depth = ready(&publisher, &fetch_queue()).await;
    let published = publisher.publish(&[work(9_001), proof(9_002, drive()), work(9_003)]).await.unwrap();
    assert_eq!(published, [Published::Refused, Published::Confirmed, Published::Refused]);
    assert_eq!(ready(&publisher, &fetch_queue()).await, depth);
}

#[tokio::test]
async fn after_a_refusal_the_next_messages_go_by_another_channel() {
    let (vhost, _, publisher) = applied().await;
    let channels = || {
        let listed = rabbitmq().ctl(&["list_channels", "vhost", "pid", "confirm", "--no-table-headers"]);
        let ours = |line: &&str| line.starts_with(&format!("{}\t", vhost.name)) && line.ends_with("\ttrue");
        listed.lines().filter(ours).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    send(&publisher, &[work(1)]).await;
    let first = channels();
    send(&publisher, &[work(2)]).await;
    assert_eq!((first.len(), channels()), (1, first.clone()), "as long as all goes well it is the same");
    vhost.policy("fetch", &json!({ "max-length": 1 }));
    let mut number = 2;
    until("it is refused", || {
        number += 1;
        let publisher = &publisher;
        async move { publisher.publish(&[work(number)]).await.unwrap() == [Published::Refused] }
    })
    .await;
    // One that is not full takes, by a channel that the full one has not refused.
    send(&publisher, &[proof(1, drive())]).await;
    let second = channels();
    assert!(second.len() == 1 && second != first, "{first:?}, then {second:?}");
}

#[tokio::test]
async fn without_the_exchange_nothing_is_known_and_the_connection_stays() {
    let vhost = rabbitmq().vhost();
    let publisher = Publisher::connect(&broker_at(&vhost.amqp_url)).await.unwrap();
    let error = publisher.publish(&works(0..10)).await.unwrap_err();
    assert!(matches!(&error, BrokerError::Missing { what } if what == "strongroom.events"), "{error:?}");
    publisher.apply(&crate::rig::topology()).await.unwrap();
    send(&publisher, &works(0..10)).await;
}

#[tokio::test]
async fn a_queue_that_is_missing_has_no_depth_and_leaves_the_connection() {
    let vhost = rabbitmq().vhost();
    let publisher = Publisher::connect(&broker_at(&vhost.amqp_url)).await.unwrap();
    assert_eq!(publisher.depth(&fetch_queue()).await.unwrap(), None);
    publisher.apply(&crate::rig::topology()).await.unwrap();
    send(&publisher, &[work(1)]).await;
    until_ready(&publisher, &fetch_queue(), 1).await;
    assert_eq!(publisher.depth(&fetch_queue()).await.unwrap().unwrap().consumers, 0);
}

#[tokio::test]
async fn one_relay_holds_the_lock_until_its_connection_ends() {
    let (_, broker, one) = applied().await;
    let other = Publisher::connect(&broker).await.unwrap();
    let lock = QueueName::relay(&site());
    assert!(one.claim_exclusive(&lock).await.unwrap());
    assert!(one.claim_exclusive(&lock).await.unwrap());
    assert!(!other.claim_exclusive(&lock).await.unwrap());
    send(&other, &[work(1)]).await;
    one.close().await;
    until("the lock is free", || async { other.claim_exclusive(&lock).await.unwrap() }).await;
    one.closed().await;
    assert!(!one.is_open() && other.is_open());
}
