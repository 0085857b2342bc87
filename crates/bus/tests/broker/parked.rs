//! What nobody could read: seen, published again, or dropped.

use std::collections::BTreeSet;

use strongroom_bus::Broker;
use strongroom_bus::broker::{Parked, Publisher, QueueName, Replayed, Subscription};

use crate::rig::{applied, fetch_queue, next, send, site, until_ready, work, works};

/// Parks that many of fetch's messages.
async fn park(broker: &Broker, publisher: &Publisher, count: usize) {
    let mut subscription = Subscription::open(broker, &fetch_queue(), 10).await.unwrap();
    for _ in 0..count {
        assert!(next(&mut subscription).await.unwrap().acker.park().await);
    }
    until_ready(publisher, &QueueName::parked(&site()), u32::try_from(count).unwrap()).await;
}

#[tokio::test]
async fn what_is_parked_is_listed_any_number_of_times_and_stays() {
    let (_, broker, publisher) = applied().await;
    let mut broken = work(1);
    broken.body = b"{\"specversion\":\"1.0\",\x1b]".to_vec();
    let mut later = work(2);
    later.body = String::from_utf8(later.body).unwrap().replace("enumerated.v1", "enumerated.v9").into_bytes();
    let fine = work(3);
    let sent = [broken.clone(), later.clone(), fine.clone()];
    send(&publisher, &sent).await;
    park(&broker, &publisher, 3).await;
    let parked = Parked::new(&broker);
    // More often than a stage's own queue would bear.
    for _ in 0..25 {
        let listed = parked.list(100).await.unwrap();
        assert_eq!(listed.len(), 3);
        for (message, shown) in sent.iter().zip(&listed) {
            assert_eq!(shown.id.to_string(), message.id);
            assert_eq!(shown.queue.as_deref(), Some(fetch_queue().as_str()));
            assert_eq!(shown.size_bytes, message.body.len() as u64);
        }
        let fault = |at: usize| listed[at].fault.clone().unwrap_or_default();
        assert!(fault(0).contains("not a CloudEvents object") && !fault(0).contains('\u{1b}'), "{}", fault(0));
        assert!(fault(1).contains("upgrade strongroom"), "{}", fault(1));
        assert_eq!(listed[2].fault, None);
        until_ready(&publisher, &parked_queue(), 3).await;
    }
    assert_eq!(parked.list(1).await.unwrap().len(), 1);
}

fn parked_queue() -> QueueName {
    QueueName::parked(&site())
}

#[tokio::test]
async fn replayed_by_its_id_a_message_goes_where_it_first_went() {
    let (_, broker, publisher) = applied().await;
    let messages = works(0..3);
    send(&publisher, &messages).await;
    park(&broker, &publisher, 3).await;
    let parked = Parked::new(&broker);
    let chosen = BTreeSet::from([strongroom_bus::broker::ParkedId::new(messages[1].id.clone())]);
    assert_eq!(parked.replay(Some(&chosen)).await.unwrap(), Replayed { replayed: 1, stayed: 0 });
    until_ready(&publisher, &parked_queue(), 2).await;
    let mut subscription = Subscription::open(&broker, &fetch_queue(), 10).await.unwrap();
    let incoming = next(&mut subscription).await.unwrap();
    assert_eq!(incoming.copy().unwrap(), messages[1]);
    // It begins anew: whatever the broker counted on the first copy is left behind.
    assert!(incoming.acker.park().await);
    until_ready(&publisher, &parked_queue(), 3).await;
    drop((incoming, subscription));
    assert_eq!(parked.replay(None).await.unwrap(), Replayed { replayed: 3, stayed: 0 });
    until_ready(&publisher, &fetch_queue(), 3).await;
    assert_eq!(parked.list(10).await.unwrap(), []);
}

#[tokio::test]
async fn a_stranger_without_an_id_is_called_by_its_body_and_can_be_dropped() {
    let (_, broker, publisher) = applied().await;
    let mut stranger = work(1);
    stranger.id = "no id \u{202e} at all".to_owned();
    stranger.body = vec![0xff; 10];
    send(&publisher, &[stranger, work(2)]).await;
    park(&broker, &publisher, 2).await;
    let parked = Parked::new(&broker);
    let listed = parked.list(10).await.unwrap();
    assert!(listed[0].id.to_string().starts_with("body-"), "{listed:?}");
    assert_eq!(listed[0].fault.as_deref(), Some("it is not text in UTF-8"));
    let chosen = BTreeSet::from([listed[0].id.clone()]);
    assert_eq!(parked.discard(Some(&chosen)).await.unwrap(), 1);
    assert_eq!(parked.list(10).await.unwrap(), listed[1..]);
    assert_eq!(parked.discard(None).await.unwrap(), 1);
    until_ready(&publisher, &parked_queue(), 0).await;
}

#[tokio::test]
async fn what_comes_back_too_often_is_parked() {
    let (_, broker, publisher) = applied().await;
    send(&publisher, &[work(1)]).await;
    // Each connection that ends with an unacknowledged delivery returns it.
    for _ in 0..21 {
        let mut subscription = Subscription::open(&broker, &fetch_queue(), 1).await.unwrap();
        drop(next(&mut subscription).await.unwrap());
        drop(subscription);
    }
    until_ready(&publisher, &parked_queue(), 1).await;
    assert_eq!(Parked::new(&broker).list(1).await.unwrap()[0].fault, None);
}
