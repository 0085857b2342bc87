//! Marks and moves, many at once.

use reqwest::StatusCode;
use serde_json::json;
use strongroom_model::wire::{AnswerOutcome, ServerState};
use strongroom_model::{Algorithm, Digest};

use super::rig::{Rig, problem};

use AnswerOutcome::{Already, Done, Refused};

async fn filled(count: usize) -> (Rig, Vec<String>) {
    let rig = Rig::start().await;
    let ids: Vec<_> = (0..count).map(|n| format!("B-{n}")).collect();
    for id in &ids {
        rig.booking(id, "timesheet.pdf", id.as_bytes()).await;
    }
    (rig, ids)
}

#[tokio::test]
async fn a_hundred_are_marked_and_moved_by_one_request_each_and_a_duplicate_changes_nothing() {
    let (rig, ids) = filled(100).await;
    let mut marks = Vec::new();
    for id in &ids {
        marks.push(rig.proof(id).await);
    }
    let began = std::time::Instant::now();
    assert!(rig.mark(&marks).await.iter().all(|answer| answer.outcome == Done));
    let named: Vec<&str> = ids.iter().map(String::as_str).collect();
    let moved = rig.move_to_archived(&named).await;
    eprintln!("100 were marked and moved in {:?}", began.elapsed());
    assert!(moved.iter().all(|answer| answer.outcome == Done), "{moved:?}");
    assert!(moved.iter().map(|answer| answer.id.as_str()).eq(named.iter().copied()));

    let before = rig.files();
    assert_eq!(before.len(), 100);
    assert!(rig.mark(&marks).await.iter().all(|answer| answer.outcome == Already));
    let again = rig.move_to_archived(&named).await;
    for (first, second) in moved.iter().zip(&again) {
        assert_eq!((second.outcome, &second.path, second.month), (Already, &first.path, first.month));
    }
    assert_eq!(rig.files(), before);
    assert_eq!(rig.info("B-7").await.proofs, [marks[7].clone()]);
}

#[tokio::test]
async fn r5_only_marked_bookings_are_moved() {
    let (rig, _) = filled(1).await;
    rig.post("/v1/bookings", &json!({"id": "C-1"})).await;
    rig.put("C-1", "c.pdf", "c").await;
    let answers = rig.move_to_archived(&["B-0", "C-1", "D-1", "../x"]).await;
    let whys: Vec<_> = answers.iter().map(|answer| answer.reason.as_deref().unwrap()).collect();
    assert!(answers.iter().all(|answer| answer.outcome == Refused), "{answers:?}");
    for (why, part) in whys.iter().zip(["mark it first", "not signed off", "no such booking", "is not a booking id"]) {
        assert!(why.contains(part), "{why}");
    }
    assert_eq!(rig.files(), ["uploads/B-0/timesheet.pdf", "uploads/C-1/c.pdf"]);
}

#[tokio::test]
async fn r1_a_mark_must_prove_what_the_server_holds() {
    let (rig, _) = filled(1).await;
    let mut wrong = rig.proof("B-0").await;
    wrong.digest = Digest::of(Algorithm::Sha256, b"something else").to_string();
    let answers = rig.mark(&[wrong]).await;
    assert_eq!(answers[0].outcome, Refused);
    assert!(answers[0].reason.as_deref().unwrap().contains("is not the recorded sha256:"));
    let info = rig.info("B-0").await;
    assert_eq!((info.state, info.proofs.len()), (ServerState::SignedOff, 0));
}

#[tokio::test]
async fn proofs_are_kept_for_each_drive() {
    let (rig, _) = filled(1).await;
    let first = rig.proof("B-0").await;
    let second = rig.proof("B-0").await;
    let answers = rig.mark(&[first.clone(), second.clone(), first.clone()]).await;
    let outcomes: Vec<_> = answers.iter().map(|answer| answer.outcome).collect();
    assert_eq!(outcomes, [Done, Done, Already]);
    assert_eq!(rig.info("B-0").await.proofs.len(), 2);

    rig.clock.advance(std::time::Duration::from_secs(3600));
    let mut anew = rig.proof("B-0").await;
    anew.drive = first.drive;
    anew.event = strongroom_model::EventId::new(rig.clock.now());
    assert_eq!(rig.mark(&[anew.clone()]).await[0].outcome, Done);
    assert_eq!(rig.mark(&[first]).await[0].outcome, Already);
    let proofs = rig.info("B-0").await.proofs;
    assert!(proofs.contains(&anew) && proofs.contains(&second) && proofs.len() == 2, "{proofs:?}");
}

#[tokio::test]
async fn a_move_keeps_the_path_and_takes_no_ones_place() {
    let (rig, _) = filled(3).await;
    std::fs::create_dir_all(rig.file("archived/2026-11/uploads/B-0")).unwrap();
    std::fs::write(rig.file("archived/2026-11/uploads/B-0/timesheet.pdf"), "another's").unwrap();
    std::fs::create_dir_all(rig.file("archived/2026-11/uploads")).unwrap();
    std::fs::write(rig.file("archived/2026-11/uploads/B-1"), "a file where a folder is to be").unwrap();
    for id in ["B-0", "B-1", "B-2"] {
        rig.mark_one(id).await;
    }
    let moved = rig.move_to_archived(&["B-0", "B-1", "B-2", "B-2"]).await;
    let paths: Vec<_> = moved.iter().map(|answer| answer.path.as_deref().unwrap()).collect();
    assert_eq!(
        paths,
        [
            "archived/2026-11/uploads/B-0/timesheet (2).pdf",
            "archived/2026-11/uploads/B-1 (2)/timesheet.pdf",
            "archived/2026-11/uploads/B-2/timesheet.pdf",
            "archived/2026-11/uploads/B-2/timesheet.pdf",
        ]
    );
    assert_eq!((moved[2].outcome, moved[3].outcome), (Done, Already));
    assert_eq!(std::fs::read(rig.file("archived/2026-11/uploads/B-0/timesheet.pdf")).unwrap(), b"another's");
    assert_eq!(rig.get("/v1/bookings/B-0/timesheet").await.bytes().await.unwrap(), "B-0");
}

#[tokio::test]
async fn the_month_is_the_servers_own() {
    // 23:30 in UTC on the last day of a month.
    for (zone, month) in [("UTC", "2026-11"), ("Europe/Berlin", "2026-12"), ("America/New_York", "2026-11")] {
        let rig = Rig::with(|settings| settings.zone = jiff::tz::TimeZone::get(zone).unwrap()).await;
        rig.clock.set("2026-11-30T23:30:00Z".parse().unwrap());
        rig.booking("B-1", "a.pdf", b"a").await;
        rig.mark_one("B-1").await;
        let moved = rig.move_to_archived(&["B-1"]).await.remove(0);
        assert_eq!(moved.month.unwrap().to_string(), month, "{zone}");
        assert_eq!(moved.path.unwrap(), format!("archived/{month}/uploads/B-1/a.pdf"));
    }
}

#[tokio::test]
async fn a_vanished_file_is_reported_and_the_others_are_moved() {
    let (rig, _) = filled(2).await;
    for id in ["B-0", "B-1"] {
        rig.mark_one(id).await;
    }
    std::fs::remove_file(rig.file("uploads/B-0/timesheet.pdf")).unwrap();
    let answers = rig.move_to_archived(&["B-0", "B-1"]).await;
    assert_eq!((answers[0].outcome, answers[1].outcome), (Refused, Done));
    let why = answers[0].reason.as_deref().unwrap();
    assert!(why.contains("uploads/B-0/timesheet.pdf is gone from the server"), "{why}");
    // Uploaded again, it can be moved.
    assert_eq!(rig.put("B-0", "timesheet.pdf", "B-0").await.status(), StatusCode::CREATED);
    assert_eq!(rig.move_to_archived(&["B-0"]).await[0].outcome, Done);
}

#[tokio::test]
async fn the_same_request_twice_at_the_same_time_moves_once() {
    let (rig, ids) = filled(20).await;
    for id in &ids {
        rig.mark_one(id).await;
    }
    let named: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (one, two) = tokio::join!(rig.move_to_archived(&named), rig.move_to_archived(&named));
    for (one, two) in one.iter().zip(&two) {
        assert_eq!(one.path, two.path);
        assert!([one.outcome, two.outcome].contains(&Done) && [one.outcome, two.outcome].contains(&Already));
    }
    assert_eq!(rig.files().len(), 20);
}

#[tokio::test]
async fn more_than_a_thousand_are_refused_at_once() {
    let rig = Rig::start().await;
    let ids: Vec<_> = (0..1001).map(|n| n.to_string()).collect();
    let detail = problem(rig.post("/v1/moves", &json!({"ids": ids})).await, StatusCode::BAD_REQUEST, "too-many").await;
    assert!(detail.contains("1000 is the most"), "{detail}");
    assert!(rig.move_to_archived(&[]).await.is_empty());
}
