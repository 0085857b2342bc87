//! What a client may not do: too much, too slowly, or nonsense.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use strongroom_model::ByteCount;
use strongroom_server::{ServeError, Server};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::rig::{PATIENCE, Rig, problem, wait_until};

#[tokio::test]
async fn every_refusal_is_a_problem() {
    let rig = Rig::with(|settings| settings.limits.body = ByteCount(1000)).await;
    problem(rig.get("/nowhere").await, StatusCode::NOT_FOUND, "unknown-path").await;
    problem(rig.get("/v1/marks/").await, StatusCode::NOT_FOUND, "unknown-path").await;
    let response = rig.get("/v1/marks").await;
    assert_eq!(response.headers()["allow"], "POST");
    problem(response, StatusCode::METHOD_NOT_ALLOWED, "unknown-method").await;
    let response = rig.request(Method::DELETE, "/v1/bookings/B-1/timesheet").send().await.unwrap();
    let allowed = response.headers()["allow"].to_str().unwrap().to_owned();
    assert!(allowed.contains("GET") && allowed.contains("PUT") && allowed.contains("HEAD"), "{allowed}");
    problem(response, StatusCode::METHOD_NOT_ALLOWED, "unknown-method").await;

    let ids = json!({"ids": ["x".repeat(1001)]});
    problem(rig.post("/v1/moves", &ids).await, StatusCode::PAYLOAD_TOO_LARGE, "bad-body").await;
    for (body, status) in [
        ("{", StatusCode::BAD_REQUEST),
        ("{\"ids\": 1}", StatusCode::UNPROCESSABLE_ENTITY),
        ("[]", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        let request = rig.request(Method::POST, "/v1/moves").header("content-type", "application/json");
        problem(request.body(body).send().await.unwrap(), status, "bad-body").await;
    }
    let response = rig.request(Method::POST, "/v1/moves").body("{}").send().await.unwrap();
    problem(response, StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad-body").await;
}

#[tokio::test]
async fn an_upload_that_is_cut_leaves_nothing() {
    let rig = Rig::start().await;
    rig.post("/v1/bookings", &json!({"id": "B-1"})).await;
    let mut stream = TcpStream::connect(rig.server.local_addr()).await.unwrap();
    let head = format!(
        "PUT /v1/bookings/B-1/timesheet?filename=a.pdf HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 1000000\r\n\r\n",
        rig.admin
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&vec![7; 600_000]).await.unwrap();
    // Wait until the server has begun to write, so that there is something to leave.
    wait_until("it comes", async || rig.files().iter().any(|name| name.ends_with(".part"))).await;
    drop(stream);
    wait_until("it is gone", async || rig.files().is_empty()).await;
    assert_eq!(rig.info("B-1").await.state, strongroom_model::wire::ServerState::Created);
    assert_eq!(rig.put("B-1", "a.pdf", "whole").await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn a_body_that_stalls_is_given_up() {
    let rig = Rig::with(|settings| settings.limits.stall = Duration::from_millis(200)).await;
    rig.post("/v1/bookings", &json!({"id": "B-1"})).await;
    let head = format!(
        "PUT /v1/bookings/B-1/timesheet?filename=a.pdf HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Length: 10\r\n\r\nhalf",
        rig.admin
    );
    let answer = rig.exchange(head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("urn:strongroom:problem:cut-short"), "{answer}");
    assert!(rig.files().is_empty());
}

#[tokio::test]
async fn a_head_that_does_not_come_is_given_up() {
    let rig = Rig::with(|settings| settings.limits.head = Duration::from_millis(200)).await;
    rig.exchange(b"GET /healthz HTTP/1.1\r\nHost:").await;
    rig.exchange(b"").await;
}

#[tokio::test]
async fn nonsense_is_answered_and_the_server_goes_on() {
    let rig = Rig::start().await;
    for nonsense in [&b"\x16\x03\x01\x02\x00\x01"[..], b"GARBAGE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"] {
        let answer = rig.exchange(nonsense).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    }
    let huge = format!("GET /healthz HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    assert!(rig.exchange(huge.as_bytes()).await.starts_with("HTTP/1.1 431"));
    assert_eq!(rig.get("/healthz").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn connections_that_say_nothing_keep_nobody_waiting() {
    let rig = Rig::with(|settings| {
        settings.limits.connections = 4;
        settings.limits.peer_connections = 4;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..40 {
        silent.push(TcpStream::connect(rig.server.local_addr()).await.unwrap());
    }
    let began = std::time::Instant::now();
    for _ in 0..5 {
        assert_eq!(super::rig::client().get(format!("{}/healthz", rig.server.url())).send().await.unwrap().status(), 200);
        assert_eq!(rig.get("/v1/bookings/waiting").await.status(), StatusCode::OK);
    }
    assert!(began.elapsed() < rig.documents().settings().limits.head, "it waited until a silent one was given up");
}

#[tokio::test]
async fn where_every_connection_is_at_work_health_is_answered_and_others_are_told() {
    let rig = Rig::with(|settings| {
        settings.limits.connections = 2;
        settings.limits.peer_connections = 2;
    })
    .await;
    let url = |path: &str| format!("{}{path}", rig.server.url());
    let upload = async |id: &str| {
        let mut stream = TcpStream::connect(rig.server.local_addr()).await.unwrap();
        let head = format!(
            "PUT /v1/bookings/{id}/timesheet?filename=a.pdf HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
             Content-Length: 2000000\r\n\r\n",
            rig.admin
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&vec![7; 600_000]).await.unwrap();
        stream
    };
    for id in ["B-1", "B-2"] {
        rig.post("/v1/bookings", &json!({"id": id})).await;
    }
    // Both places are busy with bodies that do not end.
    let _uploads = (upload("B-1").await, upload("B-2").await);
    wait_until("both come", async || rig.files().iter().filter(|name| name.ends_with(".part")).count() == 2).await;
    let response = super::rig::client().get(url("/v1/bookings")).bearer_auth(&rig.admin).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    problem(response, StatusCode::SERVICE_UNAVAILABLE, "too-many-connections").await;
    assert_eq!(super::rig::client().get(url("/healthz")).send().await.unwrap().status(), StatusCode::OK);
}

#[tokio::test]
async fn a_stopping_server_finishes_what_is_in_hand() {
    let rig = Rig::start().await;
    let body = vec![7_u8; 8 << 20];
    rig.booking("B-1", "a.pdf", &body).await;
    let mut response = rig.get("/v1/bookings/B-1/timesheet").await;
    let mut came = response.chunk().await.unwrap().unwrap().len();
    let address = rig.server.local_addr();
    let stopping = tokio::spawn(rig.server.stop());
    // It listens no more, but what it began it ends.
    wait_until("it stops listening", async || TcpStream::connect(address).await.is_err()).await;
    while let Some(chunk) = response.chunk().await.unwrap() {
        came += chunk.len();
    }
    assert_eq!(came, body.len());
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_stop_is_bounded_though_a_client_never_ends() {
    let rig = Rig::with(|settings| settings.limits.drain = Duration::from_millis(200)).await;
    rig.booking("B-1", "a.pdf", &vec![7_u8; 32 << 20]).await;
    let _held = rig.get("/v1/bookings/B-1/timesheet").await;
    tokio::time::timeout(PATIENCE, rig.server.stop()).await.expect("it stops within the bound");
}

#[tokio::test]
async fn an_address_is_used_once() {
    let rig = Rig::start().await;
    let other = Rig::start().await;
    let mut settings = other.documents().settings().clone();
    other.server.stop().await;
    settings.documents = other.dir.path().join("other");
    let error = Server::start(settings.clone(), rig.clock.clone()).await.unwrap_err();
    assert!(error.to_string().contains("as the document root: create the folder"), "{error}");
    settings.documents = other.dir.path().join("documents");
    settings.listen = rig.server.local_addr();
    let error = Server::start(settings.clone(), rig.clock.clone()).await.unwrap_err();
    assert!(matches!(error, ServeError::Listen { .. }), "{error}");
    // Once the first is gone, its place is free.
    let rig = rig.restart().await;
    assert_eq!(rig.get("/healthz").await.status(), StatusCode::OK);
}
