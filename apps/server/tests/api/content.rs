//! Downloads.

use std::sync::Arc;

use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use strongroom_model::{Algorithm, Digest};
use strongroom_server::TransferCut;

use super::rig::{Rig, problem};

const PATH: &str = "/v1/bookings/B-1/timesheet";

/// Bytes of which no two neighbouring pieces are alike.
fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8 ^ (at / 251) as u8).collect()
}

async fn ranged(rig: &Rig, range: &str, if_range: Option<&str>) -> Response {
    let mut request = rig.request(Method::GET, PATH).header("Range", range);
    if let Some(tag) = if_range {
        request = request.header("If-Range", tag);
    }
    request.send().await.unwrap()
}

#[tokio::test]
async fn a_file_comes_whole_with_its_digest_and_harmless_headers() {
    for size in [0, 1, 256 << 10, (256 << 10) + 1, (1 << 20) + 7] {
        let rig = Rig::start().await;
        let body = bytes(size);
        rig.booking("B-1", "Übersicht.html", &body).await;
        let response = rig.get(PATH).await;
        assert_eq!(response.status(), StatusCode::OK);
        let headers = response.headers().clone();
        let digest = Digest::of(Algorithm::Sha256, &body);
        let base64 = data_encoding::BASE64.encode(digest.value());
        for (name, value) in [
            ("etag", format!("\"sha256-{}\"", digest.hex())),
            ("repr-digest", format!("sha-256=:{base64}:")),
            ("content-length", size.to_string()),
            ("content-type", "application/octet-stream".to_owned()),
            (
                "content-disposition",
                "attachment; filename=\"_bersicht.html\"; filename*=UTF-8''%C3%9Cbersicht.html".to_owned(),
            ),
            ("x-content-type-options", "nosniff".to_owned()),
            ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox".to_owned()),
            ("accept-ranges", "bytes".to_owned()),
        ] {
            assert_eq!(headers[name], value, "{name} of {size} bytes");
        }
        assert!(!headers.contains_key("content-encoding"));
        assert!(response.bytes().await.unwrap() == body, "{size} bytes");

        let head = rig.request(Method::HEAD, PATH).header("Range", "bytes=0-0").send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        assert_eq!(head.headers()["content-length"], size.to_string());
        assert_eq!(head.headers()["etag"], headers["etag"]);
    }
}

#[tokio::test]
async fn a_range_is_answered_with_that_part() {
    let rig = Rig::start().await;
    let body = bytes((1 << 20) + 7);
    let size = body.len();
    rig.booking("B-1", "a.pdf", &body).await;
    for (range, first, last) in [
        ("bytes=0-0", 0, 0),
        ("bytes=5-", 5, size - 1),
        ("bytes=-7", size - 7, size - 1),
        ("bytes=262143-262144", 262_143, 262_144),
        ("bytes=1000-600000", 1000, 600_000),
        ("bytes=1048576-9999999999", 1 << 20, size - 1),
    ] {
        let response = ranged(&rig, range, None).await;
        assert_eq!(response.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(response.headers()["content-range"], format!("bytes {first}-{last}/{size}"));
        assert_eq!(response.headers()["content-length"], (last - first + 1).to_string());
        assert!(response.bytes().await.unwrap() == body[first..=last], "{range}");
    }
    for range in ["bytes=0-1,5-6", "bytes=9-3", "pages=1-2"] {
        let response = ranged(&rig, range, None).await;
        assert_eq!(response.status(), StatusCode::OK, "{range}");
        assert_eq!(response.bytes().await.unwrap().len(), size);
    }
    for range in [format!("bytes={size}-"), "bytes=-0".to_owned()] {
        let response = ranged(&rig, &range, None).await;
        assert_eq!(response.headers()["content-range"], format!("bytes */{size}"));
        problem(response, StatusCode::RANGE_NOT_SATISFIABLE, "out-of-range").await;
    }
}

#[tokio::test]
async fn a_part_is_only_given_of_the_file_that_the_client_means() {
    let rig = Rig::start().await;
    rig.booking("B-1", "a.pdf", b"0123456789").await;
    let etag = format!("\"sha256-{}\"", Digest::of(Algorithm::Sha256, b"0123456789").hex());
    let part = ranged(&rig, "bytes=4-", Some(&etag)).await;
    assert_eq!((part.status(), part.bytes().await.unwrap().as_ref()), (StatusCode::PARTIAL_CONTENT, &b"456789"[..]));
    for other in ["\"sha256-00\"", &format!("W/{etag}"), "Fri, 20 Nov 2026 12:00:00 GMT"] {
        let whole = ranged(&rig, "bytes=4-", Some(other)).await;
        assert_eq!((whole.status(), whole.bytes().await.unwrap().len()), (StatusCode::OK, 10), "{other}");
    }
    let with = |name: &'static str, value: String| rig.request(Method::GET, PATH).header(name, value).send();
    let unchanged = with("If-None-Match", etag.clone()).await.unwrap();
    assert_eq!((unchanged.status(), &unchanged.headers()["etag"]), (StatusCode::NOT_MODIFIED, &etag.parse().unwrap()));
    assert_eq!(with("If-Match", etag).await.unwrap().status(), StatusCode::OK);
    problem(with("If-Match", "\"x\"".to_owned()).await.unwrap(), StatusCode::PRECONDITION_FAILED, "changed").await;
}

#[tokio::test]
async fn r9_a_hostile_name_adds_no_header() {
    let rig = Rig::start().await;
    let hostile = "a\r\nSet-Cookie: stolen=1\r\n\r\n<script>\"\0\u{202e}fdp.exe";
    rig.booking("B-1", hostile, b"x").await;
    let response = rig.get(PATH).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(!response.headers().contains_key("set-cookie"));
    assert_eq!(response.bytes().await.unwrap(), "x");
    // The name itself is kept as it came.
    assert_eq!(rig.info("B-1").await.timesheet.unwrap().filename, hostile);
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    let rig = Rig::start().await;
    rig.post("/v1/bookings", &json!({"id": "B-1"})).await;
    problem(rig.get(PATH).await, StatusCode::CONFLICT, "no-timesheet").await;
    rig.put("B-1", "a.pdf", "x").await;
    std::fs::remove_file(rig.file("uploads/B-1/a.pdf")).unwrap();
    let detail = problem(rig.get(PATH).await, StatusCode::NOT_FOUND, "file-missing").await;
    assert!(detail.contains("uploads/B-1/a.pdf"), "{detail}");
    // A link in the file's place is not followed.
    std::os::unix::fs::symlink("/etc/hostname", rig.file("uploads/B-1/a.pdf")).unwrap();
    problem(rig.get(PATH).await, StatusCode::INTERNAL_SERVER_ERROR, "file-unreadable").await;
}

/// The record stays what was uploaded: whoever compares digests finds the difference.
#[tokio::test]
async fn a_file_that_changed_behind_our_back_is_sent_as_it_is_with_the_recorded_digest() {
    let rig = Rig::start().await;
    let uploaded = bytes(600_000);
    rig.booking("B-1", "a.pdf", &uploaded).await;
    std::fs::write(rig.file("uploads/B-1/a.pdf"), &uploaded[..400_000]).unwrap();
    let response = rig.get(PATH).await;
    assert_eq!(response.headers()["content-length"], "400000");
    assert_eq!(response.headers()["etag"], format!("\"sha256-{}\"", Digest::of(Algorithm::Sha256, &uploaded).hex()));
    assert!(response.bytes().await.unwrap() == uploaded[..400_000]);
}

#[tokio::test]
async fn one_transfer_is_cut_and_only_once() {
    let cut = Arc::new(TransferCut::of(&"B-2".parse().unwrap(), 300 << 10));
    let rig = Rig::with(|settings| settings.cut = Some(Arc::clone(&cut))).await;
    let body = bytes(1 << 20);
    for id in ["B-1", "B-2"] {
        rig.booking(id, "a.pdf", &body).await;
    }
    assert_eq!(rig.get(PATH).await.bytes().await.unwrap(), body);
    assert!(!cut.is_done());
    let mut answer = rig.get("/v1/bookings/B-2/timesheet").await;
    let mut came = Vec::new();
    while let Ok(Some(chunk)) = answer.chunk().await {
        came.extend_from_slice(&chunk);
    }
    assert_eq!(came, body[..300 << 10]);
    assert!(cut.is_done());
    assert_eq!(rig.get("/v1/bookings/B-2/timesheet").await.bytes().await.unwrap(), body);
}
