//! Each tampering, and what shows it.

use strongroom_audit::evidence::{self, MakeError};
use strongroom_audit::{KnownRoot, verify};
use strongroom_eventlog::{Comparison, EventLog};
use strongroom_model::Position;
use strongroom_proof::merkle::{Frontier, leaf_hash};
use strongroom_proof::{Checkpoint, SignedCheckpoint};

use crate::backend::Backend;
use crate::sample::{append, events, forged_rotation, key, life, site, summary};

/// What shows it: a part of what is said, or nothing.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    /// By a start, which compares the log with the checkpoint in the data folder and on the drive.
    start: bool,
    /// By `log verify` alone.
    verify: Option<&'static str>,
    /// By `log verify --checkpoint`.
    checkpoint: Option<&'static str>,
    /// By evidence of booking B-1 for a checkpoint that was signed before.
    evidence: Option<&'static str>,
}

/// The log before the tampering, and the checkpoint that somebody outside has kept.
struct Before<B> {
    backend: B,
    log: EventLog,
    kept: SignedCheckpoint,
}

async fn before<B: Backend>() -> Before<B> {
    let backend = B::fresh().await;
    let log = backend.open().await;
    append(&log, events()).await;
    let head = log.head().await.unwrap();
    let kept = Checkpoint { site: site(), head, summary: 0 }.signed(&key(7));
    Before { backend, log, kept }
}

impl<B: Backend> Before<B> {
    async fn tampered(self, sql: &str, expected: Shown) {
        self.log.close().await;
        self.backend.tamper(sql);
        self.shows(expected).await;
    }

    async fn shows(&self, expected: Shown) {
        let log = self.backend.open().await;
        let found = shown(&log, &self.kept).await;
        let is_as_expected = |found: &Option<String>, expected: Option<&str>| match (found, expected) {
            (Some(found), Some(part)) => found.contains(part),
            (None, None) => true,
            _ => false,
        };
        assert_eq!(found.start, expected.start, "a start: {found:?}");
        assert!(is_as_expected(&found.verify, expected.verify), "log verify: {found:?}");
        assert!(is_as_expected(&found.checkpoint, expected.checkpoint), "log verify --checkpoint: {found:?}");
        assert!(is_as_expected(&found.evidence, expected.evidence), "evidence: {found:?}");
        log.close().await;
    }
}

#[derive(Debug)]
struct Found {
    start: bool,
    verify: Option<String>,
    checkpoint: Option<String>,
    evidence: Option<String>,
}

async fn shown(log: &EventLog, kept: &SignedCheckpoint) -> Found {
    let head = kept.checkpoint().head;
    let known = [KnownRoot { head, known_to: "the checkpoint".to_owned() }];
    Found {
        start: !matches!(log.compare(&head).await, Ok(Comparison::Continues)),
        verify: verified(log, &[]).await,
        checkpoint: verified(log, &known).await,
        evidence: evidence_of(log, kept).await.err(),
    }
}

async fn verified(log: &EventLog, known: &[KnownRoot]) -> Option<String> {
    let report = verify(log, known).await.unwrap();
    let bad = report.first_bad.into_iter().chain(report.illegal_events).next();
    assert_eq!(bad.is_none(), report.ok);
    bad.map(|bad| bad.reason)
}

/// Made of the log as it is now, and checked by somebody who has the site's public key alone.
async fn evidence_of(log: &EventLog, kept: &SignedCheckpoint) -> Result<(), String> {
    let key = key(7).public();
    let made = evidence::make(log, &"booking/B-1".parse().unwrap(), kept, &key).await;
    let pack = made.map_err(|error: MakeError| error.to_string())?;
    evidence::check(&pack.render(), Some(&key), &[]).map(drop).map_err(|error| error.to_string())
}

/// B-1's proof (position 3) with a better read-back than there was, and its hash.
async fn forged(log: &EventLog) -> (String, [u8; 32]) {
    let stored = log.read(Position(3), 1).await.unwrap().remove(0);
    let body = stored.body.replace("\"direct\"", "\"cached\"");
    assert_ne!(body, stored.body);
    let hash = leaf_hash(body.as_bytes());
    (body, hash)
}

/// The frontier of the first `size` leaves, of which one may be another.
async fn frontier<B: Backend>(log: &EventLog, size: u64, other: Option<(u64, [u8; 32])>) -> String {
    let mut tree = Frontier::default();
    for stored in log.read(Position(0), usize::try_from(size).unwrap()).await.unwrap() {
        let forged = other.filter(|(position, _)| *position == stored.position.0);
        tree.push(forged.map_or(stored.leaf_hash, |(_, hash)| hash));
    }
    B::bytes(&tree.to_bytes())
}

const NOTHING: Shown = Shown { start: false, verify: None, checkpoint: None, evidence: None };

pub(crate) async fn a_row_is_changed<B: Backend>() {
    let before = before::<B>().await;
    let sql = "UPDATE event SET body = replace(body, '\"direct\"', '\"cached\"') WHERE position = 3";
    let named = Some("position 3: its bytes were changed");
    let evidence = Some("its bytes are not those that were stored");
    before.tampered(sql, Shown { verify: named, checkpoint: named, evidence, ..NOTHING }).await;
}

pub(crate) async fn a_row_is_changed_with_its_hash<B: Backend>() {
    let before = before::<B>().await;
    let (body, hash) = forged(&before.log).await;
    let sql = format!("UPDATE event SET body = '{body}', leaf_hash = {} WHERE position = 3", B::bytes(&hash));
    let shown = Shown {
        start: true,
        verify: Some("position 0: the events from here to before 8 do not match the root"),
        checkpoint: Some("the first 10 events had another root (the checkpoint has it)"),
        evidence: Some("does not have the root"),
    };
    before.tampered(&sql, shown).await;
}

pub(crate) async fn a_row_is_removed<B: Backend>() {
    let named = Some("position 4: its event is missing");
    let shown = Shown { start: true, verify: named, checkpoint: named, evidence: Some("is missing") };
    before::<B>().await.tampered("DELETE FROM event WHERE position = 4", shown).await;
}

pub(crate) async fn a_row_is_inserted<B: Backend>() {
    let sql = "CREATE TEMPORARY TABLE more AS SELECT * FROM event WHERE position = 9;
        UPDATE more SET position = 10, version = 1, id = '00000000-0000-7000-8000-999999999999';
        INSERT INTO event SELECT * FROM more";
    let named = Some("position 10: the event there belongs at position 9");
    before::<B>().await.tampered(sql, Shown { verify: named, checkpoint: named, ..NOTHING }).await;
}

pub(crate) async fn two_rows_are_swapped<B: Backend>() {
    let sql = "UPDATE event SET position = -1 WHERE position = 3;
        UPDATE event SET position = 3 WHERE position = 4; UPDATE event SET position = 4 WHERE position = -1";
    let named = Some("position 3: the event there belongs at position 4");
    let shown = Shown { start: true, verify: named, checkpoint: named, evidence: Some("does not have the root") };
    before::<B>().await.tampered(sql, shown).await;
}

pub(crate) async fn the_tail_is_cut_off<B: Backend>() {
    let named = Some("position 5: its event is missing");
    let shown = Shown { start: true, verify: named, checkpoint: named, evidence: Some("is missing") };
    before::<B>().await.tampered("DELETE FROM event WHERE position >= 5", shown).await;
}

pub(crate) async fn the_tail_is_cut_off_with_the_head<B: Backend>() {
    let before = before::<B>().await;
    let frontier = frontier::<B>(&before.log, 5, None).await;
    let sql = format!(
        "DELETE FROM event WHERE position >= 5; DELETE FROM stream WHERE position >= 5;
         UPDATE head SET size = 5, frontier = {frontier}"
    );
    let named = Some("position 5: the log ends here, but had 10 events earlier (the checkpoint has it)");
    let shown = Shown { start: true, verify: None, checkpoint: named, evidence: Some("is missing") };
    before.tampered(&sql, shown).await;
}

pub(crate) async fn the_head_is_rewritten<B: Backend>() {
    let before = before::<B>().await;
    let frontier = frontier::<B>(&before.log, 10, Some((9, [7; 32]))).await;
    let named = Some("do not match the root");
    let sql = format!("UPDATE head SET frontier = {frontier}");
    before.tampered(&sql, Shown { verify: named, checkpoint: named, ..NOTHING }).await;
}

pub(crate) async fn a_guard_is_taken_away<B: Backend>() {
    let before = before::<B>().await;
    before.backend.execute(B::DROP_GUARD);
    let named = Some("event_is_never_changed");
    before.shows(Shown { verify: named, checkpoint: named, ..NOTHING }).await;
}

pub(crate) async fn a_guard_is_replaced<B: Backend>() {
    let before = before::<B>().await;
    before.backend.execute(B::REPLACE_GUARD);
    let named = Some("what guards the log is not what was installed");
    before.shows(Shown { verify: named, checkpoint: named, ..NOTHING }).await;
}

/// B-3 waits for fetch: without its row nobody works on it.
pub(crate) async fn the_projection_is_changed<B: Backend>() {
    for sql in [
        "DELETE FROM stream WHERE name = 'booking/B-3'",
        "UPDATE stream SET next_stage = NULL WHERE name = 'booking/B-3'",
        "UPDATE stream SET status = 'archived' WHERE name = 'booking/B-3'",
    ] {
        let differs = "position 9: the projection of booking/B-3 differs from its last event";
        let named = Some(differs);
        let before = before::<B>().await;
        before.log.close().await;
        before.backend.tamper(sql);
        let log = before.backend.open().await;
        assert_eq!(verified(&log, &[]).await.as_deref().map(|said| said.contains(differs)), Some(true));
        log.rebuild_streams().await.unwrap();
        assert_eq!(verified(&log, &[]).await, None, "the events have it all");
        log.close().await;
        before.backend.tamper(sql);
        before.shows(Shown { verify: named, checkpoint: named, ..NOTHING }).await;
    }
}

/// Whoever may append may also append that.
pub(crate) async fn a_key_is_replaced_without_the_old_one<B: Backend>() {
    let before = before::<B>().await;
    append(&before.log, vec![forged_rotation()]).await;
    let named = Some("without that key's signature");
    before.shows(Shown { verify: named, checkpoint: named, ..NOTHING }).await;
}

/// A summary of the log that was shows it, unless that is written anew as well.
pub(crate) async fn an_event_is_left_out_and_all_is_written_anew<B: Backend>() {
    let before = before::<B>().await;
    let anew = B::fresh().await;
    let log = anew.open().await;
    let mut all = events();
    all.remove(4);
    all.extend(life("B-4"));
    append(&log, all).await;
    let shown = Shown {
        start: true,
        verify: None,
        checkpoint: Some("the first 10 events had another root (the checkpoint has it)"),
        evidence: Some("does not have the root"),
    };
    let anew = Before { backend: anew, log, kept: before.kept };
    anew.shows(shown).await;
    append(&anew.log, vec![summary(&before.log).await]).await;
    let said = verified(&anew.log, &[]).await.unwrap();
    assert!(said.contains("(summary 1 has it)"), "{said}");
}

/// Bytes, hashes, head and all: only who holds a checkpoint from before can tell.
pub(crate) async fn the_tree_is_rebuilt_whole<B: Backend>() {
    let before = before::<B>().await;
    let (body, hash) = forged(&before.log).await;
    let frontier = frontier::<B>(&before.log, 10, Some((3, hash))).await;
    let sql = format!(
        "UPDATE event SET body = '{body}', leaf_hash = {} WHERE position = 3; UPDATE head SET frontier = {frontier}",
        B::bytes(&hash)
    );
    let shown = Shown {
        start: true,
        verify: None,
        checkpoint: Some("the first 10 events had another root (the checkpoint has it)"),
        evidence: Some("does not have the root"),
    };
    before.tampered(&sql, shown).await;
}
