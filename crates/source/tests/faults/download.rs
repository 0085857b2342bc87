//! A timesheet's bytes.

use strongroom_model::event::AlarmKind;
use strongroom_model::{Algorithm, BookingId, ByteCount, Digest, FailureKind};
use strongroom_source::{Cause, Source, SourceError};

use strongroom_source::testing::{Reply, ScriptedServer, Then};

const FILE: &[u8] = b"the timesheet of the tenth of November";

fn booking(id: &str) -> BookingId {
    id.parse().unwrap()
}

fn sha256(bytes: &[u8]) -> Digest {
    Digest::of(Algorithm::Sha256, bytes)
}

/// What came, and how it ended.
struct Transfer {
    starts_at: u64,
    bytes: Vec<u8>,
    end: Result<(), SourceError>,
}

async fn transfer(source: &Source, from: u64) -> Result<Transfer, SourceError> {
    let mut download =
        source.download(&booking("B-1"), ByteCount(FILE.len() as u64), &sha256(FILE), ByteCount(from)).await?;
    let mut bytes = Vec::new();
    let end = loop {
        match download.chunk().await {
            Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    Ok(Transfer { starts_at: download.starts_at().0, bytes, end })
}

async fn whole(reply: impl Fn() -> Reply + Send + Sync + 'static) -> Transfer {
    transfer(&ScriptedServer::new(move |_| reply()).source(), 0).await.unwrap()
}

async fn error_of(reply: impl Fn() -> Reply + Send + Sync + 'static) -> SourceError {
    match transfer(&ScriptedServer::new(move |_| reply()).source(), 0).await {
        Ok(transfer) => transfer.end.unwrap_err(),
        Err(error) => error,
    }
}

/// It is this booking's failure: not an obstacle, and the message names the booking.
fn failed(error: &SourceError, kind: FailureKind, passing: bool) {
    assert_eq!(error.failure_kind(), kind, "{error}");
    assert_eq!(error.is_passing(), passing, "{error}");
    assert_eq!(error.obstacle(), None, "{error}");
    assert!(error.to_string().contains("/v1/bookings/B-1/timesheet"), "{error}");
}

/// An answer to a resumption at byte 4, and what the request after it gets: the whole file.
fn then_whole(first: impl Fn() -> Reply + Send + Sync + 'static) -> ScriptedServer {
    ScriptedServer::new(
        move |head| if head.contains("range: bytes=4-") { first() } else { Reply::proper("200 OK", FILE) },
    )
}

fn part(range: &str, body: &[u8]) -> Reply {
    Reply::proper(&format!("206 Partial Content\nContent-Range: bytes {range}"), body)
}

#[tokio::test]
async fn a_whole_file_comes_whole() {
    let transfer = whole(|| Reply::proper("200 OK", FILE)).await;
    assert_eq!((transfer.bytes.as_slice(), transfer.starts_at), (FILE, 0));
    transfer.end.unwrap();
}

#[tokio::test]
async fn a_file_without_an_announced_length_is_counted() {
    whole(|| Reply::raw("200 OK", FILE, Then::Close)).await.end.unwrap();
    let chunked = || [format!("{:x}\r\n", FILE.len()).as_bytes(), FILE, b"\r\n0\r\n\r\n"].concat();
    let transfer = whole(move || Reply::raw("200 OK\nTransfer-Encoding: chunked", chunked(), Then::Listen)).await;
    assert_eq!(transfer.bytes, FILE);
    transfer.end.unwrap();
}

#[tokio::test]
async fn an_empty_file_is_a_file() {
    let server = ScriptedServer::new(|_| Reply::proper("200 OK", ""));
    let mut download =
        server.source().download(&booking("B-1"), ByteCount(0), &sha256(b""), ByteCount(0)).await.unwrap();
    assert_eq!(download.chunk().await.unwrap(), None);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_cut_transfer_goes_on_where_it_stopped() {
    let server = then_whole(|| part("4-37/38", &FILE[4..]));
    let transfer = transfer(&server.source(), 4).await.unwrap();
    assert_eq!((transfer.bytes.as_slice(), transfer.starts_at), (&FILE[4..], 4));
    transfer.end.unwrap();
    let strong = format!("if-range: \"sha256-{}\"", sha256(FILE).hex());
    assert!(server.requests()[0].contains(&strong), "{}", server.requests()[0]);
}

#[tokio::test]
async fn what_is_all_here_is_not_asked_for_again() {
    let server = ScriptedServer::new(|_| Reply::noise(b"never"));
    let transfer = transfer(&server.source(), FILE.len() as u64).await.unwrap();
    assert_eq!((transfer.bytes.len(), transfer.starts_at), (0, FILE.len() as u64));
    assert_eq!(server.requests(), []);
}

#[tokio::test]
async fn more_than_the_record_says_and_a_part_of_a_changed_file_are_fetched_from_the_start() {
    // Of a changed file `If-Range` makes that: 200, and the whole file.
    for (from, asks_for_the_rest) in [(1000, false), (4, true)] {
        let server = ScriptedServer::new(|_| Reply::proper("200 OK", FILE));
        let transfer = transfer(&server.source(), from).await.unwrap();
        assert_eq!((transfer.bytes.as_slice(), transfer.starts_at), (FILE, 0));
        let [request] = &server.requests()[..] else { panic!("it was asked again") };
        assert_eq!(request.contains("range:"), asks_for_the_rest);
    }
}

#[tokio::test]
async fn a_206_of_anything_else_is_not_appended() {
    for reply in [
        || part("0-37/38", FILE),
        || part("5-37/38", &FILE[5..]),
        || part("4-37/*", &FILE[4..]),
        || Reply::proper("206 Partial Content\nContent-Type: multipart/byteranges; boundary=x", "--x--"),
        || Reply::proper("206 Partial Content\nContent-Range: bytes 4-37/38\nETag: \"sha256-00\"", &FILE[4..]),
        || Reply::proper("416 Range Not Satisfiable", ""),
        || Reply::proper("416 Range Not Satisfiable\nContent-Range: bytes */38", ""),
    ] {
        let server = then_whole(reply);
        let transfer = transfer(&server.source(), 4).await.unwrap();
        assert_eq!((transfer.bytes.as_slice(), transfer.starts_at), (FILE, 0));
        assert_eq!(server.requests().len(), 2, "once more, from the start");
    }
}

#[tokio::test]
async fn a_range_of_a_file_of_another_length_is_not_the_records_file() {
    for (reply, kind) in [
        (part as fn(&str, &[u8]) -> Reply, FailureKind::TooLong),
        (|_, _| Reply::proper("416 Range Not Satisfiable\nContent-Range: bytes */3", ""), FailureKind::CutShort),
    ] {
        let server = then_whole(move || reply("4-99/100", &[0; 96]));
        let error = transfer(&server.source(), 4).await.err().unwrap();
        failed(&error, kind, kind == FailureKind::CutShort);
    }
}

#[tokio::test]
async fn a_part_that_ends_early_is_cut_short_where_it_ends() {
    let server = then_whole(|| part("4-9/38", &FILE[4..10]));
    let transfer = transfer(&server.source(), 4).await.unwrap();
    assert_eq!(transfer.bytes, FILE[4..10]);
    let error = transfer.end.unwrap_err();
    assert!(matches!(*error.cause, Cause::CutShort { received_bytes: 10, expected_bytes: Some(38), .. }), "{error:?}");
}

#[tokio::test]
async fn a_server_that_cannot_work_or_refuses_us_is_an_obstacle_over_a_file_too() {
    for (line, kind) in [
        ("503 Service Unavailable", AlarmKind::ServerUnreachable),
        ("401 Unauthorized", AlarmKind::ServerRefuses),
        ("403 Forbidden", AlarmKind::ServerRefuses),
    ] {
        let error = error_of(move || Reply::proper(line, "")).await;
        assert_eq!(error.obstacle().unwrap().kind, kind, "{error}");
    }
}

#[tokio::test]
async fn a_body_that_is_cut_short_keeps_what_came() {
    for head in ["200 OK\nContent-Length: 38", "200 OK", "200 OK\nTransfer-Encoding: chunked"] {
        let chunked = head.ends_with("chunked");
        let transfer = whole(move || {
            let body = if chunked { [b"a\r\n", &FILE[..10], b"\r\n"].concat() } else { FILE[..10].to_vec() };
            Reply::raw(head, body, Then::Close)
        })
        .await;
        assert_eq!(transfer.bytes, FILE[..10], "{head}");
        let error = transfer.end.unwrap_err();
        failed(&error, FailureKind::CutShort, true);
        assert!(
            matches!(*error.cause, Cause::CutShort { received_bytes: 10, expected_bytes: Some(38), .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_body_that_is_too_long_never_hands_out_more_than_the_record_says() {
    let transfer = whole(|| Reply::raw("200 OK", [FILE, b"and more"].concat(), Then::Hold)).await;
    assert!(transfer.bytes.len() <= FILE.len());
    failed(&transfer.end.unwrap_err(), FailureKind::TooLong, false);
}

#[tokio::test]
async fn a_content_length_that_lies_is_found_before_a_byte_is_taken() {
    let longer = error_of(|| Reply::raw("200 OK\nContent-Length: 100", [0; 100], Then::Listen)).await;
    failed(&longer, FailureKind::TooLong, false);
    let shorter = error_of(|| Reply::raw("200 OK\nContent-Length: 10", FILE, Then::Close)).await;
    failed(&shorter, FailureKind::CutShort, true);
    assert!(matches!(*shorter.cause, Cause::CutShort { received_bytes: 10, .. }), "{shorter:?}");
}

#[tokio::test]
async fn a_gzipped_file_is_refused_and_never_unpacked() {
    for encoding in ["gzip", "br", "identity, gzip"] {
        let error = error_of(move || Reply::proper(&format!("200 OK\nContent-Encoding: {encoding}"), FILE)).await;
        failed(&error, FailureKind::Encoded, false);
        assert!(error.to_string().contains(encoding), "{error}");
    }
    whole(|| Reply::proper("200 OK\nContent-Encoding: identity", FILE)).await.end.unwrap();
}

#[tokio::test]
async fn a_body_that_stops_coming_is_stalled_and_keeps_what_came() {
    let server = ScriptedServer::new(|_| Reply::raw("200 OK\nContent-Length: 38", &FILE[..10], Then::Hold));
    let transfer = transfer(&server.impatient(), 0).await.unwrap();
    assert_eq!(transfer.bytes, FILE[..10]);
    let error = transfer.end.unwrap_err();
    failed(&error, FailureKind::Stalled, true);
    assert!(matches!(*error.cause, Cause::Stalled { received_bytes: 10, .. }), "{error:?}");
}

#[tokio::test]
async fn a_body_that_crawls_for_ever_is_stalled_too() {
    let server = ScriptedServer::new(|_| Reply::raw("200 OK\nContent-Length: 1000000", "", Then::Drip));
    let source = server.impatient();
    let mut download =
        source.download(&booking("B-1"), ByteCount(1_000_000), &sha256(FILE), ByteCount(0)).await.unwrap();
    let error = loop {
        match download.chunk().await {
            Ok(chunk) => assert!(chunk.is_some()),
            Err(error) => break error,
        }
    };
    failed(&error, FailureKind::Stalled, true);
}

#[tokio::test]
async fn an_answer_that_never_begins_is_that_files_stall() {
    let server = ScriptedServer::new(|_| Reply::silence());
    let error = transfer(&server.impatient(), 0).await.err().unwrap();
    failed(&error, FailureKind::Stalled, true);
}

#[tokio::test]
async fn a_redirect_within_the_origin_keeps_the_range() {
    let server = ScriptedServer::new(|head| {
        if head.starts_with("get /v1/") {
            return Reply::proper("302 Found\nLocation: /files/B-1", "");
        }
        part("4-37/38", &FILE[4..])
    });
    let transfer = transfer(&server.source(), 4).await.unwrap();
    assert_eq!(transfer.starts_at, 4);
    transfer.end.unwrap();
}
