//! The list of what waits.

use proptest::prelude::*;
use serde_json::{Value, json};
use strongroom_model::event::AlarmKind;
use strongroom_model::{BookingId, FailureKind};
use strongroom_source::{Page, SourceError, Unusable};

use strongroom_source::testing::{Reply, ScriptedServer, Then};

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
    ScriptedServer::new(move |_| Reply::json(&body)).source().waiting(100, None).await.unwrap()
}

async fn error_of(reply: impl Fn() -> Reply + Send + Sync + 'static) -> SourceError {
    ScriptedServer::new(move |_| reply()).source().waiting(10, None).await.unwrap_err()
}

fn unusable(page: &Page) -> Vec<&Unusable> {
    page.records.iter().filter_map(|record| record.as_ref().err()).collect()
}

#[tokio::test]
async fn what_is_no_list_is_an_obstacle_that_says_what_came() {
    for (reply, part) in [
        (r"<html><body>Log in</body></html>", "text/html"),
        (r#"{"bookings":[}"#, "ends too early at byte"),
        (r#"{"bookings":"none","waiting":0}"#, "not a list"),
        (r#"{"bookings":[],"bookings":[],"waiting":0}"#, "two members"),
        (r#"{"bookings":[],"waiting":-1}"#, "\"waiting\" cannot be read"),
        (r#"{"waiting":0}"#, "has no member \"bookings\""),
        (r#"{"bookings":[],"waiting":0} x"#, "follows its end"),
        (r#"{"bookings":[{"id":"B-1}],"waiting":0}"#, "has no end"),
        ("", "not an object"),
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
async fn a_server_without_such_a_page_is_no_document_server() {
    let error = error_of(|| Reply::proper("404 Not Found\nContent-Type: text/html", "<h1>Welcome to nginx</h1>")).await;
    let alarm = error.obstacle().unwrap();
    assert_eq!(alarm.kind, AlarmKind::ServerConfused);
    assert!(alarm.next_step.contains("source.url"), "{}", alarm.next_step);
}

#[tokio::test]
async fn more_bookings_than_were_asked_for_are_not_believed() {
    let body = json!({"bookings": [record("B-1"), record("B-2")], "waiting": 2}).to_string();
    let error = ScriptedServer::new(move |_| Reply::json(&body)).source().waiting(1, None).await.unwrap_err();
    assert!(error.to_string().contains("more than the 1 bookings that were asked for"), "{error}");
}

#[tokio::test]
async fn a_cursor_that_leads_nowhere_ends_the_list() {
    for body in [
        json!({"bookings": [record("B-1")], "waiting": 1, "next": "here"}),
        json!({"bookings": [], "waiting": 1, "next": "here"}),
        json!({"bookings": [record("B-1")], "waiting": 1, "next": "x".repeat(5000)}),
    ] {
        let body = body.to_string();
        let error =
            ScriptedServer::new(move |_| Reply::json(&body)).source().waiting(10, Some("here")).await.unwrap_err();
        assert_eq!(error.obstacle().unwrap().kind, AlarmKind::ServerConfused);
    }
}

#[tokio::test]
async fn an_empty_page_may_have_another_after_it() {
    let server = ScriptedServer::new(|_| Reply::json(r#"{"bookings":[],"waiting":1,"next":"there"}"#));
    let page = server.source().waiting(10, Some("here")).await.unwrap();
    assert_eq!((page.records.len(), page.next.as_deref()), (0, Some("there")));
}

#[tokio::test]
async fn a_next_that_is_no_cursor_is_named() {
    for next in ["false", "{}", "-1", "[]"] {
        let body = format!(r#"{{"bookings":[],"waiting":0,"next":{next}}}"#);
        let error = error_of(move || Reply::json(&body)).await.to_string();
        assert!(error.contains(r#"its "next" is not a cursor"#) && !error.contains("untagged"), "{next}: {error}");
    }
}

#[tokio::test]
async fn a_cursor_is_sent_back_as_it_came() {
    let server = ScriptedServer::new(|_| Reply::json(r#"{"bookings":[],"waiting":0}"#));
    server.source().waiting(7, Some("a&limit=1/ü")).await.unwrap();
    let head = &server.requests()[0];
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

/// A page with raw bytes in place of the second of three records.
async fn page_with(second: &[u8]) -> Page {
    let [first, third] = ["B-1", "B-3"].map(|id| record(id).to_string().into_bytes());
    let body = [&br#"{"bookings":["#[..], &first, b",", second, b",", &third, br#"],"waiting":3}"#].concat();
    let server = ScriptedServer::new(move |_| Reply::proper("200 OK\nContent-Type: application/json", body.clone()));
    server.source().waiting(100, None).await.unwrap()
}

fn raw_record(filename: &[u8], more: &[u8]) -> Vec<u8> {
    let rest = format!(r#","size_bytes":3,"digest":"{DIGEST}","signed_off_at":"2026-11-01T08:00:00Z""#);
    [&br#"{"id":"B-2","filename":""#[..], filename, b"\"", rest.as_bytes(), more, b"}"].concat()
}

#[tokio::test]
async fn r9_a_record_that_cannot_be_parsed_is_named_and_spoils_no_other() {
    for (bytes, reason) in [
        (raw_record(br"Week 48 \ud83d.pdf", b""), "\"filename\" cannot be read"),
        (raw_record(b"M\xe4rz.pdf", b""), "\"filename\" cannot be read"),
        (raw_record(b"a\x00b", b""), "\"filename\" cannot be read"),
        (raw_record(br"a\xb", b""), "\"filename\" cannot be read"),
        (raw_record(b"a", br#","size_bytes":4"#), "two members \"size_bytes\""),
        (raw_record(b"a", b",,"), "cannot be read"),
        (raw_record(b"a", br#","x":"#), "cannot be read"),
        (raw_record(b"a", b",x:1"), "cannot be read"),
    ] {
        let page = page_with(&bytes).await;
        let [bad] = unusable(&page)[..] else { panic!("{page:?}") };
        assert_eq!(bad.id.as_ref().map(BookingId::as_str), Some("B-2"), "{bad:?}");
        assert!(bad.reason.contains(reason), "{bad:?}");
        assert_eq!(page.records.len(), 3);
    }
}

#[tokio::test]
async fn r9_what_is_not_read_of_a_record_does_no_harm() {
    let deep = [br#","meta":"#.to_vec(), vec![b'['; 100_000], vec![b']'; 100_000]].concat();
    let whole = [&b",\"note\":1e999"[..], b",\"note\":\"M\xe4rz\"", br#","note":"\ud83d""#, &deep];
    for more in whole {
        let page = page_with(&raw_record(b"a.pdf", more)).await;
        assert_eq!(unusable(&page), Vec::<&Unusable>::new());
    }
}

#[tokio::test]
async fn an_answer_of_many_tiny_records_is_given_up_at_the_first_that_was_not_asked_for() {
    let body = format!(r#"{{"bookings":[{}{{}}],"waiting":1}}"#, "{},".repeat(2_000_000));
    let error = error_of(move || Reply::json(&body)).await;
    assert!(error.to_string().contains("more than the 10 bookings"), "{error}");
}

#[tokio::test]
async fn an_empty_cursor_is_the_end_and_a_number_is_a_cursor() {
    for (next, read) in [("\"\"", None), ("null", None), ("\"p2\"", Some("p2")), ("7", Some("7"))] {
        let body = format!(r#"{{"bookings":[{}],"waiting":1,"next":{next}}}"#, record("B-1"));
        let page = ScriptedServer::new(move |_| Reply::json(&body)).source().waiting(10, None).await.unwrap();
        assert_eq!((page.records.len(), page.next.as_deref()), (1, read));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever stands in some records: each record is taken or reported, in its place, and the good ones are taken.
    #[test]
    fn r9_every_record_is_taken_or_reported_once(records in proptest::collection::vec(hostile(), 1..20)) {
        let texts: Vec<Vec<u8>> = records.iter().map(|(_, bytes)| bytes.clone()).collect();
        let body = [&br#"{"waiting":1,"bookings":["#[..], &texts.join(&b","[..]), b"]}"].concat();
        let server = ScriptedServer::new(move |_| Reply::proper("200 OK\nContent-Type: application/json", body.clone()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let page = runtime.block_on(server.source().waiting(100, None)).unwrap();
        prop_assert_eq!(page.records.len(), records.len());
        for (found, (is_good, bytes)) in page.records.iter().zip(&records) {
            prop_assert!(!is_good || found.is_ok(), "{:?}: {:?}", String::from_utf8_lossy(bytes), found);
        }
    }
}

/// A record, and whether it is a good one. Its texts are closed: one that is not takes the rest of the page with it.
fn hostile() -> impl Strategy<Value = (bool, Vec<u8>)> {
    let texts: [&[u8]; 6] = [b"t.pdf", b"\xff\xfe", br"\ud800", b"\n", br"\q", b"],[{}"];
    let text = proptest::sample::select(texts.to_vec());
    let value = prop_oneof![Just("null"), Just("1e999"), Just("[[{}]]"), Just("-0"), Just("tru"), Just("{\"id\":[]}")];
    prop_oneof![
        "[A-Z0-9]{1,8}".prop_map(|id| (true, record(&id).to_string().into_bytes())),
        text.prop_map(|text| (false, raw_record(text, b""))),
        value.clone().prop_map(|value| (false, value.as_bytes().to_vec())),
        value.prop_map(|value| (false, raw_record(b"a", format!(",\"id\":{value}").as_bytes()))),
    ]
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
async fn one_booking_that_the_server_does_not_know_is_no_obstacle() {
    let server = ScriptedServer::new(|_| Reply::problem("404 Not Found", "no booking B-1"));
    let error = server.source().booking(&"B-1".parse().unwrap()).await.unwrap_err();
    assert_eq!(error.obstacle(), None);
    assert!(error.to_string().contains("/v1/bookings/B-1"), "{error}");
}
