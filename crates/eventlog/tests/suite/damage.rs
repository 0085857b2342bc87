//! Verifying: each way in which a log can be wrong is found, and its first position named.

use strongroom_eventlog::verify::Fault;
use strongroom_eventlog::{Damage, EventLog};
use strongroom_model::{Position, Version};
use strongroom_proof::merkle::{Frontier, HASH_BYTES, leaf_hash};

use crate::backend::Backend;
use crate::sample::{booking, bookings, life};

/// Two lives and three bookings that are pending: eleven events at positions 0 to 10.
async fn fill(log: &EventLog) {
    log.append(life(1)).await.unwrap();
    log.append(life(2)).await.unwrap();
    log.append(bookings(3, 3)).await.unwrap();
}

pub(crate) async fn an_untouched_log_verifies<B: Backend>(backend: &B) {
    let log = backend.open().await;
    let empty = log.verify().await.unwrap();
    assert_eq!((empty.events, empty.damage), (0, None));
    fill(&log).await;
    let well = log.verify().await.unwrap();
    assert_eq!((well.events, well.unknown, well.damage), (11, 0, None));
    assert_eq!(well.head, log.head().await.unwrap());
    let bytes: usize = log.read(Position(0), 99).await.unwrap().iter().map(|stored| stored.body.len()).sum();
    assert_eq!(well.bytes, bytes as u64);
}

/// The leaf hash of a forged body, as somebody who knows how would compute it.
fn hash_of<B: Backend>(body: &str) -> String {
    B::bytes(&leaf_hash(body.as_bytes()))
}

/// The log's frontier with one of its nodes (of 8, 2 and 1 leaves) changed.
async fn forged_frontier<B: Backend>(log: &EventLog, node: usize) -> String {
    let mut tree = Frontier::default();
    log.read(Position(0), 11).await.unwrap().iter().for_each(|stored| tree.push(stored.leaf_hash));
    let mut bytes = tree.to_bytes();
    bytes[node * HASH_BYTES] ^= 1;
    B::bytes(&bytes)
}

fn row(sql: &str, position: u64, fault: Fault) -> (String, u64, Fault) {
    (sql.to_owned(), position, fault)
}

/// What is done to the rows, in any database's SQL, and what must be found.
async fn matrix<B: Backend>(log: &EventLog) -> Vec<(String, u64, Fault)> {
    let third = log.read(Position(2), 1).await.unwrap().remove(0).body;
    let forged = third.replace("direct", "cached");
    assert_ne!(forged, third);
    let swap = "UPDATE event SET position = -1 WHERE position = 4;
         UPDATE event SET position = 4 WHERE position = 6;
         UPDATE event SET position = 6 WHERE position = -1";
    let swap_bodies = "CREATE TABLE t AS SELECT * FROM event WHERE position IN (8, 9);
         UPDATE event SET body = (SELECT body FROM t WHERE t.position = 17 - event.position),
             leaf_hash = (SELECT leaf_hash FROM t WHERE t.position = 17 - event.position) WHERE position IN (8, 9);
         DROP TABLE t";
    let mut rows = vec![
        row("UPDATE event SET body = replace(body, 'direct', 'cached') WHERE position = 2", 2, Fault::ChangedBytes),
        row("UPDATE event SET body = body || ' ' WHERE position = 0", 0, Fault::ChangedBytes),
        row(
            "UPDATE event SET leaf_hash = (SELECT leaf_hash FROM event WHERE position = 1) WHERE position = 5",
            5,
            Fault::ChangedBytes,
        ),
        // Changed with its hash: the root shows it, as narrowly as the frontier (8 + 2 + 1) does.
        row(
            &format!("UPDATE event SET body = '{forged}', leaf_hash = {} WHERE position = 2", hash_of::<B>(&forged)),
            0,
            Fault::Root(Position(8)),
        ),
        row("DELETE FROM event WHERE position = 3", 3, Fault::Missing),
        row("DELETE FROM event WHERE position = 0", 0, Fault::Missing),
        row("DELETE FROM event WHERE position = 10", 10, Fault::Missing),
        row("DELETE FROM event WHERE position >= 8", 8, Fault::Missing),
        row("DELETE FROM event", 0, Fault::Missing),
        row(swap, 4, Fault::Misplaced(Position(6))),
        row(swap_bodies, 8, Fault::Misplaced(Position(9))),
        row("UPDATE event SET stream = 'booking/X' WHERE position = 3", 3, Fault::Column("stream")),
        row("UPDATE event SET version = 7 WHERE position = 3", 3, Fault::Column("version")),
        row("UPDATE event SET id = '00000000-0000-7000-8000-999999999999' WHERE position = 1", 1, Fault::Column("id")),
        row("UPDATE event SET type = 'x' WHERE position = 1", 1, Fault::Column("type")),
        row("UPDATE event SET time_us = 0 WHERE position = 9", 9, Fault::Column("time_us")),
        row(
            &format!("UPDATE event SET body = '{{}}', leaf_hash = {} WHERE position = 6", hash_of::<B>("{}")),
            6,
            Fault::NoEvent("missing field `position` at line 1 column 2".to_owned()),
        ),
        row("UPDATE head SET size = 10", 10, Fault::Head),
        row("UPDATE head SET size = 13", 11, Fault::Missing),
        row("UPDATE head SET size = 7", 7, Fault::BeyondHead),
        row(&format!("UPDATE head SET frontier = {}", forged_frontier::<B>(log, 0).await), 0, Fault::Root(Position(8))),
        row(
            &format!("UPDATE head SET frontier = {}", forged_frontier::<B>(log, 1).await),
            8,
            Fault::Root(Position(10)),
        ),
        row(
            &format!("UPDATE head SET frontier = {}", forged_frontier::<B>(log, 2).await),
            10,
            Fault::Root(Position(11)),
        ),
    ];
    rows.extend(projections());
    rows
}

/// The same of the projection.
fn projections() -> Vec<(String, u64, Fault)> {
    vec![
        row("UPDATE stream SET next_stage = 'archive' WHERE name = 'booking/B-4'", 9, Fault::Projection(booking(4))),
        row("UPDATE stream SET due_at_us = 1 WHERE name = 'booking/B-4'", 9, Fault::Projection(booking(4))),
        row("UPDATE stream SET status = 'archived' WHERE name = 'booking/B-5'", 10, Fault::Projection(booking(5))),
        row("UPDATE stream SET partition = 'x' WHERE name = 'booking/B-5'", 10, Fault::Projection(booking(5))),
        row("UPDATE stream SET status = 'nonsense' WHERE name = 'booking/B-5'", 10, Fault::Projection(booking(5))),
        row("UPDATE stream SET version = 2 WHERE name = 'booking/B-1'", 3, Fault::Projection(booking(1))),
        row("UPDATE stream SET first_position = 1 WHERE name = 'booking/B-2'", 7, Fault::Projection(booking(2))),
        row("DELETE FROM stream WHERE name = 'booking/B-2'", 7, Fault::Projection(booking(2))),
        row(
            "INSERT INTO stream (name, kind, first_position, position, version) SELECT 'booking/B-9', kind, 10, 10, 0
             FROM stream WHERE name = 'booking/B-3'",
            10,
            Fault::UnknownStream("booking/B-9".to_owned()),
        ),
    ]
}

pub(crate) async fn every_damage_is_found_and_named<B: Backend>(_: &B) {
    for n in 0.. {
        let backend = B::fresh().await;
        let log = backend.open().await;
        fill(&log).await;
        let Some((sql, position, fault)) = matrix::<B>(&log).await.into_iter().nth(n) else { return };
        backend.tamper(&sql).await;
        let found = backend.open_read_only().await.verify().await.unwrap().damage;
        let found = found.unwrap_or_else(|| panic!("nothing was found after: {sql}"));
        assert_eq!(found, Damage { position: Position(position), fault }, "after: {sql}");
        assert!(found.to_string().starts_with(&format!("position {position}: ")), "{found}");
    }
}

pub(crate) async fn a_log_cut_off_with_its_head_is_found_against_an_earlier_head<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(life(1)).await.unwrap();
    let short = log.head().await.unwrap();
    log.append(life(2)).await.unwrap();
    let whole = log.head().await.unwrap();
    // Everything is put back as it was at four events: size, frontier, projection. A tree
    // of four leaves has one node, its root.
    let frontier = B::bytes(&short.root);
    backend
        .tamper(&format!(
            "DELETE FROM event WHERE position >= 4; DELETE FROM stream WHERE position >= 4;
             UPDATE head SET size = 4, frontier = {frontier}"
        ))
        .await;
    let log = backend.open().await;
    assert_eq!(log.verify().await.unwrap().damage, None, "the log alone cannot know");
    assert_eq!(log.verify_against(&[short]).await.unwrap().damage, None);
    let found = log.verify_against(&[short, whole]).await.unwrap().damage.unwrap();
    assert_eq!(found, Damage { position: Position(4), fault: Fault::CutOff(8) });
}

pub(crate) async fn a_log_written_anew_is_found_against_an_earlier_head<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(life(1)).await.unwrap();
    let earlier = log.head().await.unwrap();
    let other = B::fresh().await;
    let log = other.open().await;
    log.append(life(1)).await.unwrap();
    log.append(life(2)).await.unwrap();
    assert_eq!(log.verify().await.unwrap().damage, None);
    let found = log.verify_against(&[earlier]).await.unwrap().damage.unwrap();
    assert_eq!(found.fault, Fault::EarlierHead(4));
}

pub(crate) async fn a_log_of_many_batches_verifies_and_its_damage_is_found<B: Backend>(backend: &B) {
    let log = backend.open().await;
    log.append(bookings(0, 700)).await.unwrap();
    let well = log.verify().await.unwrap();
    assert_eq!((well.events, well.damage), (700, None));
    backend.tamper("UPDATE event SET body = replace(body, 'KW 47', 'KW 48') WHERE position = 600").await;
    let found = log.verify().await.unwrap();
    assert_eq!(found.events, 600);
    assert_eq!(found.damage, Some(Damage { position: Position(600), fault: Fault::ChangedBytes }));
}

pub(crate) async fn a_log_verifies_while_it_is_written<B: Backend>(backend: &B) {
    let (log, reader) = (backend.open().await, backend.open_read_only().await);
    let writing = tokio::spawn(async move {
        for n in 0..60 {
            log.append(life(n)).await.unwrap();
        }
    });
    while !writing.is_finished() {
        assert_eq!(reader.verify().await.unwrap().damage, None);
    }
    writing.await.unwrap();
    let last = reader.verify().await.unwrap();
    assert_eq!((last.events, last.damage), (240, None));
    assert_eq!(reader.stream(&booking(0)).await.unwrap()[3].version, Version(3));
}
