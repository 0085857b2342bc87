//! Files that do not come, among others that do.

use strongroom_model::FailureKind::{
    self, BadAnswer, CutShort, DownloadRefused, Encoded, FileMissing, NoAnswer, Redirected, ServerError, TooLong,
};
use strongroom_source::testing::{ReceivedRequest, Reply, Then};

use crate::documents::Documents;
use crate::good::content;
use crate::rig::Rig;

const LEN: usize = 2000;

/// A fault of one file's transfer, what it is recorded as, and whether it is tried again.
type Row = (&'static str, fn(&ReceivedRequest) -> Reply, FailureKind, bool);

const TABLE: &[Row] = &[
    ("missing", |_| Reply::problem("404 Not Found", "gone fishing"), FileMissing, false),
    ("gone", |_| Reply::problem("410 Gone", "gone"), FileMissing, false),
    ("error", |_| Reply::problem("500 Internal Server Error", "no"), ServerError, true),
    ("unavailable", |_| Reply::proper("503 Service Unavailable", ""), ServerError, true),
    ("forbidden", |_| Reply::proper("403 Forbidden", ""), DownloadRefused, false),
    ("cut", |_| Reply::raw("200 OK\nContent-Length: 2000", [0; 7], Then::Close), CutShort, true),
    ("long", |_| Reply::raw("200 OK", [0; LEN + 1], Then::Close), TooLong, false),
    ("lying-long", |_| Reply::proper("200 OK", [0; LEN + 1]), TooLong, false),
    ("lying-short", |_| Reply::proper("200 OK", [0; LEN - 1]), CutShort, true),
    ("gzip", |_| Reply::proper("200 OK\nContent-Encoding: gzip", [0; LEN]), Encoded, false),
    ("elsewhere", |_| Reply::proper("302 Found\nLocation: https://example.org/", ""), Redirected, false),
    (
        "in-a-circle",
        |heard| Reply::proper(&format!("307 Temporary Redirect\nLocation: {}", heard.target), ""),
        Redirected,
        false,
    ),
    ("nowhere", |_| Reply::proper("301 Moved Permanently", ""), Redirected, false),
    ("not-http-address", |_| Reply::proper("302 Found\nLocation: file:///etc/passwd", ""), Redirected, false),
    // Connections that end without an answer, or with something that is not one.
    ("closed", |_| Reply::noise(b""), NoAnswer, true),
    ("half-a-head", |_| begun(b"Content-Le"), NoAnswer, true),
    ("bad-header", |_| begun(b"X bad: 1\r\nContent-Length: 2000\r\n\r\n"), NoAnswer, true),
    ("split-header", |_| begun(b"Content-Disposition: attachment; filename=\"a\n48.pdf\"\r\n\r\n"), NoAnswer, true),
    ("not-http", |_| Reply::noise(b"220 mail.example.org ESMTP\r\n"), NoAnswer, true),
    ("bad-status", |_| Reply::noise(b"HTTP/1.1 999999 What\r\n\r\n"), NoAnswer, true),
    ("two-lengths", |_| begun(b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), NoAnswer, true),
    ("length-of-words", |_| begun(b"Content-Length: many\r\n\r\nab"), NoAnswer, true),
    ("negative-length", |_| begun(b"Content-Length: -1\r\n\r\nab"), NoAnswer, true),
    ("huge-head", |_| Reply::raw(&format!("200 OK\nX: {}", "x".repeat(1 << 20)), "", Then::Close), NoAnswer, true),
    // Bodies.
    ("bad-chunk", |_| Reply::raw("200 OK\nTransfer-Encoding: chunked", "zz\r\nab", Then::Close), CutShort, true),
    ("cut-chunk", |_| Reply::raw("200 OK\nTransfer-Encoding: chunked", "400\r\nab", Then::Close), CutShort, true),
    ("empty", |_| Reply::proper("200 OK", ""), CutShort, true),
    ("no-length-no-body", |_| Reply::raw("200 OK", "", Then::Close), CutShort, true),
    ("brotli", |_| Reply::proper("200 OK\nContent-Encoding: br", [0; LEN]), Encoded, false),
    (
        "twice-encoded",
        |_| Reply::proper("200 OK\nContent-Encoding: identity\nContent-Encoding: deflate", [0; LEN]),
        Encoded,
        false,
    ),
    // Statuses.
    ("no-content", |_| Reply::raw("204 No Content", "", Then::Close), BadAnswer, false),
    ("created", |_| Reply::proper("201 Created", [0; LEN]), BadAnswer, false),
    (
        "part-unasked",
        |_| Reply::proper("206 Partial Content\nContent-Range: bytes 0-1999/4000", [0; LEN]),
        BadAnswer,
        false,
    ),
    ("not-modified", |_| Reply::raw("304 Not Modified", "", Then::Close), BadAnswer, false),
    ("bad-request", |_| Reply::problem("400 Bad Request", "no"), BadAnswer, false),
    ("login", |_| Reply::problem("401 Unauthorized", "not this one"), DownloadRefused, false),
    ("slow", |_| Reply::problem("408 Request Timeout", "slow"), BadAnswer, true),
    ("range", |_| Reply::problem("416 Range Not Satisfiable", "no"), BadAnswer, false),
    ("too-often", |_| Reply::proper("429 Too Many Requests\nRetry-After: 1", ""), ServerError, true),
    ("legal", |_| Reply::problem("451 Unavailable For Legal Reasons", "no"), BadAnswer, false),
    ("gateway", |_| Reply::proper("502 Bad Gateway\nContent-Type: text/html", "<h1>nginx</h1>"), ServerError, true),
    ("late-gateway", |_| Reply::proper("504 Gateway Timeout", ""), ServerError, true),
];

/// A head of 200 that is wrong from there on.
fn begun(rest: &[u8]) -> Reply {
    Reply::noise(&[&b"HTTP/1.1 200 OK\r\n"[..], rest].concat())
}

/// Each fault at once, each way that a file can take, between files that are well.
async fn every_fault(len: usize) {
    let rig = Rig::new().await;
    let mut documents = Documents::default();
    let mut tasks = Vec::new();
    assert!(TABLE.len() >= 30);
    for (n, &(id, fault, _, _)) in TABLE.iter().enumerate() {
        let (well, file) = (format!("well-{n}"), content(n as u8, len));
        documents = documents.with(&well, &file).faulty(id, fault);
        tasks.push(rig.enumerated(id, &content(100, LEN)).await);
        tasks.push(rig.enumerated(&well, &file).await);
    }
    let (server, _) = documents.serve();
    rig.settled(&rig.stage(server.source()), tasks).await;
    for (n, &(id, _, kind, again)) in TABLE.iter().enumerate() {
        let failure = rig.state(id).await.failure.unwrap_or_else(|| panic!("{id} did not fail"));
        assert_eq!((failure.kind, failure.retry_at.is_some()), (kind, again), "{id}: {failure:?}");
        assert!(failure.message.contains(&format!("/v1/bookings/{id}/timesheet")), "{}", failure.message);
        assert_eq!(rig.on_drive(&format!("well-{n}")).await, content(n as u8, len));
    }
}

#[tokio::test]
async fn a_fault_on_one_file_never_fails_the_others() {
    every_fault(LEN).await;
}

#[tokio::test]
async fn a_fault_on_one_file_never_fails_larger_ones() {
    every_fault(600 << 10).await;
}

#[tokio::test]
async fn a_body_that_stops_coming_is_that_files_failure_and_what_came_is_kept() {
    let rig = Rig::new().await;
    let file = content(1, 100_000);
    let (beginning, well) = (file[..50_000].to_vec(), content(2, 1000));
    let (server, faults) = Documents::default().with("B-1", &file).with("B-2", &well).serve();
    faults.set("B-1", move |_| Reply::raw("200 OK\nContent-Length: 100000", &beginning, Then::Hold));
    let stage = rig.stage(server.impatient());
    let tasks = vec![rig.enumerated("B-1", &file).await, rig.enumerated("B-2", &well).await];
    rig.settled(&stage, tasks).await;
    let failure = rig.state("B-1").await.failure.unwrap();
    assert!(failure.kind == FailureKind::Stalled && failure.retry_at.is_some(), "{failure:?}");
    assert_eq!(rig.on_drive("B-2").await, well);
    faults.clear("B-1");
    rig.handle(&stage, vec![rig.task("B-1").await]).await;
    assert_eq!(rig.fetched("B-1").await.resumed_from_bytes.0, 50_000);
}

#[tokio::test]
async fn what_is_of_no_use_any_more_does_not_stay_on_the_drive() {
    let rig = Rig::new().await;
    let file = content(1, 100_000);
    let beginning = file[..50_000].to_vec();
    let (server, faults) = Documents::default().serve();
    faults.set("B-1", move |_| Reply::raw("200 OK\nContent-Length: 100000", &beginning, Then::Close));
    let stage = rig.stage(server.source());
    rig.handle(&stage, vec![rig.enumerated("B-1", &file).await]).await;
    assert_eq!(rig.temporaries().len(), 1, "what came is kept");
    faults.set("B-1", |_| Reply::problem("410 Gone", "gone"));
    rig.handle(&stage, vec![rig.task("B-1").await]).await;
    assert_eq!(rig.state("B-1").await.failure.unwrap().kind, FailureKind::FileMissing);
    assert_eq!(rig.temporaries(), [] as [std::path::PathBuf; 0]);
}

#[tokio::test]
async fn a_bookings_folder_that_is_a_symbolic_link_is_that_files_failure() {
    let rig = Rig::new().await;
    let (file, other) = (content(1, 1000), content(2, 1000));
    let (data, outside) = (rig.root().join("acme/2026-11/data"), rig.root().with_extension("outside"));
    std::fs::create_dir_all(&data).unwrap();
    std::fs::create_dir(&outside).unwrap();
    std::os::unix::fs::symlink(&outside, data.join("B-1")).unwrap();
    let (server, _) = Documents::default().with("B-1", &file).with("B-2", &other).serve();
    let tasks = vec![rig.enumerated("B-1", &file).await, rig.enumerated("B-2", &other).await];
    let settled = rig.handle(&rig.stage(server.source()), tasks).await;
    assert!(settled.obstacle.is_none(), "{settled:?}");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 0);
    assert_eq!(rig.on_drive("B-2").await, other);
    let state = rig.state("B-1").await;
    assert_eq!(state.failure.map(|failure| (failure.kind, failure.retry_at)), Some((FailureKind::PathTaken, None)));
}

#[tokio::test]
async fn what_nobody_knows_of_in_a_files_place_is_put_aside_and_the_file_lands() {
    let rig = Rig::new().await;
    let file = content(1, 1000);
    let place = rig.root().join("acme/2026-11/data/B-1/B-1.pdf");
    std::fs::create_dir_all(place.parent().unwrap()).unwrap();
    std::fs::write(&place, "somebody's notes").unwrap();
    let (server, _) = Documents::default().with("B-1", &file).serve();
    rig.handle(&rig.stage(server.source()), vec![rig.enumerated("B-1", &file).await]).await;
    assert_eq!(rig.on_drive("B-1").await, file);
}
