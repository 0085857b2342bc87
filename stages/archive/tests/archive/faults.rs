//! A scripted server.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use strongroom_archive::Archive;
use strongroom_bus::Stage as _;
use strongroom_model::FailureKind;
use strongroom_model::booking::Phase;
use strongroom_model::event::AlarmKind;
use strongroom_source::testing::{ReceivedRequest, Reply, ScriptedServer};
use strongroom_stage_rig::StageRig;

/// Does what it is asked, and remembers it: twice is once.
#[derive(Clone, Default)]
struct Good {
    done: Arc<Mutex<HashSet<String>>>,
}

impl Good {
    fn answer(&self, request: &ReceivedRequest) -> Reply {
        if request.target.starts_with("/v1/bookings/waiting") {
            return Reply::json(r#"{"bookings":[],"waiting":0}"#);
        }
        let answers: Vec<Value> = request.named().iter().map(|id| self.one(request, id)).collect();
        Reply::json(&json!({"answers": answers}).to_string())
    }

    fn one(&self, request: &ReceivedRequest, id: &str) -> Value {
        let new = self.done.lock().unwrap().insert(format!("{} {id}", request.target));
        let outcome = if new { "done" } else { "already" };
        if request.target == "/v1/moves" {
            return json!({"id": id, "outcome": outcome, "month": "2026-11", "path": format!("archived/2026-11/{id}.pdf")});
        }
        json!({"id": id, "outcome": outcome})
    }
}

/// The good server, except for the answers that `wrong` gives.
fn but(wrong: impl Fn(&ReceivedRequest) -> Option<Reply> + Send + Sync + 'static) -> ScriptedServer {
    let good = Good::default();
    ScriptedServer::new(move |request| wrong(request).unwrap_or_else(|| good.answer(request)))
}

async fn bookings(rig: &StageRig, count: usize) -> Vec<strongroom_bus::Task<strongroom_model::booking::Booking>> {
    let mut tasks = Vec::new();
    for n in 0..count {
        tasks.push(rig.backed_up(&format!("B-{n}"), b"abc").await);
    }
    tasks
}

#[tokio::test]
async fn many_bookings_are_marked_and_moved_with_two_requests() {
    let rig = StageRig::new().await;
    let server = but(|_| None);
    let tasks = bookings(&rig, 50).await;
    let proof = tasks[0].trigger.clone();
    rig.settled(&Archive::new(server.source(), 200), tasks).await;
    for n in 0..50 {
        let archived = rig.state(&format!("B-{n}")).await.archived.unwrap();
        assert_eq!(archived.path, format!("archived/2026-11/B-{n}.pdf"));
    }
    let heard = server.requests();
    assert_eq!(heard.iter().map(|one| one.target.as_str()).collect::<Vec<_>>(), ["/v1/marks", "/v1/moves"]);
    let mark = &serde_json::from_slice::<Value>(&heard[0].body).unwrap()["marks"][0];
    assert_eq!(mark["event"], json!(proof.id.to_string()));
    assert_eq!(mark["proven_at"], json!(proof.time.to_string()));
    assert_eq!((&mark["id"], &mark["read_back"]), (&json!("B-0"), &json!("direct")));
    assert!(mark["digest"].as_str().unwrap().starts_with("sha256:"));
}

#[tokio::test]
async fn r3_a_stop_before_the_append_is_repeated_harmlessly() {
    let rig = StageRig::new().await;
    let server = but(|_| None);
    let tasks = bookings(&rig, 2).await;
    // What a process leaves that is killed after the moves: the server has them, the log does not.
    let ids: Vec<_> = tasks.iter().map(|task| task.stream.as_booking().unwrap()).collect();
    let [first, second] = [&tasks[0], &tasks[1]].map(|task| {
        let proof = task.state.backed_up.clone().unwrap();
        strongroom_model::wire::Mark {
            id: task.stream.id().to_owned(),
            digest: proof.digest.to_string(),
            drive: proof.drive,
            path: proof.path,
            read_back: proof.read_back,
            proven_at: task.trigger.time,
            event: task.trigger.id,
        }
    });
    server.source().mark(&[first, second]).await.unwrap();
    server.source().move_to_archive(&ids).await.unwrap();

    rig.handle(&Archive::new(server.source(), 200), tasks).await;
    for n in 0..2 {
        let archived = rig.state(&format!("B-{n}")).await.archived.unwrap();
        assert_eq!(archived.path, format!("archived/2026-11/B-{n}.pdf"));
    }
    let heard = server.requests();
    assert_eq!(heard[0].body, heard[2].body, "the same proofs with the same events");
}

#[tokio::test]
async fn a_retry_tells_the_proofs_event_and_not_the_failures() {
    let rig = StageRig::new().await;
    let server =
        but(|request| (request.target == "/v1/moves").then(|| Reply::problem("500 Internal Server Error", "no disk")));
    let task = rig.backed_up("B-1", b"abc").await;
    let proof = task.trigger.id.to_string();
    let stage = Archive::new(server.source(), 200);
    rig.handle(&stage, vec![task]).await;
    assert!(rig.state("B-1").await.failure.unwrap().retry_at.is_some());
    rig.handle(&stage, vec![rig.task("B-1").await]).await;
    for request in server.requests().iter().filter(|one| one.target == "/v1/marks") {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["marks"][0]["event"], json!(proof));
    }
}

#[tokio::test]
async fn what_the_server_refuses_needs_a_person_and_holds_up_nobody() {
    let rig = StageRig::new().await;
    let refused = |target: &'static str, id: &'static str| {
        but(move |request| {
            let good = Good::default();
            (request.target == target).then(|| {
                let no = json!({"id": id, "outcome": "refused", "reason": "its digest is another one"});
                let answer = |one: &String| if one == id { no.clone() } else { good.one(request, one) };
                Reply::json(&json!({"answers": request.named().iter().map(answer).collect::<Vec<_>>()}).to_string())
            })
        })
    };
    for (target, id, other) in [("/v1/marks", "B-0", "B-1"), ("/v1/moves", "B-3", "B-2")] {
        let server = refused(target, id);
        let tasks = vec![rig.backed_up(id, b"abc").await, rig.backed_up(other, b"abc").await];
        rig.handle(&Archive::new(server.source(), 200), tasks).await;
        let failure = rig.state(id).await.failure.unwrap();
        assert_eq!((failure.kind, failure.retry_at), (FailureKind::Refused, None));
        assert!(failure.message.contains(id) && failure.message.contains("its digest is another one"), "{failure:?}");
        assert_eq!(rig.state(other).await.phase, Phase::Archived);
        let moved = server.requests().into_iter().filter(|one| one.target == "/v1/moves").flat_map(|one| one.named());
        assert_eq!(moved.filter(|moved| moved == "B-0").count(), 0, "what is not marked is not moved");
    }
}

#[tokio::test]
async fn one_booking_that_the_server_stumbles_over_does_not_keep_the_others() {
    for (target, reply, kind) in [
        ("/v1/marks", Reply::problem("500 Internal Server Error", "out of luck"), FailureKind::ServerError),
        ("/v1/moves", Reply::problem("500 Internal Server Error", "out of luck"), FailureKind::ServerError),
        ("/v1/moves", Reply::proper("504 Gateway Timeout", ""), FailureKind::ServerError),
        ("/v1/moves", Reply::noise(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"), FailureKind::CutShort),
        ("/v1/marks", Reply::noise(b""), FailureKind::NoAnswer),
        ("/v1/moves", Reply::noise(b"HTTP/1.1 200 OK\r\nX bad: 1\r\n\r\n"), FailureKind::NoAnswer),
    ] {
        let rig = StageRig::new().await;
        let server = but(move |request| {
            let stumbles = request.target == target && request.named().contains(&"B-13".to_owned());
            stumbles.then(|| reply.clone())
        });
        rig.settled(&Archive::new(server.source(), 200), bookings(&rig, 32).await).await;
        for n in (0..32).filter(|n| *n != 13) {
            assert_eq!(rig.state(&format!("B-{n}")).await.phase, Phase::Archived, "B-{n}");
        }
        let failure = rig.state("B-13").await.failure.unwrap();
        assert!(failure.kind == kind && failure.retry_at.is_some(), "{failure:?}");
    }
}

#[tokio::test]
async fn a_server_that_is_away_pauses_all_and_burns_no_attempt() {
    for (reply, kind) in [
        (Reply::proper("503 Service Unavailable", ""), AlarmKind::ServerUnreachable),
        (Reply::proper("500 Internal Server Error", ""), AlarmKind::ServerUnreachable),
        (Reply::problem("507 Insufficient Storage", "the disk is full"), AlarmKind::ServerStorage),
        (Reply::proper("401 Unauthorized", ""), AlarmKind::ServerRefuses),
        (Reply::proper("302 Found\nLocation: https://example.org/", ""), AlarmKind::ServerConfused),
        (Reply::json(r#"{"answers":[]}"#), AlarmKind::ServerConfused),
    ] {
        let rig = StageRig::new().await;
        let server = ScriptedServer::new(move |_| reply.clone());
        let stage = Archive::new(server.source(), 200);
        let size = rig.size().await;
        let tasks = bookings(&rig, 8).await;
        let appended = rig.size().await - size;
        let settled = rig.handle(&stage, tasks).await;
        assert_eq!(settled.obstacle.as_ref().unwrap().kind, kind);
        assert_eq!((settled.unsettled().len(), appended), (8, 24));
        assert_eq!(rig.size().await, size + appended, "nothing is recorded on any");
        stage.ready().await.unwrap_err();
    }
}

#[tokio::test]
async fn a_server_that_cannot_write_pauses_all_though_its_list_comes() {
    let full = || Reply::problem("507 Insufficient Storage", "nothing was done: the server's disk is full");
    let reason = "the server's disk is full";
    let no_room = move |id: &String| json!({"id": id, "outcome": "refused", "cause": "storage", "reason": reason});
    for target in ["/v1/marks", "/v1/moves", "an answer"] {
        let rig = StageRig::new().await;
        let server = but(move |request| match target {
            "an answer" => (request.target == "/v1/moves").then(|| {
                let answers: Vec<Value> = request.named().iter().map(no_room).collect();
                Reply::json(&json!({"answers": answers}).to_string())
            }),
            target => (request.target == target).then(full),
        });
        let tasks = bookings(&rig, 8).await;
        let size = rig.size().await;
        let settled = rig.handle(&Archive::new(server.source(), 200), tasks).await;
        let obstacle = settled.obstacle.clone().unwrap();
        assert_eq!(obstacle.kind, AlarmKind::ServerStorage, "{target}");
        assert!(obstacle.message.contains("cannot write") && obstacle.message.contains("disk is full"), "{obstacle:?}");
        assert!(obstacle.next_step.contains("make room"), "{obstacle:?}");
        assert_eq!((settled.unsettled().len(), rig.size().await), (8, size), "no attempt is lost");
    }
}

#[tokio::test]
async fn what_the_server_answers_for_a_booking_decides_whether_it_is_tried_again() {
    for (case, answer, kind, again) in [
        ("it does not say where to", json!({"id": "B-0", "outcome": "done"}), FailureKind::BadAnswer, false),
        (
            "another request works on it",
            json!({"id": "B-0", "outcome": "refused", "cause": "busy", "reason": "ask again"}),
            FailureKind::Refused,
            true,
        ),
        (
            "a cause of a later server is taken as none",
            json!({"id": "B-0", "outcome": "refused", "cause": "moon", "reason": "full moon"}),
            FailureKind::Refused,
            false,
        ),
    ] {
        let rig = StageRig::new().await;
        let body = json!({"answers": [answer]}).to_string();
        let server = but(move |request| (request.target == "/v1/moves").then(|| Reply::json(&body)));
        rig.handle(&Archive::new(server.source(), 200), bookings(&rig, 1).await).await;
        let failure = rig.state("B-0").await.failure.unwrap();
        assert_eq!((failure.kind, failure.retry_at.is_some()), (kind, again), "{case}");
    }
}

#[tokio::test]
async fn while_all_is_well_no_request_is_spent_on_asking() {
    let rig = StageRig::new().await;
    let server = but(|_| None);
    let stage = Archive::new(server.source(), 200);
    stage.ready().await.unwrap();
    rig.handle(&stage, bookings(&rig, 1).await).await;
    stage.ready().await.unwrap();
    assert_eq!(server.requests().len(), 2);
}
