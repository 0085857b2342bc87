//! Several servers of one document root, as while a host is upgraded; and Postgres going
//! away and coming back.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use strongroom_model::wire::{AnswerOutcome, ServerState};
use strongroom_server::{Server, StoreError, Unusable};
use strongroom_service::Clock;
use strongroom_service::config::ServiceUrl;

use super::kill::die;
use super::rig::{Rig, START, wait_until};

/// Another server of the same document root, which looks for what others left all the time.
async fn beside(rig: &Rig) -> Rig {
    Rig::reopen_with(rig.dir.path(), |settings| settings.reconcile_every = Duration::from_millis(50)).await
}

#[tokio::test]
async fn two_servers_move_and_purge_each_file_once() {
    let one = Rig::start().await;
    let two = beside(&one).await;
    let ids: Vec<String> = (0..30).map(|number| format!("B-{number}")).collect();
    for (number, id) in ids.iter().enumerate() {
        let rig = [&one, &two][number % 2];
        rig.booking(id, "a.pdf", id.as_bytes()).await;
        rig.mark_one(id).await;
        rig.mark_one(id).await;
    }
    let named: Vec<&str> = ids.iter().map(String::as_str).collect();
    // Each retries until all are moved; the second may have to wait.
    let move_all = async |rig: &Rig| {
        loop {
            let answers = rig.move_to_archived(&named).await;
            let refused: Vec<_> = answers.iter().filter_map(|answer| answer.reason.as_deref()).collect();
            assert!(refused.iter().all(|why| why.contains("retry in a moment")), "{refused:?}");
            if refused.is_empty() {
                return answers;
            }
        }
    };
    let (first, second) = tokio::join!(move_all(&one), move_all(&two));
    for (first, second) in first.iter().zip(&second) {
        assert_eq!((&first.path, first.month), (&second.path, second.month));
    }
    assert_eq!(one.files().len(), ids.len());

    assert_eq!(one.propose("p-1", &named).await.status(), StatusCode::CREATED);
    assert_eq!(one.approve("p-1").await.status(), StatusCode::CREATED);
    let purge_all = async |rig: &Rig| {
        while rig.run_purge("p-1", &named).await.iter().any(|answer| answer.outcome == AnswerOutcome::Refused) {}
    };
    tokio::join!(purge_all(&one), purge_all(&two));
    assert!(one.files().is_empty());
    for id in &ids {
        assert_eq!(two.info(id).await.state, ServerState::Purged);
    }
}

#[tokio::test]
async fn uploads_for_one_booking_through_two_servers_end_with_one_timesheet() {
    let one = Rig::start().await;
    let two = beside(&one).await;
    one.post("/v1/bookings", &json!({"id": "B-1"})).await;
    let uploads = (0..16).map(|number| {
        let rig = [&one, &two][number % 2];
        rig.put("B-1", "a.pdf", format!("version {number}").repeat(10_000))
    });
    futures_util::future::join_all(uploads).await;
    while !one.put("B-1", "a.pdf", "the last").await.status().is_success() {}
    assert_eq!(two.get("/v1/bookings/B-1/timesheet").await.bytes().await.unwrap(), "the last");
    // What was replaced is deleted right away, or by whoever finds it left over.
    wait_until("one file is left", async || one.files().len() == 1).await;
}

#[tokio::test]
async fn a_server_finishes_what_another_one_dies_at() {
    for point in ["after-intent", "after-rename:2", "after-sync"] {
        let one = Rig::start().await;
        let survivor = beside(&one).await;
        for id in ["B-0", "B-1", "B-2"] {
            survivor.booking(id, "a.pdf", id.as_bytes()).await;
            survivor.mark_one(id).await;
        }
        // On a thread of its own: the survivor works on this one.
        let dir = one.dir.path().to_owned();
        tokio::task::spawn_blocking(move || die(&dir, "move", &format!("server.{point}"))).await.unwrap();
        for id in ["B-0", "B-1", "B-2"] {
            wait_until("the survivor finishes it", async || survivor.info(id).await.state == ServerState::Archived)
                .await;
            let content = survivor.get(&format!("/v1/bookings/{id}/timesheet")).await;
            assert_eq!(content.bytes().await.unwrap(), id, "{point}");
        }
        assert_eq!(survivor.files().len(), 3, "{point}");
    }
}

/// On a share, another host's locks may not be seen: then the database tells who is at work.
#[tokio::test]
async fn a_start_leaves_a_live_server_alone_whose_lock_it_cannot_see() {
    let one = Rig::start().await;
    one.post("/v1/bookings", &json!({"id": "B-1"})).await;
    let (sender, receiver) = tokio::sync::mpsc::channel::<Result<Vec<u8>, std::io::Error>>(1);
    let body = futures_util::stream::unfold(receiver, async |mut receiver| Some((receiver.recv().await?, receiver)));
    let request = one.request(Method::PUT, "/v1/bookings/B-1/timesheet?filename=a.pdf");
    let upload = tokio::spawn(request.body(reqwest::Body::wrap_stream(body)).send());
    sender.send(Ok(b"first half, ".to_vec())).await.unwrap();
    wait_until("it comes", async || one.files().iter().any(|file| file.ends_with(".part"))).await;

    for session in std::fs::read_dir(one.file(".strongroom/sessions")).unwrap() {
        let lock = session.unwrap().path().join("lock");
        std::fs::remove_file(&lock).unwrap();
        std::fs::write(lock, "").unwrap();
    }
    let two = beside(&one).await;
    sender.send(Ok(b"second half".to_vec())).await.unwrap();
    drop(sender);
    assert_eq!(upload.await.unwrap().unwrap().status(), StatusCode::CREATED);
    let content = two.get("/v1/bookings/B-1/timesheet").await;
    assert_eq!(content.bytes().await.unwrap(), "first half, second half");
}

#[tokio::test]
async fn a_server_outlives_a_restart_of_postgres() {
    let postgres = strongroom_servers::Postgres::start();
    let database = ServiceUrl::database(&postgres.database().url).unwrap();
    let rig = Rig::with(|settings| settings.database = strongroom_server::Database::Postgres(database)).await;
    rig.booking("B-1", "a.pdf", b"hours").await;
    postgres.stop();
    let response = rig.get("/v1/bookings/waiting").await;
    let status = response.status();
    let detail: Value = response.json().await.unwrap();
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{detail}");
    assert_eq!(detail["type"], "urn:strongroom:problem:records-away");
    assert_eq!(rig.get("/healthz").await.status(), StatusCode::SERVICE_UNAVAILABLE);
    postgres.start_again();
    wait_until("the server is healthy again", async || rig.get("/healthz").await.status() == StatusCode::OK).await;
    assert_eq!(rig.waiting("").await.waiting, 1);
    rig.mark_one("B-1").await;
    assert_eq!(rig.move_to_archived(&["B-1"]).await[0].outcome, AnswerOutcome::Done);
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_told_with_the_next_step() {
    let database = strongroom_servers::postgres().database();
    let dir = tempfile::tempdir().unwrap();
    for (url, parts) in [
        (database.url_as("nobody"), &["refuses the user nobody", "check the URL's user and password"][..]),
        (database.url.replace(&database.name, "nowhere"), &["there is no database nowhere at 127.0.0.1", "createdb"]),
        ("postgres://me:hunter2@127.0.0.1:1/x".to_owned(), &["cannot reach", "check that Postgres runs there"]),
    ] {
        let mut settings = Rig::settings_of(dir.path());
        settings.database = strongroom_server::Database::Postgres(ServiceUrl::database(&url).unwrap());
        let error = Server::start(settings, Clock::manual(START.parse().unwrap())).await.unwrap_err();
        let detail = error.to_string();
        assert!(parts.iter().all(|part| detail.contains(part)), "{detail}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_user_who_may_not_make_the_schema_is_told_so_and_one_who_owns_it_needs_no_more() {
    let database = strongroom_servers::postgres().database();
    let user = format!("user_of_{}", database.name);
    let _ = database.query(&format!("CREATE ROLE {user} LOGIN"));
    let url = ServiceUrl::database(&database.url_as(&user)).unwrap();
    let open = async || strongroom_server::Store::open(strongroom_server::Database::Postgres(url.clone())).await;
    let error = open().await.unwrap_err();
    assert!(matches!(error, StoreError::Postgres { why: Unusable::NoSchema, .. }), "{error}");
    let _ = database.query(&format!("CREATE SCHEMA strongroom_server AUTHORIZATION {user}"));
    open().await.unwrap().close().await;
    // Of a newer version.
    let _ = database
        .query("INSERT INTO strongroom_server._sqlx_migrations VALUES (9999, 'later', now(), true, '\\x00', 0)");
    let error = open().await.unwrap_err().to_string();
    assert!(error.contains("it may be of a newer version of strongroom"), "{error}");
}
