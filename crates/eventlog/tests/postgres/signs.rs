//! Signs of life beside a log in Postgres.

use jiff::SignedDuration;
use strongroom_eventlog::EventLog;
use strongroom_model::presence::{Part, PartState, Sign};

use crate::role::writer;
use crate::sample::{database, site};

/// More than are kept.
const MANY: usize = 300;

fn sign(role: &str) -> Sign {
    Sign {
        actor: format!("{role}@backup-1").parse().unwrap(),
        pid: 7,
        version: "1".to_owned(),
        since: "2026-11-20T23:00:00Z".parse().unwrap(),
        every_s: 10,
        has_ended: false,
        cannot_record: None,
        parts: vec![Part {
            role: role.to_owned(),
            partition: None,
            state: PartState::Working,
            alarm: None,
            waits_for: None,
        }],
    }
}

#[tokio::test]
async fn r8_each_process_has_one_sign_with_its_age_and_old_ones_are_forgotten() {
    let database = database().await;
    let url = writer(&database, "worker", &["harbour"]).await;
    let log = EventLog::open_postgres(&url, &site()).await.unwrap();
    let [fetch, verify] = [uuid::Uuid::new_v4(), uuid::Uuid::new_v4()];
    log.give_sign(fetch, &sign("fetch")).await.unwrap();
    log.give_sign(verify, &sign("verify")).await.unwrap();
    let ended = Sign { has_ended: true, ..sign("fetch") };
    log.give_sign(fetch, &ended).await.unwrap();
    let signs = log.signs().await.unwrap();
    assert_eq!(signs.iter().map(|seen| seen.process).collect::<Vec<_>>(), [fetch, verify], "the newest first");
    assert_eq!(signs[0].sign, ended);
    assert!(signs.iter().all(|seen| seen.age < SignedDuration::from_mins(5)), "{signs:?}");
    assert_eq!(log.head().await.unwrap().size, 0, "a sign is not an event");

    let age = |days: u32| {
        format!("UPDATE strongroom.sign SET seen_at = seen_at - interval '{days} days' WHERE process = '{verify}'")
    };
    let _ = database.query(&age(2));
    log.give_sign(fetch, &ended).await.unwrap();
    assert_eq!(log.signs().await.unwrap()[1].age.as_hours(), 48, "for people: since when it is gone");
    let _ = database.query(&age(6));
    log.give_sign(fetch, &ended).await.unwrap();
    assert_eq!(log.signs().await.unwrap().len(), 1);

    for _ in 0..MANY {
        log.give_sign(uuid::Uuid::new_v4(), &sign("fetch")).await.unwrap();
    }
    assert_eq!(log.signs().await.unwrap().len(), 256);
    let kept = database.query("SELECT count(*) FROM strongroom.sign");
    assert_eq!(kept.trim(), "256", "they are bounded");
    assert_eq!(log.verify().await.unwrap().damage, None);
}

#[tokio::test]
async fn r9_a_sign_that_cannot_be_read_hides_no_other_and_one_without_bound_is_refused() {
    let database = database().await;
    let url = writer(&database, "worker", &["harbour"]).await;
    let log = EventLog::open_postgres(&url, &site()).await.unwrap();
    log.give_sign(uuid::Uuid::new_v4(), &sign("fetch")).await.unwrap();
    let _ = database.query("SELECT strongroom.give_sign('harbour', gen_random_uuid(), 'no sign')");
    assert_eq!(log.signs().await.unwrap().len(), 1);
    let endless = Sign { version: "1".repeat(9000), ..sign("fetch") };
    log.give_sign(uuid::Uuid::new_v4(), &endless).await.expect_err("it is too long");
}
