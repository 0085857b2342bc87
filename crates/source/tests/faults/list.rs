//! The list of what waits.

use serde_json::{Value, json};
use strongroom_model::FailureKind;
use strongroom_model::event::AlarmKind;
use strongroom_source::{Page, SourceError, Unusable};

use strongroom_source::testing::{Reply, Server, Then};

const DIGEST: &str = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

fn record(id: &str) -> Value {
    json!({"id": id, "filename": "t.pdf", "size_bytes": 3, "digest": DIGEST, "signed_off_at": "2026-11-01T08:00:00Z"})
}

fn changed(id: &str, field: &str, value: Value) -> Value {
    let mut record = record(id);
    record[field] = value;
    record
}

async fn page_of(bookings: Vec<Value>) -> Page {
    let body = json!({"waiting": bookings.len(), "bookings": bookings}).to_string();
    Server::new(move |_| Reply::json(&body)).source().waiting(100, None).await.unwrap()
}

async fn error_of(reply: impl Fn() -> Reply + Send + Sync + 'static) -> SourceError {
    Server::new(move |_| reply()).source().waiting(10, None).await.unwrap_err()
}

fn unusable(page: &Page) -> Vec<&Unusable> {
    page.records.iter().filter_map(|record| record.as_ref().err()).collect()
}

#[tokio::test]
async fn what_is_no_list_is_an_obstacle_that_says_what_came() {
    for (reply, part) in [
        (r"<html><body>Log in</body></html>", "text/html"),
        (r#"{"bookings":[}"#, "line 1 column"),
        (r#"{"bookings":"none","waiting":0}"#, "invalid type"),
        (r#"{"waiting":0}"#, "missing field `bookings`"),
        ("", "EOF"),
    ] {
        let kind = if reply.starts_with('<') { "text/html" } else { "application/json" };
        let error = error_of(move || Reply::proper(&format!("200 OK\nContent-Type: {kind}"), reply)).await;
        let alarm = error.obstacle().unwrap();
        assert_eq!(alarm.kind, AlarmKind::ServerConfused);
        assert!(alarm.message.contains(part), "{}", alarm.message);
        assert!(alarm.message.contains("GET /v1/bookings/waiting"), "{}", alarm.message);
    }
}

#[tokio::test]
async fn a_list_that_does_not_end_is_given_up_before_it_fills_the_memory() {
    let announced = error_of(|| Reply::raw("200 OK\nContent-Length: 999999999999", "{", Then::Hold)).await;
    assert!(announced.to_string().contains("longer than"), "{announced}");
    let unannounced = error_of(|| Reply::raw("200 OK", vec![b' '; 9 << 20], Then::Hold)).await;
    assert!(unannounced.to_string().contains("longer than"), "{unannounced}");
}

#[tokio::test]
async fn a_list_that_is_cut_is_asked_for_again() {
    let error = error_of(|| Reply::raw("200 OK\nContent-Length: 100", "{\"bookings\"", Then::Close)).await;
    assert_eq!(error.failure_kind(), FailureKind::CutShort);
    assert!(error.is_passing() && error.obstacle().is_none(), "{error}");
}

#[tokio::test]
async fn a_gzipped_list_is_an_obstacle() {
    let error = error_of(|| Reply::proper("200 OK\nContent-Encoding: gzip", [0x1f, 0x8b, 8])).await;
    assert_eq!(error.failure_kind(), FailureKind::Encoded);
    assert_eq!(error.obstacle().unwrap().kind, AlarmKind::ServerConfused);
}

#[tokio::test]
async fn a_server_without_such_a_page_is_no_document_server() {
    let error = error_of(|| Reply::proper("404 Not Found\nContent-Type: text/html", "<h1>Welcome to nginx</h1>")).await;
    let alarm = error.obstacle().unwrap();
    assert_eq!(alarm.kind, AlarmKind::ServerConfused);
    assert!(alarm.next_step.contains("source.url"), "{}", alarm.next_step);
}

#[tokio::test]
async fn more_bookings_than_were_asked_for_are_not_believed() {
    let body = json!({"bookings": [record("B-1"), record("B-2")], "waiting": 2}).to_string();
    let error = Server::new(move |_| Reply::json(&body)).source().waiting(1, None).await.unwrap_err();
    assert!(error.to_string().contains("2 bookings where 1"), "{error}");
}

#[tokio::test]
async fn a_cursor_that_leads_nowhere_ends_the_list() {
    for body in [
        json!({"bookings": [record("B-1")], "waiting": 1, "next": "here"}),
        json!({"bookings": [], "waiting": 1, "next": "there"}),
        json!({"bookings": [record("B-1")], "waiting": 1, "next": "x".repeat(5000)}),
    ] {
        let body = body.to_string();
        let error = Server::new(move |_| Reply::json(&body)).source().waiting(10, Some("here")).await.unwrap_err();
        assert_eq!(error.obstacle().unwrap().kind, AlarmKind::ServerConfused);
    }
}

#[tokio::test]
async fn a_cursor_is_sent_back_as_it_came() {
    let server = Server::new(|_| Reply::json(r#"{"bookings":[],"waiting":0}"#));
    server.source().waiting(7, Some("a&limit=1/ü")).await.unwrap();
    let head = &server.heard()[0];
    assert!(head.starts_with("get /v1/bookings/waiting?limit=7&after=a%26limit%3d1%2f%c3%bc http/1.1"), "{head}");
}

#[tokio::test]
async fn one_bad_record_spoils_no_other() {
    let page = page_of(vec![
        json!(7),
        changed("B-1", "id", json!(null)),
        changed("B-2", "size_bytes", json!(-1)),
        changed("B-3", "signed_off_at", json!("yesterday")),
        changed("B-4", "digest", json!("sha256:abcd")),
        changed("B-5", "filename", json!("x".repeat(5000))),
        changed("B-6", "size_bytes", json!(u64::MAX)),
        record("B-7"),
    ])
    .await;
    let shown: Vec<&str> = unusable(&page).iter().map(|record| record.shown.as_str()).collect();
    assert_eq!(shown, ["(none)", "null", "B-2", "B-3", "B-4", "B-5", "B-6"]);
    assert!(unusable(&page).iter().all(|record| record.kind == FailureKind::BadRecord));
    assert_eq!(unusable(&page).iter().filter(|record| record.id.is_some()).count(), 5);
    assert_eq!(page.records[7].as_ref().unwrap().id.as_str(), "B-7");
}

#[tokio::test]
async fn a_digest_in_an_unknown_algorithm_is_that_bookings_own_failure() {
    let page = page_of(vec![changed("B-1", "digest", json!("crc32:352441c2")), record("B-2")]).await;
    let [bad] = unusable(&page)[..] else { panic!("{page:?}") };
    assert_eq!(bad.kind, FailureKind::UnknownDigest);
    assert_eq!(bad.id.as_ref().unwrap().as_str(), "B-1");
    assert!(bad.reason.contains("crc32") && bad.reason.contains("sha256"), "{}", bad.reason);
}

#[tokio::test]
async fn an_id_that_could_be_a_path_a_header_or_a_page_is_not_used() {
    for id in ["", "../../etc/passwd", "/etc/passwd", "B 1", "B\n1", "B\u{0}1", "<script>", "Ü", &"B".repeat(129)] {
        let page = page_of(vec![record(id)]).await;
        let [bad] = unusable(&page)[..] else { panic!("{id:?}: {page:?}") };
        assert_eq!(bad.id, None, "{id:?}");
        assert!(!bad.shown.contains(char::is_control) && bad.shown.chars().count() <= 61, "{}", bad.shown);
    }
}

#[tokio::test]
async fn a_hostile_filename_is_kept_as_it_is_for_the_drive_to_escape() {
    for name in ["../../etc/passwd", "/etc/passwd", "a\u{0}b", "a\nb", "CON", "a.", "", "\u{202e}fdp.exe", "<b>"] {
        let page = page_of(vec![changed("B-1", "filename", json!(name))]).await;
        assert_eq!(page.records[0].as_ref().unwrap().record.filename, name);
    }
}

#[tokio::test]
async fn the_same_filename_twice_is_two_offers() {
    let page = page_of(vec![record("B-1"), record("B-2")]).await;
    assert_eq!(unusable(&page), Vec::<&Unusable>::new());
    assert_eq!(page.records.len(), 2);
}

#[tokio::test]
async fn one_booking_that_the_server_does_not_know_is_no_obstacle() {
    let server = Server::new(|_| Reply::problem("404 Not Found", "no booking B-1"));
    let error = server.source().booking(&"B-1".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.obstacle(), None);
    assert!(error.to_string().contains("/v1/bookings/B-1"), "{error}");
}
