//! Passes the rows to the walker, from one snapshot of the file.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{ConnectOptions, FromRow, Row as _};
use strongroom_model::text::printable;
use strongroom_model::{Position, SiteId};

use super::list::json_list;
use super::open::result_code;
use super::{SqliteLog, schema};
use crate::error::{LogError, StorageError};
use crate::merkle::Frontier;
use crate::reading::{column, limit};
use crate::stored::Head;
use crate::stream_head::{StreamHead, keeping_types};
use crate::verify::{Damage, Fault, RawRow, Verification, Walker};

/// Rows in memory at once.
const BATCH: usize = 256;

const SQLITE_CORRUPT: i64 = 11;
const SQLITE_NOTADB: i64 = 26;

enum Stop {
    Damage(Damage),
    Storage(sqlx::Error),
}

impl From<Damage> for Stop {
    fn from(damage: Damage) -> Self {
        Self::Damage(damage)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Storage(error)
    }
}

impl SqliteLog {
    pub(crate) async fn verify(&self, site: &SiteId, earlier: &[Head]) -> Result<Verification, LogError> {
        // Its own connection, so that its snapshot ends with it, even if this future is dropped.
        let mut connection = self.options.connect().await.map_err(StorageError::from)?;
        let mut walker = Walker::new(site.as_str(), earlier);
        let mut head = Head { size: 0, root: Frontier::default().root() };
        let damage = match walk(&mut connection, &mut walker, &mut head).await {
            Ok(()) => None,
            Err(Stop::Damage(damage)) => Some(damage),
            Err(Stop::Storage(error)) if is_damage(&error) => {
                Some(Damage { position: walker.next(), fault: Fault::Unreadable(error.to_string()) })
            }
            Err(Stop::Storage(error)) => return Err(StorageError::from(error).into()),
        };
        Ok(walker.report(head, damage))
    }
}

/// Whether the file is wrong, rather than unreadable just now.
fn is_damage(error: &sqlx::Error) -> bool {
    let undecodable = matches!(error, sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. });
    undecodable || matches!(result_code(error), Some(SQLITE_CORRUPT | SQLITE_NOTADB))
}

async fn walk(connection: &mut SqliteConnection, walker: &mut Walker, head: &mut Head) -> Result<(), Stop> {
    sqlx::query("BEGIN").execute(&mut *connection).await?;
    let stored: Option<(i64, Vec<u8>)> =
        sqlx::query_as("SELECT size, frontier FROM head").fetch_optional(&mut *connection).await?;
    let (size, frontier) = stored.ok_or(Damage { position: Position(0), fault: Fault::Head })?;
    let size = size.unsigned_abs();
    let frontier = Frontier::from_bytes(size, &frontier);
    *head = Head { size, root: frontier.as_ref().map_or([0; 32], Frontier::root) };
    loop {
        let rows = read_rows(connection, walker.next()).await?;
        for row in &rows {
            walker.step(row)?;
        }
        if rows.is_empty() {
            break;
        }
    }
    let frontier = frontier.ok_or(Damage { position: Position(size), fault: Fault::Head })?;
    walker.finish(&frontier)?;
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

impl FromRow<'_, SqliteRow> for RawRow {
    fn from_row(row: &SqliteRow) -> Result<Self, sqlx::Error> {
        let place =
            |name| Ok::<_, sqlx::Error>(row.try_get::<Option<i64>, _>(name)?.map(|at| Position(at.unsigned_abs())));
        let projected: Option<String> = row.try_get("name")?;
        Ok(Self {
            position: place("at")?.unwrap_or_default(),
            stream: row.try_get("stream")?,
            version: row.try_get("event_version")?,
            id: row.try_get("id")?,
            type_name: row.try_get("type")?,
            time_us: row.try_get("time_us")?,
            body: row.try_get("body")?,
            leaf_hash: row.try_get("leaf_hash")?,
            previous: place("previous")?,
            is_last: row.try_get("is_last")?,
            first: place("first")?,
            decisive: row.try_get("decisive")?,
            head: projected.map(|_| StreamHead::from_row(row).map_err(|error| error.to_string())),
        })
    }
}

/// Whether each projected stream has its last event; the converse was checked on the way.
async fn check_streams(connection: &mut SqliteConnection) -> Result<(), Stop> {
    let stray: Option<(String, i64)> = sqlx::query_as(
        "SELECT s.name, s.position FROM stream s
         WHERE NOT EXISTS (SELECT 1 FROM event e WHERE e.position = s.position AND e.stream = s.name)
         ORDER BY s.position LIMIT 1",
    )
    .fetch_optional(connection)
    .await?;
    match stray {
        None => Ok(()),
        Some((name, at)) => {
            let fault = Fault::UnknownStream(printable(&name, 160));
            Err(Damage { position: Position(at.unsigned_abs()), fault }.into())
        }
    }
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
