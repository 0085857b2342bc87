//! A timesheet is the plain whole file.

use reqwest::{Method, Response, StatusCode};
use strongroom_model::wire::ServerState;

use super::rig::{Rig, problem};

async fn put(rig: &Rig, headers: &[(&str, &str)]) -> Response {
    let request = rig.request(Method::PUT, "/v1/bookings/B-1/timesheet?filename=a.pdf");
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    request.body("hours").send().await.unwrap()
}

async fn created() -> Rig {
    let rig = Rig::start().await;
    rig.post("/v1/bookings", &serde_json::json!({"id": "B-1"})).await;
    rig
}

#[tokio::test]
async fn a_body_that_is_not_the_plain_whole_file_is_refused_and_nothing_is_stored() {
    let rig = created().await;
    for (name, value, status, code) in [
        ("content-range", "bytes 11-21/22", StatusCode::BAD_REQUEST, "not-whole"),
        ("content-range", "bytes 0-4/5", StatusCode::BAD_REQUEST, "not-whole"),
        ("content-range", "nonsense", StatusCode::BAD_REQUEST, "not-whole"),
        ("range", "bytes=0-4", StatusCode::BAD_REQUEST, "not-whole"),
        ("upload-offset", "5", StatusCode::BAD_REQUEST, "not-whole"),
        ("upload-complete", "?0", StatusCode::BAD_REQUEST, "not-whole"),
        ("tus-resumable", "1.0.0", StatusCode::BAD_REQUEST, "not-whole"),
        ("content-encoding", "gzip", StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded"),
        ("content-encoding", "identity, br", StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded"),
        ("content-encoding", "aws-chunked", StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded"),
        ("content-transfer-encoding", "base64", StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded"),
        ("content-type", "multipart/form-data; boundary=x", StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrapped"),
        ("content-type", "Multipart/Byteranges; boundary=x", StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrapped"),
        ("content-type", "application/x-www-form-urlencoded", StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrapped"),
        ("content-type", "message/http", StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrapped"),
        ("content-type", "application/offset+octet-stream", StatusCode::UNSUPPORTED_MEDIA_TYPE, "wrapped"),
        ("content-md5", "1B2M2Y8AsgTpgAmY7PhCfg==", StatusCode::UNPROCESSABLE_ENTITY, "wrong-digest"),
        ("content-md5", "not base64", StatusCode::BAD_REQUEST, "bad-digest"),
        ("digest", "MD5=1B2M2Y8AsgTpgAmY7PhCfg==", StatusCode::UNPROCESSABLE_ENTITY, "wrong-digest"),
        (
            "repr-digest",
            "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:",
            StatusCode::UNPROCESSABLE_ENTITY,
            "wrong-digest",
        ),
        ("content-digest", "sha-256=47DEQpj8HBSa", StatusCode::BAD_REQUEST, "bad-digest"),
        ("content-digest", "sha-512=:AAAA:", StatusCode::BAD_REQUEST, "bad-digest"),
    ] {
        let response = put(&rig, &[(name, value)]).await;
        assert_eq!(response.status(), status, "{name}: {value}");
        problem(response, status, code).await;
        assert!(rig.files().is_empty(), "{name}: {value}");
    }
    assert_eq!(put(&rig, &[("content-type", "a/b"), ("content-type", "c/d")]).await.status(), 415);
    assert_eq!(rig.info("B-1").await.state, ServerState::Created);
}

#[tokio::test]
async fn a_plain_whole_file_is_taken_with_every_digest_that_is_right() {
    let rig = created().await;
    let right = [
        ("content-encoding", "identity"),
        ("content-type", "application/pdf"),
        ("content-md5", "dpFfb+LiiC2IT70NrZ3o4w=="),
        ("content-digest", "crc32c=:AAAAAA==:"),
    ];
    let md5 = data_encoding::BASE64.encode(strongroom_model::Digest::of(strongroom_model::Algorithm::Md5, b"hours").value());
    let right = right.map(|(name, value)| if name == "content-md5" { (name, md5.as_str()) } else { (name, value) });
    assert_eq!(put(&rig, &right).await.status(), StatusCode::CREATED);
    assert_eq!(rig.files(), ["uploads/B-1/a.pdf"]);
}

#[tokio::test]
async fn a_part_of_a_request_is_refused_wherever_it_is_sent() {
    let rig = created().await;
    for path in ["/v1/bookings", "/v1/marks", "/v1/moves", "/v1/bookings/B-1/sign-off"] {
        let request = rig.request(Method::POST, path).header("content-range", "bytes 0-1/9").body("{}");
        let request = request.header("content-type", "application/json");
        problem(request.send().await.unwrap(), StatusCode::BAD_REQUEST, "not-whole").await;
    }
}

#[tokio::test]
async fn a_file_name_that_cannot_be_decoded_is_refused_and_not_lost() {
    let rig = created().await;
    for name in ["caf%E9.pdf", "100%.pdf", "%"] {
        let request = rig.request(Method::PUT, &format!("/v1/bookings/B-1/timesheet?filename={name}"));
        let detail = problem(request.body("hours").send().await.unwrap(), StatusCode::BAD_REQUEST, "bad-query").await;
        assert!(detail.contains("cannot be decoded"), "{detail}");
    }
    let request = rig.request(Method::PUT, "/v1/bookings/B-1/timesheet?filename=caf%C3%A9.pdf");
    assert_eq!(request.body("hours").send().await.unwrap().status(), StatusCode::CREATED);
    assert_eq!(rig.info("B-1").await.timesheet.unwrap().filename, "caf\u{e9}.pdf");
}
