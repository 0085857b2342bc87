//! Passes the rows to the walker, from one snapshot of the file.

use sqlx::ConnectOptions;
use sqlx::sqlite::SqliteConnection;
use strongroom_model::text::printable;
use strongroom_model::{Position, SiteId};

use super::list::json_list;
use super::open::result_code;
use super::{SqliteLog, schema};
use crate::error::LogError;
use crate::reading::{column, limit};
use crate::stream_head::keeping_types;
use crate::verify::{Damage, Fault, RawRow, Stop, Verification, Walker, no_stray};
use strongroom_proof::Head;

/// Rows in memory at once.
const BATCH: usize = 256;

const SQLITE_CORRUPT: i64 = 11;
const SQLITE_NOTADB: i64 = 26;

impl SqliteLog {
    pub(crate) async fn verify(&self, site: &SiteId, earlier: &[Head]) -> Result<Verification, LogError> {
        // Its own connection, so that its snapshot ends with it, even if this future is dropped.
        let mut connection = self.options.connect().await?;
        let mut walker = Walker::new(site.as_str(), earlier);
        let walked = walk(&mut connection, &mut walker).await;
        walker.report(walked, is_damage)
    }
}

/// Whether the file is wrong, rather than unreadable just now.
fn is_damage(error: &sqlx::Error) -> bool {
    let undecodable = matches!(error, sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. });
    undecodable || matches!(result_code(error), Some(SQLITE_CORRUPT | SQLITE_NOTADB))
}

async fn walk(connection: &mut SqliteConnection, walker: &mut Walker) -> Result<(), Stop> {
    sqlx::query("BEGIN").execute(&mut *connection).await?;
    let stored: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT size, frontier FROM head").fetch_optional(&mut *connection).await?;
    walker.begin(stored)?;
    while walker.take(&read_rows(connection, walker.next()).await?)? {}
    walker.finish()?;
    check_streams(connection).await?;
    check_guards(connection, walker.next()).await?;
    check_database(connection, walker.next()).await
}

/// The next rows; at one that the database cannot read, those before it, then the error.
async fn read_rows(connection: &mut SqliteConnection, from: Position) -> Result<Vec<RawRow>, sqlx::Error> {
    match read_batch(connection, from, BATCH).await {
        Err(error) if is_damage(&error) => read_batch(connection, from, 1).await,
        other => other,
    }
}

async fn read_batch(
    connection: &mut SqliteConnection,
    from: Position,
    most: usize,
) -> Result<Vec<RawRow>, sqlx::Error> {
    sqlx::query_as(
        "SELECT e.position AS at, e.stream, e.version AS event_version, e.id, e.type, e.time_us,
                CAST(e.body AS BLOB) AS body, e.leaf_hash,
                p.position AS previous, f.position AS first, n.position IS NULL AS is_last,
                s.name, s.first_position, s.position, s.version, s.next_stage, s.due_at_us, s.status, s.partition,
                CASE WHEN n.position IS NULL AND e.type IN (SELECT value FROM json_each(?1)) THEN (
                    SELECT d.body FROM event d WHERE d.stream = e.stream AND d.version < e.version
                    AND d.type NOT IN (SELECT value FROM json_each(?1)) ORDER BY d.version DESC LIMIT 1
                ) END AS decisive
         FROM event e
         LEFT JOIN event p ON p.stream = e.stream AND p.version = e.version - 1
         LEFT JOIN event n ON n.stream = e.stream AND n.version = e.version + 1
         LEFT JOIN event f ON n.position IS NULL AND f.stream = e.stream AND f.version = 0
         LEFT JOIN stream s ON n.position IS NULL AND s.name = e.stream
         WHERE e.position >= ?2 ORDER BY e.position LIMIT ?3",
    )
    .bind(json_list(keeping_types()))
    .bind(column(from.0))
    .bind(limit(most))
    .fetch_all(connection)
    .await
}

async fn check_streams(connection: &mut SqliteConnection) -> Result<(), Stop> {
    let stray: Option<(String, i64)> = sqlx::query_as(
        "SELECT s.name, s.position FROM stream s
         WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.position = s.position AND e.stream = s.name)
         ORDER BY s.position LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    Ok(no_stray(stray)?)
}

async fn check_guards(connection: &mut SqliteConnection, end: Position) -> Result<(), Stop> {
    let found = schema::guards(connection).await?;
    let expected = schema::expected_guards().await?;
    let differs = expected.iter().find(|guard| !found.contains(guard));
    // An unknown trigger could change whatever is appended.
    let differs = differs.or_else(|| found.iter().find(|guard| !expected.contains(guard)));
    match differs {
        None => Ok(()),
        Some((name, _)) => Err(Damage { position: end, fault: Fault::Guard(printable(name, 80)) }.into()),
    }
}

/// SQLite's own check of pages and indexes.
async fn check_database(connection: &mut SqliteConnection, end: Position) -> Result<(), Stop> {
    let result: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(connection).await?;
    if result == "ok" { Ok(()) } else { Err(Damage { position: end, fault: Fault::Database(result) }.into()) }
}
