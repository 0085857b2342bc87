use strongroom_eventlog::EventLog;
use strongroom_model::{Position, Recorded};
use strongroom_proof::{Checkpoint, SignedCheckpoint, SigningKey};

use super::*;
use crate::samples;

fn key() -> SigningKey {
    SigningKey::from_seed("strongroom/demo".parse().unwrap(), [7; 32])
}

async fn signed(log: &EventLog) -> SignedCheckpoint {
    let head = log.head().await.unwrap();
    Checkpoint { site: log.site().clone(), head, summary: 0 }.signed(&key())
}

async fn pack_of(events: Vec<Recorded>, subject: &str) -> Pack {
    let (_folder, log) = samples::log_of(events).await;
    make(&log, &subject.parse().unwrap(), &signed(&log).await, &key().public()).await.unwrap()
}

/// Two bookings' lives, one after the other.
fn two_lives() -> Vec<Recorded> {
    [samples::life("B-1"), samples::life("B-2")].concat()
}

#[tokio::test]
async fn a_pack_is_verified_from_its_file_and_the_key_alone() {
    let pack = pack_of(two_lives(), "booking/B-2").await;
    for file in [pack.render(), html(&pack)] {
        let checked = check(&file, Some(&key().public())).unwrap();
        assert_eq!(checked.pack, pack);
        assert!(checked.key_was_given);
        assert_eq!(checked.checkpoint.head.size, 8);
        assert!(!check(&file, None).unwrap().key_was_given);
        let other = SigningKey::from_seed("strongroom/demo".parse().unwrap(), [8; 32]).public();
        assert!(matches!(check(&file, Some(&other)), Err(CheckError::OtherKey { .. })));
    }
    let [copy] = &pack.copies[..] else { panic!("{:?}", pack.copies) };
    assert_eq!((copy.booking.as_str(), copy.position), ("B-2", Position(6)));
    insta::assert_snapshot!(pack.sentence);
}

#[tokio::test]
async fn a_pack_changed_in_any_byte_is_refused() {
    let pack = pack_of(two_lives(), "booking/B-2").await;
    let key = key().public();
    for file in [pack.render(), html(&pack)] {
        for at in 0..file.len() {
            let mut bytes = file.as_bytes().to_vec();
            bytes[at] ^= 1;
            let Ok(changed) = String::from_utf8(bytes) else { continue };
            assert!(check(&changed, Some(&key)).is_err(), "byte {at}: {:?}", &changed[at.saturating_sub(20)..=at]);
        }
        assert!(check(&format!("{file}\n"), Some(&key)).is_err());
        assert!(check(&file[..file.len() - 1], Some(&key)).is_err());
    }
}

#[tokio::test]
async fn an_event_left_out_is_noticed() {
    let pack = pack_of(two_lives(), "booking/B-2").await;
    for left_out in 0..3 {
        let mut cut = pack.clone();
        cut.events.remove(left_out);
        let error = check(&cut.render(), None).unwrap_err();
        assert!(matches!(error, CheckError::LeftOut { .. }), "event {left_out}: {error}");
    }
}

#[tokio::test]
async fn a_pack_that_tells_another_story_than_its_events_is_refused() {
    let pack = pack_of(two_lives(), "booking/B-2").await;
    let better = Pack { sentence: format!("{} And all is well.", pack.sentence), ..pack.clone() };
    let without = Pack { copies: Vec::new(), ..pack.clone() };
    for forged in [better, without] {
        let error = check(&forged.render(), Some(&key().public())).unwrap_err();
        assert!(matches!(error, CheckError::Words), "{error}");
    }
}

#[tokio::test]
async fn a_log_that_was_rewritten_has_no_evidence() {
    let (_folder, log) = samples::log_of(two_lives()).await;
    let (_other, rewritten) = samples::log_of([samples::life("B-1"), samples::life("B-3")].concat()).await;
    let error = make(&rewritten, &"booking/B-1".parse().unwrap(), &signed(&log).await, &key().public()).await;
    assert!(matches!(error, Err(MakeError::OtherLog)), "{error:?}");
    let nothing = make(&log, &"booking/B-9".parse().unwrap(), &signed(&log).await, &key().public()).await;
    assert!(matches!(nothing, Err(MakeError::Nothing { .. })), "{nothing:?}");
}

#[tokio::test]
async fn a_drive_a_month_and_a_file_are_proven_by_the_bookings_that_they_hold() {
    let (_folder, log) = samples::log_of(two_lives()).await;
    let proof = pack_of(two_lives(), "booking/B-1").await.copies.remove(0);
    let subjects = [Subject::Drive(proof.drive), "month/2026-11".parse().unwrap(), Subject::File(proof.sha256)];
    let mut sentences = Vec::new();
    for subject in subjects {
        let pack = make(&log, &subject, &signed(&log).await, &key().public()).await.unwrap();
        let checked = check(&pack.render(), Some(&key().public())).unwrap();
        assert_eq!((checked.pack.copies.len(), checked.pack.events.len()), (2, 8), "{subject}");
        sentences.push(pack.sentence);
    }
    insta::assert_debug_snapshot!(sentences);
}

#[tokio::test]
async fn a_pack_without_events_of_its_subject_or_with_others_is_refused() {
    let pack = pack_of(two_lives(), "booking/B-2").await;
    let month = pack_of(two_lives(), "month/2026-11").await;
    let empty = Pack { events: Vec::new(), copies: Vec::new(), story: Vec::new(), ..pack.clone() };
    assert!(matches!(check(&empty.render(), None), Err(CheckError::Empty(_))));
    let others = Pack { subject: pack.subject.clone(), ..month };
    assert!(matches!(check(&others.render(), None), Err(CheckError::Foreign { .. })));
    let mut repeated = pack.clone();
    repeated.events.push(pack.events[0].clone());
    assert!(matches!(check(&repeated.render(), None), Err(CheckError::Misplaced { .. })));
}

/// Whoever holds a pack can cut its end off, and tell the words that follow: they must not say more than the events.
#[tokio::test]
async fn a_pack_whose_newest_events_were_cut_off_claims_nothing_about_them() {
    let pack = pack_of(two_lives(), "booking/B-2").await;
    let mut cut = pack.clone();
    cut.events.pop();
    cut.story.pop();
    let events: Vec<Recorded> = cut.events.iter().map(|one| Recorded::parse(&one.event).unwrap()).collect();
    cut.sentence = claims::Claims::of(&cut.subject, &events).sentence;
    assert!(check(&cut.render(), Some(&key().public())).is_ok());
    assert!(cut.sentence.starts_with("By the 3 enclosed events, the last at position 6"), "{}", cut.sentence);
    assert!(cut.sentence.ends_with("do not say what became of the server's own file."), "{}", cut.sentence);
}

#[tokio::test]
async fn a_signature_by_anybody_else_is_refused() {
    let pack = pack_of(two_lives(), "booking/B-2").await;
    let stray = format!("{}\u{2014} supreme-court.example AAAAAAAA\n", pack.checkpoint);
    let stray = Pack { checkpoint: stray, ..pack };
    assert!(matches!(check(&stray.render(), None), Err(CheckError::StraySignature)));
}

#[tokio::test]
async fn r9_a_hostile_name_changes_neither_page_nor_pack() {
    let mut life = samples::life("B-1");
    let strongroom_model::Event::TimesheetBackedUp(data) = &mut life[2].event else { panic!("it is the proof") };
    data.path = "a”: it was purged, and “</script><script>alert(1)</script>\u{1b}[2J".to_owned();
    let pack = pack_of(life, "booking/B-1").await;
    let page = html(&pack);
    assert_eq!(page.matches("<script").count(), 1, "only the one that holds the pack");
    assert!(!page.contains('\u{1b}'));
    assert!(!pack.sentence.contains("a”: it was purged"), "{}", pack.sentence);
    assert_eq!(check(&page, Some(&key().public())).unwrap().pack, pack);
}
