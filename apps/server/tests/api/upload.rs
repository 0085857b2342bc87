//! Creating, uploading, signing off.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use strongroom_model::wire::ServerState;
use strongroom_model::{Algorithm, ByteCount, Digest};

use super::rig::{Rig, problem};

#[tokio::test]
async fn a_booking_is_created_once() {
    let rig = Rig::start().await;
    let created = rig.post("/v1/bookings", &json!({"id": "B-1"})).await;
    assert_eq!(created.status(), StatusCode::CREATED);
    assert_eq!(created.headers()["location"], "/v1/bookings/B-1");
    assert_eq!(rig.post("/v1/bookings", &json!({"id": "B-1"})).await.status(), StatusCode::OK);
    rig.put("B-1", "a.pdf", "a").await;
    problem(rig.post("/v1/bookings", &json!({"id": "B-1"})).await, StatusCode::CONFLICT, "conflict").await;

    let made: Value = rig.post("/v1/bookings", &json!({})).await.json().await.unwrap();
    assert_eq!(rig.info(made["id"].as_str().unwrap()).await.state, ServerState::Created);
    problem(rig.post("/v1/bookings", &json!({"id": "../x"})).await, StatusCode::BAD_REQUEST, "bad-id").await;
}

#[tokio::test]
async fn an_upload_may_be_repeated_and_replaced_until_it_is_signed_off() {
    let rig = Rig::start().await;
    rig.post("/v1/bookings", &json!({"id": "B-1"})).await;
    assert_eq!(rig.put("B-1", "a.pdf", "first").await.status(), StatusCode::CREATED);
    assert_eq!(rig.put("B-1", "a.pdf", "first").await.status(), StatusCode::OK);
    assert_eq!(rig.files(), ["uploads/B-1/a.pdf"]);
    assert_eq!(rig.put("B-1", "a.pdf", "second").await.status(), StatusCode::CREATED);
    assert_eq!(rig.files(), ["uploads/B-1/a (2).pdf"]);
    assert_eq!(rig.put("B-1", "b.pdf", "third").await.status(), StatusCode::CREATED);
    assert_eq!(rig.files(), ["uploads/B-1/b.pdf"]);

    let sign = || rig.post("/v1/bookings/B-1/sign-off", &Value::Null);
    let first = sign().await.json::<Value>().await.unwrap();
    rig.clock.advance(std::time::Duration::from_secs(60));
    assert_eq!(sign().await.json::<Value>().await.unwrap(), first);
    assert_eq!(rig.put("B-1", "b.pdf", "third").await.status(), StatusCode::OK);
    let detail = problem(rig.put("B-1", "b.pdf", "fourth").await, StatusCode::CONFLICT, "conflict").await;
    assert!(detail.contains("is signed off"), "{detail}");
    assert_eq!(rig.files(), ["uploads/B-1/b.pdf"]);
}

#[tokio::test]
async fn a_lost_file_is_taken_again_but_only_the_recorded_one() {
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", b"right").await;
    std::fs::remove_file(rig.file("uploads/B-1/a.pdf")).unwrap();
    problem(rig.put("B-1", "a.pdf", "wrong").await, StatusCode::CONFLICT, "conflict").await;
    assert_eq!(rig.put("B-1", "a.pdf", "right").await.status(), StatusCode::CREATED);
    assert_eq!(rig.get("/v1/bookings/B-1/timesheet").await.bytes().await.unwrap(), "right");

    // One that rotted is left where it is, for whoever wants to look at it.
    std::fs::write(rig.file("uploads/B-1/a.pdf"), "rotte").unwrap();
    assert_eq!(rig.put("B-1", "a.pdf", "right").await.status(), StatusCode::CREATED);
    assert_eq!(rig.get("/v1/bookings/B-1/timesheet").await.bytes().await.unwrap(), "right");
    assert_eq!(rig.info("B-1").await.state, ServerState::SignedOff);
    assert_eq!(rig.files(), ["uploads/B-1/a (2).pdf", "uploads/B-1/a.pdf"]);
}

#[tokio::test]
async fn what_cannot_be_uploaded_is_refused_and_leaves_nothing() {
    let rig = Rig::with(|settings| settings.limits.upload = ByteCount(1000)).await;
    problem(rig.put("B-1", "a.pdf", "x").await, StatusCode::NOT_FOUND, "unknown-booking").await;
    problem(rig.post("/v1/bookings/B-1/sign-off", &Value::Null).await, StatusCode::NOT_FOUND, "unknown-booking").await;
    rig.post("/v1/bookings", &json!({"id": "B-1"})).await;
    let detail =
        problem(rig.post("/v1/bookings/B-1/sign-off", &Value::Null).await, StatusCode::CONFLICT, "conflict").await;
    assert!(detail.contains("upload it first"), "{detail}");
    problem(rig.put("B-1", "", "x").await, StatusCode::BAD_REQUEST, "bad-filename").await;
    problem(rig.put("B-1", &"x".repeat(1025), "x").await, StatusCode::BAD_REQUEST, "bad-filename").await;
    problem(rig.put("B-1", "a", vec![0; 1001]).await, StatusCode::PAYLOAD_TOO_LARGE, "too-large").await;
    // Without a length, it is only known once too much has come.
    let pieces = futures_util::stream::iter((0..11).map(|_| Ok::<_, std::io::Error>(vec![0_u8; 100])));
    let body = reqwest::Body::wrap_stream(pieces);
    problem(rig.put("B-1", "a", body).await, StatusCode::PAYLOAD_TOO_LARGE, "too-large").await;
    problem(
        rig.request(Method::PUT, "/v1/bookings/B-1/timesheet").body("x").send().await.unwrap(),
        StatusCode::BAD_REQUEST,
        "bad-query",
    )
    .await;
    assert!(rig.files().is_empty());
    assert_eq!(rig.info("B-1").await.state, ServerState::Created);
    assert_eq!(rig.put("B-1", "a", vec![0; 1000]).await.status(), StatusCode::CREATED);
}

#[tokio::test]
async fn an_announced_digest_is_compared_with_what_comes() {
    let rig = Rig::start().await;
    rig.post("/v1/bookings", &json!({"id": "B-1"})).await;
    let put = |name: &'static str, value: String| {
        let request = rig.request(Method::PUT, "/v1/bookings/B-1/timesheet?filename=a.pdf");
        request.header(name, value).body("hours").send()
    };
    let encoded = |bytes: &[u8]| data_encoding::BASE64.encode(Digest::of(Algorithm::Sha256, bytes).value());
    let wrong = format!("sha-256=:{}:", encoded(b"other"));
    let response = put("Content-Digest", wrong).await.unwrap();
    problem(response, StatusCode::UNPROCESSABLE_ENTITY, "wrong-digest").await;
    for bad in ["sha-256=abc", "sha-256=:abc:", "sha-256=:AAAA:"] {
        let response = put("Repr-Digest", bad.to_owned()).await.unwrap();
        problem(response, StatusCode::BAD_REQUEST, "bad-digest").await;
    }
    problem(put("Content-Encoding", "gzip".to_owned()).await.unwrap(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded")
        .await;
    assert!(rig.files().is_empty());
    let right = format!("crc32c=:AAAA:, sha-256=:{}:", encoded(b"hours"));
    assert_eq!(put("Repr-Digest", right).await.unwrap().status(), StatusCode::CREATED);
}

#[tokio::test]
async fn two_uploads_at_once_end_with_one_timesheet() {
    let rig = Rig::start().await;
    rig.post("/v1/bookings", &json!({"id": "B-1"})).await;
    let uploads = (0..8).map(|n| rig.put("B-1", "a.pdf", format!("version {n}").repeat(10_000)));
    let statuses: Vec<_> = futures_util::future::join_all(uploads).await.into_iter().map(|r| r.status()).collect();
    assert!(statuses.contains(&StatusCode::CREATED), "{statuses:?}");
    assert!(statuses.iter().all(|status| [StatusCode::CREATED, StatusCode::CONFLICT].contains(status)), "{statuses:?}");
    assert_eq!(rig.files().len(), 1);
    let digest = rig.info("B-1").await.timesheet.unwrap().digest;
    let bytes = rig.get("/v1/bookings/B-1/timesheet").await.bytes().await.unwrap();
    assert_eq!(Digest::of(Algorithm::Sha256, &bytes).to_string(), digest);
}

#[tokio::test]
async fn r9_names_never_become_paths() {
    let rig = Rig::start().await;
    let long = "x".repeat(300);
    let names = [
        "../../etc/passwd",
        "/etc/passwd",
        "a\0b",
        "a\nb",
        &long,
        "CON",
        "a.",
        "FILE",
        "file",
        "\u{202e}fdp.exe",
        "<img src=x>",
        ".strongroom",
        "..",
    ];
    for (n, name) in names.iter().enumerate() {
        let id = format!("B-{n}");
        let info = rig.booking(&id, name, name.as_bytes()).await;
        let timesheet = info.timesheet.unwrap();
        assert_eq!(timesheet.filename, *name);
        assert!(timesheet.path.starts_with(&format!("uploads/{id}/")), "{}", timesheet.path);
        assert_eq!(rig.get(&format!("/v1/bookings/{id}/timesheet")).await.bytes().await.unwrap(), name.as_bytes());
    }
    assert_eq!(rig.files().len(), names.len());
}
