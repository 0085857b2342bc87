//! Requests as no well-behaved client sends them: each has an answer or an end, stores nothing
//! that was not sent whole, and leaves the server as it was.

use reqwest::StatusCode;

use super::rig::Rig;

/// A server that waits for a moment only for what does not come.
async fn impatient() -> Rig {
    Rig::with(|settings| {
        settings.limits.head = std::time::Duration::from_millis(500);
        settings.limits.stall = std::time::Duration::from_millis(500);
    })
    .await
}

/// The status of each answer to those bytes.
async fn statuses(rig: &Rig, bytes: &[u8]) -> Vec<String> {
    let text = rig.exchange(bytes).await;
    text.split("HTTP/1.1 ").skip(1).filter_map(|answer| answer.get(..3).map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_request_that_is_ambiguous_or_ill_formed_is_refused_and_stores_nothing() {
    let rig = impatient().await;
    rig.post("/v1/bookings", &serde_json::json!({"id": "B-1"})).await;
    let put = "PUT /v1/bookings/B-1/timesheet?filename=a.pdf HTTP/1.1\r\n";
    let auth = format!("Host: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n", rig.admin);
    let cases: Vec<(&str, String)> = vec![
        ("two lengths", format!("{put}{auth}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhours!")),
        ("a length that is none", format!("{put}{auth}Content-Length: +5\r\n\r\nhours")),
        ("a negative length", format!("{put}{auth}Content-Length: -5\r\n\r\nhours")),
        ("a list of lengths", format!("{put}{auth}Content-Length: 5, 6\r\n\r\nhours")),
        ("a length beyond all", format!("{put}{auth}Content-Length: 99999999999999999999999\r\n\r\nhours")),
        ("a body that ends early", format!("{put}{auth}Content-Length: 50\r\n\r\nhours")),
        ("a chunk that ends early", format!("{put}{auth}Transfer-Encoding: chunked\r\n\r\n50\r\nhours")),
        ("chunks without an end", format!("{put}{auth}Transfer-Encoding: chunked\r\n\r\n5\r\nhours\r\n")),
        ("a chunk size that is none", format!("{put}{auth}Transfer-Encoding: chunked\r\n\r\nxyz\r\nhours\r\n0\r\n\r\n")),
        ("another coding", format!("{put}{auth}Transfer-Encoding: gzip\r\n\r\nhours")),
        ("another coding first", format!("{put}{auth}Transfer-Encoding: gzip, chunked\r\n\r\n5\r\nhours\r\n0\r\n\r\n")),
        ("a space before the colon", format!("{put}{auth}Content-Length : 5\r\n\r\nhours")),
        ("a folded header", format!("{put}{auth}X: a\r\n b\r\nContent-Range: bytes 0-4/9\r\nContent-Length: 5\r\n\r\nhours")),
        ("a NUL in a header", format!("{put}{auth}X: a\0b\r\nContent-Length: 5\r\n\r\nhours")),
        ("two tokens", format!("{put}{auth}Authorization: Bearer other\r\nContent-Length: 5\r\n\r\nhours")),
        ("a lower-case method", format!("{}{auth}Content-Length: 5\r\n\r\nhours", put.to_lowercase())),
        ("a space in the path", format!("PUT /v1/bookings/B 1/timesheet HTTP/1.1\r\n{auth}Content-Length: 5\r\n\r\nhours")),
        ("no version", "PUT /v1/bookings/B-1/timesheet?filename=a.pdf\r\n\r\nhours".to_owned()),
        ("HTTP/2 without asking", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        ("TRACE", format!("TRACE /v1/bookings HTTP/1.1\r\n{auth}\r\n")),
        ("CONNECT", format!("CONNECT elsewhere:443 HTTP/1.1\r\n{auth}\r\n")),
        ("a method of another's", format!("PATCH /v1/bookings/B-1/timesheet HTTP/1.1\r\n{auth}Content-Length: 5\r\n\r\nhours")),
        ("a hundred and more headers", format!("{put}{auth}{}Content-Length: 5\r\n\r\nhours", "X-Y: z\r\n".repeat(200))),
        ("an endless target", format!("GET /{} HTTP/1.1\r\n{auth}\r\n", "x".repeat(100_000))),
    ];
    let mut answered = 0;
    for (what, request) in cases {
        let statuses = statuses(&rig, request.as_bytes()).await;
        assert!(statuses.iter().all(|status| status.starts_with('4')), "{what}: {statuses:?}");
        assert!(rig.files().iter().all(|file| file.ends_with(".part")), "{what}: {:?}", rig.files());
        answered += statuses.len();
    }
    assert!(answered > 15, "{answered}");
    assert_eq!(rig.info("B-1").await.state, strongroom_model::wire::ServerState::Created);
    assert_eq!(rig.get("/healthz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn unusual_requests_that_are_well_formed_are_served() {
    let rig = impatient().await;
    rig.post("/v1/bookings", &serde_json::json!({"id": "B-1"})).await;
    let auth = format!("Host: x\r\nConnection: close\r\nAuthorization: bearer {}\r\n", rig.admin);
    let put = "PUT /v1/bookings/B-1/timesheet?filename=a.pdf HTTP/1.1\r\n";
    for (what, request, wanted) in [
        ("an absolute target", format!("GET http://x/v1/bookings/B-1 HTTP/1.1\r\n{auth}\r\n"), &["200"][..]),
        ("a line before the request", format!("\r\nGET /v1/bookings/B-1 HTTP/1.1\r\n{auth}\r\n"), &["200"]),
        ("chunks", format!("{put}{auth}Transfer-Encoding: chunked\r\n\r\n2\r\nho\r\n3;x=y\r\nurs\r\n0\r\nT: x\r\n\r\n"), &["201"]),
        (
            "a client that waits to be told to go on",
            format!("{put}{auth}Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhours"),
            &["100", "200"],
        ),
        ("HTTP/1.0", format!("GET /healthz HTTP/1.0\r\n{auth}\r\n"), &[]),
    ] {
        let statuses = statuses(&rig, request.as_bytes()).await;
        assert!(wanted.is_empty() || statuses == wanted, "{what}: {statuses:?}");
    }
    assert_eq!(rig.get("/v1/bookings/B-1/timesheet").await.bytes().await.unwrap(), "hours");
}
