//! The log against a server.

use serde_json::{Value, json};
use strongroom_audit::{AgainstServer, Difference, DifferenceCounts};
use strongroom_eventlog::EventLog;
use strongroom_model::{Event, Position, Recorded};
use strongroom_source::testing::{Reply, ScriptedServer};
use strongroom_stage_rig::sample::sha256;

use crate::sample;

/// Answers with these bookings; those with `unlisted` only by themselves.
fn server(bookings: Vec<Value>) -> ScriptedServer {
    ScriptedServer::new(move |request| {
        if let Some(id) = request.target.strip_prefix("/v1/bookings/") {
            let one = bookings.iter().find(|one| one["id"] == *id);
            return one.map_or_else(
                || Reply::problem("404 Not Found", "no such booking"),
                |one| Reply::json(&one.to_string()),
            );
        }
        let listed: Vec<_> = bookings.iter().filter(|one| one["unlisted"].is_null()).collect();
        // Two pages.
        let half = listed.len() / 2;
        let page = if request.target.contains("after=more") {
            json!({"bookings": listed[half..]})
        } else {
            json!({"bookings": listed[..half], "next": "more"})
        };
        Reply::json(&page.to_string())
    })
}

fn booking(id: &str, state: &str, filename: &str) -> Value {
    json!({
        "id": id, "state": state, "signed_off_at": "2026-11-20T00:00:00Z", "proofs": [],
        "timesheet": {"filename": filename, "size_bytes": 1, "digest": sha256(b"x").to_string(), "path": filename},
    })
}

fn mark(id: &str, proof: &Recorded) -> Value {
    let Event::TimesheetBackedUp(data) = &proof.event else { panic!("{proof:?}") };
    json!({
        "id": id, "digest": data.digest.to_string(), "drive": data.drive, "path": data.path,
        "read_back": data.read_back, "proven_at": proof.time, "event": proof.id,
    })
}

async fn proof(log: &EventLog) -> Recorded {
    let events = log.read(Position(0), 1000).await.unwrap();
    let mut events = events.iter().map(|stored| stored.decode().unwrap());
    events.find(|recorded| matches!(recorded.event, Event::TimesheetBackedUp(_))).unwrap()
}

/// B-1 of the sample, as the log says that it is.
async fn archived(log: &EventLog) -> Value {
    let mut one = booking("B-1", "archived", "a.pdf");
    one["timesheet"]["path"] = json!("archived/a.pdf");
    one["proofs"] = json!([mark("B-1", &proof(log).await)]);
    one
}

async fn compared(log: &EventLog, bookings: Vec<Value>) -> (Vec<Difference>, DifferenceCounts) {
    let server = server(bookings);
    let mut comparison = AgainstServer::start(log, &server.source()).await.unwrap();
    let mut found = Vec::new();
    while let Some(page) = comparison.page().await.unwrap() {
        found.extend(page);
    }
    (found, comparison.counts())
}

pub(crate) async fn a_server_that_agrees_has_no_difference(log: &EventLog) {
    sample::fill(log).await;
    let mut unlisted = booking("B-3", "signed-off", "c.pdf");
    unlisted["unlisted"] = json!(true);
    let waits = booking("B-4", "signed-off", "d.pdf");
    let bookings = vec![archived(log).await, booking("B-2", "signed-off", "b.pdf"), unlisted, waits];
    let (found, counts) = compared(log, bookings).await;
    assert_eq!(found, []);
    assert_eq!(counts, DifferenceCounts { compared: 4, ..DifferenceCounts::default() });
}

pub(crate) async fn each_difference_is_named_with_the_event_that_says_otherwise(log: &EventLog) {
    sample::fill(log).await;
    let proof = proof(log).await;
    let mut lost = archived(log).await;
    lost["state"] = json!("backed-up");
    lost["timesheet"]["digest"] = json!(sha256(b"y").to_string());
    lost["timesheet"]["size_bytes"] = json!(2);
    lost["proofs"] = json!([]);
    let mut forged = booking("B-3", "backed-up", "c.pdf");
    forged["proofs"] =
        json!([mark("B-3", &Recorded { id: strongroom_model::EventId::new(proof.time), ..proof.clone() })]);
    let unknown = booking("B-9", "archived", "z.pdf");
    let (found, counts) = compared(log, vec![lost, forged, unknown]).await;
    let said: Vec<_> = found
        .iter()
        .map(|one| (one.kind.label(), one.subject.as_str(), one.what, one.event.map(|event| event.position.0)))
        .collect();
    let expected = [
        ("changed", "B-1", "state", Some(18)),
        ("changed", "B-1", "digest", Some(5)),
        ("changed", "B-1", "size", Some(5)),
        ("missing", "B-1", "proof", Some(proof.position.0)),
        ("changed", "B-3", "state", Some(13)),
        ("extra", "B-3", "proof", None),
        ("extra", "B-9", "booking", None),
        ("missing", "B-2", "booking", Some(16)),
    ];
    assert_eq!(said, expected);
    assert_eq!(counts, DifferenceCounts { compared: 4, missing: 2, extra: 2, changed: 4 });
}

pub(crate) async fn what_the_pipeline_moves_meanwhile_is_no_difference(log: &EventLog) {
    sample::fill(log).await;
    // The comparison looks at the log before the server answers: a copy may be proven in between.
    let proven = booking("B-3", "backed-up", "c.pdf");
    let on_drive = strongroom_stage_rig::sample::backed_up(sample::drive(), "c", 1, &sha256(b"x"));
    let (handle, other) = (tokio::runtime::Handle::current(), log.clone());
    let appended = std::sync::OnceLock::new();
    let archived = archived(log).await;
    let server = ScriptedServer::new(move |request| {
        if request.target != "/v1/bookings/B-3" {
            return Reply::json(&json!({"bookings": [archived, booking("B-2", "signed-off", "b.pdf")]}).to_string());
        }
        appended.get_or_init(|| {
            handle.block_on(sample::append(&other, 30, &strongroom_stage_rig::stream_of("B-3"), on_drive.clone()));
        });
        let proof = handle.block_on(other.stream(&strongroom_stage_rig::stream_of("B-3"))).unwrap().pop().unwrap();
        let mut now = proven.clone();
        now["proofs"] = json!([mark("B-3", &proof)]);
        Reply::json(&now.to_string())
    });
    let mut comparison = AgainstServer::start(log, &server.source()).await.unwrap();
    while let Some(page) = comparison.page().await.unwrap() {
        assert_eq!(page, []);
    }
    assert_eq!(server.requests().iter().filter(|asked| asked.target == "/v1/bookings/B-3").count(), 2, "asked again");
}
