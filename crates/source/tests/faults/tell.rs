//! Marks and moves.

use strongroom_model::event::{AlarmKind, ReadBack};
use strongroom_model::wire::{AnswerOutcome, Mark};
use strongroom_model::{BookingId, DriveId, EventId};

use strongroom_source::testing::{Reply, ScriptedServer};

fn booking(id: &str) -> BookingId {
    id.parse().unwrap()
}

fn mark(id: &str) -> Mark {
    Mark {
        id: id.to_owned(),
        digest: "md5:900150983cd24fb0d6963f7d28e17f72".to_owned(),
        drive: DriveId::random(),
        path: "site/2026-11/data/B-1/t.pdf".to_owned(),
        read_back: ReadBack::Direct,
        proven_at: jiff::Timestamp::UNIX_EPOCH,
        event: EventId::new(jiff::Timestamp::UNIX_EPOCH),
    }
}

fn ids() -> [BookingId; 2] {
    [booking("B-1"), booking("B-2")]
}

#[tokio::test]
async fn each_booking_gets_its_own_answer() {
    let server = ScriptedServer::new(|_| {
        Reply::json(
            r#"{"answers":[{"id":"B-1","outcome":"done"},{"id":"B-2","outcome":"refused","reason":"no\nfile"}]}"#,
        )
    });
    let answers = server.source().mark(&[mark("B-1"), mark("B-2")]).await.unwrap();
    assert_eq!(answers[0].outcome, AnswerOutcome::Done);
    assert_eq!(answers[1].outcome, AnswerOutcome::Refused);
    assert_eq!(answers[1].reason.as_deref(), Some("no\\nfile"), "on one line");
    assert!(server.requests()[0].starts_with("post /v1/marks"));
}

#[tokio::test]
async fn answers_that_do_not_match_the_question_are_not_believed() {
    for body in [
        r#"{"answers":[]}"#,
        r#"{"answers":[{"id":"B-1","outcome":"done"}]}"#,
        r#"{"answers":[{"id":"B-2","outcome":"done"},{"id":"B-1","outcome":"done"}]}"#,
        r#"{"answers":[{"id":"B-1","outcome":"done"},{"id":"B-1","outcome":"done"}]}"#,
        r#"{"answers":[{"id":"B-1","outcome":"perhaps"},{"id":"B-2","outcome":"perhaps"}]}"#,
        r#"{"answers":[{"id":"B-1","outcome":"done"},{"id":"B-2","outcome":"done"},{"id":"B-3","outcome":"done"}]}"#,
        r#"{"answers":[{"id":"B-1","outcome":"done"},{"id":"B-2","outcome":"done"}],"answers":[]}"#,
    ] {
        let server = ScriptedServer::new(move |_| Reply::json(body));
        let error = server.source().move_to_archive(&ids()).await.unwrap_err();
        assert_eq!(error.obstacle().unwrap().kind, AlarmKind::ServerConfused, "{body}");
        assert!(error.to_string().contains("POST") && error.to_string().contains("/v1/moves"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_cannot_be_read_is_its_own_bookings_refusal() {
    for second in [
        &br#"{"id":"B-2","outcome":"perhaps"}"#[..],
        br#"{"id":"B-2","outcome":"done","month":"2026-13"}"#,
        br#"{"id":"B-2","outcome":"refused","reason":"\ud83d"}"#,
        b"{\"id\":\"B-2\",\"outcome\":\"refused\",\"reason\":\"M\xe4rz\"}",
    ] {
        let body = [&br#"{"answers":[{"id":"B-1","outcome":"done"},"#[..], second, b"]}"].concat();
        let server =
            ScriptedServer::new(move |_| Reply::proper("200 OK\nContent-Type: application/json", body.clone()));
        let answers = server.source().mark(&[mark("B-1"), mark("B-2")]).await.unwrap();
        assert_eq!(answers[0].outcome, AnswerOutcome::Done);
        assert_eq!(answers[1].outcome, AnswerOutcome::Refused);
        assert!(answers[1].reason.as_ref().unwrap().contains("cannot be read"), "{answers:?}");
    }
}

#[tokio::test]
async fn more_than_one_request_may_hold_is_told_in_several() {
    let server = ScriptedServer::new(|_| Reply::json(r#"{"answers":[]}"#));
    let many: Vec<BookingId> = (0..1001).map(|n| booking(&format!("B-{n}"))).collect();
    // The first answer is wrong on purpose; what matters is how much was asked at once.
    server.source().move_to_archive(&many).await.unwrap_err();
    let head = &server.requests()[0];
    let length: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok()).unwrap();
    assert!(length < many.iter().map(|id| id.as_str().len() + 3).sum::<usize>() + 8, "{length}");
}

#[tokio::test]
async fn a_post_is_never_turned_into_a_get_by_a_redirect() {
    let server = ScriptedServer::new(|_| Reply::proper("302 Found\nLocation: /v1/elsewhere", ""));
    let error = server.source().move_to_archive(&ids()).await.unwrap_err();
    assert_eq!(error.obstacle().unwrap().kind, AlarmKind::ServerConfused);
    assert_eq!(server.requests().len(), 1);
}
