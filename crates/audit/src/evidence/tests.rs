use strongroom_eventlog::EventLog;
use strongroom_model::event::{
    CopyDamaged, CopyProven, DriveHandedOver, DriveInitialised, DriveLost, DriveReturned, Found, PurgeApproved,
    PurgeFinished, PurgeProposed, PurgeRequested, PurgeTally, Purged, ReadBack, WitnessAdded,
};
use strongroom_model::{Algorithm, ByteCount, Event, EventId, Hasher, Position, Recorded, StreamName};
use strongroom_proof::{Checkpoint, CosigningKey, PublicKey, SignedCheckpoint, SigningKey};

use super::*;
use crate::samples;

/// As most who check a pack: without a witness's key.
fn check(file: &str, key: Option<&PublicKey>) -> Result<Checked, CheckError> {
    super::check(file, key, &[])
}

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

fn second_drive() -> DriveId {
    "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8ad2".parse().unwrap()
}

fn drive_event(drive: DriveId, version: u64, event: Event) -> Recorded {
    samples::recorded(StreamName::drive(drive), version, event)
}

/// A copy of the booking's file on the second drive.
fn copied(id: &str) -> CopyProven {
    let Event::TimesheetBackedUp(first) = samples::backed_up(id).event else { panic!("it is the proof") };
    CopyProven {
        booking: id.parse().unwrap(),
        drive: second_drive(),
        from: Some(samples::drive()),
        path: first.path,
        quarantined: None,
        read_back: ReadBack::Direct,
        request: "0197c1f0-7c1e-7d3a-9b7e-2f1f0c5d8ac1".parse().unwrap(),
        sha256: first.sha256,
        size_bytes: first.size_bytes,
    }
}

fn in_copys_stream(version: u64, event: Event) -> Recorded {
    let of = match &event {
        Event::CopyMade(data) | Event::CopyProven(data) | Event::CopyRepaired(data) => {
            StreamName::copy(data.drive, &data.booking, &data.sha256)
        }
        Event::CopyDamaged(data) => StreamName::copy(data.drive, &data.booking, &data.sha256),
        other => panic!("{other:?}"),
    };
    samples::recorded(of, version, event)
}

fn damaged(id: &str) -> CopyDamaged {
    let CopyProven { booking, drive, path, request, sha256, size_bytes, .. } = copied(id);
    CopyDamaged { booking, drive, found: Found::Missing, path, request, sha256, size_bytes }
}

/// Two bookings' lives, each with a copy on a second drive, which somebody else has.
fn two_lives_on_two_drives() -> Vec<Recorded> {
    let handed_over = DriveHandedOver {
        to: "M. Okafor".to_owned(),
        place: "the client's safe".to_owned(),
        files: 2,
        bytes: ByteCount(29_082),
        receipt_sha256: "9b74c9897bac770ffc029102a200c5de".to_owned(),
    };
    let drives = [
        drive_event(samples::drive(), 0, Event::DriveInitialised(DriveInitialised { label: "blue 1".to_owned() })),
        drive_event(second_drive(), 0, Event::DriveInitialised(DriveInitialised { label: "red 2".to_owned() })),
    ];
    let copies = ["B-1", "B-2"].map(|id| in_copys_stream(0, Event::CopyMade(copied(id))));
    let moved = drive_event(second_drive(), 1, Event::DriveHandedOver(handed_over));
    drives.into_iter().chain(two_lives()).chain(copies).chain([moved]).collect()
}

/// A purge as the log tells it, with the events that each deletion names.
async fn purged(log: &EventLog, ids: &[&str], named: impl Fn(&[Recorded], &str) -> Vec<EventId>) {
    let stream = StreamName::purge(&"2026-Q4".parse().unwrap());
    let mut hasher = Hasher::new(Algorithm::Sha256);
    ids.iter().for_each(|id| hasher.update(format!("{id}\n").as_bytes()));
    let purge = [
        Event::PurgeProposed(PurgeProposed {
            bookings: ids.len() as u64,
            ids_sha256: hasher.finish().hex(),
            proposed_by: "Ada".to_owned(),
            size_bytes: ByteCount(29_082),
        }),
        Event::PurgeApproved(PurgeApproved {
            approved_by: "Grace".to_owned(),
            approved_at: "2026-11-20T23:00:00Z".parse().unwrap(),
        }),
        Event::PurgeRequested(PurgeRequested { drives_needed: 2 }),
    ];
    for (version, event) in (0..).zip(purge) {
        samples::append(log, samples::recorded(stream.clone(), version, event)).await;
    }
    let stored = log.read(Position(0), 100).await.unwrap();
    let events: Vec<Recorded> = stored.iter().map(|one| one.decode().unwrap()).collect();
    for id in ids {
        let (proofs, drives) = (named(&events, id), vec![samples::drive(), second_drive()]);
        let data = Purged { approved_by: Some("Grace".to_owned()), drives, proofs, purge: "2026-Q4".to_owned() };
        let booking = StreamName::booking(&id.parse().unwrap());
        samples::append(log, samples::recorded(booking, 4, Event::TimesheetPurged(data))).await;
    }
    let tally = PurgeTally { purged: 2, size_bytes: ByteCount(29_082), ..PurgeTally::default() };
    samples::append(log, samples::recorded(stream, 3, Event::PurgeFinished(PurgeFinished { tally }))).await;
}

/// The proofs of that booking's copies.
fn proofs(events: &[Recorded], id: &str) -> Vec<EventId> {
    let is_proof = |recorded: &&Recorded| match &recorded.event {
        Event::TimesheetBackedUp(_) => recorded.stream.id() == id,
        Event::CopyMade(data) => data.booking.as_str() == id,
        _ => false,
    };
    events.iter().filter(is_proof).map(|recorded| recorded.id).collect()
}

async fn pack_of_a_purge(named: impl Fn(&[Recorded], &str) -> Vec<EventId>) -> Pack {
    let (_folder, log) = samples::log_of(two_lives_on_two_drives()).await;
    purged(&log, &["B-1", "B-2"], named).await;
    let pack = make(&log, &"purge/2026-Q4".parse().unwrap(), &signed(&log).await, &key().public()).await.unwrap();
    for file in [pack.render(), html(&pack)] {
        assert_eq!(check(&file, Some(&key().public())).unwrap().pack, pack);
    }
    pack
}

#[tokio::test]
async fn every_copy_on_every_drive_is_in_the_evidence_and_where_the_drive_is() {
    for (subject, copies) in [("booking/B-2", 2), ("month/2026-11", 4)] {
        let pack = pack_of(two_lives_on_two_drives(), subject).await;
        assert_eq!(check(&pack.render(), Some(&key().public())).unwrap().pack.copies.len(), copies, "{subject}");
    }
    let pack = pack_of(two_lives_on_two_drives(), "booking/B-2").await;
    let [first, second] = &pack.copies[..] else { panic!("{:?}", pack.copies) };
    assert_eq!((first.proven_by, first.label.as_deref(), &first.place), (ProvenBy::BackedUp, Some("blue 1"), &None));
    assert_eq!((second.proven_by, second.from, &second.fault), (ProvenBy::Copied, Some(first.drive), &None));
    assert_eq!(second.place.as_deref(), Some("with M. Okafor, at the client's safe"));
    insta::assert_snapshot!(pack.sentence);
    let of_a_drive = pack_of(two_lives_on_two_drives(), &format!("drive/{}", second_drive())).await;
    assert!(of_a_drive.copies.iter().all(|copy| copy.drive == second_drive()));
    assert_eq!(of_a_drive.copies.len(), 2, "the other drive's copies are no evidence about this one");
}

#[tokio::test]
async fn a_copy_that_was_damaged_or_whose_drive_is_lost_is_said_to_be_bad() {
    let mut events = two_lives_on_two_drives();
    events.push(in_copys_stream(1, Event::CopyDamaged(damaged("B-2"))));
    let pack = pack_of(events.clone(), "booking/B-2").await;
    assert!(check(&html(&pack), None).is_ok());
    let fault = pack.copies[1].fault.as_ref().unwrap();
    assert_eq!((fault.reason.as_str(), fault.position), ("it is missing", Position(13)));
    assert!(pack.sentence.contains("B-2 has a proven copy"), "{}", pack.sentence);
    assert!(
        pack.sentence.contains(&format!("The copy on drive {} is not good any more: it is missing", second_drive()))
    );

    // Without the finding it would be a good one: the next event of its stream shows that one is missing.
    events.push(in_copys_stream(2, Event::CopyRepaired(copied("B-2"))));
    let repaired = pack_of(events.clone(), "booking/B-2").await;
    assert_eq!((repaired.copies[1].proven_by, &repaired.copies[1].fault), (ProvenBy::Repaired, &None));
    let mut cut = repaired.clone();
    cut.events.retain(|one| !one.event.contains("copy.damaged"));
    assert!(matches!(check(&cut.render(), None), Err(CheckError::LeftOut { .. })));

    let returned = DriveReturned { from: None, place: "shelf 2".to_owned() };
    let lost = DriveLost { reason: "it fell into the harbour.".to_owned() };
    events.push(drive_event(samples::drive(), 1, Event::DriveLost(lost.clone())));
    events.push(drive_event(second_drive(), 2, Event::DriveLost(lost)));
    let pack = pack_of(events, "booking/B-2").await;
    assert!(check(&pack.render(), None).is_ok());
    assert!(pack.copies.iter().all(|copy| copy.fault.as_ref().unwrap().reason.contains("fell into the harbour")));
    insta::assert_snapshot!(pack.sentence);

    // One that came back is worth nothing until its copy is read again.
    let mut events = two_lives_on_two_drives();
    events.push(drive_event(second_drive(), 2, Event::DriveLost(DriveLost { reason: "mislaid.".to_owned() })));
    events.push(drive_event(second_drive(), 3, Event::DriveReturned(returned)));
    let back = pack_of(events.clone(), "booking/B-2").await;
    assert!(back.copies[1].fault.as_ref().unwrap().reason.contains("not read since"), "{:?}", back.copies);
    events.push(in_copys_stream(1, Event::CopyProven(copied("B-2"))));
    assert_eq!(pack_of(events, "booking/B-2").await.copies[1].fault, None);
}

#[tokio::test]
async fn another_bookings_copy_is_no_part_of_the_evidence() {
    let (_folder, log) = samples::log_of(two_lives_on_two_drives()).await;
    let [month, pack] = ["month/2026-11", "booking/B-2"].map(|subject| subject.parse().unwrap());
    let month = make(&log, &month, &signed(&log).await, &key().public()).await.unwrap();
    let pack = make(&log, &pack, &signed(&log).await, &key().public()).await.unwrap();
    let other = month.events.into_iter().find(|one| one.event.contains("copy.made") && one.event.contains("B-1"));
    let mut mixed = pack;
    mixed.events.push(other.unwrap());
    mixed.events.sort_by_key(|one| Recorded::parse(&one.event).unwrap().position);
    assert!(matches!(check(&mixed.render(), None), Err(CheckError::Foreign { .. })));
}

#[tokio::test]
async fn evidence_of_a_purge_says_who_agreed_and_what_each_deletion_rested_on() {
    let pack = pack_of_a_purge(proofs).await;
    let purge = pack.purge.as_ref().unwrap();
    assert_eq!(purge.proposed.as_ref().unwrap().by, "Ada");
    assert_eq!(purge.approved.as_ref().unwrap().by, "Grace");
    assert!(purge.is_whole);
    for file in &purge.purged {
        assert!(file.is_enough && file.missing.is_empty(), "{file:?}");
        assert_eq!(file.proofs.iter().map(|proof| proof.drive).collect::<Vec<_>>(), [samples::drive(), second_drive()]);
    }
    insta::assert_snapshot!(pack.sentence);
}

#[tokio::test]
async fn r5_a_deletion_that_names_other_events_than_proofs_of_its_own_copies_is_said_to_be_weak() {
    let pack = pack_of_a_purge(|events, _| proofs(events, "B-1")).await;
    let purge = pack.purge.as_ref().unwrap();
    let [first, second] = &purge.purged[..] else { panic!("{purge:?}") };
    assert!(first.is_enough);
    assert!(!second.is_enough && second.proofs.is_empty() && second.missing.len() == 2, "{second:?}");
    assert!(pack.sentence.contains("1 of these deletions do NOT name"), "{}", pack.sentence);
    let one_drive = pack_of_a_purge(|events, id| proofs(events, id)[..1].to_vec()).await;
    assert!(one_drive.purge.unwrap().purged.iter().all(|file| !file.is_enough));
}

#[tokio::test]
async fn a_pack_changed_in_any_byte_is_refused() {
    let pack = pack_of(two_lives(), "booking/B-2").await;
    for file in [pack.render(), html(&pack)] {
        is_refused_changed_in_any_byte_of(&file, 0..file.len());
    }
}

#[tokio::test]
async fn a_purges_pack_changed_in_any_byte_is_refused() {
    let label = DriveInitialised { label: "red 2".to_owned() };
    let mut events = samples::life("B-1");
    events.push(drive_event(second_drive(), 0, Event::DriveInitialised(label)));
    events.push(in_copys_stream(0, Event::CopyMade(copied("B-1"))));
    let (_folder, log) = samples::log_of(events).await;
    purged(&log, &["B-1"], proofs).await;
    let pack = make(&log, &"purge/2026-Q4".parse().unwrap(), &signed(&log).await, &key().public()).await.unwrap();
    assert!(pack.purge.as_ref().unwrap().is_whole && pack.copies.len() == 2);
    let (json, page) = (pack.render(), html(&pack));
    is_refused_changed_in_any_byte_of(&json, 0..json.len());
    // The rest of the page is that JSON again, which is read in the same way.
    is_refused_changed_in_any_byte_of(&page, 0..page.find("<script").unwrap() + 40);
}

fn is_refused_changed_in_any_byte_of(file: &str, bytes: std::ops::Range<usize>) {
    let key = key().public();
    assert!(check(file, Some(&key)).is_ok());
    for at in bytes {
        let mut changed = file.as_bytes().to_vec();
        changed[at] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else { continue };
        assert!(check(&changed, Some(&key)).is_err(), "byte {at}: {:?}", &changed[at.saturating_sub(20)..=at]);
    }
    assert!(check(&format!("{file}\n"), Some(&key)).is_err());
    assert!(check(&file[..file.len() - 1], Some(&key)).is_err());
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

fn witness() -> CosigningKey {
    CosigningKey::from_seed("quay.example/witness".parse().unwrap(), [9; 32])
}

/// A pack whose checkpoint a witness of the log cosigned, and a stranger signed.
async fn cosigned_pack() -> Pack {
    let added = WitnessAdded { key: witness().public().to_string(), url: "https://quay.example".to_owned() };
    let mut events = samples::life("B-1");
    events.push(samples::recorded(StreamName::log_key(), 0, Event::WitnessAdded(added)));
    let (_folder, log) = samples::log_of(events).await;
    let signed = signed(&log).await;
    let text = signed.note().text.clone();
    let stranger = CosigningKey::from_seed("supreme-court.example".parse().unwrap(), [3; 32]);
    let signed = signed.with(stranger.cosign(&text, 1)).with(witness().cosign(&text, 1_700_000_000));
    make(&log, &"booking/B-1".parse().unwrap(), &signed, &key().public()).await.unwrap()
}

#[tokio::test]
async fn a_witnesss_cosignature_is_a_part_of_the_evidence() {
    let pack = cosigned_pack().await;
    assert!(!pack.checkpoint.contains("supreme-court"), "{}", pack.checkpoint);
    for file in [pack.render(), html(&pack)] {
        let of = |witnesses: &[CosigningKey]| {
            let witnesses: Vec<_> = witnesses.iter().map(CosigningKey::public).collect();
            super::check(&file, Some(&key().public()), &witnesses)
        };
        let checked = of(&[witness()]).unwrap();
        let cosigned = Cosigned { witness: witness().public(), at_s: 1_700_000_000, key_was_given: true };
        assert_eq!(checked.cosigned, std::slice::from_ref(&cosigned));
        assert_eq!(of(&[]).unwrap().cosigned, [Cosigned { key_was_given: false, ..cosigned }]);
        let other = CosigningKey::from_seed("quay.example/witness".parse().unwrap(), [8; 32]);
        assert!(matches!(of(&[other]), Err(CheckError::Cosignature(_))));
    }
    assert!(html(&pack).contains("quay.example/witness at 2023-11-14 22:13:20 UTC"));
    is_refused_changed_in_any_byte_of(&pack.render(), 0..pack.render().len());
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
