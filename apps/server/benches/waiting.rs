//! How long the oldest 100 bookings take to list, over HTTP, when a thousand wait and when a
//! million do.
//!
//! `cargo bench -p strongroom-server` prints the ratio of the two, which says that an index is
//! read and not the table, and the times themselves, which are this machine's.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints what it measured")]

use std::path::Path;
use std::time::{Duration, Instant};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection, SqliteConnection};
use strongroom_server::token::{self, Scope};
use strongroom_server::{Database, Server, Settings, Store};
use strongroom_servers::target::{self, Asked};
use strongroom_service::Clock;
use strongroom_service::config::ServiceUrl;

/// How often the list is asked for. The quickest counts: what else the machine does is not
/// what is measured.
const TIMES: usize = 101;
/// What it may take at the most, whatever the number of bookings, in milliseconds.
const MAX_MS: f64 = 10.0;

#[tokio::main]
async fn main() {
    // `cargo test --all-targets` runs this, too, without the argument: then it is enough that it builds.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    rustls::crypto::ring::default_provider().install_default().unwrap();
    for kind in ["SQLite", "Postgres"] {
        let few = quickest(kind, 1_000).await;
        let many = quickest(kind, 1_000_000).await;
        let ratio = many.as_secs_f64() / few.as_secs_f64();
        println!("{kind}: the oldest 100 of 1,000,000 take {ratio:.2} times as long as of 1,000 ({few:.2?})");
        let what = format!("the oldest 100 of 1,000,000 bookings in {kind}");
        target::line(&what, many.as_secs_f64() * 1e3, "ms", Asked::AtMost(MAX_MS));
    }
}

/// How long the list of the oldest takes where so many wait.
async fn quickest(kind: &str, bookings: u32) -> Duration {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let documents = dir.path().join("documents");
    std::fs::create_dir(&documents).unwrap();
    let database = match kind {
        "SQLite" => Database::Sqlite(dir.path().join("server.db")),
        _ => Database::Postgres(ServiceUrl::database(&strongroom_servers::postgres().database().url).unwrap()),
    };
    Store::open(database.clone()).await.unwrap().close().await;
    fill(&database, bookings).await;

    let mut settings = Settings::new(documents, database.clone());
    settings.listen = "127.0.0.1:0".parse().unwrap();
    let server = Server::start(settings, Clock::system()).await.unwrap();
    let made = token::create(server.documents().store(), "bench", &[Scope::Backup], &Clock::system()).await;
    let (_, secret) = made.unwrap();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let url = format!("{}/v1/bookings/waiting?limit=100", server.url());
    let mut quickest = Duration::MAX;
    for _ in 0..TIMES {
        let began = Instant::now();
        let response = client.get(&url).bearer_auth(secret.expose()).send().await.unwrap();
        let body: serde_json::Value = response.json().await.unwrap();
        quickest = quickest.min(began.elapsed());
        assert_eq!(body["bookings"].as_array().map(Vec::len), Some(100));
        assert_eq!(body["waiting"], bookings);
    }
    server.stop().await;
    quickest
}

/// Bookings that wait, signed off in another order than they were recorded in.
async fn fill(database: &Database, bookings: u32) {
    const COLUMNS: &str = "id, state, created_at_us, filename, size_bytes, digest, path, signed_off_at_us";
    match database {
        Database::Sqlite(path) => fill_sqlite(path, COLUMNS, bookings).await,
        Database::Postgres(url) => {
            let mut db = PgConnection::connect(url.reveal().as_str()).await.unwrap();
            let sql = format!(
                "INSERT INTO strongroom_server.booking ({COLUMNS}) \
                 SELECT 'B-' || n, 'signed-off', n, 'timesheet.pdf', 8192, 'sha256:' || repeat('0', 64), \
                 convert_to('uploads/B-' || n, 'UTF8'), n::bigint * 7919 % 1000003 \
                 FROM generate_series(1, {bookings}) AS n"
            );
            sqlx::query(AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
        }
    }
}

async fn fill_sqlite(path: &Path, columns: &str, bookings: u32) {
    let mut db = SqliteConnection::connect(path.to_str().unwrap()).await.unwrap();
    let sql = format!(
        "WITH RECURSIVE counted (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {bookings}) \
         INSERT INTO booking ({columns}) \
         SELECT 'B-' || n, 'signed-off', n, 'timesheet.pdf', 8192, 'sha256:' || printf('%064d', 0), \
         CAST('uploads/B-' || n AS BLOB), n * 7919 % 1000003 FROM counted"
    );
    sqlx::query(AssertSqlSafe(sql)).execute(&mut db).await.unwrap();
}
