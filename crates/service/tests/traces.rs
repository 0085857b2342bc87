//! Traces reach a collector, and a collector that is away costs nothing. It is this very test
//! program that is traced: telemetry is set up once in a process.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::Uri;
use strongroom_service::telemetry::{self, ServiceIdentity};
use strongroom_service::{Config, trace};
use tokio::sync::mpsc;

const SENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// Harmless by itself: it does nothing without a collector. The tests below let another process
/// run only this one, with theirs.
#[tokio::test]
async fn works_and_is_traced() {
    let Ok(collector) = std::env::var("STRONGROOM_TEST_COLLECTOR") else { return };
    let text = format!("site = \"harbour\"\n[telemetry]\nlevel = \"warn\"\notlp_endpoint = \"{collector}\"");
    let config = Config::from_text(&text, Path::new(".")).unwrap();
    let traces = telemetry::init_as(&config.telemetry, &ServiceIdentity { verb: "fetch", site: &config.site }).unwrap();
    for number in 0..1000 {
        let span = tracing::debug_span!(target: "strongroom_test", "fetching", number);
        trace::follow(&span, SENT);
        span.in_scope(|| ());
    }
    tracing::info_span!(target: "some_library", "hidden").in_scope(|| ());
    traces.flush().await;
}

fn traced(collector: &str) -> (Output, Duration) {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "works_and_is_traced", "--nocapture"]).env("STRONGROOM_TEST_COLLECTOR", collector);
    for proxy in ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "RUST_LOG"] {
        command.env_remove(proxy);
    }
    let began = Instant::now();
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (output, began.elapsed())
}

fn holds(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_the_collector_with_who_sent_them_and_what_they_follow() {
    let (sender, mut received) = mpsc::unbounded_channel();
    let record = move |address: Uri, body: Bytes| async move { sender.send((address.to_string(), body)).unwrap() };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let collector = format!("http://{}", listener.local_addr().unwrap());
    let serving = tokio::spawn(axum::serve(listener, Router::new().fallback(record)).into_future());
    let (output, _) = tokio::task::spawn_blocking(move || traced(&collector)).await.unwrap();
    let mut bodies = Vec::new();
    while let Ok((address, body)) = received.try_recv() {
        assert_eq!(address, "/v1/traces");
        bodies.extend_from_slice(&body);
    }
    for part in ["strongroom-fetch", "strongroom.site", "harbour", "fetching"] {
        assert!(holds(&bodies, part.as_bytes()), "{part}");
    }
    assert!(holds(&bodies, &0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes()), "the trace's id");
    assert!(!holds(&bodies, b"hidden"), "a library's spans are not ours to tell");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!said.contains("the collector"), "{said}");
    serving.abort();
}

#[test]
fn a_collector_that_is_away_is_said_once_and_delays_nothing() {
    // A port that nobody listens on: it was free a moment ago.
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (output, _) = traced(&format!("http://{free}"));
    let said = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.matches("the collector does not take traces").count(), 1, "{said}");
    assert!(!said.to_lowercase().contains("batchspanprocessor"), "{said}");
}

#[test]
fn a_collector_that_never_answers_holds_up_the_end_for_a_bounded_time() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let (_, took) = traced(&format!("http://{}", silent.local_addr().unwrap()));
    assert!(took < Duration::from_secs(60), "{took:?}");
}
