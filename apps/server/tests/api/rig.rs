//! A document server on a loopback port, with a folder and a database of its own:
//! which kind, `sqlite.rs` and `postgres.rs` say.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use strongroom_model::event::ReadBack;
use strongroom_model::wire::{Answer, AnswerOutcome, Answers, BookingInfo, Mark, Waiting};
use strongroom_model::{DriveId, EventId};
use strongroom_server::token::{self, Scope};
use strongroom_server::{Documents, Server, Settings};
use strongroom_service::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// How long a test waits for what a server does by itself.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) async fn wait_until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("it is not so in time: {what}"));
}

pub(crate) const START: &str = "2026-11-20T23:30:00Z";

pub(crate) struct Rig {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) clock: Clock,
    pub(crate) server: Server,
    pub(crate) client: reqwest::Client,
    pub(crate) admin: String,
}

pub(crate) fn client() -> reqwest::Client {
    // Whoever is second finds it installed.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().build().unwrap()
}

impl Rig {
    pub(crate) async fn start() -> Self {
        Self::with(|_| {}).await
    }

    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        // Whoever is second finds it set; what the server logs is shown where a test fails.
        let _ = tracing_subscriber::fmt().with_env_filter("warn").with_test_writer().try_init();
        let dir = tempfile::tempdir().unwrap();
        let mut settings = Self::settings_of(dir.path());
        change(&mut settings);
        Self::open(dir, settings).await
    }

    /// Opens what another rig, or another process, left in a folder. The folder stays.
    #[cfg(feature = "kill-points")]
    pub(crate) async fn reopen(dir: &Path) -> Self {
        Self::reopen_with(dir, |_| {}).await
    }

    #[cfg(feature = "kill-points")]
    pub(crate) async fn reopen_with(dir: &Path, change: impl FnOnce(&mut Settings)) -> Self {
        let mut settings = Self::settings_of(dir);
        change(&mut settings);
        Self::open(tempfile::tempdir().unwrap(), settings).await
    }

    pub(crate) fn settings_of(dir: &Path) -> Settings {
        let documents = dir.join("documents");
        std::fs::create_dir_all(&documents).unwrap();
        let mut settings = Settings::new(documents, super::database(dir));
        settings.listen = "127.0.0.1:0".parse().unwrap();
        settings
    }

    pub(crate) async fn open(dir: tempfile::TempDir, settings: Settings) -> Self {
        let clock = Clock::manual(START.parse().unwrap());
        let server = Server::start(settings, clock.clone()).await.unwrap();
        let (_, secret) = token::create(server.documents().store(), "admin", &[Scope::Admin], &clock).await.unwrap();
        Self { dir, clock, server, client: client(), admin: secret.expose().to_owned() }
    }

    /// Stops the server and starts another on the same files.
    pub(crate) async fn restart(self) -> Self {
        let settings = self.server.documents().settings().clone();
        self.server.stop().await;
        let server = Server::start(settings, self.clock.clone()).await.unwrap();
        Self { server, ..self }
    }

    /// Whether the records are in a file.
    pub(crate) fn is_a_file(&self) -> bool {
        self.documents().settings().database.file().is_some()
    }

    pub(crate) fn documents(&self) -> &Documents {
        self.server.documents()
    }

    pub(crate) fn file(&self, path: &str) -> PathBuf {
        self.documents().settings().documents.join(path)
    }

    /// Sends bytes, and nothing more; gives what comes until the server closes the connection.
    pub(crate) async fn exchange(&self, bytes: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.server.local_addr()).await.unwrap();
        // A reset while we write, or after the answer, is as good as a close.
        drop(stream.write_all(bytes).await);
        let mut answer = Vec::new();
        drop(tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes"));
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) async fn token(&self, scopes: &[Scope]) -> String {
        self.named_token("test", scopes).await
    }

    pub(crate) async fn named_token(&self, name: &str, scopes: &[Scope]) -> String {
        let (_, secret) = token::create(self.documents().store(), name, scopes, &self.clock).await.unwrap();
        secret.expose().to_owned()
    }

    /// Proposes a purge, with a token for that.
    pub(crate) async fn propose(&self, purge: &str, ids: &[&str]) -> Response {
        let token = self.named_token("anna", &[Scope::Purge]).await;
        let body = json!({"purge": purge, "proposed_by": "anna", "ids": ids});
        let url = format!("{}/v1/purges", self.server.url());
        self.client.post(url).bearer_auth(token).json(&body).send().await.unwrap()
    }

    /// Approves it, with another.
    pub(crate) async fn approve(&self, purge: &str) -> Response {
        let token = self.named_token("ben", &[Scope::Approve]).await;
        let url = format!("{}/v1/purges/{purge}/approval", self.server.url());
        self.client.post(url).bearer_auth(token).json(&json!({"approved_by": "ben"})).send().await.unwrap()
    }

    /// Has files of an approved purge deleted.
    pub(crate) async fn run_purge(&self, purge: &str, ids: &[&str]) -> Vec<Answer> {
        self.answers(&format!("/v1/purges/{purge}/run"), &json!({"ids": ids})).await
    }

    /// Approves it, and has files deleted.
    pub(crate) async fn approved(&self, purge: &str, ids: &[&str]) -> Vec<Answer> {
        let response = self.approve(purge).await;
        let status = response.status();
        assert!(status.is_success(), "{status}: {}", response.text().await.unwrap());
        self.run_purge(purge, ids).await
    }

    /// All three.
    pub(crate) async fn purge(&self, purge: &str, ids: &[&str]) -> Vec<Answer> {
        assert_eq!(self.propose(purge, ids).await.status(), StatusCode::CREATED);
        self.approved(purge, ids).await
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.server.url())).bearer_auth(&self.admin)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Response {
        self.request(Method::POST, path).json(body).send().await.unwrap()
    }

    pub(crate) async fn put(&self, id: &str, filename: &str, body: impl Into<reqwest::Body>) -> Response {
        let request = self.request(Method::PUT, &format!("/v1/bookings/{id}/timesheet"));
        request.query(&[("filename", filename)]).body(body).send().await.unwrap()
    }

    /// Creates a booking, uploads its timesheet and signs it off.
    pub(crate) async fn booking(&self, id: &str, filename: &str, body: &[u8]) -> BookingInfo {
        assert_eq!(self.post("/v1/bookings", &json!({"id": id})).await.status(), StatusCode::CREATED);
        assert_eq!(self.put(id, filename, body.to_vec()).await.status(), StatusCode::CREATED);
        let signed = self.post(&format!("/v1/bookings/{id}/sign-off"), &json!(null)).await;
        assert_eq!(signed.status(), StatusCode::OK);
        signed.json().await.unwrap()
    }

    pub(crate) async fn info(&self, id: &str) -> BookingInfo {
        self.get(&format!("/v1/bookings/{id}")).await.json().await.unwrap()
    }

    pub(crate) async fn waiting(&self, query: &str) -> Waiting {
        let response = self.get(&format!("/v1/bookings/waiting{query}")).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.unwrap()
    }

    /// A good proof for a booking, on a drive of its own.
    pub(crate) async fn proof(&self, id: &str) -> Mark {
        Mark {
            id: id.to_owned(),
            digest: self.info(id).await.timesheet.unwrap().digest,
            drive: DriveId::random(),
            path: format!("site/2026-11/data/{id}/file"),
            read_back: ReadBack::Direct,
            proven_at: self.clock.now(),
            event: EventId::new(Timestamp::UNIX_EPOCH),
        }
    }

    pub(crate) async fn mark(&self, marks: &[Mark]) -> Vec<Answer> {
        self.answers("/v1/marks", &json!({"marks": marks})).await
    }

    pub(crate) async fn mark_one(&self, id: &str) {
        let mark = self.proof(id).await;
        assert_eq!(self.mark(&[mark]).await[0].outcome, AnswerOutcome::Done);
    }

    pub(crate) async fn move_to_archived(&self, ids: &[&str]) -> Vec<Answer> {
        self.answers("/v1/moves", &json!({"ids": ids})).await
    }

    pub(crate) async fn answers(&self, path: &str, body: &Value) -> Vec<Answer> {
        let response = self.post(path, body).await;
        let status = response.status();
        let text = response.text().await.unwrap();
        assert_eq!(status, StatusCode::OK, "{text}");
        serde_json::from_str::<Answers>(&text).unwrap().answers
    }

    /// Every file below the document root but our own, by its path.
    pub(crate) fn files(&self) -> Vec<String> {
        let root = self.documents().settings().documents.clone();
        let mut files = Vec::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                    if !name.starts_with(".strongroom/") || name.ends_with(".part") {
                        files.push(name);
                    }
                }
            }
        }
        files.sort();
        files
    }
}

/// Asserts that an answer is a problem of that kind, and gives its detail.
pub(crate) async fn problem(response: Response, status: StatusCode, code: &str) -> String {
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    assert_eq!(response.status(), status);
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["type"], format!("urn:strongroom:problem:{code}"), "{body}");
    assert_eq!(body["status"], status.as_u16());
    body["detail"].as_str().unwrap().to_owned()
}
