//! Wires that are cut, answers that are lost, servers that restart, writers that stop.

use std::time::Duration;

use futures_util::poll;
use strongroom_eventlog::{AppendError, EventLog};
use strongroom_model::{NewEvent, StageName};
use strongroom_servers::{Postgres, Wire, postgres};
use tokio::time::timeout;

use crate::sample::{PATIENCE, connect, database, event, holds, open, run, site};

/// In every event's bytes, so in every append, and nowhere else.
const IN_AN_APPEND: &str = "datacontenttype";

async fn stored(log: &EventLog, event: &NewEvent) -> usize {
    log.stream(&event.stream).await.unwrap().len()
}

#[tokio::test]
async fn r3_a_lost_answer_to_a_commit_is_unknown_and_the_append_was_carried_out_once() {
    let database = database().await;
    let wire = Wire::to(postgres().address());
    let log = open(&database.url_at(wire.address())).await;
    log.append(vec![event()]).await.unwrap();
    wire.lose_the_answer_to(IN_AN_APPEND);
    let second = event();
    let error = log.append(vec![second.clone()]).await.unwrap_err();
    assert!(matches!(error, AppendError::Unknown(Some(_))), "{error}");
    assert_eq!(wire.struck(), 1);
    // What the caller does then: it reads its stream, or appends once more.
    assert_eq!(stored(&log, &second).await, 1);
    let again = log.append(vec![NewEvent { id: event().id, ..second.clone() }]).await.unwrap_err();
    assert!(again.is_conflict(), "{again}");
    log.append(vec![event()]).await.unwrap();
    holds(&log, 3).await;
}

#[tokio::test]
async fn r3_a_wire_that_breaks_before_the_append_is_unknown_and_nothing_was_stored() {
    let database = database().await;
    let wire = Wire::to(postgres().address());
    let log = open(&database.url_at(wire.address())).await;
    // A new connection has its first append prepared, and learns no more than that.
    wire.lose_the_answer_to("SELECT append(");
    let first = event();
    let error = log.append(vec![first.clone()]).await.unwrap_err();
    assert!(matches!(error, AppendError::Unknown(Some(_))), "{error}");
    assert_eq!(stored(&log, &first).await, 0);
    log.append(vec![first.clone()]).await.unwrap();
    assert_eq!(stored(&log, &first).await, 1);
}

#[tokio::test]
async fn an_append_waits_for_a_wire_that_is_mended() {
    let database = database().await;
    let wire = Wire::to(postgres().address());
    let log = open(&database.url_at(wire.address())).await;
    log.append(vec![event()]).await.unwrap();
    wire.cut();
    let waiting = tokio::spawn({
        let log = log.clone();
        async move { log.append(vec![event()]).await }
    });
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!waiting.is_finished());
    wire.mend();
    assert_eq!(timeout(PATIENCE, waiting).await.unwrap().unwrap().unwrap()[0].position.0, 1);
    // Half a reply is not a reply.
    wire.halve_the_next_reply();
    let _ = log.append(vec![event()]).await;
    log.append(vec![event()]).await.unwrap();
    assert_eq!(log.verify().await.unwrap().damage, None);
}

/// Appends so many events, each in a stream of its own, whatever happens on the way.
async fn append_all(log: EventLog, count: usize) -> Vec<NewEvent> {
    let mut appended = Vec::new();
    while appended.len() < count {
        let event = event();
        match log.append(vec![event.clone()]).await {
            Ok(_) => appended.push(event),
            Err(AppendError::Unknown(_)) => {
                // A read may meet the same restart.
                let found = loop {
                    match log.stream(&event.stream).await {
                        Ok(found) => break found,
                        Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
                    }
                };
                appended.extend((found.len() == 1).then_some(event));
            }
            Err(AppendError::NotStored(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
    appended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_restarted_under_load_loses_and_doubles_nothing() {
    let server = Postgres::start();
    let database = server.database();
    strongroom_eventlog::migrate_postgres(&database.url).await.unwrap();
    let logs = [open(&database.url).await, open(&database.url).await];
    let tasks: Vec<_> = (0..8).map(|n| tokio::spawn(append_all(logs[n % 2].clone(), 200))).collect();
    let size = async || logs[0].head().await.map_or(0, |head| head.size);
    for (target, end) in [(300, Postgres::stop as fn(&Postgres)), (900, Postgres::kill)] {
        timeout(PATIENCE, async {
            while size().await < target {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await
        .unwrap();
        end(&server);
        server.start_again();
    }
    let mut streams = Vec::new();
    for task in tasks {
        let appended = timeout(PATIENCE, task).await.unwrap().unwrap();
        streams.extend(appended.into_iter().map(|event| event.stream));
    }
    let found = logs[1].streams(&streams).await.unwrap();
    assert_eq!((found.len(), found.values().all(|events| events.len() == 1)), (1600, true));
    holds(&logs[1], 1600).await;
}

#[tokio::test]
async fn a_writer_that_stops_in_its_turn_stops_nobody_for_long() {
    let database = database().await;
    let log = open(&database.url).await;
    log.append(vec![event()]).await.unwrap();
    let mut stopped = connect(&database.url).await;
    run(&mut stopped, "SELECT pg_advisory_lock(turn('harbour'))").await.unwrap();
    for _ in 0..3 {
        timeout(PATIENCE, log.append(vec![event()])).await.unwrap().unwrap();
    }
    // One that goes without a turn and one that has one meet at the head.
    run(&mut stopped, "SELECT pg_advisory_unlock(turn('harbour'))").await.unwrap();
    let other = open(&database.url).await;
    let both = [log.clone(), other].map(|log| tokio::spawn(append_all(log, 50)));
    for task in both {
        assert_eq!(timeout(PATIENCE, task).await.unwrap().unwrap().len(), 50);
    }
    holds(&log, 104).await;
}

#[tokio::test]
async fn two_sites_never_wait_for_each_other() {
    let database = database().await;
    let ours = open(&database.url).await;
    let theirs = EventLog::open_postgres(&database.url, &"quarry".parse().unwrap()).await.unwrap();
    ours.append(vec![event()]).await.unwrap();
    // Somebody holds all of our site that can be held.
    let mut holder = connect(&database.url).await;
    let held = "BEGIN; SELECT pg_advisory_lock(turn('harbour')); SELECT * FROM head WHERE site = 'harbour' FOR UPDATE";
    run(&mut holder, held).await.unwrap();
    let mut waiting = Box::pin(ours.append(vec![event()]));
    assert!(poll!(&mut waiting).is_pending());
    for _ in 0..20 {
        timeout(PATIENCE, theirs.append(vec![event()])).await.unwrap().unwrap();
        assert_eq!(theirs.rebuild_streams().await.unwrap(), theirs.head().await.unwrap().size);
    }
    assert!(poll!(&mut waiting).is_pending());
    run(&mut holder, "ROLLBACK; SELECT pg_advisory_unlock_all()").await.unwrap();
    assert_eq!(timeout(PATIENCE, waiting).await.unwrap().unwrap()[0].position.0, 1);
    let (ours, theirs) = (ours.verify().await.unwrap(), theirs.verify().await.unwrap());
    assert_eq!((ours.events, ours.damage, theirs.events, theirs.damage), (2, None, 20, None));
}

#[tokio::test]
async fn a_database_that_refuses_stores_nothing_and_is_well_again_later() {
    let database = database().await;
    let log = open(&database.url).await;
    log.append(vec![event()]).await.unwrap();
    let mut owner = connect(&database.url).await;
    let sabotage = "CREATE FUNCTION sabotage() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN RAISE EXCEPTION 'out of paper'; END $$;
         CREATE TRIGGER sabotage BEFORE UPDATE ON head EXECUTE FUNCTION sabotage()";
    run(&mut owner, sabotage).await.unwrap();
    for _ in 0..2 {
        let error = log.append(vec![event()]).await.unwrap_err();
        assert!(matches!(error, AppendError::NotStored(_)), "{error}");
        assert!(strongroom_model::text::with_causes(&error).ends_with("out of paper"));
    }
    run(&mut owner, "DROP FUNCTION sabotage CASCADE").await.unwrap();
    log.append(vec![event()]).await.unwrap();
    assert_eq!(log.pending(StageName::Fetch, strongroom_model::Position(0), 9).await.unwrap().len(), 0);
    let verified = log.verify().await.unwrap();
    assert_eq!((verified.events, verified.damage, site()), (2, None, log.site().clone()));
}

/// As a server whose disk is full.
const NO_ROOM: &str = "CREATE FUNCTION public.no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
    RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$; \
    CREATE TRIGGER no_room BEFORE INSERT ON strongroom.event FOR EACH STATEMENT EXECUTE FUNCTION public.no_room()";
const ROOM: &str = "DROP TRIGGER no_room ON strongroom.event; DROP FUNCTION public.no_room()";

#[tokio::test]
async fn r8_a_full_disk_is_found_without_an_append_and_so_is_its_end_and_nothing_is_stored() {
    let database = database().await;
    let log = open(&database.url).await;
    log.append(vec![event()]).await.unwrap();
    assert!(log.probe_write().await.unwrap().is_none());
    assert_eq!(database.query(NO_ROOM), "");
    let found = log.probe_write().await.unwrap().unwrap();
    assert!(found.is_disk_full && found.reason.contains("No space left"), "{found:?}");
    let mut unwritable = log.unwritable().unwrap();
    assert!(unwritable.borrow_and_update().is_some());
    let error = log.append(vec![event()]).await.unwrap_err();
    assert!(matches!(error, AppendError::NotStored(_)), "{error}");
    assert_eq!(database.query(ROOM), "");
    // Nobody appends anything.
    timeout(PATIENCE, unwritable.wait_for(Option::is_none)).await.unwrap().unwrap();
    log.append(vec![event()]).await.unwrap();
    holds(&log, 2).await;
}
