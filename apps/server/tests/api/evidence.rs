//! Marks with evidence, on a server that has the site's key.

use reqwest::StatusCode;
use serde_json::json;
use strongroom_model::event::ReadBack;
use strongroom_model::wire::{Answer, AnswerOutcome, EvidenceEvent, Mark, MarkEvidence, PurgeInfo, RefusalCause, ServerState};
use strongroom_model::{Digest, DriveId, EventId};
use strongroom_server::import::import_csv;

use super::rig::{Rig, problem};
use crate::site_log::{SiteLog, key};

async fn with_key(log: &SiteLog) -> Rig {
    let public = log.public();
    Rig::with(|settings| settings.site_keys = vec![public]).await
}

async fn mark(rig: &Rig, marks: &[Mark], evidence: Option<MarkEvidence>) -> Vec<Answer> {
    rig.answers("/v1/marks", &json!({"marks": marks, "evidence": evidence})).await
}

async fn digest(rig: &Rig, id: &str) -> Digest {
    rig.info(id).await.timesheet.unwrap().digest.parse().unwrap()
}

#[tokio::test]
async fn r5_marks_whose_events_are_in_the_sites_log_count_for_a_purge() {
    let mut log = SiteLog::new();
    let rig = with_key(&log).await;
    rig.booking("B-1", "a.pdf", b"a").await;
    let record = digest(&rig, "B-1").await;
    let first = log.backed_up("B-1", &record, b"a", rig.clock.now());
    let second = log.copy_proven("B-1", &record, b"a", rig.clock.now());
    let marks = [first, second];
    let answers = mark(&rig, &marks, Some(log.evidence())).await;
    assert!(answers.iter().all(|answer| answer.outcome == AnswerOutcome::Done), "{answers:?}");
    let again = mark(&rig, &marks, Some(log.evidence())).await;
    assert!(again.iter().all(|answer| answer.outcome == AnswerOutcome::Already), "{again:?}");
    rig.move_to_archived(&["B-1"]).await;
    rig.propose("p-1", &["B-1"]).await;
    let info: PurgeInfo = rig.get("/v1/purges/p-1").await.json().await.unwrap();
    let mut positions: Vec<_> = info.items[0].evidence.iter().map(|one| one.position.zip(one.checkpoint_size)).collect();
    positions.sort_unstable();
    assert_eq!(positions, [Some((0, 2)), Some((1, 2))]);
    assert_eq!(rig.approved("p-1", &["B-1"]).await[0].outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn r5_a_forged_mark_is_refused_whatever_is_forged() {
    let mut log = SiteLog::new();
    let rig = with_key(&log).await;
    rig.booking("B-1", "a.pdf", b"a").await;
    rig.booking("B-2", "a.pdf", b"a").await;
    let record = digest(&rig, "B-1").await;
    let now = rig.clock.now();
    log.backed_up("B-2", &record, b"a", now);
    let good = log.backed_up("B-1", &record, b"a", now);
    let cached = log.backed_up_as("B-1", &record, b"a", now, ReadBack::Cached);
    let other_bytes = log.backed_up("B-1", &record, b"b", now);
    let evidence = log.evidence();
    let another_keys = {
        let mut other = SiteLog::new();
        other.key = key(8);
        let mark = other.backed_up("B-1", &record, b"a", now);
        (mark, Some(other.evidence()))
    };
    let with = |change: &dyn Fn(&mut Mark)| {
        let mut changed = good.clone();
        change(&mut changed);
        (changed, Some(evidence.clone()))
    };
    let shown = |change: &dyn Fn(&mut MarkEvidence)| {
        let mut changed = evidence.clone();
        change(&mut changed);
        (good.clone(), Some(changed))
    };
    let cases = [
        ("without evidence", (good.clone(), None), "without evidence"),
        ("another key's signature", another_keys, "not signed by the site's key"),
        ("a larger log than was signed", shown(&|one| one.checkpoint = one.checkpoint.replacen("\n4\n", "\n5\n", 1)), "signed"),
        ("no checkpoint", shown(&|one| one.checkpoint = "checkpoint".to_owned()), "cannot be read"),
        ("a changed event", shown(&|one| one.events[1].bytes = one.events[1].bytes.replace("B-1/a", "B-1/b")), "is not in the log"),
        ("another event's proof", shown(&|one| one.events[1].proof = one.events[0].proof.clone()), "is not in the log"),
        ("no hashes", shown(&|one| one.events[1].proof = vec!["hash".to_owned()]), "not a list of hashes"),
        ("no event", shown(&|one| drop(one.events.remove(1))), "has no event"),
        ("no JSON", shown(&|one| one.events[1].bytes = "{}".to_owned()), "has no event"),
        ("an event of its own", with(&|mark| mark.event = EventId::new(now)), "has no event"),
        ("another drive", with(&|mark| mark.drive = DriveId::random()), "another drive"),
        ("another path", with(&|mark| mark.path.push('x')), "another path"),
        ("a later time", with(&|mark| mark.proven_at += std::time::Duration::from_secs(1)), "another time"),
        ("another booking", with(&|mark| mark.id = "B-2".to_owned()), "another booking"),
        (
            "a better way to read",
            (Mark { read_back: ReadBack::Direct, ..cached }, Some(evidence.clone())),
            "another read-back",
        ),
        ("other bytes", (other_bytes, Some(evidence.clone())), "which no proof binds"),
    ];
    for (what, (forged, evidence), why) in cases {
        let answer = mark(&rig, &[forged], evidence).await.remove(0);
        assert_eq!((answer.outcome, answer.cause), (AnswerOutcome::Refused, Some(RefusalCause::BadEvidence)), "{what}");
        assert!(answer.reason.as_ref().unwrap().contains(why), "{what}: {answer:?}");
    }
    for id in ["B-1", "B-2"] {
        let info = rig.info(id).await;
        assert_eq!((info.state, info.proofs.len()), (ServerState::SignedOff, 0));
    }
    assert_eq!(mark(&rig, &[good], Some(evidence)).await[0].outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn evidence_beyond_its_bounds_is_refused_whatever_it_is_about() {
    let mut log = SiteLog::new();
    let rig = with_key(&log).await;
    rig.booking("B-1", "a.pdf", b"a").await;
    let record = digest(&rig, "B-1").await;
    let good = log.backed_up("B-1", &record, b"a", rig.clock.now());
    let evidence = log.evidence();
    let event = evidence.events[0].clone();
    let long = MarkEvidence { checkpoint: "x".repeat((16 << 10) + 1), ..evidence.clone() };
    let hashes = vec!["AAAA".to_owned(); 64];
    let deep = MarkEvidence { events: vec![EvidenceEvent { proof: hashes, ..event.clone() }], ..evidence.clone() };
    let many = MarkEvidence { events: vec![event; 1001], ..evidence };
    for (evidence, what) in [(long, "16385 bytes of a checkpoint"), (deep, "64 hashes of one proof"), (many, "1001 events")] {
        for marks in [&[][..], std::slice::from_ref(&good)] {
            let body = json!({"marks": marks, "evidence": evidence});
            let detail = problem(rig.post("/v1/marks", &body).await, StatusCode::BAD_REQUEST, "too-many").await;
            assert!(detail.contains(what), "{detail}");
        }
    }
    assert_eq!(rig.info("B-1").await.state, ServerState::SignedOff);
}

#[tokio::test]
async fn r5_what_was_marked_before_the_server_had_the_key_counts_for_nothing_until_it_is_marked_with_evidence() {
    let mut log = SiteLog::new();
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", b"a").await;
    let record = digest(&rig, "B-1").await;
    let marks = [
        log.backed_up("B-1", &record, b"a", rig.clock.now()),
        log.copy_proven("B-1", &record, b"a", rig.clock.now()),
    ];
    assert!(rig.mark(&marks).await.iter().all(|answer| answer.outcome == AnswerOutcome::Done));
    rig.move_to_archived(&["B-1"]).await;
    rig.propose("p-1", &["B-1"]).await;

    let mut settings = rig.documents().settings().clone();
    let Rig { dir, server, clock, .. } = rig;
    server.stop().await;
    settings.site_keys = vec![log.public()];
    let rig = Rig::open(dir, settings).await;
    drop(clock);
    let answer = rig.approved("p-1", &["B-1"]).await.remove(0);
    assert_eq!(answer.cause, Some(RefusalCause::UncheckedEvidence), "{answer:?}");
    assert!(answer.reason.unwrap().contains("mark it again, with evidence"));
    assert!(mark(&rig, &marks, Some(log.evidence())).await.iter().all(|answer| answer.outcome == AnswerOutcome::Done));
    assert_eq!(rig.run_purge("p-1", &["B-1"]).await[0].outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn r5_a_copy_counts_for_a_record_of_another_digest_once_a_proof_binds_both() {
    let mut log = SiteLog::new();
    let rig = with_key(&log).await;
    std::fs::write(rig.file("a.pdf"), "abc").unwrap();
    let record: Digest = "md5:900150983cd24fb0d6963f7d28e17f72".parse().unwrap();
    let list = rig.dir.path().join("list.csv");
    std::fs::write(&list, format!("id,path,digest,signed_off_at\nB-1,a.pdf,{record},2026-11-20T12:00:00Z\n")).unwrap();
    assert_eq!(import_csv(rig.documents(), &list, |_| {}).await.unwrap().imported, 1);
    let now = rig.clock.now();
    let copy = log.copy_proven("B-1", &record, b"abc", now);
    let answer = mark(&rig, std::slice::from_ref(&copy), Some(log.evidence())).await.remove(0);
    assert_eq!(answer.cause, Some(RefusalCause::BadEvidence), "{answer:?}");
    assert!(answer.reason.unwrap().contains("send the pipeline's own proof"));
    let other = log.copy_proven("B-1", &record, b"abd", now);
    let first = log.backed_up("B-1", &record, b"abc", now);
    // Both at once, and each of its own.
    let answers = mark(&rig, &[copy, first, other], Some(log.evidence())).await;
    let causes: Vec<_> = answers.iter().map(|answer| answer.cause).collect();
    assert_eq!(causes, [None, None, Some(RefusalCause::BadEvidence)], "{answers:?}");
    let later = log.copy_proven("B-1", &record, b"abc", now);
    let mut evidence = log.evidence();
    evidence.events.drain(..3);
    assert_eq!(mark(&rig, &[later], Some(evidence)).await[0].outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn r4_a_site_that_signs_two_logs_is_believed_no_more() {
    let mut log = SiteLog::new();
    let rig = with_key(&log).await;
    rig.booking("B-1", "a.pdf", b"a").await;
    let record = digest(&rig, "B-1").await;
    let marks = [
        log.backed_up("B-1", &record, b"a", rig.clock.now()),
        log.copy_proven("B-1", &record, b"a", rig.clock.now()),
    ];
    assert!(mark(&rig, &marks, Some(log.evidence())).await.iter().all(|answer| answer.outcome == AnswerOutcome::Done));
    rig.move_to_archived(&["B-1"]).await;
    let mut fork = SiteLog::new();
    fork.backed_up("B-1", &record, b"a", rig.clock.now());
    let forged = fork.copy_proven("B-1", &record, b"a", rig.clock.now());
    let answer = mark(&rig, &[forged], Some(fork.evidence())).await.remove(0);
    let why = answer.reason.unwrap();
    assert!(why.contains("two different logs of 2 events") && why.contains("key rotate"), "{why}");
    // Neither log is believed from then on.
    let later = log.copy_proven("B-1", &record, b"a", rig.clock.now());
    assert_eq!(mark(&rig, &[later], Some(log.evidence())).await[0].cause, Some(RefusalCause::BadEvidence));
    let answer = rig.purge("p-1", &["B-1"]).await.remove(0);
    assert_eq!(answer.cause, Some(RefusalCause::UncheckedEvidence), "{answer:?}");
    assert_eq!(rig.files().len(), 1);
}
